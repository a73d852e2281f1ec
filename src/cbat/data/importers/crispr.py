"""Tables of CRISPR screens of enhancers in ENCODE's layout: element, gene, and whether it was regulated."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cbat.data.importers.common import LEFT_OUT, PairFormat, PairSource, assemble
from cbat.data.text_tables import TextTable, read_headed
from cbat.errors import UserError

_ELEMENT: Final = ("chrom", "chromStart", "chromEnd")
_START: Final = ("chrTSS", "startTSS", "endTSS")
_REQUIRED: Final = (*_ELEMENT, *_START, "ValidConnection", "CellType", "Regulated")
_YES: Final = "TRUE"
_NO: Final = "FALSE"
_UNKNOWN: Final = "NA"


def read_encode_crispr(source: PairSource) -> pd.DataFrame:
    """Tested element-gene pairs of one cell type.

    A pair has the label 1 where ``Regulated`` is TRUE: perturbing the element lowered the gene's expression
    significantly. It has 0 where no significant loss was seen, among them significant gains. The promoter is
    the interval ``startTSS`` to ``endTSS``. Rows of other cell types, rows whose ``ValidConnection`` is not
    TRUE (a guide in the promoter or the gene, too little power), and rows without an answer or a
    transcription start are left out and counted. Positions are 0-based half-open, mostly hg38.

    Layout of https://github.com/EngreitzLab/CRISPR_comparison (Gschwind et al. 2023,
    https://doi.org/10.1101/2023.11.09.563812).
    """
    table = read_headed(source.path, delimiter="\t", required=_REQUIRED)
    keep = _of_line(source, table)
    counts = {"of_other_cell_types": int((~keep).sum())}
    for reason, column in (("not_valid", "ValidConnection"), ("without_an_answer", "Regulated")):
        fits = _fits(table, column, (_YES,) if column == "ValidConnection" else (_YES, _NO))
        counts[reason] = int((keep & ~fits).sum())
        keep &= fits
    known = np.logical_and.reduce([~_fits(table, column, (_UNKNOWN, "")) for column in _START])
    # Genes that nobody placed are at 0 to 0.
    known &= ~_fits(table, "endTSS", ("0",))
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
    start = kept.names("chrTSS"), kept.integers("startTSS"), kept.integers("endTSS")
    label = np.asarray(kept.choices("Regulated", (_YES, _NO)) == _YES, dtype=np.int8)
    pairs = assemble(source, kept, element, start, label)
    pairs.attrs[LEFT_OUT] = counts
    return pairs


def _of_line(source: PairSource, table: TextTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows of the cell line that is asked for, or all of them."""
    types = table.columns["CellType"]
    wanted = source.cell_line
    if wanted is None:
        return np.ones(len(table.lines), dtype=bool)
    known = sorted(set(pc.unique(types).to_pylist()))
    alike = [one for one in known if _plain(one) == _plain(wanted)]
    if not alike:
        raise UserError(
            f"no row is of the cell line {wanted!r}; its cell types are {', '.join(known)}",
            mend="call the cell line in the sheet as CellType does, or name another table",
            file=source.path,
        )
    return np.asarray(pc.is_in(types, pa.array(alike)).to_numpy(zero_copy_only=False), dtype=bool)


def _plain(name: str) -> str:
    """K562, k562 and K-562 are one cell line."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


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
    lambda row: set(_REQUIRED) <= set(row.tabs),
    f"a header, separated by tabs, with {', '.join(_REQUIRED)}",
)
