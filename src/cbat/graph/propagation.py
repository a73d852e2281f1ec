"""Read a prototype graph and let prototypes flow over it, in NumPy.

A random walk with restart (personalised PageRank) says how close two nodes are; the same kernel serves
as the correlation of a Gaussian process over the nodes. With fewer than a few hundred nodes the closed
form is one matrix inverse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cbat.errors import UserError

FloatArray = npt.NDArray[np.float64]

EDGE_ENDS: Final[Mapping[str, tuple[str, str]]] = {
    "tissue": ("cell_line", "tissue"),
    "parent": ("tissue", "tissue"),
    "germ_layer": ("tissue", "germ_layer"),
    "condition": ("cell_line", "condition"),
    "sex": ("cell_line", "sex"),
    "similarity": ("cell_line", "cell_line"),
}
"""Kinds of the source and the target of each kind of edge."""


@dataclass(frozen=True)
class PrototypeGraph:
    """Nodes and weighted undirected edges.

    Attributes
    ----------
    names, kinds : tuple of str, length n
        Name and kind (``cell_line``, ``tissue``, ``germ_layer``, ``condition``, ``sex``) of each node.
    adjacency : array, shape=(n, n)
        Symmetric, non-negative, zero diagonal; edges of several kinds between two nodes add up.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    adjacency: FloatArray

    def index(self, name: str, kind: str = "cell_line") -> int:
        """Row of the node, or KeyError when the graph does not hold it."""
        for row, node in enumerate(zip(self.names, self.kinds, strict=True)):
            if node == (name, kind):
                return row
        raise KeyError((name, kind))

    def of_kind(self, kind: str) -> tuple[int, ...]:
        """Rows of all nodes of a kind, in order."""
        return tuple(row for row, node_kind in enumerate(self.kinds) if node_kind == kind)

    def tissue_of(self, cell_line: str) -> str | None:
        """Tissue that the cell line hangs from; None for a line without one or not in the graph."""
        try:
            row = self.index(cell_line)
        except KeyError:
            return None
        return next((self.names[at] for at in self.of_kind("tissue") if self.adjacency[row, at] > 0), None)


def load_graph(path: str | Path) -> PrototypeGraph:
    """Read ``graph.json``.

    Raises
    ------
    UserError
        The file is missing or is not a prototype graph.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return _assemble(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"this is not a prototype graph ({error.__class__.__name__}: {error})",
            mend="copy it again, with the folder of the model if it is of one; that of a run is built by "
            "`cbat build_prototype_graph`",
            file=path,
        ) from error


def _assemble(content: dict[str, Any]) -> PrototypeGraph:
    nodes = [(str(node["name"]), str(node["kind"])) for node in content["nodes"]]
    row = {node: number for number, node in enumerate(nodes)}
    if len(row) != len(nodes):
        raise ValueError("a node occurs twice")
    adjacency = np.zeros((len(nodes), len(nodes)))
    for edge in content["edges"]:
        source_kind, target_kind = EDGE_ENDS[edge["kind"]]
        source, target = row[edge["source"], source_kind], row[edge["target"], target_kind]
        weight = float(edge["weight"])
        if source == target or not 0.0 < weight < np.inf:
            raise ValueError(f"edge {edge['source']} - {edge['target']} of weight {weight}")
        adjacency[source, target] += weight
        adjacency[target, source] += weight
    names, kinds = (tuple(column) for column in zip(*nodes, strict=True)) if nodes else ((), ())
    return PrototypeGraph(names, kinds, adjacency)


def _symmetrically_normalised(adjacency: FloatArray) -> FloatArray:
    """D^-1/2 A D^-1/2, with zero rows for nodes without edges."""
    degree = adjacency.sum(axis=1)
    scale = np.zeros_like(degree)
    scale[degree > 0] = degree[degree > 0] ** -0.5
    normalised: FloatArray = scale[:, None] * adjacency * scale[None, :]
    return normalised


def gcn_normalise(adjacency: FloatArray) -> FloatArray:
    r"""Propagation matrix of a graph convolution.

    .. math:: \tilde D^{-1/2} (A + I) \tilde D^{-1/2}

    of Kipf and Welling (2017), with :math:`\tilde D` the degrees of :math:`A + I`.

    Shapes: (n, n) -> (n, n).
    """
    return _symmetrically_normalised(adjacency + np.eye(len(adjacency)))


def personalised_pagerank_kernel(adjacency: FloatArray, restart: float) -> FloatArray:
    r"""Where a random walk with restart ends, for all pairs of nodes.

    .. math:: K = a \, (I - (1 - a) S)^{-1}, \qquad S = D^{-1/2} A D^{-1/2}

    the fixed point of APPNP (Gasteiger et al. 2019) without self-loops. ``K`` is symmetric and positive
    definite; a node without edges keeps to itself.

    Parameters
    ----------
    adjacency : array, shape=(n, n)
        Symmetric and non-negative.
    restart : float
        The chance ``a`` to jump back to the start, in (0, 1]; 1 gives the identity.

    Returns
    -------
    array, shape=(n, n)

    Raises
    ------
    ValueError
        ``restart`` outside (0, 1], or an adjacency that is not square, symmetric and non-negative.
    """
    if not 0.0 < restart <= 1.0:
        raise ValueError(f"the restart probability must lie in (0, 1], not {restart}")
    if adjacency.ndim != 2 or adjacency.shape[0] != adjacency.shape[1]:
        raise ValueError(f"the adjacency must be square, not {adjacency.shape}")
    if not np.allclose(adjacency, adjacency.T) or (adjacency < 0).any():
        raise ValueError("the adjacency must be symmetric and non-negative")
    identity = np.eye(len(adjacency))
    kernel = restart * np.linalg.inv(identity - (1.0 - restart) * _symmetrically_normalised(adjacency))
    # Rounding leaves entries of the order 1e-17 on either side of zero and of the diagonal.
    symmetric: FloatArray = np.maximum((kernel + kernel.T) / 2.0, 0.0)
    return symmetric


def walk_shares(reached: FloatArray) -> FloatArray:
    r"""Where walks from nodes end among some nodes, as shares that add up to 1.

    .. math:: s_{ij} = K_{ij} \Big/ \sum_{j' \in \text{known}} K_{ij'}

    With prototypes at the known nodes, :math:`\sum_j s_{ij} m_j` propagates them. Dividing by the mass that
    reaches a node gives a node without a prototype its neighbours' value instead of a value shrunk towards
    zero.

    Parameters
    ----------
    reached : array, shape=(..., n_known)
        Columns of the known nodes in :func:`personalised_pagerank_kernel`.

    Returns
    -------
    array, shape=(..., n_known)
        All alike for a node that nothing reaches.

    Raises
    ------
    ValueError
        There is no known node.
    """
    if not reached.shape[-1]:
        raise ValueError("at least one node must be known")
    mass = reached.sum(axis=-1, keepdims=True)
    alike = np.full_like(reached, 1.0 / reached.shape[-1])
    shares: FloatArray = np.divide(reached, mass, out=alike, where=mass > 0.0)
    return shares


def correlation_kernel(kernel: FloatArray) -> FloatArray:
    r"""Scale a kernel to unit diagonal, :math:`B_{ij} = K_{ij} / \sqrt{K_{ii} K_{jj}}`.

    Shapes: (n, n) -> (n, n).
    """
    scale = np.sqrt(np.diag(kernel))
    correlation: FloatArray = kernel / (scale[:, None] * scale[None, :])
    np.fill_diagonal(correlation, 1.0)
    return correlation
