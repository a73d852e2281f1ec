"""Level, temperature and threshold of a law of the landscape, from labelled pairs, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from landscape_world import KINDS, NEW, LandscapeWorld, write_world

from cbat.cli import main
from cbat.prediction.decision import FEW
from cbat.prediction.shared_landscape import read_landscape


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> LandscapeWorld:
    """To be read only."""
    return write_world(tmp_path_factory.mktemp("law"))


def predict(law: LandscapeWorld, directory: Path, *options: str) -> int:
    files = {
        "model": law.model, "candidates": law.raw("enhancers.bed"), "promoters": law.raw("promoters.bed"),
        "directory": directory,
    }  # fmt: skip
    named = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    tracks = [f"{kind}={law.track(kind)}" for kind in KINDS]
    bounds = ["--cell-line", NEW, "--tissue", "blood", "--max-distance", "400000"]
    return main(["predict", *named, "--tracks", *tracks, *bounds, *options])


def labelled(law: LandscapeWorld, path: Path, contacts: int | None, others: int | None) -> str:
    """Some of the line's labelled pairs in a file."""
    table = pd.read_csv(law.raw("pairs.tsv"), sep="\t")
    kept = [table[table["label"] == label].iloc[:n] for label, n in ((1, contacts), (0, others))]
    pd.concat(kept).to_csv(path, sep="\t", index=False)
    return str(path)


def report_of(directory: Path) -> dict:
    return json.loads((directory / "calibration.json").read_text())


def scored(directory: Path) -> pd.DataFrame:
    return pd.read_parquet(directory / "pairs")


def known_threshold(law: LandscapeWorld) -> tuple[str, float]:
    """A precision that the law knows, whose threshold is not that of the best F1."""
    fit = read_landscape(law.model).fit
    known = {name: value for name, value in fit.chosen["thresholds"].items() if value != fit.threshold}
    return next(iter(known.items()))


def test_the_level_reaches_every_table(law, tmp_path: Path) -> None:
    assert predict(law, tmp_path / "plain") == 0
    assert predict(law, tmp_path / "out", "--calibrate", labelled(law, tmp_path / "p.tsv", 60, None)) == 0
    after = report_of(tmp_path / "out")["after"]
    assert after["level"] < -0.01 or after["level"] > 0.01
    table = scored(tmp_path / "out")
    expected = 1.0 / (1.0 + np.exp(-(table["score"] + after["level"]) / after["temperature"]))
    np.testing.assert_allclose(table["probability"], expected, rtol=1e-12)
    assert (table["contact"] == (table["probability"] >= after["threshold"])).all()
    for column in ("score", "rank"):
        np.testing.assert_array_equal(table[column], scored(tmp_path / "plain")[column])
    genes = pd.read_csv(tmp_path / "out" / "genes.tsv", sep="\t", na_values=".")
    best = genes.dropna(subset=["best_score"])
    told = 1.0 / (1.0 + np.exp(-(best["best_score"] + after["level"]) / after["temperature"]))
    np.testing.assert_allclose(best["best_probability"], told, rtol=1e-4)
    bedpe = pd.read_csv(tmp_path / "out" / "predictions.bedpe.gz", sep="\t")
    told = 1.0 / (1.0 + np.exp(-(bedpe["score"] + after["level"]) / after["temperature"]))
    np.testing.assert_allclose(bedpe["probability"], told, atol=1e-4)


def test_few_pairs_keep_the_threshold_of_the_precision_that_is_asked_for(law, tmp_path: Path, capsys) -> None:
    precision, threshold = known_threshold(law)
    few = ["--calibrate", labelled(law, tmp_path / "few.tsv", 5, 5)]
    assert predict(law, tmp_path / "out", *few, "--precision", precision) == 0
    report = report_of(tmp_path / "out")
    assert report["threshold_of"] == "model"
    assert report["before"]["threshold"] == report["after"]["threshold"] == threshold
    table = scored(tmp_path / "out")
    assert (table["contact"] == (table["probability"] >= threshold)).all()
    assert predict(law, tmp_path / "other", *few, "--precision", "0.93") == 2
    told = capsys.readouterr().err
    assert "few.tsv: the model knows no threshold for a precision of 0.93" in told
    assert f"bring {FEW} contacts and {FEW} other pairs or more" in told
    assert not (tmp_path / "other").exists()


def test_many_pairs_choose_the_threshold_of_the_precision_that_is_asked_for(law, tmp_path: Path) -> None:
    table = pd.read_csv(law.raw("pairs.tsv"), sep="\t")
    assert table["label"].value_counts().min() >= FEW
    pairs = labelled(law, tmp_path / "pairs.tsv", None, None)
    precision, threshold = known_threshold(law)
    assert predict(law, tmp_path / "out", "--calibrate", pairs, "--precision", precision) == 0
    report = report_of(tmp_path / "out")
    assert report["threshold_of"] == "labelled_pairs"
    assert report["before"]["threshold"] == threshold != report["after"]["threshold"]
    # As its own pairs have it: those of the file that are called.
    names = [f"{role}_{side}" for role in ("enhancer", "promoter") for side in ("start", "end")]
    every = scored(tmp_path / "out").assign(enhancer_chrom=lambda t: t["chrom"].astype(str))
    both = table.merge(every, on=["enhancer_chrom", *names])
    assert len(both) > 0.9 * len(table)
    assert both.loc[both["contact"], "label"].mean() == pytest.approx(float(precision), abs=0.06)


def test_one_label_alone_is_refused_with_a_fix_that_works(law, tmp_path: Path, capsys) -> None:
    for contacts, others in ((None, 0), (0, None), (3, 0)):
        pairs = labelled(law, tmp_path / "one.tsv", contacts, others)
        assert predict(law, tmp_path / "out", "--calibrate", pairs) == 2
        told = capsys.readouterr().err
        assert "one.tsv" in told
        assert "pairs of one label do not tell how common contacts are" in told
        assert "provide pairs of both labels" in told
        assert "labels.negatives" not in told
        assert not (tmp_path / "out").exists()
    assert predict(law, tmp_path / "out", "--calibrate", labelled(law, tmp_path / "two.tsv", 3, 1)) == 0
