"""The summary in words: what may be claimed, and what may not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cbat.config.sections import ALL_CANDIDATES
from cbat.evaluation import accuracy, landscape_sources
from cbat.evaluation.accuracy import ACCURACY_LEGEND
from cbat.evaluation.bootstrap import RESAMPLED
from cbat.evaluation.table import FOLDS, MACRO, size_in_words
from cbat.evaluation.verdicts import (
    ENOUGH_SEEDS,
    NOISE,
    clear_sign,
    decimals,
    text_table,
    with_interval,
)

if TYPE_CHECKING:
    from cbat.evaluation.summary import Summary

_CONTEXT_NAMES: Final = {
    "none": "resistance switched off",
    "mean": "mean environment (ranks as resistance off)",
    "shuffled": "shuffled support",
    "graph": "graph without support",
    "sibling": "line of the same tissue",
}
_CONTEXTS_OF_A_LANDSCAPE: Final = {
    **_CONTEXT_NAMES,
    "none": "no landscape",
    "mean": "mean landscape",
    "graph": "what the graph expects, nothing of the line",
}


def in_words(summary: Summary) -> str:
    """A table of the headline figures, and sentences that say what they mean."""
    lines = [title(summary), setting(summary), "", *_table(summary), "", *_legend(summary), ""]
    lines += [f"* {statement}" for statement in statements(summary).values()]
    lines += _section("BESIDE THE HEADLINE", accuracy_figures(summary), [], ACCURACY_LEGEND)
    if summary.about_peers:
        lines += _section("OTHER TOOLS", peer_figures(summary), summary.about_peers, PEER_LEGEND)
    if len(summary.sources):
        differences = landscape_sources.means(summary.sources)
        said = landscape_sources.sentences(differences)
        lines += _section(
            "WHICH PART OF THE LANDSCAPE IS THE LINE'S OWN",
            landscape_sources.cells(differences),
            said,
            landscape_sources.SOURCE_LEGEND,
        )
    if len(summary.ablations):
        lines += ["", "EVERY MODEL OF THIS RUN", "", *_ablations(summary), ""]
        lines += [f"* {statement}" for statement in components(summary)]
    if len(summary.grid) > 1:
        lines += ["", "SEEN AND UNSEEN", "", *_grid(summary)]
    return "\n".join(lines) + "\n"


def _section(heading: str, columns: dict[str, list[str]], said: Sequence[str], legend: str) -> list[str]:
    """Lines of a heading, a table if it has rows, what it means, and sentences."""
    lines = ["", heading, ""]
    if any(columns.values()):
        lines += [*text_table(columns, left=[*columns][:1]), "", legend]
    if said:
        lines += ["", *(f"* {sentence}" for sentence in said)]
    return lines


PEER_LEGEND: Final = (
    "Every pair of the table is one that both have; intervals are paired, over "
    f"{RESAMPLED}. theirs: the other tool."
)


def peer_figures(summary: Summary) -> dict[str, list[str]]:
    """Cells of the table of other tools, by the title of their column; at the headline's prevalence."""
    table, headline = summary.peers, summary.headline
    mine = table[(table["negatives"] == headline.negatives) & (table["metric"] == headline.metric)]
    return {
        "tool": list(mine["peer"]),
        "cell line": ["mean" if name == MACRO else name for name in mine["cell_line"]],
        "pairs": [f"{n:,}" for n in mine["n_shared"]],
        "theirs": decimals(mine["theirs"]),
        summary.full_model: decimals(mine["ours"]),
        f"{summary.full_model} minus theirs": [
            with_interval(*row) for row in mine[["difference", "low", "high"]].to_numpy(dtype=float)
        ],
    }


def accuracy_figures(summary: Summary) -> dict[str, list[str]]:
    """Cells of the table of what stands beside the headline."""
    return accuracy.cells(summary.accuracy) if len(summary.accuracy) else {}


def title(summary: Summary) -> str:
    """What is measured, and where."""
    headline = summary.headline
    where = (
        "all chromosomes, each in its fold"
        if headline.chromosomes == FOLDS
        else (f"{headline.chromosomes} chromosomes")
    )
    return f"AUPR on {headline.role} cell lines x {where}"


def setting(summary: Summary) -> str:
    """Under which conditions it is measured."""
    headline = summary.headline
    conditions = ["balanced classes (chance is 0.500)"]
    if not headline.balanced:
        share = summary.accuracy["contacts"].iloc[-1] if len(summary.accuracy) else np.nan
        chance = "" if np.isnan(share) else f", {share:.3f} on average"
        conditions = [
            f"all labelled pairs at their natural prevalence (chance is the share of contacts{chance})"
        ]
    if summary.draws_support:
        conditions.append(f"support sets of {headline.n_support} elements")
    if summary.by_chance:
        one = summary.n_seeds == 1
        conditions.append("1 training seed" if one else f"mean of {summary.n_seeds} training seeds")
    return ", ".join(conditions)


def statements(summary: Summary) -> dict[str, str]:
    """What the figures mean, by what each sentence is about; without those that have nothing to say."""
    said = {
        "gain": _gain(summary),
        "environment": _environment(summary),
        "gap": _gap(summary),
        "sizes": _sizes(summary),
        "shortcuts": _shortcuts(summary),
        "collapse": _collapse(summary),
        "caution": _caution(summary),
    }
    return {about: words for about, words in said.items() if words}


def _legend(summary: Summary) -> list[str]:
    full = summary.full_model
    lines = [
        "AUPR: area under the precision-recall curve, 1 for a perfect ranking of the pairs.",
        f"gain: {full} minus {summary.baseline} [95% interval over {RESAMPLED}]; an interval over cell lines "
        "is Student's t, and says how the mean would vary with other lines.",
    ]
    if summary.table["wrong_support"].notna().any():
        what = f"{summary.evidence} (unlabelled candidates)" if summary.draws_support else summary.evidence
        lines.append(f"wrong: {full} with the {what} of another cell line.")
    if summary.table["oracle"].notna().any():
        lines.append("oracle: the true contact probabilities of the simulation; no model can do better.")
    return lines


def _table(summary: Summary) -> list[str]:
    columns = {"cell line": [*summary.lines["cell_line"], "mean"], **figures(summary)}
    return text_table(columns, left=("cell line", "gain"), last_row_apart=True)


def figures(summary: Summary) -> dict[str, list[str]]:
    """Cells of the table of cell lines, by the title of their column; the last row is the mean."""
    return {
        summary.baseline: decimals(summary.table["baseline"]),
        summary.full_model: decimals(summary.table["full_model"]),
        "wrong": decimals(summary.table["wrong_support"]),
        "oracle": decimals(summary.table["oracle"]),
        "gain": _differences(summary.table, "gain"),
    }


def _differences(table: pd.DataFrame, column: str) -> list[str]:
    ends = table[[column, f"{column}_low", f"{column}_high"]].to_numpy(dtype=float)
    return [with_interval(*row) for row in ends]


def ablation_figures(summary: Summary) -> dict[str, list[str]]:
    """Cells of the table of models, by the title of their column."""
    table = summary.ablations
    return {
        "model": list(table["model"]),
        "own": decimals(table["own"]),
        "wrong": decimals(table["wrong"]),
        "off": decimals(table["none"]),
        "mean": decimals(table["mean"]),
        f"minus {summary.full_model}": _differences(table, "minus_full"),
        f"minus {summary.baseline}": _differences(table, "minus_baseline"),
    }


def _ablations(summary: Summary) -> list[str]:
    columns = ablation_figures(summary)
    rows = text_table(columns, left=("model", *list(columns)[-2:]))
    return [*rows, "", ablation_legend(summary)]


def ablation_legend(summary: Summary) -> str:
    """What the columns of the table of models are."""
    return (
        f"own, wrong, off, mean: the line's own {summary.evidence}, that of another line, resistance "
        "switched off, the mean environment. A model without environment has one value."
    )


def components(summary: Summary) -> list[str]:
    """Which part of the full model pays, and which does not."""
    said = []
    for _, row in summary.ablations.iterrows():
        if row["model"] in (summary.baseline, summary.full_model):
            continue
        ends = (float(row[f"minus_full{end}"]) for end in ("", "_low", "_high"))
        value, low, high = ends
        chance = {str(row["model"]), summary.full_model} - {*summary.laws}
        sign = clear_sign(value, low, high, int(row["n_seeds"]) if chance else ENOUGH_SEEDS)
        if sign and abs(value) < NOISE:
            verdict = f"clear in its interval, but below {NOISE}, which is noise in one run"
        else:
            verdict = {
                -1: f"so {summary.full_model} gains from its differences",
                0: "NO clear difference: the change does not clearly help",
                1: f"it is BETTER than {summary.full_model}",
            }[sign]
        changed = summary.differences.get(str(row["model"]))
        name = f"{row['model']} ({changed})" if changed else str(row["model"])
        difference = with_interval(value, low, high)
        said.append(f"{name}: {difference} against {summary.full_model}; {verdict}.")
    return said


def grid_figures(summary: Summary) -> dict[str, list[str]]:
    """Cells of the table of seen and unseen lines and chromosomes, by the title of their column."""
    table = summary.grid
    return {
        "cell lines": [f"{row.role} ({row.n_lines})" for row in table.itertuples()],
        "chromosomes": list(table["chromosomes"]),
        summary.baseline: decimals(table["baseline"]),
        summary.full_model: decimals(table["full_model"]),
        "gain": _differences(table, "gain"),
    }


def _grid(summary: Summary) -> list[str]:
    return text_table(grid_figures(summary), left=("cell lines", "chromosomes", "gain"))


def _gain(summary: Summary) -> str:
    lines = summary.lines
    n_better = int((lines["gain"] > 0).sum())
    words = (
        f"{summary.full_model} scores above {summary.baseline} on {n_better} of {len(lines)} cell lines; "
        f"mean gain {_of_mean(summary, 'gain')}."
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


def _of_mean(summary: Summary, column: str) -> str:
    """A mean difference with its interval over chromosomes and, behind it, that over cell lines."""
    ends = ("", "_low", "_high", "_lines_low", "_lines_high")
    value, low, high, *over_lines = (float(summary.mean[f"{column}{end}"]) for end in ends)
    words = with_interval(value, low, high)
    if not np.isnan(over_lines[0]):
        words += f" (over cell lines [{over_lines[0]:+.3f}, {over_lines[1]:+.3f}])"
    return words


def _clear_sign(summary: Summary, column: str) -> int:
    mean = summary.mean
    value, low, high = (float(mean[f"{column}{end}"]) for end in ("", "_low", "_high"))
    return clear_sign(value, low, high, summary.n_trainings)


def _environment(summary: Summary) -> str:
    mean, lines = summary.mean, summary.lines
    what = summary.evidence
    if np.isnan(mean["own_minus_wrong"]):
        return f"Uses the environment: not tested (no {what} of a wrong cell line was fed)."
    n_better = int((lines["own_minus_wrong"] > 0).sum())
    difference = _of_mean(summary, "own_minus_wrong")
    sign = _clear_sign(summary, "own_minus_wrong")
    used = sign > 0
    words = f"Uses the environment: {'yes' if used else 'NO'}. "
    if used:
        words += f"The line's own {what} does better than that of a wrong line: "
    elif sign < 0:
        words += f"The {what} of a wrong line does even better than the line's own: "
    else:
        words += f"The {what} of a wrong line does not do clearly worse than the line's own: "
    words += f"own minus wrong {difference}, above zero on {n_better} of {len(lines)} lines."
    if not np.isnan(mean["own_minus_sibling"]):
        words += f" Own minus a line of the same tissue: {_of_mean(summary, 'own_minus_sibling')}."
    if not used:
        words += " Do not credit any gain over the baseline to the environment."
    if summary.other_contexts:
        names = _CONTEXT_NAMES if summary.draws_support else _CONTEXTS_OF_A_LANDSCAPE
        others = ", ".join(f"{names[name]} {v:.3f}" for name, v in summary.other_contexts.items())
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


def _sizes(summary: Summary) -> str:
    if len(summary.sizes) < 2:
        return ""
    listed = ", ".join(
        f"{'0 (tissue alone)' if size == 0 else size_in_words(size)} {value:.3f}"
        for size, value in sorted(summary.sizes.items())
    )
    words = f"{summary.full_model} by the number of candidates in the support set: {listed}."
    if ALL_CANDIDATES not in summary.sizes:
        return words
    words += (
        " All are the unlabelled candidates of the line on every chromosome, ends of the tested pairs among "
        "them."
    )
    room = summary.mean["oracle"] - summary.mean["baseline"]
    if room > 0.0:
        closed = (summary.sizes[ALL_CANDIDATES] - summary.mean["baseline"]) / room
        words += f" With all, {f'{closed:.0%}' if closed > 0.0 else 'nothing'} of the gap is closed."
    return words


def _shortcuts(summary: Summary) -> str:
    shortcuts = {name: v for name, v in summary.references.items() if not name.startswith("oracle")}
    if not shortcuts:
        return ""
    simpler = "the two sequences together" if summary.draws_support else "the landscape"
    words = (
        f"Shortcuts (predictions from something simpler than {simpler}): "
        + ", ".join(f"{name} {value:.3f}" for name, value in shortcuts.items())
        + "."
    )
    reached = [name for name, value in shortcuts.items() if value >= summary.mean["full_model"] - NOISE]
    if reached:
        words += f" WARNING: {summary.full_model} is not clearly better than {', '.join(reached)}."
    return words


def _collapse(summary: Summary) -> str:
    if not summary.collapsed:
        return "Collapse: no sign on any cell line."
    return (
        f"COLLAPSE: {', '.join(summary.collapsed)}. There a model calls (nearly) every pair or none, its "
        "scores hardly differ, or its environment does not tell cell lines apart; its F1, precision and "
        "recall are meaningless."
    )


def _caution(summary: Summary) -> str:
    if summary.n_trainings >= ENOUGH_SEEDS:
        return ""
    return (
        f"Fewer than 3 training seeds: a difference below {NOISE} is noise, and the intervals do not "
        "include the variation between trainings."
    )
