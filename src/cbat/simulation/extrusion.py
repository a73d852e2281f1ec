r"""Loop extrusion as a process: the steady state of extruders that CTCF sites hold up.

An extruder loads somewhere and reels in DNA with two legs, which step outwards independently of one
another, until it falls off. A leg that moves left (right) is held up in a bin with a bound forward
(reverse) site, and a little by a site of the other strand: a waiting time that grows with the occupancy.
With :math:`l_i` extruders loaded in bin i per unit of time, steps of the legs at rates :math:`u_i` and
:math:`r_j`, and unloading at rate k, the density of extruders whose legs are in bins i and j is

.. math:: n_{ij} (k + u_i + r_j) = [i = j]\, l_i + n_{i+1,j}\, u_{i+1} + n_{i,j-1}\, r_{j-1},

which is solved from the smallest loops to the largest. Two loci touch as often as an extruder has a leg
near each of them. Nothing of this is a sum over the sites between them: how much a site holds up depends
on where extruders load, on the sites around the loci and on its strand.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PROCESSIVITY: Final = 150_000.0
"""Mean size of the loops of extruders that nothing holds up, bp."""
HOLD: Final = 200.0
"""Steps that an always bound site of the right strand holds up a leg, on average."""
WRONG_STRAND: Final = 0.3
"""What a site of the other strand does of it."""
REACH: Final = 2
"""Bins between a leg and a locus that it still brings along."""
_DECAY: Final = 1.5


def step_rates(bins: NDArray[np.int64], forward: NDArray[np.bool_], occupancy: Array, n_bins: int) -> Array:
    """Rates at which the left and the right leg leave each bin, where a free leg has 1.

    Parameters
    ----------
    bins : array of int, shape=(n_sites,)
    forward : array of bool, shape=(n_sites,)
    occupancy : array, shape=(m, n_sites)
        Chance that a site is bound, in ``m`` environments.

    Returns
    -------
    array, shape=(2, m, n_bins)
    """
    held = np.zeros((2, n_bins, len(occupancy)))
    for leg, right_strand in enumerate((forward, ~forward)):
        np.add.at(held[leg], bins, (np.where(right_strand, 1.0, WRONG_STRAND) * occupancy).T)
    return np.asarray(1.0 / (1.0 + HOLD * held.transpose(0, 2, 1)))


def loop_density(load: Array, rates: Array, n_sizes: int, bin_size: int) -> Array:
    """Density of loops in the steady state.

    Legs that leave the bins at either end are lost, which changes no loop inside.

    Parameters
    ----------
    load : array, shape=(m, n_bins)
        Extruders loaded per unit of time.
    rates : array, shape=(2, m, n_bins)
        Of the left and the right leg.
    n_sizes : int
        Sizes of loops to look at, bins.
    bin_size : int
        bp.

    Returns
    -------
    array, shape=(n_sizes, m, n_bins)
        By the size of the loop and the bin of its left leg; 0 where the right leg would lie outside.
    """
    unload = 2.0 * bin_size / PROCESSIVITY
    left, right = rates
    n_bins = load.shape[1]
    density = np.zeros((n_sizes, *load.shape))
    density[0] = load / (unload + left + right)
    for size in range(1, min(n_sizes, n_bins)):
        n, smaller = n_bins - size, density[size - 1]
        arriving = smaller[:, 1 : n + 1] * left[:, 1 : n + 1] + smaller[:, :n] * right[:, size - 1 : -1]
        density[size, :, :n] = arriving / (unload + left[:, :n] + right[:, size:])
    return density


def contacts(density: Array) -> Array:
    """How often the loops bring two bins together, shape and order as in :func:`loop_density`.

    Loops count that end up to ``REACH`` bins away from either, the less the farther; the largest
    ``2 * REACH`` sizes miss some of them.
    """
    for along in (0, 1):  # the right leg moves, which changes the size alone; then the left leg
        near = density.copy()
        for steps in range(1, REACH + 1):
            weight = np.exp(-steps / _DECAY)
            if along == 0:
                near[steps:] += weight * density[:-steps]
                near[:-steps] += weight * density[steps:]
            else:
                near[steps:, :, :-steps] += weight * density[:-steps, :, steps:]
                near[:-steps, :, steps:] += weight * density[steps:, :, :-steps]
        density = near
    return density


def free_contacts(n_sizes: int, bin_size: int) -> Array:
    """Contacts by size of loop where extruders load evenly and nothing holds them up, shape=(n_sizes,)."""
    n_bins = n_sizes + 2 * REACH + 1
    density = loop_density(np.ones((1, n_bins)), np.ones((2, 1, n_bins)), n_sizes, bin_size)
    return contacts(density)[:, 0, REACH]
