"""Evaluate a model without sequence, which is a law of the landscape, on one cell line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings, SplitSettings
from cbat.config.sheets import TRACK_KINDS
from cbat.evaluation.measure import Origin, metric_rows
from cbat.evaluation.table import NO_CONTEXT, SOURCES, as_table, kind_context, write_table
from cbat.files import atomic_file
from cbat.landscape.apply import ENHANCERS_ALONE, NONE, LineLandscape, energies, thresholds
from cbat.landscape.law import Law, load_law, probability_of, softplus

CONTEXTS: Final = ("own", "graph", "wrong", "sibling", NONE)
"""Sources of the landscape that may be fed."""
_OF_OWN_TRACKS: Final = ("own", "fused")
"""Laws that read tracks of the line."""


def run(
    *,
    model: str,
    seed: int,
    cell_line: str,
    role: Literal["seen", "unseen"],
    law: Path,
    landscape: Path,
    settings: EvaluationSettings,
    splits: SplitSettings,
    directory: Path,
) -> None:
    """Write ``metrics.tsv`` and ``scored_pairs.parquet`` of one law on one cell line.

    Parameters
    ----------
    model : str
        Name of the model, for the tables.
    seed : int
        For the tables: a law is fitted without chance.
    cell_line, role
        The line under evaluation, and whether training has seen it.
    law : Path
    landscape : Path
        Folder of the line's landscape.
    settings : EvaluationSettings
        The section ``evaluation``.
    splits : SplitSettings
        With folds every chromosome is tested once, by the fit that has not read it.
    directory : Path
        Where the two files go.

    Raises
    ------
    UserError
        A damaged law or landscape.
    """
    fitted, line = load_law(law), LineLandscape.read(landscape)
    tested = np.ones(len(line.pairs), dtype=bool)
    if splits.folds is None:
        tested = line.pairs["split"].isin(settings.chromosomes).to_numpy()
    threshold = float(np.median(thresholds(fitted, line.pairs)))
    rows: list[dict[str, Any]] = []
    scored = []
    for context, pairs in score_line(fitted, line, settings):
        part = pairs[tested]
        origin = Origin(model, seed, cell_line, role, context, 0)
        # A kind that is exchanged by itself is compared with the line's own pair by pair, in the summary.
        asked = settings if ":" not in context else settings.model_copy(update={"n_bootstrap": 0})
        rows += metric_rows(part, origin, threshold=threshold, settings=asked)
        scored.append(part)
    with atomic_file(directory / "scored_pairs.parquet") as temporary:
        pd.concat(scored, ignore_index=True).to_parquet(temporary, index=False)
    write_table(directory / "metrics.tsv", as_table(rows))


def score_line(
    law: Law, line: LineLandscape, settings: EvaluationSettings
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Score every pair of a line once for each source of its landscape.

    Beside the contexts of the settings, in which all kinds are exchanged, each kind by itself is fed from
    every other source (``insulators:wrong``), the others from the line as it is; and the line's active
    enhancers are fed alone (``enhancers_alone``), all other tracks as they are expected.

    Yields
    ------
    str, DataFrame
        Context, and the line's pairs with ``intrinsic_potential``, ``environment_resistance``, ``score`` and
        ``probability``.
    """
    if not any(fit.features for fit in law.members.values()):
        yield NO_CONTEXT, _scored(law, line, NO_CONTEXT, "own", None)
        return
    for source in CONTEXTS:
        if source in settings.contexts and line.offers(source):
            yield source, _scored(law, line, source, source, None)
    if law.name.removesuffix("_free") in _OF_OWN_TRACKS:
        yield ENHANCERS_ALONE, _scored(law, line, ENHANCERS_ALONE, ENHANCERS_ALONE, None)
    # In the other laws all kinds come from one side, and which of them matters is asked of the fused one.
    if law.name.removesuffix("_free") == "fused":
        for kind, source in exchanged(line, settings):
            context = kind_context(kind, source)
            yield context, _scored(law, line, context, source, kind)


def exchanged(line: LineLandscape, settings: EvaluationSettings) -> Iterator[tuple[str, str]]:
    """Kinds of track that are exchanged by themselves, and each source that a line is asked for and has."""
    for kind in TRACK_KINDS:
        for source in SOURCES:
            if source in settings.contexts and line.offers(source):
                yield kind, source


def _scored(law: Law, line: LineLandscape, context: str, source: str, kind: str | None) -> pd.DataFrame:
    potential, before = energies(law, line, source, kind)
    resistance = softplus(before)
    logit = potential - resistance
    return line.pairs.assign(
        context=context,
        n_support=0,
        n_used=0,
        intrinsic_potential=potential,
        environment_resistance=resistance,
        score=logit,
        probability=probability_of(logit),
    )
