"""Tables that say which genes of a cell line are expressed: by a number, by TRUE and FALSE, or as a list.

The results of quantification programs (RSEM, Salmon), matrices of samples (those of GTEx in GCT among them),
and lists of names, one a line; how their fields are told apart says :mod:`cbat.data.gene_tables`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cbat.config.suggestions import did_you_mean
from cbat.data.foreign_formats import refuse_foreign
from cbat.data.gene_tables import (
    LINES,
    MEASURES,
    MISSING,
    VERDICTS,
    GeneTable,
    are_identifiers,
    is_name_heading,
    is_note_heading,
    mostly_values,
    read_gene_table,
)
from cbat.errors import UserError

_VALUE_AT_END: Final = re.compile(r"[|:=\s]\s*[0-9]*[.,]?[0-9]+$")
"""A value that a separator which is not read joins to a name."""
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
        (``TRUE`` or ``FALSE``, ``yes`` or ``no``), else the only one with numbers; without any the file is
        a list of names, with nothing beside them but identifiers and annotations.

    Raises
    ------
    UserError
        Unreadable or empty file; rows of different length; an unknown column, or several and none named; a
        value that is no number from 0 on; columns that are neither values nor annotations; rows of several
        cell lines.
    """
    refuse_foreign(path, "expression")
    table = read_gene_table(path, headings=MEASURES if column is None else (column,))
    values = _columns_of_values(table)
    measure = _measure(table, values, column)
    words = [at for at in range(table.width) if at not in values and at != measure]
    if not words:
        raise UserError(
            f"no column is left for the names of genes beside {table.heading(measure or 0)}",
            mend="give the names a column, or name another column with --expression-column (in a "
            "configuration expression_column)",
            file=table.path,
        )
    names = _column_of_names(table, words, promoters)
    _check_header(table, names, promoters)
    if measure is None:
        _check_list(table, words, names)
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


def _columns_of_values(table: GeneTable) -> list[int]:
    """Columns that hold values; the first does only where it cannot be the names of genes."""
    columns = [
        at
        for at in range(table.width)
        if mostly_values(table.column(at))
        and not (table.header is not None and is_name_heading(table.header[at]))
    ]
    if 0 not in columns:
        return columns
    if table.header is None:
        names = table.column(0)
        numbered = len(columns) > 1 and len(set(names)) == len(names) and all(map(str.isdigit, names))
    else:
        numbered = not table.header[0] or is_note_heading(table.header[0])
    return columns[1:] if numbered or len(columns) == table.width else columns


def _column_of_names(table: GeneTable, words: Sequence[int], promoters: Collection[str]) -> int:
    """The one with most promoters; of equal ones the first whose heading is of names, else the first."""
    shared = {at: len(set(table.column(at)).intersection(promoters)) for at in words}
    return max(
        words, key=lambda at: (shared[at], table.header is not None and is_note_heading(table.header[at]))
    )


def _check_header(table: GeneTable, names: int, promoters: Collection[str]) -> None:
    """Refuse a first row that was taken for a header, and is a gene."""
    if table.header is None or is_name_heading(table.header[names]):
        return
    short = [table.header[1]] if table.width == 2 and not table.header[0] else []
    gene = next((one for one in (table.header[names], *short) if one in promoters), None)
    if gene is not None:
        raise UserError(
            f"the first row is of the gene {gene!r}, and has no value where the others have one",
            mend="write its value, NA where it is not known, or a header above it",
            file=table.path,
            where="line 1",
        )


def _check_list(table: GeneTable, words: Sequence[int], names: int) -> None:
    """Refuse what is read as a list of names, and may be a table of values that are not recognised."""
    unclear = [
        at
        for at in words
        if at != names
        and not (table.header is not None and is_note_heading(table.header[at]))
        and not are_identifiers(table.column(at))
        and not (table.header is not None and not table.header[at] and not any(table.column(at)))
    ]
    joined = table.width == 1 and 2 * sum(
        bool(_VALUE_AT_END.search(text)) for text in table.column(0)
    ) >= len(table.rows)
    if not unclear and not joined:
        return
    told = ", ".join(f"{table.heading(at)} (such as {table.rows[0][at]!r})" for at in unclear[:_SHOWN])
    raise UserError(
        f"no column holds numbers or TRUE and FALSE, and the file is no list of names: it has also {told}"
        if unclear
        else f"names and values are not separated: {table.rows[0][0]!r}",
        mend="write values as numbers with a decimal point, or as TRUE and FALSE, separate them by tabs, and "
        "name their heading with --expression-column (in a configuration expression_column); for a list of "
        "expressed genes leave the names alone, one a line",
        file=table.path,
        where=f"line {table.lines[0]}",
    )


def _measure(table: GeneTable, values: Sequence[int], column: str | None) -> int | None:
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
                else f"the column {column!r} is requested, but the table has no header",
                mend=f"name one with numbers ({told or 'it has none'}), or leave --expression-column (in a "
                "configuration expression_column) out",
                file=table.path,
                where="line 1",
            )
        return alike[0]
    known = next((alike for name in MEASURES if (alike := table.alike(name, among=values))), [])
    # What stands under such a heading and is no value is told with its line.
    known = known or next((alike for name in MEASURES if (alike := table.alike(name))), [])
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
    if not values:
        return None
    noted = table.header is not None and is_note_heading(table.header[values[0]])
    # Lengths and places are numbers that say nothing of expression; verdicts do under any heading.
    return (
        None if noted and not any(text.lower() in VERDICTS for text in table.column(values[0])) else values[0]
    )


def _several(table: GeneTable, columns: Sequence[int]) -> UserError:
    told = ", ".join(f"{table.heading(at)} (column {at + 1})" for at in columns)
    return UserError(
        f"{len(columns)} columns could be meant: {told}",
        mend="delete those that are not of this cell line, or name one of another heading with "
        "--expression-column (in a configuration expression_column)",
        file=table.path,
        where="line 1",
    )


def _judged(text: str, table: GeneTable, row: int, measure: int, least: float) -> bool:
    if text.lower() in MISSING:
        return False
    if text.lower() in VERDICTS:
        return VERDICTS[text.lower()]
    return table.number(row, measure, also=", TRUE, FALSE or NA") >= least


def _check_one_line(table: GeneTable, others: Sequence[int]) -> None:
    """Refuse a table of several cell lines, for a gene would be expressed where any of them expresses it."""
    for at in others:
        lines = sorted(set(table.column(at)))
        if table.heading(at).lower() in LINES and len(lines) > 1:
            told = ", ".join(lines[:_SHOWN]) + (", ..." if len(lines) > _SHOWN else "")
            raise UserError(
                f"the table holds {len(lines)} cell lines ({told}, in the column {table.heading(at)})",
                mend="leave the rows of the cell line that is predicted",
                file=table.path,
            )
