r"""A Teacher that propagates the training lines' environments by a random walk with restart.

What is expected of a line is a mean of the training lines' environments,

.. math:: M_T = (1 - \lambda) \bar m + \lambda \sum_j s_j m_j, \qquad s_j = K_j \Big/ \sum_{j'} K_{j'}

with :math:`K_j` the symmetrically normalised personalised PageRank of training line ``j`` from the line: the
chance that a walk with restart ends there, with well-connected lines counting less. The share
:math:`\lambda`, the restart and the error of the mean are those under which each training line, left out, is
most probable given the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cbat.graph.places import Relatives, is_placed, place_of, row_of, with_new_line, without_line
from cbat.graph.propagation import PrototypeGraph, personalised_pagerank_kernel, walk_shares
from cbat.model.environment import Expectation, FloatArray, combine
from cbat.model.walk_choices import choices_of, posterior_of

SHARES: Final = (0.25, 0.5, 0.75, 1.0)
"""Candidates of the share of what is propagated; the rest is the plain mean."""
RATIOS: Final = np.geomspace(0.02, 4.0, 40)
"""Candidates of the squared error of a mean, in variances between lines."""


@dataclass(frozen=True)
class Walk:
    """One choice of hyper-parameters.

    Attributes
    ----------
    share, restart : float
    ratio : float
        Variance of a line around the mean, in variances between lines.
    log_evidence : float
        Log-density of the training lines, each given the others.
    """

    share: float
    restart: float
    ratio: float
    log_evidence: float


@dataclass(frozen=True, eq=False)
class RandomWalk:
    """Propagation under several hyper-parameters, each weighted by its evidence.

    Attributes
    ----------
    lines : tuple of str
    graph : PrototypeGraph or None
    deviations : array, shape=(n_lines, n_channels)
    scale : array, shape=(n_channels,)
        Variance of each channel between lines.
    walks : tuple of Walk
        The first is the plain mean.
    weights : array
    """

    lines: tuple[str, ...]
    graph: PrototypeGraph | None
    deviations: FloatArray
    scale: FloatArray
    walks: tuple[Walk, ...]
    weights: FloatArray

    @classmethod
    def fit(
        cls,
        lines: Sequence[str],
        deviations: FloatArray,
        counts: FloatArray,
        graph: PrototypeGraph | None,
        scale: FloatArray,
    ) -> RandomWalk:
        """Choose share, restart and error; see :meth:`cbat.model.teacher.Teacher.fit` for the parameters.

        A line alone says nothing of the error, which is then twice the variance between lines: its own
        distance from the mean of all lines, and the new line's.
        """
        if len(lines) < 2:
            return cls(tuple(lines), graph, deviations, scale, (Walk(0.0, 1.0, 2.0, 0.0),), np.ones(1))
        choices = choices_of(SHARES, graph is not None)
        rows = range(len(lines))
        propagated = {
            restart: np.stack([_left_out(lines, deviations, graph, row, restart) for row in rows])
            for restart in {restart for _, restart in choices}
        }
        walks = []
        for share, restart in choices:
            means = (1.0 - share) * propagated[1.0] + share * propagated[restart]
            walks.append(_walk(share, restart, means, deviations, counts, scale))
        evidence = np.array([walk.log_evidence for walk in walks])
        return cls(tuple(lines), graph, deviations, scale, tuple(walks), posterior_of(choices, evidence))

    def expectation(self, tissue: str | None, relatives: Relatives = ()) -> Expectation:
        """What is expected of a new line; see :meth:`cbat.model.teacher.Teacher.expectation`."""
        if not self.lines:
            return Expectation(np.zeros_like(self.scale), self.scale.copy())
        mean = self.deviations.mean(axis=0)
        if self.graph is None or not is_placed(self.graph, tissue, relatives):
            return Expectation(mean, self.walks[0].ratio * self.scale)
        extended, expected = with_new_line(self.graph, tissue, relatives), []
        for walk in self.walks:
            shares = shares_at_new(self.graph, extended, self.lines, walk.restart)
            value = (1.0 - walk.share) * mean + walk.share * (shares @ self.deviations)
            expected.append(Expectation(value, walk.ratio * self.scale))
        return combine(expected, self.weights)


def shares_at_new(
    graph: PrototypeGraph, extended: FloatArray, lines: Sequence[str], restart: float
) -> FloatArray:
    """Weights of training lines at the new node of :func:`with_new_line`, shape=(n_lines,).

    A line that the graph does not hold is reached by no walk.
    """
    kernel = personalised_pagerank_kernel(extended, restart)
    rows = [row_of(graph, line) for line in lines]
    return walk_shares(np.array([0.0 if row is None else kernel[-1, row] for row in rows]))


def _left_out(
    lines: Sequence[str], deviations: FloatArray, graph: PrototypeGraph | None, row: int, restart: float
) -> FloatArray:
    """Mean of the other lines as a walk from the place of one line weighs them, shape=(n_channels,)."""
    others = [at for at in range(len(lines)) if at != row]
    plain = deviations[others].mean(axis=0)
    if graph is None or restart == 1.0:
        return np.asarray(plain)
    left, place = without_line(graph, lines[row]), place_of(graph, lines[row])
    if not is_placed(left, *place):
        return np.asarray(plain)
    shares = shares_at_new(left, with_new_line(left, *place), [lines[at] for at in others], restart)
    return np.asarray(shares @ deviations[others])


def _walk(
    share: float,
    restart: float,
    expected: FloatArray,
    deviations: FloatArray,
    counts: FloatArray,
    scale: FloatArray,
) -> Walk:
    """The error under which the lines that were left out are most probable."""
    residual, noise = (deviations - expected) ** 2, 1.0 / counts[:, None]
    densities = []
    for ratio in RATIOS:
        variance = ratio * scale + noise
        densities.append(float(-0.5 * (np.log(variance) + residual / variance).sum()))
    best = int(np.argmax(densities))
    return Walk(share, restart, float(RATIOS[best]), densities[best])
