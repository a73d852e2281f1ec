"""Bases of one contig as codes, straight from the lines of a FASTA that is mapped into memory.

A base is one byte: A 0, C 1, G 2, T 3, and 4 for everything else, see :mod:`cbat.data.sequences`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cbat.errors import UserError

Codes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

UNKNOWN_BASE: Final = 4
NO_BASE: Final = 5
"""Code of a character that is not a base; it is never stored."""
_AMBIGUOUS: Final = "NRYSWKMBDHVUX-"
"""What IUPAC (1984) has for more than one base, uracil, and the signs for masked bases and gaps."""
_ENDS: Final = b"\r\n"
"""Ends of lines."""
_PORTION: Final = 1 << 19
"""Bytes that are looked at together: they stay in the processor's cache."""


def _code_of_character() -> Codes:
    table = np.full(256, NO_BASE, dtype=np.uint8)
    for letter in _AMBIGUOUS:
        table[[ord(letter), ord(letter.lower())]] = UNKNOWN_BASE
    for code, letter in enumerate("ACGT"):
        table[[ord(letter), ord(letter.lower())]] = code
    return table


_TRANSLATION: Final = _code_of_character().tobytes()
_UPPER: Final = np.uint8(0xDF)
"""The bits that the two cases of a letter share in ASCII."""
_A_OR_C: Final = np.uint8(0xDD)
"""The bits that A and C share in either case, and share with no other character."""


@dataclass(frozen=True)
class ContigText:
    """Where the bases of a contig lie in a file.

    Attributes
    ----------
    file : Path
        The FASTA, for messages.
    text : uint8 array
        The bytes of the contig, from its first base on.
    name : str
        The contig.
    record : pyfaidx.IndexRecord
        ``lenc`` bases and ``lenb`` bytes in a line, ``rlen`` bases in all.
    """

    file: Path
    text: Codes
    name: str
    record: Any

    def read_into(self, codes: Codes, row: Positions, start: Positions) -> None:
        """Read windows of one width, all inside the contig, into rows of a table of codes.

        Whole lines are copied, their ends cut off, and the windows copied out of what is left; a window whose
        lines reach beyond the end of the contig is read by :meth:`stretch`, and so is every window of a
        portion whose lines do not end where the index says, to find the place.

        Parameters
        ----------
        codes : uint8 array, shape=(at least n, window)
            To be filled; the window is at least 1 bp.
        row : int array, shape=(n,)
            The row of each window.
        start : int array, shape=(n,)
            0-based first positions.

        Raises
        ------
        UserError
            As :meth:`stretch`.
        """
        if not len(start):
            return
        bases, line, width = self.record.lenc, self.record.lenb, codes.shape[1]
        n_lines = -(-(width - 1) // bases) + 1
        # Lines much longer than a window are not worth copying.
        by_lines = start // bases + n_lines <= self.record.rlen // bases
        by_lines &= (n_lines * line <= 4 * width) & (start // bases * line + n_lines * line <= len(self.text))
        # An index that says otherwise is damaged.
        by_lines &= bases < line
        rest = [np.flatnonzero(~by_lines)]
        whole = np.flatnonzero(by_lines)
        portion = max(_PORTION // (n_lines * line), 1)
        for at in range(0, len(whole), portion):
            some = whole[at : at + portion]
            rows = row[some]
            # Rows that follow each other, as in a sorted table, are written where they belong.
            follow = bool((np.diff(rows) == 1).all())
            found = self._from_lines(
                start[some], width, n_lines, codes[rows[0] : rows[-1] + 1] if follow else None
            )
            if found is None:
                rest.append(some)
            elif not follow:
                codes[rows] = found
        for one in np.concatenate(rest):
            codes[row[one]] = self.stretch(int(start[one]), int(start[one]) + width)

    def stretch(self, start: int, end: int) -> Codes:
        """Codes of the positions [start, end), which lie inside the contig, shape=(end - start,).

        Raises
        ------
        UserError
            The lines are not as the index says, or a character stands for no base.
        """
        if start >= end:
            return np.empty(0, dtype=np.uint8)
        text = self.text[self._byte(start) : self._byte(end - 1) + 1].tobytes()
        codes = text.translate(_TRANSLATION, _ENDS)
        if len(codes) != end - start:
            raise UserError(
                f"{self.name}:{start}-{end} holds {len(codes)} bases: the index does not fit the FASTA",
                mend="run prepare_genome again",
                file=self.file,
            )
        if NO_BASE in codes:
            at = start + codes.index(NO_BASE)
            base = chr(self.text[self._byte(at)])
            raise UserError(
                f"{self.name} has {base!r} at position {at} (from 0), which is not a base",
                mend="give a genome of DNA: A, C, G, T, N and the other IUPAC codes, in upper or lower case",
                file=self.file,
            )
        return np.frombuffer(codes, dtype=np.uint8)

    def _byte(self, position: int) -> int:
        line, base = divmod(position, self.record.lenc)
        return int(line * self.record.lenb + base)

    def _from_lines(self, start: Positions, width: int, n_lines: int, out: Codes | None) -> Codes | None:
        """Codes of windows whose lines are whole; None if the lines hold something else than bases."""
        bases, line = self.record.lenc, self.record.lenb
        first, offset = np.divmod(start, bases)
        kinds = [("bases", f"V{bases}"), ("end", np.uint8, line - bases)]
        lines = _rows(self.text, first * line, n_lines * line).view(kinds)
        if (lines["end"] != np.frombuffer(_ENDS, dtype=np.uint8)[len(_ENDS) - (line - bases) :]).any():
            return None
        joined = np.frombuffer(lines["bases"].tobytes(), dtype=np.uint8)
        # What follows is written where these were, in the processor's cache.
        del lines
        text = _rows(joined, np.arange(len(start)) * (n_lines * bases) + offset, width)
        del joined
        return _codes(text, out)


def open_contig(file: Path, name: str, record: Any) -> ContigText:
    """A contig of a FASTA, mapped into memory by itself, so that the pages of others need not stay there.

    Parameters
    ----------
    file : Path
        Uncompressed FASTA.
    name : str
    record : pyfaidx.IndexRecord

    """
    lines, rest = divmod(record.rlen, record.lenc or 1)
    # Whole lines have an end, though the last of the file may lack it.
    size = min(lines * record.lenb + rest, max(file.stat().st_size - record.offset, 0))
    if not size:
        return ContigText(file, np.empty(0, dtype=np.uint8), name, record)
    mapped = np.memmap(file, dtype=np.uint8, mode="r", offset=record.offset, shape=(size,))
    # A plain array over the map: a memmap hands its own kind on to every part and costs time at each.
    return ContigText(file, np.asarray(mapped), name, record)


def _codes(text: Codes, out: Codes | None = None) -> Codes | None:
    """Codes of rows of characters, as the table has them; None if one of them stands for no base."""
    known = (text & _A_OR_C) == ord("A")
    upper = text & _UPPER
    for letter in b"GT":
        known |= upper == letter
    # Quicker than the table: the two highest bits of these products of bytes are 0, 1, 2 and 3.
    codes = np.multiply(text, np.uint8(24), out=out)
    codes >>= np.uint8(6)
    if not known.all():
        odd = np.flatnonzero(~known.all(axis=1))
        translated = text[odd].tobytes().translate(_TRANSLATION)
        if NO_BASE in translated:
            return None
        codes[odd] = np.frombuffer(translated, dtype=np.uint8).reshape(len(odd), -1)
    return codes


def _rows(text: Codes, first: Positions, width: int) -> Codes:
    """Copies of ``width`` bytes from each of the places ``first``, shape=(n, width)."""
    # What sliding_window_view gives, without its checks, which cost as much as the copy.
    rows: Codes = np.lib.stride_tricks.as_strided(text, (len(text) - width + 1, width), (1, 1))[first]
    return rows
