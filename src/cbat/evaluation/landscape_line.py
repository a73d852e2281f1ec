"""Evaluate a model without sequence on one cell line (to be filled)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cbat.config.sections import EvaluationSettings, SplitSettings


def run(
    *,
    model: str,
    seed: int,
    cell_line: str,
    role: Literal["seen", "unseen"],
    law: Path,
    landscape: Path,
    settings: EvaluationSettings,
    splits: SplitSettings,
    directory: Path,
) -> None:
    """Evaluate a law of the landscape on one cell line."""
    raise NotImplementedError
