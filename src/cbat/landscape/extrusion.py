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
from typing import Final

import numpy as np

from cbat.landscape.sites import FloatArray, Positions, Sites, running_sum

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

    def anchors(self, position: Positions, at: Positions, radius: int) -> Anchors:
        """The stranded sites within ``radius`` bp of each position, as both kinds of loop anchor."""
        row, site = self.sites.around(position, radius)
        here, centre = position[row], self.sites.centre[site]
        at_here = at[row]
        # Left of the site itself, so that an anchor does not block its own loop.
        at_site = self.place(centre - 1)
        swap = centre < here
        left, right = np.where(swap, centre, here), np.where(swap, here, centre)
        at_left, at_right = np.where(swap, at_site, at_here), np.where(swap, at_here, at_site)
        shift = (
            self._reverse[at_left] - self._forward[at_left] - self._reverse[at_here] + self._forward[at_here]
        )
        integral = self.between(left, at_left, right, at_right) * np.exp(shift) * np.where(swap, -1.0, 1.0)
        forward = -np.expm1(-self.strength * self.sites.forward[site])
        forward = forward * np.exp(self._forward[at_site] - self._forward[at_here])
        reverse = -np.expm1(-self.strength * self.sites.reverse[site])
        reverse = reverse * np.exp(self._reverse[at_here] - self._reverse[at_site])
        sums = [
            np.bincount(row, weights=weight, minlength=len(position)).astype(float)
            for weight in (forward, forward * integral, reverse, reverse * integral)
        ]
        return Anchors(*sums)

    def anchored(
        self,
        anchors: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
        integral: FloatArray,
        at_left: Positions,
        at_right: Positions,
    ) -> FloatArray:
        r"""Loops between forward sites near the left end and reverse sites near the right one, bp.

        :math:`\sum_{u,v} q_u q_v \int_u^v e^{-(F(x) - F(u)) - (R(v) - R(x))} dx`, with
        :math:`q = 1 - e^{-\mathrm{strength} \cdot A}` the chance that a site holds an extruder.

        Parameters
        ----------
        anchors : four arrays, shape=(n,)
            ``forward`` and ``forward_integral`` of the left end, ``reverse`` and ``reverse_integral`` of the
            right one.
        integral : array, shape=(n,)
            From :meth:`reaches_both`.
        at_left, at_right : int array, shape=(n,)
        """
        forward, forward_integral, reverse, reverse_integral = anchors
        blocked = np.exp(self._reverse[at_left] - self._reverse[at_right])
        passed = np.exp(self._forward[at_left] - self._forward[at_right])
        return np.asarray(
            blocked * (forward * reverse * integral - forward_integral * reverse)
            + passed * forward * reverse_integral
        )


@dataclass(frozen=True)
class Anchors:
    r"""Sums over the sites near each position, shape=(n,) each.

    ``forward`` is :math:`\sum_u q_u e^{F(u) - F(a)}`, ``reverse`` :math:`\sum_v q_v e^{R(b) - R(v)}`; the
    other two weigh each site with the integral of :math:`e^W` from the position to it, relative to it.
    """

    forward: FloatArray
    forward_integral: FloatArray
    reverse: FloatArray
    reverse_integral: FloatArray
