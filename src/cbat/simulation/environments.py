"""What the landscapes of cell lines, and of drawn environments, do to labelled pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.genome import Genome
from cbat.simulation.landscape import (
    Conserved,
    Landscape,
    Landscapes,
    activity_of,
    draw_log_activity,
    draw_occupancy,
)
from cbat.simulation.regions import Region, regions_of
from cbat.simulation.resistance import Contacts, contacts_between, typical_contacts
from cbat.simulation.world import (
    DrawnEnvironments,
    Laws,
    candidate_drive,
    invariant_probability,
    sigmoid,
)

Array = NDArray[np.float64]

N_DRAWN_LANDSCAPES: Final = 24
"""Landscapes of CTCF and loading behind the average over environments."""
_TOGETHER: Final = 6


def contacts_in_lines(
    settings: SimulationSettings,
    genome: Genome,
    region: Region,
    landscapes: Sequence[Landscape],
    candidates: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    typical: Array,
) -> Iterator[Contacts]:
    """Contacts in every cell line.

    Parameters
    ----------
    landscapes : sequence of Landscape
    candidates : sequence of tuple of array of bool
        Which enhancers and which promoters of the genome are candidates in each line.
    typical : array, shape=(``N_SIZES``,)
        See :func:`typical_contacts`.
    """
    for landscape, (of_enhancers, of_promoters) in zip(landscapes, candidates, strict=True):
        log_enhancers = landscape.enhancers[region.loaders]
        log_promoters = landscape.promoters[region.promoters]
        loaders = activity_of(log_enhancers, of_enhancers[region.loaders])[None]
        rivals = activity_of(log_promoters, of_promoters[region.promoters])[None]
        occupancy = landscape.occupancy[None, region.sites]
        found = contacts_between(region, genome.sites.forward, loaders, rivals, occupancy)[0]
        own, promoters = np.exp(log_enhancers[None, region.own]), np.exp(log_promoters[None])
        yield Contacts.of(settings, region, found / typical[region.size], own, promoters, rivals)


def contacts_in_drawn(
    settings: SimulationSettings,
    genome: Genome,
    region: Region,
    conserved: Conserved,
    drawn: DrawnEnvironments,
    typical: Array,
    rng: np.random.Generator,
) -> Iterator[Contacts]:
    """Contacts in drawn environments, some environments at a time and in their order.

    Activities and candidates are those of each environment; CTCF and loading, which take longest to follow,
    are those of the first of those that come together.
    """
    n = drawn.activity.shape[1]
    groups = np.array_split(np.arange(n), min(N_DRAWN_LANDSCAPES, n))
    first = np.array([group[0] for group in groups])
    log, active = [], []
    for elements, own, rows, level in (
        (genome.enhancers, conserved.enhancers, region.loaders, drawn.enhancer_level),
        (genome.promoters, conserved.promoters, region.promoters, drawn.promoter_level),
    ):
        presence = elements.presence[rows]
        log.append(draw_log_activity(rng, settings, presence, own[rows], drawn.activity))
        chance = sigmoid(candidate_drive(settings, presence, drawn.activity) + level).T
        active.append(activity_of(log[-1], rng.random(chance.shape) < chance))
    occupancy = draw_occupancy(rng, conserved.sites[region.sites], len(first))
    enhancers, promoters = np.exp(log[0][:, region.own]), np.exp(log[1])
    for at in range(0, len(groups), _TOGETHER):
        some = first[at : at + _TOGETHER]
        found = contacts_between(
            region, genome.sites.forward, active[0][some], active[1][some], occupancy[at : at + _TOGETHER]
        )
        for ratio, group in zip(found / typical[region.size], groups[at : at + _TOGETHER], strict=True):
            yield Contacts.of(settings, region, ratio, enhancers[group], promoters[group], active[1][group])


def resistance_of_landscapes(
    settings: SimulationSettings,
    genome: Genome,
    landscapes: Landscapes,
    candidates: Sequence[Sequence[NDArray[np.int64]]],
    pairs: Sequence[NDArray[np.int64]],
) -> list[Array]:
    """Resistance that the landscape of each line puts up to the pairs of the line, shape=(n_pairs,) each.

    Parameters
    ----------
    candidates : sequence of pairs of array of int
        Rows of the enhancers and of the promoters that are candidates in each line.
    pairs : sequence of array of int, shape=(n_pairs, 2)
        Of each line, rows of candidate enhancers and promoters.
    """
    masks = [(genome.enhancers.mask(own[0]), genome.promoters.mask(own[1])) for own in candidates]
    typical = typical_contacts(settings, genome, landscapes.conserved)
    found = [np.zeros(len(own)) for own in pairs]
    for region in regions_of(settings, genome):
        contacts_of = contacts_in_lines(settings, genome, region, landscapes.lines, masks, typical)
        for own, resistance, contact in zip(pairs, found, contacts_of, strict=True):
            rows, places = region.places(own)
            resistance[rows] = contact.resistance(places)[:, 0]
    return found


def invariant_with_landscapes(
    settings: SimulationSettings,
    laws: Laws,
    genome: Genome,
    conserved: Conserved,
    drawn: DrawnEnvironments,
    pairs: Sequence[NDArray[np.int64]],
    potentials: Sequence[Array],
) -> list[Array]:
    """:func:`cbat.simulation.world.invariant_probability` of the pairs of all lines, landscapes included.

    The landscapes of a region are drawn once for all lines.
    """
    typical = typical_contacts(settings, genome, conserved)
    found = [np.zeros(len(own)) for own in pairs]
    for number, region in enumerate(regions_of(settings, genome)):
        here = [region.places(own) for own in pairs]
        rows = [own[0] for own in here]
        places = np.concatenate([own[1] for own in here])
        if not len(places):
            continue
        rng = np.random.default_rng([settings.seed, 78, number])
        parts = [*contacts_in_drawn(settings, genome, region, conserved, drawn, typical, rng)]
        known = invariant_probability(
            settings,
            laws,
            genome.enhancers,
            genome.promoters,
            np.concatenate([own[at] for own, at in zip(pairs, rows, strict=True)]),
            np.concatenate([own[at] for own, at in zip(potentials, rows, strict=True)]),
            drawn,
            partial(_resistance_of_piece, parts, places),
        )
        ends = np.cumsum([len(at) for at in rows])[:-1]
        for own, at, part in zip(found, rows, np.split(known, ends), strict=True):
            own[at] = part
    return found


def _resistance_of_piece(parts: Sequence[Contacts], places: NDArray[np.int64], piece: slice) -> Array:
    return np.concatenate([part.resistance(places[piece]) for part in parts], axis=1)
