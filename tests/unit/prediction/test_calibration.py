"""Temperature and threshold from a few labelled pairs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.data.shards import read_shard
from cbat.errors import UserError
from cbat.evaluation.metrics import best_f1_threshold, fit_temperature
from cbat.prediction.calibration import FOLDS, compare, folds, refit
from cbat.prediction.plan import read_plan


@pytest.fixture(scope="module")
def calibrated(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("calibrated")
    world.prepare(directory, tissue="liver", calibration_pairs=world.raw("pairs.tsv.gz"))
    return directory


def test_it_is_the_refit_of_the_scores_in_the_lines_environment(world, calibrated: Path) -> None:
    report = json.loads((calibrated / "calibration.json").read_text())
    shard = read_shard(world.shard())
    assert report["pairs"] == len(shard.pairs)
    assert report["contacts"] == int(shard.pairs["label"].sum())
    assert report["before"] == {"temperature": 1.3, "threshold": 0.4}
    plan = read_plan(calibrated)
    assert report["after"] == {"temperature": plan.temperature, "threshold": plan.threshold}
    names = shard.elements.set_index(["role", "local"])["element_id"]
    labelled = pd.DataFrame(
        {f"{role}_id": names[role].loc[shard.pairs[role]].to_numpy() for role in ("enhancer", "promoter")}
    ).assign(label=shard.pairs["label"].to_numpy())
    scored = world.predict(
        calibrated, tissue="liver", max_distance=200_000, calibration_pairs=world.raw("pairs.tsv.gz")
    )
    both = labelled.merge(scored, on=["enhancer_id", "promoter_id"])
    assert len(both) == len(labelled)
    assert plan.temperature == pytest.approx(fit_temperature(both["score"], both["label"]), rel=1e-4)
    assert plan.threshold == pytest.approx(best_f1_threshold(both["label"], both["probability"]), abs=1e-6)
    # Only temperature and threshold change.
    plain = world.predict(calibrated.parent / "plain", tissue="liver", max_distance=200_000)
    assert np.array_equal(plain["score"], scored["score"])
    assert np.array_equal(plain["rank"], scored["rank"])
    assert not np.array_equal(plain["probability"], scored["probability"])


def test_both_sides_are_judged_on_pairs_that_the_refit_has_not_seen(calibrated: Path) -> None:
    held_out = json.loads((calibrated / "calibration.json").read_text())["held_out"]
    assert held_out["folds"] == FOLDS
    for side in ("before", "after"):
        assert {"log_loss", "brier", "ece", "f1", "precision", "recall", "mcc"} == set(held_out[side])


def test_a_model_that_is_too_sure_is_mended_by_the_refit() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    label = (rng.random(4000) < 1 / (1 + np.exp(-truth))).astype(float)
    cluster = np.array([f"chr{n % 7}" for n in range(4000)])
    # Said with three times the confidence that it deserves.
    found = compare(3 * truth, label, cluster, 1.0, 0.5, cluster)
    assert refit(3 * truth, label)[0] == pytest.approx(3.0, rel=0.15)
    assert found is not None
    assert found["after"]["log_loss"] < found["before"]["log_loss"] - 0.1
    assert found["after"]["ece"] < 0.5 * found["before"]["ece"]


def test_labels_by_chance_do_not_look_better_for_the_refit() -> None:
    rng = np.random.default_rng(1)
    logit, label = 0.3 * rng.normal(size=60), (rng.random(60) < 0.5).astype(float)
    cluster = np.array([f"chr{n % 6}" for n in range(60)])
    found = compare(logit, label, cluster, fit_temperature(logit, label), 0.5, cluster)
    assert found is not None
    # On its own pairs the refit could only win; on held-out ones it does not.
    assert found["after"]["log_loss"] >= found["before"]["log_loss"] - 1e-9


def test_folds_are_whole_clusters_of_about_the_same_size() -> None:
    cluster = np.repeat(["a", "b", "c", "d", "e", "f", "g"], [50, 10, 10, 10, 10, 30, 30])
    fold = folds(cluster)
    assert len(np.unique(fold)) == FOLDS
    for name in np.unique(cluster):
        assert len(np.unique(fold[cluster == name])) == 1
    assert np.bincount(fold).max() == 50
    assert np.array_equal(folds(cluster[::-1]), fold[::-1])


def test_few_labels_are_a_caution(world, tmp_path: Path) -> None:
    table = pd.read_csv(world.raw("pairs.tsv.gz"), sep="\t").iloc[:30]
    table.to_csv(tmp_path / "few.tsv", sep="\t", index=False)
    world.prepare(tmp_path / "out", calibration_pairs=tmp_path / "few.tsv")
    content = json.loads((tmp_path / "out" / "environment.json").read_text())
    assert "few_labels" in {one["kind"] for one in content["warnings"]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda table: table[table["label"] == 1], "has not both labels left"),
        (lambda table: table.assign(label=7), "label is '7'"),
        (lambda table: table.assign(enhancer_end=10**7), "reaches beyond the end of"),
        (lambda table: table.drop(columns="promoter_end"), "is not recognised"),
    ],
)
def test_pairs_that_cannot_be_used(world, tmp_path: Path, change, expected: str) -> None:
    path = tmp_path / "pairs.tsv"
    change(pd.read_csv(world.raw("pairs.tsv.gz"), sep="\t")).to_csv(path, sep="\t", index=False)
    with pytest.raises(UserError, match=expected) as caught:
        world.prepare(tmp_path / "out", calibration_pairs=path)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "out" / "prepared").exists()
