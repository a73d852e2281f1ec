"""Weights of the pairs: the three sets of negatives are one set of pairs, weighted in three ways.

Weighting instead of drawing negatives uses every pair exactly once and adds no sampling noise.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_RAKING_PASSES: Final = 50


def prevalence_weights(label: npt.ArrayLike, prevalence: float = 0.5) -> FloatArray:
    """Weights under which the positives make up the given share.

    Parameters
    ----------
    label : array of 0 and 1, shape=(n,)
    prevalence : float
        Wanted share of positives, in (0, 1); 0.5 is the balanced set, "1:1".

    Returns
    -------
    array, shape=(n,)
        With mean 1.

    Raises
    ------
    ValueError
        Only one class is present.
    """
    positive = np.asarray(label) == 1
    n_positive = int(positive.sum())
    if n_positive in (0, len(positive)):
        raise ValueError("both classes must be present to weigh one against the other")
    share = n_positive / len(positive)
    return np.where(positive, prevalence / share, (1.0 - prevalence) / (1.0 - share))


def matched_weights(
    label: npt.ArrayLike,
    distance: npt.ArrayLike,
    enhancer: npt.ArrayLike,
    promoter: npt.ArrayLike,
    n_strata: int = 10,
) -> FloatArray:
    """Weights under which neither distance nor the identity of an element tells the label.

    Pairs whose promoter has one class only get weight 0: such a promoter gives the label away whatever
    the weights. The others are raked (iterative proportional fitting, Deming and Stephan 1940) until
    positives and negatives weigh the same at every promoter, in every stratum of distance (equal counts
    of the pairs that are left), and at every enhancer that has both classes. An enhancer with one class
    only keeps its weight: most enhancers occur in one or two pairs, and without them nothing would be
    left. Where the constraints cannot all hold they hold approximately, those on distance best.

    Parameters
    ----------
    label : array of 0 and 1, shape=(n,)
    distance : array, shape=(n,)
        Absolute distance, bp.
    enhancer, promoter : array, shape=(n,)
        Any identifiers.
    n_strata : int
        Strata of distance.

    Returns
    -------
    array, shape=(n,)
        With mean 1 over all pairs.

    Raises
    ------
    ValueError
        No promoter has both classes.
    """
    labels = np.asarray(label)
    promoters = np.unique(np.asarray(promoter), return_inverse=True)[1]
    kept = _has_both_classes(labels, promoters)[promoters]
    if not kept.any():
        raise ValueError("no promoter has a positive and a negative pair")
    positive = labels[kept] == 1
    groupings = [
        np.unique(np.asarray(enhancer)[kept], return_inverse=True)[1],
        np.unique(promoters[kept], return_inverse=True)[1],
        _strata(np.asarray(distance, dtype=float)[kept], n_strata),
    ]
    weight = np.ones(len(positive))
    for _ in range(_RAKING_PASSES):
        for groups in groupings:
            weight = _balance(weight, positive, groups)
    result = np.zeros(len(labels))
    result[kept] = weight * (len(labels) / weight.sum())
    return result


def _has_both_classes(label: npt.NDArray[np.generic], groups: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    count = np.bincount(groups)
    positives = np.bincount(groups, weights=label == 1)
    both: npt.NDArray[np.bool_] = (positives > 0) & (positives < count)
    return both


def _strata(distance: FloatArray, n_strata: int) -> npt.NDArray[np.intp]:
    edges = np.unique(np.quantile(distance, np.linspace(0.0, 1.0, n_strata + 1)[1:-1]))
    return np.searchsorted(edges, distance, side="right")


def _balance(weight: FloatArray, positive: npt.NDArray[np.bool_], groups: npt.NDArray[np.intp]) -> FloatArray:
    """Bring both classes of each group to the geometric mean of their masses."""
    n_groups = int(groups.max()) + 1
    mass_positive = np.bincount(groups, weights=weight * positive, minlength=n_groups)
    mass_negative = np.bincount(groups, weights=weight * ~positive, minlength=n_groups)
    both = (mass_positive > 0) & (mass_negative > 0)
    factor = np.ones(n_groups)
    factor[both] = np.sqrt(mass_negative[both] / mass_positive[both])
    return weight * np.where(positive, factor[groups], 1.0 / factor[groups])
