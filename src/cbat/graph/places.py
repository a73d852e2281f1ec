"""Places of cell lines on a prototype graph: one that is taken away, and a new one beside the others."""

from __future__ import annotations

import numpy as np

from cbat.graph.propagation import FloatArray, PrototypeGraph

Relatives = tuple[tuple[str, float], ...]
"""Cell lines that a new line resembles, with the weight of the edge to each."""


def row_of(graph: PrototypeGraph, cell_line: str) -> int | None:
    """Row of a cell line; None where the graph does not hold it."""
    try:
        return graph.index(cell_line)
    except KeyError:
        return None


def without_line(graph: PrototypeGraph, cell_line: str) -> PrototypeGraph:
    """The graph without the node of a cell line and its edges."""
    nodes = zip(graph.names, graph.kinds, strict=True)
    kept = [row for row, node in enumerate(nodes) if node != (cell_line, "cell_line")]
    names, kinds = (tuple(column[row] for row in kept) for column in (graph.names, graph.kinds))
    return PrototypeGraph(names, kinds, graph.adjacency[np.ix_(kept, kept)])


def place_of(graph: PrototypeGraph, cell_line: str) -> tuple[str | None, Relatives]:
    """Tissue and relatives of a line, as :func:`with_new_line` takes them."""
    return graph.tissue_of(cell_line), relatives_of(graph, cell_line)


def relatives_of(graph: PrototypeGraph, cell_line: str) -> Relatives:
    """The cell lines that a line shares an edge with, with its weight; none for a line not in the graph."""
    if (row := row_of(graph, cell_line)) is None:
        return ()
    weights = graph.adjacency[row]
    return tuple(
        (graph.names[at], float(weights[at])) for at in graph.of_kind("cell_line") if weights[at] > 0
    )


def is_placed(graph: PrototypeGraph, tissue: str | None, relatives: Relatives = ()) -> bool:
    """Whether a new line of the tissue, with these relatives, has an edge."""
    known = {graph.names[row] for row in graph.of_kind("tissue")}
    return tissue in known or any(row_of(graph, line) is not None for line, _ in relatives)


def with_new_line(graph: PrototypeGraph, tissue: str | None, relatives: Relatives = ()) -> FloatArray:
    """Adjacency of the graph with one node more, the last: a new line of a tissue.

    Parameters
    ----------
    graph : PrototypeGraph
        Of n nodes.
    tissue : str or None
        None, or a tissue that the graph does not hold: no edge to a tissue.
    relatives : tuple of (line, weight), optional
        Edges beside that to the tissue; lines that the graph does not hold are left out.

    Returns
    -------
    array, shape=(n + 1, n + 1)
    """
    n = len(graph.names)
    extended = np.zeros((n + 1, n + 1))
    extended[:n, :n] = graph.adjacency
    for row in graph.of_kind("tissue"):
        if graph.names[row] == tissue:
            extended[n, row] = extended[row, n] = _usual_weight(graph)
    for line, weight in relatives:
        if (relative := row_of(graph, line)) is not None:
            extended[n, relative] = extended[relative, n] = weight
    return extended


def _usual_weight(graph: PrototypeGraph) -> float:
    """Median weight of the edges between cell lines and tissues."""
    edges = graph.adjacency[np.ix_(graph.of_kind("cell_line"), graph.of_kind("tissue"))]
    return float(np.median(edges[edges > 0])) if (edges > 0).any() else 1.0
