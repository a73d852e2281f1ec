"""The whole chain on a toy world: figures follow from scores and truth, and the oracle bounds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

COLUMNS = [
    "model", "seed", "cell_line", "role", "chromosomes", "negatives", "context", "n_support",
    "metric", "value", "low", "high",
]  # fmt: skip
UNSEEN = ["blood_2", "liver_2", "skin_2"]


@pytest.fixture(scope="module")
def results(toy) -> Path:
    return toy.directory / "results"


@pytest.fixture(scope="module")
def metrics(results: Path) -> pd.DataFrame:
    return pd.read_csv(results / "summary" / "metrics.tsv", sep="\t", dtype={"n_support": str})


def balanced_aupr(label: pd.Series, score: pd.Series) -> float:
    """Average precision with positives and negatives of the same weight."""
    weight = np.where(label == 1, 0.5 / (label == 1).sum(), 0.5 / (label == 0).sum())
    return float(average_precision_score(label, score, sample_weight=weight))


def figure(metrics: pd.DataFrame, **where: object) -> pd.Series:
    """Headline figures by cell line, macro and worst included."""
    where = {"chromosomes": "test", "negatives": "balanced", "metric": "aupr", **where}
    rows = metrics[np.logical_and.reduce([metrics[name] == value for name, value in where.items()])]
    assert len(rows)
    return rows.set_index("cell_line")["value"]


def test_the_table_has_the_columns_that_everything_is_read_from(metrics: pd.DataFrame) -> None:
    assert list(metrics.columns) == COLUMNS
    assert not metrics.duplicated(COLUMNS[:9]).any()
    assert set(metrics["role"]) == {"unseen"}
    assert set(metrics["cell_line"]) == {*UNSEEN, "macro", "worst"}
    assert (metrics["low"].isna() == metrics["high"].isna()).all()


@pytest.mark.parametrize(
    ("model", "context"), [("baseline", "-"), ("graph_manifold", "own"), ("graph_manifold", "wrong")]
)
def test_figures_are_those_of_the_scored_pairs(
    results: Path, metrics: pd.DataFrame, model: str, context: str
) -> None:
    where = {"model": model, "context": context} | ({} if context == "-" else {"n_support": "64"})
    table = figure(metrics, **where)
    expected = {}
    for name in UNSEEN:
        pairs = pd.read_parquet(results / "evaluation" / model / "seed_1" / name / "scored_pairs.parquet")
        pairs = pairs[(pairs["context"] == context) & (pairs["split"] == "test")]
        if context != "-":
            pairs = pairs[pairs["n_support"] == 64]
        expected[name] = balanced_aupr(pairs["label"], pairs["score"])
    own = [expected[name] for name in UNSEEN]
    expected |= {"macro": np.mean(own), "worst": min(own)}
    assert table.to_dict() == pytest.approx(expected, abs=1e-5)


def test_oracle_figures_are_those_of_the_truth(results: Path, metrics: pd.DataFrame) -> None:
    oracle = figure(metrics, model="oracle")
    for name in UNSEEN:
        labels = pd.read_parquet(results / "labels" / f"{name}.parquet")
        truth = pd.read_parquet(results / "simulation" / "truth" / f"{name}.parquet")
        pairs = labels[labels["split"] == "test"].merge(truth, on=["enhancer_id", "promoter_id"], how="left")
        assert oracle[name] == pytest.approx(balanced_aupr(pairs["label"], pairs["probability"]), abs=1e-5)


@pytest.mark.parametrize("model", ["baseline", "graph_manifold"])
def test_every_line_lies_between_chance_and_the_oracle(metrics: pd.DataFrame, model: str) -> None:
    where = {"context": "-"} if model == "baseline" else {"context": "own", "n_support": "64"}
    ours, oracle = figure(metrics, model=model, **where), figure(metrics, model="oracle")
    for name in UNSEEN:
        # At 1:1 chance is 0.5.
        assert 0.5 < ours[name] < oracle[name]
    assert 0.6 < ours["macro"] < oracle["macro"]


def test_the_environment_is_read_from_the_right_line(metrics: pd.DataFrame) -> None:
    for size in ("64", "all"):
        where = {"model": "graph_manifold", "n_support": size}
        own, wrong = (figure(metrics, context=context, **where)["macro"] for context in ("own", "wrong"))
        print(f"{size} elements: own support {own:.3f}, wrong support {wrong:.3f}")
        assert own > wrong


def test_the_report_shows_every_figure_and_the_summary(results: Path) -> None:
    report = (results / "report.html").read_text()
    for name in (
        "balance.svg",
        "cell_line_bars.svg",
        "precision_recall.svg",
        "support_curve.svg",
        "graph.svg",
        "summary.tsv",
    ):
        assert name in report
    assert "Does it beat the baseline?" in report
    assert "Is the environment used?" in report
    words = (results / "summary" / "summary.txt").read_text()
    assert all(name in words for name in UNSEEN)


def test_a_finished_tree_has_nothing_to_do(toy) -> None:
    assert "Nothing to be done" in toy.snakemake("-n").stdout


def test_the_report_says_what_was_read_of_each_line(results: Path) -> None:
    table = pd.read_csv(results / "summary" / "inputs.tsv", sep="\t").set_index("cell_line")
    assert set(UNSEEN) < set(table.index)
    for name in UNSEEN:
        labels = pd.read_parquet(results / "labels" / f"{name}.parquet")
        row = table.loc[name]
        assert (row["pairs"], row["contacts"]) == (len(labels), labels["label"].sum())
        assert row["enhancers_from"].endswith(f"raw/{name}/enhancers.bed.gz")
    report = (results / "report.html").read_text()
    assert "inputs.tsv" in report
    assert "What is it measured on?" in report
    assert "drawn from the candidate files of each cell line" in " ".join(report.split())
