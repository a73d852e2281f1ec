"""The protocol's metrics of any scores of labelled pairs, whoever made them, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.errors import UserError
from cbat.evaluation.bootstrap import (
    MINIMUM_CHROMOSOMES,
    FloatArray,
    IntArray,
    genomic_clusters,
    multiplicities,
    percentile_interval,
    resampled,
    resampled_precision,
    resampled_within,
)
from cbat.evaluation.metrics import RECALLS, pair_metrics

COLUMNS: Final = ["negatives", "metric", "value", "low", "high"]
"""Named as in ``metrics.tsv``."""
_COUNTS: Final = ("n_pairs", "n_positive")


def evaluate_scores(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    chromosomes: npt.ArrayLike,
    positions: npt.ArrayLike | None = None,
    enhancers: npt.ArrayLike | None = None,
    promoters: npt.ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Metrics of scored pairs, each with its 95% interval over chromosomes.

    Parameters
    ----------
    scores : array, shape=(n,)
        Anything that ranks the pairs, the higher the more likely a contact; finite.
    labels : array of 0 and 1, or of False and True, shape=(n,)
    chromosomes : array, shape=(n,)
        Chromosome of each pair.
    positions : array, shape=(n,), optional
        Any coordinate of each pair, bp, such as the start of its promoter: with fewer than four chromosomes
        ten stretches of each are resampled, in this order. Without it such pairs have no intervals.
    enhancers, promoters : array, shape=(n,), optional
        Identifiers of the two elements; without one the AUROC among its pairs is left out.
    resamples : int
        Draws of chromosomes; 0 computes no intervals.
    seed : int
        Seed of the draws.

    Returns
    -------
    DataFrame
        ``negatives``, ``metric``, ``value``, ``low`` and ``high``, named as in ``metrics.tsv``: at the
        ``natural`` prevalence of the pairs ``n_pairs``, ``n_positive``, ``prevalence``, ``aupr``, ``auroc``,
        ``precision_at_recall_0.5``, ``precision_at_recall_0.7``, ``auroc_within_enhancer`` and
        ``auroc_within_promoter``, and ``aupr`` of ``balanced`` classes. What the pairs leave undefined has no
        row, and an interval that cannot be computed is NaN.

    Raises
    ------
    UserError
        No pairs; arrays of different lengths; columns of tables whose indexes differ; labels other than 0
        and 1; scores that are not finite; a chromosome, a position or an element that is missing; a negative
        number of resamples.
    """
    given = {"chromosomes": chromosomes, "enhancers": enhancers, "promoters": promoters}
    _check_indexes(scores, {"labels": labels, **given, "positions": positions})
    label, score = _labels(labels), _numbers(scores, "scores")
    names = {name: _names(values, name) for name, values in given.items() if values is not None}
    position = None if positions is None else _numbers(positions, "positions")
    _check_lengths({"scores": score, "labels": label, **names, "positions": position})
    if resamples < 0 or seed < 0:
        raise UserError(
            f"the number of resamples is {resamples}, and the seed {seed}", mend="give 0 or more for both"
        )
    groups = {name.removesuffix("s"): names[name] for name in ("enhancers", "promoters") if name in names}
    counts, columns = _resamples(names["chromosomes"], position, resamples, seed)
    return pd.DataFrame(_rows(label, score, groups, columns, counts), columns=pd.Index(COLUMNS))


def _check_indexes(scores: Any, others: Mapping[str, Any]) -> None:
    """Rows are taken in order, and columns of two tables may be of two orders."""
    for name, values in others.items():
        both = isinstance(scores, pd.Series) and isinstance(values, pd.Series)
        if both and len(scores) == len(values) and not scores.index.equals(values.index):
            raise UserError(
                f"the {name} have another index than the scores",
                mend="take both from one table (merge them first), or give them as .to_numpy()",
            )


def _labels(labels: npt.ArrayLike) -> FloatArray:
    values = _numbers(labels, "labels")
    other = np.flatnonzero(~np.isin(values, (0.0, 1.0)))
    if len(other):
        raise UserError(
            f"the label in place {other[0]} is {values[other[0]]:g}",
            mend="give 1 (or True) for a contact and 0 (or False) for a pair that is none",
        )
    return values


def _numbers(values: npt.ArrayLike, name: str) -> FloatArray:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"the {name} are no numbers ({error})", mend="give one number for each pair"
        ) from error
    if numbers.ndim != 1:
        raise UserError(
            f"the {name} have {numbers.ndim} dimensions",
            mend="give one number for each pair, such as a column of a table",
        )
    missing = np.flatnonzero(~np.isfinite(numbers))
    if len(missing):
        raise UserError(
            f"{len(missing):,} of {len(numbers):,} {name} are not finite, the first in place {missing[0]}",
            mend="leave these pairs out, or give those that were not scored the lowest score",
        )
    return numbers


def _names(values: npt.ArrayLike, name: str) -> npt.NDArray[np.str_]:
    missing = np.flatnonzero(pd.isna(np.asarray(values, dtype=object)))
    if len(missing):
        raise UserError(
            f"{len(missing):,} of the {name} are missing, the first in place {missing[0]}",
            mend="name one for each pair",
        )
    return np.asarray(np.asarray(values, dtype=object), dtype=np.str_)


def _check_lengths(arrays: Mapping[str, npt.NDArray[Any] | None]) -> None:
    lengths = {name: len(values) for name, values in arrays.items() if values is not None}
    n = lengths["scores"]
    if n == 0:
        raise UserError("there are no scores", mend="give one score for each labelled pair")
    for name, length in lengths.items():
        if length != n:
            raise UserError(
                f"there are {n:,} scores, and {length:,} {name}",
                mend="give one of each for every pair, in the same order",
            )


def _resamples(
    chromosomes: npt.NDArray[np.str_], position: FloatArray | None, n: int, seed: int
) -> tuple[IntArray, IntArray]:
    """Multiplicities of clusters, the pairs themselves first, and the cluster of each pair."""
    few = len(np.unique(chromosomes)) < MINIMUM_CHROMOSOMES
    clusters = chromosomes if position is None else genomic_clusters(chromosomes, position)
    names, columns = np.unique(clusters, return_inverse=True)
    counts = np.ones((1, len(names)), dtype=np.intp)
    if n and len(names) >= 2 and not (few and position is None):
        counts = np.concatenate([counts, multiplicities(len(names), n, seed)])
    return counts, columns.astype(np.intp)


def _rows(
    label: FloatArray,
    score: FloatArray,
    groups: Mapping[str, npt.NDArray[np.str_]],
    columns: IntArray,
    counts: IntArray,
) -> Iterator[dict[str, Any]]:
    numbered = {role: pd.factorize(names)[0] for role, names in groups.items()}
    promoter = numbered.get("promoter", np.zeros(len(label), dtype=np.intp))
    for negatives in ("natural", "balanced"):
        balanced = negatives == "balanced"
        values = pair_metrics(label, score, promoter, None, balanced, enhancer=numbered.get("enhancer"))
        drawn = {"aupr": resampled(label, score, columns, counts, balanced=balanced)}
        if not balanced:
            drawn["auroc"] = resampled(label, score, columns, counts, statistic="auroc")
            for recall in RECALLS:
                name = f"precision_at_recall_{recall}"
                drawn[name] = resampled_precision(label, score, columns, counts, recall)
            for role, group in numbered.items():
                drawn[f"auroc_within_{role}"] = resampled_within(label, score, group, columns, counts)
        shown = [*drawn] if balanced else [*_COUNTS, "prevalence", *drawn]
        for metric in (name for name in shown if name in values):
            row = {"negatives": negatives, "metric": metric, "value": values[metric]}
            if metric in drawn:
                ends = percentile_interval(drawn[metric][1:], values[metric], counts.shape[1])
                row |= {"low": max(ends[0], 0.0), "high": min(ends[1], 1.0)} if ends[0] == ends[0] else {}
            yield row
