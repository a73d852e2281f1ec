r"""The activity-by-contact score (ABC) with a power law in place of measured contacts.

.. math:: \mathrm{ABC}(e, p) = \frac{A_e\, c(d_{ep})}{\sum_{f} A_f\, c(d_{fp})}
          \qquad c(d) = \exp(s - \gamma \ln(\max(d, 5\,\mathrm{kb}) + 1))

over all elements :math:`f` less than 5 Mb from the transcription start, :math:`A` their activity. An element
that holds the start, or ends less than 500 bp from it, is the gene's own promoter and scores 1. Numbers are
those of the published program (Fulco et al. 2019; Nasser et al. 2021; ABC-Enhancer-Gene-Prediction): the
scale :math:`s` cancels, and a pseudocount is added to measured contacts alone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.landscape.features import ELEMENT_RADIUS, Pairs
from cbat.landscape.sites import FloatArray, Positions, Sites

GAMMA: Final = 1.024238616787792
SCALE: Final = 5.9594510043736655
NEAREST: Final = 5_000
"""Nearer elements count as this far, bp."""
WINDOW: Final = 5_000_000
"""Elements this far or farther, bp, do not count."""
SLOP: Final = 500
"""An element that ends less than so many bp from a transcription start is its own promoter."""


def contact(distance: npt.ArrayLike) -> FloatArray:
    """Contact frequency that a power law expects at a distance (bp), shape=(n,)."""
    d = np.maximum(np.asarray(distance, dtype=float), NEAREST)
    return np.asarray(np.exp(SCALE - GAMMA * np.log(d + 1.0)))


def all_activity(centre: npt.ArrayLike, activity: npt.ArrayLike, start: npt.ArrayLike) -> FloatArray:
    """Activity times contact of all elements of a chromosome at each transcription start, shape=(n_starts,).

    Parameters
    ----------
    centre, activity : array, shape=(n_elements,)
        Centres (bp) and activities, in any order.
    start : array, shape=(n_starts,)
        Transcription starts, bp.
    """
    starts = np.asarray(start, dtype=np.int64)
    total = np.zeros(len(starts))
    sites = Sites.of(centre, centre, centre, activity)
    for row, site in sites.around(starts, WINDOW):
        distance = np.abs(sites.centre[site] - starts[row])
        weighed = np.where(distance < WINDOW, sites.activity[site] * contact(distance), 0.0)
        total += np.bincount(row, weights=weighed, minlength=len(starts))
    return total


def score(
    own: FloatArray, distance: npt.ArrayLike, total: FloatArray, self_promoter: npt.NDArray[np.bool_]
) -> FloatArray:
    """ABC of pairs, shape=(n,).

    Parameters
    ----------
    own : array, shape=(n,)
        Activity of the element.
    distance : array, shape=(n,)
        From its centre to the transcription start, bp.
    total : array, shape=(n,)
        Of :func:`all_activity` at the start; 0 makes a score of 0.
    self_promoter : bool array, shape=(n,)
        Whether the element is the gene's own promoter.
    """
    numerator = own * contact(distance)
    share = np.divide(numerator, total, out=np.zeros(len(numerator)), where=total > 0.0)
    return np.where(self_promoter, 1.0, np.minimum(share, 1.0))


def of_pairs(peaks: pd.DataFrame, pairs: Pairs) -> FloatArray:
    """ABC of pairs of a chromosome, with peaks of active enhancers as elements, shape=(n_pairs,).

    The activity of a peak is its signal: what the peak caller said, times length where peaks were merged. An
    enhancer has that of the strongest peak that overlaps the 750 bp on either side of its centre; without
    one it scores 0.

    Parameters
    ----------
    peaks : DataFrame
        ``start``, ``end``, ``centre`` (0-based half-open, bp) and ``signal`` of one chromosome.
    pairs : Pairs
        Promoters are transcription starts.
    """
    ordered = peaks.sort_values("centre", kind="stable")
    start, end, centre = (ordered[name].to_numpy(dtype=np.int64) for name in ("start", "end", "centre"))
    signal = ordered["signal"].to_numpy(dtype=float)
    total = all_activity(centre, signal, pairs.promoter)
    at = _strongest_at(start, end, signal, pairs.enhancer)
    of = at[pairs.enhancer_of]
    there = of >= 0
    own = np.where(there, np.append(signal, 0.0)[of], 0.0)
    position = pairs.promoter[pairs.promoter_of]
    own_promoter = (
        there & (np.append(start, 0)[of] - SLOP < position) & (np.append(end, 0)[of] + SLOP > position)
    )
    distance = np.abs(pairs.enhancer[pairs.enhancer_of] - position)
    return score(own, distance, total[pairs.promoter_of], own_promoter)


def _strongest_at(start: Positions, end: Positions, signal: FloatArray, centre: Positions) -> Positions:
    """Row of the strongest peak near each centre, -1 without one; peaks do not overlap one another."""
    first = np.searchsorted(end, centre - ELEMENT_RADIUS, side="right")
    last = np.searchsorted(start, centre + ELEMENT_RADIUS)
    found = np.full(len(centre), -1, dtype=np.int64)
    best = np.full(len(centre), -np.inf)
    for step in range(int((last - first).max(initial=0))):
        row = first + step
        better = np.flatnonzero(
            (row < last) & (np.append(signal, -np.inf)[np.minimum(row, len(signal))] > best)
        )
        found[better], best[better] = row[better], signal[row[better]]
    return found
