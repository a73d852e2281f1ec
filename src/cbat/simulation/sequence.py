"""Random DNA with human-like composition, and motif instances planted in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
SLOT_LENGTH = 26
CPG_RATIO = 0.25
SHORTEST_GAP = 200
_BASES_TOGETHER = 64


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


def random_sequences(
    rng: np.random.Generator, gc_content: NDArray[np.float64], length: int, cpg_ratio: float = CPG_RATIO
) -> Codes:
    """One Markov sequence per GC content.

    Parameters
    ----------
    gc_content : array, shape=(n,)
        GC content of each sequence; rounded to steps of 0.02.
    length : int
        Length of every sequence, bp.

    Returns
    -------
    array of uint8, shape=(n, length)
        Codes A 0, C 1, G 2, T 3.
    """
    codes = np.empty((len(gc_content), length), dtype=np.uint8)
    # Some bases of all sequences at a time: one by one they would be written far apart from one another.
    together = np.empty((_BASES_TOGETHER, len(gc_content)), dtype=np.uint8)
    for position, bases in enumerate(_bases(rng, gc_content, length, cpg_ratio)):
        together[position % _BASES_TOGETHER] = bases
        n_new = position % _BASES_TOGETHER + 1
        if n_new == _BASES_TOGETHER or position == length - 1:
            codes[:, position + 1 - n_new : position + 1] = together[:n_new].T
    return codes


def fill_gaps(
    rng: np.random.Generator,
    genome: Codes,
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    gc_content: NDArray[np.float64],
) -> None:
    """Write one Markov sequence into each gap of a genome, in place.

    Random numbers are drawn for gaps of one length, so that the sequence of a gap does not depend on the
    lengths of the others.

    Parameters
    ----------
    genome : array of uint8, shape=(n_bases,)
    start, length, gc_content : arrays, shape=(n,)
        Of each gap; gaps do not overlap.
    """
    for position, bases in enumerate(_bases(rng, gc_content, int(length.max()), CPG_RATIO)):
        reached = np.flatnonzero(length > position)
        genome[start[reached] + position] = bases[reached]


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


def plant_motifs(
    rng: np.random.Generator,
    codes: Codes,
    presence: NDArray[np.bool_],
    forward: NDArray[np.bool_],
    matrices: list[NDArray[np.float64]],
    sharpness: float,
) -> None:
    """Write one instance of each present motif into the sequences, in place.

    Instances are drawn base by base from the matrix to the power ``sharpness`` and lie in disjoint
    slots of ``SLOT_LENGTH`` bp, so no instance overwrites another.

    Parameters
    ----------
    codes : array of uint8, shape=(n, length)
    presence : array of bool, shape=(n, n_motifs)
        No row may hold more motifs than there are slots.
    forward : array of bool, shape=(n, n_motifs)
        Strand of each instance.
    """
    n, length = codes.shape
    slots = rng.random((n, length // SLOT_LENGTH)).argsort(axis=1)
    rank = presence.cumsum(axis=1) - 1
    for k, matrix in enumerate(matrices):
        rows = np.flatnonzero(presence[:, k])
        power = matrix**sharpness
        cumulative = (power / power.sum(axis=1, keepdims=True)).cumsum(axis=1)
        draws = rng.random((len(rows), len(matrix), 1))
        instances = (cumulative[None, :, :3] < draws).sum(axis=2).astype(np.uint8)
        backward = ~forward[rows, k]
        instances[backward] = 3 - instances[backward][:, ::-1]
        spare = SLOT_LENGTH - len(matrix)
        starts = slots[rows, rank[rows, k]] * SLOT_LENGTH + rng.integers(0, spare + 1, len(rows))
        codes[rows[:, None], starts[:, None] + np.arange(len(matrix))] = instances
