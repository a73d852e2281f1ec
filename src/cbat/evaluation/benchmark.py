"""What is claimed of the full model, each claim with its bar, weighed over the worlds of a benchmark.

A claim is about unseen cell lines and test chromosomes, balanced classes, means over cell lines and seeds,
unless it says otherwise. A claim whose world or model was not run is *not measured*, never met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.headline import Headline
from cbat.evaluation.table import AGGREGATES, read_table
from cbat.files import atomic_file

BENCHMARK_COLUMNS: Final = ["claim", "worlds", "value", "bar", "met", "n_lines", "n_seeds"]

ADDITIVE: Final = "additive"
STABILITY: Final = "stability"
FURTHER: Final = ("world_2", "world_3")
RELATED: Final = "tissue_090"
COOPERATIVE: Final = "cooperative"
UNINFORMATIVE: Final = "uninformative"
LANDSCAPE: Final = "landscape"

GAP_CLOSED: Final = 0.55
"""More than half of what the environment is worth to somebody who knows the law is learned from data."""
WINS: Final = 23 / 24
"""The gain is no matter of a few easy cell lines: at most one training on one line of 24 may lose."""
OWN_MINUS_WRONG: Final = 0.08
"""The gain comes from reading the right line's support set, so a wrong one must take it away."""
SCALAR: Final = "scalar_resistance"
SCALAR_DIFFERENCE: Final = 0.0005
"""One resistance for all pairs of a line cannot change their order; to three decimals it changes nothing."""
FUSION_LOSS: Final = -0.005
"""Graph and support set together may not be worse than the better of the two alone, but for noise."""
GRAPH_GAIN: Final = {16: 0.02, 64: 0.01}
"""Where relatives predict the environment, the graph pays when the support set is small."""
WRONG_GRAPH_LOSS: Final = -0.005
"""A graph whose relations are wrong must be recognised and left aside."""
WRONG_TISSUE_LOSS: Final = -0.015
"""A wrong statement about the line's tissue must be outvoted by a support set of usual size."""
UNINFORMATIVE_LOSS: Final = -0.01
"""Where candidates say nothing about the environment, asking them must cost nothing."""
COOPERATIVE_GAP: Final = 0.2
"""Where only combinations of motifs say anything of the resistance, a part of it must still be read."""
LANDSCAPE_GAIN: Final = {"no_landscape": 0.0, "static_landscape": 0.0}
"""Where what lies between the ends counts, reading it must pay, and more than the starts of genes do."""
PARTS_OF_THE_LANDSCAPE: Final = ("own_landscape", "graph_landscape", "free_weights")
COLLAPSED_SEEDS: Final = 0.0
"""No training may end in a model that calls everything, or whose scores say nothing."""
CALIBRATION_ERROR: Final = 0.05
"""A probability must mean what it says in a line that no model has seen, at the natural prevalence."""


@dataclass(frozen=True)
class Measured:
    """A figure, what it is a mean of, and how it is written if not as a number."""

    value: float
    n_lines: int
    n_seeds: int
    words: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence that holds or fails.

    Attributes
    ----------
    text : str
    worlds : tuple of str
    measure : callable
        Takes the benchmark; None when a model or a world is missing.
    bar : float or None
        None for a figure that is only reported.
    sign : str
        ``>=``, ``>`` or ``<=``: on which side of the bar the figure must be.
    """

    text: str
    worlds: tuple[str, ...]
    measure: Callable[[Benchmark], Measured | None]
    bar: float | None = None
    sign: str = ">="

    def met(self, measured: Measured | None) -> str:
        """``yes``, ``no``, ``reported`` or ``not measured``."""
        if measured is None or np.isnan(measured.value):
            return "not measured"
        if self.bar is None:
            return "reported"
        value, bar = measured.value, self.bar
        holds = {">=": value >= bar, ">": value > bar, "<=": value <= bar}[self.sign]
        return "yes" if holds else "no"

    def bar_in_words(self) -> str:
        """The bar with its sign; empty without one."""
        return "" if self.bar is None else f"{self.sign} {self.bar:.4g}"


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

    def gap_closed(self, world: str) -> Measured | None:
        """Share of the way from the baseline to the oracle."""
        pairs = self.paired(self.values(world, self.full_model), self.values(world, self.baseline))
        oracle = self.values(world, "oracle")
        if not len(pairs) or not len(oracle):
            return None
        lines = pairs.groupby(level="cell_line").mean()
        lines["oracle"] = oracle.groupby(level="cell_line").mean()
        full, baseline, best = lines.mean(skipna=False)
        closed = (full - baseline) / (best - baseline) if best > baseline else np.nan
        return _measured(pairs, float(closed))

    def wins(self, world: str) -> Measured | None:
        """Share of cell lines and seeds on which the full model is ahead of the baseline."""
        pairs = self.paired(self.values(world, self.full_model), self.values(world, self.baseline))
        if not len(pairs):
            return None
        n = int((pairs["first"] > pairs["second"]).sum())
        return _measured(pairs, n / len(pairs), f"{n} of {len(pairs)}")

    def largest_difference(self, first: pd.Series, second: pd.Series) -> Measured | None:
        """Largest distance of two figures of one cell line and seed."""
        # Resistance off has no size of support set, and its figures still are of the same lines and seeds.
        pairs = self.paired(first, second)
        return _measured(pairs, float((pairs["first"] - pairs["second"]).abs().max())) if len(pairs) else None

    def fusion(self, world: str, n_support: int) -> Measured | None:
        """Graph and support set together minus the better of the two alone."""
        full = self.values(world, self.full_model, "own", n_support)
        alone = [
            self.difference(full, self.values(world, self.full_model, "graph")),
            self.difference(full, self.values(world, "no_graph", "own", n_support)),
        ]
        known = [one for one in alone if one is not None]
        return min(known, key=lambda one: one.value) if len(known) == len(alone) else None

    def collapsed_seeds(self, worlds: Sequence[str]) -> Measured | None:
        """Trainings of the full model with a sign of collapse on any cell line."""
        found = [self.values(world, self.full_model, metric="collapse_signs") for world in worlds]
        if not all(len(signs) for signs in found):
            return None
        n = sum(int((signs.groupby(level="seed").max() > 0).sum()) for signs in found)
        joined = pd.concat(found).to_frame()
        return _measured(
            joined, float(n), f"{n} of {sum(signs.index.unique('seed').size for signs in found)}"
        )

    def mean(self, values: pd.Series) -> Measured | None:
        """The mean."""
        return _measured(values.to_frame(), float(values.mean())) if len(values) else None


def _measured(table: pd.DataFrame, value: float, words: str = "") -> Measured:
    return Measured(value, table.index.unique("cell_line").size, table.index.unique("seed").size, words)


def claims(full: str, baseline: str, n_support: int) -> list[Claim]:
    """Everything that is claimed, in the order in which it is told."""

    def minus(
        world: str, first: str, second: str, context: str | None = "own", size: int | None = None
    ) -> Callable[[Benchmark], Measured | None]:
        return lambda b: b.difference(
            b.values(world, first, context, size), b.values(world, second, None, size)
        )

    return [
        Claim(
            f"share of the gap between {baseline} and oracle that {full} closes",
            (ADDITIVE,), lambda b: b.gap_closed(ADDITIVE), GAP_CLOSED,
        ),
        Claim(
            f"share of unseen lines x seeds on which {full} beats {baseline}",
            (ADDITIVE,), lambda b: b.wins(ADDITIVE), WINS,
        ),
        Claim(
            f"{full}: own support set minus that of a wrong line",
            (ADDITIVE,),
            lambda b: b.difference(b.values(ADDITIVE, full, "own"), b.values(ADDITIVE, full, "wrong")),
            OWN_MINUS_WRONG,
        ),
        Claim(
            f"{SCALAR}: largest difference between its resistance on (one environment for a line) and off",
            (ADDITIVE,),
            # With a support set for each block, a line would not have one environment.
            lambda b: b.largest_difference(
                b.values(ADDITIVE, SCALAR, "graph", 0), b.values(ADDITIVE, SCALAR, "none", 0)
            ),
            SCALAR_DIFFERENCE, "<=",
        ),
        Claim(
            f"{full} with 16 elements minus the better of graph alone and support set alone (no_graph)",
            (RELATED,), lambda b: b.fusion(RELATED, 16), FUSION_LOSS,
        ),
        *(
            Claim(
                f"{full} minus no_graph with {size} elements",
                (RELATED,), minus(RELATED, full, "no_graph", size=size), bar,
            )
            for size, bar in GRAPH_GAIN.items()
        ),
        Claim(
            f"wrong_graph minus no_graph with {n_support} elements",
            (RELATED,), minus(RELATED, "wrong_graph", "no_graph"), WRONG_GRAPH_LOSS,
        ),
        Claim(
            f"wrong_tissue minus no_graph with {n_support} elements",
            (RELATED,), minus(RELATED, "wrong_tissue", "no_graph"), WRONG_TISSUE_LOSS,
        ),
        Claim(
            f"{full} minus {baseline} where candidates say nothing",
            (UNINFORMATIVE,), minus(UNINFORMATIVE, full, baseline), UNINFORMATIVE_LOSS,
        ),
        Claim(
            f"share of the gap that {full} closes where resistance is of motif combinations",
            (COOPERATIVE,), lambda b: b.gap_closed(COOPERATIVE), COOPERATIVE_GAP, ">",
        ),
        Claim(
            f"share of the gap that {full} closes where CTCF sites and active elements count as well",
            (LANDSCAPE,), lambda b: b.gap_closed(LANDSCAPE),
        ),
        *(
            Claim(
                f"{full} minus {model}, with CTCF sites and active elements",
                (LANDSCAPE,), minus(LANDSCAPE, full, model), bar, ">",
            )
            for model, bar in LANDSCAPE_GAIN.items()
        ),
        *(
            Claim(
                f"{full} minus {model}, with CTCF sites and active elements",
                (LANDSCAPE,), minus(LANDSCAPE, full, model),
            )
            for model in PARTS_OF_THE_LANDSCAPE
        ),
        Claim(
            f"trainings of {full} that collapse",
            (ADDITIVE, STABILITY),
            lambda b: b.collapsed_seeds((ADDITIVE, STABILITY)), COLLAPSED_SEEDS, "<=",
        ),
        Claim(
            f"expected calibration error of {full} at the natural prevalence",
            (ADDITIVE,),
            lambda b: b.mean(b.values(ADDITIVE, full, "own", metric="ece")), CALIBRATION_ERROR, "<=",
        ),
        *(
            Claim(
                f"share of the gap that {full} closes in another draw of the world",
                (world,), lambda b, world=world: b.gap_closed(world),  # type: ignore[misc]
            )
            for world in FURTHER
        ),
        Claim(
            f"record_point_9 minus {baseline}",
            (ADDITIVE,), minus(ADDITIVE, "record_point_9", baseline, None),
        ),
        Claim(
            "record_point_9_masked minus record_point_9",
            (ADDITIVE,), minus(ADDITIVE, "record_point_9_masked", "record_point_9", None),
        ),
    ]  # fmt: skip


def run(
    *,
    worlds: Mapping[str, Path],
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    directory: Path,
) -> None:
    """Write ``benchmark.tsv``, ``benchmark.txt`` and ``benchmark.rst``.

    Parameters
    ----------
    worlds : mapping
        World -> its ``metrics.tsv``.
    settings : EvaluationSettings
        The section ``evaluation``: the support size of the headline figure.
    baseline, full_model : str
        Names of the two models that are compared.
    directory : Path
        Where the three files go.
    """
    from cbat.evaluation.benchmark_text import in_markup, in_words

    tables = {world: read_table(path) for world, path in worlds.items()}
    weighed = weigh(Benchmark(tables, baseline, full_model, settings.headline_support))
    directory = Path(directory)
    with atomic_file(directory / "benchmark.tsv") as temporary:
        as_rows(weighed).to_csv(
            temporary, sep="\t", index=False, float_format="%.6f", na_rep="", lineterminator="\n"
        )
    for name, text in (("benchmark.txt", in_words(weighed)), ("benchmark.rst", in_markup(weighed))):
        with atomic_file(directory / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


Weighed = list[tuple[Claim, Measured | None]]


def weigh(benchmark: Benchmark) -> Weighed:
    """Every claim with its figure."""
    told = claims(benchmark.full_model, benchmark.baseline, benchmark.n_support)
    return [(claim, claim.measure(benchmark)) for claim in told]


def as_rows(weighed: Weighed) -> pd.DataFrame:
    """:data:`BENCHMARK_COLUMNS`, one row for each claim."""
    rows = []
    for claim, measured in weighed:
        shown = measured or Measured(np.nan, 0, 0)
        rows.append(
            [
                claim.text, ", ".join(claim.worlds), shown.value, claim.bar_in_words(), claim.met(measured),
                shown.n_lines, shown.n_seeds,
            ]
        )  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(BENCHMARK_COLUMNS))
