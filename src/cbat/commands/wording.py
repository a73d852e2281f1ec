"""Messages in the words of a command: options in place of the keys of a configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cbat.data.contigs import ELSEWHERE
from cbat.errors import UserError


def _option(found: re.Match[str]) -> str:
    return f"give --{found[1].replace('_', '-')}"


def _without_option(found: re.Match[str]) -> str:
    return f"leave out --{found[1].replace('_', '-')}"


_OPTIONS: Final[tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]] = (
    (r"write '\.' for the threshold, or", "leave out --score-threshold, or"),
    (r"but the sheet of cell lines gives a score_threshold", "and --score-threshold is given"),
    (r"lower the threshold in the sheet of cell lines", "lower --score-threshold"),
    (r", or write '\.' to take those of the pairs", ""),
    (rf" \({re.escape(ELSEWHERE)}\)", ""),
    (r"(?:genome|landscape)\.contig_names", "--contig-names"),
    (r"landscape\.signals\.(\w+)", r"--signals \1"),
    (r"landscape\.insulator_motifs", "--insulator-motifs"),
    (r"landscape\.genes", "--genes"),
    (r"(?:give a number|name the format) in the column (\w+) of the sheet of cell lines", _option),
    (r"write '\.' in the column (\w+) of the sheet of cell lines", _without_option),
    (r"write '\.' for (the one|a kind of track) that (?:the line|it) lacks", r"leave out \1 that it lacks"),
)
"""What a message may say -> what it says to somebody who has no configuration."""


@contextmanager
def words_of_options() -> Iterator[None]:
    """Tell a user's mistake by the options of the command line.

    Raises
    ------
    UserError
        The one of the block, with its keys replaced.
    """
    try:
        yield
    except UserError as error:
        problem, mend = as_options(error.problem), as_options(error.mend)
        raise UserError(problem, mend=mend, file=error.file, where=error.where) from error


def as_options(text: str) -> str:
    """A message with options in place of keys."""
    for key, option in _OPTIONS:
        text = re.sub(key, option, text)
    return text
