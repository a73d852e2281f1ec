"""Draw the read-out of environments: the tissue that a cell line looks like, and the motifs that say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cbat.drawing import FAINT, INK, draw_title, folded, svg_figure
from cbat.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POSTERIOR: Final = "posterior_"
NOTHING: Final = "-"
_SHOWN_MOTIFS: Final = 6
_LONGEST_NAME: Final = 14
_FULL_COLOUR: Final = 3.0
"""Deviation, in standard deviations, from which on a cell has its full colour."""
_ROW: Final = 0.34
_TISSUE: Final = 0.62
_MOTIF: Final = 1.12
_CHARACTER: Final = 0.08
_NAME_WIDTH: Final = 24
"""Characters of a line of a tissue's name."""
_LEAST_WIDTH: Final = 8.0
"""The words below need it."""
_SMALL: Final = 8.0
_NEEDED: Final = {
    "tissue": ("cell_line", "stated_tissue", "n_support", "most_probable"),
    "motif": ("cell_line", "rank", "consensus", "motif", "deviation"),
}


def run(*, tissue_posterior: Path, deviating_motifs: Path, n_support: int, output: Path) -> None:
    """Draw one row for each cell line: probabilities of tissues on the left, motifs on the right.

    Parameters
    ----------
    tissue_posterior, deviating_motifs : Path
        Tables that ``read_environment`` writes.
    n_support : int
        Elements in the support sets of the rows to draw.
    output : Path
        The SVG file.

    Raises
    ------
    UserError
        A table is missing or another one, or holds no row of this support size.
    """
    posterior, motifs = _read(tissue_posterior, "tissue"), _read(deviating_motifs, "motif")
    posterior = posterior[posterior["n_support"] == str(n_support)]
    if not len(posterior):
        raise UserError(
            f"no row is of support sets of {n_support} elements",
            mend="draw a size that evaluation.support_sizes has",
            file=tissue_posterior,
        )
    posterior = posterior.sort_values(["stated_tissue", "cell_line"], kind="stable")
    lines = list(posterior["cell_line"])
    tissues = [name.removeprefix(POSTERIOR) for name in posterior.columns if name.startswith(POSTERIOR)]
    n_ranks = min(_SHOWN_MOTIFS, int(motifs["rank"].astype(int).max()))
    widths = [_TISSUE * max(len(tissues), 1), _MOTIF * n_ranks]
    height = _ROW * len(lines) + 2.0 + 0.7 * _CHARACTER * min(max(map(len, tissues), default=0), _NAME_WIDTH)
    names = 0.4 + _CHARACTER * max(map(len, lines))
    with svg_figure(output, max(sum(widths) + names, _LEAST_WIDTH), height) as figure:
        left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": widths})
        for axes in (left, right):
            axes.tick_params(length=0)
            for spine in axes.spines.values():
                spine.set_visible(False)
        _draw_tissues(left, posterior, tissues)
        _draw_motifs(right, motifs, lines, n_ranks)
        left.set_yticks(range(len(lines)), lines)
        left.set_ylim(len(lines) - 0.5, -0.5)
        right.tick_params(labelleft=False)
        draw_title(figure, f"What support sets of {n_support} elements say of each cell line")
        figure.supxlabel(
            "framed: the tissue that the sheet states, which the read-out does not see   |   "
            "red: motif more frequent than in the average line, blue: less",
            fontsize=_SMALL,
        )


def _draw_tissues(axes: Axes, posterior: pd.DataFrame, tissues: list[str]) -> None:
    """Probabilities as shades and percentages; a frame around the stated tissue."""
    from matplotlib.patches import Rectangle

    axes.set_title(folded("probability of tissue, %", _title_width(_TISSUE * len(tissues))))
    if not tissues:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no tissues", transform=axes.transAxes, ha="center", color=FAINT)
        return
    shares = posterior[[POSTERIOR + name for name in tissues]].astype(float).to_numpy()
    axes.imshow(shares, cmap="Greys", vmin=0.0, vmax=1.25, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.6 else INK
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=_SMALL, color=colour)
    for row, stated in enumerate(posterior["stated_tissue"]):
        if stated in tissues:
            corner = (tissues.index(stated) - 0.46, row - 0.44)
            axes.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor="#e0a030", linewidth=2.0))
    slanted = max(map(len, tissues)) > 6
    names = [folded(tissue, _NAME_WIDTH) for tissue in tissues]
    axes.set_xticks(
        range(len(tissues)), names, rotation=40 if slanted else 0, ha="right" if slanted else "center",
        rotation_mode="anchor",
    )  # fmt: skip


def _draw_motifs(axes: Axes, motifs: pd.DataFrame, lines: list[str], n_ranks: int) -> None:
    """The strongest motifs of each line from left to right, by name."""
    ranked = motifs.assign(rank=motifs["rank"].astype(int), deviation=motifs["deviation"].astype(float))
    ranked = ranked[ranked["rank"] <= n_ranks]
    values = np.zeros((len(lines), n_ranks))
    for one in ranked.itertuples():
        if one.cell_line not in lines:
            continue
        row, column = lines.index(str(one.cell_line)), int(one.rank) - 1
        values[row, column] = one.deviation
        name = str(one.consensus) if one.motif == NOTHING else str(one.motif)
        if len(name) > _LONGEST_NAME:
            name = f"{name[: _LONGEST_NAME - 1]}…"
        colour = "white" if abs(one.deviation) > 0.7 * _FULL_COLOUR else INK
        label = f"{name}\n{one.deviation:+.1f}"
        axes.text(column, row, label, ha="center", va="center", fontsize=7.0, color=colour, linespacing=0.95)
    axes.imshow(values, cmap="RdBu_r", vmin=-_FULL_COLOUR, vmax=_FULL_COLOUR, aspect="auto")
    axes.set_xticks(range(n_ranks), [str(rank + 1) for rank in range(n_ranks)])
    title = "most deviating motifs (standard deviations between lines)"
    axes.set_title(folded(title, _title_width(_MOTIF * n_ranks)))
    axes.set_xlabel("rank", fontsize=_SMALL)


def _title_width(inches: float) -> int:
    """Characters of a title that have room above so many inches."""
    return max(12, int(10 * inches))


def _read(path: Path, kind: str) -> pd.DataFrame:
    """A table as text: a cell line may be called 1 or NA."""
    try:
        table = pd.read_csv(path, sep="\t", dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"the table cannot be read ({error})", mend="run read_environment again", file=path
        ) from error
    if missing := [name for name in _NEEDED[kind] if name not in table.columns]:
        raise UserError(
            f"the table has no column {missing[0]!r}", mend="run read_environment again", file=path
        )
    if not len(table):
        raise UserError("the table has no rows", mend="run read_environment again", file=path)
    return table
