"""The summary in words: what may be claimed, and what may not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from cbat.evaluation.summary import Summary

NOISE: Final = 0.015
"""A difference in AUPR below this is noise in a single run."""
ENOUGH_SEEDS: Final = 3

_CONTEXT_NAMES: Final = {
    "none": "resistance switched off",
    "mean": "mean environment (ranks as resistance off)",
    "shuffled": "shuffled support",
    "graph": "graph without support",
}


def in_words(summary: Summary) -> str:
    """A table of the headline figures, and sentences that say what they mean."""
    headline = summary.headline
    seeds = "1 training seed" if summary.n_seeds == 1 else f"mean of {summary.n_seeds} training seeds"
    title = f"AUPR on {headline.role} cell lines x {headline.chromosomes} chromosomes"
    lines = [
        title,
        f"{headline.negatives} classes (chance is 0.500), support sets of {headline.n_support} elements, "
        + seeds,
        "",
        *_table(summary),
        "",
        *_legend(summary),
        "",
    ]
    statements = (
        _gain(summary),
        _environment(summary),
        _gap(summary),
        _shortcuts(summary),
        _collapse(summary),
        _caution(summary),
    )
    lines += [f"* {statement}" for statement in statements if statement]
    return "\n".join(lines) + "\n"


def _legend(summary: Summary) -> list[str]:
    full = summary.full_model
    lines = [
        "AUPR: area under the precision-recall curve, 1 for a perfect ranking of the pairs.",
        f"gain: {full} minus {summary.baseline} [95% interval, chromosomes resampled].",
    ]
    if summary.table["wrong_support"].notna().any():
        lines.append(f"wrong: {full} with the support set (unlabelled candidates) of another cell line.")
    if summary.table["oracle"].notna().any():
        lines.append("oracle: the true contact probabilities of the simulation; no model can do better.")
    return lines


def _table(summary: Summary) -> list[str]:
    columns = {
        "cell line": [*summary.lines["cell_line"], "mean"],
        summary.baseline: _decimals(summary.table["baseline"]),
        summary.full_model: _decimals(summary.table["full_model"]),
        "wrong": _decimals(summary.table["wrong_support"]),
        "oracle": _decimals(summary.table["oracle"]),
        "gain": [
            _with_interval(row["gain"], row["gain_low"], row["gain_high"])
            for _, row in summary.table.iterrows()
        ],
    }
    # An oracle that nobody knows is no column of dashes.
    shown = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    widths = {name: max(len(name), *map(len, cells)) for name, cells in shown.items()}
    rule = "-" * (sum(widths.values()) + 2 * (len(widths) - 1))
    rows = ["  ".join(_aligned(name, name, widths) for name in shown), rule]
    for number in range(len(summary.table)):
        if number == len(summary.table) - 1:
            rows.append(rule)
        rows.append("  ".join(_aligned(cells[number], name, widths) for name, cells in shown.items()))
    return [row.rstrip() for row in rows]


def _aligned(text: str, column: str, widths: dict[str, int]) -> str:
    return text.ljust(widths[column]) if column in ("cell line", "gain") else text.rjust(widths[column])


def _decimals(values: Iterable[float]) -> list[str]:
    return ["-" if np.isnan(value) else f"{value:.3f}" for value in values]


def _with_interval(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:+.3f}" + ("" if np.isnan(low) else f" [{low:+.3f}, {high:+.3f}]")


def _gain(summary: Summary) -> str:
    lines, mean = summary.lines, summary.mean
    n_better = int((lines["gain"] > 0).sum())
    words = (
        f"{summary.full_model} scores above {summary.baseline} on {n_better} of {len(lines)} cell lines; "
        f"mean gain {_with_interval(mean['gain'], mean['gain_low'], mean['gain_high'])}."
    )
    sign = _clear_sign(summary, "gain")
    beats, loses = sign > 0, sign < 0
    if beats:
        words += " It beats the baseline on average."
    elif loses:
        words += " It is WORSE than the baseline on average."
    else:
        words += " This is NO clear gain over the baseline."
    behind = list(lines.loc[lines["gain"] <= 0, "cell_line"])
    if behind:
        words += f" It does not beat the baseline on {', '.join(behind)}."
    unsure = list(lines.loc[(lines["gain"] > 0) & (lines["gain_low"] <= 0), "cell_line"])
    if unsure:
        words += f" The interval reaches zero on {', '.join(unsure)}."
    return words


def _clear_sign(summary: Summary, column: str) -> int:
    """Sign of a mean difference; 0 when its interval holds zero, or when few seeds make it noise."""
    mean = summary.mean
    value, low, high = (float(mean[f"{column}{end}"]) for end in ("", "_low", "_high"))
    few_seeds = summary.n_seeds < ENOUGH_SEEDS
    if (np.isnan(low) or few_seeds) and abs(value) <= NOISE:
        return 0
    if not np.isnan(low) and low <= 0.0 <= high:
        return 0
    return int(np.sign(value))


def _environment(summary: Summary) -> str:
    mean, lines = summary.mean, summary.lines
    if np.isnan(mean["own_minus_wrong"]):
        return "Uses the environment: not tested (no support set of a wrong cell line was fed)."
    n_better = int((lines["own_minus_wrong"] > 0).sum())
    difference = _with_interval(
        mean["own_minus_wrong"], mean["own_minus_wrong_low"], mean["own_minus_wrong_high"]
    )
    sign = _clear_sign(summary, "own_minus_wrong")
    used = sign > 0
    words = f"Uses the environment: {'yes' if used else 'NO'}. "
    if used:
        words += "The line's own support set does better than that of a wrong line: "
    elif sign < 0:
        words += "The support set of a wrong line does even better than the line's own: "
    else:
        words += "The support set of a wrong line does not do clearly worse than the line's own: "
    words += f"own minus wrong {difference}, above zero on {n_better} of {len(lines)} lines."
    if not used:
        words += " Any gain over the baseline must not be credited to the environment."
    if summary.other_contexts:
        others = ", ".join(f"{_CONTEXT_NAMES[name]} {v:.3f}" for name, v in summary.other_contexts.items())
        words += f" Other contexts: {others}."
    return words


def _gap(summary: Summary) -> str:
    mean = summary.mean
    if np.isnan(mean["oracle"]):
        return ""
    if np.isnan(mean["gap_closed"]):
        return f"{summary.baseline} is as good as the oracle: there is no gap to close."
    closed = f"{mean['gap_closed']:.0%}" if mean["gap_closed"] > 0.0 else "nothing"
    words = (
        f"Of the gap between {summary.baseline} ({mean['baseline']:.3f}) and oracle ({mean['oracle']:.3f}), "
        f"{closed} is closed."
    )
    invariant = summary.references.get("oracle_invariant")
    if invariant is not None:
        side = "above" if mean["full_model"] > invariant else "NOT above"
        words += (
            f" The true law averaged over environments, the same for all cell lines, scores {invariant:.3f}; "
            f"{summary.full_model} is {side} it."
        )
    return words


def _shortcuts(summary: Summary) -> str:
    shortcuts = {name: v for name, v in summary.references.items() if not name.startswith("oracle")}
    if not shortcuts:
        return ""
    words = (
        "Shortcuts (predictions from something simpler than the two sequences together): "
        + ", ".join(f"{name} {value:.3f}" for name, value in shortcuts.items())
        + "."
    )
    reached = [name for name, value in shortcuts.items() if value >= summary.mean["full_model"] - NOISE]
    if reached:
        words += f" WARNING: {summary.full_model} is not clearly better than {', '.join(reached)}."
    return words


def _collapse(summary: Summary) -> str:
    if not summary.collapsed:
        return "Collapse: no sign of it on any cell line."
    return (
        f"COLLAPSE: {', '.join(summary.collapsed)}. There a model calls (nearly) every pair or none, or its "
        "scores hardly differ; its F1, precision and recall mean nothing."
    )


def _caution(summary: Summary) -> str:
    if summary.n_seeds >= ENOUGH_SEEDS:
        return ""
    return (
        f"Fewer than 3 training seeds: a difference below {NOISE} is noise, and the intervals do not "
        "include the variation between trainings."
    )
