"""Level, temperature and deviation of levels from pairs of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.training.calibration import deviation_of_levels, fit_calibration


def a_side(n_lines: int, deviation: float, seed: int, per_line: int = 1500) -> tuple[np.ndarray, ...]:
    """True log-odds of the pairs of lines whose levels differ, labels, lines, and levels."""
    rng = np.random.default_rng(seed)
    line = np.repeat(np.arange(n_lines), per_line)
    levels = deviation * rng.normal(size=n_lines)
    logit = rng.normal(-0.5, 1.5, size=len(line))
    chance = 1.0 / (1.0 + np.exp(-(logit + levels[line])))
    return logit, (rng.random(len(line)) < chance).astype(float), line, levels


def test_every_size_gets_its_own_level_and_temperature() -> None:
    logit, label, line, _ = a_side(6, 0.0, 1)
    # The same truth, told on three scales.
    told = {0: 3.0 * logit + 1.0, 64: logit, 1024: 0.5 * logit - 0.5}
    found = fit_calibration(told, label, line)
    assert found.sizes == (0, 64, 1024)
    np.testing.assert_allclose(found.temperatures, [3.0, 1.0, 0.5], rtol=0.08)
    np.testing.assert_allclose(np.divide(found.levels, found.temperatures), [-1 / 3, 0.0, 1.0], atol=0.1)
    for size, score in told.items():
        assert found.probability(score, size).mean() == pytest.approx(label.mean(), abs=1e-3)


@pytest.mark.parametrize("deviation", [0.3, 1.0])
def test_the_deviation_of_levels_is_recovered(deviation: float) -> None:
    found = []
    for seed in range(4):
        logit, label, line, _ = a_side(40, deviation, seed, per_line=1500)
        found.append(deviation_of_levels(logit, label, line))
    assert np.mean(found) == pytest.approx(deviation, rel=0.15)


@pytest.mark.parametrize("n", [3, 4, 20])
@pytest.mark.parametrize("deviation", [0.05, 0.3, 0.7])
def test_the_interval_covers_a_new_line_as_often_as_it_says(n: int, deviation: float) -> None:
    """95 of 100, with three lines as with twenty, and also where levels hardly differ."""
    inside = []
    for seed in range(150):
        logit, label, line, levels = a_side(n + 1, deviation, seed, per_line=200)
        known = line < n
        found = deviation_of_levels(logit[known], label[known], line[known])
        assert found is not None
        assert found > 0.0
        inside.append(abs(levels[n]) <= 1.96 * found)
    assert np.mean(inside) >= 0.9


def test_lines_of_one_class_say_nothing_of_levels() -> None:
    logit, label, line, _ = a_side(4, 0.5, 3)
    label[line == 3] = 0.0
    three = line < 3
    assert deviation_of_levels(logit, label, line) == deviation_of_levels(
        logit[three], label[three], line[three]
    )
    label[line == 2] = 1.0
    assert deviation_of_levels(logit, label, line) is None
    found = fit_calibration({0: logit}, label, line)
    assert found.deviations is None
    assert np.isfinite([*found.levels, *found.temperatures]).all()
