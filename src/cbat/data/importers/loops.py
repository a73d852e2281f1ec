"""Chromatin loops, laid over candidate enhancers and promoters."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from cbat.data.bed_files import read_candidates
from cbat.data.contig_checks import check_shared, first_lines
from cbat.data.importers.bedpe import Ends
from cbat.data.importers.common import (
    INTERVAL_COLUMNS,
    LEFT_OUT,
    Interval,
    PairFormat,
    PairSource,
    check_intervals,
)
from cbat.data.importers.loop_lists import HICCUPS, looks_like_loops, read_anchors
from cbat.errors import UserError

JOIN_NOTHING: Final = "loops_that_join_no_candidates"
"""Reason for which rows of a list are left out."""
_INTERVAL: Final = ["chrom", "start", "end"]


def read_loops(source: PairSource) -> pd.DataFrame:
    """Pairs of an enhancer that overlaps one anchor of a loop and a promoter that overlaps the other.

    Loops are those of a HiCCUPS list (Rao et al. 2014, https://doi.org/10.1016/j.cell.2014.11.021), a BEDPE
    or another list that :mod:`cbat.data.importers.loop_lists` reads. An overlap of 1 bp counts. All pairs
    have the label 1, and each comes once, with the line of the first loop that joins it. Loops that join no
    two candidates are counted in the attribute ``left_out``.

    Raises
    ------
    UserError
        See :func:`~cbat.data.pair_tables.read_pairs`; no candidates to lay the loops over; loops and
        candidates whose contigs have other names; no loop that joins two candidates.
    """
    if source.enhancers is None or source.promoters is None:
        raise UserError(
            "loops need candidate enhancers and promoters to be laid over",
            mend="name BED files of candidates: the columns enhancers and promoters of the sheet (promoters: "
            "or a GTF), or --candidates and --promoters of a prediction",
            file=source.path,
        )
    ends = read_anchors(source)
    if "label" in ends.table.columns:
        raise UserError(
            "the table has labels, which loops do not: each of them is a contact",
            mend="name the format bedpe (or auto), or remove the column label",
            file=source.path,
        )
    elements = {
        role: read_candidates(path, role, source.contigs).drop_duplicates(_INTERVAL, ignore_index=True)
        for role, path in (("enhancer", source.enhancers), ("promoter", source.promoters))
    }
    anchors = [
        _anchors(source, ends, number, side) for number, side in enumerate((ends.first, ends.second), 1)
    ]
    for anchor in anchors:
        _check_contigs(source, anchor, elements)
    joined = []
    for one, other in (anchors, anchors[::-1]):
        enhancers = _overlaps(one, elements["enhancer"], "enhancer")
        joined.append(enhancers.merge(_overlaps(other, elements["promoter"], "promoter"), on="line"))
    pairs = pd.concat(joined).sort_values(["line", "enhancer", "promoter"])
    left_out = {JOIN_NOTHING: len(ends.table.lines) - pairs["line"].nunique()}
    pairs = pairs.drop_duplicates(["enhancer", "promoter"])
    if pairs.empty:
        raise UserError(
            f"no loop joins an enhancer of {source.enhancers} with a promoter of {source.promoters}",
            mend="name candidates and loops of the same cell line and genome assembly",
            file=source.path,
        )
    table = _table(pairs, elements)
    table.attrs[LEFT_OUT] = left_out
    return table


def _table(pairs: pd.DataFrame, elements: dict[str, pd.DataFrame]) -> pd.DataFrame:
    parts = [
        elements[role][_INTERVAL].iloc[pairs[role].to_numpy()].reset_index(drop=True)
        for role in ("enhancer", "promoter")
    ]
    table = pd.concat(parts, axis=1)
    table.columns = pd.Index(INTERVAL_COLUMNS)
    strand = elements["promoter"]["strand"].to_numpy(dtype=object)[pairs["promoter"].to_numpy()]
    label = np.ones(len(table), dtype=np.int8)
    return table.assign(label=label, promoter_strand=strand, line=pairs["line"].to_numpy())


def _anchors(source: PairSource, ends: Ends, number: int, side: Interval) -> pd.DataFrame:
    check_intervals(ends.table, f"anchor {number}", *side)
    table = pd.DataFrame(dict(zip(_INTERVAL, side, strict=True)) | {"line": ends.table.lines})
    return source.contigs.rename(table, "chrom")


def _check_contigs(source: PairSource, anchors: pd.DataFrame, elements: dict[str, pd.DataFrame]) -> None:
    """Contigs without candidates may be; contigs that candidates only spell otherwise may not."""
    known = {str(name) for table in elements.values() for name in table["chrom"].unique()}
    check_shared(source.path, first_lines(anchors), {"the candidates": known}, source.contigs)


def _overlaps(anchors: pd.DataFrame, elements: pd.DataFrame, role: str) -> pd.DataFrame:
    """Lines of loops and rows of elements that share a base with the anchor."""
    import pybedtools

    numbered = elements[_INTERVAL].assign(row=np.arange(len(elements)))
    try:
        found = pybedtools.BedTool.from_dataframe(anchors[[*_INTERVAL, "line"]]).intersect(
            pybedtools.BedTool.from_dataframe(numbered), wa=True, wb=True
        )
        with open(found.fn, encoding="utf-8") as lines:
            fields = [line.rstrip("\n").split("\t") for line in lines]
    finally:
        pybedtools.cleanup(remove_all=False)
    return pd.DataFrame(
        {"line": [int(row[3]) for row in fields], role: [int(row[7]) for row in fields]}, dtype=np.int64
    )


LOOPS: Final = PairFormat(
    read_loops,
    looks_like_loops,
    f"a header, separated by tabs, that starts with {', '.join(HICCUPS)}, an ibed of CHiCAGO, interact of "
    "UCSC or longrange of WashU",
)
