r"""How a loop that is extruded reaches two positions past stranded insulators.

An extruder that loads at :math:`x` moves both ways. On its way left a forward site may stop it, on its way
right a reverse one. With :math:`F` and :math:`R` the cumulated strength of forward and reverse sites, it
reaches both :math:`a < x` and :math:`b > x` with the chance
:math:`e^{-(F(x) - F(a)) - (R(b) - R(x))}`. Averaged over :math:`x`, that is an integral of :math:`e^W`, with
:math:`W = R - F` a step function: a prefix sum.

:math:`W` drifts along a chromosome, and its exponential would leave the range of a double. So the integral is
kept for tiles of the chromosome, each relative to its own beginning and reaching over the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from cbat.data.windows import spread
from cbat.landscape.sites import FloatArray, Positions, Sites, batches, running_sum

TILE: Final = 5_000_000
"""Length of a tile, bp; between ends farther apart than this only the first so many bp count."""


@dataclass(frozen=True, eq=False)
class Extrusion:
    """Cumulated blocking along one chromosome.

    Attributes
    ----------
    sites : Sites
    strength : float
        Blocking for each unit of activity.
    """

    sites: Sites
    strength: float
    _edge: Positions  # sites, and the beginning of each tile: where W may change
    _forward: FloatArray  # F right of each edge
    _reverse: FloatArray
    _tile: Positions
    _level: FloatArray  # W right of each edge, relative to the beginning of its tile
    _integral: FloatArray  # (2, n_edges): of exp(W) from the beginning of its tile, and of the tile before

    @classmethod
    def of(cls, sites: Sites, strength: float) -> Extrusion:
        """Blocking by ``strength`` for each unit of activity."""
        n_tiles = int(sites.centre[-1]) // TILE + 1 if len(sites) else 1
        beginnings = np.arange(n_tiles, dtype=np.int64) * TILE
        edge = np.sort(np.concatenate([sites.centre, beginnings]))
        passed = np.searchsorted(sites.centre, edge, side="right")
        forward = strength * sites.forward_before[passed]
        reverse = strength * sites.reverse_before[passed]
        tile = edge // TILE
        first = np.searchsorted(tile, np.arange(n_tiles + 1))
        level = reverse - forward
        integral = np.zeros((2, len(edge)))
        for one in range(n_tiles):
            rows = slice(first[one], first[min(one + 2, n_tiles)])
            step = np.exp(level[rows] - level[first[one]])
            total = running_sum(np.diff(edge[rows]) * step[:-1])
            n_own = first[one + 1] - first[one]
            integral[0, first[one] : first[one + 1]] = total[:n_own]
            integral[1, first[one + 1] : rows.stop] = total[n_own:]
        return cls(sites, strength, edge, forward, reverse, tile, level - level[first[tile]], integral)

    @cached_property
    def forward_feet(self) -> Feet:
        """Sites that hold what comes from their right."""
        return self._feet(self.sites.forward, self.sites.centre)

    @cached_property
    def reverse_feet(self) -> Feet:
        """Sites that hold what comes from their left."""
        return self._feet(self.sites.reverse, self.sites.centre - 1)

    def _feet(self, activity: FloatArray, beside: Positions) -> Feet:
        rows = activity > 0.0
        holds = -np.expm1(-self.strength * activity[rows])
        return Feet(self.sites.centre[rows], self.place(beside[rows]), holds)

    def place(self, position: Positions) -> Positions:
        """The edge that each position lies right of."""
        return np.asarray(np.searchsorted(self._edge, position, side="right") - 1)

    def between(
        self, left: Positions, at_left: Positions, right: Positions, at_right: Positions
    ) -> FloatArray:
        r""":math:`\int_a^b e^{W(x) - W(a)} dx`, bp.

        Parameters
        ----------
        left, right : int array, shape=(n,)
            :math:`a \le b`, bp.
        at_left, at_right : int array, shape=(n,)
            Their places.
        """
        far = right - left > TILE
        if far.any():
            right = np.where(far, left + TILE, right)
            at_right = np.where(far, self.place(right), at_right)
        tile = self._tile[at_left]
        beyond = self._tile[at_right] - tile
        start = self._integral[0, at_left] + (left - self._edge[at_left]) * np.exp(self._level[at_left])
        level = self._forward[at_left] - self._reverse[at_left] + self._level[at_left]
        level = level + self._reverse[at_right] - self._forward[at_right]
        end = self._integral[beyond, at_right] + (right - self._edge[at_right]) * np.exp(level)
        return np.asarray((end - start) * np.exp(-self._level[at_left]))

    def reaches_both(
        self, left: Positions, at_left: Positions, right: Positions, at_right: Positions
    ) -> tuple[FloatArray, FloatArray]:
        r"""Chance that an extruder from between two positions reaches both, and the integral behind it.

        :math:`\frac{1}{b-a} \int_a^b e^{-(F(x) - F(a)) - (R(b) - R(x))} dx`; shapes as in :meth:`between`.
        """
        integral = self.between(left, at_left, right, at_right)
        blocked = np.exp(self._reverse[at_left] - self._reverse[at_right])
        return blocked * integral / np.maximum(right - left, 1), integral

    def loops(self, forward: tuple[Positions, Positions], reverse: tuple[Positions, Positions]) -> FloatArray:
        r"""Loops between forward feet near the left end and reverse feet right of them near the right end.

        :math:`\sum_{u < v} q_u q_v \int_u^v e^{-(F(x) - F(u)) - (R(v) - R(x))} dx`, with
        :math:`q = 1 - e^{-\mathrm{strength} \cdot A}` the chance that a foot holds an extruder. No foot
        blocks a loop that it holds itself.

        Parameters
        ----------
        forward, reverse : two int arrays, shape=(n,) each
            First and one after the last of ``forward_feet`` and of ``reverse_feet`` (:meth:`Feet.near`).

        Returns
        -------
        array, shape=(n,)
            bp.
        """
        left, right = self.forward_feet, self.reverse_feet
        n_right = reverse[1] - reverse[0]
        count = (forward[1] - forward[0]) * n_right
        total = np.zeros(len(count))
        for rows in batches(count):
            row, number = spread(count[rows])
            row = rows[row]
            u = forward[0][row] + number // n_right[row]
            v = reverse[0][row] + number % n_right[row]
            apart = left.centre[u] < right.centre[v]
            row, u, v = row[apart], u[apart], v[apart]
            chance, _ = self.reaches_both(left.centre[u], left.place[u], right.centre[v], right.place[v])
            found = left.holds[u] * right.holds[v] * chance * (right.centre[v] - left.centre[u])
            total += np.bincount(row, weights=found, minlength=len(count))
        return total


@dataclass(frozen=True, eq=False)
class Feet:
    """Sites that hold an extruder which comes from one side.

    Attributes
    ----------
    centre : int64 array, shape=(n_feet,)
        Sorted, bp.
    place : int array, shape=(n_feet,)
        The edge beside each foot on the side that extruders come from, so that it does not block itself.
    holds : array, shape=(n_feet,)
        Chance that an extruder is held, above 0.
    """

    centre: Positions
    place: Positions
    holds: FloatArray

    def near(self, position: Positions, radius: int) -> tuple[Positions, Positions]:
        """First and one after the last foot within ``radius`` bp of each position."""
        low, high = (np.searchsorted(self.centre, position + sign * radius) for sign in (-1, 1))
        return np.asarray(low), np.asarray(high)
