"""Write a simulated benchmark as the raw files that a user would bring."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.errors import UserError
from cbat.files import atomic_directory, write_json
from cbat.simulation import world
from cbat.simulation.factors import LineRecord, draw_factors
from cbat.simulation.genome import build_genome, write_genome
from cbat.simulation.landscape import draw_landscapes
from cbat.simulation.motif_calls import call_motifs
from cbat.simulation.motifs import read_motifs
from cbat.simulation.observer import attach_observer
from cbat.simulation.pairs import draw_pairs
from cbat.simulation.peaks import draw_genes, draw_peaks
from cbat.simulation.raw_files import intervals_of, write_activities, write_line, write_table
from cbat.simulation.sequence import SLOT_LENGTH

log = logging.getLogger(__name__)


def run(*, settings: SimulationSettings, lines: Sequence[LineRecord], directory: Path) -> None:
    """Simulate the world and write ``genome.fa.gz``, ``genes.bed.gz``, ``raw/<cell_line>/`` and ``truth/``.

    Parameters
    ----------
    settings : SimulationSettings
    lines : sequence of records
        Rows of the cell-line sheet; activities of lines of one tissue are correlated.
    directory : Path
        Replaced as a whole when the simulation is complete.

    Raises
    ------
    UserError
        When the settings leave too little room for motifs or pairs.
    """
    matrices = read_motifs(settings.motifs)
    _check(settings, matrices)
    _check_factors(settings, lines)
    rng = np.random.default_rng([settings.seed, 1])
    laws = world.draw_laws(np.random.default_rng([settings.seed, 2]), settings)
    factors = draw_factors(settings, lines)
    with atomic_directory(directory) as target:
        with TemporaryDirectory(dir=target, ignore_cleanup_errors=True) as drawn:
            genome = build_genome(rng, settings, matrices, Path(drawn))
            write_genome(target / "genome.fa.gz", genome)
            calls = None if settings.observer_support is None else call_motifs(settings, genome, matrices)
        write_table(target / "genes.bed.gz", draw_genes(settings, genome), header=False)
        intervals = intervals_of(settings, genome)
        rates = []
        landscapes = draw_landscapes(settings, genome, factors.candidacy, [line.tissue for line in lines])
        acting = landscapes if settings.landscape_strength > 0 else None
        tables = draw_pairs(settings, laws, genome, factors, acting)
        if calls is not None:
            tables = attach_observer(settings, laws, genome, lines, factors, calls, [*tables], acting)
        for index, (line, table) in enumerate(zip(lines, tables, strict=True)):
            candidates = genome.enhancers.mask(table.enhancers), genome.promoters.mask(table.promoters)
            peaks = draw_peaks(settings, genome, landscapes.lines[index], candidates, index)
            write_line(target, line.cell_line, intervals, table, peaks)
            rates.append(table.pairs["label"].mean())
        names = [line.cell_line for line in lines]
        write_activities(target / "truth" / "activities.tsv", settings.motifs, names, factors.candidacy)
        if settings.contact_correlation < 1.0:
            write_activities(
                target / "truth" / "contact_activities.tsv", settings.motifs, names, factors.contact
            )
        write_json(target / "truth" / "world.json", settings.model_dump(mode="json"))
    log.info(
        "simulated %d cell lines, %d pairs each, %.3f of them in contact",
        len(lines), settings.pairs_per_cell_line, np.mean(rates),
    )  # fmt: skip


def _check(settings: SimulationSettings, matrices: list[NDArray[np.float64]]) -> None:
    longest = max(len(matrix) for matrix in matrices)
    if longest > SLOT_LENGTH:
        name = settings.motifs[[len(m) for m in matrices].index(longest)]
        raise UserError(
            f"motif {name} is {longest} bp long; at most {SLOT_LENGTH} bp fit",
            mend="leave it out of simulation.motifs", where="simulation.motifs",
        )  # fmt: skip
    for key in ("enhancer_length", "promoter_length"):
        if getattr(settings, key) < 2 * SLOT_LENGTH:
            raise UserError(
                f"{key} is {getattr(settings, key)}", mend=f"use at least {2 * SLOT_LENGTH} bp",
                where=f"simulation.{key}",
            )  # fmt: skip
    n_elements = settings.n_enhancers + settings.n_promoters
    if settings.n_chromosomes > n_elements:
        raise UserError(
            f"{n_elements} elements do not reach all of {settings.n_chromosomes} chromosomes",
            mend="ask for fewer chromosomes or for more elements", where="simulation.n_chromosomes",
        )  # fmt: skip
    if len(set(settings.motifs)) < len(settings.motifs):
        raise UserError("a motif is named twice", mend="name each motif once", where="simulation.motifs")


def _check_factors(settings: SimulationSettings, lines: Sequence[LineRecord]) -> None:
    able = len(world.free_factors(settings))
    if settings.new_factors > able:
        raise UserError(
            f"{settings.new_factors} new factors are requested, but {able} motifs are named besides CTCF",
            mend="ask for fewer, or name more motifs", where="simulation.new_factors",
        )  # fmt: skip
    roles = {line.role for line in lines}
    if settings.new_factors and not ({"unseen"} < roles):
        raise UserError(
            f"new factors are active in unseen lines alone, and the simulated lines are all {roles.pop()}",
            mend="give some lines of the sheet the role unseen and others the role train, or set new_factors "
            "to 0",
            where="simulation.new_factors",
        )  # fmt: skip
