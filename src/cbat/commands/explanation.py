"""The verb ``explain``."""

from __future__ import annotations

from pathlib import Path


def explain(
    *,
    model: str,
    prediction: Path,
    directory: Path,
    enhancer: str | None = None,
    promoter: str | None = None,
    pairs: int = 1000,
    seed: int = 1,
) -> None:
    """Say what raises or lowers U_I and R_E of a predicted pair, or of a predicted line on average.

    Motifs of a model of sequences; distance and each feature of the landscape of a law.

    Parameters
    ----------
    model : str
        The model that made the prediction: its name or its folder.
    prediction : Path
        Folder of the line, which cbat predict or the workflow has made.
    directory : Path
        Where the tables and the figure go.
    enhancer, promoter : str, optional
        The two elements of a pair, each by its id or name in the tables, or an interval chrom:start-end that
        it overlaps (0-based, half-open). Without them the line is explained.
    pairs : int
        For a line: how many contacts, and how many other pairs, the means are taken over.
    seed : int
        Seed of their draw.
    """
    from cbat.config.shipped_models import asked_for
    from cbat.prediction.explanation import explained

    explained(
        model_directory=asked_for(model),
        prediction=prediction,
        enhancer=enhancer,
        promoter=promoter,
        pairs=pairs,
        seed=seed,
    ).write(directory)
