"""The graph says what the sheets say, and nothing of unseen lines where it must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cbat.config.sections import GraphSettings, SimilarityTable
from cbat.config.sheets import CellLine
from cbat.config.sheets import Tissue as TissueRow
from cbat.errors import UserError
from cbat.graph.build import build_graph, check_parents, read_similarity, run
from cbat.graph.propagation import EDGE_ENDS


def a_line(name: str, tissue: str, role: str = "train", condition: str = "unknown") -> CellLine:
    return CellLine.model_validate(
        {
            "cell_line": name, "tissue": tissue, "role": role, "condition": condition, "sex": "unknown",
            "pairs": "pairs.tsv", "pairs_format": "cbat", "enhancers": ".", "promoters": ".",
        }
    )  # fmt: skip


def a_tissue(name: str, germ_layer: str = "mesoderm", parent: str = ".") -> TissueRow:
    return TissueRow.model_validate({"tissue": name, "germ_layer": germ_layer, "parent": parent})


TISSUES = [
    a_tissue("blood"),
    a_tissue("myeloid", parent="blood"),
    a_tissue("skin", "ectoderm"),
    a_tissue("placenta", "unknown"),
]
LINES = [
    a_line("K562", "myeloid", condition="cancer"),
    a_line("GM12878", "blood", role="validation", condition="normal"),
    a_line("NHEK", "skin", role="unseen", condition="normal"),
]


def edges(graph: dict[str, list[dict[str, Any]]], kind: str) -> dict[tuple[str, str], float]:
    return {(e["source"], e["target"]): e["weight"] for e in graph["edges"] if e["kind"] == kind}


def names(graph: dict[str, list[dict[str, Any]]], kind: str) -> list[str]:
    return sorted(node["name"] for node in graph["nodes"] if node["kind"] == kind)


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


def test_sexes_become_nodes_only_with_a_weight() -> None:
    sexes = ("female", "male", "unknown")
    lines = [line.model_copy(update={"sex": sex}) for line, sex in zip(LINES[:3], sexes, strict=True)]
    graph = build_graph(lines, TISSUES, scope="all", settings=GraphSettings(sex_weight=0.2))
    assert names(graph, "sex") == ["female", "male"]
    assert edges(graph, "sex") == {(lines[0].cell_line, "female"): 0.2, (lines[1].cell_line, "male"): 0.2}
    assert names(build_graph(lines, TISSUES, scope="all", settings=GraphSettings()), "sex") == []


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


def test_nodes_and_edges_stand_in_the_order_of_the_sheets_whatever_their_names() -> None:
    settings = GraphSettings(condition_weight=0.1)
    graph = build_graph(LINES, TISSUES, scope="all", settings=settings)
    new = {line.cell_line: f"{9 - number}_{line.cell_line}" for number, line in enumerate(LINES)}
    renamed = [line.model_copy(update={"cell_line": new[line.cell_line]}) for line in LINES]
    expected = json.loads(json.dumps(graph))
    for node in expected["nodes"]:
        node["name"] = new[node["name"]] if node["kind"] == "cell_line" else node["name"]
    for edge in expected["edges"]:
        edge["source"] = new.get(edge["source"], edge["source"])
    assert build_graph(renamed, TISSUES, scope="all", settings=settings) == expected
    first = [node["name"] for node in graph["nodes"] if node["kind"] == "cell_line"]
    assert first == [line.cell_line for line in LINES]


def test_every_edge_ends_at_nodes_of_the_kinds_that_its_kind_names() -> None:
    lines = [*LINES, a_line("blood", "blood")]  # a line that is called like its tissue
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
    graph = build_graph([a_line("mystery", "unknown")], TISSUES, scope="all", settings=GraphSettings())
    assert names(graph, "cell_line") == ["mystery"]
    assert edges(graph, "tissue") == {}


@pytest.mark.parametrize(
    ("tissues", "circle"),
    [
        ([a_tissue("a", parent="a")], "a -> a"),
        ([a_tissue("a", parent="b"), a_tissue("b", parent="c"), a_tissue("c", parent="b")], "b -> c -> b"),
    ],
)
def test_parents_that_go_in_circles_are_refused(tissues: list[TissueRow], circle: str) -> None:
    with pytest.raises(UserError, match=rf"tissues\.tsv.*{circle}"):
        check_parents(tissues, file="tissues.tsv")


LINE_HEADER = "cell_line tissue role sex condition pairs pairs_format enhancers promoters"


def sheets(folder: Path, tissue: str, parent: str) -> tuple[Path, Path]:
    line = f"K562 {tissue} train female cancer pairs.tsv cbat . ."
    lines = table(folder / "lines.tsv", f"{LINE_HEADER}\n{line}\n".replace(" ", "\t"))
    return lines, table(folder / "tissues.tsv", f"tissue\tgerm_layer\tparent\nblood\tmesoderm\t{parent}\n")


def test_the_stage_reads_sheets_and_writes_the_graph(tmp_path: Path) -> None:
    lines, tissues = sheets(tmp_path, "blood", ".")
    run(cell_lines=lines, tissues=tissues, scope="all", settings=GraphSettings(), directory=tmp_path / "all")
    graph = json.loads((tmp_path / "all" / "graph.json").read_text())
    assert edges(graph, "tissue") == {("K562", "blood"): 1.0}
    assert graph["nodes"][0] == {"kind": "cell_line", "name": "K562", "role": "train", "tissue": "blood"}


@pytest.mark.parametrize(
    ("tissue", "parent", "message"),
    [
        ("gut", ".", r"lines\.tsv, line 2.*'gut'"),
        ("blood", "marrow", r"tissues\.tsv, line 2.*'marrow'"),
        ("blood", "blood", r"tissues\.tsv.*blood -> blood"),
    ],
)
def test_sheets_that_do_not_fit_are_refused(tmp_path: Path, tissue: str, parent: str, message: str) -> None:
    lines, tissues = sheets(tmp_path, tissue, parent)
    with pytest.raises(UserError, match=message):
        run(cell_lines=lines, tissues=tissues, scope="all", settings=GraphSettings(), directory=tmp_path)


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
