"""Pairs within a window of distances are numbered as if they were listed, and drawn without being listed."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cbat.data.pair_windows import PairWindow, overlapping_pairs

places = st.sets(st.integers(0, 60), max_size=12).map(lambda found: np.array(sorted(found), dtype=np.int64))


def listed(enhancers, promoters, near: int, far: int) -> list[tuple[int, int]]:
    """All pairs, by looking at each."""
    return [
        (one, other)
        for one, other in product(range(len(enhancers)), range(len(promoters)))
        if near <= abs(int(enhancers[one]) - int(promoters[other])) <= far
    ]


@settings(deadline=None)
@given(places, places, st.integers(0, 20), st.integers(0, 30))
def test_every_pair_of_the_window_has_one_number(enhancers, promoters, near: int, wider: int) -> None:
    window = PairWindow(enhancers, promoters, near, near + wider)
    expected = listed(enhancers, promoters, near, near + wider)
    assert len(window) == len(expected)
    numbers = np.arange(len(window))
    pairs = list(zip(*(side.tolist() for side in window.pairs(numbers)), strict=True))
    assert sorted(pairs) == sorted(expected)
    # Enhancers come one after another, so that some of them are a range of numbers.
    assert [one for one, _ in pairs] == sorted(one for one, _ in pairs)
    for one in range(len(enhancers)):
        assert window.first_of(one) == sum(other < one for other, _ in pairs)

    every = np.array(list(product(range(len(enhancers)), range(len(promoters)))), dtype=np.int64).reshape(
        -1, 2
    )
    assert window.numbers(every[:, 0], every[:, 1]).tolist() == numbers.tolist()
    for number, (one, other) in enumerate(pairs):
        assert window.numbers(np.array([one]), np.array([other])).tolist() == [number]


@settings(deadline=None)
@given(places, places, st.integers(0, 10), st.integers(0, 2**32), st.data())
def test_what_is_barred_is_never_drawn(enhancers, promoters, n: int, seed: int, data) -> None:
    window = PairWindow(enhancers, promoters, 0, 25)
    barred = np.array(sorted(data.draw(st.sets(st.integers(0, max(len(window) - 1, 0))))), dtype=np.int64)
    barred = barred[barred < len(window)]
    drawn = window.draw(n, barred, np.random.default_rng(seed))
    assert len(drawn) == min(n, len(window) - len(barred))
    assert (np.diff(drawn) > 0).all()
    assert not set(drawn.tolist()) & set(barred.tolist())
    free = window.free(barred)
    assert sorted([*free.tolist(), *barred.tolist()]) == list(range(len(window)))
    half = len(window) // 2
    assert [*window.free(barred, 0, half), *window.free(barred, half)] == free.tolist()


def test_all_free_pairs_are_drawn_equally_often() -> None:
    window = PairWindow(np.array([100, 120]), np.array([90, 110, 130, 150]), 0, 40)
    barred = np.array([1, 4])
    rng = np.random.default_rng(7)
    counts = np.bincount(
        np.concatenate([window.draw(2, barred, rng) for _ in range(6000)]), minlength=len(window)
    )
    assert counts[barred].tolist() == [0, 0]
    expected = 12_000 / (len(window) - 2)
    assert np.abs(np.delete(counts, barred) - expected).max() < 5 * np.sqrt(expected)


@settings(deadline=None)
@given(places, places, places, st.integers(1, 9), st.integers(1, 9))
def test_pairs_that_overlap_others(enhancers, promoters, at, one: int, other: int) -> None:
    centres = at, at[::-1] + 3
    found = overlapping_pairs(enhancers, promoters, centres, (one, other))
    expected = {
        (e, p)
        for e, p in product(range(len(enhancers)), range(len(promoters)))
        if any(
            abs(int(enhancers[e]) - int(left)) < one and abs(int(promoters[p]) - int(right)) < other
            for left, right in zip(*centres, strict=True)
        )
    }
    assert set(zip(*(side.tolist() for side in found), strict=True)) == expected
