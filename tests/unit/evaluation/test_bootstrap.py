"""Resampled statistics are those of repeated pairs, and intervals are wide where pairs hang together."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cbat.evaluation.bootstrap import (
    genomic_clusters,
    interval,
    multiplicities,
    paired_difference,
    resampled,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def pairs(n: int = 400, n_clusters: int = 6, seed: int = 0) -> tuple[IntArray, FloatArray, IntArray]:
    generator = np.random.default_rng(seed)
    score = np.round(generator.normal(size=n), 1)
    label = (generator.random(n) < 1 / (1 + np.exp(0.8 - score))).astype(np.int64)
    return label, score, generator.integers(0, n_clusters, n)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_resample_is_what_scikit_learn_says_of_repeated_pairs(balanced: bool, weighted: bool) -> None:
    label, score, cluster = pairs()
    weight = np.random.default_rng(1).random(len(label)) if weighted else np.ones(len(label))
    counts = multiplicities(6, 25, seed=3)
    scores = {"aupr": average_precision_score, "auroc": roc_auc_score}
    results = {
        "aupr": resampled(label, score, cluster, counts, statistic="aupr", weight=weight, balanced=balanced),
        "auroc": resampled(
            label, score, cluster, counts, statistic="auroc", weight=weight, balanced=balanced
        ),
    }
    for name, (row, times) in product(scores, enumerate(counts)):
        repeated = weight * times[cluster]
        if balanced:
            mass = np.bincount(label, weights=repeated)
            repeated = repeated / mass[label]
        expected = scores[name](label, score, sample_weight=repeated)
        assert results[name][row] == pytest.approx(expected, abs=1e-10), name


@pytest.mark.parametrize("statistic", ["aupr", "auroc"])
def test_tied_scores_are_called_together(statistic: str) -> None:
    """Counted pair by pair, once for every time that the cluster was drawn."""
    label, score = np.array([1, 0, 0, 1, 1, 0, 1, 0]), np.array([3, 3, 2, 2, 2, 1, 1, 1])
    cluster = np.array([0, 1, 0, 2, 1, 2, 0, 1])
    counts = np.array([[1, 1, 1], [2, 1, 0], [0, 0, 3], [0, 3, 0]])
    values = resampled(label, score, cluster, counts, statistic=statistic)
    for times, value in zip(counts, values, strict=True):
        drawn = [i for i in range(8) for _ in range(times[cluster[i]])]
        positive, negative = ([score[i] for i in drawn if label[i] == kind] for kind in (1, 0))
        if statistic == "auroc":
            wins = [(p > n) + 0.5 * (p == n) for p, n in product(positive, negative)]
            expected = sum(wins) / len(wins)
        else:
            expected = sum(
                positive.count(cut) / len(positive)
                * sum(p >= cut for p in positive) / sum(score[i] >= cut for i in drawn)
                for cut in set(positive)
            )  # fmt: skip
        assert value == pytest.approx(expected, abs=1e-12)


def test_scores_that_are_all_tied_are_chance() -> None:
    label, _, cluster = pairs()
    counts = multiplicities(6, 10, seed=0)
    constant = np.full(len(label), 0.3)
    np.testing.assert_allclose(resampled(label, constant, cluster, counts, balanced=True), 0.5)
    np.testing.assert_allclose(resampled(label, constant, cluster, counts, statistic="auroc"), 0.5)


def test_many_pairs_are_worked_through_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    label, score, cluster = pairs()
    counts = multiplicities(6, 25, seed=3)
    whole = resampled(label, score, cluster, counts)
    monkeypatch.setattr("cbat.evaluation.bootstrap._CELLS_AT_ONCE", 900)
    np.testing.assert_allclose(resampled(label, score, cluster, counts), whole, rtol=1e-12)


def test_multiplicities_draw_as_many_clusters_as_there_are() -> None:
    counts = multiplicities(5, 200, seed=0)
    assert counts.shape == (200, 5)
    assert (counts.sum(axis=1) == 5).all()
    np.testing.assert_array_equal(counts, multiplicities(5, 200, seed=0))
    assert (counts != multiplicities(5, 200, seed=1)).any()


def test_the_interval_holds_the_value_and_is_repeatable() -> None:
    label, score, cluster = pairs()
    low, high = interval(label, score, cluster, "aupr", 500, 7)
    assert low < average_precision_score(label, score) < high
    assert (low, high) == interval(label, score, cluster, "aupr", 500, 7)
    assert (low, high) != interval(label, score, cluster, "aupr", 500, 8)


def test_a_constant_shift_of_the_scores_changes_nothing() -> None:
    label, score, cluster = pairs()
    assert interval(label, score, cluster, "aupr", 100, 0) == interval(
        label, score - 4.0, cluster, "aupr", 100, 0
    )


def test_clusters_that_hang_together_give_a_wider_interval() -> None:
    generator = np.random.default_rng(0)
    cluster = np.repeat(np.arange(20), 40)
    informative = generator.random(20) < 0.5  # in the other half of the clusters the score misleads
    label = generator.integers(0, 2, 800)
    score = np.where(informative[cluster], label, -label) + generator.normal(size=800)
    low, high = interval(label, score, cluster, "auroc", 500, 0)
    narrow_low, narrow_high = interval(label, score, np.arange(800), "auroc", 500, 0)
    assert high - low > 2.0 * (narrow_high - narrow_low)


def test_the_interval_of_independent_pairs_has_the_right_width() -> None:
    # Hanley and McNeil: for 500 + 500 independent pairs at AUROC 0.5 the standard error is 0.0183.
    generator = np.random.default_rng(0)
    label, score = np.tile([0, 1], 500), generator.random(1000)
    low, high = interval(label, score, np.arange(1000), "auroc", 2000, 0)
    assert (high - low) / (2 * 1.96) == pytest.approx(0.0183, rel=0.08)


@pytest.mark.parametrize(
    ("label", "cluster", "n"),
    [([0, 1, 1], [0, 0, 0], 100), ([0, 0, 0], [0, 1, 2], 100), ([0, 1, 1], [0, 1, 2], 0)],
)
def test_what_cannot_be_resampled_has_no_interval(label: list[int], cluster: list[int], n: int) -> None:
    assert np.isnan(interval(label, [0.1, 0.2, 0.3], cluster, "aupr", n, 0)).all()


def test_resamples_without_positives_are_left_out() -> None:
    label, score, cluster = [1, 0, 0, 1], [0.9, 0.1, 0.4, 0.3], [0, 0, 1, 1]
    counts = np.array([[2, 0], [1, 1]])
    assert not np.isnan(resampled(label, score, cluster, counts)).any()
    label = [1, 0, 0, 0]
    values = resampled(label, score, cluster, np.array([[0, 2], [1, 1]]))
    assert np.isnan(values).tolist() == [True, False]


def test_a_model_does_not_differ_from_itself_or_from_its_shift() -> None:
    label, score, cluster = pairs()
    assert paired_difference(label, score, score + 3.0, cluster, 200, 0) == (0.0, 0.0, 0.0)


def test_the_difference_changes_sign_with_its_sides() -> None:
    label, score, cluster = pairs()
    other = np.random.default_rng(9).normal(size=len(label))
    there = paired_difference(label, score, other, cluster, 300, 0, balanced=True)
    back = paired_difference(label, other, score, cluster, 300, 0, balanced=True)
    assert there.value > 0.0
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def test_pairing_makes_the_interval_narrower_than_two_intervals() -> None:
    label, score, cluster = pairs(2000, 20)
    other = score + 0.2 * np.random.default_rng(9).normal(size=len(label))
    paired = paired_difference(label, score, other, cluster, 400, 0)
    low, high = interval(label, score, cluster, "aupr", 400, 0)
    assert paired.high - paired.low < 0.5 * (high - low)


def test_without_resamples_only_the_difference_is_known() -> None:
    label, score, cluster = pairs()
    difference = paired_difference(label, score, -score, cluster, 0, 0)
    expected = average_precision_score(label, score) - average_precision_score(label, -score)
    assert difference.value == pytest.approx(expected)
    assert np.isnan([difference.low, difference.high]).all()


def test_scores_that_are_nan_or_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        interval([0, 1], [0.1, np.nan], [0, 1], "aupr", 10, 0)
    with pytest.raises(ValueError, match="2 labels, 1 scores"):
        interval([0, 1], [0.1], [0, 1], "aupr", 10, 0)


def test_chromosomes_are_the_clusters_when_there_are_enough() -> None:
    chrom = ["chr1", "chr2", "chr3", "chr4", "chr1"]
    assert genomic_clusters(chrom, [0, 1, 2, 3, 4]).tolist() == chrom


def test_few_chromosomes_are_cut_into_stretches_of_equally_many_pairs() -> None:
    position = np.random.default_rng(0).permutation(200)
    labels = genomic_clusters(np.full(200, "chr9"), position)
    names, count = np.unique(labels, return_counts=True)
    assert len(names) == 10
    assert (count == 20).all()
    for name in names:
        here = position[labels == name]
        assert here.max() - here.min() == 19, "a stretch is contiguous"


def test_pairs_of_one_promoter_stay_in_one_stretch() -> None:
    position = np.repeat(np.arange(13), 7)
    labels = genomic_clusters(np.full(91, "chr9"), position)
    for promoter in range(13):
        assert len(np.unique(labels[position == promoter])) == 1


def test_a_thousand_resamples_take_a_moment() -> None:
    label, score, cluster = pairs(1800, 4)
    start = time.process_time()
    for seed in range(3):
        interval(label, score, cluster, "aupr", 1000, seed, balanced=True)
    assert time.process_time() - start < 3.0
