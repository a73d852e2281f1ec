"""Predict a cell line, into a table of pandas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import pandas as pd

from cbat.api.frames import Frames, Source, frames_told
from cbat.api.models import Model, model_of
from cbat.api.tracks import Tracks
from cbat.commands.outputs import outputs_guarded
from cbat.commands.wording import words_of_options
from cbat.prediction.gather import gathered
from cbat.prediction.preparation import ENVIRONMENT
from cbat.prediction.request import requested
from cbat.prediction.whole_line import predict_line, score_line

_FILES: Final = ("genome", "insulator_motifs", "contig_names", "similarity", "support")
"""Options that name files."""


class Options(TypedDict, total=False):
    """Further options of ``cbat predict``, which says what each means."""

    genome: str | Path | None
    insulator_motifs: str | Path | None
    contig_names: str | Path | None
    similarity: str | Path | None
    support: str | Path | None
    signals: Mapping[str, str] | None
    similarity_threshold: float
    similarity_weight: float
    pairs_format: str
    score_threshold: float | None
    score_column: str | None
    support_size: int | None
    seed: int
    enhancer_window: int | None
    promoter_window: int | None
    track_pairs: int
    page_pairs: int
    least_expression: float
    expression_column: str | None
    simulated_model: bool


def predict(
    model: Model | str | Path,
    *,
    candidates: Source,
    genes: Source | None = None,
    promoters: Source | None = None,
    tracks: Tracks | Mapping[str, Source] | None = None,
    element_signals: Mapping[str, str | Path] | None = None,
    cell_line: str = "new_line",
    tissue: str = "unknown",
    assembly: str | None = None,
    chromosomes: Sequence[str] | None = None,
    min_distance: int | None = None,
    max_distance: int | None = None,
    precision: float | None = None,
    calibrate: Source | None = None,
    expressed: Source | None = None,
    active_promoters_only: bool = False,
    directory: str | Path | None = None,
    threads: int = 1,
    **options: Unpack[Options],
) -> pd.DataFrame:
    """Predict which enhancers touch or regulate which promoters in a cell line.

    The same numbers as ``cbat predict``, of which all parameters but ``directory`` are options.

    Parameters
    ----------
    model : Model, str or Path
        Of :func:`cbat.load_model`, or what that takes.
    candidates : str, Path or DataFrame
        Candidate enhancers: BED, narrowPeak or broadPeak, plain or gzip; or a table with the columns
        ``chrom``, ``start``, ``end`` (0-based half-open, bp) and any of ``name``, ``score``, ``strand``,
        ``signalValue`` and ``peak``, as narrowPeak has them. With a signal (narrowPeak, broadPeak, or a table
        with ``signalValue``) they are the track ``active_enhancers`` too, where none is given.
    genes : str, Path or DataFrame, optional
        Genes, GTF or BED of transcription starts, or a table with ``chrom``, ``start``, ``end``, ``name`` and
        ``strand``; those that the model brings by default.
    promoters : str, Path or DataFrame, optional
        Promoters that are looked at; the starts of all genes by default.
    tracks : Tracks or mapping, optional
        Of :func:`cbat.read_tracks`, or kind -> file or table.
    element_signals : mapping, optional
        ``accessibility`` and ``enhancer_mark`` -> file of the signal at the candidates.
    cell_line, tissue, assembly : str, optional
        Name, tissue of origin and assembly of the line.
    chromosomes : sequence of str, optional
        Chromosomes to predict; all by default.
    min_distance, max_distance : int, optional
        Between the two centres, bp; those of the model's training by default.
    precision : float, optional
        Call pairs from the probability on from which this share was true on training lines left out.
    calibrate : str, Path or DataFrame, optional
        Labelled pairs of the line, to which level, temperature and threshold are refitted.
    expressed : str, Path or DataFrame, optional
        Genes that are expressed; promoters of others are not predicted.
    active_promoters_only : bool
        Predict promoters alone that a peak of ``active_promoters`` lies within 1 kb of.
    directory : str or Path, optional
        Where to keep everything that ``cbat predict`` writes, for :func:`cbat.explain` among others; by
        default nothing is kept. The same call goes on where it was stopped.
    threads : int
        Chromosomes that are scored side by side, each by a process of its own.
    **options
        Further options of ``cbat predict``, with ``_`` for ``-``: see :class:`Options`.

    Returns
    -------
    DataFrame
        A row for each pair, with the columns and the numbers of ``predictions.bedpe.gz`` (docs/predict.md);
        ``contact`` is True or False, and a number that there is not is NaN. ``attrs["warnings"]`` lists what
        should be known before the table is believed.

    Raises
    ------
    UserError
        What ``cbat predict`` refuses, in the same words; a fault of a table names its row.
    """
    if unknown := set(options) - {*Options.__annotations__}:
        raise TypeError(f"predict() got an unexpected keyword argument {min(unknown)!r}")
    values: dict[str, Any] = {
        "tissue": tissue, "assembly": assembly, "min_distance": min_distance, "max_distance": max_distance,
        "chromosomes": None if chromosomes is None else list(chromosomes), "precision": precision,
        "active_promoters_only": active_promoters_only,
    }  # fmt: skip
    values |= {name: value for name, value in options.items() if name not in _FILES}
    sources = tracks.sources if isinstance(tracks, Tracks) else tracks or {}
    of_tracks = tracks.signals if isinstance(tracks, Tracks) else {}
    values["signals"] = {**of_tracks, **(values.get("signals") or {})}
    given = {"candidates": candidates, "genes": genes, "promoters": promoters}
    tables = {"calibrate": calibrate, "expressed": expressed}
    with frames_told() as frames:
        files: dict[str, Path | None] = {
            name: None if source is None else frames.intervals(name, source) for name, source in given.items()
        }
        files |= {
            name: None if source is None else frames.table(name, source) for name, source in tables.items()
        }
        files |= {name: None if path is None else Path(path) for name, path in _named(options).items()}
        peaks = {kind: frames.intervals(kind, source) for kind, source in sources.items()}
        signals = {name: Path(path) for name, path in (element_signals or {}).items()}
        inputs, settings = requested(model_of(model), files, peaks, signals, values)
        if directory is None:
            folder = frames.folder / "line"
            with words_of_options():
                score_line(inputs, cell_line, settings, folder, threads)
            return _table(folder, frames)
        folder = Path(directory)
        read = {**files, "tracks": peaks, "element_signals": signals, "model": model_of(model)}
        with outputs_guarded("predict", {**read, "directory": folder}), words_of_options():
            predict_line(inputs, cell_line, settings, folder, threads)
        return _table(folder, frames)


def _named(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that name files."""
    return {name: options[name] for name in _FILES if name in options}


def _table(directory: Path, frames: Frames) -> pd.DataFrame:
    """All pairs of a scored line, with the warnings of its preparation."""
    table = gathered(directory)
    environment = json.loads((directory / ENVIRONMENT).read_text(encoding="utf-8"))
    table.attrs["warnings"] = [frames.called(warning["message"]) for warning in environment["warnings"]]
    return table
