"""What is claimed of the full model, each claim with its bar, weighed over the worlds of a benchmark.

A claim is about unseen cell lines and test chromosomes, balanced classes, means over cell lines and seeds,
unless it says otherwise. A claim whose world or model was not run is *not measured*, never met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cbat.evaluation.benchmark_figures import Benchmark, Measured

BENCHMARK_COLUMNS: Final = ["claim", "worlds", "value", "bar", "met", "n_lines", "n_seeds"]

ADDITIVE: Final = "additive"
STABILITY: Final = "stability"
FURTHER: Final = ("world_2", "world_3")
RELATED: Final = "tissue_090"
COOPERATIVE: Final = "cooperative"
UNINFORMATIVE: Final = "uninformative"
LANDSCAPE: Final = "landscape"
CONTAMINATED: Final = "contaminated"
EVERY_WORLD: Final = "all"
"""How tables call the worlds of a claim that is about all of them."""
UNLIKE_THE_MODEL: Final = (
    "jaspar", "decoupled", "rare", LANDSCAPE, "real_background", "new_factor", CONTAMINATED,
)  # fmt: skip
"""Worlds whose laws are not of the model's form; see docs/worlds.md."""
OF_THE_REGRESSION: Final = (ADDITIVE, COOPERATIVE, *UNLIKE_THE_MODEL)
"""Worlds in which the full model stands beside the regression."""

GAP_CLOSED: Final = 0.55
"""More than half of what the environment is worth to somebody who knows the law is learned from data."""
WINS: Final = 23 / 24
"""The gain is no matter of a few easy cell lines: at most one training on one line of 24 may lose."""
OWN_MINUS_WRONG: Final = 0.08
"""The gain comes from reading the right line's support set, so a wrong one must take it away."""
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
ATTAINABLE_SHARE: Final = 0.60
"""In worlds that do not copy the model, most of what can be attained from the same data is attained."""
REGRESSION: Final = "motif_regression"
REGRESSION_LOSS: Final = -0.003
"""What is deeper than a regression on the same motifs may not cost anything in any world, but for noise."""
CONTAMINATION_LOSS: Final = 0.02
"""Support sets of which three in ten are false, and which lack three in ten, may cost little."""
COLLAPSED_SEEDS: Final = 0.0
"""No training may end in a model that calls everything, or whose scores say nothing."""
CALIBRATION_ERROR: Final = 0.05
"""A probability must mean what it says in a line that no model has seen, at the natural prevalence."""


@dataclass(frozen=True)
class Claim:
    """A sentence that holds or fails.

    Attributes
    ----------
    text : str
    worlds : tuple of str
        Empty for a claim about all of them.
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

    @property
    def where(self) -> str:
        """The worlds, in words."""
        return ", ".join(self.worlds) or EVERY_WORLD

    def bar_in_words(self) -> str:
        """The bar with its sign; empty without one."""
        return "" if self.bar is None else f"{self.sign} {self.bar:.4g}"


Weighed = list[tuple[Claim, Measured | None]]


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
            f"share of what is attainable that {full} attains with {n_support} elements, mean over worlds "
            "unlike the model",
            UNLIKE_THE_MODEL, lambda b: b.mean_attained(UNLIKE_THE_MODEL), ATTAINABLE_SHARE,
        ),
        Claim(
            f"{full} minus {REGRESSION} in the world where that is least",
            OF_THE_REGRESSION,
            lambda b: b.least_difference(REGRESSION, OF_THE_REGRESSION), REGRESSION_LOSS,
        ),
        Claim(
            f"{full} with clean minus with contaminated candidates, {n_support} elements",
            (ADDITIVE, CONTAMINATED),
            lambda b: b.difference(b.values(ADDITIVE, full, "own"), b.values(CONTAMINATED, full, "own")),
            CONTAMINATION_LOSS, "<=",
        ),
        Claim(
            f"unseen lines on which {full} is below {baseline}",
            (), lambda b: b.lines_below(),
        ),
        Claim(
            f"trainings of {full} that collapse",
            (STABILITY,),
            lambda b: b.collapsed_seeds(STABILITY), COLLAPSED_SEEDS, "<=",
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
                claim.text, claim.where, shown.value, claim.bar_in_words(), claim.met(measured),
                shown.n_lines, shown.n_seeds,
            ]
        )  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(BENCHMARK_COLUMNS))
