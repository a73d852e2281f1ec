"""What a table of pairs that no format fits could be: one with other separators, or without some columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cbat.data.conversions import with_tabs
from cbat.data.importers.common import FirstRow, PairFormat

_SEPARATORS: Final = {"spaces": " ", "semicolons": ";", "bars": "|", "commas": ","}
_NEAR: Final = 0.5
"""A header with so large a share of the columns of a format may be meant as one."""


def near_miss(path: Path, text: str, formats: Mapping[str, PairFormat]) -> tuple[str, str] | None:
    """What is wrong with a table of pairs that is almost of a format, and what mends it; else None.

    Parameters
    ----------
    path : Path
    text : str
        The first row.
    formats : mapping
        Name -> format.
    """
    for separator, sign in _SEPARATORS.items():
        fields = tuple(text.split(None if sign == " " else sign))
        row = FirstRow(fields, ())
        if len(fields) > 1 and (name := next((n for n, one in formats.items() if one.looks_like(row)), None)):
            problem = f"the columns are those of the format {name}, but {separator} separate them, not tabs"
            return problem, with_tabs(path, sign)
    return _without_columns(text, formats)


def _without_columns(text: str, formats: Mapping[str, PairFormat]) -> tuple[str, str] | None:
    """A header that names most columns of a format, whatever stands between them."""
    given = {field.strip("\"' ").lower() for field in re.split(r"[\t,;| ]", text)}
    best: tuple[float, str, list[str]] = (0.0, "", [])
    for name, one in formats.items():
        missing = [column for column in one.columns if column.lower() not in given]
        share = 1.0 - len(missing) / max(len(one.columns), 1)
        if one.columns and share > best[0]:
            best = share, name, missing
    share, name, missing = best
    if share < _NEAR or not missing:
        return None
    return (
        f"the header is nearest to that of the format {name}, of which it lacks {', '.join(missing)}",
        "add the columns, or give those that hold it these names, for intervals 0-based and half-open",
    )
