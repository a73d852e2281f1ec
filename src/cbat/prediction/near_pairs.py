"""All pairs of an enhancer and a promoter of one chromosome within a window of distances, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.windows import spread

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PairRows:
    """Some pairs of a chromosome.

    Attributes
    ----------
    enhancer, promoter : int array, shape=(n,)
        Rows of the tables of elements.
    distance : int array, shape=(n,)
        Between the centres, bp.
    upstream : int array, shape=(n,)
        +1 where the enhancer lies left of the promoter, else -1.
    """

    enhancer: Rows
    promoter: Rows
    distance: Rows
    upstream: Rows

    def __len__(self) -> int:
        return len(self.distance)


def centres(table: pd.DataFrame) -> Rows:
    """Centres of elements, shape=(n,), bp: those of the intervals that the windows were laid around."""
    start, end = (table[name].to_numpy(dtype=np.int64) for name in ("start", "end"))
    return np.asarray(start + (end - start) // 2)


@dataclass(frozen=True)
class NearPairs:
    """Pairs within a window of distances, in the order of the enhancers, then of the promoters' centres.

    Attributes
    ----------
    order : int array, shape=(n_enhancers,)
        Rows of the enhancers, sorted by the interval that the user gave, as a table of pairs must be.
    enhancer, promoter : int array
        Centres of the ordered enhancers, and of the promoters in falling row order of their centres.
    promoter_order : int array, shape=(n_promoters,)
        Rows of the promoters, sorted by centre.
    first, last : int array, shape=(n_enhancers,)
        Promoters within the longest distance.
    min_distance : int
    count : int array, shape=(n_enhancers,)
        Pairs of each ordered enhancer.
    """

    order: Rows
    enhancer: Rows
    promoter: Rows
    promoter_order: Rows
    first: Rows
    last: Rows
    min_distance: int
    count: Rows

    @classmethod
    def of(
        cls, enhancers: pd.DataFrame, promoters: pd.DataFrame, min_distance: int, max_distance: int
    ) -> NearPairs:
        """Pairs of elements of one chromosome whose centres are at least and at most so far apart, bp."""
        order = np.lexsort([enhancers[name].to_numpy() for name in ("start", "source_end", "source_start")])
        enhancer, promoter = centres(enhancers)[order], centres(promoters)
        promoter_order = np.argsort(promoter, kind="stable")
        promoter = promoter[promoter_order]
        first, last = _within(promoter, enhancer, max_distance)
        nearer = np.subtract(*_within(promoter, enhancer, min_distance - 1)[::-1]) if min_distance else 0
        count = last - first - nearer
        return cls(order, enhancer, promoter, promoter_order, first, last, min_distance, count)

    def __len__(self) -> int:
        return int(self.count.sum())

    def every(self, step: int) -> NearPairs:
        """The pairs of every ``step``-th enhancer."""
        part = slice(None, None, max(step, 1))
        return replace(
            self,
            order=self.order[part],
            enhancer=self.enhancer[part],
            first=self.first[part],
            last=self.last[part],
            count=self.count[part],
        )

    def pieces(self, size: int) -> Iterator[PairRows]:
        """The pairs, about ``size`` at a time; an enhancer is never cut in two."""
        start = 0
        total = np.cumsum(self.last - self.first)
        while start < len(self.order):
            before = total[start - 1] if start else 0
            stop = max(int(np.searchsorted(total, before + size, side="right")), start + 1)
            yield self._piece(slice(start, stop))
            start = stop

    def _piece(self, part: slice) -> PairRows:
        first, n = self.first[part], self.last[part] - self.first[part]
        which, place = spread(n)
        # Promoter of each pair: the first of its enhancer and those that follow.
        place = place + first[which]
        offset = self.enhancer[part][which] - self.promoter[place]
        kept = np.abs(offset) >= self.min_distance
        which, place, offset = which[kept], place[kept], offset[kept]
        return PairRows(
            self.order[part][which],
            self.promoter_order[place],
            np.abs(offset),
            np.where(offset < 0, 1, -1),
        )


def _within(promoter: Rows, enhancer: Rows, distance: int) -> tuple[Rows, Rows]:
    """First promoter, and the one after the last, within a distance of each enhancer."""
    return (
        np.searchsorted(promoter, enhancer - distance, side="left"),
        np.searchsorted(promoter, enhancer + distance, side="right"),
    )
