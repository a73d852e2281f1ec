"""Genes and transcription starts from annotations in GTF and in GFF3.

Both count from 1 and include both ends: bases ``start`` to ``end``. A gene on the strand ``+`` starts at its
first base, one on ``-`` at its last. What a line says of a gene decides for that gene alone: the gene's own
line, else its transcripts, else its exons, else its coding parts, so that a transgene that was added with
exon lines to an annotation with genes is not lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

import numpy as np
import pandas as pd

from cbat.data.left_out import tell_left_out
from cbat.data.text_files import BROWSER_LINE, read_lines
from cbat.errors import UserError

WITHOUT_STRAND: Final = "genes_without_a_strand"
"""Reason for which a record of an annotation is left out."""
WITHOUT_GENE: Final = "of_no_gene"
"""Likewise: genes that have neither a line of their own nor transcripts, exons or coding parts."""
LEFT_OUT: Final = "left_out"
"""Attribute (``attrs``) of the tables: reason -> records of the file that are left out."""
FORMAT: Final = "format"
"""Attribute of :func:`read_genes`: ``GTF`` or ``GFF3``."""
_FIELDS: Final = 9
_GENE, _TRANSCRIPT, _EXON, _CODING = "gene", "transcript", "exon", "CDS"
_LEVELS: Final = (_GENE, _TRANSCRIPT, _EXON, _CODING)
"""What a gene is read from, the first that it has."""
LEVEL_OF: Final = {
    **dict.fromkeys(
        ("gene", "ncRNA_gene", "pseudogene", "protein_coding_gene", "lncRNA_gene", "miRNA_gene", "tRNA_gene",
         "rRNA_gene", "snRNA_gene", "snoRNA_gene", "transposable_element_gene"),
        _GENE,
    ),
    **dict.fromkeys(
        ("transcript", "mRNA", "lnc_RNA", "lncRNA", "lincRNA", "ncRNA", "miRNA", "pre_miRNA", "snRNA",
         "snoRNA", "rRNA", "tRNA", "scRNA", "Y_RNA", "primary_transcript", "pseudogenic_transcript",
         "processed_transcript", "unconfirmed_transcript", "nc_primary_transcript", "antisense_RNA",
         "V_gene_segment", "D_gene_segment", "J_gene_segment", "C_gene_segment"),
        _TRANSCRIPT,
    ),
    _EXON: _EXON,
    _CODING: _CODING,
}  # fmt: skip
"""Third column, in the words of GTF and of the Sequence Ontology -> level."""
_KEYS: Final = (
    "gene_id", "gene_name", "gene_type", "gene_biotype", "biotype", "ID", "Parent", "Name", "gene",
)  # fmt: skip
_IN_GTF: Final = {key: re.compile(rf'(?:^|[;\s]){key}\s+(?:"([^"]*)"|([^";\s]+))') for key in _KEYS}
_IN_GFF3: Final = {key: re.compile(rf"(?:^|;)\s*{key}=([^;]*)") for key in _KEYS}
_GFF3_ATTRIBUTE: Final = re.compile(r"\s*[^\s;=\"]+=")
_PREFIX: Final = re.compile(r"^(gene|transcript):")
_BAD: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_MEND_LATIN: Final = "save the file as plain UTF-8 text (iconv -f LATIN1 -t UTF-8 FILE > NEW_FILE)"


def is_gtf(path: str | Path) -> bool:
    """Whether the first row has nine fields, the fourth and fifth whole numbers and the second none.

    So has GFF3, which is read as well.

    Raises
    ------
    UserError
        The file is missing, damaged or empty.
    """
    for _, line in read_lines(path):
        if line.strip() and not line.startswith("#") and not BROWSER_LINE.match(line):
            fields = line.split("\t")
            return len(fields) == _FIELDS and _are_positions(fields[3:5]) and not _are_positions(fields[1:2])
    return False


def read_transcription_starts(path: str | Path) -> pd.DataFrame:
    """Starts of genes; of a gene without a line of its own those of its transcripts, else of its exons.

    The file is read line by line, so a whole annotation needs little memory. Genes without a strand have no
    start: they are left out, and counted.

    Parameters
    ----------
    path : str or Path
        GTF (Wang, Brent lab, "GTF2.2: A Gene Annotation Format") or GFF3 (Sequence Ontology, "Generic Feature
        Format Version 3"), plain or gzip.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start``, ``end`` (the one base of the start, 0-based half-open), ``strand``,
        ``line`` (from 1) and ``name`` (of the gene, else its identifier), in the order of the file. A start
        that several genes share is a row for each name. The attribute ``left_out`` counts by reason.

    Raises
    ------
    UserError
        See :func:`read_genes`; no gene with a strand.
    """
    genes = read_genes(path)
    stranded = genes[genes["strand"] != "."]
    reasons = {**genes.attrs[LEFT_OUT], WITHOUT_STRAND: len(genes) - len(stranded)}
    if stranded.empty:
        raise UserError(
            f"none of the {len(genes)} genes has a strand (column 7), and without one a gene has no start",
            mend="name an annotation with strands, or a BED of promoters",
            file=path,
        )
    tell_left_out(Path(path), len(genes) + genes.attrs[LEFT_OUT][WITHOUT_GENE], reasons)
    forward = (stranded["strand"] == "+").to_numpy()
    base = np.where(forward, stranded["start"], stranded["end"] - 1)
    table = stranded.assign(start=base, end=base + 1)[["chrom", "start", "end", "strand", "line", "name"]]
    table = table.drop_duplicates(["chrom", "start", "strand", "name"], ignore_index=True)
    table.attrs[LEFT_OUT] = reasons
    return table


def read_genes(path: str | Path) -> pd.DataFrame:
    """Every gene of an annotation, by its own line, else its transcripts, else its exons or coding parts.

    Parameters
    ----------
    path : str or Path
        GTF or GFF3, plain or gzip; read line by line.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start``, ``end`` (the whole gene or transcript, 0-based half-open), ``strand`` (``+``,
        ``-`` or ``.``), ``line`` (from 1), ``name`` (of the gene, else its identifier), ``biotype`` (``.``
        where there is none) and ``feature`` (``gene``, ``transcript``, ``exon`` or ``CDS``), sorted by line.
        A gene of exons alone is one row, from the first base of its exons to the last. The attribute
        ``left_out`` counts genes of which there is none of these lines, ``format`` is ``GTF`` or ``GFF3``.

    Raises
    ------
    UserError
        A file without genes; another number of fields; a position that is no whole number above 0; an end
        before its start; a strand other than ``+``, ``-``, ``.`` and ``?``; a line that does not say of which
        gene it is; a name that is not UTF-8. Names file and line.
    """
    found = _Annotation(Path(path))
    for number, line in read_lines(path):
        if line.startswith("##FASTA"):
            break
        if line and not line.startswith("#") and not line.isspace():
            found.add(number, line)
    return found.genes()


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


class _Annotation:
    """Lines of an annotation, as they come.

    Attributes
    ----------
    parts : dict
        Level -> what is kept of its lines.
    known : set of tuple
        Identifiers and contigs of genes with transcripts or a line of their own, whose exons are not kept.
    own_line : set of tuple
        Those with a line of their own.
    gene_of : dict
        Identifier of a transcript of a GFF3 -> that of its gene.
    named : set of str
        Identifiers of genes that any line names.
    format : str
        ``GTF`` or ``GFF3``, by the attributes.
    inside : tuple of str
        What the lines of the gene that was read last start with and hold, in GTF.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: dict[str, list[_Gene]] = {level: [] for level in _LEVELS}
        self.known: set[tuple[str, str]] = set()
        self.own_line: set[tuple[str, str]] = set()
        self.gene_of: dict[str, str] = {}
        self.named: set[str] = set()
        self.format = "GTF"
        self.inside = ("", "")

    def add(self, number: int, line: str) -> None:
        """Read a line."""
        chrom, gene = self.inside
        if chrom and line.startswith(chrom) and gene in line and f"\t{_GENE}\t" not in line:
            return
        fields = line.split("\t", _FIELDS)
        if len(fields) < 3:
            if BROWSER_LINE.match(line):
                return
            raise self._fault(number, f"the line has {len(fields)} fields, not {_FIELDS}", _MEND_FIELDS)
        level = LEVEL_OF.get(fields[2])
        attributes = fields[8] if len(fields) > 8 else ""
        gff3 = "=" in attributes and _GFF3_ATTRIBUTE.match(attributes) is not None
        if level is None:
            if not gff3 and (other := _value("gene_id", attributes, gff3)):
                self.named.add(other)
            return
        if len(fields) < _FIELDS:
            raise self._fault(number, f"the line has {len(fields)} fields, not {_FIELDS}", _MEND_FIELDS)
        identifier = self._identifier(number, level, attributes, gff3)
        # Most lines are of genes that have a line of their own, or transcripts at least.
        key = identifier, fields[0]
        if level != _GENE and key in self.own_line:
            return
        if level in (_EXON, _CODING) and key in self.known:
            return
        if len(fields) > _FIELDS:
            n = len(line.split("\t"))
            raise self._fault(number, f"the line has {n} fields, not {_FIELDS}", _MEND_FIELDS)
        self.format = "GFF3" if gff3 else self.format
        self.parts[level].append(self._gene(number, fields, level, identifier, gff3))
        if level in (_GENE, _TRANSCRIPT):
            self.known.add(key)
        if level == _GENE:
            self.own_line.add(key)
            # What follows is mostly of the same gene, and need not be taken apart.
            self.inside = ("", "") if gff3 else (f"{fields[0]}\t", f'\tgene_id "{identifier}"')

    def _identifier(self, number: int, level: str, attributes: str, gff3: bool) -> str:
        """Of the gene that a line belongs to; of an exon of a GFF3 that of its transcript, if that is all."""
        if not gff3:
            found = _value("gene_id", attributes, gff3)
        else:
            own, parent = (_value(key, attributes, gff3) for key in ("ID", "Parent"))
            parent = parent.split(",")[0]
            found = own or _value("gene_id", attributes, gff3) or _value("Name", attributes, gff3)
            if level != _GENE:
                found = self.gene_of.get(parent, parent) or _value("gene_id", attributes, gff3) or own
            if level == _TRANSCRIPT and own:
                self.gene_of[own] = found
        if not found:
            what = "neither ID nor Parent" if gff3 else "no gene_id"
            mend = "write ID=... or Parent=... in column 9" if gff3 else 'write gene_id "..." in column 9'
            raise self._fault(number, f"the {level} has {what}", mend)
        return found

    def _gene(self, number: int, fields: list[str], level: str, identifier: str, gff3: bool) -> _Gene:
        chrom, start, end, strand, attributes = (fields[at] for at in (0, 3, 4, 6, 8))
        if not _are_positions([start, end]) or not 0 < int(start) <= int(end):
            mend = "write whole numbers counted from 1, the end not before the start"
            raise self._fault(number, f"the {fields[2]} lies at {start}-{end}", mend)
        if strand not in ("+", "-", ".", "?"):
            mend = "write +, - or ., which is for a gene of unknown strand"
            raise self._fault(number, f"the strand of the {fields[2]} is {strand!r}", mend)
        if not chrom or any(letter.isspace() for letter in chrom):
            raise self._fault(number, f"the contig is {chrom!r}", "write a name without spaces in column 1")
        if bad := _BAD.search(line_of := f"{chrom}\t{attributes}"):
            problem = f"the character {line_of[bad.start()]!r} is none of a text in UTF-8"
            raise self._fault(number, problem, _MEND_LATIN)
        values = {key: _value(key, attributes, gff3) for key in (*_NAMES, *_BIOTYPES)}
        # The name of a transcript is that of the gene only where no gene is named.
        is_gene = level == _GENE or identifier == _value("ID", attributes, gff3)
        own_name = values["gene_name"] or (values["Name"] if is_gene else "") or values["gene"]
        name = own_name or _PREFIX.sub("", values["gene_id"] or identifier)
        biotype = next((values[key] for key in _BIOTYPES if values[key]), ".")
        return _Gene(
            identifier, chrom, int(start) - 1, int(end), strand.replace("?", "."), number, _clean(name),
            _clean(biotype), level,
        )  # fmt: skip

    def _fault(self, number: int, problem: str, mend: str) -> UserError:
        return UserError(problem, mend=mend, file=self.path, where=f"line {number}")

    def genes(self) -> pd.DataFrame:
        """All genes, each by the first level that it has lines of."""
        every = _each_gene_once(self.parts, self.gene_of)
        if every.empty:
            raise UserError(
                "the file has no genes, transcripts, exons or coding parts (third column)",
                mend="name an annotation that has them, or a BED file of transcription starts",
                file=self.path,
            )
        lost = len(self.named - set(every["identifier"]))
        table = every.drop(columns="identifier").sort_values("line", ignore_index=True, kind="stable")
        table.attrs |= {LEFT_OUT: {WITHOUT_GENE: lost}, FORMAT: self.format}
        return table


_NAMES: Final = ("gene_name", "Name", "gene", "gene_id")
_BIOTYPES: Final = ("gene_type", "gene_biotype", "biotype")
_MEND_FIELDS: Final = "separate the fields with single tabs"


def _each_gene_once(parts: Mapping[str, list[_Gene]], gene_of: Mapping[str, str]) -> pd.DataFrame:
    """Lines of genes, of transcripts of genes without such a line, and of genes of which there is less."""
    tables = []
    known = pd.MultiIndex.from_tuples([], names=["identifier", "chrom"])
    for level, genes in parts.items():
        table = pd.DataFrame(genes, columns=pd.Index(_Gene._fields))
        # An exon may stand before its transcript, which says of which gene it is.
        table["identifier"] = table["identifier"].map(lambda one: gene_of.get(one, one))
        keys = pd.MultiIndex.from_frame(table[["identifier", "chrom"]])
        table = table[~keys.isin(known)]
        if level in (_EXON, _CODING):
            spans = {"start": "min", "end": "max", **dict.fromkeys(_Gene._fields[4:], "first")}
            table = table.groupby(["identifier", "chrom"], sort=False, as_index=False).agg(spans)
        tables.append(table)
        known = known.append(keys)
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _value(key: str, attributes: str, gff3: bool) -> str:
    """The value of an attribute, empty where there is none."""
    found = (_IN_GFF3 if gff3 else _IN_GTF)[key].search(attributes)
    if found is None:
        return ""
    return unquote(found[1]).strip() if gff3 else (found[1] or found[2] or "").strip()


def _clean(name: str) -> str:
    """A name that may stand in a table, and in a list of names between commas."""
    return "_".join(name.replace('"', "'").replace(",", "_").split()) or "."


def _are_positions(fields: list[str]) -> bool:
    return all(field.isascii() and field.isdigit() and len(field) <= 15 for field in fields)
