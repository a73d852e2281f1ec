"""How contact falls with distance: a natural cubic spline of the logarithm, fitted before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cbat.model.environment import FloatArray

NEAREST: Final = 1000
"""Pairs nearer than this count as this far apart, bp."""
_QUANTILES: Final = (0.02, 0.2, 0.4, 0.6, 0.8, 0.98)


@dataclass(frozen=True)
class DistanceSpline:
    r"""Log-odds of contact by distance, up to a constant: :math:`s(\log_{10} d) - centre`.

    Beyond the first and the last knot it goes on in a straight line.

    Attributes
    ----------
    knots : tuple of float
        Rising, log10 bp; fewer than two make a spline that says nothing.
    coefficients : tuple of float
        Of the columns of :func:`basis`.
    centre : float
        Mean of the spline among the pairs that it was fitted to.
    """

    knots: tuple[float, ...]
    coefficients: tuple[float, ...]
    centre: float

    def __call__(self, distance: npt.ArrayLike) -> FloatArray:
        """Offset of pairs so far apart, bp; shape=(n,) -> (n,)."""
        return np.asarray(basis(distance, self.knots) @ np.array(self.coefficients) - self.centre)

    def described(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        return {
            "knots": list(self.knots),
            "coefficients": list(self.coefficients),
            "centre": self.centre,
        }

    @classmethod
    def read(cls, described: dict[str, Any]) -> DistanceSpline:
        """From what :meth:`described` has made.

        Raises
        ------
        ValueError
            Numbers of knots and of coefficients do not match.
        KeyError, TypeError
            Something is missing or is not a number.
        """
        knots, coefficients = (
            tuple(float(value) for value in described[name]) for name in ("knots", "coefficients")
        )
        if len(coefficients) != max(len(knots) - 1, 0):
            raise ValueError(f"{len(coefficients)} coefficients for {len(knots)} knots")
        return cls(knots, coefficients, float(described["centre"]))


def log_distance(distance: npt.ArrayLike) -> FloatArray:
    """log10 of distances in bp, of at least :data:`NEAREST`."""
    return np.asarray(np.log10(np.maximum(np.asarray(distance, dtype=float), NEAREST)))


def knots_of(distance: npt.ArrayLike) -> tuple[float, ...]:
    """Knots at quantiles of the log distances; fewer where distances repeat."""
    return tuple(float(knot) for knot in np.unique(np.quantile(log_distance(distance), _QUANTILES)))


def basis(distance: npt.ArrayLike, knots: tuple[float, ...]) -> FloatArray:
    """Columns of a natural cubic spline, shape=(n, n_knots - 1), the first of them linear.

    Each has the range of the knots as its unit (Harrell 2015, restricted cubic splines).
    """
    x = log_distance(distance)
    if len(knots) < 2:
        return np.zeros((len(x), 0))
    first, last = knots[0], knots[-1]
    t, k = (x - first) / (last - first), (np.array(knots) - first) / (last - first)

    def cubic(knot: float) -> FloatArray:
        return np.asarray(np.maximum(t - knot, 0.0) ** 3)

    columns = [t]
    before = k[-2]
    for knot in k[:-2]:
        tails = cubic(before) * (1.0 - knot) - cubic(1.0) * (before - knot)
        columns.append(cubic(knot) - tails / (1.0 - before))
    return np.stack(columns, axis=1)
