"""CTCF sites of a simulated genome: in elements that carry the motif, and in the gaps between elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.motifs import read_motifs
from cbat.simulation.sequence import SHORTEST_GAP, Instances, draw_instances

INSULATOR = "CTCF"


@dataclass(frozen=True)
class Sites:
    """CTCF sites, sorted by chromosome and position.

    Attributes
    ----------
    chromosome : array of int, shape=(n,)
    centre : array of int, shape=(n,)
        Centre of the motif instance, 0-based, bp.
    forward : array of bool, shape=(n,)
        Whether the motif lies on the forward strand.
    outside : array of bool, shape=(n,)
        Whether the site lies in a gap and not in an element.
    """

    chromosome: NDArray[np.int64]
    centre: NDArray[np.int64]
    forward: NDArray[np.bool_]
    outside: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: list[Sites]) -> Sites:
        """The sites of several sources together, in order."""
        columns = [
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("chromosome", "centre", "forward", "outside")
        ]
        order = np.lexsort((columns[1], columns[0]))
        return cls(*(column[order] for column in columns))


def draw_in_gaps(
    settings: SimulationSettings, matrices: list[NDArray[np.float64]], length: NDArray[np.int64]
) -> tuple[Instances, NDArray[np.bool_]]:
    """CTCF motif instances in some of the gaps, at most one in each, and which are forward.

    They have a random stream of their own, so that everything else in the genome stays what it is without
    them. Without landscape there are none.

    Parameters
    ----------
    matrices : list of arrays, shape=(width, 4)
        Of the motifs of the settings.
    length : array of int, shape=(n,)
        Of each gap, bp; at least ``SHORTEST_GAP``.
    """
    rng = np.random.default_rng([settings.seed, 6])
    planted = INSULATOR in settings.motifs
    matrix = matrices[settings.motifs.index(INSULATOR)] if planted else read_motifs([INSULATOR])[0]
    rate = settings.insulator_rate if settings.landscape_strength > 0 else 0.0
    presence, forward = rng.random((len(length), 1)) < rate, rng.random((len(length), 1)) < 0.5
    shift = (rng.random(len(length)) * (length - SHORTEST_GAP)).astype(np.int32)
    drawn = draw_instances(rng, SHORTEST_GAP, presence, forward, [matrix], settings.motif_sharpness)[0]
    return Instances(drawn.row, drawn.start + shift[drawn.row], drawn.bases), forward[drawn.row, 0]


def sites_of(
    instances: Instances,
    chromosome: NDArray[np.int64],
    start: NDArray[np.int64],
    forward: NDArray[np.bool_],
    *,
    outside: bool,
) -> Sites:
    """Where instances lie on their chromosomes.

    Parameters
    ----------
    chromosome, start : array of int
        Of the sequences that hold the instances; starts are 0-based, bp.
    forward : array of bool, shape=(n_instances,)
    outside : bool
        Whether the sequences are gaps.
    """
    centre = start[instances.row] + instances.start + instances.bases.shape[1] // 2
    return Sites(chromosome[instances.row], centre.astype(np.int64), forward, np.full(len(forward), outside))
