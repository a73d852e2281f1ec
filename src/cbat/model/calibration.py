r"""Level and temperature of scores by the size of the support set, and how far levels of lines differ.

.. math:: P = \mathrm{sigmoid}\Big(\frac{\mathit{score} + \mathit{level}(n)}{T(n)}\Big)

An environment that is read from few elements says less, so that scores which are right with many are
overconfident. Level and temperature were fitted at some sizes; between two of them the level and the
logarithm of the temperature are interpolated along :math:`\ln(1 + n)`, and beyond the last they stay. The
level of a line that nobody has labelled is known up to the deviation of the levels of lines, which makes the
interval of a probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cbat.landscape.law import probability_of
from cbat.model.environment import FloatArray

UPPER: Final = 0.975
"""Upper quantile of the interval of a probability, which so covers 95%."""
_NORMAL: Final = 1.959963984540054
"""The same of the normal distribution; importing SciPy for it takes longer than scoring."""
_KEYS: Final = ("sizes", "levels", "temperatures", "deviations")


@dataclass(frozen=True)
class Calibration:
    """From scores to probabilities at every size of a support set.

    Attributes
    ----------
    sizes : tuple of int
        Elements in the support sets, rising.
    levels : tuple of float
        Added to the score at each size.
    temperatures : tuple of float
        Greater than 0.
    deviations : tuple of float, or None
        Standard deviation of the level of a line that is not labelled, in log-odds; None where too few lines
        have said how far they differ.
    """

    sizes: tuple[int, ...]
    levels: tuple[float, ...]
    temperatures: tuple[float, ...]
    deviations: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        columns = [self.levels, self.temperatures] + ([] if self.deviations is None else [self.deviations])
        if not self.sizes or {len(column) for column in columns} != {len(self.sizes)}:
            raise ValueError("a calibration has one level, temperature and deviation for each of its sizes")
        if self.sizes[0] < 0 or any(np.diff(self.sizes) <= 0):
            raise ValueError("the sizes of a calibration rise")
        if not np.isfinite(np.concatenate(columns)).all() or min(self.temperatures) <= 0.0:
            raise ValueError("a calibration holds finite numbers, and temperatures above 0")
        if self.deviations is not None and min(self.deviations) < 0.0:
            raise ValueError("deviations are not negative")

    @classmethod
    def single(cls, temperature: float) -> Calibration:
        """One temperature at every size."""
        return cls((0,), (0.0,), (temperature,))

    def level(self, n: npt.ArrayLike) -> FloatArray:
        """Level where support sets held ``n`` elements, shape as given."""
        return self._between(n, self.levels)

    def temperature(self, n: npt.ArrayLike) -> FloatArray:
        """Temperature where support sets held ``n`` elements, shape as given."""
        return np.exp(self._between(n, np.log(self.temperatures)))

    def deviation(self, n: npt.ArrayLike) -> FloatArray | None:
        """Deviation of a line's level in log-odds where support sets held ``n`` elements, shape as given."""
        return None if self.deviations is None else self._between(n, self.deviations)

    def log_odds(self, score: FloatArray, n: npt.ArrayLike) -> FloatArray:
        """Calibrated log-odds of scores, shape=(n_pairs,)."""
        return np.asarray((score + self.level(n)) / self.temperature(n))

    def probability(self, score: FloatArray, n: npt.ArrayLike) -> FloatArray:
        """Calibrated probability of contact, shape=(n_pairs,); ``n`` is one number, or one for each pair."""
        return probability_of(self.log_odds(score, n))

    def _between(self, n: npt.ArrayLike, values: npt.ArrayLike) -> FloatArray:
        at = np.log1p(np.asarray(n, dtype=float))
        return np.asarray(np.interp(at, np.log1p(self.sizes), np.asarray(values)))

    def described(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {name: None if (one := getattr(self, name)) is None else list(one) for name in _KEYS}

    @classmethod
    def read(cls, described: dict[str, Any]) -> Calibration:
        """From :meth:`described`.

        Raises
        ------
        ValueError
            It is none.
        """
        if set(described) != set(_KEYS):
            raise ValueError(f"a calibration has the keys {', '.join(_KEYS)}")
        deviations = described["deviations"]
        return cls(
            tuple(int(one) for one in described["sizes"]),
            tuple(float(one) for one in described["levels"]),
            tuple(float(one) for one in described["temperatures"]),
            None if deviations is None else tuple(float(one) for one in deviations),
        )


def interval(log_odds: FloatArray, deviation: float) -> tuple[FloatArray, FloatArray]:
    """Ends of the 95% interval of a probability, shape=(n,) each, from the deviation of the line's level.

    It says how far a line's probabilities may all be off together, not how sure a single pair is.
    """
    return probability_of(log_odds - _NORMAL * deviation), probability_of(log_odds + _NORMAL * deviation)
