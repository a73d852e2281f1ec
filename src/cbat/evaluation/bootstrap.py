"""Intervals from a bootstrap over whole chromosomes.

Pairs near each other share elements and are anything but independent: intervals from resampling single
pairs are several times too narrow. So whole clusters are drawn with replacement (cluster bootstrap,
Davison and Hinkley 1997, section 3.8), and a pair counts as often as its cluster was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cbat.evaluation.metrics import within_group_wins

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Statistic = Literal["aupr", "auroc"]

LEVEL: Final = 0.95
RESAMPLED: Final = "chromosomes (stretches of them, where fewer than four are tested)"
"""What is drawn, for people: see :func:`genomic_clusters`."""
MINIMUM_CHROMOSOMES: Final = 4
BLOCKS_PER_CHROMOSOME: Final = 10
_CELLS_AT_ONCE: Final = 200_000
_ROUNDING: Final = 1e-9
"""Sums of weights are rounded: half of the positives must count as half of them."""


class Difference(NamedTuple):
    """A difference and its 95% interval."""

    value: float
    low: float
    high: float


def genomic_clusters(
    chrom: npt.ArrayLike, position: npt.ArrayLike, minimum: int = MINIMUM_CHROMOSOMES
) -> npt.NDArray[np.str_]:
    """Cluster label of each pair: its chromosome, or a stretch of it where chromosomes are few.

    Fewer than ``minimum`` chromosomes say nothing about their spread. Each is then cut into
    ten stretches of equally many pairs, in the order of position. Neighbouring
    stretches may share elements at their border, so that such intervals are a little too narrow.

    Parameters
    ----------
    chrom : array of str, shape=(n,)
    position : array, shape=(n,)
        Any coordinate of the pair, such as the start of its promoter; pairs at one position stay together.
    minimum : int
        Fewest chromosomes that are clusters themselves.

    Returns
    -------
    array of str, shape=(n,)
    """
    chroms = np.asarray(chrom, dtype=np.str_)
    positions = np.asarray(position, dtype=float)
    names = np.unique(chroms)
    if len(names) >= minimum:
        return chroms
    labels = chroms.astype(object)
    for name in names:
        here = chroms == name
        # Rank of the first pair at the same position, so that no promoter is cut in two.
        first = np.searchsorted(np.sort(positions[here]), positions[here], side="left")
        block = first * BLOCKS_PER_CHROMOSOME // int(here.sum())
        labels[here] = [f"{name}:{number}" for number in block]
    return labels.astype(np.str_)


def multiplicities(n_clusters: int, n: int, seed: int) -> IntArray:
    """How often each cluster was drawn, ``n`` times ``n_clusters`` draws with replacement.

    Returns
    -------
    array, shape=(n, n_clusters)
    """
    generator = np.random.default_rng([seed, 0xB007])
    return generator.multinomial(n_clusters, np.full(n_clusters, 1.0 / n_clusters), size=n).astype(np.intp)


@dataclass(frozen=True)
class _Sorted:
    """Pairs in falling order of score, cut where the score changes.

    ``positive`` and ``negative`` are the weights in either class, shape=(n,); ``ends`` is the last
    pair of each run of equal scores; ``cluster`` is the column of the multiplicities.
    """

    positive: FloatArray
    negative: FloatArray
    cluster: IntArray
    ends: IntArray


def _sort(label: npt.ArrayLike, score: npt.ArrayLike, cluster: IntArray, weight: FloatArray) -> _Sorted:
    labels, scores = np.asarray(label, dtype=float), np.asarray(score, dtype=float)
    if not labels.shape == scores.shape == cluster.shape == weight.shape:
        raise ValueError(f"{len(labels)} labels, {len(scores)} scores, {len(cluster)} clusters")
    if np.isnan(scores).any():
        raise ValueError("scores must not be NaN")
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    labels, weight = labels[order], weight[order]
    return _Sorted(weight * labels, weight * (1.0 - labels), cluster[order], ends)


def resampled(
    label: npt.ArrayLike,
    score: npt.ArrayLike,
    cluster: npt.ArrayLike,
    counts: IntArray,
    *,
    statistic: Statistic = "aupr",
    weight: npt.ArrayLike | None = None,
    balanced: bool = False,
) -> FloatArray:
    """The statistic in every resample.

    The same ``counts`` for two models, two seeds or two cell lines make their resamples comparable one
    by one, which is what differences and means need.

    Parameters
    ----------
    label, score : array, shape=(n,)
    cluster : int array, shape=(n,)
        Column of ``counts`` for each pair.
    counts : array, shape=(n_resamples, n_clusters)
        From :func:`multiplicities`.
    statistic : {"aupr", "auroc"}
        Average precision, or area under the ROC curve.
    weight : array, shape=(n,), optional
        Weights of the pairs.
    balanced : bool
        Weigh both classes the same within every resample.

    Returns
    -------
    array, shape=(n_resamples,)
        NaN where a resample has one class only.
    """
    clusters = np.asarray(cluster, dtype=np.intp)
    weights = np.ones(len(clusters)) if weight is None else np.asarray(weight, dtype=float)
    pairs = _sort(label, score, clusters, weights)
    if not len(pairs.cluster):
        return np.full(len(counts), np.nan)
    # Masses of each cluster alone, down to each distinct score; a resample is a weighted sum of them.
    found, missed = (
        _down_to_scores(pairs, mass, counts.shape[1]) for mass in (pairs.positive, pairs.negative)
    )
    # Few chromosomes can be drawn in few ways only (five: 126), each of which is computed once.
    ways, way = np.unique(counts, axis=0, return_inverse=True)
    times = ways.astype(float)
    n_positive, n_negative = times @ found[:, -1], times @ missed[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        if statistic == "auroc":
            value = _mass_below(times, found, missed) / (n_positive * n_negative)
        else:
            value = _precision_sum(times, found, missed, n_positive, n_negative, balanced) / n_positive
    value = np.where((n_positive == 0.0) | (n_negative == 0.0), np.nan, value)
    return np.asarray(value[way.ravel()], dtype=float)


def resampled_precision(
    label: npt.ArrayLike, score: npt.ArrayLike, cluster: npt.ArrayLike, counts: IntArray, recall: float
) -> FloatArray:
    """Precision at the highest score down to which this share of the positives is found, in every resample.

    Parameters
    ----------
    label, score : array, shape=(n,)
    cluster, counts
        See :func:`resampled`.
    recall : float

    Returns
    -------
    array, shape=(n_resamples,)
        NaN where a resample has one class only.
    """
    clusters = np.asarray(cluster, dtype=np.intp)
    pairs = _sort(label, score, clusters, np.ones(len(clusters)))
    if not len(pairs.cluster):
        return np.full(len(counts), np.nan)
    found, missed = (
        _down_to_scores(pairs, mass, counts.shape[1]) for mass in (pairs.positive, pairs.negative)
    )
    ways, way = np.unique(counts, axis=0, return_inverse=True)
    value = np.full(len(ways), np.nan)
    for number, times in enumerate(ways.astype(float)):
        hit, wrong = times @ found, times @ missed
        if hit[-1] > 0.0 and wrong[-1] > 0.0:
            at = int(np.argmax(hit / hit[-1] >= recall - _ROUNDING))
            value[number] = hit[at] / (hit[at] + wrong[at])
    return np.asarray(value[way.ravel()], dtype=float)


def resampled_within(
    label: npt.ArrayLike,
    score: npt.ArrayLike,
    group: npt.NDArray[np.generic],
    cluster: npt.ArrayLike,
    counts: IntArray,
) -> FloatArray:
    """AUROC within the groups (:func:`cbat.evaluation.metrics.within_group_auroc`) in every resample.

    Exact where a group lies in one cluster, as the pairs of an element lie on one chromosome; otherwise each
    comparison counts as often as its positive was drawn.

    Parameters
    ----------
    label, score : array, shape=(n,)
    group : array, shape=(n,)
        Identifier of the element whose pairs are compared with each other.
    cluster, counts
        See :func:`resampled`.

    Returns
    -------
    array, shape=(n_resamples,)
        NaN where no group of the resample has both classes.
    """
    labels, columns = np.asarray(label, dtype=float), np.asarray(cluster, dtype=np.intp)
    won, compared = within_group_wins(labels, np.asarray(score, dtype=float), group, np.ones(len(labels)))
    by_cluster = [np.bincount(columns, weights=mass, minlength=counts.shape[1]) for mass in (won, compared)]
    numerator, denominator = (counts @ mass for mass in by_cluster)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(denominator > 0.0, numerator / denominator, np.nan), dtype=float)


def _down_to_scores(pairs: _Sorted, mass: FloatArray, n_clusters: int) -> FloatArray:
    """Mass of each cluster in all pairs down to each distinct score, shape=(n_clusters, n_scores)."""
    alone = np.zeros((n_clusters, len(mass)))
    alone[pairs.cluster, np.arange(len(mass))] = mass
    return np.asarray(np.cumsum(alone, axis=1)[:, pairs.ends])


def _mass_below(times: FloatArray, found: FloatArray, missed: FloatArray) -> FloatArray:
    """Mass of pairs of a positive and a negative that are ordered rightly, ties half, (n_resamples,).

    It is a sum over pairs of clusters, so that all resamples share one small matrix.
    """
    before = np.concatenate([np.zeros((len(found), 1)), found[:, :-1]], axis=1)
    steps = np.diff(missed, axis=1, prepend=0.0)
    between = (found + before) / 2.0 @ steps.T
    return np.asarray(((times @ between) * times).sum(axis=1))


def _precision_sum(
    times: FloatArray,
    found: FloatArray,
    missed: FloatArray,
    n_positive: FloatArray,
    n_negative: FloatArray,
    balanced: bool,
) -> FloatArray:
    """Precision at each score times the mass of positives that it adds, summed, (n_resamples,)."""
    # Where no cluster adds a positive, nothing is added.
    adds = (np.diff(found, axis=1, prepend=0.0) > 0.0).any(axis=0)
    found, missed = found[:, adds], missed[:, adds]
    n_rows = max(1, _CELLS_AT_ONCE // max(1, found.shape[1]))
    sums = []
    for start in range(0, len(times), n_rows):
        rows = slice(start, start + n_rows)
        hit, wrong = times[rows] @ found, times[rows] @ missed
        steps = np.diff(hit, axis=1, prepend=0.0)
        # Balanced classes: a negative weighs as much more as there are fewer of them.
        called = hit + (wrong * (n_positive[rows] / n_negative[rows])[:, None] if balanced else wrong)
        precision = np.divide(hit, called, out=np.zeros_like(hit), where=called > 0.0)
        sums.append(np.einsum("ij,ij->i", steps, precision))
    return np.concatenate(sums)


def percentile_interval(values: FloatArray, point: float, n_clusters: int) -> tuple[float, float]:
    r"""95% percentile interval, stretched about the point estimate for the number of clusters.

    A bootstrap of ``k`` clusters spreads like a normal variable of variance :math:`(k - 1) / k` times the
    right one, so its interval of five chromosomes covers 83% instead of 95%. Both ends are moved away from
    the point by :math:`t_{k-1} / z \cdot \sqrt{k / (k - 1)}`, the factor that is exact for a mean.

    Parameters
    ----------
    values : array, shape=(n_resamples,)
    point : float
        The statistic of the pairs themselves.
    n_clusters : int

    Returns
    -------
    (low, high)
        NaN, both, when fewer than half of the resamples are defined.
    """
    from scipy.special import ndtri, stdtrit

    defined = values[~np.isnan(values)]
    if len(defined) == 0 or len(defined) * 2 < len(values) or n_clusters < 2:
        return float("nan"), float("nan")
    upper = (1.0 + LEVEL) / 2.0
    low, high = np.quantile(defined, [1.0 - upper, upper])
    factor = stdtrit(n_clusters - 1, upper) / ndtri(upper) * np.sqrt(n_clusters / (n_clusters - 1))
    return float(point + factor * (low - point)), float(point + factor * (high - point))


def t_interval(values: npt.ArrayLike) -> tuple[float, float]:
    """95% interval of the mean of some cell lines by Student's t; NaN, both, for fewer than two.

    Shapes: (n_lines,) -> two numbers.
    """
    from scipy.special import stdtrit

    given = np.asarray(values, dtype=float)
    n = len(given)
    if n < 2:
        return float("nan"), float("nan")
    half = stdtrit(n - 1, (1.0 + LEVEL) / 2.0) * given.std(ddof=1) / np.sqrt(n)
    return float(given.mean() - half), float(given.mean() + half)


def interval(
    label: npt.ArrayLike,
    score: npt.ArrayLike,
    cluster: npt.ArrayLike,
    statistic: Statistic,
    n: int,
    seed: int,
    *,
    weight: npt.ArrayLike | None = None,
    balanced: bool = False,
) -> tuple[float, float]:
    """95% interval of a statistic, by resampling clusters.

    Parameters
    ----------
    label : array of 0 and 1, shape=(n_pairs,)
    score : array, shape=(n_pairs,)
        Anything that ranks.
    cluster : array, shape=(n_pairs,)
        Any labels, for example those of :func:`genomic_clusters`.
    statistic : {"aupr", "auroc"}
    n : int
        Resamples; 0 computes none.
    seed : int
    weight, balanced
        See :func:`resampled`.

    Returns
    -------
    (low, high)
        NaN, both, when nothing could be computed: no resamples, fewer than two clusters, or one class.
    """
    names, columns = np.unique(np.asarray(cluster), return_inverse=True)
    if n == 0 or len(names) < 2:
        return float("nan"), float("nan")
    once = np.ones((1, len(names)), dtype=np.intp)
    counts = np.concatenate([once, multiplicities(len(names), n, seed)])
    values = resampled(label, score, columns, counts, statistic=statistic, weight=weight, balanced=balanced)
    low, high = percentile_interval(values[1:], float(values[0]), len(names))
    return max(low, 0.0) if low == low else low, min(high, 1.0) if high == high else high


def paired_difference(
    label: npt.ArrayLike,
    score_a: npt.ArrayLike,
    score_b: npt.ArrayLike,
    cluster: npt.ArrayLike,
    n: int,
    seed: int,
    *,
    statistic: Statistic = "aupr",
    weight: npt.ArrayLike | None = None,
    balanced: bool = False,
) -> Difference:
    """Statistic of ``score_a`` minus that of ``score_b`` on the same pairs, with a paired interval.

    Both are evaluated in the same resamples, so that what is hard for both cancels. See
    :func:`interval` for the parameters.
    """
    names, columns = np.unique(np.asarray(cluster), return_inverse=True)
    counts = np.ones((1, len(names)), dtype=np.intp)
    if n > 0 and len(names) >= 2:
        counts = np.concatenate([counts, multiplicities(len(names), n, seed)])
    both = [
        resampled(label, score, columns, counts, statistic=statistic, weight=weight, balanced=balanced)
        for score in (score_a, score_b)
    ]
    difference = both[0] - both[1]  # the first resample is the pairs themselves
    point = float(difference[0])
    return Difference(point, *percentile_interval(difference[1:], point, len(names)))
