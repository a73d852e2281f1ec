"""The two plots of the page, as documents that BokehJS shows; the page's own script fills the arcs in."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from cbat.drawing import INK
from cbat.prediction.page_pairs import ScoreSpread

CONTACT: Final = "#1b6ca8"
OTHER: Final = "#b8c4cc"
ENHANCER: Final = "#e0a030"
PROMOTER: Final = "#7a3b8f"
_HEIGHT: Final = 300
_LOWEST: Final = -0.42
"""Where labels end and tracks begin."""
ROW: Final = 0.24
_ROW_HEIGHT: Final = 52
"""Height of a row of tracks, in units of the plot and in pixels."""
_ID: Final = re.compile(r'"(p\d+)"')


def bokeh_script() -> str:
    """BokehJS, all of it that these plots need."""
    from bokeh.resources import Resources

    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def score_plot(spread: ScoreSpread, threshold: float | None) -> dict[str, Any]:
    """Histogram of the scores of all pairs, on a logarithmic scale of counts.

    Parameters
    ----------
    spread : ScoreSpread
    threshold : float or None
        Score from which on pairs are called; None where no score reaches it.
    """
    from bokeh.models import ColumnDataSource, HoverTool, Range1d
    from bokeh.plotting import figure

    left, right = spread.edges[:-1], spread.edges[1:]
    total = spread.contacts + spread.others
    kept = total > 0
    # A logarithmic axis has no zero: bars start at one half.
    source = ColumnDataSource(
        {
            "left": left[kept].tolist(),
            "right": right[kept].tolist(),
            "top": total[kept].tolist(),
            "bottom": np.full(int(kept.sum()), 0.5).tolist(),
            "called": spread.contacts[kept].tolist(),
            "colour": np.where(spread.contacts[kept] > 0, CONTACT, OTHER).tolist(),
        }
    )
    highest = float(total.max(initial=1))
    plot: Any = figure(
        height=_HEIGHT, sizing_mode="stretch_width", y_axis_type="log",
        y_range=Range1d(start=0.5, end=2.0 * highest), toolbar_location=None, tools="",
        x_axis_label="score, U_I - R_E", y_axis_label="pairs",
    )  # fmt: skip
    bars = plot.quad(
        left="left", right="right", top="top", bottom="bottom", source=source, fill_color="colour",
        line_color="white", line_width=0.5,
    )  # fmt: skip
    words = [("score", "@left{0.00} to @right{0.00}"), ("pairs", "@top{0,0}")]
    plot.add_tools(HoverTool(renderers=[bars], tooltips=[*words, ("of these called", "@called{0,0}")]))
    if threshold is not None and spread.edges[0] <= threshold <= spread.edges[-1]:
        plot.vspan(x=[threshold], line_color=INK, line_dash="dashed")
    return _item(_plain(plot))


def arc_plot(rows: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """The view of a locus: arcs above the line, elements on it, tracks below. Its sources are empty.

    Parameters
    ----------
    rows : sequence of (kind, label)
        Tracks, from the top down.
    """
    from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter, Range1d
    from bokeh.models.tools import BoxZoomTool, PanTool, ResetTool, WheelZoomTool
    from bokeh.plotting import figure

    arcs = ColumnDataSource(
        {name: [] for name in ("xs", "ys", "colour", "width", "alpha", *_ARC_WORDS)}, name="arcs"
    )
    elements = ColumnDataSource(
        {name: [] for name in ("left", "right", "top", "bottom", "colour", "what", "name", "place")},
        name="elements",
    )
    labels = ColumnDataSource({"x": [], "y": [], "text": []}, name="labels")
    plot: Any = figure(
        height=_HEIGHT + 60 + _ROW_HEIGHT * len(rows), sizing_mode="stretch_width",
        x_range=Range1d(start=0, end=1, name="region"),
        y_range=Range1d(start=_LOWEST - ROW * len(rows), end=1.1), tools="", x_axis_label="position, bp",
        name="locus",
    )  # fmt: skip
    lines = plot.multi_line(
        xs="xs", ys="ys", line_color="colour", line_width="width", line_alpha="alpha", source=arcs
    )
    boxes = plot.quad(
        left="left", right="right", top="top", bottom="bottom", fill_color="colour", line_color="colour",
        source=elements,
    )  # fmt: skip
    plot.text(
        x="x", y="y", text="text", source=labels, text_font_size="11px", text_align="center",
        text_baseline="top", text_color=INK,
    )  # fmt: skip
    hovers = _track_rows(plot, rows) if rows else []
    pan, wheel = PanTool(dimensions="width"), WheelZoomTool(dimensions="width")
    arc_words = [(word, f"@{column}") for column, word in _ARC_WORDS.items()]
    plot.add_tools(
        pan, wheel, BoxZoomTool(dimensions="width"), ResetTool(),
        HoverTool(renderers=[lines], tooltips=arc_words, line_policy="interp"),
        HoverTool(renderers=[boxes], tooltips=[("", "@what"), ("name", "@name"), ("place", "@place")]),
        *hovers,
    )  # fmt: skip
    plot.toolbar.active_drag, plot.toolbar.active_scroll = pan, None
    plot.toolbar.logo = None
    plot.yaxis.visible = False
    plot.ygrid.visible = False
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.xaxis.ticker.desired_num_ticks = 5
    return _item(_plain(plot))


def _track_rows(plot: Any, rows: Sequence[tuple[str, str]]) -> list[Any]:
    """Empty rows of tracks with their labels, which stay where they are when the view moves."""
    from bokeh.models import ColumnDataSource, HoverTool
    from bokeh.models.annotations import Label

    peaks = ColumnDataSource(
        {name: [] for name in ("left", "right", "top", "bottom", "colour", "alpha", *_PEAK_WORDS)},
        name="peaks",
    )
    arrows = ColumnDataSource(
        {name: [] for name in ("x", "y", "angle", "marker", "colour", "alpha", *_PEAK_WORDS)}, name="arrows"
    )
    boxes = plot.quad(
        left="left", right="right", top="top", bottom="bottom", fill_color="colour", line_color="colour",
        fill_alpha="alpha", line_alpha="alpha", source=peaks,
    )  # fmt: skip
    signs = plot.scatter(
        x="x", y="y", angle="angle", marker="marker", size=9, fill_color="colour", line_color="colour",
        fill_alpha="alpha", line_alpha="alpha", source=arrows,
    )  # fmt: skip
    for place, (_, label) in enumerate(rows):
        top = _LOWEST - ROW * place
        plot.hspan(y=[top], line_color="#e6e6e6")
        plot.add_layout(
            Label(x=4, y=top - 0.02, x_units="screen", text=label, text_font_size="11px",
                  text_baseline="top", text_color=INK, background_fill_color="white",
                  background_fill_alpha=0.7)
        )  # fmt: skip
    words = [(word, f"@{column}") for column, word in _PEAK_WORDS.items()]
    return [HoverTool(renderers=[boxes, signs], tooltips=words)]


_PEAK_WORDS: Final = {"what": "", "place": "place", "strength": "activity, % of the largest"}
_ARC_WORDS: Final = {
    "gene": "promoter",
    "enhancer": "enhancer",
    "probability": "probability",
    "rank": "rank",
    "distance": "distance",
}


def _plain(plot: Any) -> Any:
    plot.outline_line_color = None
    plot.background_fill_alpha = 0.0
    plot.border_fill_alpha = 0.0
    plot.xgrid.grid_line_color = "#e6e6e6"
    plot.ygrid.grid_line_color = "#e6e6e6"
    return plot


def _item(plot: Any) -> dict[str, Any]:
    """What ``Bokeh.embed.embed_item`` takes; the same whatever was drawn before in this process."""
    from bokeh.embed import json_item

    text = json.dumps(json_item(plot))
    order = {name: f"q{place}" for place, name in enumerate(dict.fromkeys(_ID.findall(text)))}
    found: dict[str, Any] = json.loads(_ID.sub(lambda match: f'"{order[match[1]]}"', text))
    return found
