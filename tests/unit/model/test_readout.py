"""Where support sets lie on the graph, and how far the answer can be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.graph.propagation import PrototypeGraph
from cbat.model.environment import Expectation
from cbat.model.readout import (
    POWERS,
    Nodes,
    Supports,
    Witness,
    calibrated_power,
    confidence,
    has_relative,
    log_posterior,
)
from cbat.model.teacher import EVIDENCE_POWER, Teacher

TISSUES = ["blood", "brain", "liver"]
LINES = [f"{tissue}_{number}" for tissue in TISSUES for number in range(3)]
N_CHANNELS = 24


def graph_of(lines: list[str]) -> PrototypeGraph:
    names = [*lines, *TISSUES]
    adjacency = np.zeros((len(names), len(names)))
    for row, line in enumerate(lines):
        tissue = len(lines) + TISSUES.index(line.split("_")[0])
        adjacency[row, tissue] = adjacency[tissue, row] = 1.0
    kinds = ["cell_line"] * len(lines) + ["tissue"] * len(TISSUES)
    return PrototypeGraph(tuple(names), tuple(kinds), adjacency)


def environments(seed: int, n_lines: int = 3, correlation: float = 0.7) -> np.ndarray:
    """Lines of each tissue, shape=(n_tissues * n_lines, n_channels)."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(len(TISSUES), 1, N_CHANNELS))
    own = rng.normal(size=(len(TISSUES), n_lines, N_CHANNELS))
    values = 0.3 * (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)
    return values.reshape(-1, N_CHANNELS)


def teacher_of(values: np.ndarray, lines: list[str] = LINES) -> Teacher:
    return Teacher.fit(lines, values, np.full(len(lines), 2000.0), graph_of(lines))


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return teacher_of(environments(0))


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_posterior_of_two_nodes_is_the_one_of_the_textbook(power: float) -> None:
    n, variance = 50.0, 0.04
    nodes = [Expectation(np.array([sign * 0.2, 0.0]), np.full(2, variance)) for sign in (1.0, -1.0)]
    seen = np.array([[0.07, 3.0]])
    evidence = Supports(seen, np.array([n])).log_evidence(nodes)
    share = np.exp(log_posterior(evidence, power, np.array([0.25, 0.75])))[0, 0]
    # Two normal densities of one variance: the log-odds are linear in what is seen.
    log_odds = np.log(1 / 3) + power * 2 * 0.2 * 0.07 / (variance + 1 / n)
    assert share == pytest.approx(1 / (1 + np.exp(-log_odds)))


def test_a_known_line_is_shrunk_towards_the_mean_of_all() -> None:
    values = environments(1)
    teacher = Teacher.fit(LINES, values, np.full(len(LINES), 100.0), None)
    _, _, process = teacher.kriging.processes[0]
    scale, noise, centre = process.scale, 1 / 100, values.mean(axis=0)
    keep = scale / (scale + noise)
    found = teacher.kriging.known_line(LINES[4])
    np.testing.assert_allclose(found.mean, centre + keep * (values[4] - centre))
    expected = scale * (1 - keep) + (1 - keep) ** 2 * (scale + noise) / len(LINES)
    np.testing.assert_allclose(found.variance, expected)


def test_supports_of_a_known_line_name_it_and_those_of_a_stranger_only_its_tissue(teacher: Teacher) -> None:
    rng = np.random.default_rng(3)
    nodes = Nodes.of(teacher)
    assert nodes.names == (*LINES, *teacher.tissues)
    assert nodes.prior[: len(LINES)].sum() == pytest.approx(0.5)
    stranger = environments(0, n_lines=3).reshape(3, 3, -1)[1].mean(axis=0)  # near brain, near no line
    stranger = stranger + 0.25 * rng.normal(size=N_CHANNELS)
    for truth, name in ((environments(0)[5], LINES[5]), (stranger, "brain")):
        seen = truth + rng.normal(size=(20, N_CHANNELS)) / np.sqrt(512)
        evidence = Supports(seen, np.full(20, 512.0)).log_evidence(nodes.expectations)
        mean = np.exp(log_posterior(evidence, 1.0, nodes.prior)).mean(axis=0)
        assert nodes.names[int(mean.argmax())] == name
        assert mean.sum() == pytest.approx(1.0)


def test_a_line_that_is_left_out_is_not_there_at_all() -> None:
    values = environments(0)
    moved = values.copy()
    moved[2] += 5.0
    one, other = (teacher_of(table).left_out(LINES[2]) for table in (values, moved))
    rest = [line for line in LINES if line != LINES[2]]
    fresh = teacher_of(np.delete(values, 2, axis=0), rest)
    for teacher in (one, other):
        assert teacher.lines == tuple(rest)
        assert LINES[2] not in teacher.graph.names
        np.testing.assert_allclose(teacher.expectation("blood").mean, fresh.expectation("blood").mean)
        np.testing.assert_allclose(teacher.kriging.weights, fresh.kriging.weights)


def test_leaving_out_a_stranger_or_the_only_line(teacher: Teacher) -> None:
    assert teacher.left_out("somebody") is teacher
    alone = teacher_of(environments(0)[:1], LINES[:1]).left_out(LINES[0])
    assert alone.lines == ()
    expected = alone.expectation("blood")
    assert (expected.mean == 0).all()
    assert np.isfinite(expected.variance).all()
    assert Nodes.of(alone).names == alone.tissues


def test_a_tissue_can_be_read_only_where_another_line_teaches_it() -> None:
    lines = ["blood_0", "blood_1", "brain_0"]
    teacher = teacher_of(environments(0)[:3], lines)
    assert [has_relative(teacher, line) for line in lines] == [True, True, False]
    assert not has_relative(teacher, "somebody")
    assert not has_relative(Teacher.fit(lines, environments(0)[:3], np.full(3, 9.0), None), "blood_0")


def test_a_set_without_elements_says_nothing(teacher: Teacher) -> None:
    nodes = Nodes.of(teacher)
    evidence = Supports(np.zeros((1, N_CHANNELS)), np.zeros(1)).log_evidence(nodes.expectations)
    np.testing.assert_allclose(np.exp(log_posterior(evidence, 1.3, nodes.prior))[0], nodes.prior)


def witnesses(n: int, overstated: float, seed: int) -> list[Witness]:
    """Lines whose evidence is overstated by a factor: only its true part says how probable a tissue is."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        evidence = rng.normal(0.0, 1.5, size=(1, 4))
        share = np.exp(log_posterior(evidence, 1.0))[0]
        found.append(Witness(overstated * evidence, int(rng.choice(4, p=share))))
    return found


@pytest.mark.parametrize("overstated", [0.5, 1.0, 4.0])
def test_the_power_undoes_what_is_overstated_and_serves_other_lines(overstated: float) -> None:
    power = calibrated_power([witnesses(400, overstated, 0), witnesses(400, overstated, 1)])
    assert power == pytest.approx(1 / overstated, rel=0.25)
    held = witnesses(400, overstated, 2)

    def likelihood(power: float) -> float:
        return float(np.mean([one.log_likelihood(power) for one in held]))

    assert likelihood(power) >= max(likelihood(2.5 * power), likelihood(power / 2.5)) + 0.01
    top, right = confidence(held, power)
    assert top.mean() == pytest.approx(right.mean(), abs=0.06)


def test_a_few_lines_without_a_mistake_do_not_make_it_certain() -> None:
    sure = [Witness(np.array([[5.0, 0.0, 0.0]]), 0) for _ in range(4)]
    assert 0.7 < calibrated_power([sure]) < 2.0 < POWERS[-1]


def test_without_lines_to_learn_from_the_power_is_that_of_the_teacher() -> None:
    assert calibrated_power([[], []]) == EVIDENCE_POWER


def test_lines_left_out_in_turn_calibrate_the_reading_of_new_lines() -> None:
    """The whole way, on a world whose tissues matter: new lines gain likelihood over a power of 0.1 and 5."""
    everything = environments(5, n_lines=6).reshape(len(TISSUES), 6, -1)
    teacher = teacher_of(everything[:, :3].reshape(-1, N_CHANNELS))
    rng = np.random.default_rng(6)

    def witness(one: Teacher, truth: np.ndarray, tissue: str) -> Witness:
        seen = truth + rng.normal(size=(10, N_CHANNELS)) / 8
        evidence = Supports(seen, np.full(10, 64.0)).log_evidence([one.expectation(t) for t in one.tissues])
        return Witness(evidence, one.tissues.index(tissue))

    known = [
        witness(teacher.left_out(line), teacher.deviations[row], line.split("_")[0])
        for row, line in enumerate(LINES)
    ]
    power = calibrated_power([known])
    new = [
        witness(teacher, truth, tissue)
        for tissue, lines in zip(TISSUES, everything, strict=True)
        for truth in lines[3:]
    ]
    mean = {p: np.mean([one.log_likelihood(p) for one in new]) for p in (0.1, power)}
    assert mean[power] > mean[0.1] + 0.2
    assert confidence(new, power)[1].mean() > 0.8
