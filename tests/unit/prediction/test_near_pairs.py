"""Pairs within a window of distances, against all pairs by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbat.prediction.near_pairs import NearPairs, centres


def table(starts: list[int], window: int, rng: np.random.Generator) -> pd.DataFrame:
    start = np.array(starts, dtype=np.int64)
    # What the user gave has the same centre, and any length.
    half = rng.integers(1, 500, len(start))
    middle = start + window // 2
    return pd.DataFrame(
        {"start": start, "end": start + window, "source_start": middle - half, "source_end": middle + half}
    )


def by_hand(enhancers: pd.DataFrame, promoters: pd.DataFrame, least: int, most: int) -> set:
    found = set()
    for i, e in enumerate(centres(enhancers)):
        for j, p in enumerate(centres(promoters)):
            if least <= abs(e - p) <= most:
                found.add((i, j, abs(int(e - p)), 1 if e < p else -1))
    return found


@given(
    st.lists(st.integers(0, 5000), max_size=30), st.lists(st.integers(0, 5000), max_size=30),
    st.integers(0, 900), st.integers(1, 3000), st.integers(1, 50),
)  # fmt: skip
def test_all_pairs_once_in_pieces_of_any_size(enhancers, promoters, least, most, size) -> None:
    rng = np.random.default_rng(len(enhancers))
    one, other = table(sorted(enhancers), 100, rng), table(sorted(promoters), 200, rng)
    near = NearPairs.of(one, other, least, most + least)
    pieces = list(near.pieces(size))
    rows = [tuple(map(int, row)) for part in pieces for row in zip(*vars(part).values(), strict=True)]
    expected = by_hand(one, other, least, most + least)
    assert len(rows) == len(near) == len(expected)
    assert set(rows) == expected
    order = [(one["source_start"][i], one["source_end"][i]) for i, _, _, _ in rows]
    assert order == sorted(order)


def test_pieces_keep_their_size() -> None:
    rng = np.random.default_rng(0)
    one, other = (table(sorted(rng.integers(0, 10**6, 400)), 100, rng) for _ in range(2))
    sizes = [len(part) for part in NearPairs.of(one, other, 0, 50_000).pieces(1000)]
    assert max(sizes) <= 1000
    assert len(sizes) > 5


@pytest.mark.parametrize("empty", [0, 1])
def test_no_elements_of_a_role(empty: int) -> None:
    rng = np.random.default_rng(0)
    tables = [table([100, 2000], 100, rng), table([300], 100, rng)]
    tables[empty] = tables[empty].iloc[:0]
    near = NearPairs.of(*tables, 0, 1000)
    assert len(near) == 0
    assert sum(len(part) for part in near.pieces(10)) == 0
