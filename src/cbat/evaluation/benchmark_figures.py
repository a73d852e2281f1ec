"""Figures of a benchmark's worlds: what models attain in each, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cbat.config.sections import ALL_CANDIDATES
from cbat.evaluation.headline import Headline
from cbat.evaluation.table import AGGREGATES

ATTAINABLE: Final = {True: "attainable_all", False: "attainable"}
"""The observer with all candidates, and with support sets of the headline's size."""


@dataclass(frozen=True)
class Measured:
    """A figure, what it is a mean of, and how it is written if not as a number."""

    value: float
    n_lines: int
    n_seeds: int
    words: str = ""


class Benchmark:
    """The long tables of all worlds.

    Parameters
    ----------
    tables : mapping
        World -> long table.
    baseline, full_model : str
    n_support : int
        Support size of the headline figure.
    """

    def __init__(
        self, tables: Mapping[str, pd.DataFrame], baseline: str, full_model: str, n_support: int
    ) -> None:
        self.tables = dict(tables)
        self.baseline, self.full_model, self.n_support = baseline, full_model, n_support

    def values(
        self,
        world: str,
        model: str,
        context: str | None = None,
        n_support: int | None = None,
        metric: str = "aupr",
    ) -> pd.Series:
        """Figures by cell line and seed; empty when there are none."""
        size = self.n_support if n_support is None else n_support
        negatives = "balanced" if metric == "aupr" else "natural"
        headline = Headline("unseen", "test", size, negatives, metric)
        table = self.tables.get(world)
        if table is None:
            return pd.Series(dtype=float)
        rows = headline.rows(table, model, context)
        rows = rows[~rows["cell_line"].isin(AGGREGATES)]
        return rows.set_index(["cell_line", "seed"])["value"]

    def paired(self, first: pd.Series, second: pd.Series) -> pd.DataFrame:
        """Figures of the same cell lines and seeds side by side."""
        if not len(first) or not len(second):
            return pd.DataFrame({"first": [], "second": []})
        return pd.concat({"first": first, "second": second}, axis=1, join="inner")

    def difference(self, first: pd.Series, second: pd.Series) -> Measured | None:
        """Mean of the first minus mean of the second."""
        pairs = self.paired(first, second)
        return _measured(pairs, float((pairs["first"] - pairs["second"]).mean())) if len(pairs) else None

    def gap_closed(self, world: str, best: str = "oracle", n_support: int | None = None) -> Measured | None:
        """Share of the way from the baseline to the oracle, or to another ``best``."""
        full_model = self.values(world, self.full_model, None, n_support)
        pairs = self.paired(full_model, self.values(world, self.baseline))
        known = self.values(world, best)
        if not len(pairs) or not len(known):
            return None
        lines = pairs.groupby(level="cell_line").mean()
        lines[best] = known.groupby(level="cell_line").mean()
        full, baseline, best_of_all = lines.mean(skipna=False)
        room = best_of_all - baseline
        closed = (full - baseline) / room if room > 0.0 else np.nan
        return _measured(pairs, float(closed))

    def attained(self, world: str, *, everything: bool = False) -> Measured | None:
        """Share of the way from the baseline to what an observer attains who knows the laws.

        Both see support sets of the headline's size, or ``everything``: all candidates of the line.
        """
        size = ALL_CANDIDATES if everything else None
        return self.gap_closed(world, ATTAINABLE[everything], size)

    def mean_attained(self, worlds: Sequence[str]) -> Measured | None:
        """Mean of :meth:`attained` over worlds; None if one of them has none."""
        found = [self.attained(world) for world in worlds]
        known = [one for one in found if one is not None and not np.isnan(one.value)]
        if not known or len(known) < len(found):
            return None
        value = float(np.mean([one.value for one in known]))
        return Measured(value, min(one.n_lines for one in known), min(one.n_seeds for one in known))

    def least_difference(self, model: str, worlds: Sequence[str]) -> Measured | None:
        """The full model minus another one in the world where that is least; None if one of them has none."""
        known: dict[str, Measured] = {}
        for name in worlds:
            found = self.difference(self.values(name, self.full_model), self.values(name, model))
            if found is None:
                return None
            known[name] = found
        world, least = min(known.items(), key=lambda item: item[1].value)
        return Measured(
            least.value, least.n_lines, least.n_seeds,
            f"{least.value:+.4f} in {world}, the least of {len(known)} worlds",
        )  # fmt: skip

    def lines_below(self) -> Measured | None:
        """Lines of all worlds on which the full model is below the baseline, means over seeds."""
        found, n, seeds = [], 0, set()
        for world in self.tables:
            pairs = self.paired(self.values(world, self.full_model), self.values(world, self.baseline))
            lines = pairs.groupby(level="cell_line").mean() if len(pairs) else pairs
            below = lines.index[lines["first"] < lines["second"]]
            found += [f"{world} {line}" for line in below]
            n += len(lines)
            seeds |= {*pairs.index.unique("seed")} if len(pairs) else set()
        if not n:
            return None
        named = f" ({', '.join(found)})" if found else ""
        return Measured(float(len(found)), n, len(seeds), f"{len(found)} of {n}{named}")

    def wins(self, world: str) -> Measured | None:
        """Share of cell lines and seeds on which the full model is ahead of the baseline."""
        pairs = self.paired(self.values(world, self.full_model), self.values(world, self.baseline))
        if not len(pairs):
            return None
        n = int((pairs["first"] > pairs["second"]).sum())
        return _measured(pairs, n / len(pairs), f"{n} of {len(pairs)}")

    def fusion(self, world: str, n_support: int) -> Measured | None:
        """Graph and support set together minus the better of the two alone."""
        full = self.values(world, self.full_model, "own", n_support)
        alone = [
            self.difference(full, self.values(world, self.full_model, "graph")),
            self.difference(full, self.values(world, "no_graph", "own", n_support)),
        ]
        known = [one for one in alone if one is not None]
        return min(known, key=lambda one: one.value) if len(known) == len(alone) else None

    def collapsed_seeds(self, world: str) -> Measured | None:
        """Trainings of the full model with a sign of collapse on any cell line."""
        signs = self.values(world, self.full_model, metric="collapse_signs")
        if not len(signs):
            return None
        n = int((signs.groupby(level="seed").max() > 0).sum())
        return _measured(signs.to_frame(), float(n), f"{n} of {signs.index.unique('seed').size}")

    def mean(self, values: pd.Series) -> Measured | None:
        """The mean."""
        return _measured(values.to_frame(), float(values.mean())) if len(values) else None


def _measured(table: pd.DataFrame, value: float, words: str = "") -> Measured:
    return Measured(value, table.index.unique("cell_line").size, table.index.unique("seed").size, words)
