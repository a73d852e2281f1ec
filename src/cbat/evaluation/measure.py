"""From scored pairs of one cell line to the rows of the long table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import ALL_CANDIDATES, EvaluationSettings
from cbat.evaluation.bootstrap import MINIMUM_CHROMOSOMES, Statistic, genomic_clusters, interval
from cbat.evaluation.metrics import pair_metrics
from cbat.evaluation.table import FOLDS, KIND_CONTEXTS, NO_CONTEXT
from cbat.evaluation.weights import FloatArray, matched_weights

NEGATIVES: Final = ("natural", "balanced", "matched")
PAIR_COLUMNS: Final = ("enhancer_id", "promoter_id", "label", "distance", "chrom", "split", "probability")
_WITH_INTERVAL: Final[tuple[Statistic, ...]] = ("aupr", "auroc")
_NAMES: Final = ("enhancer_id", "promoter_id")
"""Only compared with one another: numbers in their place are sorted many times faster."""
_START_OF_ID: Final = r":(-?\d+)--?\d+$"


@dataclass(frozen=True)
class Origin:
    """Where scored pairs come from: the part of the key that all their rows share."""

    model: str
    seed: int
    cell_line: str
    role: str
    context: str = NO_CONTEXT
    n_support: int = 0


def metric_rows(
    pairs: pd.DataFrame, origin: Origin, *, threshold: float | None, settings: EvaluationSettings
) -> list[dict[str, Any]]:
    """Rows of the long table for every split that the settings name and all three sets of negatives.

    Parameters
    ----------
    pairs : DataFrame
        One row per pair: ``enhancer_id``, ``promoter_id``, ``label``, ``distance``, ``chrom``,
        ``split``, ``probability``.
    origin : Origin
        Model, seed, cell line, role, context and support size.
    threshold : float or None
        From validation pairs of the training lines; None for scores that only rank.
    settings : EvaluationSettings
        Splits (``folds`` pools the pairs of all folds), and the number and seed of resamplings. AUPR and
        AUROC carry a 95% interval at the headline's support size, with all candidates, and where no support
        set enters. Contexts
        that exchange one kind of track have neither intervals nor matched negatives.

    Returns
    -------
    list of dict
        Undefined metrics are absent; a split without pairs gives its counts only.

    Raises
    ------
    ValueError
        A column is missing, or a pair is scored twice.
    """
    missing = [name for name in PAIR_COLUMNS if name not in pairs.columns]
    if missing:
        raise ValueError(f"the scored pairs lack the column {missing[0]!r}")
    if pairs.duplicated(["enhancer_id", "promoter_id"]).any():
        raise ValueError("a pair is scored twice; every unique pair counts once")
    # Other support sizes draw a curve, whose points stand in for one another's uncertainty; of one exchanged
    # kind of track the difference to the line's own has the interval, not the figure.
    one_kind = origin.context in KIND_CONTEXTS
    shown = origin.n_support in (0, settings.headline_support, ALL_CANDIDATES) and not one_kind
    n_bootstrap = settings.n_bootstrap if shown else 0
    rows: list[dict[str, Any]] = []
    for chromosomes in dict.fromkeys(settings.chromosomes):
        part = of_split(pairs, chromosomes)
        cluster = pair_clusters(part) if n_bootstrap and len(part) else np.empty(0, dtype=np.str_)
        numbered = part.assign(**{name: pd.factorize(part[name])[0] for name in _NAMES})
        for negatives in NEGATIVES[:2] if one_kind else NEGATIVES:
            key = vars(origin) | {"chromosomes": chromosomes, "negatives": negatives}
            found = _rows_of_split(numbered, negatives, threshold, cluster, settings.seed, n_bootstrap)
            rows += [key | row for row in found]
    return rows


def of_split(pairs: pd.DataFrame, chromosomes: str) -> pd.DataFrame:
    """Pairs of a split by their column ``split``; all of them for ``folds``, whatever fold they are in."""
    return pairs if chromosomes == FOLDS else pairs[pairs["split"] == chromosomes]


def pair_clusters(pairs: pd.DataFrame) -> npt.NDArray[np.str_]:
    """Cluster of each pair for resampling, from its chromosome and the start of its promoter."""
    chrom = np.asarray(pairs["chrom"].to_numpy(dtype=np.str_))
    if pairs["chrom"].nunique() >= MINIMUM_CHROMOSOMES:
        return chrom  # they are the clusters, and no names need be read
    return genomic_clusters(chrom, promoter_starts(pairs))


def promoter_starts(pairs: pd.DataFrame) -> FloatArray:
    """Start of the promoter of each pair, bp, from its name."""
    number, names = pd.factorize(pairs["promoter_id"].astype(str))
    start = pd.Series(names).str.extract(_START_OF_ID, expand=False)
    return np.asarray(np.asarray(start, dtype=float)[number])


def _rows_of_split(
    part: pd.DataFrame,
    negatives: str,
    threshold: float | None,
    cluster: npt.NDArray[np.str_],
    seed: int,
    n_bootstrap: int,
) -> Iterator[dict[str, Any]]:
    label = part["label"].to_numpy(dtype=float)
    probability = part["probability"].to_numpy(dtype=float)
    balanced, weight = negatives == "balanced", None
    if negatives == "matched":
        weight = _matched(part)
        if weight is None:
            return
    metrics = pair_metrics(
        label,
        probability,
        part["promoter_id"].to_numpy(),
        threshold,
        balanced,
        enhancer=part["enhancer_id"].to_numpy(),
        weight=weight,
    )
    for metric, value in metrics.items():
        row: dict[str, Any] = {"metric": metric, "value": value}
        if metric in _WITH_INTERVAL and n_bootstrap:
            statistic: Statistic = "aupr" if metric == "aupr" else "auroc"
            low, high = interval(
                label,
                probability,
                cluster,
                statistic,
                n_bootstrap,
                seed,
                weight=weight,
                balanced=balanced,
            )
            row |= {"low": low, "high": high}
        yield row


def _matched(part: pd.DataFrame) -> FloatArray | None:
    try:
        return matched_weights(
            part["label"].to_numpy(),
            part["distance"].to_numpy(),
            part["enhancer_id"].to_numpy(),
            part["promoter_id"].to_numpy(),
        )
    except ValueError:
        return None  # no promoter has both classes: there is no matched set
