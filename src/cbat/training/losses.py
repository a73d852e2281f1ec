r"""What training minimises.

.. math::

    L = BCE(P) + \lambda_o |corr(U_I, R_E)| + \lambda_c \|C\|_1
        + \lambda_a \|M - M_T\|^2 + BCE(P_T) + \lambda_k J(P, P_T)

with :math:`C` the motif combinations of the resistance, :math:`M` the environment fed to it, :math:`M_T` the
Teacher's, :math:`P_T` the contact probabilities under it, and :math:`J` the symmetric Kullback-Leibler
divergence. The full model has the first three terms only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, Energies, PairBatch
from cbat.model.resistance import TiedResistance

LEVEL_VARIANCE: Final = 4.0
NEWTON_STEPS: Final = 8


@dataclass(frozen=True)
class StepEnergies:
    """Energies under the fed environment and, where the loss asks for it, under the Teacher's.

    Attributes
    ----------
    student : Energies
    fed : Tensor, shape=(n_blocks, n_filters), or None
        The environment fed to the resistance.
    teacher : Energies or None
    """

    student: Energies
    fed: Tensor | None = None
    teacher: Energies | None = None


@dataclass(frozen=True)
class Portion:
    """How much of a step is computed together: means over a step are sums of weighted means over its parts.

    Attributes
    ----------
    pairs, blocks : float
        Share of the step's pairs, and of its blocks.
    """

    pairs: float = 1.0
    blocks: float = 1.0


WHOLE: Final = Portion()


class Objective(nn.Module):
    """The loss of a step, with the parameters that only training knows.

    Parameters
    ----------
    contact : ContactModel
    settings : ModelSettings
    n_lines, n_filters : int
        Training lines and motif channels, for a Teacher that is a table of identities.
    """

    def __init__(self, contact: ContactModel, settings: ModelSettings, n_lines: int, n_filters: int) -> None:
        super().__init__()
        self.contact = contact
        self.settings = settings
        self.identities: nn.Parameter | None = None
        if contact.resistance is not None and settings.teacher == "id_table":
            self.identities = nn.Parameter(0.1 * torch.randn(n_lines, n_filters))

    def forward(
        self,
        pairs: PairBatch,
        environment: BlockEnvironment | None,
        line: Tensor,
        expected: Tensor | None,
    ) -> StepEnergies:
        """Energies of the pairs of a step under the environments that the loss compares.

        Parameters
        ----------
        pairs : PairBatch
        environment : BlockEnvironment or None
        line : Tensor of int, shape=(n_blocks,)
            Number of each block's cell line.
        expected : Tensor, shape=(n_blocks, n_filters), or None
            The graph's expectation of each block's cell line.
        """
        if environment is None or self.contact.resistance is None:
            return StepEnergies(self.contact(pairs, None))
        described = self.contact.describe(pairs)
        fed = self.contact.fed(environment)
        student = self.contact.energies(described, fed, environment.block)
        taught = self.identities[line] if self.identities is not None else expected
        if taught is None or (self.identities is None and not self.settings.competition_weight):
            return StepEnergies(student, fed)
        teacher = self.contact.energies(described, taught, environment.block)
        return StepEnergies(student, fed, teacher)

    def loss(
        self,
        energies: StepEnergies,
        label: Tensor,
        block: Tensor,
        expected: Tensor | None,
        portion: Portion = WHOLE,
    ) -> Tensor:
        """The loss of a step, or the part of it that some of its blocks make; see :meth:`forward`.

        The losses of the parts of a step add up to its loss, and so do their gradients, in whatever process
        each of them is computed.

        Parameters
        ----------
        energies : StepEnergies
        label : Tensor, shape=(n,)
        block : Tensor of int, shape=(n,)
            Block of each pair.
        expected : Tensor, shape=(n_blocks, n_filters), or None
        portion : Portion
            What part of a step these pairs and blocks are.
        """
        settings, student, teacher = self.settings, energies.student, energies.teacher
        compared = block if settings.contrast == "block" else None
        loss = portion.pairs * contact_loss(student.logit, label, compared)
        if self.contact.resistance is not None and settings.orthogonality:
            loss = loss + portion.blocks * settings.orthogonality * entanglement(student, block)
        if isinstance(self.contact.resistance, TiedResistance) and settings.cooperation:
            combinations = torch.as_tensor(self.contact.resistance.combinations)
            loss = loss + portion.blocks * settings.cooperation_penalty * combinations.abs().sum()
        if settings.alignment_weight and energies.fed is not None and expected is not None:
            distance = functional.mse_loss(energies.fed.float(), expected)
            loss = loss + portion.blocks * settings.alignment_weight * distance
        if teacher is not None and self.identities is not None:
            loss = loss + portion.pairs * contact_loss(teacher.logit, label, compared)
        if teacher is not None and settings.competition_weight:
            loss = loss + portion.pairs * settings.competition_weight * competition(student, teacher)
        return loss


def contact_loss(logit: Tensor, label: Tensor, block: Tensor | None) -> Tensor:
    r"""Cross-entropy of contact, shape=(); with blocks, of comparisons within them.

    Cell lines differ in the share of candidate pairs that are in contact. A network that explains these
    shares by sequences or environments learns what tells a few training lines apart, not what tells their
    pairs apart. So each block has a level :math:`t_b` of its own, fitted to its labels under a weak prior,

    .. math:: L = BCE(\mathrm{sigmoid}(U_I - R_E + t_b)), \qquad t_b \sim N(0, LEVEL\_VARIANCE)

    which prediction does not have: the nuisance parameter of a stratified logistic regression (Breslow and
    Day 1980). At the fitted level the loss does not change with it, so no gradient passes through.
    """
    logit = logit.float()
    if block is not None:
        logit = logit + block_levels(logit.detach(), label, block)[block]
    return functional.binary_cross_entropy_with_logits(logit, label)


def block_levels(logit: Tensor, label: Tensor, block: Tensor) -> Tensor:
    """Most probable level of each block, shape=(n_blocks,), by Newton's method."""
    n_blocks = int(block.max()) + 1
    level = logit.new_zeros(n_blocks)
    for _ in range(NEWTON_STEPS):
        probability = torch.sigmoid(logit + level[block])
        slope = torch.zeros_like(level).index_add(0, block, label - probability) - level / LEVEL_VARIANCE
        curvature = torch.zeros_like(level).index_add(0, block, probability * (1.0 - probability))
        level = level + (slope / (curvature + 1.0 / LEVEL_VARIANCE)).clamp(-2.0, 2.0)
    return level


def competition(student: Energies, teacher: Energies) -> Tensor:
    r"""Mean symmetric divergence of two contact probabilities.

    .. math:: KL(P \| Q) + KL(Q \| P) = (p - q)(\mathrm{logit}\, p - \mathrm{logit}\, q)
    """
    one, other = student.logit.float(), teacher.logit.float()
    return ((one.sigmoid() - other.sigmoid()) * (one - other)).mean()


def entanglement(energies: Energies, block: Tensor) -> Tensor:
    r"""Mean over blocks of :math:`|corr(U_I, R_E)|`, the penalty that keeps the two apart."""
    one_hot = functional.one_hot(block).float()
    one_hot = one_hot / one_hot.sum(dim=0)
    centred = []
    for energy in (energies.intrinsic_potential.float(), energies.environment_resistance.float()):
        centred.append(energy - (one_hot.T @ energy)[block])
    potential, resistance = centred
    covariance = one_hot.T @ (potential * resistance)
    variance = (one_hot.T @ potential**2) * (one_hot.T @ resistance**2)
    return (covariance / (variance + 1e-8).sqrt()).abs().mean()
