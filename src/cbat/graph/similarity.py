"""Similarity of cell lines by their peaks or by their gene expression, as tables that the graph takes.

Neither reads a label, so both may be known of a line that no model has seen. The similarity of two lines
depends on nothing but these two: a further line adds a row and a column and changes no other field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import ExpressionCorrelation, PeakOverlap
from cbat.config.suggestions import did_you_mean
from cbat.data.bed_files import read_bed
from cbat.data.contig_checks import check_shared, first_lines, rows_of, tell_elsewhere
from cbat.data.contigs import LEFT_OUT_BY_NAME, read_contig_names
from cbat.data.foreign_formats import refuse_foreign
from cbat.data.gene_tables import GeneTable, mostly_values, read_gene_table
from cbat.data.left_out import tell_left_out
from cbat.data.windows import spread
from cbat.errors import UserError
from cbat.files import atomic_file

Bins = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_LEAST_GENES: Final = 3
"""A correlation of fewer genes says nothing."""


def compare_peaks(*, settings: PeakOverlap, output: Path, contig_names: Path | None = None) -> None:
    r"""Write the Jaccard index of the covered bins of every two cell lines, as a square table.

    .. math:: J(a, b) = |B_a \cap B_b| / |B_a \cup B_b|

    with :math:`B` the bins of the genome that a peak of the line meets.

    Parameters
    ----------
    settings : PeakOverlap
        The files of peaks by cell line, and the length of the bins.
    output : Path
        The table; its order is that of the settings.
    contig_names : Path, optional
        Table of what the files call a contig and what it is called.

    Raises
    ------
    UserError
        A file that is no BED, see :func:`cbat.data.bed_files.read_bed`; two files that name one contig in two
        ways, or that share none.
    """
    names = read_contig_names(contig_names)
    numbers: dict[str, int] = {}
    bins: dict[str, Bins] = {}
    seen: dict[str, Collection[str]] = {}
    for line, path in settings.peaks.items():
        peaks = names.rename(read_bed(path, stranded=False), "chrom")
        left_out = int(peaks.attrs.get(LEFT_OUT_BY_NAME, 0))
        tell_left_out(path, len(peaks) + left_out, {LEFT_OUT_BY_NAME: left_out})
        check_shared(path, first_lines(peaks), seen, names)
        tell_elsewhere(path, rows_of(peaks["chrom"]), seen, "peaks")
        seen[f"the peaks of {line} ({path})"] = set(peaks["chrom"])
        bins[line] = covered_bins(peaks, settings.bin, numbers)
    write_square(output, list(bins), lambda one, other: jaccard(bins[one], bins[other]))


def covered_bins(peaks: pd.DataFrame, length: int, contigs: dict[str, int]) -> Bins:
    """Bins that intervals meet, sorted, each once.

    Parameters
    ----------
    peaks : DataFrame
        ``chrom``, ``start`` and ``end`` (0-based half-open, bp).
    length : int
        Of a bin, bp; the first starts at the start of its contig.
    contigs : dict
        Number of each contig; contigs that are not in it yet are added.
    """
    first = peaks["start"].to_numpy(dtype=np.int64) // length
    count = (peaks["end"].to_numpy(dtype=np.int64) - 1) // length - first + 1
    number = np.array([contigs.setdefault(name, len(contigs)) for name in peaks["chrom"]], dtype=np.int64)
    row, within = spread(count)
    return np.unique((number[row] << 32) + first[row] + within)


def jaccard(one: Bins, other: Bins) -> float:
    """Share of the bins of either that are bins of both."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)


def compare_expression(*, settings: ExpressionCorrelation, output: Path) -> None:
    """Write Pearson's correlation of log2(expression + 1) over genes of every two cell lines.

    Parameters
    ----------
    settings : ExpressionCorrelation
        A table of genes by samples (RPKM, FPKM or TPM) and the column of each cell line.
    output : Path
        A square table; its order is that of the settings.

    Raises
    ------
    UserError
        A column that the table lacks or has twice, a ragged row, or a value that is no number from 0 on.
    """
    values = read_expression(settings.table, settings.columns)

    def correlation(one: str, other: str) -> float:
        pair = np.corrcoef(np.log2(values[one] + 1.0), np.log2(values[other] + 1.0))
        return float(np.clip(pair[0, 1], -1.0, 1.0))

    with np.errstate(invalid="ignore", divide="ignore"):
        write_square(output, list(values), correlation)


def read_expression(path: Path, columns: Mapping[str, str]) -> dict[str, FloatArray]:
    """Expression of all genes in some samples.

    Parameters
    ----------
    path : Path
        Plain or gzip: a header, then one gene a row, see :func:`cbat.data.gene_tables.read_gene_table`.
    columns : mapping
        Cell line -> its column.

    Returns
    -------
    dict
        Cell line -> shape=(n_genes,).

    Raises
    ------
    UserError
        See :func:`compare_expression`.
    """
    refuse_foreign(path, "expression")
    table = read_gene_table(path, headed=True)
    wanted = {line: _column(table, line, column) for line, column in columns.items()}
    n_genes = len(table.rows)
    if wanted and n_genes < _LEAST_GENES:
        raise UserError(
            f"the table has {n_genes} genes",
            mend="give one row for each gene, and one column for each sample",
            file=path,
        )
    return {
        line: np.array([table.number(row, position) for row in range(n_genes)])
        for line, position in wanted.items()
    }


def _column(table: GeneTable, line: str, column: str) -> int:
    alike = table.alike(column)
    header = table.header or []
    mend = "correct it under graph.expression_correlations in the configuration"
    if not alike:
        told = f"the table has no column {column!r}, which is named for {line}{did_you_mean(column, header)}"
        raise UserError(told, mend=mend, file=table.path, where="line 1")
    if len(alike) > 1:
        told = f"{len(alike)} columns are called {column!r}, which is named for {line}"
        mend = "give each column a unique heading"
        raise UserError(told, mend=mend, file=table.path, where="line 1")
    if alike[0] == 0 and not mostly_values(table.column(0)):
        told = (
            f"the heading {column!r}, which is named for {line}, stands above names like {table.rows[0][0]!r}"
        )
        mend = "start the header with gene, above the names, or name another column"
        raise UserError(told, mend=mend, file=table.path, where="line 1")
    return alike[0]


def write_square(path: Path, names: Sequence[str], similarity: Callable[[str, str], float]) -> None:
    """Write a symmetric table of similarities; the graph reads it (``graph.similarities``).

    A similarity that is not defined is written as NA, which makes no edge.
    """
    table = pd.DataFrame(np.eye(len(names)), index=pd.Index(names, name="cell_line"), columns=pd.Index(names))
    for position, one in enumerate(names):
        for other in names[:position]:
            table.loc[one, other] = table.loc[other, one] = similarity(one, other)
    with atomic_file(path) as temporary:
        table.to_csv(temporary, sep="\t", float_format="%.6f", na_rep="NA", lineterminator="\n")
