"""A Teacher of Gaussian processes: ordinary kriging on the graph (:mod:`cbat.model.environment`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from cbat.graph.places import Relatives, is_placed, row_of, with_new_line
from cbat.graph.propagation import PrototypeGraph, correlation_kernel, personalised_pagerank_kernel
from cbat.model.environment import (
    SCALE_GRID,
    ChannelProcess,
    Expectation,
    FloatArray,
    combine,
)
from cbat.model.walk_choices import choices_of, posterior_of

SHARES: Final = (0.25, 0.5, 0.75, 0.95)
"""Candidates of the share of the variance that follows the graph."""
_MIDDLE: Final = SCALE_GRID[len(SCALE_GRID) // 2]


@dataclass(frozen=True, eq=False)
class Kriging:
    """Gaussian processes over the training lines, one for each pair of hyper-parameters.

    Attributes
    ----------
    lines : tuple of str
        Training lines, in the order of the processes.
    graph : PrototypeGraph or None
        None ignores the graph: all lines are equally related.
    processes : tuple of (share, restart, ChannelProcess)
    weights : array
        Posterior of the hyper-parameters.
    """

    lines: tuple[str, ...]
    graph: PrototypeGraph | None
    processes: tuple[tuple[float, float, ChannelProcess], ...]
    weights: FloatArray

    @classmethod
    def fit(
        cls, lines: Sequence[str], deviations: FloatArray, counts: FloatArray, graph: PrototypeGraph | None
    ) -> Kriging:
        """Fit to the training lines; see :meth:`cbat.model.teacher.Teacher.fit` for the parameters."""
        choices = choices_of(SHARES, graph is not None)
        processes = []
        for share, restart in choices:
            kernel = _between_lines(graph, lines, restart)
            correlation = (1.0 - share) * np.eye(len(lines)) + share * kernel
            process = ChannelProcess.fit(deviations, 1.0 / counts, correlation)
            if len(lines) == 1:
                # A line alone does not say how lines vary: every variance is as likely.
                process = replace(process, scale=np.full_like(process.scale, _MIDDLE))
            processes.append((share, restart, process))
        evidence = np.array([process.log_evidence for _, _, process in processes])
        return cls(tuple(lines), graph, tuple(processes), posterior_of(choices, evidence))

    def without_lines(self, graph: PrototypeGraph | None) -> Kriging:
        """The same variances without any training line."""
        n_channels = len(self.processes[0][2].scale)
        none = np.empty((0, n_channels)), np.empty(0), np.empty((0, 0))
        processes = tuple(
            (share, restart, ChannelProcess(*none, one.scale, 0.0)) for share, restart, one in self.processes
        )
        return Kriging((), graph, processes, self.weights)

    @cached_property
    def scale(self) -> FloatArray:
        """Variance of each channel between lines, shape=(n_channels,), over all hyper-parameters."""
        scales = [
            weight * process.scale
            for weight, (_, _, process) in zip(self.weights, self.processes, strict=True)
        ]
        return np.asarray(np.sum(scales, axis=0))

    def expectation(self, tissue: str | None, relatives: Relatives = ()) -> Expectation:
        """What is expected of a new line; see :meth:`cbat.model.teacher.Teacher.expectation`."""
        expected = [
            process.expectation(share * self._towards(tissue, relatives, restart))
            for share, restart, process in self.processes
        ]
        return combine(expected, self.weights)

    def known_line(self, line: str) -> Expectation:
        """What is known of a training line, from its own candidates and its relatives'."""
        row = self.lines.index(line)
        known = [process.expectation(process.correlation[row]) for _, _, process in self.processes]
        return combine(known, self.weights)

    def _towards(self, tissue: str | None, relatives: Relatives, restart: float) -> FloatArray:
        """Correlation of a new line with the training lines, on the graph with one node more."""
        if self.graph is None or not is_placed(self.graph, tissue, relatives):
            return np.zeros(len(self.lines))
        extended = with_new_line(self.graph, tissue, relatives)
        kernel = correlation_kernel(personalised_pagerank_kernel(extended, restart))
        place = [row_of(self.graph, line) for line in self.lines]
        return np.array([0.0 if row is None else kernel[-1, row] for row in place])


def _between_lines(graph: PrototypeGraph | None, lines: Sequence[str], restart: float) -> FloatArray:
    if graph is None:
        return np.eye(len(lines))
    kernel = correlation_kernel(personalised_pagerank_kernel(graph.adjacency, restart))
    result = np.eye(len(lines))
    place = [row_of(graph, line) for line in lines]
    for i, one in enumerate(place):
        for j, other in enumerate(place):
            if i != j and one is not None and other is not None:
                result[i, j] = kernel[one, other]
    return result
