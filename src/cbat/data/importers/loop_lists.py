"""The anchors of lists of loops and interactions, whichever program wrote them.

BEDPE and HiCCUPS, UCSC's interact and WashU's longrange are 0-based half-open. An ibed of CHiCAGO has the
fragments of its design, which count from 1 and include both ends.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from cbat.data.foreign_formats import is_interact, is_longrange
from cbat.data.importers.bedpe import Ends, read_ends
from cbat.data.importers.common import FirstRow, Interval, PairSource
from cbat.data.text_tables import TextTable, distinct, first_false, read_headed, read_headless

HICCUPS: Final = ("chr1", "x1", "x2", "chr2", "y1", "y2")
_IBED: Final = ("bait_chr", "bait_start", "bait_end", "otherEnd_chr", "otherEnd_start", "otherEnd_end")
_INTERACT: Final = (
    "chrom", "chromStart", "chromEnd", "name", "score", "value", "exp", "color", "sourceChrom", "sourceStart",
    "sourceEnd", "sourceName", "sourceStrand", "targetChrom", "targetStart", "targetEnd", "targetName",
    "targetStrand",
)  # fmt: skip
_INTERACT_ENDS: Final = (*_INTERACT[8:11], *_INTERACT[13:16])
_LONGRANGE: Final = ("chrom", "start", "end", "target")
_TARGET: Final = r"^(?P<chrom>[^\s:]+):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15}),[-+.0-9eE]+$"


def read_anchors(source: PairSource) -> Ends:
    """Read both anchors of every loop.

    Raises
    ------
    UserError
        Unreadable file; a missing column; a coordinate that is no whole number. Names file and line.
    """
    row = FirstRow.of(source.path)
    if row.names(_IBED):
        table = read_headed(source.path, delimiter="\t", required=_IBED)
        return _of_columns(table, _IBED, row, from_1=True)
    if row.names(_INTERACT_ENDS):
        table = read_headed(source.path, delimiter="\t", required=_INTERACT_ENDS, comments=True)
        return _of_columns(table, _INTERACT_ENDS, row)
    if is_interact(row.tabs):
        table = read_headless(source.path, delimiter="\t", columns=_INTERACT, least=len(_INTERACT))
        return _of_columns(table, _INTERACT_ENDS, row)
    if is_longrange(row.tabs):
        return _of_longrange(read_headless(source.path, delimiter="\t", columns=_LONGRANGE, least=4))
    return read_ends(source, scored=False)


def _of_columns(table: TextTable, columns: tuple[str, ...], row: FirstRow, *, from_1: bool = False) -> Ends:
    one, other = (
        (table.names(chrom), table.integers(start) - from_1, table.integers(end))
        for chrom, start, end in (columns[:3], columns[3:])
    )
    if from_1:
        for name, anchor in (("bait_start", one), ("otherEnd_start", other)):
            if len(zero := np.flatnonzero(anchor[1] < 0)):
                mend = "write positions that count from 1, as CHiCAGO does"
                raise table.fail(int(zero[0]), f"{name} is '0'", mend)
    return Ends(TextTable(table.path, {}, table.lines), one, other, row.tabs)


def _of_longrange(table: TextTable) -> Ends:
    words, rows = distinct(table.columns["target"])
    parts: Any = pc.extract_regex(words, _TARGET)
    if (word := first_false(pc.is_valid(parts))) is not None:
        raise table.fail(
            int(np.flatnonzero(rows == word)[0]),
            f"the other end is {words[word].as_py()!r}",
            "write it as chrom:start-end,score",
        )
    start, end = (
        pc.cast(pc.struct_field(parts, part), "int64").to_numpy()[rows] for part in ("start", "end")
    )
    chrom = np.array(pc.struct_field(parts, "chrom").to_pylist(), dtype=object)[rows]
    one: Interval = (table.names("chrom"), table.integers("start"), table.integers("end"))
    return Ends(TextTable(table.path, {}, table.lines), one, (chrom, start, end), ())


def looks_like_loops(row: FirstRow) -> bool:
    """Whether a first row is of a list that says nothing but which places touch."""
    return (
        row.names(_IBED)
        or row.names(_INTERACT_ENDS)
        or tuple(field.lower() for field in row.tabs[:6]) == HICCUPS
        or is_interact(row.tabs)
        or is_longrange(row.tabs)
    )
