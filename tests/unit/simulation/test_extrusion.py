"""Loop extrusion is the steady state that it is said to be, and CTCF sites act on it as they should."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.simulation.extrusion import HOLD, PROCESSIVITY, WRONG_STRAND, contacts, loop_density, step_rates

BIN = 2000
UNLOAD = 2 * BIN / PROCESSIVITY


def contact(sites: list[tuple[int, bool]], left: int, right: int, occupancy: float = 0.9) -> float:
    """Contacts of two bins with sites, given as bin and strand, around them and even loading."""
    bins, forward = np.array([at for at, _ in sites], dtype=int), np.array([s for _, s in sites], dtype=bool)
    rates = step_rates(bins, forward, np.full((1, len(sites)), occupancy), 80)
    found = contacts(loop_density(np.ones((1, 80)), rates, 70, BIN))
    return float(found[right - left, 0, left])


def test_the_density_solves_the_balance_of_all_states() -> None:
    """Against the linear system of every pair of legs, solved as it is."""
    rng = np.random.default_rng(0)
    n = 7
    load, rates = rng.random((1, n)) + 0.1, rng.random((2, 1, n)) + 0.05
    states = [(i, j) for i in range(n) for j in range(i, n)]
    balance, source = np.zeros((len(states), len(states))), np.zeros(len(states))
    for row, (i, j) in enumerate(states):
        balance[row, row] = UNLOAD + rates[0, 0, i] + rates[1, 0, j]
        source[row] = load[0, i] if i == j else 0.0
        if (i + 1, j) in states:
            balance[row, states.index((i + 1, j))] -= rates[0, 0, i + 1]
        if (i, j - 1) in states:
            balance[row, states.index((i, j - 1))] -= rates[1, 0, j - 1]
    density = loop_density(load, rates, n, BIN)
    solved = np.linalg.solve(balance, source)
    np.testing.assert_allclose([density[j - i, 0, i] for i, j in states], solved, rtol=1e-10)
    assert density[3, 0, n - 3 :].tolist() == [0.0] * 3


def test_environments_are_followed_side_by_side() -> None:
    rng = np.random.default_rng(1)
    load, rates = rng.random((3, 20)), rng.random((2, 3, 20))
    together = loop_density(load, rates, 15, BIN)
    for k in range(3):
        alone = loop_density(load[k : k + 1], rates[:, k : k + 1], 15, BIN)
        np.testing.assert_array_equal(together[:, k], alone[:, 0])


def test_without_sites_loops_get_rarer_with_their_size_at_the_rate_of_unloading() -> None:
    density = loop_density(np.ones((1, 60)), np.ones((2, 1, 60)), 40, BIN)[:, 0, 5]
    np.testing.assert_allclose(density[1:] / density[:-1], 2.0 / (2.0 + UNLOAD), rtol=1e-10)


@pytest.mark.parametrize("strand", [True, False])
def test_each_site_between_two_loci_lowers_their_contacts_further(strand: bool) -> None:
    found = [contact([(at, strand) for at in between], 20, 50) for between in ([], [35], [30, 40])]
    assert found[1] < 0.9 * found[0]
    assert found[2] < 0.9 * found[1]


def test_a_site_blocks_the_more_the_oftener_it_is_bound_and_saturates() -> None:
    found = [
        contact([(28, True), (42, False)], 20, 50, occupancy) for occupancy in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    steps = -np.diff(found)
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_sites_that_face_each_other_bring_together_what_lies_at_them() -> None:
    none, divergent = contact([], 20, 50), contact([(20, False), (50, True)], 20, 50)
    convergent = contact([(20, True), (50, False)], 20, 50)
    assert convergent > 2.0 * none
    assert convergent > 1.5 * divergent


def test_sites_outside_the_loop_do_nothing_where_loops_end_inside() -> None:
    """Extruders that join two loci were loaded between them."""
    assert contact([(5, True), (70, False)], 20, 50) == pytest.approx(contact([], 20, 50), rel=1e-12)


def test_a_leg_is_held_up_by_the_strand_that_faces_it() -> None:
    rates = step_rates(np.array([3, 5]), np.array([True, False]), np.array([[1.0, 0.5]]), 8)
    left, right = rates[:, 0]
    assert left[3] == pytest.approx(1 / (1 + HOLD))
    assert right[3] == pytest.approx(1 / (1 + HOLD * WRONG_STRAND))
    assert right[5] == pytest.approx(1 / (1 + HOLD / 2))
    assert left[[0, 1, 2, 4, 6, 7]].tolist() == [1.0] * 6
    both = step_rates(np.array([3, 3]), np.array([True, True]), np.array([[0.5, 0.5]]), 8)
    assert both[0, 0, 3] == pytest.approx(left[3])
