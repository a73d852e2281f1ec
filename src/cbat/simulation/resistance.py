r"""What the landscape does to contacts.

Loop extrusion (:mod:`cbat.simulation.extrusion`) and chance bring an enhancer e and a promoter p together
:math:`\rho_{ep}` times as often as is typical of their distance, so that what distance alone does stays in
the intrinsic potential. An enhancer divides its contacts among all promoters that it reaches, as by Luce's
law of choice,

.. math:: s_{ep} = \frac{(g(d_{ep})\, \rho_{ep}\, A_p)^\gamma}{\sum_q (g(d_{eq})\, \rho_{eq}\, A_q)^\gamma},

with the activities A of the promoters and contact that falls with the distance as
:math:`g(d) = \max(d, 5 kb)^{-0.1}`. The resistance of the landscape has a part for the blocking, one for the
competition and one for the activity of both ends, each at least 0, the first and the last saturating:

.. math:: R = \lambda\, (b \ln(1 + \kappa/\rho_{ep}) - c \ln s_{ep} + a \ln(1 + \mu/(A_e A_p))).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.extrusion import contacts, free_contacts, loop_density, step_rates
from cbat.simulation.genome import Genome
from cbat.simulation.landscape import Conserved
from cbat.simulation.regions import N_SIZES, Region, regions_of
from cbat.simulation.world import sigmoid

Array = NDArray[np.float64]

BLOCKING, COMPETITION, ACTIVITY = 1.6, 0.3, 0.5
"""The weights b, c and a of the three parts."""
HALF_BLOCKED: Final = 1.0
r"""Contacts below which blocking resists in earnest, :math:`\kappa`."""
HALF_ACTIVE: Final = 1.0
r"""Product of activities below which the want of it does, :math:`\mu`."""
CHOICE: Final = 1.2
r"""Exponent of the law of choice, :math:`\gamma`."""
LOADING: Final = 4.0
"""Extruders that an element of saturating activity loads, over those of an empty bin."""
PASSIVE: Final = 0.02
"""Contacts that need no extrusion, over those of free extrusion at that distance."""
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
        Of contacts to those that are typical of the distance.
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
