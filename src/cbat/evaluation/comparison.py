"""Paired differences between models or contexts, per cell line and over all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data import stored
from cbat.errors import UserError
from cbat.evaluation.bootstrap import (
    Difference,
    genomic_clusters,
    multiplicities,
    percentile_interval,
    resampled,
)
from cbat.evaluation.headline import DRAWN_CONTEXTS
from cbat.evaluation.measure import promoter_starts
from cbat.evaluation.table import NO_CONTEXT

FloatArray = npt.NDArray[np.float64]

_KEY: Final = ["enhancer_id", "promoter_id"]
_PAIR: Final = [*_KEY, "label", "chrom", "probability"]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a model in a context; None is its own, or none if it has no environment."""

    model: str
    context: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Differences in AUPR at balanced classes, positive where the first side is better.

    Attributes
    ----------
    lines : mapping
        Cell line -> difference, the mean over seeds.
    mean : Difference
        The mean over cell lines.
    """

    lines: Mapping[str, Difference]
    mean: Difference


class ScoredPairs:
    """The files ``<model>/seed_<seed>/<cell_line>/scored_pairs.parquet`` of an evaluation.

    Parameters
    ----------
    paths : iterable of Path
        Their last three folders say what they hold.
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        self._files: dict[tuple[str, int, str], Path] = {}
        for path in map(Path, paths):
            model, seed, line = path.parts[-4:-1] if len(path.parts) >= 4 else ("", "", "")
            if not seed.removeprefix("seed_").isdigit():
                raise UserError(
                    "the folders of these scored pairs do not say what they are",
                    mend="keep them in <model>/seed_<seed>/<cell_line>/",
                    file=path,
                )
            self._files[model, int(seed.removeprefix("seed_")), line] = path

    def seeds(self, model: str) -> list[int]:
        """Seeds of a model."""
        return sorted({seed for name, seed, _ in self._files if name == model})

    def lines(self, model: str) -> list[str]:
        """Cell lines of a model."""
        return sorted({line for name, _, line in self._files if name == model})

    def read(self, side: Side, seed: int, line: str, chromosomes: str, n_support: int) -> pd.DataFrame | None:
        """Pairs of one split, or None when they were not scored.

        Returns
        -------
        DataFrame
            ``enhancer_id``, ``promoter_id``, ``label``, ``chrom``, ``probability``, one row per pair.
        """
        path = self._files.get((side.model, seed, line))
        if path is None:
            return None
        contexts = [side.context] if side.context is not None else ["own", NO_CONTEXT]
        pairs = stored.read_table(
            path,
            [*_PAIR, "context", "n_support"],
            mend="run evaluate_cell_line anew",
            filters=[("split", "==", chromosomes), ("context", "in", contexts)],
        )
        context = side.context
        if context is None:
            context = "own" if "own" in set(pairs["context"]) else NO_CONTEXT
            pairs = pairs[pairs["context"] == context]
        sized = pairs[pairs["n_support"] == n_support]
        pairs = sized if len(sized) or context in DRAWN_CONTEXTS else pairs
        return pairs[_PAIR] if len(pairs) and not pairs.duplicated(_KEY).any() else None


def compare(
    scored: ScoredPairs,
    first: Side,
    second: Side,
    *,
    chromosomes: str,
    n_support: int,
    n: int,
    seed: int,
    lines: Collection[str] | None = None,
) -> Comparison | None:
    """AUPR at balanced classes of ``first`` minus ``second``, on the same pairs, with intervals.

    Chromosomes are resampled for all cell lines and seeds together: a chromosome that is drawn twice
    counts twice everywhere. So the interval of the mean does not pretend that cell lines, which share
    their genome, are independent. It says how the result would vary over chromosomes, not over cell lines.

    Parameters
    ----------
    scored : ScoredPairs
    first, second : Side
    chromosomes : str
        The split.
    n_support : int
        Support size of contexts that have one.
    n, seed : int
        Number and seed of resamples.
    lines : collection of str, optional
        Cell lines to compare on; all that both sides scored by default.

    Returns
    -------
    Comparison or None
        None when no cell line was scored by both sides.

    Raises
    ------
    UserError
        The two sides scored different pairs.
    """
    tables: dict[str, list[_Aligned]] = {}
    for line in scored.lines(first.model):
        if lines is not None and line not in lines:
            continue
        for number in scored.seeds(first.model):
            one = scored.read(first, number, line, chromosomes, n_support)
            other = scored.read(second, number, line, chromosomes, n_support)
            if one is not None and other is not None:
                tables.setdefault(line, []).append(_aligned(one, other, line, first, second))
    if not tables:
        return None
    columns, counts = _shared_resamples([table for seeds in tables.values() for table in seeds], n, seed)
    remaining = iter(columns)
    differences = {
        line: np.mean([_difference(table, next(remaining), counts) for table in seeds], axis=0)
        for line, seeds in tables.items()
    }
    return Comparison(
        {line: _summarised(values, counts) for line, values in differences.items()},
        _summarised(np.mean(list(differences.values()), axis=0), counts),
    )


@dataclass(frozen=True)
class _Aligned:
    """Pairs that two sides scored, without their names: all lines and seeds are held at once.

    Each shape=(n,); ``start`` is that of the promoter, bp.
    """

    label: npt.NDArray[np.int8]
    one: FloatArray
    other: FloatArray
    chrom: npt.NDArray[np.str_]
    start: FloatArray


def _aligned(one: pd.DataFrame, other: pd.DataFrame, line: str, first: Side, second: Side) -> _Aligned:
    joined = one.merge(other[[*_KEY, "label", "probability"]], on=_KEY, suffixes=("", "_second"))
    if not len(joined) == len(one) == len(other) or (joined["label"] != joined["label_second"]).any():
        raise UserError(
            f"{first.model!r} and {second.model!r} scored different pairs of the cell line {line!r}",
            mend="evaluate both anew on the same shards",
        )
    return _Aligned(
        joined["label"].to_numpy(dtype=np.int8),
        joined["probability"].to_numpy(dtype=float),
        joined["probability_second"].to_numpy(dtype=float),
        joined["chrom"].to_numpy(dtype=np.str_),
        promoter_starts(joined),
    )


def _shared_resamples(
    tables: Sequence[_Aligned], n: int, seed: int
) -> tuple[list[npt.NDArray[np.intp]], npt.NDArray[np.intp]]:
    """Cluster of each pair of each table, and how often each cluster is drawn; first of all, once."""
    chrom, start = (np.concatenate([getattr(table, name) for table in tables]) for name in ("chrom", "start"))
    names, columns = np.unique(genomic_clusters(chrom, start), return_inverse=True)
    counts = np.ones((1, len(names)), dtype=np.intp)
    if n > 0 and len(names) > 1:
        counts = np.concatenate([counts, multiplicities(len(names), n, seed)])
    ends = np.cumsum([len(table.label) for table in tables])[:-1]
    return np.split(columns, ends), counts


def _difference(table: _Aligned, columns: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]) -> FloatArray:
    one, other = (
        resampled(table.label, score, columns, counts, balanced=True) for score in (table.one, table.other)
    )
    return one - other


def _summarised(values: FloatArray, counts: npt.NDArray[np.intp]) -> Difference:
    point = float(values[0])
    return Difference(point, *percentile_interval(values[1:], point, counts.shape[1]))
