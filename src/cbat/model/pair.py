"""What the two sequences say about a pair, before any cell line is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

N_GEOMETRY = 5


def pair_geometry(distance: Tensor, upstream: Tensor) -> Tensor:
    """Features of the pair's geometry.

    Parameters
    ----------
    distance : Tensor, shape=(n,)
        Distance between the centres, bp.
    upstream : Tensor, shape=(n,)
        +1 where the enhancer lies left of the promoter, else -1.

    Returns
    -------
    Tensor, shape=(n, 5)
        Centred log distance, two hinges of it, its square, and ``upstream``.
    """
    log_distance = torch.log10(distance.float().clamp(min=1000.0)) - 4.7
    columns = [
        log_distance,
        functional.relu(log_distance),
        functional.relu(log_distance - 0.6),
        log_distance**2,
        upstream.float(),
    ]
    return torch.stack(columns, dim=1)


class CrossBoundaryAttention(nn.Module):
    r"""Motif tokens of enhancer and promoter attend to each other, never to their own element.

    A token is a motif on a strand. Its presence :math:`f` weighs it on both sides,

    .. math:: h = \sum_i f_i \sum_j \frac{f_j e^{q_i \cdot k_j}}{\sum_l f_l e^{q_i \cdot k_l} + 1} v_j

    so an absent motif neither asks nor answers, and an element without motifs answers nothing. What a
    token says depends on the motif alone, so the affinities :math:`e^{q_i \cdot k_j}` are one matrix for
    all pairs, and attention costs two products with it.

    Shapes
    ------
    enhancer, promoter : (n, n_filters, 3)
    output : (n, 2 * width)
    """

    def __init__(self, n_filters: int, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        motif = torch.randn(2, n_filters, 1, width) / width**0.5
        strand = torch.randn(2, n_filters, 2, width) / (4 * width) ** 0.5
        self.token = nn.Parameter((motif + strand).transpose(1, 2).reshape(2, 2 * n_filters, width))
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, enhancer: Tensor, promoter: Tensor) -> Tensor:
        """Both directions, summed over the asking tokens."""
        # Forward strands of all motifs, then reverse ones, in the order of the tokens.
        presence = [element[..., 1:].transpose(1, 2).flatten(1) for element in (enhancer, promoter)]
        answers = [self._ask(presence[i], presence[1 - i], self.token[i], self.token[1 - i]) for i in (0, 1)]
        return torch.as_tensor(self.dropout(torch.cat(answers, dim=1)))

    def _ask(self, asks: Tensor, present: Tensor, asking: Tensor, answering: Tensor) -> Tensor:
        query, key, value = (
            x.view(len(x), self.n_heads, -1).transpose(0, 1)
            for x in (self.query(asking), self.key(answering), self.value(answering))
        )
        affinity = torch.exp((query @ key.transpose(1, 2) / key.shape[2] ** 0.5).clamp(max=30.0))
        share = asks / (present @ affinity.transpose(1, 2) + 1.0)  # (heads, n, asking tokens)
        answer = ((share @ affinity) * present) @ value  # (heads, n, width / heads)
        return torch.as_tensor(self.out(answer.transpose(0, 1).flatten(1)))


class LowRankProducts(nn.Module):
    """Products of projections of the two elements, ``(P f_e) * (Q f_p)``; output (n, rank)."""

    def __init__(self, n_filters: int, rank: int, dropout: float) -> None:
        super().__init__()
        self.enhancer = nn.Parameter(torch.randn(n_filters, rank) * 0.1)
        self.promoter = nn.Parameter(torch.randn(n_filters, rank) * 0.1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, enhancer: Tensor, promoter: Tensor) -> Tensor:
        """Products for each pair."""
        product = (enhancer[..., 0] @ self.enhancer) * (promoter[..., 0] @ self.promoter)
        return torch.as_tensor(self.dropout(product))


class MotifsAlone(nn.Module):
    """No products of the two elements, which are then described by their motifs alone; output (n, 0)."""

    def forward(self, enhancer: Tensor, promoter: Tensor) -> Tensor:
        """No column for each pair."""
        return enhancer.new_zeros(len(enhancer), 0)


def convergence(enhancer: Tensor, promoter: Tensor, upstream: Tensor) -> Tensor:
    """Per channel, a forward motif in the left element and a reverse one in the right; (n, n_filters)."""
    left_is_enhancer = (upstream > 0)[:, None]
    enhancer_first = enhancer[..., 1] * promoter[..., 2]
    promoter_first = promoter[..., 1] * enhancer[..., 2]
    return torch.where(left_is_enhancer, enhancer_first, promoter_first)
