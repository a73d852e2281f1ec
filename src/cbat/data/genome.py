"""Unpack, check and index the reference genome."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd

from cbat.data.text_files import GZIP_MAGIC, unreadable
from cbat.errors import UserError
from cbat.files import atomic_file, atomic_link, remove, replace_by

_PIECE: Final = 1 << 22
_LINES: Final = 256
"""Lines of a contig whose ends are compared with an index."""
_LOOKED_AT: Final = 1 << 20
"""Bytes of a FASTA of which the letters are looked at."""
_BASES: Final = b"ACGTUNRYKMSWBDHVXacgtunrykmswbdhvx.-* \t"
"""Bases and what stands for several or for none (IUPAC)."""
_LONGEST_HEADER: Final = 1 << 16
_ENDS: Final = b"\r\n"
"""Ends of lines."""
_logger = logging.getLogger(__name__)
_MEND_EMPTY: Final = "remove it, or copy the file again if it ends too early"
_MEND_LINES: Final = "wrap every contig in lines of equal length, for example by 'seqkit seq -w 60'"


def run(*, fasta: Path, directory: Path, copy: bool = False) -> None:
    """Write ``genome.fa``, ``genome.fa.fai`` and ``contig_sizes.tsv``.

    A plain FASTA with a sound index (``.fai``) beside it is linked, see :func:`sound_index`, unless ``copy``.
    Any other is copied and indexed; an index beside it that does not fit is warned of.

    Parameters
    ----------
    fasta : Path
        Genome, plain, gzip or bgzip; it is not changed.
    directory : Path
        Where the three files go.
    copy : bool
        Copy what could be linked, as for a cache that others share.

    Raises
    ------
    UserError
        A file that is missing, truncated, no FASTA or one of proteins; a contig that is empty, that occurs
        twice, or whose lines are of different lengths.
    """
    directory, fasta = Path(directory), Path(fasta)
    if (sound := None if copy else sound_index(fasta)) is not None:
        check_bases(_first_bytes(fasta, _LOOKED_AT), fasta)
        sizes = _link(fasta, sound, directory)
    else:
        # A link of an earlier run names a file of the user, which a file in its place must not be written to.
        if (directory / "genome.fa").is_symlink():
            remove(directory / "genome.fa")
        with atomic_file(directory / "genome.fa") as temporary:
            unpack(fasta, temporary)
            index = temporary.with_name(temporary.name + ".fai")
            try:
                sizes = contig_sizes(temporary, fasta)
                replace_by(index, directory / "genome.fa.fai")
            finally:
                index.unlink(missing_ok=True)
    # An index older than its FASTA looks stale to the programs that read it.
    (directory / "genome.fa.fai").touch()
    with atomic_file(directory / "contig_sizes.tsv") as temporary:
        sizes.to_csv(temporary, sep="\t", index=False, lineterminator="\n")


def sound_index(fasta: Path) -> Path | None:
    """The index beside a plain FASTA, if it fits the content of the file; see :func:`misfit`.

    Then the file need not be copied, which for a genome takes gigabytes. In all other cases, an unreadable
    file among them, there is no such index. One that is there and does not fit is warned of.
    """
    index = fasta.with_name(fasta.name + ".fai")
    if not index.is_file() or _first_bytes(fasta, 1) != b">":
        return None
    if (why := misfit(fasta, index)) is None:
        return index
    _logger.warning(
        "%s does not fit %s (%s), so the FASTA is reindexed; 'samtools faidx %s' rebuilds the index",
        index, fasta, why, fasta,
    )  # fmt: skip
    return None


def misfit(fasta: Path, index: Path) -> str | None:
    """Why an index does not fit a plain FASTA, or None where it does.

    Times and lengths say nothing: a file may be copied, edited, or hold contigs of one length in another
    order. So the content is looked at: between two contigs of the index stands nothing but the header of the
    latter, nothing is left before the first and behind the last, and lines end where the index says. Of long
    contigs :data:`_LINES` lines are looked at, spread over all.

    Parameters
    ----------
    fasta : Path
        Plain FASTA.
    index : Path
        As `samtools faidx` writes it: name, bases, offset of the first base, bases and bytes in a line.
    """
    try:
        rows = [line.split("\t") for line in index.read_text(encoding="utf-8").splitlines()]
        records = sorted((_Record(row[0], *map(int, row[1:5])) for row in rows), key=lambda one: one.offset)
        if len({record.name for record in records}) < len(records):
            return "it names a contig twice"
        if not records:
            return "it is empty"
        with open(fasta, "rb") as raw:
            end = 0
            for record in records:
                if (why := _misfit_of(raw, record, end)) is not None:
                    return why
                end = record.end
            raw.seek(end)
            rest = raw.read(_LONGEST_HEADER)
    except (OSError, UnicodeDecodeError, ValueError, TypeError, ZeroDivisionError) as error:
        return f"it cannot be read: {error}"
    return f"something follows {records[-1].name!r}" if rest.strip(_ENDS) else None


@dataclass(frozen=True)
class _Record:
    """A row of an index: a contig, its bases, the offset of the first, bases and bytes of a line."""

    name: str
    length: int
    offset: int
    bases: int
    width: int

    @property
    def end(self) -> int:
        """Offset behind the last base."""
        return self.offset + (self.length - 1) // self.bases * self.width + (self.length - 1) % self.bases + 1


def _misfit_of(raw: BinaryIO, record: _Record, before: int) -> str | None:
    """Why a contig of an index is not in the file there; ``before`` is the end of the contig before it."""
    name = record.name
    if record.length <= 0 or not 0 < record.bases < record.width <= record.bases + len(_ENDS):
        return f"its numbers of {name!r} cannot be"
    if not before < record.offset <= before + _LONGEST_HEADER:
        return f"{name!r} does not follow the contig before it"
    raw.seek(before)
    text = raw.read(record.offset - before)
    header = text.lstrip(_ENDS)
    is_one_line = header[:1] == b">" and header.find(b"\n") == len(header) - 1
    if not is_one_line or header[1:].split()[:1] != [name.encode()]:
        return f"the header of {name!r} does not stand before its bases"
    if before and text[:1] not in (b"\n", b"\r"):
        return f"{name!r} does not begin where the contig before it ends"
    n_lines = (record.length - 1) // record.bases
    for line in {n_lines * step // _LINES for step in range(_LINES)} if n_lines else ():
        raw.seek(record.offset + line * record.width)
        piece = raw.read(record.width)
        bases, line_end = piece[: record.bases], piece[record.bases :]
        if len(piece) < record.width or line_end.strip(_ENDS) or line_end[-1:] != b"\n" or b"\n" in bases:
            return f"lines of {name!r} do not end where it says"
    raw.seek(record.offset + n_lines * record.width)
    last = raw.read(record.end - record.offset - n_lines * record.width)
    if b"\n" in last or b">" in last or len(last) != (record.length - 1) % record.bases + 1:
        return f"the last line of {name!r} is not where it says"
    return None


def _first_bytes(path: Path, n: int) -> bytes:
    try:
        with open(path, "rb") as raw:
            return raw.read(n)
    except OSError:
        return b""


def _link(fasta: Path, index: Path, directory: Path) -> pd.DataFrame:
    """Link a FASTA and copy its index into a folder; the sizes of its contigs, as the index has them."""
    text = index.read_text(encoding="utf-8")
    with atomic_file(directory / "genome.fa.fai") as temporary:
        temporary.write_text(text, encoding="utf-8")
    # A relative path stays relative, so that both may move together.
    relative = os.path.relpath(fasta.absolute(), directory.absolute())
    atomic_link(fasta if fasta.is_absolute() else relative, directory / "genome.fa")
    rows = [line.split("\t")[:2] for line in text.splitlines()]
    sizes = [(name, int(length)) for name, length in rows]
    return pd.DataFrame(sizes, columns=pd.Index(["contig", "length"]))


def unpack(fasta: Path, target: Path) -> None:
    """Copy a plain FASTA, or unpack one that gzip or bgzip compressed.

    Raises
    ------
    UserError
        See :func:`run`.
    """
    try:
        with open(fasta, "rb") as raw:
            packed = raw.read(2) == GZIP_MAGIC
    except OSError as error:
        raise unreadable(fasta, error) from error
    try:
        with gzip.open(fasta) if packed else open(fasta, "rb") as source, open(target, "wb") as out:
            first = source.read(_PIECE)
            if not first.startswith(b">"):
                raise UserError(
                    "this is not a FASTA file: it does not start with '>'",
                    mend="name a genome in FASTA format, plain, gzip or bgzip",
                    file=fasta,
                )
            check_bases(first[:_LOOKED_AT], fasta)
            out.write(first)
            shutil.copyfileobj(source, out, _PIECE)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"the gzip file is truncated or damaged ({error})",
            mend="copy or download it again, and test it with 'gzip -t'",
            file=fasta,
        ) from error


def check_bases(text: bytes, fasta: Path) -> None:
    """Refuse letters that are not bases.

    Parameters
    ----------
    text : bytes
        The beginning of a FASTA, unpacked.
    fasta : Path
        The file that the message names.

    Raises
    ------
    UserError
        A protein, or something else that is no nucleic acid. Names the line.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        odd = b"" if line.startswith((b">", b";")) else line.translate(None, _BASES)
        if odd:
            shown = ", ".join(sorted({chr(letter) for letter in odd}))
            raise UserError(
                f"the sequence has letters that are not bases ({shown}), as proteins have",
                mend="name a genome: sequences of A, C, G, T and N",
                file=fasta,
                where=f"line {number}",
            )


def contig_sizes(fasta: Path, named: Path) -> pd.DataFrame:
    """Index a plain FASTA and list its contigs.

    Parameters
    ----------
    fasta : Path
        The index goes beside it.
    named : Path
        The file that messages name.

    Returns
    -------
    DataFrame
        ``contig`` and ``length`` (bp), in the order of the file.

    Raises
    ------
    UserError
        See :func:`run`.
    """
    import pyfaidx  # slow to import, and most stages that import this module index nothing

    try:
        with pyfaidx.Faidx(str(fasta), rebuild=True) as index:
            sizes = [(name, int(record.rlen)) for name, record in index.index.items()]
    except (pyfaidx.FastaIndexingError, RuntimeError, ValueError) as error:
        raise first_fault(fasta, named) or UserError(
            f"the FASTA cannot be indexed ({error})",
            mend="give every contig a unique name and lines of equal length",
            file=named,
        ) from error
    if empty := [name for name, length in sizes if length == 0]:
        raise first_fault(fasta, named) or UserError(
            f"the contig {empty[0]!r} has no sequence", mend=_MEND_EMPTY, file=named
        )
    return pd.DataFrame(sizes, columns=pd.Index(["contig", "length"]))


def first_fault(fasta: Path, named: Path) -> UserError | None:
    """The error for the first line that spoils a FASTA; looked for after a failure only.

    Parameters
    ----------
    fasta : Path
        A plain FASTA.
    named : Path
        The file that the message names.
    """

    def fault(line: int, problem: str, mend: str) -> UserError:
        return UserError(problem, mend=mend, file=named, where=f"line {line}")

    seen: dict[str, int] = {}
    contig, width, odd = "", 0, 0
    with open(fasta, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.rstrip("\n")
            if not line.startswith(">"):
                if odd:
                    problem = (
                        f"inside the contig {contig!r} the lines are of different lengths, or one is empty"
                    )
                    return fault(odd, problem, _MEND_LINES)
                width = width or len(text)
                odd = number if len(text) != width or not text else 0
                continue
            if seen and not width:
                return fault(seen[contig], f"the contig {contig!r} has no sequence", _MEND_EMPTY)
            contig, width, odd = next(iter(text[1:].split()), ""), 0, 0
            if not contig:
                return fault(number, "a contig has no name", "write its name right after the '>'")
            if contig in seen:
                problem = f"the contig {contig!r} is already in line {seen[contig]}"
                return fault(number, problem, "give every contig a unique name, or delete one of the two")
            seen[contig] = number
    if seen and not width:
        return fault(seen[contig], f"the contig {contig!r} has no sequence", _MEND_EMPTY)
    return None


def read_contig_sizes(path: Path) -> dict[str, int]:
    """Length of each contig, bp.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype={"contig": str, "length": "int64"}, keep_default_na=False)
        table = table[["contig", "length"]]
    except (OSError, ValueError, KeyError) as error:
        problem = f"the lengths of contigs cannot be read ({error})"
        raise UserError(problem, mend="run prepare_genome again", file=path) from error
    return dict(zip(table["contig"], table["length"].tolist(), strict=True))
