"""Tables that say which genes of a cell line are expressed: by a number, by TRUE and FALSE, or as a list.

Layouts that are read, plain or gzip, separated by tabs, commas or semicolons, with or without a header: the
results of quantification programs (RSEM, Salmon), matrices of samples (those of GTEx in GCT among them), and
lists of names, one a line.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cbat.config.suggestions import did_you_mean
from cbat.data.foreign_formats import refuse_foreign
from cbat.data.text_files import read_text
from cbat.errors import UserError

MEASURES: Final = ("tpm", "rpkm", "fpkm", "cpm", "expressed")
"""Headings, in lower case, of the column that is read where several could be, in the order of preference."""
_HEADS_OF_LISTS: Final = frozenset(
    {"gene", "genes", "gene_id", "gene_name", "gene_symbol", "geneid", "genename", "name", "symbol"}
)
"""Headings of a list of names, which no number below them tells from a name."""
_LINES: Final = frozenset({"biosample", "cell_line", "cell_type", "cellline", "celltype"})
"""Headings of a column that says whose expression a row is."""
_DELIMITERS: Final = "\t,;"
_NUMBER: Final = re.compile(r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$")
_MISSING: Final = frozenset({"", "na", "nan", "."})
_VERDICTS: Final = {"true": True, "false": False}
_GCT: Final = re.compile(r"#1\.[0-9]\s*$")
"""First line of GCT, the format of GTEx's matrices."""
_SHOWN: Final = 6


@dataclass(frozen=True)
class Expressed:
    """Which genes a table calls expressed.

    Attributes
    ----------
    genes : frozenset of str
        Those that are.
    known : frozenset of str
        All that the table names.
    names : str
        Heading or number of the column of names.
    measure : str, optional
        The same of the column that was judged by; None for a list of names, all of which are expressed.
    """

    genes: frozenset[str]
    known: frozenset[str]
    names: str
    measure: str | None


@dataclass(frozen=True)
class _Table:
    """Rows of fields, all of the same number, with the number of the line of each and the header if any."""

    path: Path
    header: list[str] | None
    rows: list[list[str]]
    lines: list[int]

    def heading(self, column: int) -> str:
        return f"column {column + 1}" if self.header is None else self.header[column]

    def column(self, column: int) -> list[str]:
        return [row[column] for row in self.rows]

    def alike(self, name: str, among: Collection[int] | None = None) -> list[int]:
        """Columns from the second on of that heading, else of that heading in another case."""
        there = [at for at in range(1, len(self.header or ())) if among is None or at in among]
        headings = {at: self.heading(at) for at in there}
        exact = [at for at, heading in headings.items() if heading == name]
        return exact or [at for at, heading in headings.items() if heading.lower() == name.lower()]


def read_expressed(
    path: str | Path, promoters: Collection[str], *, least: float, column: str | None = None
) -> Expressed:
    """Read which genes are expressed.

    Names are in the column of words that holds most of ``promoters``; of equal ones in the first. A gene on
    several lines is expressed where one of them says so, and one without a value (empty, ``NA``) is not.

    Parameters
    ----------
    path : str or Path
        Table or list, plain or gzip.
    promoters : collection of str
        Names of the genes that are asked about.
    least : float
        From which value on (TPM, RPKM or what the table holds) a gene is expressed.
    column : str, optional
        Heading of the column with the values. Without it: one called TPM, RPKM, FPKM, CPM or ``expressed``
        (``TRUE`` or ``FALSE``), else the only one with numbers; without any the file is a list of names.

    Raises
    ------
    UserError
        Unreadable or empty file; rows of different length; an unknown column, or several and none named; a
        value that is no number from 0 on; rows of several cell lines.
    """
    refuse_foreign(path, "expression")
    table = _read(Path(path))
    values = [at for at in range(1, len(table.rows[0])) if _mostly_values(table.column(at))]
    measure = _measure(table, values, column)
    words = [at for at in range(len(table.rows[0])) if at not in values and at != measure]
    # The first of equal ones, as max gives it.
    names = max(words, key=lambda at: len(set(table.column(at)).intersection(promoters)))
    _check_one_line(table, [at for at in words if at != names])
    genes = table.column(names)
    if measure is None:
        judged = [True] * len(genes)
    else:
        judged = [_judged(text, table, row, measure, least) for row, text in enumerate(table.column(measure))]
    known = frozenset(genes) - {""}
    expressed = frozenset(gene for gene, yes in zip(genes, judged, strict=True) if yes) & known
    heading = None if measure is None else table.heading(measure)
    return Expressed(expressed, known, table.heading(names), heading)


def _read(path: Path) -> _Table:
    lines = [
        (number, line)
        for number, line in enumerate(read_text(path).decode("utf-8").split("\n"), start=1)
        if line.strip()
    ]
    if _GCT.match(lines[0][1]):
        # Its second line says how many rows and columns there are.
        lines = lines[2:]
    plain = [line for _, line in lines if not line.startswith("#")]
    # A header for one column, above the names of rows, has no delimiter.
    delimiter = next((mark for mark in _DELIMITERS if any(mark in line for line in plain[:2])), None)
    # A comment has no delimiter, so that it is none of the columns.
    lines = [(n, line) for n, line in lines if not line.startswith("#") or (delimiter or "\n") in line]
    if not lines:
        raise UserError("the file holds comments only", mend="add genes, one a line", file=path)
    rows = [_fields(line, delimiter) for _, line in lines]
    rows[0] = _without_empty_end(rows[0])
    rows[0][0] = rows[0][0].removeprefix("#").strip()
    width = len(rows[0])
    if len(rows) > 1 and len(rows[1]) == width + 1 and rows[1][-1]:
        # R writes no heading above the names of rows.
        rows[0], width = ["", *rows[0]], width + 1
    for place, row in enumerate(rows):
        if len(row) == width + 1 and not row[-1]:
            row.pop()
        if len(row) != width:
            raise UserError(
                f"the line has {len(row)} fields where the first line has {width}",
                mend="separate the fields by single tabs or commas and leave none out",
                file=path,
                where=f"line {lines[place][0]}",
            )
    numbers = [number for number, _ in lines]
    if _has_header(rows):
        if len(rows) == 1:
            raise UserError("the table has a header but no rows", mend="add genes, one a line", file=path)
        return _Table(path, rows[0], rows[1:], numbers[1:])
    return _Table(path, None, rows, numbers)


def _fields(line: str, delimiter: str | None) -> list[str]:
    try:
        found = [line] if delimiter is None else next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        found = line.split(delimiter)
    return [field.strip().strip('"') for field in found]


def _without_empty_end(fields: list[str]) -> list[str]:
    while len(fields) > 1 and not fields[-1]:
        fields = fields[:-1]
    return fields


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has words above values, or is the heading of a list."""
    first, rest = rows[0], rows[1:]
    if first[0].lower() in _HEADS_OF_LISTS:
        return True
    columns = [at for at in range(1, len(first)) if _mostly_values([row[at] for row in rest])]
    return any(not _is_value(first[at]) and first[at].lower() not in _MISSING for at in columns)


def _is_value(text: str) -> bool:
    return bool(_NUMBER.match(text)) or text.lower() in _VERDICTS


def _mostly_values(column: Sequence[str]) -> bool:
    """Whether half of what is not missing are values, so that the others are mistakes."""
    given = [text for text in column if text.lower() not in _MISSING]
    return bool(given) and 2 * sum(map(_is_value, given)) >= len(given)


def _measure(table: _Table, values: Sequence[int], column: str | None) -> int | None:
    """The column of values that is judged by."""
    named = [table.heading(at) for at in values]
    if column is not None:
        alike = table.alike(column)
        if len(alike) > 1:
            raise _several(table, alike)
        if not alike:
            told = ", ".join(named[:_SHOWN]) + (", ..." if len(named) > _SHOWN else "")
            raise UserError(
                f"the table has no column {column!r}{did_you_mean(column, named)}"
                if table.header is not None
                else f"the column {column!r} is asked for, and the table has no header",
                mend=f"name one with numbers ({told or 'it has none'}), or leave --expression-column (in a "
                "configuration expression_column) out",
                file=table.path,
                where="line 1",
            )
        return alike[0]
    known = next((alike for name in MEASURES if (alike := table.alike(name, among=values))), [])
    if len(known) > 1:
        raise _several(table, known)
    if known:
        return known[0]
    if len(values) > 1:
        told = ", ".join(named[:_SHOWN]) + (", ..." if len(named) > _SHOWN else "")
        raise UserError(
            f"{len(values)} columns hold numbers ({told}), and none is called TPM, RPKM, FPKM or CPM",
            mend="name the one of this cell line with --expression-column (in a configuration "
            "expression_column)"
            if table.header is not None
            else "leave the names and one column of numbers, or give the table a header",
            file=table.path,
        )
    return values[0] if values else None


def _several(table: _Table, columns: Sequence[int]) -> UserError:
    told = ", ".join(f"{table.heading(at)} (column {at + 1})" for at in columns)
    return UserError(
        f"{len(columns)} columns could be meant: {told}",
        mend="delete those that are not of this cell line, or name one of another heading with "
        "--expression-column (in a configuration expression_column)",
        file=table.path,
        where="line 1",
    )


def _judged(text: str, table: _Table, row: int, measure: int, least: float) -> bool:
    if text.lower() in _MISSING:
        return False
    if text.lower() in _VERDICTS:
        return _VERDICTS[text.lower()]
    value = float(text) if _NUMBER.match(text) else math.nan
    if not 0.0 <= value < math.inf:
        raise UserError(
            f"{table.heading(measure)} is {text!r}",
            mend="write a number from 0 on (TPM, RPKM or FPKM, without a logarithm), TRUE, FALSE or NA",
            file=table.path,
            where=f"line {table.lines[row]}",
        )
    return value >= least


def _check_one_line(table: _Table, others: Sequence[int]) -> None:
    """Refuse a table of several cell lines, for a gene would be expressed where any of them expresses it."""
    for at in others:
        lines = sorted(set(table.column(at)))
        if table.heading(at).lower() in _LINES and len(lines) > 1:
            told = ", ".join(lines[:_SHOWN]) + (", ..." if len(lines) > _SHOWN else "")
            raise UserError(
                f"the table holds {len(lines)} cell lines ({told}, in the column {table.heading(at)})",
                mend="leave the rows of the cell line that is predicted",
                file=table.path,
            )
