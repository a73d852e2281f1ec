"""A law scores a pair by the fit that has not read its chromosome, from any source of the landscape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sheets import TRACK_KINDS
from cbat.errors import UserError
from cbat.landscape.apply import LineLandscape, energies, offsets, thresholds
from cbat.landscape.features import FEATURES, NAMES
from cbat.landscape.law import KNOTS, Fit, Law, standardised
from cbat.landscape.pairs import KEY, PAIR_COLUMNS, SOURCES

N = 60


def a_fit(seed: int, threshold: float = 0.5, **shares: float) -> Fit:
    rng = np.random.default_rng(seed)
    distance, weights = (tuple(rng.normal(size=n).tolist()) for n in (1 + len(KNOTS), len(NAMES)))
    return Fit(
        distance, float(rng.normal()), NAMES, {kind: shares.get(kind, 0.5) for kind in TRACK_KINDS},
        "linear", weights, weights, 12.0, threshold, {},
    )  # fmt: skip


@pytest.fixture(name="law")
def make_law() -> Law:
    return Law("fused", {"one": a_fit(1, 0.2), "two": a_fit(2, 0.4), "all": a_fit(3, 0.9)}, ("a",))


def write(folder: Path, *, missing: tuple[str, ...] = ()) -> Path:
    """A landscape of read_landscape, with features at random."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(4)
    start = 1_000 * np.arange(N)
    pairs = pd.DataFrame(
        {
            "enhancer_id": [f"chr1:{s}-{s + 400}" for s in start], "promoter_id": "chr1:5-405",
            "label": rng.integers(0, 2, N), "distance": start + 5_000, "chrom": "chr1",
            "split": rng.choice(["one", "two", "left_out"], N),
        }
    )  # fmt: skip
    pairs[PAIR_COLUMNS].to_parquet(folder / "pairs.parquet", index=False)
    for source in SOURCES:
        columns = pd.DataFrame(rng.normal(3.0, 2.0, (N, len(NAMES))).astype(np.float32), columns=list(NAMES))
        table = pd.concat([pairs[KEY], columns], axis=1)
        (table.iloc[:0] if source in missing else table).to_parquet(folder / f"{source}.parquet", index=False)
    return folder


def test_it_reads_what_there_is_and_standardises_it(tmp_path: Path) -> None:
    line = LineLandscape.read(write(tmp_path, missing=("sibling",)))
    assert set(line.sources) == {"own", "graph", "wrong"}
    raw = pd.read_parquet(tmp_path / "wrong.parquet")[list(NAMES)].to_numpy()
    np.testing.assert_array_equal(line.sources["wrong"], standardised(raw))


def test_each_pair_is_scored_by_the_member_of_its_split(tmp_path: Path, law: Law) -> None:
    line = LineLandscape.read(write(tmp_path))
    potential, resistance = energies(law, line, "own")
    at = thresholds(law, line.pairs)
    for row, split in enumerate(line.pairs["split"]):
        fit = law.members.get(split, law.members["all"])
        part = slice(row, row + 1)
        distance = line.pairs["distance"].to_numpy()[part]
        assert potential[row] == pytest.approx(fit.potential(distance)[0])
        both = (line.sources[name][part] for name in ("own", "graph"))
        assert resistance[row] == pytest.approx(fit.resistance(*both)[0], rel=1e-6)
        assert at[row] == fit.threshold


@pytest.mark.parametrize("source", ["own", "graph", "wrong", "sibling", "none"])
def test_all_kinds_are_fed_from_a_source(tmp_path: Path, source: str) -> None:
    line = LineLandscape.read(write(tmp_path))
    own, graph = line.fed(source)
    if source == "none":
        assert not own.any()
        assert not graph.any()
    else:
        np.testing.assert_array_equal(own, line.sources[source])
        np.testing.assert_array_equal(graph, line.sources["graph"])


@pytest.mark.parametrize("kind", TRACK_KINDS)
@pytest.mark.parametrize("source", ["graph", "wrong", "none"])
def test_one_kind_is_fed_from_a_source_and_the_others_stay(tmp_path: Path, kind: str, source: str) -> None:
    line = LineLandscape.read(write(tmp_path))
    before = {name: columns.copy() for name, columns in line.sources.items()}
    own, graph = line.fed(source, kind)
    there = np.array([feature.kind == kind for feature in FEATURES])
    np.testing.assert_array_equal(own[:, ~there], before["own"][:, ~there])
    np.testing.assert_array_equal(graph[:, ~there], before["graph"][:, ~there])
    expected = np.zeros((N, there.sum())) if source == "none" else before[source][:, there]
    np.testing.assert_array_equal(own[:, there], expected)
    for name, columns in line.sources.items():  # which are read again
        np.testing.assert_array_equal(columns, before[name])


def test_another_context_changes_the_resistance_alone(tmp_path: Path, law: Law) -> None:
    line = LineLandscape.read(write(tmp_path))
    own, wrong, none = (energies(law, line, source) for source in ("own", "wrong", "none"))
    np.testing.assert_array_equal(own[0], wrong[0])
    assert (own[1] != wrong[1]).all()
    assert (none[1] == 12.0).all()


def test_a_line_without_tracks_is_scored_as_the_graph_expects_it(tmp_path: Path) -> None:
    """Its own table is the expected one, whatever share of its own evidence the law believes."""
    folder = write(tmp_path)
    pd.read_parquet(folder / "graph.parquet").to_parquet(folder / "own.parquet", index=False)
    line = LineLandscape.read(folder)
    found = [
        energies(Law("fused", {"all": a_fit(1, **dict.fromkeys(TRACK_KINDS, share))}, ()), line, "own")[1]
        for share in (0.0, 0.5, 1.0)
    ]
    assert np.isfinite(found[0]).all()
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-5)


def test_offsets_are_the_energies_of_each_labelled_pair(tmp_path: Path, law: Law) -> None:
    line = LineLandscape.read(write(tmp_path))
    for context in ("own", "graph", "wrong", "sibling", "none"):
        table = offsets(law, line, context)
        assert list(table.columns) == [*KEY, "potential", "resistance"]
        pd.testing.assert_frame_equal(table[KEY], line.pairs[KEY])
        potential, resistance = energies(law, line, context)
        np.testing.assert_array_equal(table["potential"], potential)
        np.testing.assert_array_equal(table["resistance"], resistance)
        assert table["resistance"].dtype == np.float64


def test_a_line_that_is_not_there_is_replaced_by_the_expectation(tmp_path: Path, law: Law) -> None:
    line = LineLandscape.read(write(tmp_path, missing=("wrong", "sibling")))
    for context in ("wrong", "sibling"):
        pd.testing.assert_frame_equal(offsets(law, line, context), offsets(law, line, "graph"))


def test_a_law_of_distance_needs_no_features(tmp_path: Path) -> None:
    fit = Fit(tuple([0.1] * (1 + len(KNOTS))), 0.0, (), {}, "linear", (), (), 10.0, 0.5, {})
    table = offsets(Law("distance", {"all": fit}, ()), LineLandscape.read(write(tmp_path)), "own")
    assert (table["resistance"] == 10.0).all()


@pytest.mark.parametrize("name", ["own", "sibling"])
def test_tables_of_other_pairs_are_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path) / f"{name}.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path)
    with pytest.raises(UserError, match=f"{N - 1} rows for {N} pairs") as caught:
        LineLandscape.read(tmp_path)
    assert path.name in str(caught.value)
    assert "read_landscape" in str(caught.value)


@pytest.mark.parametrize("name", ["pairs", *SOURCES])
def test_a_missing_or_damaged_table_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path) / f"{name}.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(UserError, match=path.name):
        LineLandscape.read(tmp_path)
    path.unlink()
    with pytest.raises(UserError, match=path.name):
        LineLandscape.read(tmp_path)


@pytest.mark.parametrize("name", ["own", "graph"])
def test_a_line_whose_own_or_expected_table_is_empty_is_refused(tmp_path: Path, name: str) -> None:
    """Only stand-ins may be missing."""
    with pytest.raises(UserError, match=f"0 rows for {N} pairs"):
        LineLandscape.read(write(tmp_path, missing=(name,)))
