"""Paired differences between models or contexts, per cell line and over all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from cbat.evaluation.headline import at_size
from cbat.evaluation.measure import promoter_starts
from cbat.evaluation.table import FOLDS, NO_CONTEXT

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
    """Differences in AUPR, positive where the first side is better.

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
        """Pairs of one split (of all folds for ``folds``), or None when they were not scored.

        Returns
        -------
        DataFrame
            ``enhancer_id``, ``promoter_id``, ``label``, ``chrom``, ``probability``, one row per pair.
        """
        path = self._files.get((side.model, seed, line))
        if path is None:
            return None
        split = [] if chromosomes == FOLDS else [("split", "==", chromosomes)]
        contexts = [side.context] if side.context is not None else ["own", NO_CONTEXT]
        pairs = stored.read_table(
            path,
            [*_PAIR, "context", "n_support"],
            mend="run evaluate_cell_line again",
            filters=[("context", "in", contexts), *split],
        )
        context = side.context
        if context is None:
            context = "own" if (pairs["context"] == "own").any() else NO_CONTEXT
            pairs = pairs[pairs["context"] == context]
        pairs = at_size(pairs, context, n_support).reset_index(drop=True)
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
    balanced: bool = True,
) -> Comparison | None:
    """AUPR of ``first`` minus that of ``second``, on the same pairs, with intervals.

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
    balanced : bool
        Weigh both classes the same; otherwise every pair counts once.

    Returns
    -------
    Comparison or None
        None when no cell line was scored by both sides.

    Raises
    ------
    UserError
        The two sides scored different pairs.
    """
    found = compare_all(
        scored,
        first,
        {"": second},
        chromosomes=chromosomes,
        n_support=n_support,
        n=n,
        seed=seed,
        lines=lines,
        balanced=balanced,
    )
    return found.get("")


def compare_all(
    scored: ScoredPairs,
    first: Side,
    others: Mapping[str, Side],
    *,
    chromosomes: str,
    n_support: int,
    n: int,
    seed: int,
    lines: Collection[str] | None = None,
    balanced: bool = True,
) -> dict[str, Comparison]:
    """``first`` minus each of some others, by their names; see :func:`compare`.

    What ``first`` scored is read and resampled once. An other that no cell line was scored by is left out.
    """
    tables: dict[str, list[_Aligned]] = {}
    for line in scored.lines(first.model):
        if lines is not None and line not in lines:
            continue
        for number in scored.seeds(first.model):
            one = scored.read(first, number, line, chromosomes, n_support)
            if one is None:
                continue
            aligned = _Aligned.of(one)
            for name, side in others.items():
                other = scored.read(side, number, line, chromosomes, n_support)
                if other is not None:
                    aligned.others[name] = _in_order(one, other, line, first, side)
            if aligned.others:
                tables.setdefault(line, []).append(aligned)
    if not tables:
        return {}
    columns, counts = shared_resamples(
        [(table.chrom, table.start) for seeds in tables.values() for table in seeds], n, seed
    )
    remaining = iter(columns)
    differences: dict[str, dict[str, list[FloatArray]]] = {name: {} for name in others}
    for line, seeds in tables.items():
        for table in seeds:
            for name, values in _differences(table, next(remaining), counts, balanced).items():
                differences[name].setdefault(line, []).append(values)
    return {
        name: _comparison({line: np.mean(seeds, axis=0) for line, seeds in by_line.items()}, counts)
        for name, by_line in differences.items()
        if by_line
    }


def _comparison(differences: Mapping[str, FloatArray], counts: npt.NDArray[np.intp]) -> Comparison:
    return Comparison(
        {line: summarised(values, counts) for line, values in differences.items()},
        summarised(np.mean(list(differences.values()), axis=0), counts),
    )


@dataclass(frozen=True)
class _Aligned:
    """Pairs that two or more sides scored, without their names: all lines and seeds are held at once.

    Each shape=(n,); ``start`` is that of the promoter, bp.
    """

    label: npt.NDArray[np.int8]
    one: FloatArray
    chrom: npt.NDArray[np.str_]
    start: FloatArray
    others: dict[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, one: pd.DataFrame) -> _Aligned:
        """Pairs of the first side."""
        return cls(
            one["label"].to_numpy(dtype=np.int8),
            one["probability"].to_numpy(dtype=float),
            one["chrom"].to_numpy(dtype=np.str_),
            promoter_starts(one),
        )


def _in_order(one: pd.DataFrame, other: pd.DataFrame, line: str, first: Side, second: Side) -> FloatArray:
    """Scores of the other side in the order of the first."""
    if one[[*_KEY, "label"]].equals(other[[*_KEY, "label"]]):
        # They are in one order already, unless somebody sorted a table.
        return np.asarray(other["probability"], dtype=float)
    joined = one.merge(other[[*_KEY, "label", "probability"]], on=_KEY, how="left", suffixes=("", "_second"))
    if len(other) != len(one) or (joined["label"] != joined["label_second"]).any():
        raise UserError(
            f"{first.model!r} and {second.model!r} scored different pairs of the cell line {line!r}",
            mend="evaluate both again on the same pairs",
        )
    return np.asarray(joined["probability_second"], dtype=float)


def shared_resamples(
    places: Sequence[tuple[npt.NDArray[np.str_], FloatArray]], n: int, seed: int
) -> tuple[list[npt.NDArray[np.intp]], npt.NDArray[np.intp]]:
    """Cluster of each pair of some tables, and how often each cluster is drawn; first of all, once.

    Parameters
    ----------
    places : sequence of (chromosome, start of the promoter), shapes (n_pairs,)
        Of each table.
    n, seed : int
        Number and seed of resamples.

    Returns
    -------
    list of int array, shape=(n_pairs,), and int array, shape=(1 + n, n_clusters)
    """
    chrom, start = (np.concatenate(parts) for parts in zip(*places, strict=True))
    names, columns = np.unique(genomic_clusters(chrom, start), return_inverse=True)
    counts = np.ones((1, len(names)), dtype=np.intp)
    if n > 0 and len(names) > 1:
        counts = np.concatenate([counts, multiplicities(len(names), n, seed)])
    ends = np.cumsum([len(chrom) for chrom, _ in places])[:-1]
    return np.split(columns, ends), counts


def _differences(
    table: _Aligned, columns: npt.NDArray[np.intp], counts: npt.NDArray[np.intp], balanced: bool
) -> dict[str, FloatArray]:
    one, *others = (
        resampled(table.label, score, columns, counts, balanced=balanced)
        for score in (table.one, *table.others.values())
    )
    return {name: one - other for name, other in zip(table.others, others, strict=True)}


def summarised(values: FloatArray, counts: npt.NDArray[np.intp]) -> Difference:
    """The first of some resampled differences, with the interval that the rest gives."""
    point = float(values[0])
    return Difference(point, *percentile_interval(values[1:], point, counts.shape[1]))
