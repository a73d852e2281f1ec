"""Analytic limits of the walk, and agreement with torch_geometric."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cbat.errors import UserError
from cbat.graph.propagation import (
    correlation_kernel,
    gcn_normalise,
    load_graph,
    personalised_pagerank_kernel,
    walk_shares,
)

FloatArray = npt.NDArray[np.float64]


def star(n_leaves: int) -> FloatArray:
    adjacency = np.zeros((n_leaves + 1, n_leaves + 1))
    adjacency[0, 1:] = adjacency[1:, 0] = 1.0
    return adjacency


def random_graph(n: int, seed: int = 0) -> FloatArray:
    generator = np.random.default_rng(seed)
    upper = np.triu(generator.random((n, n)) * (generator.random((n, n)) < 0.4), 1)
    upper[np.arange(n - 1), np.arange(1, n)] += 0.1  # a path keeps it connected
    return upper + upper.T


def propagate(kernel: FloatArray, prototypes: FloatArray, known: npt.NDArray[np.bool_]) -> FloatArray:
    """Prototypes of the known nodes, propagated to all."""
    return walk_shares(kernel[:, known]) @ prototypes[known]


def everywhere(n: int) -> npt.NDArray[np.bool_]:
    return np.ones(n, dtype=bool)


def test_full_restart_returns_the_input() -> None:
    prototypes = np.random.default_rng(1).normal(size=(9, 3))
    kernel = personalised_pagerank_kernel(random_graph(9), restart=1.0)
    np.testing.assert_allclose(kernel, np.eye(9), atol=1e-12)
    np.testing.assert_allclose(propagate(kernel, prototypes, everywhere(9)), prototypes)


@pytest.mark.parametrize("restart", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("known", [[0], [0, 4, 7], list(range(9))])
def test_a_constant_stays_constant(restart: float, known: list[int]) -> None:
    prototypes = np.full((9, 2), np.nan)
    prototypes[known] = [3.0, -1.0]
    has_prototype = np.isin(np.arange(9), known)
    kernel = personalised_pagerank_kernel(random_graph(9), restart)
    np.testing.assert_allclose(propagate(kernel, prototypes, has_prototype), [[3.0, -1.0]] * 9)


def test_the_star_by_hand() -> None:
    # S has 1/sqrt(n) between hub and leaves. With b = 1 - a the hub's row of a (I - b S)^-1 is
    # a / (1 - b^2) * (1, b/sqrt(n), ...), and leaves share b^2/n through the hub.
    n, a = 4, 0.3
    b = 1 - a
    kernel = personalised_pagerank_kernel(star(n), a)
    assert kernel[0, 0] == pytest.approx(a / (1 - b**2))
    np.testing.assert_allclose(kernel[0, 1:], a / (1 - b**2) * b / np.sqrt(n))
    np.testing.assert_allclose(kernel[1, 2], a / (1 - b**2) * b**2 / n)
    assert kernel[1, 1] == pytest.approx(a + a / (1 - b**2) * b**2 / n)


def test_a_hub_without_a_prototype_gets_the_mean_of_its_leaves() -> None:
    prototypes = np.array([[np.nan], [1.0], [2.0], [6.0]])
    has_prototype = np.array([False, True, True, True])
    kernel = personalised_pagerank_kernel(star(3), 0.2)
    assert propagate(kernel, prototypes, has_prototype)[0, 0] == pytest.approx(3.0)


def test_a_small_restart_on_a_lone_known_leaf_fills_the_whole_star() -> None:
    prototypes = np.array([[np.nan], [5.0], [np.nan], [np.nan]])
    has_prototype = np.array([False, True, False, False])
    kernel = personalised_pagerank_kernel(star(3), 0.2)
    np.testing.assert_allclose(propagate(kernel, prototypes, has_prototype), 5.0)


def test_a_node_that_nothing_reaches_gets_the_plain_mean() -> None:
    adjacency = np.zeros((4, 4))
    adjacency[0, 1] = adjacency[1, 0] = 1.0
    prototypes = np.array([[1.0], [3.0], [np.nan], [8.0]])
    has_prototype = np.array([True, True, False, True])
    result = propagate(personalised_pagerank_kernel(adjacency, 0.2), prototypes, has_prototype)
    assert result[2, 0] == pytest.approx(4.0)
    assert result[3, 0] == pytest.approx(8.0), "and a lone node with a prototype keeps it"


def test_nearer_prototypes_weigh_more() -> None:
    path = np.diag(np.ones(4), 1)
    kernel = personalised_pagerank_kernel(path + path.T, 0.2)
    prototypes = np.array([[0.0], [0.0], [0.0], [0.0], [1.0]])
    ends = np.array([True, False, False, False, True])
    value = propagate(kernel, prototypes, ends)[:, 0]
    assert (np.diff(value) > 0).all()
    assert value[2] == pytest.approx(0.5)


def test_without_any_prototype_there_is_nothing_to_propagate() -> None:
    with pytest.raises(ValueError, match="at least one node"):
        propagate(np.eye(3), np.zeros((3, 1)), np.zeros(3, dtype=bool))


@pytest.mark.parametrize("restart", [0.01, 0.2, 0.9])
def test_kernels_are_symmetric_and_positive_definite(restart: float) -> None:
    kernel = personalised_pagerank_kernel(random_graph(12), restart)
    correlation = correlation_kernel(kernel)
    np.testing.assert_array_equal(kernel, kernel.T)
    np.testing.assert_array_equal(np.diag(correlation), 1.0)
    assert np.linalg.eigvalsh(kernel).min() > 0.0
    assert np.linalg.eigvalsh(correlation).min() > 0.0
    assert correlation.max() <= 1.0 + 1e-12


@pytest.mark.parametrize("restart", [0.0, -0.1, 1.5])
def test_a_restart_outside_its_bounds_is_refused(restart: float) -> None:
    with pytest.raises(ValueError, match="restart"):
        personalised_pagerank_kernel(star(2), restart)


def test_an_adjacency_that_is_not_symmetric_is_refused() -> None:
    with pytest.raises(ValueError, match="symmetric"):
        personalised_pagerank_kernel(np.array([[0.0, 1.0], [0.0, 0.0]]), 0.5)


def test_appnp_of_torch_geometric_converges_to_the_kernel() -> None:
    torch = pytest.importorskip("torch")
    conv = pytest.importorskip("torch_geometric.nn")
    adjacency, features = random_graph(10), np.random.default_rng(2).normal(size=(10, 3))
    source, target = np.nonzero(adjacency)
    layer = conv.APPNP(K=400, alpha=0.15, add_self_loops=False)
    theirs = layer(
        torch.from_numpy(features),
        torch.from_numpy(np.stack([source, target])),
        torch.from_numpy(adjacency[source, target]),
    )
    ours = personalised_pagerank_kernel(adjacency, 0.15) @ features
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-8)


def test_gcn_convolution_of_torch_geometric_uses_the_same_matrix() -> None:
    torch = pytest.importorskip("torch")
    conv = pytest.importorskip("torch_geometric.nn")
    adjacency, features = random_graph(10), np.random.default_rng(2).normal(size=(10, 3))
    source, target = np.nonzero(adjacency)
    layer = conv.GCNConv(3, 3, bias=False).double()
    with torch.no_grad():
        layer.lin.weight.copy_(torch.eye(3))
        theirs = layer(
            torch.from_numpy(features),
            torch.from_numpy(np.stack([source, target])),
            torch.from_numpy(adjacency[source, target]),
        )
    np.testing.assert_allclose(gcn_normalise(adjacency) @ features, theirs.numpy(), atol=1e-12)


def test_gcn_normalisation_of_lone_nodes_is_the_identity() -> None:
    np.testing.assert_array_equal(gcn_normalise(np.zeros((3, 3))), np.eye(3))


def graph_file(path: Path) -> Path:
    nodes = [
        {"name": "liver", "kind": "cell_line"},
        {"name": "HepG2", "kind": "cell_line"},
        {"name": "liver", "kind": "tissue"},
    ]
    edges = [
        {"source": "HepG2", "target": "liver", "kind": "similarity", "weight": 0.5},
        {"source": "HepG2", "target": "liver", "kind": "tissue", "weight": 1.0},
    ]
    path.write_text(json.dumps({"nodes": nodes, "edges": edges}))
    return path


def test_a_graph_is_read_back_with_a_line_called_like_its_tissue(tmp_path: Path) -> None:
    graph = load_graph(graph_file(tmp_path / "graph.json"))
    line, tissue = graph.index("liver"), graph.index("liver", "tissue")
    assert graph.adjacency[graph.index("HepG2"), line] == 0.5
    assert graph.adjacency[graph.index("HepG2"), tissue] == 1.0
    np.testing.assert_array_equal(graph.adjacency, graph.adjacency.T)
    assert graph.of_kind("cell_line") == (0, 1)
    with pytest.raises(KeyError):
        graph.index("spleen")


def test_an_empty_graph_is_read(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text('{"nodes": [], "edges": []}')
    assert load_graph(path).adjacency.shape == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"nodes": []}',
        '{"nodes": [], "edges": [{"source": "a", "target": "b", "kind": "tissue", "weight": 1}]}',
        '{"nodes": [{"name": "a", "kind": "tissue"}, {"name": "a", "kind": "tissue"}], "edges": []}',
    ],
)
def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "graph.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"graph\.json.*not a prototype graph"):
        load_graph(path)
