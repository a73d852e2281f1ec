"""What is said of the records of a file that are left out: how many, of how many, and why."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

WORTH_A_WARNING: Final = 0.01
"""The share of a file's records from which on leaving them out is a warning."""
_logger = logging.getLogger(__name__)


def tell_left_out(path: Path, total: int, reasons: Mapping[str, int]) -> None:
    """Log how many records of a file were left out, by reason: above 1% of them as a warning.

    Parameters
    ----------
    path : Path
        The file.
    total : int
        Records of the file, with those that are left out.
    reasons : mapping of str to int
        Why -> how many; a reason may be a key of a report (``left_out_by_contig_names``), whose
        underscores are written as spaces. Reasons without a record are not named.
    """
    n = sum(reasons.values())
    if n:
        level = logging.WARNING if is_worth_a_warning(n, total) else logging.INFO
        _logger.log(level, "%s: %s", path, in_words(total, reasons))


def in_words(total: int, reasons: Mapping[str, int]) -> str:
    """How many records of a file are left out, and why; see :func:`tell_left_out`."""
    given = {reason: count for reason, count in reasons.items() if count}
    told = ", ".join(
        f"{reason.replace('_', ' ')}: {count:,} ({count / max(total, 1):.1%})"
        for reason, count in given.items()
    )
    return f"{sum(given.values()):,} of {total:,} records are left out ({told})"


def is_worth_a_warning(left_out: int, total: int) -> bool:
    """Whether more than 1% of the records of a file are left out."""
    return left_out > WORTH_A_WARNING * total
