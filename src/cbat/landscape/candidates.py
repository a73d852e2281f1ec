"""What a law of the landscape may be made of, and how well that does on training lines that are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.landscape.apply import LineLandscape
from cbat.landscape.features import KINDS, NAMES, SIGNALS, columns_of, kind_of
from cbat.landscape.law import Columns, FloatArray, Shape, distance_basis, rows_of, shaped, terms_of
from cbat.landscape.regression import fit_logistic, level_of

DISTANCE_RIDGE: Final = 1e-6
RIDGES: Final[Mapping[str, tuple[float, ...]]] = {
    "contact": (3e-4, 3e-3, 3e-2),
    # A screen has some hundred regulated pairs. What a weaker penalty added in the screens that it was fitted
    # to was mostly lost in another one, so that it has to be worth something.
    "regulation": (3e-3, 3e-4, 3e-5),
}
"""Kind of label -> penalties that are tried, the first one before the others."""
RAMPS_RIDGE: Final = 3e-3
PRECISIONS: Final = (0.5, 0.7)
"""Shares of true pairs among those that are called, for which a law knows a threshold."""
LEAST_CALLED: Final = 20
ROWS_TO_CHOOSE: Final = 20_000
"""Candidates are fitted to less than twice as many pairs; the chosen one is fitted to all."""


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

    def columns(self, source: str) -> Columns:
        """Standardised features of ``own`` or ``graph``."""
        return self.own if source == "own" else self.graph

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
    """A candidate.

    Attributes
    ----------
    features : tuple of str
    own_share : tuple of (kind, share)
        How much the terms of the line's own landscape count, for each kind that it holds; the rest goes to
        the terms of the expected one.
    shape : str
    ridge : float
        Penalty of straight weights.
    signed : bool
        Whether all ramps of a feature have the sign of its straight weight.
    """

    features: tuple[str, ...]
    own_share: tuple[tuple[str, float], ...]
    shape: Shape = "linear"
    ridge: float = RIDGES["contact"][0]
    signed: bool = True

    @property
    def shares(self) -> dict[str, float]:
        """Kind -> share of the line's own terms."""
        return dict(self.own_share)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that have a share, in the order of :data:`~cbat.landscape.features.KINDS`."""
        return tuple(kind for kind in KINDS if kind in self.shares)

    @property
    def sources(self) -> tuple[str, ...]:
        """Landscapes whose terms count: ``own``, ``graph`` or both."""
        shares = set(self.shares.values())
        return ("graph",) * (shares != {1.0}) + ("own",) * (shares != {0.0})

    def with_share(self, kinds: Sequence[str], share: float) -> Recipe:
        """The same with another share of the line's own evidence in some kinds."""
        return replace(self, own_share=tuple(sorted((self.shares | dict.fromkeys(kinds, share)).items())))

    def in_words(self) -> dict[str, Any]:
        """For the record."""
        return {
            "own_share": self.shares,
            "shape": self.shape,
            "ridge": self.ridge,
            "n_features": len(self.features),
        }


def weights_of(lines: Sequence[Line], source: str, recipe: Recipe, offset: FloatArray) -> FloatArray:
    """Weights of the shaped features of one source in the log-odds, in the order of their blocks.

    Ramps are the mean of a straight fit and of one that is free to bend: a whole bend does no better in
    other lines.

    Parameters
    ----------
    lines : sequence of Line
    source : str
        ``own`` or ``graph``.
    recipe : Recipe
        Its shares do not matter here.
    offset : array, shape=(n,)
        Log-odds of the pairs of all lines by their distance.
    """
    columns = np.concatenate([line.columns(source)[:, rows_of(recipe.features)] for line in lines])
    label = np.concatenate([line.label for line in lines])
    straight, _ = fit_logistic(columns, label, offset, recipe.ridge)
    if recipe.shape == "linear":
        return straight
    signs = np.tile(np.sign(straight), 3).astype(np.int8) if recipe.signed else None
    bent, _ = fit_logistic(shaped(columns, recipe.shape), label, offset, RAMPS_RIDGE, signs)
    return np.asarray((np.tile(straight, 3) + bent) / 2.0)


def distance_law(lines: Sequence[Line]) -> tuple[FloatArray, float]:
    """Weights and level of the law of distance."""
    columns = distance_basis(np.concatenate([line.distance for line in lines]))
    return fit_logistic(columns, np.concatenate([line.label for line in lines]), 0.0, DISTANCE_RIDGE)


def both_classes(label: FloatArray) -> bool:
    """Whether there are contacts and others."""
    return bool(len(label)) and 0.0 < float(label.mean()) < 1.0


@dataclass(frozen=True)
class Part:
    """Chromosomes that fit candidates, and others that judge them."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


Known = dict[tuple[object, ...], FloatArray]
"""What has been fitted -> its weights. Two folds that are tested share the fits that read neither."""


@dataclass(eq=False)
class Task:
    """What one member is fitted to and judged by.

    Attributes
    ----------
    lines : mapping
    train_lines, validation_lines : tuple of str
        Those judge that are named as validation lines, or else each training line, by the others.
    parts : tuple of Part
        Each is judged in its turn; the chosen candidate is fitted to all of their chromosomes.
    known : dict
        Weights of earlier fits, perhaps of other tasks with the same lines; more are added.
    """

    lines: Mapping[str, Line]
    train_lines: tuple[str, ...]
    validation_lines: tuple[str, ...]
    parts: tuple[Part, ...]
    known: Known = field(default_factory=dict)
    _judged: dict[Recipe | None, tuple[float, FloatArray, FloatArray]] = field(default_factory=dict)
    _rounds: dict[str, list[_Round]] | None = None

    @property
    def chromosomes(self) -> list[str]:
        """All that may be read."""
        return sorted({chrom for part in self.parts for chrom in (*part.train, *part.validation)})

    @property
    def signals(self) -> frozenset[str]:
        """Features of signals that some training line has; of others nothing can be learned."""
        columns = {name: NAMES.index(name) for name in NAMES[columns_of(SIGNALS)]}
        lines = [self.lines[name] for name in self.train_lines]
        return frozenset(name for name, at in columns.items() if any(line.own[:, at].any() for line in lines))

    @property
    def leaves_lines_out(self) -> bool:
        """Whether lines judge that were not fitted to."""
        return bool(self.validation_lines) or len(self.train_lines) > 1

    @property
    def rounds(self) -> dict[str, list[_Round]]:
        """Line that judges -> a fit of other lines and pairs of its own for each part of the chromosomes."""
        if self._rounds is None:
            self._rounds = {}
            for judge in self.validation_lines or self.train_lines:
                found = [one for part in self.parts if (one := self._round(judge, part)) is not None]
                if found and both_classes(np.concatenate([one.judged.label for one in found])):
                    self._rounds[judge] = found
        return self._rounds

    def _round(self, judge: str, part: Part) -> _Round | None:
        others = [name for name in self.train_lines if name != judge or not self.leaves_lines_out]
        judged = self.lines[judge].on(part.validation)
        fitted = [self.lines[name].on(part.train) for name in others]
        if not len(judged.pairs) or not both_classes(np.concatenate([line.label for line in fitted])):
            return None
        return _Round.of(fitted, judged, (tuple(sorted(part.train)), tuple(others)), self.known)

    def score(self, recipe: Recipe | None) -> float:
        """Mean average precision on lines left out; None is the law of distance alone."""
        return self._of(recipe)[0]

    def threshold(self, recipe: Recipe | None) -> float:
        """Probability of the best F1 on lines left out."""
        if not self.rounds:
            return 0.5
        _, label, logit = self._of(recipe)
        return _threshold_of_best_f1(label, logit)

    def thresholds(self, recipe: Recipe | None) -> dict[str, float]:
        """Precision on lines left out -> the lowest probability from which on it is reached.

        A precision that is reached nowhere, or by fewer than :data:`LEAST_CALLED` pairs, is left out.
        """
        if not self.rounds:
            return {}
        _, label, logit = self._of(recipe)
        return _thresholds_of_precision(label, logit)

    def _of(self, recipe: Recipe | None) -> tuple[float, FloatArray, FloatArray]:
        """Mean over judges, and labels and log-odds of all their pairs."""
        if recipe not in self._judged:
            labels, logits = [], []
            for found in self.rounds.values():
                labels.append(np.concatenate([one.judged.label for one in found]))
                logits.append(np.concatenate([one.logit(recipe) for one in found]))
            scores = [average_precision(*both) for both in zip(labels, logits, strict=True)]
            mean = float(np.mean(scores)) if scores else 0.0
            self._judged[recipe] = mean, np.concatenate([*labels, []]), np.concatenate([*logits, []])
        return self._judged[recipe]


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


def _thresholds_of_precision(label: FloatArray, logit: FloatArray) -> dict[str, float]:
    """See :meth:`Task.thresholds`."""
    from sklearn.metrics import precision_recall_curve

    precision, _, at = precision_recall_curve(label, logit)
    called = len(logit) - np.searchsorted(np.sort(logit), at)
    found = {}
    for wanted in PRECISIONS:
        reached = np.flatnonzero((precision[:-1] >= wanted) & (called >= LEAST_CALLED))
        if len(reached):
            found[str(wanted)] = float(1.0 / (1.0 + np.exp(-at[reached[0]])))
    return found


@dataclass(frozen=True, eq=False)
class _Round:
    """Lines that fit, and a line that judges."""

    fitted: list[Line]
    judged: Line
    offset: FloatArray
    judged_offset: FloatArray
    name: tuple[object, ...]
    known: Known
    _terms_of: dict[tuple[str, Recipe], tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    @classmethod
    def of(cls, fitted: Sequence[Line], judged: Line, name: tuple[object, ...], known: Known) -> _Round:
        thinned = _thinned(fitted)
        weights, level = distance_law(thinned)
        offsets = [
            distance_basis(line.distance).astype(float) @ weights + level for line in (*thinned, judged)
        ]
        return cls(thinned, judged, np.concatenate(offsets[:-1]), offsets[-1], name, known)

    def logit(self, recipe: Recipe | None) -> FloatArray:
        """Log-odds of the pairs that are judged."""
        if recipe is None:
            return self.judged_offset
        fitted, judged = self.offset, self.judged_offset
        for source in recipe.sources:
            own = np.array([recipe.shares[kind] for kind in recipe.kinds])
            share = own if source == "own" else 1.0 - own
            of_fitted, of_judged = self._terms(source, recipe)
            fitted, judged = fitted + of_fitted @ share, judged + of_judged @ share
        return judged + level_of(fitted, np.concatenate([line.label for line in self.fitted]))

    def _terms(self, source: str, recipe: Recipe) -> tuple[FloatArray, FloatArray]:
        """What each kind adds on the pairs of the fit and on those that are judged, shape=(n, n_kinds)."""
        key = (source, recipe.with_share(recipe.kinds, 1.0))
        if key not in self._terms_of:
            weights = self.known.get((*self.name, *key))
            if weights is None:
                weights = weights_of(self.fitted, source, recipe, self.offset)
                self.known[(*self.name, *key)] = weights
            kinds = np.array([kind_of(name) for name in recipe.features])
            belongs = (kinds[:, None] == np.array(recipe.kinds)).astype(float)
            of_lines = [
                terms_of(line.columns(source), recipe.features, recipe.shape, weights) @ belongs
                for line in (*self.fitted, self.judged)
            ]
            self._terms_of[key] = (np.concatenate(of_lines[:-1]), of_lines[-1])
        return self._terms_of[key]


def _thinned(lines: Sequence[Line]) -> list[Line]:
    """Every so many pairs of each line, where there are many; all of them if one class would be lost."""
    step = max(sum(len(line.pairs) for line in lines) // ROWS_TO_CHOOSE, 1)
    some = [Line(line.pairs.iloc[::step], line.own[::step], line.graph[::step]) for line in lines]
    return some if both_classes(np.concatenate([line.label for line in some])) else list(lines)
