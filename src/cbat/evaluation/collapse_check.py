"""List the collapsed models of a run, and stop where the configuration asks for that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.config.sections import EvaluationSettings, TrainingSettings
from cbat.errors import UserError
from cbat.evaluation.headline import Headline
from cbat.evaluation.table import AGGREGATES, read_table
from cbat.files import atomic_file

VALIDATION: Final = "validation pairs"
"""Where training has seen a sign, in place of a cell line."""


def run(
    *,
    metrics: Path,
    settings: EvaluationSettings,
    training: TrainingSettings,
    output: Path,
    models: Sequence[Path] = (),
) -> None:
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
    models : sequence of Path
        ``<model>/seed_<seed>/model.json`` of the models, which hold the signs that training has seen.

    Raises
    ------
    UserError
        A model has collapsed, and ``fail_on_collapse`` is set.
    """
    found = collapsed_rows(read_table(metrics), Headline.of(settings), models)
    if len(found) and training.fail_on_collapse:
        where = ", ".join(f"{model} (seed {seed}) on {line}" for model, seed, line, _ in found.to_numpy())
        raise UserError(
            f"models have collapsed: {where}",
            mend=f"their metrics are in {metrics} (metric collapse_signs); look at labels, splits and "
            "candidates, or set training.fail_on_collapse to false to continue",
            where="training.fail_on_collapse",
        )
    with atomic_file(output) as temporary:
        found.to_csv(temporary, sep="\t", index=False, lineterminator="\n")


def collapsed_rows(metrics: pd.DataFrame, headline: Headline, models: Sequence[Path] = ()) -> pd.DataFrame:
    """Model, seed and cell line wherever the headline's setting shows signs of collapse, and how many."""
    watched = replace(headline, metric="collapse_signs", negatives="natural")
    names = sorted(set(watched.setting(metrics)["model"]))
    columns = ["model", "seed", "cell_line", "value"]
    parts = [metrics[columns].iloc[:0], *(watched.rows(metrics, name)[columns] for name in names)]
    rows = pd.concat(parts)
    rows = rows[(rows["value"] > 0) & ~rows["cell_line"].isin(AGGREGATES)].rename(columns={"value": "signs"})
    trained = pd.DataFrame(_training_rows(models), columns=pd.Index(["model", "seed", "cell_line", "signs"]))
    found = pd.concat([rows, trained[trained["signs"] > 0]], ignore_index=True)
    return found.astype({"seed": int, "signs": int})


def _training_rows(models: Sequence[Path]) -> Iterator[tuple[str, int, str, int]]:
    for path in sorted(map(Path, models)):
        signs = json.loads(path.read_text(encoding="utf-8"))["provenance"].get("collapse", [])
        model, seed = path.parts[-3:-1]
        yield model, int(seed.removeprefix("seed_")), VALIDATION, len(signs)
