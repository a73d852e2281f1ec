r"""The energy model of contact.

.. math:: P(contact) = \mathrm{sigmoid}((U_I - R_E) / T)

:math:`U_I` comes from the two sequences and the geometry of the pair; :math:`R_E \ge 0` from the pair
and the environment :math:`M`, described on the same motif channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.pair import (
    N_GEOMETRY,
    CrossBoundaryAttention,
    LowRankProducts,
    convergence,
    pair_geometry,
)
from cbat.model.set_encoder import SetEncoder


@dataclass(frozen=True)
class PairBatch:
    """Pairs as the energy model reads them.

    Attributes
    ----------
    enhancer, promoter : Tensor, shape=(n, n_filters, 3)
        Features of the two elements.
    distance : Tensor, shape=(n,)
        Distance between the centres, bp.
    upstream : Tensor, shape=(n,)
        +1 where the enhancer lies left of the promoter, else -1.
    """

    enhancer: Tensor
    promoter: Tensor
    distance: Tensor
    upstream: Tensor


@dataclass(frozen=True)
class BlockEnvironment:
    """What is known of the cell line of each block.

    Attributes
    ----------
    block : Tensor of int, shape=(n,)
        Block of each pair.
    fused : Tensor, shape=(n_blocks, n_filters)
        From support set and graph.
    support : Tensor, shape=(n_blocks, n_support, n_filters), or None
        Standardised features of the support set, for a model with a set encoder.
    mask : Tensor of bool, shape=(n_blocks, n_support), or None
        False beyond the last element of a support set.
    """

    block: Tensor
    fused: Tensor
    support: Tensor | None = None
    mask: Tensor | None = None

    def to(self, device: torch.device) -> BlockEnvironment:
        """The same on a device."""
        moved = {name: part.to(device) for name, part in vars(self).items() if part is not None}
        return replace(self, **moved)


@dataclass(frozen=True)
class Energies:
    """Energies of pairs, each shape=(n,)."""

    intrinsic_potential: Tensor
    environment_resistance: Tensor

    @property
    def logit(self) -> Tensor:
        """Log-odds of contact at temperature 1."""
        return self.intrinsic_potential - self.environment_resistance


class TiedResistance(nn.Module):
    r"""Resistance on the motif channels that the pair and the environment share.

    .. math::

        R_E(x, M) = \mathrm{softplus}(b - \sum_k (w^e_k \tilde f_{ek} + w^p_k \tilde f_{pk}
            + s \, (w^e_k \bar f^e_k + w^p_k \bar f^p_k)) M_k - c(x, M))

    where :math:`\bar f` is the mean presence among training candidates and :math:`\tilde f = f - \bar f`.
    The share ``s`` of what the environment does to an average pair, and so to all pairs of a line, is one
    learned number: a free one for each motif could only learn the levels of the few training lines.
    :math:`c` is a low-rank sum over combinations of an enhancer's and a promoter's motif,
    :math:`\sum_r (A_r \cdot (\tilde f_e M)) (B_r \cdot \tilde f_p)
    + (C_r \cdot \tilde f_e) (D_r \cdot (\tilde f_p M))`.
    A motif whose factor is active in the cell line lowers the resistance of every pair that carries it,
    also in a line never seen in training.
    """

    def __init__(self, n_filters: int, cooperative_rank: int) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(1.0))
        self.enhancer = nn.Parameter(torch.full((n_filters,), 0.3))
        self.promoter = nn.Parameter(torch.full((n_filters,), 0.3))
        self.level_share = nn.Parameter(torch.tensor(0.5))
        self.centre = nn.Buffer(torch.zeros(2, n_filters))
        self.combinations = nn.Parameter(0.1 * torch.randn(4, n_filters, cooperative_rank))

    def forward(self, enhancer: Tensor, promoter: Tensor, environment: Tensor) -> Tensor:
        """Resistance of pairs, shape=(n,); enhancer, promoter and environment are (n, n_filters)."""
        level = self.enhancer * self.centre[0] + self.promoter * self.centre[1]
        enhancer, promoter = enhancer - self.centre[0], promoter - self.centre[1]
        active_enhancer, active_promoter = enhancer * environment, promoter * environment
        relief = active_enhancer @ self.enhancer + active_promoter @ self.promoter
        relief = relief + self.level_share * (environment @ level)
        if self.combinations.shape[2]:
            a, b, c, d = self.combinations
            relief = relief + ((active_enhancer @ a) * (promoter @ b)).sum(dim=1)
            relief = relief + ((enhancer @ c) * (active_promoter @ d)).sum(dim=1)
        return functional.softplus(self.offset - relief)


class ContactModel(nn.Module):
    """Baseline or environment model over motif features.

    Parameters
    ----------
    n_filters : int
        Motif channels of the encoder.
    settings : ModelSettings
    """

    def __init__(self, n_filters: int, settings: ModelSettings) -> None:
        super().__init__()
        if settings.pair_representation == "attention":
            width = 2 * settings.attention_width
            self.products: nn.Module = CrossBoundaryAttention(
                n_filters, settings.attention_width, settings.attention_heads, settings.dropout
            )
        else:
            width = settings.pair_rank
            self.products = LowRankProducts(n_filters, settings.pair_rank, settings.dropout)
        self.linear = nn.Linear(3 * n_filters + N_GEOMETRY + width, 1)
        nn.init.normal_(self.linear.weight, std=0.01)
        self.hidden = _hidden(2 * n_filters + N_GEOMETRY + width, settings)
        tied = settings.environment == "tied"
        self.resistance = TiedResistance(n_filters, settings.cooperative_rank) if tied else None
        self.set_encoder = SetEncoder(n_filters) if tied and settings.set_encoder == "isab" else None

    def forward(self, pairs: PairBatch, environment: BlockEnvironment | None) -> Energies:
        """Energies of pairs.

        Parameters
        ----------
        pairs : PairBatch
        environment : BlockEnvironment or None
            None switches the resistance off.
        """
        geometry = pair_geometry(pairs.distance, pairs.upstream)
        products = self.products(pairs.enhancer, pairs.promoter)
        enhancer, promoter = pairs.enhancer[..., 0], pairs.promoter[..., 0]
        oriented = convergence(pairs.enhancer, pairs.promoter, pairs.upstream)
        potential = self.linear(torch.cat([enhancer, promoter, oriented, geometry, products], dim=1))
        if self.hidden is not None:
            potential = potential + self.hidden(torch.cat([enhancer, promoter, geometry, products], dim=1))
        potential = potential[:, 0]
        if self.resistance is None or environment is None:
            return Energies(potential, torch.zeros_like(potential))
        fed = environment.fused
        if self.set_encoder is not None and environment.support is not None:
            fed = fed + self.set_encoder(environment.support, environment.mask)
        return Energies(potential, self.resistance(enhancer, promoter, fed[environment.block]))


def _hidden(width: int, settings: ModelSettings) -> nn.Sequential | None:
    units = settings.hidden_units
    if not units:
        return None
    return nn.Sequential(
        nn.Linear(width, units), nn.GELU(), nn.Dropout(settings.dropout), nn.Linear(units, 1)
    )
