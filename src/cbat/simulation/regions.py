"""Pieces of a simulated chromosome in which contacts are computed, so that no more is held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.extrusion import REACH
from cbat.simulation.genome import Genome

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

BINS_OF_REACH: Final = 100
"""Bins of the longest distance of a pair."""
N_SIZES: Final = BINS_OF_REACH + 2 + 2 * REACH
"""Sizes of loops that are followed, bins; enough for the contacts of the longest distance."""
_SMALLEST_BIN: Final = 500
_ENHANCERS_TOGETHER: Final = 400
_REACHES_TOGETHER: Final = 8


@dataclass(frozen=True)
class Region:
    """Some enhancers, and all that has a say in their contacts.

    Attributes
    ----------
    loaders : array of int, shape=(n_loaders,)
        Rows of all enhancers that may load an extruder which matters here.
    own : slice
        The loaders whose contacts these are.
    promoters : array of int, shape=(n_promoters,)
        Rows of the promoters that any of them may reach.
    sites : array of int, shape=(n_sites,)
        Rows of the CTCF sites.
    loader_bin, promoter_bin, site_bin : array of int
        Bins of all of these.
    distance : array, shape=(n_enhancers, n_promoters)
        Between the centres, bp.
    size : array of int, shape=(n_enhancers, n_promoters)
        Of the loop that joins their bins, at most the largest that is followed.
    bin_size : int
        bp.
    n_bins : int
    """

    loaders: Rows
    own: slice
    promoters: Rows
    sites: Rows
    loader_bin: Rows
    promoter_bin: Rows
    site_bin: Rows
    distance: Array
    size: Rows
    bin_size: int
    n_bins: int

    @property
    def enhancers(self) -> Rows:
        """Rows of the enhancers whose contacts these are, shape=(n_enhancers,)."""
        return self.loaders[self.own]

    def places(self, pairs: NDArray[np.int64]) -> tuple[Rows, NDArray[np.int64]]:
        """Which pairs of elements have their enhancer here, and where in the region their elements are.

        Parameters
        ----------
        pairs : array of int, shape=(n_all, 2)
            Rows of enhancers and promoters.

        Returns
        -------
        rows : array of int, shape=(n,)
        places : array of int, shape=(n, 2)
            Of the enhancers among ``enhancers``, of the promoters among ``promoters``.
        """
        rows = np.flatnonzero(np.isin(pairs[:, 0], self.enhancers))
        found = []
        for column, here in zip(pairs[rows].T, (self.enhancers, self.promoters), strict=True):
            order = np.argsort(here)
            found.append(order[np.searchsorted(here[order], column)])
        return rows, np.stack(found, axis=1)


def regions_of(settings: SimulationSettings, genome: Genome) -> Iterator[Region]:
    """Every enhancer in one region, from left to right and one chromosome after the other."""
    reach = settings.max_distance
    bin_size = max(reach // BINS_OF_REACH, _SMALLEST_BIN)
    margin = (REACH + 1) * bin_size
    sources = (
        (genome.enhancers.chromosome, genome.enhancers.start + settings.enhancer_length // 2),
        (genome.promoters.chromosome, genome.promoters.start + settings.promoter_length // 2),
        (genome.sites.chromosome, genome.sites.centre),
    )
    for chromosome in range(settings.n_chromosomes):
        here = []
        for of, centre in sources:
            rows = np.flatnonzero(of == chromosome)
            rows = rows[np.argsort(centre[rows], kind="stable")]
            here.append((rows, centre[rows]))
        enhancers = here[0]
        for block in _blocks(enhancers[1], _REACHES_TOGETHER * reach):
            at = enhancers[1][block]
            # Bins begin at multiples of their size, wherever the chromosome is cut.
            left = (int(at[0]) - reach - margin) // bin_size * bin_size
            right = int(at[-1]) + reach + margin
            spans = [slice(*np.searchsorted(centre, [left, right])) for _, centre in here]
            inside = [of[span] for (of, _), span in zip(here, spans, strict=True)]
            centres = [centre[span] for (_, centre), span in zip(here, spans, strict=True)]
            bins = [(centre - left) // bin_size for centre in centres]
            own = slice(block.start - spans[0].start, block.stop - spans[0].start)
            yield Region(
                loaders=inside[0],
                own=own,
                promoters=inside[1],
                sites=inside[2],
                loader_bin=bins[0],
                promoter_bin=bins[1],
                site_bin=bins[2],
                distance=np.abs(at[:, None] - centres[1]).astype(float),
                size=np.minimum(np.abs(bins[0][own, None] - bins[1]), N_SIZES - 1),
                bin_size=bin_size,
                n_bins=(right - left) // bin_size + 1,
            )


def _blocks(position: Rows, span: int) -> Iterator[slice]:
    """Cut sorted positions into stretches of few elements that lie near each other."""
    first = 0
    while first < len(position):
        last = min(int(np.searchsorted(position, position[first] + span)), first + _ENHANCERS_TOGETHER)
        yield slice(first, last)
        first = last
