"""Say what each part of the landscape adds to the resistance of a predicted pair, or of a line on average.

A law is a sum before its softplus, so that its parts are exact: each feature's term, scaled by the slope of
the softplus between an average landscape and that of the pair. With the resistance in an average landscape
they add up to :math:`R_E`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.data.windows import ROLES
from cbat.drawing import svg_figure
from cbat.landscape.features import FEATURES, NAMES, kind_of
from cbat.landscape.law import Columns, Fit, FloatArray, softplus
from cbat.model.about import check_hashes
from cbat.prediction.chosen_pairs import all_elements, draw_pairs, find_pair
from cbat.prediction.explain_figure import NAMES as TITLES
from cbat.prediction.explain_figure import SIGN, WIDTH, bars, draw_line, pair_title
from cbat.prediction.explanation_files import Explanation, about_element, check_arguments, check_energies
from cbat.prediction.line_landscape import LineLandscape, Sources
from cbat.prediction.plan import read_plan
from cbat.prediction.scored_pairs import check_same_model
from cbat.prediction.shared_landscape import SharedLandscape, read_landscape

OF_PAIR: Final = [
    "quantity", "part", "label", "formula", "unit", "own", "expected", "own_share", "own_z", "expected_z",
    "change", "on_score",
]  # fmt: skip
OF_LINE: Final = [
    "quantity", "part", "label", "formula", "mean", "mean_size", "in_contacts", "in_others", "difference",
    "on_score",
]  # fmt: skip
DISTANCE: Final = "distance"


@dataclass(frozen=True, eq=False)
class Parts:
    """What makes the energies of some pairs.

    Attributes
    ----------
    fit : Fit
    own, expected : float32 array, shape=(n, n_features)
        Features as the line's own tracks and the training lines' have them.
    own_z, expected_z : float32 array, shape=(n, n_features)
        The same standardised: what the law reads.
    before : array, shape=(n, n_terms)
        What each feature of the law adds before the softplus.
    by_distance : array, shape=(n,)
        What the distance adds to the potential of a pair 100 kb apart.
    sources : Sources
    """

    fit: Fit
    own: Columns
    expected: Columns
    own_z: Columns
    expected_z: Columns
    before: FloatArray
    by_distance: FloatArray
    sources: Sources

    @classmethod
    def of(cls, shared: SharedLandscape, line: LineLandscape, directory: Path, pairs: pd.DataFrame) -> Parts:
        """Read the landscape of pairs, see :func:`cbat.prediction.chosen_pairs.with_elements`."""
        tables = all_elements(directory)
        fit, shape = shared.fit, (len(pairs), len(NAMES))
        own, expected, own_z, expected_z = (np.zeros(shape, dtype=np.float32) for _ in range(4))
        before = np.zeros((len(pairs), len(fit.features)))
        for mine, reader, some in line.by_chromosome(shared, tables, pairs):
            own[mine], expected[mine] = reader.columns(some)
            own_z[mine], expected_z[mine] = line.standardised(reader, some)
            if fit.features:
                before[mine] = fit.terms(own_z[mine], expected_z[mine])
        by_distance = fit.potential(pairs["distance"].to_numpy()) - (fit.level + fit.constant)
        return cls(fit, own, expected, own_z, expected_z, before, by_distance, line.sources)

    @property
    def average(self) -> float:
        """Resistance in an average landscape."""
        return float(softplus(np.array([self.fit.constant]))[0])

    @property
    def resistance(self) -> FloatArray:
        """:math:`R_E`, shape=(n,)."""
        return softplus(self.fit.constant + self.before.sum(axis=1))

    @property
    def potential(self) -> FloatArray:
        """:math:`U_I`, shape=(n,)."""
        return np.asarray(self.by_distance + self.fit.level + self.fit.constant)

    @property
    def change(self) -> FloatArray:
        """What each feature of the law adds to :math:`R_E`, shape=(n, n_terms)."""
        total = self.before.sum(axis=1)
        away = np.abs(total) > 1e-9
        slope = np.where(away, (self.resistance - self.average) / np.where(away, total, 1.0), 1.0)
        return np.asarray(self.before * slope[:, None])


def explained(
    *,
    model_directory: Path,
    prediction: Path,
    enhancer: str | None,
    promoter: str | None,
    pairs: int,
    seed: int,
) -> Explanation:
    """Explain a pair or a line; see :func:`cbat.prediction.explanation.explained`."""
    check_arguments(enhancer, promoter, pairs)
    digest, plan = check_hashes(model_directory), read_plan(prediction)
    check_same_model(digest, plan, model_directory)
    line = LineLandscape.read(prediction)
    shared = read_landscape(Path(model_directory), assembly=line.sources.assembly)
    one = enhancer is not None and promoter is not None
    if enhancer is not None and promoter is not None:
        chosen = find_pair(prediction, plan, enhancer, promoter)
    else:
        chosen = draw_pairs(prediction, plan, pairs, seed)
    parts = Parts.of(shared, line, prediction, chosen)
    check_energies(chosen, "intrinsic_potential", parts.potential, prediction)
    check_energies(chosen, "environment_resistance", parts.resistance, prediction)
    if one:
        return _of_pair(parts, plan.cell_line, chosen, prediction)
    return _of_line(parts, plan.cell_line, chosen)


def _of_pair(parts: Parts, cell_line: str, pairs: pd.DataFrame, prediction: Path) -> Explanation:
    pair, table = pairs.iloc[0], pair_table(parts)
    tables = all_elements(prediction)
    shares = _by_kind(parts.fit, parts.change)
    summary: dict[str, Any] = {
        "cell_line": cell_line,
        **{role: about_element(tables[role].iloc[int(pair[role])]) for role in ROLES},
        "distance": int(pair["distance"]),
        "score": float(pair["score"]),
        "probability": float(pair["probability"]),
        "rank": int(pair["rank"]),
        "contact": bool(pair["contact"]),
        "U_I": {
            "value": float(parts.potential[0]),
            "at_100_kb": float(parts.fit.level + parts.fit.constant),
            "distance": float(parts.by_distance[0]),
        },
        "R_E": {
            "value": float(parts.resistance[0]),
            "in_an_average_landscape": parts.average,
            "by_kind": {kind: float(value[0]) for kind, value in shares.items()},
        },
    }
    names = [summary[role]["id"] for role in ROLES]
    draw = partial(_draw_pair, parts, summary, table, shares)
    return Explanation(" with ".join(names), table, summary, draw)


def _draw_pair(
    parts: Parts,
    summary: Mapping[str, Any],
    table: pd.DataFrame,
    shares: Mapping[str, FloatArray],
    path: Path,
) -> None:
    with svg_figure(path, WIDTH, 4.6) as figure:
        figure.suptitle(pair_title(summary), fontsize=11.5, x=0.01, ha="left")
        left, right = figure.subplots(1, 2)
        kinds = {"distance": float(parts.by_distance[0])} | {
            kind: -float(value[0]) for kind, value in shares.items()
        }
        bars(left, pd.DataFrame({"label": list(kinds), "part": "sum", "on_score": list(kinds.values())}))
        left.set_title("the score by kind", loc="left")
        bars(right, table[table["quantity"] == "R_E"])
        right.set_title(f"{TITLES['R_E']}: {parts.resistance[0]:.2f}", loc="left")


def pair_table(parts: Parts) -> pd.DataFrame:
    """Parts of both energies of the first pair; ``change`` adds up to the energy.

    Returns
    -------
    DataFrame
        :data:`OF_PAIR`: ``own`` and ``expected`` are the feature in the line's own tracks and in those of the
        training lines, where they are read, ``own_z`` and ``expected_z`` what the law reads of them (standard
        deviations) and ``own_share`` how much the own one counts.
    """
    rows = _references(parts, float(parts.by_distance[0]))
    for number, name in enumerate(parts.fit.features):
        at = NAMES.index(name)
        feature = FEATURES[at]
        own_share = parts.sources.own_share(parts.fit, feature.kind)
        reads_own, reads_expected = own_share > 0.0, own_share < 1.0
        rows.append(
            {
                "quantity": "R_E",
                "part": feature.kind,
                "label": name,
                "formula": feature.formula,
                "unit": feature.unit,
                "own": float(parts.own[0, at]) if reads_own else None,
                "expected": float(parts.expected[0, at]) if reads_expected else None,
                "own_share": own_share,
                "own_z": float(parts.own_z[0, at]) if reads_own else None,
                "expected_z": float(parts.expected_z[0, at]) if reads_expected else None,
                "change": float(parts.change[0, number]),
            }
        )
    table = pd.DataFrame(rows).reindex(columns=OF_PAIR)
    table["on_score"] = table["quantity"].map(SIGN) * table["change"]
    return _ordered(table, "on_score")


def _references(parts: Parts, by_distance: float) -> list[dict[str, Any]]:
    level = float(parts.fit.level + parts.fit.constant)
    return [
        {"quantity": "U_I", "part": "reference", "label": "a pair 100 kb apart", "change": level},
        {
            "quantity": "U_I",
            "part": DISTANCE,
            "label": "the law of distance",
            "change": by_distance,
        },
        {"quantity": "R_E", "part": "reference", "label": "an average landscape", "change": parts.average},
    ]


def _ordered(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """The reference of each energy first, then the largest parts."""
    order = pd.DataFrame(
        {
            "quantity": table["quantity"].map({name: place for place, name in enumerate(SIGN)}),
            "reference": table["part"] != "reference",
            "size": -table[key].abs(),
        }
    )
    return table.loc[order.sort_values([*order], kind="stable").index].reset_index(drop=True)


def _by_kind(fit: Fit, change: FloatArray) -> dict[str, FloatArray]:
    """Sum of the parts of each kind, shape=(n,)."""
    kinds = np.array([kind_of(name) for name in fit.features])
    return {str(kind): change[:, kinds == kind].sum(axis=1) for kind in dict.fromkeys(kinds.tolist())}


def _of_line(parts: Parts, cell_line: str, pairs: pd.DataFrame) -> Explanation:
    contact = pairs["contact"].to_numpy(dtype=bool)
    table = line_table(parts, contact)
    shares = _by_kind(parts.fit, parts.change)
    summary = {
        "cell_line": cell_line,
        "contacts": int(contact.sum()),
        "other_pairs": int((~contact).sum()),
        # How much of the spread of the landscape's part each kind makes.
        "share_of_the_spread": _spread(shares, parts),
    }
    return Explanation(
        cell_line,
        table,
        summary,
        lambda path: draw_line(path, summary, table, "distance and landscape"),
    )


def _spread(shares: Mapping[str, FloatArray], parts: Parts) -> dict[str, float]:
    """Covariance of each part with the score, as a share of its variance: they add up to 1."""
    score = parts.potential - parts.resistance
    variance = float(np.var(score))
    if variance <= 0.0:
        return {}
    every = {DISTANCE: parts.by_distance} | {kind: -value for kind, value in shares.items()}
    centred = score - score.mean()
    return {kind: float(np.mean(value * centred)) / variance for kind, value in every.items()}


def line_table(parts: Parts, contact: Any) -> pd.DataFrame:
    """Mean parts of both energies over some contacts and some other pairs; columns :data:`OF_LINE`."""
    n = len(contact)
    columns: list[tuple[dict[str, Any], FloatArray]] = [
        ({"quantity": one["quantity"], "part": one["part"], "label": one["label"]}, np.full(n, one["change"]))
        for one in _references(parts, 0.0)
        if one["part"] == "reference"
    ]
    law = {"quantity": "U_I", "part": DISTANCE, "label": "the law of distance"}
    columns.append((law, parts.by_distance))
    for number, name in enumerate(parts.fit.features):
        feature = FEATURES[NAMES.index(name)]
        named = {"quantity": "R_E", "part": feature.kind, "label": name, "formula": feature.formula}
        columns.append((named, parts.change[:, number]))
    rows = []
    for named, values in columns:
        inside, outside = (
            float(values[which].mean()) if which.any() else float("nan") for which in (contact, ~contact)
        )
        rows.append(
            named
            | {
                "mean": float(values.mean()),
                "mean_size": float(np.abs(values - values.mean()).mean()),
                "in_contacts": inside,
                "in_others": outside,
                "difference": inside - outside,
                "on_score": SIGN[named["quantity"]] * (inside - outside),
            }
        )
    return _ordered(pd.DataFrame(rows).reindex(columns=OF_LINE), "mean_size")
