"""What each part of the model is worth, and where a gain is found: every model beside the full one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.bootstrap import Difference
from cbat.evaluation.comparison import ScoredPairs, Side, compare
from cbat.evaluation.headline import SPLITS, Headline

ABLATION_COLUMNS: Final = [
    "model",
    "own",
    "wrong",
    "none",
    "mean",
    "minus_full",
    "minus_full_low",
    "minus_full_high",
    "minus_baseline",
    "minus_baseline_low",
    "minus_baseline_high",
    "n_lines",
    "n_seeds",
]
GRID_COLUMNS: Final = [
    "role",
    "chromosomes",
    "n_lines",
    "baseline",
    "full_model",
    "gain",
    "gain_low",
    "gain_high",
]
_NOTHING: Final = Difference(np.nan, np.nan, np.nan)


def ablation_table(
    metrics: pd.DataFrame,
    *,
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    scored: ScoredPairs,
    left_out: Collection[str] = (),
) -> pd.DataFrame:
    """Every model that was run, the best first.

    Parameters
    ----------
    metrics : DataFrame
        The long table.
    settings : EvaluationSettings
    baseline, full_model : str
    scored : ScoredPairs
        Scored pairs of all models; without those of a model its differences have no interval.
    left_out : collection of str
        Rows of the long table that are no models of this run either, such as peers.

    Returns
    -------
    DataFrame
        :data:`ABLATION_COLUMNS`. Figures are means over the cell lines that the model shares with the full
        model and with the baseline, and over its seeds; ``own`` is the figure of a model without environment.
    """
    headline = Headline.of(settings)
    compared = {side: headline.by_line(metrics, side) for side in (baseline, full_model)}
    names = sorted(set(headline.setting(metrics)["model"]) - _references() - set(left_out))
    rows = []
    for model in names:
        own = headline.by_line(metrics, model)
        lines = sorted(set(own.index).intersection(*(values.index for values in compared.values())))
        if not lines:
            continue
        row: dict[str, object] = {"model": model, "own": own[lines].mean()}
        for context in ("wrong", "none", "mean"):
            row[context] = headline.by_line(metrics, model, context).reindex(lines).mean(skipna=False)
        for column, other in (("minus_full", full_model), ("minus_baseline", baseline)):
            difference = _NOTHING
            if model != other:
                found = difference_of_means(scored, Side(model), Side(other), headline, settings, lines)
                difference = found or Difference(
                    float(own[lines].mean() - compared[other][lines].mean()), np.nan, np.nan
                )
            row[column], row[f"{column}_low"], row[f"{column}_high"] = difference
        row |= {"n_lines": len(lines), "n_seeds": headline.rows(metrics, model)["seed"].nunique()}
        rows.append(row)
    table = pd.DataFrame(rows, columns=pd.Index(ABLATION_COLUMNS))
    return table.sort_values(["own", "model"], ascending=[False, True], ignore_index=True)


def grid_table(
    metrics: pd.DataFrame,
    *,
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    scored: ScoredPairs,
) -> pd.DataFrame:
    """Baseline and full model on seen and unseen cell lines and on each split of chromosomes.

    Returns
    -------
    DataFrame
        :data:`GRID_COLUMNS`, one row for each cell of the grid that was evaluated; see
        :func:`ablation_table` for the parameters.
    """
    rows = []
    for role in ("seen", "unseen"):
        for chromosomes in SPLITS[::-1]:
            headline = Headline(
                role, chromosomes, settings.headline_support, negatives=settings.headline_negatives
            )
            sides = {name: headline.by_line(metrics, name) for name in (baseline, full_model)}
            lines = sorted(set(sides[baseline].index) & set(sides[full_model].index))
            if not lines:
                continue
            values = [sides[name][lines].mean() for name in (baseline, full_model)]
            found = difference_of_means(scored, Side(full_model), Side(baseline), headline, settings, lines)
            low, high = found[1:] if found else (np.nan, np.nan)
            rows.append([role, chromosomes, len(lines), *values, values[1] - values[0], low, high])
    return pd.DataFrame(rows, columns=pd.Index(GRID_COLUMNS))


def difference_of_means(
    scored: ScoredPairs,
    first: Side,
    second: Side,
    headline: Headline,
    settings: EvaluationSettings,
    lines: list[str],
) -> Difference | None:
    """Paired difference of the means over these cell lines; None if one of them was not scored by both."""
    compared = compare(
        scored,
        first,
        second,
        chromosomes=headline.chromosomes,
        n_support=headline.n_support,
        n=settings.n_bootstrap,
        seed=settings.seed,
        lines=lines,
        balanced=headline.balanced,
    )
    return compared.mean if compared is not None and set(compared.lines) == set(lines) else None


def _references() -> set[str]:
    from cbat.evaluation.references import BARS, OBSERVERS, ORACLES

    return {*BARS, *ORACLES, *OBSERVERS}
