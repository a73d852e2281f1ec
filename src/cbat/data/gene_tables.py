"""Tables with a gene a row, as programs and people write them: fields, header, and what a field means.

Separated by tabs, commas, semicolons or spaces, with or without quotes, plain or gzip. The header may lack
the heading of the names of rows, as R writes it, and rows may end in separators that the header lacks.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cbat.data.text_files import read_text
from cbat.errors import UserError

MEASURES: Final = ("tpm", "rpkm", "fpkm", "cpm", "expressed")
"""Headings, in lower case, of the column that is read where several could be, in the order of preference."""
LINES: Final = frozenset({"biosample", "cell_line", "cell_type", "cellline", "celltype", "sample", "tissue"})
"""Headings of a column that says whose expression a row is."""
MISSING: Final = frozenset({"", "na", "nan", "."})
VERDICTS: Final = {
    "true": True, "yes": True, "t": True, "y": True, "false": False, "no": False, "f": False, "n": False,
}  # fmt: skip
_HEADS_OF_NAMES: Final = frozenset(
    {
        "gene", "genes", "gene_id", "gene_ids", "gene_name", "gene_names", "gene_symbol", "gene_symbols",
        "geneid", "genename", "genesymbol", "name", "names", "symbol", "symbols", "hgnc_symbol",
        "ensembl_id", "ensembl", "ensembl_gene_id", "external_gene_name", "gene_stable_id", "target_id",
        "transcript_id", "entrez_id", "entrez", "entrezid", "id",
    }
)  # fmt: skip
"""Headings of a column of names, in lower case and joined by underscores."""
_NUMBER: Final = re.compile(r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$")
_OTHER_NUMBER: Final = re.compile(r"^[-+<>~]?[.,]?[0-9][0-9.,'\s]*([eE][-+]?[0-9]{1,3})?\s*%?$")
"""A number that people read, and a program does not: 4,876.0 or 0,269 or <0.1."""
_GCT: Final = re.compile(r"#1\.[0-9]\s*$")
"""First line of GCT, the format of GTEx's matrices."""
_QUOTED: Final = re.compile(r'"[^"]*"')
_COMMA: Final = re.compile(r"(?<![0-9]),|,(?![0-9])")
"""A comma that is in no number."""


@dataclass(frozen=True)
class GeneTable:
    """Rows of fields, all of the same number, with the number of the line of each and the header if any."""

    path: Path
    header: list[str] | None
    rows: list[list[str]]
    lines: list[int]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    def heading(self, column: int) -> str:
        """What the header says above a column, else its number from 1."""
        return (self.header[column] if self.header else "") or f"column {column + 1}"

    def column(self, column: int) -> list[str]:
        """The fields of a column, one a row."""
        return [row[column] for row in self.rows]

    def alike(self, name: str, among: Collection[int] | None = None) -> list[int]:
        """Columns of that heading, else of that heading in another case."""
        there = [at for at in range(len(self.header or ())) if among is None or at in among]
        headings = {at: self.heading(at) for at in there}
        exact = [at for at, heading in headings.items() if heading == name]
        return exact or [at for at, heading in headings.items() if heading.lower() == name.lower()]

    def number(self, row: int, column: int, also: str = "") -> float:
        """The number from 0 on that a field holds.

        Parameters
        ----------
        row, column : int
        also : str
            What else the field might hold, for the message.

        Raises
        ------
        UserError
        """
        text = self.rows[row][column]
        value = float(text) if _NUMBER.match(text) else math.nan
        if 0.0 <= value < math.inf:
            return value
        mend = f"write a number from 0 on (TPM, RPKM or FPKM, without a logarithm){also}"
        if "," in text and _OTHER_NUMBER.match(text):
            mend = "write numbers with a decimal point, and without separators of thousands (1234.5)"
        raise UserError(
            f"{self.heading(column)} is {text!r}",
            mend=mend,
            file=self.path,
            where=f"line {self.lines[row]}",
        )


def read_gene_table(
    path: str | Path, *, headings: Collection[str] = (), headed: bool | None = None
) -> GeneTable:
    """Read a table with a gene a row, or a list of names.

    Fields are stripped of white space and quotes. A header with one field less than the rows lacks the
    heading of the names of rows, which becomes empty.

    Parameters
    ----------
    path : str or Path
        Plain or gzip.
    headings : collection of str
        Headings that are asked for: a first row that holds one of them is a header.
    headed : bool, optional
        Whether the first row is a header; without it that is told by what the rows hold.

    Raises
    ------
    UserError
        Unreadable or empty file; no rows; rows of different length; a header of which it is unclear whether
        it lacks the heading of the names of rows.
    """
    path = Path(path)
    lines, delimiter = _lines(path)
    rows = [_fields(line, delimiter) for _, line in lines]
    numbers = [number for number, _ in lines]
    rows[0][0] = rows[0][0].removeprefix("#").strip()
    _fit_header(path, rows)
    if headed is None:
        asked = {name.lower() for name in headings}
        headed = any(field.lower() in asked for field in rows[0]) or _has_header(rows)
    _fit_rows(path, rows, numbers, "header" if headed else "first line")
    if not headed:
        return GeneTable(path, None, rows, numbers)
    if len(rows) == 1:
        raise UserError("the table has a header but no rows", mend="add genes, one a line", file=path)
    return GeneTable(path, rows[0], rows[1:], numbers[1:])


def _lines(path: Path) -> tuple[list[tuple[int, str]], str | None]:
    """Numbers and texts of the lines that are no comments, and what separates their fields."""
    text = read_text(path).decode("utf-8")
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if _GCT.match(lines[0][1]):
        # Its second line says how many rows and columns there are.
        lines = lines[2:]
    delimiter = _delimiter([line for _, line in lines if not line.startswith("#")])
    # A comment has no delimiter, so that it is none of the columns.
    mark = "\n" if delimiter in (None, " ") else delimiter
    lines = [(n, line) for n, line in lines if not line.startswith("#") or mark in line]
    if not lines:
        raise UserError("the file contains only comments", mend="add genes, one a line", file=path)
    return lines, delimiter


def _delimiter(lines: Sequence[str]) -> str | None:
    plain = [_QUOTED.sub("quoted", line) for line in lines]
    if any("\t" in line for line in plain[:2]):
        return "\t"
    spaced = 2 * sum(" " in line.strip() for line in plain[1:] or plain) > len(plain[1:] or plain)
    # A header for one column, above the names of rows, has no delimiter.
    for line in plain[:2]:
        if ";" in line and not _COMMA.search(line):
            return ";"
        if "," in line and (_COMMA.search(line) or not spaced):
            return ","
    return " " if spaced else None


def _fields(line: str, delimiter: str | None) -> list[str]:
    if delimiter == " ":
        line = line.strip()
    try:
        found = (
            [line]
            if delimiter is None
            else next(csv.reader([line], delimiter=delimiter, skipinitialspace=delimiter == " "))
        )
    except csv.Error:
        found = line.split(delimiter)
    return [field.strip().strip('"') for field in found]


def _least_width(fields: Sequence[str]) -> int:
    """Number of fields without empty ones at the end."""
    return next((at for at in range(len(fields), 1, -1) if fields[at - 1]), 1)


def _fit_header(path: Path, rows: list[list[str]]) -> None:
    """Take empty fields off the end of the first row, and give it an empty one for the names of rows."""
    given = len(rows[0])
    width = _least_width(rows[0])
    rows[0] = rows[0][:width]
    body = rows[1:]
    longer = sum(len(row) > width for row in body)
    full = [row for row in body if _least_width(row) == width + 1]
    named = not rows[0][0] or is_name_heading(rows[0][0])
    if 2 * len(full) > len(body):
        if not named or not _starts_with_names(full):
            rows[0] = ["", *rows[0]]
        return
    if named or width == 1 or longer < len(body) or _is_value_or_missing(rows[0][-1]):
        return
    if body and (full or given == width):
        raise UserError(
            f"rows end in an empty field, and the header starts with {rows[0][0]!r}: it is unclear whether "
            "that stands above the names of genes or above the first sample",
            mend="start the header with gene, above the names",
            file=path,
            where="line 1",
        )


def _starts_with_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of two columns has the names, and no numbers of rows, which R has there."""
    first, second = ([row[at] for row in rows] for at in (0, 1))
    return mostly_values(second) and not mostly_values(first)


def _fit_rows(path: Path, rows: Sequence[list[str]], numbers: Sequence[int], first: str) -> None:
    """Take empty fields off the end of rows until they are as long as the first."""
    width = len(rows[0])
    for row, number in zip(rows, numbers, strict=True):
        while len(row) > width and not row[-1]:
            row.pop()
        if len(row) != width:
            above = " with one for the names of genes" if not rows[0][0] else ""
            raise UserError(
                f"{len(row)} fields where the {first}{above} has {width}",
                mend="separate the fields with single tabs or commas, and leave none out: NA stands for what "
                "is not known",
                file=path,
                where=f"line {number}",
            )


def _joined(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", heading.lower()).strip("_")


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has words above values, or a known heading."""
    first, rest = rows[0], rows[1:]
    joined = {_joined(field) for field in first}
    if joined & _HEADS_OF_NAMES or joined & LINES or not joined.isdisjoint(MEASURES):
        return True
    columns = [at for at in range(len(first)) if mostly_values([row[at] for row in rest if at < len(row)])]
    return len(first) > 1 and any(not _is_value_or_missing(first[at]) for at in columns)


def is_value(text: str) -> bool:
    """Whether a field is meant as a number or as a verdict, even where it cannot be read."""
    return bool(_NUMBER.match(text) or _OTHER_NUMBER.match(text)) or text.lower() in VERDICTS


def _is_value_or_missing(text: str) -> bool:
    return is_value(text) or text.lower() in MISSING


def mostly_values(column: Sequence[str]) -> bool:
    """Whether half of what is not missing are values, so that the others are mistakes."""
    given = [text for text in column if text.lower() not in MISSING]
    return bool(given) and 2 * sum(map(is_value, given)) >= len(given)


_NOTES: Final = frozenset(
    {
        "accession", "alias", "aliases", "band", "biotype", "bp", "chr", "chrom", "chromosome", "contig",
        "description", "end", "ensembl", "entrez", "entrezid", "gene", "geneid", "genename", "genes", "hgnc",
        "id", "ids", "len", "length", "locus", "name", "names", "position", "refseq", "seqname", "start",
        "strand", "symbol", "symbols", "synonyms", "transcript", "transcripts", "uniprot",
    }
)  # fmt: skip
"""Last words of headings of annotations."""
_TYPES: Final = LINES | {"gene_type", "transcript_type"}
_MEASURED: Final = frozenset(
    {
        *MEASURES,
        "call", "count", "counts", "detected", "detection", "expression", "flag", "level", "levels", "log",
        "log2", "present", "score", "status", "value", "values",
    }
)  # fmt: skip
"""Words of headings of values."""
_IDENTIFIER: Final = re.compile(
    r"^(ENS[A-Z]*[GTP][0-9]+(\.[0-9]+)?|[NX][MRP]_[0-9.]+|HGNC:[0-9]+|chr[0-9A-Za-z_]+|\.)$"
)


def is_name_heading(heading: str) -> bool:
    """Whether a heading is of the names of genes, so that numbers below it are names too."""
    return _joined(heading) in _HEADS_OF_NAMES


def is_note_heading(heading: str) -> bool:
    """Whether a heading is plainly of a column of identifiers, names or places."""
    words = _joined(heading).split("_")
    return _joined(heading) in _TYPES or (words[-1] in _NOTES and _MEASURED.isdisjoint(words))


def are_identifiers(column: Sequence[str]) -> bool:
    """Whether a column holds identifiers of genes or transcripts, or contigs."""
    given = [text for text in column if text.lower() not in MISSING - {"."}]
    return bool(given) and all(map(_IDENTIFIER.match, given))
