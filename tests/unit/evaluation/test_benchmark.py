"""Claims: each is the figure that a recomputation gives, held against its bar, and absent without data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import ALL_CANDIDATES, EvaluationSettings
from cbat.evaluation import benchmark_claims
from cbat.evaluation.benchmark import run
from cbat.evaluation.benchmark_claims import as_rows, claims, weigh
from cbat.evaluation.benchmark_figures import Benchmark
from cbat.evaluation.benchmark_text import WORLDS_TITLE, in_markup, in_words
from cbat.evaluation.benchmark_worlds import world_columns
from cbat.evaluation.table import as_table, write_table

LINES, SEEDS = ("A549", "HepG2"), (1, 2)
OBSERVERS = ("oracle", "attainable", "attainable_all")
BASE = {
    ("baseline", "-", 0): 0.70, ("full", "own", 256): 0.82, ("full", "wrong", 256): 0.72,
    ("oracle", "-", 0): 0.90,
}  # fmt: skip


def world(figures: Mapping[tuple[str, str, int], float], **metrics: float) -> pd.DataFrame:
    """A long table with one figure for each model and context, the lines a little apart."""
    rows = []
    for (model, context, size), value in figures.items():
        for seed in (0,) if model in OBSERVERS else SEEDS:
            for shift, line in enumerate(LINES):
                key = {
                    "model": model, "seed": seed, "cell_line": line, "role": "unseen", "chromosomes": "test",
                    "context": context, "n_support": size,
                }  # fmt: skip
                rows.append(key | {"negatives": "balanced", "metric": "aupr", "value": value + 0.01 * shift})
                for metric, other in metrics.items() if model == "full" else ():
                    rows.append(key | {"negatives": "natural", "metric": metric, "value": other})
    return as_table(rows)


def weighed(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return as_rows(weigh(Benchmark(tables, "baseline", "full", 256))).set_index("claim")


def row(table: pd.DataFrame, start: str) -> pd.Series:
    (found,) = [claim for claim in table.index if claim.startswith(start)]
    return table.loc[found]


def test_the_claims_of_the_additive_world() -> None:
    additive = world(BASE, ece=0.03, collapse_signs=0.0)
    table = weighed({"additive": additive, "stability": additive})
    gap = row(table, "share of the gap between baseline")
    assert gap["value"] == pytest.approx(0.12 / 0.20)
    assert (gap["met"], gap["bar"], gap["n_lines"], gap["n_seeds"]) == ("yes", ">= 0.55", 2, 2)
    assert row(table, "share of unseen lines x seeds")["value"] == 1.0
    assert row(table, "full: own support set minus")["value"] == pytest.approx(0.10)
    assert row(table, "expected calibration error")["met"] == "yes"
    assert row(table, "trainings of full that collapse")["met"] == "yes"


def test_a_claim_without_its_model_or_world_is_not_measured() -> None:
    for tables in ({}, {"additive": world({("baseline", "-", 0): 0.7})}, {"tissue_090": world(BASE)}):
        table = weighed(tables)
        table = table[table["worlds"] != benchmark_claims.EVERY_WORLD]
        assert set(table["met"]) == {"not measured"}
        assert table["value"].isna().all()


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({("full", "own", 256): 0.80}, "share of the gap between"),
        ({("full", "own", 256): 0.69}, "share of unseen lines x seeds"),
        ({("full", "wrong", 256): 0.75}, "full: own support set minus"),
    ],
)
def test_a_figure_below_its_bar_fails(change: dict, claim: str) -> None:
    table = weighed({"additive": world(BASE | change)})
    assert row(table, claim)["met"] == "no"


def test_signs_of_collapse_and_calibration_fail() -> None:
    additive = world(BASE, ece=0.06)
    table = weighed({"additive": additive, "stability": world(BASE, collapse_signs=1.0)})
    assert row(table, "expected calibration")["met"] == "no"
    assert row(table, "trainings of full that collapse")["value"] == 2.0
    assert row(table, "trainings of full that collapse")["met"] == "no"
    alone = row(weighed({"additive": additive}), "trainings of full that collapse")
    assert alone["met"] == "not measured"


@pytest.mark.parametrize(("own", "expected"), [(0.80, "yes"), (0.79, "no")])
def test_fusion_is_held_against_the_better_of_the_two_alone(own: float, expected: str) -> None:
    figures = {("full", "own", 16): own, ("full", "graph", 0): 0.80, ("no_graph", "own", 16): 0.77}
    table = weighed({"tissue_090": world(figures)})
    assert row(table, "full with 16 elements")["met"] == expected
    assert row(table, "full with 16 elements")["value"] == pytest.approx(own - 0.80)
    del figures["full", "graph", 0]
    assert row(weighed({"tissue_090": world(figures)}), "full with 16")["met"] == "not measured"


@pytest.mark.parametrize(("without", "expected"), [(0.80, "yes"), (0.82, "no")])
def test_reading_the_landscape_must_pay_where_it_counts(without: float, expected: str) -> None:
    figures = BASE | {("no_landscape", "own", 256): without, ("own_landscape", "own", 256): 0.81}
    table = weighed({"landscape": world(figures)})
    assert row(table, "full minus no_landscape")["met"] == expected
    assert row(table, "full minus no_landscape")["value"] == pytest.approx(0.82 - without)
    assert row(table, "full minus own_landscape")["met"] == "reported"
    assert row(table, "full minus graph_landscape")["met"] == "not measured"
    assert row(table, "share of the gap that full closes where CTCF")["value"] == pytest.approx(0.6)


def test_the_files_say_first_what_fails(tmp_path: Path) -> None:
    write_table(tmp_path / "metrics.tsv", world(BASE | {("full", "wrong", 256): 0.80}, ece=0.03))
    run(
        worlds={"additive": tmp_path / "metrics.tsv"}, settings=EvaluationSettings(), baseline="baseline",
        full_model="full", directory=tmp_path,
    )  # fmt: skip
    words = (tmp_path / "benchmark.txt").read_text()
    assert "2 hold" not in words.split("FAILS:")[1]
    assert words.index("FAILS:") < words.index("holds:") < words.index("not measured:")
    assert (
        "full: own support set minus that of a wrong line: 0.020, bar >= 0.08 (additive; 2 lines x 2" in words
    )
    table = pd.read_csv(tmp_path / "benchmark.tsv", sep="\t", keep_default_na=False)
    assert list(table.columns) == benchmark_claims.BENCHMARK_COLUMNS
    assert "c00000" in (tmp_path / "benchmark.rst").read_text()


def test_the_verdict_counts_claims_that_have_a_bar() -> None:
    result = weigh(Benchmark({}, "baseline", "full", 256))
    n = sum(claim.bar is not None for claim in claims("full", "baseline", 256))
    assert f"Of {n} claims 0 hold and none fails; {n} could not be measured" in in_words(result)
    assert "c00000" not in in_markup(result)
    assert np.isnan(as_rows(result)["value"]).all()


NEW = {
    ("baseline", "-", 0): 0.70, ("full", "own", 256): 0.78, ("motif_regression", "own", 256): 0.77,
    ("attainable", "-", 0): 0.80, ("oracle", "-", 0): 0.90,
}  # fmt: skip


def test_what_is_attained_is_a_mean_over_all_worlds_unlike_the_model() -> None:
    tables = {name: world(NEW) for name in benchmark_claims.UNLIKE_THE_MODEL}
    tables["jaspar"] = world(NEW | {("full", "own", 256): 0.73})
    found = row(weighed(tables), "share of what is attainable")
    assert found["value"] == pytest.approx((6 * 0.8 + 0.3) / 7)
    assert (found["met"], found["bar"]) == ("yes", ">= 0.6")
    del tables["rare"]
    assert row(weighed(tables), "share of what is attainable")["met"] == "not measured"


def test_all_candidates_are_held_against_the_observer_with_all_candidates() -> None:
    figures = NEW | {("full", "own", ALL_CANDIDATES): 0.81, ("attainable_all", "-", 0): 0.82}
    known = Benchmark({"jaspar": world(figures)}, "baseline", "full", 256)
    assert known.attained("jaspar").value == pytest.approx(0.8)
    assert known.attained("jaspar", everything=True).value == pytest.approx(11 / 12)
    without = Benchmark({"jaspar": world(NEW)}, "baseline", "full", 256)
    assert without.attained("jaspar", everything=True) is None


@pytest.mark.parametrize(("regression", "expected"), [(0.782, "yes"), (0.784, "no")])
def test_the_regression_may_be_ahead_nowhere(regression: float, expected: str) -> None:
    tables = {name: world(NEW) for name in benchmark_claims.OF_THE_REGRESSION}
    tables["rare"] = world(NEW | {("motif_regression", "own", 256): regression})
    found = weigh(Benchmark(tables, "baseline", "full", 256))
    (words,) = [
        measured.words for claim, measured in found if "minus motif_regression" in claim.text and measured
    ]
    assert words == f"{0.78 - regression:+.4f} in rare, the least of 9 worlds"
    assert row(as_rows(found).set_index("claim"), "full minus motif_regression in")["met"] == expected
    del tables["jaspar"]
    assert row(weighed(tables), "full minus motif_regression in")["met"] == "not measured"


@pytest.mark.parametrize(("contaminated", "expected"), [(0.81, "yes"), (0.79, "no")])
def test_contaminated_candidates_may_cost_little(contaminated: float, expected: str) -> None:
    tables = {"additive": world(BASE), "contaminated": world(BASE | {("full", "own", 256): contaminated})}
    found = row(weighed(tables), "full with clean minus")
    assert found["value"] == pytest.approx(0.82 - contaminated)
    assert found["met"] == expected


def test_lines_below_the_baseline_are_named() -> None:
    low = world(NEW)
    one = (low["model"] == "full") & (low["cell_line"] == "HepG2")
    low.loc[one, "value"] = 0.5
    found = weigh(Benchmark({"jaspar": world(NEW), "rare": low}, "baseline", "full", 256))
    (measured,) = [measured for claim, measured in found if claim.text.startswith("unseen lines on which")]
    assert measured is not None
    assert (measured.value, measured.words) == (1.0, "1 of 4 (rare HepG2)")


def test_worlds_stand_side_by_side_with_their_mean(tmp_path: Path) -> None:
    paths = {}
    for name, full in (("jaspar", 0.78), ("rare", 0.73)):
        paths[name] = tmp_path / f"{name}.tsv"
        write_table(paths[name], world(NEW | {("full", "own", 256): full}))
    run(
        worlds=paths, settings=EvaluationSettings(), baseline="baseline", full_model="full",
        directory=tmp_path,
    )  # fmt: skip
    words = (tmp_path / "benchmark.txt").read_text()
    lines = [line.split() for line in words.split(WORLDS_TITLE)[1].splitlines() if line]
    header, rows = lines[1], {line[0]: line for line in lines if line[0] in ("jaspar", "rare", "mean")}
    assert header[0] == "world"
    assert [rows[name][-2:] for name in ("jaspar", "rare", "mean")] == [
        ["80%", "40%"], ["30%", "15%"], ["55%", "28%"],
    ]  # fmt: skip
    assert rows["mean"][1:3] == ["0.705", "0.775"]
    assert WORLDS_TITLE in (tmp_path / "benchmark.rst").read_text()


def test_without_an_observer_nothing_is_said_of_what_is_attainable() -> None:
    known = Benchmark({"additive": world(BASE)}, "baseline", "full", 256)
    assert known.attained("additive") is None
    assert set(world_columns(known)["attained"]) == {"-"}
