"""The tracks of a cell line, read from its peaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cbat.api.frames import Source, frames_told
from cbat.commands.wording import words_of_options
from cbat.config.load import parse_section
from cbat.config.sections import LandscapeSettings
from cbat.landscape.tracks import joined, tracks_of
from cbat.prediction.own_tracks import TrackFiles, check_files, row_of


@dataclass(frozen=True, eq=False)
class Tracks:
    """Peaks of a cell line by kind.

    Attributes
    ----------
    sources : mapping
        Kind -> file or table, as :func:`read_tracks` was given it.
    peaks : DataFrame
        What a model reads of them: ``kind``, ``chrom``, ``start``, ``end``, ``centre`` (0-based half-open,
        bp), ``signal``, ``activity`` (of the rank among all peaks of the kind) and ``strand``. Neighbouring
        peaks are merged, and the strongest are kept.
    report : dict
        Kind -> what was read, merged and left out.
    signals : mapping
        Kind -> column of the signal, where one was asked for.
    """

    sources: Mapping[str, Source]
    peaks: pd.DataFrame
    report: dict[str, dict[str, Any]]
    signals: Mapping[str, str]

    def __repr__(self) -> str:
        counts = self.peaks["kind"].value_counts()
        listed = ", ".join(f"{kind}: {int(counts.get(kind, 0)):,} peaks" for kind in self.sources)
        return f"<cbat tracks {listed or 'of no kind'}>"


def read_tracks(
    *,
    active_enhancers: Source | None = None,
    active_promoters: Source | None = None,
    insulators: Source | None = None,
    signals: Mapping[str, str] | None = None,
) -> Tracks:
    """Read the peaks of a cell line, as many kinds as there are.

    Parameters
    ----------
    active_enhancers, active_promoters, insulators : str, Path or DataFrame, optional
        Peaks of H3K27ac (or ATAC, or DNase), of H3K4me3 and of CTCF: narrowPeak, broadPeak or BED, plain or
        gzip, or a table with their columns (:func:`cbat.predict`).
    signals : mapping, optional
        Kind -> column that the signal stands in: ``auto``, ``none``, ``score``, a number or a name.

    Returns
    -------
    Tracks

    Raises
    ------
    UserError
        A file is missing or malformed, a signal is no number, or two kinds have the same peaks.
    """
    given = {
        "active_enhancers": active_enhancers,
        "active_promoters": active_promoters,
        "insulators": insulators,
    }
    sources = {kind: source for kind, source in given.items() if source is not None}
    with frames_told() as frames, words_of_options():
        files = {kind: frames.intervals(kind, source) for kind, source in sources.items()}
        check_files(TrackFiles(files, signals=signals))
        settings = parse_section(LandscapeSettings, {"genes": "none", "signals": dict(signals or {})}, [])
        found = tracks_of(row_of("new_line", files), settings)
    peaks = joined([track.table for track in found.values()])
    report = {kind: dict(track.report) for kind, track in found.items()}
    return Tracks(sources, peaks, report, dict(signals or {}))
