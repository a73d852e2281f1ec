"""Fit level and temperature at every support size, and how far the levels of cell lines lie apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.evaluation.metrics import fit_temperature_and_bias
from cbat.landscape.law import probability_of
from cbat.model.calibration import UPPER, Calibration
from cbat.model.environment import FloatArray

FEWEST: Final = 3
"""Cell lines from which on the deviation of their levels is told."""
_STEPS: Final = 60


def fit_calibration(
    logits: Mapping[int, FloatArray], label: FloatArray, line: npt.NDArray[np.int64]
) -> Calibration:
    """Platt scaling at each support size, on pairs that no training has seen.

    Parameters
    ----------
    logits : mapping
        Support size -> score of each pair, shape=(n,).
    label : array, shape=(n,)
        Of both classes.
    line : int array, shape=(n,)
        Cell line of each pair.
    """
    levels, temperatures, deviations = [], [], []
    for size in sorted(logits):
        temperature, level = fit_temperature_and_bias(logits[size], label)
        levels.append(level)
        temperatures.append(temperature)
        deviations.append(deviation_of_levels((logits[size] + level) / temperature, label, line))
    told = [one for one in deviations if one is not None]
    return Calibration(
        tuple(sorted(logits)),
        tuple(levels),
        tuple(temperatures),
        tuple(told) if len(told) == len(deviations) else None,
    )


def deviation_of_levels(log_odds: FloatArray, label: FloatArray, line: npt.NDArray[np.int64]) -> float | None:
    r"""Standard deviation of the level of a new line around 0, in log-odds.

    That of a prediction interval for one more line, from the levels that fit each of ``n`` lines best: their
    deviation, times :math:`\sqrt{1 + 1 / n}` for the error of their mean, and so wide that the normal
    distribution covers with it what Student's t covers with n - 1 degrees of freedom. The sampling error of
    the levels is not taken off, for with few lines what is left would often be nothing.

    Parameters
    ----------
    log_odds : array, shape=(n,)
        Calibrated.
    label : array, shape=(n,)
    line : int array, shape=(n,)

    Returns
    -------
    float or None
        None where fewer than :data:`FEWEST` lines have pairs of both classes.
    """
    from scipy.special import ndtri, stdtrit

    levels = [
        _level_of(log_odds[line == one], label[line == one])
        for one in np.unique(line)
        if len(np.unique(label[line == one])) == 2
    ]
    if len(levels) < FEWEST:
        return None
    widened = stdtrit(len(levels) - 1, UPPER) / ndtri(UPPER)
    return float(widened * np.std(levels, ddof=1) * np.sqrt(1.0 + 1.0 / len(levels)))


def _level_of(log_odds: FloatArray, label: FloatArray) -> float:
    """What is to be added to log-odds for the right mean probability."""
    low, high = -30.0, 30.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if probability_of(log_odds + middle).sum() < label.sum():
            low = middle
        else:
            high = middle
    return (low + high) / 2.0
