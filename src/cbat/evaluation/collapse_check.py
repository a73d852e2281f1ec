"""List the collapsed models of a run, and stop where the configuration asks for that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cbat.config.sections import EvaluationSettings, TrainingSettings
from cbat.errors import UserError
from cbat.evaluation.headline import Headline
from cbat.evaluation.table import AGGREGATES, read_table
from cbat.files import atomic_file


def run(*, metrics: Path, settings: EvaluationSettings, training: TrainingSettings, output: Path) -> None:
    """Write which models have collapsed on which cell lines.

    A stage of its own, after the summary: what was measured stays there to be looked at when this one fails.

    Parameters
    ----------
    metrics : Path
        ``results/summary/metrics.tsv``.
    settings : EvaluationSettings
        The section ``evaluation``.
    training : TrainingSettings
        The section ``training``: ``fail_on_collapse``.
    output : Path
        A table with the columns model, seed, cell_line, signs; empty below its header for sound models.

    Raises
    ------
    UserError
        A model has collapsed, and ``fail_on_collapse`` is set.
    """
    found = collapsed_rows(read_table(metrics), Headline.of(settings))
    if len(found) and training.fail_on_collapse:
        where = ", ".join(f"{model} (seed {seed}) on {line}" for model, seed, line, _ in found.to_numpy())
        raise UserError(
            f"models have collapsed: {where}",
            mend=f"their figures are in {metrics} (metric collapse_signs); look at labels, splits and "
            "candidates, or set training.fail_on_collapse to false to go on",
            where="training.fail_on_collapse",
        )
    with atomic_file(output) as temporary:
        found.to_csv(temporary, sep="\t", index=False, lineterminator="\n")


def collapsed_rows(metrics: pd.DataFrame, headline: Headline) -> pd.DataFrame:
    """Model, seed and cell line wherever the headline's setting shows signs of collapse, and how many."""
    watched = replace(headline, metric="collapse_signs", negatives="natural")
    models = sorted(set(watched.setting(metrics)["model"]))
    columns = ["model", "seed", "cell_line", "value"]
    rows = pd.concat(
        [watched.rows(metrics, model)[columns] for model in models] or [metrics[columns].iloc[:0]]
    )
    rows = rows[(rows["value"] > 0) & ~rows["cell_line"].isin(AGGREGATES)]
    return rows.rename(columns={"value": "signs"}).astype({"signs": int}).reset_index(drop=True)
