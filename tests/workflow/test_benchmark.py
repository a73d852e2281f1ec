"""A benchmark of two tiny worlds: each is run by itself, keeps what it has made, and all are weighed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from browser import CHROMIUM, NO_CHROMIUM, launched
from report_walk import SIZES, faults_of

from cbat.evaluation.benchmark_text import WORLDS_TITLE

TOY = Path(__file__).resolve().parents[1] / "toy"
WORLDS = ("additive", "uninformative")
BENCHMARK = """\
cell_lines: tiny.tsv
simulation: {n_enhancers: 500, n_promoters: 250, pairs_per_cell_line: 900, observer_support: 32}
evaluation: {support_sizes: [0, 32], headline_support: 32, n_bootstrap: 10, contexts: [own, wrong]}
# Else a model is trained for it beside those of the worlds.
predictions: null
worlds:
  additive: {}
  uninformative: {simulation: {world: uninformative}}
"""


@pytest.fixture(scope="module")
def finished(new_checkout, tmp_path_factory: pytest.TempPathFactory):
    directory = tmp_path_factory.mktemp("benchmark")
    benchmark = new_checkout(directory, ["toy.yaml", "tiny.yaml"])
    shutil.copy(TOY / "toy.yaml", directory)
    rows = (TOY / "cell_lines.tsv").read_text().splitlines()
    kept = [row for row in rows if row.split("\t")[0] in ("cell_line", "blood_1", "liver_1", "liver_2")]
    assert len(kept) == 4
    benchmark.write("tiny.tsv", "\n".join(kept) + "\n")
    benchmark.write("tiny.yaml", BENCHMARK)
    for model in ("baseline", "graph_manifold"):
        benchmark.set_keys(f"config/models/{model}.yaml", steps=20, support_size=32)
    benchmark.set_keys("config/encoders/motifs.yaml", n_filters=8, refinement_rounds=1)
    done = benchmark.snakemake("--cores", "2")
    assert done.returncode == 0, done.stdout[-20_000:]
    return benchmark


def test_each_world_is_measured_by_itself(finished) -> None:
    figures = []
    for world in WORLDS:
        metrics = pd.read_csv(finished.directory / "results/worlds" / world / "summary/metrics.tsv", sep="\t")
        observers = {"oracle", "attainable", "attainable_all"}
        assert set(metrics["model"]) >= {"baseline", "graph_manifold", *observers}
        own = metrics[(metrics["model"] == "graph_manifold") & (metrics["context"] == "own")]
        assert set(own["n_support"]) == {0, 32}
        figures.append(own["value"].tolist())
    assert figures[0] != figures[1]


def test_claims_are_weighed_over_all_worlds(finished) -> None:
    results = finished.directory / "results"
    claims = pd.read_csv(results / "summary" / "benchmark.tsv", sep="\t", keep_default_na=False)
    measured = claims[claims["met"].isin(["yes", "no"])]
    assert set(WORLDS) <= {world for worlds in measured["worlds"] for world in worlds.split(", ")}
    assert (claims.loc[claims["worlds"] == "tissue_090", "met"] == "not measured").all()
    words = (results / "summary" / "benchmark.txt").read_text()
    assert all(claim in words for claim in claims["claim"])
    side_by_side = words.split(WORLDS_TITLE)[1].split()
    assert {*WORLDS, "mean"} <= set(side_by_side)
    assert {"attainable", "attained"} <= {word.strip(",") for word in side_by_side}
    report = (results / "report.html").read_text()
    assert "Do the claims hold?" in report
    assert "benchmark.tsv" in report
    assert "Does it beat the baseline?" in (results / "worlds" / "additive" / "report.html").read_text()


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
def test_all_of_the_reports_can_be_read(finished) -> None:
    results = finished.directory / "results"
    with launched() as browser:
        for report in (results / "report.html", results / "worlds" / "additive" / "report.html"):
            assert faults_of(browser, report, SIZES[:1]) == []


def test_a_finished_benchmark_has_nothing_to_do(finished) -> None:
    assert "Nothing to be done" in finished.snakemake("-n").stdout


@pytest.mark.parametrize(
    ("file", "text", "again"),
    [
        ("src/cbat/simulation/benchmark.py", "\nMORE = 1\n", True),
        ("src/cbat/evaluation/figures.py", "\nMORE = 1\n", True),
        ("src/cbat/evaluation/figures.py", "\n# A comment.\n", False),
        ("src/cbat/prediction/page_files/page.css", "\n/* */\n", False),
    ],
)
def test_worlds_look_for_what_to_do_when_what_they_run_changes(
    finished, tmp_path: Path, file: str, text: str, again: bool
) -> None:
    changed = finished.copy_to(tmp_path / "run")
    changed.copy_code_to(tmp_path / "code")
    with (changed.code / file).open("a") as code:
        code.write(text)
    rules = {"run_world", "summarise_benchmark", "benchmark_results"} if again else set()
    assert changed.planned("--", "benchmark_results") == rules


def test_worlds_look_again_for_a_setting_of_a_model_and_not_for_its_layout(finished, tmp_path: Path) -> None:
    changed = finished.copy_to(tmp_path)
    model = changed.directory / "config/models/baseline.yaml"
    model.write_text(f"# A comment.\n{model.read_text()}")
    assert changed.planned() == set()
    changed.set_keys("config/models/baseline.yaml", learning_rate=0.002)
    assert "run_world" in changed.planned()


def test_a_lost_copy_is_made_again_without_running_the_world_anew(finished) -> None:
    folder = finished.directory / "worlds" / "additive"
    model = folder / "results" / "models" / "graph_manifold" / "seed_1" / "model.safetensors"
    before = model.stat().st_mtime_ns
    copy = finished.directory / "results" / "worlds" / "additive" / "summary" / "metrics.tsv"
    content = copy.read_bytes()
    copy.unlink()
    done = finished.snakemake("--cores", "2", "--", str(copy.relative_to(finished.directory)))
    assert done.returncode == 0, done.stdout[-5000:]
    assert copy.read_bytes() == content
    assert model.stat().st_mtime_ns == before


def test_a_failed_world_names_its_log(finished, tmp_path: Path) -> None:
    spoilt = finished.copy_to(tmp_path / "spoilt")
    pairs = spoilt.directory / "worlds/additive/results/simulation/raw/liver_2/pairs.tsv.gz"
    pairs.write_bytes(b"no gzip")
    copy = "results/worlds/additive/summary/metrics.tsv"
    (spoilt.directory / copy).unlink()
    done = spoilt.snakemake("--cores", "2", "--", copy)
    assert done.returncode != 0
    assert "worlds/additive/run.log: the world 'additive' failed (cbat " in done.stdout
    assert done.stdout.count("Fix:") == 1


def test_a_mistake_in_a_world_stops_before_anything_runs(checkout) -> None:
    checkout.write("my.yaml", "worlds:\n  one: {}\n  two: {models: [baseline]}\n")
    done = checkout.snakemake("-n", "--configfile", "my.yaml")
    assert done.returncode == 1
    assert "full_model is 'graph_manifold', which is not among the models to run" in done.stdout
    assert done.stdout.count("Fix:") == 1
    assert "Traceback" not in done.stdout
