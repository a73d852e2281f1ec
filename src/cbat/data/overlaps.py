"""Whether intervals meet others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.windows import Positions


def meets(
    chrom: npt.NDArray[np.object_],
    start: Positions,
    end: Positions,
    others: pd.DataFrame,
    *,
    within: int = 0,
    moved: int = 0,
) -> npt.NDArray[np.bool_]:
    """Whether each interval shares a base with one of the others, shape=(n,).

    Parameters
    ----------
    chrom, start, end : array, shape=(n,)
        0-based half-open, bp.
    others : DataFrame
        ``chrom``, ``start``, ``end``.
    within : int
        How far the intervals are widened on both sides, bp.
    moved : int
        How far the others are moved, bp.
    """
    found = np.zeros(len(start), dtype=bool)
    codes, names = pd.factorize(chrom)
    of_contig = dict(tuple(others.groupby("chrom", sort=False)))
    for code, name in enumerate(names):
        if (there := of_contig.get(name)) is not None:
            rows = np.flatnonzero(codes == code)
            first, last = (np.sort(there[side].to_numpy()) + moved for side in ("start", "end"))
            begun = np.searchsorted(first, end[rows] + within, side="left")
            over = np.searchsorted(last, start[rows] - within, side="right")
            found[rows] = begun > over
    return found
