"""Seeds of motif discovery: k-mers that tell cell lines apart or are over-represented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
FEWEST_ELEMENTS = 8
LARGEST_SHARE = 0.9
_PIECE = 256
"""Elements whose k-mers are listed together."""


class Bases(Protocol):
    """Codes of elements, shape=(n, length), in memory or read when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements and bases."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | NDArray[np.intp], /) -> Codes: ...


@dataclass(frozen=True)
class KmerTable:
    """How many elements of one type hold each strand-free k-mer, and what they are targets of.

    Attributes
    ----------
    k, n_elements : int
    presence : array, shape=(4**k,)
        Elements that hold each k-mer (base-4 number of the smaller of its two strands).
    pairs : array, shape=(4, 4)
        How often each base follows each other, on either strand.
    length : int
        Of an element, bp.
    total : array, shape=(4**k, n_targets)
        Sum of the targets of those elements.
    variance : array, shape=(n_targets,)
        Of each target over all elements.
    """

    k: int
    n_elements: int
    length: int
    presence: NDArray[np.float64]
    pairs: NDArray[np.float64]
    total: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def count(cls, codes: Bases, k: int, targets: NDArray[np.float64]) -> KmerTable:
        """Count the k-mers of elements, some elements at a time; windows with N are left out.

        Parameters
        ----------
        codes : Bases, shape=(n, length)
        k : int
        targets : array, shape=(n, n_targets)
            Columns of mean zero.
        """
        presence, total = np.zeros(4**k), np.zeros((targets.shape[1], 4**k))
        pairs = np.zeros((4, 4))
        for at in range(0, len(codes), _PIECE):
            part = codes[at : at + _PIECE]
            element, kmer = _kmers(part, k)
            presence += np.bincount(kmer, minlength=4**k)
            for column, target in zip(total, targets[at : at + _PIECE].T, strict=True):
                np.add.at(column, kmer, target[element])
            pairs += _pairs(part)
        # Row by row, for the order in memory is the order in which targets are added up.
        by_kmer = np.ascontiguousarray(total.T)
        return cls(k, len(codes), codes.shape[1], presence, pairs, by_kmer, targets.var(axis=0))

    def _usable(self) -> NDArray[np.bool_]:
        count = self.presence
        return np.asarray((count >= FEWEST_ELEMENTS) & (count < LARGEST_SHARE * self.n_elements))

    def association(self) -> NDArray[np.float64]:
        r"""Association with the targets.

        Returns
        -------
        array, shape=(4**k,)
            :math:`\sum_c z_c^2`, where :math:`z_c` compares the mean of target ``c`` with and without
            the k-mer; zero for rare and for ubiquitous k-mers.
        """
        count, usable = self.presence, self._usable()
        variance = (count * (1 - count / self.n_elements))[:, None] * np.maximum(self.variance, 1e-12)
        squared = np.divide(self.total**2, variance, out=np.zeros_like(self.total), where=usable[:, None])
        return np.asarray(squared.sum(axis=1))

    def enrichment(self) -> NDArray[np.float64]:
        """Standardised excess over a first-order Markov model of the same elements, shape=(4**k,)."""
        expected = self._expected_presence()
        excess = (self.presence - expected) / np.sqrt(np.maximum(expected, 1))
        return np.asarray(np.where(self._usable(), excess, 0))

    def _expected_presence(self) -> NDArray[np.float64]:
        pairs, k = self.pairs + (self.pairs[::-1, ::-1].T + 1e-9), self.k
        chance = pairs.sum(axis=1) / pairs.sum()
        step = pairs / pairs.sum(axis=1, keepdims=True)
        for _ in range(k - 1):
            chance = (chance[:, None] * np.tile(step, (len(chance) // 4, 1))).reshape(-1)
        kmer = np.arange(4**k)
        reverse, rest = np.zeros(4**k, dtype=np.int64), kmer.copy()
        for _ in range(k):
            reverse = reverse * 4 + 3 - rest % 4
            rest //= 4
        both = np.where(reverse == kmer, chance, chance + chance[reverse])
        span = self.length - k + 1
        return np.asarray(np.where(reverse < kmer, 0.0, self.n_elements * (1 - np.exp(-both * span))))


def _kmers(codes: Codes, k: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Element and number of the k-mers of elements, each once for an element that holds it."""
    n, length = codes.shape
    span = max(length - k + 1, 0)
    forward = np.zeros((n, span), dtype=np.int32)
    reverse = np.zeros((n, span), dtype=np.int32)
    unknown = np.zeros((n, span), dtype=bool)
    for j in range(k):
        column = codes[:, j : j + span].astype(np.int32)
        unknown |= column > 3
        forward = forward * 4 + column
        reverse += (3 - column) * 4**j
    canonical = np.minimum(forward, reverse)
    canonical[unknown] = 4**k
    canonical.sort(axis=1)
    first = np.ones_like(unknown)
    first[:, 1:] = canonical[:, 1:] != canonical[:, :-1]
    first &= canonical < 4**k
    return np.nonzero(first)[0], canonical[first]


def _pairs(codes: Codes) -> NDArray[np.float64]:
    """How often each known base follows each other on the strand that is read, shape=(4, 4)."""
    first, second = codes[:, :-1].ravel(), codes[:, 1:].ravel()
    known = (first < 4) & (second < 4)
    return np.bincount(first[known] * 4 + second[known], minlength=16).reshape(4, 4).astype(float)


def choose_seeds(
    score: NDArray[np.float64], k: int, n: int, taken: list[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """Best k-mers, none a shifted or slightly changed copy of another.

    Parameters
    ----------
    score : array, shape=(4**k,)
    taken : list of arrays, shape=(k,)
        Seeds chosen before.

    Returns
    -------
    list of arrays, shape=(k,)
        At most ``n`` seeds as base codes.
    """
    chosen: list[NDArray[np.int64]] = []
    for kmer in np.argsort(-score, kind="stable")[: 100 * n]:
        if len(chosen) == n or score[kmer] <= 0:
            break
        digits = kmer // 4 ** np.arange(k - 1, -1, -1) % 4
        if not any(_is_copy(digits, other) for other in taken + chosen):
            chosen.append(digits)
    return chosen


def _is_copy(a: NDArray[np.int64], b: NDArray[np.int64]) -> bool:
    k = len(a)
    for other in (b, 3 - b[::-1]):
        for shift in range(-2, 3):
            left = a[max(shift, 0) : k + min(shift, 0)]
            right = other[max(-shift, 0) : k + min(-shift, 0)]
            if (left == right).sum() >= k - 1 - abs(shift):
                return True
    return False
