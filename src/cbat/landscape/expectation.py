"""What the prototype graph expects of a cell line's landscape: the training lines', weighted by kinship.

A line is never looked up by its name. It hangs from its tissue of origin, and a random walk with restart from
that tissue says how near each training line is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from cbat.graph.propagation import PrototypeGraph, personalised_pagerank_kernel, walk_shares
from cbat.landscape.features import Columns, columns_of

RESTART: Final = 0.1
"""Restart probability of the walk: small, so that relatives count more than strangers but not alone."""
UNIFORM_SHARE: Final = 0.5
"""Share of the weight that all training lines have alike: the noise of an assay is no tissue's."""


def kinship(graph: PrototypeGraph, tissue: str, lines: Sequence[str]) -> dict[str, float]:
    """Weights of training lines for a line of a tissue; they add up to 1.

    Parameters
    ----------
    graph : PrototypeGraph
    tissue : str
        Stated tissue of the line; one that the graph does not hold relates it to all lines alike.
    lines : sequence of str
        Training lines, without the line itself.

    Returns
    -------
    dict
        Empty without lines.
    """
    if not lines:
        return {}
    alike = np.full(len(lines), 1.0 / len(lines))
    try:
        start = graph.index(tissue, "tissue")
        ends = [graph.index(line) for line in lines]
    except KeyError:
        return dict(zip(lines, alike.tolist(), strict=True))
    reached = personalised_pagerank_kernel(graph.adjacency, RESTART)[start, ends]
    weights = UNIFORM_SHARE * alike + (1.0 - UNIFORM_SHARE) * walk_shares(reached)
    return dict(zip(lines, weights.tolist(), strict=True))


def among(weights: Mapping[str, float], lines: Sequence[str]) -> dict[str, float]:
    """The weights of some of the lines, scaled to add up to 1."""
    total = sum(weights[line] for line in lines)
    return {line: weights[line] / total for line in lines}


def add_line(total: Columns, columns: Columns, shares: Mapping[str, float]) -> None:
    """Add what a line has to the expectation, each kind with its share, in place; shape=(n, n_features)."""
    for kind, share in shares.items():
        total[:, columns_of(kind)] += np.float32(share) * columns[:, columns_of(kind)]
