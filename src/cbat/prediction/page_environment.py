"""What the page of a prediction says of the line's environment: the graph with the line on it, and words."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from cbat.config.sections import FigureSettings
from cbat.graph import picture
from cbat.graph.propagation import EDGE_ENDS, PrototypeGraph
from cbat.model.about import About

UNKNOWN: Final = "unknown"
_SHOWN_POSTERIOR: Final = 0.01
_LISTED_POSTERIOR: Final = 0.001
_NODES: Final = 8
_MOTIFS: Final = 12
_WEIGHT: Final = 1.0


def tissue_posterior(environment: Mapping[str, Any], graph: PrototypeGraph | None) -> dict[str, float]:
    """Tissue -> probability that the line is of it: as a new line of it, or as a training line of it."""
    found: dict[str, float] = {}
    for row in environment.get("posterior", []):
        tissue = row["node"] if row["kind"] == "tissue" else (graph.tissue_of(row["node"]) if graph else None)
        if tissue is not None:
            found[tissue] = found.get(tissue, 0.0) + row["posterior"]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def graph_content(graph: PrototypeGraph, roles: Mapping[str, str]) -> dict[str, Any]:
    """Nodes and directed edges of a graph, of which a model keeps the weights alone.

    The parent of two tissues is taken to be the one that more tissues hang from, then the one with fewer
    lines of its own.
    """
    nodes = [
        {"kind": kind, "name": name} | ({"role": roles.get(name, "train")} if kind == "cell_line" else {})
        for name, kind in zip(graph.names, graph.kinds, strict=True)
    ]
    kinds = {ends: kind for kind, ends in EDGE_ENDS.items() if kind != "parent"}
    edges = []
    for one, other in np.argwhere(np.triu(graph.adjacency) > 0.0):
        for source, target in ((int(one), int(other)), (int(other), int(one))):
            kind = kinds.get((graph.kinds[source], graph.kinds[target]))
            if kind is not None:
                edges.append(_edge(graph, kind, source, target))
                break
    edges += [_edge(graph, "parent", child, parent) for child, parent in _parents(graph).items()]
    return {"nodes": nodes, "edges": edges}


def _edge(graph: PrototypeGraph, kind: str, source: int, target: int) -> dict[str, Any]:
    weight = float(graph.adjacency[source, target])
    return {"kind": kind, "source": graph.names[source], "target": graph.names[target], "weight": weight}


def _parents(graph: PrototypeGraph) -> dict[int, int]:
    """Row of a tissue -> row of the tissue that it belongs to."""
    tissues, lines = graph.of_kind("tissue"), list(graph.of_kind("cell_line"))
    near = {row: [at for at in tissues if graph.adjacency[row, at] > 0.0] for row in tissues}
    own = {row: int((graph.adjacency[row, lines] > 0.0).sum()) for row in tissues}
    parents: dict[int, int] = {}
    reached: set[int] = set()
    for root in sorted(tissues, key=lambda row: (-len(near[row]), own[row], graph.names[row])):
        waiting = [] if root in reached else [root]
        reached.add(root)
        for row in waiting:
            fresh = [at for at in near[row] if at not in reached]
            reached.update(fresh)
            parents.update(dict.fromkeys(fresh, row))
            waiting += fresh
    return parents


def placed(
    graph: PrototypeGraph | None, about: About, environment: Mapping[str, Any]
) -> tuple[dict[str, Any], str] | None:
    """The graph with the new line on it, and how the line came to its place; None without a graph."""
    if graph is None:
        return None
    roles = {line.cell_line: line.role for line in about.training.lines}
    content = graph_content(graph, roles)
    name = environment["cell_line"]
    if name in {node["name"] for node in content["nodes"] if node["kind"] == "cell_line"}:
        name = f"{name} (predicted)"
    posterior = tissue_posterior(environment, graph)
    told, tissues = environment["told_tissue"], {graph.names[row] for row in graph.of_kind("tissue")}
    if told in tissues:
        tissue, how = told, f"It is attached to {told}, the stated tissue."
    elif posterior:
        tissue = next(iter(posterior))
        how = f"No known tissue was stated. It is attached to {tissue}, which its candidates resemble most."
    else:
        tissue, how = None, "Neither a stated tissue nor candidates place it."
    content["nodes"].append({"kind": "cell_line", "name": name, "role": "unseen"})
    if tissue is not None:
        content["edges"].append({"kind": "tissue", "source": name, "target": tissue, "weight": _WEIGHT})
    for line, weight in environment.get("relatives", {}).items():
        content["edges"].append({"kind": "similarity", "source": name, "target": line, "weight": weight})
    if environment.get("relatives", {}):
        how += " Arcs lead to the lines that the table of similarities puts near it."
    share = {(row["kind"], row["node"]): row["posterior"] for row in environment.get("posterior", [])}
    for node in content["nodes"]:
        probability = share.get((node["kind"], node["name"]), 0.0)
        if probability >= _SHOWN_POSTERIOR:
            node["label"] = f"{node['name']} {probability:.0%}"
    return content, how


def graph_picture(content: Mapping[str, Any]) -> str:
    """The graph as an SVG element."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.svg"
        picture.draw(content, path, FigureSettings(), title="Where the line lies among the training lines")
        text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def in_words(graph: PrototypeGraph | None, environment: Mapping[str, Any]) -> dict[str, Any]:
    """Sentences and rows of the environment for the template."""
    tissues = tissue_posterior(environment, graph)
    told = environment["told_tissue"]
    rows = [
        {"name": row["node"], "kind": _kind(row["kind"]), "share": row["posterior"]}
        for row in environment.get("posterior", [])[:_NODES]
        if row["posterior"] >= _LISTED_POSTERIOR
    ]
    motifs = [
        {
            "name": row["motif"] if row["motif"] != "-" else row["consensus"],
            "alike": "" if row["alike"] == "-" else str(row["alike"]).replace(",", ", "),
            "consensus": row["consensus"],
            "value": row["environment"],
            "word": "more common or stronger" if row["environment"] > 0 else "rarer or weaker",
        }
        for row in environment.get("motifs", [])[:_MOTIFS]
        if row["environment"] != 0.0
    ]
    largest = max((abs(row["value"]) for row in motifs), default=1.0)
    for row in motifs:
        row["width"] = 100.0 * abs(row["value"]) / largest
    return {
        "support_size": environment.get("support_size", 0),
        "verdict": _verdict(tissues, told),
        "posterior": rows,
        "motifs": motifs,
        "warnings": [{"title": row["kind"].replace("_", " "), "text": _sentence(row["message"])}
                     for row in environment["warnings"]],
    }  # fmt: skip


def _kind(kind: str) -> str:
    return "training line" if kind == "cell_line" else "a new line of this tissue"


def _verdict(tissues: Mapping[str, float], told: str) -> str:
    if not tissues:
        return "The candidates could not be compared with the training lines."
    best, share = next(iter(tissues.items()))
    said = f"The candidates resemble {best} ({share:.0%})."
    if told == UNKNOWN:
        return f"{said} No known tissue was stated."
    if told not in tissues:
        return f"{said} The tissue that was stated, {told}, is not known to the model."
    if told == best:
        return f"{said} That is the stated tissue."
    return (
        f"{said} The tissue that was stated is {told} ({tissues.get(told, 0.0):.0%}), so the candidates "
        "contradict it: check that the files belong to this line."
    )


def _sentence(message: str) -> str:
    text = message[:1].upper() + message[1:]
    return text if text.endswith((".", "?", "!")) else text + "."
