"""Loops that are extruded past stranded sites, against sums over every base pair where an extruder loads."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.landscape import extrusion
from cbat.landscape import sites as sites_module
from cbat.landscape.extrusion import Extrusion
from cbat.landscape.sites import Sites

STRENGTH = 0.3


class Slow:
    """The definitions, base pair by base pair."""

    def __init__(self, sites: Sites, length: int, strength: float = STRENGTH) -> None:
        self.sites, self.strength = sites, strength
        self.forward, self.reverse = (np.zeros(length + 1) for _ in range(2))
        np.add.at(self.forward, sites.centre, strength * sites.forward)
        np.add.at(self.reverse, sites.centre, strength * sites.reverse)
        self.F, self.R = np.cumsum(self.forward), np.cumsum(self.reverse)

    def integral(self, a: int, b: int, f: float, r: float) -> float:
        """Of e^(-(F(x) - f) - (r - R(x))) from a to b."""
        x = np.arange(a, b)
        return float(np.exp(-(self.F[x] - f) - (r - self.R[x])).sum())

    def chance(self, a: int, b: int, tile: int) -> float:
        return self.integral(a, min(b, a + tile), self.F[a], self.R[b]) / max(b - a, 1)

    def loops(self, a: int, b: int, radius: int) -> float:
        """Over all forward feet near the left end and reverse ones right of them near the right end."""
        total = 0.0
        centre, q = self.sites.centre, -np.expm1(-self.strength * self.sites.forward)
        held = -np.expm1(-self.strength * self.sites.reverse)
        for u in np.flatnonzero((centre >= a - radius) & (centre < a + radius)):
            for v in np.flatnonzero((centre >= b - radius) & (centre < b + radius)):
                if centre[u] < centre[v]:
                    # A foot blocks no loop that it holds: F is taken right of u, R left of v.
                    found = self.integral(centre[u], centre[v], self.F[centre[u]], self.R[centre[v] - 1])
                    total += q[u] * held[v] * found
        return total


def drawn(seed: int, n: int, length: int) -> Sites:
    rng = np.random.default_rng(seed)
    centre = rng.choice(np.arange(1, length), size=n, replace=False)
    strand = rng.choice(["+", "-", "."], n)
    return Sites.of(centre - 1, centre + 1, centre, rng.exponential(2.0, n), strand)


def ends(seed: int, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 1])
    both = np.sort(rng.integers(0, length, (n, 2)), axis=1)
    both[:2] = [[0, length - 1], [length // 2, length // 2]]
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize("n", [0, 1, 3, 40])
@pytest.mark.parametrize("tile", [2_500, 10_000, 5_000_000])
def test_the_chance_to_reach_both_ends(n: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over several tiles, with tiles that hold no site, and between ends that are farther apart."""
    monkeypatch.setattr(extrusion, "TILE", tile)
    length = 12_000
    sites = drawn(n, n, length // 2 if n == 3 else length)
    slow, fast = Slow(sites, length), Extrusion.of(sites, STRENGTH)
    left, right = ends(n, 40, length)
    chance, _ = fast.reaches_both(left, fast.place(left), right, fast.place(right))
    expected = [slow.chance(a, b, tile) for a, b in zip(left, right, strict=True)]
    np.testing.assert_allclose(chance, expected, rtol=1e-9)
    assert chance[1] == 0.0  # of an empty stretch
    assert (chance <= 1.0 + 1e-12).all()


def loops(fast: Extrusion, left: np.ndarray, right: np.ndarray, radius: int) -> np.ndarray:
    return fast.loops(fast.forward_feet.near(left, radius), fast.reverse_feet.near(right, radius))


@pytest.mark.parametrize("n", [0, 1, 3, 40])
@pytest.mark.parametrize("at_once", [1, 7, 1 << 19])
def test_loops_between_feet_near_the_ends(n: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the ends are so near one another that feet of the left one lie right of the right one's."""
    monkeypatch.setattr(sites_module, "ROWS_AT_ONCE", at_once)
    length, radius = 12_000, 900
    sites = drawn(n, n, length)
    slow, fast = Slow(sites, length), Extrusion.of(sites, STRENGTH)
    left, right = ends(n, 30, length)
    right[5:15] = left[5:15] + 200
    expected = [slow.loops(a, b, radius) for a, b in zip(left, right, strict=True)]
    np.testing.assert_allclose(loops(fast, left, right, radius), expected, rtol=1e-9, atol=1e-12)
    assert (n < 40) or sum(found > 0.0 for found in expected) > 20


def test_a_pair_of_convergent_sites_holds_what_loads_between_them() -> None:
    """Divergent ones hold nothing; a site in between blocks its share."""
    a, b = np.array([1_000]), np.array([9_000])
    held = (1.0 - np.exp(-2.0 * STRENGTH)) ** 2
    for strands, share in (("+-", 1.0), ("-+", 0.0), ("++", 0.0), ("+.-", None)):
        centre = np.linspace(1_000, 9_000, len(strands)).astype(int)
        fast = Extrusion.of(Sites.of(centre, centre, centre, [2.0] * len(centre), list(strands)), STRENGTH)
        # Without a strand it blocks half as much, those that load right of it and those left of it.
        expected = np.exp(-STRENGTH) if share is None else share
        assert loops(fast, a, b, 500)[0] == pytest.approx(held * expected * 8_000)


def test_one_site_of_either_strand_in_the_middle() -> None:
    """A forward site blocks those that load right of it, a reverse one those left of it: half of them."""
    for strand in ("+", "-"):
        fast = Extrusion.of(Sites.of([499], [501], [500], [2.0], [strand]), STRENGTH)
        a, b = np.array([0]), np.array([1000])
        chance, _ = fast.reaches_both(a, fast.place(a), b, fast.place(b))
        assert chance[0] == pytest.approx((1.0 + np.exp(-2.0 * STRENGTH)) / 2.0)


def test_the_mirror_image_has_the_same_loops() -> None:
    length, n = 40_000, 60
    rng = np.random.default_rng(4)
    centre = 10 * rng.choice(np.arange(1, length // 10), n, replace=False) + 5
    strand, activity = rng.choice(["+", "-", "."], n), rng.exponential(2.0, n)
    mirrored = np.select([strand == "+", strand == "-"], ["-", "+"], ".")
    left, right = (10 * end for end in ends(4, 30, length // 10))
    found = []
    for sites, a, b in (
        (Sites.of(centre, centre, centre, activity, strand), left, right),
        (Sites.of(*[length - centre] * 3, activity, mirrored), length - right, length - left),
    ):
        fast = Extrusion.of(sites, STRENGTH)
        chance, _ = fast.reaches_both(a, fast.place(a), b, fast.place(b))
        found.append((chance, loops(fast, a, b, 3_000)))
    assert (found[0][1] > 0.0).sum() > 10
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-9)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-8, atol=1e-8)


def test_a_long_chromosome_of_one_strand_stays_within_the_range_of_a_double() -> None:
    """Its blocking adds up to thousands, whose exponential no double holds."""
    centre = np.arange(1_000, 240_000_000, 20_000)
    fast = Extrusion.of(
        Sites.of(centre, centre + 1, centre, np.full(len(centre), 2.0), ["-"] * len(centre)), 0.4
    )
    left = np.arange(0, 230_000_000, 1_000_000)
    right = left + 200_000
    chance, integral = fast.reaches_both(left, fast.place(left), right, fast.place(right))
    assert np.isfinite(integral).all()
    # Ten sites at 1 kb, 21 kb, ...: what loads behind k of them passes those that are left, each by e^-0.8.
    loaded = np.array([1_000] + 9 * [20_000] + [19_000])
    expected = (loaded * np.exp(-0.8 * np.arange(10, -1, -1))).sum() / 200_000
    np.testing.assert_allclose(chance, expected, rtol=1e-6)
