"""A peer is measured on the pairs that it shares with the labels, and the others are counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cbat.config.sections import EvaluationSettings
from cbat.errors import UserError
from cbat.evaluation import peers
from cbat.evaluation.table import as_table

SETTINGS = EvaluationSettings(n_bootstrap=20)
SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(name="labelled")
def make_labelled() -> pd.DataFrame:
    """Sixty labelled pairs in windows of 401 bp, a third of them on validation chromosomes."""
    rng = np.random.default_rng(3)
    number = np.arange(60)
    chrom = np.array([f"chr{1 + n % 6}" for n in number])
    start = 10_000 * (number + 1)
    return pd.DataFrame(
        {
            "enhancer_id": [f"{c}:{s - 300}-{s + 101}" for c, s in zip(chrom, start, strict=True)],
            "promoter_id": [f"{c}:{s + 5000}-{s + 5401}" for c, s in zip(chrom, start, strict=True)],
            "label": rng.integers(0, 2, 60).astype(np.int8),
            "distance": 5300,
            "chrom": chrom,
            "split": np.where(number % 6 < 4, "test", "validation"),
        }
    )


@pytest.fixture(name="write")
def make_write(tmp_path: Path, labelled: pd.DataFrame) -> Callable[..., Path]:
    """Write a table with every pair but the first few, and two pairs that nobody has labelled."""

    def write(*, left_out: int = 0, line: str = "K562", shift: int = 0) -> Path:
        rows = ["cell_line\tenhancer\tpromoter\tscore"]
        rng = np.random.default_rng(4)
        for pair in labelled.iloc[left_out:].itertuples():
            start, promoter = (int(one.split(":")[1].split("-")[0]) for one in (pair[1], pair[2]))
            # Other lengths, the same centres.
            start += 100 + shift
            ends = [f"{pair.chrom}:{start}-{start + 201}", f"{pair.chrom}:{promoter}-{promoter + 400}"]
            rows.append("\t".join([line, *ends, f"{3 * pair.label + rng.normal():.4f}"]))
        rows += [f"{line}\tchr9:{n}00-{n}50\tchr9:7000-7050\t0.5" for n in (1, 2)]
        path = tmp_path / "peer.tsv"
        path.write_text("\n".join(rows) + "\n")
        return path

    return write


def rows_of(table: Path, labelled: pd.DataFrame) -> pd.DataFrame:
    rows = peers.peer_rows("other", table, labelled, cell_line="K562", role="unseen", settings=SETTINGS)
    return as_table(rows)


def test_shared_pairs_are_measured_and_the_others_counted(labelled: pd.DataFrame, write) -> None:
    table = write(left_out=7)
    metrics = rows_of(table, labelled)
    natural = metrics[metrics["negatives"] == "natural"].set_index("metric")["value"]
    score = pd.read_csv(table, sep="\t")["score"].iloc[:53].to_numpy()
    test = labelled["split"].iloc[7:].to_numpy() == "test"
    assert natural["n_pairs"] == test.sum()
    expected = average_precision_score(labelled["label"].iloc[7:][test], score[test])
    assert natural["aupr"] == pytest.approx(expected)
    assert natural["n_only_peer"] == 2
    assert natural["n_only_ours"] == (labelled["split"].iloc[:7] == "test").sum()
    assert set(metrics["model"]) == {"other"}
    assert set(metrics["context"]) == {"-"}
    # Another tool's scores rank; nothing is called by them.
    assert {"threshold", "f1", "brier"}.isdisjoint(metrics["metric"])


def test_a_line_that_the_peer_does_not_know_has_counts_alone(labelled: pd.DataFrame, write, caplog) -> None:
    metrics = rows_of(write(line="HeLa"), labelled)
    natural = metrics.set_index("metric")["value"]
    assert natural["n_only_ours"] == (labelled["split"] == "test").sum()
    assert "aupr" not in natural
    assert "it knows: HeLa" in caplog.text


def test_a_peer_without_any_shared_pair_is_refused(labelled: pd.DataFrame, write) -> None:
    table = write(shift=3)
    with pytest.raises(UserError, match="none of the 62 pairs of K562 of the peer 'other'") as caught:
        rows_of(table, labelled)
    assert (caught.value.file, caught.value.where) == (table, "line 2")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published tables are not here")
def test_every_pair_of_transepi_is_one_of_bengi() -> None:
    from cbat.data.pair_tables import read_pairs
    from cbat.data.windows import element_ids, window_start

    pairs = read_pairs(SHARED / "labels/bengi_transepi/IMR90.HiC-Benchmark.v3.tsv.gz", "bengi")
    ids = {
        f"{role}_id": element_ids(
            pairs[f"{role}_chrom"], window_start(pairs[f"{role}_start"], pairs[f"{role}_end"], 1000), 1000
        )
        for role in ("enhancer", "promoter")
    }
    labelled = pd.DataFrame(ids).assign(label=pairs["label"], chrom=pairs["enhancer_chrom"])
    labelled = labelled.drop_duplicates(["enhancer_id", "promoter_id"])
    table = SHARED / "peer/transepi/IMR90.strict_predictions.tsv.gz"
    score, only_peer = peers.match(peers.read_peer(table), labelled, "transepi", table, "IMR90")
    assert only_peer == 0
    assert not np.isnan(score).any()
    # As published, each transcript for itself, it is .583.
    assert average_precision_score(labelled["label"], score) == pytest.approx(0.569, abs=5e-4)
