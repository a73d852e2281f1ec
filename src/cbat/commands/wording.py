"""Messages in the words of a command: options in place of the keys of a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cbat.data.contigs import ELSEWHERE
from cbat.errors import UserError

_CALLED: Final = {"enhancers": "--candidates"}
"""Options that are not called as the key is."""


def _option(key: re.Match[str]) -> str:
    return _CALLED.get(key[1], f"--{key[1].replace('_', '-')}")


_OPTIONS: Final = (
    (r"(\w+) \(a column of the sheet of cell lines, or a key of a prediction\)", _option),
    (r"; in a sheet write '\.'", ""),
    (
        r"the columns enhancers and promoters of the sheet(?: \(promoters: or a GTF\))?",
        "--candidates and --promoters (or --genes)",
    ),
    (r" \(predict: (--[\w-]+)\)", r" (\1)"),
    (rf" \({re.escape(ELSEWHERE)}\)", ""),
    (r"(?:genome|landscape)\.contig_names", "--contig-names"),
    (r"landscape\.signals\.(\w+)", r"--signals \1"),
    (r"landscape\.insulator_motifs", "--insulator-motifs"),
    (r"landscape\.genes", "--genes"),
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
