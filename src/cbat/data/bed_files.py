"""Candidate elements from BED files (narrowPeak and broadPeak among them) and from gene annotations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from cbat.data.contigs import ContigNames
from cbat.data.conversions import awk_command, converted
from cbat.data.foreign_formats import GTF, refuse_foreign
from cbat.data.gtf_files import is_gtf, read_transcription_starts
from cbat.data.text_files import BROWSER_LINE, read_lines
from cbat.data.text_tables import TextTable, distinct, read_headless, unquoted
from cbat.errors import UserError

STRANDS: Final = ("+", "-", ".")
NAMES_OF_STARTS: Final = ("start", "chromstart", "chrom_start", "begin", "peak_start")
"""What the second column of a BED is called where a header names it, in lower case."""
NO_STRAND: Final = "*"
"""How R writes that there is no strand."""
SIGNS: Final = {"+": "+", "-": "-", ".": ".", NO_STRAND: ".", "1": "+", "+1": "+", "-1": "-"}
"""What files write for a strand; Ensembl counts 1 and -1."""
_COLUMNS: Final = ("chrom", "start", "end", "name", "score", "strand")
_HEADINGS: Final = {
    "name": ("name", "genename", "genesymbol", "symbol", "gene", "geneid", "id"),
    "score": ("score",),
    "strand": ("strand",),
}
"""What a header calls these columns, in lower case and letters alone."""


def read_candidates(
    path: str | Path, role: str, contigs: ContigNames | None = None, *, named: bool = False
) -> pd.DataFrame:
    """Read the candidate elements of one role.

    Parameters
    ----------
    path : str or Path
        Plain or gzip. BED with three columns or more, narrowPeak or broadPeak; for promoters also GTF or
        GFF3, of which :func:`~cbat.data.gtf_files.read_transcription_starts` takes the transcription starts.
    role : {"enhancer", "promoter"}
        Promoters keep their strand.
    contigs : ContigNames, optional
        Names of contigs; without it they stay as they are.
    named : bool
        Also give names: ``name``, of the fourth column or of the gene, ``.`` where there is none.

    Returns
    -------
    pandas.DataFrame
        As :func:`read_bed`. Starts of an annotation that several genes share are a row for each name, if
        names are asked for.

    Raises
    ------
    UserError
        As :func:`read_bed`; a GTF where enhancers are wanted.
    """
    contigs = contigs or ContigNames()
    if not is_gtf(path):
        return contigs.rename(read_bed(path, stranded=role == "promoter", named=named), "chrom")
    refuse_foreign(path, "promoters" if role == "promoter" else "intervals", [GTF])
    if role != "promoter":
        raise UserError(
            "this is a GTF; enhancers must be in BED format",
            mend="name a BED file of candidate enhancers (in a sheet '.' takes those of the pairs)",
            file=path,
        )
    starts = read_transcription_starts(path)
    if not named:
        starts = starts.drop(columns="name").drop_duplicates(["chrom", "start", "strand"], ignore_index=True)
    return contigs.rename(starts, "chrom")


def read_bed(path: str | Path, *, stranded: bool, named: bool = False) -> pd.DataFrame:
    """Read a BED file, plain or gzip.

    The first six columns of BED, narrowPeak and broadPeak are the same; the rest is not read, the summit
    of a narrowPeak included.

    Parameters
    ----------
    path : str or Path
        Three columns or more, separated by tabs; comments and browser lines are skipped.
    stranded : bool
        Take the strand from the sixth column if there is one.
    named : bool
        Add the column ``name``: the fourth, as :func:`clean_names` gives it, or ``.`` if there is none.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp), ``strand`` (``+``, ``-`` or ``.``) and
        ``line`` (from 1), in the order of the file.

    Raises
    ------
    UserError
        Unreadable, truncated or empty file; fewer than three columns; a coordinate that is no whole
        number; an empty interval; an unknown strand; a file of another format, by its name. Names the file
        and the line.
    """
    refuse_foreign(path, "promoters" if stranded else "intervals")
    table = read_headless(path, delimiter="\t", columns=columns_of(opening_of(path)), least=3)
    if (first := table.columns["start"][0].as_py()).lower() in NAMES_OF_STARTS:
        raise table.fail(
            0,
            f"start is {first!r}: this is a header, and a BED has none",
            "begin the line with '#' if starts count from 0, as in a BED; tables of R and of MACS count from "
            "1, and then take 1 off every start as well",
        )
    frame = intervals_of(table)
    if stranded and "strand" in table.columns:
        frame["strand"] = strands_of(table)
    if named:
        frame["name"] = clean_names(table.columns["name"]) if "name" in table.columns else "."
    return frame


def columns_of(opening: Opening) -> tuple[str, ...]:
    """Names of the columns of a BED: of its header where that names each of them, else by their order.

    Of several names in a header that of the gene counts before its identifier.
    """
    width = len(opening.fields)
    if len(opening.names) != width:
        return _COLUMNS
    given = [re.sub(r"[^a-z]", "", name.lower()) for name in opening.names]
    columns = [*_COLUMNS[:3], *(f"column {number}" for number in range(4, width + 1))]
    for column, names in _HEADINGS.items():
        known = [given.index(name, 3) for name in names if name in given[3:]]
        if known:
            columns[known[0]] = column
    return tuple(columns)


def strands_of(table: TextTable) -> Any:
    """Strands of a BED, ``.`` for R's ``*`` and ``+`` and ``-`` for 1 and -1; shape=(n_rows,).

    Raises
    ------
    UserError
        For the first row with something else.
    """
    words, rows = distinct(table.columns["strand"])
    listed = words.to_pylist()
    if odd := [word for word in listed if word not in SIGNS]:
        row = int(np.flatnonzero(rows == listed.index(odd[0]))[0])
        at = list(table.columns).index("strand") + 1
        raise table.fail(
            row, f"column {at} of a BED is the strand, and here it is {odd[0]!r}", _without_strand(table)
        )
    return np.array([SIGNS[word] for word in listed], dtype=object)[rows]


def _without_strand(table: TextTable) -> str:
    """The mend for a file that has something else than strands in column 6."""
    for number, column in enumerate(("name", "score"), 4):
        words = set(distinct(table.columns[column])[0].to_pylist()) if column in table.columns else {""}
        if words <= set(SIGNS) - {NO_STRAND, "."}:
            other = 9 - number
            command = awk_command(f"{{print $1, $2, $3, $6, ${other}, ${number}}}")
            return f"column {number} holds the strands: {converted(table.path, command)}"
    return (
        "write +, - or . there, or leave out the column and those after it, where the file has something "
        f"else there: {converted(table.path, 'cut -f1-5')}"
    )


def intervals_of(table: TextTable) -> pd.DataFrame:
    """The intervals of a table whose columns ``chrom``, ``start`` and ``end`` are those of a BED.

    Returns
    -------
    pandas.DataFrame
        As :func:`read_bed`; the strand is ``.``.

    Raises
    ------
    UserError
        A coordinate that is no whole number, or an empty interval. Names the file and the line.
    """
    frame = pd.DataFrame(
        {
            "chrom": table.names("chrom"),
            "start": table.integers("start"),
            "end": table.integers("end"),
            "strand": ".",
            "line": table.lines,
        }
    )
    empty = np.flatnonzero(frame["start"] >= frame["end"])
    if len(empty):
        row = frame.iloc[empty[0]]
        raise table.fail(
            int(empty[0]),
            f"the interval {row['chrom']}:{row['start']}-{row['end']} ends where or before it starts",
            "write 0-based half-open intervals, start before end",
        )
    return frame


class Opening(NamedTuple):
    """The first lines of a BED file.

    Attributes
    ----------
    names : tuple of str
        Of the columns, as a comment such as ``#chrom start end name`` or a first line without the ``#`` gives
        them; empty where there is neither.
    bare : bool
        Whether that line has no ``#``, so that a reader of BED files would take it for an interval.
    fields : tuple of str
        Of the first interval; empty where there is none.
    """

    names: tuple[str, ...]
    bare: bool
    fields: tuple[str, ...]


def opening_of(path: str | Path) -> Opening:
    """Read the first lines of a BED file, plain or gzip.

    Raises
    ------
    UserError
        The file is missing, damaged or empty.
    """
    names: tuple[str, ...] = ()
    bare = False
    for _, line in read_lines(path):
        text = line.lstrip("# ") if line.startswith("#") else line
        fields = tuple(map(unquoted, text.split("\t") if "\t" in text else text.split()))
        is_header = len(fields) > 2 and fields[1].lower() in NAMES_OF_STARTS
        if line.startswith("#"):
            names = fields if is_header else names
        elif is_header and not bare:
            names, bare = fields, True
        elif line.strip() and not BROWSER_LINE.match(line):
            return Opening(names, bare, tuple(map(unquoted, line.split("\t"))))
    return Opening(names, bare, ())


def clean_names(column: Any) -> Any:
    """Names that may stand in a table of any format, shape=(n_rows,).

    Quotes and what is left of the attributes of a GTF (``"GENE0";``) are taken off, and white space and
    characters that are not printed become ``_``; an empty name is ``.``.
    """
    words, rows = distinct(column)
    names = pc.replace_substring_regex(words, r"^[\s\"']+|[\s\"';]+$", "")
    names = pc.replace_substring_regex(names, r"[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}]+", "_")
    names = pc.replace_substring(names, '"', "'")
    listed = pc.if_else(pc.equal(names, ""), ".", names).to_pylist()
    return np.array([*listed, None], dtype=object)[rows]
