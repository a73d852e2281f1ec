r"""What a support set says about its cell line, and what the prototype graph expects of it.

Per motif channel ``k``, the environments of cell lines follow a Gaussian process on the graph,

.. math:: m_{\cdot k} \sim N(\mu_k 1, \tau_k K_\rho + \mathrm{diag}(1 / N)), \qquad
    K_\rho = (1 - \rho) I + \rho B

with :math:`B` the personalised-PageRank kernel at unit diagonal and :math:`1/N` the sampling variance of a
mean of ``N`` standardised features. Hyper-parameters come from a grid by restricted likelihood (Patterson
and Thompson 1971); the expectation at a cell line, seen or not, is ordinary kriging. Fusing it with the
support set's own mean aligns the two in closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SCALE_GRID: Final = np.geomspace(1e-5, 3.0, 26)
"""Candidates of the variance of a channel between cell lines."""


@dataclass(frozen=True)
class SupportStatistics:
    """Mean and standard deviation of the features of training candidates, per element type.

    Attributes
    ----------
    mean, deviation : array, shape=(2, n_channels)
        Row 0 enhancers, row 1 promoters.
    """

    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(
        cls,
        features: FloatArray,
        role: npt.NDArray[np.int_],
        weight: FloatArray,
        add_up: Callable[[FloatArray], FloatArray] = np.asarray,
    ) -> SupportStatistics:
        """Statistics of features, shape=(n, n_channels), with a role (0, 1) and a weight for each row.

        Several processes that hold rows of their own make the same statistics where ``add_up`` gives each of
        them the sum of an array over all.
        """
        mean = np.zeros((2, features.shape[1]))
        deviation = np.ones((2, features.shape[1]))
        for which in (0, 1):
            rows = (role == which) & (weight > 0)
            weights = weight[rows, None]
            total = add_up(weights.sum(axis=0))
            if total[0] > 0:
                mean[which] = add_up((features[rows] * weights).sum(axis=0)) / total
                variance = add_up(((features[rows] - mean[which]) ** 2 * weights).sum(axis=0)) / total
                deviation[which] = np.sqrt(variance) + 1e-3
        return cls(mean, deviation)

    def standardise(self, features: FloatArray, role: npt.NDArray[np.int_]) -> FloatArray:
        """Features with mean 0 and variance 1 among training candidates, shape=(n, n_channels)."""
        return np.asarray((features - self.mean[role]) / self.deviation[role])


@dataclass(frozen=True)
class Expectation:
    """What is known of a cell line's environment; mean and variance per channel, shape=(n_channels,)."""

    mean: FloatArray
    variance: FloatArray

    def fuse(self, deviation: FloatArray, n: float) -> Expectation:
        r"""Combine with the mean of ``n`` standardised support features.

        .. math:: M = (\kappa M_T + N m) / (\kappa + N), \qquad \kappa = 1 / \mathrm{variance}
        """
        precision = 1.0 / self.variance
        total = precision + n
        # Written as a step, so that a support set which says what was expected moves nothing at all.
        return Expectation(self.mean + n / total * (deviation - self.mean), 1.0 / total)

    def log_evidence(self, deviation: FloatArray, n: float) -> float:
        """Log-density of the mean of ``n`` support features."""
        variance = self.variance + 1.0 / n
        return float(-0.5 * (np.log(variance) + (deviation - self.mean) ** 2 / variance).sum())


@dataclass(frozen=True)
class ChannelProcess:
    r"""The Gaussian process at one choice of correlations between cell lines.

    Attributes
    ----------
    deviations : array, shape=(n_lines, n_channels)
        Mean standardised feature of each training line's candidates.
    noise : array, shape=(n_lines,)
        Sampling variance of these means.
    correlation : array, shape=(n_lines, n_lines)
    scale : array, shape=(n_channels,)
        Variance :math:`\tau` of each channel between cell lines.
    log_evidence : float
        Of all channels together.
    """

    deviations: FloatArray
    noise: FloatArray
    correlation: FloatArray
    scale: FloatArray
    log_evidence: float

    @classmethod
    def fit(cls, deviations: FloatArray, noise: FloatArray, correlation: FloatArray) -> ChannelProcess:
        """Choose each channel's variance by restricted likelihood."""
        evidence = np.stack(
            [_restricted_evidence(deviations, tau * correlation + np.diag(noise)) for tau in SCALE_GRID]
        )
        best = evidence.argmax(axis=0)
        # The evidence of the correlations averages over the variances instead of trusting the best.
        peak = evidence.max(axis=0)
        averaged = peak + np.log(np.exp(evidence - peak).mean(axis=0))
        return cls(deviations, noise, correlation, SCALE_GRID[best], float(averaged.sum()))

    def expectation(self, towards: FloatArray, lines: npt.NDArray[np.intp] | None = None) -> Expectation:
        """Ordinary kriging at a cell line.

        Parameters
        ----------
        towards : array, shape=(n_lines,)
            Correlation of the cell line with each training line.
        lines : array of int, optional
            Training lines to predict from; all of them by default.
        """
        rows = np.arange(len(self.noise)) if lines is None else lines
        known, cross = self.deviations[rows], towards[rows]
        if not len(rows):
            return Expectation(np.zeros(len(self.scale)), self.scale.copy())
        mean, variance = np.empty_like(self.scale), np.empty_like(self.scale)
        correlation = self.correlation[np.ix_(rows, rows)]
        ones = np.ones(len(rows))
        for tau in np.unique(self.scale):
            channels = self.scale == tau
            inverse = np.linalg.inv(tau * correlation + np.diag(self.noise[rows]))
            weight = tau * inverse @ cross
            of_ones = inverse @ ones
            centre = of_ones @ known[:, channels] / of_ones.sum()
            mean[channels] = centre + weight @ (known[:, channels] - centre)
            variance[channels] = tau - tau * cross @ weight + (1.0 - weight.sum()) ** 2 / of_ones.sum()
        return Expectation(mean, np.maximum(variance, 1e-9))


def _restricted_evidence(deviations: FloatArray, covariance: FloatArray) -> FloatArray:
    """Log restricted likelihood of every channel, shape=(n_channels,)."""
    inverse = np.linalg.inv(covariance)
    of_ones = inverse.sum(axis=1)
    information = of_ones.sum()
    centred = deviations - of_ones @ deviations / information
    fit = np.einsum("ck,cd,dk->k", centred, inverse, centred)
    log_determinant = np.linalg.slogdet(covariance)[1]
    return np.asarray(-0.5 * (log_determinant + np.log(information) + fit))


def combine(expectations: list[Expectation], weights: FloatArray) -> Expectation:
    """Mean and variance of a mixture."""
    mean = sum(w * e.mean for w, e in zip(weights, expectations, strict=True))
    second = sum(w * (e.variance + e.mean**2) for w, e in zip(weights, expectations, strict=True))
    return Expectation(np.asarray(mean), np.maximum(np.asarray(second - mean**2), 1e-9))


def normalised(log_weights: FloatArray) -> FloatArray:
    """Weights that add up to one, from their logarithms."""
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())
