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
_ELEMENT: Final = ("chrom", "start", "end", "name", "strand")


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
    """The best pairs of every promoter, as many of each as fit, the highest score first.

    So every gene is found as long as there are no more promoters than ``most``; else those with the highest
    scores are. Of equal scores the first are taken.

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
    whole, some = _cut(files, most)
    found, seen = [], 0
    for part in _parts(files, None):
        rank = part["rank"].to_numpy()
        kept = rank <= whole
        next_rank = np.flatnonzero(rank == whole + 1)
        kept[next_rank] = some[seen : seen + len(next_rank)]
        seen += len(next_rank)
        found.append(part[kept])
    if not found:
        return pd.DataFrame()
    table = pd.concat(found, ignore_index=True)
    order = np.argsort(-table["score"].to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _cut(files: Sequence[Path], most: int) -> tuple[int, npt.NDArray[np.bool_]]:
    """Up to which rank all pairs are kept, and which of the next rank, in the order of the files."""
    counts = np.zeros(1, dtype=np.int64)
    for part in _parts(files, ["rank"]):
        own = np.bincount(part["rank"].to_numpy())
        longer, shorter = (own, counts) if len(own) > len(counts) else (counts, own)
        counts = longer.copy()
        counts[: len(shorter)] += shorter
    total = np.cumsum(counts)
    whole = int(np.searchsorted(total, most, side="right")) - 1
    scores = [
        part["score"].to_numpy()[part["rank"].to_numpy() == whole + 1]
        for part in _parts(files, ["rank", "score"])
    ]
    score = np.concatenate([np.zeros(0), *scores])
    some = np.zeros(len(score), dtype=bool)
    some[np.argsort(-score, kind="stable")[: most - int(total[whole])]] = True
    return whole, some


def compact(pairs: pd.DataFrame) -> dict[str, Any]:
    """Pairs as JSON holds them in little space: columns, and every element once.

    Returns
    -------
    dict
        ``enhancers`` and ``promoters``: columns ``chrom``, ``start``, ``end``, ``name``, ``strand``;
        ``pairs``: columns, with ``enhancer`` and ``promoter`` as rows of these.
    """
    content: dict[str, Any] = {}
    columns: dict[str, list[Any]] = {}
    for role in ROLES:
        if pairs.empty:
            content[f"{role}s"], columns[role] = {name: [] for name in _ELEMENT}, []
            continue
        ids = pairs[f"{role}_id"].astype(str)
        _, first, codes = np.unique(ids, return_index=True, return_inverse=True)
        own = pairs.iloc[first]
        table = {
            "chrom": own["chrom"].astype(str).tolist(),
            "name": own[f"{role}_name"].astype(str).tolist(),
            "strand": own["promoter_strand"].astype(str).tolist() if role == "promoter" else ["."] * len(own),
            "start": own[f"{role}_start"].tolist(),
            "end": own[f"{role}_end"].tolist(),
        }
        content[f"{role}s"] = table
        columns[role] = codes.tolist()
    if not pairs.empty:
        for name in ("distance", "rank"):
            columns[name] = pairs[name].tolist()
        columns["contact"] = pairs["contact"].astype(int).tolist()
        columns["probability"] = pairs["probability"].round(4).tolist()
        for name, column in (("potential", "intrinsic_potential"), ("resistance", "environment_resistance")):
            columns[name] = pairs[column].astype(np.float64).round(3).tolist()
        columns["score"] = pairs["score"].round(3).tolist()
    content["pairs"] = columns
    return content
