r"""Logistic regression with an offset, a ridge penalty and signs, by Newton's method.

Each step minimises the second-order expansion of

.. math:: \sum_i \ln(1 + e^{-y_i z_i}) + \frac{n}{2} \sum_k \lambda_k w_k^2, \qquad
    z_i = o_i + c + \sum_k w_k x_{ik}, \qquad y_i = \pm 1

under the signs of the weights (iteratively reweighted least squares; non-negative ones where signs bind).
With some tens of columns the cost is one product of the columns with themselves for each of a few steps.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_STEPS: Final = 25
_TOLERANCE: Final = 1e-7
_LEAST_WEIGHT: Final = 1e-7
_ROWS_AT_ONCE: Final = 2048


def fit_logistic(
    columns: npt.NDArray[np.float32],
    label: npt.NDArray[np.generic],
    offset: FloatArray | float,
    ridge: float,
    signs: npt.NDArray[np.int8] | None = None,
) -> tuple[FloatArray, float]:
    """Weights and intercept.

    Parameters
    ----------
    columns : float32 array, shape=(n, k)
        Of about unit variance, so that one penalty suits all.
    label : array of 0 and 1, shape=(n,)
    offset : array, shape=(n,), or float
        Log-odds that are kept as they are.
    ridge : float
        Penalty of each weight, for each row; the intercept has none.
    signs : int8 array, shape=(k,), optional
        +1 or -1 where a weight may not have the other sign, 0 where it is free.

    Returns
    -------
    array, shape=(k,)
    float

    Raises
    ------
    ValueError
        The labels are all of one class.
    """
    y = np.asarray(label, dtype=float)
    if not len(y) or not 0.0 < y.mean() < 1.0:
        raise ValueError("the labels are all of one class")
    n, k = columns.shape
    design = np.concatenate([columns, np.ones((n, 1), dtype=np.float32)], axis=1)
    penalty = np.append(np.full(k, ridge * n), 1e-9 * n)
    low, high = np.full(k + 1, -np.inf), np.full(k + 1, np.inf)
    if signs is not None:
        low[:k][signs > 0] = 0.0
        high[:k][signs < 0] = 0.0
    weights = np.zeros(k + 1)
    logit = np.asarray(offset + np.zeros(n))
    weights[k] = level_of(logit, y)
    logit = logit + weights[k]
    loss = _loss(logit, y, weights, penalty)
    for _ in range(_STEPS):
        probability = _probability(logit)
        spread = np.maximum(probability * (1.0 - probability), _LEAST_WEIGHT)
        curvature = _products(design, spread) + np.diag(penalty)
        gradient = (design.T @ (probability - y).astype(np.float32)).astype(float) + penalty * weights
        target = _bounded_minimum(curvature, gradient, weights, low, high)
        weights, logit, new = _line_search(design, offset, y, penalty, weights, target, loss)
        if loss - new <= _TOLERANCE * abs(loss):
            break
        loss = new
    return weights[:k], float(weights[k])


def _probability(logit: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -50.0, 50.0))))


def _products(design: npt.NDArray[np.float32], weight: FloatArray) -> FloatArray:
    """Weighted products of all columns with one another, shape=(k, k)."""
    root = np.sqrt(weight).astype(np.float32)[:, None]
    total = np.zeros((design.shape[1], design.shape[1]))
    # So few rows at a time stay in the cache of a core, and single precision is enough for their sums.
    for start in range(0, len(design), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        scaled = design[rows] * root[rows]
        total += scaled.T @ scaled
    return total


def level_of(logit: FloatArray, y: FloatArray) -> float:
    """The intercept at which the mean probability is the share of positives, by Newton's method.

    Parameters
    ----------
    logit : array, shape=(n,)
        Log-odds without it.
    y : array of 0 and 1, shape=(n,)
    """
    share, level = float(y.mean()), 0.0
    low, high = -30.0, 30.0
    for _ in range(60):
        probability = _probability(logit + level)
        excess = float(probability.mean()) - share
        low, high = (low, level) if excess > 0.0 else (level, high)
        slope = float((probability * (1.0 - probability)).mean())
        # Where the curve is flat a step would leave the range that is known to hold the solution.
        new = level - excess / slope if slope > 1e-12 else np.inf
        new = new if low < new < high else (low + high) / 2.0
        if abs(new - level) < 1e-12:
            break
        level = new
    return level


def _loss(logit: FloatArray, y: FloatArray, weights: FloatArray, penalty: FloatArray) -> float:
    wrong = (1.0 - 2.0 * y) * logit
    of_pairs = np.maximum(wrong, 0.0) + np.log(1.0 + np.exp(-np.abs(wrong)))
    return float(of_pairs.sum() + 0.5 * (penalty * weights**2).sum())


def _line_search(
    design: npt.NDArray[np.float32],
    offset: FloatArray | float,
    y: FloatArray,
    penalty: FloatArray,
    weights: FloatArray,
    target: FloatArray,
    loss: float,
) -> tuple[FloatArray, FloatArray, float]:
    """The farthest of halved steps towards ``target`` that does not raise the loss."""
    step = 1.0
    while True:
        tried = weights + step * (target - weights)
        logit = np.asarray((design @ tried.astype(np.float32)).astype(float) + offset)
        new = _loss(logit, y, tried, penalty)
        if new <= loss * (1.0 + 1e-9) or step < 1e-4:
            return tried, logit, new
        step /= 2.0


def _bounded_minimum(
    curvature: FloatArray, gradient: FloatArray, start: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Minimum of a quadratic within bounds of which each is 0 or none."""
    free = start - np.linalg.solve(curvature, gradient)
    if (free >= low).all() and (free <= high).all():
        return np.asarray(free)
    from scipy.optimize import nnls

    # |R x - R free|^2 with x = S u and u >= 0: columns times -1 for weights that may not be positive, and a
    # second column with the other sign for those that may be either.
    root = np.linalg.cholesky(curvature).T
    either = np.flatnonzero(np.isinf(low) & np.isinf(high))
    sign = np.where(high == 0.0, -1.0, 1.0)
    columns = np.concatenate([root * sign, -root[:, either]], axis=1)
    found, _ = nnls(columns, root @ free)
    weights = sign * found[: len(sign)]
    weights[either] -= found[len(sign) :]
    return np.asarray(weights)
