"""The graph weighs training lines by kinship, and never looks a line up by its name."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.graph.propagation import PrototypeGraph
from cbat.landscape.expectation import UNIFORM_SHARE, among, kinship


@pytest.fixture(name="graph")
def make_graph() -> PrototypeGraph:
    """Two tissues of one organ with lines ``a`` and ``b``, and one far away with ``c``."""
    names = ["a", "b", "c", "lung", "bronchus", "brain", "body"]
    kinds = ["cell_line"] * 3 + ["tissue"] * 4
    adjacency = np.zeros((7, 7))
    for one, other in [(0, 3), (1, 4), (2, 5), (3, 4), (4, 6), (5, 6)]:
        adjacency[one, other] = adjacency[other, one] = 1.0
    return PrototypeGraph(tuple(names), tuple(kinds), adjacency)


def test_weights_add_up_to_one_and_relatives_count_most(graph: PrototypeGraph) -> None:
    weights = kinship(graph, "lung", ["a", "b", "c"])
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["a"] > weights["b"] > weights["c"] > UNIFORM_SHARE / 3
    assert list(weights) == ["a", "b", "c"]
    # Seen from the brain it is the other way round.
    other = kinship(graph, "brain", ["a", "b", "c"])
    assert other["c"] > other["b"] > other["a"]


def test_a_tissue_or_a_line_that_the_graph_does_not_hold_relates_to_all_alike(graph: PrototypeGraph) -> None:
    alike = {"a": 0.5, "b": 0.5}
    assert kinship(graph, "unknown", ["a", "b"]) == alike
    assert kinship(graph, "a", ["a", "b"]) == alike  # the name of a line is no tissue
    assert kinship(graph, "lung", ["a", "new"]) == {"a": 0.5, "new": 0.5}


def test_lines_that_nothing_connects_to_the_tissue_count_alike() -> None:
    graph = PrototypeGraph(("a", "b", "lung"), ("cell_line", "cell_line", "tissue"), np.zeros((3, 3)))
    assert kinship(graph, "lung", ["a", "b"]) == {"a": 0.5, "b": 0.5}


def test_no_lines_have_no_weights(graph: PrototypeGraph) -> None:
    assert kinship(graph, "lung", []) == {}


def test_some_of_the_lines_share_the_whole_weight() -> None:
    assert among({"a": 0.5, "b": 0.3, "c": 0.2}, ["b", "c"]) == pytest.approx({"b": 0.6, "c": 0.4})
