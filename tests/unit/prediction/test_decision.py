"""From scores to probabilities, and what labelled pairs make of that."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.evaluation.metrics import TEMPERATURE_BOUNDS, best_f1_threshold
from cbat.landscape.candidates import LEAST_CALLED
from cbat.prediction.decision import (
    FEW,
    Decision,
    best_precision,
    few,
    fit_level_and_temperature,
    kept,
    refit,
    threshold_of_precision,
)
from cbat.prediction.plan import Plan
from cbat.prediction.scored_pairs import decide, empty_columns

MODEL = Decision(0.0, 1.0, 0.4)


def labels_of(rng: np.random.Generator, score: np.ndarray, level: float, temperature: float) -> np.ndarray:
    return (rng.random(len(score)) < 1.0 / (1.0 + np.exp(-(score + level) / temperature))).astype(float)


@pytest.mark.parametrize("unit", [0.64, 1.0, 5.0])
@pytest.mark.parametrize(("level", "temperature"), [(0.0, 1.0), (-2.0, 1.0), (1.5, 2.0), (-1.0, 0.5)])
def test_many_pairs_recover_a_shift_of_the_level_and_the_temperature(
    unit: float, level: float, temperature: float
) -> None:
    """Whatever the scale of the model's scores, which its own temperature tells."""
    rng = np.random.default_rng(7)
    score = unit * rng.normal(-1.0, 2.0, 20_000)
    label = labels_of(rng, score, unit * level, unit * temperature)
    found = fit_level_and_temperature(score, label, Decision(0.0, unit, 0.4))
    assert found[0] / unit == pytest.approx(level, abs=0.15)
    assert found[1] / unit == pytest.approx(temperature, rel=0.07)


def test_five_pairs_change_little() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(200):
        score = rng.normal(-1.0, 1.5, 5)
        found.append(fit_level_and_temperature(score, labels_of(rng, score, 0.0, 1.0), MODEL))
    level, temperature = np.array(found).T
    assert np.sqrt((level**2).mean()) < 0.25
    assert np.sqrt((np.log(temperature) ** 2).mean()) < 0.1
    # Nor do five that all surprise the model.
    against = fit_level_and_temperature(np.full(5, -2.0), np.ones(5), MODEL)
    assert 0.0 < against[0] < 1.0
    assert 1.0 < against[1] < 1.5


def test_more_pairs_of_a_shifted_line_come_nearer_to_its_level() -> None:
    rng = np.random.default_rng(5)
    score = rng.normal(0.0, 1.5, 5000)
    label = labels_of(rng, score, -1.5, 1.0)
    away = [
        abs(np.mean([fit_level_and_temperature(*some, MODEL)[0] for some in _parts(score, label, n)]) + 1.5)
        for n in (5, 50, 500, 5000)
    ]
    assert away == sorted(away, reverse=True)
    assert away[0] > 0.9
    assert away[-1] < 0.15


def _parts(score: np.ndarray, label: np.ndarray, n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    starts = range(0, min(len(score), 20 * n), n)
    return [(score[at : at + n], label[at : at + n]) for at in starts]


def test_it_is_the_largest_posterior() -> None:
    """Against a grid: likelihood times the two Gaussian priors as they are documented."""
    rng = np.random.default_rng(11)
    score = rng.normal(-1.0, 2.0, 60)
    label = labels_of(rng, score, 1.0, 0.7)
    level, temperature = fit_level_and_temperature(score, label, Decision(0.0, 1.3, 0.4))
    levels, logs = np.linspace(-1.5, 1.5, 601), np.linspace(-1.0, 1.0, 401)
    margin = (2.0 * label - 1.0) * (score + levels[:, None, None]) * np.exp(-logs)[:, None]
    loss = np.logaddexp(0.0, -margin).sum(axis=2)
    loss += 0.5 * (levels[:, None] / (0.5 * 1.3)) ** 2 + 0.5 * ((logs - np.log(1.3)) / 0.3) ** 2
    row, column = np.unravel_index(loss.argmin(), loss.shape)
    assert level == pytest.approx(levels[row], abs=0.005)
    assert np.log(temperature) == pytest.approx(logs[column], abs=0.005)


def test_the_order_of_the_labelled_pairs_does_not_matter() -> None:
    rng = np.random.default_rng(13)
    score = rng.normal(size=300)
    label = labels_of(rng, score, 0.5, 1.0)
    other = rng.permutation(300)
    assert fit_level_and_temperature(score, label, MODEL) == pytest.approx(
        fit_level_and_temperature(score[other], label[other], MODEL), rel=1e-6
    )


def test_no_pairs_leave_the_model() -> None:
    assert fit_level_and_temperature(np.zeros(0), np.zeros(0), Decision(0.0, 1.3, 0.4)) == (0.0, 1.3)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_scores_that_split_the_classes_or_are_upside_down_stay_finite(sign: float) -> None:
    score = np.repeat([-40.0, 40.0], 5000)
    found = refit(score, (sign * score > 0.0).astype(float), MODEL, kept(0.4))
    assert np.isfinite([found.level, found.temperature]).all()
    assert TEMPERATURE_BOUNDS[0] <= found.temperature <= TEMPERATURE_BOUNDS[1] * (1 + 1e-9)


def test_the_order_of_pairs_is_that_of_the_scores() -> None:
    score = np.linspace(-5.0, 5.0, 1001)
    for decision in (MODEL, Decision(-3.0, 0.2, 0.4), Decision(4.0, 30.0, 0.4)):
        assert (np.diff(decision.probability(score)) > 0.0).all()


def test_a_level_makes_contacts_rarer_and_a_temperature_does_not() -> None:
    assert Decision(-1.0, 1.0, 0.4).probability(np.zeros(1))[0] == pytest.approx(1 / (1 + np.e))
    assert Decision(0.0, 7.0, 0.4).probability(np.zeros(1))[0] == 0.5


def test_the_threshold_is_chosen_on_the_refitted_scale() -> None:
    rng = np.random.default_rng(17)
    score = rng.normal(size=2000)
    label = labels_of(rng, score, -2.0, 0.5)
    found = refit(score, label, MODEL, best_f1_threshold)
    assert found.threshold == best_f1_threshold(label, found.probability(score))
    assert refit(score, label, MODEL, kept(0.4)).threshold == 0.4


def test_a_precision_has_the_lowest_threshold_that_reaches_it() -> None:
    rng = np.random.default_rng(19)
    probability = rng.random(1000).round(2)
    label = (rng.random(1000) < probability).astype(float)
    for wanted in (0.5, 0.7, 0.9):
        threshold = threshold_of_precision(wanted, label, probability)
        assert label[probability >= threshold].mean() >= wanted
        for lower in np.unique(probability[probability < threshold]):
            assert label[probability >= lower].mean() < wanted
    assert threshold_of_precision(0.0, label, probability) == probability.min()


def test_a_precision_of_few_pairs_does_not_count() -> None:
    probability = np.linspace(0.0, 1.0, 500)
    label = np.zeros(500)
    label[-(LEAST_CALLED - 1) :] = 1.0
    assert best_precision(label, probability) == (LEAST_CALLED - 1) / LEAST_CALLED
    assert threshold_of_precision(0.99, label, probability) == np.inf
    assert best_precision(label[:5], probability[:5]) == 0.0


def test_few_is_of_the_rarer_label() -> None:
    assert few(np.repeat([0.0, 1.0], [5000, FEW - 1]))
    assert few(np.repeat([1.0, 0.0], [5000, FEW - 1]))
    assert not few(np.repeat([1.0, 0.0], FEW))


def test_the_score_at_the_threshold_is_one_of_which_the_probability_is_the_threshold() -> None:
    plan = Plan("mine", "x", None, 1.7, 0.3, 0, 1, {}, level=-0.8)
    at = np.array([plan.score_threshold])
    assert Decision(-0.8, 1.7, 0.3).probability(at)[0] == pytest.approx(0.3)
    assert Plan("mine", "x", None, 1.7, 0.0, 0, 1, {}, level=-0.8).score_threshold is None


def test_the_prior_is_around_the_level_of_the_model() -> None:
    rng = np.random.default_rng(19)
    score = rng.normal(size=40)
    label = labels_of(rng, score, 0.3, 1.0)
    plain = fit_level_and_temperature(score, label, MODEL)
    moved = fit_level_and_temperature(score - 1.5, label, Decision(1.5, 1.0, 0.4))
    assert moved == pytest.approx((plain[0] + 1.5, plain[1]), abs=1e-6)
    assert fit_level_and_temperature(np.zeros(0), np.zeros(0), Decision(1.5, 1.3, 0.4)) == (1.5, 1.3)


def test_labelled_pairs_leave_less_of_the_deviation_the_more_there_are() -> None:
    rng = np.random.default_rng(23)
    model, left = Decision(0.0, 1.0, 0.4, 0.8), []
    for n in (0, 20, 200, 20_000):
        score = rng.normal(size=n)
        found = refit(score, labels_of(rng, score, 0.0, 1.0), model, kept(0.4))
        assert found.deviation is not None
        left.append(found.deviation)
    assert left[0] == pytest.approx(0.8)
    assert (np.diff(left) < 0.0).all()
    assert left[-1] < 0.02
    assert refit(np.zeros(0), np.zeros(0), MODEL, kept(0.4)).deviation is None


@pytest.mark.parametrize("deviation", [0.02, 0.3, 0.8])
@pytest.mark.parametrize("n", [10, 150])
def test_the_interval_after_labelled_pairs_covers_the_level(deviation: float, n: int) -> None:
    """95 of 100 times; more where lines differ by less than the prior has it."""
    rng = np.random.default_rng(31)
    model, inside = Decision(0.0, 1.0, 0.4, deviation), []
    for _ in range(200):
        score, level = rng.normal(size=n), deviation * rng.normal()
        found = refit(score, labels_of(rng, score, level, 1.0), model, kept(0.4))
        assert found.deviation is not None
        inside.append(abs(level - found.level / found.temperature) <= 1.96 * found.deviation)
    assert np.mean(inside) >= 0.9


def test_lines_that_differ_widely_let_a_level_move_further() -> None:
    rng = np.random.default_rng(29)
    score = rng.normal(size=15)
    label = labels_of(rng, score, 2.0, 1.0)
    near, wide = (fit_level_and_temperature(score, label, Decision(0.0, 1.0, 0.4, d))[0] for d in (0.1, 2.0))
    assert near == pytest.approx(fit_level_and_temperature(score, label, MODEL)[0])
    assert wide > 1.3 * near > 0.0


def test_pairs_get_the_interval_that_the_deviation_gives() -> None:
    def decided(deviation: float | None) -> dict[str, np.ndarray]:
        columns = empty_columns(3)
        columns["promoter"][:] = 0
        columns["intrinsic_potential"][:] = [2.0, 0.0, -2.0]
        columns["environment_resistance"][:] = 0.5
        plan = Plan("x", "digest", None, 2.0, 0.4, 0, 10, {}, level=0.5, deviation=deviation)
        return decide(columns, plan)

    known, unknown = decided(0.5), decided(None)
    for name in ("score", "probability", "rank", "contact"):
        np.testing.assert_array_equal(known[name], unknown[name])
    for name, shift in (("probability_low", -0.98), ("probability_high", 0.98)):
        expected = 1.0 / (1.0 + np.exp(-(np.array([1.0, 0.0, -1.0]) + shift)))
        np.testing.assert_allclose(known[name], expected, rtol=1e-4)
    assert np.isnan(unknown["probability_low"]).all()
