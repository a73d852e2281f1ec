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
        signs.append(f"probabilities hardly differ (standard deviation {scores.std():.4f})")
    called = scores >= threshold
    if called.all() or not called.any():
        signs.append(f"the threshold {threshold:.3f} calls {'every pair' if called.all() else 'no pair'}")
    elif labels.any():
        recall, precision = called[labels == 1].mean(), labels[called].mean()
        if recall >= FULL_RECALL and abs(precision - labels.mean()) <= NEAR_PREVALENCE:
            signs.append(f"recall is {recall:.3f} at a precision of {precision:.3f}, the prevalence")
    if resistance is not None:
        spread, scale = np.std(np.asarray(resistance)), np.std(np.asarray(potential))
        if spread < LEAST_SHARE * scale:
            signs.append(f"the resistance hardly differs between pairs ({spread:.4f} against {scale:.4f})")
    return signs
