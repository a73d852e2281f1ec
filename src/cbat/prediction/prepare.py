"""Make a new cell line ready to be scored: elements, environment, and what may be wrong with either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cbat.config.predictions import PredictionSettings, Settled
from cbat.data.contigs import read_contig_names
from cbat.data.sequences import read_windows
from cbat.errors import UserError
from cbat.files import write_json
from cbat.model.about import LANDSCAPE, listed_files
from cbat.model.blocks import encode_elements
from cbat.model.bundle import Pairs, reads_landscape, use_threads
from cbat.model.contexts import stated_tissue
from cbat.model.directory import SharedModel, read_model_directory
from cbat.model.environment import FloatArray
from cbat.model.new_line import LineScorer
from cbat.prediction.calibration import Calibration, Scorer, calibrate, check_pairs
from cbat.prediction.candidates import Candidates, Genome, collect, read_files
from cbat.prediction.cautions import Caution
from cbat.prediction.decision import Decision
from cbat.prediction.expressed import Choice, check_choice
from cbat.prediction.own_tracks import TrackFiles, check_files
from cbat.prediction.plan import Plan, write_plan
from cbat.prediction.preparation import (
    UNKNOWN,
    check_name,
    counted,
    of_distances,
    of_model,
    of_pairs,
    open_genome,
    refuse_simulated,
    settled,
    tell,
    write_tsv,
)
from cbat.prediction.read_landscape import LineReading, read_line_landscape, resistance_of
from cbat.prediction.shared_landscape import SharedLandscape, read_landscape
from cbat.prediction.support import (
    Environment,
    motif_table,
    posterior_table,
    read_environment,
    read_relatives,
)


def run(
    *,
    model_directory: Path,
    genome: Path,
    enhancers: Path,
    promoters: Path | None,
    cell_line: str,
    settings: PredictionSettings,
    directory: Path,
    contig_names: Path | None = None,
    similarity: Path | None = None,
    support: Path | None = None,
    calibration_pairs: Path | None = None,
    tracks: Mapping[str, Path] | None = None,
    genes: Path | None = None,
    insulator_motifs: Path | None = None,
    element_signals: Mapping[str, Path] | None = None,
    expressed: Path | None = None,
) -> None:
    """Read a new cell line's candidates and environment.

    Writes ``prepared/`` and ``genome/`` for the stages that follow, and ``environment.json``,
    ``posterior.tsv``, ``motifs.tsv``, ``support.tsv`` and ``calibration.json`` for people.

    Parameters
    ----------
    model_directory : Path
        Folder that `package_model` has written.
    genome : Path
        FASTA, plain, gzip or bgzip; a plain one with its index is linked.
    enhancers : Path
        Candidate enhancers: BED with three columns or more, narrowPeak or broadPeak, plain or gzip.
    promoters : Path
        Candidate promoters: BED, or GTF, of which the transcription starts are taken.
    cell_line : str
        Name of the line.
    settings : PredictionSettings
        Tissue, distances, chromosomes and support set.
    directory : Path
        Where everything of the line goes.
    contig_names : Path, optional
        Table of what the files call a contig and what the genome does.
    similarity : Path, optional
        Square table of similarities between the line and training lines.
    support : Path, optional
        Table of candidates to read the environment from, as ``support.tsv``; drawn without it.
    calibration_pairs : Path, optional
        Labelled pairs of the line, to which level, temperature and threshold are refitted.
    tracks : mapping, optional
        Kind of track -> peaks, for a model with a law of the landscape; kinds that are missing are expected
        from the training lines.
    genes, insulator_motifs : Path, optional
        Genes in place of the model's, and stranded motif sites of CTCF.
    element_signals : mapping, optional
        ``accessibility`` and ``enhancer_mark`` -> signal of the line at its candidate enhancers.
    expressed : Path, optional
        Table of expression, or a list of expressed genes: promoters of other genes are not predicted.

    Raises
    ------
    UserError
        A model directory that was changed or is made for other windows; malformed files; files of another
        assembly; no candidates.
    """
    use_threads(1)
    check_name(cell_line)
    shared = read_model_directory(model_directory)
    settings = settled(settings, shared.about, model_directory)
    if settings.precision is not None and calibration_pairs is None:
        raise UserError(
            f"a precision of {settings.precision:g} is requested, but a model of sequences has no threshold "
            "for it",
            mend="leave the precision out, or give labelled pairs with --calibrate (in a configuration "
            "calibrate)",
            file=model_directory,
        )
    # Small files first: a mistake in one of them shows before gigabytes are unpacked.
    contigs = read_contig_names(contig_names)
    if promoters is None:
        raise UserError(
            "neither genes nor promoters are given, and this model brings none",
            mend="give an annotation of genes (GTF or BED), or the promoters to look at",
        )
    files = {"enhancer": enhancers, "promoter": promoters}
    mentions = read_files(files, cell_line, contigs, genes)
    given = TrackFiles(tracks or {}, genes, insulator_motifs, settings.signals, element_signals or {})
    landscape = _landscape_of(shared, model_directory, given)
    check_choice(settings, expressed, given.tracks, reads_tracks=landscape is not None)
    if calibration_pairs is not None:
        check_pairs(calibration_pairs, settings.pairs_format, shared.about)
    relatives = None
    if similarity is not None:
        relatives = read_relatives(similarity, cell_line, shared, settings)
    with open_genome(genome, directory) as prepared:
        refuse_simulated(settings, shared.about, mentions, prepared)
        candidates = collect(mentions, cell_line, shared.about, prepared, settings.chromosomes, contigs)
        choice = Choice.read(expressed, candidates, mentions, settings)
        reading = None
        if landscape is not None:
            reading = read_line_landscape(
                landscape, given, mentions, candidates, cell_line, settings, contigs, prepared
            )
        environment = read_environment(
            shared, candidates, prepared, cell_line, settings, relatives=relatives, support=support
        )
        # The environment is read from all candidates, so that the choice changes no score.
        candidates = choice.of(candidates, None if reading is None else reading.landscape.tracks)
        decision, refitted = _decision(shared, environment.reading.n), None
        if calibration_pairs is not None:
            score = _scorer(shared, environment, prepared, landscape, reading)
            refitted = calibrate(
                score,
                shared.about,
                calibration_pairs,
                cell_line,
                settings,
                prepared,
                contigs,
                files,
                mentions,
                decision,
            )
            decision = refitted.decision
        plan = _plan(shared, candidates, environment, decision, cell_line, settings, prepared.sizes)
        cautions = [
            *of_model(shared.about),
            *of_distances(settings, shared.about, candidates, plan),
            *candidates.cautions,
            *environment.cautions,
        ]
        cautions += [] if reading is None else reading.cautions
        cautions += of_pairs(plan) if refitted is None else [*of_pairs(plan), *refitted.cautions]
        about = None if reading is None else reading.report
        _write_for_people(
            directory, shared, candidates, environment, refitted, cautions, settings, cell_line, about
        )
        write_plan(directory, plan, candidates.tables)
        if reading is not None:
            reading.landscape.write(directory)
    tell(plan, f"environment read from {environment.reading.n} candidates", cautions)


def _landscape_of(shared: SharedModel, model_directory: Path, given: TrackFiles) -> SharedLandscape | None:
    """What a model knows of landscapes; it must know something if tracks are given."""
    if LANDSCAPE[0] in listed_files(model_directory) and reads_landscape(shared.model.law):
        check_files(given)
        return read_landscape(model_directory)
    if given.files:
        raise UserError(
            f"the model {shared.about.name!r} reads no landscape, and tracks, genes, motif sites or signals "
            "are given",
            mend="leave them out, or use a model with a law of the landscape",
            file=model_directory,
        )
    return None


def _scorer(
    shared: SharedModel,
    environment: Environment,
    genome: Genome,
    landscape: SharedLandscape | None,
    reading: LineReading | None,
) -> Scorer:
    """Scores of labelled pairs in the environment, and the landscape, of their line."""

    def score(table: pd.DataFrame, elements: Mapping[str, pd.DataFrame]) -> FloatArray:
        codes = {role: np.concatenate([*read_windows(genome.fasta, part)]) for role, part in elements.items()}
        encoded = encode_elements(codes, shared.model.encoder)
        scorer = LineScorer(shared.model, encoded, environment.reading.environment)
        columns = ("enhancer", "promoter", "distance", "upstream")
        pairs = Pairs(*(table[name].to_numpy(dtype=np.int64) for name in columns))
        if landscape is not None and reading is not None:
            resisted = resistance_of(landscape, reading.at(elements["enhancer"]), table, elements)
            pairs = replace(pairs, landscape_resistance=resisted)
        return scorer.scores(pairs).logit

    return score


def _decision(shared: SharedModel, n_support: int) -> Decision:
    """The model's own, where its environment was read from so many elements."""
    calibration = shared.model.calibration
    level, temperature = float(calibration.level(n_support)), float(calibration.temperature(n_support))
    deviation = calibration.deviation(n_support)
    return Decision(
        level, temperature, shared.model.threshold, None if deviation is None else float(deviation)
    )


def _plan(
    shared: SharedModel,
    candidates: Candidates,
    environment: Environment,
    decision: Decision,
    cell_line: str,
    settings: Settled,
    sizes: Mapping[str, int],
) -> Plan:
    # Tables are in the order of the genome.
    chromosomes = counted(candidates, settings, list(sizes))
    fed = environment.reading.environment
    return Plan(
        cell_line=cell_line,
        model_digest=shared.digest,
        environment=None if fed is None else [float(value) for value in fed],
        level=decision.level,
        temperature=decision.temperature,
        threshold=decision.threshold,
        deviation=decision.deviation,
        min_distance=settings.min_distance,
        max_distance=settings.max_distance,
        chromosomes=chromosomes,
    )


def _write_for_people(
    directory: Path,
    shared: SharedModel,
    candidates: Candidates,
    environment: Environment,
    refitted: Calibration | None,
    cautions: Sequence[Caution],
    settings: PredictionSettings,
    cell_line: str,
    landscape: Mapping[str, Any] | None,
) -> None:
    posterior, motifs = posterior_table(environment), motif_table(environment, shared)
    tissue = None if settings.tissue == UNKNOWN else settings.tissue
    reading = environment.reading
    content: dict[str, Any] = {
        "cell_line": cell_line,
        "model": {"name": shared.about.name, "seed": shared.about.seed, "sha256": shared.digest},
        "stated_tissue": settings.tissue,
        "told_tissue": stated_tissue(shared.model, tissue) or UNKNOWN,
        "relatives": dict(environment.relatives),
        "candidates": candidates.report,
        "support_size": reading.n,
        "surprise": _finite(reading.surprise),
        "usual_surprise": _finite(reading.usual_surprise),
        "posterior": _records(posterior),
        "motifs": _records(motifs),
        "landscape": landscape,
        "warnings": [vars(caution) for caution in cautions],
    }
    write_json(directory / "environment.json", content)
    write_tsv(directory / "posterior.tsv", posterior)
    write_tsv(directory / "motifs.tsv", motifs)
    write_tsv(directory / "support.tsv", environment.support)
    write_json(directory / "calibration.json", None if refitted is None else refitted.report)


def _finite(value: float) -> float | None:
    return value if value == value else None


def _records(table: pd.DataFrame) -> list[Mapping[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
