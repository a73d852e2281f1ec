"""Write a simulated benchmark as the raw files that a user would bring."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.errors import UserError
from cbat.files import atomic_directory, write_json
from cbat.simulation import world
from cbat.simulation.motifs import read_motifs
from cbat.simulation.sequence import SHORTEST_GAP, SLOT_LENGTH, Codes, plant_motifs, random_sequences

log = logging.getLogger(__name__)
BASES = np.frombuffer(b"ACGT", dtype=np.uint8)


class LineRecord(Protocol):
    """What the simulator reads of a row of the cell-line sheet."""

    @property
    def cell_line(self) -> str:
        """Name of the line."""

    @property
    def tissue(self) -> str:
        """Tissue of origin."""


@dataclass(frozen=True)
class Genome:
    """Simulated chromosomes (codes) with the elements in them."""

    chromosomes: list[Codes]
    enhancers: world.Elements
    promoters: world.Elements


def run(*, settings: SimulationSettings, lines: Sequence[LineRecord], directory: Path) -> None:
    """Simulate the world and write ``genome.fa.gz``, ``raw/<cell_line>/`` and ``truth/``.

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
    genome = build_genome(rng, settings, matrices)
    tables = draw_pairs(settings, laws, genome, activities)
    with atomic_directory(directory) as target:
        _write_genome(target / "genome.fa.gz", genome.chromosomes)
        for line, table in zip(lines, tables, strict=True):
            _write_line(target, settings, line.cell_line, genome, table)
        (target / "truth").mkdir(exist_ok=True)
        columns = pd.Index(settings.motifs, name="motif")
        names = [line.cell_line for line in lines]
        pd.DataFrame(activities.T, index=columns, columns=names).to_csv(
            target / "truth" / "activities.tsv", sep="\t", float_format="%.6f", lineterminator="\n"
        )
        write_json(target / "truth" / "world.json", settings.model_dump(mode="json"))
    positives = np.mean([table.pairs["label"].mean() for table in tables])
    log.info(
        "simulated %d cell lines, %d pairs each, %.3f of them in contact",
        len(lines), settings.pairs_per_cell_line, positives,
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
    if len(set(settings.motifs)) < len(settings.motifs):
        raise UserError("a motif is named twice", mend="name each motif once", where="simulation.motifs")


def build_genome(
    rng: np.random.Generator, settings: SimulationSettings, matrices: list[NDArray[np.float64]]
) -> Genome:
    """Chromosomes with elements in random order, separated by gaps of random length."""
    enhancer_codes, enhancers = _draw_elements(
        rng, settings, matrices, settings.n_enhancers, settings.enhancer_length, cpg_ratio=0.25
    )
    promoter_codes, promoters = _draw_elements(
        rng, settings, matrices, settings.n_promoters, settings.promoter_length, cpg_ratio=0.6
    )
    n = settings.n_enhancers + settings.n_promoters
    order = rng.permutation(n)
    length = np.where(order < settings.n_enhancers, settings.enhancer_length, settings.promoter_length)
    spread = max(settings.gap_length - SHORTEST_GAP, 1)
    gaps = (SHORTEST_GAP + np.minimum(rng.exponential(spread, n), 4 * spread)).astype(int)
    isochore = settings.gc_content + 0.05 * np.repeat(rng.normal(size=n // 20 + 1), 20)[:n]
    gap_codes = random_sequences(rng, isochore, int(gaps.max()))
    chromosome = np.arange(n) * settings.n_chromosomes // n
    start = np.empty(n, dtype=np.int64)
    chromosomes = []
    for c in range(settings.n_chromosomes):
        members = np.flatnonzero(chromosome == c)
        span = gaps[members] + length[members]
        start[members] = span.cumsum() - length[members]
        pieces: list[Codes] = []
        for slot in members:
            e = order[slot]
            own = enhancer_codes[e] if e < settings.n_enhancers else promoter_codes[e - settings.n_enhancers]
            pieces += [gap_codes[slot, : gaps[slot]], own]
        pieces.append(gap_codes[members[-1], :SHORTEST_GAP])
        chromosomes.append(np.concatenate(pieces))
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    split = settings.n_enhancers
    for elements, where in ((enhancers, place[:split]), (promoters, place[split:])):
        elements.chromosome[:] = chromosome[where]
        elements.start[:] = start[where]
    return Genome(chromosomes, enhancers, promoters)


def _draw_elements(
    rng: np.random.Generator,
    settings: SimulationSettings,
    matrices: list[NDArray[np.float64]],
    n: int,
    length: int,
    cpg_ratio: float,
) -> tuple[Codes, world.Elements]:
    k = len(matrices)
    presence = rng.random((n, k)) < settings.motif_rate
    presence &= presence.cumsum(axis=1) <= length // SLOT_LENGTH
    forward = rng.random((n, k)) < 0.5
    gc_content = settings.element_gc_content + 0.04 * rng.normal(size=n)
    codes = random_sequences(rng, gc_content, length, cpg_ratio)
    plant_motifs(rng, codes, presence, forward, matrices, settings.motif_sharpness)
    return codes, world.Elements(presence, forward, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))


@dataclass(frozen=True)
class LineTable:
    """Candidates and labelled pairs of one cell line."""

    enhancers: NDArray[np.int64]
    promoters: NDArray[np.int64]
    pairs: pd.DataFrame


def draw_pairs(
    settings: SimulationSettings, laws: world.Laws, genome: Genome, activities: NDArray[np.float64]
) -> list[LineTable]:
    """Candidates and labelled pairs of every line.

    Pairs are a uniform sample of all pairs of candidates within ``max_distance``, so the negatives
    are natural. Labels are drawn from the contact law.
    """
    enhancers, promoters = genome.enhancers, genome.promoters
    chosen, candidates = [], []
    for index, activity in enumerate(activities):
        rng = np.random.default_rng([settings.seed, 4, index])
        own = []
        for elements in (enhancers, promoters):
            chance = world.sigmoid(world.candidate_logit(settings, elements.presence, activity))
            own.append(np.flatnonzero(rng.random(len(chance)) < chance))
        candidates.append(own)
        chosen.append(_sample_pairs(rng, settings, enhancers, promoters, own[0], own[1]))
    parts = []
    for activity, pairs in zip(activities, chosen, strict=True):
        offset = (
            enhancers.start[pairs[:, 0]] + settings.enhancer_length // 2
            - promoters.start[pairs[:, 1]] - settings.promoter_length // 2
        )  # fmt: skip
        potential = world.intrinsic_potential(
            laws, enhancers, promoters, pairs, np.abs(offset).astype(float), np.where(offset < 0, 1.0, -1.0)
        )
        resistance = world.environment_resistance(
            settings, laws, enhancers, promoters, pairs, activity[:, None]
        )[:, 0]
        parts.append((potential, resistance))
    intercept = world.contact_intercept(settings, np.concatenate([u - r for u, r in parts]))
    drawn = world.draw_environments(settings, enhancers, promoters, settings.seed)
    tables = []
    for index, (own, pairs, (potential, resistance)) in enumerate(
        zip(candidates, chosen, parts, strict=True)
    ):
        potential = potential + intercept
        probability = world.sigmoid((potential - resistance) / settings.temperature)
        rng = np.random.default_rng([settings.seed, 5, index])
        frame = pd.DataFrame(
            {
                "enhancer": pairs[:, 0],
                "promoter": pairs[:, 1],
                "label": (rng.random(len(pairs)) < probability).astype(np.int8),
                "probability": probability,
                "invariant_probability": world.invariant_probability(
                    settings, laws, enhancers, promoters, pairs, potential, drawn
                ),
                "intrinsic_potential": potential,
                "environment_resistance": resistance,
            }
        )
        tables.append(LineTable(own[0], own[1], frame))
    return tables


def _sample_pairs(
    rng: np.random.Generator,
    settings: SimulationSettings,
    enhancers: world.Elements,
    promoters: world.Elements,
    own_enhancers: NDArray[np.int64],
    own_promoters: NDArray[np.int64],
) -> NDArray[np.int64]:
    near = []
    for c in range(settings.n_chromosomes):
        e = own_enhancers[enhancers.chromosome[own_enhancers] == c]
        p = own_promoters[promoters.chromosome[own_promoters] == c]
        centre_e = enhancers.start[e] + settings.enhancer_length // 2
        centre_p = promoters.start[p] + settings.promoter_length // 2
        i, j = np.nonzero(np.abs(centre_e[:, None] - centre_p[None, :]) <= settings.max_distance)
        near.append(np.stack([e[i], p[j]], axis=1))
    every = np.concatenate(near)
    if len(every) < settings.pairs_per_cell_line:
        raise UserError(
            f"a cell line has {len(every)} candidate pairs, and {settings.pairs_per_cell_line} are asked for",
            mend="ask for fewer pairs, more elements, a higher active_fraction or a longer max_distance",
            where="simulation.pairs_per_cell_line",
        )
    return every[np.sort(rng.choice(len(every), settings.pairs_per_cell_line, replace=False))]


def _write_genome(path: Path, chromosomes: list[Codes]) -> None:
    width = 80
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as out:
        for index, codes in enumerate(chromosomes):
            out.write(f">chr{index + 1}\n".encode())
            letters = BASES[codes].tobytes()
            lines = (letters[at : at + width] for at in range(0, len(letters), width))
            out.write(b"\n".join(lines) + b"\n")


def _write_line(
    target: Path, settings: SimulationSettings, cell_line: str, genome: Genome, table: LineTable
) -> None:
    names = np.array([f"chr{c + 1}" for c in range(settings.n_chromosomes)])
    frames = {}
    for role, elements, length, own in (
        ("enhancer", genome.enhancers, settings.enhancer_length, table.enhancers),
        ("promoter", genome.promoters, settings.promoter_length, table.promoters),
    ):
        bed = pd.DataFrame(
            {"chrom": names[elements.chromosome], "start": elements.start, "end": elements.start + length}
        )
        frames[role] = bed
        order = np.lexsort((elements.start[own], elements.chromosome[own]))
        _write_table(target / "raw" / cell_line / f"{role}s.bed.gz", bed.iloc[own[order]], header=False)
    pairs = pd.DataFrame(
        {
            f"{role}_{column}": frames[role][column].to_numpy()[table.pairs[role]]
            for role in ("enhancer", "promoter")
            for column in ("chrom", "start", "end")
        }
    )
    _write_table(
        target / "raw" / cell_line / "pairs.tsv.gz", pairs.assign(label=table.pairs["label"]), header=True
    )
    hidden = table.pairs.drop(columns=["enhancer", "promoter", "label"])
    for position, role in enumerate(("enhancer", "promoter")):
        start, end = pairs[f"{role}_start"].astype(str), pairs[f"{role}_end"].astype(str)
        hidden.insert(position, f"{role}_id", pairs[f"{role}_chrom"] + ":" + start + "-" + end)
    (target / "truth").mkdir(exist_ok=True)
    hidden.to_parquet(target / "truth" / f"{cell_line}.parquet", index=False)


def _write_table(path: Path, frame: pd.DataFrame, *, header: bool) -> None:
    text = frame.to_csv(sep="\t", index=False, header=header, lineterminator="\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as out:
        out.write(text.encode())
