r"""The Teacher: environments of cell lines from their neighbours on the prototype graph.

No cell line is looked up by name: a line is a node with edges, and what is expected of it comes from the
training lines that these edges lead to. A line of a stated tissue hangs from that tissue's node; since a
statement can be wrong, every tissue keeps a share of the prior, and the support set decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from cbat.graph.propagation import PrototypeGraph, correlation_kernel, personalised_pagerank_kernel
from cbat.model.environment import ChannelProcess, Expectation, FloatArray, combine, normalised

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 0.95)
"""Candidates of the share of the variance that follows the graph."""
RESTARTS: Final = (0.05, 0.1, 0.2)
"""Candidates of the restart probability of the random walk."""
STATED_TISSUE: Final = 0.7
"""Prior share of the stated tissue; the rest is spread over all tissues."""
READABLE_SUPPORT: Final = 256
"""Elements whose sampling error is the least unit of an environment: a channel that varies less between
cell lines than such a support set can tell is not blown up to one that varies."""
EVIDENCE_POWER: Final = 0.5
"""Channels are not quite independent, so their joint evidence for a tissue is tempered."""


Relatives = tuple[tuple[str, float], ...]
"""Training lines that a new line resembles, with the weight of the edge to each."""


@dataclass(frozen=True)
class Reading:
    """The environment of a cell line, as it is read from a support set and the graph.

    Attributes
    ----------
    environment : array, shape=(n_channels,)
        In units of :attr:`Teacher.spread`; 0 is a line without relatives or support.
    tissues : mapping
        Tissue -> posterior share; empty when the graph is not used.
    """

    environment: FloatArray
    tissues: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Teacher:
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
    _expected: dict[tuple[str | None, str | None, Relatives], Expectation] = field(
        default_factory=dict, repr=False
    )

    @classmethod
    def fit(
        cls,
        lines: Sequence[str],
        deviations: FloatArray,
        counts: FloatArray,
        graph: PrototypeGraph | None,
    ) -> Teacher:
        """Fit to the training lines.

        Parameters
        ----------
        lines : sequence of str
        deviations : array, shape=(n_lines, n_channels)
            Mean standardised feature of each line's candidates.
        counts : array, shape=(n_lines,)
            Candidates behind each mean.
        graph : PrototypeGraph or None
            A line that the graph does not hold is related to none.
        """
        grid = [(0.0, 1.0)]
        if graph is not None:
            grid += [(share, restart) for share in SHARES[1:] for restart in RESTARTS]
        processes = []
        for share, restart in grid:
            kernel = _between_lines(graph, lines, restart)
            correlation = (1.0 - share) * np.eye(len(lines)) + share * kernel
            processes.append((share, restart, ChannelProcess.fit(deviations, 1.0 / counts, correlation)))
        # Every share has one vote, however many restarts it is tried with.
        votes = np.array([1.0 if share == 0.0 else 1.0 / len(RESTARTS) for share, _ in grid])
        evidence = np.array([process.log_evidence for _, _, process in processes])
        return cls(tuple(lines), graph, tuple(processes), normalised(evidence + np.log(votes)))

    @property
    def centre(self) -> FloatArray:
        """Expected environment of a line without relatives, shape=(n_channels,)."""
        return self.expectation(None).mean

    @cached_property
    def spread(self) -> FloatArray:
        """Unit of each channel, shape=(n_channels,): its variance between lines plus a sampling variance."""
        scales = [
            weight * process.scale
            for weight, (_, _, process) in zip(self.weights, self.processes, strict=True)
        ]
        return np.asarray(np.sqrt(np.sum(scales, axis=0) + 1.0 / READABLE_SUPPORT))

    @cached_property
    def tissues(self) -> tuple[str, ...]:
        """Tissues of the graph."""
        if self.graph is None:
            return ()
        return tuple(self.graph.names[row] for row in self.graph.of_kind("tissue"))

    def expectation(
        self, tissue: str | None, without: str | None = None, relatives: Relatives = ()
    ) -> Expectation:
        """What the graph expects of a line of a tissue, before any support set.

        Parameters
        ----------
        tissue : str or None
            None, or a tissue that the graph does not hold: a line without edges.
        without : str, optional
            A training line to predict from the others.
        relatives : tuple of (line, weight), optional
            Edges between the new line and training lines beside that to its tissue.
        """
        key = (tissue, without, relatives)
        if key in self._expected:
            return self._expected[key]
        rows = np.array([row for row, line in enumerate(self.lines) if line != without], dtype=np.intp)
        expected = []
        for share, restart, process in self.processes:
            towards = share * _towards_lines(self.graph, self.lines, tissue, restart, without, relatives)
            expected.append(process.expectation(towards, rows))
        self._expected[key] = combine(expected, self.weights)
        return self._expected[key]

    def read(
        self,
        deviation: FloatArray | None,
        n: float,
        stated_tissue: str | None,
        without: str | None = None,
        power: float = EVIDENCE_POWER,
        relatives: Relatives = (),
    ) -> Reading:
        """Fuse a support set with the graph.

        Parameters
        ----------
        deviation : array, shape=(n_channels,), or None
            Mean of the ``n`` standardised support features; None leaves the graph alone.
        n : float
            Elements in the support set.
        stated_tissue : str or None
            Tissue of origin, where known.
        without : str, optional
            A training line that must not teach itself.
        power : float
            Weight of the support set's log-evidence for a tissue.
        relatives : tuple of (line, weight), optional
            Edges between the new line and training lines beside that to its tissue.
        """
        choices: list[str | None] = list(self.tissues) or [None]
        prior = np.full(len(choices), 1.0 / len(choices))
        if stated_tissue in choices:
            prior *= 1.0 - STATED_TISSUE
            prior[choices.index(stated_tissue)] += STATED_TISSUE
        expected = [self.expectation(tissue, without, relatives) for tissue in choices]
        log_weight = np.log(prior)
        if deviation is not None and n > 0:
            log_weight = log_weight + power * np.array([one.log_evidence(deviation, n) for one in expected])
            expected = [one.fuse(deviation, n) for one in expected]
        weights = normalised(log_weight)
        # Against what those same lines say of a stranger: against anything else, a training line would
        # carry the mark of its own absence, by which a model could tell it from the others.
        environment = (combine(expected, weights).mean - self.expectation(None, without).mean) / self.spread
        shares = {
            name: float(weight) for name, weight in zip(choices, weights, strict=True) if name is not None
        }
        return Reading(environment, shares)


def _between_lines(graph: PrototypeGraph | None, lines: Sequence[str], restart: float) -> FloatArray:
    if graph is None:
        return np.eye(len(lines))
    kernel = correlation_kernel(personalised_pagerank_kernel(graph.adjacency, restart))
    result = np.eye(len(lines))
    place = [_row(graph, line) for line in lines]
    for i, one in enumerate(place):
        for j, other in enumerate(place):
            if i != j and one is not None and other is not None:
                result[i, j] = kernel[one, other]
    return result


def _row(graph: PrototypeGraph, line: str) -> int | None:
    try:
        return graph.index(line)
    except KeyError:
        return None


def _towards_lines(
    graph: PrototypeGraph | None,
    lines: Sequence[str],
    tissue: str | None,
    restart: float,
    without: str | None,
    relatives: Relatives = (),
) -> FloatArray:
    """Correlation of a new line of ``tissue`` with the training lines, on the graph with one node more."""
    if graph is None:
        return np.zeros(len(lines))
    known = tissue in {graph.names[row] for row in graph.of_kind("tissue")}
    if not known and not relatives:
        return np.zeros(len(lines))
    n = len(graph.names)
    extended = np.zeros((n + 1, n + 1))
    extended[:n, :n] = graph.adjacency
    hidden = None if without is None else _row(graph, without)
    if hidden is not None:
        extended[hidden] = extended[:, hidden] = 0.0
    if known and tissue is not None:
        at = graph.index(tissue, "tissue")
        extended[n, at] = extended[at, n] = _usual_weight(graph)
    for line, weight in relatives:
        relative = _row(graph, line)
        if relative is not None and relative != hidden:
            extended[n, relative] = extended[relative, n] = weight
    kernel = correlation_kernel(personalised_pagerank_kernel(extended, restart))
    place = [_row(graph, line) for line in lines]
    return np.array([0.0 if row is None or row == hidden else kernel[n, row] for row in place])


def _usual_weight(graph: PrototypeGraph) -> float:
    """Median weight of the edges between cell lines and tissues."""
    edges = graph.adjacency[np.ix_(graph.of_kind("cell_line"), graph.of_kind("tissue"))]
    return float(np.median(edges[edges > 0])) if (edges > 0).any() else 1.0
