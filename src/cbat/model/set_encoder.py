r"""How a support set weighs the channels of its environment: induced set attention, then a mean.

An encoder says how much larger or smaller the deviation of a channel is to be taken,
:math:`M_k (1 + h_k(S))`. So an average line, :math:`M = 0`, stays one whatever its support set holds. Without
a support set a channel is weighed as it usually is, by the mean of :math:`h` over the sets that the model was
chosen on: one function for every size.

.. math::

    \mathrm{MAB}(X, Y) &= \mathrm{LayerNorm}(H + \mathrm{relu}(W H)), \quad
        H = \mathrm{LayerNorm}(X + \mathrm{Multihead}(X, Y, Y)) \\
    \mathrm{ISAB}(X) &= \mathrm{MAB}(X, \mathrm{MAB}(I, X))

(Lee et al. 2019, Set Transformer). Blocks are the batch dimension, so attention cannot cross them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class MultiheadAttentionBlock(nn.Module):
    r"""MAB; queries (n, q, width) read from a set (n, s, width), whose elements ``mask`` (n, s) marks.

    Tokens are narrow and many, so that to project all of them costs more than to compare them. Only those of
    the side that has fewer are projected: a head's :math:`\langle W_q x + b_q, W_k y + b_k \rangle` is
    :math:`\langle x, W_q^T (W_k y + b_k) \rangle` and what does not depend on ``x``, or the other way round;
    and a weighted mean of projected values is the projection of the weighted mean.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, n_heads, batch_first=True)
        self.linear = nn.Linear(width, width)
        self.norm_attended = nn.LayerNorm(width)
        self.norm_output = nn.LayerNorm(width)

    def forward(self, queries: Tensor, elements: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attended queries, shape=(n, q, width); queries of shape (1, q, width) are those of every set."""
        queries = queries.expand(len(elements), -1, -1)
        few = queries.shape[1] <= elements.shape[1]
        read = (self._few_read if few else self._many_read)(queries, elements, mask)
        attended = self.norm_attended(queries + read)
        return torch.as_tensor(self.norm_output(attended + functional.relu(self.linear(attended))))

    def _few_read(self, queries: Tensor, elements: Tensor, mask: Tensor | None) -> Tensor:
        """What few queries read from many elements, shape=(n, q, width)."""
        (to_query, to_key, to_value), (of_query, _, of_value) = self._heads()
        asked = torch.einsum("nqw,hdw->nhqd", queries, to_query) + of_query[:, None]
        asked = torch.einsum("nhqd,hdw->nhqw", asked, to_key) * self.attention.head_dim**-0.5
        # The bias of the keys adds the same to all elements of a softmax.
        logit = torch.bmm(asked.flatten(1, 2), elements.transpose(1, 2))
        if mask is not None:
            logit = logit.masked_fill(~mask[:, None], float("-inf"))
        mean = torch.bmm(logit.softmax(dim=2), elements).unflatten(1, (self.attention.num_heads, -1))
        value = torch.einsum("nhqw,hdw->nqhd", mean, to_value) + of_value
        return torch.as_tensor(self.attention.out_proj(value.flatten(2)))

    def _many_read(self, queries: Tensor, elements: Tensor, mask: Tensor | None) -> Tensor:
        """What many queries read from few elements, shape=(n, q, width)."""
        (to_query, to_key, to_value), (of_query, of_key, of_value) = self._heads()
        key = torch.einsum("nsw,hdw->nhsd", elements, to_key) + of_key[:, None]
        key = key * self.attention.head_dim**-0.5
        value = torch.einsum("nsw,hdw->nhsd", elements, to_value) + of_value[:, None]
        value = torch.einsum("nhsd,hwd->nhsw", value, self._out_heads()).flatten(1, 2)
        asked = torch.einsum("nhsd,hdw->nhsw", key, to_query).flatten(1, 2)
        level = torch.einsum("nhsd,hd->nhs", key, of_query).flatten(1, 2)
        # Queries come last, for a softmax over few values is slow where these lie side by side.
        logit = torch.baddbmm(level[:, :, None], asked, queries.transpose(1, 2))
        logit = logit.unflatten(1, (self.attention.num_heads, -1))
        if mask is not None:
            logit = logit.masked_fill(~mask[:, None, :, None], float("-inf"))
        share = logit.softmax(dim=2).flatten(1, 2).transpose(1, 2)
        return torch.baddbmm(self.attention.out_proj.bias, share, value)

    def _heads(self) -> tuple[Tensor, Tensor]:
        """Weights and biases of queries, keys and values, shape=(3, n_heads, d, width), (3, n_heads, d)."""
        heads = (3, self.attention.num_heads, self.attention.head_dim)
        assert self.attention.in_proj_weight is not None
        return self.attention.in_proj_weight.view(*heads, -1), self.attention.in_proj_bias.view(heads)

    def _out_heads(self) -> Tensor:
        """Weights from each head to the output, shape=(n_heads, width, d)."""
        weight = self.attention.out_proj.weight
        return weight.view(len(weight), self.attention.num_heads, -1).transpose(0, 1)


class InducedSetAttentionBlock(nn.Module):
    """ISAB; permutation-equivariant, linear in the size of the set."""

    def __init__(self, width: int, n_heads: int, n_inducing: int) -> None:
        super().__init__()
        self.inducing = nn.Parameter(torch.empty(1, n_inducing, width))
        nn.init.xavier_uniform_(self.inducing)
        self.gather = MultiheadAttentionBlock(width, n_heads)
        self.spread = MultiheadAttentionBlock(width, n_heads)

    def forward(self, elements: Tensor, mask: Tensor | None = None) -> Tensor:
        """Encoded elements, shape=(n, s, width); rows that the mask excludes mean nothing."""
        summary = self.gather(self.inducing, elements, mask)
        return torch.as_tensor(self.spread(elements, summary))


class SetEncoder(nn.Module):
    """From the standardised features of a support set to the weights of the channels.

    The last layer starts at zero, so that training starts from the environment as it is.

    Parameters
    ----------
    n_filters : int
        Channels in and out.
    width, n_heads, n_inducing : int
        Width of the tokens, heads, and inducing points.
    """

    def __init__(self, n_filters: int, width: int = 32, n_heads: int = 2, n_inducing: int = 8) -> None:
        super().__init__()
        self.embed = nn.Linear(n_filters, width)
        self.block = InducedSetAttentionBlock(width, n_heads, n_inducing)
        self.out = nn.Linear(width, n_filters)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.usual = nn.Buffer(torch.zeros(n_filters))

    @torch.no_grad()
    def settle(self, weights: Tensor) -> None:
        """Weigh channels like this, (n_filters,), where there is no support set."""
        self.usual.copy_(weights)

    def forward(self, support: Tensor, mask: Tensor, fused: Tensor) -> Tensor:
        """What each channel of each block is weighed by, less 1.

        Parameters
        ----------
        support : Tensor, shape=(n_blocks, n_support, n_filters)
        mask : Tensor of bool, shape=(n_blocks, n_support)
            False where a block has no further element.
        fused : Tensor, shape=(n_blocks, n_filters)
            The environment that is weighed; not read.

        Returns
        -------
        Tensor, shape=(n_blocks, n_filters)
            The usual weights for a block without support.
        """
        found = self.out(_pooled(self.block, self.embed(support), mask))
        return torch.where(_filled(mask), found, self.usual)


class TiedSetEncoder(nn.Module):
    r"""A set encoder whose parameters all channels share.

    Channels join the batch dimension. To channel ``k`` of a block, the token of a support element ``s`` is
    :math:`(x_{sk}, x_{sk}^2, M_k, \bar x_s)`: the standardised feature, its square, the fused environment
    of the channel, and the mean of the element's features. So it can learn how the spread, the shape or
    the sequence composition of a support set should weigh the reading of a channel, but no table of
    which motif goes with which, which a few training lines could not teach.

    Parameters
    ----------
    width, n_heads, n_inducing : int
        Width of the tokens, heads, and inducing points.
    """

    def __init__(self, width: int = 8, n_heads: int = 1, n_inducing: int = 4) -> None:
        super().__init__()
        self.embed = nn.Linear(4, width)
        self.block = InducedSetAttentionBlock(width, n_heads, n_inducing)
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.usual = nn.Buffer(torch.zeros(1))

    @torch.no_grad()
    def settle(self, weights: Tensor) -> None:
        """Weigh every channel by the mean of these, (n_filters,), where there is no support set."""
        self.usual.fill_(weights.mean())

    def forward(self, support: Tensor, mask: Tensor, fused: Tensor) -> Tensor:
        """What each channel of each block is weighed by, less 1; see :meth:`SetEncoder.forward`."""
        n_blocks, _, n_filters = support.shape
        feature = support.transpose(1, 2)  # (n_blocks, n_filters, n_support)
        known = fused[:, :, None].expand_as(feature)
        level = support.mean(dim=2)[:, None].expand_as(feature)
        tokens = torch.stack([feature, feature**2, known, level], dim=3).flatten(0, 1)
        of_channels = mask.repeat_interleave(n_filters, dim=0)
        pooled = _pooled(self.block, self.embed(tokens), of_channels)
        return torch.where(_filled(mask), self.out(pooled).view(n_blocks, n_filters), self.usual)


def _filled(mask: Tensor) -> Tensor:
    return mask.any(dim=1, keepdim=True)


def _pooled(block: InducedSetAttentionBlock, tokens: Tensor, mask: Tensor) -> Tensor:
    """Mean of the encoded elements that the mask marks, shape=(n, width)."""
    if not tokens.shape[1]:
        return tokens.new_zeros(len(tokens), tokens.shape[2])
    # A set without elements would give attention nothing to normalise over.
    encoded = block(tokens, mask | ~_filled(mask))
    share = mask[..., None].float() / mask.sum(dim=1).clamp(min=1)[:, None, None]
    return torch.as_tensor((encoded * share).sum(dim=1))
