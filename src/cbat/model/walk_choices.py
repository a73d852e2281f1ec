"""Choices of how far the prototype graph is followed, and how likely each is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from cbat.model.environment import FloatArray, normalised

RESTARTS: Final = (0.05, 0.1, 0.2)
"""Candidates of the restart probability of the random walk."""
WITHOUT_GRAPH: Final = (0.0, 1.0)
"""The choice that leaves the graph aside."""


def choices_of(shares: Sequence[float], graph: bool) -> list[tuple[float, float]]:
    """Shares of the graph with restarts of the walk; the first leaves the graph aside, and alone without one.

    Parameters
    ----------
    shares : sequence of float
        Candidates above 0 of the share.
    graph : bool
        Whether there is a graph to follow.
    """
    return [WITHOUT_GRAPH, *((share, restart) for share in shares if graph for restart in RESTARTS)]


def posterior_of(choices: Sequence[tuple[float, float]], log_evidence: FloatArray) -> FloatArray:
    """Weights of the choices that add up to one; every share has one vote, whatever its restarts.

    Shapes: (n_choices,) -> (n_choices,).
    """
    votes = np.array([1.0 if choice == WITHOUT_GRAPH else 1.0 / len(RESTARTS) for choice in choices])
    return normalised(log_evidence + np.log(votes))
