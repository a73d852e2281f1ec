"""What each context feeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cbat.config.models import ModelSettings
from cbat.config.sections import ALL_CANDIDATES, EvaluationSettings
from cbat.data.shards import read_shard
from cbat.graph.propagation import PrototypeGraph, load_graph
from cbat.model.blocks import SupportReader, encode_shards
from cbat.model.bundle import TrainedModel, encoded, score_pairs
from cbat.model.calibration import Calibration
from cbat.model.contact import BlockEnvironment, ContactModel
from cbat.model.contexts import Context, Feeder
from cbat.model.encoder import MotifEncoder
from cbat.model.teacher import Teacher
from cbat.training.episodes import build_training_data

SETTINGS = EvaluationSettings(support_sizes=[0, 16, 96, "all"], headline_support=96, contexts=[
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
        data.deviations, data.counts, Calibration.single(1.0), 0.5, {},
    )  # fmt: skip
    unseen = [read_shard(tiny_project.shard(line)) for line in tiny_project.unseen]
    elements, (own, other) = encode_shards(unseen, encoder, ["test"], all_candidates=True)
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
    supports = feeder._supports_of(feeder.other, 96)
    other = set(feeder.other.support[feeder.other.blocks()].ravel().tolist())
    assert {row for row in supports.ravel().tolist() if row >= 0} <= other
    for rows, queried in zip(supports, feeder._queried_elements(), strict=True):
        assert not set(rows.tolist()) & set(queried.tolist())
    assert not torch.allclose(contexts["wrong", 96].environment.fused, contexts["own", 96].environment.fused)


@pytest.mark.parametrize("name", ["own", "wrong"])
def test_all_candidates_of_all_chromosomes_are_one_support_set(feeder: Feeder, contexts, name: str) -> None:
    found = contexts[name, ALL_CANDIDATES]
    line, tissue = (feeder.own, "any") if name == "own" else (feeder.other, None)
    deviation, n = feeder.reader.mean(line.candidates)
    assert n == len(line.candidates) > 96
    expected = feeder.model.teacher.read(deviation, n, tissue).environment
    assert found.environment.fused.shape == (1, 4)
    np.testing.assert_allclose(found.environment.fused[0].numpy(), expected, rtol=1e-5)
    assert (found.n_used() == n).all()
    assert len(found.n_used()) == len(feeder.own.pairs)


@torch.no_grad()
@pytest.mark.parametrize("set_encoder", ["isab", "isab_tied"])
def test_a_set_encoder_also_weighs_environments_without_support(feeder: Feeder, set_encoder: str) -> None:
    """Else what the graph says would be in other units than what a support set says."""
    settings = feeder.model.settings.model_copy(update={"set_encoder": set_encoder})
    contact = ContactModel(4, settings).eval()
    contact.set_encoder.settle(torch.full((4,), 1.5))
    asked = replace(feeder, model=replace(feeder.model, settings=settings, contact=contact))
    found = {(one.name, one.n_support): encoded(contact, one.environment) for one in asked.contexts(SETTINGS)}
    expected = torch.from_numpy(feeder.model.teacher.read(None, 0, "any").environment).float()
    torch.testing.assert_close(found["graph", 0].fused[0], 2.5 * expected)
    for of_block in found["own", 0].fused:
        assert torch.equal(of_block, found["graph", 0].fused[0])
    assert (found["mean", 0].fused == 0).all()
    torch.testing.assert_close(found["own", 16].fused, asked_fused(feeder, 16))


def asked_fused(feeder: Feeder, size: int) -> torch.Tensor:
    """Environments of the line's support sets, as a set encoder that has learned nothing leaves them."""
    settings = SETTINGS.model_copy(update={"contexts": ["own"], "support_sizes": [size]})
    (own,) = feeder.contexts(settings)
    return own.environment.fused


def test_a_sibling_brings_its_support_sets_and_the_tissue_is_stated(feeder: Feeder) -> None:
    beside = replace(feeder, sibling=feeder.other)
    settings = SETTINGS.model_copy(update={"contexts": ["sibling"], "support_sizes": [96]})
    (found,) = beside.contexts(settings)
    assert (found.name, found.n_support) == ("sibling", 96)
    supports = feeder._supports_of(feeder.other, 96)
    deviation, n = feeder.reader.mean(supports[0])
    expected = feeder.model.teacher.read(deviation, n, "any").environment
    np.testing.assert_allclose(found.environment.fused[0].numpy(), expected, rtol=1e-5)
    assert not list(feeder.contexts(settings)), "there is no sibling"


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


def told(feeder: Feeder, stated_tissue: str, tissue: str | None, tissues: list[str]) -> Feeder:
    """The same feeder on a graph with these tissues, whose lines take turns."""
    lines = feeder.model.teacher.lines
    adjacency = np.zeros((len(lines) + len(tissues),) * 2)
    for row in range(len(lines)):
        at = len(lines) + row % len(tissues)
        adjacency[row, at] = adjacency[at, row] = 1.0
    kinds = ("cell_line",) * len(lines) + ("tissue",) * len(tissues)
    graph = PrototypeGraph((*lines, *tissues), kinds, adjacency)
    model = replace(
        feeder.model,
        settings=feeder.model.settings.model_copy(update={"stated_tissue": stated_tissue}),
        teacher=Teacher.fit(lines, feeder.model.deviations, feeder.model.counts, graph),
    )
    return replace(feeder, model=model, tissue=tissue)


@pytest.mark.parametrize(
    ("stated", "tissue", "expected"),
    [
        ("own", "blood", "blood"),
        ("own", None, None),
        ("unknown", "blood", None),
        ("wrong", "blood", "brain"),
        ("wrong", "brain", "skin"),
        ("wrong", "skin", "blood"),
        ("wrong", "colon", "skin"),
        ("wrong", None, "blood"),
    ],
)
def test_the_model_is_told_what_its_settings_say(feeder: Feeder, stated: str, tissue, expected) -> None:
    asked = told(feeder, stated, tissue, ["skin", "blood", "brain"])
    assert asked.stated_tissue == expected
    for context in asked.contexts(SETTINGS.model_copy(update={"support_sizes": [16]})):
        if context.name == "graph":
            found = asked.model.teacher.read(None, 0, expected).environment
            np.testing.assert_allclose(context.environment.fused[0].numpy(), found, rtol=1e-5)
        if context.name == "own":
            deviation, n = asked.reader.mean(asked.own.support[asked.own.blocks()[0], :16])
            found = asked.model.teacher.read(deviation, n, expected).environment
            np.testing.assert_allclose(context.environment.fused[0].numpy(), found, rtol=1e-5)


def test_without_another_tissue_none_is_told(feeder: Feeder) -> None:
    assert told(feeder, "wrong", "blood", ["blood"]).stated_tissue is None


@torch.no_grad()
@pytest.mark.parametrize("attention", ["isolated", "crossing"])
def test_blocks_scored_together_are_one_set_to_crossing_attention_only(feeder: Feeder, attention) -> None:
    settings = feeder.model.settings.model_copy(update={"set_encoder": "isab", "block_attention": attention})
    torch.manual_seed(0)
    contact = ContactModel(4, settings).eval()
    torch.nn.init.normal_(contact.set_encoder.out.weight)
    contact.resistance.gain.fill_(0.1)
    asked = replace(feeder, model=replace(feeder.model, settings=settings, contact=contact))
    (own,) = asked.contexts(SETTINGS.model_copy(update={"contexts": ["own"], "support_sizes": [16]}))
    before = score_pairs(contact, *features(feeder), feeder.own.scored, own.environment)
    rows = own.environment.rows.copy()
    rows[0] = rows[-1]
    changed = replace(own.environment, rows=rows)
    after = score_pairs(contact, *features(feeder), feeder.own.scored, changed)
    moved = np.abs(after.environment_resistance - before.environment_resistance)
    elsewhere = own.environment.block.numpy() != 0
    assert (moved[~elsewhere] > 0).all()
    assert (moved[elsewhere] > 0).all() if attention == "crossing" else (moved[elsewhere] == 0).all()


def features(feeder: Feeder) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    n = int(max(feeder.own.scored.enhancer.max(), feeder.own.scored.promoter.max())) + 1
    return torch.rand(n, 4, 3, generator=generator), torch.rand(n, 4, 3, generator=generator)


def test_without_an_element_the_stated_tissue_speaks_alone(feeder: Feeder, contexts) -> None:
    own, graph = contexts["own", 0], contexts["graph", 0]
    expected = np.broadcast_to(graph.environment.fused.numpy(), own.environment.fused.shape)
    np.testing.assert_allclose(own.environment.fused.numpy(), expected)
    assert (own.n_used() == 0).all()


def test_support_sets_that_were_read_but_not_encoded_are_refused(feeder: Feeder) -> None:
    contact = feeder.model.contact
    read = BlockEnvironment(
        torch.zeros(len(feeder.own.pairs), dtype=torch.int64), torch.zeros(1, 4), torch.zeros(1, 2, 4)
    )
    with pytest.raises(ValueError, match="not encoded"):
        score_pairs(contact, *features(feeder), feeder.own.scored, read)
