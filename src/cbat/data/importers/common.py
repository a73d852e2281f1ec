"""What all importers of pairs share: what they are given, how they are recognised, the table they make."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.suggestions import did_you_mean
from cbat.data.contigs import ContigNames
from cbat.data.foreign_formats import are_positions
from cbat.data.text_files import first_row
from cbat.data.text_tables import TextTable, header_fields
from cbat.errors import UserError

__all__ = [
    "INTERVAL_COLUMNS", "LEFT_OUT", "SWAPPED", "FirstRow", "Interval", "PairFormat", "PairSource",
    "are_positions", "assemble", "check_intervals", "key_of", "read_labels", "score_column_of",
]  # fmt: skip

INTERVAL_COLUMNS: Final = tuple(
    f"{role}_{part}" for role in ("enhancer", "promoter") for part in ("chrom", "start", "end")
)

LEFT_OUT: Final = "left_out"
"""Attribute (``attrs``) of a table of pairs: reason -> rows of the file that its format leaves out."""

SWAPPED: Final = "swapped_ends"
"""Attribute of a table of pairs: rows of a BEDPE whose end 1 is the promoter."""

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
        Candidate elements, which loops are laid over, and which tell the ends of a BEDPE apart.
    cell_line : str, optional
        Whose pairs are wanted of a table of several cell lines.
    score_column : str, optional
        Name of the column that the threshold is for, where several could be.
    """

    path: Path
    score_threshold: float | None = None
    enhancers: Path | None = None
    promoters: Path | None = None
    contigs: ContigNames = field(default_factory=ContigNames)
    cell_line: str | None = None
    score_column: str | None = None


@dataclass(frozen=True)
class FirstRow:
    """The first row of a file, a header or not, split at tabs and at commas, without quotes."""

    tabs: tuple[str, ...]
    commas: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> FirstRow:
        """The first row of ``path``; see :func:`~cbat.data.text_tables.first_row`."""
        return cls.of_text(first_row(path)[1])

    @classmethod
    def of_text(cls, text: str) -> FirstRow:
        """A row, by its text."""
        try:
            commas = header_fields(text, ",")
        except csv.Error:
            commas = []
        return cls(tuple(header_fields(text, "\t")), tuple(commas))

    def names(self, columns: Collection[str], delimiter: str = "\t") -> bool:
        """Whether this is a header that names all these columns, in any case and order."""
        fields = self.tabs if delimiter == "\t" else self.commas
        return {column.lower() for column in columns} <= {field.lower() for field in fields}


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
    columns : tuple of str
        What the header names, where there is one.
    """

    read: Callable[[PairSource], pd.DataFrame]
    looks_like: Callable[[FirstRow], bool]
    described: str
    columns: tuple[str, ...] = ()


def key_of(name: str) -> str:
    """Where a user says how pairs are read, for messages."""
    return f"{name} (a column of the sheet of cell lines, or a key of a prediction)"


def score_column_of(source: PairSource, header: Sequence[str], pattern: str) -> str | None:
    """The column of scores: the one that is asked for, else the only one whose name fits.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    pattern : str
        Regular expression that a name has to match, in any case.

    Returns
    -------
    str or None
        None where no name fits and none is asked for.

    Raises
    ------
    UserError
        Several columns fit; the one that is asked for is not there.
    """
    number, _ = first_row(source.path)
    asked = source.score_column
    if asked is not None:
        alike = [name for name in header if name == asked] or [
            name for name in header if name.lower() == asked.lower()
        ]
        if len(alike) == 1:
            return alike[0]
        raise UserError(
            f"the scores are to be read from the column {asked!r}, and the header has "
            + (
                "no such column" + did_you_mean(asked, header)
                if not alike
                else "several columns of that name"
            ),
            mend=f"name one of the columns in {key_of('score_column')}: {', '.join(filter(None, header))}",
            file=source.path,
            where=f"line {number}",
        )
    fitting = [name for name in header if re.fullmatch(pattern, name, re.IGNORECASE)]
    if len(fitting) > 1:
        raise UserError(
            f"{len(fitting)} columns are scores ({', '.join(fitting)}), and nothing says which of them the "
            "threshold is for",
            mend=f"name it in {key_of('score_column')}, for example {fitting[-1]}",
            file=source.path,
            where=f"line {number}",
        )
    return fitting[0] if fitting else None


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
