"""Wrong on purpose: blocks without a cell line of their own, and a graph with its cell lines misplaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.graph.propagation import PrototypeGraph
from cbat.model.blocks import Rows

_TRIALS: Final = 200


def permuted_graph(graph: PrototypeGraph, seed: int) -> PrototypeGraph:
    """The same graph with its cell lines in one another's places.

    No line keeps its tissue where that can be avoided; lines that shared a tissue are scattered, since as
    a group in another place they would still vouch for one another.

    Parameters
    ----------
    graph : PrototypeGraph
    seed : int
    """
    rng = np.random.default_rng([seed, 22])
    lines = np.array(graph.of_kind("cell_line"), dtype=np.intp)
    tissue = np.array([graph.tissue_of(graph.names[row]) or "" for row in lines])
    trials = [_repaired(rng.permutation(len(lines)), tissue, rng) for _ in range(_TRIALS)]

    def faults(order: npt.NDArray[np.intp]) -> tuple[int, int]:
        place = tissue[order]
        together = sum(
            len(taken) - len(np.unique(taken)) for taken in (place[tissue == name] for name in set(tissue))
        )
        return int((place == tissue).sum()), together

    place = np.arange(len(graph.names))
    place[lines] = lines[min(trials, key=faults)]
    return PrototypeGraph(graph.names, graph.kinds, graph.adjacency[np.ix_(place, place)])


def _repaired(
    order: npt.NDArray[np.intp], tissue: npt.NDArray[np.str_], rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Swap places until no line keeps its tissue, as far as swaps can."""
    for line in np.flatnonzero(tissue[order] == tissue):
        partners = np.flatnonzero((tissue != tissue[line]) & (tissue[order] != tissue[line]))
        if len(partners):
            other = rng.choice(partners)
            order[[line, other]] = order[[other, line]]
    return order


def mixed_supports(
    candidates: Sequence[Rows], queried: Sequence[Rows], size: int, rng: np.random.Generator
) -> Rows:
    """Support sets drawn from the candidates of all lines at once.

    Parameters
    ----------
    candidates : sequence of int array
        Rows of each line's candidates; a line counts as often as it has candidates.
    queried : sequence of int array
        Rows that the pairs of each block hold, which its support set leaves out.
    size : int
    rng : Generator

    Returns
    -------
    int array, shape=(n_blocks, size)
        Distinct rows in random order; -1 where the lines have no more.
    """
    pool = np.concatenate(list(candidates))
    few = len(np.unique(pool)) <= 8 * size
    supports = np.full((len(queried), size), -1, dtype=np.int64)
    for support, own in zip(supports, queried, strict=True):
        # Far more draws than needed cost less than an order of the whole pool for every block.
        drawn = rng.permutation(pool) if few else rng.choice(pool, 4 * size)
        drawn = drawn[~np.isin(drawn, own)]
        _, first = np.unique(drawn, return_index=True)
        chosen = drawn[np.sort(first)][:size]
        support[: len(chosen)] = chosen
    return supports
