"""The graph says what the sheets say, and nothing of unseen lines where it must not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cbat.config.sections import GraphSettings, SimilarityTable
from cbat.errors import UserError
from cbat.graph.build import EDGE_ENDS, build_graph, read_similarity


@dataclass(frozen=True)
class Line:
    cell_line: str
    tissue: str
    role: str = "train"
    condition: str = "unknown"


@dataclass(frozen=True)
class Tissue:
    tissue: str
    germ_layer: str = "mesoderm"
    parent: str | None = "."


TISSUES = [
    Tissue("blood"),
    Tissue("myeloid", parent="blood"),
    Tissue("skin", "ectoderm"),
    Tissue("placenta", "unknown"),
]
LINES = [
    Line("K562", "myeloid", condition="cancer"),
    Line("GM12878", "blood", role="validation", condition="normal"),
    Line("NHEK", "skin", role="unseen", condition="normal"),
]


def edges(graph: dict[str, list[dict[str, Any]]], kind: str) -> dict[tuple[str, str], float]:
    return {(e["source"], e["target"]): e["weight"] for e in graph["edges"] if e["kind"] == kind}


def names(graph: dict[str, list[dict[str, Any]]], kind: str) -> list[str]:
    return [node["name"] for node in graph["nodes"] if node["kind"] == kind]


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_edges_follow_the_sheets_and_the_weights() -> None:
    graph = build_graph(LINES, TISSUES, scope="all", settings=GraphSettings())
    assert edges(graph, "tissue") == {
        ("K562", "myeloid"): 1.0,
        ("GM12878", "blood"): 1.0,
        ("NHEK", "skin"): 1.0,
    }
    assert edges(graph, "parent") == {("myeloid", "blood"): 0.5}
    assert edges(graph, "germ_layer") == {
        ("blood", "mesoderm"): 0.25,
        ("myeloid", "mesoderm"): 0.25,
        ("skin", "ectoderm"): 0.25,
    }
    assert names(graph, "germ_layer") == ["ectoderm", "mesoderm"], "an unknown germ layer is no node"
    assert names(graph, "condition") == []


def test_conditions_become_nodes_only_with_a_weight() -> None:
    graph = build_graph(LINES, TISSUES, scope="all", settings=GraphSettings(condition_weight=0.1))
    assert names(graph, "condition") == ["cancer", "normal"]
    assert edges(graph, "condition")["K562", "cancer"] == 0.1


def test_training_scope_is_blind_to_unseen_lines(tmp_path: Path) -> None:
    similarity = table(tmp_path / "s.tsv", "x\tK562\tNHEK\nK562\t1\t.9\nNHEK\t.9\t1\n")
    settings = GraphSettings(condition_weight=0.1, similarities=[SimilarityTable(path=similarity)])
    with_unseen = build_graph(LINES, TISSUES, scope="training", settings=settings)
    without = build_graph(LINES[:2], TISSUES, scope="training", settings=settings)
    assert with_unseen == without
    assert "NHEK" not in str(with_unseen)
    assert names(with_unseen, "tissue") == ["blood", "myeloid", "placenta", "skin"]


def test_nodes_and_edges_are_sorted_whatever_the_order_of_the_sheets() -> None:
    settings = GraphSettings(condition_weight=0.1)
    forward = build_graph(LINES, TISSUES, scope="all", settings=settings)
    backward = build_graph(LINES[::-1], TISSUES[::-1], scope="all", settings=settings)
    assert forward == backward
    assert forward["nodes"] == sorted(forward["nodes"], key=lambda n: (n["kind"], n["name"]))


def test_every_edge_ends_at_nodes_of_the_kinds_that_its_kind_names() -> None:
    lines = [*LINES, Line("blood", "blood")]  # a line that is called like its tissue
    graph = build_graph(lines, TISSUES, scope="all", settings=GraphSettings(condition_weight=1))
    nodes = {(node["kind"], node["name"]) for node in graph["nodes"]}
    for edge in graph["edges"]:
        source, target = EDGE_ENDS[edge["kind"]]
        assert (source, edge["source"]) in nodes
        assert (target, edge["target"]) in nodes


def test_similarities_above_the_threshold_make_edges_and_tables_add_up(tmp_path: Path) -> None:
    text = (
        "cell\tK562\tGM12878\tNHEK\tStranger\n"
        "K562\t1\t0.8\t0.4\t0.9\n"
        "GM12878\t0.8\t1\tNA\t0.9\n"
        "NHEK\t0.4\t.\t1\t0.9\n"
        "Stranger\t0.9\t0.9\t0.9\t1\n"
    )
    path = table(tmp_path / "similarity.tsv", text)
    one = SimilarityTable(path=path, weight=2.0, threshold=0.5)
    settings = GraphSettings(similarities=[one])
    graph = build_graph(LINES, TISSUES, scope="all", settings=settings)
    assert edges(graph, "similarity") == {("GM12878", "K562"): pytest.approx(1.6)}
    twice = GraphSettings(similarities=[one, SimilarityTable(path=path)])
    graph = build_graph(LINES, TISSUES, scope="all", settings=twice)
    assert edges(graph, "similarity") == {
        ("GM12878", "K562"): pytest.approx(2.4),
        ("K562", "NHEK"): pytest.approx(0.4),
    }


def test_negative_similarity_never_makes_an_edge(tmp_path: Path) -> None:
    path = table(tmp_path / "s.tsv", "x\tK562\tNHEK\nK562\t1\t-.9\nNHEK\t-.9\t1\n")
    settings = GraphSettings(similarities=[SimilarityTable(path=path, threshold=-1)])
    assert edges(build_graph(LINES, TISSUES, scope="all", settings=settings), "similarity") == {}


def test_a_line_without_a_tissue_stands_alone() -> None:
    graph = build_graph([Line("mystery", ".")], TISSUES, scope="all", settings=GraphSettings())
    assert names(graph, "cell_line") == ["mystery"]
    assert edges(graph, "tissue") == {}


def test_a_tissue_that_the_sheet_lacks_is_named_with_its_line() -> None:
    with pytest.raises(UserError, match=r"lines\.tsv, cell line 'Caco-2'.*'gut'.*blood"):
        build_graph(
            [Line("Caco-2", "gut")],
            TISSUES,
            scope="all",
            settings=GraphSettings(),
            cell_line_sheet="lines.tsv",
        )


@pytest.mark.parametrize(
    ("tissues", "message"),
    [
        ([Tissue("a", parent="b")], "the parent 'b' of the tissue 'a' is not in the sheet"),
        ([Tissue("a", parent="a")], "a -> a"),
        ([Tissue("a", parent="b"), Tissue("b", parent="c"), Tissue("c", parent="b")], "b -> c -> b"),
    ],
)
def test_parents_that_lead_nowhere_or_in_circles_are_refused(tissues: list[Tissue], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_graph([], tissues, scope="all", settings=GraphSettings())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("x\tA\tB\nA\t1\t.5\n", "'B' is a row or a column, not both"),
        ("x\tA\tB\nA\t1\t.5\nB\t.5\n", "line 3: 2 fields where the header has 3"),
        ("x\tA\tB\nA\t1\t.5\nB\t.5\tone\n", "line 3: the similarity of 'B' and 'B' is 'one'"),
        ("x\tA\tB\nA\t1\t5\nB\t5\t1\n", "line 2: the similarity of 'A' and 'B' is '5'"),
        ("x\tA\tB\nA\t1\t.5\nB\t.6\t1\n", "line 3: 'A' and 'B' have two similarities, 0.5 and 0.6"),
        ("x\tA\tA\nA\t1\t.5\nB\t.5\t1\n", "the column 'A' occurs twice"),
        ("x\tA\tB\nA\t1\t.5\nA\t.5\t1\n", "the row 'A' occurs twice"),
    ],
)
def test_a_malformed_table_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = table(tmp_path / "similarity.tsv", text)
    with pytest.raises(UserError, match=message) as caught:
        read_similarity(path)
    assert "similarity.tsv" in str(caught.value)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_similarity(tmp_path / "absent.tsv")
