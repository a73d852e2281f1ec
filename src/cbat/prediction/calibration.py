"""Level, temperature and threshold from a few labelled pairs of a new cell line.

Nothing else of the model changes, so the order of pairs stays as it is. What the refit is worth is measured
on pairs that it has not seen: the labelled pairs are cut into folds of whole chromosomes (or long stretches,
where chromosomes are few), and each fold is judged with level, temperature and threshold of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from cbat.data.elements import Mentions, check_intervals, read_mentions, unique_elements
from cbat.data.labels import OneLabelError, label_pairs
from cbat.data.pair_tables import CONTACTS_ALONE, kind_of
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.evaluation.measure import pair_clusters
from cbat.evaluation.metrics import best_f1_threshold, expected_calibration_error, pair_metrics
from cbat.landscape.candidates import LEAST_CALLED
from cbat.model.about import About
from cbat.model.environment import FloatArray
from cbat.prediction.candidates import Genome
from cbat.prediction.cautions import Caution, of_left_out
from cbat.prediction.decision import (
    FEW,
    TEMPERATURE_WIDTH,
    Chooser,
    Decision,
    best_precision,
    few,
    kept,
    level_width,
    of_precision,
    refit,
)
from cbat.prediction.labelled_pairs import check_meet, of_inverted_labels

FOLDS: Final = 5
_ALL: Final = "labelled"
_BRING_BOTH: Final = (
    "provide pairs of both labels, 1 for contacts and 0 for others, or predict without them: leave out "
    "--calibrate (in a configuration calibrate)"
)
_FARTHEST: Final = 10**9
Decisions = npt.NDArray[np.bool_]
Scorer = Callable[[pd.DataFrame, Mapping[str, pd.DataFrame]], FloatArray]


@dataclass(frozen=True)
class Calibration:
    """A refitted decision, and what it is worth.

    Attributes
    ----------
    decision : Decision
        Of all labelled pairs.
    report : dict
        Figures before and after, on pairs that the refit has not seen.
    cautions : tuple of Caution
    """

    decision: Decision
    report: dict[str, Any]
    cautions: tuple[Caution, ...]


def check_pairs(pairs: Path, pairs_format: str, about: About) -> None:
    """Refuse labelled pairs whose format says something else of a pair than the model predicts.

    Raises
    ------
    UserError
        Also for a table that cannot be read or recognised.
    """
    known, says = kind_of(pairs, pairs_format)
    predicts = about.training.label_kind
    if says not in (predicts, None):
        raise UserError(
            f"pairs in the format {known} say {says}, and the model {about.name!r} predicts {predicts}: "
            "which loci touch and which enhancer regulates a gene are two questions",
            mend=f"give pairs whose labels say {predicts}, use a model of {says} (cbat models lists those "
            "that come with the package), or predict without --calibrate (in a configuration calibrate)",
            file=pairs,
        )
    if known in CONTACTS_ALONE:
        raise UserError(
            f"pairs in the format {known} are contacts alone, and pairs of one label do not tell how common "
            "contacts are",
            mend=_BRING_BOTH,
            file=pairs,
        )


def calibrate(
    score: Scorer,
    about: About,
    pairs: Path,
    cell_line: str,
    settings: PredictionSettings,
    genome: Genome | None,
    contigs: ContigNames,
    candidates: Mapping[str, Path | None],
    line: Sequence[Mentions],
    model: Decision,
    *,
    knows_precision: bool = False,
) -> Calibration:
    """Refit level, temperature and threshold to labelled pairs, scored in the environment of their line.

    With :data:`~cbat.prediction.decision.FEW` pairs of each class or more the threshold is that of the best
    F1 on the labelled pairs, or of the precision that is asked for; with fewer it is the model's probability,
    on the refitted scale.

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
        Format of the pairs, and the precision that is asked for.
    genome : Genome or None
    contigs : ContigNames
    candidates : mapping
        Role -> the line's candidates, which tell the ends of a BEDPE apart.
    line : sequence of Mentions
        The intervals of its candidates, which the labelled pairs must meet.
    model : Decision
        The model's own.
    knows_precision : bool
        Whether its threshold is that of the precision that is asked for.

    Raises
    ------
    UserError
        Malformed pairs, intervals outside the genome or away from all candidates, pairs of one class alone,
        or a precision that the labelled pairs do not reach, or are too few for.
    """
    table, elements, left_out, cautions = _labelled(
        pairs, cell_line, settings, about, genome, contigs, candidates, line
    )
    scores = score(table, elements)
    label = table["label"].to_numpy(dtype=float)
    cautions += of_inverted_labels(scores, label, table["distance"].to_numpy())
    choose = _chooser(label, settings.precision, model, pairs, knows_precision=knows_precision)
    refitted = refit(scores, label, model, choose)
    if not np.isfinite(refitted.threshold):
        raise _unreached(settings.precision, best_precision(label, refitted.probability(scores)), pairs)
    report: dict[str, Any] = {
        "pairs": len(table),
        "contacts": int(label.sum()),
        "left_out": left_out,
        "before": vars(model),
        "after": vars(refitted),
        "prior": {"level": level_width(model) * model.temperature, "log_temperature": TEMPERATURE_WIDTH},
        "threshold_of": "model" if few(label) else "labelled_pairs",
    }
    report["held_out"] = compare(scores, label, pair_clusters(table), model, choose, table["promoter_id"])
    return Calibration(refitted, report, (*cautions, *_cautions(report)))


def _chooser(
    label: FloatArray, precision: float | None, model: Decision, pairs: Path, *, knows_precision: bool
) -> Chooser:
    """How the threshold is chosen; by all labelled pairs, so that every fold does the same."""
    if not few(label):
        return best_f1_threshold if precision is None else of_precision(precision)
    if precision is None or knows_precision:
        return kept(model.threshold)
    raise UserError(
        f"the model knows no threshold for a precision of {precision:g}, and {len(label)} labelled pairs, "
        f"{int(label.sum())} of them contacts, are too few to find one",
        mend=f"bring {FEW} contacts and {FEW} other pairs or more, or leave the precision out",
        file=pairs,
    )


def _unreached(precision: float | None, best: float, pairs: Path) -> UserError:
    return UserError(
        f"the labelled pairs reach a precision of {precision:g} nowhere: {best:.3f} is the highest with "
        f"{LEAST_CALLED} called pairs or more",
        mend="ask for a lower precision, or leave it out",
        file=pairs,
    )


def compare(
    score: FloatArray,
    label: FloatArray,
    cluster: npt.NDArray[np.str_],
    model: Decision,
    choose: Chooser,
    promoter: Any,
) -> dict[str, Any] | None:
    """Figures of held-out pairs with the model's decision, and with those refitted to other folds.

    Parameters
    ----------
    score, label : array, shape=(n,)
    cluster : array of str, shape=(n,)
        What is held out together.
    model : Decision
        Before the refit.
    choose : callable
        How the threshold is chosen.
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
        refitted = refit(score[rest], label[rest], model, choose)
        after[held] = refitted.probability(score[held])
        called[held] = after[held] >= refitted.threshold
        judged |= held
    if len(np.unique(label[judged])) < 2:
        return None
    before = model.probability(score)[judged]
    label, promoters = label[judged], np.asarray(promoter)[judged]
    return {
        "pairs": int(judged.sum()),
        "folds": len(np.unique(fold)),
        "before": _figures(label, before, before >= model.threshold, promoters),
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
    line: Sequence[Mentions],
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], dict[str, int], list[Caution]]:
    """Labelled pairs, the tables of elements that they are rows of, what was left out, and cautions."""
    laid_over = kind_of(pairs, settings.pairs_format)[0] == "bedpe"
    row = parse_section(
        CellLine,
        {
            "cell_line": cell_line, "tissue": "unknown", "role": "unseen", "sex": "unknown",
            "condition": "unknown", "pairs": pairs, "pairs_format": settings.pairs_format,
            "score_threshold": settings.score_threshold, "score_column": settings.score_column,
            **{f"{role}s": candidates[role] if laid_over else None for role in ROLES},
        },
        [],
    )  # fmt: skip
    mentions = [mention for mention in read_mentions(row, contigs) if not mention.bed]
    known = [str(name) for mention in mentions for name in mention.intervals["chrom"].unique()]
    if genome is not None:
        known = list(genome.sizes)
        for mention in mentions:
            check_intervals(mention, genome.sizes, contigs)
    cautions = check_meet(pairs, mentions, line, contigs)
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
    try:
        table, report = label_pairs(row, tables, bounds, contigs, left_out)
    except OneLabelError as error:
        raise UserError(
            f"{error.problem}; pairs of one label do not tell how common contacts are",
            mend=_BRING_BOTH,
            file=pairs,
        ) from error
    reasons = {reason: n for reason, n in report["left_out"].items() if n}
    return table, tables, reasons, cautions + of_left_out(pairs, report["rows"], reasons)


def _cautions(report: Mapping[str, Any]) -> tuple[Caution, ...]:
    found = []
    if report["threshold_of"] == "model":
        found.append(
            Caution(
                "few_labels",
                f"of {report['pairs']} labelled pairs {report['contacts']} are contacts; with fewer than "
                f"{FEW} of either label, level and temperature stay near the model's, and the threshold is "
                "the model's",
            )
        )
    held_out = report["held_out"]
    if held_out is None:
        found.append(
            Caution(
                "calibration_unchecked",
                "the labelled pairs are too few to hold some out, so the benefit of the refit is unknown",
            )
        )
    elif held_out["after"]["log_loss"] > held_out["before"]["log_loss"]:
        found.append(
            Caution(
                "calibration_no_help",
                "on held-out pairs the refitted level and temperature are worse than the model's own (log "
                f"loss {held_out['after']['log_loss']:.3f} against {held_out['before']['log_loss']:.3f})",
            )
        )
    return tuple(found)
