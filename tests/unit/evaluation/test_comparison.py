"""Paired differences are those of a plain loop over resampled chromosomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t
from sklearn.metrics import average_precision_score

from cbat.errors import UserError
from cbat.evaluation.bootstrap import multiplicities
from cbat.evaluation.comparison import ScoredPairs, Side, compare

HOW = {"chromosomes": "test", "n_support": 256, "n": 80, "seed": 5}
FULL, BASELINE = Side("full"), Side("baseline")


def headline_pairs(evaluation, model: str, seed: int, line: str, context: str | None = None) -> pd.DataFrame:
    pairs = evaluation.read(model, seed, line)
    context = context or ("-" if model == "baseline" else "own")
    return pairs[(pairs["context"] == context) & pairs["n_support"].isin([0, 256])]


def aupr(pairs: pd.DataFrame, times: np.ndarray) -> float:
    """Average precision at balanced classes when every pair is repeated as often as its chromosome is."""
    weight = times[pairs["chrom"].str.removeprefix("chr").astype(int).to_numpy() - 1].astype(float)
    label = pairs["label"].to_numpy()
    weight /= np.bincount(label, weights=weight)[label]
    return float(average_precision_score(label, pairs["probability"], sample_weight=weight))


def by_hand(values: np.ndarray) -> tuple[float, float, float]:
    """The first is the estimate, the others its resamples; five chromosomes stretch the interval."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    stretch = t.ppf(0.975, 4) / norm.ppf(0.975) * np.sqrt(5 / 4)
    return values[0], values[0] + stretch * (low - values[0]), values[0] + stretch * (high - values[0])


def test_differences_are_those_of_a_plain_loop(evaluation) -> None:
    counts = np.concatenate([np.ones((1, 5), dtype=int), multiplicities(5, 80, 5)])
    expected = {}
    for line in ("A549", "HepG2"):
        seeds = []
        for seed in (1, 2, 3):
            full, baseline = (headline_pairs(evaluation, name, seed, line) for name in ("full", "baseline"))
            seeds.append([aupr(full, times) - aupr(baseline, times) for times in counts])
        expected[line] = np.mean(seeds, axis=0)
    found = compare(ScoredPairs(evaluation.scored), FULL, BASELINE, **HOW)
    assert found is not None
    assert sorted(found.lines) == ["A549", "HepG2"]
    for line, difference in found.lines.items():
        assert tuple(difference) == pytest.approx(by_hand(expected[line]), abs=1e-10)
    # Chromosomes are drawn for both lines together.
    assert tuple(found.mean) == pytest.approx(by_hand(np.mean(list(expected.values()), axis=0)), abs=1e-10)
    assert found.mean.value > 0.05


def test_contexts_of_one_model_are_compared_at_the_support_size_asked_for(evaluation) -> None:
    found = compare(ScoredPairs(evaluation.scored), FULL, Side("full", "wrong"), **HOW)
    own, wrong = (headline_pairs(evaluation, "full", 1, "A549", name) for name in ("own", "wrong"))
    once = np.ones(5)
    only_one = compare(
        ScoredPairs([path for path in evaluation.scored if "full/seed_1/A549" in str(path)]),
        FULL,
        Side("full", "wrong"),
        **HOW,
    )
    assert found is not None
    assert only_one is not None
    assert only_one.lines["A549"].value == pytest.approx(aupr(own, once) - aupr(wrong, once), abs=1e-12)
    assert only_one.mean == only_one.lines["A549"]
    assert found.mean.low > 0.0


def test_the_order_of_pairs_and_files_does_not_matter(evaluation, build, tmp_path: Path) -> None:
    shuffled = build(tmp_path)
    for path in shuffled.scored:
        if "baseline" in str(path):
            pd.read_parquet(path).sample(frac=1.0, random_state=1).to_parquet(path, index=False)
    one = compare(ScoredPairs(evaluation.scored), FULL, BASELINE, **HOW)
    other = compare(ScoredPairs(shuffled.scored[::-1]), FULL, BASELINE, **HOW)
    assert one is not None
    assert other is not None
    for line in one.lines:
        assert tuple(other.lines[line]) == pytest.approx(tuple(one.lines[line]), abs=1e-12)


def test_a_model_is_not_better_than_itself(evaluation) -> None:
    found = compare(ScoredPairs(evaluation.scored), FULL, FULL, **HOW)
    assert found is not None
    assert found.mean == (0.0, 0.0, 0.0)


def test_without_resamples_there_is_no_interval(evaluation) -> None:
    found = compare(ScoredPairs(evaluation.scored), FULL, BASELINE, **(HOW | {"n": 0}))
    assert found is not None
    assert found.mean.value > 0.05
    assert np.isnan([found.mean.low, found.mean.high]).all()


@pytest.mark.parametrize("damage", ["fewer", "labels", "others"])
def test_sides_with_different_pairs_are_not_compared(build, tmp_path: Path, damage: str) -> None:
    made = build(tmp_path, lines=["A549"], seeds=[1], oracle=False)
    path = tmp_path / "baseline" / "seed_1" / "A549" / "scored_pairs.parquet"
    pairs = pd.read_parquet(path)
    if damage == "fewer":
        pairs = pairs.iloc[1:]
    elif damage == "labels":
        pairs.loc[0, "label"] = 1 - pairs.loc[0, "label"]
    else:
        pairs.loc[0, "enhancer_id"] = "chr1:1-401"
    pairs.to_parquet(path, index=False)
    with pytest.raises(UserError, match="'full' and 'baseline' scored different pairs .* 'A549'"):
        compare(ScoredPairs(made.scored), FULL, BASELINE, **HOW)


@pytest.mark.parametrize(
    ("second", "change"),
    [
        (Side("absent"), {}),
        (Side("baseline", "wrong"), {}),
        (BASELINE, {"chromosomes": "train"}),
        (Side("full", "wrong"), {"n_support": 64}),
    ],
)
def test_what_was_not_scored_is_not_compared(evaluation, second: Side, change: dict) -> None:
    assert compare(ScoredPairs(evaluation.scored), FULL, second, **(HOW | change)) is None
    assert compare(ScoredPairs([]), FULL, second, **(HOW | change)) is None


def test_a_small_support_set_does_not_stand_for_a_large_one(build, tmp_path: Path) -> None:
    full = {("own", 256): 1.0, ("wrong", 16): 5.0, ("graph", 0): 3.0}
    made = build(tmp_path, lines=["A549"], seeds=[1], full=full)
    scored = ScoredPairs(made.scored)
    assert compare(scored, FULL, Side("full", "wrong"), **HOW) is None
    assert compare(scored, FULL, Side("full", "graph"), **HOW) is not None


def test_files_are_known_by_their_folders(evaluation) -> None:
    scored = ScoredPairs(evaluation.scored)
    assert scored.lines("full") == ["A549", "HepG2"]
    assert scored.seeds("baseline") == [1, 2, 3]
    assert scored.lines("absent") == []
    for path in ("scored_pairs.parquet", "results/full/first/A549/scored_pairs.parquet"):
        with pytest.raises(UserError, match="do not say what they are"):
            ScoredPairs([path])
