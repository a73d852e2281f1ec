"""Write a simulated benchmark as the raw files that a user would bring."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.errors import UserError
from cbat.files import atomic_directory, write_json
from cbat.simulation import world
from cbat.simulation.environments import invariant_with_landscapes, resistance_of_landscapes
from cbat.simulation.genome import Genome, build_genome, write_genome
from cbat.simulation.landscape import Landscapes, draw_landscapes
from cbat.simulation.motifs import read_motifs
from cbat.simulation.peaks import draw_genes, draw_peaks
from cbat.simulation.raw_files import LineTable, intervals_of, write_activities, write_line, write_table
from cbat.simulation.sequence import SLOT_LENGTH

log = logging.getLogger(__name__)
_ENHANCERS_TOGETHER = 100


class LineRecord(Protocol):
    """What the simulator reads of a row of the cell-line sheet."""

    @property
    def cell_line(self) -> str:
        """Name of the line."""

    @property
    def tissue(self) -> str:
        """Tissue of origin."""


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
    rng = np.random.default_rng([settings.seed, 1])
    laws = world.draw_laws(np.random.default_rng([settings.seed, 2]), settings)
    activities = world.draw_activities(
        np.random.default_rng([settings.seed, 3]), settings, [line.tissue for line in lines]
    )
    with atomic_directory(directory) as target:
        with TemporaryDirectory(dir=target, ignore_cleanup_errors=True) as drawn:
            genome = build_genome(rng, settings, matrices, Path(drawn))
            write_genome(target / "genome.fa.gz", genome)
        write_table(target / "genes.bed.gz", draw_genes(settings, genome), header=False)
        intervals = intervals_of(settings, genome)
        rates = []
        landscapes = draw_landscapes(settings, genome, activities, [line.tissue for line in lines])
        acting = landscapes if settings.landscape_strength > 0 else None
        tables = draw_pairs(settings, laws, genome, activities, acting)
        for index, (line, table) in enumerate(zip(lines, tables, strict=True)):
            candidates = genome.enhancers.mask(table.enhancers), genome.promoters.mask(table.promoters)
            peaks = draw_peaks(settings, genome, landscapes.lines[index], candidates, index)
            write_line(target, line.cell_line, intervals, table, peaks)
            rates.append(table.pairs["label"].mean())
        write_activities(target, settings.motifs, [line.cell_line for line in lines], activities)
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


def draw_pairs(
    settings: SimulationSettings,
    laws: world.Laws,
    genome: Genome,
    activities: NDArray[np.float64],
    landscapes: Landscapes | None = None,
) -> Iterator[LineTable]:
    """Candidates and labelled pairs of every line, one line after the other.

    Pairs are a uniform sample of all pairs of candidates within ``max_distance``, so the negatives
    are natural. Labels are drawn from the contact law.

    Parameters
    ----------
    activities : array, shape=(n_lines, n_motifs)
        Of the factors.
    landscapes : Landscapes, optional
        What else resists contacts; nothing without them.
    """
    enhancers, promoters = genome.enhancers, genome.promoters
    candidates, chosen, parts = [], [], []
    for index, activity in enumerate(activities):
        rng = np.random.default_rng([settings.seed, 4, index])
        own = []
        for elements in (enhancers, promoters):
            chance = world.sigmoid(world.candidate_logit(settings, elements.presence, activity))
            own.append(np.flatnonzero(rng.random(len(chance)) < chance))
        candidates.append(own)
        chosen.append(_sample_pairs(rng, settings, enhancers, promoters, own[0], own[1]))
        parts.append(_energies(settings, laws, genome, chosen[-1], activity))
    hindered = [np.zeros(0)] * len(chosen)
    if landscapes is not None:
        hindered = resistance_of_landscapes(settings, genome, landscapes, candidates, chosen)
        energy = [u - r - h for (u, r), h in zip(parts, hindered, strict=True)]
    else:
        energy = [u - r for u, r in parts]
    intercept = world.contact_intercept(settings, np.concatenate(energy))
    potentials = [u + intercept for u, _ in parts]
    invariant = _invariant(settings, laws, genome, landscapes, chosen, potentials)
    for index, (own, pairs, (_, resistance)) in enumerate(zip(candidates, chosen, parts, strict=True)):
        potential, known = potentials[index], next(invariant)
        total = resistance if landscapes is None else resistance + hindered[index]
        probability = world.sigmoid((potential - total) / settings.temperature)
        rng = np.random.default_rng([settings.seed, 5, index])
        columns = {
            "enhancer": pairs[:, 0],
            "promoter": pairs[:, 1],
            "label": (rng.random(len(pairs)) < probability).astype(np.int8),
            "probability": probability,
            "invariant_probability": known,
            "intrinsic_potential": potential,
            "environment_resistance": total,
        }
        if landscapes is not None:
            columns |= {"motif_resistance": resistance, "landscape_resistance": hindered[index]}
        yield LineTable(own[0], own[1], pd.DataFrame(columns))


def _invariant(
    settings: SimulationSettings,
    laws: world.Laws,
    genome: Genome,
    landscapes: Landscapes | None,
    chosen: list[NDArray[np.int64]],
    potentials: list[NDArray[np.float64]],
) -> Iterator[NDArray[np.float64]]:
    """What knowing the pairs but not the environment is worth, line by line, shape=(n_pairs,) each."""
    drawn = world.draw_environments(settings, genome.enhancers, genome.promoters, settings.seed)
    if landscapes is not None:
        yield from invariant_with_landscapes(
            settings, laws, genome, landscapes.conserved, drawn, chosen, potentials
        )
        return
    for pairs, potential in zip(chosen, potentials, strict=True):
        yield world.invariant_probability(
            settings, laws, genome.enhancers, genome.promoters, pairs, potential, drawn
        )


def _energies(
    settings: SimulationSettings,
    laws: world.Laws,
    genome: Genome,
    pairs: NDArray[np.int64],
    activity: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intrinsic potential, without the intercept, and resistance of pairs of one line, shape=(n,) each."""
    enhancers, promoters = genome.enhancers, genome.promoters
    potential, resistance = np.empty(len(pairs)), np.empty(len(pairs))
    for piece in world.pieces(len(pairs)):
        part = pairs[piece]
        offset = (
            enhancers.start[part[:, 0]] + settings.enhancer_length // 2
            - promoters.start[part[:, 1]] - settings.promoter_length // 2
        )  # fmt: skip
        potential[piece] = world.intrinsic_potential(
            laws, enhancers, promoters, part, np.abs(offset).astype(float), np.where(offset < 0, 1.0, -1.0)
        )
        resistance[piece] = world.environment_resistance(
            settings, laws, enhancers, promoters, part, activity[:, None]
        )[:, 0]
    return potential, resistance


def _sample_pairs(
    rng: np.random.Generator,
    settings: SimulationSettings,
    enhancers: world.Elements,
    promoters: world.Elements,
    own_enhancers: NDArray[np.int64],
    own_promoters: NDArray[np.int64],
) -> NDArray[np.int64]:
    def near() -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]]:
        """Some enhancers, all promoters of their chromosome, and which of their pairs are near."""
        for c in range(settings.n_chromosomes):
            own = own_enhancers[enhancers.chromosome[own_enhancers] == c]
            p = own_promoters[promoters.chromosome[own_promoters] == c]
            centre_p = promoters.start[p] + settings.promoter_length // 2
            for at in range(0, len(own), _ENHANCERS_TOGETHER):
                e = own[at : at + _ENHANCERS_TOGETHER]
                centre_e = enhancers.start[e] + settings.enhancer_length // 2
                distance = np.abs(centre_e[:, None] - centre_p[None, :])
                yield e, p, np.flatnonzero(distance <= settings.max_distance)

    # Looked at twice, for all pairs would take more memory than anything else.
    n_pairs = sum(len(pairs) for _, _, pairs in near())
    if n_pairs < settings.pairs_per_cell_line:
        raise UserError(
            f"a cell line has {n_pairs} candidate pairs, and {settings.pairs_per_cell_line} are asked for",
            mend="ask for fewer pairs, more elements, a higher active_fraction or a longer max_distance",
            where="simulation.pairs_per_cell_line",
        )
    drawn = np.sort(rng.choice(n_pairs, settings.pairs_per_cell_line, replace=False))
    found, before = [np.empty((0, 2), dtype=np.int64)], 0
    for e, p, pairs in near():
        first, last = np.searchsorted(drawn, [before, before + len(pairs)])
        i, j = np.divmod(pairs[drawn[first:last] - before], max(len(p), 1))
        found.append(np.stack([e[i], p[j]], axis=1))
        before += len(pairs)
    return np.concatenate(found)
