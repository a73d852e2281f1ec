"""Find the pairs of a prediction that somebody asks about: one by its elements, or some by a draw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cbat.config.suggestions import did_you_mean
from cbat.data.contig_checks import alias_of
from cbat.data.stored import read_table
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.prediction.candidates import COLUMNS
from cbat.prediction.gather import read_pairs
from cbat.prediction.near_pairs import centres
from cbat.prediction.plan import PREPARED, Plan, pairs_file

_INTERVAL: Final = re.compile(r"^(?P<chrom>.+):(?P<start>[\d,]+)-(?P<end>[\d,]+)$")
_POSITION: Final = re.compile(r"^(?P<chrom>.+):(?P<at>[\d,]+)$")
_SHOWN: Final = 5
_NO_NAME: Final = "."
_DRAW: Final = 53
_MEND: Final = "run the prediction again"
_KEPT: Final = [
    "enhancer_id", "promoter_id", "distance", "intrinsic_potential", "environment_resistance", "score",
    "probability", "rank", "contact",
]  # fmt: skip


def all_elements(directory: Path) -> dict[str, pd.DataFrame]:
    """Role -> the elements of a prediction, of all chromosomes.

    Raises
    ------
    UserError
        The folder holds no prediction, or not all of it.
    """
    tables = {}
    for role in ROLES:
        path = directory / PREPARED / f"{role}.parquet"
        tables[role] = read_table(path, COLUMNS, mend="name the folder of a finished prediction")
    return tables


def find_element(elements: pd.DataFrame, role: str, asked: str) -> pd.Series[Any]:
    """The one element that a user means.

    Parameters
    ----------
    elements : DataFrame
        Elements of a role, see :data:`cbat.prediction.candidates.COLUMNS`.
    role : str
        For messages.
    asked : str
        Its id, its name, its centre ``chrom:position``, or an interval ``chrom:start-end`` that it overlaps.

    Raises
    ------
    UserError
        No element is meant, or several are.
    """
    # The name of a promoter of several genes is all of theirs.
    has_name = pd.Series(
        [asked in name.split(",") for name in elements["name"]], index=elements.index, dtype=bool
    )
    found = elements[(elements["element_id"] == asked) | (elements["name"] == asked) | has_name]
    if asked == _NO_NAME:
        found = found.iloc[:0]
    place, position = _INTERVAL.match(asked), _POSITION.match(asked)
    if found.empty and position is not None:
        there = elements[elements["chrom"] == position["chrom"]]
        found = there[centres(there) == int(position["at"].replace(",", ""))]
    if found.empty and place is not None:
        start, end = (int(place[side].replace(",", "")) for side in ("start", "end"))
        there = elements[elements["chrom"] == place["chrom"]]
        exact = (there["source_start"] == start) & (there["source_end"] == end)
        overlap = (there["source_start"] < max(end, start + 1)) & (there["source_end"] > start)
        found = there[exact] if exact.any() else there[overlap]
    if len(found) == 1:
        return found.iloc[0]
    if found.empty:
        raise UserError(
            f"no {role} of the prediction matches {asked!r}{_nearest(elements, role, asked, place)}",
            mend="name it by its id or its name in the table of pairs, or by an interval chrom:start-end "
            "that it overlaps",
        )
    ids = ", ".join(found["element_id"].head(_SHOWN)) + (", ..." if len(found) > _SHOWN else "")
    raise UserError(f"{len(found)} {role}s match {asked!r}", mend=f"name one by its id: {ids}")


def _nearest(elements: pd.DataFrame, role: str, asked: str, place: re.Match[str] | None) -> str:
    if place is None:
        every = {one for name in elements["name"].unique() for one in name.split(",")}
        return did_you_mean(asked, sorted(every - {_NO_NAME}))
    there = elements[elements["chrom"] == place["chrom"]]
    if there.empty:
        alias = alias_of([place["chrom"]], elements["chrom"].unique().tolist())
        return f" (it has none on {place['chrom']!r}" + (")" if alias is None else f", but on {alias[1]!r})")
    away = (there["source_start"] - int(place["start"].replace(",", ""))).abs()
    return f" (the nearest {role} is {there.loc[away.idxmin(), 'element_id']})"


def find_pair(directory: Path, plan: Plan, enhancer: str, promoter: str) -> pd.DataFrame:
    """The pair of two elements, as one row of :func:`with_elements`.

    Raises
    ------
    UserError
        Elements that are not there; a pair that the prediction does not hold, and why.
    """
    tables = all_elements(directory)
    one, other = (
        find_element(tables[role], role, asked)
        for role, asked in zip(ROLES, (enhancer, promoter), strict=True)
    )
    pair = f"the pair of {one['element_id']} and {other['element_id']}"
    if one["chrom"] != other["chrom"]:
        raise UserError(
            f"{pair} is on two chromosomes, and only pairs of one chromosome are predicted",
            mend="name two elements of one chromosome",
        )
    if one["chrom"] not in plan.chromosomes:
        raise UserError(
            f"{pair} is not in the prediction, whose chromosomes are {', '.join(plan.chromosomes)}",
            mend="predict that chromosome too, or ask about another pair",
            file=directory,
        )
    distance = abs(int(np.subtract(*centres(pd.DataFrame([one, other])))))
    if not plan.min_distance <= distance <= plan.max_distance:
        raise UserError(
            f"{pair} is not in the prediction: the centres are {distance} bp apart, and pairs of "
            f"{plan.min_distance} to {plan.max_distance} bp were predicted",
            mend="ask about another pair, or predict with other bounds of the distance",
            file=directory,
        )
    path = pairs_file(directory, one["chrom"])
    wanted = [("enhancer_id", "==", one["element_id"]), ("promoter_id", "==", other["element_id"])]
    try:
        found = pq.read_table(path, columns=_KEPT, filters=wanted)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"the scored pairs cannot be read ({error})", mend=_MEND, file=path) from error
    if found.num_rows != 1:
        raise UserError(f"{pair} is in it {found.num_rows} times", mend=_MEND, file=path)
    columns = {name: found[name].to_pylist() for name in _KEPT}
    return with_elements(pd.DataFrame(columns), tables)


def draw_pairs(directory: Path, plan: Plan, most: int, seed: int) -> pd.DataFrame:
    """A random sample of the contacts and one of the other pairs, as rows of :func:`with_elements`.

    Parameters
    ----------
    directory : Path
    plan : Plan
    most : int
        Pairs of either sample, at most.
    seed : int

    Raises
    ------
    UserError
        The scored pairs are missing or damaged, or there are none.
    """
    files = [pairs_file(directory, chrom) for chrom in plan.chromosomes]
    counts = np.zeros(2, dtype=np.int64)
    for path in files:
        for part in read_pairs(path, ["contact"]):
            contacts = int(part["contact"].sum())
            counts += [len(part) - contacts, contacts]
    if not counts.sum():
        raise UserError("the prediction holds no pair", mend="predict more chromosomes", file=directory)
    draw = np.random.default_rng([seed % 2**64, _DRAW])
    chosen = [np.sort(draw.choice(count, min(most, count), replace=False)) for count in counts.tolist()]
    return with_elements(_rows(files, chosen), all_elements(directory))


def _rows(files: Sequence[Path], chosen: Sequence[np.ndarray[Any, Any]]) -> pd.DataFrame:
    """Pairs by their place among the others (first) and among the contacts."""
    found, seen = [], [0, 0]
    for path in files:
        for part in read_pairs(path, _KEPT):
            contact = part["contact"].to_numpy()
            for which, places in enumerate(chosen):
                rows = np.flatnonzero(contact == bool(which))
                first, last = np.searchsorted(places, [seen[which], seen[which] + len(rows)])
                found.append(part.iloc[rows[places[first:last] - seen[which]]])
                seen[which] += len(rows)
    return pd.concat(found, ignore_index=True)


def with_elements(pairs: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Pairs with the row of either element in its table, and which side the enhancer is on.

    Returns
    -------
    DataFrame
        ``enhancer``, ``promoter`` (rows), ``upstream`` (+1 where the enhancer lies left, else -1), the
        energies and what else a prediction says of them.
    """
    pairs = pairs.copy()
    for role in ROLES:
        places = pd.Index(tables[role]["element_id"]).get_indexer(pairs[f"{role}_id"])
        if (places < 0).any():
            missing = pairs.loc[places < 0, f"{role}_id"].iloc[0]
            raise UserError(f"the {role} {missing} is among the pairs and not among the elements", mend=_MEND)
        pairs[role] = places
    left, right = (centres(tables[role])[pairs[role]] for role in ROLES)
    pairs["upstream"] = np.where(left < right, 1, -1)
    return pairs
