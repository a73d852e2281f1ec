"""Enhancer-gene interactions of EnhancerAtlas 2.0."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from cbat.data.importers.common import (
    FirstRow,
    Interval,
    PairFormat,
    PairSource,
    assemble,
    key_of,
)
from cbat.data.text_tables import TextTable, first_false, read_headless
from cbat.errors import UserError

_NAME: Final = (
    r"^(?P<chrom>[^\s:]+):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})_"
    r"[^$\s]+\$[^$]*\$(?P<promoter_chrom>[^$\s]+)\$(?P<tss>[1-9][0-9]{0,14})\$(?P<strand>[-+])$"
)
_WRITTEN: Final = "chr:start-end_GENE_ID$GENE$chr$TSS$STRAND"


def read_enhanceratlas(source: PairSource) -> pd.DataFrame:
    """Lines ``chr1:874840-876520_ENSG00000225880$LINC00115$chr1$762902$-<TAB>1.10``.

    Every line is a contact. With a threshold, lines that score less are left out: a weaker interaction is
    none that was found absent, so the file gives positives only. The enhancer is 0-based half-open as in
    the database's BED files; the transcription start is an Ensembl position, counted from 1, and the
    promoter is that one base. Gao and Qian 2020, https://doi.org/10.1093/nar/gkz980.

    Raises
    ------
    UserError
        See :func:`~cbat.data.pair_tables.read_pairs`; no line reaches the threshold.
    """
    table = read_headless(source.path, delimiter="\t", columns=("interaction", "score"))
    enhancer, promoter, strand = _split(table)
    score = table.numbers("score")
    kept = None if source.score_threshold is None else np.flatnonzero(score >= source.score_threshold)
    if kept is not None and not len(kept):
        raise UserError(
            f"no pair reaches the score_threshold {source.score_threshold:g}, for the highest score is "
            f"{score.max():g}",
            mend=f"lower {key_of('score_threshold')}",
            file=source.path,
        )
    label = np.ones(len(score), dtype=np.int8)
    return assemble(source, table, enhancer, promoter, label, strand, kept)


def _split(table: TextTable) -> tuple[Interval, Interval, Any]:
    names = table.columns["interaction"]
    parts = pc.extract_regex(names, _NAME)
    if (row := first_false(pc.is_valid(parts))) is not None:
        raise table.fail(
            row, f"the interaction is {names[row].as_py()!r}", f"write it as {_WRITTEN}, TSS from 1"
        )
    fields = {
        part: pc.struct_field(parts, part)
        for part in ("chrom", "start", "end", "promoter_chrom", "tss", "strand")
    }
    words = TextTable(table.path, fields, table.lines)
    tss = words.integers("tss")
    enhancer = words.names("chrom"), words.integers("start"), words.integers("end")
    return enhancer, (words.names("promoter_chrom"), tss - 1, tss), words.names("strand")


def _looks_like(row: FirstRow) -> bool:
    return len(row.tabs) == 2 and re.match(_NAME, row.tabs[0]) is not None


ENHANCERATLAS: Final = PairFormat(
    read_enhanceratlas, _looks_like, f"no header, two columns separated by tabs: {_WRITTEN} and a score"
)
