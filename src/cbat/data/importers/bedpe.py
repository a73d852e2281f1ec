"""Pairs of intervals in BEDPE: chrom1, start1, end1, chrom2, start2, end2, then what the writer likes.

Coordinates are 0-based half-open (Quinlan and Hall 2010, https://doi.org/10.1093/bioinformatics/btq033). A
header is optional; with one, further columns are found by name, without one the seventh to tenth are
name, score, strand1 and strand2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.data.bed_files import STRANDS
from cbat.data.importers.common import (
    FirstRow,
    Interval,
    PairFormat,
    PairSource,
    are_positions,
    assemble,
    read_labels,
)
from cbat.data.text_files import first_row
from cbat.data.text_tables import TextTable, read_headed, read_headless
from cbat.errors import UserError

_COLUMNS: Final = (
    "chrom1", "start1", "end1", "chrom2", "start2", "end2", "name", "score", "strand1", "strand2",
)  # fmt: skip
_ENDS: Final = 6
_FURTHER: Final[tuple[str, ...]] = ("label", "score", "strand2")


@dataclass(frozen=True)
class Ends:
    """Both ends of every row.

    Attributes
    ----------
    names : dict of str to str
        Name in lower case -> name in ``table`` of the columns ``label``, ``score`` and ``strand2`` that are
        there.
    """

    table: TextTable
    first: Interval
    second: Interval
    names: dict[str, str]


def read_bedpe(source: PairSource) -> pd.DataFrame:
    """Pairs whose end 1 is the enhancer and whose end 2 is the promoter.

    The column ``label`` (0 or 1) tells contacts from others; where there is none, a ``score`` of
    ``score_threshold`` or more does. ``strand2`` is the promoter's strand.

    Raises
    ------
    UserError
        See :func:`~cbat.data.pair_tables.read_pairs`; neither label nor score; a score without threshold; a
        threshold beside labels.
    """
    ends = read_ends(source)
    strand = None
    if "strand2" in ends.names:
        strand = ends.table.choices(ends.names["strand2"], STRANDS)
    return assemble(source, ends.table, ends.first, ends.second, _labels(ends, source), strand)


def _labels(ends: Ends, source: PairSource) -> NDArray[np.int8]:
    if "label" in ends.names:
        if source.score_threshold is not None:
            raise UserError(
                "the table has labels, but the sheet of cell lines gives a score_threshold",
                mend="write '.' for the threshold, or take the column label away",
                file=source.path,
            )
        return read_labels(ends.table, ends.names["label"])
    if "score" not in ends.names:
        number, _ = first_row(source.path)
        raise UserError(
            "the pairs have neither label nor score",
            mend="write a header with a column label (0, 1) or score; without one column 8 is the score",
            file=source.path,
            where=f"line {number}",
        )
    if source.score_threshold is None:
        raise UserError(
            "the pairs have scores and no labels, and there is no threshold for contacts",
            mend="give a number in the column score_threshold of the sheet of cell lines",
            file=source.path,
        )
    return (ends.table.numbers(ends.names["score"]) >= source.score_threshold).astype(np.int8)


def read_ends(source: PairSource) -> Ends:
    """Read the ends of all rows, with ``label``, ``score`` and ``strand2`` where they are there.

    Raises
    ------
    UserError
        Unreadable file; fewer than six columns; a coordinate that is no whole number. Names file and line.
    """
    first = FirstRow.of(source.path).tabs
    if len(first) >= _ENDS and not are_positions(first[1]):
        columns = first[:_ENDS]
        named = {name.lower(): name for name in first[_ENDS:]}
        names = {name: named[name] for name in _FURTHER if name in named}
        table = read_headed(source.path, delimiter="\t", required=(*columns, *names.values()), comments=True)
    else:
        columns = _COLUMNS[:_ENDS]
        table = read_headless(source.path, delimiter="\t", columns=_COLUMNS, least=_ENDS)
        names = {name: name for name in _FURTHER if name in table.columns}
    one, other = (
        (table.names(chrom), table.integers(start), table.integers(end))
        for chrom, start, end in (columns[:3], columns[3:])
    )
    return Ends(table, one, other, names)


def _looks_like(row: FirstRow) -> bool:
    fields = row.tabs
    if len(fields) < _ENDS:
        return False
    names = tuple(name.lower().replace("chrom", "chr").replace("chr", "chrom") for name in fields[:_ENDS])
    return are_positions(*fields[1:3], *fields[4:6]) or names == _COLUMNS[:_ENDS]


BEDPE: Final = PairFormat(
    read_bedpe,
    _looks_like,
    f"six columns or more separated by tabs: {', '.join(_COLUMNS[:_ENDS])}, with or without a header",
)
