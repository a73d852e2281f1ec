"""Fixed windows around the centres of intervals; the window names the element."""

from __future__ import annotations

from typing import Final

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
    """Names ``chrom:start-end`` of windows, shape=(n,)."""
    first = pd.Series(np.asarray(start, dtype=np.int64))
    names = pd.Series(np.asarray(chrom, dtype=object)).astype(str)
    return np.asarray(names + ":" + first.astype(str) + "-" + (first + window).astype(str), dtype=object)
