r"""The place of a cell line on the prototype graph, as its support set tells it.

Every node of the graph expects an environment: a training line the one that was estimated for it, a tissue
that of a new line of this tissue. The support set weighs the nodes against one another,

.. math:: p(t \mid S) \propto \pi_t \, L_t(S)^a

with :math:`L_t` the density of the support set's mean under the node's expectation and :math:`\pi` flat: the
tissue that somebody has stated does not enter, so that the read-out can speak against it. Motif channels are
not independent and the expectation is no certainty, so :math:`L` alone would be over- or underconfident. The
power :math:`a` (a tempered likelihood, as of Grünwald 2012) is learned from lines whose tissue is known, each
read by a Teacher that has never met it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.model.blocks import EncodedShard, SupportReader
from cbat.model.environment import Expectation, FloatArray
from cbat.model.teacher import EVIDENCE_POWER, Teacher

POWERS: Final = np.geomspace(0.02, 5.0, 111)
"""Candidates of the power."""
POWER_SPREAD: Final = 1.0
"""Standard deviation of the logarithm of the power around 1, the likelihood as it stands, before any line is
looked at. Where a few lines are told apart without a mistake, their likelihood alone would rise for ever."""


@dataclass(frozen=True)
class Supports:
    """Support sets of one cell line.

    Attributes
    ----------
    deviations : array, shape=(n_supports, n_channels)
        Mean standardised features.
    counts : array, shape=(n_supports,)
        Elements of each set.
    """

    deviations: FloatArray
    counts: FloatArray

    @classmethod
    def of(cls, reader: SupportReader, shard: EncodedShard, size: int) -> Supports:
        """The first ``size`` elements of the support set of every block of the encoded splits."""
        means = [reader.mean(shard.support[block, :size]) for block in shard.blocks()]
        return cls(np.stack([mean for mean, _ in means]), np.array([float(count) for _, count in means]))

    def log_evidence(self, expectations: Sequence[Expectation]) -> FloatArray:
        """Log-density of each support set under each expectation, shape=(n_supports, n_expectations).

        A set without elements is evidence for nothing: its row is zero.
        """
        found = np.zeros((len(self.counts), len(expectations)))
        for row, (deviation, n) in enumerate(zip(self.deviations, self.counts, strict=True)):
            if n > 0:
                found[row] = [one.log_evidence(deviation, n) for one in expectations]
        return found


@dataclass(frozen=True)
class Nodes:
    """Nodes that a support set may come from, with what each expects and its prior share.

    Attributes
    ----------
    names, kinds : tuple of str
        Training lines (``cell_line``), and tissues (``tissue``), each meaning a new line of it.
    expectations : tuple of Expectation
    prior : array, shape=(n_nodes,)
        A known line and a new line are equally likely, and so are all of either kind.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    prior: FloatArray

    @classmethod
    def of(cls, teacher: Teacher) -> Nodes:
        """All lines and tissues that a Teacher knows."""
        lines, tissues = teacher.lines, teacher.tissues
        kinds = ("cell_line",) * len(lines) + ("tissue",) * len(tissues)
        known = [teacher.kriging.known_line(line) for line in lines]
        new = [teacher.expectation(tissue) for tissue in tissues]
        counts = {"cell_line": len(lines), "tissue": len(tissues)}
        prior = np.array([1.0 / counts[kind] for kind in kinds])
        return cls((*lines, *tissues), kinds, (*known, *new), prior / prior.sum())


def has_relative(teacher: Teacher, line: str) -> bool:
    """Whether another training line is of the same tissue, so that the tissue can be read at all."""
    if teacher.graph is None or (tissue := teacher.graph.tissue_of(line)) is None:
        return False
    return any(other != line and teacher.graph.tissue_of(other) == tissue for other in teacher.lines)


def log_posterior(log_evidence: FloatArray, power: float, prior: FloatArray | None = None) -> FloatArray:
    """Logarithm of the posterior over the columns of ``log_evidence``, same shape.

    Parameters
    ----------
    log_evidence : array, shape=(n_supports, n_nodes)
    power : float
    prior : array, shape=(n_nodes,), optional
        Flat without it.
    """
    weight = power * log_evidence
    if prior is not None:
        weight = weight + np.log(prior)
    weight = weight - weight.max(axis=1, keepdims=True)
    return np.asarray(weight - np.log(np.exp(weight).sum(axis=1, keepdims=True)))


@dataclass(frozen=True)
class Witness:
    """Support sets of a line of known tissue, all of one size.

    Attributes
    ----------
    log_evidence : array, shape=(n_supports, n_tissues)
        By a Teacher that has never met the line.
    tissue : int
        Column of the true tissue.
    """

    log_evidence: FloatArray
    tissue: int

    def log_likelihood(self, power: float) -> float:
        """Mean log-posterior of the true tissue."""
        return float(log_posterior(self.log_evidence, power)[:, self.tissue].mean())


def calibrated_power(sizes: Sequence[Sequence[Witness]]) -> float:
    """The power under which the true tissues are most likely.

    Parameters
    ----------
    sizes : sequence of sequence of Witness
        For each support size, one witness for each line. The sets of a line overlap, so a line counts as
        one observation, and so do its sizes together.

    Returns
    -------
    float
        The Teacher's own power where there is no witness.
    """
    asked = [witnesses for witnesses in sizes if witnesses]
    if not asked:
        return EVIDENCE_POWER
    surprise = [0.5 * (float(np.log(power)) / POWER_SPREAD) ** 2 for power in POWERS]
    likelihood = [
        float(np.mean([sum(one.log_likelihood(power) for one in witnesses) for witnesses in asked]))
        for power in POWERS
    ]
    return float(POWERS[int(np.argmax(np.subtract(likelihood, surprise)))])


def confidence(witnesses: Sequence[Witness], power: float) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Probability of the most probable tissue of every support set, and whether it is the true one."""
    posteriors = [np.exp(log_posterior(one.log_evidence, power)) for one in witnesses]
    top = np.concatenate([posterior.max(axis=1) for posterior in posteriors])
    pairs = zip(posteriors, witnesses, strict=True)
    return top, np.concatenate([posterior.argmax(axis=1) == one.tissue for posterior, one in pairs])
