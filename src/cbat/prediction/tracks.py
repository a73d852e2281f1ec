"""Scored pairs in the formats that genome browsers and command-line tools read.

All intervals are 0-based half-open, as the user gave them. Formats: BEDPE of bedtools (Quinlan and Hall
2010), ``interact`` of the UCSC browser, ``longrange`` of the WashU browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pysam

from cbat.files import atomic_file, remove, replace_by

BEDPE_COLUMNS: Final = (
    "chrom1", "start1", "end1", "chrom2", "start2", "end2", "name", "score", "strand1", "strand2",
    "intrinsic_potential", "environment_resistance", "probability", "rank", "contact", "distance",
    "enhancer_id", "promoter_id", "abc", "enhancer_share", "probability_low", "probability_high",
)  # fmt: skip
INTERACT_COLUMNS: Final = (
    "chrom", "chromStart", "chromEnd", "name", "score", "value", "exp", "color",
    "sourceChrom", "sourceStart", "sourceEnd", "sourceName", "sourceStrand",
    "targetChrom", "targetStart", "targetEnd", "targetName", "targetStrand",
)  # fmt: skip
COLOUR: Final = "#1b6ca8"
DIGITS: Final = 6
"""Decimals of scores in text; the Parquet files hold them whole."""
_MAYBE: Final = ("abc", "enhancer_share", "probability_low", "probability_high")
"""Columns that some models and lines have no number for."""


def pair_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """Enhancers as end 1 and promoters as end 2; ``score`` is the log-odds at level 0, temperature 1.

    Returns
    -------
    DataFrame
        :data:`BEDPE_COLUMNS`, numbers rounded to :data:`DIGITS` decimals, NaN where there is none;
        ``contact`` is True or False.
    """
    columns = {
        "chrom1": pairs["chrom"],
        "start1": pairs["enhancer_start"],
        "end1": pairs["enhancer_end"],
        "chrom2": pairs["chrom"],
        "start2": pairs["promoter_start"],
        "end2": pairs["promoter_end"],
        "name": pairs["promoter_name"],
        "score": pairs["score"].round(DIGITS),
        "strand1": ".",
        "strand2": pairs["promoter_strand"],
        "intrinsic_potential": pairs["intrinsic_potential"].astype(float).round(DIGITS),
        "environment_resistance": pairs["environment_resistance"].astype(float).round(DIGITS),
        "probability": pairs["probability"].round(DIGITS),
        "rank": pairs["rank"],
        "contact": pairs["contact"],
        "distance": pairs["distance"],
        "enhancer_id": pairs["enhancer_id"],
        "promoter_id": pairs["promoter_id"],
    }
    for name in _MAYBE:
        # An earlier version had fewer columns.
        columns[name] = pairs[name].astype(float).round(DIGITS) if name in pairs else np.nan
    return pd.DataFrame(columns)[list(BEDPE_COLUMNS)]


def bedpe(pairs: pd.DataFrame) -> pd.DataFrame:
    """:func:`pair_table` as BEDPE has it: 1 for a contact, and a dot where there is no number anywhere."""
    table = pair_table(pairs)
    dots = {name: "." for name in _MAYBE if table[name].isna().all()}
    return table.assign(contact=table["contact"].astype(np.int8), **dots)


def interact(pairs: pd.DataFrame, cell_line: str) -> pd.DataFrame:
    """Arcs from enhancer to promoter; ``score`` is the probability in thousandths, ``value`` the log-odds."""
    source, target = (_label(pairs, role) for role in ("enhancer", "promoter"))
    columns = {
        "chrom": pairs["chrom"],
        "chromStart": np.minimum(pairs["enhancer_start"], pairs["promoter_start"]),
        "chromEnd": np.maximum(pairs["enhancer_end"], pairs["promoter_end"]),
        "name": source + "/" + target,
        "score": (1000 * pairs["probability"]).round().astype(int),
        "value": pairs["score"].round(DIGITS),
        "exp": cell_line,
        "color": COLOUR,
        "sourceChrom": pairs["chrom"],
        "sourceStart": pairs["enhancer_start"],
        "sourceEnd": pairs["enhancer_end"],
        "sourceName": source,
        "sourceStrand": ".",
        "targetChrom": pairs["chrom"],
        "targetStart": pairs["promoter_start"],
        "targetEnd": pairs["promoter_end"],
        "targetName": target,
        "targetStrand": pairs["promoter_strand"],
    }
    table = pd.DataFrame(columns)[list(INTERACT_COLUMNS)]
    return table.sort_values(["chrom", "chromStart", "chromEnd"], kind="stable", ignore_index=True)


def longrange(pairs: pd.DataFrame) -> pd.DataFrame:
    """Each pair from both of its ends: an interval, and ``chrom:start-end,probability`` of the other."""
    halves = []
    for one, other in (("enhancer", "promoter"), ("promoter", "enhancer")):
        mate = (
            pairs["chrom"].astype(str)
            + ":"
            + pairs[f"{other}_start"].astype(str)
            + "-"
            + pairs[f"{other}_end"].astype(str)
            + ","
            + pairs["probability"].round(DIGITS).astype(str)
        )
        halves.append(
            pd.DataFrame(
                {
                    "chrom": pairs["chrom"],
                    "start": pairs[f"{one}_start"],
                    "end": pairs[f"{one}_end"],
                    "mate": mate,
                }
            )
        )
    table = pd.concat(halves, ignore_index=True)
    return table.sort_values(["chrom", "start", "end"], kind="stable", ignore_index=True)


def _label(pairs: pd.DataFrame, role: str) -> Any:
    return labels(*(pairs[name] for name in ("chrom", f"{role}_start", f"{role}_end", f"{role}_name")))


def labels(chrom: pd.Series, start: pd.Series, end: pd.Series, name: pd.Series) -> Any:
    """The name of each element, or its interval where it has none, shape=(n,)."""
    place = chrom.astype(str) + ":" + start.astype(str) + "-" + end.astype(str)
    named = name.astype(str)
    return named.where(named != ".", place)


def as_text(table: pd.DataFrame) -> bytes:
    """Rows separated by tabs, without a header."""
    if table.empty:
        return b""
    # In one piece: for a piece without rows the writer would repeat bytes of the one before.
    whole = pa.Table.from_pandas(table, preserve_index=False).combine_chunks()
    options = arrow_csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    with pa.BufferOutputStream() as sink:
        arrow_csv.write_csv(whole, sink, options)
        text: bytes = sink.getvalue().to_pybytes()
    return text


class IndexedText:
    """A bgzip file that is being written, piece by piece."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def comment(self, columns: Sequence[str]) -> None:
        """A line that names the columns."""
        self._file.write(("#" + "\t".join(columns) + "\n").encode())

    def write(self, table: pd.DataFrame) -> None:
        """More rows; all rows together must be sorted by contig and start."""
        self._file.write(as_text(table))


@contextmanager
def indexed_text(path: Path) -> Iterator[IndexedText]:
    """Write a bgzip file and its tabix index on the first three columns, both whole or not at all."""
    with atomic_file(path) as temporary:
        with pysam.BGZFile(str(temporary), "wb", None) as file:
            yield IndexedText(file)
        index = temporary.with_name(temporary.name + ".tbi")
        try:
            pysam.tabix_index(
                str(temporary), seq_col=0, start_col=1, end_col=2, zerobased=True, meta_char="#", force=True
            )
            index.chmod(0o644)
            beside = path.with_name(path.name + ".tbi")
            remove(beside)
            replace_by(index, beside)
        finally:
            index.unlink(missing_ok=True)
