"""The picture is the same every time, and its words can be read."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib")

from cbat.config.sections import FigureSettings
from cbat.errors import UserError
from cbat.graph.picture import arrange, run

SVG = "{http://www.w3.org/2000/svg}"


def world(n_tissues: int, lines_per_tissue: int, *, similar: bool = False) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []

    def edge(kind: str, source: str, target: str, weight: float) -> None:
        edges.append({"kind": kind, "source": source, "target": target, "weight": weight})

    layers = ["ectoderm", "endoderm", "mesoderm"][: min(3, n_tissues)]
    nodes += [{"kind": "germ_layer", "name": name} for name in layers]
    for number in range(n_tissues):
        tissue = f"tissue {number:02d}"
        nodes.append({"kind": "tissue", "name": tissue})
        edge("germ_layer", tissue, layers[number % len(layers)], 0.25)
        for copy in range(lines_per_tissue):
            line, role = f"{tissue}-{copy}", ("train", "validation", "unseen")[copy % 3]
            nodes.append({"kind": "cell_line", "name": line, "role": role, "tissue": tissue})
            edge("tissue", line, tissue, 1.0)
    lines = [node["name"] for node in nodes if node["kind"] == "cell_line"]
    if similar:
        for one, other in combinations(lines[::2], 2):
            edge("similarity", one, other, 0.7)
    return {"nodes": nodes, "edges": edges}


def write(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content))
    return path


def with_everything() -> dict[str, Any]:
    content = world(4, 3, similar=True)
    content["nodes"] += [
        {"kind": "condition", "name": "cancer"},
        {"kind": "condition", "name": "normal"},
        {"kind": "sex", "name": "female"},
        {"kind": "tissue", "name": "corner"},
        {"kind": "tissue", "name": "tissue 00 inner"},
        {"kind": "cell_line", "name": "mystery", "role": "unseen", "tissue": "."},
    ]
    content["edges"] += [
        {"kind": "parent", "source": "tissue 00 inner", "target": "tissue 00", "weight": 0.5},
        {"kind": "condition", "source": "mystery", "target": "cancer", "weight": 0.1},
        {"kind": "sex", "source": "mystery", "target": "female", "weight": 0.1},
        {"kind": "condition", "source": "tissue 01-0", "target": "normal", "weight": 0.1},
    ]
    return content


def texts(path: Path) -> list[str]:
    return [element.text or "" for element in ElementTree.parse(path).iter(f"{SVG}text")]


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    graph = write(tmp_path / "graph.json", with_everything())
    for name in ("one.svg", "two.svg"):
        run(graph=graph, output=tmp_path / name, settings=FigureSettings())
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert b"dc:date" not in (tmp_path / "one.svg").read_bytes()


@pytest.mark.parametrize("content", [world(1, 1), world(8, 2), world(12, 4, similar=True), with_everything()])
def test_every_node_is_named_once(tmp_path: Path, content: dict[str, Any]) -> None:
    output = tmp_path / "graph.svg"
    run(graph=write(tmp_path / "graph.json", content), output=output, settings=FigureSettings())
    written = texts(output)
    for node in content["nodes"]:
        assert written.count(node["name"]) == 1, node["name"]


@pytest.mark.parametrize("content", [world(1, 3), world(8, 2), world(12, 4, similar=True), with_everything()])
def test_no_two_labels_overlap(content: dict[str, Any]) -> None:
    layout = arrange(content)
    boxes = []
    for kind, name in layout.x:
        left, width = layout.left[kind, name], 0.09 * len(name)
        if kind in ("cell_line", "condition", "sex"):
            left += 0.1
        assert left >= 0.0
        assert left + width <= layout.width
        boxes.append((left, left + width, layout.y[kind, name]))
    for one, other in combinations(boxes, 2):
        apart = one[1] <= other[0] or other[1] <= one[0] or abs(one[2] - other[2]) > 0.13
        assert apart, (one, other)


def test_the_key_names_prototypes_where_there_are_some(tmp_path: Path) -> None:
    content = world(2, 2)
    assert "prototype line" not in texts(_drawn(tmp_path, content))
    content["nodes"].append({"kind": "cell_line", "name": "p", "role": "prototype", "tissue": "tissue 00"})
    assert "prototype line" in texts(_drawn(tmp_path, content))


def _drawn(tmp_path: Path, content: dict[str, Any]) -> Path:
    output = tmp_path / "graph.svg"
    run(graph=write(tmp_path / "graph.json", content), output=output, settings=FigureSettings())
    return output


def test_a_wider_group_stands_left_of_its_members() -> None:
    content = with_everything()
    layout = arrange(content)
    ends = {"tissue": ("cell_line", "tissue"), "parent": ("tissue", "tissue")}
    ends["germ_layer"] = ("tissue", "germ_layer")
    for edge in content["edges"]:
        if edge["kind"] in ends:
            member, group = ends[edge["kind"]]
            assert layout.x[group, edge["target"]] < layout.left[member, edge["source"]]


def test_an_empty_graph_is_an_empty_picture(tmp_path: Path) -> None:
    graph = write(tmp_path / "graph.json", {"nodes": [], "edges": []})
    run(graph=graph, output=tmp_path / "graph.svg", settings=FigureSettings())
    assert (tmp_path / "graph.svg").stat().st_size > 0


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a prototype graph"):
        run(graph=write(tmp_path / "g.json", {}), output=tmp_path / "g.svg", settings=FigureSettings())
    assert not (tmp_path / "g.svg").exists()
