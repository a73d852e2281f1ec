"""Explain a predicted pair or line, into a table of pandas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cbat.api.faults import machine_told
from cbat.api.models import Model, model_of
from cbat.commands.outputs import outputs_guarded
from cbat.config.shipped_models import asked_for
from cbat.prediction.explanation import explained


def explain(
    model: Model | str | Path,
    prediction: str | Path,
    *,
    enhancer: str | None = None,
    promoter: str | None = None,
    pairs: int = 1000,
    seed: int = 1,
    directory: str | Path | None = None,
) -> pd.DataFrame:
    """Say what raises or lowers ``U_I`` and ``R_E`` of a predicted pair, or of a line on average.

    The same numbers as ``cbat explain``.

    Parameters
    ----------
    model : Model, str or Path
        The model that made the prediction.
    prediction : str or Path
        Folder of the line: ``directory`` of :func:`cbat.predict` or of ``cbat predict``.
    enhancer, promoter : str, optional
        The two elements of a pair, each by its id or name in the table of predictions, or an interval
        ``chrom:start-end`` that it overlaps (0-based, half-open). Without them the line is explained.
    pairs : int
        For a line: how many contacts, and how many other pairs, the means are taken over.
    seed : int
        Seed of their draw.
    directory : str or Path, optional
        Where to keep what ``cbat explain`` writes, its figure among it; by default nothing is kept.

    Returns
    -------
    DataFrame
        The table of ``explanation.tsv`` (docs/predict.md): a row for each part of both energies.
        ``attrs["summary"]`` is the content of ``explanation.json``.

    Raises
    ------
    UserError
        What ``cbat explain`` refuses, in the same words.
    """
    with machine_told():
        found = explained(
            model_directory=asked_for(model_of(model)),
            prediction=Path(prediction),
            enhancer=enhancer,
            promoter=promoter,
            pairs=pairs,
            seed=seed,
        )
        if directory is not None:
            read = {"model": model_of(model), "prediction": Path(prediction)}
            with outputs_guarded("explain", {**read, "directory": Path(directory)}):
                found.write(Path(directory))
    table = found.table.copy()
    table.attrs["summary"] = found.summary
    return table
