"""The benchmark of candidate enhancer-gene interactions (BENGI)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from cbat.data.importers.common import (
    FirstRow,
    PairFormat,
    PairSource,
    are_positions,
    assemble,
    read_labels,
)
from cbat.data.text_tables import read_headless

_COLUMNS: Final = (
    "label", "distance", "enhancer_chrom", "enhancer_start", "enhancer_end", "enhancer_name",
    "promoter_chrom", "promoter_start", "promoter_end", "promoter_name",
)  # fmt: skip
_STRAND_AT_END: Final = r"\|(?P<strand>[+-])$"


def read_bengi(source: PairSource) -> pd.DataFrame:
    """Ten tab-separated columns without a header; a promoter's name may end in ``|`` and its strand.

    Coordinates are 0-based half-open. The layout in which TransEPI (Chen et al. 2022,
    https://github.com/chenkenbio/TransEPI) distributes the benchmark of Moore et al. 2020,
    https://doi.org/10.1186/s13059-019-1924-8.
    """
    table = read_headless(source.path, delimiter="\t", columns=_COLUMNS)
    enhancer, promoter = (
        (table.names(f"{role}_chrom"), table.integers(f"{role}_start"), table.integers(f"{role}_end"))
        for role in ("enhancer", "promoter")
    )
    found = pc.struct_field(pc.extract_regex(table.columns["promoter_name"], _STRAND_AT_END), "strand")
    strand = np.asarray(pc.fill_null(found, ".").to_numpy(zero_copy_only=False), dtype=object)
    return assemble(source, table, enhancer, promoter, read_labels(table), strand)


def _looks_like(row: FirstRow) -> bool:
    fields = row.tabs
    return (
        len(fields) == len(_COLUMNS) and fields[0] in ("0", "1") and are_positions(*fields[3:5], *fields[7:9])
    )


BENGI: Final = PairFormat(
    read_bengi, _looks_like, f"no header, ten columns separated by tabs: {', '.join(_COLUMNS)}"
)
