r"""What training minimises.

.. math:: L = BCE(P) + \lambda_o |corr(U_I, R_E)| + \lambda_a \|M - M_T\|^2 + BCE(P_T) + \lambda_c J(P, P_T)

with :math:`M` the environment fed to the resistance, :math:`M_T` the Teacher's, :math:`P_T` the contact
probabilities under it, and :math:`J` the symmetric Kullback-Leibler divergence. The full model has the
first two terms only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, Energies, PairBatch


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
        environment: BlockEnvironment | None,
        expected: Tensor | None,
    ) -> Tensor:
        """The loss of a step; see :meth:`forward` and the formula of this module."""
        settings, student, teacher = self.settings, energies.student, energies.teacher
        loss = contact_loss(student, label)
        if environment is not None and settings.orthogonality:
            loss = loss + settings.orthogonality * entanglement(student, environment.block)
        if settings.alignment_weight and energies.fed is not None and expected is not None:
            loss = loss + settings.alignment_weight * functional.mse_loss(energies.fed.float(), expected)
        if teacher is not None and self.identities is not None:
            loss = loss + contact_loss(teacher, label)
        if teacher is not None and settings.competition_weight:
            loss = loss + settings.competition_weight * competition(student, teacher)
        return loss


def contact_loss(energies: Energies, label: Tensor) -> Tensor:
    """Cross-entropy of contact."""
    return functional.binary_cross_entropy_with_logits(energies.logit.float(), label)


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
