r"""The Teacher: environments of cell lines from their neighbours on the prototype graph.

No cell line is looked up by name: a line is a node with edges, and what is expected of it comes from the
training lines that these edges lead to. A line of a stated tissue hangs from that tissue's node; since a
statement can be wrong, every tissue keeps a share of the prior, and the support set decides.

Three kinds say what to expect, each with a mean and a variance for every channel, so that all are fused with
a support set alike: Gaussian processes (:mod:`cbat.model.kriging`), a random walk with restart
(:mod:`cbat.model.random_walk`) and a learned graph convolution (:mod:`cbat.model.graph_convolution`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, Protocol

import numpy as np

from cbat.config.models import ModelSettings
from cbat.graph.places import Relatives as Relatives
from cbat.graph.places import without_line
from cbat.graph.propagation import PrototypeGraph
from cbat.model.environment import Expectation, FloatArray, combine, normalised
from cbat.model.graph_convolution import GraphConvolution, Weights
from cbat.model.kriging import Kriging
from cbat.model.random_walk import RandomWalk

STATED_TISSUE: Final = 0.7
"""Prior share of the stated tissue; the rest is spread over all tissues."""
READABLE_SUPPORT: Final = 256
"""Elements whose sampling error is the least unit of an environment: a channel that varies less between
cell lines than such a support set can tell is not blown up to one that varies."""
EVIDENCE_POWER: Final = 0.5
"""Channels are not quite independent, so their joint evidence for a tissue is tempered."""

Kind = Literal["kriging", "random_walk", "gcn"]


class Expecting(Protocol):
    """What says what to expect of a new line."""

    def expectation(self, tissue: str | None, relatives: Relatives = ()) -> Expectation:
        """Mean and variance per channel of a line of a tissue, with edges to relatives."""
        ...


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
    """What the training lines let one expect of any line.

    Attributes
    ----------
    kind : str
    lines : tuple of str
        Training lines.
    graph : PrototypeGraph or None
        None ignores the graph: all lines are equally related.
    deviations, counts : array, shape=(n_lines, n_channels), shape=(n_lines,)
        Mean standardised feature of each line's candidates, and the candidates behind it.
    kriging : Kriging
        The Gaussian processes, which say how much lines vary whatever the kind.
    expecting : Expecting
    seed : int
        Of what is learned.
    """

    kind: Kind
    lines: tuple[str, ...]
    graph: PrototypeGraph | None
    deviations: FloatArray
    counts: FloatArray
    kriging: Kriging
    expecting: Expecting
    seed: int = 0
    _expected: dict[tuple[str | None, str | None, Relatives], Expectation] = field(
        default_factory=dict, repr=False
    )
    _left_out: dict[str, Teacher] = field(default_factory=dict, repr=False)

    @classmethod
    def fit(
        cls,
        lines: Sequence[str],
        deviations: FloatArray,
        counts: FloatArray,
        graph: PrototypeGraph | None,
        kind: Kind = "kriging",
        *,
        seed: int = 0,
        learned: Weights | None = None,
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
        kind : {"kriging", "random_walk", "gcn"}
        seed : int
            Of the weights that a graph convolution starts from.
        learned : dict of Tensor, optional
            Weights of a graph convolution that has been trained on these very lines.
        """
        kriging = Kriging.fit(lines, deviations, counts, graph)
        given = tuple(lines), graph, deviations
        expecting: Expecting = kriging
        # Between lines of which nothing is known of their kinship.
        scale = kriging.processes[0][2].scale
        if kind == "random_walk":
            expecting = RandomWalk.fit(lines, deviations, counts, graph, scale)
        elif kind == "gcn" and learned is not None:
            expecting = GraphConvolution(*given, scale, learned)
        elif kind == "gcn":
            expecting = GraphConvolution.fit(lines, deviations, counts, graph, scale, seed)
        return cls(kind, *given, counts, kriging, expecting, seed)

    @property
    def learned(self) -> Weights:
        """Weights of a graph convolution; empty for the other kinds, which are fitted again when read."""
        return self.expecting.weights if isinstance(self.expecting, GraphConvolution) else {}

    @property
    def centre(self) -> FloatArray:
        """Expected environment of a line without relatives, shape=(n_channels,)."""
        return self.expectation(None).mean

    @cached_property
    def spread(self) -> FloatArray:
        """Unit of each channel, shape=(n_channels,): its variance between lines plus a sampling variance."""
        return np.asarray(np.sqrt(self.kriging.scale + 1.0 / READABLE_SUPPORT))

    @cached_property
    def tissues(self) -> tuple[str, ...]:
        """Tissues of the graph."""
        if self.graph is None:
            return ()
        return tuple(self.graph.names[row] for row in self.graph.of_kind("tissue"))

    def left_out(self, line: str) -> Teacher:
        """A Teacher that has never met a cell line: neither its environment, nor its place on the graph.

        All that is fitted or learned is so again. A line that the Teacher does not know leaves it as it is,
        and the only line leaves one that knows no line.
        """
        if line not in self.lines:
            return self
        if line not in self._left_out:
            kept = np.array([row for row, name in enumerate(self.lines) if name != line], dtype=np.intp)
            graph = None if self.graph is None else without_line(self.graph, line)
            if len(kept):
                names = [self.lines[row] for row in kept]
                given = names, self.deviations[kept], self.counts[kept], graph
                self._left_out[line] = Teacher.fit(*given, self.kind, seed=self.seed)
            else:
                kriging = self.kriging.without_lines(graph)
                none = self.deviations[kept], self.counts[kept]
                self._left_out[line] = Teacher(self.kind, (), graph, *none, kriging, kriging, self.seed)
        return self._left_out[line]

    def expectation(
        self, tissue: str | None, without: str | None = None, relatives: Relatives = ()
    ) -> Expectation:
        """What the graph expects of a line of a tissue, before any support set.

        Parameters
        ----------
        tissue : str or None
            None, or a tissue that the graph does not hold: a line without edges.
        without : str, optional
            A training line that must not teach itself: see :meth:`left_out`.
        relatives : tuple of (line, weight), optional
            Edges between the new line and training lines beside that to its tissue.
        """
        key = (tissue, without, relatives)
        if key not in self._expected:
            taught = self if without is None else self.left_out(without)
            self._expected[key] = taught.expecting.expectation(tissue, relatives)
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


def kind_of_teacher(settings: ModelSettings) -> Kind:
    """Kind of a model's Teacher; beside a table of identities there is no graph that any kind could read."""
    return "kriging" if settings.teacher == "id_table" else settings.teacher
