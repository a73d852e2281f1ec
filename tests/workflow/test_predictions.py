"""Prediction by the workflow: model directories, shards by chromosome, and what a change runs again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from sklearn.metrics import roc_auc_score

from cbat.config.base import TRACK_KINDS
from cbat.config.sections import ALL_CANDIDATES
from cbat.data.shards import read_shard
from cbat.written import RECORD

TOP = Path(__file__).resolve().parents[2]
LINE = "results/predictions/new_liver"
PACKAGE = "results/packages/graph_manifold/seed_1"
STAGES = {"prepare_prediction", "score_chromosome", "gather_predictions"}
ALWAYS = {"everything", "all", "results", "predict"}


@pytest.fixture
def finished(toy, tmp_path):
    """A finished toy run that a test may change."""
    return toy.copy_to(tmp_path)


def cbat(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cbat", *arguments],
        cwd=directory,
        env=dict(os.environ, PYTHONPATH=str(TOP / "src")),
        capture_output=True,
        text=True,
        check=False,
    )


def predict(
    directory: Path, *options: str, chromosomes: Sequence[str] = ("chr7", "chr8"), max_distance: int = 100_000
) -> None:
    raw = "results/simulation/raw/liver_2"
    done = cbat(
        directory, "predict", "--model", PACKAGE, "--genome", "results/genome/genome.fa",
        "--candidates", f"{raw}/enhancers.bed.gz", "--promoters", f"{raw}/promoters.bed.gz",
        "--tracks", *(f"{kind}={raw}/{kind}.narrowPeak.gz" for kind in TRACK_KINDS),
        "--cell-line", "new_liver", "--tissue", "liver", "--max-distance", str(max_distance),
        "--chromosomes", *chromosomes, *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "pairs are called" in done.stderr


def test_one_command_makes_the_bytes_of_the_sharded_workflow(finished) -> None:
    predict(finished.directory, "--directory", "mine", "--threads", "2")
    ours = {
        str(path.relative_to(finished.directory / "mine")): path.read_bytes()
        for path in (finished.directory / "mine").rglob("*")
        if path.is_file() and path.name not in ("progress.json", RECORD)
    }
    theirs = {
        str(path.relative_to(finished.directory / LINE)): path.read_bytes()
        for path in (finished.directory / LINE).rglob("*")
        if path.is_file() and path.name != RECORD
    }
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_the_table_of_pairs(toy) -> None:
    path = toy.directory / LINE / "predictions.bedpe.gz"
    table = pd.read_csv(path, sep="\t")
    assert set(table["#chrom1"]) == {"chr7", "chr8"}
    assert len(table) > 500
    with pysam.TabixFile(str(path)) as file:
        assert len(list(file.fetch("chr8"))) == (table["#chrom1"] == "chr8").sum()
    pairs = pd.read_parquet(toy.directory / LINE / "pairs")
    assert len(pairs) == len(table)


def test_from_beds_alone_a_block_of_the_evaluation_gets_its_scores(finished) -> None:
    """All through files: model directory, genome, BEDs, tracks and the block's support set in, Parquet out.

    The landscape is standardised over candidates and not over labelled pairs; all else is the same.
    """
    results = finished.directory / "results"
    shard = read_shard(results / "shards/liver_2")
    block = int(shard.pairs.loc[shard.pairs["split"] == "test", "block"].min())
    names = shard.elements.set_index(["role", "local"])["element_id"]
    chosen = [
        (("enhancer", "promoter")[role], local) for role, local in shard.support[block, :64] if role >= 0
    ]
    support = pd.DataFrame([(role, names[role, local]) for role, local in chosen])
    support.to_csv(finished.directory / "support.tsv", sep="\t", index=False, header=["role", "element_id"])
    predict(
        finished.directory, "--directory", "mine", "--support", "support.tsv",
        chromosomes=["chr6", "chr7", "chr8"], max_distance=10_000_000,
    )  # fmt: skip
    predicted = pd.read_parquet(finished.directory / "mine" / "pairs")
    evaluated = pd.read_parquet(results / "evaluation/graph_manifold/seed_1/liver_2/scored_pairs.parquet")
    evaluated = evaluated[(evaluated["context"] == "own") & (evaluated["n_support"] == 64)]
    pairs = shard.pairs[shard.pairs["block"] == block]
    asked = pd.DataFrame(
        {f"{role}_id": names[role].loc[pairs[role]].to_numpy() for role in ("enhancer", "promoter")}
    )
    key = ["enhancer_id", "promoter_id"]
    both = asked.merge(evaluated, on=key).merge(predicted, on=key, suffixes=("", "_predicted"))
    assert len(both) == len(asked) > 10
    assert both["environment_resistance"].std() > 0
    np.testing.assert_array_equal(both["intrinsic_potential"], both["intrinsic_potential_predicted"])
    for name in ("environment_resistance", "score", "probability"):
        away = both[f"{name}_predicted"] - both[name]
        assert away.abs().mean() < 0.2 * both[name].std(), name


def test_the_model_says_as_much_of_the_new_line_as_of_the_evaluated_one(toy) -> None:
    """The same line under another name, whose environment is read from all candidates too.

    What is left is how its landscape is standardised: the scores agree better than those of the evaluation
    do with one another, read from few elements and from all.
    """
    evaluated = pd.read_parquet(
        toy.directory / "results/evaluation/graph_manifold/seed_1/liver_2/scored_pairs.parquet"
    )
    key, own = ["enhancer_id", "promoter_id"], evaluated[evaluated["context"] == "own"]
    fewer, more = (own[own["n_support"] == n].set_index(key) for n in (16, ALL_CANDIDATES))
    predicted = pd.read_parquet(toy.directory / LINE / "pairs").set_index(key)
    both = more.index.intersection(predicted.index)
    assert len(both) > 300
    fewer, more, predicted = (table.loc[both] for table in (fewer, more, predicted))
    assert np.array_equal(more["intrinsic_potential"], predicted["intrinsic_potential"])
    with_itself = np.corrcoef(more["score"], fewer["score"])[0, 1]
    assert np.corrcoef(more["score"], predicted["score"])[0, 1] > with_itself > 0.4
    of_new, of_evaluated = (roc_auc_score(more["label"], table["score"]) for table in (predicted, more))
    assert of_new > of_evaluated - 0.05 > 0.5


def test_the_model_directory_is_whole_and_can_go_elsewhere(toy, tmp_path: Path) -> None:
    shutil.copytree(toy.directory / PACKAGE, tmp_path / "model")
    done = cbat(tmp_path, "model", "show", "model")
    assert done.returncode == 0, done.stderr
    assert "graph_manifold, seed 1" in done.stdout
    about = json.loads((tmp_path / "model/model.json").read_text())["about"]
    assert {figure["cell_line"] for figure in about["figures"]} == {"blood_2", "liver_2", "skin_2"}
    assert about["evidence_power"] > 0
    summary = pd.read_csv(toy.directory / "results/summary/metrics.tsv", sep="\t", dtype={"n_support": str})
    row = summary[
        (summary["model"] == "graph_manifold") & (summary["cell_line"] == "liver_2")
        & (summary["metric"] == "aupr") & (summary["negatives"] == "balanced")
        & (summary["context"] == "own") & (summary["n_support"] == "64")
    ].iloc[0]  # fmt: skip
    assert f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in done.stdout
    check = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "model", capture_output=True, check=False
    )
    assert check.returncode == 0


def test_a_missing_chromosome_is_scored_alone(finished) -> None:
    (finished.directory / LINE / "pairs/chr7.parquet").unlink()
    done = finished.snakemake("-n", "predict")
    assert done.stdout.count("rule score_chromosome:") == 1
    assert "chromosome=chr7" in done.stdout
    assert "rule prepare_prediction:" not in done.stdout


def test_a_model_directory_from_elsewhere_needs_no_training(finished) -> None:
    shutil.copytree(finished.directory / PACKAGE, finished.directory / "given")
    shutil.rmtree(finished.directory / "results/packages")
    shutil.rmtree(finished.directory / "results/models")
    finished.write("given.yaml", "predictions: {new_liver: {model_directory: given, tissue: blood}}\n")
    planned = finished.planned("--", "predict", over=["given.yaml"])
    assert planned - ALWAYS == STAGES | {"write_prediction_page"}


def test_a_track_is_written_anew_without_scoring(finished) -> None:
    finished.write("fewer.yaml", "predictions: {new_liver: {track_pairs: 10}}\n")
    assert finished.planned("--", "predict", over=["fewer.yaml"]) - ALWAYS == {
        "gather_predictions",
        "write_prediction_page",
    }


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("{new: {enhancers: e.bed}}", "predictions.new names neither promoters nor genes"),
        (
            "{new: {enhancers: e.bed, promoters: p.bed}}",
            "predictions.new.enhancers is 'e.bed', which",
        ),
        ("{a: {enhancers: e, promoters: p, tisue: x}}", "'predictions.a.tisue' (did you mean 'tissue'?)"),
        ("{a: {enhancers: e, promoters: p, model: none}}", "predictions.a.model is 'none', which is"),
        (
            "{a: {enhancers: e, promoters: p, model_seed: 9}}",
            "predictions.a.model_seed is 9, which is",
        ),
        ("{a: {enhancers: e, promoters: p, world: w}}", "predictions.a.world is 'w', which is no"),
        (
            "{a: {enhancers: e, promoters: p, model_directory: m}}",
            "model_directory is 'm', which has no",
        ),
        (
            "{a: {enhancers: e, promoters: p, model_directory: m, model: baseline}}",
            "predictions.a names a model_directory and model as well",
        ),
        (
            "{a: {enhancers: e, promoters: p, min_distance: 9, max_distance: 3}}",
            "predictions.a.min_distance is above max_distance",
        ),
        (
            "{a: {enhancers: e, promoters: p, active_promoters_only: true}}",
            "predictions.a.active_promoters_only is set, and no peaks of active promoters are given",
        ),
        (
            "{a: {enhancers: e, promoters: p, expression_column: TPM}}",
            "predictions.a.expression_column is a column of no table",
        ),
    ],
)
def test_a_mistake_in_the_section(checkout, over: str, expected: str) -> None:
    checkout.write("my.yaml", f"predictions: {over}\n")
    done = checkout.snakemake("-n", "predict", "--configfile", "my.yaml")
    assert done.returncode == 1
    assert f"my.yaml, line 1: {expected}" in done.stdout or expected in done.stdout
    assert done.stdout.count("Fix:") == 1
    assert "Traceback" not in done.stdout


def test_the_model_of_a_world(checkout) -> None:
    checkout.write("e.bed", "chr1\t100\t200\n")
    checkout.write(
        "my.yaml",
        "worlds: {one: {simulation: {seed: 5}, seeds: [4]}}\n"
        "predictions: {new: {enhancers: e.bed, promoters: e.bed, world: one}}\n",
    )
    done = checkout.snakemake("-n", "-p", "predict", "--configfile", "my.yaml")
    assert done.returncode == 0, done.stdout
    assert "--model-directory worlds/one/results/packages/graph_manifold/seed_4" in done.stdout
    assert "rule run_world:" in done.stdout
