r"""Motif encoder with filters shared between the two strands and between the element types."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

N_CODE = 4
_CHUNK = 32
"""Elements whose words are looked for together."""
_SLACK = 1e-3
"""More than rounding can change a score, nats."""
_LANES = 32
"""Windows whose scores are compared side by side, so that each comparison is of long rows."""
_WORD = 3
_N_WORDS = (N_CODE + 1) ** _WORD
_COMPLEMENT = torch.tensor([3, 2, 1, 0, N_CODE], dtype=torch.uint8)


Codes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]


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
        """Score and start of the best window of each filter on each strand, each (n, n_filters, 2).

        Discovery starts from seeds under which many windows score the same, so that rounding chooses among
        them. Windows that might be best are therefore scored again, base by base from the left.
        """
        kernel, scores, starts = self._kernel(), [], []
        for part in codes.split(_CHUNK):
            close = [_close_to_best(self._scores(rows)) for rows in self._rows(part)]
            element = np.repeat(np.arange(len(part)), [len(found) for found, _ in close])
            window, column = (np.concatenate(columns) for columns in zip(*close, strict=True))
            window = np.minimum(window, part.shape[1] - self.width)
            again = _sums(kernel, part.numpy(), element, window, column)
            # The best come first, and of equal ones the leftmost.
            order = np.lexsort((window, -again, column, element))
            place = (element * len(kernel) + column)[order]
            chosen = order[np.diff(place, prepend=-1) > 0]
            scores.append(torch.from_numpy(again[chosen]))
            starts.append(torch.from_numpy(window[chosen]))
        shape = (len(codes), 2, self.n_filters)
        score, start = torch.cat(scores), torch.cat(starts)
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
        if not len(codes):
            return torch.empty(0, self.n_filters, 3)
        parts = []
        threshold = torch.log((1 - self.prior) / self.prior) + log_positions(codes.shape[1], self.width)
        for part in codes.split(_CHUNK):
            best = np.stack([_best_of_lanes(self._scores(rows)).max(axis=0) for rows in self._rows(part)])
            score = torch.from_numpy(best).view(len(part), 2, self.n_filters).transpose(1, 2)
            either = torch.cat([score.amax(dim=2, keepdim=True), score], dim=2)
            parts.append(torch.sigmoid(either - threshold[:, None]))
        return torch.cat(parts)

    def _kernel(self) -> Tensor:
        """Filters of both strands, shape=(2 * n_filters, 5, width); an unknown base scores zero."""
        return functional.pad(torch.cat([self.filters, self.filters.flip(dims=(1, 2))]), (0, 0, 0, 1))

    def _rows(self, codes: Tensor) -> Tensor:
        """Rows of the table that add up to the score of each window, shape=(n, n_windows, n_words).

        The last window is repeated until there are as many as fill the lanes.
        """
        n_words = len(self._table) // _N_WORDS
        base = functional.pad(codes, (0, n_words * _WORD - self.width), value=N_CODE).int()
        span = base.shape[1] - _WORD + 1
        word = torch.zeros(len(codes), span, dtype=torch.int32)
        for offset in range(_WORD):
            word = word * (N_CODE + 1) + base[:, offset : offset + span]
        words = word.unfold(1, (n_words - 1) * _WORD + 1, 1)[:, :, ::_WORD]
        n_windows = words.shape[1]
        rows = torch.empty(len(codes), -(-n_windows // _LANES) * _LANES, n_words, dtype=torch.int32)
        torch.add(words, torch.arange(n_words, dtype=torch.int32) * _N_WORDS, out=rows[:, :n_windows])
        rows[:, n_windows:] = rows[:, n_windows - 1 : n_windows]
        return rows

    def _scores(self, rows: Tensor) -> Tensor:
        """Scores of all windows of an element, shape=(n_windows, 2 * n_filters); forward filters come first.

        What a convolution of one-hot codes gives, by looking words of bases up: a window is a few words, and
        its score is the sum of a row of the table for each. One element at a time, so that the scores stay in
        a processor's cache, and a score does not depend on what is scored beside it, to the last bit.
        """
        return functional.embedding_bag(rows, self._table, mode="sum")

    @cached_property
    def _table(self) -> Tensor:
        """What each word adds at each place of a window, shape=(n_words * 5 ** 3, 2 * n_filters)."""
        n_words = -(-self.width // _WORD)
        kernel = functional.pad(self._kernel(), (0, n_words * _WORD - self.width))
        number = torch.arange(_N_WORDS)
        table = torch.zeros(n_words, _N_WORDS, len(kernel))
        for offset in range(_WORD):
            base = number // (N_CODE + 1) ** (_WORD - 1 - offset) % (N_CODE + 1)
            table += kernel[:, base, offset::_WORD].permute(2, 1, 0)
        return table.flatten(0, 1)


def _in_lanes(scores: Tensor) -> Floats:
    """The scores of ``_LANES`` windows in each row, shape=(n_windows / _LANES, _LANES * n_columns)."""
    return scores.numpy().reshape(-1, _LANES * scores.shape[1])


def _best_of_lanes(scores: Tensor) -> Floats:
    """Best score of each column among every ``_LANES``-th window, shape=(_LANES, n_columns)."""
    return np.asarray(_in_lanes(scores).max(axis=0).reshape(_LANES, -1))


def _close_to_best(scores: Tensor) -> tuple[Indices, Indices]:
    """Window and column of all scores that might be the best of their column."""
    best = _best_of_lanes(scores)
    least = best.max(axis=0) - np.float32(_SLACK)
    # Few lanes hold such a score; only theirs are looked through.
    place = np.flatnonzero(best >= least)
    lane, column = np.divmod(place, scores.shape[1])
    held = np.take(_in_lanes(scores), place, axis=1)
    row, found = np.divmod(np.flatnonzero(held >= least[column]), len(place))
    return row * _LANES + lane[found], column[found]


def _sums(kernel: Tensor, codes: Codes, element: Indices, window: Indices, column: Indices) -> Floats:
    """Scores of some windows, added up base by base, shape=(n_windows,)."""
    # Looked up by one number each, which takes less than half the time of three.
    filters = np.ascontiguousarray(kernel.permute(2, 0, 1).numpy())
    bases, first = codes.reshape(-1), element * codes.shape[1] + window
    row = column * filters.shape[2]
    score = np.zeros(len(element), dtype=np.float32)
    for offset, values in enumerate(filters.reshape(len(filters), -1)):
        score += values[row + bases[first + offset]]
    return score


def log_positions(length: int, width: int) -> float:
    """Logarithm of the number of windows on both strands of an element."""
    return math.log(2 * max(length - width + 1, 1))
