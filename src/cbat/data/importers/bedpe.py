"""Pairs of intervals in BEDPE: chrom1, start1, end1, chrom2, start2, end2, then what the writer likes.

Coordinates are 0-based half-open (Quinlan and Hall 2010, https://doi.org/10.1093/bioinformatics/btq033). A
header is optional; with one, columns are found by name, without one the seventh to tenth are name, score,
strand1 and strand2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.data.bed_files import STRANDS
from cbat.data.foreign_formats import is_interact, is_longrange
from cbat.data.importers.common import (
    LEFT_OUT,
    SWAPPED,
    FirstRow,
    Interval,
    PairFormat,
    PairSource,
    are_positions,
    assemble,
    key_of,
    read_labels,
    score_column_of,
)
from cbat.data.importers.ends import oriented
from cbat.data.text_files import first_row
from cbat.data.text_tables import TextTable, check_named_once, read_headed, read_headless
from cbat.errors import UserError

ENHANCER_FIRST: Final = "bedpe_enhancer_first"
"""Format of a BEDPE of which the user says that end 1 is the enhancer in every row."""
_COLUMNS: Final = (
    "chrom1", "start1", "end1", "chrom2", "start2", "end2", "name", "score", "strand1", "strand2",
)  # fmt: skip
_ENDS: Final = 6
_CALLED: Final = (
    ("chrom1", "chr1", "chromosome1", "seqnames1", "bin1_chr", "bin1_chrom", "bin1_chromosome"),
    ("start1", "x1", "s1", "chromstart1", "bin1_start"),
    ("end1", "x2", "e1", "chromend1", "bin1_end"),
    ("chrom2", "chr2", "chromosome2", "seqnames2", "bin2_chr", "bin2_chrom", "bin2_chromosome"),
    ("start2", "y1", "s2", "chromstart2", "bin2_start"),
    ("end2", "y2", "e2", "chromend2", "bin2_end"),
)
"""What programs call the six columns, in lower case."""
_SCORE: Final = r"(?:.*[._ -])?score(?:[._ -].*)?"
_LABEL, _STRANDS_OF_ENDS = "label", ("strand1", "strand2")


@dataclass(frozen=True)
class Ends:
    """Both ends of every row.

    Attributes
    ----------
    header : tuple of str
        Names of the columns; empty without a header.
    """

    table: TextTable
    first: Interval
    second: Interval
    header: tuple[str, ...]

    def strand(self, end: int) -> NDArray[np.object_] | None:
        """Strand of end 1 or 2, if the table gives it."""
        name = _STRANDS_OF_ENDS[end - 1]
        return self.table.choices(name, STRANDS) if name in self.table.columns else None


def read_bedpe(source: PairSource) -> pd.DataFrame:
    """Pairs of which one end is the enhancer and the other the promoter.

    Which is which is told, row by row, by the line's candidates (the end that meets a promoter of them), else
    by a strand (the only end that has one is the promoter), else end 1 is the enhancer. Rows that nothing
    tells apart are refused where end 1 lies before end 2 in all of them; see
    :func:`~cbat.data.importers.ends.oriented`. The column ``label`` (0 or 1) tells contacts from others;
    where there is none, a score of ``score_threshold`` or more does.

    Returns
    -------
    DataFrame
        The attributes ``left_out`` and ``swapped_ends`` count rows.

    Raises
    ------
    UserError
        See :func:`~cbat.data.pair_tables.read_pairs`; neither label nor score, or several scores; a score
        without threshold; a threshold beside labels; ends in the order of the genome.
    """
    return _read(source, told=False)


def read_enhancer_first(source: PairSource) -> pd.DataFrame:
    """Pairs whose end 1 is the enhancer and whose end 2 is the promoter, as the user says."""
    return _read(source, told=True)


def _read(source: PairSource, *, told: bool) -> pd.DataFrame:
    ends = read_ends(source)
    labels = _labels(ends, source)
    strands = ends.strand(1), ends.strand(2)
    if told:
        return assemble(source, ends.table, ends.first, ends.second, labels, strands[1])
    found = oriented(source, ends.table, ends.first, ends.second, strands)
    rows = None if found.rows.all() else np.flatnonzero(found.rows)
    pairs = assemble(source, ends.table, found.enhancer, found.promoter, labels, found.strand, rows)
    pairs.attrs |= {SWAPPED: found.swapped, LEFT_OUT: found.left_out}
    return pairs


def _labels(ends: Ends, source: PairSource) -> NDArray[np.int8]:
    table = ends.table
    if _LABEL in table.columns:
        if source.score_threshold is not None or source.score_column is not None:
            given = "score_threshold" if source.score_threshold is not None else "score_column"
            raise UserError(
                f"the table has labels, but there is a {given}",
                mend=f"leave out {key_of(given)}, or remove the column label",
                file=source.path,
            )
        return read_labels(table, _LABEL)
    number, _ = first_row(source.path)
    if not ends.header and source.score_column not in (None, "score"):
        raise UserError(
            f"the scores are to be read from the column {source.score_column!r}, but the table has no header",
            mend=f"write a header, or leave out {key_of('score_column')}: column 8 is the score then",
            file=source.path,
            where=f"line {number}",
        )
    column = next(
        (name for name in table.columns if name not in (*_COLUMNS[:_ENDS], *_STRANDS_OF_ENDS)), None
    )
    if column is None:
        raise UserError(
            "the pairs have neither label nor score",
            mend="write a header with a column label (0, 1) or score; without one column 8 is the score. If "
            f"every row is a loop (Mustache, HiCCUPS, FitHiChIP), write loops in {key_of('pairs_format')}",
            file=source.path,
            where=f"line {number}",
        )
    if source.score_threshold is None:
        raise UserError(
            "the pairs have scores and no labels, and there is no threshold for contacts",
            mend=f"give a number in {key_of('score_threshold')}",
            file=source.path,
        )
    return (table.numbers(column) >= source.score_threshold).astype(np.int8)


def read_ends(source: PairSource, *, scored: bool = True) -> Ends:
    """Read the ends of all rows, with ``label``, ``strand1``, ``strand2`` and the score where they are there.

    Parameters
    ----------
    source : PairSource
    scored : bool
        Whether the score is read.

    Raises
    ------
    UserError
        Unreadable file; fewer than six columns, or a header that does not name them; several columns of one
        name; a coordinate that is no whole number. Names file and line.
    """
    first = FirstRow.of(source.path).tabs
    header = first if len(first) >= _ENDS and not are_positions(first[1]) else ()
    if header:
        ends = _six_columns(source, header)
        for name in (_LABEL, *_STRANDS_OF_ENDS):
            check_named_once(source.path, header, name)
        lower = [name.lower() for name in header]
        further = [name for name in (_LABEL, *_STRANDS_OF_ENDS) if name in lower]
        if scored and _LABEL not in further and (score := score_column_of(source, header, _SCORE)):
            further.append(score)
        table = read_headed(source.path, delimiter="\t", required=(*ends, *further), comments=True)
    else:
        ends = _COLUMNS[:_ENDS]
        table = read_headless(source.path, delimiter="\t", columns=_COLUMNS, least=_ENDS)
        table.columns.pop("name", None)
    one, other = (
        (table.names(chrom), table.integers(start), table.integers(end))
        for chrom, start, end in (ends[:3], ends[3:])
    )
    columns = {name: column for name, column in table.columns.items() if name not in ends}
    return Ends(TextTable(table.path, columns, table.lines), one, other, header)


def _six_columns(source: PairSource, header: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of both ends, in the words of the header."""
    found = []
    for called, names in zip(_COLUMNS, _CALLED, strict=False):
        fitting = [name for name in header if name.lower() in names]
        if len(fitting) != 1:
            number, _ = first_row(source.path)
            problem = "has no column" if not fitting else f"has {', '.join(fitting)} for the column"
            raise UserError(
                f"the header of the BEDPE {problem} {called}",
                mend=f"name six columns, each once: {', '.join(_COLUMNS[:_ENDS])}",
                file=source.path,
                where=f"line {number}",
            )
        found.append(fitting[0])
    return tuple(found)


def names_ends(fields: tuple[str, ...]) -> bool:
    """Whether a row is a header that names the columns of both ends."""
    lower = {field.lower() for field in fields}
    return all(lower & set(names) for names in _CALLED)


def _looks_like(row: FirstRow) -> bool:
    fields = row.tabs
    if len(fields) < _ENDS or is_interact(fields) or is_longrange(fields):
        return False
    return are_positions(*fields[1:3], *fields[4:6]) or names_ends(fields)


BEDPE: Final = PairFormat(
    read_bedpe,
    _looks_like,
    f"six columns or more separated by tabs: {', '.join(_COLUMNS[:_ENDS])}, with or without a header",
)
BEDPE_ENHANCER_FIRST: Final = PairFormat(
    read_enhancer_first,
    lambda row: False,
    "the same, of which you say that end 1 is the enhancer in every row",
)
