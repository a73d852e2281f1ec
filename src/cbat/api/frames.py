"""Tables of pandas where a file is read: they are written to one, and faults are told by row.

The readers of files are the only ones, so a table is checked as a file is, in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from cbat.api.faults import machine_told
from cbat.config.suggestions import did_you_mean
from cbat.errors import UserError

Source: TypeAlias = str | Path | pd.DataFrame
"""A file, or a table of its rows."""
_COLUMNS: Final = (
    "chrom", "start", "end", "name", "score", "strand", "signalValue", "pValue", "qValue", "peak",
)  # fmt: skip
"""Of narrowPeak, of which the first six are those of BED."""
_FILL: Final = (None, None, None, ".", 0, ".", 0, -1, -1, -1)
_OPTIONAL: Final = ("name", "strand", "pValue", "qValue", "peak")
_CALLED: Final = {
    "chrom": ("chr", "chromosome", "#chrom", "seqnames"),
    "start": ("chromstart",),
    "end": ("chromend", "stop"),
    "name": ("gene", "gene_name", "genename", "symbol"),
    "signalValue": ("signal",),
}
"""What else a column may be called, in lower case."""
_LINE: Final = re.compile(r"\bline (\d+)\b")


@dataclass
class Frames:
    """Files that stand for tables of pandas.

    Attributes
    ----------
    folder : Path
        Where they are written.
    header : dict
        File -> how many lines stand before its first row.
    """

    folder: Path
    header: dict[Path, int] = field(default_factory=dict)

    def intervals(self, name: str, given: Source) -> Path:
        """A file of peaks, candidates or genes.

        Parameters
        ----------
        name : str
            What it is, for messages and for the name of the file.
        given : str, Path or DataFrame
            A table has ``chrom``, ``start`` and ``end`` (0-based half-open, bp), and any further columns of
            narrowPeak: ``name``, ``score``, ``strand``, ``signalValue``, ``pValue``, ``qValue`` and ``peak``
            (the summit, bp from the start). One without names of columns, such as that of
            ``pandas.read_csv(..., header=None)``, has the columns of its file.

        Raises
        ------
        UserError
            A table without one of the first three columns, or with two of one name.
        """
        if not isinstance(given, pd.DataFrame):
            return Path(given)
        table = given if _is_headless(given) else _in_order(given, name)
        ending = "narrowPeak" if table.shape[1] >= len(_COLUMNS) else "bed"
        return self._write(name, ending, table, header=False)

    def table(self, name: str, given: Source) -> Path:
        """A file whose first line names the columns, such as labelled pairs or expression."""
        return (
            self._write(name, "tsv", given, header=True) if isinstance(given, pd.DataFrame) else Path(given)
        )

    def _write(self, name: str, ending: str, table: pd.DataFrame, *, header: bool) -> Path:
        path = self.folder / f"DataFrame_{name}.{ending}"
        table = table.apply(_whole)
        table.to_csv(path, sep="\t", index=False, header=header, lineterminator="\n")
        self.header[path] = int(header)
        return path

    def called(self, text: str) -> str:
        """A text with tables in place of the files that stand for them."""
        for path in self.header:
            text = text.replace(str(path), _called(path))
        return text

    def in_words(self, error: UserError) -> UserError:
        """A fault of a file that stands for a table, told of the table and its row."""
        file, where = error.file, error.where
        path = None if file is None else Path(file)
        if path in self.header:
            file, before = _called(path), self.header[path] + 1
            where = None if where is None else _LINE.sub(lambda line: _row(line, before), where)
        return UserError(self.called(error.problem), mend=self.called(error.mend), file=file, where=where)


def _called(path: Path) -> str:
    return f"the DataFrame {path.stem.removeprefix('DataFrame_')}"


def _row(line: re.Match[str], before: int) -> str:
    return f"row {int(line[1]) - before} (counted from 0, as by iloc)"


@contextmanager
def frames_told() -> Iterator[Frames]:
    """A place for files of tables, which is deleted in the end; faults are told of the tables.

    Raises
    ------
    UserError
        The one of the block.
    """
    with machine_told(), TemporaryDirectory(prefix="cbat_") as folder:
        frames = Frames(Path(folder))
        try:
            yield frames
        except UserError as error:
            raise frames.in_words(error) from None


def _is_headless(table: pd.DataFrame) -> bool:
    return all(isinstance(name, int | np.integer) for name in table.columns)


def _in_order(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of BED, or of narrowPeak where there is a signal, in their order."""
    found: dict[str, Any] = {}
    for column in table.columns:
        known = _known(str(column))
        if known is None:
            continue
        if known in found:
            raise UserError(
                f"two columns of the DataFrame {name} are {known!r}: {found[known]!r} and {column!r}",
                mend="drop or rename one of them",
            )
        found[known] = column
    if missing := [column for column in _COLUMNS[:3] if column not in found]:
        given = [str(column) for column in table.columns]
        raise UserError(
            f"the DataFrame {name} has no column {missing[0]!r}{did_you_mean(missing[0], given)}",
            mend="rename its columns: chrom, start and end (0-based half-open), and any of "
            f"{', '.join(_COLUMNS[3:])}",
        )
    last = 10 if "signalValue" in found else max(map(_COLUMNS[:6].index, set(found) & {*_COLUMNS[:6]})) + 1
    columns = {
        column: _filled(table[found[column]], column, fill) if column in found else fill
        for column, fill in zip(_COLUMNS[:last], _FILL, strict=False)
    }
    return pd.DataFrame(columns, index=table.index)


def _filled(values: pd.Series, column: str, fill: Any) -> pd.Series:
    """Values with what a file has for a missing one, of columns that need not be known."""
    if column not in _OPTIONAL:
        return values
    return _whole(values).astype(object).where(values.notna(), fill)


def _known(column: str) -> str | None:
    lower = column.lower()
    for known in _COLUMNS:
        if lower == known.lower() or lower in _CALLED.get(known, ()):
            return known
    return None


def _whole(column: pd.Series) -> pd.Series:
    """Whole numbers without decimals: pandas makes floats of them where one is missing."""
    if not pd.api.types.is_float_dtype(column):
        return column
    known = column.dropna()
    if not (np.isfinite(known) & (known == np.floor(known))).all():
        return column
    return column.astype("Int64")
