"""Own, expected, wrong and sibling landscapes of labelled pairs, from files to files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cbat.config.sheets import TRACK_KINDS
from cbat.errors import UserError
from cbat.landscape import pairs
from cbat.landscape.features import FEATURES, GENES, NAMES
from cbat.landscape.pairs import KEY, PAIR_COLUMNS, SOURCES, features_of
from cbat.landscape.tracks import TRACK_COLUMNS

LENGTH = 2_000_000
CHROMS = ("chr1", "chr2")
LINES = ("a", "b", "c", "new", "other")
OF_GENES = [feature.kind == GENES for feature in FEATURES]


def of_kind(*kinds: str) -> list[int]:
    return [number for number, feature in enumerate(FEATURES) if feature.kind in kinds]


def drawn_tracks(seed: int, kinds: tuple[str, ...] = TRACK_KINDS) -> pd.DataFrame:
    rng = np.random.default_rng([seed, 5])
    parts = []
    for kind in TRACK_KINDS:
        for chrom in CHROMS:
            edges = np.sort(rng.choice(LENGTH, 60, replace=False))
            strand = rng.choice(["+", "-"], 30) if kind == "insulators" else np.full(30, ".")
            columns = {"start": edges[::2], "end": edges[1::2], "centre": (edges[::2] + edges[1::2]) // 2}
            activity = rng.exponential(size=30).astype(np.float32)
            parts.append(
                pd.DataFrame({"kind": kind, "chrom": chrom, **columns, "signal": 1.0, "activity": activity})
                .assign(strand=strand)
            )  # fmt: skip
    table = pd.concat(parts, ignore_index=True)[TRACK_COLUMNS]
    return table[table["kind"].isin(kinds)].reset_index(drop=True)


@dataclass
class World:
    """Files of a small world; ``new`` is the line that nothing has seen."""

    top: Path

    def write_tracks(self, line: str, table: pd.DataFrame) -> None:
        table.to_parquet(self.top / f"{line}.parquet", index=False)

    def arguments(self, line: str = "new", **over: Any) -> dict[str, Any]:
        return {
            "cell_line": line, "labels": self.top / "labels.parquet", "elements_directory": self.top,
            "tracks": {name: self.top / f"{name}.parquet" for name in LINES},
            "training_lines": ["a", "b", "c"], "tissue": "lung", "graph": self.top / "graph.json",
            "genes": self.top / "genes.parquet", "directory": self.top / "out", "wrong": "other",
            "sibling": "a",
        } | over  # fmt: skip

    def read(self, line: str = "new", **over: Any) -> dict[str, pd.DataFrame]:
        """Run the stage; its tables."""
        arguments = self.arguments(line, **over)
        pairs.run(**arguments)
        names = ("pairs", *SOURCES, "static")
        return {name: pd.read_parquet(arguments["directory"] / f"{name}.parquet") for name in names}

    def bytes_of(self, name: str) -> bytes:
        return (self.top / "out" / name).read_bytes()

    def report(self) -> dict[str, Any]:
        return json.loads(self.bytes_of("report.json"))

    def slow(self, line: str) -> np.ndarray:
        """Features in the tracks of a line."""
        labels = pd.read_parquet(self.top / "labels.parquet")
        for role in ("enhancer", "promoter"):
            table = pd.read_parquet(self.top / f"{role}.parquet").iloc[labels[role]]
            labels[f"{role}_centre"] = ((table["start"] + table["end"]) // 2).to_numpy()
        tracks, starts = (pd.read_parquet(self.top / f"{name}.parquet") for name in (line, "genes"))
        return features_of(labels, tracks, starts)


def write_elements(top: Path, rng: np.random.Generator) -> None:
    for role, n in (("enhancer", 40), ("promoter", 15)):
        start = rng.integers(0, LENGTH - 400, n)
        table = pd.DataFrame({"chrom": rng.choice(CHROMS, n), "start": start, "end": start + 400})
        name = [f"{c}:{s}-{s + 400}" for c, s in zip(table["chrom"], start, strict=True)]
        table.assign(name=name).to_parquet(top / f"{role}.parquet", index=False)


def write_labels(top: Path, rng: np.random.Generator) -> None:
    enhancers, promoters = (pd.read_parquet(top / f"{role}.parquet") for role in ("enhancer", "promoter"))
    both = [(e, p) for e in range(40) for p in range(15) if enhancers["chrom"][e] == promoters["chrom"][p]]
    picked = np.array(both)[rng.choice(len(both), 80, replace=False)]
    of = [enhancers.iloc[picked[:, 0]].reset_index(), promoters.iloc[picked[:, 1]].reset_index()]
    pd.DataFrame(
        {
            "enhancer": picked[:, 0], "promoter": picked[:, 1], "enhancer_id": of[0]["name"],
            "promoter_id": of[1]["name"], "label": rng.integers(0, 2, 80).astype(np.int8),
            "distance": (of[0]["start"] - of[1]["start"]).abs(), "chrom": of[0]["chrom"], "split": "train",
        }
    ).to_parquet(top / "labels.parquet", index=False)  # fmt: skip


def write_graph(top: Path) -> None:
    nodes = [{"name": name, "kind": "cell_line"} for name in "abc"]
    nodes += [{"name": name, "kind": "tissue"} for name in ("lung", "brain", "body")]
    edges = [("a", "lung"), ("b", "lung"), ("c", "brain")]
    listed = [{"source": s, "target": t, "kind": "tissue", "weight": 1.0} for s, t in edges]
    listed += [{"source": t, "target": "body", "kind": "parent", "weight": 1.0} for t in ("lung", "brain")]
    (top / "graph.json").write_text(json.dumps({"nodes": nodes, "edges": listed}))


@pytest.fixture(name="world")
def make_world(tmp_path: Path) -> World:
    rng = np.random.default_rng(7)
    write_elements(tmp_path, rng)
    write_labels(tmp_path, rng)
    write_graph(tmp_path)
    position = np.sort(rng.integers(0, LENGTH, 60))
    genes = pd.DataFrame({"chrom": rng.choice(CHROMS, 60), "position": position, "strand": "+"})
    genes.assign(name="g", biotype=".", promoter_class=position % 3).to_parquet(
        tmp_path / "genes.parquet", index=False
    )
    world = World(tmp_path)
    for seed, line in enumerate(LINES):
        world.write_tracks(line, drawn_tracks(seed))
    return world


def columns(table: pd.DataFrame) -> np.ndarray:
    return table[list(NAMES)].to_numpy()


def test_rows_are_the_labelled_pairs_in_their_order(world: World) -> None:
    found = world.read()
    labels = pd.read_parquet(world.top / "labels.parquet")
    pd.testing.assert_frame_equal(found["pairs"], labels[PAIR_COLUMNS])
    for name in SOURCES:
        assert list(found[name].columns) == [*KEY, *NAMES]
        pd.testing.assert_frame_equal(found[name][KEY], labels[KEY])
        assert np.isfinite(columns(found[name])).all()
    assert list(found["static"].columns) == [*KEY, *np.array(NAMES)[OF_GENES]]


def test_activity_by_contact_is_that_of_the_lines_own_peaks(world: World) -> None:
    found = world.read()
    scores = pd.read_parquet(world.top / "out" / "abc.parquet")
    pd.testing.assert_frame_equal(scores[KEY], found["pairs"][KEY])
    assert scores["abc"].between(0.0, 1.0).all()
    assert 0.0 < (scores["abc"] > 0.0).mean() < 1.0


def test_each_source_reads_its_own_line(world: World) -> None:
    found = world.read()
    for name, line in (("own", "new"), ("wrong", "other"), ("sibling", "a")):
        np.testing.assert_array_equal(columns(found[name]), world.slow(line))
    np.testing.assert_array_equal(found["static"].iloc[:, 2:], world.slow("new")[:, OF_GENES])


def test_the_expectation_is_the_mean_of_the_training_lines_by_kinship(world: World) -> None:
    found = world.read()
    weights = world.report()["kinship"]
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["a"] == pytest.approx(weights["b"])
    assert weights["a"] > weights["c"]
    expected = sum(weight * world.slow(line) for line, weight in weights.items())
    np.testing.assert_allclose(columns(found["graph"]), expected, rtol=1e-4, atol=1e-5)


def test_a_training_line_is_no_part_of_its_own_expectation(world: World) -> None:
    before = world.read("a", sibling="b")["graph"]
    assert set(world.report()["kinship"]) == {"b", "c"}
    world.write_tracks("a", drawn_tracks(50))
    pd.testing.assert_frame_equal(world.read("a", sibling="b")["graph"], before)


def test_the_teacher_never_reads_a_line_that_training_has_not_seen(world: World) -> None:
    world.read()
    before = world.bytes_of("graph.parquet")
    world.write_tracks("new", drawn_tracks(60))
    world.write_tracks("other", drawn_tracks(61))
    world.read()
    assert world.bytes_of("graph.parquet") == before
    world.write_tracks("new", drawn_tracks(60).iloc[:0])
    world.read()
    assert world.bytes_of("graph.parquet") == before
    world.write_tracks("b", drawn_tracks(62))
    world.read()
    assert world.bytes_of("graph.parquet") != before


def test_a_line_without_any_track_has_the_landscape_that_the_graph_expects(world: World) -> None:
    world.write_tracks("new", drawn_tracks(3).iloc[:0])
    found = world.read()
    pd.testing.assert_frame_equal(found["own"], found["graph"])
    assert np.isfinite(columns(found["own"])).all()
    assert world.report()["own_kinds"] == []
    assert world.report()["without_own_track"] == list(TRACK_KINDS)


def test_a_kind_that_the_line_lacks_is_the_expected_one(world: World) -> None:
    whole = world.read()
    world.write_tracks("new", drawn_tracks(3, ("active_enhancers",)))
    found = world.read()
    lacking = of_kind("insulators", "active_promoters")
    np.testing.assert_array_equal(columns(found["own"])[:, lacking], columns(found["graph"])[:, lacking])
    enhancers = of_kind("active_enhancers")
    np.testing.assert_array_equal(columns(found["own"])[:, enhancers], columns(whole["own"])[:, enhancers])
    assert world.report()["own_kinds"] == ["active_enhancers"]


def test_a_kind_that_some_training_lines_lack_is_the_others_mean(world: World) -> None:
    world.write_tracks("a", drawn_tracks(0, ("active_enhancers", "active_promoters")))
    found = columns(world.read()["graph"])
    weights = world.report()["kinship"]
    assert world.report()["expected_from"]["insulators"] == ["b", "c"]
    insulators, enhancers = of_kind("insulators"), of_kind("active_enhancers")
    two = (weights["b"] * world.slow("b") + weights["c"] * world.slow("c")) / (weights["b"] + weights["c"])
    np.testing.assert_allclose(found[:, insulators], two[:, insulators], rtol=1e-4, atol=1e-5)
    all_three = sum(weight * world.slow(line) for line, weight in weights.items())
    np.testing.assert_allclose(found[:, enhancers], all_three[:, enhancers], rtol=1e-4, atol=1e-5)


def test_a_kind_that_no_training_line_has_is_the_lines_own(world: World) -> None:
    for seed, line in enumerate("abc"):
        world.write_tracks(line, drawn_tracks(seed, ("active_enhancers", "active_promoters")))
    found = world.read()
    insulators = of_kind("insulators")
    np.testing.assert_array_equal(
        columns(found["graph"])[:, insulators], columns(found["own"])[:, insulators]
    )
    assert world.report()["expected_from"]["insulators"] == []
    world.write_tracks("new", drawn_tracks(3, ("active_enhancers",)))
    assert np.isfinite(columns(world.read()["own"])).all()  # nobody has any: as without peaks


def test_one_training_line_expects_nothing_but_what_it_has_itself(world: World) -> None:
    found = world.read("a", training_lines=["a"], sibling=None)
    pd.testing.assert_frame_equal(found["graph"], found["own"])
    assert world.report()["kinship"] == {}


def test_lines_that_do_not_exist_leave_tables_without_rows(world: World) -> None:
    found = world.read(wrong=None, sibling=None)
    for name in ("wrong", "sibling"):
        assert list(found[name].columns) == [*KEY, *NAMES]
        assert found[name].empty


def test_the_same_input_gives_the_same_bytes(world: World) -> None:
    files = [*(f"{name}.parquet" for name in ("pairs", *SOURCES, "static")), "report.json"]
    world.read()
    before = [world.bytes_of(name) for name in files]
    world.read()
    assert [world.bytes_of(name) for name in files] == before


# Bad input


def test_tracks_under_other_names_of_chromosomes_are_refused(world: World) -> None:
    tracks = drawn_tracks(3)
    world.write_tracks("new", tracks.assign(chrom=tracks["chrom"].str.removeprefix("chr")))
    with pytest.raises(UserError, match="tracks of 'new' share no chromosome.*'1'.*'chr1'"):
        pairs.run(**world.arguments())
    assert not (world.top / "out").exists()


def test_genes_under_other_names_of_chromosomes_are_refused(world: World) -> None:
    genes = pd.read_parquet(world.top / "genes.parquet")
    genes.assign(chrom="1").to_parquet(world.top / "genes.parquet", index=False)
    with pytest.raises(UserError, match="genes share no chromosome") as caught:
        pairs.run(**world.arguments())
    assert "genes.parquet" in str(caught.value)


@pytest.mark.parametrize("name", ["labels", "enhancer", "b", "genes", "graph"])
def test_a_damaged_file_is_named(world: World, name: str) -> None:
    path = world.top / (f"{name}.json" if name == "graph" else f"{name}.parquet")
    path.write_bytes(b"PAR1 no table")
    with pytest.raises(UserError) as caught:
        pairs.run(**world.arguments())
    assert path.name in str(caught.value)
