"""Peaks with their signals: narrowPeak, broadPeak and BED.

What their columns are: :mod:`cbat.data.peak_formats`.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cbat.config.suggestions import did_you_mean
from cbat.data.bed_files import SIGNS, STRANDS, Opening, intervals_of, opening_of
from cbat.data.contigs import ContigNames
from cbat.data.foreign_formats import GTF, refuse_foreign
from cbat.data.gtf_files import is_gtf
from cbat.data.peak_formats import WHOLE, WIDTHS, format_of
from cbat.data.text_tables import TextTable, check_named_once, distinct, read_headless
from cbat.errors import UserError

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

AUTO: Final = "auto"
NONE: Final = "none"
_COLUMNS: Final = (
    "chrom", "start", "end", "name", "score", "strand", "signalValue", "pValue", "qValue", "peak",
)  # fmt: skip
_OF_GAPPED, _SIGNAL_OF_GAPPED = 15, 13
"""Columns of a gappedPeak, and that of its signal."""
_WIDTH_OF_BED: Final = 6
_SCORE, _STRAND, _SIGNAL_VALUE, _SUMMIT = "score", "strand", "signalValue", "peak"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Peaks:
    """The peaks of one file.

    Attributes
    ----------
    path : Path
    table : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp), ``signal`` (float64, 0 or greater; 1 where
        there is none), ``summit`` (0-based position, or -1), ``strand`` (``+``, ``-`` or ``.``) and ``line``
        (from 1), in the order of the file.
    format : str
        ``narrowPeak``, ``broadPeak`` or ``BED``.
    signal : str
        The column that the signal was taken from, or ``none``.
    note : str
        Why there is no signal; empty where there is one.
    counts : dict of str to int
        What was read, left out and not understood.
    """

    path: Path
    table: pd.DataFrame
    format: str
    signal: str
    note: str = ""
    counts: dict[str, int] = field(default_factory=dict)


def read_peaks(
    path: str | Path, kind: str, signal: str | int = AUTO, contigs: ContigNames | None = None
) -> Peaks:
    """Read the peaks of one file, plain or gzip, with the signal that they are ranked by.

    Parameters
    ----------
    path : str or Path
        narrowPeak, broadPeak, or BED with three columns or more; comments, browser lines and a header line
        are skipped.
    kind : str
        The kind of track, for messages.
    signal : str or int
        ``auto``: ``signalValue`` of narrowPeak and broadPeak, else the score; a column that does not vary is
        no signal. ``none``: all peaks are alike. A number: that column, from 1. Else the name of a column: of
        the header line or of the format (``score``, ``signalValue``, ``pValue``, ``qValue``). Columns that a
        header names in another order are read by these names, the strand and the summit among them.
    contigs : ContigNames, optional
        Names of contigs; without it they stay as they are.

    Raises
    ------
    UserError
        As :func:`~cbat.data.bed_files.read_bed`; a column that does not exist; a signal
        that is no finite number, or negative. Names the file and the line.
    """
    path = Path(path)
    opening = _checked_opening(path)
    kind_of_file = format_of(path, opening)
    asked = _column_asked_for(path, kind, str(signal), opening, kind_of_file)
    table = _table(path, opening, asked)
    frame = intervals_of(table)
    if asked:
        column = list(table.columns)[asked - 1]
        found, name, note = _signal_of(table, column, kind), _described(table, column), ""
    elif signal == NONE:
        found, name, note = np.ones(len(frame)), NONE, f"landscape.signals.{kind} is 'none'"
    else:
        found, name, note = _automatic(table, kind, kind_of_file)
    summit, n_outside = _summits(table, frame, kind_of_file)
    frame = frame.assign(signal=found, summit=summit, strand=_strands(table))
    kept = (contigs or ContigNames()).rename(frame, "chrom")
    counts = {
        "peaks_read": len(frame),
        "left_out_by_contig_names": len(frame) - len(kept),
        "summits_outside_their_peak": n_outside,
    }
    return Peaks(path, kept, kind_of_file, name, note, counts)


def states_signal(path: Path) -> bool:
    """Whether a file is narrowPeak or broadPeak, whose peaks have a signal.

    Raises
    ------
    UserError
        The file is missing, damaged or empty.
    """
    opening = opening_of(path)
    return bool(opening.fields) and format_of(path, opening) in WIDTHS


def _checked_opening(path: Path) -> Opening:
    refuse_foreign(path, "intervals", [GTF])
    if is_gtf(path):
        mend = "name a narrowPeak, broadPeak or BED file of peaks"
        raise UserError("this is a GTF, and genes are not peaks", mend=mend, file=path)
    return opening_of(path)


def _column_asked_for(path: Path, kind: str, signal: str, opening: Opening, kind_of_file: str) -> int:
    """Number, from 1, of the column that was asked for; 0 for ``none``, or where ``auto`` has to look."""
    if signal == NONE:
        return 0
    if signal == AUTO:
        return _SIGNAL_OF_GAPPED if _is_gapped(opening) else 0
    key, width = f"landscape.signals.{kind}", len(opening.fields)
    mend = f"write the number or the name of a column from the fourth on, 'auto' or 'none' in {key}"
    if signal.isdecimal():
        if 3 < int(signal) <= width:
            return int(signal)
        problem = f"{key} is column {signal}, and the file has {width} columns, the first three the interval"
        raise UserError(problem, mend=mend, file=path)
    if opening.names and len(opening.names) != width:
        raise UserError(
            f"the header names {len(opening.names)} columns, and the first peak has {width}, so that {key} "
            f"({signal!r}) is not clear",
            mend=f"name every column in the header, or write the number of one in {key}",
            file=path,
        )
    names = (opening.names or _COLUMNS[: width if kind_of_file in WIDTHS else _WIDTH_OF_BED])[3:width]
    check_named_once(path, names, signal)
    lower = [name.lower() for name in names]
    if signal.lower() in lower:
        return 4 + lower.index(signal.lower())
    if signal.lower() == _SCORE and _SCORE in (columns := _columns_of(opening))[:width]:
        return columns.index(_SCORE) + 1
    whose = "its header names" if opening.names else "it has no header line, and of its format are"
    raise UserError(
        f"{key} is {signal!r}, and the file has no such column ({whose} {', '.join(names) or 'none'})"
        + did_you_mean(signal, names),
        mend=mend,
        file=path,
    )


def _is_gapped(opening: Opening) -> bool:
    """Whether a file is a gappedPeak, by its width and the two lists of blocks."""
    blocks = opening.fields[10:12]
    return len(opening.fields) == _OF_GAPPED and all(
        re.fullmatch(r"[0-9]+(,[0-9]+)*,?", one) for one in blocks
    )


def _columns_of(opening: Opening) -> tuple[str, ...]:
    """Names of the columns: by their order, but by the header where that has them in another order."""
    known = {name.lower(): name for name in _COLUMNS[3:]}
    given = [known.get(name.lower()) for name in opening.names[3:]]
    moved = any(name is not None and _COLUMNS.index(name) != at for at, name in enumerate(given, 3))
    if len(opening.names) != len(opening.fields) or not moved:
        return _COLUMNS
    return (*_COLUMNS[:3], *(name or f"column {number}" for number, name in enumerate(given, 4)))


def _table(path: Path, opening: Opening, asked: int) -> TextTable:
    """The columns of the formats and the one that was asked for, without a header that lacks the ``#``."""
    columns = _columns_of(opening)
    further = tuple(f"column {number}" for number in range(len(columns) + 1, asked + 1))
    table = read_headless(path, delimiter="\t", columns=(*columns, *further), least=3)
    if not opening.bare:
        return table
    if len(table.lines) == 1:
        raise UserError("the file has a header but no peaks", mend="name another file", file=path)
    rows = {name: column.slice(1) for name, column in table.columns.items()}
    return TextTable(path, rows, table.lines[1:])


def _described(table: TextTable, name: str) -> str:
    numbered = f"column {list(table.columns).index(name) + 1}"
    return name if name == numbered else f"{numbered} ({name})"


def _signal_of(table: TextTable, name: str, kind: str) -> Floats:
    """The numbers of a column, ``shape=(n,)``, all finite and none negative."""
    values = table.numbers(name)
    if len(negative := np.flatnonzero(values < 0.0)):
        row = int(negative[0])
        raise table.fail(
            row,
            f"{name} is {values[row]:g}, and a signal that peaks are ranked by is not negative",
            f"name another column in landscape.signals.{kind} (a signal or -log10 of a p-value, the greater "
            "the stronger), or write 'none' there",
        )
    return values


def _automatic(table: TextTable, kind: str, kind_of_file: str) -> tuple[Floats, str, str]:
    """Signal, its column, and why there is none: of ``signalValue``, else of the score."""
    reasons = []
    if kind_of_file in WIDTHS and _SIGNAL_VALUE in table.columns:
        values = _signal_of(table, _SIGNAL_VALUE, kind)
        if _varies(values):
            return values, _described(table, _SIGNAL_VALUE), ""
        reasons.append("signalValue is the same for all peaks")
    if _SCORE in table.columns:
        number = list(table.columns).index(_SCORE) + 1
        try:
            values = _signal_of(table, _SCORE, kind)
        except UserError as error:
            reasons.append(f"column {number} is no signal ({error.where}: {error.problem})")
        else:
            if _varies(values):
                return values, _described(table, _SCORE), "; ".join(reasons)
            reasons.append(f"column {number} is the same for all peaks")
    else:
        reasons.append(f"there is no column {_COLUMNS.index(_SCORE) + 1}")
    return np.ones(len(table.lines)), NONE, ", and ".join(reasons)


def _varies(values: Floats) -> bool:
    return bool(len(values) and (values != values[0]).any())


def _summits(table: TextTable, frame: pd.DataFrame, kind_of_file: str) -> tuple[Positions, int]:
    """Positions of summits, -1 where there is none, and how many lie outside their peak."""
    if kind_of_file != "narrowPeak" or _SUMMIT not in table.columns:
        return np.full(len(frame), -1, dtype=np.int64), 0
    mend = "write whole numbers: the summit in bp from the start, or -1"
    values = table.matching(_SUMMIT, f"^{WHOLE.pattern}$", mend)
    offset = np.asarray(pc.cast(values, pa.int64()).to_numpy())
    outside = offset >= (frame["end"] - frame["start"]).to_numpy()
    known = (offset >= 0) & ~outside
    return np.where(known, frame["start"].to_numpy() + offset, -1), int(outside.sum())


def _strands(table: TextTable) -> npt.NDArray[np.object_] | str:
    """Strands, or ``.`` where their column is missing or holds something else."""
    if _STRAND not in table.columns:
        return "."
    words, rows = distinct(table.columns[_STRAND])
    listed = [SIGNS.get(word, word) for word in words.to_pylist()]
    return np.array(listed, dtype=object)[rows] if set(listed) <= set(STRANDS) else "."
