"""Pairs that stand for no contact, made of a cell line's own elements.

Three ways, each by itself in every split, so that nothing of one split or of another line decides about it:

====================  =====================================================================================
``natural``           all pairs within the bounds of the distance, or a sample of them
``distance_matched``  as many as there are contacts at the same distance, in bins of equal counts of contacts
``element_balanced``  as many for each enhancer and each promoter as it has contacts: a maximum flow from
                      enhancers to promoters, the idea of CBMF
                      (https://github.com/maruyama-lab-design/CBOEP)
====================  =====================================================================================

None of them makes a negative of a pair whose two windows both share a base with those of a contact: to a
model of sequence it would be a contact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import LabelSettings
from cbat.data.draws import draw_key, stream_of
from cbat.data.pair_windows import PairWindow, overlapping_pairs
from cbat.data.windows import ROLES, Positions, centre

MADE_BY: Final = "made_by"
"""Column that says what made a pair; only tables with made negatives have it."""
GIVEN: Final = "given"
_MOST_BINS: Final = 50
_CONTACTS_PER_BIN: Final = 10
"""Fewer in a bin would chase the noise of single contacts."""

Rows = dict[str, Positions]
Counts = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Pool:
    """Elements of one cell line in one split, and its contacts among them.

    Attributes
    ----------
    rows : dict
        Role -> rows of the element table, by place.
    places : dict
        Role -> centres on one line on which no two chromosomes are within a distance that counts, ascending.
    stride : int
        Length of the part of that line that one chromosome has.
    positives : dict
        Role -> positions in ``rows``, shape=(n_positives,).
    distance : int64 array, shape=(n_positives,)
    barred : tuple of int64 arrays
        Positions of enhancers and promoters whose pair must not become a negative.
    near, far : int
        Bounds of the distance, bp.
    """

    rows: Rows
    places: Rows
    stride: int
    positives: Rows
    distance: Positions
    barred: tuple[Positions, Positions]
    near: int
    far: int

    def window(self, near: int | None = None, far: int | None = None) -> tuple[PairWindow, Positions]:
        """All pairs within bounds, and the numbers of those among them that are barred."""
        near, far = self.near if near is None else near, self.far if far is None else far
        window = PairWindow(self.places["enhancer"], self.places["promoter"], near, far)
        return window, window.numbers(*self.barred)


def make_negatives(
    positives: pd.DataFrame,
    contacts: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    candidates: Mapping[str, Positions],
    settings: LabelSettings,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Negatives of one cell line, and how many there are of those that were wanted.

    Parameters
    ----------
    positives : DataFrame
        The contacts that are kept: ``enhancer``, ``promoter`` (rows of the tables), ``distance`` (bp).
    contacts : DataFrame
        All pairs that must not become negatives, kept or not: ``chrom``, ``enhancer_centre``,
        ``promoter_centre`` (bp).
    tables : mapping
        Role -> elements: ``element_id``, ``chrom``, ``start``, ``end``, ``split``.
    candidates : mapping
        Role -> rows of the line's own candidates; elements of ``positives`` join them.
    settings : LabelSettings
        ``negatives`` other than ``given``; bounds of the distance, negatives per positive, seed.

    Returns
    -------
    DataFrame
        ``enhancer``, ``promoter``, ``enhancer_id``, ``promoter_id``, ``label`` (0), ``distance``,
        ``upstream``, ``chrom``, ``split`` and ``made_by``, each pair once.
    dict
        Kind, seed, and for each split the counts of contacts, of pairs to choose from, of negatives wanted
        and made.
    """
    per_positive = _per_positive(settings)
    report: dict[str, Any] = {"kind": settings.negatives, "per_positive": per_positive, "seed": settings.seed}
    report["splits"] = {}
    own = {
        role: np.union1d(np.asarray(candidates[role], dtype=np.int64), positives[role].to_numpy(np.int64))
        for role in ROLES
    }
    splits = {role: tables[role]["split"].to_numpy(dtype=object) for role in ROLES}
    made = []
    for split in sorted({str(name) for role in ROLES for name in splits[role][own[role]]}):
        here = positives[splits["enhancer"][positives["enhancer"].to_numpy()] == split]
        rows = {role: own[role][splits[role][own[role]] == split] for role in ROLES}
        names = [tables[role]["element_id"].to_numpy(dtype=object)[rows[role]] for role in ROLES]
        rng = stream_of(settings.seed, draw_key(np.concatenate(names)), split)
        if settings.negatives == "element_balanced":
            rows = {role: np.unique(here[role].to_numpy(np.int64)) for role in ROLES}
        pool = _pool(rows, here, contacts, tables, settings)
        enhancer, promoter, counts = _MAKERS[settings.negatives](pool, per_positive, rng)
        made.append(
            {"enhancer": pool.rows["enhancer"][enhancer], "promoter": pool.rows["promoter"][promoter]}
        )
        report["splits"][split] = counts | {"positives": len(here), "made": len(enhancer)}
    return _table(made, tables, settings.negatives), report


def _per_positive(settings: LabelSettings) -> int | None:
    if settings.negatives == "natural":
        return settings.negatives_per_positive
    return settings.negatives_per_positive or 1


def _pool(
    rows: Rows,
    positives: pd.DataFrame,
    contacts: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    settings: LabelSettings,
) -> Pool:
    """Lay the elements out on one line, and find the contacts among them."""
    chroms = {role: tables[role]["chrom"].to_numpy(dtype=object)[rows[role]] for role in ROLES}
    centres = {role: _centres(tables[role], rows[role]) for role in ROLES}
    names = pd.Index(sorted({str(name) for role in ROLES for name in chroms[role]}), dtype=object)
    known = contacts[contacts["chrom"].isin(list(names))]
    known_centres = {role: known[f"{role}_centre"].to_numpy(np.int64) for role in ROLES}
    every = np.concatenate([*centres.values(), *known_centres.values()])
    lengths = tuple(_window_length(tables[role]) for role in ROLES)
    stride = int(every.max(initial=0)) + settings.max_distance + max(lengths) + 1
    places, ordered = {}, {}
    for role in ROLES:
        place = names.get_indexer(pd.Index(chroms[role])).astype(np.int64) * stride + centres[role]
        order = np.argsort(place, kind="stable")
        places[role], ordered[role] = place[order], rows[role][order]
    origin = names.get_indexer(pd.Index(known["chrom"].to_numpy(dtype=object))).astype(np.int64) * stride
    at = origin + known_centres["enhancer"], origin + known_centres["promoter"]
    return Pool(
        rows=ordered,
        places=places,
        stride=stride,
        positives={
            role: pd.Index(ordered[role]).get_indexer(pd.Index(positives[role])).astype(np.int64)
            for role in ROLES
        },
        distance=positives["distance"].to_numpy(np.int64),
        barred=overlapping_pairs(places["enhancer"], places["promoter"], at, (lengths[0], lengths[1])),
        near=settings.min_distance,
        far=settings.max_distance,
    )


Maker = Callable[[Pool, int | None, np.random.Generator], tuple[Positions, Positions, Counts]]


def _natural(
    pool: Pool, per_positive: int | None, rng: np.random.Generator
) -> tuple[Positions, Positions, Counts]:
    """All pairs within the bounds that are no contacts, or a sample."""
    window, barred = pool.window()
    n_free = len(window) - len(barred)
    wanted = n_free if per_positive is None else per_positive * len(pool.distance)
    enhancer, promoter = window.pairs(window.draw(wanted, barred, rng))
    return enhancer, promoter, {"choice": n_free, "wanted": wanted}


def _distance_matched(
    pool: Pool, per_positive: int | None, rng: np.random.Generator
) -> tuple[Positions, Positions, Counts]:
    """As many as contacts in each bin of distances."""
    bounds = distance_bins(pool.distance)
    n_contacts, _ = np.histogram(pool.distance, bounds)
    empty = np.zeros(0, dtype=np.int64)
    enhancers, promoters, n_free, n_short = [empty], [empty], 0, 0
    for (near, beyond), n_here in zip(pairwise(bounds.tolist()), n_contacts.tolist(), strict=True):
        window, barred = pool.window(near, beyond - 1)
        wanted = (per_positive or 1) * n_here
        enhancer, promoter = window.pairs(window.draw(wanted, barred, rng))
        enhancers.append(enhancer)
        promoters.append(promoter)
        n_free += len(window) - len(barred)
        n_short += len(enhancer) < wanted
    counts = {
        "choice": n_free,
        "wanted": (per_positive or 1) * len(pool.distance),
        "bins": len(n_contacts),
        "bins_short": n_short,
    }
    return np.concatenate(enhancers), np.concatenate(promoters), counts


def distance_bins(distance: Positions) -> Positions:
    """Bounds of bins that hold about equally many of these distances, between them by log(1 + distance).

    Parameters
    ----------
    distance : int64 array, shape=(n,)

    Returns
    -------
    int64 array, shape=(n_bins + 1,)
        Ascending; a bin reaches from its bound to before the next one. Up to 50 bins, of 10 distances on
        average if there are fewer than 500; of no distances, no bin.
    """
    if not len(distance):
        return np.zeros(1, dtype=np.int64)
    n_bins = int(np.clip(len(distance) // _CONTACTS_PER_BIN, 1, _MOST_BINS))
    inner = np.expm1(np.quantile(np.log1p(distance), np.linspace(0.0, 1.0, n_bins + 1)[1:-1]))
    # Rounded up, a whole distance is at or above the bound just where it is at or above the quantile.
    inner = np.ceil(inner - 1e-6)
    bounds = np.concatenate([[distance.min()], inner, [distance.max() + 1]]).astype(np.int64)
    return np.unique(bounds)


def _element_balanced(
    pool: Pool, per_positive: int | None, rng: np.random.Generator
) -> tuple[Positions, Positions, Counts]:
    """For each element as many as it has contacts, or as many as can be had."""
    window, barred = pool.window()
    wanted = {
        role: (per_positive or 1) * np.bincount(pool.positives[role], minlength=len(pool.rows[role]))
        for role in ROLES
    }
    empty = np.zeros(0, dtype=np.int64)
    enhancers, promoters = [empty], [empty]
    # Chromosomes share no pair, so that one at a time is the same flow in less memory.
    for chromosome in np.unique(pool.places["enhancer"] // pool.stride).tolist():
        edge = [chromosome * pool.stride, (chromosome + 1) * pool.stride]
        first, last = np.searchsorted(pool.places["enhancer"], edge).tolist()
        numbers = window.free(barred, window.first_of(first), window.first_of(last))
        enhancer, promoter = window.pairs(numbers)
        chosen = balanced_choice(enhancer, promoter, wanted["enhancer"], wanted["promoter"], rng)
        enhancers.append(enhancer[chosen])
        promoters.append(promoter[chosen])
    found = {"enhancer": np.concatenate(enhancers), "promoter": np.concatenate(promoters)}
    counts: Counts = {
        "choice": len(window) - len(barred),
        "wanted": (per_positive or 1) * len(pool.distance),
    }
    for role in ROLES:
        short = np.bincount(found[role], minlength=len(wanted[role])) < wanted[role]
        counts[f"{role}s"], counts[f"{role}s_short"] = len(wanted[role]), int(short.sum())
    return found["enhancer"], found["promoter"], counts


def balanced_choice(
    enhancer: Positions,
    promoter: Positions,
    wanted_of_enhancers: Positions,
    wanted_of_promoters: Positions,
    rng: np.random.Generator,
) -> Positions:
    """Choose as many pairs as possible, none of whose elements is chosen more often than wanted.

    A maximum flow (Dinic) from a source through enhancers and promoters to a sink; the elements are
    shuffled before, so that the choice among the flows that are largest does not follow their places.

    Parameters
    ----------
    enhancer, promoter : int64 arrays, shape=(n_pairs,)
        Pairs to choose from, each once.
    wanted_of_enhancers, wanted_of_promoters : int arrays
        For each element, by its number.
    rng : numpy Generator

    Returns
    -------
    int64 array
        Positions of the chosen pairs, ascending.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_flow

    if not len(enhancer):
        return np.zeros(0, dtype=np.int64)
    sides = []
    for numbers, wanted in ((enhancer, wanted_of_enhancers), (promoter, wanted_of_promoters)):
        elements, of = np.unique(numbers, return_inverse=True)
        order = rng.permutation(len(elements))
        capacity = np.empty(len(elements), dtype=np.int32)
        capacity[order] = wanted[elements]
        sides.append((order[of], capacity))
    (left, supply), (right, demand) = sides
    source, sink = 0, 1 + len(supply) + len(demand)
    left, right = 1 + left, 1 + len(supply) + right
    tails = np.concatenate(
        [np.zeros(len(supply), dtype=np.int64), left, np.arange(len(demand)) + 1 + len(supply)]
    )
    heads = np.concatenate([np.arange(len(supply)) + 1, right, np.full(len(demand), sink)])
    capacities = np.concatenate([supply, np.ones(len(left), dtype=np.int32), demand])
    graph = csr_matrix((capacities, (tails, heads)), shape=(sink + 1, sink + 1))
    flow = maximum_flow(graph, source, sink, method="dinic").flow
    return np.flatnonzero(np.asarray(flow[left, right]).ravel() > 0).astype(np.int64)


_MAKERS: Final[Mapping[str, Maker]] = {
    "natural": _natural,
    "distance_matched": _distance_matched,
    "element_balanced": _element_balanced,
}


def _window_length(table: pd.DataFrame) -> int:
    return int(table["end"].iloc[0] - table["start"].iloc[0]) if len(table) else 0


def _centres(table: pd.DataFrame, rows: Positions) -> Positions:
    """Centres of the windows, which are those of all sources of an element, bp."""
    return centre(table["start"].to_numpy()[rows], table["end"].to_numpy()[rows])


def _table(made: Sequence[Rows], tables: Mapping[str, pd.DataFrame], kind: str) -> pd.DataFrame:
    empty = np.zeros(0, dtype=np.int64)
    rows = {role: np.concatenate([empty, *(part[role] for part in made)]) for role in ROLES}
    columns: dict[str, Any] = dict(rows)
    for role in ROLES:
        columns[f"{role}_id"] = tables[role]["element_id"].to_numpy(dtype=object)[rows[role]]
    offset = _centres(tables["enhancer"], rows["enhancer"]) - _centres(tables["promoter"], rows["promoter"])
    of_enhancers = tables["enhancer"].iloc[rows["enhancer"]]
    return pd.DataFrame(columns).assign(
        label=np.int8(0),
        distance=np.abs(offset),
        upstream=np.where(offset < 0, 1, -1),
        chrom=of_enhancers["chrom"].to_numpy(dtype=object),
        split=of_enhancers["split"].to_numpy(dtype=object),
        **{MADE_BY: kind},
    )
