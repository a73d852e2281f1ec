"""Files of known motifs, in MEME's or in JASPAR's text format.

No general parser reads them, so that a mistake is told with its line. Identifiers are the first word of
``MOTIF`` and ``>`` lines, and the names of factors the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.data.text_files import read_text
from cbat.errors import UserError

FloatArray = npt.NDArray[np.float64]

BASES: Final = "ACGT"
PSEUDOCOUNT: Final = 0.5
"""Added to each count of a base."""
_SUM_TOLERANCE: Final = 0.02
_MATRIX: Final = re.compile(r"^letter-probability matrix:(?P<keys>.*)$")
_MEND: Final = "give a file in MEME format, or JASPAR's position frequency matrices"


@dataclass(frozen=True)
class Motif:
    """A known motif.

    Attributes
    ----------
    name : str
        Name of the transcription factor where the file has one, else the identifier.
    probability : array, shape=(length, 4)
        Of A, C, G, T.
    """

    name: str
    probability: FloatArray


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


def read_motif_file(path: str | Path) -> list[Motif]:
    """Read all motifs of a file, plain or gzip.

    Raises
    ------
    UserError
        The file is missing, of another format, or a matrix in it is not one; the message names the line.

    References
    ----------
    MEME Suite, "MEME Motif Format"; JASPAR, "Position frequency matrices".
    """
    text = read_text(path).decode("utf-8")
    numbered = enumerate(text.split("\n"), start=1)
    lines = [_Line(number, line.strip()) for number, line in numbered if line.strip()]
    if lines[0].text.startswith("MEME version"):
        motifs = list(_meme(Path(path), lines))
    elif lines[0].text.startswith(">"):
        motifs = list(_jaspar(Path(path), lines))
    else:
        raise UserError(
            "the first line is neither 'MEME version ...' nor '> identifier name'",
            mend=_MEND,
            file=path,
            where=f"line {lines[0].number}",
        )
    if not motifs:
        raise UserError("the file holds no motif", mend=_MEND, file=path)
    return motifs


def _jaspar(path: Path, lines: Sequence[_Line]) -> Iterator[Motif]:
    starts = [row for row, line in enumerate(lines) if line.text.startswith(">")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        head, rows = lines[start], lines[start + 1 : end]
        if len(rows) != len(BASES):
            raise _fault(
                path, head, f"{len(rows)} rows follow and not four", "write one row for each of ACGT"
            )
        counts = [_base_row(path, line, base) for line, base in zip(rows, BASES, strict=True)]
        for line, row in zip(rows, counts, strict=True):
            if len(row) != len(counts[0]):
                raise _fault(
                    path, line, f"{len(row)} counts where the first row has {len(counts[0])}",
                    "write as many in each of the four rows",
                )  # fmt: skip
        table = np.array(counts).T
        if not len(table) or (table.sum(axis=1) <= 0).any():
            raise _fault(path, head, "a position has no count", "write counts that are not all zero")
        # A matrix of probabilities in this layout must not be swamped by pseudocounts.
        table = table + PSEUDOCOUNT * (table.sum(axis=1).max() > 1.5)
        yield Motif(_name(path, head, head.text[1:]), table / table.sum(axis=1, keepdims=True))


def _base_row(path: Path, line: _Line, base: str) -> list[float]:
    text = line.text.replace("[", " ").replace("]", " ").strip()
    if text[:1].isalpha():
        if text[0].upper() != base:
            raise _fault(
                path, line, f"the row starts with {text[0]!r} and not with {base!r}", "order them ACGT"
            )
        text = text[1:]
    return _numbers(path, line, text)


def _meme(path: Path, lines: Sequence[_Line]) -> Iterator[Motif]:
    name, at = "", 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.text.startswith("ALPHABET=") and line.text.partition("=")[2].strip() != BASES:
            raise _fault(path, line, "the alphabet is not that of DNA", "give DNA motifs, ALPHABET= ACGT")
        if line.text.startswith("MOTIF"):
            name = _name(path, line, line.text.removeprefix("MOTIF"))
        if (matrix := _MATRIX.match(line.text)) is None:
            continue
        if not name:
            raise _fault(path, line, "the matrix has no name", "write 'MOTIF identifier name' before it")
        length = _stated_length(path, line, matrix["keys"], lines[at:])
        yield Motif(name, _probabilities(path, lines[at : at + length]))
        name, at = "", at + length


def _stated_length(path: Path, line: _Line, keys: str, following: Sequence[_Line]) -> int:
    """The width ``w=`` of a matrix or, where it is left out, the number of rows of numbers that follow."""
    rows = next(
        (row for row, one in enumerate(following) if not re.match(r"[0-9.+-]", one.text)), len(following)
    )
    stated = re.search(r"\bw=\s*(\d+)", keys)
    length = int(stated[1]) if stated else rows
    if not 0 < length <= rows:
        raise _fault(
            path, line, f"{rows} rows of numbers follow and not {length}", "make w= the number of rows"
        )
    return length


def _probabilities(path: Path, lines: Sequence[_Line]) -> FloatArray:
    table = []
    for line in lines:
        row = _numbers(path, line, line.text)
        if len(row) != len(BASES) or abs(sum(row) - 1.0) > _SUM_TOLERANCE:
            raise _fault(
                path, line, f"{line.text!r} is not four probabilities that add up to 1",
                "write the probabilities of A, C, G and T",
            )  # fmt: skip
        table.append(row)
    probability = np.array(table)
    return np.asarray(probability / probability.sum(axis=1, keepdims=True))


def _numbers(path: Path, line: _Line, text: str) -> list[float]:
    try:
        values = [float(word) for word in text.split()]
    except ValueError as error:
        raise _fault(path, line, str(error), "write numbers, separated by spaces") from error
    if not all(0.0 <= value < np.inf for value in values):
        raise _fault(path, line, "a value is negative or not finite", "write counts or probabilities")
    return values


def _name(path: Path, line: _Line, text: str) -> str:
    words = text.split()
    if not words:
        raise _fault(path, line, "the motif has no name", "write an identifier and, after it, a name")
    return words[min(1, len(words) - 1)]


def _fault(path: Path, line: _Line, problem: str, mend: str) -> UserError:
    return UserError(problem, mend=mend, file=path, where=f"line {line.number}")
