"""Figures of the evaluation, each from one or a few files, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings, FigureSettings
from cbat.data import stored
from cbat.drawing import FAINT, INK, draw_key, draw_title, folded, svg_figure
from cbat.errors import UserError
from cbat.evaluation.comparison import ScoredPairs, Side
from cbat.evaluation.headline import DRAWN_CONTEXTS, Headline
from cbat.evaluation.table import AGGREGATES, FOLDS, MACRO, read_table, size_in_words
from cbat.evaluation.weights import prevalence_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = npt.NDArray[np.float64]

_CURVE_POINTS: Final = 201
_CHANCE: Final = 0.5
_BAR: Final = 0.21
_WIDEST: Final = 9.0
"""Inches of a bar with the gap beside it, and of all bars of a row."""
_LEAST_WIDTH: Final = 5.4
"""The title needs it."""
_NAME_WIDTH: Final = 20
"""Characters of a line of a cell line's name."""
_WRONG_COLOUR: Final = "#c44e52"
_SHUFFLED_COLOUR: Final = "#7b5ea7"


@dataclass(frozen=True)
class _Series:
    """One thing that is drawn: a model in a context, with its name in the key and its look."""

    name: str
    model: str
    context: str | None
    look: dict[str, Any]


def plot_precision_recall(
    *,
    scored_pairs: Sequence[Path],
    settings: EvaluationSettings,
    figures: FigureSettings,
    baseline: str,
    full_model: str,
    output: Path,
    truth: Sequence[Path] = (),
) -> None:
    """Draw precision against recall, one panel per cell line, one thin curve per training seed.

    Parameters
    ----------
    scored_pairs : sequence of Path
        Scored pairs of both models, in folders <model>/seed_<seed>/<cell_line>.
    settings : EvaluationSettings
        The section ``evaluation``.
    figures : FigureSettings
        Colours.
    baseline, full_model : str
        Names of the two models.
    output : Path
        The SVG file.
    truth : sequence of Path
        True probabilities of simulated cell lines, <cell_line>.parquet, for the oracle's curve.
    """
    headline = Headline.of(settings)
    scored = ScoredPairs(scored_pairs)
    names = [name for name in scored.lines(full_model) if name in scored.lines(baseline)]
    if not names:
        raise UserError(
            f"no cell line was scored by both {baseline!r} and {full_model!r}",
            mend="give the scored pairs of both models",
        )
    true_files = {Path(path).stem: Path(path) for path in truth}
    title = f"Precision and recall of contacts, {_setting(headline)}"
    with _panels(output, names, title, headline) as panels:
        for name, axes in panels.items():
            for model, colour in ((baseline, figures.baseline_colour), (full_model, figures.model_colour)):
                for seed in scored.seeds(model):
                    pairs = scored.read(Side(model), seed, name, headline.chromosomes, headline.n_support)
                    if pairs is not None:
                        _draw_curve(axes, pairs, headline, color=colour, label=model)
            if name in true_files and pairs is not None:
                columns = ["enhancer_id", "promoter_id", "probability"]
                known = stored.read_table(true_files[name], columns, mend="simulate the benchmark again")
                certain = pairs.drop(columns="probability").merge(known, on=["enhancer_id", "promoter_id"])
                look = {"color": figures.oracle_colour, "linestyle": "--"}
                _draw_curve(axes, certain, headline, label="oracle", **look)
            if pairs is not None:
                chance = _CHANCE if headline.balanced else float(pairs["label"].mean())
                axes.axhline(chance, color=FAINT, linewidth=1.2, linestyle=":", label="chance", zorder=0)


def plot_cell_line_bars(
    *,
    metrics: Path,
    settings: EvaluationSettings,
    figures: FigureSettings,
    baseline: str,
    full_model: str,
    output: Path,
) -> None:
    """Draw the headline figure of every cell line as bars, with 95% intervals.

    Parameters
    ----------
    metrics : Path
        ``results/summary/metrics.tsv``. With several seeds a bar is their mean, and so is its interval.
    settings, figures, baseline, full_model, output
        See :func:`plot_precision_recall`.
    """
    headline = Headline.of(settings)
    table = read_table(metrics)
    wrong = "support" if headline.draws_support(table, full_model) else "landscape"
    series = [
        _Series(baseline, baseline, None, {"color": figures.baseline_colour}),
        _Series(full_model, full_model, None, {"color": figures.model_colour}),
        _Series(
            f"{full_model}, {wrong} of a wrong line", full_model, "wrong",
            {"facecolor": "white", "edgecolor": figures.model_colour, "hatch": "////"},
        ),
        _Series("oracle", "oracle", None, {"color": figures.oracle_colour}),
    ]  # fmt: skip
    shown = [(one, headline.rows(table, one.model, one.context)) for one in series]
    shown = [(one, rows) for one, rows in shown if len(rows)]
    names = _line_names(shown)
    step = len(shown) + 1.0
    rows = _rows_of_bars([*names, MACRO], step)
    width = max(1.8 + _BAR * step * max(map(len, rows)), _LEAST_WIDTH)
    with svg_figure(output, width, 0.9 + 3.1 * len(rows)) as figure:
        panels = figure.subplots(len(rows), squeeze=False).ravel()
        for axes, lines in zip(panels, rows, strict=True):
            # The mean stands apart.
            centres = np.arange(len(lines)) * step + (lines == MACRO)
            _draw_bars(axes, shown, lines, centres)
            _draw_chance(axes, table, headline, full_model, lines, centres, (len(shown) + 1.0) / 2.0)
            axes.set_xlim(-step / 2.0 - 0.3, (max(map(len, rows)) - 0.5) * step + 1.3)
            axes.set_ylim(0.0, 1.0)
            axes.set_ylabel("AUPR (dotted: chance)")
        draw_title(figure, f"AUPR by cell line, {_setting(headline)}")
        draw_key(figure, panels)


def _rows_of_bars(lines: list[str], step: float) -> list[npt.NDArray[np.str_]]:
    """Cell lines in as few rows as have room for them, all of about the same length."""
    n_rows = -(-len(lines) // max(1, int(_WIDEST / (_BAR * step))))
    return np.array_split(np.array(lines), n_rows)


def _draw_bars(
    axes: Axes,
    shown: list[tuple[_Series, pd.DataFrame]],
    lines: npt.NDArray[np.str_],
    centres: FloatArray,
) -> None:
    """A bar of each series for each line, with its interval."""
    for number, (one, rows) in enumerate(shown):
        means = rows.groupby("cell_line")[["value", "low", "high"]].mean().reindex(lines)
        where = centres + number - (len(shown) - 1) / 2.0
        axes.bar(where, means["value"], width=0.9, label=one.name, zorder=2, **one.look)
        whisker = np.abs(means[["low", "high"]].sub(means["value"], axis=0)).to_numpy().T
        axes.errorbar(
            where, means["value"], yerr=whisker, fmt="none", ecolor=INK, elinewidth=1.0, capsize=2.0,
            zorder=3,
        )  # fmt: skip
    names = ["mean" if name == MACRO else folded(name, _NAME_WIDTH) for name in lines]
    slanted = max(map(len, names)) > 5
    axes.set_xticks(
        centres, names, rotation=35 if slanted else 0, ha="right" if slanted else "center",
        rotation_mode="anchor",
    )  # fmt: skip
    axes.tick_params(axis="x", length=0)


def _draw_chance(
    axes: Axes,
    table: pd.DataFrame,
    headline: Headline,
    full_model: str,
    lines: npt.NDArray[np.str_],
    centres: FloatArray,
    reach: float,
) -> None:
    """A dotted line at the AUPR of chance: for all, or at natural prevalence for each cell line."""
    look: dict[str, Any] = {"linewidth": 1.0, "linestyle": ":", "zorder": 4}
    if headline.balanced:
        axes.axhline(_CHANCE, color=INK, **look)
        return
    rows = replace(headline, metric="prevalence").rows(table, full_model)
    share = rows.groupby("cell_line")["value"].mean().reindex(lines)
    axes.hlines(share.to_numpy(), centres - reach, centres + reach, colors=INK, **look)


def plot_support_curve(
    *,
    metrics: Path,
    settings: EvaluationSettings,
    figures: FigureSettings,
    baseline: str,
    full_model: str,
    output: Path,
) -> None:
    """Draw AUPR against the size of the support set, for the right and for false contexts.

    Parameters
    ----------
    metrics : Path
        ``results/summary/metrics.tsv``. Points are means over cell lines and seeds; with several seeds a
        band spans the seeds.
    settings, figures, baseline, full_model, output
        See :func:`plot_precision_recall`.
    """
    headline = Headline.of(settings)
    table = headline.setting(read_table(metrics))
    table = table[table["cell_line"] == MACRO]
    mine = table[table["model"] == full_model]
    draws = headline.draws_support(table, full_model)
    what = "support" if draws else "landscape"
    curves = [
        _Series(f"own {what}", full_model, "own", {"color": figures.model_colour, "marker": "o"}),
        _Series("shuffled support", full_model, "shuffled", {"color": _SHUFFLED_COLOUR, "marker": "^"}),
        _Series(f"{what} of a wrong line", full_model, "wrong", {"color": _WRONG_COLOUR, "marker": "s"}),
    ]
    levels = [
        _Series("oracle", "oracle", None, {"color": figures.oracle_colour, "linestyle": "--"}),
        _Series(
            "best without environment", "oracle_invariant", None,
            {"color": figures.oracle_colour, "linestyle": ":"},
        ),
        _Series(
            "graph, no support" if draws else "what the graph expects", full_model, "graph",
            {"color": figures.model_colour, "linestyle": "--"},
        ),
        _Series("mean environment", full_model, "mean", {"color": figures.model_colour, "linestyle": ":"}),
        _Series("resistance off", full_model, "none", {"color": figures.model_colour, "linestyle": "-."}),
        _Series(
            folded(baseline, 2 * _NAME_WIDTH), baseline, None,
            {"color": figures.baseline_colour, "linestyle": "--"},
        ),
    ]  # fmt: skip
    with svg_figure(output, 7.6, 4.3) as figure:
        axes = figure.add_subplot()
        sizes = sorted(set(mine.loc[mine["context"].isin(DRAWN_CONTEXTS), "n_support"]))
        if not sizes:
            raise UserError(
                f"the model {full_model!r} has no metrics with support sets",
                mend="evaluate it in the context 'own', or draw this figure for a model with environment",
                file=metrics,
            )
        for one in curves:
            _draw_sizes(axes, mine[mine["context"] == one.context], one, sizes, draws)
        for one in levels:
            rows = headline.rows(table, one.model, one.context)
            if len(rows):
                axes.axhline(rows["value"].mean(), label=one.name, linewidth=1.4, zorder=1, **one.look)
        zero = "0\n(tissue alone)" if draws else "none: this model reads no sequence"
        names = [zero if size == 0 else size_in_words(size) for size in sizes]
        axes.set_xticks(range(len(sizes)), names)
        axes.set_xlim(-0.3, len(sizes) - 0.7)
        axes.set_xlabel("elements in the support set")
        axes.set_ylabel("AUPR, mean over cell lines")
        axes.grid(axis="y", color="#eeeeee", zorder=0)
        axes.set_axisbelow(True)
        worth = "support set" if draws else "line's own landscape"
        draw_title(figure, f"What the {worth} is worth to {full_model}, {_setting(headline)}")
        figure.legend(loc="outside right center")


def _draw_sizes(axes: Axes, rows: pd.DataFrame, one: _Series, sizes: list[int], draws: bool) -> None:
    if draws and one.context != "own":
        # Without an element there is nothing wrong or shuffled about a support set.
        rows = rows[rows["n_support"] > 0]
    if not len(rows):
        return
    by_size = rows.groupby("n_support")["value"].agg(["mean", "min", "max"])
    where = [sizes.index(size) for size in by_size.index]
    axes.plot(where, by_size["mean"], label=one.name, zorder=3, **one.look)
    if rows["seed"].nunique() > 1:
        axes.fill_between(
            where, by_size["min"], by_size["max"], color=one.look["color"], alpha=0.2, linewidth=0
        )


def _line_names(shown: list[tuple[_Series, pd.DataFrame]]) -> list[str]:
    names = {name for _, rows in shown for name in rows["cell_line"]}
    return sorted(name for name in names if name not in AGGREGATES)


@contextmanager
def _panels(output: Path, names: list[str], title: str, headline: Headline) -> Iterator[dict[str, Axes]]:
    """A panel for each cell line, with common axes and one key."""
    n_columns = min(4, len(names))
    n_rows = -(-len(names) // n_columns)
    width, height = max(2.1 * n_columns + 0.6, _LEAST_WIDTH), 2.1 * n_rows + 1.1
    with svg_figure(output, width, height) as figure:
        grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
        for unused in grid[len(names) :]:
            unused.set_axis_off()
        for lowest in grid[max(0, len(names) - n_columns) : len(names)]:
            lowest.tick_params(labelbottom=True)
        panels = dict(zip(names, grid, strict=False))
        yield panels
        for name, axes in panels.items():
            axes.set_title(folded(name, _NAME_WIDTH))
            axes.set_xlim(0.0, 1.0)
            axes.set_ylim(0.4 if headline.balanced else 0.0, 1.02)
            axes.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
            axes.set_yticks([0.5, 0.75, 1.0] if headline.balanced else [0.0, 0.5, 1.0])
        for axes in grid[max(0, len(names) - n_columns) : len(names)]:
            axes.set_xlabel("recall")
        prevalence = "classes balanced" if headline.balanced else "natural prevalence"
        figure.supylabel(f"precision, {prevalence}", fontsize=10)
        draw_title(figure, title)
        draw_key(figure, panels.values())


def _draw_curve(axes: Axes, pairs: pd.DataFrame, headline: Headline, **look: Any) -> None:
    recall, precision = precision_recall(
        pairs["label"].to_numpy(), pairs["probability"].to_numpy(dtype=float), balanced=headline.balanced
    )
    axes.plot(recall, precision, linewidth=1.5, **look)


def precision_recall(
    label: npt.NDArray[np.integer[Any]], score: FloatArray, *, balanced: bool = True
) -> tuple[FloatArray, FloatArray]:
    """Precision at a fixed grid of recalls, both classes weighed the same or as they are.

    Returns
    -------
    recall, precision : array, shape=(201,)
        The precision is that of the first threshold which reaches the recall; empty with one class.
    """
    from sklearn.metrics import precision_recall_curve

    if len(set(label)) < 2:
        return np.empty(0), np.empty(0)
    weight = prevalence_weights(label) if balanced else None
    precision, recall, _ = precision_recall_curve(label, score, sample_weight=weight)
    grid = np.linspace(0.0, 1.0, _CURVE_POINTS)
    # scikit-learn lists recall falling and ends with the made-up point (0, 1).
    recall, precision = recall[:-1][::-1], precision[:-1][::-1]
    reached = np.minimum(np.searchsorted(recall, grid - 1e-12, side="left"), len(recall) - 1)
    return grid, precision[reached]


def _setting(headline: Headline) -> str:
    where = "all chromosomes" if headline.chromosomes == FOLDS else f"{headline.chromosomes} chromosomes"
    return f"{headline.role} lines x {where}"
