"""A trained model on a cell line of which nothing but candidate elements is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from cbat.model.blocks import EncodedElements, Rows, SupportReader
from cbat.model.bundle import Pairs, Scores, TrainedModel, encoded, score_pairs
from cbat.model.contact import BlockEnvironment
from cbat.model.contexts import environment_of, stated_tissue
from cbat.model.environment import Expectation, FloatArray
from cbat.model.readout import Nodes, Supports, log_posterior
from cbat.model.teacher import EVIDENCE_POWER, Relatives


@dataclass(frozen=True)
class LineReading:
    """What a support set says of its cell line.

    Attributes
    ----------
    environment : array, shape=(n_channels,), or None
        What the resistance is fed, set encoder included; None for a model without environment.
    deviation : array, shape=(n_channels,)
        Mean standardised feature of the support set.
    n : int
        Its elements.
    nodes, kinds : tuple of str
        Training lines and tissues of the graph.
    posterior : array, shape=(n_nodes,)
        Of the nodes, by the support set alone; empty without support set or graph.
    surprise, usual_surprise : float
        Mean squared deviation from what is expected of a stranger, in units of its variance, and the largest
        of the training lines when each is read as a stranger; NaN where there is nothing to compare.
    """

    environment: FloatArray | None
    deviation: FloatArray
    n: int
    nodes: tuple[str, ...]
    kinds: tuple[str, ...]
    posterior: FloatArray
    surprise: float
    usual_surprise: float


def read_line(
    model: TrainedModel,
    elements: EncodedElements,
    support: Rows,
    tissue: str | None,
    cell_line: str,
    relatives: Relatives = (),
    power: float | None = None,
) -> LineReading:
    """Read a cell line from a support set, as an evaluation reads it from that of a block.

    Parameters
    ----------
    model : TrainedModel
    elements : EncodedElements
    support : int array, shape=(n_support,)
        Rows of the elements, enhancers before promoters; -1 fills it up.
    tissue : str or None
        Tissue of the line; the model's settings decide what it is told.
    cell_line : str
        Name of the line; a training line is read as if the model had never met it.
    relatives : tuple of (line, weight), optional
        Training lines that it resembles.
    power : float, optional
        Of the likelihood in the posterior; the Teacher's own without it.
    """
    reader = SupportReader(elements, model.statistics)
    deviation, n = reader.mean(support)
    environment = None
    if model.has_environment:
        told = stated_tissue(model, tissue)
        block = torch.zeros(1, dtype=torch.int64)
        fed = encoded(
            model.contact, environment_of(model, reader, support[None], block, told, cell_line, relatives)
        )
        assert fed is not None
        environment = fed.fused[0].numpy()
    nodes = Nodes.of(model.teacher.left_out(cell_line))
    posterior = np.zeros(0)
    if n > 0 and nodes.names:
        evidence = Supports(deviation[None], np.array([float(n)])).log_evidence(nodes.expectations)
        weight = EVIDENCE_POWER if power is None else power
        posterior = np.exp(log_posterior(evidence, weight, nodes.prior))[0]
    own = _surprise(model.teacher.expectation(None, cell_line), deviation, n) if n > 0 else np.nan
    return LineReading(
        environment, deviation, n, nodes.names, nodes.kinds, posterior, own, _usual_surprise(model)
    )


def _surprise(expected: Expectation, deviation: FloatArray, n: float) -> float:
    return float(np.mean((deviation - expected.mean) ** 2 / (expected.variance + 1.0 / n)))


def _usual_surprise(model: TrainedModel) -> float:
    teacher = model.teacher
    if len(teacher.lines) < 3:
        return float("nan")
    return max(
        _surprise(teacher.expectation(None, line), model.deviations[row], float(model.counts[row]))
        for row, line in enumerate(teacher.lines)
    )


@dataclass(frozen=True, eq=False)
class LineScorer:
    """Scores pairs of one cell line in its environment.

    Attributes
    ----------
    model : TrainedModel
    elements : EncodedElements
    environment : array, shape=(n_channels,), or None
        Of :func:`read_line`.
    """

    model: TrainedModel
    elements: EncodedElements
    environment: FloatArray | None

    def scores(self, pairs: Pairs) -> Scores:
        """Energies of pairs, whose rows are those of the elements, in the landscape that they bring."""
        fed = None
        if self.environment is not None:
            block = torch.zeros(len(pairs), dtype=torch.int64)
            fed = BlockEnvironment(block, torch.from_numpy(self.environment[None]).float())
        given = self.elements.marked(self.model.with_offset(pairs, pairs.landscape_resistance))
        return score_pairs(self.model.contact, self.elements.enhancer, self.elements.promoter, given, fed)
