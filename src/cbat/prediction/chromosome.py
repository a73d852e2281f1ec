"""Score one chromosome with any model: a law of the landscape runs without torch, which is imported late."""

from __future__ import annotations

from pathlib import Path

from cbat.model.about import reads_sequences


def run(*, model_directory: Path, directory: Path, chromosome: str, output: Path) -> None:
    """Score the pairs of a chromosome within the window of distances, and rank them for each promoter.

    Parameters
    ----------
    model_directory : Path
        The one that the line was prepared with.
    directory : Path
        Folder of the line, as `prepare_prediction` has left it.
    chromosome : str
        One of the plan.
    output : Path
        Parquet; a row for each pair, sorted by enhancer as given, then by the promoter's centre.

    Raises
    ------
    UserError
        A damaged model directory or another one than the plan's; a plan that is missing or damaged.
    """
    if reads_sequences(model_directory):
        from cbat.prediction import score

        score.run(model_directory=model_directory, directory=directory, chromosome=chromosome, output=output)
        return
    from cbat.prediction import landscape_score

    landscape_score.run(
        model_directory=model_directory, directory=directory, chromosome=chromosome, output=output
    )
