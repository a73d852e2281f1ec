"""Channels of known motifs: a curated panel, where motifs that data alone would give do not serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from cbat.data.motif_files import BASES, Motif
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import FloatArray
from cbat.model.motif_names import similarities

WIDTH: Final = 20
"""Columns of a channel; of a longer motif those that say most are kept."""
SAME: Final = 0.9
"""A motif this similar to one of the panel adds nothing; members of a family mostly differ by more."""
PRIOR: Final = 0.1
"""Share of elements that hold a motif; it moves the bend of a channel and no order of elements."""
_BACKGROUND: Final = np.full(len(BASES), 1.0 / len(BASES))


def distinct_motifs(motifs: Sequence[Motif], same: float = SAME) -> list[Motif]:
    """The motifs that no earlier one is alike, each at most :data:`WIDTH` long.

    Parameters
    ----------
    motifs : sequence of Motif
    same : float
        Similarity (see :mod:`cbat.model.motif_names`) from which on two motifs are one.
    """
    trimmed = [Motif(motif.name, _trimmed(motif.probability)) for motif in motifs]
    padded = np.full((len(trimmed), WIDTH, len(BASES)), 1.0 / len(BASES))
    for row, motif in enumerate(trimmed):
        padded[row, : len(motif.probability)] = motif.probability
    alike = similarities(padded, _BACKGROUND, trimmed) >= same
    kept: list[int] = []
    for row in range(len(trimmed)):
        if not (alike[row, kept] | alike[kept, row]).any():
            kept.append(row)
    return [trimmed[row] for row in kept]


def known_motif_encoder(motifs: Sequence[Motif]) -> MotifEncoder:
    """An encoder whose channels are known motifs, as log-odds against equal frequencies of the bases."""
    filters = np.zeros((len(motifs), len(BASES), WIDTH))
    for row, motif in enumerate(motifs):
        probability = _trimmed(motif.probability)
        first = (WIDTH - len(probability)) // 2
        filters[row, :, first : first + len(probability)] = np.log(probability / _BACKGROUND).T
    return MotifEncoder(torch.from_numpy(filters).float(), torch.full((len(motifs),), PRIOR))


def _trimmed(probability: FloatArray) -> FloatArray:
    """The :data:`WIDTH` neighbouring columns of a motif with the most information."""
    if len(probability) <= WIDTH:
        return probability
    information = (probability * np.log(probability / _BACKGROUND)).sum(axis=1)
    windows = np.convolve(information, np.ones(WIDTH), mode="valid")
    first = int(windows.argmax())
    return probability[first : first + WIDTH]
