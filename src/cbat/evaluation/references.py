"""References beside every result: shortcuts that a model must beat, and the oracle that none can.

Each shortcut is a small logistic regression on something that should not suffice. All are fitted to the
training chromosomes of the training cell lines and take their threshold from those lines' validation
chromosomes; the labels of the cell line under evaluation never reach them.

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
``oracle``         the true probability, where the data are simulated
``oracle_invariant``  the same averaged over environments: what knowing the pair alone is worth
=================  =======================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.errors import UserError
from cbat.evaluation.measure import Origin, metric_rows
from cbat.evaluation.metrics import best_f1_threshold
from cbat.evaluation.reference_features import ElementRates, Elements
from cbat.evaluation.table import as_table, write_table

FloatArray = npt.NDArray[np.float64]

ORACLES: Final = {"oracle": "probability", "oracle_invariant": "invariant_probability"}
SHORTCUTS: Final = (
    "prevalence",
    "distance",
    "enhancer_only",
    "promoter_only",
    "composition",
    "propensity",
    "artefact",
)
ORACLE_THRESHOLD: Final = 0.5
"""An oracle knows probabilities, so that it needs no threshold from validation pairs."""
_MOST_FITTED_PAIRS: Final = 60_000
_PENALTY: Final = 1.0
_N_KNOTS: Final = 8


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs with the elements that their ``enhancer`` and ``promoter`` columns index."""

    table: pd.DataFrame
    enhancers: Elements
    promoters: Elements

    def where(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Pairs:
        """Some of the pairs, by mask or by position."""
        return Pairs(self.table[rows] if rows.dtype == bool else self.table.iloc[rows], *self.elements)

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

    def of_enhancers(self, values: FloatArray) -> FloatArray:
        """A row of ``values`` for the enhancer of each pair."""
        rows: npt.NDArray[np.intp] = np.asarray(self.table["enhancer"], dtype=np.intp)
        return values[rows]

    def of_promoters(self, values: FloatArray) -> FloatArray:
        """A row of ``values`` for the promoter of each pair."""
        rows: npt.NDArray[np.intp] = np.asarray(self.table["promoter"], dtype=np.intp)
        return values[rows]


@dataclass(frozen=True)
class Reference:
    """Scores of one reference, shape=(n_pairs,), and its threshold."""

    probability: FloatArray
    threshold: float


def run(
    *,
    cell_line: str,
    role: Literal["seen", "unseen"],
    labels: Path,
    training_labels: Sequence[Path],
    elements: Path,
    training_elements: Path,
    sequences: Path,
    training_sequences: Path,
    settings: EvaluationSettings,
    output: Path,
    truth: Path | None = None,
) -> None:
    """Write the reference rows of one cell line (model = name of the reference, seed 0).

    Parameters
    ----------
    cell_line, role
        The line under evaluation, and whether models have seen it in training.
    labels : Path
        Its labelled pairs (``results/labels/<cell_line>.parquet``).
    training_labels : sequence of Path
        Those of all training lines; the file names name the lines.
    elements, sequences : Path
        Folders of the cohort of the line under evaluation.
    training_elements, training_sequences : Path
        Folders of the training cohort (for a seen line the same ones).
    settings : EvaluationSettings
        Splits to evaluate, number and seed of resamplings.
    output : Path
        The table.
    truth : Path, optional
        True probabilities of a simulated line; without it there are no oracles.

    Raises
    ------
    UserError
        No training pairs to learn from, or a truth that lacks pairs of the line.
    """
    target = read_pairs([labels], elements, sequences)
    same_cohort = Path(elements) == Path(training_elements)
    training = read_pairs(
        training_labels,
        training_elements,
        training_sequences,
        opened=target.elements if same_cohort else None,
    )
    references = shortcut_references(training, target, seed=settings.seed)
    if truth is not None:
        references |= oracle_references(target.table, truth)
    rows: list[dict[str, Any]] = []
    for name, reference in references.items():
        scored = target.table.assign(probability=reference.probability)
        origin = Origin(name, 0, cell_line, role)
        rows += metric_rows(scored, origin, threshold=reference.threshold, settings=settings)
    write_table(output, as_table(rows))


def read_pairs(
    labels: Sequence[Path], elements: Path, sequences: Path, opened: tuple[Elements, Elements] | None = None
) -> Pairs:
    """Labelled pairs of some cell lines of one cohort; ``cell_line`` is the stem of the file's name."""
    if not labels:
        raise UserError(
            "there are no training lines to learn the references from",
            mend="give at least one cell line of the sheet the role train",
        )
    tables = [pd.read_parquet(path).assign(cell_line=Path(path).stem) for path in labels]
    enhancers, promoters = opened or (
        Elements.read(elements, sequences, "enhancer"),
        Elements.read(elements, sequences, "promoter"),
    )
    return Pairs(pd.concat(tables, ignore_index=True), enhancers, promoters)


def shortcut_references(training: Pairs, target: Pairs, *, seed: int) -> dict[str, Reference]:
    """Fit all shortcuts to the training pairs and score the target's pairs.

    Parameters
    ----------
    training, target : Pairs
        Of the training lines and of the line under evaluation.
    seed : int
        Of the choice of pairs to fit where there are more than 60,000.

    Returns
    -------
    dict
        :data:`SHORTCUTS` -> scores of the target's pairs.

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
    prior = float(fitted.label.mean())
    everywhere = np.full(len(target.table), prior)
    references = {"prevalence": Reference(everywhere, prior)}
    for name, (features, n_curved) in _designs(fitted).items():
        model = _regression(n_curved)
        model.fit(features(fitted), fitted.label)
        scores = [_probability(model, features(pairs)) for pairs in (validation, target)]
        references[name] = Reference(scores[1], best_f1_threshold(validation.label, scores[0]))
    return references


def oracle_references(pairs: pd.DataFrame, truth: Path) -> dict[str, Reference]:
    """True probabilities of the pairs.

    Raises
    ------
    UserError
        A pair is missing from the truth.
    """
    key = ["enhancer_id", "promoter_id"]
    known = pd.read_parquet(truth)
    joined = pairs[key].merge(known, on=key, how="left", validate="many_to_one")
    lost = int(joined["probability"].isna().sum())
    if lost:
        raise UserError(
            f"{lost} of {len(pairs)} labelled pairs have no true probability",
            mend="simulate the benchmark and label its pairs anew, from one configuration",
            file=truth,
        )
    return {
        name: Reference(joined[column].to_numpy(dtype=float), ORACLE_THRESHOLD)
        for name, column in ORACLES.items()
        if column in joined
    }


Design = tuple[Callable[[Pairs], FloatArray], int]


def _designs(fitted: Pairs) -> dict[str, Design]:
    """Features of each shortcut, and how many of their leading columns enter through a spline."""
    enhancer_rates = ElementRates(fitted.table, "enhancer")
    promoter_rates = ElementRates(fitted.table, "promoter")
    return {
        "distance": (lambda pairs: pairs.log_distance, 1),
        "enhancer_only": (lambda pairs: pairs.of_enhancers(pairs.enhancers.composition), 0),
        "promoter_only": (lambda pairs: pairs.of_promoters(pairs.promoters.composition), 0),
        "composition": (
            lambda pairs: np.hstack(
                [
                    pairs.of_enhancers(pairs.enhancers.composition),
                    pairs.of_promoters(pairs.promoters.composition),
                ]
            ),
            0,
        ),
        "propensity": (
            lambda pairs: np.column_stack(
                [
                    pairs.log_distance,
                    enhancer_rates.log_odds(pairs.table),
                    promoter_rates.log_odds(pairs.table),
                ]
            ),
            1,
        ),
        "artefact": (
            lambda pairs: np.hstack(
                [pairs.of_enhancers(pairs.enhancers.artefacts), pairs.of_promoters(pairs.promoters.artefacts)]
            ),
            0,
        ),
    }


def _regression(n_curved: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    curves = SplineTransformer(n_knots=_N_KNOTS, knots="quantile", extrapolation="constant")
    columns = ColumnTransformer(
        [("curves", curves, list(range(n_curved)))] if n_curved else [], remainder="passthrough"
    )
    return make_pipeline(columns, StandardScaler(), LogisticRegression(C=_PENALTY, max_iter=500, tol=1e-4))


def _probability(model: Any, features: FloatArray) -> FloatArray:
    if not len(features):
        return np.empty(0)
    return np.asarray(model.predict_proba(features)[:, 1], dtype=float)


def _chosen(rows: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.intp]:
    if len(rows) <= _MOST_FITTED_PAIRS:
        return rows
    generator = np.random.default_rng([seed, 0xFE7C])
    return np.sort(generator.choice(rows, _MOST_FITTED_PAIRS, replace=False))
