"""Draw how contacts and negatives of each cell line differ in distance, and say how their elements do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import FigureSettings
from cbat.data.balance import ALL, read_balance
from cbat.data.windows import ROLES
from cbat.drawing import draw_key, draw_title, folded, svg_figure
from cbat.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_COLUMNS: Final = 4
_SMALL: Final = 8.0
_NAME_WIDTH: Final = 26
"""Characters of a line of a cell line's name."""
_LABELLED: Final = {1_000: "1 kb", 10_000: "10 kb", 100_000: "100 kb", 1_000_000: "1 Mb", 10_000_000: "10 Mb"}


def run(*, balance: Sequence[Path], figures: FigureSettings, output: Path) -> None:
    """Draw one panel for each cell line: the shares of contacts and of negatives at each distance.

    Parameters
    ----------
    balance : sequence of Path
        Tables of balance of ``label_pairs``, in the order of the panels.
    figures : FigureSettings
        Colours.
    output : Path
        The SVG file.

    Raises
    ------
    UserError
        No table, or one that is damaged.
    """
    if not balance:
        raise UserError("there is no table of balance to draw", mend="name at least one")
    tables = [_whole(path) for path in balance]
    n_columns = min(_MOST_COLUMNS, len(tables))
    n_rows = -(-len(tables) // n_columns)
    with svg_figure(output, max(2.9 * n_columns, 5.4), 2.6 * n_rows + 0.9) as figure:
        panels = figure.subplots(n_rows, n_columns, sharex=True, squeeze=False).ravel()
        for unused in panels[len(tables) :]:
            unused.set_axis_off()
        for axes, table in zip(panels, tables, strict=False):
            _draw(axes, table, figures)
        _name_distances(panels[0], tables)
        for axes in panels[max(0, len(tables) - n_columns) : len(tables)]:
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("distance")
        figure.supylabel("share of the class", fontsize=10)
        draw_title(figure, "What tells contacts from negatives before any model")
        draw_key(figure, panels[:1])


def _whole(path: Path) -> pd.DataFrame:
    """The rows of all chromosomes together."""
    table = read_balance(path)
    return table[table["chromosomes"] == ALL]


def _draw(axes: Axes, table: pd.DataFrame, figures: FigureSettings) -> None:
    name, kind = table["cell_line"].iloc[0], table["negatives"].iloc[0]
    shares = table[table["measure"] == "distance_share"]
    classes: list[tuple[str, str, dict[str, Any]]] = [
        ("1", "contacts", {"color": figures.model_colour, "fill": True, "alpha": 0.45}),
        ("0", "negatives", {"color": figures.baseline_colour, "linewidth": 1.8}),
    ]
    for label, words, look in classes:
        rows = shares[shares["label"] == label]
        # Bins of equal width: their bounds are nearly even in the logarithm, but for the first.
        axes.stairs(rows["value"].to_numpy(), np.arange(len(rows) + 1), label=words, **look)
    # Room for the words above the bars.
    axes.set_ylim(0.0, 1.45 * float(shares["value"].max()))
    n = {label: int(_value(table, "pairs", label)) for label in ("1", "0")}
    words = f"{n['1']} contacts,\n{n['0']} negatives ({kind.replace('_', ' ')})"
    axes.set_title(f"{folded(name, _NAME_WIDTH)}: {words}", fontsize=9.0)
    axes.text(
        0.02, 0.98, _in_words(table), transform=axes.transAxes, va="top", fontsize=_SMALL, linespacing=1.3
    )  # fmt: skip


def _name_distances(axes: Axes, tables: Sequence[pd.DataFrame]) -> None:
    """All panels share the axis; lines differ in how far it goes, not in its bins."""
    shares = pd.concat([table[table["measure"] == "distance_share"] for table in tables])
    edges = sorted({*shares["low"].astype(int), *shares["high"].astype(int)})
    axes.set_xticks(
        [edges.index(edge) for edge in _LABELLED if edge in edges],
        [words for edge, words in _LABELLED.items() if edge in edges],
    )


def _in_words(table: pd.DataFrame) -> str:
    if not (table["measure"] == "distance_auroc").any():
        return "one class only"
    lines = [f"distance alone: AUROC {_value(table, 'distance_auroc'):.2f}"]
    for role in ROLES:
        lines.append(f"{role} gives away {_value(table, f'one_class_{role}', '1'):.0%} of contacts")
    return "\n".join(lines)


def _value(table: pd.DataFrame, measure: str, label: str = ".") -> float:
    return float(table.loc[(table["measure"] == measure) & (table["label"] == label), "value"].iloc[0])
