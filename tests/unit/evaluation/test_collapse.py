"""Each sign of collapse by itself, and none for a sound model."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.evaluation.collapse import collapse_signs, environment_signs

RNG = np.random.default_rng(0)
LABEL = (RNG.random(2000) < 0.4).astype(int)
GOOD = 1 / (1 + np.exp(-(1.5 * LABEL - 1.0 + RNG.normal(size=2000))))
POTENTIAL, RESISTANCE = RNG.normal(size=2000), RNG.random(2000)


def signs(probability: np.ndarray, threshold: float, resistance: np.ndarray | None = RESISTANCE) -> list[str]:
    return collapse_signs(LABEL, probability, threshold, POTENTIAL, resistance)


def test_a_sound_model_shows_none() -> None:
    assert signs(GOOD, 0.5) == []
    assert signs(GOOD, 0.5, None) == []
    assert collapse_signs([], [], 0.5, [], []) == []


@pytest.mark.parametrize(
    ("probability", "threshold", "resistance", "expected"),
    [
        (0.4 + 1e-3 * GOOD, 0.4005, RESISTANCE, "barely differ (standard"),
        (GOOD, 0.0, RESISTANCE, "calls every pair"),
        (GOOD, 1.1, RESISTANCE, "calls no pair"),
        (GOOD**40, 0.005, RESISTANCE, "is at its limit"),
        (GOOD**40, 0.01, RESISTANCE, "is at its limit"),
        (np.where(np.arange(2000) < 5, 0.0, 0.2 + 0.5 * RNG.random(2000)), 0.1, RESISTANCE, "recall is"),
        (GOOD, 0.5, np.full(2000, 3.0), "the resistance barely differs"),
    ],
)
def test_each_sign(probability, threshold, resistance, expected) -> None:
    found = signs(probability, threshold, resistance)
    assert len(found) == 1
    assert expected in found[0]


LINE = np.repeat([0, 1, 2], 40)


@pytest.mark.parametrize(("apart", "told"), [(1.0, False), (0.0, True)])
def test_an_environment_that_is_the_same_in_all_lines_is_told(apart: float, told: bool) -> None:
    rng = np.random.default_rng(3)
    centres = apart * rng.normal(size=(3, 8))
    signs = environment_signs(centres[LINE] + rng.normal(size=(120, 8)), LINE)
    assert bool(signs) == told
    assert all("barely differs between cell lines" in sign for sign in signs)


def test_few_blocks_do_not_hide_what_is_chance() -> None:
    rng = np.random.default_rng(4)
    line = np.repeat([0, 1, 2], 4)
    found = [bool(environment_signs(rng.normal(size=(12, 30)), line)) for _ in range(50)]
    assert np.mean(found) > 0.9


def test_without_environment_or_with_one_line_nothing_is_told() -> None:
    assert environment_signs(None, LINE) == []
    assert environment_signs(np.zeros((4, 2)), [0, 0, 0, 0]) == []
