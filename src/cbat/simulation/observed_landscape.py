"""The landscape of a line as its peaks show it to somebody who knows how peaks come about.

Activity of an element and occupancy of a CTCF site are their expectations given the signal of the peak at
their place, or given that there is none: it was missed, or the level was too low for one. Positions of CTCF
sites and the strands of their motifs are taken as known, and false peaks count as true ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.genome import Genome
from cbat.simulation.landscape import (
    INACTIVE,
    LOG_ODDS_INSIDE,
    LOG_ODDS_OUTSIDE,
    SPREAD_OF_LINES,
    SPREAD_OF_SITES,
    Landscape,
)
from cbat.simulation.peaks import LEAST_ACTIVITY, LEAST_OCCUPANCY, SIGNAL_SCALE
from cbat.simulation.world import sigmoid

Array = NDArray[np.float64]
_GRID: Final = np.linspace(-5.0, 5.0, 201)
_NEAR_SITE: Final = 60


def observed_landscape(
    settings: SimulationSettings,
    genome: Genome,
    peaks: Mapping[str, pd.DataFrame],
    candidates: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> Landscape:
    """The expected landscape.

    Parameters
    ----------
    peaks : mapping
        Kind of track -> columns of narrowPeak; see :func:`cbat.simulation.peaks.draw_peaks`.
    candidates : tuple of array of bool, shape=(n_enhancers,) and (n_promoters,)
    """
    log_activity = []
    for elements, length, own, kinds in (
        (genome.enhancers, settings.enhancer_length, candidates[0], ("active_enhancers",)),
        (
            genome.promoters,
            settings.promoter_length,
            candidates[1],
            ("active_enhancers", "active_promoters"),
        ),
    ):
        centre, near = elements.start + length // 2, length // 2
        signal = np.stack([_signals(peaks[kind], elements.chromosome, centre, near) for kind in kinds])
        log = np.zeros(len(own))
        for state, shift in ((True, 0.0), (False, INACTIVE)):
            rows = np.flatnonzero(own == state)
            level = np.exp(_GRID + shift)
            log[rows] = _expected(settings, signal[:, rows], level, LEAST_ACTIVITY, _GRID)
        log_activity.append(log)
    sites = genome.sites
    signal = _signals(peaks["insulators"], sites.chromosome, sites.centre, _NEAR_SITE)[None]
    spread = np.hypot(SPREAD_OF_SITES, SPREAD_OF_LINES)
    occupancy = np.zeros(len(sites.centre))
    for outside, centre_of in ((True, LOG_ODDS_OUTSIDE), (False, LOG_ODDS_INSIDE)):
        rows = np.flatnonzero(sites.outside == outside)
        level = sigmoid(centre_of + spread * _GRID)
        occupancy[rows] = _expected(settings, signal[:, rows], level, LEAST_OCCUPANCY, level)
    return Landscape(log_activity[0], log_activity[1], occupancy)


def _signals(
    track: pd.DataFrame, chromosome: NDArray[np.int64], centre: NDArray[np.int64], near: int
) -> Array:
    """Signal of the peak whose summit lies nearest to each place, 0 if none lies within ``near`` bp."""
    found = np.zeros(len(centre))
    number = track["chrom"].str.removeprefix("chr").to_numpy(dtype=np.int64) - 1
    summit = (track["start"] + track["summit"]).to_numpy(dtype=np.int64)
    for c in np.unique(number):
        here, own = np.flatnonzero(chromosome == c), np.flatnonzero(number == c)
        own = own[np.argsort(summit[own], kind="stable")]
        at = np.searchsorted(summit[own], centre[here])
        around = np.stack([np.maximum(at - 1, 0), np.minimum(at, len(own) - 1)])
        distance = np.abs(summit[own[around]] - centre[here])
        nearest = own[np.where(distance[0] <= distance[1], around[0], around[1])]
        signal = track["signal"].to_numpy(dtype=float)[nearest]
        found[here] = np.where(distance.min(axis=0) <= near, signal, 0.0)
    return found


def _expected(
    settings: SimulationSettings, signals: Array, level: Array, least: float, value: Array
) -> Array:
    """Expectation of ``value`` given the signals of tracks, shape=(n_tracks, n).

    ``level`` and ``value`` belong to the points of the grid.
    """
    seen = level >= least
    noise = max(settings.signal_noise, 0.02)
    total = np.tile(-0.5 * _GRID**2, (signals.shape[1], 1))
    missing = np.log(np.where(seen, max(settings.missed_peaks, 1e-9), 1.0))
    for signal in signals:
        off = (np.log(np.maximum(signal, 1e-9) / SIGNAL_SCALE)[:, None] - np.log(level)) / noise
        shown = np.where(seen, -0.5 * off**2, -0.5 * off**2 - 30.0)
        total += np.where(signal[:, None] > 0.0, shown, missing)
    weight = np.exp(total - total.max(axis=1, keepdims=True))
    return np.asarray((weight @ value) / weight.sum(axis=1))
