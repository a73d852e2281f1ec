"""Random DNA with human-like composition, and motif instances planted in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Drawn = TypeVar("Drawn", bound=np.generic)
SLOT_LENGTH = 26
CPG_RATIO = 0.25
SHORTEST_GAP = 200
_BASES_TOGETHER = 32
_ROWS_TOGETHER = 1_000


def transition_matrix(gc_content: float, cpg_ratio: float = CPG_RATIO) -> NDArray[np.float64]:
    """Order-1 Markov chain with a given GC content and depleted CpG.

    Parameters
    ----------
    gc_content : float
        Share of C and G before CpG depletion.
    cpg_ratio : float
        Observed over expected CpG; about 0.2 to 0.25 in the human genome (Saxonov et al. 2006).

    Returns
    -------
    array, shape=(4, 4)
        Row: previous base; column: next base; order A, C, G, T.
    """
    base = np.array([1 - gc_content, gc_content, gc_content, 1 - gc_content]) / 2
    matrix = np.tile(base, (4, 1))
    lost = matrix[1, 2] * (1 - cpg_ratio)
    matrix[1, 2] -= lost
    # Methylated CpG decays to TpG and CpA, so the lost mass goes to the next base A and T.
    matrix[1, [0, 3]] += lost / 2
    return matrix


@dataclass(frozen=True)
class SequenceFile:
    """Random sequences in a file, which holds them as they are drawn: all first bases, and so on.

    Attributes
    ----------
    path : Path
        Stretches of ``_BASES_TOGETHER`` bases, the first of all sequences, then the second of those that
        are long enough, and so on.
    length : array of int, shape=(n,)
        Of each sequence, bp.
    """

    path: Path
    length: NDArray[np.int64]

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        path: Path,
        gc_content: NDArray[np.float64],
        length: NDArray[np.int64],
        cpg_ratio: float = CPG_RATIO,
    ) -> SequenceFile:
        """Draw one Markov sequence per GC content.

        Random numbers are drawn for sequences of one length, so that a sequence does not depend on the
        lengths of the others.

        Parameters
        ----------
        path : Path
            File to write.
        gc_content : array, shape=(n,)
            GC content of each sequence; rounded to steps of 0.02.
        length : array of int, shape=(n,)
            Length of each sequence, bp.
        cpg_ratio : float
            As in :func:`transition_matrix`.
        """
        return cls.write(path, _bases(rng, gc_content, int(length.max()), cpg_ratio), length)

    @classmethod
    def write(cls, path: Path, drawn: Iterator[NDArray[np.int64]], length: NDArray[np.int64]) -> SequenceFile:
        """Write sequences base by base.

        Parameters
        ----------
        path : Path
            File to write.
        drawn : iterator of array of int, shape=(n,)
            The first base of all sequences, then the second of all, up to the longest length.
        length : array of int, shape=(n,)
            Length of each sequence, bp.
        """
        longest = int(length.max())
        together = np.zeros((_BASES_TOGETHER, len(length)), dtype=np.uint8)
        with open(path, "wb") as file:
            for position, bases in enumerate(drawn):
                at = position % _BASES_TOGETHER
                together[at] = bases
                if at == _BASES_TOGETHER - 1 or position == longest - 1:
                    file.write(together[:, length > position - at].T.tobytes())
        return cls(path, length)

    @cached_property
    def _start(self) -> NDArray[np.int64]:
        """Where the stretches of each number begin in the file, shape=(n_stretches + 1,)."""
        reaching = _n_reaching(self.length, _n_stretches(self.length))
        return np.concatenate([[0], _BASES_TOGETHER * reaching.cumsum()])

    def read(self, first: int, last: int) -> Codes:
        """Sequences from ``first`` to before ``last``.

        Returns
        -------
        array of uint8, shape=(last - first, at least the longest of them)
            Codes A 0, C 1, G 2, T 3; beyond the end of a sequence they say nothing.
        """
        length = self.length[first:last]
        n_stretches = _n_stretches(length)
        before = _n_reaching(self.length[:first], n_stretches)
        codes = np.zeros((last - first, n_stretches, _BASES_TOGETHER), dtype=np.uint8)
        with open(self.path, "rb") as file:
            for stretch in range(n_stretches):
                reaching = np.flatnonzero(length > stretch * _BASES_TOGETHER)
                file.seek(int(self._start[stretch] + _BASES_TOGETHER * before[stretch]))
                bases = np.frombuffer(file.read(_BASES_TOGETHER * len(reaching)), dtype=np.uint8)
                codes[reaching, stretch] = bases.reshape(len(reaching), _BASES_TOGETHER)
        return codes.reshape(last - first, n_stretches * _BASES_TOGETHER)


def _n_stretches(length: NDArray[np.int64]) -> int:
    """Stretches of the longest sequence."""
    return -(-int(length.max(initial=0)) // _BASES_TOGETHER)


def _n_reaching(length: NDArray[np.int64], n_stretches: int) -> NDArray[np.int64]:
    """How many sequences reach into each stretch, shape=(n_stretches,)."""
    own = -(-length // _BASES_TOGETHER)
    return np.asarray(len(own) - np.bincount(own, minlength=n_stretches + 1)[:n_stretches].cumsum())


def _bases(
    rng: np.random.Generator, gc_content: NDArray[np.float64], length: int, cpg_ratio: float
) -> Iterator[NDArray[np.int64]]:
    """The first base of all sequences, then the second of all, and so on, shape=(n,) each."""
    levels = np.clip(np.round(gc_content / 0.02).astype(int), 5, 40)
    cumulative = np.stack([transition_matrix(level * 0.02, cpg_ratio).cumsum(axis=1) for level in range(41)])
    # One row for each bound between two bases: (3, n * 4), the last axis by sequence and base before.
    bounds = np.ascontiguousarray(cumulative[levels, :, :3].astype(np.float32).reshape(-1, 3).T)
    first = 4 * np.arange(len(levels))
    state = rng.integers(0, 4, len(levels))
    for _ in range(length):
        draw = rng.random(len(levels), dtype=np.float32)
        here = first + state
        state = sum((bound[here] < draw for bound in bounds), start=np.zeros_like(here))
        yield state


@dataclass(frozen=True)
class Instances:
    """Instances of one motif.

    Attributes
    ----------
    row : array of int, shape=(n,)
        Sequence that holds each, ascending.
    start : array of int, shape=(n,)
        Where each begins in its sequence, bp.
    bases : array of uint8, shape=(n, width)
    """

    row: NDArray[np.int32]
    start: NDArray[np.int32]
    bases: Codes

    def plant(self, codes: Codes, first: int) -> None:
        """Write those of some sequences into them, in place.

        Parameters
        ----------
        codes : array of uint8, shape=(n, length)
        first : int
            Which of all sequences the first of ``codes`` is.
        """
        ends = np.array([first, first + len(codes)], dtype=self.row.dtype)
        own = slice(*np.searchsorted(self.row, ends))
        columns = self.start[own, None] + np.arange(self.bases.shape[1])
        codes[self.row[own, None] - first, columns] = self.bases[own]


def draw_instances(
    rng: np.random.Generator,
    length: int,
    presence: NDArray[np.bool_],
    forward: NDArray[np.bool_],
    matrices: list[NDArray[np.float64]],
    sharpness: float,
) -> list[Instances]:
    """One instance of each present motif, by motif.

    Instances are drawn base by base from the matrix to the power ``sharpness`` and lie in disjoint
    slots of ``SLOT_LENGTH`` bp, so no instance overwrites another.

    Parameters
    ----------
    length : int
        Of a sequence, bp.
    presence : array of bool, shape=(n, n_motifs)
        No row may hold more motifs than there are slots.
    forward : array of bool, shape=(n, n_motifs)
        Strand of each instance.
    """
    n_slots = length // SLOT_LENGTH
    number = np.min_scalar_type(n_slots)
    slots = random_rows(rng, len(presence), n_slots, lambda drawn: drawn.argsort(axis=1).astype(number))
    rank = presence.cumsum(axis=1, dtype=np.int16) - 1
    found = []
    for k, matrix in enumerate(matrices):
        rows = np.flatnonzero(presence[:, k])
        power = matrix**sharpness
        cumulative = (power / power.sum(axis=1, keepdims=True)).cumsum(axis=1)
        bases = random_rows(rng, len(rows), len(matrix), partial(_bases_of, cumulative))
        backward = ~forward[rows, k]
        bases[backward] = 3 - bases[backward][:, ::-1]
        spare = SLOT_LENGTH - len(matrix)
        start = slots[rows, rank[rows, k]] * np.int32(SLOT_LENGTH) + rng.integers(0, spare + 1, len(rows))
        found.append(Instances(rows.astype(np.int32), start.astype(np.int32), bases))
    return found


def _bases_of(cumulative: NDArray[np.float64], drawn: NDArray[np.float64]) -> Codes:
    return np.asarray((cumulative[None, :, :3] < drawn[:, :, None]).sum(axis=2), dtype=np.uint8)


def random_rows(
    rng: np.random.Generator,
    n: int,
    n_columns: int,
    of: Callable[[NDArray[np.float64]], NDArray[Drawn]],
) -> NDArray[Drawn]:
    """What a function makes of uniform random numbers, some rows at a time, shape=(n, n_columns)."""
    pieces = [min(_ROWS_TOGETHER, n - at) for at in range(0, max(n, 1), _ROWS_TOGETHER)]
    return np.concatenate([of(rng.random((piece, n_columns))) for piece in pieces])
