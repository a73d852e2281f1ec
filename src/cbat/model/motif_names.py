r"""Names for the motif channels of an encoder: the known motif that each filter looks like.

Two motifs are compared in every ungapped alignment on both strands. With :math:`x_i, y_i` the columns
minus the background, the similarity of an alignment is

.. math:: r = \frac{\sum_{i \in \text{overlap}} x_i \cdot y_i}{\sqrt{\sum_i |x_i|^2 \sum_i |y_i|^2}}

the Pearson correlation of columns (Pietrokovski 1996) over the whole alignment instead of column by column.
So columns weigh as much as they say, positions of no preference do not count, and what hangs over on either
side lowers the similarity: a short match of a long motif is none. Gupta et al. (2007, Tomtom) and Mahony and
Benos (2007, STAMP) compare such scores and alignments.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cbat.data.motif_files import BASES, PSEUDOCOUNT, Motif
from cbat.model.environment import FloatArray
from cbat.simulation.motifs import RELEASE

LEAST_OVERLAP: Final = 6
"""Columns that an alignment must share; a shorter motif must lie inside the other one."""
ALIKE: Final = 0.03
"""Known motifs this much less similar than the best are named beside it: those of a family look the same."""
UNNAMED: Final = "-"
_ASKED_BY: Final = (
    "MATRIX (ID COLLATE NOCASE)",
    "MATRIX (BASE_ID)",
    "MATRIX_SPECIES (ID)",
    "MATRIX_PROTEIN (ID COLLATE NOCASE)",
    "MATRIX_ANNOTATION (ID)",
)
"""Tables of JASPAR, and the columns by which their rows are looked up."""
_AMBIGUOUS: Final = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}


@dataclass(frozen=True)
class MotifName:
    """What a channel is called.

    Attributes
    ----------
    motif : str
        Name of the most similar known motif, or ``-`` where none is similar enough.
    similarity : float
        Of the most similar known motif, enough or not.
    alike : tuple of str
        Other known motifs that are nearly as similar, best first.
    """

    motif: str
    similarity: float
    alike: tuple[str, ...] = ()


def jaspar_motifs() -> list[Motif]:
    """The vertebrate core collection of JASPAR, from the release that ``pyjaspar`` brings along."""
    from pyjaspar import jaspardb

    database = jaspardb(release=RELEASE)
    # Each motif takes several questions, and the tables have no index: without one every question reads a
    # whole table, which is most of the time. The file of the package stays as it is.
    with sqlite3.connect(":memory:") as indexed:
        database.conn.backup(indexed)
        for number, columns in enumerate(_ASKED_BY):
            indexed.execute(f"CREATE INDEX asked_{number} ON {columns}")
    database.conn = indexed
    found = database.fetch_motifs(collection="CORE", tax_group=["vertebrates"])
    indexed.close()
    motifs = []
    for one in sorted(found, key=lambda motif: str(motif.matrix_id)):
        counts = np.array([one.counts[base] for base in BASES], dtype=np.float64).T + PSEUDOCOUNT
        motifs.append(Motif(str(one.name), counts / counts.sum(axis=1, keepdims=True)))
    return motifs


def filter_probabilities(filters: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Base probabilities of log-odds filters, and the background that these are held against.

    The background is not stored: it is the one, equal on both strands, under which
    :math:`\sum_b q_b \exp W_{kbi}` comes nearest to one in all columns.

    Parameters
    ----------
    filters : array, shape=(n_filters, 4, width)
        Log-odds, nats.

    Returns
    -------
    probability : array, shape=(n_filters, width, 4)
    background : array, shape=(4,)
    """
    odds = np.exp(np.asarray(filters, dtype=np.float64)).transpose(0, 2, 1)
    weak, strong = (odds[..., 0] + odds[..., 3]).ravel(), (odds[..., 1] + odds[..., 2]).ravel()
    slope, rest = weak - strong, 1.0 - 0.5 * strong
    steepness = float(slope @ slope)
    share = float(np.clip(slope @ rest / steepness, 0.05, 0.45)) if steepness > 0.0 else 0.25
    background = np.array([share, 0.5 - share, 0.5 - share, share])
    probability = odds * background
    return probability / probability.sum(axis=-1, keepdims=True), background


def similarities(queries: FloatArray, background: FloatArray, known: Sequence[Motif]) -> FloatArray:
    """Similarity of each query to each known motif in their best alignment.

    Parameters
    ----------
    queries : array, shape=(n_queries, width, 4)
        Base probabilities.
    background : array, shape=(4,)
        What the queries' columns are held against; known motifs are held against equal frequencies.
    known : sequence of Motif

    Returns
    -------
    array, shape=(n_queries, n_known)
        At most 1, which only motifs reach that are the same.
    """
    lengths = np.array([len(motif.probability) for motif in known])
    width, longest = queries.shape[1], int(lengths.max())
    centred = np.zeros((len(known), longest, len(BASES)))
    for row, motif in enumerate(known):
        centred[row, : lengths[row]] = motif.probability - 1.0 / len(BASES)
    # Reading a strand backwards complements its bases: both axes turn round, the length stays at the left.
    backward = np.zeros_like(centred)
    for row, length in enumerate(lengths):
        backward[row, :length] = centred[row, :length][::-1, ::-1]
    lines = queries - background
    norms = np.sqrt((lines**2).sum(axis=(1, 2)))[:, None] * np.sqrt((centred**2).sum(axis=(1, 2)))
    best = np.full((len(queries), len(known)), -1.0)
    for shift in range(1 - longest, width):  # of the known motif's first column against the query's
        first, last = max(shift, 0), min(shift + longest, width)
        inside = lines[:, first:last].reshape(len(lines), -1)
        overlap = np.minimum(shift + lengths, width) - first
        enough = overlap >= np.minimum(np.minimum(lengths, width), LEAST_OVERLAP)
        for strand in (centred, backward):
            part = strand[enough, first - shift : last - shift].reshape(-1, inside.shape[1])
            best[:, enough] = np.maximum(best[:, enough], inside @ part.T / (norms[:, enough] + 1e-12))
    return best


def name_motifs(filters: FloatArray, known: Sequence[Motif], least_similarity: float) -> list[MotifName]:
    """The most similar known motif of each filter.

    Parameters
    ----------
    filters : array, shape=(n_filters, 4, width)
        Log-odds, nats.
    known : sequence of Motif
    least_similarity : float
        Below it a channel stays without a name.
    """
    table = similarities(*filter_probabilities(filters), known)
    names = []
    for row in table:
        order = np.argsort(-row, kind="stable")
        best, similarity = known[order[0]].name, float(row[order[0]])
        if similarity < least_similarity:
            names.append(MotifName(UNNAMED, similarity))
            continue
        near = [known[at].name for at in order if row[at] >= max(similarity - ALIKE, least_similarity)]
        alike = tuple(dict.fromkeys(name for name in near if name != best))
        names.append(MotifName(best, similarity, alike))
    return names


def consensus(probability: FloatArray) -> str:
    """Consensus of a motif without its flanks of no preference.

    A base stands alone when it is more probable than one half and twice as probable as the next, two bases
    share a letter when they hold three quarters (Cavener 1987); other positions are N.

    Shapes: (length, 4) -> a word of at most ``length`` letters.
    """
    word = ""
    for column in probability:
        order = np.argsort(-column, kind="stable")
        first, second = column[order[0]], column[order[1]]
        if first > 0.5 and first > 2.0 * second:
            word += BASES[order[0]]
        elif first + second > 0.75:
            word += _AMBIGUOUS["".join(BASES[base] for base in sorted(order[:2]))]
        else:
            word += "N"
    return word.strip("N") or "N"
