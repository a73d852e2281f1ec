r"""What somebody who knows the matrices can tell of planted motifs from sequences alone.

An element carries a motif with a known chance r, then one instance at any place on either strand. With the
likelihood ratio :math:`\lambda_{is}` of an instance that begins at i on strand s against the background, an
order-1 Markov chain fitted to the element itself, the element carries the motif with probability

.. math:: \frac{r \bar\lambda}{1 - r + r \bar\lambda},

where the bar is the mean over places and strands. Motifs are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.data.stored import open_array
from cbat.simulation.genome import Genome

Array = NDArray[np.float64]
SMALLEST_PROBABILITY: Final = 1e-4
_TOGETHER: Final = 50
_PSEUDOCOUNT: Final = 4.0


@dataclass(frozen=True)
class MotifCalls:
    """Motifs of the elements of one type.

    Attributes
    ----------
    presence : array, shape=(n, K)
        Chance that an element carries a motif.
    forward : array, shape=(n, K)
        Chance that the instance lies on the forward strand, if there is one.
    """

    presence: Array
    forward: Array


def call_motifs(
    settings: SimulationSettings, genome: Genome, matrices: Sequence[Array]
) -> tuple[MotifCalls, MotifCalls]:
    """Motifs of enhancers and of promoters; ``genome`` must still have the files of their bases."""
    sharp = [matrix**settings.motif_sharpness for matrix in matrices]
    logs = [np.log(np.maximum(m / m.sum(axis=1, keepdims=True), SMALLEST_PROBABILITY)) for m in sharp]
    found = []
    for path in genome.codes:
        codes = open_array(path, mend="simulate the benchmark again")
        pieces = [
            _ratios(np.asarray(codes[at : at + _TOGETHER]), logs) for at in range(0, len(codes), _TOGETHER)
        ]
        forward, backward = np.concatenate(pieces, axis=1)
        ratio = settings.motif_rate * (forward + backward) / 2.0
        found.append(MotifCalls(ratio / (1.0 - settings.motif_rate + ratio), forward / (forward + backward)))
    return found[0], found[1]


def _ratios(codes: NDArray[np.uint8], logs: Sequence[Array]) -> Array:
    """Mean likelihood ratio over the places of each strand, shape=(2, n, K)."""
    n, length = codes.shape
    width = max(len(matrix) for matrix in logs)
    kernel = np.zeros((width, 4, 2, len(logs)), dtype=np.float32)
    for k, matrix in enumerate(logs):
        kernel[: len(matrix), :, 0, k] = matrix
        kernel[: len(matrix), :, 1, k] = matrix[::-1, ::-1]
    bases = np.zeros((n, length + width - 1, 4), dtype=np.float32)
    np.put_along_axis(bases[:, :length], codes[..., None].astype(np.intp), 1.0, axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(bases, width, axis=1).transpose(0, 1, 3, 2)
    score = windows.reshape(n * length, width * 4) @ kernel.reshape(width * 4, -1)
    score = score.reshape(n, length, 2, len(logs))
    before = np.concatenate([np.zeros((n, 1)), _background(codes).cumsum(axis=1)], axis=1)
    ratios = np.empty((2, n, len(logs)))
    for k, matrix in enumerate(logs):
        places = length - len(matrix) + 1
        alone = before[:, len(matrix) :] - before[:, :places]
        ratios[:, :, k] = np.exp(score[:, :places, :, k] - alone[..., None]).mean(axis=1).T
    return ratios


def _background(codes: NDArray[np.uint8]) -> Array:
    """Log-probability of each base given the one before it, (n, length) -> (n, length)."""
    n = len(codes)
    step = 4 * codes[:, :-1].astype(np.intp) + codes[:, 1:]
    cell = 16 * np.arange(n)[:, None] + step
    counts = np.bincount(cell.ravel(), minlength=16 * n).reshape(n, 4, 4).astype(float)
    share = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    counts += _PSEUDOCOUNT * share[:, None, :] + 1e-9
    chance = np.log(counts / counts.sum(axis=2, keepdims=True)).reshape(n, 16)
    first = np.log(share + 1e-9)[np.arange(n), codes[:, 0]]
    return np.concatenate([first[:, None], np.take_along_axis(chance, step, axis=1)], axis=1)
