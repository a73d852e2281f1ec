"""Tables of CRISPR screens of enhancers in ENCODE's layout: element, gene, and whether it was regulated."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cbat.data.bed_files import read_candidates
from cbat.data.cell_types import COLUMN as CELL_TYPE
from cbat.data.cell_types import rows_of_cell_type
from cbat.data.importers.common import LEFT_OUT, Interval, PairFormat, PairSource, assemble
from cbat.data.text_tables import TextTable, read_headed
from cbat.errors import UserError

_ELEMENT: Final = ("chrom", "chromStart", "chromEnd")
_START: Final = ("chrTSS", "startTSS", "endTSS")
_REQUIRED: Final = (*_ELEMENT, *_START, "ValidConnection", CELL_TYPE, "Regulated")
_YES: Final = "TRUE"
_NO: Final = "FALSE"
_UNKNOWN: Final = "NA"
_GENE: Final = "measuredGeneSymbol"
OF_OTHERS: Final = "of_other_cell_types"
"""Reason for which rows are left out that nobody asked for."""
_NEAR: Final = 1_000
_FAR: Final = 1_000_000_000
"""Farther than any two positions of one contig, bp."""
_logger = logging.getLogger(__name__)


def read_encode_crispr(source: PairSource) -> pd.DataFrame:
    """Tested element-gene pairs of one cell type.

    A pair has the label 1 where ``Regulated`` is TRUE: perturbing the element lowered the gene's expression
    significantly. It has 0 where no significant loss was seen, among them significant gains. The promoter is
    that of ``promoters`` with the name of the gene, for the starts of published tables may be of another
    annotation; else the interval ``startTSS`` to ``endTSS``. Rows of other cell types, rows whose
    ``ValidConnection`` is not TRUE (a guide in the promoter or the gene, too little power), and rows without
    an answer or a transcription start are left out and counted. Positions are 0-based half-open, mostly hg38.

    Layout of https://github.com/EngreitzLab/CRISPR_comparison (Gschwind et al. 2023,
    https://doi.org/10.1101/2023.11.09.563812).
    """
    table = read_headed(source.path, delimiter="\t", required=_REQUIRED, optional=(_GENE,))
    keep = _of_line(source, table)
    counts = {OF_OTHERS: int((~keep).sum())}
    for reason, column, words in (
        ("not_valid", "ValidConnection", (_YES,)), ("without_an_answer", "Regulated", (_YES, _NO)),
    ):  # fmt: skip
        fits = _fits(table, column, words)
        counts[reason] = int((keep & ~fits).sum())
        keep &= fits
    places = _Places.read(source)
    known = np.logical_and.reduce([~_fits(table, column, (_UNKNOWN, "")) for column in _START])
    # Genes that nobody placed are at 0 to 0.
    known &= ~_fits(table, "endTSS", ("0",))
    known |= places.know(table)
    counts["without_a_transcription_start"] = int((keep & ~known).sum())
    keep &= known
    if not keep.any():
        told = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in counts.items() if n)
        raise UserError(
            f"no row is left: {told}",
            mend="name a table with valid tests of this cell line",
            file=source.path,
        )
    kept = _rows(table, np.flatnonzero(keep))
    element = kept.names("chrom"), kept.integers("chromStart"), kept.integers("chromEnd")
    start = places.of(kept)
    label = np.asarray(kept.choices("Regulated", (_YES, _NO)) == _YES, dtype=np.int8)
    pairs = assemble(source, kept, element, start, label)
    pairs.attrs[LEFT_OUT] = counts
    return pairs


@dataclass(frozen=True)
class _Places:
    """Promoters by the name of their gene.

    Attributes
    ----------
    path : Path, optional
    table : DataFrame
        ``chrom``, ``start``, ``end``, ``name``.
    """

    path: Path | None
    table: pd.DataFrame

    @classmethod
    def read(cls, source: PairSource) -> _Places:
        if source.promoters is None:
            return cls(None, pd.DataFrame({"chrom": [], "start": [], "end": [], "name": []}))
        table = read_candidates(source.promoters, "promoter", named=True)
        return cls(source.promoters, table[table["name"] != "."])

    def know(self, table: TextTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Rows whose gene has a promoter here."""
        names = pa.array(self.table["name"].unique().tolist(), type=pa.string())
        found = pc.is_in(table.columns[_GENE], names) if _GENE in table.columns else pa.array([], pa.bool_())
        known = np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
        return known if len(known) else np.zeros(len(table.lines), dtype=bool)

    def of(self, table: TextTable) -> Interval:
        """The promoter of each row: of several with the name the one nearest to the start in the table."""
        known = self.know(table)
        rows, others = np.flatnonzero(known), np.flatnonzero(~known)
        chrom = np.asarray(table.columns["chrTSS"].to_pylist(), dtype=object)
        start, end = (_positions(table.columns[name]) for name in _START[1:])
        if len(others):
            rest = _rows(table, others)
            chrom[others], start[others] = rest.names("chrTSS"), rest.integers("startTSS")
            end[others] = rest.integers("endTSS")
        if not len(rows):
            return chrom, start, end
        gene = np.asarray(table.columns[_GENE].to_pylist(), dtype=object)[rows]
        asked = pd.DataFrame({"row": rows, "name": gene, "there": start[rows], "on": chrom[rows]})
        joined = asked.merge(self.table[["chrom", "start", "end", "name"]], on="name")
        joined["apart"] = (joined["start"] - joined["there"]).abs() + (joined["chrom"] != joined["on"]) * _FAR
        best = joined.sort_values(["row", "apart"], kind="stable").drop_duplicates("row").sort_values("row")
        _logger.info(
            "%s: of %d tests the gene is placed by %s; %d starts of the table are more than %d bp from it",
            table.path, len(rows), self.path, int((best["apart"] > _NEAR).sum()), _NEAR,
        )  # fmt: skip
        chrom[rows], start[rows], end[rows] = (best[name].to_numpy() for name in ("chrom", "start", "end"))
        return chrom, start, end


def _positions(column: Any) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Whole numbers of a column, 0 where there is none that a position can be."""
    numbers = pd.to_numeric(pd.Series(column.to_pylist()), errors="coerce")
    return np.array(numbers.where(numbers.between(0, _FAR), 0), dtype=np.int64)


def _of_line(source: PairSource, table: TextTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows of the cell line that is asked for, or all of them."""
    if source.cell_line is None:
        return np.ones(len(table.lines), dtype=bool)
    return rows_of_cell_type(table, source.cell_line)


def _fits(
    table: TextTable, column: str, words: tuple[str, ...]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = pc.is_in(pc.utf8_upper(table.columns[column]), pa.array(words))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _rows(table: TextTable, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> TextTable:
    columns = {
        name: (pc.utf8_upper(column) if name == "Regulated" else column).take(pa.array(rows))
        for name, column in table.columns.items()
    }
    return TextTable(table.path, columns, table.lines[rows])


ENCODE_CRISPR: Final = PairFormat(
    read_encode_crispr,
    lambda row: row.names(_REQUIRED),
    f"a header, separated by tabs, with {', '.join(_REQUIRED)}",
    tuple(_REQUIRED),
)
