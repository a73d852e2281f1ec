r"""What the landscape does to contacts.

Loop extrusion (:mod:`cbat.simulation.extrusion`) and chance bring an enhancer e and a promoter p together
:math:`\rho_{ep}` times as often as is typical of their distance, so that what distance alone does stays in
the intrinsic potential. An enhancer divides its contacts
among all promoters that it reaches, as by Luce's law of choice,

.. math:: s_{ep} = \frac{(g(d_{ep})\, \rho_{ep}\, A_p)^\gamma}{\sum_q (g(d_{eq})\, \rho_{eq}\, A_q)^\gamma},

with the activities A of the promoters and contact that falls with the distance as
:math:`g(d) = \max(d, 5 kb)^{-0.1}`. The resistance of the landscape has a part for the blocking, one for the
competition and one for the activity of both ends, each at least 0, the first and the last saturating:

.. math:: R = \lambda\, (b \ln(1 + \kappa/\rho_{ep}) - c \ln s_{ep} + a \ln(1 + \mu/(A_e A_p))).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.extrusion import (
    contacts,
    free_contacts,
    loop_density,
    step_rates,
)
from cbat.simulation.genome import Genome
from cbat.simulation.landscape import (
    Conserved,
    Landscape,
    Landscapes,
    activity_of,
    draw_log_activity,
    draw_occupancy,
)
from cbat.simulation.regions import N_SIZES, Region, regions_of
from cbat.simulation.world import (
    DrawnEnvironments,
    Laws,
    candidate_drive,
    invariant_probability,
    sigmoid,
)

Array = NDArray[np.float64]

BLOCKING, COMPETITION, ACTIVITY = 1.6, 0.3, 0.5
HALF_BLOCKED: Final = 1.0
HALF_ACTIVE: Final = 1.0
CHOICE: Final = 1.2
LOADING: Final = 4.0
"""Extruders that an element of saturating activity loads, over those of an empty bin."""
PASSIVE: Final = 0.02
"""Contacts that need no extrusion, over those of free extrusion at that distance."""
N_DRAWN_LANDSCAPES: Final = 24
"""Landscapes of CTCF and loading behind the average over environments."""
_TOGETHER: Final = 6
_SIZES_AROUND: Final = 5
_SHORTEST, _POLYMER = 5_000.0, 0.1


def contacts_between(
    region: Region, forward: NDArray[np.bool_], loaders: Array, promoters: Array, occupancy: Array
) -> Array:
    """How often loop extrusion and chance bring enhancers and promoters together.

    Parameters
    ----------
    region : Region
    forward : array of bool, shape=(n_all_sites,)
        Strand of each site of the genome.
    loaders, promoters, occupancy : array, shape=(m, n_loaders), (m, n_promoters) and (m, n_sites)
        Activities of the elements of the region and how often its sites are bound, in ``m`` environments.

    Returns
    -------
    array, shape=(m, n_enhancers, n_promoters)
        Numbers of pairs beyond the longest distance mean nothing.
    """
    load = np.ones((region.n_bins, len(occupancy)))
    for bins, activity in ((region.loader_bin, loaders), (region.promoter_bin, promoters)):
        np.add.at(load, bins, LOADING * (activity / (1.0 + activity)).T)
    rates = step_rates(region.site_bin, forward[region.sites], occupancy, region.n_bins)
    found = contacts(loop_density(load.T, rates, N_SIZES, region.bin_size))
    left = np.minimum(region.loader_bin[region.own, None], region.promoter_bin)
    by_chance = PASSIVE * free_contacts(N_SIZES, region.bin_size)
    return np.asarray(found.transpose(1, 0, 2)[:, region.size, left] + by_chance[region.size])


def typical_contacts(settings: SimulationSettings, genome: Genome, conserved: Conserved) -> Array:
    """Geometric mean of contacts by size of the loop, shape=(``N_SIZES``,).

    Of all enhancers and promoters in reach of each other, where all are equally active. Each size takes those
    next to it along, for a small genome has few pairs of each.
    """
    total, number = np.zeros(N_SIZES), np.zeros(N_SIZES)
    for region in regions_of(settings, genome):
        loaders, promoters = (
            np.full((1, len(rows)), settings.active_fraction) for rows in (region.loaders, region.promoters)
        )
        bound = sigmoid(conserved.sites[None, region.sites])
        found = contacts_between(region, genome.sites.forward, loaders, promoters, bound)[0]
        near = region.distance <= settings.max_distance
        total += np.bincount(region.size[near], np.log(found[near]), N_SIZES)
        number += np.bincount(region.size[near], minlength=N_SIZES)
    around = np.ones(2 * _SIZES_AROUND + 1)
    total, number = (np.convolve(counted, around, mode="same") for counted in (total, number))
    return np.asarray(np.exp(total / np.maximum(number, 1.0)))


@dataclass(frozen=True)
class Contacts:
    """Contacts of the elements of a region in environments that share their CTCF and loading.

    Attributes
    ----------
    strength : float
        Of the landscape.
    ratio : array, shape=(n_enhancers, n_promoters)
        Of contacts to those of free extrusion.
    reached : array, shape=(n_enhancers, n_promoters)
        Contact to the power of choice, before activity; 0 where a promoter is too far away.
    enhancers, promoters : array, shape=(n_enhancers, m) and (n_promoters, m)
        Activities in ``m`` environments of elements as candidates.
    rivals : array, shape=(n_promoters, m)
        Activities of the promoters as what they are.
    total : array, shape=(n_enhancers, m)
        What all promoters as they are draw from each enhancer.
    """

    strength: float
    ratio: Array
    reached: Array
    enhancers: Array
    promoters: Array
    rivals: Array
    total: Array

    @classmethod
    def of(
        cls,
        settings: SimulationSettings,
        region: Region,
        ratio: Array,
        enhancers: Array,
        promoters: Array,
        rivals: Array,
    ) -> Contacts:
        """Contacts from activities, shape=(m, n) each."""
        near = region.distance <= settings.max_distance
        contact = np.maximum(region.distance, _SHORTEST) ** -_POLYMER * ratio / _SHORTEST**-_POLYMER
        reached = np.where(near, contact, 0.0) ** CHOICE
        total = reached @ (rivals**CHOICE).T
        return cls(settings.landscape_strength, ratio, reached, enhancers.T, promoters.T, rivals.T, total)

    def share(self, places: NDArray[np.int64]) -> Array:
        """Share of the enhancer's contacts that a pair has, where both are candidates, shape=(n, m).

        Parameters
        ----------
        places : array of int, shape=(n, 2)
            Pairs, as places in the region.
        """
        e, p = places.T
        own = self.reached[e, p][:, None]
        # A promoter that is drawn as no candidate is one in the environments where the pair is looked at.
        others = np.maximum(self.total[e] - own * self.rivals[p] ** CHOICE, 0.0)
        chosen = own * self.promoters[p] ** CHOICE
        return np.asarray(chosen / (others + chosen))

    def resistance(self, places: NDArray[np.int64]) -> Array:
        """Resistance of pairs that are both candidates, shape=(n, m)."""
        e, p = places.T
        blocking = np.log1p(HALF_BLOCKED / self.ratio[e, p])[:, None]
        inactivity = np.log1p(HALF_ACTIVE / (self.enhancers[e] * self.promoters[p]))
        parts = BLOCKING * blocking - COMPETITION * np.log(self.share(places)) + ACTIVITY * inactivity
        return np.asarray(self.strength * parts)


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
