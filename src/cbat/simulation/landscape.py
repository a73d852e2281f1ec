r"""The hidden landscape of a cell line: how active its elements are, and how often its CTCF sites are bound.

The log of an element's activity is made of the activities of the factors whose motifs it carries, of
something of its own that all lines share, of what the lines of a tissue share, and of what is the line's
own; an element that is no candidate in a line is far less active there. CTCF is mostly the same everywhere:
the log-odds that a site is bound are the site's own, with a little that is the line's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.genome import Genome
from cbat.simulation.world import sigmoid

Array = NDArray[np.float64]

FACTOR_SHARE: Final = 0.15
"""Share of the variance of log activity that the factors of the line explain."""
LOCUS_SHARE: Final = 0.2
"""Share of the rest that is the same in all lines."""
TISSUE_SHARE: Final = 0.3
"""Share of the rest that is the same in the lines of a tissue."""
INACTIVE: Final = -2.0
"""Log activity of an element that is no candidate, over that of a candidate."""
LOG_ODDS_OUTSIDE, LOG_ODDS_INSIDE, SPREAD_OF_SITES, SPREAD_OF_LINES = 0.0, -4.0, 2.5, 0.5


@dataclass(frozen=True)
class Conserved:
    """What the landscapes of all lines share; standard normal, but for the log-odds of the sites.

    Attributes
    ----------
    enhancers : array, shape=(n_enhancers,)
    promoters : array, shape=(n_promoters,)
    sites : array, shape=(n_sites,)
        Log-odds that a site is bound.
    """

    enhancers: Array
    promoters: Array
    sites: Array


@dataclass(frozen=True)
class Landscape:
    """The landscape of one line.

    Attributes
    ----------
    enhancers : array, shape=(n_enhancers,)
        Log activity of each where it is a candidate.
    promoters : array, shape=(n_promoters,)
    occupancy : array, shape=(n_sites,)
        Chance that a CTCF site is bound.
    """

    enhancers: Array
    promoters: Array
    occupancy: Array


@dataclass(frozen=True)
class Landscapes:
    """What all lines share, and the landscape of each, in the order of the lines."""

    conserved: Conserved
    lines: tuple[Landscape, ...]


def _draw_conserved(settings: SimulationSettings, genome: Genome) -> Conserved:
    """What all lines of a world share."""
    rng = np.random.default_rng([settings.seed, 7])
    enhancers, promoters = (
        rng.normal(size=len(elements.start)) for elements in (genome.enhancers, genome.promoters)
    )
    centre = np.where(genome.sites.outside, LOG_ODDS_OUTSIDE, LOG_ODDS_INSIDE)
    return Conserved(enhancers, promoters, centre + SPREAD_OF_SITES * rng.normal(size=len(centre)))


def draw_landscapes(
    settings: SimulationSettings, genome: Genome, activities: Array, tissue_of_line: Sequence[str]
) -> Landscapes:
    """The landscapes of all lines of a world.

    Parameters
    ----------
    activities : array, shape=(n_lines, n_motifs)
        Of the factors.
    tissue_of_line : sequence of str
    """
    conserved = _draw_conserved(settings, genome)
    roles = (
        (genome.enhancers.presence, conserved.enhancers), (genome.promoters.presence, conserved.promoters),
    )  # fmt: skip
    rng = np.random.default_rng([settings.seed, 8])
    of_tissue = {
        tissue: [rng.normal(size=len(shared)) for _, shared in roles]
        for tissue in sorted(set(tissue_of_line))
    }
    lines = []
    for index, (activity, tissue) in enumerate(zip(activities, tissue_of_line, strict=True)):
        rng = np.random.default_rng([settings.seed, 9, index])
        elements = []
        for (presence, shared), related in zip(roles, of_tissue[tissue], strict=True):
            own = rng.normal(size=len(shared))
            rest = np.sqrt(LOCUS_SHARE) * shared + np.sqrt(TISSUE_SHARE) * related
            rest += np.sqrt(1.0 - LOCUS_SHARE - TISSUE_SHARE) * own
            elements.append(log_activity(settings, factor_drive(settings, presence, activity), rest))
        occupancy = draw_occupancy(rng, conserved.sites)
        lines.append(Landscape(elements[0], elements[1], occupancy))
    return Landscapes(conserved, tuple(lines))


def factor_drive(settings: SimulationSettings, presence: NDArray[np.bool_], activity: Array) -> Array:
    """What the active factors do to elements that carry their motifs, of unit variance.

    Parameters
    ----------
    presence : array of bool, shape=(n, K)
    activity : array, shape=(K,) or (K, m)
    """
    rate = settings.motif_rate
    spread = np.sqrt(max(rate * (1.0 - rate) * presence.shape[1], 1e-9))
    return np.asarray((presence - rate) @ activity / spread)


def log_activity(settings: SimulationSettings, drive: Array, rest: Array) -> Array:
    """Log activity of candidates from what factors do and from the rest, both of unit variance.

    Where candidates or contacts know nothing of an environment, activities do not either.
    """
    silent = settings.world == "uninformative" or settings.landscape_strength == 0
    share = 0.0 if silent else FACTOR_SHARE
    return np.asarray(np.sqrt(share) * drive + np.sqrt(1.0 - share) * rest)


def draw_log_activity(
    rng: np.random.Generator,
    settings: SimulationSettings,
    presence: NDArray[np.bool_],
    conserved: Array,
    activity: Array,
) -> Array:
    """Log activity of candidates in environments of no known tissue, shape=(m, n).

    Parameters
    ----------
    presence : array of bool, shape=(n, K)
    conserved : array, shape=(n,)
        What the elements have in all lines.
    activity : array, shape=(K, m)
        Of the factors.
    """
    drawn = rng.normal(size=(activity.shape[1], len(conserved)))
    rest = np.sqrt(LOCUS_SHARE) * conserved + np.sqrt(1.0 - LOCUS_SHARE) * drawn
    return log_activity(settings, factor_drive(settings, presence, activity).T, rest)


def draw_occupancy(rng: np.random.Generator, log_odds: Array, n: int | None = None) -> Array:
    """How often sites are bound in a line, shape=(n_sites,), or in ``n`` environments, shape=(n, n_sites)."""
    shape = len(log_odds) if n is None else (n, len(log_odds))
    return sigmoid(log_odds + SPREAD_OF_LINES * rng.normal(size=shape))


def activity_of(log_activity: Array, candidate: NDArray[np.bool_]) -> Array:
    """Activity of elements, given which of them are candidates; of one shape."""
    return np.asarray(np.exp(log_activity + np.where(candidate, 0.0, INACTIVE)))
