"""Transcription starts of genes, from a gene annotation or from a BED of starts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from cbat.data.bed_files import STRANDS, opening_of, read_bed
from cbat.data.contigs import ContigNames, read_contig_names
from cbat.data.gtf_files import FORMAT, LEFT_OUT, WITHOUT_GENE, is_gtf, read_genes
from cbat.data.left_out import tell_left_out
from cbat.data.stored import read_table, write_table
from cbat.data.text_tables import read_headless
from cbat.data.windows import centre
from cbat.errors import UserError
from cbat.files import sha256_of, write_json
from cbat.landscape.promoter_classes import classes_of

GENE_COLUMNS: Final = ["chrom", "position", "strand", "name", "biotype", "promoter_class"]
_BIOTYPES: Final = ("gene_type", "gene_biotype", "biotype", "genetype")
"""What a header line calls the column of biotypes, in lower case."""
_WIDE: Final = 10_000
"""Intervals of one length up to this are windows around a start; genes of one length there are none."""
_MEND: Final = "run read_genes again"
_logger = logging.getLogger(__name__)


def run(
    *, genes: Path, output: Path, contig_names: Path | None = None, promoter_classes: Path | None = None
) -> None:
    """Write the transcription starts, and beside them what was counted (``.json``).

    Parameters
    ----------
    genes : Path
        See :func:`starts_of`.
    output : Path
        Parquet, sorted by chromosome, position and name, each position of a name once: ``chrom``,
        ``position`` (int64, the 0-based base where transcription starts), ``strand`` (``+``, ``-`` or
        ``.``), ``name`` and ``biotype`` (``.`` where they are not known), and ``promoter_class`` (int8, 0
        where it is not known).
    contig_names : Path, optional
        Table of what the file calls a contig and what the genome does.
    promoter_classes : Path, optional
        Genes with a robust promoter, see :mod:`cbat.landscape.promoter_classes`.

    Raises
    ------
    UserError
        See :func:`starts_of`.
    """
    table, report = starts_of(genes, read_contig_names(contig_names), promoter_classes)
    write_table(output, table)
    write_json(output.with_suffix(".json"), report)


def starts_of(
    genes: Path, contigs: ContigNames | None = None, promoter_classes: Path | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Transcription starts of a file, and what was counted.

    Parameters
    ----------
    genes : Path
        Plain or gzip. GTF: of each gene its own line, else its transcripts, else its exons, see
        :func:`~cbat.data.gtf_files.read_genes`; genes without a strand are left out. Or BED, with names in
        column 4, strands in column 6, and biotypes in a column that a header line calls ``gene_type``,
        ``gene_biotype`` or ``biotype``: a start is the first base on ``+``, the last on ``-``, and the middle
        where there is no strand. Where all intervals have one length they are windows around starts, and
        the middle is taken of all.
    contigs : ContigNames, optional
        Names of contigs; without it they stay as they are.
    promoter_classes : Path, optional
        See :func:`run`.

    Returns
    -------
    table : DataFrame
        See :func:`run`.
    report : dict
        The file, the rule that gave the starts, and counts of what was read, left out and kept.

    Raises
    ------
    UserError
        A malformed file; no gene that is left.
    """
    genes = Path(genes)
    gtf = is_gtf(genes)
    listed = read_genes(genes) if gtf else _bed(genes)
    report: dict[str, Any] = {
        "file": str(genes),
        "sha256": sha256_of(genes),
        "format": listed.attrs[FORMAT] if gtf else "BED",
        "intervals_read": len(listed),
    }
    if gtf:
        report["intervals_by_line"] = {
            str(feature): len(part) for feature, part in listed.groupby("feature", sort=True)
        }
        report["left_out_without_strand"] = int((listed["strand"] == ".").sum())
        report |= {f"left_out_{reason}": n for reason, n in listed.attrs[LEFT_OUT].items()}
        listed = listed[listed["strand"] != "."].reset_index(drop=True)
    renamed = (contigs or ContigNames()).rename(listed, "chrom")
    report["left_out_by_contig_names"] = len(listed) - len(renamed)
    position, report["start"] = positions_of(renamed, windows=not gtf)
    classes, report["promoter_classes"] = classes_of(renamed["name"], promoter_classes)
    table = renamed.assign(position=position, promoter_class=classes)[GENE_COLUMNS]
    table = table.sort_values(["chrom", "position", "name", "strand"], ignore_index=True, kind="stable")
    once = table.drop_duplicates(["chrom", "position", "name"], ignore_index=True)
    report["repeated"] = len(table) - len(once)
    report["starts"] = len(once)
    report["starts_without_strand"] = int((once["strand"] == ".").sum())
    report["chromosomes"] = int(once["chrom"].nunique())
    _check_and_tell(genes, once, report)
    return once, report


def left_out_of(report: Mapping[str, Any]) -> tuple[int, dict[str, int]]:
    """Records of a file of genes, and why -> how many were left out, of the report of :func:`starts_of`."""
    reasons = {key.removeprefix("left_out_"): n for key, n in report.items() if key.startswith("left_out_")}
    return report["intervals_read"] + reasons.get(WITHOUT_GENE, 0), reasons


def read_starts(table: Path) -> pd.DataFrame:
    """The transcription starts that :func:`run` wrote.

    Returns
    -------
    DataFrame
        :data:`GENE_COLUMNS`.

    Raises
    ------
    UserError
        The file is missing or damaged, or holds something that :func:`run` does not write.
    """
    starts = read_table(table, GENE_COLUMNS, mend=_MEND)
    if (starts["position"] < 0).any() or not starts["strand"].isin(STRANDS).all():
        raise UserError("the table holds a position or a strand that is none", mend=_MEND, file=table)
    return starts


def _bed(path: Path) -> pd.DataFrame:
    frame = read_bed(path, stranded=True, named=True)
    names = [name.lower() for name in opening_of(path).names]
    column = next((names.index(name) for name in _BIOTYPES if name in names), None)
    if column is None:
        return frame.assign(biotype=".")
    columns = ["chrom", *(f"column {number}" for number in range(2, column + 2))]
    biotype = read_headless(path, delimiter="\t", columns=columns, least=3).columns.get(columns[column])
    if biotype is None:
        return frame.assign(biotype=".")
    return frame.assign(biotype=pc.if_else(pc.equal(biotype, ""), ".", biotype).to_numpy())


def positions_of(table: pd.DataFrame, *, windows: bool) -> tuple[npt.NDArray[np.int64], str]:
    """Where transcription starts, ``shape=(n,)``, and by which rule."""
    start, end, strand = (table[column].to_numpy() for column in ("start", "end", "strand"))
    middle = centre(start, end)
    lengths = np.unique(end - start)
    if windows and len(table) > 1 and len(lengths) == 1 and lengths[0] <= _WIDE:
        return middle, f"the middle, for all intervals are {lengths[0]} bp long"
    position = np.where(strand == "+", start, np.where(strand == "-", end - 1, middle))
    return position.astype(np.int64), "first base on +, last on -, the middle without a strand"


def _check_and_tell(genes: Path, starts: pd.DataFrame, report: dict[str, Any]) -> None:
    if starts.empty:
        raise UserError(
            "no gene is left: all are without a strand, or on contigs to leave out",
            mend="name an annotation with strands, and see to the table of contig names",
            file=genes,
        )
    tell_left_out(genes, *left_out_of(report))
    if without := report["starts_without_strand"]:
        _logger.warning("%s: of %d genes without a strand the middle is taken", genes, without)
