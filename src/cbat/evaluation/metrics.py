"""Metrics of scored pairs, and what is fitted to validation pairs: the threshold and the temperature.

A metric that the data leave undefined, such as the AUPR of pairs that are all negative, is absent from
the result instead of being NaN or a conventional number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.evaluation.weights import FloatArray, prevalence_weights

N_CALIBRATION_BINS: Final = 15
FIXED_PREVALENCE: Final = 0.1
TEMPERATURE_BOUNDS: Final = (0.01, 100.0)
RECALLS: Final = (0.5, 0.7)
"""Recalls at which the precision is given."""

HIGHER_IS_BETTER: Final = frozenset(
    {
        "aupr",
        f"aupr_prevalence_{FIXED_PREVALENCE}",
        "auroc",
        "auroc_within_enhancer",
        "auroc_within_promoter",
        *(f"precision_at_recall_{recall}" for recall in RECALLS),
        "f1",
        "precision",
        "recall",
        "mcc",
    }
)
LOWER_IS_BETTER: Final = frozenset({"brier", "ece"})


def pair_metrics(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    promoter: npt.ArrayLike,
    threshold: float | None,
    balanced: bool = False,
    *,
    enhancer: npt.ArrayLike | None = None,
    weight: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """All metrics of one set of scored pairs.

    Parameters
    ----------
    label : array of 0 and 1, shape=(n,)
    probability : array in [0, 1], shape=(n,)
        Without a threshold: any finite score that ranks the pairs.
    promoter : array, shape=(n,)
        Identifier of the promoter of each pair.
    threshold : float or None
        Pairs of at least this probability are called contacts. It comes from validation pairs. None for a
        score that only ranks: then decisions and calibration are left out.
    balanced : bool
        Weigh both classes the same ("1:1").
    enhancer : array, shape=(n,), optional
        Identifier of the enhancer of each pair; without it ``auroc_within_enhancer`` is left out.
    weight : array, shape=(n,), optional
        Any other non-negative weights, such as those of matched negatives; not with ``balanced``.

    Returns
    -------
    dict
        ``aupr`` (average precision), ``aupr_prevalence_0.1`` (the same with classes reweighted to one
        positive in ten), ``precision_at_recall_0.5`` and ``precision_at_recall_0.7`` (at the highest
        score down to which at least that share of the positives is found), ``auroc``,
        ``auroc_within_promoter`` and ``auroc_within_enhancer`` (share of the pairs of a positive and a
        negative of *one* promoter, or enhancer, that are ordered rightly, ties half), ``f1``,
        ``precision``, ``recall`` and ``mcc`` at the threshold, ``threshold``, ``brier``, ``ece`` (15 bins
        of equal mass), ``prevalence``, ``n_pairs`` and ``n_positive`` (pairs of weight 0 do not count).

    Notes
    -----
    A probability is calibrated for the prevalence it was learned at. For balanced pairs ``brier`` and
    ``ece`` are those of the probability shifted by the change in log-odds that the weights make
    (:func:`shift_prior`; the decisions at the threshold are the same before and after the shift). For other
    weights, which change the odds differently from pair to pair, the two are left out.

    Without pairs of both classes only the counts, the threshold and what is still defined remain; and
    without pairs of both classes there is no balanced set, so that then only counts and threshold do.

    Raises
    ------
    ValueError
        Arrays of different lengths, labels that are not 0 or 1, a probability outside [0, 1] or NaN
        (a score that is not finite), negative weights, or ``weight`` with ``balanced``.
    """
    labels, scores, weights = _checked(label, probability, weight, balanced, ranks_only=threshold is None)
    groups = {"promoter": np.asarray(promoter)}
    if enhancer is not None:
        groups["enhancer"] = np.asarray(enhancer)
    for role, names in groups.items():
        if len(names) != len(labels):
            raise ValueError(f"{len(labels)} labels, but {len(names)} {role}s")
    counted = weights > 0
    labels, scores, weights = (part[counted] for part in (labels, scores, weights))
    groups = {role: names[counted] for role, names in groups.items()}
    n_positive = int((labels == 1).sum())
    one_class = n_positive in (0, len(labels))
    result = {"n_pairs": float(len(labels)), "n_positive": float(n_positive)}
    if threshold is not None:
        result["threshold"] = float(threshold)
    if len(labels) == 0 or (balanced and one_class):
        return result
    if balanced:
        weights = prevalence_weights(labels)
    result["prevalence"] = float(np.average(labels, weights=weights))
    result |= _ranking_metrics(labels, scores, weights, groups)
    if threshold is None:
        return result
    result |= _decision_metrics(labels, scores >= threshold, weights)
    if weight is None:
        shifted = shift_prior(scores, n_positive / len(labels), 0.5) if balanced else scores
        result["brier"] = float(np.average((shifted - labels) ** 2, weights=weights))
        result["ece"] = expected_calibration_error(labels, shifted, weights)
    return result


def _checked(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    weight: npt.ArrayLike | None,
    balanced: bool,
    ranks_only: bool = False,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    if balanced and weight is not None:
        raise ValueError("give weights, or ask for balanced classes, not both")
    labels = np.asarray(label, dtype=float)
    scores = np.asarray(probability, dtype=float)
    weights = np.ones(len(labels)) if weight is None else np.asarray(weight, dtype=float)
    if labels.ndim != 1 or not labels.shape == scores.shape == weights.shape:
        raise ValueError(
            f"shapes differ: labels {labels.shape}, scores {scores.shape}, weights {weights.shape}"
        )
    if not np.isin(labels, (0.0, 1.0)).all():
        raise ValueError("labels must be 0 or 1")
    if ranks_only and not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if not ranks_only and not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise ValueError("probabilities must lie in [0, 1]")
    if not (weights >= 0.0).all():
        raise ValueError("weights must not be negative")
    return labels, scores, weights


def _ranking_metrics(
    label: FloatArray, score: FloatArray, weight: FloatArray, groups: Mapping[str, npt.NDArray[np.generic]]
) -> dict[str, float]:
    if len(np.unique(label)) < 2:
        return {}
    positive = label == 1
    share = weight[positive].sum() / weight.sum()
    rare = weight * np.where(positive, FIXED_PREVALENCE / share, (1 - FIXED_PREVALENCE) / (1 - share))
    curve = _Curve.of(label, score, weight)
    result = {
        "aupr": curve.average_precision(),
        f"aupr_prevalence_{FIXED_PREVALENCE}": _Curve.of(label, score, rare).average_precision(),
        "auroc": curve.area_under_roc(),
    }
    result |= {f"precision_at_recall_{recall}": curve.precision_at(recall) for recall in RECALLS}
    within = {role: within_group_auroc(label, score, names, weight) for role, names in groups.items()}
    return result | {f"auroc_within_{role}": value for role, value in within.items() if value is not None}


@dataclass(frozen=True)
class _Curve:
    """Precision, recall and false positive rate at each distinct score, the highest first.

    Pairs of one score are called together. Written out, for importing scikit-learn takes longer than
    evaluating a cell line. Shapes: all (n_scores,).
    """

    precision: FloatArray
    recall: FloatArray
    false_rate: FloatArray

    @classmethod
    def of(cls, label: FloatArray, score: FloatArray, weight: FloatArray) -> _Curve:
        """The curve of weighted pairs of both classes, shapes (n,)."""
        group = np.unique(-score, return_inverse=True)[1]
        found = np.cumsum(np.bincount(group, weights=weight * label))
        missed = np.cumsum(np.bincount(group, weights=weight * (1.0 - label)))
        return cls(found / (found + missed), found / found[-1], missed / missed[-1])

    def average_precision(self) -> float:
        return float((np.diff(self.recall, prepend=0.0) * self.precision).sum())

    def area_under_roc(self) -> float:
        before = np.concatenate([[0.0], self.recall[:-1]])
        return float((np.diff(self.false_rate, prepend=0.0) * (self.recall + before) / 2.0).sum())

    def precision_at(self, recall: float) -> float:
        """Precision at the highest score down to which this share of the positives is found."""
        # Sums of weights are rounded: half of the positives must count as half of them.
        return float(self.precision[np.argmax(self.recall >= recall - 1e-9)])


def within_group_auroc(
    label: FloatArray, score: FloatArray, group: npt.NDArray[np.generic], weight: FloatArray
) -> float | None:
    """Chance that a positive outranks a negative *of its own group*; ties count half.

    The same as the mean of the groups' AUROCs, each weighted by its number (with weights: by its mass) of
    pairs of a positive and a negative. None when no group has both classes.

    Shapes: all (n,).
    """
    won, compared = within_group_wins(label, score, group, weight)
    total = float(compared.sum())
    return None if total == 0.0 else float(won.sum() / total)


def within_group_wins(
    label: FloatArray, score: FloatArray, group: npt.NDArray[np.generic], weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mass of the negatives of its group that each positive outranks, ties half, and of all of them.

    Both are times the positive's own weight, and 0 for a negative. Shapes: all (n,).
    """
    groups = np.unique(group, return_inverse=True)[1]
    ranks = np.unique(score, return_inverse=True)[1]
    # Cells of equal group and equal score; positives meet the negatives of the cells before theirs.
    cells, cell = np.unique(groups * (int(ranks.max(initial=0)) + 1) + ranks, return_inverse=True)
    cell_group = cells // (int(ranks.max(initial=0)) + 1)
    negative = np.bincount(cell, weights=weight * (1.0 - label))
    running = np.cumsum(negative) - negative
    below = running - running[np.searchsorted(cell_group, cell_group, side="left")]
    in_group = np.bincount(cell_group, weights=negative)[cell_group] if len(cells) else negative
    positive = weight * label
    return positive * (below + 0.5 * negative)[cell], positive * in_group[cell]


def _decision_metrics(
    label: FloatArray, called: npt.NDArray[np.bool_], weight: FloatArray
) -> dict[str, float]:
    """F1, precision, recall and MCC; without positives there is nothing to find and none is defined."""
    positive = label == 1
    true_positive = float(weight[positive & called].sum())
    false_positive = float(weight[~positive & called].sum())
    false_negative = float(weight[positive & ~called].sum())
    true_negative = float(weight[~positive & ~called].sum())
    if true_positive + false_negative == 0.0:
        return {}
    margins = (
        (true_positive + false_positive)
        * (true_positive + false_negative)
        * (true_negative + false_positive)
        * (true_negative + false_negative)
    )
    covariance = true_positive * true_negative - false_positive * false_negative
    n_called = true_positive + false_positive
    return {
        "precision": true_positive / n_called if n_called else 0.0,
        "recall": true_positive / (true_positive + false_negative),
        "f1": 2.0 * true_positive / (2.0 * true_positive + false_positive + false_negative),
        "mcc": covariance / float(np.sqrt(margins)) if margins > 0.0 else 0.0,
    }


def shift_prior(probability: npt.ArrayLike, prevalence: float, new_prevalence: float) -> FloatArray:
    r"""Carry calibrated probabilities over to another prevalence by Bayes' rule.

    .. math:: \frac{p'}{1 - p'} = \frac{p}{1 - p} \cdot
              \frac{\pi' / (1 - \pi')}{\pi / (1 - \pi)}

    (Saerens, Latinne and Decaestecker 2002). Shapes: (n,) -> (n,).
    """
    scores = np.asarray(probability, dtype=float)
    ratio = new_prevalence / (1.0 - new_prevalence) * (1.0 - prevalence) / prevalence
    shifted: FloatArray = scores * ratio / (scores * ratio + 1.0 - scores)
    return shifted


def expected_calibration_error(label: FloatArray, probability: FloatArray, weight: FloatArray) -> float:
    """Mean gap between stated and observed frequency over bins of equal mass (Naeini et al. 2015).

    Equal probabilities always share a bin, so that the order of the pairs does not matter; a constant
    prediction has one bin. Shapes: all (n,).
    """
    values, group = np.unique(probability, return_inverse=True)
    mass = np.bincount(group, weights=weight)
    middle = (np.cumsum(mass) - 0.5 * mass) / mass.sum()
    bins = np.minimum((middle * N_CALIBRATION_BINS).astype(int), N_CALIBRATION_BINS - 1)
    stated = np.bincount(bins, weights=mass * values)
    observed = np.bincount(bins[group], weights=weight * label)
    return float(np.abs(stated - observed).sum() / mass.sum())


def best_f1_threshold(
    label: npt.ArrayLike, probability: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> float:
    """Threshold of the largest F1, to be chosen on validation pairs and never on those evaluated.

    It lies half-way between the last probability called a contact and the first one that is not; of
    several equally good thresholds it is the highest. For a weak ranker it calls everything a contact:
    it then equals the lowest probability.

    Raises
    ------
    ValueError
        No positive pair.
    """
    labels, scores, weights = _checked(label, probability, weight, balanced=False)
    if not (weights * labels).any():
        raise ValueError("a threshold cannot be chosen without positive pairs")
    values, called, found = called_from(labels, scores, weights)
    f1 = 2.0 * found / (called + found[-1])
    return threshold_after(values, int(np.argmax(f1)))


def called_from(
    label: FloatArray, score: FloatArray, weight: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct scores, falling, and the weight of pairs and of positive ones called from each on.

    Shapes: (n,), (n,), (n,) -> (n_scores,) each. All pairs weigh 1 without weights.
    """
    values, group = np.unique(-score, return_inverse=True)
    weights = np.ones(len(score)) if weight is None else weight
    called, found = (
        np.cumsum(np.bincount(group, weights=one), dtype=float) for one in (weights, weights * label)
    )
    return -values, np.asarray(called), np.asarray(found)


def threshold_after(values: FloatArray, last: int) -> float:
    """Half-way between the last called one of falling scores and the next; at the end the last itself."""
    following = values[last] if last + 1 == len(values) else values[last + 1]
    return float((values[last] + following) / 2.0)


def fit_temperature(logit: npt.ArrayLike, label: npt.ArrayLike) -> float:
    """Temperature ``T`` of least negative log-likelihood of ``sigmoid(logit / T)`` (Guo et al. 2017).

    The likelihood is convex in ``1 / T``; the search is bounded by :data:`TEMPERATURE_BOUNDS`, which a
    perfect ranker meets below and a useless one above.

    Shapes: (n,), (n,) -> float.
    """
    from scipy.optimize import minimize_scalar

    logits, signs = _signed(logit, label)
    low, high = (1.0 / bound for bound in TEMPERATURE_BOUNDS[::-1])
    result = minimize_scalar(
        lambda log_slope: float(np.logaddexp(0.0, -signs * logits * np.exp(log_slope)).mean()),
        bounds=(np.log(low), np.log(high)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(-result.x))


def fit_temperature_and_bias(logit: npt.ArrayLike, label: npt.ArrayLike) -> tuple[float, float]:
    """Temperature ``T`` and bias ``b`` of ``sigmoid((logit + b) / T)`` (Platt scaling).

    The bias moves the predictions to the prevalence of the pairs. Shapes: (n,), (n,) -> (float, float).
    """
    from scipy.optimize import minimize

    logits, signs = _signed(logit, label)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slope = np.exp(parameters[0])
        margin = signs * (logits + parameters[1]) * slope
        pull = -signs / (1.0 + np.exp(np.clip(margin, -500.0, 500.0)))
        gradient = np.array([(pull * (logits + parameters[1])).mean() * slope, pull.mean() * slope])
        return float(np.logaddexp(0.0, -margin).mean()), gradient

    limits = (-np.log(TEMPERATURE_BOUNDS[1]), -np.log(TEMPERATURE_BOUNDS[0]))
    start = np.array([-np.log(fit_temperature(logits, label)), 0.0])
    result = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[limits, (None, None)], options={"ftol": 1e-14}
    )
    return float(np.exp(-result.x[0])), float(result.x[1])


def _signed(logit: npt.ArrayLike, label: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    logits, labels = np.asarray(logit, dtype=float), np.asarray(label, dtype=float)
    if logits.shape != labels.shape or not len(labels):
        raise ValueError(f"{len(logits)} logits for {len(labels)} labels")
    if not np.isfinite(logits).all() or not np.isin(labels, (0.0, 1.0)).all():
        raise ValueError("logits must be finite and labels 0 or 1")
    signs: FloatArray = 2.0 * labels - 1.0
    return logits, signs
