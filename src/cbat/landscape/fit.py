"""Fit a law of the landscape to the training lines; lines that are left out choose what it holds.

The law of distance is fitted first and kept. Then every training line is left out once: the others' pairs on
training chromosomes fit candidates, which the pairs of that line on validation chromosomes judge (average
precision at natural prevalence, mean over lines). With chromosome folds each fold but the tested one
validates once. What is chosen so: the penalty, straight terms or ramps, how much the terms of a line's own
landscape count beside those of the expected one, for each kind of track, and whether anything beside the
distance pays at all. The choice is fitted to all training lines, on both parts of the chromosomes. One
training line alone judges itself, on its validation chromosomes, and says nothing of those shares.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from cbat.config.base import LabelKind
from cbat.config.sections import SplitSettings
from cbat.config.sheets import TRACK_KINDS
from cbat.errors import UserError
from cbat.landscape.candidates import (
    RIDGES,
    Known,
    Line,
    Part,
    Recipe,
    Task,
    both_classes,
    distance_law,
    weights_of,
)
from cbat.landscape.features import FEATURES, GENES, LENT, SIGNALS, kind_of
from cbat.landscape.law import UNBENT, Fit, FloatArray, Law, distance_basis, save_law
from cbat.landscape.regression import level_of
from cbat.sentences import in_words

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of a line's own evidence that are tried for each kind of track."""
DEFAULT_SHARE: Final = 0.5
"""Own share where no line can be left out; of starts of genes wherever both sides count."""
WORTH: Final = 0.003
"""By how much a choice must do better than a simpler one, in average precision."""
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
    label_kind: LabelKind = "contact",
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
    label_kind : str
        ``contact``, or ``regulation``, whose laws hold some features more.

    Raises
    ------
    UserError
        A landscape is missing or damaged, or no pairs of both classes are there to fit.
    """
    lines = {name: Line.read(landscapes[name]) for name in (*train_lines, *validation_lines)}
    names = (tuple(train_lines), tuple(validation_lines))
    known: Known = {}
    members = {
        name: fit_member(Task(lines, *names, parts, known), law, label_kind=label_kind)
        for name, parts in parts_of(splits).items()
    }
    if splits.folds is not None:
        # With one split the new line's model is that of the test: nothing of the test chromosomes is read.
        every = tuple(chrom for chromosomes in splits.chromosomes.values() for chrom in chromosomes)
        task = Task(lines, *names, (Part(every, every),))
        members[ALL] = fit_member(task, law, _usual(list(members.values()), law))
    save_law(output, Law(law, members, tuple(train_lines)))
    for name, fit in members.items():
        _logger.info("%s: %s", name, in_words(fit.chosen))


def parts_of(splits: SplitSettings) -> dict[str, tuple[Part, ...]]:
    """Member of a law -> the chromosomes that fit and those that judge, for each time that it is judged.

    Nothing of the chromosomes that a member tests is among them.
    """
    if splits.folds is None:
        return {one.name: (Part(one.train, one.validation),) for one in splits.members()}
    given = splits.chromosomes
    parts: dict[str, tuple[Part, ...]] = {}
    for tested in given:
        others = [name for name in given if name != tested]
        parts[tested] = tuple(
            Part(tuple(chrom for name in others if name != judge for chrom in given[name]), given[judge])
            for judge in others
        )
    return parts


@dataclass(frozen=True)
class Choice:
    """What a member holds, where its threshold is, and what else was tried.

    Attributes
    ----------
    recipe : Recipe or None
        None is the law of distance.
    threshold : float
        Probability.
    record : dict
    """

    recipe: Recipe | None
    threshold: float
    record: dict[str, Any]


def fit_member(
    task: Task, law: str, choice: Choice | None = None, *, label_kind: LabelKind = "contact"
) -> Fit:
    """Choose and fit one member of a law.

    Parameters
    ----------
    task : Task
    law : str
        See :func:`run`.
    choice : Choice, optional
        Taken instead of choosing.
    label_kind : str
        See :func:`run`.
    """
    lines = [task.lines[name].on(task.chromosomes) for name in task.train_lines]
    if not both_classes(np.concatenate([line.label for line in lines])):
        raise UserError(
            "the training chromosomes hold no pairs of both classes",
            mend="put more chromosomes on that side (section splits), or check the labels",
        )
    weights, level = distance_law(lines)
    if choice is None:
        recipe, record = _choose(task, law, label_kind)
        record["thresholds"] = task.thresholds(recipe)
        choice = Choice(recipe, task.threshold(recipe), record)
    distance = tuple(float(w) for w in weights)
    recipe, threshold, record = choice.recipe, choice.threshold, choice.record
    if recipe is None:
        return Fit(distance, level, (), {}, "linear", (), (), UNBENT, threshold, record)
    offset = np.concatenate([distance_basis(line.distance).astype(float) @ weights for line in lines]) + level
    own, graph = _both_weights(lines, recipe, offset)
    shares = {kind: recipe.shares[kind] for kind in TRACK_KINDS}
    fit = Fit(distance, level, recipe.features, shares, recipe.shape, own, graph, 0.0, threshold, record)
    read = np.concatenate([fit.resistance(line.own, line.graph) for line in lines])
    level += level_of(offset - read, np.concatenate([line.label for line in lines]))
    return replace(fit, level=level, constant=UNBENT - float(read.min()))


def _both_weights(
    lines: Sequence[Line], recipe: Recipe, offset: FloatArray
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Weights in the resistance of own and of expected features; the same where only one of them counts."""
    found = {source: -weights_of(lines, source, recipe, offset) for source in recipe.sources}
    own, graph = (found.get(source, next(iter(found.values()))) for source in ("own", "graph"))
    # Starts of genes are the same features on both sides.
    share = recipe.shares[GENES]
    shared = np.tile([kind_of(name) == GENES for name in recipe.features], len(own) // len(recipe.features))
    of_both = share * own + (1.0 - share) * graph
    own, graph = (np.where(shared, of_both, weights) for weights in (own, graph))
    return tuple(map(float, own)), tuple(map(float, graph))


def _usual(members: Sequence[Fit], law: str) -> Choice:
    """What most members hold, with the medians of their numbers."""
    threshold = float(np.median([fit.threshold for fit in members]))
    features = Counter(fit.features for fit in members).most_common(1)[0][0]
    known = [fit.chosen["thresholds"] for fit in members]
    thresholds = {
        precision: float(np.median([one[precision] for one in known if precision in one]))
        for precision in sorted({precision for one in known for precision in one})
    }
    if not features:
        return Choice(None, threshold, {"thresholds": thresholds})
    chosen = [fit.chosen["chosen"] for fit in members if fit.features == features]
    shares = {
        kind: float(np.median([one["own_share"][kind] for one in chosen])) for kind in chosen[0]["own_share"]
    }
    recipe = Recipe(
        features,
        tuple(sorted(shares.items())),
        Counter(one["shape"] for one in chosen).most_common(1)[0][0],
        float(np.median([one["ridge"] for one in chosen])),
        signed=not law.endswith("_free"),
    )
    return Choice(recipe, threshold, {"chosen": recipe.in_words(), "thresholds": thresholds})


def _choose(task: Task, law: str, label_kind: LabelKind) -> tuple[Recipe | None, dict[str, Any]]:
    """The recipe of a law that does best on lines left out, and what was tried."""
    form = law.removesuffix("_free")
    if form == "distance":
        return None, {"average_precision": {"distance": task.score(None)}}
    signed, ridges = not law.endswith("_free"), RIDGES[label_kind]
    start = _start(form, label_kind, task.signals, signed=signed, ridge=ridges[0])
    if not task.rounds:
        return start, {"chosen": start.in_words(), "average_precision": {}}
    worth = WORTH if label_kind == "regulation" else 0.0
    best = _better(task, start, [replace(start, ridge=ridge) for ridge in ridges[1:]], worth)
    best = _better(task, best, [replace(best, shape="ramps")], WORTH)
    tried = {"distance": task.score(None)}
    if form == "fused" and task.leaves_lines_out:
        alone = {"graph": best.with_share(LENT, 0.0), "own": best.with_share(LENT, 1.0)}
        tried |= {name: task.score(recipe) for name, recipe in alone.items()}
        best = _better(task, best, list(alone.values()), 0.0)
        for kind in TRACK_KINDS:
            best = _better(task, best, [best.with_share([kind], share) for share in SHARES], 0.0)
    tried[law] = task.score(best)
    simpler: Recipe | None = best
    static = _start("static", label_kind, frozenset(), signed=signed, ridge=ridges[0])
    for name, recipe in (("static", static), ("distance", None)):
        tried.setdefault(name, task.score(recipe))
        if task.score(recipe) > task.score(simpler):
            simpler = recipe
    record: dict[str, Any] = {"average_precision": tried}
    if simpler is not None:
        record["chosen"] = simpler.in_words()
    return simpler, record


def _start(
    form: str, label_kind: LabelKind, signals: frozenset[str], *, signed: bool, ridge: float
) -> Recipe:
    """What a law begins with: straight terms; of signals those that training lines have."""
    # No graph expects them.
    known = signals if form in ("own", "fused") and label_kind == "regulation" else frozenset()
    features = tuple(
        feature.name
        for feature in FEATURES
        if (form != "static" or feature.kind == GENES)
        and (label_kind == "regulation" or not feature.of_regulation)
        and (feature.kind != SIGNALS or feature.name in known)
    )
    share = {"own": 1.0, "static": 1.0, "graph": 0.0, "fused": DEFAULT_SHARE}[form]
    recipe = Recipe(features, (), ridge=ridge, signed=signed).with_share(LENT, share)
    return recipe.with_share([SIGNALS], 1.0) if known else recipe


def _better(task: Task, recipe: Recipe, others: Sequence[Recipe], worth: float) -> Recipe:
    """The best of some recipes if it does better by more than ``worth``, else the first."""
    best = max(others, key=task.score)
    return best if task.score(best) > task.score(recipe) + worth else recipe
