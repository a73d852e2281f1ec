"""Every shipped model trains, is saved and read again; and each does what its file says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cbat.config.load import load_section
from cbat.config.models import EncoderSettings, ModelSettings
from cbat.config.sections import EvaluationSettings, TrainingSettings
from cbat.data.shards import read_shard
from cbat.evaluation.cell_line import Opened, score_cell_line
from cbat.graph.propagation import PrototypeGraph, load_graph
from cbat.model.blocks import read_environment
from cbat.model.bundle import TrainedModel, load_encoder, load_model, save_model
from cbat.model.contact import BlockEnvironment, ContactModel, Energies, PairBatch
from cbat.model.encoder import MotifEncoder
from cbat.training import train
from cbat.training.episodes import TrainingData, build_training_data
from cbat.training.losses import Objective, competition, contact_loss, entanglement
from cbat.training.mixing import mixed_supports, permuted_graph

pytestmark = pytest.mark.slow

MODELS = Path(__file__).resolve().parents[3] / "config" / "models"
QUICK = {"steps": 18, "validation_every": 9, "support_size": 64, "learning_rate": 0.01}
EVALUATION = EvaluationSettings(support_sizes=[16, 64], headline_support=64, n_bootstrap=0)


@pytest.fixture(scope="module")
def encoder(new_encoder) -> Path:
    settings = {"n_filters": 4, "filter_width": 14, "refinement_rounds": 1, "refinement_elements": 200}
    return new_encoder(EncoderSettings(**settings))


@pytest.fixture(scope="module")
def shards(tiny_project) -> list:
    return [read_shard(tiny_project.shard(line)) for line in tiny_project.train]


def data_for(tiny_project, shards, encoder: Path, seed: int = 0, **over) -> TrainingData:
    settings = ModelSettings(**(QUICK | over))
    graph = load_graph(tiny_project.graph)
    return build_training_data(shards, tiny_project.train, load_encoder(encoder), graph, settings, seed)


def score(model: TrainedModel, tiny_project) -> pd.DataFrame:
    opened = Opened(*(read_shard(tiny_project.shard(line)) for line in tiny_project.unseen))
    return pd.concat(pairs for *_, pairs in score_cell_line(model, opened, "any", EVALUATION))


@pytest.mark.parametrize("name", sorted(path.stem for path in MODELS.glob("*.yaml")))
def test_every_shipped_model_trains_and_scores_the_same_after_it_was_saved(
    name: str, tiny_project, encoder, tmp_path
) -> None:
    shipped = load_section(ModelSettings, MODELS / f"{name}.yaml")
    settings = shipped.model_copy(update=QUICK | {"hidden_units": min(8, shipped.hidden_units)})
    train.run(
        shards=[tiny_project.shard(line) for line in tiny_project.train],
        train_lines=tiny_project.train[:-1],
        validation_lines=tiny_project.train[-1:],
        encoder=encoder,
        graph=tiny_project.graph,
        settings=settings,
        training=TrainingSettings(device="cpu"),
        seed=1,
        threads=1,
        directory=tmp_path / "one",
    )
    model = load_model(tmp_path / "one")
    assert model.settings == settings
    assert model.has_environment == (settings.environment != "none")
    one = score(model, tiny_project)
    assert np.isfinite(one["score"]).all()
    assert one["environment_resistance"].any() == model.has_environment
    save_model(tmp_path / "two", model)
    pd.testing.assert_frame_equal(one, score(load_model(tmp_path / "two"), tiny_project))
    assert (tmp_path / "two/model.json").read_bytes() == (tmp_path / "one/model.json").read_bytes()


def test_a_trained_model_in_memory_scores_as_the_one_in_its_folder(
    tiny_project, shards, encoder, tmp_path
) -> None:
    """What only training knows (a permuted graph, a table of identities) is in the folder or not needed."""
    for over in ({"graph": "permuted", "set_encoder": "isab_tied"}, {"teacher": "id_table"}):
        settings = ModelSettings(**(QUICK | over))
        data = data_for(tiny_project, shards, encoder, seed=3, **over)
        contact, _ = train.fit(data, settings, TrainingSettings(), 3, torch.device("cpu"))
        model = train.finished(data, contact, load_encoder(encoder), settings)
        save_model(tmp_path / next(iter(over)), model)
        again = load_model(tmp_path / next(iter(over)))
        pd.testing.assert_frame_equal(score(model, tiny_project), score(again, tiny_project))
        if over.get("graph") == "permuted":
            assert np.array_equal(again.teacher.graph.adjacency, data.teacher.graph.adjacency)


def graph_of(tissues: list[str]) -> PrototypeGraph:
    names = sorted(set(tissues))
    n = len(tissues)
    adjacency = np.zeros((n + len(names),) * 2)
    for line, tissue in enumerate(tissues):
        at = n + names.index(tissue)
        adjacency[line, at] = adjacency[at, line] = 1.0 + line
    lines = tuple(f"line_{number}" for number in range(n))
    return PrototypeGraph((*lines, *names), ("cell_line",) * n + ("tissue",) * len(names), adjacency)


@pytest.mark.parametrize("seed", range(5))
def test_no_line_keeps_its_tissue_on_a_permuted_graph(seed: int) -> None:
    for tissues in (list("aabbccdd"), list("abcdefgh"), list("aaabbb"), list("aabbc")):
        graph = graph_of(tissues)
        wrong = permuted_graph(graph, seed)
        assert (wrong.names, wrong.kinds) == (graph.names, graph.kinds)
        lines = [f"line_{number}" for number in range(len(tissues))]
        assert all(wrong.tissue_of(line) != graph.tissue_of(line) for line in lines)
        assert sorted(wrong.adjacency.ravel()) == sorted(graph.adjacency.ravel())
        assert np.array_equal(wrong.adjacency, permuted_graph(graph, seed).adjacency)
    places = [permuted_graph(graph_of(list("aabbccdd")), s).adjacency for s in (seed, seed + 1)]
    assert not np.array_equal(*places)


def test_lines_of_one_tissue_are_scattered_where_that_can_be() -> None:
    wrong = permuted_graph(graph_of(list("aabbccdd")), 0)
    for first in (0, 2, 4, 6):
        assert wrong.tissue_of(f"line_{first}") != wrong.tissue_of(f"line_{first + 1}")


def test_on_a_graph_with_one_tissue_lines_can_only_swap_places() -> None:
    assert permuted_graph(graph_of(list("aaa")), 0).tissue_of("line_0") == "a"


def test_the_teacher_learns_on_the_graph_that_the_settings_name(tiny_project, shards, encoder) -> None:
    graph = load_graph(tiny_project.graph)
    right = data_for(tiny_project, shards, encoder).teacher.graph
    wrong = data_for(tiny_project, shards, encoder, seed=5, graph="permuted").teacher.graph
    assert np.array_equal(right.adjacency, graph.adjacency)
    assert np.array_equal(wrong.adjacency, permuted_graph(graph, 5).adjacency)
    assert data_for(tiny_project, shards, encoder, graph="none").teacher.graph is None
    assert data_for(tiny_project, shards, encoder, teacher="id_table").teacher.graph is None


def test_without_alignment_the_support_set_speaks_alone(tiny_project, shards, encoder) -> None:
    data = data_for(tiny_project, shards, encoder, alignment="none")
    fused = data_for(tiny_project, shards, encoder)
    teacher, settings = data.teacher, ModelSettings(alignment="none")
    deviation = np.arange(float(len(teacher.spread)))
    found = read_environment(settings, teacher, deviation, 16, "any", "train_0")
    np.testing.assert_allclose(
        found, (deviation - teacher.expectation(None, "train_0").mean) / teacher.spread
    )
    # The number of elements and the tissue do not matter; without elements there is nothing to say.
    assert np.array_equal(found, read_environment(settings, teacher, deviation, 4, None, "train_0"))
    assert (read_environment(settings, teacher, None, 0, "any") == 0).all()
    assert (read_environment(settings, teacher, deviation, 0, "any") == 0).all()
    assert np.abs(data.training.environment).mean() > np.abs(fused.training.environment).mean()


def test_mixed_blocks_hold_every_pair_once_but_no_line_of_their_own(tiny_project, shards, encoder) -> None:
    plain, mixed = (data_for(tiny_project, shards, encoder, blocks=kind) for kind in ("homogeneous", "mixed"))

    def keys(episodes) -> list[tuple]:
        columns = (*(one for one in vars(episodes.pairs).values() if one is not None), episodes.label)
        return sorted(zip(*(column.tolist() for column in columns), strict=True))

    assert keys(mixed.training) == keys(plain.training)
    assert np.array_equal(mixed.training.start, plain.training.start)
    assert (mixed.training.line == -1).all()
    # Validation stays homogeneous, to the bit.
    for name in ("environment", "line", "start", "label"):
        assert np.array_equal(getattr(mixed.validation, name), getattr(plain.validation, name))
    # A mixture of lines is near the average line, whatever the block.
    assert mixed.training.environment.std(axis=0).max() < 0.6 * plain.training.environment.std(axis=0).min()


def test_mixed_supports_are_distinct_of_all_lines_and_none_of_the_query() -> None:
    rng = np.random.default_rng(0)
    candidates = [np.arange(0, 400), np.arange(300, 900)]
    queried = [np.arange(0, 50), np.arange(500, 560)]
    found = mixed_supports(candidates, queried, 64, rng)
    for support, own in zip(found, queried, strict=True):
        assert len(set(support.tolist())) == 64
        assert support.min() >= 0
        assert not set(support.tolist()) & set(own.tolist())
        assert (support < 300).any()
        assert (support >= 400).any()
    scarce = mixed_supports([np.arange(5)], [np.array([1])], 8, rng)[0]
    assert sorted(scarce.tolist()) == [-1, -1, -1, -1, 0, 2, 3, 4]


def test_competition_is_the_symmetric_divergence_of_two_bernoulli_laws() -> None:
    one, other = (Energies(torch.randn(9), torch.rand(9)) for _ in range(2))
    p, q = (torch.distributions.Bernoulli(logits=e.logit) for e in (one, other))
    expected = (
        torch.distributions.kl_divergence(p, q) + torch.distributions.kl_divergence(q, p)
    ).mean()  # fmt: skip
    torch.testing.assert_close(competition(one, other), expected, atol=1e-5, rtol=1e-5)
    assert competition(one, one) == 0


def step(settings: ModelSettings) -> tuple[Objective, torch.Tensor, dict]:
    """A loss, and the parts that it should consist of."""
    torch.manual_seed(0)
    contact = ContactModel(4, settings).eval()
    for name, parameter in contact.named_parameters():
        if name.startswith(
            ("linear", "set_encoder.out", "resistance.combinations", "resistance.gain", "resistance.out")
        ):
            torch.nn.init.normal_(parameter)
    objective = Objective(contact, settings, n_lines=3, n_filters=4)
    pairs = PairBatch(torch.rand(8, 4, 3), torch.rand(8, 4, 3), torch.rand(8) * 1e5, torch.ones(8))
    mask = torch.ones(2, 5, dtype=torch.bool)
    environment = BlockEnvironment(torch.arange(8) // 4, torch.randn(2, 4), torch.randn(2, 5, 4), mask)
    label, line, expected = torch.arange(8.0) % 2, torch.tensor([2, 0]), torch.randn(2, 4)
    found = objective(pairs, environment, line, expected)
    block = environment.block
    loss = objective.loss(found, label, block, expected)
    student = contact(pairs, environment)
    taught = expected if objective.identities is None else objective.identities[line]
    teacher = contact(pairs, BlockEnvironment(environment.block, taught))
    compared = block if settings.contrast == "block" else None
    combinations = getattr(contact.resistance, "combinations", None)
    parts = {
        "contact": contact_loss(student.logit, label, compared),
        "orthogonality": settings.orthogonality * entanglement(student, block),
        "cooperation": torch.tensor(0.0)
        if combinations is None
        else settings.cooperation_penalty * combinations.detach().abs().sum(),
        "alignment": settings.alignment_weight * ((contact.fed(environment) - expected) ** 2).mean(),
        "teacher": contact_loss(teacher.logit, label, compared)
        if settings.teacher == "id_table"
        else torch.tensor(0.0),
        "competition": settings.competition_weight * competition(student, teacher),
    }
    return objective, loss, parts


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"contrast": "pooled"},
        {"cooperation": False},
        {"cooperation_penalty": 0.5},
        {"orthogonality": 0.5},
        {"set_encoder": "isab", "alignment_weight": 0.05},
        {"competition_weight": 0.5},
        {"teacher": "id_table"},
        {"teacher": "id_table", "competition_weight": 1.0, "environment": "film", "set_encoder": "isab"},
    ],
)
def test_the_loss_is_the_sum_of_the_parts_that_the_settings_name(over: dict) -> None:
    objective, loss, parts = step(ModelSettings(**over))
    torch.testing.assert_close(loss, sum(parts.values()))
    loss.backward()
    assert (parts["orthogonality"] > 0) == ("orthogonality" in over)
    assert (parts["cooperation"] > 0) == (over.get("cooperation", True) and "environment" not in over)
    if over.get("alignment_weight"):
        assert parts["alignment"] > 0
    if over.get("teacher") == "id_table":
        gradient = objective.identities.grad
        assert (gradient[[0, 2]] != 0).any(dim=1).all()
        assert (gradient[1] == 0).all()  # no block of that line in the step


def test_the_graphs_expectation_is_that_of_the_line_without_itself(tiny_project, shards, encoder) -> None:
    over = {"set_encoder": "isab", "alignment_weight": 0.05}
    data = data_for(tiny_project, shards, encoder, **over)
    for line, expected in zip(data.training.line, data.training.expected, strict=True):
        name = tiny_project.train[line]
        np.testing.assert_array_equal(expected, data.teacher.read(None, 0, "any", without=name).environment)
    assert data_for(tiny_project, shards, encoder, set_encoder="isab").training.expected is None


def test_a_pull_draws_the_environment_towards_the_graph(tiny_project, shards, encoder) -> None:
    distances = []
    for weight in (0.001, 5.0):
        over = {"set_encoder": "isab", "alignment_weight": weight, "steps": 36}
        data = data_for(tiny_project, shards, encoder, **over)
        settings = ModelSettings(**(QUICK | over))
        contact, _ = train.fit(data, settings, TrainingSettings(), 1, torch.device("cpu"))
        fed = (
            contact.fed(data.training.block_environment(data.reader, np.arange(len(data.training))))
            .detach()
            .numpy()
        )
        distances.append(float(((fed - data.training.expected) ** 2).mean()))
    assert distances[1] < 0.7 * distances[0]


def test_the_tied_set_encoder_reads_fewer_elements_in_training(tiny_project, shards, encoder) -> None:
    over = {"set_encoder": "isab_tied", "set_encoder_elements": 10}
    data = data_for(tiny_project, shards, encoder, **over)
    plain = data_for(tiny_project, shards, encoder)
    for name in ("training", "validation"):
        assert getattr(data, name).support.shape[1] == 10
        # What is fused still comes from the whole support set.
        assert np.array_equal(getattr(data, name).environment, getattr(plain, name).environment)


def test_a_random_encoder_fits_too(tiny_project, shards) -> None:
    torch.manual_seed(0)
    encoder = MotifEncoder(torch.randn(4, 4, 8), torch.full((4,), 0.2))
    settings = ModelSettings(**(QUICK | {"set_encoder": "isab_tied"}))
    data = build_training_data(shards, tiny_project.train, encoder, load_graph(tiny_project.graph), settings)
    contact, history = train.fit(data, settings, TrainingSettings(), 1, torch.device("cpu"))
    assert [row["step"] for row in history] == [0, 9, 18]
    # What random motifs teach is kept only where it pays.
    assert (contact.set_encoder.out.weight != 0).any() == (train.best_step(history) > 0)
