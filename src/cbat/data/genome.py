"""Unpack, check and index the reference genome."""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from pathlib import Path
from typing import Final

import pandas as pd
import pyfaidx

from cbat.data.text_files import GZIP_MAGIC, unreadable
from cbat.errors import UserError
from cbat.files import atomic_file, atomic_link, remove, replace_by

_PIECE: Final = 1 << 22
_MEND_EMPTY: Final = "remove it, or copy the file again if it ends too early"
_MEND_LINES: Final = "wrap every contig in lines of one length, for example by 'seqkit seq -w 60'"


def run(*, fasta: Path, directory: Path, copy: bool = False) -> None:
    """Write ``genome.fa``, ``genome.fa.fai`` and ``contig_sizes.tsv``.

    A plain FASTA with a sound index (``.fai``) beside it is linked, see :func:`sound_index`, unless ``copy``.

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
        A file that is missing, truncated or no FASTA; a contig that is empty, that occurs twice, or whose
        lines are of different lengths.
    """
    directory, fasta = Path(directory), Path(fasta)
    if (sound := None if copy else sound_index(fasta)) is not None:
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
    """The index beside a plain FASTA, if it is as new as the file and ends where the file ends.

    Then the file need not be copied, which for a genome takes gigabytes. In all other cases, an unreadable
    file among them, there is no such index.
    """
    index = fasta.with_name(fasta.name + ".fai")
    try:
        with open(fasta, "rb") as raw:
            if raw.read(1) != b">":
                return None
        if index.stat().st_mtime < fasta.stat().st_mtime:
            return None
        rows = [line.split("\t") for line in index.read_text(encoding="utf-8").splitlines()]
        # samtools faidx: name, bases, offset of the first base, bases in a line, bytes in a line.
        ends = []
        for _, *numbers in rows:
            length, offset, bases, width = map(int, numbers[:4])
            if length <= 0:
                return None
            ends.append(offset + (length - 1) // bases * width + (length - 1) % bases + 1)
        unread = fasta.stat().st_size - max(ends)
        named = len({row[0] for row in rows}) == len(rows)
    except (OSError, UnicodeDecodeError, ValueError, ZeroDivisionError):
        return None
    return index if named and 0 <= unread <= len(b"\r\n") else None


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
            out.write(first)
            shutil.copyfileobj(source, out, _PIECE)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"the gzip file is truncated or damaged ({error})",
            mend="copy or download it again, and test it with 'gzip -t'",
            file=fasta,
        ) from error


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
    try:
        with pyfaidx.Faidx(str(fasta), rebuild=True) as index:
            sizes = [(name, int(record.rlen)) for name, record in index.index.items()]
    except (pyfaidx.FastaIndexingError, RuntimeError, ValueError) as error:
        raise first_fault(fasta, named) or UserError(
            f"the FASTA cannot be indexed ({error})",
            mend="give every contig a name of its own and lines of one length",
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
                return fault(number, problem, "give every contig a name of its own, or delete one of the two")
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
