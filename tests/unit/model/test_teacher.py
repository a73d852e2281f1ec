"""What the graph expects of a cell line, and how it is fused with a support set."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.graph.propagation import PrototypeGraph
from cbat.model.teacher import Teacher

N_TISSUES, PER_TISSUE, N_CHANNELS = 5, 4, 60
TISSUES = [f"tissue{i}" for i in range(N_TISSUES)]
LINES = [f"line{i}_{j}" for i in range(N_TISSUES) for j in range(PER_TISSUE)]


KINDS = ("kriging", "random_walk", "gcn")


def graph_of(lines: list[str]) -> PrototypeGraph:
    names = [*lines, *TISSUES]
    adjacency = np.zeros((len(names), len(names)))
    for row, line in enumerate(lines):
        tissue = len(lines) + int(line[4])
        adjacency[row, tissue] = adjacency[tissue, row] = 1.0
    kinds = ["cell_line"] * len(lines) + ["tissue"] * N_TISSUES
    return PrototypeGraph(tuple(names), tuple(kinds), adjacency)


def world(correlation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Environments of the training lines, and of one new line of each tissue."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(N_TISSUES, 1, N_CHANNELS))
    own = rng.normal(size=(N_TISSUES, PER_TISSUE + 1, N_CHANNELS))
    values = 0.3 * (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)
    return values[:, :-1].reshape(-1, N_CHANNELS), values[:, -1]


def fitted(correlation: float, *, graph: bool = True, seed: int = 0) -> tuple[Teacher, np.ndarray]:
    known, new = world(correlation, seed)
    noise = np.random.default_rng(seed + 100).normal(size=known.shape) / np.sqrt(2000)
    counts = np.full(len(LINES), 2000.0)
    return Teacher.fit(LINES, known + noise, counts, graph_of(LINES) if graph else None), new


def error(teacher: Teacher, new: np.ndarray, n: int, *, state: bool = True, seed: int = 9) -> float:
    """Squared error of the environments that are read for the new lines, in variances between lines."""
    rng = np.random.default_rng(seed)
    total = []
    for tissue, truth in zip(TISSUES, new, strict=True):
        seen = truth + rng.normal(size=N_CHANNELS) / np.sqrt(n) if n else None
        reading = teacher.read(seen, n, tissue if state else None)
        total.append((reading.environment - (truth - teacher.centre) / teacher.spread) ** 2)
    return float(np.mean(total))


def test_relatives_help_most_where_the_support_is_small() -> None:
    with_graph, new = fitted(0.8)
    without, _ = fitted(0.8, graph=False)
    gains = [error(without, new, n) - error(with_graph, new, n) for n in (0, 8, 64, 4096)]
    assert gains[0] > 0.3
    assert gains[0] > gains[1] > gains[2] > gains[3] > -0.01


def test_an_uninformative_graph_costs_next_to_nothing() -> None:
    with_graph, new = fitted(0.0)
    without, _ = fitted(0.0, graph=False)
    assert error(with_graph, new, 64) < 1.05 * error(without, new, 64)


def test_the_share_that_follows_the_graph_is_learned() -> None:
    def mean_share(correlation: float) -> float:
        teacher, _ = fitted(correlation)
        shares = [share for share, _, _ in teacher.kriging.processes]
        return float(teacher.kriging.weights @ shares)

    assert mean_share(0.0) < 0.25
    assert mean_share(0.9) > 0.7


def test_the_tissue_is_read_from_the_support_set() -> None:
    teacher, new = fitted(0.8)
    rng = np.random.default_rng(4)
    for tissue, truth in zip(TISSUES, new, strict=True):
        seen = truth + rng.normal(size=N_CHANNELS) / 16
        reading = teacher.read(seen, 256, None)
        assert max(reading.tissues, key=lambda name: reading.tissues[name]) == tissue
        assert sum(reading.tissues.values()) == pytest.approx(1.0)


def test_a_wrong_statement_of_the_tissue_gives_way_to_the_support_set() -> None:
    teacher, new = fitted(0.8)
    seen = new[0] + np.random.default_rng(4).normal(size=N_CHANNELS) / 16
    right, wrong = (teacher.read(seen, 256, tissue) for tissue in (TISSUES[0], TISSUES[1]))
    assert wrong.tissues[TISSUES[0]] > 0.9
    assert np.abs(wrong.environment - right.environment).max() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_line_does_not_teach_itself(kind: str) -> None:
    """Not by its values, and not by what is fitted or learned of them either."""
    known, _ = world(0.5, 0)
    moved = known.copy()
    moved[0] += 10.0 * np.random.default_rng(1).normal(size=N_CHANNELS)
    one, other = (
        Teacher.fit(LINES, values, np.full(len(LINES), 2000.0), graph_of(LINES), kind).expectation(
            TISSUES[0], without=LINES[0]
        )
        for values in (known, moved)
    )
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.variance, other.variance)


def test_it_knows_lines_by_their_edges_and_not_by_their_names() -> None:
    known, new = world(0.7, 2)
    counts = np.full(len(LINES), 2000.0)
    renamed = [f"line{line[4]}_x{position}" for position, line in enumerate(LINES)]
    one, other = (
        Teacher.fit(names, known, counts, graph_of(names)).read(new[1], 64, TISSUES[1]).environment
        for names in (LINES, renamed)
    )
    np.testing.assert_allclose(one, other)


def test_without_graph_or_support_a_line_is_the_average_line() -> None:
    teacher, _ = fitted(0.5, graph=False)
    reading = teacher.read(None, 0, "anything")
    np.testing.assert_allclose(reading.environment, 0.0, atol=1e-9)
    assert dict(reading.tissues) == {}
