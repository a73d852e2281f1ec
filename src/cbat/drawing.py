"""One look for all figures, and SVG files that are the same byte for byte whenever they are drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cbat.files import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#222222"
FAINT: Final = "#b8b8b8"
_KEY_WIDTH: Final = 44
"""Characters of an entry of the key, before it is folded."""
_MARGIN: Final = 0.06

_STYLE: Final[Any] = {
    # Text stays text: it can be searched, selected and read aloud.
    "svg.fonttype": "none",
    "svg.hashsalt": "cbat",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 10.0,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.8,
    "hatch.linewidth": 0.8,
}


@contextmanager
def svg_figure(path: str | Path, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure that is written to ``path`` as SVG when the block succeeds.

    Parameters
    ----------
    path : str or Path
        The SVG file; a path that ends in ``.png`` gives a bitmap of 120 dots per inch instead.
    width, height : float
        In inches. What reaches beyond this frame widens it, so nothing is cut off.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        look = _widened(figure)
        with atomic_file(path) as temporary:
            if Path(path).suffix == ".png":
                figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None}, **look)
            else:
                figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None}, **look)


def _widened(figure: Figure) -> dict[str, Any]:
    """The frame in which all of a figure is seen, where that is more than its own."""
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()
    own = Bbox.from_bounds(0.0, 0.0, *figure.get_size_inches())
    drawn = figure.get_tightbbox()
    if all(own.contains(*corner) for corner in drawn.corners()):
        return {}
    return {"bbox_inches": Bbox.union([own, drawn.padded(_MARGIN)])}


def folded(name: str, most: int) -> str:
    """A name in lines of at most ``most`` characters, so that it does not run into its neighbours."""
    return "\n".join(textwrap.wrap(name, most)) or name


def draw_title(figure: Figure, text: str) -> None:
    """The title of a whole figure, in as many lines as it needs."""
    figure.suptitle(text, fontsize=11, wrap=True)


def draw_key(figure: Figure, panels: Iterable[Axes]) -> None:
    """One key below all panels, in as many rows as it needs; what has the same name shares an entry."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(folded(name, _KEY_WIDTH), handle)
    for n_columns in range(len(entries), 0, -1):
        key = figure.legend(entries.values(), entries, loc="outside lower center", ncols=n_columns)
        if n_columns == 1 or key.get_window_extent().width <= figure.bbox.width:
            return
        key.remove()
