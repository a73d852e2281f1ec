"""Scored pairs become one row per figure, each with its key."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cbat.config.sections import ALL_CANDIDATES, EvaluationSettings
from cbat.evaluation.bootstrap import interval
from cbat.evaluation.measure import Origin, metric_rows, pair_clusters
from cbat.evaluation.table import as_table

ORIGIN = Origin("environment", 2, "K562", "unseen", "own", 256)
SETTINGS = EvaluationSettings(chromosomes=["validation", "test"], n_bootstrap=50)


def scored_pairs(n: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    chrom = generator.integers(1, 9, n)
    promoter = generator.integers(0, 30, n)
    probability = generator.random(n)
    return pd.DataFrame(
        {
            "enhancer_id": [f"chr{c}:{number * 10}-{number * 10 + 9}" for number, c in enumerate(chrom)],
            "promoter_id": [
                f"chr{c}:{p * 500 - 100}-{p * 500 + 100}" for c, p in zip(chrom, promoter, strict=True)
            ],
            "label": (generator.random(n) < probability).astype(np.int8),
            "distance": generator.integers(1000, 200_000, n),
            "chrom": [f"chr{c}" for c in chrom],
            "split": np.where(chrom > 4, "test", "validation"),
            "probability": probability,
        }
    )


def test_rows_cover_splits_and_negatives_and_make_a_table() -> None:
    table = as_table(metric_rows(scored_pairs(), ORIGIN, threshold=0.5, settings=SETTINGS))
    keys = table[["chromosomes", "negatives"]].drop_duplicates().to_numpy().tolist()
    assert sorted(map(tuple, keys)) == sorted(
        (split, kind) for split in ("test", "validation") for kind in ("natural", "balanced", "matched")
    )
    assert set(table["model"]) == {"environment"}
    assert set(table["n_support"]) == {256}
    assert set(table["seed"]) == {2}


def test_values_are_those_of_the_split() -> None:
    pairs = scored_pairs()
    table = as_table(metric_rows(pairs, ORIGIN, threshold=0.5, settings=SETTINGS))
    test = pairs[pairs["split"] == "test"]
    row = table[
        (table["chromosomes"] == "test") & (table["negatives"] == "natural") & (table["metric"] == "aupr")
    ].iloc[0]
    assert row["value"] == pytest.approx(average_precision_score(test["label"], test["probability"]))
    assert row["low"] < row["value"] < row["high"]


def test_folds_pool_all_pairs_whatever_fold_they_are_in() -> None:
    settings = EvaluationSettings.model_construct(**dict(SETTINGS) | {"chromosomes": ["folds"]})
    pairs = scored_pairs()
    pairs["split"] = [f"fold_{int(chrom[3:]) % 3}" for chrom in pairs["chrom"]]
    table = as_table(metric_rows(pairs, ORIGIN, threshold=0.5, settings=settings))
    assert set(table["chromosomes"]) == {"folds"}
    natural = table[table["negatives"] == "natural"].set_index("metric")
    assert natural.loc["n_pairs", "value"] == len(pairs)
    expected = average_precision_score(pairs["label"], pairs["probability"])
    assert natural.loc["aupr", "value"] == pytest.approx(expected)
    low, high = interval(
        pairs["label"], pairs["probability"], pairs["chrom"], "aupr", SETTINGS.n_bootstrap, SETTINGS.seed
    )
    assert natural.loc["aupr", ["low", "high"]].tolist() == pytest.approx([low, high])


def test_one_exchanged_kind_of_track_has_values_without_intervals() -> None:
    origin = Origin("full", 1, "K562", "unseen", "insulators:wrong", 0)
    table = as_table(metric_rows(scored_pairs(), origin, threshold=0.5, settings=SETTINGS))
    assert set(table["negatives"]) == {"natural", "balanced"}
    assert {"aupr", "auroc_within_promoter", "precision_at_recall_0.5"} <= set(table["metric"])
    assert table["low"].isna().all()


def test_scores_that_only_rank_need_no_threshold() -> None:
    pairs = scored_pairs().assign(probability=lambda table: 10.0 * table["probability"])
    table = as_table(metric_rows(pairs, ORIGIN, threshold=None, settings=SETTINGS))
    assert {"f1", "threshold", "brier"}.isdisjoint(table["metric"])


def test_without_resamplings_there_are_no_intervals() -> None:
    settings = SETTINGS.model_copy(update={"n_bootstrap": 0})
    table = as_table(metric_rows(scored_pairs(), ORIGIN, threshold=0.5, settings=settings))
    assert table["low"].isna().all()


def test_a_split_of_one_class_keeps_its_counts_only() -> None:
    pairs = scored_pairs().assign(label=0)
    table = as_table(metric_rows(pairs, ORIGIN, threshold=0.5, settings=SETTINGS))
    balanced = table[table["negatives"] == "balanced"]
    assert set(balanced["metric"]) == {"n_pairs", "n_positive", "threshold"}
    assert "matched" not in set(table["negatives"])


def test_an_empty_split_is_no_error() -> None:
    pairs = scored_pairs().iloc[:0]
    table = as_table(metric_rows(pairs, ORIGIN, threshold=0.5, settings=SETTINGS))
    assert set(table["value"]) == {0.0, 0.5}


def test_a_pair_counts_once() -> None:
    pairs = scored_pairs(5)
    with pytest.raises(ValueError, match="scored twice"):
        metric_rows(pd.concat([pairs, pairs]), ORIGIN, threshold=0.5, settings=SETTINGS)
    with pytest.raises(ValueError, match="'distance'"):
        metric_rows(pairs.drop(columns="distance"), ORIGIN, threshold=0.5, settings=SETTINGS)


def test_windows_that_start_before_the_contig_still_have_a_place() -> None:
    pairs = scored_pairs(60).assign(chrom="chr1")
    assert len(np.unique(pair_clusters(pairs))) > 5


@pytest.mark.parametrize(
    ("n_support", "expected"), [(0, True), (256, True), (ALL_CANDIDATES, True), (16, False), (1024, False)]
)
def test_the_headline_all_candidates_and_what_has_no_support_carry_intervals(
    n_support: int, expected: bool
) -> None:
    origin = Origin("environment", 2, "K562", "unseen", "own", n_support)
    table = as_table(metric_rows(scored_pairs(), origin, threshold=0.5, settings=SETTINGS))
    ranked = table["metric"].isin(["aupr", "auroc"])
    assert table.loc[ranked, ["low", "high"]].notna().all(axis=None) == expected
    assert table.loc[~ranked, ["low", "high"]].isna().all(axis=None)
    at_headline = as_table(metric_rows(scored_pairs(), ORIGIN, threshold=0.5, settings=SETTINGS))
    np.testing.assert_array_equal(table["value"], at_headline["value"])


def test_the_interval_is_that_of_the_resampled_pairs() -> None:
    pairs = scored_pairs()
    table = as_table(metric_rows(pairs, ORIGIN, threshold=0.5, settings=SETTINGS))
    test = pairs[pairs["split"] == "test"]
    expected = interval(
        test["label"], test["probability"], test["chrom"], "aupr", 50, SETTINGS.seed, balanced=True
    )
    row = table[
        (table["chromosomes"] == "test") & (table["negatives"] == "balanced") & (table["metric"] == "aupr")
    ].iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(expected)
