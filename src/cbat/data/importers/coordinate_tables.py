"""Tables with a header that name both intervals of a pair and its label.

All coordinates are 0-based half-open.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from cbat.data.bed_files import STRANDS
from cbat.data.importers.common import (
    INTERVAL_COLUMNS,
    FirstRow,
    Interval,
    PairFormat,
    PairSource,
    assemble,
    read_labels,
)
from cbat.data.text_tables import TextTable, distinct, first_false, read_headed

_COORDINATES: Final = (*INTERVAL_COLUMNS, "label")
_NAMES: Final = ("enhancer_name", "promoter_name", "label")
_ELEMENT_NAME: Final = r"^(?:[^|]*\|)?(?P<chrom>[^|:\s]+):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})$"


def read_cbat(source: PairSource) -> pd.DataFrame:
    """Tab-separated coordinates and label under a header; ``promoter_strand`` may be there too."""
    table = read_headed(source.path, delimiter="\t", required=_COORDINATES, optional=["promoter_strand"])
    strand = table.choices("promoter_strand", STRANDS) if "promoter_strand" in table.columns else None
    return assemble(source, table, *_intervals(table), read_labels(table), strand)


def read_cboep(source: PairSource) -> pd.DataFrame:
    """Comma-separated coordinates and label under a header, as the CBOEP negative generator writes them.

    Fields may be quoted, and columns that hold lists are not read. The format of Ono et al. 2024,
    https://github.com/maruyama-lab-design/CBOEP, which is that of TargetFinder's ``pairs.csv`` too.
    """
    table = read_headed(source.path, delimiter=",", required=_COORDINATES)
    return assemble(source, table, *_intervals(table), read_labels(table))


def read_targetfinder(source: PairSource) -> pd.DataFrame:
    """Comma-separated ``pairs.csv`` with coordinates, or names ``LINE|chr:start-end``, and ``label``.

    The formats of Whalen et al. 2016, https://doi.org/10.1038/ng.3539. Coordinates go before names.
    """
    if FirstRow.of(source.path).names(_COORDINATES, ","):
        return read_cboep(source)
    table = read_headed(source.path, delimiter=",", required=_NAMES)
    enhancer, promoter = (_interval_from_name(table, column) for column in _NAMES[:2])
    return assemble(source, table, enhancer, promoter, read_labels(table))


def _intervals(table: TextTable) -> tuple[Interval, Interval]:
    enhancer, promoter = (
        (table.names(f"{role}_chrom"), table.integers(f"{role}_start"), table.integers(f"{role}_end"))
        for role in ("enhancer", "promoter")
    )
    return enhancer, promoter


def _interval_from_name(table: TextTable, column: str) -> Interval:
    names, rows = distinct(table.columns[column])
    parts: Any = pc.extract_regex(names, _ELEMENT_NAME)
    if (name := first_false(pc.is_valid(parts))) is not None:
        raise table.fail(
            int(np.flatnonzero(rows == name)[0]),
            f"{column} is {names[name].as_py()!r}",
            "write it as CELL_LINE|chromosome:start-end, 0-based",
        )
    start, end = (
        pc.cast(pc.struct_field(parts, part), "int64").to_numpy()[rows] for part in ("start", "end")
    )
    contigs, contig = distinct(pc.struct_field(parts, "chrom"))
    return np.array([*contigs.to_pylist(), None], dtype=object)[contig[rows]], start, end


CBAT: Final = PairFormat(
    read_cbat,
    lambda row: row.names(_COORDINATES),
    f"a header, separated by tabs, with {', '.join(_COORDINATES)}",
    _COORDINATES,
)
CBOEP: Final = PairFormat(
    read_cboep,
    lambda row: row.names(_COORDINATES, ","),
    "the header of cbat, separated by commas",
    _COORDINATES,
)
TARGETFINDER: Final = PairFormat(
    read_targetfinder,
    lambda row: row.names(_NAMES, ",") and not row.names(_COORDINATES, ","),
    f"a header, separated by commas, with {', '.join(_NAMES)}",
    _NAMES,
)
