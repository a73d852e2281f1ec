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

from cbat.landscape.features import Pairs
from cbat.landscape.sites import FloatArray, Positions, Sites

GAMMA: Final = 1.024238616787792
SCALE: Final = 5.9594510043736655
NEAREST: Final = 5_000
"""Nearer elements count as this far, bp."""
WINDOW: Final = 5_000_000
"""Elements this far or farther, bp, do not count."""
WIDTH: Final = 500
"""Of an element, bp."""
SLOP: Final = 500
"""An element that ends less than so many bp from a transcription start is its own promoter."""


def contact(distance: npt.ArrayLike) -> FloatArray:
    """Contact frequency that a power law expects at a distance (bp), shape=(n,)."""
    d = np.maximum(np.asarray(distance, dtype=float), NEAREST)
    return np.asarray(np.exp(SCALE - GAMMA * np.log(d + 1.0)))


def elements_of(peaks: pd.DataFrame) -> Sites:
    """Peaks of active enhancers of one chromosome as elements of about 500 bp, with a signal as activity.

    The published elements are 500 bp wide. A broad peak is cut into as many as it holds, each with its mean
    signal: as one element it would have the activity of a whole domain at every enhancer inside.

    Parameters
    ----------
    peaks : DataFrame
        ``start``, ``end`` (0-based half-open, bp) and ``signal``: what the peak caller said times length, or
        the same number for all peaks where nothing was said.
    """
    start, end, signal = (peaks[name].to_numpy() for name in ("start", "end", "signal"))
    length = end - start
    alike = len(signal) == 0 or bool((signal == signal[0]).all())
    density = np.ones(len(signal)) if alike else signal / length
    n = np.maximum(np.rint(length / WIDTH).astype(np.int64), 1)
    of, place = np.repeat(np.arange(len(n)), n), np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    left, right = (start[of] + length[of] * step // n[of] for step in (place, place + 1))
    return Sites.of(left, right, (left + right) // 2, density[of])


def all_activity(elements: Sites, start: npt.ArrayLike) -> FloatArray:
    """Activity times contact of all elements of a chromosome at each transcription start (bp), shape=(n,)."""
    return elements.reaching(np.asarray(start, dtype=np.int64), WINDOW, _contact_inside)


def _contact_inside(distance: Positions) -> FloatArray:
    return np.where(distance < WINDOW, contact(distance), 0.0)


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


def of_pairs(elements: Sites, pairs: Pairs) -> FloatArray:
    """ABC of pairs of a chromosome, shape=(n_pairs,).

    An enhancer has the activity of the strongest element that overlaps the 250 bp on either side of its
    centre; without one it scores 0.

    Parameters
    ----------
    elements : Sites
        Of :func:`elements_of`.
    pairs : Pairs
        Promoters are transcription starts.
    """
    total = all_activity(elements, pairs.promoter)
    of = _strongest_at(elements, pairs.enhancer)[pairs.enhancer_of]
    # Row -1 is that of an enhancer without an element.
    start, end, activity = (np.append(x, 0) for x in (elements.start, elements.end, elements.activity))
    position = pairs.promoter[pairs.promoter_of]
    own_promoter = (of >= 0) & (start[of] - SLOP < position) & (end[of] + SLOP > position)
    distance = np.abs(pairs.enhancer[pairs.enhancer_of] - position)
    return score(activity[of], distance, total[pairs.promoter_of], own_promoter)


def enhancer_side(starts: npt.ArrayLike, pairs: Pairs) -> FloatArray:
    """Share of a promoter in the contacts of its enhancer with transcription starts, shape=(n_pairs,).

    The contact of the pair over that of all starts less than 5 Mb from the enhancer, by the same power law:
    what distance and the number of competing genes say, without any activity.

    Parameters
    ----------
    starts : array of int, shape=(n_starts,)
        Transcription starts of the chromosome, bp.
    pairs : Pairs
    """
    once = np.unique(np.asarray(starts, dtype=np.int64))
    total = Sites.of(once, once, once, np.ones(len(once))).reaching(pairs.enhancer, WINDOW, _contact_inside)
    own, every = contact(pairs.distance), total[pairs.enhancer_of]
    # A promoter that is no known start counts itself.
    return np.asarray(own / np.maximum(every, own))


def _strongest_at(elements: Sites, centre: Positions) -> Positions:
    """Row of the strongest element near each centre, -1 without one."""
    first, last = elements.overlapping(centre, WIDTH // 2)
    found = np.full(len(centre), -1, dtype=np.int64)
    activity = np.append(elements.activity, -np.inf)
    for step in range(int((last - first).max(initial=0))):
        row = np.where(first + step < last, first + step, -1)
        found = np.where(activity[row] > activity[found], row, found)
    return found
