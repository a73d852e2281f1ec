r"""The energy model of contact.

.. math:: P(contact) = \mathrm{sigmoid}((U_I - R_E) / T)

.. math:: U_I = c + s(d) + k\, q(x), \qquad
    R_E = \mathrm{softplus}(b + L - k\, r(x, M)) \ge 0

The law of distance :math:`s` and the resistance of the landscape :math:`L` are fitted before, and are given
with each pair; nothing here changes them. What is learned here is the sequence term :math:`q` and the relief
:math:`r` by the environment :math:`M`, described on the same motif channels. Both start at 0, so that a model
that has learned nothing is the law, and both are 0 (:math:`k = 0`) where the bases of a pair are unknown.
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
    MotifsAlone,
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
    potential_offset : Tensor, shape=(n,), or None
        The law of distance; None is 0.
    landscape_resistance : Tensor, shape=(n,), or None
        What the landscape adds to the resistance before its softplus; None is 0.
    sequence_known : Tensor, shape=(n,), or None
        0 where the bases of an element are unknown, else 1; None is 1.
    """

    enhancer: Tensor
    promoter: Tensor
    distance: Tensor
    upstream: Tensor
    potential_offset: Tensor | None = None
    landscape_resistance: Tensor | None = None
    sequence_known: Tensor | None = None


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
    landscape : bool
        Whether pairs bring the resistance of their landscape, and with it the constant of the resistance.
        Then there is a resistance even where no environment is asked for.
    """

    def __init__(self, n_filters: int, settings: ModelSettings, *, landscape: bool = False) -> None:
        super().__init__()
        if settings.pair_representation == "attention":
            width = 2 * settings.attention_width
            self.products: nn.Module = CrossBoundaryAttention(
                n_filters, settings.attention_width, settings.attention_heads, settings.dropout
            )
        elif settings.pair_representation == "low_rank":
            width = settings.pair_rank
            self.products = LowRankProducts(n_filters, settings.pair_rank, settings.dropout)
        else:
            width = 0
            self.products = MotifsAlone()
        # Convergent motifs are products of the two elements as well.
        self.convergent = settings.pair_representation != "motifs"
        n_presence = (3 if self.convergent else 2) * n_filters
        self.linear = nn.Linear(n_presence + N_GEOMETRY + width, 1, bias=False)
        nn.init.zeros_(self.linear.weight)
        self.hidden = _hidden(2 * n_filters + N_GEOMETRY + width, settings)
        self.level = nn.Parameter(torch.zeros(()))
        self.sequence_mean = nn.Buffer(torch.zeros(()))
        self.resistance = build_resistance(n_filters, width, settings, landscape=landscape)
        if landscape and self.resistance is not None:
            # The law has a constant in both energies.
            self.resistance.offset.zero_()
        elif self.resistance is not None:
            nn.init.constant_(self.level, float(functional.softplus(self.resistance.offset)))
        self.crossing = settings.block_attention == "crossing"
        self.set_encoder: SetEncoder | TiedSetEncoder | None = None
        reads = self.resistance is not None and settings.environment != "none"
        if reads and settings.set_encoder == "isab":
            self.set_encoder = SetEncoder(n_filters)
        elif reads and settings.set_encoder == "isab_tied":
            self.set_encoder = TiedSetEncoder()

    @torch.no_grad()
    def centre_sequence_at(self, mean: float) -> None:
        """Move so much of the sequence term to the level: pairs without bases then count as average ones."""
        self.sequence_mean.add_(mean)
        self.level.add_(mean)

    @torch.no_grad()
    def shrink(self, sequence: float, relief: float) -> None:
        """Leave so much of the sequence term, and of the relief by the environment; 0 is nothing of it."""
        self.sequence_mean.mul_(sequence)
        self.linear.weight.mul_(sequence)
        if self.hidden is not None:
            last = self.hidden[-1]
            assert isinstance(last, nn.Linear)
            last.weight.mul_(sequence)
        if self.resistance is not None:
            self.resistance.shrink(relief)

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
        presence = [enhancer, promoter]
        if self.convergent:
            presence.append(convergence(pairs.enhancer, pairs.promoter, pairs.upstream))
        sequence = self.linear(torch.cat([*presence, geometry, products], dim=1))
        if self.hidden is not None:
            sequence = sequence + self.hidden(torch.cat([enhancer, promoter, geometry, products], dim=1))
        sequence = sequence[:, 0] - self.sequence_mean
        if pairs.sequence_known is not None:
            sequence = sequence * pairs.sequence_known
        potential = self.level + sequence
        if pairs.potential_offset is not None:
            potential = potential + pairs.potential_offset
        given = (pairs.landscape_resistance, pairs.sequence_known)
        return PairDescription(potential, enhancer, promoter, geometry, products, *given)

    def energies(self, pairs: PairDescription, environment: Tensor, block: Tensor) -> Energies:
        """Energies of pairs in the environments, shape=(n_blocks, n_filters), of their blocks."""
        assert self.resistance is not None
        return Energies(pairs.potential, self.resistance(pairs, environment, block))

    def fed(self, environment: BlockEnvironment) -> Tensor:
        """The environment of each block as the set encoder weighs it, shape=(n_blocks, n_filters).

        With crossing attention the blocks are one set, and all are given what is read from it. An
        environment without support sets, even empty ones, has been weighed before.
        """
        fused = environment.fused
        if self.set_encoder is None or environment.support is None:
            return fused
        if self.crossing:
            fused = fused.mean(dim=0, keepdim=True).expand_as(fused)
        return torch.as_tensor(fused * (1.0 + self.weights(environment)))

    def weights(self, environment: BlockEnvironment) -> Tensor:
        """What the set encoder weighs each channel of each block by, less 1; (n_blocks, n_filters)."""
        fused, support, mask = environment.fused, environment.support, environment.mask
        assert self.set_encoder is not None
        assert support is not None
        assert mask is not None
        if not self.crossing:
            return torch.as_tensor(self.set_encoder(support, mask, fused))
        together = fused.mean(dim=0, keepdim=True)
        read = self.set_encoder(support.flatten(0, 1)[None], mask.flatten()[None], together)
        return torch.as_tensor(read).expand_as(fused)


def _hidden(width: int, settings: ModelSettings) -> nn.Sequential | None:
    units = settings.hidden_units
    if not units:
        return None
    last = nn.Linear(units, 1, bias=False)
    nn.init.zeros_(last.weight)
    return nn.Sequential(nn.Linear(width, units), nn.GELU(), nn.Dropout(settings.dropout), last)
