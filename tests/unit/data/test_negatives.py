"""Made negatives: no contact is among them, they keep to bounds, splits and the line's own elements."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from cbat.config.sections import LabelSettings
from cbat.data.balance import distance_edges, measures
from cbat.data.negatives import balanced_choice, distance_bins, make_negatives

KINDS = ["natural", "distance_matched", "element_balanced"]
SPLITS = {"chr1": "train", "chr2": "train", "chr3": "test"}
WINDOWS = {"enhancer": 100, "promoter": 200}
NEAR, FAR = 500, 40_000


class World:
    """Element tables of a cohort, of which a line has a part, and its contacts.

    Contacts are nearer than other pairs, as in nature.
    """

    def __init__(self, seed: int, n: int = 120, n_contacts: int = 90) -> None:
        rng = np.random.default_rng(seed)
        self.tables, self.candidates = {}, {}
        for role, window in WINDOWS.items():
            chrom = np.sort(rng.choice(list(SPLITS), n))
            start = rng.choice(100_000, n, replace=False)
            table = pd.DataFrame({"chrom": chrom, "start": start}).sort_values(["chrom", "start"])
            table = table.assign(end=table["start"] + window, split=table["chrom"].map(SPLITS))
            names = table["chrom"] + ":" + table["start"].astype(str) + "-" + table["end"].astype(str)
            self.tables[role] = table.assign(element_id=names).reset_index(drop=True)
            self.candidates[role] = np.sort(rng.choice(n, 2 * n // 3, replace=False))
        pairs = self.pairs_within(range(n), range(n))
        weight = np.exp(-pairs["distance"].to_numpy() / 8000)
        rows = np.sort(rng.choice(len(pairs), n_contacts, replace=False, p=weight / weight.sum()))
        self.positives = pairs.iloc[rows].reset_index(drop=True)

    def centre(self, role: str, rows) -> np.ndarray:
        table = self.tables[role].iloc[list(rows)]
        return ((table["start"] + table["end"]) // 2).to_numpy()

    def pairs_within(self, enhancers, promoters, near: int = NEAR, far: int = FAR) -> pd.DataFrame:
        """All pairs on one chromosome within bounds, by looking at each."""
        pairs = pd.DataFrame(list(product(enhancers, promoters)), columns=["enhancer", "promoter"])
        chrom = [self.tables[role]["chrom"].to_numpy()[pairs[role]] for role in WINDOWS]
        offset = self.centre("enhancer", pairs["enhancer"]) - self.centre("promoter", pairs["promoter"])
        pairs["distance"] = np.abs(offset)
        return pairs[(chrom[0] == chrom[1]) & pairs["distance"].between(near, far)]

    @property
    def contacts(self) -> pd.DataFrame:
        centres = {f"{role}_centre": self.centre(role, self.positives[role]) for role in WINDOWS}
        chrom = self.tables["enhancer"]["chrom"].to_numpy()[self.positives["enhancer"]]
        return pd.DataFrame({"chrom": chrom, **centres})

    def make(self, kind: str, **over) -> tuple[pd.DataFrame, dict]:
        section = LabelSettings(**{"min_distance": NEAR, "max_distance": FAR, "negatives": kind} | over)
        return make_negatives(self.positives, self.contacts, self.tables, self.candidates, section)

    def own(self, role: str) -> set[int]:
        return {*self.candidates[role].tolist(), *self.positives[role].tolist()}

    def like_contacts(self, pairs: pd.DataFrame) -> np.ndarray:
        """Pairs both of whose windows meet those of one contact."""
        near = np.ones((len(pairs), len(self.positives)), dtype=bool)
        for role, window in WINDOWS.items():
            apart = np.abs(self.centre(role, pairs[role])[:, None] - self.centre(role, self.positives[role]))
            table = self.tables[role]["chrom"].to_numpy()
            near &= (apart < window) & (table[pairs[role]][:, None] == table[self.positives[role]])
        return near.any(axis=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.sampled_from([None, 1, 3]), st.integers(0, 3))
def test_what_holds_of_all(seed: int, kind: str, per_positive: int | None, other: int) -> None:
    world = World(seed)
    made, report = world.make(kind, negatives_per_positive=per_positive, seed=other)
    assert not made.duplicated(["enhancer", "promoter"]).any()
    assert not world.like_contacts(made).any()
    assert made["distance"].between(NEAR, FAR).all()
    for role in WINDOWS:
        table = world.tables[role]
        assert set(made[role]) <= world.own(role)
        for column in ("chrom", "split"):
            assert (table[column].to_numpy()[made[role]] == made[column]).all()
        assert (table["element_id"].to_numpy()[made[role]] == made[f"{role}_id"]).all()
    offset = world.centre("enhancer", made["enhancer"]) - world.centre("promoter", made["promoter"])
    assert (np.abs(offset) == made["distance"]).all()
    assert (np.where(offset < 0, 1, -1) == made["upstream"]).all()
    assert set(made["label"]) == {0}
    assert set(made["made_by"]) == {kind}
    for split, counts in report["splits"].items():
        here = world.tables["enhancer"]["split"].to_numpy()[world.positives["enhancer"]] == split
        assert counts["positives"] == here.sum()
        assert counts["made"] == (made["split"] == split).sum() <= min(counts["wanted"], counts["choice"])
        if per_positive is not None or kind != "natural":
            assert counts["wanted"] == (per_positive or 1) * counts["positives"]


def test_natural_takes_every_pair_that_is_no_contact() -> None:
    world = World(1)
    made, _ = world.make("natural")
    every = world.pairs_within(sorted(world.own("enhancer")), sorted(world.own("promoter")))
    every = every[~world.like_contacts(every)]
    key = ["enhancer", "promoter"]
    assert set(made[key].itertuples(index=False, name=None)) == set(
        every[key].itertuples(index=False, name=None)
    )
    assert len(made) == len(every) > 1000
    some, report = world.make("natural", negatives_per_positive=4)
    assert len(some) == 4 * len(world.positives)
    assert set(some[key].itertuples(index=False, name=None)) < set(
        made[key].itertuples(index=False, name=None)
    )
    assert {split: counts["made"] for split, counts in report["splits"].items()} == {
        split: 4 * counts["positives"] for split, counts in report["splits"].items()
    }


def differences(world: World, made: pd.DataFrame) -> dict[str, float]:
    """Total variation and the like between contacts and negatives."""
    pairs = pd.concat([world.positives.assign(label=1), made[["enhancer", "promoter", "distance", "label"]]])
    found = measures(pairs, distance_edges(FAR))
    return {row["measure"]: row["value"] for row in found if row["label"] == "."}


def test_matched_negatives_lie_where_contacts_lie() -> None:
    world = World(2, n=300, n_contacts=600)
    raw = differences(world, world.make("natural")[0])
    made, report = world.make("distance_matched")
    matched = differences(world, made)
    assert len(made) == sum(counts["made"] for counts in report["splits"].values())
    assert raw["distance_total_variation"] > 0.35
    assert matched["distance_total_variation"] < 0.08
    assert raw["distance_auroc"] > 0.7
    assert matched["distance_auroc"] == pytest.approx(0.5, abs=0.02)


def test_bins_hold_as_many_of_both_classes_or_all_there_are() -> None:
    world = World(3, n=150, n_contacts=400)
    short = {}
    for per_positive in (1, 8):
        made, report = world.make("distance_matched", negatives_per_positive=per_positive)
        splits = world.tables["enhancer"]["split"].to_numpy()
        own = world.pairs_within(sorted(world.own("enhancer")), sorted(world.own("promoter")))
        own = own[~world.like_contacts(own)]
        short[per_positive] = 0
        for split, counts in report["splits"].items():
            contacts = world.positives[splits[world.positives["enhancer"]] == split]["distance"]
            bounds = distance_bins(contacts.to_numpy())
            assert counts["bins"] == len(bounds) - 1
            wanted = per_positive * np.histogram(contacts, bounds)[0]
            choice = np.histogram(own.loc[splits[own["enhancer"]] == split, "distance"], bounds)[0]
            got = np.histogram(made.loc[made["split"] == split, "distance"], bounds)[0]
            assert got.tolist() == np.minimum(wanted, choice).tolist()
            assert got.sum() == counts["made"]
            assert counts["bins_short"] == (wanted > choice).sum()
            short[per_positive] += int(counts["bins_short"])
    assert short[1] < short[8]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2_000_000), max_size=300))
def test_bins_of_distances(values: list[int]) -> None:
    distance = np.array(values, dtype=np.int64)
    bounds = distance_bins(distance)
    assert (np.diff(bounds) > 0).all()
    assert np.histogram(distance, bounds)[0].sum() == len(values)
    if len(set(values)) == len(values) >= 20:
        n = np.histogram(distance, bounds)[0]
        assert n.max() <= 2 * -(-len(values) // (len(values) // 10))


def grid(n_enhancers: int, n_promoters: int, contacts: list[tuple[int, int]]) -> World:
    """Elements of one chromosome that are all within reach of one another."""
    world = World(0, n=6, n_contacts=1)
    for role, n, first in (("enhancer", n_enhancers, 0), ("promoter", n_promoters, 20_000)):
        start = first + 1000 * np.arange(n)
        table = pd.DataFrame(
            {"chrom": "chr1", "start": start, "end": start + WINDOWS[role], "split": "train"}
        )
        world.tables[role] = table.assign(element_id=[f"{role}{i}" for i in range(n)])
        world.candidates[role] = np.arange(n)
    rows = pd.DataFrame(contacts, columns=["enhancer", "promoter"])
    apart = world.centre("enhancer", rows["enhancer"]) - world.centre("promoter", rows["promoter"])
    world.positives = rows.assign(distance=np.abs(apart))
    return world


@pytest.mark.parametrize(
    ("contacts", "per_positive", "expected"),
    [
        # The only other pairing of two.
        ([(0, 0), (1, 1)], 1, {(0, 1), (1, 0)}),
        # Of three with two negatives each, all that is left.
        ([(0, 0), (1, 1), (2, 2)], 2, {(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)}),
        # Every pair of the elements is a contact: nothing can be balanced.
        ([(0, 0), (1, 0)], 1, set()),
        # Enhancer 2 has its only partner left in promoter 0, enhancers 0 and 1 in promoter 1.
        ([(0, 0), (1, 0), (2, 1)], 1, {(2, 0), (0, 1)}),
    ],
)
def test_flows_with_a_known_optimum(contacts: list, per_positive: int, expected: set) -> None:
    world = grid(4, 4, contacts)
    made, report = world.make("element_balanced", negatives_per_positive=per_positive)
    pairs = set(made[["enhancer", "promoter"]].itertuples(index=False, name=None))
    if len(expected) == 2 and len(contacts) == 3:
        # Enhancers 0 and 1 compete for the one negative of promoter 1.
        assert pairs in ({(2, 0), (0, 1)}, {(2, 0), (1, 1)})
    else:
        assert pairs == expected
    counts = report["splits"]["train"]
    assert (counts["made"], counts["wanted"]) == (len(expected), per_positive * len(contacts))
    wanted = {
        role: np.bincount([pair[at] for pair in contacts]) * per_positive for at, role in enumerate(WINDOWS)
    }
    for role in WINDOWS:
        got = np.bincount(made[role], minlength=len(wanted[role]))
        assert (got <= wanted[role]).all()
        assert counts[f"{role}s_short"] == (got < wanted[role]).sum()


def test_each_element_has_as_many_negatives_as_contacts_where_that_can_be() -> None:
    # A ring: each of 40 enhancers touches 3 promoters of 40, and has 37 others to choose from.
    contacts = [(one, (one + step) % 40) for one in range(40) for step in (0, 1, 2)]
    made, report = grid(40, 40, contacts).make("element_balanced", min_distance=0, max_distance=10**6)
    for role in WINDOWS:
        assert np.bincount(made[role]).tolist() == [3] * 40
    assert report["splits"]["train"] == {
        "positives": 120, "made": 120, "wanted": 120, "choice": 40 * 37, "enhancers": 40,
        "enhancers_short": 0, "promoters": 40, "promoters_short": 0,
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40), st.integers(0, 100))
def test_the_flow_is_as_large_as_can_be(edges: set, seed: int) -> None:
    enhancer, promoter = (np.array([edge[at] for edge in sorted(edges)], dtype=np.int64) for at in (0, 1))
    ones = np.ones(8, dtype=np.int64)
    chosen = balanced_choice(enhancer, promoter, ones, ones, np.random.default_rng(seed))
    graph = csr_matrix((np.ones(len(enhancer)), (enhancer, promoter)), shape=(8, 8))
    assert len(chosen) == (maximum_bipartite_matching(graph) >= 0).sum()
    assert len(set(enhancer[chosen])) == len(set(promoter[chosen])) == len(chosen)
    twice = balanced_choice(enhancer, promoter, 2 * ones, 2 * ones, np.random.default_rng(seed))
    assert len(chosen) <= len(twice) <= 2 * len(chosen)
    assert max(np.bincount(enhancer[twice], minlength=1)) <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_and_the_elements_decide(kind: str) -> None:
    world = World(4, n=150, n_contacts=120)
    over = {"negatives_per_positive": 1}
    one, again = world.make(kind, **over)[0], world.make(kind, **over)[0]
    pd.testing.assert_frame_equal(one, again)
    different = world.make(kind, seed=2, **over)[0]
    assert not one[["enhancer", "promoter"]].equals(different[["enhancer", "promoter"]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_split_does_not_depend_on_the_others(kind: str) -> None:
    world = World(5)
    over = {"negatives_per_positive": 1}
    whole, _ = world.make(kind, **over)
    in_test = world.tables["enhancer"]["split"].to_numpy()[world.positives["enhancer"]] == "test"
    world.positives = world.positives[in_test].reset_index(drop=True)
    part, _ = world.make(kind, **over)
    pd.testing.assert_frame_equal(
        whole[whole["split"] == "test"].reset_index(drop=True),
        part[part["split"] == "test"].reset_index(drop=True),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_without_elements_or_contacts_nothing_is_made(kind: str) -> None:
    world = World(6)
    world.positives = world.positives.iloc[:0]
    world.candidates = {role: np.zeros(0, dtype=np.int64) for role in WINDOWS}
    made, report = world.make(kind)
    assert len(made) == 0
    assert report["splits"] == {}
