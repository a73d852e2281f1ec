"""Candidate elements from BED files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cbat.data.pair_tables import STRANDS
from cbat.data.text_tables import read_headless


def read_bed(path: str | Path, *, stranded: bool) -> pd.DataFrame:
    """Read a BED file, plain or gzip.

    Parameters
    ----------
    path : str or Path
        Three columns or more, separated by tabs; comments and browser lines are skipped.
    stranded : bool
        Take the strand from the sixth column if there is one.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp), ``strand`` (``+``, ``-`` or ``.``) and
        ``line`` (from 1), in the order of the file.

    Raises
    ------
    UserError
        Unreadable, truncated or empty file; fewer than three columns; a coordinate that is no whole
        number; an empty interval; an unknown strand. Names the file and the line.
    """
    columns = ("chrom", "start", "end", "name", "score", "strand")
    table = read_headless(path, delimiter="\t", columns=columns, least=3)
    frame = pd.DataFrame(
        {
            "chrom": table.names("chrom"),
            "start": table.integers("start"),
            "end": table.integers("end"),
            "strand": table.choices("strand", STRANDS) if stranded and "strand" in table.columns else ".",
            "line": table.lines,
        }
    )
    empty = np.flatnonzero(frame["start"] >= frame["end"])
    if len(empty):
        row = frame.iloc[empty[0]]
        raise table.fail(
            int(empty[0]),
            f"the interval {row['chrom']}:{row['start']}-{row['end']} ends where or before it starts",
            "write 0-based half-open intervals, start before end",
        )
    return frame
