"""The mean of the tracks of several cell lines: what they let one expect of a line that nobody has mapped.

Peaks of different lines whose centres lie close together are one site. Its activity is the mean over the
lines that have peaks of the kind, 0 where a line has none there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sheets import TRACK_KINDS
from cbat.landscape.tracks import INSULATORS, TRACK_COLUMNS, joined

APART: Final[Mapping[str, int]] = {"active_enhancers": 750, "active_promoters": 750, INSULATORS: 200}
"""Kind -> centres of peaks at most so far from the next one, bp, are of one site. A peak of a mark counts at
an element within 750 bp of its centre; summits of one CTCF site differ by less than 200 bp between lines."""
WIDEST: Final = 50_000
"""Wider peaks, bp, do not enter the mean: whole regions that one line has in many copies are called so, and
say nothing of another line."""


def mean_track(tracks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The mean of the tracks of several lines, each line alike.

    Parameters
    ----------
    tracks : mapping
        Cell line -> :data:`~cbat.landscape.tracks.TRACK_COLUMNS`; one that lacks a kind does not count in it.

    Returns
    -------
    DataFrame
        :data:`~cbat.landscape.tracks.TRACK_COLUMNS`, sorted by kind, chromosome and start. ``start``, ``end``
        and ``centre`` (0-based half-open, bp) are means over the peaks of a site, weighted by activity;
        ``strand`` is that of the greater part of the activity; ``signal`` is the activity.
    """
    narrow = {line: table[table["end"] - table["start"] <= WIDEST] for line, table in tracks.items()}
    return joined([_sites(having) for kind in TRACK_KINDS if (having := _of_kind(narrow, kind))])


def lines_having(tracks: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Kind -> lines that have peaks of it, in their order."""
    return {kind: [*_of_kind(tracks, kind)] for kind in TRACK_KINDS}


def _of_kind(tracks: Mapping[str, pd.DataFrame], kind: str) -> dict[str, pd.DataFrame]:
    found = {line: table[table["kind"] == kind] for line, table in tracks.items()}
    return {line: table for line, table in found.items() if len(table)}


def _sites(tracks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Sites of one kind."""
    parts = [table[TRACK_COLUMNS].assign(line=number) for number, table in enumerate(tracks.values())]
    peaks = pd.concat(parts, ignore_index=True).sort_values(["chrom", "centre", "line"], kind="stable")
    first = _firsts(peaks)
    activity, strand = peaks["activity"].to_numpy(dtype=float), peaks["strand"].to_numpy(dtype=object)
    total = np.add.reduceat(activity, first)
    start, end, centre = (
        np.rint(np.add.reduceat(activity * peaks[name].to_numpy(dtype=float), first) / total)
        for name in ("start", "end", "centre")
    )
    forward, reverse = (np.add.reduceat(activity * (strand == sign), first) for sign in "+-")
    mean = _strongest_of_lines(peaks, first, len(tracks)).mean(axis=0)
    return peaks.iloc[first].assign(
        start=start.astype(np.int64),
        end=end.astype(np.int64),
        centre=np.clip(centre, start, end - 1).astype(np.int64),
        signal=mean,
        activity=mean.astype(np.float32),
        strand=np.where(forward > reverse, "+", np.where(reverse > forward, "-", ".")),
    )[TRACK_COLUMNS]


def _firsts(peaks: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Rows that begin a site, of peaks of one kind that are sorted by chromosome and centre."""
    chrom, centre = peaks["chrom"].to_numpy(dtype=object), peaks["centre"].to_numpy()
    begins = (chrom[1:] != chrom[:-1]) | (np.diff(centre) > APART[str(peaks["kind"].iloc[0])])
    return np.flatnonzero(np.r_[True, begins])


def _strongest_of_lines(
    peaks: pd.DataFrame, first: npt.NDArray[np.intp], n_lines: int
) -> npt.NDArray[np.float64]:
    """Largest activity of each line at each site, shape=(n_lines, n_sites)."""
    begins = np.zeros(len(peaks), dtype=np.int64)
    begins[first] = 1
    found = np.zeros((n_lines, len(first)))
    place = (peaks["line"].to_numpy(), np.cumsum(begins) - 1)
    np.maximum.at(found, place, peaks["activity"].to_numpy(dtype=float))
    return found
