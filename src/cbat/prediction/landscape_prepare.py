"""Make a new cell line ready for a law of the landscape, without sequences."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cbat.config.predictions import PredictionSettings, Settled
from cbat.data.contigs import read_contig_names
from cbat.errors import UserError
from cbat.files import write_json
from cbat.landscape.law import FloatArray, softplus
from cbat.model.about import DESCRIPTION, About, check_hashes, read_description
from cbat.prediction.assembly import Chosen, check_genome, choose_assembly
from cbat.prediction.calibration import Scorer, calibrate, check_pairs
from cbat.prediction.candidates import Candidates, Starts, collect, read_files
from cbat.prediction.cautions import Caution
from cbat.prediction.decision import Decision
from cbat.prediction.expressed import Choice, check_choice
from cbat.prediction.line_landscape import GENES
from cbat.prediction.own_tracks import TrackFiles, check_contigs, check_files
from cbat.prediction.plan import Plan, write_plan
from cbat.prediction.preparation import (
    UNKNOWN,
    check_name,
    counted,
    of_distances,
    of_model,
    of_name,
    of_pairs,
    of_tissue,
    open_genome,
    refuse_simulated,
    settled,
    tell,
)
from cbat.prediction.read_landscape import LineReading, read_line_landscape, resistance_of
from cbat.prediction.shared_landscape import OTHER, SharedLandscape, read_landscape

TEMPERATURE: Final = 1.0
"""Laws are fitted to probabilities, so none is changed afterwards."""
_NOT_READ: Final = ("wide_intervals",)
"""Cautions about windows of sequence."""


def run(
    *,
    model_directory: Path,
    enhancers: Path,
    promoters: Path | None,
    cell_line: str,
    settings: PredictionSettings,
    directory: Path,
    genome: Path | None = None,
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
    """Read a new cell line's candidates and landscape.

    Writes ``prepared/`` for the stages that follow, ``genome/`` if a genome is given, and
    ``environment.json`` and ``calibration.json`` for people.

    Parameters
    ----------
    model_directory : Path
        Folder that `package_landscape` has written.
    enhancers : Path
        Candidate enhancers: BED with three columns or more, narrowPeak or broadPeak, plain or gzip.
    promoters : Path, optional
        Candidate promoters: BED, or GTF, of which the transcription starts are taken; the starts of the
        model's genes without it.
    cell_line : str
        Name of the line.
    settings : PredictionSettings
        Tissue, distances and chromosomes.
    directory : Path
        Where everything of the line goes.
    genome : Path, optional
        FASTA, for the lengths of contigs and the strands of insulators.
    contig_names : Path, optional
        Table of what the files call a contig and what the model's tracks do.
    similarity, support : Path, optional
        Refused: a law knows a line by its tracks and its stated tissue.
    calibration_pairs : Path, optional
        Labelled pairs of the line, to which level, temperature and threshold are refitted.
    tracks : mapping, optional
        Kind of track -> peaks of the line; kinds that are missing are expected from the training lines.
    genes, insulator_motifs : Path, optional
        Genes in place of the model's, and stranded motif sites of CTCF.
    element_signals : mapping, optional
        ``accessibility`` and ``enhancer_mark`` -> signal of the line at its candidate enhancers.
    expressed : Path, optional
        Table of expression, or a list of expressed genes: promoters of other genes are not predicted.

    Raises
    ------
    UserError
        A model directory that was changed; malformed files; tracks of another assembly, with other names of
        contigs, or of an unknown kind; no candidates.
    """
    check_name(cell_line)
    digest = check_hashes(model_directory)
    about, _ = read_description(Path(model_directory) / DESCRIPTION)
    settings = settled(settings, about, model_directory)
    given = TrackFiles(tracks or {}, genes, insulator_motifs, settings.signals, element_signals or {})
    _refuse_support(settings, similarity, support)
    check_files(given)
    check_choice(settings, expressed, given.tracks, reads_tracks=True)
    if calibration_pairs is not None:
        check_pairs(calibration_pairs, settings.pairs_format, about)
    shared = read_landscape(Path(model_directory))
    threshold, known = _threshold(shared, settings)
    if not known and calibration_pairs is None:
        raise _unknown_precision(shared, settings, model_directory)
    contigs = read_contig_names(contig_names)
    files = {"enhancer": enhancers, "promoter": promoters}
    mentions = read_files({role: path for role, path in files.items() if path}, cell_line, contigs, genes)
    assembly = None
    if len(shared.assemblies) > 1 or settings.assembly is not None:
        assembly = choose_assembly(Path(model_directory), shared, settings.assembly, mentions, genes, contigs)
        if assembly.name != shared.assembly:
            shared = read_landscape(Path(model_directory), assembly=assembly.name)
    if promoters is None:
        mentions.append(Starts(Path(model_directory) / GENES, shared.starts).mentions(cell_line))
    # Before anything is looked for on a chromosome by its name.
    check_contigs(mentions, shared, contigs)
    with nullcontext() if genome is None else open_genome(genome, directory) as prepared:
        if assembly is not None and prepared is not None and genome is not None:
            check_genome(assembly, prepared.sizes, genome)
        refuse_simulated(settings, about, mentions, prepared)
        candidates = collect(
            mentions, cell_line, about, prepared, settings.chromosomes, contigs, shared.assembly
        )
        choice = Choice.read(expressed, candidates, mentions, settings)
        reading = read_line_landscape(
            shared, given, mentions, candidates, cell_line, settings, contigs, prepared
        )
        # Features are standardised over all candidates, so that the choice changes no score.
        candidates = choice.of(candidates, reading.landscape.tracks)
        decision, refitted = Decision(0.0, TEMPERATURE, threshold), None
        if calibration_pairs is not None:
            refitted = calibrate(
                _scorer(shared, reading), about, calibration_pairs, cell_line, settings, prepared, contigs,
                files, mentions, decision, knows_precision=known,
            )  # fmt: skip
            decision = refitted.decision
        order = list(candidates.tables["enhancer"]["chrom"].unique())
        plan = Plan(
            cell_line=cell_line,
            model_digest=digest,
            environment=None,
            level=decision.level,
            temperature=decision.temperature,
            threshold=decision.threshold,
            min_distance=settings.min_distance,
            max_distance=settings.max_distance,
            chromosomes=counted(candidates, settings, order),
        )
        cautions = [one for one in candidates.cautions if one.kind not in _NOT_READ]
        cautions = [
            *of_model(about),
            *_of_assembly(assembly, shared),
            *of_tissue(settings.tissue, shared.tissues),
            *of_name(cell_line, about, left_out=cell_line in shared.lines),
            *of_distances(settings, about, candidates, plan),
            *cautions,
            *reading.cautions,
            *of_pairs(plan),
        ]
        cautions += [] if refitted is None else refitted.cautions
        content = _for_people(cell_line, settings, about, digest, shared, candidates, reading, cautions)
        content["assembly"] = None if assembly is None else vars(assembly)
        write_json(directory / "environment.json", content)
        write_json(directory / "calibration.json", None if refitted is None else refitted.report)
        write_plan(directory, plan, candidates.tables)
        reading.landscape.write(directory)
    tell(plan, _in_words(reading), cautions)


def _of_assembly(assembly: Chosen | None, shared: SharedLandscape) -> list[Caution]:
    """An assembly that the model knows nothing of."""
    if assembly is None or assembly.name != OTHER:
        return []
    return [
        Caution(
            "unknown_assembly",
            f"the files are of another assembly than {' and '.join(shared.assemblies)} ({assembly.because}): "
            "the line's own tracks speak alone, nothing is expected from the training lines, and no accuracy "
            "was measured for this",
        )
    ]


def _threshold(shared: SharedLandscape, settings: Settled) -> tuple[float, bool]:
    """Of the precision that is asked for, or of the best F1; and whether it is what is asked for."""
    known = shared.fit.chosen.get("thresholds", {})
    if settings.precision is None:
        return shared.fit.threshold, True
    asked = str(settings.precision)
    return (float(known[asked]), True) if asked in known else (shared.fit.threshold, False)


def _unknown_precision(shared: SharedLandscape, settings: Settled, model_directory: Path) -> UserError:
    told = ", ".join(sorted(shared.fit.chosen.get("thresholds", {}))) or "none"
    return UserError(
        f"the model knows no threshold for a precision of {settings.precision:g} (it knows: {told})",
        mend="ask for one of these, leave the precision out, or give labelled pairs with --calibrate (in a "
        "configuration calibrate)",
        file=model_directory,
    )


def _refuse_support(settings: PredictionSettings, similarity: Path | None, support: Path | None) -> None:
    for name, value in (
        ("similarity", similarity), ("support", support), ("support_size", settings.support_size),
    ):  # fmt: skip
        if value is not None:
            raise UserError(
                f"{name} is given, and a law of the landscape draws no support set: it knows a line by its "
                "tracks and its stated tissue",
                mend=f"leave {name} out",
            )


def _scorer(shared: SharedLandscape, reading: LineReading) -> Scorer:
    """Scores of labelled pairs."""

    def score(table: pd.DataFrame, elements: Mapping[str, pd.DataFrame]) -> FloatArray:
        before = resistance_of(shared, reading.at(elements["enhancer"]), table, elements)
        return shared.fit.potential(table["distance"].to_numpy()) - softplus(before)

    return score


def _for_people(
    cell_line: str,
    settings: PredictionSettings,
    about: About,
    digest: str,
    shared: SharedLandscape,
    candidates: Candidates,
    reading: LineReading,
    cautions: list[Caution],
) -> dict[str, Any]:
    return {
        "cell_line": cell_line,
        "model": {"name": about.name, "seed": about.seed, "sha256": digest},
        "stated_tissue": settings.tissue,
        "told_tissue": settings.tissue if settings.tissue in shared.tissues else UNKNOWN,
        "candidates": candidates.report,
        "landscape": reading.report,
        "warnings": [vars(caution) for caution in cautions],
    }


def _in_words(reading: LineReading) -> str:
    report = reading.report
    own, expected = (", ".join(report[key]) or "none" for key in ("own_kinds", "expected_kinds"))
    signals = f"; signals at its candidates: {', '.join(report['signals'])}" if report["signals"] else ""
    return f"tracks of the line itself: {own}; expected from the training lines: {expected}{signals}"
