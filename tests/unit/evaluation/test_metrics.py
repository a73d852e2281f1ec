"""Every metric against scikit-learn or a value by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics as sklearn_metrics

from cbat.evaluation.metrics import (
    HIGHER_IS_BETTER,
    LOWER_IS_BETTER,
    best_f1_threshold,
    fit_temperature,
    fit_temperature_and_bias,
    pair_metrics,
    shift_prior,
)
from cbat.evaluation.weights import matched_weights, prevalence_weights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RANKING = ("aupr", "aupr_prevalence_0.1", "auroc", "auroc_within_promoter")


def sigmoid(logit: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-logit))


@pytest.fixture(name="pairs")
def make_pairs() -> tuple[IntArray, FloatArray, IntArray]:
    generator = np.random.default_rng(0)
    logit = np.round(generator.normal(-1.0, 1.5, size=600), 1)  # rounded: there are ties
    label = (generator.random(600) < sigmoid(logit)).astype(np.int64)
    return label, sigmoid(logit), generator.integers(0, 90, size=600)


def test_natural_metrics_are_those_of_scikit_learn(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, promoter = pairs
    result = pair_metrics(label, probability, promoter, 0.4)
    called = probability >= 0.4
    assert result["aupr"] == pytest.approx(sklearn_metrics.average_precision_score(label, probability))
    assert result["auroc"] == pytest.approx(sklearn_metrics.roc_auc_score(label, probability))
    assert result["f1"] == pytest.approx(sklearn_metrics.f1_score(label, called))
    assert result["precision"] == pytest.approx(sklearn_metrics.precision_score(label, called))
    assert result["recall"] == pytest.approx(sklearn_metrics.recall_score(label, called))
    assert result["mcc"] == pytest.approx(sklearn_metrics.matthews_corrcoef(label, called))
    assert result["brier"] == pytest.approx(sklearn_metrics.brier_score_loss(label, probability))
    assert result["prevalence"] == label.mean()
    assert (result["n_pairs"], result["n_positive"], result["threshold"]) == (600, label.sum(), 0.4)


def test_balanced_metrics_are_those_of_weighted_pairs(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, promoter = pairs
    result = pair_metrics(label, probability, promoter, 0.4, balanced=True)
    weight, called = prevalence_weights(label), probability >= 0.4
    scores = {
        "aupr": sklearn_metrics.average_precision_score(label, probability, sample_weight=weight),
        "f1": sklearn_metrics.f1_score(label, called, sample_weight=weight),
        "precision": sklearn_metrics.precision_score(label, called, sample_weight=weight),
        "mcc": sklearn_metrics.matthews_corrcoef(label, called, sample_weight=weight),
    }
    for name, value in scores.items():
        assert result[name] == pytest.approx(value), name
    assert result["prevalence"] == pytest.approx(0.5)
    natural = pair_metrics(label, probability, promoter, 0.4)
    for name in ("auroc", "auroc_within_promoter", "recall", "aupr_prevalence_0.1"):
        assert result[name] == pytest.approx(natural[name]), f"{name} does not depend on the prevalence"


def test_fixed_prevalence_is_what_repeating_negatives_gives() -> None:
    label = np.array([1, 0, 1, 0, 0, 1])
    probability = np.array([0.9, 0.8, 0.7, 0.4, 0.2, 0.1])
    repeated = np.where(label == 1, 1, 9)  # 3 positives, 27 negatives
    expected = sklearn_metrics.average_precision_score(
        np.repeat(label, repeated), np.repeat(probability, repeated)
    )
    result = pair_metrics(label, probability, np.zeros(6), 0.5)
    assert result["aupr_prevalence_0.1"] == pytest.approx(expected)


def test_within_promoter_auroc_by_brute_force(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, promoter = pairs
    weights, values = [], []
    for name in np.unique(promoter):
        here = promoter == name
        n_positive = label[here].sum()
        if 0 < n_positive < here.sum():
            values.append(sklearn_metrics.roc_auc_score(label[here], probability[here]))
            weights.append(n_positive * (here.sum() - n_positive))
    result = pair_metrics(label, probability, promoter, 0.5)
    assert result["auroc_within_promoter"] == pytest.approx(np.average(values, weights=weights))


def test_within_enhancer_auroc_is_that_of_the_enhancers(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, element = pairs
    other = np.arange(len(label))  # every promoter once: nothing to compare within one
    result = pair_metrics(label, probability, other, 0.4, enhancer=element)
    assert result["auroc_within_enhancer"] == pair_metrics(*pairs, 0.4)["auroc_within_promoter"]
    assert "auroc_within_promoter" not in result


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("recall", [0.5, 0.7])
def test_precision_at_a_recall_by_scikit_learn(
    pairs: tuple[IntArray, FloatArray, IntArray], recall: float, balanced: bool
) -> None:
    label, probability, promoter = pairs
    weight = prevalence_weights(label) if balanced else None
    precision, reached, _ = sklearn_metrics.precision_recall_curve(label, probability, sample_weight=weight)
    # Recall falls along the curve: the last threshold that reaches it is the highest.
    expected = precision[np.flatnonzero(reached >= recall - 1e-9)[-1]]
    result = pair_metrics(label, probability, promoter, 0.4, balanced)
    assert result[f"precision_at_recall_{recall}"] == pytest.approx(expected)


def test_precision_at_a_recall_by_hand() -> None:
    label, score = [1, 0, 1, 0, 0, 1, 0, 1, 0, 0], np.linspace(1.0, 0.1, 10)
    result = pair_metrics(label, score, np.zeros(10), 0.4)
    assert result["precision_at_recall_0.5"] == pytest.approx(2 / 3)
    assert result["precision_at_recall_0.7"] == pytest.approx(3 / 6)


def test_a_score_without_threshold_only_ranks(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, promoter = pairs
    ranked = pair_metrics(label, 7.0 * probability - 3.0, promoter, None, balanced=True)
    whole = pair_metrics(label, probability, promoter, 0.4, balanced=True)
    assert set(whole) - set(ranked) == {"threshold", "f1", "precision", "recall", "mcc", "brier", "ece"}
    assert ranked == pytest.approx({name: whole[name] for name in ranked})
    with pytest.raises(ValueError, match="finite"):
        pair_metrics(label, np.where(label == 1, np.nan, 0.0), promoter, None)


def test_promoters_that_only_differ_in_rate_have_no_signal_within() -> None:
    promoter = np.repeat([0, 1], 4)
    label = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    result = pair_metrics(label, np.where(promoter == 0, 0.8, 0.2), promoter, 0.5)
    assert result["auroc"] > 0.7
    assert result["auroc_within_promoter"] == 0.5


def test_ece_by_hand() -> None:
    # Two probabilities, each a bin of its own: gaps |0.2 - 0| and |0.8 - 0.5|, of equal mass.
    label = np.array([0, 0, 1, 0])
    result = pair_metrics(label, np.array([0.2, 0.2, 0.8, 0.8]), np.zeros(4), 0.5)
    assert result["ece"] == pytest.approx(0.25)


def test_a_constant_prediction_is_judged_by_the_prevalence_alone() -> None:
    label = np.repeat([1, 0], [30, 70])
    result = pair_metrics(label, np.full(100, 0.3), np.arange(100), 0.3)
    assert result["ece"] == pytest.approx(0.0, abs=1e-12)
    assert result["aupr"] == pytest.approx(0.3)
    assert result["auroc"] == pytest.approx(0.5)
    assert (result["recall"], result["precision"]) == (1.0, pytest.approx(0.3))
    assert result["mcc"] == 0.0


def test_calibrated_probabilities_stay_calibrated_when_classes_are_balanced() -> None:
    generator = np.random.default_rng(3)
    probability = sigmoid(generator.normal(-2.0, 1.0, size=60_000))
    label = (generator.random(60_000) < probability).astype(int)
    promoter = np.zeros(60_000)
    natural = pair_metrics(label, probability, promoter, 0.5)
    balanced = pair_metrics(label, probability, promoter, 0.5, balanced=True)
    assert natural["ece"] < 0.01
    assert balanced["ece"] < 0.02
    unshifted = np.average(probability, weights=prevalence_weights(label))
    assert abs(unshifted - 0.5) > 0.2, "without the shift it would be far off"


def test_a_prior_shift_and_back_is_the_identity() -> None:
    probability = np.linspace(0.0, 1.0, 11)
    there = shift_prior(probability, 0.1, 0.5)
    np.testing.assert_allclose(shift_prior(there, 0.5, 0.1), probability, atol=1e-12)
    assert there[1] == pytest.approx(0.5), "a pair at the old prevalence stands at the new one"


@pytest.mark.parametrize("balanced", [False, True])
def test_a_monotone_transform_leaves_ranking_metrics_unchanged(
    pairs: tuple[IntArray, FloatArray, IntArray], balanced: bool
) -> None:
    label, probability, promoter = pairs
    before = pair_metrics(label, probability, promoter, 0.4, balanced)
    after = pair_metrics(label, probability**3 / 2.0, promoter, 0.4**3 / 2.0, balanced)
    for name in (*RANKING, "f1", "precision", "recall", "mcc"):
        assert after[name] == pytest.approx(before[name], abs=1e-12), name


def test_a_scalar_resistance_cannot_rerank(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, promoter = pairs
    potential = np.round(np.log(probability / (1.0 - probability)), 6)
    before = pair_metrics(label, sigmoid(potential), promoter, 0.5)
    for resistance, temperature in ((2.0, 1.0), (0.7, 3.0)):
        after = pair_metrics(label, sigmoid((potential - resistance) / temperature), promoter, 0.5)
        for name in RANKING:
            assert after[name] == pytest.approx(before[name], abs=1e-12), name


def test_the_order_of_the_pairs_does_not_matter(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, promoter = pairs
    order = np.random.default_rng(5).permutation(len(label))
    before = pair_metrics(label, probability, promoter, 0.4)
    after = pair_metrics(label[order], probability[order], promoter[order], 0.4)
    assert after == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_leaves_undefined_metrics_out(value: int) -> None:
    label = np.full(5, value)
    result = pair_metrics(label, np.linspace(0.1, 0.9, 5), np.zeros(5), 0.5)
    assert not set(RANKING) & set(result)
    assert ("recall" in result) == (value == 1)
    assert result["n_positive"] == 5 * value
    assert {"brier", "ece", "prevalence"} <= set(result)
    balanced = pair_metrics(label, np.linspace(0.1, 0.9, 5), np.zeros(5), 0.5, balanced=True)
    assert set(balanced) == {"n_pairs", "n_positive", "threshold"}


def test_no_pairs_at_all() -> None:
    assert pair_metrics([], [], [], 0.5) == {"n_pairs": 0, "n_positive": 0, "threshold": 0.5}


def test_nothing_called_is_no_precision() -> None:
    result = pair_metrics([1, 0, 1], [0.1, 0.2, 0.3], [0, 0, 0], 0.9)
    assert (result["precision"], result["recall"], result["f1"], result["mcc"]) == (0, 0, 0, 0)


def test_every_metric_is_finite_and_has_a_direction_or_is_a_count(
    pairs: tuple[IntArray, FloatArray, IntArray],
) -> None:
    result = pair_metrics(*pairs, 0.4, enhancer=pairs[2])
    assert np.isfinite(list(result.values())).all()
    described = HIGHER_IS_BETTER | LOWER_IS_BETTER | {"prevalence", "threshold", "n_pairs", "n_positive"}
    assert set(result) == described


@pytest.mark.parametrize(
    ("label", "probability", "promoter", "message"),
    [
        ([0, 1], [0.5], [0, 0], "shapes differ"),
        ([0, 2], [0.5, 0.5], [0, 0], "0 or 1"),
        ([0, 1], [0.5, 1.5], [0, 0], r"\[0, 1\]"),
        ([0, 1], [0.5, np.nan], [0, 0], r"\[0, 1\]"),
        ([0, 1], [0.5, 0.5], [0], "promoters"),
    ],
)
def test_bad_input_is_refused(
    label: list[int], probability: list[float], promoter: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pair_metrics(label, probability, promoter, 0.5)


def test_weights_and_balance_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="not both"):
        pair_metrics([0, 1], [0.5, 0.5], [0, 0], 0.5, balanced=True, weight=[1, 1])


def test_pairs_of_weight_zero_do_not_count() -> None:
    result = pair_metrics([0, 1, 1], [0.2, 0.7, 0.1], [0, 0, 0], 0.5, weight=[1.0, 1.0, 0.0])
    assert (result["n_pairs"], result["n_positive"], result["aupr"]) == (2, 1, 1.0)
    assert "brier" not in result, "weights that differ from pair to pair undo the calibration"


def test_the_best_threshold_is_the_best_of_all(pairs: tuple[IntArray, FloatArray, IntArray]) -> None:
    label, probability, _ = pairs
    chosen = best_f1_threshold(label, probability)
    best = max(sklearn_metrics.f1_score(label, probability >= value) for value in np.unique(probability))
    assert sklearn_metrics.f1_score(label, probability >= chosen) == pytest.approx(best)


def test_the_best_threshold_lies_between_the_classes() -> None:
    assert best_f1_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.7]) == pytest.approx(0.4)


def test_the_best_threshold_of_a_weak_ranker_calls_everything() -> None:
    generator = np.random.default_rng(0)
    label, probability = np.tile([0, 1], 500), generator.random(1000)
    threshold = best_f1_threshold(label, probability)
    assert pair_metrics(label, probability, np.zeros(1000), threshold)["recall"] > 0.98


def test_a_threshold_needs_positives() -> None:
    with pytest.raises(ValueError, match="without positive pairs"):
        best_f1_threshold([0, 0], [0.1, 0.2])


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_is_recovered(temperature: float) -> None:
    generator = np.random.default_rng(1)
    logit = generator.normal(size=200_000) * 2.0 * temperature
    label = (generator.random(200_000) < sigmoid(logit / temperature)).astype(int)
    assert fit_temperature(logit, label) == pytest.approx(temperature, rel=0.02)


def test_temperature_and_bias_are_recovered() -> None:
    generator = np.random.default_rng(1)
    logit = generator.normal(size=200_000) * 3.0
    label = (generator.random(200_000) < sigmoid((logit - 1.5) / 2.0)).astype(int)
    temperature, bias = fit_temperature_and_bias(logit, label)
    assert temperature == pytest.approx(2.0, rel=0.03)
    assert bias == pytest.approx(-1.5, rel=0.03)
    assert sigmoid((logit + bias) / temperature).mean() == pytest.approx(label.mean(), abs=1e-4)


def test_the_temperature_stays_within_its_bounds() -> None:
    assert fit_temperature([-1.0, 1.0], [0, 1]) == pytest.approx(0.01, rel=0.01), "a perfect ranker"
    assert fit_temperature([-1.0, 1.0], [1, 0]) == pytest.approx(100.0, rel=0.01), "a reversed one"


def test_the_temperature_needs_finite_logits() -> None:
    with pytest.raises(ValueError, match="finite"):
        fit_temperature([np.inf, 0.0], [1, 0])


def test_prevalence_weights_reach_their_share() -> None:
    label = np.repeat([1, 0], [7, 93])
    for share in (0.1, 0.5):
        weight = prevalence_weights(label, share)
        assert np.average(label, weights=weight) == pytest.approx(share)
        assert weight.mean() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="both classes"):
        prevalence_weights([1, 1])


def matched_world() -> tuple[IntArray, FloatArray, IntArray, IntArray]:
    generator = np.random.default_rng(0)
    enhancer, promoter = generator.integers(0, 900, 3000), generator.integers(0, 300, 3000)
    distance = generator.uniform(1e3, 2e5, 3000)
    effect = generator.normal(size=900)[enhancer] + 1.5 * generator.normal(size=300)[promoter]
    label = (generator.random(3000) < sigmoid(effect - distance / 4e4)).astype(np.int64)
    return label, distance, enhancer, promoter


def test_matching_removes_what_distance_and_promoters_tell() -> None:
    label, distance, enhancer, promoter = matched_world()
    weight = matched_weights(label, distance, enhancer, promoter)
    rate = np.bincount(promoter, weights=label)[promoter] / np.bincount(promoter)[promoter]
    assert (weight >= 0.0).all()
    assert weight.mean() == pytest.approx(1.0)
    nearness = 1.0 - distance / distance.max()
    assert pair_metrics(label, nearness, promoter, 0.5)["auroc"] > 0.65
    assert pair_metrics(label, rate, promoter, 0.5)["auroc"] > 0.65
    near = pair_metrics(label, nearness, promoter, 0.5, weight=weight)
    propensity = pair_metrics(label, rate, promoter, 0.5, weight=weight)
    assert near["auroc"] == pytest.approx(0.5, abs=0.02)
    assert propensity["auroc"] == pytest.approx(0.5, abs=0.02)
    assert near["prevalence"] == pytest.approx(0.5, abs=1e-3)


def test_matching_leaves_out_promoters_of_one_class() -> None:
    label = np.array([1, 0, 1, 1, 0])
    weight = matched_weights(label, [1, 1, 1, 1, 1], [0, 1, 2, 3, 4], [0, 0, 1, 1, 2])
    np.testing.assert_allclose(weight, [2.5, 2.5, 0, 0, 0])
    with pytest.raises(ValueError, match="no promoter"):
        matched_weights([1, 0], [1, 1], [0, 1], [0, 1])
