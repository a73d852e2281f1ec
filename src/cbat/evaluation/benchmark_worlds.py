"""The worlds of a benchmark side by side: what can be attained in each, and what is attained."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from cbat.config.sections import ALL_CANDIDATES
from cbat.evaluation.benchmark_claims import REGRESSION
from cbat.evaluation.benchmark_figures import ATTAINABLE, Benchmark, Measured

WORLDS_LEGEND: Final = (
    "AUPR, classes balanced, means over unseen lines and seeds. attainable: an observer who knows the laws "
    "and sees what the model sees, with support sets of the same size or all candidates. attained: the "
    "model's share of the way from the baseline to that observer; of the oracle: the same to the true "
    "probabilities."
)
MEAN: Final = "mean"
_SHARES: Final = ("attained", "attained, all", "of the oracle")


def world_columns(benchmark: Benchmark) -> dict[str, list[str]]:
    """Cells of the table by the title of their column, the mean over worlds last; empty without numbers."""
    table = world_table(benchmark)
    if not len(table):
        return {}
    table.loc[MEAN] = table.mean()
    columns = {"world": [str(name) for name in table.index]}
    for name, values in table.items():
        form = "{:.0%}" if name in _SHARES else "{:.3f}"
        columns[str(name)] = ["-" if np.isnan(value) else form.format(value) for value in values]
    return columns


def world_table(benchmark: Benchmark) -> pd.DataFrame:
    """A row for each world with full model and baseline; NaN where a number is missing."""
    full, rows = benchmark.full_model, {}
    for world in benchmark.tables:
        known = {
            benchmark.baseline: benchmark.values(world, benchmark.baseline),
            REGRESSION: benchmark.values(world, REGRESSION),
            full: benchmark.values(world, full),
            f"{full}, all": _at_all(benchmark, world, ALL_CANDIDATES),
            "attainable": benchmark.values(world, ATTAINABLE[False]),
            "attainable, all": benchmark.values(world, ATTAINABLE[True]),
            "oracle": benchmark.values(world, "oracle"),
        }
        if not len(known[full]) or not len(known[benchmark.baseline]):
            continue
        shares = (
            benchmark.attained(world),
            benchmark.attained(world, everything=True),
            benchmark.gap_closed(world),
        )
        rows[world] = {name: float(values.mean()) for name, values in known.items()} | dict(
            zip(_SHARES, map(_value, shares), strict=True)
        )
    return pd.DataFrame.from_dict(rows, orient="index")


def _at_all(benchmark: Benchmark, world: str, size: int) -> pd.Series:
    return benchmark.values(world, benchmark.full_model, "own", size)


def _value(measured: Measured | None) -> float:
    return np.nan if measured is None else measured.value
