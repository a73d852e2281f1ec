"""The table of a line's ranked signals at its enhancers, as one stage leaves it for the others."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from cbat.config.base import ELEMENT_SIGNALS
from cbat.data.stored import read_table
from cbat.errors import UserError

SIGNAL_COLUMNS: Final = ["chrom", "centre", *ELEMENT_SIGNALS, "r_accessibility", "r_both"]
"""Centre of the element (0-based, bp), its signals (NaN for one that the line lacks) and their ranks."""
_MEND: Final = "run read_signals again"


def no_signals() -> pd.DataFrame:
    """A table of signals without rows."""
    kinds = {"chrom": "str", "centre": "int64"}
    return pd.DataFrame(columns=pd.Index(SIGNAL_COLUMNS)).astype(
        kinds | {name: "float64" for name in SIGNAL_COLUMNS if name not in kinds}
    )


def read_signals(table: Path) -> pd.DataFrame:
    """The signals that :func:`cbat.landscape.element_signals.run` wrote.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    found = read_table(table, SIGNAL_COLUMNS, mend=_MEND)
    ranks = found[["r_accessibility", "r_both"]].to_numpy()
    if not (np.isfinite(ranks) & (ranks >= 0.0)).all():
        raise UserError("the table of signals has a rank that is none", mend=_MEND, file=table)
    return found
