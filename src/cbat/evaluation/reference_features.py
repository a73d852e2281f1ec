"""What the shortcut references look at: composition, distance, identity and artefacts of the elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.sequences import stored_codes
from cbat.data.stored import StoredRows, read_table
from cbat.errors import UserError

FloatArray = npt.NDArray[np.float64]
Role = Literal["enhancer", "promoter"]
_Predicate = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.bool_]]

K: Final = 4
SHRINKAGE: Final = 5.0
"""Pairs at the mean rate that are added to each element's own pairs."""
_ROWS_AT_ONCE: Final = 512
_UNKNOWN_BASE: Final = 4
_COLUMNS: Final = ("element_id", "start", "end", "source_start", "source_end")


def kmer_frequencies(codes: npt.NDArray[np.uint8] | StoredRows, k: int = K) -> FloatArray:
    """Frequencies of k-mers, each taken together with its reverse complement.

    Parameters
    ----------
    codes : uint8 array or StoredRows, shape=(n, window)
        A0 C1 G2 T3 N4; a k-mer with an N does not count.
    k : int

    Returns
    -------
    array, shape=(n, n_kmers)
        136 columns for k = 4; rows sum to 1, or to 0 where no k-mer is known.
    """
    column = _canonical(k)
    n_columns = int(column.max()) + 1
    result = np.zeros((len(codes), n_columns))
    for start in range(0, len(codes), _ROWS_AT_ONCE):
        part = np.asarray(codes[start : start + _ROWS_AT_ONCE], dtype=np.int64)
        width = part.shape[1] - k + 1
        if width < 1:
            continue
        number = np.zeros((len(part), width), dtype=np.int64)
        known = np.ones((len(part), width), dtype=bool)
        for offset in range(k):
            base = part[:, offset : offset + width]
            number = number * 4 + np.minimum(base, 3)
            known &= base < _UNKNOWN_BASE
        row = np.broadcast_to(np.arange(len(part))[:, None], number.shape)
        cell = (row * n_columns + column[number])[known]
        count = np.bincount(cell, minlength=len(part) * n_columns).reshape(len(part), n_columns)
        result[start : start + len(part)] = count / np.maximum(count.sum(axis=1, keepdims=True), 1)
    return result


def _canonical(k: int) -> npt.NDArray[np.int64]:
    """Column of each k-mer number; a k-mer and its reverse complement share one."""
    number = np.arange(4**k)
    digits = (number[:, None] // 4 ** np.arange(k - 1, -1, -1)) % 4  # (4^k, k), first base first
    reverse = ((3 - digits[:, ::-1]) * 4 ** np.arange(k - 1, -1, -1)).sum(axis=1)
    column: npt.NDArray[np.int64] = np.unique(np.minimum(number, reverse), return_inverse=True)[1]
    return column


@dataclass(frozen=True)
class Elements:
    """The elements of one type in one cohort.

    Attributes
    ----------
    table : DataFrame
        The rows of ``enhancer.parquet`` or ``promoter.parquet``.
    codes : StoredRows, shape=(n, window), or None
        Their bases, read some elements at a time; None in a run without a genome.
    """

    table: pd.DataFrame
    codes: StoredRows | None

    @classmethod
    def read(cls, elements: Path, sequences: Path | None, role: Role) -> Elements:
        """Open the elements of a cohort, with their sequences where there are any.

        Raises
        ------
        UserError
            A file is missing or damaged, or table and sequences disagree.
        """
        table = read_table(Path(elements) / f"{role}.parquet", _COLUMNS, mend="run collect_elements again")
        if sequences is None:
            return cls(table, None)
        codes = stored_codes(
            sequences, role, np.arange(len(table)), n_elements=len(table), elements_directory=elements
        )
        return cls(table, codes)

    def check(self, rows: npt.NDArray[np.intp], names: npt.NDArray[np.object_], source: Path) -> None:
        """Make sure that pairs mean these elements: rows of the table and names, shape=(n_pairs,) each.

        Raises
        ------
        UserError
            Naming the first pair that does not.
        """
        known = self.table["element_id"].to_numpy()
        inside = (rows >= 0) & (rows < len(known))
        strange = ~inside
        strange[inside] = known[rows[inside]] != names[inside]
        if strange.any():
            first = int(np.argmax(strange))
            raise UserError(
                f"{names[first]} of pair {first} is not element {rows[first]} of the cohort's {len(known)}",
                mend="use labels and elements of one cohort and one run: run label_pairs again",
                file=source,
            )

    def some(self, rows: npt.NDArray[np.intp]) -> Elements:
        """The elements in some rows of the table."""
        codes = None if self.codes is None else replace(self.codes, rows=self.codes.rows[rows])
        return Elements(self.table.iloc[rows], codes)

    @cached_property
    def composition(self) -> FloatArray:
        """GC content and 4-mer frequencies, shape=(n, 137); only where there are sequences."""
        return np.column_stack([self._gc, kmer_frequencies(self._bases)])

    @cached_property
    def artefacts(self) -> FloatArray:
        """Log source length, distance of the window's centre from the source's (bp), share of N.

        Without sequences the last is missing: shape=(n, 2) instead of (n, 3).
        """
        table = self.table
        length = (table["source_end"] - table["source_start"]).to_numpy(dtype=float)
        doubled = table["start"] + table["end"] - table["source_start"] - table["source_end"]
        found = [np.log(np.maximum(length, 1.0)), doubled.abs().to_numpy(dtype=float) / 2.0]
        if self.codes is not None:
            found.append(self._share(lambda codes: codes == _UNKNOWN_BASE))
        return np.column_stack(found)

    @property
    def _bases(self) -> StoredRows:
        if self.codes is None:
            raise ValueError("these elements have no sequences")
        return self.codes

    @cached_property
    def _gc(self) -> FloatArray:
        known = self._share(lambda codes: codes < _UNKNOWN_BASE)
        return self._share(lambda codes: (codes == 1) | (codes == 2)) / np.maximum(known, 1e-9)

    def _share(self, holds: _Predicate) -> FloatArray:
        bases = self._bases
        parts = [
            holds(np.asarray(bases[start : start + _ROWS_AT_ONCE])).mean(axis=1)
            for start in range(0, len(bases), _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty(0)


@dataclass(frozen=True)
class ElementRates:
    """Positive rate of each element in other cell lines, shrunk to the mean rate.

    Attributes
    ----------
    column : str
        ``enhancer_id`` or ``promoter_id``.
    mean : float
        Share of positives among all pairs.
    by_line : DataFrame
        ``sum`` and ``count`` of labels, by ``cell_line`` and ``column``.
    """

    column: str
    mean: float
    by_line: pd.DataFrame

    @classmethod
    def of(cls, pairs: pd.DataFrame, role: Role) -> ElementRates:
        """Rates of the labelled pairs of the training lines on training chromosomes.

        Parameters
        ----------
        pairs : DataFrame
            ``cell_line``, ``label``, ``enhancer_id``, ``promoter_id``.
        role : {"enhancer", "promoter"}
        """
        column = f"{role}_id"
        by_line = pairs.groupby(["cell_line", column])["label"].agg(["sum", "count"])
        return cls(column, float(pairs["label"].mean()), by_line)

    @cached_property
    def _everywhere(self) -> pd.DataFrame:
        return self.by_line.groupby(level=self.column).sum()

    def log_odds(self, pairs: pd.DataFrame) -> FloatArray:
        """Shrunk log-odds for the element of each pair, shape=(n,).

        The pair's own cell line never counts; an element that no other line has gets the mean.
        """
        keys = pd.MultiIndex.from_frame(pairs[["cell_line", self.column]])
        total = self._everywhere.reindex(pairs[self.column]).fillna(0.0).to_numpy(dtype=float)
        own = self.by_line.reindex(keys).fillna(0.0).to_numpy(dtype=float)
        positive, count = (total - own).T
        rate = (positive + SHRINKAGE * self.mean) / (count + SHRINKAGE)
        result: FloatArray = np.log(rate) - np.log1p(-rate)
        return result
