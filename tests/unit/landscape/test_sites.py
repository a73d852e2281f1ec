"""Sums, counts and maxima between positions are those of a loop over all peaks."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.landscape import sites as sites_module
from cbat.landscape.sites import Sites, running_sum

LENGTH = 20_000


def drawn(rng: np.random.Generator, n: int, *, strands: bool = True) -> Sites:
    """Peaks that do not overlap, in any order."""
    edges = np.sort(rng.choice(LENGTH, size=2 * n, replace=False))
    start, end = edges[::2], edges[1::2]
    order = rng.permutation(n)
    strand = rng.choice(["+", "-", "."], n) if strands else None
    return Sites.of(
        start[order], end[order], ((start + end) // 2)[order], rng.exponential(size=n), strand
    )  # fmt: skip


@pytest.fixture(name="sites", params=[0, 1, 2, 7, 64, 500])
def make_sites(request: pytest.FixtureRequest) -> Sites:
    return drawn(np.random.default_rng(request.param), request.param)


@pytest.fixture(name="position")
def make_position() -> np.ndarray:
    inside = np.random.default_rng(9).integers(0, LENGTH, 60)
    return np.concatenate([[0, LENGTH, -5, LENGTH + 5], inside])


def test_a_running_sum_begins_with_nothing() -> None:
    assert running_sum([1.0, 2.0, 4.0]).tolist() == [0.0, 1.0, 3.0, 7.0]
    assert running_sum([]).tolist() == [0.0]


def test_sites_are_sorted_and_keep_their_columns_together() -> None:
    sites = Sites.of([50, 0, 20], [60, 10, 30], [55, 5, 25], [3.0, 1.0, 2.0], ["-", "+", "."])
    assert len(sites) == 3
    assert sites.centre.tolist() == [5, 25, 55]
    assert sites.start.tolist() == [0, 20, 50]
    assert sites.activity.tolist() == [1.0, 2.0, 3.0]
    assert sites.forward.tolist() == [1.0, 1.0, 0.0]
    assert sites.reverse.tolist() == [0.0, 1.0, 3.0]


def test_sites_without_strands_count_half_on_both() -> None:
    sites = drawn(np.random.default_rng(1), 9, strands=False)
    np.testing.assert_array_equal(sites.forward, sites.activity / 2)
    np.testing.assert_array_equal(sites.reverse, sites.activity / 2)


def test_counts_and_sums(sites: Sites, position: np.ndarray) -> None:
    assert sites.before(position).tolist() == [(sites.centre < at).sum() for at in position]
    for radius in (1, 300, 30_000):
        inside = [(sites.centre >= at - radius) & (sites.centre < at + radius) for at in position]
        expected = [sites.activity[here].sum() for here in inside]
        np.testing.assert_allclose(sites.near(position, radius), expected, atol=1e-12)


def test_the_largest_activity_that_overlaps(sites: Sites, position: np.ndarray) -> None:
    for radius in (1, 300, 30_000):
        inside = [(sites.end > at - radius) & (sites.start < at + radius) for at in position]
        expected = [sites.activity[here].max(initial=0.0) for here in inside]
        assert sites.at(position, radius).tolist() == expected


def test_the_strongest_of_every_stretch() -> None:
    sites = drawn(np.random.default_rng(3), 33)
    first, last = (grid.ravel() for grid in np.meshgrid(np.arange(34), np.arange(34)))
    found = sites.strongest(first, last)
    expected = [sites.activity[low:high].max(initial=0.0) for low, high in zip(first, last, strict=True)]
    assert found.tolist() == expected


@pytest.mark.parametrize("at_once", [1, 10, 1 << 18])
def test_rows_of_the_sites_around(
    sites: Sites, position: np.ndarray, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites_module, "ROWS_AT_ONCE", at_once)
    expected = [
        (i, k)
        for i, at in enumerate(position)
        for k, centre in enumerate(sites.centre)
        if at - 400 <= centre < at + 400
    ]
    parts = list(sites.around(position, 400))
    found = [pair for row, site in parts for pair in zip(row.tolist(), site.tolist(), strict=True)]
    assert found == expected
    most = max((sum(i == row for i, _ in expected) for row in range(len(position))), default=0)
    assert all(len(row) < at_once + most for row, _ in parts)
