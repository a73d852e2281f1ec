"""One look for all figures, and SVG files that are the same byte for byte whenever they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cbat.files import atomic_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK: Final = "#222222"
FAINT: Final = "#b8b8b8"

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
        In inches.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        with atomic_file(path) as temporary:
            if Path(path).suffix == ".png":
                figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})
            else:
                figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
