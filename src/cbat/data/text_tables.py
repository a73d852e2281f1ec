"""Delimited text tables, plain or gzip, read as columns of text with the number of every line.

Values are checked and converted column by column. Where a check fails, the message names the file and
the first line at fault.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from cbat.data.conversions import with_tabs
from cbat.data.text_files import read_text
from cbat.errors import UserError

_DELIMITER_NAMES: Final = {"\t": "tabs", ",": "commas", ";": "semicolons", " ": "spaces"}
_INTEGER: Final = "^[0-9]{1,15}$"
_NUMBER: Final = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$"
_COMMENT: Final = re.compile(rb"(?m)^#[^\t\n]*$")
_BROWSER_LINE: Final = re.compile(rb"(?m)^(#|(track|browser)(?=[ \t]|$)).*$")
_FEW: Final = 5
"""Rows whose number of fields is held against that of the header."""
_QUOTED: Final = r'^"(.*)"$'


@dataclass(frozen=True)
class TextTable:
    """Columns of text.

    Attributes
    ----------
    path : Path
        The file, for messages.
    columns : dict of str to pyarrow.ChunkedArray
        Strings, ``shape=(n_rows,)`` each.
    lines : numpy.ndarray
        Line of the file that each row stands in, counted from 1; ``shape=(n_rows,)``.
    """

    path: Path
    columns: dict[str, Any]
    lines: NDArray[np.int64]

    def fail(self, row: int, problem: str, mend: str) -> UserError:
        """The error that names the line of ``row``."""
        return UserError(problem, mend=mend, file=self.path, where=f"line {self.lines[row]}")

    def matching(self, column: str, pattern: str, mend: str) -> Any:
        """The column ``column``, once all its values match the regular expression ``pattern``."""
        values = self.columns[column]
        fits = pc.match_substring_regex(values, pattern)
        if (row := first_false(fits)) is not None:
            raise self.fail(row, f"{column} is {values[row].as_py()!r}", mend)
        return values

    def integers(self, column: str) -> NDArray[np.int64]:
        """A column of 0-based positions, ``shape=(n_rows,)``."""
        mend = "write a whole number, 0 or greater, without sign, point or thousands separator"
        values = self.matching(column, _INTEGER, mend)
        return np.asarray(pc.cast(values, pa.int64()).to_numpy())

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of finite numbers, ``shape=(n_rows,)``."""
        mend = "write a number such as 0.25 or 3e-4, and leave out rows that have none"
        values = self.matching(column, _NUMBER, mend)
        numbers = np.asarray(pc.cast(pc.utf8_ltrim(values, "+"), pa.float64()).to_numpy())
        if len(infinite := np.flatnonzero(np.isinf(numbers))):
            raise self.fail(int(infinite[0]), f"{column} is {values[int(infinite[0])].as_py()!r}", mend)
        return numbers

    def names(self, column: str) -> NDArray[np.object_]:
        """A column of words without spaces, ``shape=(n_rows,)``."""
        return self._words(column, r"^[^\s]+$", "write a name without spaces")

    def choices(self, column: str, choices: Sequence[str]) -> NDArray[np.object_]:
        """A column whose every value is one of ``choices``, ``shape=(n_rows,)``."""
        pattern = "^(" + "|".join(map(re.escape, choices)) + ")$"
        return self._words(column, pattern, f"write one of: {', '.join(choices)}")

    def _words(self, column: str, pattern: str, mend: str) -> NDArray[np.object_]:
        """Words that match ``pattern``; equal ones are one object, for they are few and rows are many."""
        words, rows = distinct(self.columns[column])
        if (word := first_false(pc.match_substring_regex(words, pattern))) is not None:
            # The words stand in the order in which they come first.
            row = int(np.flatnonzero(rows == word)[0])
            raise self.fail(row, f"{column} is {words[word].as_py()!r}", mend)
        return np.array([*words.to_pylist(), None], dtype=object)[rows]


def distinct(values: Any) -> tuple[Any, NDArray[np.int32]]:
    """The values of an Arrow column, each once in the order of appearance, and which of them each row has."""
    encoded = pc.dictionary_encode(pa.concat_arrays(pa.chunked_array(values).chunks))
    return encoded.dictionary, np.asarray(encoded.indices.to_numpy())


def first_false(mask: Any) -> int | None:
    """Position of the first value of a Boolean Arrow array that is not true."""
    false = np.flatnonzero(~np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=bool))
    return int(false[0]) if len(false) else None


def read_headed(
    path: str | Path,
    *,
    delimiter: str,
    required: Collection[str],
    optional: Collection[str] = (),
    comments: bool = False,
) -> TextTable:
    """Read a table whose first line names its columns.

    Names of columns are matched without case. Values and names may stand in double quotes, the header may
    lack a name for the names of rows (both as R writes tables), and rows may end in a tab that the header
    lacks, or the other way round.

    Parameters
    ----------
    path : str or Path
        The file, plain or gzip.
    delimiter : str
        One character.
    required : collection of str
        Columns that must be there, in any order; others may be there too, and are not read.
    optional : collection of str
        Columns that are read where they are there.
    comments : bool
        Skip lines that start with ``#`` and hold no tab, and take a ``#`` off the header.

    Raises
    ------
    UserError
        As :func:`read_text`; a missing column, or one that two could be (``label`` and ``Label``); another
        delimiter, a row with more or fewer fields than the header, no rows.
    """
    path = Path(path)
    data = read_text(path)
    if comments and data.find(b"#") >= 0:
        data = _COMMENT.sub(b"", data)
    header = (
        header_fields(_first_line(data), delimiter) if comments else _fields(_first_line(data), delimiter)
    )
    lower = [name.lower() for name in header]
    if missing := [column for column in required if column.lower() not in lower]:
        problem = f"the header has no column {', '.join(missing)}"
        mend = f"name the columns in the first line: {', '.join(required)}"
        raise _delimiter_error(path, data, delimiter, required) or UserError(
            problem, mend=mend, file=path, where=_where_first(data)
        )
    wanted = [*required, *(column for column in optional if column.lower() in lower)]
    for column in wanted:
        check_named_once(path, header, column, _where_first(data))
    # Only what is read is called by the names that were asked for.
    asked = {column.lower(): column for column in wanted}
    names = [asked.get(name, header[at]) for at, name in enumerate(lower)]
    return _parse(path, data, delimiter, _fitted(data, delimiter, names), wanted, skip=1)


def check_named_once(path: Path, header: Sequence[str], column: str, where: str | None = None) -> None:
    """Make sure that one column alone has the name, whatever its case.

    Raises
    ------
    UserError
        Naming all that have it.
    """
    alike = [name for name in header if name.lower() == column.lower()]
    if len(alike) < 2:
        return
    if len(set(alike)) == 1:
        problem = f"the header names the column {alike[0]} twice"
    else:
        problem = f"the column {column} may be each of {', '.join(alike)}"
    raise UserError(
        problem, mend="delete the one that is not meant, or give it another name", file=path, where=where
    )


def _fitted(data: bytes, delimiter: str, header: list[str]) -> list[str]:
    """The header with as many names as the rows have fields, where a program left out or added an end."""
    rest = data[_end_of_first(data) :]
    first = [line[0].decode("utf-8") for line in islice(re.finditer(rb"[^\n]+", rest), _FEW)]
    widths = {len(_fields(line, delimiter)) for line in first}
    if len(widths) != 1:
        return header
    width = widths.pop()
    if width == len(header) - 1 and not header[-1]:
        return header[:-1]
    if width != len(header) + 1:
        return header
    n_rows, mark = len(_line_numbers(rest)), delimiter.encode()
    if rest.count(mark + b"\n") + rest.endswith(mark) == n_rows:
        return [*header, ""]
    # R writes no name above the names of rows, which are all different.
    rows = re.findall(rb"(?m)^[^\n" + re.escape(mark) + rb"]+", rest)
    return ["", *header] if len(set(rows)) == n_rows > 1 else header


def header_fields(line: str, delimiter: str) -> list[str]:
    """Names of the columns, without the ``#`` that some programs write before the first."""
    return _fields(line.removeprefix("#").lstrip(" "), delimiter)


def read_headless(
    path: str | Path, *, delimiter: str, columns: Sequence[str], least: int | None = None
) -> TextTable:
    """Read a table without a header.

    Parameters
    ----------
    path : str or Path
        The file, plain or gzip.
    delimiter : str
        One character.
    columns : sequence of str
        Names of the columns.
    least : int, optional
        How many of ``columns`` every row must have. If given, rows may also have columns beyond those
        named, which are left out; otherwise they have all of ``columns`` and no other.

    Raises
    ------
    UserError
        As :func:`read_headed`.
    """
    path = Path(path)
    data = read_text(path)
    if least is not None:
        # Browser lines become empty lines, which keeps the number of the others.
        if _BROWSER_LINE.search(data):
            data = _BROWSER_LINE.sub(b"", data)
        if data.isspace() or not data:
            raise UserError("the file contains only comments", mend="add intervals, one a line", file=path)
    found = len(_fields(_first_line(data), delimiter))
    if found < least if least is not None else found != len(columns):
        wanted = f"at least {least}" if least is not None else str(len(columns))
        raise _delimiter_error(path, data, delimiter, columns[:least]) or UserError(
            f"the first row has {found} fields, not {wanted}",
            mend=f"separate the columns by {_DELIMITER_NAMES[delimiter]}: {', '.join(columns)}",
            file=path,
            where=_where_first(data),
        )
    names = [*columns[:found], *(f"column {i + 1}" for i in range(len(columns), found))]
    return _parse(path, data, delimiter, names, columns[:found], skip=0)


def _first_line(data: bytes) -> str:
    return data[_start_of_first(data) : _end_of_first(data)].decode("utf-8")


def _end_of_first(data: bytes) -> int:
    end = data.find(b"\n", _start_of_first(data))
    return end if end >= 0 else len(data)


def _start_of_first(data: bytes) -> int:
    found = re.search(rb"[^\n]", data)
    return found.start() if found else len(data)


def _where_first(data: bytes) -> str:
    return f"line {_start_of_first(data) + 1}"


def _fields(line: str, delimiter: str) -> list[str]:
    if delimiter == ",":
        try:
            return next(csv.reader([line]))
        except csv.Error:
            return line.split(delimiter)
    return [unquoted(field) for field in line.split(delimiter)]


def unquoted(field: str) -> str:
    """A field without the double quotes around it."""
    return field[1:-1] if len(field) > 1 and field[0] == field[-1] == '"' else field


def _delimiter_error(path: Path, data: bytes, delimiter: str, wanted: Collection[str]) -> UserError | None:
    """The error for a table that another delimiter would have split rightly."""
    first = _first_line(data)
    for other, name in _DELIMITER_NAMES.items():
        fields = [unquoted(field) for field in first.split(other)]
        if other != delimiter and (set(wanted) <= set(fields) or len(fields) >= len(wanted) > 1):
            return UserError(
                f"the columns are separated by {name}, not by {_DELIMITER_NAMES[delimiter]}",
                mend=with_tabs(path, other) if delimiter == "\t" else "separate them by commas",
                file=path,
                where=_where_first(data),
            )
    return None


def _parse(
    path: Path, data: bytes, delimiter: str, names: Sequence[str], wanted: Sequence[str], skip: int
) -> TextTable:
    width = len(names)
    lines = _line_numbers(data)[skip:]
    if not len(lines):
        raise UserError(
            "the table has a header but no rows", mend="add rows, or name another file", file=path
        )
    rejected: list[object] = []

    def reject(row: object) -> str:
        rejected.append(row)
        return "skip"

    # Positions stand for names, which a header may repeat in columns that nobody reads.
    positions = [str(position) for position in range(width)]
    kept = {name: str(names.index(name)) for name in wanted}
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(memoryview(data)[_end_of_first(data) if skip else 0 :]),
            read_options=arrow_csv.ReadOptions(use_threads=False, column_names=positions),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if delimiter == "," else False,
                invalid_row_handler=reject,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(kept.values(), pa.string()),
                include_columns=list(kept.values()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _ragged_error(path, data, delimiter, width) or UserError(
            f"the table cannot be read ({error})", mend="correct or remove the line", file=path
        ) from error
    if rejected or len(table) != len(lines):
        raise _ragged_error(path, data, delimiter, width) or UserError(
            "a quoted field spans more than one line", mend="close every quote in its own line", file=path
        )
    columns = {name: table.column(position) for name, position in kept.items()}
    if delimiter != "," and b'"' in data:
        columns = {name: pc.replace_substring_regex(one, _QUOTED, r"\1") for name, one in columns.items()}
    return TextTable(path, columns, lines)


def _line_numbers(data: bytes) -> NDArray[np.int64]:
    """Numbers, from 1, of the lines that are not empty."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    return np.flatnonzero(np.diff(ends, prepend=-1) > 1) + 1


def _ragged_error(path: Path, data: bytes, delimiter: str, width: int) -> UserError | None:
    """The error for the first line that has another number of fields; looked for after a failure only."""
    for number, line in enumerate(data.decode("utf-8").split("\n"), start=1):
        if line and (found := len(_fields(line, delimiter))) != width:
            return UserError(
                f"the line has {found} fields where the first line has {width}",
                mend=f"separate the fields with single {_DELIMITER_NAMES[delimiter]} and leave none out",
                file=path,
                where=f"line {number}",
            )
    return None
