"""Make a new cell line ready to be scored: elements, environment, and what may be wrong with either."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cbat.config.predictions import PredictionSettings
from cbat.data import genome as genomes
from cbat.data.contigs import read_contig_names
from cbat.errors import UserError
from cbat.files import atomic_file, write_json
from cbat.model.bundle import use_threads
from cbat.model.contexts import stated_tissue
from cbat.model.directory import About, SharedModel, read_model_directory
from cbat.prediction.calibration import Calibration, calibrate
from cbat.prediction.candidates import Candidates, Caution, Genome, collect, read_files
from cbat.prediction.near_pairs import NearPairs
from cbat.prediction.plan import GENOME, Counts, Plan, write_plan
from cbat.prediction.support import (
    UNKNOWN,
    Environment,
    motif_table,
    posterior_table,
    read_environment,
    read_relatives,
)

log = logging.getLogger(__name__)
FILES: Final = ("environment.json", "posterior.tsv", "motifs.tsv", "support.tsv", "calibration.json")
"""What is written for people."""
_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_+-]*$")
_SHOWN: Final = 8


def run(
    *,
    model_directory: Path,
    genome: Path,
    enhancers: Path,
    promoters: Path,
    cell_line: str,
    settings: PredictionSettings,
    directory: Path,
    contig_names: Path | None = None,
    similarity: Path | None = None,
    support: Path | None = None,
    calibration_pairs: Path | None = None,
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
        Labelled pairs of the line, to which temperature and threshold are refitted.

    Raises
    ------
    UserError
        A model directory that was changed or is made for other windows; malformed files; files of another
        assembly; no candidates.
    """
    use_threads(1)
    if not _NAME.match(cell_line):
        raise UserError(
            f"the cell line is called {cell_line!r}",
            mend="start with a letter or a digit, and use letters, digits, '_', '+' and '-' only",
        )
    shared = read_model_directory(model_directory)
    check_settings(settings, shared.about, model_directory)
    # Small files first: a mistake in one of them shows before gigabytes are unpacked.
    contigs = read_contig_names(contig_names)
    files = {"enhancer": enhancers, "promoter": promoters}
    mentions = read_files(files, cell_line, contigs)
    relatives = None
    if similarity is not None:
        relatives = read_relatives(similarity, cell_line, shared, settings)
    with _genome(genome, directory) as prepared:
        candidates = collect(mentions, cell_line, shared.about, prepared, settings.chromosomes)
        environment = read_environment(
            shared, candidates, prepared, cell_line, settings, relatives=relatives, support=support
        )
        refitted = None
        if calibration_pairs is not None:
            fed = environment.reading.environment
            refitted = calibrate(
                shared, fed, calibration_pairs, cell_line, settings, prepared, contigs, files
            )
        plan = _plan(shared, candidates, environment, refitted, cell_line, settings, prepared.sizes)
        cautions = [*_of_distances(settings, shared.about), *candidates.cautions, *environment.cautions]
        cautions += _of_pairs(plan) if refitted is None else [*_of_pairs(plan), *refitted.cautions]
        _write_for_people(directory, shared, candidates, environment, refitted, cautions, settings, cell_line)
        write_plan(directory, plan, candidates.tables)
    _tell(plan, environment, cautions)


@contextmanager
def _genome(fasta: Path, directory: Path) -> Iterator[Genome]:
    """The genome in the line's folder; it does not stay behind where nothing else of the line can be made."""
    place = Path(directory) / GENOME
    created = [path for path in (place, place.parent) if not path.exists()]
    try:
        genomes.run(fasta=fasta, directory=place)
        yield Genome(place / "genome.fa", genomes.read_contig_sizes(place / "contig_sizes.tsv"))
    except BaseException:
        for path in created:
            shutil.rmtree(path, ignore_errors=True)
        raise


def check_settings(settings: PredictionSettings, about: About, model_directory: Path) -> None:
    """Refuse distances that hold no pair, and a model for other windows than those asked for.

    Raises
    ------
    UserError
    """
    for role, asked in (("enhancer", settings.enhancer_window), ("promoter", settings.promoter_window)):
        trained = getattr(about.windows, role)
        if asked is not None and asked != trained:
            raise UserError(
                f"the model was trained for {role} windows of {trained} bp, and {asked} bp are asked for",
                mend=f"leave {role}_window out to use the model's windows, or give a model for {asked} bp",
                file=model_directory,
            )
    if settings.min_distance > settings.max_distance:
        raise UserError(
            f"the shortest distance ({settings.min_distance} bp) is above the longest "
            f"({settings.max_distance} bp), so there is no pair",
            mend="lower min_distance or raise max_distance",
        )


def _plan(
    shared: SharedModel,
    candidates: Candidates,
    environment: Environment,
    refitted: Calibration | None,
    cell_line: str,
    settings: PredictionSettings,
    sizes: Mapping[str, int],
) -> Plan:
    parts = {role: dict(list(table.groupby("chrom"))) for role, table in candidates.tables.items()}
    asked = set(settings.chromosomes or candidates.chromosomes)
    # Tables are in the order of the genome, in whatever order chromosomes are asked for.
    order = [chrom for chrom in sizes if chrom in asked]
    chromosomes = {}
    for chrom in order:
        own = {role: part.get(chrom, candidates.tables[role].iloc[:0]) for role, part in parts.items()}
        near = NearPairs.of(own["enhancer"], own["promoter"], settings.min_distance, settings.max_distance)
        chromosomes[chrom] = Counts(len(own["enhancer"]), len(own["promoter"]), len(near))
    fed, decided = environment.reading.environment, shared.model if refitted is None else refitted
    return Plan(
        cell_line=cell_line,
        model_digest=shared.digest,
        environment=None if fed is None else [float(value) for value in fed],
        temperature=decided.temperature,
        threshold=decided.threshold,
        min_distance=settings.min_distance,
        max_distance=settings.max_distance,
        chromosomes=chromosomes,
    )


def _of_pairs(plan: Plan) -> list[Caution]:
    if plan.n_pairs:
        return []
    return [
        Caution(
            "no_pairs",
            f"no enhancer and promoter of a chromosome are {plan.min_distance} to {plan.max_distance} bp "
            "apart",
        )
    ]


def _of_distances(settings: PredictionSettings, about: About) -> list[Caution]:
    _, longest = about.training.distances
    if settings.max_distance <= longest:
        return []
    return [
        Caution(
            "long_distances",
            f"pairs up to {settings.max_distance} bp apart are asked for, and the model has seen none beyond "
            f"{longest} bp",
        )
    ]


def _write_for_people(
    directory: Path,
    shared: SharedModel,
    candidates: Candidates,
    environment: Environment,
    refitted: Calibration | None,
    cautions: Sequence[Caution],
    settings: PredictionSettings,
    cell_line: str,
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
        "warnings": [vars(caution) for caution in cautions],
    }
    write_json(directory / "environment.json", content)
    _write_tsv(directory / "posterior.tsv", posterior)
    _write_tsv(directory / "motifs.tsv", motifs)
    _write_tsv(directory / "support.tsv", environment.support)
    write_json(directory / "calibration.json", None if refitted is None else refitted.report)


def _finite(value: float) -> float | None:
    return value if value == value else None


def _records(table: pd.DataFrame) -> list[Mapping[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _write_tsv(path: Path, table: pd.DataFrame) -> None:
    with atomic_file(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def _tell(plan: Plan, environment: Environment, cautions: Sequence[Caution]) -> None:
    shown = ", ".join(f"{chrom} {counts.pairs:,}" for chrom, counts in [*plan.chromosomes.items()][:_SHOWN])
    more = ", ..." if len(plan.chromosomes) > _SHOWN else ""
    log.info("%s: %s pairs to score (%s%s)", plan.cell_line, f"{plan.n_pairs:,}", shown, more)
    log.info("environment read from %d candidates", environment.reading.n)
    for caution in cautions:
        log.warning("%s: %s", caution.kind, caution.message)
