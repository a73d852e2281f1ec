"""Explain a predicted pair or a predicted line, whatever its model reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cbat.model.about import reads_sequences
from cbat.prediction.explanation_files import Explanation


def explained(
    *,
    model_directory: Path,
    prediction: Path,
    enhancer: str | None = None,
    promoter: str | None = None,
    pairs: int = 1000,
    seed: int = 1,
) -> Explanation:
    """What raises or lowers both energies of a pair, or of a line on average; nothing is written.

    See :func:`cbat.commands.explanation.explain` for the parameters.

    Raises
    ------
    UserError
        Half a pair; a pair that the prediction does not hold; a folder that is none of a prediction, or one
        of another model.
    """
    given: dict[str, Any] = {
        "model_directory": model_directory,
        "prediction": prediction,
        "enhancer": enhancer,
        "promoter": promoter,
        "pairs": pairs,
        "seed": seed,
    }
    # A law of the landscape needs no torch, which takes long to import.
    if reads_sequences(model_directory):
        from cbat.prediction import explain

        return explain.explained(**given)
    from cbat.prediction import landscape_explain

    return landscape_explain.explained(**given)
