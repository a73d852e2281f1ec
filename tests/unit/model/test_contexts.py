"""What each context feeds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbat.config.models import ModelSettings
from cbat.config.sections import EvaluationSettings
from cbat.data.shards import read_shard
from cbat.graph.propagation import load_graph
from cbat.model.blocks import SupportReader, encode_shards
from cbat.model.bundle import TrainedModel
from cbat.model.contact import ContactModel
from cbat.model.contexts import Context, Feeder
from cbat.model.encoder import MotifEncoder
from cbat.training.episodes import build_training_data

SETTINGS = EvaluationSettings(support_sizes=[0, 16, 96], headline_support=96, contexts=[
    "own", "none", "mean", "wrong", "shuffled", "graph"
])  # fmt: skip


@pytest.fixture(scope="module")
def feeder(tiny_project) -> Feeder:
    """An untrained model: contexts do not depend on weights."""
    torch.manual_seed(0)
    encoder = MotifEncoder(torch.randn(4, 4, 8), torch.full((4,), 0.2))
    settings = ModelSettings(support_size=96)
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    data = build_training_data(shards, tiny_project.train, encoder, load_graph(tiny_project.graph), settings)
    model = TrainedModel(
        settings, encoder, ContactModel(4, settings), data.statistics, data.teacher,
        data.deviations, data.counts, 1.0, 0.5, {},
    )  # fmt: skip
    unseen = [read_shard(tiny_project.shard(line)) for line in tiny_project.unseen]
    elements, (own, other) = encode_shards(unseen, encoder, ["test"])
    return Feeder(model, SupportReader(elements, data.statistics), own, other, "any")


@pytest.fixture(scope="module")
def contexts(feeder: Feeder) -> dict[tuple[str, int], Context]:
    return {(context.name, context.n_support): context for context in feeder.contexts(SETTINGS)}


def test_own_is_what_the_teacher_reads_from_each_blocks_support(feeder: Feeder, contexts) -> None:
    own = contexts["own", 16]
    blocks = feeder.own.blocks()
    assert own.environment.fused.shape == (len(blocks), 4)
    for place, block in enumerate(blocks):
        deviation, n = feeder.reader.mean(feeder.own.support[block, :16])
        expected = feeder.model.teacher.read(deviation, n, "any").environment
        np.testing.assert_allclose(own.environment.fused[place].numpy(), expected, rtol=1e-5)
        members = feeder.own.pairs["block"].to_numpy() == block
        assert (own.environment.block.numpy()[members] == place).all()
        assert (own.n_used()[members] == n).all()


def test_wrong_comes_from_the_other_line_and_from_no_element_of_the_query(feeder: Feeder, contexts) -> None:
    supports = feeder._wrong_supports(96)
    other = set(feeder.other.support[feeder.other.blocks()].ravel().tolist())
    assert {row for row in supports.ravel().tolist() if row >= 0} <= other
    for rows, queried in zip(supports, feeder._queried_elements(), strict=True):
        assert not set(rows.tolist()) & set(queried.tolist())
    assert not torch.allclose(contexts["wrong", 96].environment.fused, contexts["own", 96].environment.fused)


def test_shuffled_has_the_right_values_on_the_wrong_channels(contexts) -> None:
    own, shuffled = (contexts[name, 96].environment.fused for name in ("own", "shuffled"))
    assert torch.equal(own.sort(dim=1).values, shuffled.sort(dim=1).values)
    assert not torch.equal(own, shuffled)


def test_mean_and_none_rank_alike_and_graph_is_the_teachers_expectation(feeder: Feeder, contexts) -> None:
    assert (contexts["mean", 0].environment.fused == 0).all()
    assert contexts["none", 0].environment is None
    expected = feeder.model.teacher.read(None, 0, "any").environment
    np.testing.assert_allclose(contexts["graph", 0].environment.fused[0].numpy(), expected, rtol=1e-5)
    assert contexts["none", 0].n_used() == 0


def test_only_what_is_asked_for_is_fed(feeder: Feeder) -> None:
    settings = SETTINGS.model_copy(update={"contexts": ["own"], "support_sizes": [16]})
    assert [(context.name, context.n_support) for context in feeder.contexts(settings)] == [("own", 16)]
    alone = Feeder(feeder.model, feeder.reader, feeder.own, None, None)
    assert "wrong" not in {context.name for context in alone.contexts(SETTINGS)}


def test_without_an_element_the_stated_tissue_speaks_alone(feeder: Feeder, contexts) -> None:
    own, graph = contexts["own", 0], contexts["graph", 0]
    expected = np.broadcast_to(graph.environment.fused.numpy(), own.environment.fused.shape)
    np.testing.assert_allclose(own.environment.fused.numpy(), expected)
    assert (own.n_used() == 0).all()
