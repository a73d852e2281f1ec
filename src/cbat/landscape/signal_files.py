"""Signals at elements: the mean of a bigWig, or the largest number of the intervals that overlap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cbat.config.suggestions import did_you_mean
from cbat.data.bed_files import Opening, intervals_of, opening_of
from cbat.data.cell_types import COLUMN as CELL_TYPE
from cbat.data.cell_types import rows_of_cell_type
from cbat.data.contig_checks import check_shared, first_lines
from cbat.data.contigs import ContigNames
from cbat.data.text_files import unreadable
from cbat.data.text_tables import TextTable, check_named_once, read_headed
from cbat.data.windows import spread
from cbat.errors import UserError
from cbat.landscape.peak_files import AUTO, NONE, read_peaks
from cbat.landscape.sites import FloatArray, batches

_MAGIC: Final = (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26")
"""First bytes of a bigWig, in either order of bytes."""
_BIGBED: Final = (b"\xeb\xf2\x89\x87", b"\x87\x89\xf2\xeb")
_NO_NUMBER: Final = ("", ".", "NA", "NAN", "NONE", "NULL")
_ENDINGS: Final = (".bw", ".bigwig")


class SignalFile(ABC):
    """A file of numbers along the genome.

    Attributes
    ----------
    path : Path
    report : dict
        What was read of it.
    """

    path: Path
    report: dict[str, Any]

    @property
    @abstractmethod
    def chromosomes(self) -> Collection[str]:
        """Contigs of the file, by the genome's names."""

    @abstractmethod
    def at(self, places: pd.DataFrame) -> FloatArray:
        """The signal of each element, 0 where there is none; shape=(n,).

        Parameters
        ----------
        places : DataFrame
            ``chrom``, ``start``, ``end`` (0-based half-open, bp).
        """

    @abstractmethod
    def check_contigs(self, places: pd.DataFrame, whose: str, contigs: ContigNames | None = None) -> None:
        """Make sure that the file speaks of the chromosomes of the elements, and names them as they do.

        Parameters
        ----------
        places : DataFrame
            As in :meth:`at`.
        whose : str
            Whose elements these are, for messages.
        contigs : ContigNames, optional
            The table of names that has been applied.

        Raises
        ------
        UserError
        """


@dataclass(frozen=True, eq=False)
class BigWig(SignalFile):
    """A bigWig.

    Attributes
    ----------
    contigs : mapping
        What the genome calls a contig -> what the file does, and its length, bp.
    reader : object
        Of pybigtools.
    """

    path: Path
    contigs: Mapping[str, tuple[str, int]]
    reader: Any
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, contigs: ContigNames) -> BigWig:
        """Open a file, and read which contigs it has.

        Raises
        ------
        UserError
            It is no bigWig, or damaged.
        """
        # Slow to import, and most runs have no bigWig.
        import pybigtools

        try:
            reader = pybigtools.open(str(path))
            lengths = dict(reader.chroms())
        except (pybigtools.BBIReadError, OSError, ValueError) as error:
            raise _no_bigwig(path) from error
        names = np.array(list(lengths), dtype=object)
        known = {
            str(ours): (str(theirs), int(lengths[theirs]))
            for ours, theirs in zip(contigs.apply(names), names, strict=True)
            if theirs not in contigs.left_out
        }
        return cls(path, known, reader, {"format": "bigWig", "signal": "mean over the element"})

    @property
    def chromosomes(self) -> Collection[str]:
        """As :attr:`SignalFile.chromosomes`."""
        return self.contigs

    def at(self, places: pd.DataFrame) -> FloatArray:
        """Mean over the bases of each element; a base without a value, or off the contig, counts 0."""
        found = np.zeros(len(places))
        columns = (places[name].to_numpy() for name in ("chrom", "start", "end"))
        for row, (chrom, start, end) in enumerate(zip(*columns, strict=True)):
            name, length = self.contigs.get(chrom, ("", 0))
            first, last = max(int(start), 0), min(int(end), length)
            if first < last:
                found[row] = self._mean(name, first, last) * ((last - first) / (end - start))
        return found

    def _mean(self, name: str, start: int, end: int) -> float:
        import pybigtools

        try:
            value = self.reader.values(
                name, start, end, bins=1, summary="mean", exact=True, uncovered=0.0, fillna=0.0
            )
        except (pybigtools.BBIReadError, OSError, ValueError) as error:
            raise _no_bigwig(self.path) from error
        return float(value[0])

    def check_contigs(self, places: pd.DataFrame, whose: str, contigs: ContigNames | None = None) -> None:
        """As :meth:`SignalFile.check_contigs`; also that every element begins inside its contig."""
        check_shared(self.path, dict.fromkeys(self.contigs, 0), {whose: set(places["chrom"])}, contigs)
        beyond = places["start"] >= places["chrom"].map({name: of[1] for name, of in self.contigs.items()})
        for row in places[beyond].itertuples():
            raise UserError(
                f"{row.chrom}:{row.start}-{row.end} of {whose} lies beyond the end of {row.chrom}, which is "
                f"{self.contigs[str(row.chrom)][1]} bp long in this bigWig",
                mend="name a bigWig of the same assembly",
                file=self.path,
            )


@dataclass(frozen=True, eq=False)
class Intervals(SignalFile):
    """Intervals with a number each.

    Attributes
    ----------
    table : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp), ``signal`` and ``line``, in any order;
        intervals may overlap.
    of_cell_type : bool
        Whether the file says of which cell line each row is.
    """

    path: Path
    table: pd.DataFrame
    report: dict[str, Any]
    of_cell_type: bool = False

    @property
    def chromosomes(self) -> Collection[str]:
        """As :attr:`SignalFile.chromosomes`."""
        return set(self.table["chrom"])

    def at(self, places: pd.DataFrame) -> FloatArray:
        """Largest number of the intervals that overlap each element, 0 without one."""
        found = np.zeros(len(places))
        of_chrom = self.table.groupby("chrom", sort=False).indices
        for chrom, rows in places.groupby("chrom", sort=False).indices.items():
            if chrom in of_chrom:
                found[rows] = _largest(self.table.iloc[of_chrom[chrom]], places.iloc[rows])
        return found

    def check_contigs(self, places: pd.DataFrame, whose: str, contigs: ContigNames | None = None) -> None:
        """As :meth:`SignalFile.check_contigs`."""
        check_shared(self.path, first_lines(self.table), {whose: set(places["chrom"])}, contigs)


def _largest(intervals: pd.DataFrame, places: pd.DataFrame) -> FloatArray:
    """Largest signal of the intervals of one chromosome that overlap each place, shape=(n_places,)."""
    ordered = intervals.sort_values("start", kind="stable")
    start, end, signal = (ordered[name].to_numpy() for name in ("start", "end", "signal"))
    asked_start, asked_end = (places[name].to_numpy() for name in ("start", "end"))
    # A long interval may reach over many that start after it.
    reach = np.maximum.accumulate(end)
    first = np.searchsorted(reach, asked_start, side="right")
    count = np.maximum(np.searchsorted(start, asked_end) - first, 0)
    found = np.zeros(len(places))
    for rows in batches(count):
        place, number = spread(count[rows])
        row, one = rows[place], first[rows][place] + number
        over = end[one] > asked_start[row]
        np.maximum.at(found, row[over], signal[one[over]])
    return found


def open_signal(
    path: str | Path, name: str, column: str, cell_line: str, contigs: ContigNames | None = None
) -> SignalFile:
    """Open a file of signals: a bigWig, or intervals with numbers, plain or gzip.

    Parameters
    ----------
    path : str or Path
        A bigWig (by its first bytes); narrowPeak, broadPeak or BED; or a table whose header names its
        columns, the first three the interval. Of a table with a column ``CellType`` the rows of
        ``cell_line`` are read.
    name : str
        Of the signal (:data:`cbat.config.sheets.ELEMENT_SIGNALS`), for messages.
    column : str
        Where the numbers of intervals stand, as ``landscape.signals`` says it.
    cell_line : str
    contigs : ContigNames, optional
        Names of contigs; without it they stay as they are.

    Raises
    ------
    UserError
        The file is missing, damaged or neither; a column that does not exist, or that holds something else
        than finite numbers from 0 on; no row of the cell line.
    """
    path, contigs = Path(path), contigs or ContigNames()
    magic = _first_bytes(path)
    if magic in _MAGIC:
        return BigWig.open(path, contigs)
    if path.suffix.lower() in _ENDINGS or magic in _BIGBED:
        raise _no_bigwig(path)
    opening = opening_of(path)
    if CELL_TYPE.lower() in [one.lower() for one in opening.names]:
        return _of_cell_type(path, name, column, cell_line, contigs, opening)
    peaks = read_peaks(path, name, column, contigs)
    if peaks.signal == NONE:
        raise UserError(
            f"the intervals have no numbers for {name} ({peaks.note})",
            mend=f"name the column of the signal in landscape.signals.{name}, or name another file",
            file=path,
        )
    report = {"format": peaks.format, "signal": peaks.signal, "intervals": len(peaks.table)}
    left_out = {"left_out_by_contig_names": peaks.counts["left_out_by_contig_names"]}
    return Intervals(path, peaks.table, report | left_out)


def _first_bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4)
    except OSError as error:
        raise unreadable(path, error) from error


def _no_bigwig(path: Path) -> UserError:
    return UserError(
        "this is not a bigWig, or it is damaged",
        mend="name a complete bigWig of a signal, or intervals with numbers (narrowPeak, broadPeak, BED)",
        file=path,
    )


def _of_cell_type(
    path: Path, name: str, column: str, cell_line: str, contigs: ContigNames, opening: Opening
) -> Intervals:
    """The rows of one cell line of a table with a header."""
    number = _column_of(path, name, column, opening.names)
    interval, wanted = opening.names[:3], opening.names[number]
    columns = (*interval, wanted, CELL_TYPE)
    table = read_headed(path, delimiter="\t", required=columns, comments=True)
    mine = rows_of_cell_type(table, cell_line)
    words = pc.utf8_upper(pc.utf8_trim_whitespace(table.columns[wanted]))
    known = ~np.asarray(pc.is_in(words, pa.array(_NO_NUMBER)).to_numpy(zero_copy_only=False), dtype=bool)
    rows = np.flatnonzero(mine & known)
    if not len(rows):
        raise UserError(
            f"none of the {int(mine.sum())} rows of {cell_line} has a number in {wanted}",
            mend=f"name another column in landscape.signals.{name}, or write '.' for a signal that the line "
            "lacks",
            file=path,
        )
    taken = {key: table.columns[given].take(pa.array(rows)) for given, key in zip(columns, _AS, strict=False)}
    kept = TextTable(path, taken, table.lines[rows])
    values = kept.numbers(_AS[3])
    _refuse_negative(kept, values, wanted, name)
    frame = contigs.rename(intervals_of(kept).assign(signal=values), "chrom")
    report = {
        "format": "table",
        "signal": f"column {number + 1} ({wanted})",
        "intervals": len(frame),
        "of_other_cell_types": int((~mine).sum()),
        "without_a_number": int((mine & ~known).sum()),
        "left_out_by_contig_names": len(rows) - len(frame),
    }
    return Intervals(path, frame, report, of_cell_type=True)


_AS: Final = ("chrom", "start", "end", "signal")
"""What the first columns are called once they are read."""


def _refuse_negative(table: TextTable, values: npt.NDArray[np.float64], column: str, name: str) -> None:
    if len(negative := np.flatnonzero(values < 0.0)):
        row = int(negative[0])
        raise table.fail(
            row,
            f"{column} is {values[row]:g}, and a signal is not negative",
            f"name another column in landscape.signals.{name}: a signal, the greater the stronger",
        )


def _column_of(path: Path, name: str, column: str, names: Collection[str]) -> int:
    """Number, from 0, of the column that was asked for."""
    listed, key = list(names), f"landscape.signals.{name}"
    lower = [one.lower() for one in listed]
    check_named_once(path, listed[3:], column)
    if column.isdecimal() and 3 < int(column) <= len(listed):
        return int(column) - 1
    if column.lower() in lower[3:]:
        return lower.index(column.lower())
    if column == AUTO:
        problem = f"the table names its columns, and {key} does not say which of them is the signal"
    else:
        problem = f"{key} is {column!r}, and the header names no such column from the fourth on"
        problem += did_you_mean(column, listed[3:])
    raise UserError(problem, mend=f"write the name of a column in {key}", file=path)
