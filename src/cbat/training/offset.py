"""Fit the law of distance that a model keeps as an offset."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.model.distance import DistanceSpline, basis, knots_of
from cbat.model.environment import FloatArray

RIDGE: Final = 1.0
"""Prior precision of the spline's coefficients: next to nothing beside a thousand pairs."""


def fit_distance_spline(
    distance: npt.NDArray[np.int64], label: FloatArray, line: npt.NDArray[np.int64]
) -> DistanceSpline:
    """Logistic regression of contact on a spline of log distance, with a level for each cell line.

    Parameters
    ----------
    distance : int array, shape=(n,)
        Between the centres, bp.
    label : array, shape=(n,)
    line : int array, shape=(n,)
        Number of the cell line of each pair; its level is fitted and thrown away.

    Returns
    -------
    DistanceSpline
        Its mean among these pairs is 0.
    """
    from scipy.optimize import minimize

    knots = knots_of(distance)
    columns = basis(distance, knots)
    # Standardised columns are what the search likes best; the spline is told in its own units.
    spread = columns.std(axis=0) + 1e-9
    columns = (columns - columns.mean(axis=0)) / spread
    line, _ = pd.factorize(line)
    n_lines, n_columns = int(line.max()) + 1, columns.shape[1]

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        weight, level = parameters[:n_columns], parameters[n_columns:]
        logit = columns @ weight + level[line]
        away = 1.0 / (1.0 + np.exp(-np.clip(logit, -500.0, 500.0))) - label
        value = (np.logaddexp(0.0, logit) - label * logit).sum() + 0.5 * RIDGE * (parameters @ parameters)
        slope = np.concatenate([columns.T @ away, np.bincount(line, away, n_lines)]) + RIDGE * parameters
        return float(value / len(label)), slope / len(label)

    start = np.zeros(n_columns + n_lines)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-12})
    coefficients = found.x[:n_columns] / spread
    centre = float((basis(distance, knots) @ coefficients).mean())
    return DistanceSpline(knots, tuple(float(one) for one in coefficients), centre)
