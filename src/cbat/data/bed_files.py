"""Candidate elements from BED files (narrowPeak and broadPeak among them) and from gene annotations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from cbat.data.contigs import ContigNames
from cbat.data.gtf_files import is_gtf, read_transcription_starts
from cbat.data.text_files import read_lines
from cbat.data.text_tables import TextTable, read_headless
from cbat.errors import UserError

STRANDS: Final = ("+", "-", ".")
NAMES_OF_STARTS: Final = ("start", "chromstart", "chrom_start", "begin", "peak_start")
"""What the second column of a BED is called where a header names it, in lower case."""
_BROWSER_LINE: Final = re.compile(r"(track|browser)\b")
_COLUMNS: Final = ("chrom", "start", "end", "name", "score", "strand")


def read_candidates(
    path: str | Path, role: str, contigs: ContigNames | None = None, *, named: bool = False
) -> pd.DataFrame:
    """Read the candidate elements of one role.

    Parameters
    ----------
    path : str or Path
        Plain or gzip. BED with three columns or more, narrowPeak or broadPeak; for promoters also GTF, of
        which :func:`~cbat.data.gtf_files.read_transcription_starts` takes the transcription starts.
    role : {"enhancer", "promoter"}
        Promoters keep their strand.
    contigs : ContigNames, optional
        Names of contigs; without it they stay as they are.
    named : bool
        Also give names: ``name``, of the fourth column or of the gene, ``.`` where there is none.

    Returns
    -------
    pandas.DataFrame
        As :func:`read_bed`.

    Raises
    ------
    UserError
        As :func:`read_bed`; a GTF where enhancers are wanted.
    """
    contigs = contigs or ContigNames()
    if not is_gtf(path):
        return contigs.rename(read_bed(path, stranded=role == "promoter", named=named), "chrom")
    if role != "promoter":
        raise UserError(
            "this is a GTF, and genes are no enhancers",
            mend="name a BED file of candidate enhancers, or write '.' to take those of the pairs",
            file=path,
        )
    starts = read_transcription_starts(path)
    return contigs.rename(starts if named else starts.drop(columns="name"), "chrom")


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
        Add the column ``name``: the fourth, white space in it as ``_``, or ``.`` if there is none.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp), ``strand`` (``+``, ``-`` or ``.``) and
        ``line`` (from 1), in the order of the file.

    Raises
    ------
    UserError
        Unreadable, truncated or empty file; fewer than three columns; a coordinate that is no whole
        number; an empty interval; an unknown strand. Names the file and the line.
    """
    table = read_headless(path, delimiter="\t", columns=_COLUMNS, least=3)
    if (first := table.columns["start"][0].as_py()).lower() in NAMES_OF_STARTS:
        raise table.fail(
            0,
            f"start is {first!r}: this is a header, and a BED has none",
            "delete the line, or begin it with '#'",
        )
    frame = intervals_of(table)
    if stranded and "strand" in table.columns:
        frame["strand"] = table.choices("strand", STRANDS)
    if named:
        frame["name"] = _names(table.columns["name"]) if "name" in table.columns else "."
    return frame


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
        fields = tuple(text.split("\t") if "\t" in text else text.split())
        is_header = len(fields) > 2 and fields[1].lower() in NAMES_OF_STARTS
        if line.startswith("#"):
            names = fields if is_header else names
        elif is_header and not bare:
            names, bare = fields, True
        elif line.strip() and not _BROWSER_LINE.match(line):
            return Opening(names, bare, tuple(line.split("\t")))
    return Opening(names, bare, ())


def _names(column: Any) -> Any:
    """Names that may stand in a table of any format."""
    names = pc.replace_substring_regex(column, r"\s+", "_")
    return pc.if_else(pc.equal(names, ""), ".", names).to_numpy()
