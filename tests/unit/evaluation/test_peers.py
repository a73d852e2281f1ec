"""A peer is measured on the pairs that it shares with the labels, and the others are counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cbat.config.sections import EvaluationSettings
from cbat.errors import UserError
from cbat.evaluation import peers
from cbat.evaluation.table import read_table

SETTINGS = EvaluationSettings(n_bootstrap=20)
SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(name="labels")
def write_labels(tmp_path: Path) -> Path:
    """Sixty labelled pairs in windows of 401 bp, a third of them on a validation chromosome."""
    rng = np.random.default_rng(3)
    number = np.arange(60)
    chrom = np.array([f"chr{1 + n % 6}" for n in number])
    start = 10_000 * (number + 1)
    pairs = pd.DataFrame(
        {
            "enhancer_id": [f"{c}:{s - 300}-{s + 101}" for c, s in zip(chrom, start, strict=True)],
            "promoter_id": [f"{c}:{s + 5000}-{s + 5401}" for c, s in zip(chrom, start, strict=True)],
            "label": rng.integers(0, 2, 60).astype(np.int8),
            "distance": 5300,
            "chrom": chrom,
            "split": np.where(number % 6 < 4, "test", "validation"),
        }
    )
    path = tmp_path / "labels" / "K562.parquet"
    path.parent.mkdir()
    pairs.to_parquet(path, index=False)
    return path


def predictions(
    tmp_path: Path, labels: Path, *, left_out: int = 0, line: str = "K562", shift: int = 0
) -> Path:
    """A table with every pair but the first few, and two pairs that nobody has labelled."""
    rows = ["cell_line\tenhancer\tpromoter\tscore"]
    rng = np.random.default_rng(4)
    for pair in pd.read_parquet(labels).iloc[left_out:].itertuples():
        start = int(pair.enhancer_id.split(":")[1].rsplit("-", 1)[0]) + 100 + shift
        promoter = int(pair.promoter_id.split(":")[1].rsplit("-", 1)[0])
        # Other lengths, the same centres.
        ends = (f"{pair.chrom}:{start}-{start + 201}", f"{pair.chrom}:{promoter}-{promoter + 400}")
        rows.append("\t".join([line, *ends, f"{3 * pair.label + rng.normal():.4f}"]))
    rows += [f"{line}\tchr9:{n}00-{n}50\tchr9:7000-7050\t0.5" for n in (1, 2)]
    path = tmp_path / "peer.tsv"
    path.write_text("\n".join(rows) + "\n")
    return path


def run(tmp_path: Path, labels: Path, table: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    directory = tmp_path / "evaluation" / "other" / "seed_0" / "K562"
    peers.run(
        peer="other",
        predictions=table,
        cell_line="K562",
        role="unseen",
        labels=labels,
        settings=SETTINGS,
        directory=directory,
    )
    return read_table(directory / "metrics.tsv"), pd.read_parquet(directory / "scored_pairs.parquet")


def test_shared_pairs_are_measured_and_the_others_counted(tmp_path: Path, labels: Path) -> None:
    metrics, scored = run(tmp_path, labels, predictions(tmp_path, labels, left_out=7))
    natural = metrics[metrics["negatives"] == "natural"].set_index("metric")["value"]
    test = scored[scored["split"] == "test"]
    assert len(scored) == 53
    assert natural["n_pairs"] == len(test)
    assert natural["aupr"] == pytest.approx(
        average_precision_score(test["label"], test["probability"]), abs=1e-6
    )
    assert natural["n_only_peer"] == 2
    left_out = pd.read_parquet(labels).iloc[:7]
    assert natural["n_only_ours"] == (left_out["split"] == "test").sum()
    assert set(metrics["model"]) == {"other"}
    assert set(metrics["context"]) == {"-"}
    # Another tool's scores rank; nothing is called by them.
    assert {"threshold", "f1", "brier"}.isdisjoint(metrics["metric"])


def test_a_line_that_the_peer_does_not_know_has_counts_alone(tmp_path: Path, labels: Path, caplog) -> None:
    metrics, scored = run(tmp_path, labels, predictions(tmp_path, labels, line="HeLa"))
    assert scored.empty
    natural = metrics.set_index("metric")["value"]
    assert natural["n_only_ours"] == (pd.read_parquet(labels)["split"] == "test").sum()
    assert "aupr" not in natural
    assert "it knows: HeLa" in caplog.text


def test_a_peer_without_any_shared_pair_is_refused(tmp_path: Path, labels: Path) -> None:
    table = predictions(tmp_path, labels, shift=3)
    with pytest.raises(UserError, match="none of the 62 pairs of K562 of the peer 'other'") as caught:
        run(tmp_path, labels, table)
    assert caught.value.file == table


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published tables are not here")
def test_every_pair_of_transepi_is_one_of_bengi(tmp_path: Path) -> None:
    from cbat.data.pair_tables import read_pairs
    from cbat.data.windows import element_ids, window_start

    pairs = read_pairs(SHARED / "labels/bengi_transepi/IMR90.HiC-Benchmark.v3.tsv.gz", "bengi")
    ids = {
        f"{role}_id": element_ids(
            pairs[f"{role}_chrom"], window_start(pairs[f"{role}_start"], pairs[f"{role}_end"], 1000), 1000
        )
        for role in ("enhancer", "promoter")
    }
    labelled = pd.DataFrame(ids).assign(
        label=pairs["label"], distance=1, chrom=pairs["enhancer_chrom"], split="test"
    )
    path = tmp_path / "IMR90.parquet"
    labelled.drop_duplicates(["enhancer_id", "promoter_id"]).to_parquet(path, index=False)
    table = SHARED / "peer/transepi/IMR90.strict_predictions.tsv.gz"
    scored, only_peer = peers.match(peers.read_peer(table), "transepi", table, "IMR90", path)
    assert only_peer == 0
    assert scored["probability"].notna().all()
    # As published, each transcript for itself, it is .583.
    assert average_precision_score(scored["label"], scored["probability"]) == pytest.approx(0.569, abs=5e-4)
