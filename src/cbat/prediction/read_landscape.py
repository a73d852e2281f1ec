"""Read the landscape of a new cell line: its tracks, what is expected of them, and what to tell people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.predictions import PredictionSettings
from cbat.config.sheets import TRACK_KINDS
from cbat.data.contigs import ContigNames
from cbat.data.elements import Mentions
from cbat.landscape.element_signals import LineSignals, reasons_of
from cbat.landscape.law import FloatArray
from cbat.prediction.candidates import Candidates, Genome
from cbat.prediction.cautions import Caution, of_left_out, of_unmatched
from cbat.prediction.line_landscape import (
    LineLandscape,
    Sources,
    prepare_landscape,
    resistance,
)
from cbat.prediction.own_tracks import OwnTracks, TrackFiles, read_own_tracks
from cbat.prediction.shared_landscape import SharedLandscape

WELL_COVERED: Final = 0.5
"""Candidates that cover less of the training pairs' distances are standardised by few of them."""
_MOST_WARNED: Final = 3


@dataclass(frozen=True, eq=False)
class LineReading:
    """The landscape of a line, and what people should know of it."""

    landscape: LineLandscape
    report: dict[str, Any]
    cautions: tuple[Caution, ...]
    signals: LineSignals

    def at(self, enhancers: pd.DataFrame) -> LineLandscape:
        """The landscape with the signals of other enhancers, ranked among the candidates.

        Parameters
        ----------
        enhancers : DataFrame
            ``chrom``, ``start``, ``end`` of their windows.
        """
        return replace(self.landscape, signals=self.signals.table(enhancers))


def read_line_landscape(
    shared: SharedLandscape,
    given: TrackFiles,
    mentions: Sequence[Mentions],
    candidates: Candidates,
    cell_line: str,
    settings: PredictionSettings,
    contigs: ContigNames,
    genome: Genome | None,
) -> LineReading:
    """Read the tracks of a line and prepare its landscape.

    Parameters
    ----------
    shared : SharedLandscape
        The model's.
    given : TrackFiles
    mentions : sequence of Mentions
        The intervals of the candidates.
    candidates : Candidates
    cell_line : str
    settings : PredictionSettings
        The stated tissue.
    contigs : ContigNames
    genome : Genome or None

    Raises
    ------
    UserError
        See :func:`cbat.prediction.own_tracks.read_own_tracks` and
        :meth:`cbat.landscape.element_signals.LineSignals.read`.
    """
    own = read_own_tracks(
        given,
        shared,
        mentions,
        cell_line,
        contigs=contigs,
        sizes=None if genome is None else genome.sizes,
        genome=None if genome is None else genome.fasta,
    )
    enhancers = candidates.tables["enhancer"]
    signals = LineSignals.read(cell_line, given.element_signals, given.signals or {}, enhancers, contigs)
    at_enhancers = signals.table(enhancers)
    landscape, standardised = prepare_landscape(
        shared, candidates.tables, own.tracks, own.starts, cell_line, settings.tissue, at_enhancers
    )
    sources = landscape.sources
    known = set(own.starts["chrom"].unique())
    cautions = [
        *own.cautions,
        *_of_kinds(shared, sources, [*signals.report]),
        *_of_signals(shared, [*signals.report]),
        *_of_signal_files(signals.report),
        *_cautions(shared, standardised, candidates, known),
    ]
    report = _report(shared, own, sources, standardised) | {"signals": signals.report}
    return LineReading(landscape, report, tuple(cautions), signals)


def _report(
    shared: SharedLandscape, own: OwnTracks, sources: Sources, standardised: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "law": shared.law.name,
        "genes": own.report["genes"],
        "own_kinds": list(sources.own),
        "expected_kinds": [kind for kind in TRACK_KINDS if kind not in sources.own and sources.shares[kind]],
        "missing_kinds": [
            kind for kind in TRACK_KINDS if kind not in sources.own and not sources.shares[kind]
        ],
        "own_share": {kind: sources.own_share(shared.fit, kind) for kind in TRACK_KINDS},
        "expected_from": sources.shares,
        "kinship": sources.kinship,
        "standardised_by": dict(standardised),
        "tracks": own.report["kinds"],
    }


def _of_signals(shared: SharedLandscape, given: Sequence[str]) -> list[Caution]:
    """Signals that say nothing, and those that the model has learned from and the line lacks."""
    found = []
    if given and not shared.signals:
        found.append(
            Caution(
                "unread_signals",
                f"the model has learned nothing about {' or '.join(given)} at candidates, and yours "
                f"change no "
                "score",
            )
        )
    lacking = [name for name in shared.signals if name not in given]
    if lacking and given:
        found.append(
            Caution(
                "missing_signals",
                f"the model has learned from {' and '.join(shared.signals)} at the candidates, and no "
                f"{' or '.join(lacking)} is given: {' and '.join(given)} stands for both",
            )
        )
    elif lacking:
        found.append(
            Caution(
                "missing_signals",
                f"the model has learned from {' and '.join(lacking)} at the candidates, and none is given: "
                "every candidate counts as an average one, and no other line can lend them",
            )
        )
    return found


def _of_signal_files(report: Mapping[str, Mapping[str, Any]]) -> list[Caution]:
    """What is left out of files of signals, and candidates on contigs that a file lacks."""
    found = []
    for one in report.values():
        path, reasons = Path(one["file"]), reasons_of(one)
        found += of_unmatched(f"{path}: {warning}" for warning in one["unmatched"])
        found += of_left_out(path, one.get("intervals", 0) + sum(reasons.values()), reasons)
    return found


def _of_kinds(shared: SharedLandscape, sources: Sources, signals: Sequence[str]) -> list[Caution]:
    """Kinds of track that say nothing, and a line without any."""
    others = "all that is said of its landscape"
    if signals and shared.signals:
        others += f" beside {' and '.join(signals)}"
    found = []
    if unread := [kind for kind in sources.own if kind not in shared.kinds]:
        found.append(
            Caution(
                "unread_tracks",
                f"no line of the model had {' or '.join(unread)}, so it has learned nothing about such "
                "peaks, "
                "and yours change no score",
            )
        )
    if not sources.own and any(sources.shares.values()):
        found.append(
            Caution(
                "no_tracks",
                f"no track of the line is given: {others} is what the training lines lead one to expect (the "
                "Teacher alone)",
            )
        )
    elif not set(sources.own) & set(shared.kinds) and not (signals and shared.signals):
        found.append(
            Caution(
                "no_tracks",
                "neither the line nor the model has tracks that count: scores rest on distance and genes "
                "alone",
            )
        )
    return found


def _cautions(
    shared: SharedLandscape,
    standardised: Mapping[str, Any],
    candidates: Candidates,
    known: set[Any],
) -> list[Caution]:
    found = []
    if standardised["covered"] < WELL_COVERED:
        found.append(
            Caution(
                "other_distances",
                f"the candidates hold pairs for {100 * standardised['covered']:.0f}% of the distances that "
                "the training pairs had, so its typical values are poorly estimated",
            )
        )
    of_model = set(shared.chromosomes) | known
    both = [chrom for chrom in candidates.chromosomes if chrom not in of_model]
    if both:
        shown = ", ".join(both[:_MOST_WARNED]) + (", ..." if len(both) > _MOST_WARNED else "")
        found.append(Caution("unknown_chromosomes", f"neither genes nor tracks of the model are on {shown}"))
    return found


def resistance_of(
    shared: SharedLandscape,
    landscape: LineLandscape,
    table: pd.DataFrame,
    elements: Mapping[str, pd.DataFrame],
) -> FloatArray:
    """What a law has before its softplus for pairs of all chromosomes, shape=(n,).

    Parameters
    ----------
    shared : SharedLandscape
    landscape : LineLandscape
        With tracks and starts of all chromosomes.
    table : DataFrame
        ``enhancer`` and ``promoter``: rows of ``elements``.
    elements : mapping
        Role -> ``chrom``, ``start``, ``end``.
    """
    found = np.zeros(len(table))
    for rows, reader, pairs in landscape.by_chromosome(shared, elements, table):
        found[rows] = resistance(shared.fit, landscape, reader, pairs)
    return found
