"""Transcription starts from gene annotations in GTF.

GTF counts from 1 and includes both ends: bases ``start`` to ``end``. A gene on the strand ``+`` starts at its
first base, one on ``-`` at its last.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.data.text_files import read_lines
from cbat.errors import UserError

_FIELDS: Final = 9
_COLUMNS: Final = pd.Index(["chrom", "start", "end", "strand", "line", "name"])
_FEATURES: Final = ("gene", "transcript")
_NAME: Final = (re.compile(r'gene_name "([^"]+)"'), re.compile(r'gene_id "([^"]+)"'))
_Start = tuple[str, int, int, str, int, str]


def is_gtf(path: str | Path) -> bool:
    """Whether the first row has nine fields, the fourth and fifth whole numbers and the second none.

    Raises
    ------
    UserError
        The file is missing, damaged or empty.
    """
    for _, line in read_lines(path):
        if line.strip() and not line.startswith("#"):
            fields = line.split("\t")
            return len(fields) == _FIELDS and _are_positions(fields[3:5]) and not _are_positions(fields[1:2])
    return False


def read_transcription_starts(path: str | Path) -> pd.DataFrame:
    """Starts of genes, or of transcripts where the file lists no genes.

    The file is read line by line, so a whole annotation needs little memory.

    Parameters
    ----------
    path : str or Path
        GTF, plain or gzip (Wang, Brent lab, "GTF2.2: A Gene Annotation Format").

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start``, ``end`` (the one base of the start, 0-based half-open), ``strand``,
        ``line`` (from 1) and ``name`` (of the gene, else its identifier, else ``.``), in the order of the
        file; each start once.

    Raises
    ------
    UserError
        A file without genes and transcripts; another number of fields; a position that is no whole number
        above 0; an end before its start; a strand other than ``+`` and ``-``. Names file and line.
    """
    starts: dict[str, list[_Start]] = {feature: [] for feature in _FEATURES}
    for number, line in read_lines(path):
        # A cheap look first: nearly all lines of an annotation are exons and the like.
        if line.startswith("#") or not any(f"\t{feature}\t" in line for feature in _FEATURES):
            continue
        fields = line.split("\t")
        if len(fields) != _FIELDS:
            problem = f"the line has {len(fields)} fields, not {_FIELDS}"
            raise _fault(path, number, problem, "separate the fields by single tabs")
        if fields[2] in starts:
            starts[fields[2]].append(_start_of(fields, path, number))
    for feature in _FEATURES:
        if starts[feature]:
            table = pd.DataFrame(starts[feature], columns=_COLUMNS)
            return table.drop_duplicates(["chrom", "start", "strand"], ignore_index=True)
    raise UserError(
        "the GTF has neither genes nor transcripts (third column)",
        mend="name an annotation that has them, or a BED file of promoters",
        file=path,
    )


def _start_of(fields: list[str], path: str | Path, number: int) -> _Start:
    chrom, start, end, strand = fields[0], fields[3], fields[4], fields[6]
    if not _are_positions([start, end]) or not 0 < int(start) <= int(end):
        mend = "write whole numbers counted from 1, the end not before the start"
        raise _fault(path, number, f"the {fields[2]} lies at {start}-{end}", mend)
    if strand not in ("+", "-"):
        mend = "write + or -: without a strand a gene has no start"
        raise _fault(path, number, f"the strand of the {fields[2]} is {strand!r}", mend)
    base = int(start) if strand == "+" else int(end)
    return chrom, base - 1, base, strand, number, _name_of(fields[8])


def _name_of(attributes: str) -> str:
    found = next((match[1] for match in (one.search(attributes) for one in _NAME) if match), ".")
    return "_".join(found.split())


def _are_positions(fields: list[str]) -> bool:
    return all(field.isascii() and field.isdigit() and len(field) <= 15 for field in fields)


def _fault(path: str | Path, number: int, problem: str, mend: str) -> UserError:
    return UserError(problem, mend=mend, file=path, where=f"line {number}")
