"""References beside every result: shortcuts that a model must beat, other tools, and what no model can beat.

The shortcuts are those of :mod:`cbat.evaluation.shortcuts`, as the training lines have fitted them. Where
there is a landscape, ``abc`` is the published activity-by-contact score with a power law
(:mod:`cbat.landscape.abc`), ``abc_share`` the same share from ranked activities, and ``enhancer_share`` that
of the promoter in the contacts that the power law gives its enhancer; nothing is fitted. A
simulated line has two more, and two others where the world has an observer (``simulation.observer_support``):

====================  ====================================================================================
``oracle``            the true probability
``oracle_invariant``  the same averaged over environments: what knowing the pair alone is worth
``attainable``        what follows from the laws and from what a model may see, support set included
``attainable_all``    the same with all candidates of the line as its support set
====================  ====================================================================================

Predictions of another tool (:mod:`cbat.evaluation.peers`) stand beside them on the pairs that both have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data import stored
from cbat.data.contigs import read_contig_names
from cbat.errors import UserError
from cbat.evaluation.landscape_references import ABC_SHARE, abc_share, published_scores
from cbat.evaluation.measure import Origin, metric_rows, of_split
from cbat.evaluation.peers import peer_rows
from cbat.evaluation.shortcuts import SHORTCUTS, STATIC, Pairs, load_shortcuts, read_pairs
from cbat.evaluation.table import as_table, write_table

FloatArray = npt.NDArray[np.float64]

ORACLES: Final = {"oracle": "probability", "oracle_invariant": "invariant_probability"}
OBSERVERS: Final = {
    "attainable": "attainable_probability", "attainable_all": "attainable_all_probability",
}  # fmt: skip
ORACLE_THRESHOLD: Final = 0.5
"""An oracle knows probabilities, so that it needs no threshold from validation pairs."""
BARS: Final = (*SHORTCUTS, STATIC, ABC_SHARE)
"""References that a model must beat, in the order of the tables."""


@dataclass(frozen=True)
class Reference:
    """Scores of one reference, shape=(n_pairs,), and its threshold; None for scores that only rank."""

    probability: FloatArray
    threshold: float | None


def run(
    *,
    cell_line: str,
    role: Literal["seen", "unseen"],
    labels: Path,
    elements: Path,
    shortcuts: Path,
    settings: EvaluationSettings,
    output: Path,
    sequences: Path | None = None,
    landscape: Path | None = None,
    peers: Mapping[str, Path] | None = None,
    contig_names: Path | None = None,
    truth: Path | None = None,
) -> None:
    """Write the reference rows of one cell line (model = name of the reference, seed 0).

    Parameters
    ----------
    cell_line, role
        The line under evaluation, and whether models have seen it in training.
    labels : Path
        Its labelled pairs (``results/labels/<cell_line>.parquet``).
    elements : Path
        Folder of the cohort of the line.
    shortcuts : Path
        Folder of the fitted shortcuts.
    settings : EvaluationSettings
        Splits to evaluate, number and seed of resamplings.
    output : Path
        The table.
    sequences : Path, optional
        Folder of the sequences of the cohort, as it was given to ``fit_references``.
    landscape : Path, optional
        Folder of the landscape of the line, likewise.
    peers : mapping, optional
        Name -> table of another tool's predictions; see :mod:`cbat.evaluation.peer_tables`.
    contig_names : Path, optional
        Table of contig names, for peers, as for `collect_elements`.
    truth : Path, optional
        True probabilities of a simulated line; without it there are no oracles.

    Raises
    ------
    UserError
        Damaged shortcuts, a truth that lacks pairs of the line, or a peer's table that is malformed or has
        none of the line's pairs.
    """
    known = None if landscape is None else {Path(labels).stem: Path(landscape)}
    target = read_pairs([labels], elements, sequences, landscapes=known)
    rows: list[dict[str, Any]] = []
    contigs = read_contig_names(contig_names)
    about = {"cell_line": cell_line, "role": role}
    for name, path in (peers or {}).items():
        rows += peer_rows(name, path, target.table, settings=settings, contigs=contigs, **about)
    of_activity: dict[str, FloatArray] = {}
    if landscape is not None:
        of_activity = published_scores(landscape, target.table)
        of_activity[ABC_SHARE] = abc_share(landscape, target.table)
    evaluated = _evaluated(target.table, settings)
    target = target.where(evaluated).alone()
    references = _fitted(target, shortcuts)
    references |= {name: Reference(scores[evaluated], None) for name, scores in of_activity.items()}
    if truth is not None:
        references |= oracle_references(target.table, truth)
    for name, reference in references.items():
        scored = target.table.assign(probability=reference.probability)
        origin = Origin(name, 0, cell_line, role)
        rows += metric_rows(scored, origin, threshold=reference.threshold, settings=settings)
    write_table(output, as_table(rows))


def _evaluated(pairs: pd.DataFrame, settings: EvaluationSettings) -> npt.NDArray[np.intp]:
    """Rows of the pairs in any of the splits that are evaluated."""
    parts = [of_split(pairs, chromosomes).index for chromosomes in settings.chromosomes]
    return np.unique(np.concatenate(parts)).astype(np.intp)


def _fitted(target: Pairs, shortcuts: Path) -> dict[str, Reference]:
    scores = load_shortcuts(shortcuts).scores(target)
    return {name: Reference(*score) for name, score in scores.items()}


def oracle_references(pairs: pd.DataFrame, truth: Path) -> dict[str, Reference]:
    """True probabilities of the pairs.

    Raises
    ------
    UserError
        A pair is missing from the truth.
    """
    key = ["enhancer_id", "promoter_id"]
    known = stored.read_table(truth, None, mend="simulate the benchmark again")
    joined = pairs[key].merge(known, on=key, how="left", validate="many_to_one")
    lost = int(joined["probability"].isna().sum())
    if lost:
        raise UserError(
            f"{lost} of {len(pairs)} labelled pairs have no true probability",
            mend="simulate the benchmark and label its pairs again, from one configuration",
            file=truth,
        )
    return {
        name: Reference(joined[column].to_numpy(dtype=float), ORACLE_THRESHOLD)
        for name, column in (ORACLES | OBSERVERS).items()
        if column in joined
    }
