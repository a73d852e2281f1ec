r"""Motif encoder with weights shared between the two strands.

A filter scores every window of both strands; the best window of each strand represents the element.
The gradient of a maximum lives in its arg-max window alone, so training works on the best windows,
which a dense scan finds again from time to time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

N_CODE = 4


class MotifEncoder(nn.Module):
    r"""Presence of motifs in elements.

    .. math:: f_{ek} = \mathrm{sigmoid}(a_k (\max_{strand, position} \langle W_k, x \rangle - t_k - \log n_e))

    where :math:`n_e` is the number of windows of element ``e``. With log-odds filters, unit scale and
    the log prior odds as threshold it is the posterior probability that the motif is present.

    Parameters
    ----------
    filters : Tensor, shape=(n_filters, 4, width)
        Initial filters.

    Shapes
    ------
    windows : (n, n_filters, 2, width) uint8, the best window of each strand, read in the filter's direction
    features : (n, n_filters, 3) in [0, 1]: either strand, forward strand, reverse strand
    """

    def __init__(self, filters: Tensor, threshold: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.filters = nn.Parameter(filters.clone())
        self.threshold = nn.Parameter(threshold.clone())
        self.log_scale = nn.Parameter(scale.clone().log())

    @property
    def n_filters(self) -> int:
        """Number of motif channels."""
        return int(self.filters.shape[0])

    @property
    def width(self) -> int:
        """Width of a filter, bp."""
        return int(self.filters.shape[2])

    def scores(self, windows: Tensor) -> Tensor:
        """Score of the best window on each strand, shape=(n, n_filters, 2), nats."""
        one_hot = functional.one_hot(windows.long(), 5)[..., :4].to(self.filters.dtype)
        return torch.einsum("nksjb,kbj->nks", one_hot, self.filters)

    def activate(self, scores: Tensor, log_positions: Tensor) -> Tensor:
        """Features from scores.

        Parameters
        ----------
        scores : Tensor, shape=(..., n_filters, 2)
        log_positions : Tensor, shape=(...)
            Logarithm of the number of windows searched: a longer element needs a better best window.

        Returns
        -------
        Tensor, shape=(..., n_filters, 3)
        """
        scores = torch.cat([scores.amax(dim=-1, keepdim=True), scores], dim=-1)
        margin = scores - self.threshold[:, None] - log_positions[..., None, None]
        return torch.sigmoid(self.log_scale.exp()[:, None] * margin)

    def forward(self, windows: Tensor, log_positions: Tensor) -> Tensor:
        """Features of elements from their best windows."""
        return self.activate(self.scores(windows), log_positions)

    @torch.no_grad()
    def scan(self, codes: Tensor, chunk: int = 32) -> Tensor:
        """Best window of each filter on each strand.

        Parameters
        ----------
        codes : Tensor of uint8, shape=(n, length)
            A 0, C 1, G 2, T 3, N 4; N scores zero.

        Returns
        -------
        Tensor of uint8, shape=(n, n_filters, 2, width)
            On the reverse strand the window is already reverse-complemented.
        """
        width, device = self.width, self.filters.device
        reverse = self.filters.flip(dims=(1, 2))
        kernel = torch.cat([self.filters, reverse])
        complement = torch.tensor([3, 2, 1, 0, N_CODE], dtype=torch.uint8)
        offsets = torch.arange(width)
        found = []
        for part in codes.split(chunk):
            one_hot = torch.zeros(len(part), 5, part.shape[1], device=device)
            one_hot.scatter_(1, part.long().to(device)[:, None], 1.0)
            best = functional.conv1d(one_hot[:, :4], kernel).argmax(dim=2).cpu()  # (n, 2K)
            index = (best[:, :, None] + offsets).flatten(1)
            window = part.gather(1, index).view(len(part), 2, self.n_filters, width)
            forward, backward = window[:, 0], window[:, 1]
            backward = complement[backward.long()].flip(dims=(2,))
            found.append(torch.stack([forward, backward], dim=2))
        return torch.cat(found) if found else torch.empty(0, self.n_filters, 2, width, dtype=torch.uint8)


def log_positions(length: int, width: int) -> float:
    """Logarithm of the number of windows on both strands of an element."""
    return math.log(2 * max(length - width + 1, 1))
