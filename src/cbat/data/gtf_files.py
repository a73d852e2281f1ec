"""Transcription starts from gene annotations in GTF.

GTF counts from 1 and includes both ends: bases ``start`` to ``end``. A gene on the strand ``+`` starts at its
first base, one on ``-`` at its last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from cbat.data.text_files import read_lines
from cbat.errors import UserError

_FIELDS: Final = 9
_COLUMNS: Final = pd.Index(["chrom", "start", "end", "strand", "line", "name"])
_FEATURES: Final = ("gene", "transcript")
_EXON: Final = "exon"
_ID: Final = re.compile(r'gene_id "([^"]+)"')
_NAME: Final = (re.compile(r'gene_name "([^"]+)"'), _ID)
_BIOTYPE: Final = (re.compile(r'gene_(?:bio)?type "([^"]+)"'),)
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


def read_genes(path: str | Path) -> pd.DataFrame:
    """Every gene of an annotation, by its own line, else its transcripts, else its exons.

    What a line says of a gene decides for that gene alone, so that a transgene that was added with exon lines
    to an annotation with genes is not lost.

    Parameters
    ----------
    path : str or Path
        GTF, plain or gzip; read line by line.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start``, ``end`` (the whole gene or transcript, 0-based half-open), ``strand`` (``+``,
        ``-`` or ``.``), ``line`` (from 1), ``name`` (of the gene, else its identifier), ``biotype`` (``.``
        where there is none) and ``feature`` (``gene``, ``transcript`` or ``exon``), sorted by line. A gene of
        exons alone is one row, from the first base of its exons to the last.

    Raises
    ------
    UserError
        See :func:`read_transcription_starts`; an annotation in GFF3.
    """
    parts: dict[str, list[_Gene]] = {feature: [] for feature in (*_FEATURES, _EXON)}
    known: set[str] = set()
    for number, line in read_lines(path):
        feature = next((one for one in parts if f"\t{one}\t" in line), None)
        if feature is None or line.startswith("#"):
            _check_no_gff3(path, number, line)
            continue
        # Exons are most of the lines, and nearly all are of genes that are known.
        if (found := _ID.search(line)) is None:
            mend = "write gene_id \"...\" in column 9; a GFF3 can be converted by 'gffread -T'"
            raise _fault(path, number, f"the {feature} has no gene_id", mend)
        if feature == _EXON and found[1] in known:
            continue
        gene = _gene_of(path, number, line, found[1])
        if gene.feature in parts:
            parts[gene.feature].append(gene)
            known |= {gene.identifier} if gene.feature in _FEATURES else set()
    return _each_gene_once(path, parts)


class _Gene(NamedTuple):
    """A line of an annotation."""

    identifier: str
    chrom: str
    start: int
    end: int
    strand: str
    line: int
    name: str
    biotype: str
    feature: str


def _gene_of(path: str | Path, number: int, line: str, identifier: str) -> _Gene:
    fields = line.split("\t")
    if len(fields) != _FIELDS:
        problem = f"the line has {len(fields)} fields, not {_FIELDS}"
        raise _fault(path, number, problem, "separate the fields by single tabs")
    chrom, start, end, strand, attributes = (fields[at] for at in (0, 3, 4, 6, 8))
    _check_place(fields, path, number)
    if strand not in ("+", "-", "."):
        problem = f"the strand of the {fields[2]} is {strand!r}"
        raise _fault(path, number, problem, "write +, - or ., which is for a gene of unknown strand")
    name, biotype = _name_of(attributes), _first_of(_BIOTYPE, attributes)
    return _Gene(identifier, chrom, int(start) - 1, int(end), strand, number, name, biotype, fields[2])


def _check_no_gff3(path: str | Path, number: int, line: str) -> None:
    if line.startswith("##gff-version 3"):
        mend = "convert it, for example by 'gffread -T', or name a GTF or a BED file of transcription starts"
        raise _fault(path, number, "this is a GFF3, not a GTF", mend)


def _each_gene_once(path: str | Path, parts: dict[str, list[_Gene]]) -> pd.DataFrame:
    """Lines of genes, of transcripts of genes without such a line, and of genes of which there are exons."""
    tables = []
    known = pd.MultiIndex.from_tuples([], names=["identifier", "chrom"])
    for feature, genes in parts.items():
        table = pd.DataFrame(genes, columns=pd.Index(_Gene._fields))
        keys = pd.MultiIndex.from_frame(table[["identifier", "chrom"]])
        table = table[~keys.isin(known)]
        if feature == _EXON:
            spans = {"start": "min", "end": "max", **dict.fromkeys(_Gene._fields[4:], "first")}
            table = table.groupby(["identifier", "chrom"], sort=False, as_index=False).agg(spans)
        tables.append(table)
        known = known.append(keys)
    every = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    if every.empty:
        raise UserError(
            "the GTF has no genes, transcripts or exons (third column)",
            mend="name an annotation that has them, or a BED file of transcription starts",
            file=path,
        )
    return every.drop(columns="identifier").sort_values("line", ignore_index=True)


def _start_of(fields: list[str], path: str | Path, number: int) -> _Start:
    chrom, start, end, strand = fields[0], fields[3], fields[4], fields[6]
    _check_place(fields, path, number)
    if strand not in ("+", "-"):
        mend = "write + or -: without a strand a gene has no start"
        raise _fault(path, number, f"the strand of the {fields[2]} is {strand!r}", mend)
    base = int(start) if strand == "+" else int(end)
    return chrom, base - 1, base, strand, number, _name_of(fields[8])


def _check_place(fields: list[str], path: str | Path, number: int) -> None:
    start, end = fields[3:5]
    if not _are_positions([start, end]) or not 0 < int(start) <= int(end):
        mend = "write whole numbers counted from 1, the end not before the start"
        raise _fault(path, number, f"the {fields[2]} lies at {start}-{end}", mend)


def _name_of(attributes: str) -> str:
    return _first_of(_NAME, attributes)


def _first_of(patterns: Sequence[re.Pattern[str]], attributes: str) -> str:
    found = next((match[1] for match in (one.search(attributes) for one in patterns) if match), ".")
    return "_".join(found.split())


def _are_positions(fields: list[str]) -> bool:
    return all(field.isascii() and field.isdigit() and len(field) <= 15 for field in fields)


def _fault(path: str | Path, number: int, problem: str, mend: str) -> UserError:
    return UserError(problem, mend=mend, file=path, where=f"line {number}")
