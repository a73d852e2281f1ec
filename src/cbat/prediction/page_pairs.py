"""The pairs that the page of a prediction holds, and how the scores of all pairs are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.windows import ROLES
from cbat.model.environment import FloatArray
from cbat.prediction.gather import read_pairs

BINS: Final = 60
_ELEMENT: Final = ("chrom", "start", "end", "name")


@dataclass(frozen=True)
class ScoreSpread:
    """Histogram of the scores of all pairs.

    Attributes
    ----------
    edges : array, shape=(n_bins + 1,)
    contacts, others : int array, shape=(n_bins,)
        Pairs that are called contacts, and those that are not.
    """

    edges: FloatArray
    contacts: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]

    @classmethod
    def of(cls, files: Sequence[Path]) -> ScoreSpread:
        """Read all pairs twice: for the bounds, and to count."""
        low, high = np.inf, -np.inf
        for part in _parts(files, ["score"]):
            low, high = min(low, float(part["score"].min())), max(high, float(part["score"].max()))
        if low > high:
            low, high = 0.0, 1.0
        edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
        counts = np.zeros((2, BINS), dtype=np.int64)
        for part in _parts(files, ["score", "contact"]):
            contact = part["contact"].to_numpy()
            for row, which in enumerate((contact, ~contact)):
                counts[row] += np.histogram(part["score"].to_numpy()[which], bins=edges)[0]
        return cls(edges, counts[0], counts[1])


def _parts(files: Sequence[Path], columns: Sequence[str] | None) -> Any:
    for path in files:
        for part in read_pairs(path, columns):
            if len(part):
                yield part


def best_pairs(files: Sequence[Path], most: int) -> pd.DataFrame:
    """The called pairs of every promoter, then the others, as many ranks as fit, the best score first.

    So every gene has what is called for it as long as there is room. Of the last rank that is not kept
    whole, those with the highest scores are; of equal scores the first.

    Parameters
    ----------
    files : sequence of Path
        Scored pairs of each chromosome.
    most : int

    Returns
    -------
    DataFrame
        The rows of the scored pairs.
    """
    cut = _Cut.of(files, most)
    found, seen = [], 0
    for part in _parts(files, None):
        place = cut.places(part)
        kept = place <= cut.whole
        next_place = np.flatnonzero(place == cut.whole + 1)
        kept[next_place] = cut.some[seen : seen + len(next_place)]
        seen += len(next_place)
        found.append(part[kept])
    if not found:
        return pd.DataFrame()
    table = pd.concat(found, ignore_index=True)
    order = np.argsort(-table["score"].to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


@dataclass(frozen=True)
class _Cut:
    """Where the pairs of a page end, by places: called pairs have their ranks, the others come after these.

    Attributes
    ----------
    longest : int
        Last rank of a called pair.
    whole : int
        Up to which place all pairs are kept.
    some : bool array
        Which pairs of the next place are kept, in the order of the files.
    """

    longest: int
    whole: int
    some: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, files: Sequence[Path], most: int) -> _Cut:
        called, others = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        for part in _parts(files, ["rank", "contact"]):
            rank, contact = part["rank"].to_numpy(), part["contact"].to_numpy()
            called = _sum(called, np.bincount(rank[contact], minlength=1))
            others = _sum(others, np.bincount(rank[~contact], minlength=1))
        longest, total = len(called) - 1, np.cumsum(np.concatenate([called, others[1:]]))
        whole = int(np.searchsorted(total, most, side="right")) - 1
        cut = cls(longest, whole, np.zeros(0, dtype=bool))
        scores = [
            part["score"].to_numpy()[cut.places(part) == whole + 1]
            for part in _parts(files, ["rank", "contact", "score"])
        ]
        score = np.concatenate([np.zeros(0), *scores])
        some = np.zeros(len(score), dtype=bool)
        some[np.argsort(-score, kind="stable")[: most - int(total[whole])]] = True
        return cls(longest, whole, some)

    def places(self, pairs: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Place of each pair, from 1."""
        rank = pairs["rank"].to_numpy().astype(np.int64)
        places: npt.NDArray[np.int64] = np.where(pairs["contact"].to_numpy(), rank, self.longest + rank)
        return places


def _sum(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sum of counts of two lengths."""
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total


def compact(pairs: pd.DataFrame, chroms: Sequence[str]) -> dict[str, Any]:
    """Pairs as JSON holds them in little space: columns, and every element once.

    Parameters
    ----------
    pairs : DataFrame
        Of :func:`best_pairs`.
    chroms : sequence of str
        Chromosomes of the page, by whose places they are named.

    Returns
    -------
    dict
        ``enhancers`` and ``promoters``: columns ``chrom``, ``start``, ``end``, ``name``; ``pairs``:
        columns, with ``enhancer`` and ``promoter`` as rows of these, and ``abc`` where it is known.
    """
    content: dict[str, Any] = {}
    columns: dict[str, list[Any]] = {}
    place = {chrom: at for at, chrom in enumerate(chroms)}
    for role in ROLES:
        if pairs.empty:
            content[f"{role}s"], columns[role] = {name: [] for name in _ELEMENT}, []
            continue
        ids = pairs[f"{role}_id"].astype(str)
        _, first, codes = np.unique(ids, return_index=True, return_inverse=True)
        own = pairs.iloc[first]
        content[f"{role}s"] = {
            "chrom": own["chrom"].astype(str).map(place).tolist(),
            "name": own[f"{role}_name"].astype(str).tolist(),
            "start": own[f"{role}_start"].tolist(),
            "end": own[f"{role}_end"].tolist(),
        }
        columns[role] = codes.tolist()
    if not pairs.empty:
        for name in ("distance", "rank"):
            columns[name] = pairs[name].tolist()
        columns["called"] = pairs["contact"].astype(int).tolist()
        columns["probability"] = pairs["probability"].round(4).tolist()
        for name, column in (("potential", "intrinsic_potential"), ("resistance", "environment_resistance")):
            columns[name] = pairs[column].astype(np.float64).round(3).tolist()
        columns["score"] = pairs["score"].round(3).tolist()
        abc = pairs["abc"].astype(np.float64).round(4)
        if abc.notna().any():
            columns["abc"] = abc.astype(object).where(abc.notna(), None).tolist()
    content["pairs"] = columns
    return content
