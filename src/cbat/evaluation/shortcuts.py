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
``static``         the distance, and what transcription starts alone say of the space between and around
                   the two ends: no track of any cell line
=================  =======================================================================================

Without a genome those that read sequences are missing (``artefact`` then knows no N), and without the section
``landscape`` ``static`` is. With chromosome folds each fold has a fit that has not read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings, SplitSettings
from cbat.data.stored import read_table, write_table
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.evaluation.landscape_references import static_features
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
STATIC: Final = "static"
OF_SEQUENCES: Final = frozenset({"enhancer_only", "promoter_only", "composition"})
"""Shortcuts that no run without a genome has."""
CURVED: Final = frozenset({"distance", "propensity", STATIC})
"""Shortcuts whose first column, the distance, enters as a spline."""
EVERYWHERE: Final = "all"
"""Stands for a fold where there are none: one fit for all chromosomes."""
FORMAT: Final = 2
_MOST_FITTED_PAIRS: Final = 60_000
_PAIRS_AT_ONCE: Final = 4_096
"""Pairs whose features are held together when they are scored."""
_MEND: Final = "run fit_references again"


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs with the elements that their ``enhancer`` and ``promoter`` columns index.

    Attributes
    ----------
    table : DataFrame
    enhancers, promoters : Elements
    static : array, shape=(n_pairs, n_features), or None
        What transcription starts say of each pair; None without the section ``landscape``.
    """

    table: pd.DataFrame
    enhancers: Elements
    promoters: Elements
    static: FloatArray | None = None

    def where(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Pairs:
        """Some of the pairs, by mask or by position."""
        table = self.table[rows] if rows.dtype == bool else self.table.iloc[rows]
        return replace(self, table=table, static=None if self.static is None else self.static[rows])

    def alone(self) -> Pairs:
        """The same pairs with no other elements than theirs, so that no others are described."""
        table, some = self.table.copy(), {}
        for role, held in zip(ROLES, self.elements, strict=True):
            rows, table[role] = np.unique(table[role].to_numpy(dtype=np.intp), return_inverse=True)
            some[role] = held.some(rows)
        return replace(self, table=table, enhancers=some["enhancer"], promoters=some["promoter"])

    @property
    def has_sequences(self) -> bool:
        """Whether the bases of the elements are known."""
        return all(held.codes is not None for held in self.elements)

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
class Fitted:
    """Shortcuts of one fit.

    Attributes
    ----------
    prior : float
        Share of positives among the fitted pairs.
    rates : mapping
        Role -> how often each element was positive in each training line.
    regressions : mapping
        Name of a shortcut -> its regression; all but ``prevalence``.
    """

    prior: float
    rates: Mapping[str, ElementRates]
    regressions: Mapping[str, Regression]

    def scores(self, pairs: Pairs) -> dict[str, tuple[FloatArray, float]]:
        """Probability of every pair, shape=(n,), and the threshold, by name."""
        found = {"prevalence": (np.full(len(pairs.table), self.prior), self.prior)}
        designs = _designs(self.rates)
        for name, regression in self.regressions.items():
            found[name] = _probability(regression, designs[name], pairs), regression.threshold
        return found


@dataclass(frozen=True)
class Shortcuts:
    """All shortcuts as the training lines have fitted them.

    Attributes
    ----------
    by_fold : mapping
        Fold -> the fit that has not read it; :data:`EVERYWHERE` alone where there are no folds.
    """

    by_fold: Mapping[str, Fitted]

    def scores(self, pairs: Pairs) -> dict[str, tuple[FloatArray, float]]:
        """Probability of every pair, shape=(n,), and the threshold, by name; over folds its mean."""
        if EVERYWHERE in self.by_fold:
            return self.by_fold[EVERYWHERE].scores(pairs)
        found: dict[str, tuple[FloatArray, list[float]]] = {}
        for fold, fitted in self.by_fold.items():
            rows = np.flatnonzero((pairs.table["split"] == fold).to_numpy())
            for name, (probability, threshold) in fitted.scores(pairs.where(rows)).items():
                whole, thresholds = found.setdefault(name, (np.full(len(pairs.table), np.nan), []))
                whole[rows] = probability
                thresholds.append(threshold)
        return {name: (whole, float(np.mean(thresholds))) for name, (whole, thresholds) in found.items()}


def run(
    *,
    training_labels: Sequence[Path],
    training_elements: Path,
    settings: EvaluationSettings,
    directory: Path,
    training_sequences: Path | None = None,
    training_landscapes: Mapping[str, Path] | None = None,
    splits: SplitSettings | None = None,
) -> None:
    """Fit the shortcuts to the training lines; write ``shortcuts.json`` and the rates of elements.

    Parameters
    ----------
    training_labels : sequence of Path
        Labelled pairs of all training lines; the file names name the lines.
    training_elements : Path
        Folder of the training cohort.
    settings : EvaluationSettings
        The seed.
    directory : Path
        Where they go; :func:`load_shortcuts` reads them.
    training_sequences : Path, optional
        Folder of the sequences of the training cohort; without it no shortcut reads any.
    training_landscapes : mapping, optional
        Training line -> folder of its landscape; without it there is no ``static``.
    splits : SplitSettings, optional
        Its folds, if it has any. Otherwise the column ``split`` of the labels says what is read.

    Raises
    ------
    UserError
        No training pairs to learn from.
    """
    training = read_pairs(
        training_labels, training_elements, training_sequences, landscapes=training_landscapes
    )
    save_shortcuts(directory, fit_shortcuts(training.alone(), seed=settings.seed, splits=splits))


def read_pairs(
    labels: Sequence[Path],
    elements: Path,
    sequences: Path | None,
    *,
    landscapes: Mapping[str, Path] | None = None,
) -> Pairs:
    """Labelled pairs of some cell lines of one cohort; ``cell_line`` is the stem of the file's name.

    Parameters
    ----------
    labels : sequence of Path
    elements : Path
        Folder of the cohort.
    sequences : Path or None
        Likewise; None without a genome.
    landscapes : mapping, optional
        Cell line -> folder of its landscape.

    Raises
    ------
    UserError
        No labels; a file that is missing or damaged; labels, elements, sequences and landscapes that do not
        belong together.
    """
    if not labels:
        raise UserError(
            "there are no training lines to learn the references from",
            mend="give at least one cell line of the sheet the role train",
        )
    held = {role: Elements.read(elements, sequences, role) for role in ROLES}
    tables, static = [], []
    for path in map(Path, labels):
        table = read_table(path, None, mend="run label_pairs again").assign(cell_line=path.stem)
        for role, known in held.items():
            known.check(table[role].to_numpy(), table[f"{role}_id"].to_numpy(), path)
        tables.append(table)
        if landscapes:
            static.append(static_features(landscapes[path.stem], table))
    together = np.concatenate(static) if static else None
    return Pairs(pd.concat(tables, ignore_index=True), held["enhancer"], held["promoter"], together)


def fit_shortcuts(training: Pairs, *, seed: int, splits: SplitSettings | None = None) -> Shortcuts:
    """Fit all shortcuts, once for each fold if there are any.

    Parameters
    ----------
    training : Pairs
        Of the training lines.
    seed : int
        Of the choice of pairs to fit where there are more than 60,000.
    splits : SplitSettings, optional
        Its folds.

    Raises
    ------
    UserError
        The training lines have no pairs of both classes on the training chromosomes.
    """
    found = {}
    for fold, fitted, validation in _parts(training.table, splits):
        found[fold] = _fit(training.where(_chosen(fitted, seed)), training.where(validation))
    return Shortcuts(found)


def _parts(
    table: pd.DataFrame, splits: SplitSettings | None
) -> Iterator[tuple[str, npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Fold, and the rows that its fit reads and takes its thresholds from."""
    if splits is None or splits.folds is None:
        split = table["split"].to_numpy()
        yield EVERYWHERE, np.flatnonzero(split == "train"), np.flatnonzero(split == "validation")
        return
    for member in splits.members():
        train, validation = (table["chrom"].isin(names) for names in (member.train, member.validation))
        yield member.name, np.flatnonzero(train), np.flatnonzero(validation)


def _fit(fitted: Pairs, validation: Pairs) -> Fitted:
    if len(set(fitted.label)) < 2:
        raise UserError(
            "the training lines have no positive and negative pairs on the training chromosomes",
            mend="check splits: train (or folds) in the configuration against the chromosomes of the pairs",
        )
    if len(set(validation.label)) < 2:
        validation = fitted
    rates = {role: ElementRates.of(fitted.table, role) for role in ROLES}
    regressions = {}
    for name, design in _designs(rates).items():
        if (name in OF_SEQUENCES and not fitted.has_sequences) or (name == STATIC and fitted.static is None):
            continue
        regression = fit_regression(design(fitted), fitted.label, curved=name in CURVED)
        threshold = best_f1_threshold(validation.label, _probability(regression, design, validation))
        regressions[name] = replace(regression, threshold=threshold)
    return Fitted(float(fitted.label.mean()), rates, regressions)


def save_shortcuts(directory: Path, shortcuts: Shortcuts) -> None:
    """Write ``shortcuts.json``, ``enhancer_rates.parquet`` and ``promoter_rates.parquet``."""
    folds = {}
    for fold, fitted in shortcuts.by_fold.items():
        regressions = {
            name: {key: np.asarray(value).tolist() for key, value in vars(regression).items()}
            for name, regression in fitted.regressions.items()
        }
        folds[fold] = {"prior": fitted.prior, "regressions": regressions}
    for role in ROLES:
        rates = [
            fitted.rates[role].by_line.reset_index().assign(fold=fold)
            for fold, fitted in shortcuts.by_fold.items()
        ]
        write_table(directory / f"{role}_rates.parquet", pd.concat(rates, ignore_index=True))
    write_json(directory / "shortcuts.json", {"format": FORMAT, "folds": folds})


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
        known = [*SHORTCUTS[1:], STATIC]
        fits = {
            fold: (
                float(one["prior"]),
                {
                    name: _regression_of(one["regressions"][name])
                    for name in known
                    if name in one["regressions"]
                },
            )
            for fold, one in content["folds"].items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"these are not fitted shortcuts ({error})", mend=_MEND, file=path) from error
    tables = {}
    for role in ROLES:
        columns = ["fold", "cell_line", f"{role}_id", "sum", "count"]
        tables[role] = read_table(path.parent / f"{role}_rates.parquet", columns, mend=_MEND)
    return Shortcuts(
        {
            fold: Fitted(
                prior, {role: _rates_of(tables[role], role, fold, prior) for role in ROLES}, regressions
            )
            for fold, (prior, regressions) in fits.items()
        }
    )


def _rates_of(table: pd.DataFrame, role: str, fold: str, prior: float) -> ElementRates:
    key = ["cell_line", f"{role}_id"]
    mine = table.loc[table["fold"] == fold, [*key, "sum", "count"]]
    return ElementRates(f"{role}_id", prior, mine.set_index(key))


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
        STATIC: lambda pairs: [
            Columns.of_each(pairs.log_distance),
            Columns.of_each(np.empty((len(pairs.table), 0)) if pairs.static is None else pairs.static),
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
