"""The measured figures that a model directory carries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.evaluation.headline import Headline
from cbat.evaluation.table import AGGREGATES, NO_CONTEXT, read_table
from cbat.model.about import Figure

OF_OTHER_CONTEXTS: Final = ("aupr", "auroc")
"""Figures that are kept of environments that are not the line's own."""
DISTANCE: Final = "distance"
"""The reference that knows the distance of a pair alone."""


def figures_of(paths: Sequence[Path], name: str, headline: Headline) -> list[Figure]:
    """Figures at the headline's support size; of the line's own environment all, of others the main ones.

    A law of the landscape draws no support sets, so all of its figures are kept; those of kinds of track that
    are exchanged one by one are left out.

    Parameters
    ----------
    paths : sequence of Path
        Tables of metrics.
    name : str
        The model that is described.
    headline : Headline
    """
    if not paths:
        return []
    table = pd.concat([read_table(path) for path in paths], ignore_index=True)
    table = table[(table["model"] == name) & (table["chromosomes"] == headline.chromosomes)]
    table = table[~table["cell_line"].isin(AGGREGATES)]
    table = table[~table["context"].str.contains(":", regex=False)]
    size = headline.n_support if (table["n_support"] == headline.n_support).any() else 0
    table = table[table["n_support"].isin([0, size])]
    own = (table["context"] == NO_CONTEXT) | ((table["context"] == "own") & (table["n_support"] == size))
    other = ~table["context"].isin([NO_CONTEXT, "own"]) & table["metric"].isin(OF_OTHER_CONTEXTS)
    kept = table[own | other].drop(columns=["model", "seed"])
    return [
        Figure(**{str(key): None if value != value else value for key, value in row.items()})
        for row in kept.to_dict("records")
    ]
