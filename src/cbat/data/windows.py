"""Fixed windows around the centres of intervals; the window names the element."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Positions = npt.NDArray[np.int64]

ROLES: Final = ("enhancer", "promoter")
"""Element types, in the order of their codes 0 and 1."""


def centre(start: npt.ArrayLike, end: npt.ArrayLike) -> Positions:
    """Centres of 0-based half-open intervals, rounded down, shape=(n,), bp."""
    return (np.asarray(start, dtype=np.int64) + np.asarray(end, dtype=np.int64)) // 2


def window_start(start: npt.ArrayLike, end: npt.ArrayLike, window: int) -> Positions:
    """Starts of the windows of ``window`` bp around the centres, shape=(n,).

    A window that reaches beyond the chromosome keeps its length; its start may be negative.
    """
    return centre(start, end) - window // 2


def element_ids(chrom: npt.ArrayLike, start: npt.ArrayLike, window: int) -> npt.NDArray[np.object_]:
    """Names ``chrom:start-end`` of windows, shape=(n,); equal names are one object."""
    contigs, contig = _distinct(np.asarray(chrom, dtype=object))
    starts, first = _distinct(np.asarray(start, dtype=np.int64))
    # Pairs mention few windows many times, so each name is written once.
    keys, row = _distinct(contig.astype(np.int64) * max(len(starts), 1) + first)
    of_contig, of_start = np.divmod(keys, max(len(starts), 1))
    names = [
        f"{contigs[one]}:{starts[other]}-{starts[other] + window}"
        for one, other in zip(of_contig.tolist(), of_start.tolist(), strict=True)
    ]
    return np.array([*names, None], dtype=object)[row]


def _distinct(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Positions]:
    codes, uniques = pd.factorize(values)
    return np.asarray(uniques), np.asarray(codes, dtype=np.int64)


def spread(count: Positions) -> tuple[Positions, Positions]:
    """Each row as often as it counts, and 0, 1, ... within each; shape=(n,) -> (sum of counts,) twice."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
