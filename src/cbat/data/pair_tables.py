"""Tables of labelled enhancer-promoter pairs, in any of the published formats.

All formats give the same table, with 0-based half-open coordinates. A new format is one module of
:mod:`cbat.data.importers` and one entry here; ``docs/formats.md`` says what each is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from cbat.config.base import LabelKind
from cbat.config.sheets import AUTO, NEEDS_THRESHOLD, TAKES_SCORE_COLUMN, TAKES_THRESHOLD, CellLine
from cbat.data.contigs import ContigNames
from cbat.data.foreign_formats import IBED, INTERACT, LONGRANGE, holds_intervals, refuse_foreign
from cbat.data.importers.bedpe import BEDPE, BEDPE_ENHANCER_FIRST, ENHANCER_FIRST
from cbat.data.importers.bengi import BENGI
from cbat.data.importers.common import (
    INTERVAL_COLUMNS,
    LEFT_OUT,
    FirstRow,
    PairFormat,
    PairSource,
    key_of,
)
from cbat.data.importers.coordinate_tables import CBAT, CBOEP, TARGETFINDER
from cbat.data.importers.crispr import ENCODE_CRISPR, OF_OTHERS
from cbat.data.importers.enhanceratlas import ENHANCERATLAS
from cbat.data.importers.loops import LOOPS
from cbat.data.importers.near_misses import near_miss
from cbat.data.importers.predictions import ABC, ENCODE_RE2G
from cbat.data.left_out import tell_left_out
from cbat.data.text_files import first_row
from cbat.errors import UserError

__all__ = ["INTERVAL_COLUMNS", "PAIR_FORMATS", "pairs_of", "read_pairs", "recognise"]

PAIR_FORMATS: Final[dict[str, PairFormat]] = {
    "cbat": CBAT,
    "targetfinder": TARGETFINDER,
    "cboep": CBOEP,
    "bengi": BENGI,
    "encode_crispr": ENCODE_CRISPR,
    "enhanceratlas": ENHANCERATLAS,
    "encode_re2g": ENCODE_RE2G,
    "abc": ABC,
    "loops": LOOPS,
    "bedpe": BEDPE,
    ENHANCER_FIRST: BEDPE_ENHANCER_FIRST,
}
"""Formats by name, in the order in which they are looked for."""
_LISTS: Final = (IBED, INTERACT, LONGRANGE)
"""Formats that are read as loops."""
LEAVES_OUT_WEAK: Final = frozenset({"enhanceratlas"})
"""Formats of which a threshold leaves pairs out in place of labelling them 0."""
CONTACTS_ALONE: Final = frozenset({"enhanceratlas", "loops"})
"""Formats that list no pair without a contact."""
KIND_OF: Final[dict[str, LabelKind]] = {
    **dict.fromkeys(("targetfinder", "cboep", "bengi", "enhanceratlas", "loops"), "contact"),
    "encode_crispr": "regulation",
}
"""What the labels of a format say; those that are not listed may say either."""


def check_kind(path: str | Path, pairs_format: str, kind: LabelKind) -> None:
    """Refuse labels that answer another question than the one that is asked.

    Parameters
    ----------
    path : str or Path
    pairs_format : str
        As in :func:`read_pairs`.
    kind : str
        What is asked.

    Raises
    ------
    UserError
    """
    known, says = kind_of(path, pairs_format)
    if says not in (kind, None):
        raise UserError(
            f"pairs in the format {known} say {says}, but {kind} is requested",
            mend=f"set labels.kind to {says}, or name pairs whose labels say {kind}: which loci "
            "touch and which enhancer regulates a gene are two questions",
            file=path,
        )


def kind_of(path: str | Path, pairs_format: str) -> tuple[str, LabelKind | None]:
    """Format of a table of pairs, and what its labels say; None where the format says neither.

    Raises
    ------
    UserError
        See :func:`recognise`.
    """
    known = recognise(path) if pairs_format == AUTO else pairs_format
    return known, KIND_OF.get(known)


def pairs_of(row: CellLine, contigs: ContigNames | None = None) -> pd.DataFrame:
    """The pairs that a row of the sheet of cell lines names; see :func:`read_pairs`."""
    return read_pairs(
        row.pairs_file,
        row.pairs_format,
        score_threshold=row.score_threshold,
        enhancers=row.enhancers,
        promoters=row.promoters,
        contigs=contigs,
        cell_line=row.cell_line,
        score_column=row.score_column,
    )


def undecided_pairs(row: CellLine, contigs: ContigNames | None = None) -> pd.DataFrame | None:
    """Contacts, and what :func:`pairs_of` leaves out as neither contact nor none; None if there is no such.

    Below its threshold an interaction of ``enhanceratlas`` is weak; that it was found absent nobody says.
    """
    pairs_format = recognise(row.pairs_file) if row.pairs_format == AUTO else row.pairs_format
    if pairs_format not in LEAVES_OUT_WEAK or row.score_threshold is None:
        return None
    return pairs_of(row.model_copy(update={"score_threshold": None}), contigs)


def read_pairs(
    path: str | Path,
    pairs_format: str,
    *,
    score_threshold: float | None = None,
    enhancers: Path | None = None,
    promoters: Path | None = None,
    contigs: ContigNames | None = None,
    cell_line: str | None = None,
    score_column: str | None = None,
) -> pd.DataFrame:
    """Read a table of labelled pairs.

    Parameters
    ----------
    path : str or Path
        Plain text or gzip.
    pairs_format : str
        A key of :data:`PAIR_FORMATS`, or ``auto`` to recognise it by the first row.
    score_threshold : float, optional
        For formats that give scores: pairs that score this much or more are contacts.
    enhancers, promoters : Path, optional
        Candidates, for ``loops`` and ``bedpe``.
    contigs : ContigNames, optional
        Names of contigs; without it they stay as they are.
    cell_line : str, optional
        Whose pairs are read of an ``encode_crispr`` table of several cell types.
    score_column : str, optional
        Column of the scores, of a table in which several could be.

    Returns
    -------
    pandas.DataFrame
        One row for each pair, in the order of the file: ``enhancer_chrom``, ``enhancer_start``,
        ``enhancer_end``, ``promoter_chrom``, ``promoter_start``, ``promoter_end`` (0-based half-open, bp),
        ``label`` (0 or 1), ``promoter_strand`` (``+``, ``-`` or ``.``) and ``line`` (from 1). Its attribute
        ``left_out`` counts rows that the format leaves out, by reason, if there are any.

    Raises
    ------
    UserError
        Unknown or unrecognised format; a file of another format, by its name; unreadable, truncated or
        empty file; missing column; another delimiter; a row with a missing field, a coordinate that is no
        whole number, an empty interval, another label than 0 and 1, or a score that is no number; a
        threshold that is missing or not needed; several columns of scores. Names the file and the line.
    """
    path = Path(path)
    if pairs_format == AUTO:
        pairs_format = recognise(path)
    if pairs_format not in PAIR_FORMATS:
        raise UserError(
            f"the format of pairs {pairs_format!r} is unknown",
            mend=f"use one of: {', '.join((AUTO, *PAIR_FORMATS))}",
            file=path,
        )
    refuse_foreign(path, "pairs", _LISTS if pairs_format == "loops" else ())
    _check_threshold(path, pairs_format, score_threshold)
    if score_column is not None and pairs_format not in TAKES_SCORE_COLUMN:
        raise UserError(
            f"pairs in the format {pairs_format} have no scores to choose, but there is a score_column",
            mend=f"leave out {key_of('score_column')}",
            file=path,
        )
    source = PairSource(
        path, score_threshold, enhancers, promoters, contigs or ContigNames(), cell_line, score_column
    )
    pairs = PAIR_FORMATS[pairs_format].read(source)
    # Rows of other cell lines are no loss.
    reasons = {reason: n for reason, n in pairs.attrs.get(LEFT_OUT, {}).items() if reason != OF_OTHERS}
    tell_left_out(path, len(pairs) + sum(reasons.values()), reasons)
    return pairs


def recognise(path: str | Path) -> str:
    """The format of a table of pairs, by its first row.

    Raises
    ------
    UserError
        It looks like none; the message lists what was looked for.
    """
    path = Path(path)
    row = FirstRow.of(path)
    for name, pair_format in PAIR_FORMATS.items():
        if pair_format.looks_like(row):
            return name
    refuse_foreign(path, "pairs")
    number, text = first_row(path)
    if holds_intervals(path):
        raise UserError(
            "this is a BED of intervals, not a table of pairs",
            mend="name a table of pairs; files of single elements are given as candidates (the columns "
            "enhancers and promoters of the sheet)",
            file=path,
            where=f"line {number}",
        )
    if (found := near_miss(path, text, PAIR_FORMATS)) is not None:
        raise UserError(found[0], mend=found[1], file=path, where=f"line {number}")
    looked_for = "; ".join(f"{name}: {one.described}" for name, one in PAIR_FORMATS.items())
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    raise UserError(
        f"the format of the pairs is not recognised by the row {shown!r}. Looked for: {looked_for}",
        mend=f"name the format in {key_of('pairs_format')}, or write the pairs in one of them; the "
        "format cbat is the plainest",
        file=path,
        where=f"line {number}",
    )


def _check_threshold(path: Path, pairs_format: str, score_threshold: float | None) -> None:
    if pairs_format in NEEDS_THRESHOLD and score_threshold is None:
        raise UserError(
            f"pairs in the format {pairs_format} have scores and no labels, and there is no threshold",
            mend=f"give a number in {key_of('score_threshold')}",
            file=path,
        )
    if pairs_format not in TAKES_THRESHOLD and score_threshold is not None:
        raise UserError(
            f"pairs in the format {pairs_format} have labels, so a score_threshold says nothing",
            mend=f"leave out {key_of('score_threshold')}; in a sheet write '.'",
            file=path,
        )
