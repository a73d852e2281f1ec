r"""How a score becomes a probability and a call, and how labelled pairs change that.

.. math:: P = \mathrm{sigmoid}\Big(\frac{\mathit{score} + \mathit{level}}{T}\Big)

The level makes contacts commoner or rarer, the temperature :math:`T` draws probabilities towards one half or
away from it, and the order of pairs is that of their scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.evaluation.metrics import TEMPERATURE_BOUNDS, called_from, threshold_after
from cbat.landscape.candidates import LEAST_CALLED
from cbat.landscape.law import FloatArray, probability_of

LEVEL_WIDTH: Final = 0.5
"""Standard deviation of the level's prior, in log-odds at the model's temperature.

The information of a pair of probability p about a level is p (1 - p), so the prior weighs as much as 25 pairs
of probability 0.2, or 16 of 0.5.
"""
TEMPERATURE_WIDTH: Final = 0.3
"""Standard deviation of the prior of the logarithm of the temperature.

The information of a pair about it is p (1 - p) times the square of its log-odds, 0.44 at most (log-odds of
2.4), so the prior weighs as much as 25 such pairs, or more others.
"""
FEW: Final = 50
"""With fewer labelled pairs of either class the threshold stays the model's."""
Chooser = Callable[[FloatArray, FloatArray], float]
"""Labels and probabilities, shape=(n,) each -> threshold."""


@dataclass(frozen=True)
class Decision:
    """From scores to probabilities and calls.

    Attributes
    ----------
    level : float
        Added to the score, in its unit.
    temperature : float
        Greater than 0.
    threshold : float
        Probability from which on a pair is called a contact.
    deviation : float or None
        Standard deviation of the line's level around this one, in log-odds; None where nothing says it.
    """

    level: float
    temperature: float
    threshold: float
    deviation: float | None = None

    def probability(self, score: FloatArray) -> FloatArray:
        """Probability of contact, shape=(n,)."""
        return probability_of(score + self.level, self.temperature)


def level_width(model: Decision) -> float:
    """Deviation of the prior of the level: that between lines where it is known to be wider than usual."""
    return LEVEL_WIDTH if model.deviation is None else max(LEVEL_WIDTH, model.deviation)


def fit_level_and_temperature(score: FloatArray, label: FloatArray, model: Decision) -> tuple[float, float]:
    r"""Level and temperature of the largest posterior, from labelled pairs and a prior around the model.

    Platt scaling with Gaussian priors: the level has the mean of the model's and the deviation of
    :func:`level_width` times the model's temperature, :math:`\ln T` the mean of the model's and the deviation
    :data:`TEMPERATURE_WIDTH`. Without pairs the model stays as it is; the search starts there, and its result
    depends on nothing else. The temperature stays within
    :data:`~cbat.evaluation.metrics.TEMPERATURE_BOUNDS`, which a model's does.

    Shapes: (n,), (n,) -> (float, float).
    """
    from scipy.optimize import minimize

    signs = 2.0 * label - 1.0
    unit, score = level_width(model) * model.temperature, score + model.level

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        # Both parameters in deviations of their priors, so that the search is as easy for any model.
        slope = np.exp(-TEMPERATURE_WIDTH * at[1]) / model.temperature
        margin = signs * (score + unit * at[0]) * slope
        wrong = np.exp(-np.logaddexp(0.0, margin))
        gradient = [-(wrong * signs).sum() * unit * slope, (wrong * margin).sum() * TEMPERATURE_WIDTH]
        return float(np.logaddexp(0.0, -margin).sum() + 0.5 * at @ at), gradient + at

    limits = np.log(np.array(TEMPERATURE_BOUNDS) / model.temperature) / TEMPERATURE_WIDTH
    found = minimize(
        loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(None, None), tuple(limits)],
        options={"ftol": 1e-15, "gtol": 1e-7},
    ).x  # fmt: skip
    temperature = model.temperature * np.exp(TEMPERATURE_WIDTH * found[1])
    return float(model.level + unit * found[0]), float(temperature)


def refit(score: FloatArray, label: FloatArray, model: Decision, choose: Chooser) -> Decision:
    """The model's decision, refitted to labelled pairs of scores and labels of shape=(n,)."""
    level, temperature = fit_level_and_temperature(score, label, model)
    probability = probability_of(score + level, temperature)
    deviation = None
    if model.deviation is not None:
        # What the labelled pairs leave of the prior's variance (Laplace's approximation).
        information = (probability * (1.0 - probability)).sum()
        deviation = float(1.0 / np.sqrt(information + 1.0 / level_width(model) ** 2))
    return Decision(level, temperature, choose(label, probability), deviation)


def kept(threshold: float) -> Chooser:
    """The same probability as before, on the refitted scale."""
    return lambda label, probability: threshold


def of_precision(wanted: float) -> Chooser:
    """The lowest threshold that reaches a precision; see :func:`threshold_of_precision`."""
    return partial(threshold_of_precision, wanted)


def threshold_of_precision(wanted: float, label: FloatArray, probability: FloatArray) -> float:
    """Lowest threshold from which on this share of pairs, or more, are contacts.

    At least :data:`~cbat.landscape.candidates.LEAST_CALLED` pairs must reach it. It lies half-way between the
    last probability that is called and the next one. Infinity where the precision is reached nowhere.

    Shapes: (), (n,), (n,) -> float.
    """
    values, precision = _precision_from(label, probability)
    reached = np.flatnonzero(precision >= wanted)
    if not len(reached):
        return np.inf
    return threshold_after(values, int(reached[-1]))


def best_precision(label: FloatArray, probability: FloatArray) -> float:
    """The highest precision that :func:`threshold_of_precision` can reach; 0 with too few pairs."""
    return float(_precision_from(label, probability)[1].max(initial=0.0))


def _precision_from(label: FloatArray, probability: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Probabilities, falling, and the precision from each on; -inf where too few pairs are called."""
    values, called, found = called_from(label, probability)
    return values, np.where(called >= LEAST_CALLED, found / called, -np.inf)


def few(label: npt.NDArray[np.float64]) -> bool:
    """Whether there are too few labelled pairs of either class to choose a threshold by them."""
    contacts = int(label.sum())
    return min(contacts, len(label) - contacts) < FEW
