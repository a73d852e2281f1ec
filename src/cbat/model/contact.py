r"""The energy model of contact.

.. math:: P(contact) = \mathrm{sigmoid}((U_I - R_E) / T)

:math:`U_I` comes from the two sequences and the geometry of the pair; :math:`R_E \ge 0` from the pair
and the environment :math:`M`, described on the same motif channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
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
from cbat.model.resistance import PairDescription, build_resistance
from cbat.model.set_encoder import SetEncoder, TiedSetEncoder


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
class UnreadEnvironment:
    """The same of many blocks, whose support sets are read some at a time: features are larger than rows.

    Attributes
    ----------
    block, fused : Tensor
        As in :class:`BlockEnvironment`.
    rows : int array, shape=(n_blocks, n_support)
        Rows of the elements of each support set; -1 is no element.
    read : callable
        From some of the rows to their features and mask, as in :class:`BlockEnvironment`.
    """

    block: Tensor
    fused: Tensor
    rows: npt.NDArray[np.int64]
    read: Callable[[npt.NDArray[np.int64]], tuple[Tensor, Tensor]]

    def of_blocks(self, blocks: npt.NDArray[np.int64]) -> BlockEnvironment:
        """Some blocks with their features; the block of each pair remains that among all."""
        return BlockEnvironment(
            self.block, self.fused[torch.from_numpy(blocks)], *self.read(self.rows[blocks])
        )


AnyEnvironment = BlockEnvironment | UnreadEnvironment


@dataclass(frozen=True)
class Energies:
    """Energies of pairs, each shape=(n,)."""

    intrinsic_potential: Tensor
    environment_resistance: Tensor

    @property
    def logit(self) -> Tensor:
        """Log-odds of contact at temperature 1."""
        return self.intrinsic_potential - self.environment_resistance


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
        self.resistance = build_resistance(n_filters, width, settings)
        if self.resistance is not None:
            # So that training starts at even odds, as without a resistance.
            nn.init.constant_(self.linear.bias, float(functional.softplus(self.resistance.offset)))
        self.crossing = settings.block_attention == "crossing"
        self.set_encoder: SetEncoder | TiedSetEncoder | None = None
        if self.resistance is not None and settings.set_encoder == "isab":
            self.set_encoder = SetEncoder(n_filters)
        elif self.resistance is not None and settings.set_encoder == "isab_tied":
            self.set_encoder = TiedSetEncoder()

    def forward(self, pairs: PairBatch, environment: BlockEnvironment | None) -> Energies:
        """Energies of pairs.

        Parameters
        ----------
        pairs : PairBatch
        environment : BlockEnvironment or None
            None switches the resistance off.
        """
        described = self.describe(pairs)
        if self.resistance is None or environment is None:
            return Energies(described.potential, torch.zeros_like(described.potential))
        return self.energies(described, self.fed(environment), environment.block)

    def describe(self, pairs: PairBatch) -> PairDescription:
        """What the sequences and the geometry say of pairs, before any environment."""
        geometry = pair_geometry(pairs.distance, pairs.upstream)
        products = self.products(pairs.enhancer, pairs.promoter)
        enhancer, promoter = pairs.enhancer[..., 0], pairs.promoter[..., 0]
        oriented = convergence(pairs.enhancer, pairs.promoter, pairs.upstream)
        potential = self.linear(torch.cat([enhancer, promoter, oriented, geometry, products], dim=1))
        if self.hidden is not None:
            potential = potential + self.hidden(torch.cat([enhancer, promoter, geometry, products], dim=1))
        return PairDescription(potential[:, 0], enhancer, promoter, geometry, products)

    def energies(self, pairs: PairDescription, environment: Tensor, block: Tensor) -> Energies:
        """Energies of pairs in the environments, shape=(n_blocks, n_filters), of their blocks."""
        assert self.resistance is not None
        return Energies(pairs.potential, self.resistance(pairs, environment, block))

    def fed(self, environment: BlockEnvironment) -> Tensor:
        """The environment of each block with the set encoder's correction, shape=(n_blocks, n_filters).

        With crossing attention the blocks are one set, and all are given what is read from it.
        """
        fused, support, mask = environment.fused, environment.support, environment.mask
        if self.set_encoder is None or support is None or mask is None:
            return fused
        if not self.crossing:
            return torch.as_tensor(fused + self.set_encoder(support, mask, fused))
        together = fused.mean(dim=0, keepdim=True)
        read = self.set_encoder(support.flatten(0, 1)[None], mask.flatten()[None], together)
        return torch.as_tensor(together + read).expand_as(fused)


def _hidden(width: int, settings: ModelSettings) -> nn.Sequential | None:
    units = settings.hidden_units
    if not units:
        return None
    return nn.Sequential(
        nn.Linear(width, units), nn.GELU(), nn.Dropout(settings.dropout), nn.Linear(units, 1)
    )
