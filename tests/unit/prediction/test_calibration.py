"""Level, temperature and threshold from a few labelled pairs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.data.shards import read_shard
from cbat.errors import UserError
from cbat.evaluation.metrics import best_f1_threshold
from cbat.prediction.calibration import FOLDS, compare, folds
from cbat.prediction.decision import FEW, Decision, kept, refit
from cbat.prediction.plan import read_plan

MODEL = Decision(0.0, 1.3, 0.4)


@pytest.fixture(scope="module")
def calibrated(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("calibrated")
    world.prepare(directory, tissue="liver", calibration_pairs=world.raw("pairs.tsv.gz"))
    return directory


def report_of(directory: Path) -> dict:
    return json.loads((directory / "calibration.json").read_text())


def cautions_of(directory: Path) -> dict[str, str]:
    warnings = json.loads((directory / "environment.json").read_text())["warnings"]
    return {one["kind"]: one["message"] for one in warnings}


def given(world, path: Path, rows: slice = slice(None), contacts: slice = slice(None)) -> Path:
    """Some of the labelled pairs of the line, in a file."""
    table = pd.read_csv(world.raw("pairs.tsv.gz"), sep="\t")
    others = table[table["label"] == 0].iloc[rows]
    pd.concat([table[table["label"] == 1].iloc[contacts], others]).to_csv(path, sep="\t", index=False)
    return path


def test_it_is_the_refit_of_the_scores_in_the_lines_environment(world, calibrated: Path) -> None:
    report = report_of(calibrated)
    shard = read_shard(world.shard())
    assert report["pairs"] == len(shard.pairs)
    assert report["contacts"] == int(shard.pairs["label"].sum())
    assert report["before"] == {"level": 0.0, "temperature": 1.3, "threshold": 0.4, "deviation": None}
    plan = read_plan(calibrated)
    after = {name: getattr(plan, name) for name in ("level", "temperature", "threshold", "deviation")}
    assert report["after"] == after
    assert report["threshold_of"] == "labelled_pairs"
    names = shard.elements.set_index(["role", "local"])["element_id"]
    labelled = pd.DataFrame(
        {f"{role}_id": names[role].loc[shard.pairs[role]].to_numpy() for role in ("enhancer", "promoter")}
    ).assign(label=shard.pairs["label"].to_numpy())
    scored = world.predict(
        calibrated, tissue="liver", max_distance=200_000, calibration_pairs=world.raw("pairs.tsv.gz")
    )
    both = labelled.merge(scored, on=["enhancer_id", "promoter_id"])
    assert len(both) == len(labelled)
    score, label = both["score"].to_numpy(), both["label"].to_numpy(dtype=float)
    expected = refit(score, label, MODEL, best_f1_threshold)
    assert plan.level == pytest.approx(expected.level, abs=1e-4)
    assert plan.temperature == pytest.approx(expected.temperature, rel=1e-4)
    assert plan.threshold == pytest.approx(best_f1_threshold(label, both["probability"]), abs=1e-6)
    assert plan.level != 0.0


def test_the_level_reaches_probability_and_call_and_the_order_stays(world, calibrated: Path) -> None:
    plan = read_plan(calibrated)
    scored = world.predict(
        calibrated, tissue="liver", max_distance=200_000, calibration_pairs=world.raw("pairs.tsv.gz")
    )
    logit = (scored["score"] + plan.level) / plan.temperature
    np.testing.assert_allclose(scored["probability"], 1.0 / (1.0 + np.exp(-logit)), rtol=1e-12)
    assert (scored["contact"] == (scored["probability"] >= plan.threshold)).all()
    assert (scored["contact"] == (scored["score"] >= plan.score_threshold)).mean() > 0.999
    np.testing.assert_array_equal(
        scored["score"],
        scored["intrinsic_potential"].astype(float) - scored["environment_resistance"].astype(float),
    )
    # Score and rank stay; the probability does not.
    plain = world.predict(calibrated.parent / "plain", tissue="liver", max_distance=200_000)
    assert np.array_equal(plain["score"], scored["score"])
    assert np.array_equal(plain["rank"], scored["rank"])
    assert not np.array_equal(plain["probability"], scored["probability"])
    assert (np.diff(scored["probability"].to_numpy()[np.argsort(scored["score"])]) >= 0.0).all()


def test_a_plan_without_a_level_is_read_as_level_0(calibrated: Path, tmp_path: Path) -> None:
    content = json.loads((calibrated / "prepared" / "plan.json").read_text())
    assert content.pop("level") != 0.0
    (tmp_path / "prepared").mkdir()
    path = tmp_path / "prepared" / "plan.json"
    path.write_text(json.dumps(content | {"format": 1}))
    assert read_plan(tmp_path) == replace(read_plan(calibrated), level=0.0)
    path.write_text(json.dumps(content | {"format": 4}))
    with pytest.raises(UserError, match="another format"):
        read_plan(tmp_path)


def test_both_sides_are_judged_on_pairs_that_the_refit_has_not_seen(calibrated: Path) -> None:
    held_out = report_of(calibrated)["held_out"]
    assert held_out["folds"] == FOLDS
    for side in ("before", "after"):
        assert {"log_loss", "brier", "ece", "f1", "precision", "recall", "mcc"} == set(held_out[side])


def test_a_model_that_is_too_sure_of_too_many_contacts_is_mended_by_the_refit() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    label = (rng.random(4000) < 1 / (1 + np.exp(-truth))).astype(float)
    cluster = np.array([f"chr{n % 7}" for n in range(4000)])
    model = Decision(0.0, 1.0, 0.5)
    # Said with three times the confidence that it deserves, and two units too high.
    score = 3.0 * truth + 2.0
    found = compare(score, label, cluster, model, best_f1_threshold, cluster)
    assert found is not None
    assert found["pairs"] == 4000
    assert found["after"]["log_loss"] < found["before"]["log_loss"] - 0.3
    assert found["after"]["log_loss"] == pytest.approx(_loss(truth, label), abs=0.01)
    assert found["after"]["brier"] < found["before"]["brier"]
    assert found["after"]["ece"] < 0.3 * found["before"]["ece"]


def _loss(logit: np.ndarray, label: np.ndarray) -> float:
    return float(np.logaddexp(0.0, -(2.0 * label - 1.0) * logit).mean())


def test_held_out_pairs_are_judged_by_the_threshold_of_the_other_folds() -> None:
    """Two halves of which the second has other scores: each is called by what the other one has chosen."""
    score = np.concatenate([np.tile([-1.0, 1.0], 200), np.tile([1.0, 3.0], 200)])
    label = np.tile([0.0, 1.0], 400)
    cluster = np.repeat(["chr1", "chr2"], 400)
    model = Decision(0.0, 1.0, 0.5)
    found = compare(score, label, cluster, model, best_f1_threshold, cluster)
    assert found is not None
    # The first half lies below the threshold of the second, the second wholly above that of the first.
    assert found["after"]["recall"] == 0.5
    assert found["after"]["precision"] == 0.5


def test_labels_by_chance_do_not_look_better_for_the_refit() -> None:
    rng = np.random.default_rng(1)
    score, label = 0.3 * rng.normal(size=60), (rng.random(60) < 0.5).astype(float)
    cluster = np.array([f"chr{n % 6}" for n in range(60)])
    own = refit(score, label, Decision(0.0, 1.0, 0.5), kept(0.5))
    found = compare(score, label, cluster, own, kept(0.5), cluster)
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


def test_few_labels_change_little_and_leave_the_threshold(world, tmp_path: Path) -> None:
    for n in (1, FEW - 1):
        pairs = given(world, tmp_path / "few.tsv", contacts=slice(n))
        world.prepare(tmp_path / "out", calibration_pairs=pairs)
        assert "the threshold is the model's" in cautions_of(tmp_path / "out")["few_labels"]
        report = report_of(tmp_path / "out")
        assert report["threshold_of"] == "model"
        assert report["after"]["threshold"] == report["before"]["threshold"]
    world.prepare(tmp_path / "out", calibration_pairs=given(world, tmp_path / "few.tsv", contacts=slice(FEW)))
    assert "few_labels" not in cautions_of(tmp_path / "out")
    assert report_of(tmp_path / "out")["threshold_of"] == "labelled_pairs"


def test_two_pairs_do(world, tmp_path: Path) -> None:
    pairs = given(world, tmp_path / "two.tsv", slice(1), slice(1))
    world.prepare(tmp_path / "out", calibration_pairs=pairs)
    assert {"few_labels", "calibration_unchecked"} <= set(cautions_of(tmp_path / "out"))
    report = report_of(tmp_path / "out")
    assert report["held_out"] is None
    assert abs(report["after"]["level"]) < 0.5
    assert report["after"]["temperature"] == pytest.approx(1.3, rel=0.25)


def test_a_refit_that_does_not_help_says_so(world, tmp_path: Path) -> None:
    """Labels that contradict the ones of other chromosomes."""
    table = pd.read_csv(world.raw("pairs.tsv.gz"), sep="\t")
    half = table["enhancer_chrom"].isin(["chr1", "chr2"])
    # Contacts are all but always on some chromosomes, and all but never on the others.
    often = np.random.default_rng(0).random(len(table)) < 0.95
    table.assign(label=np.where(often, half, ~half).astype(int)).to_csv(
        tmp_path / "pairs.tsv", sep="\t", index=False
    )
    world.prepare(tmp_path / "out", calibration_pairs=tmp_path / "pairs.tsv")
    held_out = report_of(tmp_path / "out")["held_out"]
    worse = held_out["after"]["log_loss"] > held_out["before"]["log_loss"]
    assert worse == ("calibration_no_help" in cautions_of(tmp_path / "out"))
    assert worse


def test_a_precision_is_that_of_the_labelled_pairs(world, tmp_path: Path) -> None:
    """A model of sequences knows no threshold for a precision; enough labelled pairs do."""
    pairs = world.raw("pairs.tsv.gz")
    share = pd.read_csv(pairs, sep="\t")["label"].mean()
    world.prepare(tmp_path / "out", tissue="liver", calibration_pairs=pairs)
    usual = report_of(tmp_path / "out")
    world.prepare(tmp_path / "out", tissue="liver", calibration_pairs=pairs, precision=round(share + 0.05, 3))
    report = report_of(tmp_path / "out")
    for name in ("level", "temperature"):
        assert report["after"][name] == usual["after"][name]
    assert report["after"]["threshold"] > usual["after"]["threshold"]
    assert report["held_out"]["after"]["precision"] > usual["held_out"]["after"]["precision"]
    assert report["held_out"]["before"] == usual["held_out"]["before"]


def test_a_precision_that_labelled_pairs_do_not_give(world, tmp_path: Path) -> None:
    pairs = world.raw("pairs.tsv.gz")
    with pytest.raises(
        UserError, match=r"reach a precision of 0.999 nowhere: 0\.\d+ is the highest"
    ) as caught:
        world.prepare(tmp_path / "out", calibration_pairs=pairs, precision=0.999)
    assert str(pairs) in str(caught.value)
    few = given(world, tmp_path / "few.tsv", contacts=slice(10))
    with pytest.raises(UserError, match="10 of them contacts, are too few to find one"):
        world.prepare(tmp_path / "out", calibration_pairs=few, precision=0.7)
    with pytest.raises(UserError, match="give labelled pairs with --calibrate"):
        world.prepare(tmp_path / "out", precision=0.7)
    assert not (tmp_path / "out" / "prepared").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda table: table[table["label"] == 1], "do not tell how common contacts are"),
        (lambda table: table[table["label"] == 0], "do not tell how common contacts are"),
        (lambda table: table[table["label"] == 1].head(3), "file has 3 contacts and 0 others"),
        (lambda table: table.head(0), "pairs.tsv"),
        (lambda table: table.assign(label=7), "label is '7'"),
        (lambda table: table.assign(enhancer_end=10**7), "177 of 177 enhancers reach beyond the end of"),
        (
            lambda table: table.drop(columns="promoter_end"),
            "nearest to that of the format cbat, of which it lacks promoter_end",
        ),
    ],
)
def test_pairs_that_cannot_be_used(world, tmp_path: Path, change, expected: str) -> None:
    path = tmp_path / "pairs.tsv"
    change(pd.read_csv(world.raw("pairs.tsv.gz"), sep="\t")).to_csv(path, sep="\t", index=False)
    with pytest.raises(UserError, match=expected) as caught:
        world.prepare(tmp_path / "out", calibration_pairs=path)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "out" / "prepared").exists()
