"""Each sign of collapse by itself, and none for a sound model."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.evaluation.collapse import collapse_signs

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
        (0.4 + 1e-3 * GOOD, 0.4005, RESISTANCE, "hardly differ (standard"),
        (GOOD, 0.0, RESISTANCE, "calls every pair"),
        (GOOD, 1.1, RESISTANCE, "calls no pair"),
        (np.where(np.arange(2000) < 5, 0.0, 0.2 + 0.5 * RNG.random(2000)), 0.1, RESISTANCE, "recall is"),
        (GOOD, 0.5, np.full(2000, 3.0), "the resistance hardly differs"),
    ],
)
def test_each_sign(probability, threshold, resistance, expected) -> None:
    found = signs(probability, threshold, resistance)
    assert len(found) == 1
    assert expected in found[0]
