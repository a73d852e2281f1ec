"""Read the landscape of a new cell line: its tracks, what is expected of them, and what to tell people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.predictions import PredictionSettings
from cbat.config.sheets import TRACK_KINDS
from cbat.data.contigs import ContigNames
from cbat.data.elements import Mentions
from cbat.landscape.law import FloatArray
from cbat.prediction.candidates import Candidates, Caution, Genome
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
        See :func:`cbat.prediction.own_tracks.read_own_tracks`.
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
    landscape, standardised = prepare_landscape(
        shared, candidates.tables, own.tracks, own.starts, cell_line, settings.tissue
    )
    sources = landscape.sources
    known = set(own.starts["chrom"].unique())
    cautions = [
        *own.cautions,
        *_of_kinds(shared, sources),
        *_cautions(shared, standardised, candidates, known),
    ]
    return LineReading(landscape, _report(shared, own, sources, standardised), tuple(cautions))


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


def _of_kinds(shared: SharedLandscape, sources: Sources) -> list[Caution]:
    """Kinds of track that say nothing, and a line without any."""
    found = []
    if unread := [kind for kind in sources.own if kind not in shared.kinds]:
        found.append(
            Caution(
                "unread_tracks",
                f"no line of the model had {' or '.join(unread)}, so it has learned nothing of such peaks, "
                "and yours change no score",
            )
        )
    if not sources.own and any(sources.shares.values()):
        found.append(
            Caution(
                "no_tracks",
                "no track of the line is given: all that is said of its landscape is what the training lines "
                "let one expect (the Teacher alone)",
            )
        )
    elif not set(sources.own) & set(shared.kinds):
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
                "the training pairs had, so what is usual for the line is known badly",
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
