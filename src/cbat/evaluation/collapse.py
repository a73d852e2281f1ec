"""Signs that a model has collapsed: it calls everything, or its scores say nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

LEAST_SPREAD: Final = 0.01
"""Least standard deviation of probabilities."""
LEAST_SHARE: Final = 0.01
"""Least standard deviation of the resistance, relative to the potential's."""
FULL_RECALL: Final = 0.99
NEAR_PREVALENCE: Final = 0.02
NEAR_BOUND: Final = 0.01
"""A threshold this near to 0 or 1, or nearer, is at its limit."""
LEAST_SEPARATION: Final = 0.1
"""Least variance of the environment between cell lines, relative to that between blocks of one line."""


def collapse_signs(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    threshold: float,
    potential: npt.ArrayLike,
    resistance: npt.ArrayLike | None,
) -> list[str]:
    """What speaks for a collapse on a set of pairs.

    Parameters
    ----------
    label, probability, potential : array, shape=(n,)
    threshold : float
        Pairs of at least this probability are called contacts.
    resistance : array, shape=(n,), or None
        None for a model without environment.

    Returns
    -------
    list of str
        One phrase for each sign; empty for a sound model, or without pairs.
    """
    labels, scores = np.asarray(label, dtype=float), np.asarray(probability, dtype=float)
    if not len(labels):
        return []
    signs = []
    if scores.std() < LEAST_SPREAD:
        signs.append(f"probabilities barely differ (standard deviation {scores.std():.4f})")
    called = scores >= threshold
    if called.all() or not called.any():
        signs.append(f"the threshold {threshold:.3f} calls {'every pair' if called.all() else 'no pair'}")
    elif not NEAR_BOUND < threshold < 1.0 - NEAR_BOUND:
        signs.append(f"the threshold {threshold:.3f} is at its limit")
    elif labels.any():
        recall, precision = called[labels == 1].mean(), labels[called].mean()
        if recall >= FULL_RECALL and abs(precision - labels.mean()) <= NEAR_PREVALENCE:
            signs.append(f"recall is {recall:.3f} at a precision of {precision:.3f}, the prevalence")
    if resistance is not None:
        spread, scale = np.std(np.asarray(resistance)), np.std(np.asarray(potential))
        if spread < LEAST_SHARE * scale:
            signs.append(f"the resistance barely differs between pairs ({spread:.4f} against {scale:.4f})")
    return signs


def environment_signs(environment: npt.ArrayLike | None, line: npt.ArrayLike) -> list[str]:
    """Whether the environments that training reads tell its cell lines apart.

    Parameters
    ----------
    environment : array, shape=(n_blocks, n_channels), or None
        Environment of each block; None for a model without.
    line : array, shape=(n_blocks,)
        Cell line of each block.

    Returns
    -------
    list of str
        One phrase when the variance of the lines' mean environments is less than a tenth of the variance
        between blocks of one line, or than twice what chance makes of it where blocks are few, both summed
        over channels; empty with a single line.
    """
    lines = np.asarray(line)
    names = np.unique(lines)
    if environment is None or len(names) < 2:
        return []
    values = np.asarray(environment, dtype=float)
    between = np.var([values[lines == name].mean(axis=0) for name in names], axis=0).sum()
    within = np.mean([values[lines == name].var(axis=0).sum() for name in names])
    by_chance = len(names) / len(lines)
    if between > max(LEAST_SEPARATION, 2.0 * by_chance) * within:
        return []
    return [
        "the environment barely differs between cell lines "
        f"(variance {between:.4f}, between blocks of one line {within:.4f})"
    ]
