r"""Logistic regressions of pairs on features that many of them share.

A pair has the features of its two elements, and an element is in many pairs. So features are kept once for
each element, and what is fitted is

.. math:: \min_{w, b} \frac{1}{n} \sum_i \log(1 + \exp(-y_i (b + \sum_t \langle w_t, X_t[r_{ti}] \rangle)))
    + \frac{\|w\|^2}{2 C n}

with :math:`y_i` of -1 or 1 and row :math:`r_{ti}` of pair ``i`` in table ``t``, whose columns are scaled to
mean 0 and variance 1 over the pairs. That is the objective, and by the same solver the solution, of
scikit-learn's ``LogisticRegression``, which asks for a matrix of all pairs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
log = logging.getLogger(__name__)

_PENALTY: Final = 1.0
_N_KNOTS: Final = 8
_DEGREE: Final = 3
_TOLERANCE: Final = 1e-4
_MOST_STEPS: Final = 500


@dataclass(frozen=True)
class Columns:
    """Some features of pairs.

    Attributes
    ----------
    values : array, shape=(m, n_columns)
    row : array of int, shape=(n_pairs,)
        Which of them each pair has.
    """

    values: FloatArray
    row: npt.NDArray[np.intp]

    @classmethod
    def of_each(cls, values: FloatArray) -> Columns:
        """Features that every pair has for itself, shape=(n_pairs, n_columns)."""
        return cls(values, np.arange(len(values)))


Design = Sequence[Columns]
"""All features of pairs, a table after the other."""


@dataclass(frozen=True)
class Regression:
    """A fitted logistic regression.

    Attributes
    ----------
    knots : array, shape=(n_knots,)
        Of the cubic B-splines through which the first column enters, constant beyond the outermost knots of
        the data; empty where all columns enter as they are.
    mean, scale, weight : array, shape=(n_columns,)
        Of each column once the first is replaced by its splines.
    intercept : float
    threshold : float
        Probability from which a pair is called a contact.
    """

    knots: FloatArray
    mean: FloatArray
    scale: FloatArray
    weight: FloatArray
    intercept: float
    threshold: float = 0.5

    def probability(self, design: Design) -> FloatArray:
        """Probability of contact, shape=(n_pairs,), of pairs with the columns that were fitted."""
        from scipy.special import expit

        features = np.hstack([columns.values[columns.row] for columns in design])
        if not len(features):
            return np.empty(0)
        if len(self.knots):
            features = np.hstack([_curves(self.knots, features[:, 0]), features[:, 1:]])
        # No product of matrices, whose rounding would depend on the rows beside a row: the threshold is the
        # probability of a pair, and the same pair must reach it again.
        score = ((features - self.mean) / self.scale * self.weight).sum(axis=1) + self.intercept
        return np.asarray(expit(score), dtype=float)


def fit_regression(design: Design, label: npt.NDArray[np.int64], *, curved: bool) -> Regression:
    """Fit a regression; its threshold is left to the caller.

    Parameters
    ----------
    design : sequence of Columns
        Features of the pairs.
    label : array of int, shape=(n_pairs,)
        0 or 1, both at least once.
    curved : bool
        Whether the first column, alone in its table, enters as a spline.
    """
    from scipy.optimize import minimize
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    knots = np.empty(0)
    if curved:
        first, *rest = design
        splines = SplineTransformer(_N_KNOTS, degree=_DEGREE, knots="quantile", extrapolation="constant")
        knots = splines.fit(first.values[first.row]).bsplines_[0].t
        design = [Columns(_curves(knots, first.values[:, 0]), first.row), *rest]
    scalers, scaled = [], []
    for columns in design:
        count = np.bincount(columns.row, minlength=len(columns.values))
        scalers.append(StandardScaler().fit(columns.values, sample_weight=count))
        scaled.append(Columns(scalers[-1].transform(columns.values), columns.row))
    objective = _Objective(scaled, label)
    options = {"maxiter": _MOST_STEPS, "maxls": 50, "gtol": _TOLERANCE, "ftol": 64 * np.finfo(float).eps}
    start = np.zeros(objective.n_columns + 1)
    result = minimize(objective, start, method="L-BFGS-B", jac=True, options=options)
    solution = result.x
    if not (np.isfinite(result.fun) and np.isfinite(solution).all()):
        raise ValueError("features of pairs must be finite")
    if not result.success:
        log.warning("a reference was not fitted to the end: %s", result.message)
    mean, scale = (
        np.concatenate([getattr(scaler, name) for scaler in scalers]) for name in ("mean_", "scale_")
    )
    return Regression(knots, mean, scale, solution[:-1], float(solution[-1]))


class _Objective:
    """What is minimised, and its gradient by the weights and the intercept behind them."""

    def __init__(self, design: Design, label: npt.NDArray[np.int64]) -> None:
        self._design, self._label = design, label
        self._borders = np.cumsum([columns.values.shape[1] for columns in design])

    @property
    def n_columns(self) -> int:
        return int(self._borders[-1])

    def __call__(self, at: FloatArray) -> tuple[float, FloatArray]:
        from scipy.special import expit

        weight, n = at[:-1], len(self._label)
        score = np.full(n, at[-1])
        for columns, own in zip(self._design, np.split(weight, self._borders[:-1]), strict=True):
            score += (columns.values @ own)[columns.row]
        loss = np.logaddexp(0.0, np.where(self._label == 1, -score, score)).mean()
        excess = (expit(score) - self._label) / n
        gradient = [
            columns.values.T @ np.bincount(columns.row, excess, minlength=len(columns.values))
            for columns in self._design
        ]
        shrinkage = weight / (_PENALTY * n)
        by_weight = np.concatenate(gradient) + shrinkage
        return float(loss + weight @ shrinkage / 2), np.append(by_weight, excess.sum())


def _curves(knots: FloatArray, values: FloatArray) -> FloatArray:
    from scipy.interpolate import BSpline

    inside = np.clip(values, knots[_DEGREE], knots[-_DEGREE - 1])
    return np.asarray(BSpline.design_matrix(inside, knots, _DEGREE).toarray())
