"""What all importers of pairs share: what they are given, how they are recognised, the table they make."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.data.contigs import ContigNames
from cbat.data.text_files import first_row
from cbat.data.text_tables import TextTable, header_fields

INTERVAL_COLUMNS: Final = tuple(
    f"{role}_{part}" for role in ("enhancer", "promoter") for part in ("chrom", "start", "end")
)

LEFT_OUT: Final = "left_out"
"""Attribute (``attrs``) of a table of pairs: reason -> rows of the file that its format leaves out."""

Interval = tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]]
"""Contigs, starts and ends (0-based half-open, bp), ``shape=(n_rows,)`` each."""


@dataclass(frozen=True)
class PairSource:
    """A file of pairs and what its row of the sheet says besides.

    Attributes
    ----------
    score_threshold : float, optional
        Pairs that score this much or more are contacts.
    enhancers, promoters : Path, optional
        Candidate elements, which loops are laid over.
    cell_line : str, optional
        Whose pairs are wanted of a table of several cell lines.
    """

    path: Path
    score_threshold: float | None = None
    enhancers: Path | None = None
    promoters: Path | None = None
    contigs: ContigNames = field(default_factory=ContigNames)
    cell_line: str | None = None


@dataclass(frozen=True)
class FirstRow:
    """The first row of a file, a header or not, split at tabs and at commas."""

    tabs: tuple[str, ...]
    commas: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> FirstRow:
        """The first row of ``path``; see :func:`~cbat.data.text_tables.first_row`."""
        _, text = first_row(path)
        try:
            commas = header_fields(text, ",")
        except csv.Error:
            commas = []
        return cls(tuple(header_fields(text, "\t")), tuple(commas))


@dataclass(frozen=True)
class PairFormat:
    """A format of pairs.

    Attributes
    ----------
    read : callable
        Makes the table that :func:`~cbat.data.pair_tables.read_pairs` describes.
    looks_like : callable
        Whether the first row of a file is one of this format.
    described : str
        What the first row looks like, in words.
    """

    read: Callable[[PairSource], pd.DataFrame]
    looks_like: Callable[[FirstRow], bool]
    described: str


def are_positions(*fields: str) -> bool:
    """Whether all fields are whole numbers without sign."""
    return all(value.isascii() and value.isdigit() and len(value) <= 15 for value in fields)


def read_labels(table: TextTable, column: str = "label") -> NDArray[np.int8]:
    """A column of 0 and 1, ``shape=(n_rows,)``."""
    return np.asarray(table.choices(column, ("0", "1")) == "1", dtype=np.int8)


def assemble(
    source: PairSource,
    table: TextTable,
    enhancer: Interval,
    promoter: Interval,
    label: NDArray[np.int8],
    strand: NDArray[np.object_] | None = None,
    rows: NDArray[np.intp] | None = None,
) -> pd.DataFrame:
    """The table of pairs, once all intervals are found sound.

    Parameters
    ----------
    label : int8 array, shape=(n_rows,)
    strand : object array, shape=(n_rows,), optional
        Strand of the promoter.
    rows : int array, optional
        Rows of ``table`` to keep; all without it.
    """
    for role, (chrom, start, end) in (("enhancer", enhancer), ("promoter", promoter)):
        check_intervals(table, role, chrom, start, end)
    columns: dict[str, Any] = dict(zip(INTERVAL_COLUMNS, (*enhancer, *promoter), strict=True))
    columns |= {"label": label, "promoter_strand": "." if strand is None else strand, "line": table.lines}
    pairs = pd.DataFrame(columns)
    if rows is not None:
        pairs = pairs.iloc[rows].reset_index(drop=True)
    return source.contigs.rename(pairs, "enhancer_chrom", "promoter_chrom")


def check_intervals(
    table: TextTable,
    what: str,
    chrom: NDArray[np.object_],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
) -> None:
    """Make sure that no interval is empty.

    Raises
    ------
    UserError
        Naming the first that is.
    """
    empty = np.flatnonzero(start >= end)
    if len(empty):
        row = int(empty[0])
        raise table.fail(
            row,
            f"the {what} {chrom[row]}:{start[row]}-{end[row]} ends where or before it starts",
            "write 0-based half-open intervals, start before end",
        )
