"""Bases of the elements' windows, as one memory-mapped array of codes for each element type.

A base is one byte: A 0, C 1, G 2, T 3, and 4 for everything else. Lower case (soft-masked repeats) counts as
upper case; N, the ambiguous letters of IUPAC and positions beyond the ends of a contig are all 4.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.contig_text import UNKNOWN_BASE, Codes, Positions, open_contig
from cbat.data.genome import misfit
from cbat.data.stored import (
    StoredRows,
    check_files,
    open_array,
    read_manifest,
    read_table,
    start_directory,
    write_manifest,
    write_rows,
)
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import atomic_directory, atomic_file

FORMAT: Final = 1
_MEND: Final = "run extract_sequences again"
_PIECE: Final = 1 << 22
"""Bases that are looked at together, in the order of the table."""
_logger = logging.getLogger(__name__)


def run(*, genome_fasta: Path, elements_directory: Path, directory: Path, max_n: float | None = None) -> None:
    """Extract the windows of a cohort's elements from the genome.

    Parameters
    ----------
    genome_fasta : Path
        Uncompressed FASTA with its index (``.fai``) beside it.
    elements_directory : Path
        Folder of ``enhancer.parquet`` and ``promoter.parquet``.
    directory : Path
        Folder to write ``enhancer.npy``, ``promoter.npy`` and ``manifest.json`` to.
    max_n : float, optional
        ``elements.max_n``: where it is set, `collect_elements` has left out what is less known than that.

    Raises
    ------
    UserError
        The genome lacks a contig of the elements, FASTA and index do not belong together, a window holds
        a character that is not a base, or no base of a window is known and ``max_n`` is not set.
    """
    tallies = {role: _Tally() for role in ROLES}
    with atomic_directory(directory) as temporary:
        for role, tally in tallies.items():
            path = elements_directory / f"{role}.parquet"
            table = read_table(path, ["chrom", "start", "end"], mend="run collect_elements again")
            none = [np.empty((0, 0), dtype=np.uint8)]
            pieces = read_windows(genome_fasta, table, source=path) if len(table) else none
            tally.write(temporary / f"{role}.npy", pieces, len(table), _width(table, path))
            if max_n is None:
                _check_known(role, table, tally)
        _write_manifest(temporary, tallies)


class _Tally:
    """What is said of the codes of one element type, counted while they are written."""

    def __init__(self) -> None:
        self.shape = (0, 0)
        self.n_unknown_bases = 0
        self.without_sequence: list[int] = []

    def write(self, path: Path, pieces: Iterable[Codes], n_rows: int, width: int) -> None:
        """Write the codes, piece by piece."""
        self.shape = (n_rows, width)
        write_rows(path, self._counted(pieces), self.shape)

    def _counted(self, pieces: Iterable[Codes]) -> Iterator[Codes]:
        n_rows = 0
        for piece in pieces:
            unknown = np.count_nonzero(piece == UNKNOWN_BASE, axis=1)
            self.n_unknown_bases += int(unknown.sum())
            self.without_sequence += (n_rows + np.flatnonzero(unknown == piece.shape[1])).tolist()
            n_rows += len(piece)
            yield piece


def _width(table: pd.DataFrame, source: Path | None) -> int:
    """The length of all windows of a table, bp; 0 where there is none."""
    lengths = (table["end"] - table["start"]).unique()
    if len(lengths) > 1:
        raise UserError(
            f"windows of {min(lengths)} and {max(lengths)} bp in one table",
            mend="run collect_elements again",
            file=source,
        )
    return int(lengths[0]) if len(lengths) else 0


def _check_known(role: str, table: pd.DataFrame, tally: _Tally) -> None:
    """Make sure that of every window at least one base is known."""
    if unknown := tally.without_sequence:
        first = table.iloc[unknown[0]]
        raise UserError(
            f"of {len(unknown)} of {len(table)} {role}s the genome knows no base: their windows are full of "
            f"N, the first at {first['chrom']}:{first['start']}-{first['end']}",
            mend="set elements.max_n, for example to 0.5, to leave out and count what is not known; or name "
            "the assembly and the masking (soft, not hard) that the elements belong to",
        )


def fractions_of_n(
    genome_fasta: Path, windows: Mapping[str, pd.DataFrame]
) -> dict[str, npt.NDArray[np.float64]]:
    """Share of each window that is unknown: N, an ambiguous letter, or beyond the end of the contig.

    Parameters
    ----------
    genome_fasta : Path
        Uncompressed FASTA with its index (``.fai``) beside it.
    windows : mapping
        Role -> ``chrom``, ``start``, ``end``, as in :func:`read_windows`.

    Returns
    -------
    dict
        Role -> shape=(n,).
    """
    found = {}
    for role, table in windows.items():
        # In pieces, for the codes of all candidates of a genome need not be held at once.
        pieces = [(codes == UNKNOWN_BASE).mean(axis=1) for codes in read_windows(genome_fasta, table)]
        found[role] = np.concatenate([np.zeros(0), *pieces])
    return found


def read_windows(
    genome_fasta: Path, windows: pd.DataFrame, piece: int | None = None, *, source: Path | None = None
) -> Iterator[Codes]:
    """Codes of windows of one length, a piece of the table after the other.

    Parameters
    ----------
    genome_fasta : Path
        Uncompressed FASTA with its index (``.fai``) beside it.
    windows : DataFrame
        ``chrom``, ``start``, ``end``: 0-based and half-open; they may reach beyond the ends of a contig.
    piece : int, optional
        Windows in a piece; by default as many as hold some million bases.
    source : Path, optional
        Where the windows come from, for messages.

    Yields
    ------
    uint8 array, shape=(at most piece, window)

    Raises
    ------
    UserError
        The windows differ in length, a contig is missing, or the index does not fit the FASTA.
    """
    width = _width(windows, source)
    start, end = (windows[column].to_numpy() for column in ("start", "end"))
    contig, names = pd.factorize(windows["chrom"], use_na_sentinel=False)
    piece = piece or max(_PIECE // max(width, 1), 1)
    with _open_genome(genome_fasta) as genome:
        for name in names:
            if name not in genome:
                raise UserError(
                    f"the genome {genome.filename} has no contig {name!r}",
                    mend="give the assembly that the elements are positions of, with the same contig names",
                    file=source,
                )
        for at in range(0, len(windows), piece):
            number, left, right = (column[at : at + piece] for column in (contig, start, end))
            codes = np.empty((len(number), width), dtype=np.uint8)
            # One contig after the other and from left to right, so that the file is read forwards.
            order = np.lexsort((left, number))
            for row in np.split(order, np.flatnonzero(np.diff(number[order])) + 1):
                _read_contig(codes, row, left[row], right[row], genome, str(names[number[row[0]]]))
            yield codes


def _read_contig(
    codes: Codes, row: Positions, start: Positions, end: Positions, genome: Any, name: str
) -> None:
    """Read windows of one contig into rows of a table of codes."""
    # Opened for each piece, so that what is mapped of the file does not stay in memory.
    contig = open_contig(Path(genome.filename), name, genome.faidx.index[name])
    left, right = np.maximum(start, 0), np.minimum(end, len(genome[name]))
    whole = (left == start) & (right == end)
    contig.read_into(codes, row[whole], start[whole])
    for at in np.flatnonzero(~whole):
        part = contig.stretch(int(left[at]), int(right[at]))
        codes[row[at]] = UNKNOWN_BASE
        codes[row[at], left[at] - start[at] :][: len(part)] = part


def write_codes(directory: Path, codes: Mapping[str, Codes]) -> None:
    """Write the codes of both element types, and the manifest that :func:`read_codes` checks.

    Parameters
    ----------
    directory : Path
        Made if need be.
    codes : mapping
        ``enhancer`` and ``promoter`` -> uint8 array, shape=(n, window).
    """
    start_directory(directory)
    tallies = {role: _Tally() for role in ROLES}
    for role in ROLES:
        with atomic_file(directory / f"{role}.npy") as temporary:
            tallies[role].write(temporary, [codes[role]], *codes[role].shape)
    _write_manifest(directory, tallies)


def _write_manifest(directory: Path, tallies: Mapping[str, _Tally]) -> None:
    n_without_sequence = {role: len(tallies[role].without_sequence) for role in ROLES}
    fraction_n = {
        role: tally.n_unknown_bases / max(tally.shape[0] * tally.shape[1], 1)
        for role, tally in tallies.items()
    }
    content = {"format": FORMAT, "fraction_n": fraction_n, "n_without_sequence": n_without_sequence}
    write_manifest(directory, content, {f"{role}.npy": {"shape": [*tallies[role].shape]} for role in ROLES})
    for role, count in n_without_sequence.items():
        _logger.info("%d %ss, %.2f %% N", tallies[role].shape[0], role, 100 * fraction_n[role])
        if count:
            _logger.warning("%d of %d %ss have no base but N", count, tallies[role].shape[0], role)


def read_codes(directory: Path, role: str) -> Codes:
    """Memory-map the codes of one element type, once size and hash of the file have been checked.

    Parameters
    ----------
    directory : Path
        ``results/sequences/<cohort>``.
    role : {"enhancer", "promoter"}

    Returns
    -------
    uint8 array, shape=(n, window)

    Raises
    ------
    UserError
        The file or the manifest is missing, truncated or corrupt; the message names it.
    """
    directory, name = Path(directory), f"{role}.npy"
    files = [f"{each}.npy" for each in ROLES]
    manifest = read_manifest(directory, version=FORMAT, files=files, mend=_MEND)
    check_files(directory, {name: manifest["files"][name]}, mend=_MEND)
    return open_array(directory / name, mend=_MEND)


def stored_codes(
    directory: Path, role: str, rows: npt.NDArray[np.intp], *, n_elements: int, elements_directory: Path
) -> StoredRows:
    """Codes of some elements, checked as :func:`read_codes` does, with none of them in memory.

    Parameters
    ----------
    directory, role
        As of :func:`read_codes`.
    rows : array of int, shape=(n,)
        The elements.
    n_elements : int
        How many elements there are in all.
    elements_directory : Path
        Where they are, for messages.

    Raises
    ------
    UserError
        As :func:`read_codes`, and where the sequences are not those of the elements.
    """
    codes, path = read_codes(directory, role), Path(directory) / f"{role}.npy"
    if len(codes) != n_elements:
        raise UserError(
            f"{len(codes)} sequences for {n_elements} elements in {elements_directory}", mend=_MEND, file=path
        )
    return StoredRows(path, rows, codes.shape[1], _MEND)


def _open_genome(path: Path) -> Any:
    import pyfaidx

    mend = "run prepare_genome again"
    if not Path(path).is_file():
        raise UserError("the genome is missing", mend=mend, file=path)
    index = Path(f"{path}.fai")
    if index.is_file() and (why := misfit(Path(path), index)) is not None:
        raise UserError(
            f"its index does not fit it ({why}): the FASTA was changed after it was prepared",
            mend=mend,
            file=path,
        )
    try:
        return pyfaidx.Fasta(str(path), as_raw=True, rebuild=False)
    except (OSError, ValueError, pyfaidx.FastaIndexingError, pyfaidx.IndexNotFoundError) as error:
        raise UserError(f"the genome cannot be read ({error})", mend=mend, file=path) from error
