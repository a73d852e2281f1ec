"""Tables of another tool's predictions, which are held against the labelled pairs of a cell line.

Two formats are read, plain or gzip, separated by tabs and recognised by the header; further columns are left
out, and lines that repeat the header are skipped, so that the tables of several cell lines may be joined with
``cat``.

``cell_line, enhancer, promoter, score``
    Intervals are ``chrom:start-end``, 0-based and half-open. A higher score means a contact. No pair occurs
    twice.
``label, prediction, enhancer, promoter``
    Predictions of TransEPI for BENGI's pairs. Names are those of BENGI: ``chrom:start-end|cell line|...``,
    and for a promoter ``chrom:start-end|cell line|...|strand`` of its transcription start; BENGI's promoter
    is the interval from 1,500 bp before the start to 500 bp behind it. Transcripts that start at one base
    are one promoter, whose score is the mean of theirs.

A pair is known by the centres of its intervals, as everywhere in this package.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cbat.data.contigs import ContigNames
from cbat.data.foreign_formats import refuse_foreign
from cbat.data.text_files import first_row
from cbat.data.text_tables import TextTable, header_fields, read_headed
from cbat.data.windows import centre
from cbat.errors import UserError

KEY: Final = ["chrom", "enhancer_centre", "promoter_centre"]
"""What a pair is known by within a cell line."""
_OWN: Final = ("cell_line", "enhancer", "promoter", "score")
_TRANSEPI: Final = ("prediction", "enhancer", "promoter")
_INTERVAL: Final = r"^(?P<chrom>[^:|\s]+):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})"
_MEND_INTERVAL: Final = "write chrom:start-end, 0-based and half-open, such as chr1:1000-1500"
_MEND_NAME: Final = "give the names of BENGI, such as chr1:1000-1500|K562|EH37E0154510"
_START_TO_CENTRE: Final = {"+": -499, "-": 501}
"""From a transcription start to the centre of BENGI's promoter, bp."""


def read_peer(path: Path, contigs: ContigNames | None = None) -> pd.DataFrame:
    """Scored pairs of a peer.

    Parameters
    ----------
    path : Path
        A table in one of the two formats above.
    contigs : ContigNames, optional
        What files call contigs and what the genome does; without it names stay as they are.

    Returns
    -------
    DataFrame
        ``cell_line``, ``chrom``, ``enhancer_centre``, ``promoter_centre`` (bp, 0-based, rounded down),
        ``score``, ``merged`` (rows that were merged into this one, 0 for most), ``line`` (of the file);
        each pair of a cell line once, in the order of the file.

    Raises
    ------
    UserError
        The file is missing, damaged or neither format; an interval or score is malformed, the two ends
        of a pair lie on two chromosomes, or a pair occurs twice. Names file and line.
    """
    refuse_foreign(path, "scores")
    header = {name.lower() for name in header_fields(first_row(path)[1], "\t")}
    formats: dict[tuple[str, ...], Callable[[TextTable, ContigNames], pd.DataFrame]] = {
        _OWN: _of_intervals,
        _TRANSEPI: _of_bengi_names,
    }
    for columns, read in formats.items():
        if set(columns) <= set(header):
            table = read_headed(path, delimiter="\t", required=columns, comments=True)
            table = _without_repeated_headers(table)
            return read(table, contigs or ContigNames())
    raise UserError(
        "the table of a peer has neither of the two headers that are known",
        mend=f"name the columns in the first line, separated by tabs: {', '.join(_OWN)} "
        f"(or, for TransEPI: label, {', '.join(_TRANSEPI)})",
        file=path,
        where="line 1",
    )


def _without_repeated_headers(table: TextTable) -> TextTable:
    name, values = next(iter(table.columns.items()))
    kept = pc.not_equal(pc.utf8_lower(pc.utf8_ltrim(values, "# ")), name)
    columns = {column: cells.filter(kept) for column, cells in table.columns.items()}
    lines = table.lines[np.asarray(kept.to_numpy(zero_copy_only=False), dtype=bool)]
    if not len(lines):
        raise UserError(
            "the table has no rows", mend="add predictions, or name another file", file=table.path
        )
    return TextTable(table.path, columns, lines)


def _of_intervals(table: TextTable, contigs: ContigNames) -> pd.DataFrame:
    enhancer = _centres(table, "enhancer", f"{_INTERVAL}$", _MEND_INTERVAL)
    promoter = _centres(table, "promoter", f"{_INTERVAL}$", _MEND_INTERVAL)
    pairs = _pairs(table, table.names("cell_line"), enhancer, promoter, table.numbers("score"))
    pairs = contigs.rename(pairs, "chrom")
    twice = np.flatnonzero(pairs.duplicated(["cell_line", *KEY]))
    if len(twice):
        at = int(twice[0])
        same = (pairs[["cell_line", *KEY]] == pairs[["cell_line", *KEY]].iloc[at]).all(axis=1)
        first = pairs["line"].to_numpy()[int(np.argmax(same.to_numpy()))]
        raise UserError(
            f"this pair of {pairs['cell_line'].iloc[at]} stands in line {first} already (intervals of one "
            "centre are one element)",
            mend="give each pair of a cell line one score",
            file=table.path,
            where=f"line {pairs['line'].iloc[at]}",
        )
    return pairs


def _of_bengi_names(table: TextTable, contigs: ContigNames) -> pd.DataFrame:
    line = r"\|(?P<cell_line>[^|\s]+)\|"
    enhancer = _centres(table, "enhancer", _INTERVAL + line, _MEND_NAME)
    ends = rf"{_INTERVAL}{line}.*\|(?P<strand>[-+])$"
    promoter = _centres(table, "promoter", ends, f"{_MEND_NAME}; a promoter's ends in its strand")
    start = promoter["start"].to_numpy()
    promoter["centre"] = start + promoter["strand"].map(_START_TO_CENTRE).to_numpy()
    pairs = _pairs(table, enhancer["cell_line"].to_numpy(), enhancer, promoter, table.numbers("prediction"))
    pairs = contigs.rename(pairs, "chrom")
    grouped = pairs.groupby(["cell_line", *KEY], sort=False)
    merged = grouped.agg(
        score=("score", "mean"), merged=("score", "size"), line=("line", "min")
    ).reset_index()
    return merged.assign(merged=merged["merged"] - 1)[pairs.columns]


def _centres(table: TextTable, column: str, pattern: str, mend: str) -> pd.DataFrame:
    """``chrom``, ``start``, ``centre`` and whatever else the pattern names, one row for each pair."""
    values = table.matching(column, pattern, mend)
    # Few elements are in many pairs, so each name is taken apart once.
    encoded = pc.dictionary_encode(pa.concat_arrays(values.chunks))
    parts = pc.extract_regex(encoded.dictionary, pattern).flatten()
    names = [field.name for field in pc.extract_regex(encoded.dictionary, pattern).type]
    frame = pd.DataFrame({name: part.to_pylist() for name, part in zip(names, parts, strict=True)})
    frame = frame.astype({"start": np.int64, "end": np.int64})
    rows = np.asarray(encoded.indices.to_numpy(zero_copy_only=False))
    empty = (frame["start"] >= frame["end"]).to_numpy()
    if empty.any():
        at = int(np.argmax(empty[rows]))
        raise table.fail(at, f"{column} is {values[at].as_py()!r}, which holds no base", _MEND_INTERVAL)
    frame["centre"] = centre(frame["start"].to_numpy(), frame["end"].to_numpy())
    return frame.iloc[rows].reset_index(drop=True)


def _pairs(
    table: TextTable,
    cell_line: npt.NDArray[Any],
    enhancer: pd.DataFrame,
    promoter: pd.DataFrame,
    score: npt.NDArray[np.float64],
) -> pd.DataFrame:
    apart = (enhancer["chrom"] != promoter["chrom"]).to_numpy()
    if apart.any():
        at = int(np.argmax(apart))
        raise table.fail(
            at,
            f"the enhancer is on {enhancer['chrom'].iloc[at]}, the promoter on {promoter['chrom'].iloc[at]}",
            "leave out pairs of two chromosomes",
        )
    return pd.DataFrame(
        {
            "cell_line": cell_line,
            "chrom": enhancer["chrom"],
            "enhancer_centre": enhancer["centre"],
            "promoter_centre": promoter["centre"],
            "score": score,
            "merged": 0,
            "line": table.lines,
        }
    )
