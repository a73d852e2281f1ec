"""Three kinds of Teacher on graphs that are small enough to compute by hand, and what all of them share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbat.graph.places import relatives_of, with_new_line
from cbat.graph.propagation import PrototypeGraph, gcn_normalise
from cbat.model.graph_convolution import LAYERS, GraphConvolution, _convolved
from cbat.model.kriging import Kriging
from cbat.model.random_walk import RandomWalk, Walk, shares_at_new
from cbat.model.teacher import Teacher

KINDS = ("kriging", "random_walk", "gcn")
TISSUES = ("blood", "brain", "liver", "skin")
N_CHANNELS = 24
COUNT = 2000.0


def graph_of(lines: dict[str, str], tissues: tuple[str, ...] = TISSUES) -> PrototypeGraph:
    names = (*lines, *tissues)
    adjacency = np.zeros((len(names), len(names)))
    for row, tissue in enumerate(lines.values()):
        if tissue in tissues:
            at = len(lines) + tissues.index(tissue)
            adjacency[row, at] = adjacency[at, row] = 1.0
    return PrototypeGraph(names, ("cell_line",) * len(lines) + ("tissue",) * len(tissues), adjacency)


def a_world(
    correlation: float = 0.8, per_tissue: int = 3, seed: int = 0
) -> tuple[dict[str, str], np.ndarray]:
    """Lines with their tissues, and their environments."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(len(TISSUES), 1, N_CHANNELS))
    own = rng.normal(size=(len(TISSUES), per_tissue, N_CHANNELS))
    values = 0.3 * (np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own)
    lines = {f"{tissue}_{number}": tissue for tissue in TISSUES for number in range(per_tissue)}
    return lines, values.reshape(-1, N_CHANNELS)


def teacher_of(lines: dict[str, str], values: np.ndarray, kind: str, seed: int = 0) -> Teacher:
    return Teacher.fit([*lines], values, np.full(len(lines), COUNT), graph_of(lines), kind, seed=seed)


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_expect_a_new_line_to_be_like_those_of_its_tissue(kind: str) -> None:
    lines, values = a_world(0.9)
    teacher = teacher_of(lines, values, kind)
    rows = np.array([tissue == "liver" for tissue in lines.values()])
    liver, mean = values[rows].mean(axis=0), values.mean(axis=0)
    expected = teacher.expectation("liver").mean
    assert np.mean((expected - liver) ** 2) < 0.3 * np.mean((mean - liver) ** 2)
    # And less sure of a line of which no tissue is stated.
    assert (teacher.expectation(None).variance > teacher.expectation("liver").variance).mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_without_neighbours_is_expected_to_be_the_mean_line(kind: str) -> None:
    lines, values = a_world(0.0, per_tissue=4)
    teacher = teacher_of(lines, values, kind)
    for tissue in (None, "no such tissue"):
        expected = teacher.expectation(tissue)
        # Tissues of one size and no correlation: every mean of the lines is the plain one.
        np.testing.assert_allclose(expected.mean, values.mean(axis=0), atol=0.02)
        assert (expected.variance > 0.0).all()
    unused = Teacher.fit([*lines], values, np.full(len(lines), COUNT), None, kind)
    np.testing.assert_allclose(unused.expectation("blood").mean, values.mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_lines", [1, 2])
def test_one_or_two_training_lines_are_enough(kind: str, n_lines: int) -> None:
    lines, values = a_world()
    some = dict([*lines.items()][:n_lines])
    teacher = teacher_of(some, values[:n_lines], kind)
    expected = teacher.expectation("blood")
    np.testing.assert_allclose(expected.mean, values[:n_lines].mean(axis=0), atol=1e-6)
    assert np.isfinite(expected.variance).all()
    assert (expected.variance > 0.0).all()
    if n_lines == 1:
        # A line alone does not say that all lines are alike: 256 elements count for more than it.
        seen = np.full(N_CHANNELS, 0.5)
        fused = expected.fuse(seen, 256.0).mean
        assert (np.abs(fused - seen) < np.abs(fused - expected.mean)).all()
    alone = teacher.left_out(next(iter(some)))
    assert np.isfinite(alone.read(values[0], 64.0, "blood").environment).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_sheet_changes_no_number(kind: str) -> None:
    lines, values = a_world(0.6)
    order = np.random.default_rng(3).permutation(len(lines))
    other = {name: lines[name] for name in np.array([*lines])[order]}
    one, two = teacher_of(lines, values, kind), teacher_of(other, values[order], kind)
    for tissue, without in (("brain", None), ("brain", "brain_1"), (None, None)):
        left, right = (teacher.expectation(tissue, without) for teacher in (one, two))
        np.testing.assert_allclose(left.mean, right.mean, atol=1e-6)
        np.testing.assert_allclose(left.variance, right.variance, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_lines_say_nothing(kind: str) -> None:
    lines, values = a_world(0.6)
    renamed = {f"x{row}": tissue for row, tissue in enumerate(lines.values())}
    left, right = (teacher_of(one, values, kind).expectation("skin") for one in (lines, renamed))
    np.testing.assert_array_equal(left.mean, right.mean)
    np.testing.assert_array_equal(left.variance, right.variance)


@pytest.mark.parametrize("kind", ["kriging", "random_walk"])
def test_a_relative_is_one_whatever_the_tissue(kind: str) -> None:
    lines, values = a_world(0.9)
    teacher = teacher_of(lines, values, kind)
    liver = values[[*lines].index("liver_0")]
    found = teacher.expectation(None, relatives=(("liver_0", 3.0), ("a stranger", 1.0))).mean
    plain = teacher.expectation(None).mean
    assert np.mean((found - liver) ** 2) < np.mean((plain - liver) ** 2)


def test_the_walk_by_hand() -> None:
    """A star of two lines and their tissue: a walk from a third line of it reaches both alike."""
    lines = {"a": "blood", "b": "blood", "c": "brain"}
    graph = graph_of(lines, ("blood", "brain"))
    shares = shares_at_new(graph, with_new_line(graph, "blood"), [*lines], 0.1)
    np.testing.assert_allclose(shares, [0.5, 0.5, 0.0])
    values = np.array([[1.0], [3.0], [8.0]])
    scale = np.array([0.04])
    walks = (Walk(0.0, 1.0, 1.2, 0.0), Walk(0.5, 0.1, 0.5, 0.0))
    walk = RandomWalk((*lines,), graph, values, scale, walks, np.array([0.25, 0.75]))
    expected = walk.expectation("blood")
    halfway = 0.5 * 4.0 + 0.5 * 2.0
    assert expected.mean[0] == pytest.approx(0.25 * 4.0 + 0.75 * halfway)
    between = 0.25 * (1.2 * 0.04 + 16.0) + 0.75 * (0.5 * 0.04 + halfway**2) - expected.mean[0] ** 2
    assert expected.variance[0] == pytest.approx(between)
    # A stranger is the mean of all lines, with the error that the plain mean has.
    stranger = walk.expectation("liver")
    assert (stranger.mean[0], stranger.variance[0]) == (4.0, 1.2 * 0.04)


def test_the_walk_trusts_the_graph_as_far_as_it_predicts_lines_left_out() -> None:
    shares = {}
    for correlation in (0.0, 0.9):
        lines, values = a_world(correlation)
        walk = teacher_of(lines, values, "random_walk").expecting
        assert isinstance(walk, RandomWalk)
        shares[correlation] = float(walk.weights @ [one.share for one in walk.walks])
    assert shares[0.0] < 0.3
    assert shares[0.9] > 0.6


def test_edges_between_alike_lines_are_learned_from_lines_left_out() -> None:
    """Lines of unknown tissue that hang together by their similarity alone."""
    lines, values = a_world(0.9)
    stated, of_lines = graph_of(lines), dict.fromkeys(lines, "unknown")
    alone = graph_of(of_lines)
    n = len(lines)
    alike = np.array([[a == b for b in lines.values()] for a in lines.values()]) & ~np.eye(n, dtype=bool)
    adjacency = alone.adjacency.copy()
    adjacency[:n, :n] = alike
    graph = PrototypeGraph(stated.names, stated.kinds, adjacency)
    assert relatives_of(graph, "liver_0") == (("liver_1", 1.0), ("liver_2", 1.0))
    assert relatives_of(graph, "a stranger") == ()
    rows = np.array([tissue == "liver" for tissue in lines.values()])
    liver, mean = values[rows].mean(axis=0), values.mean(axis=0)
    for kind in ("random_walk", "gcn"):
        teacher = Teacher.fit([*lines], values, np.full(n, COUNT), graph, kind)
        expected = teacher.expectation(None, relatives=relatives_of(graph, "liver_0")).mean
        assert np.mean((expected - liver) ** 2) < 0.3 * np.mean((mean - liver) ** 2), kind


def test_the_errors_of_the_walk_are_those_of_lines_left_out() -> None:
    lines, values = a_world(0.9)
    walk = teacher_of(lines, values, "random_walk").expecting
    assert isinstance(walk, RandomWalk)
    plain = walk.walks[0]
    rest = (values.sum(axis=0) - values) / (len(lines) - 1)
    seen = float(((values - rest) ** 2 / walk.scale).mean())
    assert plain.ratio == pytest.approx(seen, rel=0.25)
    assert min(one.ratio for one in walk.walks) < 0.6 * plain.ratio


def test_the_convolution_by_hand() -> None:
    """With weights that only pass values on, it is a power of the propagation matrix of Kipf and Welling."""
    graph = graph_of(a_world()[0])
    place = gcn_normalise(graph.adjacency)
    rng = np.random.default_rng(0)
    signal, mask = rng.normal(size=(len(place), 3)), rng.integers(0, 2, size=(len(place), 1)).astype(float)
    pass_on = torch.full((1, 1), 1.0, dtype=torch.float64)
    weights = {f"value_{layer}": pass_on for layer in range(LAYERS)}
    weights |= {f"mask_{layer}": 0.0 * pass_on for layer in range(LAYERS)}
    weights |= {f"bias_{layer}": torch.zeros(1, dtype=torch.float64) for layer in range(LAYERS)}
    weights |= {name: torch.ones(1, dtype=torch.float64) for name in ("mean", "spread")}
    weights["level"] = torch.tensor(-0.5, dtype=torch.float64)
    given = [torch.from_numpy(part[None]) for part in (place, signal, mask)]
    mean, log_variance = _convolved(weights, *given)
    expected = (np.linalg.matrix_power(place, LAYERS) @ signal)[-1]
    np.testing.assert_allclose(mean[0].numpy(), expected, atol=1e-12)
    assert float(log_variance[0]) == pytest.approx(-0.5)


def test_the_convolution_learns_what_tissues_are_worth() -> None:
    variances = {}
    for correlation in (0.0, 0.9):
        lines, values = a_world(correlation)
        teacher = teacher_of(lines, values, "gcn")
        expected = teacher.expectation("liver")
        variances[correlation] = float((expected.variance / teacher.expecting.scale).mean())
    assert variances[0.9] < 0.6 * variances[0.0]


def test_the_convolution_is_the_same_for_a_seed_and_for_its_kept_weights() -> None:
    lines, values = a_world()
    one, two, other = (teacher_of(lines, values, "gcn", seed) for seed in (1, 1, 2))
    kept = Teacher.fit(
        [*lines], values, np.full(len(lines), COUNT), graph_of(lines), "gcn", seed=1, learned=one.learned
    )
    means = [teacher.expectation("blood").mean for teacher in (one, two, kept, other)]
    np.testing.assert_array_equal(means[0], means[1])
    np.testing.assert_array_equal(means[0], means[2])
    assert not np.array_equal(means[0], means[3])
    assert isinstance(one.expecting, GraphConvolution)
    assert isinstance(teacher_of(lines, values, "kriging").expecting, Kriging)
