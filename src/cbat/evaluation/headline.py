"""Which rows of the long table the summary and the figures read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.table import AGGREGATES, FOLDS, NO_CONTEXT

DRAWN_CONTEXTS: Final = frozenset({"own", "wrong", "sibling", "shuffled"})
"""Contexts that come from a support set, and so depend on its size. Without sequence they come from a
landscape, and the size is 0."""


SPLITS: Final = (FOLDS, "test", "validation", "train")
"""The most demanding first."""


def at_size(rows: pd.DataFrame, context: str, n_support: int) -> pd.DataFrame:
    """Rows of one model in one context at a support size.

    A context that no support set enters is taken at whatever size it is listed under, and so is every
    context of a model without sequence, which draws no support sets: all its rows have size 0.
    """
    sized = rows[rows["n_support"] == n_support]
    free = context not in DRAWN_CONTEXTS or (rows["n_support"] == 0).all()
    return sized if len(sized) or not free else rows


@dataclass(frozen=True)
class Headline:
    """The setting of the headline figure.

    The most demanding one that was evaluated: unseen lines rather than seen ones, folds or test chromosomes
    rather than validation or training ones; the negatives and the support size of the configuration.
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
            chromosomes=next(split for split in SPLITS if split in settings.chromosomes),
            n_support=settings.headline_support,
            negatives=settings.headline_negatives,
        )

    @property
    def balanced(self) -> bool:
        """Whether both classes weigh the same."""
        return self.negatives == "balanced"

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

        Without a context: the model's own or, for a model without environment, none; see :func:`at_size`.
        """
        mine = self.setting(table)
        mine = mine[mine["model"] == model]
        if context is None:
            context = "own" if "own" in set(mine["context"]) else NO_CONTEXT
        return at_size(mine[mine["context"] == context], context, self.n_support)

    def draws_support(self, table: pd.DataFrame, model: str) -> bool:
        """Whether the model reads support sets, which a model without sequence does not."""
        mine = table[(table["model"] == model) & table["context"].isin(DRAWN_CONTEXTS)]
        return bool((mine["n_support"] > 0).any())

    def by_line(self, table: pd.DataFrame, model: str, context: str | None = None) -> pd.Series:
        """Value of each cell line, the mean over seeds; without the aggregates."""
        rows = self.rows(table, model, context)
        return rows[~rows["cell_line"].isin(AGGREGATES)].groupby("cell_line")["value"].mean()
