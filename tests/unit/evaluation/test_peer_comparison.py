"""The full model and another tool are compared on the pairs that both have, and on no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cbat.evaluation import summary
from cbat.evaluation.comparison import ScoredPairs
from cbat.evaluation.headline import Headline
from cbat.evaluation.peer_comparison import COMPARED, PEER_COLUMNS, peer_table, sentences
from cbat.evaluation.peers import peer_rows
from cbat.evaluation.table import as_table, read_table, write_table


def write_peer(path: Path, evaluation, lines: tuple[str, ...], *, noise: float, left_out: int) -> Path:
    """Another tool's scores: the truth with noise, without the first pairs and with one of its own."""
    rng = np.random.default_rng(11)
    parts = []
    for line in lines:
        pairs = evaluation.read("full", 1, line).drop_duplicates(["enhancer_id", "promoter_id"])
        truth = pd.read_parquet(evaluation.directory / "truth" / f"{line}.parquet")
        score = np.log(truth["probability"] / (1 - truth["probability"])) + rng.normal(0.0, noise, len(truth))
        table = pd.DataFrame(
            {"cell_line": line, "enhancer": pairs["enhancer_id"], "promoter": pairs["promoter_id"]}
        ).assign(score=score.to_numpy())
        own = pd.DataFrame([[line, "chr99:1-3", "chr99:7-9", 0.0]], columns=table.columns)
        parts += [table.iloc[left_out:], own]
    pd.concat(parts).to_csv(path, sep="\t", index=False)
    return path


@pytest.fixture(name="peer", scope="module")
def make_peer(evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_peer(
        tmp_path_factory.mktemp("peer") / "peer.tsv", evaluation, ("A549",), noise=6.0, left_out=40
    )


@pytest.fixture(name="metrics", scope="module")
def make_metrics(evaluation, peer: Path, settings) -> pd.DataFrame:
    """The long table with the rows of the peer, as the references have them."""
    rows = []
    for line in ("A549", "HepG2"):
        labelled = evaluation.read("full", 1, line).drop_duplicates(["enhancer_id", "promoter_id"])
        rows += peer_rows("other", peer, labelled, cell_line=line, role="unseen", settings=settings)
    tables = [*(read_table(path) for path in evaluation.tables), as_table(rows)]
    return summary.with_aggregates(pd.concat(tables, ignore_index=True))


@pytest.fixture(name="natural", scope="module")
def make_natural(settings):
    return settings.model_copy(update={"headline_negatives": "natural"})


@pytest.fixture(name="table", scope="module")
def make_table(evaluation, peer: Path, metrics: pd.DataFrame, natural) -> pd.DataFrame:
    return peer_table(
        metrics, {"other": peer}, settings=natural, full_model="full", scored=ScoredPairs(evaluation.scored)
    )


def test_both_sides_are_measured_on_the_shared_pairs(evaluation, peer: Path, table: pd.DataFrame) -> None:
    assert list(table.columns) == PEER_COLUMNS
    assert set(table["cell_line"]) == {"A549", "macro"}
    # An enhancer has one pair here, so that nothing is ordered within one.
    measured = [key for key in COMPARED if key[1] != "auroc_within_enhancer"]
    assert [*table[["negatives", "metric"]].drop_duplicates().itertuples(index=False, name=None)] == measured
    row = table[(table["cell_line"] == "A549") & (table["negatives"] == "natural")].set_index("metric")
    theirs = pd.read_csv(peer, sep="\t").iloc[:-1]
    ours = []
    for seed in (1, 2, 3):
        pairs = evaluation.read("full", seed, "A549")
        pairs = pairs[(pairs["context"] == "own") & (pairs["n_support"] == 256)].iloc[40:]
        ours.append(average_precision_score(pairs["label"], pairs["probability"]))
    assert row.loc["aupr", "ours"] == pytest.approx(np.mean(ours))
    assert row.loc["aupr", "theirs"] == pytest.approx(
        average_precision_score(pairs["label"], theirs["score"])
    )
    assert row.loc["auroc", "theirs"] == pytest.approx(roc_auc_score(pairs["label"], theirs["score"]))
    assert (row[["n_shared", "n_only_peer", "n_only_ours"]] == [260, 1, 40]).all().all()
    np.testing.assert_allclose(table["difference"], table["ours"] - table["theirs"])
    paired = table[~table["metric"].str.startswith("precision") & table["low"].notna()]
    assert {"aupr", "auroc", "auroc_within_promoter"} <= set(paired["metric"])
    assert (paired["low"] <= paired["difference"]).all()
    assert (paired["difference"] <= paired["high"]).all()


def test_a_gain_over_another_tool_is_told_with_what_it_is_about(
    table: pd.DataFrame, natural, peer: Path
) -> None:
    said = sentences(table, {"other": peer}, Headline.of(natural), "full", ["A549", "HepG2"])
    assert len(said) == 2
    assert said[0].startswith("full minus other, on the 260 pairs that both have: +0.")
    assert "ahead on 1 of 1 cell lines. The interval lies above zero." in said[0]
    assert said[0].endswith(
        " 40 labelled pairs of these lines have no score. 1 of its pairs are not labelled here."
    )
    assert said[1] == "other has no pair of HepG2."


def test_the_summary_has_peers_beside_the_models(
    evaluation, peer: Path, metrics: pd.DataFrame, natural, tmp_path: Path
) -> None:
    rows = metrics[(metrics["model"] == "other") & ~metrics["cell_line"].isin(["macro", "worst"])]
    write_table(tmp_path / "reference.tsv", rows)
    summary.run(
        tables=[*evaluation.tables, tmp_path / "reference.tsv"],
        settings=natural,
        baseline="baseline",
        full_model="full",
        directory=tmp_path,
        scored_pairs=evaluation.scored,
        peers={"other": peer},
    )
    written = pd.read_csv(tmp_path / "peers.tsv", sep="\t")
    assert list(written.columns) == PEER_COLUMNS
    assert "OTHER TOOLS" in (tmp_path / "summary.txt").read_text()
    assert "other has no pair of HepG2." in (tmp_path / "first_page.rst").read_text()
    # It is no model of the run, and so none of its parts.
    assert set(pd.read_csv(tmp_path / "ablations.tsv", sep="\t")["model"]) == {"full", "baseline"}


def test_a_peer_that_knows_no_line_has_words_and_no_rows(
    evaluation, metrics: pd.DataFrame, natural, tmp_path: Path
) -> None:
    path = tmp_path / "peer.tsv"
    path.write_text("cell_line\tenhancer\tpromoter\tscore\nGM12878\tchr1:1-3\tchr1:7-9\t1\n")
    table = peer_table(
        metrics, {"other": path}, settings=natural, full_model="full", scored=ScoredPairs(evaluation.scored)
    )
    assert table.empty
    said = sentences(table, {"other": path}, Headline.of(natural), "full", ["A549", "HepG2"])
    assert said == ["other has no pair of A549, HepG2."]
