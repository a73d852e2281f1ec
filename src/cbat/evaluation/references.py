"""References beside every result: shortcuts that a model must beat, and the oracle that none can.

The shortcuts are those of :mod:`cbat.evaluation.shortcuts`, as the training lines have fitted them. Of a
simulated line there are two more:

====================  ====================================================================================
``oracle``            the true probability
``oracle_invariant``  the same averaged over environments: what knowing the pair alone is worth
====================  ====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data import stored
from cbat.errors import UserError
from cbat.evaluation.measure import Origin, metric_rows
from cbat.evaluation.shortcuts import load_shortcuts, read_pairs
from cbat.evaluation.table import as_table, write_table

FloatArray = npt.NDArray[np.float64]

ORACLES: Final = {"oracle": "probability", "oracle_invariant": "invariant_probability"}
ORACLE_THRESHOLD: Final = 0.5
"""An oracle knows probabilities, so that it needs no threshold from validation pairs."""


@dataclass(frozen=True)
class Reference:
    """Scores of one reference, shape=(n_pairs,), and its threshold."""

    probability: FloatArray
    threshold: float


def run(
    *,
    cell_line: str,
    role: Literal["seen", "unseen"],
    labels: Path,
    elements: Path,
    sequences: Path,
    shortcuts: Path,
    settings: EvaluationSettings,
    output: Path,
    truth: Path | None = None,
) -> None:
    """Write the reference rows of one cell line (model = name of the reference, seed 0).

    Parameters
    ----------
    cell_line, role
        The line under evaluation, and whether models have seen it in training.
    labels : Path
        Its labelled pairs (``results/labels/<cell_line>.parquet``).
    elements, sequences : Path
        Folders of the cohort of the line.
    shortcuts : Path
        Folder of the fitted shortcuts.
    settings : EvaluationSettings
        Splits to evaluate, number and seed of resamplings.
    output : Path
        The table.
    truth : Path, optional
        True probabilities of a simulated line; without it there are no oracles.

    Raises
    ------
    UserError
        Damaged shortcuts, or a truth that lacks pairs of the line.
    """
    target = read_pairs([labels], elements, sequences)
    target = target.where(target.table["split"].isin(settings.chromosomes).to_numpy()).alone()
    scores = load_shortcuts(shortcuts).scores(target)
    references = {name: Reference(*score) for name, score in scores.items()}
    if truth is not None:
        references |= oracle_references(target.table, truth)
    rows: list[dict[str, Any]] = []
    for name, reference in references.items():
        scored = target.table.assign(probability=reference.probability)
        origin = Origin(name, 0, cell_line, role)
        rows += metric_rows(scored, origin, threshold=reference.threshold, settings=settings)
    write_table(output, as_table(rows))


def oracle_references(pairs: pd.DataFrame, truth: Path) -> dict[str, Reference]:
    """True probabilities of the pairs.

    Raises
    ------
    UserError
        A pair is missing from the truth.
    """
    key = ["enhancer_id", "promoter_id"]
    known = stored.read_table(truth, None, mend="simulate the benchmark anew")
    joined = pairs[key].merge(known, on=key, how="left", validate="many_to_one")
    lost = int(joined["probability"].isna().sum())
    if lost:
        raise UserError(
            f"{lost} of {len(pairs)} labelled pairs have no true probability",
            mend="simulate the benchmark and label its pairs anew, from one configuration",
            file=truth,
        )
    return {
        name: Reference(joined[column].to_numpy(dtype=float), ORACLE_THRESHOLD)
        for name, column in ORACLES.items()
        if column in joined
    }
