"""Strands of insulator sites: which way the CTCF motif in a peak points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cbat.data.contigs import ContigNames


def with_strands(
    track: pd.DataFrame,
    *,
    motifs: Path | None = None,
    genome: Path | None = None,
    contigs: ContigNames | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Give the peaks of insulators their strands."""
    return track, {"source": "none"}
