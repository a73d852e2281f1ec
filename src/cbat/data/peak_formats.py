"""Which format a file of intervals has: narrowPeak, broadPeak or BED.

The first six columns of the three are the same. Columns 7 to 9 of narrowPeak and broadPeak are
``signalValue``, ``pValue`` and ``qValue``; column 10 of narrowPeak is the summit, in bp from the start, or -1
(UCSC Genome Browser, "ENCODE narrowPeak" and "ENCODE broadPeak").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cbat.data.bed_files import STRANDS, Opening

WIDTHS: Final = {"narrowPeak": 10, "broadPeak": 9}
"""Columns of the formats whose peaks have statistics."""
WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|inf|infinity)", re.IGNORECASE)


def format_of(path: Path, opening: Opening) -> str:
    """Format by the name of the file, else by number and content of the columns of the first interval.

    Returns
    -------
    str
        ``narrowPeak``, ``broadPeak`` or ``BED``.
    """
    fields, width = opening.fields, len(opening.fields)
    for name, columns in WIDTHS.items():
        if f".{name.lower()}" in path.name.lower() and width >= columns:
            return name
    for name, columns in WIDTHS.items():
        if width == columns and _are_statistics(fields):
            return name
    return "BED"


def has_thick_part(fields: Sequence[str]) -> bool:
    """Whether columns 7 and 8 of an interval of a BED are positions inside it (0-based half-open)."""
    whole = [int(value) for value in (*fields[1:3], *fields[6:8]) if WHOLE.fullmatch(value)]
    return len(whole) == 4 and whole[0] <= whole[2] <= whole[3] <= whole[1]


def _are_statistics(fields: Sequence[str]) -> bool:
    """Whether columns 7 to 9 are statistics, and not thick part and colour of a BED with nine columns."""
    if fields[5] not in STRANDS or not all(map(_NUMBER.fullmatch, fields[6:9])):
        return False
    return not has_thick_part(fields)
