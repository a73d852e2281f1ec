"""Peaks of one kind on one chromosome, prepared for sums, counts and maxima between two positions.

Everything is a prefix sum or a table of maxima over sorted positions, so that a question about a pair is two
look-ups, however many peaks lie between its ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.data.windows import spread

FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

ROWS_AT_ONCE: Final = 1 << 18
"""Pairs of a position and a site, or of two sites, that are held in memory at a time."""


def running_sum(values: npt.ArrayLike) -> FloatArray:
    """Sum of the first 0, 1, ..., n values, shape=(n + 1,)."""
    return np.concatenate([[0.0], np.cumsum(np.asarray(values, dtype=float))])


@dataclass(frozen=True, eq=False)
class Sites:
    """Peaks of one kind on one chromosome, sorted by their centres.

    Attributes
    ----------
    start, end, centre : int64 array, shape=(n,)
        0-based half-open, bp.
    activity : array, shape=(n,)
    forward, reverse : array, shape=(n,)
        Activity on each strand; a site without a strand counts half on both.
    """

    start: Positions
    end: Positions
    centre: Positions
    activity: FloatArray
    forward: FloatArray
    reverse: FloatArray
    activity_before: FloatArray = field(repr=False)
    forward_before: FloatArray = field(repr=False)
    reverse_before: FloatArray = field(repr=False)
    _starts: Positions = field(repr=False)
    _ends: Positions = field(repr=False)
    _maxima: tuple[FloatArray, ...] = field(repr=False)

    @classmethod
    def of(
        cls,
        start: npt.ArrayLike,
        end: npt.ArrayLike,
        centre: npt.ArrayLike,
        activity: npt.ArrayLike,
        strand: npt.ArrayLike | None = None,
    ) -> Sites:
        """Sites from columns of equal length.

        Parameters
        ----------
        start, end, centre : array of int, shape=(n,)
            0-based half-open, bp; in any order.
        activity : array of float, shape=(n,)
        strand : array of str, shape=(n,), optional
            ``+``, ``-`` or ``.``; without it no site has a strand.
        """
        order = np.argsort(np.asarray(centre), kind="stable")
        starts, ends, centres = (np.asarray(x, dtype=np.int64)[order] for x in (start, end, centre))
        activities = np.asarray(activity, dtype=float)[order]
        given = np.full(len(order), ".") if strand is None else np.asarray(strand, dtype=np.str_)[order]
        forward = activities * np.select([given == "+", given == "-"], [1.0, 0.0], 0.5)
        reverse = activities - forward
        return cls(
            starts,
            ends,
            centres,
            activities,
            forward,
            reverse,
            running_sum(activities),
            running_sum(forward),
            running_sum(reverse),
            np.sort(starts),
            np.sort(ends),
            _tables_of_maxima(activities),
        )

    def __len__(self) -> int:
        """Number of sites."""
        return len(self.centre)

    def before(self, position: npt.ArrayLike) -> Positions:
        """How many centres lie left of each position."""
        return np.asarray(np.searchsorted(self.centre, np.asarray(position)))

    def near(self, position: Positions, radius: int) -> FloatArray:
        """Sum of the activity whose centres lie within ``radius`` bp of each position."""
        return np.asarray(
            self.activity_before[self.before(position + radius)]
            - self.activity_before[self.before(position - radius)]
        )

    def overlapping(self, position: Positions, radius: int) -> tuple[Positions, Positions]:
        """First and one after the last site that overlaps ``[position - radius, position + radius)``.

        Sites of one kind do not overlap one another, so that starts, ends and centres have one order.
        """
        first = np.searchsorted(self._ends, position - radius, side="right")
        return np.asarray(first), np.asarray(np.searchsorted(self._starts, position + radius))

    def strongest(self, first: Positions, last: Positions) -> FloatArray:
        """Largest activity of the sites ``first`` to ``last`` (excluded); 0 where there is none."""
        result = np.zeros(len(first))
        some = np.flatnonzero(last > first)
        if not len(some):
            return result
        low, high = first[some], last[some]
        level = np.frexp((high - low).astype(float))[1] - 1
        found = np.empty(len(some))
        for one in np.unique(level):
            rows = level == one
            table = self._maxima[int(one)]
            found[rows] = np.maximum(table[low[rows]], table[high[rows] - (1 << int(one))])
        result[some] = found
        return result

    def at(self, position: Positions, radius: int) -> FloatArray:
        """Largest activity of the sites that overlap ``[position - radius, position + radius)``."""
        return self.strongest(*self.overlapping(position, radius))

    def reaching(
        self, position: Positions, radius: int, weight: Callable[[Positions], FloatArray]
    ) -> FloatArray:
        """Activity within ``radius`` bp of each position, weighed by distance and summed, shape=(n,).

        Parameters
        ----------
        position : int array
        radius : int
        weight : callable
            Of distances, bp.
        """
        total = np.zeros(len(position))
        for row, site in self.around(position, radius):
            reached = self.activity[site] * weight(np.abs(self.centre[site] - position[row]))
            total += np.bincount(row, weights=reached, minlength=len(position))
        return total

    def around(self, position: Positions, radius: int) -> Iterator[tuple[Positions, Positions]]:
        """All pairs of a position and a site whose centre is within ``radius`` bp, some positions at a time.

        Yields
        ------
        int array, shape=(n,)
            Rows of positions, in order; all pairs of one position come together.
        int array, shape=(n,)
            Rows of sites.
        """
        low = self.before(position - radius)
        count = self.before(position + radius) - low
        for rows in batches(count):
            place, number = spread(count[rows])
            row = rows[place]
            yield row, low[row] + number


def batches(count: Positions) -> Iterator[Positions]:
    """Rows whose counts add up to about :data:`ROWS_AT_ONCE`, or one row of more; none of those with 0."""
    rows = np.flatnonzero(count)
    batch = np.cumsum(count[rows]) // ROWS_AT_ONCE
    yield from np.split(rows, np.flatnonzero(np.diff(batch)) + 1)


def _tables_of_maxima(values: FloatArray) -> tuple[FloatArray, ...]:
    """Table ``k`` holds the maxima of ``2^k`` neighbours, from each one on."""
    tables = [values]
    width = 1
    while 2 * width <= len(values):
        last = tables[-1]
        tables.append(np.maximum(last[: len(last) - width], last[width:]))
        width *= 2
    return tuple(tables)
