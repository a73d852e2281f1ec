"""The Gaussian process over cell lines: hand-computed cases, and recovery of what was put in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from cbat.model.environment import (
    SCALE_GRID,
    ChannelProcess,
    Expectation,
    SupportStatistics,
    combine,
    normalised,
)


def test_fusion_is_the_posterior_of_a_gaussian() -> None:
    prior = Expectation(np.array([1.0]), np.array([0.5]))
    fused = prior.fuse(np.array([3.0]), 8.0)
    assert fused.mean == pytest.approx((2.0 * 1.0 + 8.0 * 3.0) / 10.0)
    assert fused.variance == pytest.approx(0.1)
    nothing = prior.fuse(np.array([3.0]), 0.0)
    assert nothing.mean == pytest.approx(1.0)


def test_kriging_is_the_conditional_of_the_joint_normal() -> None:
    """With a known mean far from zero and a wide prior on it, kriging and conditioning agree."""
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(4, 6))
    covariance = factor @ factor.T / 6 + 0.1 * np.eye(4)
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    noise = np.array([0.01, 0.02, 0.03])
    values = np.array([[0.3], [-0.2], [0.5]])
    tau = SCALE_GRID[20]
    process = ChannelProcess(values, noise, correlation[:3, :3], np.array([tau]), 0.0)
    found = process.expectation(correlation[3, :3])
    wide = 1e6  # variance of the unknown mean
    joint = tau * correlation + wide
    inner = np.linalg.inv(joint[:3, :3] + np.diag(noise))
    assert found.mean == pytest.approx(joint[3, :3] @ inner @ values[:, 0], abs=1e-4)
    assert found.variance == pytest.approx(joint[3, 3] - joint[3, :3] @ inner @ joint[:3, 3], abs=1e-3)


def test_the_restricted_likelihood_is_that_of_the_contrasts() -> None:
    """REML is the likelihood of any full set of contrasts, up to a constant that no parameter moves."""
    values = np.random.default_rng(2).normal(size=(5, 3))
    noise = np.full(5, 0.1)
    contrast = np.eye(5)[:-1] - 1.0 / 5
    differences = []
    for share in (0.0, 0.8):
        correlation = (1 - share) * np.eye(5) + share * 0.5 ** np.abs(np.subtract.outer(range(5), range(5)))
        for tau in SCALE_GRID[[5, 15, 22]]:
            covariance = tau * correlation + np.diag(noise)
            from cbat.model.environment import _restricted_evidence

            direct = [
                multivariate_normal.logpdf(contrast @ column, cov=contrast @ covariance @ contrast.T)
                for column in values.T
            ]
            differences.append(_restricted_evidence(values, covariance) - direct)
    assert np.ptp(differences) < 1e-8


def test_variances_between_lines_are_recovered() -> None:
    rng = np.random.default_rng(5)
    truth = np.repeat([0.0, 0.01, 0.25], 40)
    noise = np.full(30, 1 / 2000)
    values = rng.normal(size=(30, 120)) * np.sqrt(truth + noise[0])
    process = ChannelProcess.fit(values, noise, np.eye(30))
    middle = [np.median(process.scale[truth == level]) for level in (0.0, 0.01, 0.25)]
    assert middle[0] < 2e-4
    assert middle[1] == pytest.approx(0.01, rel=0.4)
    assert middle[2] == pytest.approx(0.25, rel=0.4)


def test_a_channel_without_variance_is_shrunk_to_the_mean() -> None:
    values = np.random.default_rng(1).normal(size=(20, 2)) * np.sqrt([1 / 1000, 0.3])
    process = ChannelProcess.fit(values, np.full(20, 1 / 1000), np.eye(20))
    fused = process.expectation(np.zeros(20)).fuse(np.array([0.5, 0.5]), 64)
    assert abs(fused.mean[0]) < 0.1
    assert fused.mean[1] > 0.4


def test_statistics_standardise_each_role_by_itself() -> None:
    rng = np.random.default_rng(3)
    role = np.repeat([0, 1], 500)
    features = rng.normal(loc=role[:, None] * 3.0, scale=1.0 + role[:, None], size=(1000, 4))
    weight = np.ones(1000)
    weight[:100] = 0.0
    features[:100] = 77.0  # no candidates, so they must not count
    statistics = SupportStatistics.of(features, role, weight)
    standard = statistics.standardise(features, role)
    for rows in (role == 0) & (weight > 0), role == 1:
        assert standard[rows].mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-6)
        assert standard[rows].std(axis=0) == pytest.approx(np.ones(4), abs=5e-3)


def test_mixtures() -> None:
    parts = [Expectation(np.array([0.0]), np.array([1.0])), Expectation(np.array([2.0]), np.array([1.0]))]
    mixed = combine(parts, np.array([0.5, 0.5]))
    assert (mixed.mean[0], mixed.variance[0]) == pytest.approx((1.0, 2.0))
    assert normalised(np.array([-1000.0, -1000.0])) == pytest.approx([0.5, 0.5])
