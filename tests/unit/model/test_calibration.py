"""Level and temperature between the sizes at which they were fitted, and intervals of probabilities."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from cbat.model.calibration import Calibration, interval

FITTED = Calibration((0, 16, 255), (-0.4, 0.1, 0.0), (2.0, 1.0, 0.5), (0.6, 0.4, 0.2))


def test_at_a_fitted_size_it_is_what_was_fitted() -> None:
    np.testing.assert_allclose(FITTED.level([0, 16, 255]), FITTED.levels)
    np.testing.assert_allclose(FITTED.temperature([0, 16, 255]), FITTED.temperatures)
    np.testing.assert_allclose(FITTED.deviation([0, 16, 255]), FITTED.deviations)


def test_between_two_sizes_it_goes_along_the_logarithm() -> None:
    n = np.sqrt(17 * 256) - 1  # half-way between 16 and 255 in ln(1 + n)
    assert FITTED.level(n) == pytest.approx(0.05)
    assert FITTED.temperature(n) == pytest.approx(np.sqrt(0.5))
    rising = FITTED.temperature(np.arange(300))
    assert (np.diff(rising) <= 0.0).all()


def test_beyond_the_last_size_it_stays() -> None:
    assert FITTED.temperature(10**6) == pytest.approx(0.5)
    assert float(FITTED.level(10**6)) == 0.0


def test_each_pair_may_have_a_size_of_its_own() -> None:
    score = np.array([1.0, 1.0, -3.0])
    together = FITTED.probability(score, np.array([0, 255, 16]))
    alone = [FITTED.probability(score[[row]], n)[0] for row, n in enumerate((0, 255, 16))]
    np.testing.assert_array_equal(together, alone)
    assert together[0] == pytest.approx(1 / (1 + np.exp(-0.6 / 2.0)))


def test_one_temperature_is_the_same_at_every_size() -> None:
    single = Calibration.single(1.3)
    np.testing.assert_allclose(single.temperature([0, 7, 5000]), 1.3)
    np.testing.assert_array_equal(single.level([0, 7, 5000]), 0.0)
    assert single.deviation(5) is None


@pytest.mark.parametrize("calibration", [FITTED, Calibration.single(0.7)])
def test_json_brings_it_back(calibration: Calibration) -> None:
    assert Calibration.read(json.loads(json.dumps(calibration.described()))) == calibration


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": [0, 16, 16]}, {"sizes": [-1, 16, 255]}, {"sizes": []}, {"levels": [0.0]},
        {"temperatures": [1.0, 0.0, 1.0]}, {"temperatures": [1.0, float("nan"), 1.0]},
        {"deviations": [0.1, -0.1, 0.1]}, {"deviations": [0.1]}, {"levels": [0.0, float("inf"), 0.0]},
    ],
)  # fmt: skip
def test_what_is_no_calibration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"calibration|deviations|sizes"):
        Calibration.read(FITTED.described() | change)


def test_missing_and_further_keys_are_refused() -> None:
    described = FITTED.described()
    with pytest.raises(ValueError, match="keys"):
        Calibration.read(described | {"more": 1})
    del described["levels"]
    with pytest.raises(ValueError, match="keys"):
        Calibration.read(described)


def test_an_interval_holds_the_probability_and_is_as_wide_as_the_level_is_unsure() -> None:
    log_odds = np.linspace(-4.0, 4.0, 9)
    low, high = interval(log_odds, 0.5)
    middle = 1 / (1 + np.exp(-log_odds))
    assert (low < middle).all()
    assert (middle < high).all()
    np.testing.assert_allclose(np.log(high / (1 - high)) - log_odds, 1.96 * 0.5, rtol=1e-3)
    for end in interval(log_odds, 0.0):
        np.testing.assert_allclose(end, middle)
