"""Every feature of a pair is that of a loop over all peaks and starts, written from its formula."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cbat.config.sheets import TRACK_KINDS
from cbat.landscape import extrusion, features, pairs
from cbat.landscape.features import FEATURES, GENES, KINDS, NAMES, SIGNALS, Landscape, Pairs, pair_features
from cbat.landscape.pairs import features_of
from cbat.landscape.tracks import TRACK_COLUMNS

LENGTH = 3_000_000


def contact(d: float) -> float:
    return (max(d, 5_000) / 5_000) ** -0.87


NO_SIGNALS = {"accessibility_at_enhancer": 0.0, "log_signals_at_enhancer": 0.0}


class Slow:
    """One chromosome, asked for one pair after the other."""

    def __init__(self, tracks: pd.DataFrame, starts: np.ndarray, tile: int = extrusion.TILE) -> None:
        kinds = {kind: tracks[tracks["kind"] == kind].to_dict("records") for kind in TRACK_KINDS}
        self.enhancers, self.promoters, self.insulators = (
            kinds[kind] for kind in ("active_enhancers", "active_promoters", "insulators")
        )
        share = {"+": (1.0, 0.0), "-": (0.0, 1.0), ".": (0.5, 0.5)}
        for site in self.insulators:
            site["F"], site["R"] = (site["activity"] * part for part in share[site["strand"]])
        self.starts, self.tile = sorted(set(starts.tolist())), tile
        self.active = {s: self.at(self.promoters, s, 1_000) for s in self.starts}
        self.active = {s: a for s, a in self.active.items() if a > 0.0}

    @staticmethod
    def at(peaks: list[dict], position: int, radius: int, name: str = "activity") -> float:
        found = [p[name] for p in peaks if p["end"] > position - radius and p["start"] < position + radius]
        return max(found, default=0.0)

    @staticmethod
    def within(peaks: list[dict], position: int, radius: int, name: str = "activity") -> float:
        return sum(p[name] for p in peaks if position - radius <= p["centre"] < position + radius)

    @staticmethod
    def between(peaks: list[dict], e: int, p: int, margin: int) -> list[dict]:
        return [x for x in peaks if min(e, p) + margin <= x["centre"] < max(e, p) - margin]

    def blocked(self, strength: float, name: str, a: int, b: int) -> float:
        """Of the sites that lie right of a, up to b."""
        return sum(strength * x[name] for x in self.insulators if a < x["centre"] <= b)

    def loaded(self, strength: float, a: int, b: int, reverse_before: int) -> float:
        """Sum over all x from a to b of what reaches a and, past the reverse sites before one, the right."""
        edges = sorted({a, b, *(x["centre"] for x in self.insulators if a < x["centre"] < b)})
        total = 0.0
        for low, high in pairwise(edges):
            passing = self.blocked(strength, "F", a, low) + self.blocked(strength, "R", low, reverse_before)
            total += (high - low) * np.exp(-passing)
        return total

    def loops(self, a: int, b: int) -> float:
        total = 0.0
        near = [[x for x in self.insulators if c - 30_000 <= x["centre"] < c + 30_000] for c in (a, b)]
        for u in near[0]:
            for v in near[1]:
                if u["centre"] < v["centre"]:
                    held = (1.0 - np.exp(-0.4 * u["F"])) * (1.0 - np.exp(-0.4 * v["R"]))
                    end = min(v["centre"], u["centre"] + self.tile)
                    total += held * self.loaded(0.4, u["centre"], end, v["centre"] - 1)
        return total

    def features(self, e: int, p: int) -> dict[str, float]:
        return self._of_insulators(e, p) | self._of_starts(e, p) | self._of_marks(e, p) | NO_SIGNALS

    def _of_insulators(self, e: int, p: int) -> dict[str, float]:
        a, b, d = min(e, p), max(e, p), abs(e - p)
        sites = self.insulators
        inside = self.between(sites, e, p, 5_000)
        at_e, at_p = (np.log1p(self.within(sites, end, 10_000)) for end in (e, p))
        at_a, at_b = self.within(sites, a, 10_000, "F"), self.within(sites, b, 10_000, "R")
        close = [np.log1p(self.within(sites, end, 2_500)) for end in (e, p)]
        towards, away = ("F", "R") if e <= p else ("R", "F")
        facing = self.within(sites, e, 2_500, towards), self.within(sites, p, 2_500, away)
        averted = self.within(sites, e, 2_500, away), self.within(sites, p, 2_500, towards)
        chance = self.loaded(0.15, a, min(b, a + self.tile), b) / max(d, 1)
        return {
            "insulation_sum": np.log1p(sum(x["activity"] for x in inside)),
            "insulation_max": max((x["activity"] for x in inside), default=0.0),
            "insulation_count": np.log1p(len(inside)),
            "forward_between": np.log1p(sum(x[towards] for x in inside)),
            "reverse_between": np.log1p(sum(x[away] for x in inside)),
            "insulators_at_enhancer": at_e,
            "insulators_at_promoter": at_p,
            "insulators_at_both": np.sqrt(at_e * at_p),
            "convergent_ends": np.sqrt(at_a * at_b),
            "extrusion": np.log(1e-5 + chance),
            "anchored_extrusion": np.log(1e-3 + self.loops(a, b) / max(d, 1)),
            "insulators_close_to_both": np.sqrt(close[0] * close[1]),
            "facing_at_enhancer": np.log1p(facing[0]),
            "facing_at_promoter": np.log1p(facing[1]),
            "averted_at_enhancer": np.log1p(averted[0]),
            "averted_at_promoter": np.log1p(averted[1]),
            "convergent_close": np.sqrt(facing[0] * facing[1]),
        }  # fmt: skip

    def _of_starts(self, e: int, p: int) -> dict[str, float]:
        a, b, d = min(e, p), max(e, p), abs(e - p)
        inside = [s for s in self.starts if a + 500 <= s < b - 500]
        own = [s for s in self.starts if p - 500 <= s < p + 500]
        # Nearer to the enhancer than the promoter, whose own start is none of them.
        nearer = [s for s in self.starts if e - d <= s < e + d and s not in own]
        active = [self.active[s] for s in inside if s in self.active]
        reached = [x for s, x in self.active.items() if e - d <= s < e + d]
        nearest = min(self.starts, key=lambda s: (abs(s - p), s), default=None)
        near = nearest is not None and abs(nearest - p) <= 500
        found = {
            "promoter_class": class_of(nearest) if near else 0.0,
            "starts_between": np.log1p(len(inside)),
            "promoter_rank": np.log1p(len(nearer)),
            "active_starts_between": np.log1p(len(active)),
            "active_promoters_between": np.log1p(sum(active)),
            "nearer_promoters": np.log1p(sum(reached)),
        }
        for name, radius in (("near", 100_000), ("around", 500_000)):
            for role, end in (("enhancer", e), ("promoter", p)):
                found[f"starts_{name}_{role}"] = np.log1p(
                    sum(end - radius <= s < end + radius for s in self.starts)
                )
        return found

    def _of_marks(self, e: int, p: int) -> dict[str, float]:
        d = abs(e - p)
        promoters = np.log(
            0.1 + sum(x * contact(abs(s - e)) for s, x in self.active.items() if e - 2e6 <= s < e + 2e6)
        )
        enhancers = np.log(
            0.1
            + sum(
                x["activity"] * contact(abs(x["centre"] - p))
                for x in self.enhancers
                if p - 2e6 <= x["centre"] < p + 2e6
            )
        )
        inside = sum(x["activity"] for x in self.between(self.enhancers, e, p, 1_000))
        own = [x for x in self.enhancers if e - 750 <= x["centre"] < e + 750]
        nearer = [x for x in self.enhancers if p - d <= x["centre"] < p + d and x not in own]
        around = [np.log1p(self.within(self.enhancers, end, 500_000)) for end in (e, p)]
        marked = sum(
            self.at(self.enhancers, s, 750) * max(abs(s - e) / 5e3, 1.0) ** -1.0242
            for s in sorted(set(self.starts))
            if e - 5e6 <= s < e + 5e6
        )
        widths = [{**x, "width": np.log1p((x["end"] - x["start"]) / 500)} for x in self.enhancers]
        return {
            "promoter_mark_at_enhancer": self.at(self.promoters, e, 750),
            "promoter_mark_at_promoter": self.at(self.promoters, p, 750),
            "promoter_competition": promoters,
            "promoter_share": np.log((0.05 + self.at(self.promoters, p, 750)) * contact(d)) - promoters,
            "enhancer_mark_at_enhancer": self.at(self.enhancers, e, 750),
            "enhancer_mark_at_promoter": self.at(self.enhancers, p, 750),
            "log_mark_at_enhancer": np.log(0.05 + self.at(self.enhancers, e, 750)),
            "start_competition": np.log(0.1 + marked),
            "enhancer_competition": enhancers,
            "abc_share": np.log((0.05 + self.at(self.enhancers, e, 750)) * contact(d)) - enhancers,
            "enhancer_rank": np.log1p(len(nearer)),
            "enhancers_between": np.log1p(inside),
            "enhancer_density": np.log((inside + 1.0) / (d / 1e5 + 0.5)),
            "enhancers_around_both": np.sqrt(around[0] * around[1]),
            "mark_width_at_enhancer": self.at(widths, e, 750, "width"),
            "mark_width_at_promoter": self.at(widths, p, 750, "width"),
        }


def class_of(start: int) -> float:
    """A class of the promoter at a start, for a test."""
    return float(start % 3)


def drawn_tracks(seed: int, n: int, length: int = LENGTH, chrom: str = "chr1") -> pd.DataFrame:
    """Peaks of every kind; the outermost two touch the ends of the chromosome."""
    rng = np.random.default_rng(seed)
    parts = []
    for kind in TRACK_KINDS:
        edges = np.sort(rng.choice(length, 2 * n, replace=False))
        if n > 1:
            edges[0], edges[-1] = 0, length
        start, end = edges[::2], np.minimum(edges[1::2], edges[::2] + 3_000)
        if n > 1:
            start[-1], end[-1] = max(length - 900, end[-2]), length
        strand = rng.choice(["+", "-", "."], n) if kind == "insulators" else np.full(n, ".")
        table = pd.DataFrame({"kind": kind, "chrom": chrom, "start": start, "end": end})
        parts.append(
            table.assign(
                centre=(start + end) // 2,
                signal=1.0,
                activity=rng.exponential(1.5, n).astype(np.float32),
                strand=strand,
            )
        )
    return pd.concat(parts, ignore_index=True)[TRACK_COLUMNS]


def drawn_pairs(
    seed: int, n: int, tracks: pd.DataFrame, length: int = LENGTH
) -> tuple[np.ndarray, np.ndarray]:
    """Ends anywhere, in both orders: on peaks, at the ends of the chromosome, one on the other, close by."""
    rng = np.random.default_rng([seed, 2])
    places = np.concatenate([rng.integers(0, length, n), tracks["centre"].to_numpy() + 40, [0, length - 1]])
    places = np.minimum(places, length - 1)
    enhancer, promoter = rng.choice(places, n), rng.choice(places, n)
    near = slice(0, n // 3)
    promoter[near] = np.clip(enhancer[near] + rng.integers(-40_000, 40_000, n // 3), 0, length - 1)
    enhancer[-3:], promoter[-3:] = [0, length - 1, 70_000], [length - 1, 0, 70_000]
    return enhancer, promoter


def compare(tracks: pd.DataFrame, starts: np.ndarray, ends: tuple[np.ndarray, np.ndarray], tile: int) -> None:
    classes = [class_of(start) for start in starts]
    found = pair_features(Landscape.of(tracks, starts, classes), Pairs.of(*ends))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    slow = Slow(tracks, starts, tile)
    rows = [slow.features(int(e), int(p)) for e, p in zip(*ends, strict=True)]
    expected = pd.DataFrame(rows)
    assert set(expected.columns) == set(NAMES)
    for number, name in enumerate(NAMES):
        np.testing.assert_allclose(
            found[:, number], expected[name], rtol=2e-5, atol=2e-5, err_msg=name, verbose=True
        )


@pytest.mark.parametrize("n", [0, 1, 2, 30, 120])
@pytest.mark.parametrize("tile", [200_000, 5_000_000])
def test_features_are_those_of_a_loop(n: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without peaks, with one, at the ends of the chromosome, and over several tiles of it."""
    monkeypatch.setattr(extrusion, "TILE", tile)
    tracks = drawn_tracks(n, n)
    rng = np.random.default_rng([n, 3])
    marked = tracks.loc[tracks["kind"] == "active_promoters", "centre"].to_numpy()
    starts = np.concatenate([rng.integers(0, LENGTH, n), marked[::2] + 30, marked[:1], marked[:1]])
    ends = drawn_pairs(n, 60, tracks)
    if len(starts):
        ends[1][20:30] = rng.choice(starts, 10)
    compare(tracks, starts, ends, tile)


@pytest.mark.parametrize("kind", TRACK_KINDS)
def test_a_kind_alone_says_nothing_of_the_others(kind: str) -> None:
    tracks = drawn_tracks(5, 40)
    ends = drawn_pairs(5, 40, tracks)
    starts = np.arange(5_000, LENGTH, 90_000)
    compare(tracks[tracks["kind"] == kind], starts, ends, extrusion.TILE)
    one, all_kinds = (
        pair_features(Landscape.of(table, starts), Pairs.of(*ends))
        for table in (tracks[tracks["kind"] == kind], tracks)
    )
    own = [number for number, feature in enumerate(FEATURES) if feature.kind in (kind, GENES)]
    np.testing.assert_array_equal(one[:, own], all_kinds[:, own])


def test_margins_that_meet_leave_nothing_between() -> None:
    tracks = drawn_tracks(8, 1_000, 200_000)
    ends = np.array([50_000, 50_000, 50_000]), np.array([50_900, 49_100, 50_000])
    found = pair_features(Landscape.of(tracks, np.arange(0, 200_000, 10)), Pairs.of(*ends))
    for name in (
        "insulation_sum", "insulation_max", "insulation_count", "forward_between", "reverse_between",
        "starts_between", "active_starts_between", "active_promoters_between", "enhancers_between",
    ):  # fmt: skip
        assert (found[:, NAMES.index(name)] == 0.0).all(), name


# Limits that can be written down


def of_insulators(
    sites: list[tuple[int, str]], ends: tuple[int, int] = (100_000, 300_000)
) -> dict[str, float]:
    centre = np.array([at for at, _ in sites], dtype=np.int64)
    tracks = pd.DataFrame(
        {
            "kind": "insulators", "chrom": "chr1", "start": centre - 20, "end": centre + 20, "centre": centre,
            "signal": 1.0, "activity": np.float32(3.0), "strand": [strand for _, strand in sites],
        }
    )  # fmt: skip
    row = pair_features(Landscape.of(tracks, []), Pairs.of([ends[0]], [ends[1]]))[0]
    return dict(zip(NAMES, row.tolist(), strict=True))


def test_nothing_blocks_where_there_is_no_insulator() -> None:
    found = of_insulators([])
    assert found["extrusion"] == pytest.approx(np.log(1.0 + 1e-5), abs=1e-6)
    assert found["anchored_extrusion"] == pytest.approx(np.log(1e-3))
    assert all(found[f.name] == 0.0 for f in FEATURES if f.kind == "insulators" and "extrusion" not in f.name)


@pytest.mark.parametrize("strand", ["+", "-", "."])
def test_an_insulator_between_the_ends_blocks(strand: str) -> None:
    open_, closed = of_insulators([]), of_insulators([(200_000, strand)])
    assert closed["extrusion"] < open_["extrusion"]
    assert closed["insulation_sum"] == pytest.approx(np.log1p(3.0))
    assert closed["insulation_max"] == 3.0
    assert closed["insulation_count"] == pytest.approx(np.log(2.0))
    beside = of_insulators([(400_000, strand)])
    assert beside["extrusion"] == open_["extrusion"]


def test_convergent_sites_at_the_ends_hold_a_loop_and_divergent_ones_do_not() -> None:
    convergent = of_insulators([(100_100, "+"), (299_900, "-")])
    divergent = of_insulators([(100_100, "-"), (299_900, "+")])
    assert convergent["anchored_extrusion"] > divergent["anchored_extrusion"] + 3.0
    assert convergent["convergent_ends"] == pytest.approx(3.0)
    assert divergent["convergent_ends"] == 0.0
    assert convergent["facing_at_enhancer"] == pytest.approx(np.log1p(3.0))
    assert convergent["averted_at_enhancer"] == 0.0
    assert divergent["averted_at_promoter"] == pytest.approx(np.log1p(3.0))
    # Seen from the other side, the enhancer at the right end.
    turned = of_insulators([(100_100, "+"), (299_900, "-")], (300_000, 100_000))
    assert turned == convergent


def test_the_mirror_image_of_a_chromosome_has_the_same_features() -> None:
    rng = np.random.default_rng(11)
    tracks = drawn_tracks(11, 60, LENGTH // 10)
    for name in ("start", "end"):
        tracks[name] *= 10
    tracks["centre"] = tracks["centre"] * 10 + 5  # no peak lies on the very border of a stretch
    starts = 10 * rng.integers(0, LENGTH // 10, 50) + 5
    enhancer, promoter = (10 * end for end in drawn_pairs(11, 80, tracks, LENGTH // 10))
    mirrored = tracks.assign(
        start=LENGTH - tracks["end"],
        end=LENGTH - tracks["start"],
        centre=LENGTH - tracks["centre"],
        strand=tracks["strand"].map({"+": "-", "-": "+", ".": "."}),
    )
    one = pair_features(Landscape.of(tracks, starts), Pairs.of(enhancer, promoter))
    other = pair_features(
        Landscape.of(mirrored, LENGTH - starts), Pairs.of(LENGTH - enhancer, LENGTH - promoter)
    )
    apart = enhancer != promoter
    for number, name in enumerate(NAMES):
        np.testing.assert_allclose(
            one[apart, number], other[apart, number], rtol=1e-4, atol=1e-4, err_msg=name
        )


def test_signals_are_those_of_the_enhancer_of_each_pair() -> None:
    tracks = drawn_tracks(5, 10)
    signals = pd.DataFrame(
        {"centre": [900, 100, 500], "r_accessibility": [3.0, 1.0, 2.0], "r_both": [0.3, 0.1, 0.2]}
    )
    enhancer, promoter = np.array([500, 900, 500, 100]), np.array([90_000, 90_000, 70, 90_000])
    pairs = Pairs.of(enhancer, promoter)
    found = pair_features(Landscape.of(tracks, [], signals=signals), pairs)
    at = [NAMES.index(name) for name in NO_SIGNALS]
    np.testing.assert_allclose(found[:, at[0]], [2.0, 3.0, 2.0, 1.0])
    np.testing.assert_allclose(found[:, at[1]], np.log(0.05 + np.array([0.2, 0.3, 0.2, 0.1])), rtol=1e-6)
    # Of all other features they change nothing.
    others = [number for number in range(len(NAMES)) if number not in at]
    without = pair_features(Landscape.of(tracks, []), pairs)
    np.testing.assert_array_equal(found[:, others], without[:, others])
    assert (without[:, at] == 0.0).all()
    with pytest.raises(ValueError, match="no signal was read"):
        pair_features(Landscape.of(tracks, [], signals=signals), Pairs.of([501], [90_000]))


# The table of features


def test_every_feature_says_what_it_is() -> None:
    assert len(set(NAMES)) == len(FEATURES)
    for feature in FEATURES:
        assert feature.formula, feature.name
        assert feature.unit, feature.name
        assert feature.source, feature.name
        assert feature.kind in (*TRACK_KINDS, GENES, SIGNALS)
        assert features.kind_of(feature.name) == feature.kind
    assert set(KINDS) == {*TRACK_KINDS, GENES, SIGNALS}
    # Who touches whom does not need what a candidate's signals say of regulation.
    assert all(feature.of_regulation for feature in FEATURES if feature.kind == SIGNALS)
    for kind in KINDS:
        assert {feature.kind for feature in FEATURES[features.columns_of(kind)]} == {kind}
        assert len(FEATURES[features.columns_of(kind)]) == sum(feature.kind == kind for feature in FEATURES)


# Many chromosomes, in pieces


@pytest.fixture(name="genome")
def make_genome() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(21)
    chroms = ["chr1", "chr2", "chr10"]
    tracks = pd.concat([drawn_tracks(21 + i, 30, chrom=c) for i, c in enumerate(chroms[:2])])
    starts = pd.DataFrame({"chrom": np.repeat(chroms[1:], 20), "position": rng.integers(0, LENGTH, 40)})
    starts["promoter_class"] = starts["position"] % 3
    enhancer, promoter = drawn_pairs(21, 90, tracks)
    table = pd.DataFrame(
        {"chrom": rng.choice(chroms, 90), "enhancer_centre": enhancer, "promoter_centre": promoter}
    )
    return table, tracks.reset_index(drop=True), starts


def test_each_chromosome_has_its_own_peaks_whatever_the_order_of_the_pairs(genome) -> None:
    table, tracks, starts = genome
    found = features_of(table, tracks, starts)
    for chrom, rows in table.groupby("chrom").indices.items():
        own = starts[starts["chrom"] == chrom]
        landscape = Landscape.of(tracks[tracks["chrom"] == chrom], own["position"], own["promoter_class"])
        part = table.iloc[rows]
        alone = pair_features(landscape, Pairs.of(part["enhancer_centre"], part["promoter_centre"]))
        np.testing.assert_array_equal(found[rows], alone)
    order = np.random.default_rng(1).permutation(len(table))
    np.testing.assert_array_equal(features_of(table.iloc[order], tracks, starts), found[order])


@pytest.mark.parametrize("at_once", [1, 7, 30])
def test_pieces_change_nothing(genome, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = features_of(*genome)
    monkeypatch.setattr(pairs, "PAIRS_AT_ONCE", at_once)
    np.testing.assert_array_equal(features_of(*genome), whole)
    in_order = genome[0].sort_values("chrom", ignore_index=True)
    np.testing.assert_array_equal(
        features_of(in_order, *genome[1:]), whole[genome[0].sort_values("chrom").index]
    )


def test_no_pairs_and_no_peaks(genome) -> None:
    table, tracks, starts = genome
    assert features_of(table.iloc[:0], tracks, starts).shape == (0, len(NAMES))
    empty = features_of(table, tracks.iloc[:0], starts.iloc[:0])
    assert np.isfinite(empty).all()
    assert (empty[:, [feature.kind == GENES for feature in FEATURES]] == 0.0).all()
