"""Draw what raises and what lowers the score: motifs as bars, bases as tracks over the two elements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cbat.data.windows import ROLES
from cbat.drawing import FAINT, INK, svg_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cbat.model.environment import FloatArray

SIGN: Final[Mapping[str, float]] = {"U_I": 1.0, "R_E": -1.0}
"""How an energy enters the score."""
RAISES: Final = "#1b6ca8"
LOWERS: Final = "#c2571a"
_OTHERS: Final = "#9db8cc"
_BARS: Final = 10
_HITS: Final = 7
_LANES: Final = 3
_LANE: Final = 0.34
_PRESENT: Final = 0.2
"""A motif less probable than that is not named on a track."""
WIDTH: Final = 11.0
_TRACK: Final = 1.5
_CHARACTER: Final = 0.075
_LONGEST: Final = 30
NAMES: Final = {
    "U_I": "$U_I$, intrinsic potential",
    "R_E": "$R_E$, resistance of the environment",
}


def draw_pair(
    path: Path, summary: Mapping[str, Any], table: pd.DataFrame, bases: pd.DataFrame, hits: pd.DataFrame
) -> None:
    """Draw one pair: the strongest parts of each energy, and a track over each element.

    Parameters
    ----------
    path : Path
        The SVG file.
    summary : mapping
        Content of ``explanation.json``.
    table, bases, hits : DataFrame
        Of :mod:`cbat.prediction.channel_parts`.
    """
    quantities = [name for name in SIGN if summary[name] is not None]
    n_tracks = len(ROLES) * len(quantities)
    with svg_figure(path, WIDTH, 3.6 + _TRACK * n_tracks) as figure:
        figure.suptitle(pair_title(summary), fontsize=11.5, x=0.01, ha="left")
        parts: Any = figure.subfigures(2, 1, height_ratios=[3.0, _TRACK * n_tracks])
        top, bottom = parts
        for axes, quantity in zip(_row(top, len(quantities)), quantities, strict=True):
            bars(axes, table[table["quantity"] == quantity])
            axes.set_title(f"{NAMES[quantity]}: {summary[quantity]['value']:.2f}", loc="left")
        tracks = bottom.subplots(n_tracks, 1)
        for at, role in enumerate(ROLES):
            own = bases[bases["element"] == role]
            rows = np.atleast_1d(tracks)[at * len(quantities) : (at + 1) * len(quantities)]
            for axes, quantity in zip(rows, quantities, strict=True):
                there = hits[(hits["quantity"] == quantity) & (hits["element"] == role)]
                _track(axes, own, quantity, there)
            rows[0].set_title(f"{role} {_called(summary[role])}", loc="left", fontsize=10)
            rows[-1].set_xlabel(f"position on {own['chrom'].iloc[0]}, bp")
            for axes in rows[:-1]:
                axes.tick_params(labelbottom=False)


def draw_line(path: Path, summary: Mapping[str, Any], table: pd.DataFrame, what: str = "motifs") -> None:
    """Draw a line: the parts of each energy that weigh most, in contacts and in other pairs."""
    quantities = list(dict.fromkeys(table["quantity"]))
    with svg_figure(path, WIDTH, 4.9) as figure:
        title = (
            f"{summary['cell_line']}: mean effect of {what} on the score, "
            f"in {summary['contacts']:,} contacts and {summary['other_pairs']:,} other pairs"
        )
        figure.suptitle(title, fontsize=11.5, x=0.01, ha="left")
        for axes, quantity in zip(_row(figure, len(quantities)), quantities, strict=True):
            rows = table[(table["quantity"] == quantity) & (table["part"] != "reference")]
            rows = rows.nlargest(12, "mean_size", keep="first")
            place = np.arange(len(rows))
            for column, shift, colour, label in (
                ("in_contacts", -0.19, RAISES, "contacts"),
                ("in_others", 0.19, _OTHERS, "other pairs"),
            ):
                axes.barh(place + shift, SIGN[quantity] * rows[column], 0.36, color=colour, label=label)
            _finish(axes, rows)
            axes.set_title(NAMES[quantity], loc="left")
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)


def _row(figure: Any, n: int) -> list[Axes]:
    return [*np.atleast_1d(figure.subplots(1, n))]


def pair_title(summary: Mapping[str, Any]) -> str:
    """Two lines on a pair."""
    called = "called a contact" if summary["contact"] else "not called a contact"
    return _plain(
        f"{summary['cell_line']}: {_called(summary['enhancer'])} with {_called(summary['promoter'])}, "
        f"{summary['distance']:,} bp apart\n"
        f"score {summary['score']:.2f}, probability {summary['probability']:.3f} ({called}), "
        f"rank {summary['rank']} of this promoter"
    )


def _called(element: Mapping[str, Any]) -> str:
    place = f"{element['chrom']}:{element['start']:,}-{element['end']:,}"
    return _plain(place if element["name"] == "." else f"{element['name']} ({place})")


def _plain(text: str) -> str:
    """Text as it stands: between dollar signs matplotlib would read mathematics."""
    return text.replace("$", r"\$")


def bars(axes: Axes, rows: pd.DataFrame) -> None:
    """The strongest parts of an energy, by their effect on the score."""
    named = rows[rows["part"] != "reference"]
    shown = named[named["on_score"] != 0.0].head(_BARS)
    colours = [RAISES if value > 0 else LOWERS for value in shown["on_score"]]
    axes.barh(np.arange(len(shown)), shown["on_score"], 0.7, color=colours)
    _finish(axes, shown)


def _finish(axes: Axes, rows: pd.DataFrame) -> None:
    labels = [f"{_short(str(row.label))} · {row.part}" for row in rows.itertuples()]
    axes.set_yticks(np.arange(len(rows)), labels)
    axes.invert_yaxis()
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("lowers the score  ←  effect  →  raises the score")


def _short(label: str) -> str:
    return _plain(label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…")


def _track(axes: Axes, bases: pd.DataFrame, quantity: str, hits: pd.DataFrame) -> None:
    position = bases["position"].to_numpy()
    effect = SIGN[quantity] * bases[quantity].to_numpy()
    for colour, kept in ((RAISES, effect > 0), (LOWERS, effect < 0)):
        axes.bar(position[kept] + 0.5, effect[kept], 1.0, color=colour, linewidth=0)
    low, high = float(effect.min(initial=0.0)), float(effect.max(initial=0.0))
    span = (high - low) or 1.0
    axes.axhline(0.0, color=FAINT, linewidth=0.8)
    axes.set_xlim(position[0], position[-1] + 1)
    lanes = _label_hits(axes, hits, position, high, span)
    axes.set_ylim(low - 0.05 * span, high + (0.08 + _LANE * lanes) * span)
    axes.set_ylabel("$U_I$" if quantity == "U_I" else "$-R_E$")
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)


def strongest(hits: pd.DataFrame) -> pd.DataFrame:
    """Hits of motifs that are there, those that add most to the score or take most from it first."""
    kept = hits[(hits["presence"] >= _PRESENT) & (hits["on_score"] != 0.0)]
    order = kept["on_score"].abs().sort_values(ascending=False, kind="stable").index
    return kept.loc[order].head(_HITS)


def _label_hits(axes: Axes, hits: pd.DataFrame, position: FloatArray, high: float, span: float) -> int:
    """Name the strongest hits above the track, in lanes where they do not overlap; number of lanes used."""
    limits = int(position[0]), int(position[-1]) + 1
    per_inch = (limits[1] - limits[0]) / (WIDTH - 1.2)
    ends: list[float] = []
    for row in strongest(hits).itertuples():
        start, end = int(row.start), int(row.end)
        width = max(_CHARACTER * (len(_short(str(row.label))) + 3) * per_inch, end - start)
        left = min(max(start, limits[0]), limits[1] - width)
        lane = next((at for at, taken in enumerate(ends) if taken <= left), len(ends))
        if lane == _LANES:
            continue
        ends[lane : lane + 1] = [left + width]
        height = high + (0.08 + _LANE * lane) * span
        colour = RAISES if float(row.on_score) > 0 else LOWERS
        axes.plot([start, end], [height, height], color=colour, linewidth=3.0, solid_capstyle="butt")
        axes.text(
            left, height + 0.04 * span, f"{_short(str(row.label))} {row.strand}", fontsize=8, color=colour,
            ha="left", va="bottom",
        )  # fmt: skip
    return len(ends)
