"""What the preparations of all kinds of model share: checks, counts, cautions, and files for people."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.config.predictions import PredictionSettings, Settled
from cbat.config.sheets import plain_name
from cbat.config.suggestions import did_you_mean
from cbat.data import genome as genomes
from cbat.data.assemblies import assembly_of
from cbat.data.elements import Mentions
from cbat.errors import UserError
from cbat.files import atomic_file
from cbat.model.about import About
from cbat.prediction.candidates import Candidates, Genome
from cbat.prediction.card import below_distance, collapsed
from cbat.prediction.cautions import Caution
from cbat.prediction.near_pairs import NearPairs
from cbat.prediction.plan import GENOME, Counts, Plan

log = logging.getLogger(__name__)
OF_SUPPORT: Final = ("posterior.tsv", "motifs.tsv", "support.tsv")
"""Tables of what a support set says; a law of the landscape draws none."""
ENVIRONMENT: Final = "environment.json"
FILES: Final = (ENVIRONMENT, *OF_SUPPORT, "calibration.json")
"""What is written for people."""
UNKNOWN: Final = "unknown"
_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_+-]*$")
_SHOWN: Final = 8
_SOME: Final = 0.01
"""A larger share of pairs that are nearer than any of the training is told."""


def check_name(cell_line: str) -> None:
    """Refuse a name of a cell line that could be no part of a file's.

    Raises
    ------
    UserError
    """
    if not _NAME.match(cell_line):
        raise UserError(
            f"the cell line is called {cell_line!r}",
            mend="start with a letter or a digit, and use letters, digits, '_', '+' and '-' only",
        )


@contextmanager
def open_genome(fasta: Path, directory: Path) -> Iterator[Genome]:
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


def settled(settings: PredictionSettings, about: About, model_directory: Path) -> Settled:
    """Settings with the model's in place of those that are left to it.

    Raises
    ------
    UserError
        Distances that hold no pair; a model for other windows than those asked for.
    """
    for role, asked in (("enhancer", settings.enhancer_window), ("promoter", settings.promoter_window)):
        trained = getattr(about.windows, role)
        if asked is not None and asked != trained:
            raise UserError(
                f"the model was trained for {role} windows of {trained} bp, but {asked} bp are requested",
                mend=f"leave {role}_window out to use the model's windows, or give a model for {asked} bp",
                file=model_directory,
            )
    shortest, longest = about.training.distances
    longest = longest if settings.max_distance is None else settings.max_distance
    if settings.min_distance is not None:
        shortest = settings.min_distance
    elif shortest > longest:
        # Pairs nearer than any of the training are asked for.
        shortest = 0
    if shortest > longest:
        raise UserError(
            f"the shortest distance ({shortest} bp) is above the longest ({longest} bp), so there is no pair",
            mend="lower min_distance or raise max_distance",
        )
    return Settled.model_validate(settings.model_dump() | {"min_distance": shortest, "max_distance": longest})


def counted(candidates: Candidates, settings: Settled, order: Sequence[str]) -> dict[str, Counts]:
    """Elements and pairs of each predicted chromosome, in the order of all, whatever is asked for first."""
    parts = {role: dict(list(table.groupby("chrom"))) for role, table in candidates.tables.items()}
    asked = set(settings.chromosomes or candidates.chromosomes)
    chromosomes = {}
    for chrom in (name for name in order if name in asked):
        own = {role: part.get(chrom, candidates.tables[role].iloc[:0]) for role, part in parts.items()}
        near = NearPairs.of(own["enhancer"], own["promoter"], settings.min_distance, settings.max_distance)
        chromosomes[chrom] = Counts(len(own["enhancer"]), len(own["promoter"]), len(near))
    return chromosomes


def of_pairs(plan: Plan) -> list[Caution]:
    """A prediction without pairs."""
    if plan.n_pairs:
        return []
    return [
        Caution(
            "no_pairs",
            f"no enhancer and promoter of a chromosome are {plan.min_distance} to {plan.max_distance} bp "
            "apart",
        )
    ]


def of_distances(settings: Settled, about: About, candidates: Candidates, plan: Plan) -> list[Caution]:
    """Distances that no training pair had."""
    shortest, longest = about.training.distances
    found = []
    if settings.max_distance > longest:
        found.append(
            Caution(
                "long_distances",
                f"pairs up to {settings.max_distance} bp apart are requested, but the model has seen none "
                f"beyond {longest} bp",
            )
        )
    if settings.min_distance < shortest:
        nearer = settings.model_copy(update={"max_distance": shortest - 1})
        counts = counted(candidates, nearer, candidates.chromosomes).values()
        n = sum(one.pairs for one in counts)
        if n > _SOME * plan.n_pairs:
            found.append(
                Caution(
                    "short_distances",
                    f"{n:,} pairs are less than {shortest} bp apart, and the model has seen none so close: "
                    "their scores are guesses",
                )
            )
    return found


def of_model(about: About) -> list[Caution]:
    """A model that is worth no more than the distance, or that knows no real cell line."""
    found = []
    if (warning := below_distance(about)) is not None:
        found.append(Caution("below_distance", f"{warning}, so this prediction should not be used"))
    if (warning := collapsed(about)) is not None:
        found.append(Caution("collapsed_model", f"{warning}, so this prediction should not be used"))
    if about.training.simulated:
        found.append(Caution("simulated_model", "the model has learned from simulated data alone"))
    return found


def refuse_simulated(
    settings: PredictionSettings, about: About, mentions: Sequence[Mentions], genome: Genome | None
) -> None:
    """Stop where a model of simulated data meets other files than those of its genome, unless it is meant to.

    Raises
    ------
    UserError
    """
    lengths = about.training.genome
    if not about.training.simulated or settings.simulated_model or not lengths:
        return
    intervals = pd.concat([one.intervals[["chrom", "end"]] for one in mentions])
    length = intervals["chrom"].map(lengths)
    beyond = bool((intervals["end"] > length).any()) or bool(length.isna().all())
    if beyond or (genome is not None and assembly_of(genome.sizes) is not None):
        raise UserError(
            "the model has learned from simulated data, and these files are not of its simulated genome",
            mend="use a model of real cell lines, or ask for this one with --simulated-model (in a "
            "configuration simulated_model: true)",
            file=mentions[0].path,
        )


def of_tissue(tissue: str, known: Sequence[str]) -> list[Caution]:
    """A tissue that the graph of the training lines does not hold."""
    if tissue == UNKNOWN or tissue in known:
        return []
    return [
        Caution(
            "unknown_tissue",
            f"the model does not know the tissue {tissue!r}{did_you_mean(tissue, known)}, so none is stated; "
            f"it knows: {', '.join(known) or 'none'}",
        )
    ]


def of_name(cell_line: str, about: About, *, left_out: bool) -> list[Caution]:
    """The name of a training line, which may be left out of what the others let one expect of it.

    K562, k562 and K-562 are one name. In another assembly than that of the training the name alone tells, for
    peaks cannot be compared there.
    """
    lines = [line.cell_line for line in about.training.lines]
    same = [line for line in lines if line == cell_line]
    alike = same or [line for line in lines if plain_name(line) == plain_name(cell_line)]
    if not alike:
        return []
    what = "its tracks are left out of the expectation, but " if left_out else ""
    name = "a training line" if same else f"the training line {alike[0]}, spelled differently"
    return [
        Caution(
            "training_line",
            f"{cell_line} is the name of {name}: {what}the model has read its labels, so scores "
            "look better here than in a new line",
        )
    ]


def write_tsv(path: Path, table: pd.DataFrame) -> None:
    """Write a table for people."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def tell(plan: Plan, environment: str, cautions: Sequence[Caution]) -> None:
    """Pairs to come, what was read of the line, and cautions, in the log."""
    shown = ", ".join(f"{chrom} {counts.pairs:,}" for chrom, counts in [*plan.chromosomes.items()][:_SHOWN])
    more = ", ..." if len(plan.chromosomes) > _SHOWN else ""
    log.info("%s: %s pairs to score (%s%s)", plan.cell_line, f"{plan.n_pairs:,}", shown, more)
    log.info("%s", environment)
    for caution in cautions:
        log.warning("%s: %s", caution.kind, caution.message)
