"""Draw the prototype graph as a tree: germ layers, tissues, cell lines, and arcs of similarity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cbat.config.sections import FigureSettings
from cbat.drawing import FAINT, INK, svg_figure
from cbat.graph.propagation import EDGE_ENDS, load_graph

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Node = tuple[str, str]  # kind, name

# The axes are measured in inches, so that text and rows keep their size whatever the number of nodes.
_ROW: Final = 0.27
_MARGIN: Final = 0.35
_ATTRIBUTES: Final = ("condition", "sex")
_GAP: Final = 1.1
_HEADER: Final = 0.75
_FOOTER: Final = 0.55
_LEAST_WIDTH: Final = 7.6
"""The key needs it."""
_PROTOTYPE_KEY: Final = 1.45
"""And so much more with prototypes."""
_CHARACTER: Final = 0.09
_FONT_SIZE: Final = 9.5
_NO_GERM_LAYER: Final = ""
_MARKERS: Final = {"unseen": "D", "prototype": "^"}
"""Other lines are dots."""


@dataclass
class Layout:
    """Where each node stands, in inches from the upper left corner.

    ``left`` is where the label of a node starts, ``x`` where its dot is; edges from the left end at the
    smaller of the two.
    """

    x: dict[Node, float] = field(default_factory=dict)
    left: dict[Node, float] = field(default_factory=dict)
    y: dict[Node, float] = field(default_factory=dict)
    headers: list[tuple[float, str]] = field(default_factory=list)
    arcs_from: float = 0.0
    width: float = 0.0
    height: float = 0.0


def run(*, graph: Path, output: Path, settings: FigureSettings) -> None:
    """Draw ``graph.json`` into an SVG file; the same graph gives the same bytes.

    Parameters
    ----------
    graph : Path
        ``graph.json``.
    output : Path
        The SVG file.
    settings : FigureSettings
        Lines that training reads are drawn in the model's colour, unseen lines in the oracle's.
    """
    load_graph(graph)  # refuses what is no graph, by name
    content = json.loads(Path(graph).read_text(encoding="utf-8"))
    draw(content, output, settings, title="Cell prototype graph: which cell lines are related")


def draw(content: Mapping[str, Any], output: Path, settings: FigureSettings, title: str) -> None:
    """Draw a graph, as ``graph.json`` holds it; a node may have a ``label`` besides its name."""
    roles = {node["name"]: node.get("role", "") for node in content["nodes"] if node["kind"] == "cell_line"}
    layout = arrange(content)
    with svg_figure(output, layout.width, layout.height) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(0.0, layout.width)
        axes.set_ylim(layout.height, 0.0)
        axes.axis("off")
        axes.text(
            _MARGIN,
            0.28,
            title,
            fontsize=12,
            fontweight="bold",
            ha="left",
            va="center",
        )
        for x, header in layout.headers:
            axes.text(x, 0.58, header, fontsize=_FONT_SIZE, color="#666666", ha="left", va="center")
        _draw_edges(axes, content, layout, settings)
        _draw_nodes(axes, content, layout, roles, settings)
        _draw_key(axes, layout, set(roles.values()), settings)


def arrange(content: Mapping[str, Any]) -> Layout:
    """Place every node: one row for each cell line, and each group in the middle of its members."""
    forest, labels = _Forest(content), _labels(content)
    layout = Layout()
    for row, leaf in enumerate(forest.leaves()):
        layout.y[leaf] = _HEADER + (row + 0.5) * _ROW
    for node in forest.inner_nodes():
        rows = [layout.y[leaf] for leaf in forest.leaves_below(node)]
        layout.y[node] = sum(rows) / len(rows)
    _spread(layout, [node for node in layout.y if node[0] == "germ_layer"])

    columns: list[tuple[str, list[Node]]] = [("germ layer", forest.of_kind("germ_layer"))]
    for depth in range(max(forest.depth.values(), default=-1) + 1):
        members = [("tissue", name) for name, level in sorted(forest.depth.items()) if level == depth]
        columns.append(("tissue" if depth == 0 else "tissue within", members))
    x = _MARGIN
    for header, members in columns:
        if not members:
            continue
        widest = max(_text_width(labels[node]) for node in members)
        layout.headers.append((x, header))
        for node in members:
            layout.x[node] = x + widest + 0.1
            layout.left[node] = layout.x[node] - 0.1 - _text_width(labels[node])
        x += max(widest, _text_width(header)) + _GAP
    lines = forest.of_kind("cell_line")
    layout.headers.append((x, "cell line"))
    for node in lines:
        layout.x[node] = layout.left[node] = x + 0.05
    x += 0.3 + max((_text_width(labels[node]) for node in lines), default=_text_width("cell line"))
    layout.arcs_from = x
    if any(edge["kind"] == "similarity" for edge in content["edges"]):
        layout.headers.append((x, "similarity"))
        x += _arc_reach(content, layout) + 0.2
    _place_attributes(content, layout, x)
    layout.width = (
        max([x, *(layout.x[node] + _text_width(labels[node]) + 0.2 for node in layout.x)]) + _MARGIN
    )
    prototypes = any(node.get("role") == "prototype" for node in content["nodes"])
    layout.width = max(layout.width, _LEAST_WIDTH + _PROTOTYPE_KEY * prototypes)
    rows_end = max(layout.y.values(), default=_HEADER) + 0.5 * _ROW
    layout.height = rows_end + _FOOTER
    return layout


def _labels(content: Mapping[str, Any]) -> dict[Node, str]:
    """What is written beside each node."""
    return {(node["kind"], node["name"]): node.get("label", node["name"]) for node in content["nodes"]}


class _Forest:
    """Who belongs to whom: a line to its tissue, a tissue to its parent or else to its germ layer."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.nodes: list[Node] = sorted((node["kind"], node["name"]) for node in content["nodes"])
        edges = content["edges"]
        self.parent = {e["source"]: e["target"] for e in edges if e["kind"] == "parent"}
        self.germ_layer = {e["source"]: e["target"] for e in edges if e["kind"] == "germ_layer"}
        tissue_of = {e["source"]: e["target"] for e in edges if e["kind"] == "tissue"}
        tissues = [name for kind, name in self.nodes if kind == "tissue"]
        self.depth = {name: self._depth(name) for name in tissues}
        self.children: dict[Node, list[Node]] = {}
        for name in tissues:
            above = (
                ("tissue", self.parent[name])
                if name in self.parent
                else ("germ_layer", self.germ_layer.get(name, _NO_GERM_LAYER))
            )
            self.children.setdefault(above, []).append(("tissue", name))
        for kind, name in self.nodes:
            if kind == "cell_line" and name in tissue_of:
                self.children.setdefault(("tissue", tissue_of[name]), []).insert(0, (kind, name))
        self.homeless = [n for n in self.nodes if n[0] == "cell_line" and n[1] not in tissue_of]

    def _depth(self, tissue: str) -> int:
        return 0 if tissue not in self.parent else 1 + self._depth(self.parent[tissue])

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes if node[0] == kind]

    def leaves_below(self, node: Node) -> list[Node]:
        children = sorted(self.children.get(node, []))
        if not children:
            return [node]
        return [leaf for child in children for leaf in self.leaves_below(child)]

    def leaves(self) -> list[Node]:
        """Cell lines and tissues without a line, in the order of their rows."""
        roots = [node for node in self.of_kind("germ_layer") if node in self.children]
        unplaced = ("germ_layer", _NO_GERM_LAYER)
        if unplaced in self.children:
            roots.append(unplaced)
        return [leaf for root in roots for leaf in self.leaves_below(root)] + self.homeless

    def inner_nodes(self) -> list[Node]:
        shown = set(self.nodes)
        inner = [node for node in self.children if node in shown]
        # A germ layer whose tissues all hang below a tissue of another layer has no rows of its own.
        loose = [node for node in self.of_kind("germ_layer") if node not in self.children]
        for node in loose:
            members = [("tissue", name) for name, layer in self.germ_layer.items() if layer == node[1]]
            self.children[node] = members
        return inner + loose


def _text_width(text: str) -> float:
    return len(text) * _CHARACTER


def _spread(layout: Layout, nodes: list[Node]) -> None:
    """Push apart nodes of one column whose labels would touch."""
    previous = -1.0
    for node in sorted(nodes, key=lambda node: (layout.y[node], node)):
        layout.y[node] = max(layout.y[node], previous + _ROW)
        previous = layout.y[node]


def _arc_reach(content: Mapping[str, Any], layout: Layout) -> float:
    spans = [
        abs(layout.y["cell_line", e["source"]] - layout.y["cell_line", e["target"]])
        for e in content["edges"]
        if e["kind"] == "similarity"
    ]
    return _bulge(max(spans, default=0.0))


def _bulge(span: float) -> float:
    return 0.2 + min(0.3 * span, 1.8)


def _place_attributes(content: Mapping[str, Any], layout: Layout, x: float) -> None:
    """Conditions and sexes, which share a column."""
    attributes = sorted((n["kind"], n["name"]) for n in content["nodes"] if n["kind"] in _ATTRIBUTES)
    if not attributes:
        return
    layout.headers.append((x + _GAP, ", ".join(sorted({kind for kind, _ in attributes}))))
    for node in attributes:
        members = [
            layout.y["cell_line", e["source"]] for e in content["edges"] if (e["kind"], e["target"]) == node
        ]
        layout.x[node] = layout.left[node] = x + _GAP
        layout.y[node] = sum(members) / len(members)
    _spread(layout, attributes)


def _draw_edges(axes: Axes, content: Mapping[str, Any], layout: Layout, settings: FigureSettings) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    heaviest = max((edge["weight"] for edge in content["edges"]), default=1.0)
    for edge in content["edges"]:
        source_kind, target_kind = EDGE_ENDS[edge["kind"]]
        source, target = (source_kind, edge["source"]), (target_kind, edge["target"])
        y0, y1 = layout.y[source], layout.y[target]
        if edge["kind"] == "similarity":
            x0 = x1 = layout.arcs_from
            out0 = out1 = layout.arcs_from + _bulge(abs(y1 - y0)) * 4.0 / 3.0
            colour, alpha = settings.model_colour, 0.45
        elif edge["kind"] in _ATTRIBUTES:
            x0, x1 = layout.arcs_from, layout.left[target] - 0.06
            out0 = out1 = (x0 + x1) / 2.0
            colour, alpha = FAINT, 0.8
        else:  # from the wider group on the left to its member on the right
            x0, x1 = layout.x[target], layout.left[source] - 0.06
            y0, y1 = y1, y0
            out0, out1 = x0 + 0.6 * (x1 - x0), x1 - 0.6 * (x1 - x0)
            colour, alpha = INK, 0.55
        curve = Curve([(x0, y0), (out0, y0), (out1, y1), (x1, y1)], [Curve.MOVETO, *[Curve.CURVE4] * 3])
        thickness = (0.3 if edge["kind"] == "similarity" else 0.6) * (1.0 + 3.0 * edge["weight"] / heaviest)
        axes.add_patch(
            PathPatch(curve, facecolor="none", edgecolor=colour, alpha=alpha, linewidth=thickness, zorder=1)
        )


def _draw_nodes(
    axes: Axes,
    content: Mapping[str, Any],
    layout: Layout,
    roles: Mapping[str, str],
    settings: FigureSettings,
) -> None:
    for node in content["nodes"]:
        key = (node["kind"], node["name"])
        x, y = layout.x[key], layout.y[key]
        if node["kind"] == "cell_line":
            _dot(axes, x, y, roles[node["name"]], settings)
        else:
            axes.plot([x], [y], marker="s", markersize=5, color=INK, zorder=3)
        after = node["kind"] in ("cell_line", *_ATTRIBUTES)
        axes.text(
            x + 0.1 if after else x - 0.1,
            y,
            node.get("label", node["name"]),
            fontsize=_FONT_SIZE,
            ha="left" if after else "right",
            va="center_baseline",
            zorder=4,
        )


def _dot(axes: Axes, x: float, y: float, role: str, settings: FigureSettings) -> None:
    seen = role != "unseen"
    colour = settings.model_colour if seen else settings.oracle_colour
    face = colour if role == "train" else "white"
    axes.plot(
        [x], [y], marker=_MARKERS.get(role, "o"), markersize=6.5, markerfacecolor=face,
        markeredgecolor=colour, markeredgewidth=1.6, zorder=3,
    )  # fmt: skip


def _draw_key(axes: Axes, layout: Layout, roles: set[str], settings: FigureSettings) -> None:
    y = layout.height - 0.22
    x = _MARGIN + 0.05
    for role, text in (
        ("train", "training line"),
        ("validation", "validation line"),
        ("prototype", "prototype line"),
        ("unseen", "unseen line"),
    ):
        if role in roles:
            _dot(axes, x, y, role, settings)
            axes.text(x + 0.12, y, text, fontsize=8.5, ha="left", va="center_baseline")
            x += 0.35 + 0.85 * _text_width(text)
    axes.text(x, y, "lines are thicker the heavier the edge", fontsize=8.5, ha="left", va="center_baseline")
