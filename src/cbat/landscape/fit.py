"""Fit a law of the landscape to the training lines; lines that are left out choose what it holds.

The law of distance is fitted first and kept. Then every training line is left out once: the others' pairs on
training chromosomes fit candidates, which the pairs of that line on validation chromosomes judge (average
precision at natural prevalence, mean over lines). What is chosen so: how far a kind of track is the line's
own and how far the graph's expectation, the penalty, straight terms or ramps, and whether anything beside the
distance pays at all. The choice is fitted to all training lines, on both parts of the chromosomes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import SplitSettings
from cbat.config.sheets import TRACK_KINDS
from cbat.errors import UserError
from cbat.landscape.apply import LineLandscape
from cbat.landscape.features import FEATURES, GENES, NAMES
from cbat.landscape.law import (
    UNBENT,
    Columns,
    Fit,
    FloatArray,
    Law,
    Shape,
    distance_basis,
    fused,
    save_law,
    shaped,
)
from cbat.landscape.regression import fit_logistic

DISTANCE_RIDGE: Final = 1e-6
RIDGES: Final = (3e-4, 3e-3, 3e-2)
SHARES: Final = (0.25, 0.5, 0.75)
"""Shares of a line's own evidence that are tried beside 1 and 0."""
DEFAULT_SHARE: Final = 0.5
"""Own share of insulators where no line can be left out: binding of CTCF is mostly conserved."""
WORTH: Final = 0.003
"""By how much a choice must do better than a simpler one, in average precision."""
ROWS_TO_CHOOSE: Final = 40_000
"""Most pairs that a candidate is fitted to; the chosen one is fitted to all."""
ALL: Final = "all"
_logger = logging.getLogger(__name__)


def run(
    *,
    landscapes: Mapping[str, Path],
    train_lines: Sequence[str],
    validation_lines: Sequence[str],
    law: str,
    splits: SplitSettings,
    output: Path,
) -> None:
    """Write ``law.json``.

    Parameters
    ----------
    landscapes : mapping
        Line -> folder of its landscape, of the training and validation lines.
    train_lines : sequence of str
    validation_lines : sequence of str
        Lines that judge, where there are some; else every training line is left out once.
    law : str
        ``distance``, or ``static``, ``own``, ``graph`` or ``fused``, perhaps with ``_free`` behind: ramps
        whose weights may change their sign.
    splits : SplitSettings
    output : Path

    Raises
    ------
    UserError
        A landscape is missing or damaged, or no pairs of both classes are there to fit.
    """
    lines = {name: Line.read(landscapes[name]) for name in (*train_lines, *validation_lines)}
    members = {}
    for member in splits.members():
        task = Task(lines, tuple(train_lines), tuple(validation_lines), member.train, member.validation)
        members[member.name] = fit_member(task, law)
    every = tuple(chrom for chromosomes in splits.chromosomes.values() for chrom in chromosomes)
    if splits.folds is not None:
        # With one split the new line's model is that of the test: nothing of the test chromosomes is read.
        task = Task(lines, tuple(train_lines), tuple(validation_lines), every, every)
        members[ALL] = fit_member(task, law, like=next(iter(members.values())))
    save_law(output, Law(law, members, tuple(train_lines)))
    for name, fit in members.items():
        _logger.info("%s: %s", name, fit.chosen)


@dataclass(frozen=True, eq=False)
class Line:
    """Pairs of a line and their standardised features.

    Attributes
    ----------
    pairs : DataFrame
        :data:`~cbat.landscape.pairs.PAIR_COLUMNS`.
    own, graph : float32 array, shape=(n, n_features)
    """

    pairs: pd.DataFrame
    own: Columns
    graph: Columns

    @classmethod
    def read(cls, folder: Path) -> Line:
        """From a folder of ``read_landscape``."""
        line = LineLandscape.read(folder, ("own", "graph"))
        return cls(line.pairs, line.sources["own"], line.sources["graph"])

    def on(self, chromosomes: Sequence[str]) -> Line:
        """The pairs of some chromosomes; features stay standardised over all of them."""
        rows = self.pairs["chrom"].isin(list(chromosomes)).to_numpy()
        return Line(self.pairs[rows], self.own[rows], self.graph[rows])

    @property
    def label(self) -> FloatArray:
        """1 for contacts, shape=(n,)."""
        return np.asarray(self.pairs["label"].to_numpy(dtype=float))

    @property
    def distance(self) -> FloatArray:
        """Distance, bp, shape=(n,)."""
        return np.asarray(self.pairs["distance"].to_numpy(dtype=float))


@dataclass(frozen=True)
class Recipe:
    """A candidate: which features, how they are fused and shaped, and how much they are held back."""

    features: tuple[str, ...]
    own_share: tuple[tuple[str, float], ...] = ()
    shape: Shape = "linear"
    ridge: float = RIDGES[0]
    signed: bool = True

    def columns(self, line: Line) -> Columns:
        """Shaped features of a line."""
        rows = [NAMES.index(name) for name in self.features]
        return shaped(fused(line.own, line.graph, dict(self.own_share))[:, rows], self.shape)

    def with_share(self, kinds: Sequence[str], share: float) -> Recipe:
        """The same with another share of the line's own evidence in some kinds."""
        shares = dict(self.own_share) | dict.fromkeys(kinds, share)
        return replace(self, own_share=tuple(sorted(shares.items())))

    def in_words(self) -> dict[str, Any]:
        """For the record."""
        return {
            "own_share": dict(self.own_share),
            "shape": self.shape,
            "ridge": self.ridge,
            "n_features": len(self.features),
        }


@dataclass(eq=False)
class Task:
    """What one member is fitted to and judged by."""

    lines: Mapping[str, Line]
    train_lines: tuple[str, ...]
    validation_lines: tuple[str, ...]
    train: Sequence[str]
    validation: Sequence[str]
    _known: dict[Recipe | None, tuple[float, FloatArray]] = field(default_factory=dict)
    _rounds: list[_Round] | None = None

    @property
    def rounds(self) -> list[_Round]:
        """Lines that fit and a line that judges, for each line that can be left out."""
        if self._rounds is None:
            judges = self.validation_lines or (self.train_lines if len(self.train_lines) > 1 else ())
            made = []
            for judge in judges:
                judged = self.lines[judge].on(self.validation)
                fitted = [self.lines[name].on(self.train) for name in self.train_lines if name != judge]
                if _both(judged.label) and _both(np.concatenate([line.label for line in fitted])):
                    made.append(_Round.of(fitted, judged))
            self._rounds = made
        return self._rounds

    def score(self, recipe: Recipe | None) -> float:
        """Mean average precision on lines left out; None is the law of distance alone."""
        return self._judged(recipe)[0]

    def threshold(self, recipe: Recipe | None) -> float:
        """Probability of the best F1 on lines left out."""
        if not self.rounds:
            return 0.5
        label = np.concatenate([one.judged.label for one in self.rounds])
        return _threshold_of_best_f1(label, self._judged(recipe)[1])

    def _judged(self, recipe: Recipe | None) -> tuple[float, FloatArray]:
        if recipe not in self._known:
            logits = [one.logit(recipe) for one in self.rounds]
            scores = [
                average_precision(one.judged.label, logit)
                for one, logit in zip(self.rounds, logits, strict=True)
            ]
            self._known[recipe] = (
                (float(np.mean(scores)), np.concatenate(logits)) if scores else (0.0, np.zeros(0))
            )
        return self._known[recipe]


def average_precision(label: FloatArray, score: FloatArray) -> float:
    """Average precision, shape=(n,) each."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(label, score))


def _threshold_of_best_f1(label: FloatArray, logit: FloatArray) -> float:
    """The probability from which on pairs are called, so that F1 is largest."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, at = precision_recall_curve(label, logit)
    f1 = 2.0 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(1.0 / (1.0 + np.exp(-at[int(f1[:-1].argmax())])))


def _both(label: FloatArray) -> bool:
    return bool(len(label)) and 0.0 < float(label.mean()) < 1.0


@dataclass(frozen=True, eq=False)
class _Round:
    """Lines that fit, and a line that judges."""

    fitted: list[Line]
    judged: Line
    offset: FloatArray
    judged_offset: FloatArray

    @classmethod
    def of(cls, fitted: Sequence[Line], judged: Line) -> _Round:
        thinned = _thinned(fitted)
        weights, level = _distance(thinned)
        offsets = [
            distance_basis(line.distance).astype(float) @ weights + level for line in (*thinned, judged)
        ]
        return cls(thinned, judged, np.concatenate(offsets[:-1]), offsets[-1])

    def logit(self, recipe: Recipe | None) -> FloatArray:
        """Log-odds of the pairs that are judged."""
        if recipe is None:
            return self.judged_offset
        weights, level = _weights(self.fitted, recipe, self.offset)
        return np.asarray(self.judged_offset + level + recipe.columns(self.judged).astype(float) @ weights)


def _thinned(lines: Sequence[Line]) -> list[Line]:
    """Every so many pairs of each line, where there are many; all of them if one class would be lost."""
    step = max(sum(len(line.pairs) for line in lines) // ROWS_TO_CHOOSE, 1)
    some = [Line(line.pairs.iloc[::step], line.own[::step], line.graph[::step]) for line in lines]
    return some if _both(np.concatenate([line.label for line in some])) else list(lines)


def _distance(lines: Sequence[Line]) -> tuple[FloatArray, float]:
    """Weights and level of the law of distance."""
    columns = distance_basis(np.concatenate([line.distance for line in lines]))
    return fit_logistic(columns, np.concatenate([line.label for line in lines]), 0.0, DISTANCE_RIDGE)


def _weights(lines: Sequence[Line], recipe: Recipe, offset: FloatArray) -> tuple[FloatArray, float]:
    """Weights of a recipe's columns in the log-odds, and a level, beside an offset."""
    columns = np.concatenate([recipe.columns(line) for line in lines])
    label = np.concatenate([line.label for line in lines])
    if recipe.shape == "linear" or not recipe.signed:
        return fit_logistic(columns, label, offset, recipe.ridge)
    # A feature has the sign that it has by itself in a straight fit, in all of its ramps.
    n = len(recipe.features)
    straight = columns[:, :n] + columns[:, n : 2 * n] + columns[:, 2 * n :]
    free, _ = fit_logistic(straight, label, offset, recipe.ridge)
    signs = np.tile(np.sign(free), 3).astype(np.int8)
    return fit_logistic(columns, label, offset, recipe.ridge, signs)


def fit_member(task: Task, law: str, like: Fit | None = None) -> Fit:
    """Choose and fit one member of a law.

    Parameters
    ----------
    task : Task
    law : str
        See :func:`run`.
    like : Fit, optional
        Whose choice is taken over instead of choosing again.
    """
    lines = [task.lines[name].on([*task.train, *task.validation]) for name in task.train_lines]
    if not _both(np.concatenate([line.label for line in lines])):
        raise UserError(
            "the training chromosomes hold no pairs of both classes",
            mend="put more chromosomes on that side (section splits), or check the labels",
        )
    weights, level = _distance(lines)
    recipe, chosen = (_recipe_of(like, law), like.chosen) if like is not None else _choose(task, law)
    distance = tuple(float(w) for w in weights)
    threshold = like.threshold if like is not None else task.threshold(recipe)
    if recipe is None:
        return Fit(distance, level, (), {}, "linear", (), UNBENT, threshold, chosen)
    offset = np.concatenate([distance_basis(line.distance).astype(float) @ weights for line in lines]) + level
    of_columns, extra = _weights(lines, recipe, offset)
    read = np.concatenate([recipe.columns(line).astype(float) @ -of_columns for line in lines])
    return Fit(
        distance,
        level + extra,
        recipe.features,
        dict(recipe.own_share),
        recipe.shape,
        tuple(float(-w) for w in of_columns),
        UNBENT - float(read.min()),
        threshold,
        chosen,
    )


def _recipe_of(fit: Fit, law: str) -> Recipe | None:
    if not fit.features:
        return None
    ridge = float(fit.chosen["chosen"]["ridge"])
    shares = tuple(sorted(fit.own_share.items()))
    return Recipe(fit.features, shares, fit.shape, ridge, signed=not law.endswith("_free"))


def _choose(task: Task, law: str) -> tuple[Recipe | None, dict[str, Any]]:
    """The recipe of a law that does best on lines left out, and what was tried."""
    form = law.removesuffix("_free")
    if form == "distance":
        return None, {"average_precision": {"distance": task.score(None)}}
    start = _start(form, signed=not law.endswith("_free"))
    if not task.rounds:
        return start, {"chosen": start.in_words(), "average_precision": {}}
    best = start
    if form == "fused":
        best = _best_share(task, best, ["insulators"], (0.0, *SHARES, 1.0))
        best = _best_share(task, best, ["active_enhancers", "active_promoters"], (*SHARES, 1.0))
    best = _better(task, best, [replace(best, ridge=ridge) for ridge in RIDGES[1:]], 0.0)
    best = _better(task, best, [replace(best, shape="ramps", ridge=RIDGES[1])], WORTH)
    tried = {"distance": task.score(None), law: task.score(best)}
    simpler: Recipe | None = best
    for name, recipe in (("static", _start("static", signed=best.signed)), ("distance", None)):
        tried[name] = task.score(recipe)
        if tried[name] > task.score(simpler):
            simpler = recipe
    record: dict[str, Any] = {"average_precision": tried}
    if simpler is not None:
        record["chosen"] = simpler.in_words()
    return simpler, record


def _start(form: str, *, signed: bool) -> Recipe:
    """What a law begins with: straight terms, and the line's own marks."""
    features = tuple(f.name for f in FEATURES if form != "static" or f.kind == GENES)
    recipe = Recipe(features, signed=signed)
    if form == "static":
        return recipe
    shares = {"own": 1.0, "graph": 0.0}
    recipe = recipe.with_share(TRACK_KINDS, shares.get(form, 1.0))
    return recipe.with_share(["insulators"], DEFAULT_SHARE) if form == "fused" else recipe


def _best_share(task: Task, recipe: Recipe, kinds: Sequence[str], shares: Sequence[float]) -> Recipe:
    return _better(task, recipe, [recipe.with_share(kinds, share) for share in shares], 0.0)


def _better(task: Task, recipe: Recipe, others: Sequence[Recipe], worth: float) -> Recipe:
    """The best of some recipes if it does better by more than ``worth``, else the first."""
    best = max(others, key=task.score)
    return best if task.score(best) > task.score(recipe) + worth else recipe
