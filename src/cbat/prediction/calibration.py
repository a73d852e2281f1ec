"""Temperature and threshold from a few labelled pairs of a new cell line.

Nothing else of the model changes, so the order of pairs stays as it is. What the refit is worth is measured
on pairs that it has not seen: the labelled pairs are cut into folds of whole chromosomes (or long stretches,
where chromosomes are few), and each fold is judged with temperature and threshold of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.load import parse_section
from cbat.config.predictions import PredictionSettings
from cbat.config.sections import LabelSettings
from cbat.config.sheets import CellLine
from cbat.data.contigs import ContigNames
from cbat.data.element_filters import with_sequence
from cbat.data.elements import check_intervals, read_mentions, unique_elements
from cbat.data.labels import label_pairs
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.evaluation.measure import pair_clusters
from cbat.evaluation.metrics import (
    best_f1_threshold,
    expected_calibration_error,
    fit_temperature,
    pair_metrics,
)
from cbat.landscape.law import probability_of
from cbat.model.about import About
from cbat.model.environment import FloatArray
from cbat.prediction.candidates import Caution, Genome

FOLDS: Final = 5
FEW: Final = 50
"""Fewer labelled pairs of either class make a refit that is hardly worth it."""
_ALL: Final = "labelled"
_FARTHEST: Final = 10**9
Decisions = npt.NDArray[np.bool_]
Scorer = Callable[[pd.DataFrame, Mapping[str, pd.DataFrame]], FloatArray]


@dataclass(frozen=True)
class Calibration:
    """Refitted temperature and threshold, and what they are worth.

    Attributes
    ----------
    temperature, threshold : float
        Of all labelled pairs.
    report : dict
        Figures before and after, on pairs that the refit has not seen.
    cautions : tuple of Caution
    """

    temperature: float
    threshold: float
    report: dict[str, Any]
    cautions: tuple[Caution, ...]


def calibrate(
    score: Scorer,
    about: About,
    pairs: Path,
    cell_line: str,
    settings: PredictionSettings,
    genome: Genome | None,
    contigs: ContigNames,
    candidates: Mapping[str, Path | None],
    decided: tuple[float, float],
) -> Calibration:
    """Refit temperature and threshold to labelled pairs, scored in the environment of their line.

    Parameters
    ----------
    score : callable
        Labelled pairs (``enhancer`` and ``promoter`` are rows of the tables of elements, role -> table) ->
        their scores, shape=(n,).
    about : About
        Windows and filters of the model.
    pairs : Path
        Labelled pairs, in any of the formats of a sheet.
    cell_line : str
    settings : PredictionSettings
        Format of the pairs.
    genome : Genome or None
    contigs : ContigNames
    candidates : mapping
        Role -> the line's candidates, for chromatin loops.
    decided : (float, float)
        Temperature and threshold of the model.

    Raises
    ------
    UserError
        Malformed pairs, intervals outside the genome, or pairs of one class alone.
    """
    table, elements, left_out = _labelled(pairs, cell_line, settings, about, genome, contigs, candidates)
    logit = score(table, elements)
    label = table["label"].to_numpy(dtype=float)
    temperature, threshold = refit(logit, label)
    report: dict[str, Any] = {
        "pairs": len(table),
        "contacts": int(label.sum()),
        "left_out": left_out,
        "before": dict(zip(("temperature", "threshold"), decided, strict=True)),
        "after": {"temperature": temperature, "threshold": threshold},
    }
    report["held_out"] = compare(logit, label, pair_clusters(table), *decided, table["promoter_id"])
    return Calibration(temperature, threshold, report, _cautions(report))


def refit(logit: FloatArray, label: FloatArray) -> tuple[float, float]:
    """Temperature of the largest likelihood, and the threshold of the largest F1 at it."""
    temperature = fit_temperature(logit, label)
    return temperature, best_f1_threshold(label, probability_of(logit, temperature))


def compare(
    logit: FloatArray,
    label: FloatArray,
    cluster: npt.NDArray[np.str_],
    temperature: float,
    threshold: float,
    promoter: Any,
) -> dict[str, Any] | None:
    """Figures of held-out pairs with the model's temperature and threshold, and with those of other folds.

    Parameters
    ----------
    logit, label : array, shape=(n,)
    cluster : array of str, shape=(n,)
        What is held out together.
    temperature, threshold : float
        Before the refit.
    promoter : array, shape=(n,)
        Promoter of each pair.

    Returns
    -------
    dict or None
        None where no fold leaves both classes to the others.
    """
    fold = folds(cluster)
    after, called = np.zeros(len(label)), np.zeros(len(label), dtype=bool)
    judged = np.zeros(len(label), dtype=bool)
    for one in np.unique(fold):
        held, rest = fold == one, fold != one
        if len(np.unique(label[rest])) < 2:
            continue
        own_temperature, own_threshold = refit(logit[rest], label[rest])
        after[held] = probability_of(logit[held], own_temperature)
        called[held] = after[held] >= own_threshold
        judged |= held
    if len(np.unique(label[judged])) < 2:
        return None
    before = probability_of(logit, temperature)[judged]
    label, promoters = label[judged], np.asarray(promoter)[judged]
    return {
        "pairs": int(judged.sum()),
        "folds": len(np.unique(fold)),
        "before": _figures(label, before, before >= threshold, promoters),
        "after": _figures(label, after[judged], called[judged], promoters),
    }


def folds(cluster: npt.NDArray[np.str_]) -> npt.NDArray[np.intp]:
    """Up to :data:`FOLDS` folds of whole clusters, of about the same size; the same for the same clusters."""
    names, counts = np.unique(cluster, return_counts=True)
    sizes = np.zeros(min(FOLDS, len(names)), dtype=np.int64)
    fold_of = {}
    for place in np.lexsort([names, -counts]):
        smallest = int(sizes.argmin())
        fold_of[names[place]] = smallest
        sizes[smallest] += counts[place]
    return np.array([fold_of[name] for name in cluster], dtype=np.intp)


def _figures(
    label: FloatArray, probability: FloatArray, called: Decisions, promoter: npt.NDArray[Any]
) -> dict[str, float]:
    # The decisions of folds differ in their threshold, so they are judged as scores of their own.
    decided = pair_metrics(label, called.astype(float), promoter, 0.5)
    clipped = np.clip(probability, 1e-12, 1.0 - 1e-12)
    loss = -(label * np.log(clipped) + (1.0 - label) * np.log(1.0 - clipped)).mean()
    return {
        "log_loss": float(loss),
        "brier": float(((probability - label) ** 2).mean()),
        "ece": expected_calibration_error(label, probability, np.ones(len(label))),
        **{name: decided[name] for name in ("f1", "precision", "recall", "mcc") if name in decided},
    }


def _labelled(
    pairs: Path,
    cell_line: str,
    settings: PredictionSettings,
    about: About,
    genome: Genome | None,
    contigs: ContigNames,
    candidates: Mapping[str, Path | None],
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], dict[str, int]]:
    """Labelled pairs, the tables of elements that they are rows of, and counts of what was left out."""
    loops = settings.pairs_format == "loops"
    if loops and candidates["promoter"] is None:
        raise UserError(
            "loops are looked up among the promoters of a file, and none is given",
            mend="give the promoters or an annotation of genes",
            file=pairs,
        )
    row = parse_section(
        CellLine,
        {
            "cell_line": cell_line, "tissue": "unknown", "role": "unseen", "sex": "unknown",
            "condition": "unknown", "pairs": pairs, "pairs_format": settings.pairs_format,
            "score_threshold": settings.score_threshold,
            **{f"{role}s": candidates[role] if loops else None for role in ROLES},
        },
        [],
    )  # fmt: skip
    mentions = [mention for mention in read_mentions(row, contigs) if not mention.bed]
    known = [str(name) for mention in mentions for name in mention.intervals["chrom"].unique()]
    if genome is not None:
        known = list(genome.sizes)
        for mention in mentions:
            check_intervals(mention, genome.sizes)
    windows, everywhere = about.windows.model_dump(), dict.fromkeys(known, _ALL)
    tables = {role: unique_elements(mentions, role, windows[role], everywhere) for role in ROLES}
    left_out = None
    if about.elements.max_n is not None and genome is not None:
        tables, left_out = with_sequence(tables, about.elements.max_n, genome.fasta)
    bounds = LabelSettings(
        kind=about.training.label_kind,
        max_distance=_FARTHEST,
        duplicate_pairs="drop",
        conflicting_pairs="drop",
    )
    table, report = label_pairs(row, tables, bounds, contigs, left_out)
    return table, tables, {reason: n for reason, n in report["left_out"].items() if n}


def _cautions(report: Mapping[str, Any]) -> tuple[Caution, ...]:
    found = []
    rarer = min(report["contacts"], report["pairs"] - report["contacts"])
    if rarer < FEW:
        found.append(
            Caution(
                "few_labels",
                f"temperature and threshold are refitted to {report['pairs']} pairs, {report['contacts']} of "
                "them contacts: both are uncertain",
            )
        )
    held_out = report["held_out"]
    if held_out is None:
        found.append(
            Caution(
                "calibration_unchecked",
                "the labelled pairs are too few to hold some out, so nobody knows what the refit is worth",
            )
        )
    elif held_out["after"]["log_loss"] > held_out["before"]["log_loss"]:
        found.append(
            Caution(
                "calibration_no_help",
                "on held-out pairs the refitted temperature is worse than the model's own (log loss "
                f"{held_out['after']['log_loss']:.3f} against {held_out['before']['log_loss']:.3f})",
            )
        )
    return tuple(found)
