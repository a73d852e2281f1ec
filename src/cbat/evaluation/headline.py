"""Which rows of the long table the summary and the figures read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.table import AGGREGATES, NO_CONTEXT

DRAWN_CONTEXTS: Final = frozenset({"own", "wrong", "shuffled"})
"""Contexts that come from a support set, and so depend on its size."""


@dataclass(frozen=True)
class Headline:
    """The setting of the headline figure.

    The most demanding one that was evaluated: unseen lines rather than seen ones, test chromosomes rather
    than validation or training ones; balanced classes, and the support size of the configuration.
    """

    role: str
    chromosomes: str
    n_support: int
    negatives: str = "balanced"
    metric: str = "aupr"

    @classmethod
    def of(cls, settings: EvaluationSettings) -> Headline:
        """The headline of a configuration."""
        return cls(
            role="unseen" if "unseen" in settings.roles else "seen",
            chromosomes=next(
                split for split in ("test", "validation", "train") if split in settings.chromosomes
            ),
            n_support=settings.headline_support,
        )

    def setting(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows of this metric, role, split and set of negatives, for all models and contexts."""
        return table[
            (table["metric"] == self.metric)
            & (table["role"] == self.role)
            & (table["chromosomes"] == self.chromosomes)
            & (table["negatives"] == self.negatives)
        ]

    def rows(self, table: pd.DataFrame, model: str, context: str | None = None) -> pd.DataFrame:
        """Rows of one model in one context at the headline's support size.

        Without a context: the model's own support set or, for a model without environment, none. A
        context that no support set enters is taken at whatever size it is listed under.
        """
        mine = self.setting(table)
        mine = mine[mine["model"] == model]
        if context is None:
            context = "own" if "own" in set(mine["context"]) else NO_CONTEXT
        mine = mine[mine["context"] == context]
        sized = mine[mine["n_support"] == self.n_support]
        return sized if len(sized) or context in DRAWN_CONTEXTS else mine

    def by_line(self, table: pd.DataFrame, model: str, context: str | None = None) -> pd.Series:
        """Value of each cell line, the mean over seeds; without the aggregates."""
        rows = self.rows(table, model, context)
        return rows[~rows["cell_line"].isin(AGGREGATES)].groupby("cell_line")["value"].mean()
