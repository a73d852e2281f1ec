"""Shortcuts that a model must beat: small regressions on something that should not suffice.

They are fitted once, to the training chromosomes of the training cell lines, and take their thresholds from
those lines' validation chromosomes; the labels of a cell line under evaluation never reach them.

=================  =======================================================================================
``prevalence``     the share of positives: its AUPR is the prevalence, by construction
``distance``       a cubic spline in the logarithm of the distance
``enhancer_only``  GC content and 4-mers of the enhancer, whatever the promoter
``promoter_only``  the same of the promoter, whatever the enhancer
``composition``    both
``propensity``     how often each of the two elements was positive in *other* training lines, and the
                   distance; on chromosomes without training pairs no element is known and the distance
                   is all that is left, which is what a split by chromosome is for
``artefact``       length of the source intervals, shift of the windows, share of N
=================  =======================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data.stored import read_table, write_table
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.evaluation.metrics import best_f1_threshold
from cbat.evaluation.reference_features import ElementRates, Elements
from cbat.evaluation.regression import Columns, Design, Regression, fit_regression
from cbat.files import write_json

FloatArray = npt.NDArray[np.float64]

SHORTCUTS: Final = (
    "prevalence",
    "distance",
    "enhancer_only",
    "promoter_only",
    "composition",
    "propensity",
    "artefact",
)
FORMAT: Final = 1
_MOST_FITTED_PAIRS: Final = 60_000
_PAIRS_AT_ONCE: Final = 4_096
"""Pairs whose features are held together when they are scored."""
_MEND: Final = "run fit_references anew"


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs with the elements that their ``enhancer`` and ``promoter`` columns index."""

    table: pd.DataFrame
    enhancers: Elements
    promoters: Elements

    def where(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Pairs:
        """Some of the pairs, by mask or by position."""
        return Pairs(self.table[rows] if rows.dtype == bool else self.table.iloc[rows], *self.elements)

    def alone(self) -> Pairs:
        """The same pairs with no other elements than theirs, so that no others are described."""
        table, elements = self.table.copy(), []
        for role, held in zip(ROLES, self.elements, strict=True):
            rows, table[role] = np.unique(table[role].to_numpy(dtype=np.intp), return_inverse=True)
            elements.append(held.some(rows))
        return Pairs(table, *elements)

    @property
    def elements(self) -> tuple[Elements, Elements]:
        """Enhancers and promoters."""
        return self.enhancers, self.promoters

    @property
    def label(self) -> npt.NDArray[np.int64]:
        """Labels, shape=(n,)."""
        return np.asarray(self.table["label"], dtype=np.int64)

    @property
    def log_distance(self) -> FloatArray:
        """Natural logarithm of the distance in bp, shape=(n, 1)."""
        distance: FloatArray = np.asarray(self.table["distance"], dtype=float)
        return np.log1p(distance)[:, None]

    def of_enhancers(self, values: FloatArray) -> Columns:
        """A row of ``values`` for the enhancer of each pair."""
        return Columns(values, np.asarray(self.table["enhancer"], dtype=np.intp))

    def of_promoters(self, values: FloatArray) -> Columns:
        """A row of ``values`` for the promoter of each pair."""
        return Columns(values, np.asarray(self.table["promoter"], dtype=np.intp))


@dataclass(frozen=True)
class Shortcuts:
    """All shortcuts as the training lines have fitted them.

    Attributes
    ----------
    prior : float
        Share of positives among the fitted pairs.
    rates : mapping
        Role -> how often each element was positive in each training line.
    regressions : mapping
        :data:`SHORTCUTS` without the first -> its regression.
    """

    prior: float
    rates: Mapping[str, ElementRates]
    regressions: Mapping[str, Regression]

    def scores(self, pairs: Pairs) -> dict[str, tuple[FloatArray, float]]:
        """Probability of every pair, shape=(n,), and the threshold, by :data:`SHORTCUTS`."""
        found = {"prevalence": (np.full(len(pairs.table), self.prior), self.prior)}
        designs = _designs(self.rates)
        for name, regression in self.regressions.items():
            found[name] = _probability(regression, designs[name], pairs), regression.threshold
        return found


def run(
    *,
    training_labels: Sequence[Path],
    training_elements: Path,
    training_sequences: Path,
    settings: EvaluationSettings,
    directory: Path,
) -> None:
    """Fit the shortcuts to the training lines; write ``shortcuts.json`` and the rates of elements.

    Parameters
    ----------
    training_labels : sequence of Path
        Labelled pairs of all training lines; the file names name the lines.
    training_elements, training_sequences : Path
        Folders of the training cohort.
    settings : EvaluationSettings
        The seed.
    directory : Path
        Where they go; :func:`load_shortcuts` reads them.

    Raises
    ------
    UserError
        No training pairs to learn from.
    """
    training = read_pairs(training_labels, training_elements, training_sequences)
    save_shortcuts(directory, fit_shortcuts(training.alone(), seed=settings.seed))


def read_pairs(labels: Sequence[Path], elements: Path, sequences: Path) -> Pairs:
    """Labelled pairs of some cell lines of one cohort; ``cell_line`` is the stem of the file's name.

    Raises
    ------
    UserError
        No labels; a file that is missing or damaged; labels, elements and sequences that do not belong
        together.
    """
    if not labels:
        raise UserError(
            "there are no training lines to learn the references from",
            mend="give at least one cell line of the sheet the role train",
        )
    held = {role: Elements.read(elements, sequences, role) for role in ROLES}
    tables = []
    for path in map(Path, labels):
        table = read_table(path, None, mend="run label_pairs anew").assign(cell_line=path.stem)
        for role, known in held.items():
            known.check(table[role].to_numpy(), table[f"{role}_id"].to_numpy(), path)
        tables.append(table)
    return Pairs(pd.concat(tables, ignore_index=True), *held.values())


def fit_shortcuts(training: Pairs, *, seed: int) -> Shortcuts:
    """Fit all shortcuts.

    Parameters
    ----------
    training : Pairs
        Of the training lines.
    seed : int
        Of the choice of pairs to fit where there are more than 60,000.

    Raises
    ------
    UserError
        The training lines have no pairs of both classes on the training chromosomes.
    """
    split = training.table["split"].to_numpy()
    fitted = training.where(_chosen(np.flatnonzero(split == "train"), seed))
    if len(set(fitted.label)) < 2:
        raise UserError(
            "the training lines have no positive and negative pairs on the training chromosomes",
            mend="check splits: train in the configuration against the chromosomes of the pairs",
        )
    validation = training.where(split == "validation")
    if len(set(validation.label)) < 2:
        validation = fitted
    rates = {role: ElementRates.of(fitted.table, role) for role in ROLES}
    regressions = {}
    for name, design in _designs(rates).items():
        regression = fit_regression(design(fitted), fitted.label, curved=name in ("distance", "propensity"))
        threshold = best_f1_threshold(validation.label, _probability(regression, design, validation))
        regressions[name] = replace(regression, threshold=threshold)
    return Shortcuts(float(fitted.label.mean()), rates, regressions)


def save_shortcuts(directory: Path, shortcuts: Shortcuts) -> None:
    """Write ``shortcuts.json``, ``enhancer_rates.parquet`` and ``promoter_rates.parquet``."""
    regressions = {
        name: {key: np.asarray(value).tolist() for key, value in vars(regression).items()}
        for name, regression in shortcuts.regressions.items()
    }
    for role, rates in shortcuts.rates.items():
        write_table(directory / f"{role}_rates.parquet", rates.by_line.reset_index())
    content = {"format": FORMAT, "prior": shortcuts.prior, "regressions": regressions}
    write_json(directory / "shortcuts.json", content)


def load_shortcuts(directory: Path) -> Shortcuts:
    """Read what :func:`save_shortcuts` has written.

    Raises
    ------
    UserError
        A file is missing, damaged or of another format.
    """
    path = Path(directory) / "shortcuts.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"the format is {content['format']}, not {FORMAT}")
        prior = float(content["prior"])
        regressions = {name: _regression_of(content["regressions"][name]) for name in SHORTCUTS[1:]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"these are not fitted shortcuts ({error})", mend=_MEND, file=path) from error
    rates = {}
    for role in ROLES:
        columns = ["cell_line", f"{role}_id", "sum", "count"]
        table = read_table(path.parent / f"{role}_rates.parquet", columns, mend=_MEND)
        rates[role] = ElementRates(f"{role}_id", prior, table.set_index(columns[:2]))
    return Shortcuts(prior, rates, regressions)


def _regression_of(stored: Mapping[str, Any]) -> Regression:
    arrays = {key: np.array(stored[key], dtype=float) for key in ("knots", "mean", "scale", "weight")}
    return Regression(**arrays, intercept=float(stored["intercept"]), threshold=float(stored["threshold"]))


def _designs(rates: Mapping[str, ElementRates]) -> dict[str, Callable[[Pairs], Design]]:
    """Features of each shortcut that has any."""
    return {
        "distance": lambda pairs: [Columns.of_each(pairs.log_distance)],
        "enhancer_only": lambda pairs: [pairs.of_enhancers(pairs.enhancers.composition)],
        "promoter_only": lambda pairs: [pairs.of_promoters(pairs.promoters.composition)],
        "composition": lambda pairs: [
            pairs.of_enhancers(pairs.enhancers.composition),
            pairs.of_promoters(pairs.promoters.composition),
        ],
        "propensity": lambda pairs: [
            Columns.of_each(pairs.log_distance),
            Columns.of_each(np.column_stack([rates[role].log_odds(pairs.table) for role in ROLES])),
        ],
        "artefact": lambda pairs: [
            pairs.of_enhancers(pairs.enhancers.artefacts),
            pairs.of_promoters(pairs.promoters.artefacts),
        ],
    }


def _probability(regression: Regression, design: Callable[[Pairs], Design], pairs: Pairs) -> FloatArray:
    """Probability of every pair, shape=(n,), without the features of all of them at a time."""
    n = len(pairs.table)
    parts = [np.arange(at, min(at + _PAIRS_AT_ONCE, n)) for at in range(0, n, _PAIRS_AT_ONCE)]
    found = [regression.probability(design(pairs.where(rows))) for rows in parts]
    return np.concatenate([np.empty(0), *found])


def _chosen(rows: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.intp]:
    if len(rows) <= _MOST_FITTED_PAIRS:
        return rows
    generator = np.random.default_rng([seed, 0xFE7C])
    return np.sort(generator.choice(rows, _MOST_FITTED_PAIRS, replace=False))
