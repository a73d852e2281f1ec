"""Say which motifs raise or lower the energies of a predicted pair, or of a predicted cell line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cbat.data.sequences import read_windows
from cbat.data.windows import ROLES
from cbat.model.about import LANDSCAPE, listed_files
from cbat.model.bundle import reads_landscape, use_threads
from cbat.model.directory import SharedModel, read_model_directory
from cbat.model.explanation import TOLERANCE, BestWindows, Explainer, PairRows
from cbat.prediction.channel_parts import Channels, base_table, hit_table, pair_table
from cbat.prediction.chosen_pairs import all_elements, draw_pairs, find_pair
from cbat.prediction.explain_figure import draw_line, draw_pair
from cbat.prediction.explanation_files import Explanation, about_element, check_arguments, check_energies
from cbat.prediction.line_landscape import LineLandscape
from cbat.prediction.line_parts import line_table
from cbat.prediction.plan import GENOME, Plan, read_plan
from cbat.prediction.read_landscape import resistance_of
from cbat.prediction.scored_pairs import check_same_model
from cbat.prediction.shared_landscape import read_landscape


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
    def read(
        cls, shared: SharedModel, model_directory: Path, plan: Plan, directory: Path, pairs: pd.DataFrame
    ) -> Subject:
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
        distance, upstream = (pairs[name].to_numpy(dtype=np.int64) for name in ("distance", "upstream"))
        resisted = None
        if reads_landscape(shared.model.law) and LANDSCAPE[0] in listed_files(model_directory):
            line = LineLandscape.read(directory)
            known = read_landscape(model_directory, assembly=line.sources.assembly)
            resisted = resistance_of(known, line, pairs, all_elements(directory))
        found = PairRows(rows["enhancer"], rows["promoter"], distance, upstream, resisted)
        return cls(shared, plan, pairs, elements, windows, found, explainer)

    @property
    def channels(self) -> Channels:
        """Names of the motif channels, and what the environment says of them."""
        return Channels(self.shared.about.channels, self.explainer.environment)


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
    use_threads(1)
    shared, plan = read_model_directory(model_directory), read_plan(prediction)
    check_same_model(shared.digest, plan, model_directory)
    if enhancer is not None and promoter is not None:
        chosen = find_pair(prediction, plan, enhancer, promoter)
        return _of_pair(Subject.read(shared, Path(model_directory), plan, prediction, chosen), prediction)
    chosen = draw_pairs(prediction, plan, pairs, seed)
    return _of_line(Subject.read(shared, Path(model_directory), plan, prediction, chosen), prediction)


def _of_pair(subject: Subject, prediction: Path) -> Explanation:
    enhancers, promoters = (subject.windows[role] for role in ROLES)
    explainer, pair = subject.explainer, subject.pairs.iloc[0]
    potential = explainer.potential(subject.rows, enhancers, promoters)
    resistance = explainer.resistance(subject.rows, enhancers, promoters)
    relief = explainer.relief(subject.rows, enhancers, promoters)
    check_energies(subject.pairs, "intrinsic_potential", potential.value, prediction)
    if resistance is not None:
        check_energies(subject.pairs, "environment_resistance", resistance.value, prediction)
    elements = {role: subject.elements[role].iloc[0] for role in ROLES}
    table = pair_table(subject.channels, elements, subject.windows, potential, resistance, relief)
    bases = base_table(explainer, elements, subject.windows, potential, resistance)
    hits = hit_table(subject.channels, elements, subject.windows, potential, resistance)
    summary: dict[str, Any] = {
        "cell_line": subject.plan.cell_line,
        **{role: about_element(elements[role]) for role in ROLES},
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
    return Explanation(
        f"{elements['enhancer']['element_id']} with {elements['promoter']['element_id']}",
        table,
        summary,
        lambda path: draw_pair(path, summary, table, bases, hits),
        bases,
    )


def _of_line(subject: Subject, prediction: Path) -> Explanation:
    explainer, windows = subject.explainer, subject.windows
    potential = explainer.potential(subject.rows, windows["enhancer"], windows["promoter"])
    check_energies(subject.pairs, "intrinsic_potential", potential.value, prediction)
    resistance = explainer.resistance(subject.rows, windows["enhancer"], windows["promoter"])
    if resistance is not None:
        check_energies(subject.pairs, "environment_resistance", resistance.value, prediction)
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
    return Explanation(subject.plan.cell_line, table, summary, lambda path: draw_line(path, summary, table))
