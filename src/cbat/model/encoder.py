r"""Motif encoder with filters shared between the two strands and between the element types."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

N_CODE = 4
_CHUNK = 32
_COMPLEMENT = torch.tensor([3, 2, 1, 0, N_CODE], dtype=torch.uint8)


@dataclass(frozen=True)
class MotifEncoder:
    r"""Presence of motifs in elements.

    .. math:: f_{ek} = \mathrm{sigmoid}(\max_{strand, position} \langle W_k, x \rangle
        - \log \tfrac{1 - \pi_k}{\pi_k} - \log n_e)

    where :math:`n_e` is the number of windows of element ``e`` on both strands. With log-odds filters it
    is the posterior probability, to the best window, that the motif is present (the "zero or one
    occurrence per sequence" model of Bailey and Elkan 1994).

    Attributes
    ----------
    filters : Tensor, shape=(n_filters, 4, width)
        Log-odds against the background, nats; an unknown base scores zero.
    prior : Tensor, shape=(n_filters,)
        Share of elements that hold the motif.
    """

    filters: Tensor
    prior: Tensor

    @property
    def n_filters(self) -> int:
        """Number of motif channels."""
        return int(self.filters.shape[0])

    @property
    def width(self) -> int:
        """Width of a filter, bp."""
        return int(self.filters.shape[2])

    @torch.no_grad()
    def best_windows(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Best window of each filter on each strand, and its score.

        Parameters
        ----------
        codes : Tensor of uint8, shape=(n, length)
            A 0, C 1, G 2, T 3, N 4.

        Returns
        -------
        scores : Tensor, shape=(n, n_filters, 2)
            Forward and reverse strand, nats.
        windows : Tensor of uint8, shape=(n, n_filters, 2, width)
            Bases read in the filter's direction.
        """
        offsets = torch.arange(self.width)
        scores, windows = [], []
        for part in codes.split(_CHUNK):
            score, start = self.best_starts(part)
            index = (start.transpose(1, 2).flatten(1)[:, :, None] + offsets).flatten(1)
            found = part.gather(1, index).view(len(part), 2, self.n_filters, self.width)
            backward = _COMPLEMENT[found[:, 1].long()].flip(dims=(2,))
            scores.append(score)
            windows.append(torch.stack([found[:, 0], backward], dim=2))
        return torch.cat(scores), torch.cat(windows)

    @torch.no_grad()
    def best_starts(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Score and start of the best window of each filter on each strand, each (n, n_filters, 2)."""
        parts = [self._convolve(part).max(dim=2) for part in codes.split(_CHUNK)]
        score, start = (torch.cat(both) for both in zip(*parts, strict=True))
        shape = (len(codes), 2, self.n_filters)
        return score.view(shape).transpose(1, 2), start.view(shape).transpose(1, 2)

    @torch.no_grad()
    def features(self, codes: Tensor) -> Tensor:
        """Probability that each motif is present.

        Parameters
        ----------
        codes : Tensor of uint8, shape=(n, length)

        Returns
        -------
        Tensor, shape=(n, n_filters, 3)
            On either strand, on the forward strand, on the reverse strand.
        """
        parts = []
        threshold = torch.log((1 - self.prior) / self.prior) + log_positions(codes.shape[1], self.width)
        for part in codes.split(_CHUNK):
            # Always as many at once: the rounding of a convolution depends on that.
            whole = functional.pad(part, (0, 0, 0, _CHUNK - len(part)), value=N_CODE)
            score = self._convolve(whole).amax(dim=2).view(_CHUNK, 2, self.n_filters).transpose(1, 2)
            either = torch.cat([score.amax(dim=2, keepdim=True), score], dim=2)
            parts.append(torch.sigmoid(either - threshold[:, None])[: len(part)])
        return torch.cat(parts) if parts else torch.empty(0, self.n_filters, 3)

    def _convolve(self, codes: Tensor) -> Tensor:
        """Scores of all windows, shape=(n, 2 * n_filters, n_windows); forward filters come first."""
        kernel = torch.cat([self.filters, self.filters.flip(dims=(1, 2))])
        one_hot = torch.zeros(len(codes), N_CODE + 1, codes.shape[1])
        one_hot.scatter_(1, codes.long()[:, None], 1.0)
        return functional.conv1d(one_hot[:, :N_CODE], kernel)


def log_positions(length: int, width: int) -> float:
    """Logarithm of the number of windows on both strands of an element."""
    return math.log(2 * max(length - width + 1, 1))
