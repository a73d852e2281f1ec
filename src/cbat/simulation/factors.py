"""Activities of the factors in every cell line: what decides candidates, and what decides contacts.

Both are the same unless ``contact_correlation`` is below 1. A factor that is new to the unseen lines does
nothing in the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.world import contact_activity, draw_activities, new_activity, new_factors

Array = NDArray[np.float64]


class LineRecord(Protocol):
    """What the simulator reads of a row of the cell-line sheet."""

    @property
    def cell_line(self) -> str:
        """Name of the line."""

    @property
    def tissue(self) -> str:
        """Tissue of origin."""

    @property
    def role(self) -> str:
        """``unseen`` for a line that no model is trained on."""


@dataclass(frozen=True)
class Factors:
    """Activities of the factors, shape=(n_lines, K) each.

    Attributes
    ----------
    candidacy : array
        What decides which elements are candidates, and how active they are.
    own : array
        What decides contacts as far as ``candidacy`` does not.
    contact : array
        What decides contacts.
    """

    candidacy: Array
    own: Array
    contact: Array


def draw_factors(settings: SimulationSettings, lines: Sequence[LineRecord]) -> Factors:
    """Draw the activities of all lines; those of lines of one tissue are correlated in all three tables."""
    tissues = [line.tissue for line in lines]
    candidacy = draw_activities(np.random.default_rng([settings.seed, 3]), settings, tissues)
    own = draw_activities(np.random.default_rng([settings.seed, 16]), settings, tissues)
    new = new_factors(settings)
    unseen = np.array([line.role == "unseen" for line in lines])
    candidacy[:, new] = np.where(unseen[:, None], new_activity(candidacy[:, new]), 0.0)
    contact = contact_activity(settings, candidacy, own)
    contact[:, new] = candidacy[:, new]
    return Factors(candidacy, own, contact)
