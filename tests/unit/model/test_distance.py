"""The law of distance: a natural spline, and its fit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cbat.model.distance import NEAREST, DistanceSpline, basis, knots_of
from cbat.training.offset import fit_distance_spline

RNG = np.random.default_rng(3)
DISTANCE = np.rint(10 ** RNG.uniform(3.5, 6.0, 6000)).astype(np.int64)


def test_the_basis_is_straight_beyond_the_outer_knots_and_smooth_within() -> None:
    knots = knots_of(DISTANCE)
    assert len(knots) == 6
    beyond = 10 ** (knots[-1] + np.array([0.1, 0.2, 0.3]))
    steps = np.diff(basis(beyond, knots), axis=0)
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-6)
    before = 10 ** (knots[0] - np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(basis(before, knots)[:, 1:], 0.0, atol=1e-12)
    fine = 10 ** np.linspace(knots[0], knots[-1], 2001)
    bends = np.diff(basis(fine, knots), n=2, axis=0)
    assert np.abs(np.diff(bends, axis=0)).max() < 1e-5, "a second derivative jumps"


def test_distances_below_the_nearest_count_as_it() -> None:
    spline = DistanceSpline(knots_of(DISTANCE), (-1.0, 0.5, 0.1, 0.0, 0.2), 0.3)
    assert spline([0]) == spline([NEAREST])
    assert np.isfinite(spline([0, 1, 10**9])).all()


def test_the_fit_finds_a_law_and_not_the_levels_of_lines() -> None:
    """Lines differ in distance and in level, which a fit without levels would take for the law."""
    line = np.repeat([0, 1], 3000)
    distance = np.where(line == 1, DISTANCE * 3, DISTANCE)
    truth = -2.0 * np.log10(distance / 1e5)
    logit = truth + np.where(line == 1, 4.0, -1.0)
    label = (np.random.default_rng(1).random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(float)
    spline = fit_distance_spline(distance, label, line)
    found = spline(distance)
    assert found.mean() == pytest.approx(0.0, abs=1e-9)
    slope = np.polyfit(truth, found, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)
    assert np.corrcoef(truth, found)[0, 1] > 0.99
    again = fit_distance_spline(distance, label, line)
    assert again == spline


def test_equal_distances_make_a_law_that_says_nothing() -> None:
    label = (np.arange(100) % 3 == 0).astype(float)
    spline = fit_distance_spline(np.full(100, 50_000), label, np.zeros(100, dtype=np.int64))
    assert not spline([1000, 50_000, 10**6]).any()


def test_a_law_survives_json_and_a_broken_one_is_refused() -> None:
    label = (RNG.random(len(DISTANCE)) < 0.3).astype(float)
    spline = fit_distance_spline(DISTANCE, label, np.zeros(len(DISTANCE), dtype=np.int64))
    described = json.loads(json.dumps(spline.described()))
    assert DistanceSpline.read(described) == spline
    described["coefficients"].pop()
    with pytest.raises(ValueError, match="4 coefficients for 6 knots"):
        DistanceSpline.read(described)
