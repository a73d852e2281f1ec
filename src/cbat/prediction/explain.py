"""Say which motifs raise or lower the energies of a predicted pair, or of a predicted cell line."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.sequences import read_windows
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import atomic_file, write_json
from cbat.model.bundle import use_threads
from cbat.model.directory import SharedModel, read_model_directory
from cbat.model.explanation import TOLERANCE, BestWindows, Explainer, PairRows
from cbat.prediction.channel_parts import Channels, base_table, hit_table, pair_table
from cbat.prediction.chosen_pairs import all_elements, draw_pairs, find_pair
from cbat.prediction.explain_figure import draw_line, draw_pair
from cbat.prediction.line_parts import line_table
from cbat.prediction.plan import GENOME, Plan, read_plan
from cbat.prediction.scored_pairs import check_same_model

log = logging.getLogger(__name__)
TABLE: Final = "explanation.tsv"
BASES: Final = "bases.tsv"
FIGURE: Final = "explanation.svg"
SUMMARY: Final = "explanation.json"
_SAME: Final = 1e-3
"""Energies that differ by more were not scored by this model on this genome."""


@dataclass(frozen=True)
class Subject:
    """Some pairs of a prediction, with all that explaining them needs.

    Attributes
    ----------
    shared : SharedModel
    plan : Plan
    pairs : DataFrame
        See :func:`cbat.prediction.chosen_pairs.with_elements`.
    elements : dict
        Role -> those elements of the pairs, in the order of ``windows``.
    windows : dict
        Role -> their best windows.
    rows : PairRows
    explainer : Explainer
    """

    shared: SharedModel
    plan: Plan
    pairs: pd.DataFrame
    elements: dict[str, pd.DataFrame]
    windows: dict[str, BestWindows]
    rows: PairRows
    explainer: Explainer

    @classmethod
    def read(cls, shared: SharedModel, plan: Plan, directory: Path, pairs: pd.DataFrame) -> Subject:
        """Read the sequences of the pairs' elements."""
        lengths = shared.about.windows.model_dump()
        explainer = Explainer(shared.model, plan.fed(), lengths)
        elements, windows, rows = {}, {}, {}
        for role, table in all_elements(directory).items():
            used, rows[role] = np.unique(pairs[role].to_numpy(dtype=np.int64), return_inverse=True)
            elements[role] = table.iloc[used].reset_index(drop=True)
            codes = [*read_windows(directory / GENOME / "genome.fa", elements[role])]
            empty = np.zeros((0, lengths[role]), dtype=np.uint8)
            windows[role] = explainer.windows(np.concatenate([empty, *codes]), role)
        geometry = [pairs[name].to_numpy(dtype=np.int64) for name in ("distance", "upstream")]
        found = PairRows(rows["enhancer"], rows["promoter"], *geometry)
        return cls(shared, plan, pairs, elements, windows, found, explainer)

    @property
    def channels(self) -> Channels:
        """Names of the motif channels, and what the environment says of them."""
        return Channels(self.shared.about.channels, self.explainer.environment)

    def check(self, quantity: str, value: npt.NDArray[np.float64], directory: Path) -> None:
        """Refuse energies that are not those of the prediction.

        Raises
        ------
        UserError
        """
        away = np.abs(value - self.pairs[quantity].to_numpy(dtype=np.float64))
        if (away > _SAME).any():
            raise UserError(
                f"the {quantity} of a pair is {value[away.argmax()]:.4f}, and the prediction says "
                f"{self.pairs[quantity].iloc[away.argmax()]:.4f}: the genome or the prediction has changed",
                mend="run the prediction anew",
                file=directory,
            )


def run(
    *,
    model_directory: Path,
    prediction: Path,
    directory: Path,
    enhancer: str | None = None,
    promoter: str | None = None,
    pairs: int = 1000,
    seed: int = 1,
) -> None:
    """Explain a pair or a line; see :func:`cbat.commands.explanation.explain`."""
    if (enhancer is None) != (promoter is None):
        named, missing = ("enhancer", "promoter") if promoter is None else ("promoter", "enhancer")
        raise UserError(
            f"the {named} of a pair is named, and not its {missing}",
            mend=f"add --{missing}, or leave out --{named} to explain the whole line",
        )
    if pairs < 1:
        raise UserError(f"{pairs} pairs are asked for", mend="ask for one or more with --pairs")
    use_threads(1)
    shared, plan = read_model_directory(model_directory), read_plan(prediction)
    check_same_model(shared.digest, plan, model_directory)
    if enhancer is not None and promoter is not None:
        chosen = find_pair(prediction, plan, enhancer, promoter)
        _explain_pair(Subject.read(shared, plan, prediction, chosen), prediction, directory)
    else:
        chosen = draw_pairs(prediction, plan, pairs, seed)
        _explain_line(Subject.read(shared, plan, prediction, chosen), prediction, directory)


def _explain_pair(subject: Subject, prediction: Path, directory: Path) -> None:
    enhancers, promoters = (subject.windows[role] for role in ROLES)
    explainer, pair = subject.explainer, subject.pairs.iloc[0]
    potential = explainer.potential(subject.rows, enhancers, promoters)
    resistance = explainer.resistance(subject.rows, enhancers, promoters)
    relief = explainer.relief(subject.rows, enhancers, promoters)
    subject.check("intrinsic_potential", potential.value, prediction)
    if resistance is not None:
        subject.check("environment_resistance", resistance.value, prediction)
    elements = {role: subject.elements[role].iloc[0] for role in ROLES}
    table = pair_table(subject.channels, elements, subject.windows, potential, resistance, relief)
    bases = base_table(explainer, elements, subject.windows, potential, resistance)
    hits = hit_table(subject.channels, elements, subject.windows, potential, resistance)
    summary: dict[str, Any] = {
        "cell_line": subject.plan.cell_line,
        **{role: _about_element(elements[role]) for role in ROLES},
        "distance": int(pair["distance"]),
        "score": float(pair["score"]),
        "probability": float(pair["probability"]),
        "rank": int(pair["rank"]),
        "contact": bool(pair["contact"]),
        "U_I": {
            "value": float(potential.value[0]),
            "without_motifs": float(potential.reference[0]),
            "error": potential.error,
        },
        "R_E": None,
        "tolerance": TOLERANCE,
    }
    if resistance is not None:
        summary["R_E"] = {
            "value": float(resistance.value[0]),
            "without_motifs": float(resistance.reference[0]),
            "in_the_average_environment": None if relief is None else float(relief.average()[0]),
            "relief": None if relief is None else float(relief.relief()[0]),
            "channels": "integrated gradients" if relief is None else "exact parts",
            "error": resistance.error,
        }
    write_table(directory / TABLE, table)
    write_table(directory / BASES, bases)
    write_json(directory / SUMMARY, summary)
    draw_pair(directory / FIGURE, summary, table, bases, hits)
    _tell(
        f"{elements['enhancer']['element_id']} with {elements['promoter']['element_id']}", table, "on_score"
    )
    log.info("written to %s: %s", directory, ", ".join((TABLE, BASES, FIGURE, SUMMARY)))


def _about_element(element: pd.Series[Any]) -> dict[str, Any]:
    return {
        "id": str(element["element_id"]),
        "name": str(element["name"]),
        "chrom": str(element["chrom"]),
        "start": int(element["source_start"]),
        "end": int(element["source_end"]),
    }


def _explain_line(subject: Subject, prediction: Path, directory: Path) -> None:
    explainer, windows = subject.explainer, subject.windows
    potential = explainer.potential(subject.rows, windows["enhancer"], windows["promoter"])
    subject.check("intrinsic_potential", potential.value, prediction)
    resistance = explainer.resistance(subject.rows, windows["enhancer"], windows["promoter"])
    if resistance is not None:
        subject.check("environment_resistance", resistance.value, prediction)
    contact = subject.pairs["contact"].to_numpy(dtype=bool)
    table = line_table(subject.channels, explainer, windows, subject.rows, contact, potential, resistance)
    summary = {
        "cell_line": subject.plan.cell_line,
        "contacts": int(contact.sum()),
        "other_pairs": int((~contact).sum()),
        "U_I_error": potential.error,
        "R_E_error": None if resistance is None else resistance.error,
        "tolerance": TOLERANCE,
    }
    write_table(directory / TABLE, table)
    write_json(directory / SUMMARY, summary)
    draw_line(directory / FIGURE, summary, table)
    _tell(subject.plan.cell_line, table, "on_score")
    log.info("written to %s: %s", directory, ", ".join((TABLE, FIGURE, SUMMARY)))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table with enough digits that parts still add up."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.10g", na_rep="", lineterminator="\n")


def _tell(subject: str, table: pd.DataFrame, column: str, most: int = 3) -> None:
    """The strongest parts of each energy, in the log."""
    for quantity, part in table.groupby("quantity", sort=False):
        named = part[part["part"] != "reference"]
        top = named.loc[named[column].abs().sort_values(ascending=False, kind="stable").index[:most]]
        parts: Sequence[Mapping[str, Any]] = top.to_dict("records")
        shown = ", ".join(f"{one['label']} ({one['part']}) {one[column]:+.3f}" for one in parts)
        log.info("%s, %s, on the score: %s", subject, quantity, shown)
