"""Something that a user should know before believing a prediction, and what readers of files tell of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cbat.data.contigs import ELSEWHERE
from cbat.data.left_out import in_words, is_worth_a_warning

_KEY: Final = re.compile(rf"genome\.contig_names(?P<word>.*?) \({re.escape(ELSEWHERE)}\)")


@dataclass(frozen=True)
class Caution:
    """Something that a user should know before believing a prediction.

    Attributes
    ----------
    kind : str
        One word for programs.
    message : str
        A sentence for people.
    """

    kind: str
    message: str


def of_left_out(path: Path, total: int, reasons: Mapping[str, int]) -> list[Caution]:
    """Records of a file that are left out, where they are more than 1% of it.

    Parameters
    ----------
    path, total, reasons
        As :func:`cbat.data.left_out.tell_left_out`.
    """
    if not is_worth_a_warning(sum(reasons.values()), total):
        return []
    return [Caution("left_out", f"{path}: {in_words(total, reasons)}")]


def of_unmatched(warnings: Iterable[str]) -> list[Caution]:
    """Rows on contigs that another file lacks, see :func:`cbat.data.contig_checks.elsewhere`."""
    told = "--contig-names (in a configuration genome.contig_names)"
    return [Caution("unmatched_contigs", _KEY.sub(rf"{told}\g<word>", warning)) for warning in warnings]
