"""Every file of a configuration by itself, so that a mistake in one does not hide those in others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cbat.config.predictions import Prediction
from cbat.config.project import Project
from cbat.config.sheets import CellLine
from cbat.faults import independent

Reading = Callable[[], Any]


def read_each_file(project: Project) -> None:
    """Read the files of the sheet, of the landscape and of other tools, one by one."""
    _each([*_of_lines(project), *_of_landscape(project), *_of_peers(project)])


def read_comparisons(project: Project, directory: Path) -> None:
    """Read the tables of similarity, and what those that are computed are made from.

    Parameters
    ----------
    project : Project
    directory : Path
        Where tables are written on the way.
    """
    _each([*_of_graph(project, directory)])


def read_predictions(project: Project, directory: Path) -> None:
    """Read what ``predictions`` names: as its job does where the model is there, else file by file.

    Parameters
    ----------
    project : Project
    directory : Path
        Where the lines are prepared.
    """
    for name, prediction in (project.config.predictions or {}).items():
        with independent():
            if prediction.model_directory is None:
                _each([*_of_prediction(project, prediction)])
            else:
                _prepare(project, name, prediction, directory / name)


def _each(readings: list[Reading]) -> None:
    for read in readings:
        with independent():
            read()


def _of_lines(project: Project) -> Iterator[Reading]:
    for row in project.cell_lines:
        yield from _of_line(project, row)


def _of_line(project: Project, row: CellLine) -> Iterator[Reading]:
    from cbat.data.bed_files import read_candidates
    from cbat.data.contigs import read_contig_names
    from cbat.data.pair_tables import pairs_of

    contigs = read_contig_names(project.config.contig_names)
    if row.pairs is not None:
        yield partial(pairs_of, row, contigs)
    for role, path in (("enhancer", row.enhancers), ("promoter", row.promoters)):
        if path is not None:
            yield partial(read_candidates, path, role, contigs)
    settings = project.config.landscape
    if settings is not None:
        yield from _of_peaks(row.tracks, settings.signals, contigs)
        yield from _of_signals(row.signals, settings.signals, contigs, row.cell_line)


def _of_peaks(tracks: Any, signals: Any, contigs: Any) -> Iterator[Reading]:
    from cbat.landscape.peak_files import AUTO, read_peaks

    for kind, path in tracks.items():
        yield partial(read_peaks, path, kind, dict(signals).get(kind, AUTO), contigs)


def _of_signals(files: Any, signals: Any, contigs: Any, cell_line: str) -> Iterator[Reading]:
    from cbat.landscape.peak_files import AUTO
    from cbat.landscape.signal_files import open_signal

    for name, path in files.items():
        yield partial(open_signal, path, name, dict(signals).get(name, AUTO), cell_line, contigs)


def _of_landscape(project: Project) -> Iterator[Reading]:
    from cbat.data.contigs import read_contig_names
    from cbat.landscape.genes import starts_of
    from cbat.landscape.strands import read_sites

    settings = project.config.landscape
    if settings is None:
        return
    contigs = read_contig_names(project.config.contig_names)
    yield partial(starts_of, settings.genes, contigs, settings.promoter_classes)
    if settings.insulator_motifs is not None:
        yield partial(read_sites, settings.insulator_motifs, contigs)


def _of_graph(project: Project, directory: Path) -> Iterator[Reading]:
    from cbat.data.bed_files import read_bed
    from cbat.graph.build import read_similarity
    from cbat.graph.similarity import compare_expression, compare_peaks

    graph = project.config.graph
    for table in graph.similarities:
        yield partial(read_similarity, table.path)
    for name, overlap in graph.peak_overlaps.items():
        for path in overlap.peaks.values():
            yield partial(read_bed, path, stranded=False)
        yield partial(compare_peaks, settings=overlap, output=directory / "similarity" / f"{name}.tsv")
    for name, correlation in graph.expression_correlations.items():
        output = directory / "similarity" / f"{name}.tsv"
        yield partial(compare_expression, settings=correlation, output=output)


def _of_peers(project: Project) -> Iterator[Reading]:
    from cbat.data.contigs import read_contig_names
    from cbat.evaluation.peer_tables import read_peer

    contigs = read_contig_names(project.config.contig_names)
    for path in project.config.evaluation.peers.values():
        yield partial(read_peer, path, contigs)


def _of_prediction(project: Project, prediction: Prediction) -> Iterator[Reading]:
    from cbat.data.bed_files import read_candidates
    from cbat.data.contigs import read_contig_names
    from cbat.data.pair_tables import read_pairs
    from cbat.landscape.genes import starts_of

    contigs = read_contig_names(prediction.contig_names or project.config.contig_names)
    yield partial(read_candidates, prediction.enhancers, "enhancer", contigs)
    if prediction.promoters is not None:
        yield partial(read_candidates, prediction.promoters, "promoter", contigs, named=True)
    if prediction.genes is not None:
        yield partial(starts_of, prediction.genes, contigs)
    yield from _of_peaks(prediction.tracks, prediction.signals, contigs)
    if prediction.calibrate is not None:
        threshold = prediction.score_threshold
        yield partial(
            read_pairs,
            prediction.calibrate,
            prediction.pairs_format,
            score_threshold=threshold,
            contigs=contigs,
        )


def _prepare(project: Project, name: str, prediction: Prediction, directory: Path) -> None:
    """Prepare a line as its job does; a model of sequences needs torch for it."""
    from cbat.config.predicted_lines import input_files, model_of, reads_sequences
    from cbat.config.predictions import PredictionSettings

    if reads_sequences(project, prediction):
        from cbat.prediction.prepare import run
    else:
        from cbat.prediction.landscape_prepare import run
    named = {key: path for key, path in input_files(prediction).items() if "." not in key}
    config = project.config
    if config.contig_names is not None:
        named.setdefault("contig_names", config.contig_names)
    if reads_sequences(project, prediction) and config.genome is not None:
        named.setdefault("genome", config.genome.fasta)
    run(
        model_directory=model_of(project, prediction).directory,
        enhancers=named.pop("enhancers"),
        promoters=named.pop("promoters", named.get("genes")),
        cell_line=name,
        settings=PredictionSettings.model_validate(
            prediction.model_dump(include=set(PredictionSettings.model_fields))
        ),
        directory=directory,
        calibration_pairs=named.pop("calibrate", None),
        tracks=prediction.tracks,
        element_signals=prediction.element_signals,
        **named,
    )
