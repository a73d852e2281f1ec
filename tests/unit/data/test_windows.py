"""Windows: 0-based half-open, centred on the middle rounded down, of one length whatever the source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbat.data.windows import centre, element_ids, window_start

intervals = st.tuples(st.integers(0, 250_000_000), st.integers(1, 100_000)).map(lambda i: (i[0], i[0] + i[1]))


@pytest.mark.parametrize(
    ("start", "end", "window", "expected"),
    [
        (1000, 2000, 1000, (1000, 2000)),  # the window is the interval itself
        (1000, 2000, 200, (1400, 1600)),
        (1000, 1001, 100, (950, 1050)),  # a single base
        (1000, 1003, 100, (951, 1051)),  # 2003 // 2 = 1001
        (1000, 1002, 101, (951, 1052)),  # an odd window has its extra base on the right: 1001 - 50
        (10, 20, 100, (-35, 65)),  # beyond the start of the chromosome the length is kept
        (0, 1, 1, (0, 1)),
    ],
)
def test_by_hand(start: int, end: int, window: int, expected: tuple[int, int]) -> None:
    first = window_start([start], [end], window)
    assert (first[0], first[0] + window) == expected


@given(intervals, st.integers(1, 5000), st.integers(-1000, 1000))
def test_a_window_holds_the_centre_and_moves_with_its_interval(
    interval: tuple[int, int], window: int, shift: int
) -> None:
    start, end = interval
    middle, first = int(centre([start], [end])[0]), int(window_start([start], [end], window)[0])
    assert start <= middle < end
    assert first <= middle < first + window
    # As many bases on both sides, but for one.
    assert (middle - first) - (first + window - 1 - middle) in (0, 1)
    assert window_start([start + shift], [end + shift], window)[0] == first + shift


def test_names_are_windows() -> None:
    names = element_ids(["chr1", "chrX"], [1400, -35], 100)
    assert names.tolist() == ["chr1:1400-1500", "chrX:-35-65"]
    assert element_ids([], np.array([], dtype=np.int64), 100).tolist() == []
