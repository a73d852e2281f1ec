"""Scores from anywhere are measured as those of the protocol, with intervals over chromosomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import cbat
from cbat.config.sections import EvaluationSettings
from cbat.evaluation.bootstrap import multiplicities, resampled_precision
from cbat.evaluation.measure import Origin, metric_rows
from cbat.evaluation.metrics import pair_metrics


def pairs(n_chromosomes: int = 6, n: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    start = rng.integers(0, 40, n) * 1000
    chrom = [f"chr{number}" for number in rng.integers(1, n_chromosomes + 1, n)]
    enhancer = rng.permutation(n) * 500
    table = pd.DataFrame(
        {
            "chrom": chrom,
            "enhancer_id": [
                f"{name}:{at // 5000}-{at // 5000 + 5}" for name, at in zip(chrom, enhancer, strict=True)
            ],
            "promoter_id": [f"{name}:{at}-{at + 400}" for name, at in zip(chrom, start, strict=True)],
            "start": start,
            "label": (rng.random(n) < 0.2).astype(int),
            "distance": rng.integers(1000, 100_000, n),
            "split": "test",
        }
    )
    table["probability"] = np.round(1 / (1 + np.exp(-(table["label"] + rng.normal(size=n)))), 2)
    return table.drop_duplicates(["enhancer_id", "promoter_id"], ignore_index=True)


def measured(table: pd.DataFrame, **over: Any) -> pd.DataFrame:
    given = {
        "chromosomes": table["chrom"], "positions": table["start"], "enhancers": table["enhancer_id"],
        "promoters": table["promoter_id"], "resamples": 200,
    } | over  # fmt: skip
    return cbat.evaluate(table["probability"], table["label"], **given)


@pytest.mark.parametrize("n_chromosomes", [2, 6])
def test_numbers_and_intervals_are_those_of_the_protocol(n_chromosomes: int) -> None:
    table = pairs(n_chromosomes)
    settings = EvaluationSettings(n_bootstrap=200, chromosomes=["test"])
    rows = metric_rows(table, Origin("any", 1, "any", "unseen"), threshold=None, settings=settings)
    protocol = pd.DataFrame(rows).set_index(["negatives", "metric"])
    mine = measured(table).set_index(["negatives", "metric"])
    assert set(mine.index) <= set(protocol.index)
    assert mine["value"].to_dict() == protocol.loc[mine.index, "value"].to_dict()
    known = [("natural", "aupr"), ("balanced", "aupr"), ("natural", "auroc")]
    for key in known:
        assert mine.loc[key, "low"] == pytest.approx(protocol.loc[key, "low"], abs=1e-12)
        assert mine.loc[key, "high"] == pytest.approx(protocol.loc[key, "high"], abs=1e-12)
        assert mine.loc[key, "low"] < mine.loc[key, "value"] < mine.loc[key, "high"]


def test_every_metric_that_is_named_has_a_row_and_an_interval() -> None:
    found = measured(pairs())
    assert found.loc[found["negatives"] == "natural", "metric"].tolist() == [
        "n_pairs", "n_positive", "prevalence", "aupr", "auroc", "precision_at_recall_0.5",
        "precision_at_recall_0.7", "auroc_within_enhancer", "auroc_within_promoter",
    ]  # fmt: skip
    assert found.loc[found["negatives"] == "balanced", "metric"].tolist() == ["aupr"]
    resampled = found[~found["metric"].isin(["n_pairs", "n_positive", "prevalence"])]
    assert (resampled["low"] < resampled["value"]).all()
    assert (resampled["value"] < resampled["high"]).all()


def test_precision_in_a_resample_is_that_of_repeated_pairs() -> None:
    table = pairs()
    label, score = table["label"].to_numpy(), table["probability"].to_numpy()
    names, cluster = np.unique(table["chrom"], return_inverse=True)
    counts = multiplicities(len(names), 20, 3)
    for recall in (0.5, 0.7):
        values = resampled_precision(label, score, cluster, counts, recall)
        for value, times in zip(values, counts, strict=True):
            rows = np.repeat(np.arange(len(label)), times[cluster])
            repeated = pair_metrics(label[rows], score[rows], table["promoter_id"].to_numpy()[rows], None)
            assert value == pytest.approx(repeated[f"precision_at_recall_{recall}"], abs=1e-12)


def test_what_cannot_be_computed_is_left_out() -> None:
    table = pairs(2)
    alone = measured(table, positions=None, enhancers=None, promoters=None)
    assert not alone["metric"].str.contains("within").any()
    assert alone[["low", "high"]].isna().all(axis=None)
    assert measured(table, resamples=0)["low"].isna().all()
    one_class = measured(table.assign(label=0))
    assert one_class["metric"].tolist() == ["n_pairs", "n_positive", "prevalence", "n_pairs"][:3]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scores": [0.1, np.nan, 0.3]}, "1 of 3 scores are not finite, the first in place 1"),
        ({"scores": ["a", "b", "c"]}, "the scores are no numbers"),
        ({"scores": []}, "there are no scores"),
        ({"labels": [0, 2, 1]}, "the label in place 1 is 2"),
        ({"labels": [0, 1]}, "there are 3 scores, and 2 labels"),
        ({"chromosomes": ["chr1", None, "chr2"]}, "1 of the chromosomes are missing, the first in place 1"),
        ({"enhancers": ["a"]}, "there are 3 scores, and 1 enhancers"),
        ({"scores": [[0.1], [0.2], [0.3]]}, "the scores have 2 dimensions"),
        ({"resamples": -1}, "the number of resamples is -1"),
    ],
)
def test_a_fault_is_told_with_what_to_do(change: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {
        "scores": [0.1, 0.2, 0.3], "labels": [True, False, True], "chromosomes": ["chr1", "chr1", "chr2"]
    }  # fmt: skip
    with pytest.raises(cbat.UserError, match=told) as raised:
        cbat.evaluate(**given | change)
    assert "Fix: " in str(raised.value)


def test_rows_of_two_indexes_are_not_taken_for_the_same() -> None:
    table = pairs()
    shuffled = table["label"].sample(frac=1.0, random_state=1)
    with pytest.raises(cbat.UserError, match="the labels have another index than the scores"):
        cbat.evaluate(table["probability"], shuffled, chromosomes=table["chrom"])
