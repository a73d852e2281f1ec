"""A prediction as it is asked for, on the command line or in Python: its files and its settings, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cbat.config.load import parse_section
from cbat.config.predictions import PredictionSettings
from cbat.config.shipped_models import asked_for
from cbat.errors import UserError
from cbat.prediction.own_tracks import with_candidates
from cbat.prediction.whole_line import Inputs


def requested(
    model: str,
    files: Mapping[str, Path | None],
    tracks: Mapping[str, Path],
    element_signals: Mapping[str, Path],
    values: Mapping[str, Any],
) -> tuple[Inputs, PredictionSettings]:
    """The files and the settings of a prediction.

    Parameters
    ----------
    model : str
        The name of a model that comes with the package, or the path of a model directory.
    files : mapping
        Files by the names of the options of ``cbat predict``: ``candidates``, and any of ``genes``,
        ``promoters``, ``genome``, ``contig_names``, ``similarity``, ``support``, ``calibrate``,
        ``insulator_motifs`` and ``expressed``.
    tracks, element_signals : mapping
        Kind of track, or name of a signal -> file. Candidates with a signal are the track
        ``active_enhancers`` where that is not given.
    values : mapping
        Key of :class:`~cbat.config.predictions.PredictionSettings` -> value.

    Raises
    ------
    UserError
        No chromosome is named; a value that its key does not take; a word that is no model and no folder;
        candidates that cannot be read.
    """
    if values.get("chromosomes") is not None and not values["chromosomes"]:
        raise UserError(
            "--chromosomes names none",
            mend="name one or more, such as chr21, or leave the option out to predict all",
        )
    settings = parse_section(PredictionSettings, dict(values), [])
    candidates = files["candidates"]
    assert candidates is not None
    place = asked_for(model)
    inputs = Inputs(
        place,
        candidates,
        files.get("promoters") or files.get("genes"),
        genome=files.get("genome"),
        contig_names=files.get("contig_names"),
        similarity=files.get("similarity"),
        support=files.get("support"),
        calibration_pairs=files.get("calibrate"),
        tracks=with_candidates(tracks, candidates, place),
        genes=files.get("genes"),
        insulator_motifs=files.get("insulator_motifs"),
        element_signals=element_signals,
        expressed=files.get("expressed"),
    )
    return inputs, settings
