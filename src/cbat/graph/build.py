"""Build the cell prototype graph from the sheets of cell lines and tissues.

The file ``graph.json`` holds ``nodes`` (``name`` and ``kind``; a cell line also has its ``tissue`` and
``role``) and undirected ``edges`` (``source``, ``target``, ``weight``, ``kind``). Names are unique within
a kind only, because a tissue and a cell line may well share one; the kind of an edge says of which kinds
its ends are (:data:`cbat.graph.propagation.EDGE_ENDS`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from cbat.config.sections import GraphSettings, SimilarityTable
from cbat.config.sheets import (
    CellLine,
    Tissue,
    check_tissues,
    read_cell_lines,
    read_tissues,
    written_otherwise,
)
from cbat.errors import UserError
from cbat.files import write_json

TRAINING_ROLES: Final = frozenset({"train", "validation", "prototype"})
_UNSTATED: Final = "unknown"
_MISSING_SIMILARITY: Final = frozenset({"", ".", "NA", "nan", "NaN"})
_SYMMETRY_TOLERANCE: Final = 1e-6
_logger = logging.getLogger(__name__)

Edges = dict[tuple[str, str, str], float]


def run(
    *,
    cell_lines: Path,
    tissues: Path,
    scope: Literal["training", "all"],
    settings: GraphSettings,
    directory: Path,
) -> None:
    """Write ``directory/graph.json``.

    Parameters
    ----------
    cell_lines, tissues : Path
        The two sheets.
    scope : {"training", "all"}
        ``training`` leaves out the unseen cell lines and everything that only they would add, so that
        the graph a model is trained on stays the same when an unseen line joins the sheet.
    settings : GraphSettings
        Weights of the edges and tables of similarity.
    directory : Path
        Where the graph goes.

    Raises
    ------
    UserError
        A tissue that the sheet of tissues does not hold, a parent that is missing or its own
        descendant, or a malformed table of similarities.
    """
    lines, known = read_cell_lines(cell_lines), read_tissues(tissues)
    check_tissues(lines, known, file=cell_lines, tissue_file=tissues)
    check_parents(known, file=tissues)
    graph = build_graph(lines, known, scope=scope, settings=settings)
    write_json(Path(directory) / "graph.json", graph)


def build_graph(
    cell_lines: Iterable[CellLine],
    tissues: Iterable[Tissue],
    *,
    scope: Literal["training", "all"],
    settings: GraphSettings,
) -> dict[str, list[dict[str, Any]]]:
    """Nodes and edges of the graph, in the order of the sheets, ready for JSON.

    All tissues of the sheet become nodes, and so do the germ layers, conditions and sexes that an edge of
    positive weight reaches. A cell line of unknown tissue has no edge to a tissue. The sheets are taken
    to be checked; see :func:`run` for the parameters and the errors.
    """
    known = {record.tissue: record for record in tissues}
    cell_lines = list(cell_lines)
    lines = [line for line in cell_lines if scope == "all" or line.role in TRAINING_ROLES]

    edges: Edges = {}
    for line in lines:
        if line.tissue in known:
            _add(edges, "tissue", line.cell_line, line.tissue, settings.tissue_weight)
        if line.condition != _UNSTATED:
            _add(edges, "condition", line.cell_line, line.condition, settings.condition_weight)
        if line.sex != _UNSTATED:
            _add(edges, "sex", line.cell_line, line.sex, settings.sex_weight)
    for tissue in known.values():
        if tissue.parent is not None:
            _add(edges, "parent", tissue.tissue, tissue.parent, settings.parent_weight)
        if tissue.germ_layer != _UNSTATED:
            _add(edges, "germ_layer", tissue.tissue, tissue.germ_layer, settings.germ_layer_weight)
    every = [line.cell_line for line in cell_lines]
    for table in settings.similarities:
        check_names(table.path, every)
        _add_similarities(edges, table, {line.cell_line for line in lines})

    # Nodes and edges stand in the order of the sheets: that of their names would move the last digits of what
    # is computed from them when one of them is called otherwise.
    nodes: list[dict[str, Any]] = [
        {"kind": "cell_line", "name": line.cell_line, "role": line.role, "tissue": line.tissue}
        for line in lines
    ]
    nodes += [{"kind": "tissue", "name": name} for name in known]
    for kind in ("germ_layer", "condition", "sex"):
        reached = dict.fromkeys(target for edge_kind, _, target in edges if edge_kind == kind)
        nodes += [{"kind": kind, "name": name} for name in reached]
    return {
        "nodes": nodes,
        "edges": [
            {"kind": kind, "source": source, "target": target, "weight": weight}
            for (kind, source, target), weight in sorted(edges.items(), key=lambda edge: edge[0][0])
        ],
    }


def check_parents(tissues: Iterable[Tissue], *, file: str | Path) -> None:
    """Raise `UserError` when a tissue is its own ancestor; every parent must have a row."""
    parents = {row.tissue: row.parent for row in tissues}
    for name in parents:
        path = [name]
        while (parent := parents[path[-1]]) is not None:
            if parent in path:
                circle = " -> ".join([*path[path.index(parent) :], parent])
                raise UserError(
                    f"the parents form a cycle: {circle}",
                    mend="write '.' as the parent of the most general tissue",
                    file=file,
                    where=f"tissue {parent!r}",
                )
            path.append(parent)


def read_similarity(path: str | Path) -> dict[tuple[str, str], float]:
    """Read a square table of similarities between cell lines.

    The first line names the columns (its first field is free), every other line starts with the name
    of its row. Fields are numbers in [-1, 1]; ``NA``, ``.`` or nothing means not measured.

    Returns
    -------
    dict
        ``(a, b) -> similarity`` with ``a < b``, measured pairs only.

    Raises
    ------
    UserError
        A table that is not square, has a name twice, a field that is not a number in [-1, 1], or two
        different values for one pair.
    """
    rows = _read_rows(path)
    columns = rows[0][1][1:]
    row_names = [fields[0] for _, fields in rows[1:]]
    for kind, names in (("column", columns), ("row", row_names)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UserError(
                f"the {kind} {twice[0]!r} occurs twice", mend="keep one of the two", file=path, where="line 1"
            )
    if set(columns) != set(row_names):
        lonely = min(set(columns) ^ set(row_names))
        raise UserError(
            f"the table is not square: {lonely!r} is a row or a column, not both",
            mend="give every cell line one row and one column",
            file=path,
        )
    values: dict[tuple[str, str], float] = {}
    for number, fields in rows[1:]:
        for column, text in zip(columns, fields[1:], strict=True):
            value = _similarity(text, path, number, fields[0], column)
            if value is None or column == fields[0]:
                continue
            pair = (min(fields[0], column), max(fields[0], column))
            if abs(values.setdefault(pair, value) - value) > _SYMMETRY_TOLERANCE:
                raise UserError(
                    f"{pair[0]!r} and {pair[1]!r} have two similarities, {values[pair]} and {value}",
                    mend="make the table symmetric",
                    file=path,
                    where=f"line {number}",
                )
    return values


def check_names(path: str | Path, cell_lines: Sequence[str]) -> None:
    """Names that do not meet would be no edges: a table must have lines of the sheet, as the sheet does."""
    names = _read_rows(path)[0][1][1:]
    if (other := written_otherwise(cell_lines, names)) is not None and other[1] not in cell_lines:
        raise UserError(
            f"the sheet has the cell line {other[0]!r}, and the table of similarities calls it {other[1]!r}",
            mend=f"write {other[0]!r} in the header and the rows of the table",
            file=path,
            where="line 1",
        )
    if not names:
        return
    lacking = [name for name in cell_lines if name not in names]
    if len(lacking) == len(cell_lines):
        raise UserError(
            f"the table of similarities has no cell line of the sheet: it has {', '.join(names[:5])}",
            mend="name its columns and rows as the sheet does, or remove the table from graph.similarities",
            file=path,
            where="line 1",
        )
    if lacking:
        _logger.info("%s has no similarities of %s", path, ", ".join(lacking))


def _read_rows(path: str | Path) -> list[tuple[int, list[str]]]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        mend = "correct its path or permissions (paths start at the working directory)"
        raise UserError(
            f"the table of similarities cannot be read ({error.__class__.__name__})",
            mend="save it as UTF-8 text" if isinstance(error, UnicodeDecodeError) else mend,
            file=path,
        ) from error
    rows = [
        (number, [field.strip() for field in line.split("\t")])
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not rows:
        raise UserError("the table of similarities is empty", mend="name its columns and rows", file=path)
    for number, fields in rows:
        if len(fields) != len(rows[0][1]):
            raise UserError(
                f"{len(fields)} fields where the header has {len(rows[0][1])}",
                mend="separate the fields with single tabs and give every row all columns",
                file=path,
                where=f"line {number}",
            )
    return rows


def _similarity(text: str, path: str | Path, number: int, row: str, column: str) -> float | None:
    if text in _MISSING_SIMILARITY:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1.0 <= value <= 1.0:
        raise UserError(
            f"the similarity of {row!r} and {column!r} is {text!r}",
            mend="write a number from -1 to 1, or NA when it was not measured",
            file=path,
            where=f"line {number}",
        )
    return value


def _add(edges: Edges, kind: str, source: str, target: str, weight: float) -> None:
    if weight > 0.0:
        edges[kind, source, target] = edges.get((kind, source, target), 0.0) + weight


def _add_similarities(edges: Edges, table: SimilarityTable, names: set[str]) -> None:
    """Add edges between the lines that the table knows; several tables add up."""
    for (one, other), similarity in read_similarity(table.path).items():
        if one in names and other in names and similarity > max(table.threshold, 0.0):
            _add(edges, "similarity", one, other, table.weight * similarity)
