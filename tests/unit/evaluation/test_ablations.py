"""Every model beside the full one, and the grid of seen and unseen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.ablations import ABLATION_COLUMNS, ablation_table, grid_table
from cbat.evaluation.comparison import ScoredPairs
from cbat.evaluation.summary import summarise, with_aggregates
from cbat.evaluation.summary_text import in_words
from cbat.evaluation.table import read_table

SETTINGS = EvaluationSettings(support_sizes=[16, 256], n_bootstrap=40)
MODELS = {"baseline": "baseline", "full_model": "full"}


@pytest.fixture(scope="module")
def run(build, tmp_path_factory: pytest.TempPathFactory):
    """An evaluation with one model more: the full model with twice the noise."""
    made = build(tmp_path_factory.mktemp("ablations"))
    for line in ("A549", "HepG2"):
        for seed in (1, 2, 3):
            pairs = made.read("full", seed, line)
            noise = np.random.default_rng([seed, len(line)]).normal(0.0, 0.06, len(pairs))
            noisy = (pairs["probability"] + noise).clip(0.0, 1.0)
            made.add("worse", seed, line, pairs.assign(probability=noisy))
    return made


@pytest.fixture(scope="module")
def metrics(run) -> pd.DataFrame:
    return with_aggregates(pd.concat([read_table(path) for path in run.tables], ignore_index=True))


def test_models_stand_in_the_order_of_their_figures(run, metrics) -> None:
    table = ablation_table(metrics, settings=SETTINGS, scored=ScoredPairs(run.scored), **MODELS)
    assert list(table.columns) == ABLATION_COLUMNS
    assert list(table["model"]) == ["full", "worse", "baseline"]
    assert table["own"].is_monotonic_decreasing
    rows = table.set_index("model")
    np.testing.assert_allclose(
        rows["minus_full"].iloc[1:], (rows["own"] - rows["own"]["full"]).iloc[1:], atol=2e-6
    )
    assert np.isnan(rows.loc["full", "minus_full"])
    assert (rows["minus_full_low"] < rows["minus_full"])[["worse", "baseline"]].all()
    assert rows.loc["worse", "minus_full_high"] < 0.0 < rows.loc["worse", "minus_baseline_low"]
    assert rows.loc["baseline", ["wrong", "none", "mean"]].isna().all()
    assert (rows["n_lines"] == 2).all()
    assert (rows["n_seeds"] == 3).all()


def test_without_scored_pairs_of_a_model_its_differences_have_no_interval(run, metrics) -> None:
    some = [path for path in run.scored if "worse" not in str(path)]
    rows = ablation_table(metrics, settings=SETTINGS, scored=ScoredPairs(some), **MODELS).set_index("model")
    assert rows.loc["worse", ["minus_full", "minus_baseline"]].notna().all()
    assert rows.loc["worse", ["minus_full_low", "minus_baseline_high"]].isna().all()


def test_the_grid_has_a_row_for_each_cell_that_was_evaluated(run, metrics) -> None:
    table = grid_table(metrics, settings=SETTINGS, scored=ScoredPairs(run.scored), **MODELS)
    assert table[["role", "chromosomes"]].to_numpy().tolist() == [["unseen", "test"]]
    seen = metrics.assign(role=metrics["role"].where(metrics["cell_line"] != "A549", "seen"))
    table = grid_table(seen, settings=SETTINGS, scored=ScoredPairs(run.scored), **MODELS)
    assert list(table["role"]) == ["seen", "unseen"]
    assert list(table["n_lines"]) == [1, 1]
    np.testing.assert_allclose(table["gain"], table["full_model"] - table["baseline"])
    assert ((table["gain_low"] < table["gain"]) & (table["gain"] < table["gain_high"])).all()


def test_words_say_what_pays(run, metrics) -> None:
    made = summarise(
        metrics, settings=SETTINGS, scored=ScoredPairs(run.scored),
        differences={"worse": "graph: none"}, **MODELS,
    )  # fmt: skip
    words = in_words(made)
    (sentence,) = [line for line in words.splitlines() if line.startswith("* worse (graph: none): -0.")]
    assert sentence.endswith("so full gains from its differences.")
    assert "SEEN AND UNSEEN" not in words, "one cell is no grid"


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (-0.03, -0.05, 0.01, "NO clear difference"),
        (0.03, 0.02, 0.04, "BETTER than full"),
        (-0.01, -0.012, -0.008, "below 0.015, which is noise in one run"),
    ],
)
def test_words_do_not_claim_more_than_the_interval(run, metrics, value, low, high, said: str) -> None:
    made = summarise(metrics, settings=SETTINGS, scored=ScoredPairs([]), **MODELS)
    row = made.ablations["model"] == "worse"
    made.ablations.loc[row, ["minus_full", "minus_full_low", "minus_full_high"]] = [value, low, high]
    assert said in in_words(made)
