"""Candidates and labelled pairs of simulated cell lines, with the truth about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.errors import UserError
from cbat.simulation import world
from cbat.simulation.environments import invariant_with_landscapes, resistance_of_landscapes
from cbat.simulation.factors import Factors
from cbat.simulation.genome import Genome
from cbat.simulation.landscape import Landscapes
from cbat.simulation.raw_files import LineTable

_ENHANCERS_TOGETHER: Final = 100


def draw_pairs(
    settings: SimulationSettings,
    laws: world.Laws,
    genome: Genome,
    factors: Factors,
    landscapes: Landscapes | None = None,
) -> Iterator[LineTable]:
    """Candidates and labelled pairs of every line, one line after the other.

    Pairs are a uniform sample of all pairs of candidates within ``max_distance``, so the negatives
    are natural. Labels are drawn from the contact law.

    Parameters
    ----------
    factors : Factors
    landscapes : Landscapes, optional
        What else resists contacts; nothing without them.
    """
    enhancers, promoters = genome.enhancers, genome.promoters
    candidates, chosen, parts = [], [], []
    level_rng = np.random.default_rng([settings.seed, 14])
    levels = settings.level_spread * level_rng.normal(size=len(factors.contact))
    for index, (activity, contact) in enumerate(zip(factors.candidacy, factors.contact, strict=True)):
        rng = np.random.default_rng([settings.seed, 4, index])
        own = []
        for elements in (enhancers, promoters):
            chance = world.sigmoid(world.candidate_logit(settings, elements.presence, activity))
            own.append(np.flatnonzero(rng.random(len(chance)) < chance))
        candidates.append(own)
        chosen.append(_sample_pairs(rng, settings, enhancers, promoters, own[0], own[1]))
        potential, resistance = energies(settings, laws, genome, chosen[-1], contact[:, None])
        parts.append((potential + levels[index], resistance[:, 0]))
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
        yield LineTable(own[0], own[1], _listed(settings, genome, own, index), pd.DataFrame(columns))


def _listed(
    settings: SimulationSettings, genome: Genome, own: Sequence[NDArray[np.int64]], line: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the files of a line call candidates: some that are none, and not all that are."""
    rng = np.random.default_rng([settings.seed, 13, line])
    found = []
    for elements, active in zip((genome.enhancers, genome.promoters), own, strict=True):
        if settings.missed_candidates == settings.false_candidates == 0.0:
            found.append(active)
            continue
        kept = active[rng.random(len(active)) >= settings.missed_candidates]
        others = np.flatnonzero(~elements.mask(active))
        n_false = round(len(kept) * settings.false_candidates / (1.0 - settings.false_candidates))
        if n_false > len(others):
            raise UserError(
                f"{n_false} false candidates are requested in a cell line, which has {len(others)} elements "
                "that are not active",
                mend="lower false_candidates or active_fraction, or raise missed_candidates",
                where="simulation.false_candidates",
            )
        found.append(np.sort(np.concatenate([kept, rng.choice(others, n_false, replace=False)])))
    return found[0], found[1]


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


def energies(
    settings: SimulationSettings,
    laws: world.Laws,
    genome: Genome,
    pairs: NDArray[np.int64],
    activity: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intrinsic potential of pairs, without the intercept, and their resistance in environments.

    Parameters
    ----------
    pairs : array of int, shape=(n, 2)
    activity : array, shape=(K, m)
        Activities that decide contacts, one environment per column.

    Returns
    -------
    potential : array, shape=(n,)
    resistance : array, shape=(n, m)
    """
    enhancers, promoters = genome.enhancers, genome.promoters
    potential, resistance = np.empty(len(pairs)), np.empty((len(pairs), activity.shape[1]))
    for piece in world.pieces(len(pairs)):
        part = pairs[piece]
        offset = (
            enhancers.start[part[:, 0]] + settings.enhancer_length // 2
            - promoters.start[part[:, 1]] - settings.promoter_length // 2
        )  # fmt: skip
        potential[piece] = world.intrinsic_potential(
            laws, enhancers, promoters, part, np.abs(offset).astype(float), np.where(offset < 0, 1.0, -1.0)
        )
        resistance[piece] = world.environment_resistance(settings, laws, enhancers, promoters, part, activity)
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
            f"a cell line has {n_pairs} candidate pairs, but {settings.pairs_per_cell_line} are requested",
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
