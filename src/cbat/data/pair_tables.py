"""Importers of labelled enhancer-promoter pairs, one function for each published format.

All give the same table, with 0-based half-open coordinates. A new format is one function under
``@pair_format("name")``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from cbat.data.text_tables import TextTable, first_false, read_headed, read_headless
from cbat.errors import UserError

PairReader = Callable[[Path], pd.DataFrame]
PAIR_FORMATS: Final[dict[str, PairReader]] = {}
"""Readers by the name of their format."""

INTERVAL_COLUMNS: Final = tuple(
    f"{role}_{part}" for role in ("enhancer", "promoter") for part in ("chrom", "start", "end")
)
STRANDS: Final = ("+", "-", ".")
_BENGI_COLUMNS: Final = (
    "label", "distance", "enhancer_chrom", "enhancer_start", "enhancer_end", "enhancer_name",
    "promoter_chrom", "promoter_start", "promoter_end", "promoter_name",
)  # fmt: skip
_ELEMENT_NAME: Final = r"^(?:[^|]*\|)?(?P<chrom>[^|:\s]+):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})$"
_STRAND_AT_END: Final = r"\|(?P<strand>[+-])$"


def pair_format(name: str) -> Callable[[PairReader], PairReader]:
    """Register a reader of pair tables under ``name``, the word for the column ``pairs_format``."""

    def register(reader: PairReader) -> PairReader:
        PAIR_FORMATS[name] = reader
        return reader

    return register


def read_pairs(path: str | Path, pairs_format: str) -> pd.DataFrame:
    """Read a table of labelled pairs.

    Parameters
    ----------
    path : str or Path
        Plain text or gzip.
    pairs_format : str
        A key of :data:`PAIR_FORMATS`.

    Returns
    -------
    pandas.DataFrame
        One row for each row of the file, in its order: ``enhancer_chrom``, ``enhancer_start``,
        ``enhancer_end``, ``promoter_chrom``, ``promoter_start``, ``promoter_end`` (0-based half-open, bp),
        ``label`` (0 or 1), ``promoter_strand`` (``+``, ``-`` or ``.``) and ``line`` (from 1).

    Raises
    ------
    UserError
        Unknown format; unreadable, truncated or empty file; missing column; another delimiter; a row with
        a missing field, a coordinate that is no whole number, an empty interval or another label than 0
        and 1. Names the file and the line.
    """
    if pairs_format not in PAIR_FORMATS:
        raise UserError(
            f"the format of pairs {pairs_format!r} is unknown",
            mend=f"use one of: {', '.join(PAIR_FORMATS)}",
            file=path,
        )
    return PAIR_FORMATS[pairs_format](Path(path))


@pair_format("cbat")
def read_cbat(path: Path) -> pd.DataFrame:
    """Tab-separated coordinates and label under a header; ``promoter_strand`` may be there too."""
    table = read_headed(path, delimiter="\t", required=(*INTERVAL_COLUMNS, "label"))
    strand = table.choices("promoter_strand", STRANDS) if "promoter_strand" in table.columns else None
    return _from_coordinates(table, strand)


@pair_format("targetfinder")
def read_targetfinder(path: Path) -> pd.DataFrame:
    """Comma-separated ``enhancer_name``, ``promoter_name``, ``label``; names are ``LINE|chr:start-end``.

    The format of Whalen et al. 2016, https://doi.org/10.1038/ng.3539.
    """
    table = read_headed(path, delimiter=",", required=("enhancer_name", "promoter_name", "label"))
    return _assemble(
        table,
        _interval_from_name(table, "enhancer_name"),
        _interval_from_name(table, "promoter_name"),
        strand=None,
    )


@pair_format("cboep")
def read_cboep(path: Path) -> pd.DataFrame:
    """Comma-separated coordinates and label under a header, as the CBOEP negative generator writes them.

    The format of Ono et al. 2024, https://github.com/maruyama-lab-design/CBOEP.
    """
    return _from_coordinates(
        read_headed(path, delimiter=",", required=(*INTERVAL_COLUMNS, "label")), strand=None
    )


@pair_format("bengi")
def read_bengi(path: Path) -> pd.DataFrame:
    """Ten tab-separated columns without a header; a promoter's name may end in ``|`` and its strand.

    The layout in which TransEPI (Chen et al. 2022, https://github.com/chenkenbio/TransEPI) distributes the
    benchmark of Moore et al. 2020, https://doi.org/10.1186/s13059-019-1924-8.
    """
    table = read_headless(path, delimiter="\t", columns=_BENGI_COLUMNS)
    found = pc.struct_field(pc.extract_regex(table.columns["promoter_name"], _STRAND_AT_END), "strand")
    strand = pc.fill_null(found, ".").to_numpy(zero_copy_only=False)
    return _from_coordinates(table, np.asarray(strand, dtype=object))


Interval = tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]]


def _from_coordinates(table: TextTable, strand: NDArray[np.object_] | None) -> pd.DataFrame:
    enhancer, promoter = (
        (table.names(f"{role}_chrom"), table.integers(f"{role}_start"), table.integers(f"{role}_end"))
        for role in ("enhancer", "promoter")
    )
    return _assemble(table, enhancer, promoter, strand)


def _interval_from_name(table: TextTable, column: str) -> Interval:
    names = table.columns[column]
    parts: Any = pc.extract_regex(names, _ELEMENT_NAME)
    if (row := first_false(pc.is_valid(parts))) is not None:
        raise table.fail(
            row, f"{column} is {names[row].as_py()!r}", "write it as CELL_LINE|chromosome:start-end, 0-based"
        )
    chrom, start, end = (pc.struct_field(parts, part) for part in ("chrom", "start", "end"))
    return (
        np.asarray(chrom.to_numpy(zero_copy_only=False), dtype=object),
        pc.cast(start, "int64").to_numpy(),
        pc.cast(end, "int64").to_numpy(),
    )


def _assemble(
    table: TextTable, enhancer: Interval, promoter: Interval, strand: NDArray[np.object_] | None
) -> pd.DataFrame:
    for role, (chrom, start, end) in (("enhancer", enhancer), ("promoter", promoter)):
        empty = np.flatnonzero(start >= end)
        if len(empty):
            row = int(empty[0])
            raise table.fail(
                row,
                f"the {role} {chrom[row]}:{start[row]}-{end[row]} ends where or before it starts",
                "write 0-based half-open intervals, start before end",
            )
    label = table.choices("label", ("0", "1")) == "1"
    columns: dict[str, Any] = dict(zip(INTERVAL_COLUMNS, (*enhancer, *promoter), strict=True))
    columns |= {"label": label.astype(np.int8), "promoter_strand": "." if strand is None else strand}
    return pd.DataFrame(columns | {"line": table.lines})
