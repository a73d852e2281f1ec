r"""Three forms of the environment resistance :math:`R_E(x, M) \ge 0`, and that of the landscape alone.

All give a pair :math:`\mathrm{softplus}(b + L)` in the average environment :math:`M = 0`, with :math:`L` the
resistance of the pair's landscape and :math:`b` a constant: :math:`U_I + g` with :math:`R_E + g` would be the
same model, and a learned offset could drift along that line. A pair of which bases are unknown is one of
average motifs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.pair import N_GEOMETRY

GAIN: Final = 10.0
"""How much faster the gain of a relief is learned than the weights in it."""
FILM_UNITS: Final = 24
"""Width of the hidden layers of the untied map."""


@dataclass(frozen=True)
class PairDescription:
    """What is known of pairs before their environment.

    Attributes
    ----------
    potential : Tensor, shape=(n,)
        :math:`U_I`.
    enhancer, promoter : Tensor, shape=(n, n_filters)
        Presence of each motif on either strand.
    geometry : Tensor, shape=(n, 5)
    products : Tensor, shape=(n, width)
        Of the pair representation.
    landscape : Tensor, shape=(n,), or None
        Resistance of the landscape before the softplus; None is 0.
    known : Tensor, shape=(n,), or None
        0 where the bases of an element are unknown, else 1; None is 1.
    """

    potential: Tensor
    enhancer: Tensor
    promoter: Tensor
    geometry: Tensor
    products: Tensor
    landscape: Tensor | None = None
    known: Tensor | None = None

    def where_known(self, values: Tensor) -> Tensor:
        """Values of pairs, and 0 where bases are unknown; shape=(n,) -> (n,)."""
        return values if self.known is None else values * self.known


def resistance(offset: Tensor, pairs: PairDescription, relief: Tensor) -> Tensor:
    """Softplus of the constant and the landscape of pairs less their relief, shape=(n,)."""
    constant = offset if pairs.landscape is None else offset + pairs.landscape
    return functional.softplus(constant - relief)


class LandscapeResistance(nn.Module):
    r"""Resistance of the landscape alone, :math:`R_E = \mathrm{softplus}(b + L)`, in any environment."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = nn.Buffer(torch.tensor(offset))

    def forward(self, pairs: PairDescription, environment: Tensor, block: Tensor) -> Tensor:
        """Resistance of pairs, shape=(n,), whatever the environments of their blocks (n,)."""
        return resistance(self.offset, pairs, torch.zeros_like(pairs.potential))

    def shrink(self, share: float) -> None:
        """There is no relief to be shrunk."""


class TiedResistance(nn.Module):
    r"""Resistance on the motif channels that the pair and the environment share.

    .. math::

        R_E(x, M) = \mathrm{softplus}(b + L - g \sum_k (w^e_k \tilde f_{ek} + w^p_k \tilde f_{pk}
            + s \, (w^e_k \bar f^e_k + w^p_k \bar f^p_k)) M_k - c(x, M))

    where :math:`\bar f` is the mean presence among training candidates and :math:`\tilde f = f - \bar f`.
    The share ``s`` of what the environment does to an average pair, and so to all pairs of a line, is one
    learned number: a free one for each motif could only learn the levels of the few training lines.
    :math:`c` is a sum over combinations of an enhancer's and a promoter's motif,
    :math:`c(x, M) = \sum_{kl} \tilde f_{ek} \tilde f_{pl} (C^e_{kl} M_k + C^p_{kl} M_l)`, which a lasso
    keeps sparse: few factors need each other, and a world without such pairs loses nothing by it.
    A motif whose factor is active in the cell line lowers the resistance of every pair that carries it,
    also in a line never seen in training. The weights start alike and above 0, and the gain ``g`` at 0: first
    it is learned that active motifs count at all, then how much each of them does.

    Parameters
    ----------
    n_filters : int
    cooperation : bool
        Whether there are combinations.
    offset : float
        The constant :math:`b`.
    """

    def __init__(self, n_filters: int, cooperation: bool, offset: float) -> None:
        super().__init__()
        self.offset = nn.Buffer(torch.tensor(offset))
        self.gain = nn.Parameter(torch.zeros(()))
        self.enhancer = nn.Parameter(torch.full((n_filters,), 0.3))
        self.promoter = nn.Parameter(torch.full((n_filters,), 0.3))
        self.level_share = nn.Parameter(torch.tensor(0.5))
        self.centre = nn.Buffer(torch.zeros(2, n_filters))
        self.combinations = nn.Parameter(torch.zeros(2, n_filters, n_filters)) if cooperation else None

    def forward(self, pairs: PairDescription, environment: Tensor, block: Tensor) -> Tensor:
        """Resistance of pairs, shape=(n,), in environments (n_blocks, n_filters) of their blocks (n,)."""
        return resistance(self.offset, pairs, self.relief(pairs, environment, block))

    @torch.no_grad()
    def shrink(self, share: float) -> None:
        """Leave so much of the relief."""
        self.gain.mul_(share)
        if self.combinations is not None:
            self.combinations.mul_(share)

    def relief(self, pairs: PairDescription, environment: Tensor, block: Tensor) -> Tensor:
        """What is taken from the constant before the softplus, shape=(n,)."""
        environment = environment[block]
        level = self.enhancer * self.centre[0] + self.promoter * self.centre[1]
        enhancer, promoter = pairs.enhancer - self.centre[0], pairs.promoter - self.centre[1]
        active_enhancer, active_promoter = enhancer * environment, promoter * environment
        single = pairs.where_known(active_enhancer @ self.enhancer + active_promoter @ self.promoter)
        relief = GAIN * self.gain * (single + self.level_share * (environment @ level))
        if self.combinations is not None:
            together = ((active_enhancer @ self.combinations[0]) * promoter).sum(dim=1)
            together = together + ((enhancer @ self.combinations[1]) * active_promoter).sum(dim=1)
            relief = relief + pairs.where_known(together)
        return torch.as_tensor(relief)


class ScalarResistance(nn.Module):
    r"""One relief for all pairs of a block, :math:`R_E(M) = \mathrm{softplus}(b + L - w \cdot M)`.

    Without a landscape it cannot change the order of pairs in a cell line whose blocks share an environment.
    """

    def __init__(self, n_filters: int, offset: float) -> None:
        super().__init__()
        self.offset = nn.Buffer(torch.tensor(offset))
        self.weight = nn.Parameter(torch.zeros(n_filters))

    def forward(self, pairs: PairDescription, environment: Tensor, block: Tensor) -> Tensor:
        """Resistance of pairs, shape=(n,), in environments (n_blocks, n_filters) of their blocks (n,)."""
        relief = environment @ self.weight
        if pairs.landscape is None:
            # One number for each block, then for its pairs: not even rounding may tell these apart.
            return functional.softplus(self.offset - relief)[block]
        return resistance(self.offset, pairs, relief[block])

    @torch.no_grad()
    def shrink(self, share: float) -> None:
        """Leave so much of the relief."""
        self.weight.mul_(share)


class FilmResistance(nn.Module):
    r"""A free map from pair and environment to resistance.

    .. math:: R_E(x, M) = \mathrm{softplus}(b + L + h(x, M) - h(x, 0)), \qquad
        h(x, M) = u \cdot \mathrm{gelu}(\gamma(M) \odot \mathrm{gelu}(W v(x)) + \beta(M))

    (feature-wise linear modulation, Perez et al. 2018), with :math:`v(x)` the motifs of both elements, the
    geometry and the products of the pair representation. Nothing ties the channels of :math:`M` to those of
    the pair. The subtraction fixes the gauge, which :math:`h` could otherwise trade against :math:`U_I`.
    """

    def __init__(self, n_filters: int, n_products: int, offset: float) -> None:
        super().__init__()
        self.offset = nn.Buffer(torch.tensor(offset))
        self.read = nn.Linear(2 * n_filters + N_GEOMETRY + n_products, FILM_UNITS)
        self.modulate = nn.Sequential(
            nn.Linear(n_filters, FILM_UNITS), nn.GELU(), nn.Linear(FILM_UNITS, 2 * FILM_UNITS)
        )
        self.out = nn.Linear(FILM_UNITS, 1, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, pairs: PairDescription, environment: Tensor, block: Tensor) -> Tensor:
        """Resistance of pairs, shape=(n,), in environments (n_blocks, n_filters) of their blocks (n,)."""
        columns = [pairs.enhancer, pairs.promoter, pairs.geometry, pairs.products]
        read = functional.gelu(self.read(torch.cat(columns, dim=1)))
        # The last row is the average environment, which the others are compared with.
        scale, shift = self.modulate(functional.pad(environment, (0, 0, 0, 1))).chunk(2, dim=1)
        own = functional.gelu((1.0 + scale[block]) * read + shift[block])
        average = functional.gelu((1.0 + scale[-1]) * read + shift[-1])
        return resistance(self.offset, pairs, -pairs.where_known(self.out(own - average)[:, 0]))

    @torch.no_grad()
    def shrink(self, share: float) -> None:
        """Leave so much of the relief."""
        self.out.weight.mul_(share)


Resistance = TiedResistance | ScalarResistance | FilmResistance | LandscapeResistance


def build_resistance(
    n_filters: int, n_products: int, settings: ModelSettings, *, landscape: bool = False
) -> Resistance | None:
    """The resistance that the settings ask for; None for a model without environment and landscape."""
    if settings.environment == "tied":
        return TiedResistance(n_filters, settings.cooperation, settings.resistance_offset)
    if settings.environment == "scalar":
        return ScalarResistance(n_filters, settings.resistance_offset)
    if settings.environment == "film":
        return FilmResistance(n_filters, n_products, settings.resistance_offset)
    if landscape:
        return LandscapeResistance(settings.resistance_offset)
    return None
