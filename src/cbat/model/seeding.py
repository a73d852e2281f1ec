"""Seeds of motif discovery: k-mers that tell cell lines apart or are over-represented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Codes = NDArray[np.uint8]
FEWEST_ELEMENTS = 8
LARGEST_SHARE = 0.9


@dataclass(frozen=True)
class KmerTable:
    """Which elements of one type hold which strand-free k-mers.

    Attributes
    ----------
    k : int
    member : sparse array, shape=(4**k, n_elements)
        One where the k-mer (base-4 number of the smaller of its two strands) occurs in the element.
    """

    k: int
    member: csr_array

    @classmethod
    def count(cls, codes: Codes, k: int) -> KmerTable:
        """Table of the k-mers of elements, codes shape=(n, length); windows with N are left out."""
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
        element = np.broadcast_to(np.arange(n, dtype=np.int32)[:, None], canonical.shape)[first]
        ones = np.ones(len(element), dtype=np.float32)
        return cls(k, csr_array((ones, (canonical[first], element)), shape=(4**k, n)))

    @property
    def n_elements(self) -> int:
        """Number of elements."""
        return int(self.member.shape[1])

    def presence(self) -> NDArray[np.float64]:
        """Number of elements that hold each k-mer, shape=(4**k,)."""
        return np.asarray(np.diff(self.member.indptr), dtype=np.float64)

    def _usable(self) -> NDArray[np.bool_]:
        count = self.presence()
        return np.asarray((count >= FEWEST_ELEMENTS) & (count < LARGEST_SHARE * self.n_elements))

    def association(self, targets: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Association with centred targets.

        Parameters
        ----------
        targets : array, shape=(n_elements, n_targets)
            Columns of mean zero.

        Returns
        -------
        array, shape=(4**k,)
            :math:`\sum_c z_c^2`, where :math:`z_c` compares the mean of target ``c`` with and without
            the k-mer; zero for rare and for ubiquitous k-mers.
        """
        count, usable = self.presence(), self._usable()
        total = self.member @ targets
        variance = (count * (1 - count / self.n_elements))[:, None] * np.maximum(targets.var(axis=0), 1e-12)
        squared = np.divide(total**2, variance, out=np.zeros_like(total), where=usable[:, None])
        return np.asarray(squared.sum(axis=1))

    def enrichment(self, codes: Codes) -> NDArray[np.float64]:
        """Standardised excess over a first-order Markov model of the same elements, shape=(4**k,)."""
        count = self.presence()
        expected = _expected_presence(codes, self.k)
        return np.asarray(np.where(self._usable(), (count - expected) / np.sqrt(np.maximum(expected, 1)), 0))


def _expected_presence(codes: Codes, k: int) -> NDArray[np.float64]:
    first, second = codes[:, :-1].ravel(), codes[:, 1:].ravel()
    known = (first < 4) & (second < 4)
    pairs = np.bincount(first[known] * 4 + second[known], minlength=16).reshape(4, 4).astype(float)
    pairs += pairs[::-1, ::-1].T + 1e-9
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
    span = codes.shape[1] - k + 1
    return np.asarray(np.where(reverse < kmer, 0.0, len(codes) * (1 - np.exp(-both * span))))


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
