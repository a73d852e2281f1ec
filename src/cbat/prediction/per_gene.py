"""What a prediction says of each gene and of each enhancer: the two tables that most people look at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cbat.errors import UserError
from cbat.files import atomic_file
from cbat.prediction.candidates import gene_names
from cbat.prediction.plan import Plan, read_elements
from cbat.prediction.tracks import labels

FILES: Final = ("genes.tsv", "enhancers.tsv")
GENE_COLUMNS: Final = [
    "gene", "chrom", "start", "end", "strand", "promoters", "pairs", "called", "best_enhancer",
    "best_enhancer_start", "best_enhancer_end", "best_distance", "best_score", "best_probability",
    "best_share", "enhancers",
]  # fmt: skip
ENHANCER_COLUMNS: Final = [
    "enhancer", "chrom", "start", "end", "pairs", "called", "best_gene", "best_distance", "best_score",
    "best_probability", "genes",
]  # fmt: skip
NOTHING: Final = "."
_READ: Final = ("enhancer_id", "promoter_id", "distance", "score", "probability", "contact")
_MEND: Final = "delete it and run score_chromosome again"
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(eq=False)
class Best:
    """The best pair of each element of a role, while pairs stream through.

    Attributes
    ----------
    pairs : int array, shape=(n,)
    total : float array, shape=(n,)
        Sum of the probabilities of its pairs.
    score, probability : float array, shape=(n,)
        Of its best pair; -inf and NaN where it has none.
    other, distance : int array, shape=(n,)
        The other end, and how far away that is, bp; -1 where it has none.
    """

    pairs: Rows
    total: Floats
    score: Floats
    probability: Floats
    other: Rows
    distance: Rows

    @classmethod
    def of(cls, n: int) -> Best:
        """Nothing seen yet of ``n`` elements."""
        nowhere = np.full(n, -1, dtype=np.int64)
        none = np.zeros(n, dtype=np.int64)
        return cls(none, np.zeros(n), np.full(n, -np.inf), np.full(n, np.nan), nowhere, nowhere.copy())

    def add(self, element: Rows, other: Rows, pairs: pd.DataFrame) -> None:
        """See more pairs; of two with the same score the first is kept."""
        n = len(self.pairs)
        self.pairs += np.bincount(element, minlength=n)
        self.total += np.bincount(element, weights=pairs["probability"], minlength=n)
        score = pairs["score"].to_numpy()
        order = np.lexsort((-score, element))
        first = order[np.flatnonzero(np.diff(element[order], prepend=-1))]
        better = first[score[first] > self.score[element[first]]]
        at = element[better]
        self.score[at], self.other[at] = score[better], other[better]
        self.probability[at] = pairs["probability"].to_numpy()[better]
        self.distance[at] = pairs["distance"].to_numpy()[better]


def write_tables(directory: Path, pairs: Sequence[Path], plan: Plan) -> None:
    """Write ``genes.tsv`` and ``enhancers.tsv``.

    ``genes.tsv`` has a row for each name of a promoter on a predicted chromosome (one without a name is
    called by its place, ``chrom:position``): its promoters and pairs, how many enhancers are called
    (``called``) and which, best first (``enhancers``), and its best pair, with the interval of its enhancer
    and its share of the sum of the probabilities of all pairs of the gene (``best_share``).
    ``enhancers.tsv`` has a row for each enhancer.
    Intervals are 0-based half-open, as they were given; an enhancer is called by its name, or by its
    interval where it has none.

    Parameters
    ----------
    directory : Path
        Folder of the line.
    pairs : sequence of Path
        Scored pairs, a file for each chromosome, in the order of the plan.
    plan : Plan

    Raises
    ------
    UserError
        A file is missing or damaged.
    """
    genes, enhancers = [], []
    for chrom, path in zip(plan.chromosomes, pairs, strict=True):
        tables = read_elements(directory, chrom)
        enhancer, promoter = tables["enhancer"], tables["promoter"]
        of_enhancer, of_promoter = Best.of(len(enhancer)), Best.of(len(promoter))
        called = []
        for e, p, part in _pieces(path, enhancer, promoter):
            of_enhancer.add(e, p, part)
            of_promoter.add(p, e, part)
            there = part["contact"].to_numpy()
            called.append(
                pd.DataFrame({"enhancer": e[there], "promoter": p[there], "score": part["score"][there]})
            )
        calls = pd.concat(called, ignore_index=True).sort_values("score", ascending=False, kind="stable")
        genes.append(_genes(enhancer, promoter, of_promoter, calls))
        enhancers.append(_enhancers(enhancer, promoter, of_enhancer, calls))
    for name, parts in zip(FILES, (genes, enhancers), strict=True):
        with atomic_file(directory / name) as temporary:
            pd.concat(parts, ignore_index=True).to_csv(
                temporary, sep="\t", index=False, na_rep=NOTHING, float_format="%.6g", lineterminator="\n"
            )


def _pieces(
    path: Path, enhancer: pd.DataFrame, promoter: pd.DataFrame
) -> Iterator[tuple[Rows, Rows, pd.DataFrame]]:
    """Rows of the elements of pairs, and what is read of the pairs, a group of rows after the other."""
    places = {
        f"{role}_id": pd.Index(table["element_id"])
        for role, table in (("enhancer", enhancer), ("promoter", promoter))
    }
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=list(_READ))
                rows = [_rows(table.column(name).combine_chunks(), place) for name, place in places.items()]
                yield rows[0], rows[1], table.drop_columns(list(places)).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"the scored pairs cannot be read ({error})", mend=_MEND, file=path) from error


def _rows(names: pa.DictionaryArray, places: pd.Index) -> Rows:
    of_word = places.get_indexer(pd.Index(names.dictionary.to_pandas()))
    return np.asarray(of_word[names.indices.to_numpy()], dtype=np.int64)


def _genes(enhancer: pd.DataFrame, promoter: pd.DataFrame, best: Best, calls: pd.DataFrame) -> pd.DataFrame:
    names = gene_names(promoter).str.split(",")
    of = pd.DataFrame({"gene": names, "promoter": np.arange(len(promoter))}).explode("gene")
    at = of["promoter"].to_numpy()
    of = of.assign(
        chrom=promoter["chrom"].to_numpy()[at],
        start=promoter["source_start"].to_numpy()[at],
        end=promoter["source_end"].to_numpy()[at],
        strand=promoter["strand"].to_numpy()[at],
        pairs=best.pairs[at],
        total=best.total[at],
        score=best.score[at],
    )
    grouped = of.groupby("gene", sort=False)
    table = grouped.agg(
        chrom=("chrom", "first"),
        start=("start", "min"),
        end=("end", "max"),
        strand=("strand", "first"),
        promoters=("promoter", "size"),
        pairs=("pairs", "sum"),
        total=("total", "sum"),
    )
    # The first of equal scores, as everywhere.
    top = of.sort_values("score", ascending=False, kind="stable").drop_duplicates("gene").set_index("gene")
    row = top.loc[table.index, "promoter"].to_numpy()
    found = _called(
        of[["gene", "promoter"]].merge(calls, on="promoter"), "gene", "enhancer", _labels(enhancer)
    )
    return pd.DataFrame(
        {
            **table.drop(columns="total").reset_index().to_dict("series"),
            **_counts(found, table.index, "enhancers"),
            "best_enhancer": _names_of(best.other[row], _labels(enhancer)),
            **_ends(best, row, enhancer),
            **_best(best, row),
            "best_share": _share(best.probability[row], table["total"].to_numpy()),
        }
    )[GENE_COLUMNS]


def _enhancers(
    enhancer: pd.DataFrame, promoter: pd.DataFrame, best: Best, calls: pd.DataFrame
) -> pd.DataFrame:
    names = gene_names(promoter).to_numpy(dtype=object)
    row = np.arange(len(enhancer))
    found = _called(calls, "enhancer", "promoter", names)
    table = {
        "enhancer": _labels(enhancer),
        "chrom": enhancer["chrom"].to_numpy(),
        "start": enhancer["source_start"].to_numpy(),
        "end": enhancer["source_end"].to_numpy(),
        "pairs": best.pairs,
        **_counts(found, pd.Index(row), "genes"),
        "best_gene": _names_of(best.other, names),
        **_best(best, row),
    }
    return pd.DataFrame(table)[ENHANCER_COLUMNS]


def _labels(table: pd.DataFrame) -> npt.NDArray[np.object_]:
    columns = (table[name] for name in ("chrom", "source_start", "source_end", "name"))
    return np.asarray(labels(*columns), dtype=object)


def _names_of(rows: Rows, names: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """A name for each row, and a dot for -1."""
    found: npt.NDArray[np.object_] = np.append(names, NOTHING)[rows]
    return found


def _called(calls: pd.DataFrame, of: str, other: str, names: npt.NDArray[np.object_]) -> pd.DataFrame:
    """``n`` and ``names`` of what is called with each element, best first; each name once."""
    ordered = calls.sort_values("score", ascending=False, kind="stable")
    named = pd.DataFrame({of: ordered[of], "name": names[ordered[other].to_numpy()]}).drop_duplicates()
    grouped = named.groupby(of, sort=False)["name"]
    return pd.DataFrame({"n": grouped.size(), "names": grouped.agg(",".join)})


def _counts(found: pd.DataFrame, index: pd.Index, name: str) -> dict[str, npt.NDArray[np.object_] | Rows]:
    there = found.reindex(index)
    return {
        "called": there["n"].fillna(0).to_numpy(dtype=np.int64),
        name: there["names"].fillna(NOTHING).to_numpy(dtype=object),
    }


def _best(best: Best, row: Rows) -> dict[str, object]:
    return {
        "best_distance": _of_best(best, row, best.distance[row]),
        "best_score": np.where(best.other[row] >= 0, best.score[row], np.nan),
        "best_probability": best.probability[row],
    }


def _ends(best: Best, row: Rows, enhancer: pd.DataFrame) -> dict[str, object]:
    """Interval of the enhancer of the best pair of each gene."""
    return {
        f"best_enhancer_{side}": _of_best(
            best, row, np.append(enhancer[f"source_{side}"].to_numpy(), 0)[best.other[row]]
        )
        for side in ("start", "end")
    }


def _of_best(best: Best, row: Rows, values: Rows) -> object:
    """Whole numbers of the best pairs of some rows; none where there is no pair."""
    return pd.Series(values, dtype="Int64").mask(best.other[row] < 0).array


def _share(probability: Floats, total: Floats) -> Floats:
    share = np.full(len(total), np.nan)
    np.divide(probability, total, out=share, where=total > 0.0)
    return share
