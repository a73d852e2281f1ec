"""Which part of the landscape is the line's own: the own one against others, for each kind of track.

One kind of track at a time is exchanged, and the rest stays the line's own. The differences say whether the
model needs the kind at all, and whether it needs that of this very line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.bootstrap import Difference
from cbat.evaluation.comparison import ScoredPairs, Side, compare_all
from cbat.evaluation.headline import Headline
from cbat.evaluation.table import KIND_CONTEXTS, KINDS, MACRO, SOURCES, kind_context
from cbat.evaluation.verdicts import with_interval

SOURCE_COLUMNS: Final = [
    "cell_line", "kind", "source", "own", "exchanged", "difference", "low", "high", "n_lines",
]  # fmt: skip
ALL: Final = "all"
"""Everything is exchanged at once."""
CONSERVED: Final = "conserved"
OWN: Final = "the line's own"
NO_EFFECT: Final = "without clear effect"
SOURCE_LEGEND: Final = (
    "Each column is the model with the line's own tracks minus the same with one kind exchanged: for the "
    "tracks of a line of another tissue (wrong), of a line of the same tissue (sibling), for what the graph "
    "expects from the training lines (graph), or for nothing (none). Conserved: the model needs this kind, "
    "and that of another line is not clearly worse. The line's own: that of another line is worse. Without "
    "clear effect: the model is not clearly better with it than without. Clear is what the interval says."
)
_MEANS: Final[Mapping[str, str]] = {
    CONSERVED: "the model needs it, and that of another line is not clearly worse",
    OWN: "that of another line is worse",
    NO_EFFECT: "the model is not clearly better with it than without",
}


def source_table(
    metrics: pd.DataFrame, *, settings: EvaluationSettings, full_model: str, scored: ScoredPairs
) -> pd.DataFrame:
    """The full model with its line's own landscape minus the same with another, for each kind of track.

    Parameters
    ----------
    metrics : DataFrame
        The long table.
    settings : EvaluationSettings
    full_model : str
    scored : ScoredPairs
        Its scored pairs; without them the differences have no interval.

    Returns
    -------
    DataFrame
        :data:`SOURCE_COLUMNS` at the headline's setting: for each kind (:data:`ALL` first) and source a row
        for each cell line and a last one, ``macro``, for their mean; intervals are over chromosomes. Empty
        for a model that reads no landscape.
    """
    headline = Headline.of(settings)
    mine = headline.setting(metrics)
    contexts = set(mine.loc[mine["model"] == full_model, "context"])
    if not contexts & KIND_CONTEXTS:
        return pd.DataFrame(columns=pd.Index(SOURCE_COLUMNS))
    asked = {
        (kind, source): source if kind == ALL else kind_context(kind, source)
        for kind in (ALL, *KINDS)
        for source in SOURCES
    }
    asked = {key: context for key, context in asked.items() if context in contexts}
    compared = compare_all(
        scored,
        Side(full_model),
        {context: Side(full_model, context) for context in asked.values()},
        chromosomes=headline.chromosomes,
        n_support=headline.n_support,
        n=settings.n_bootstrap,
        seed=settings.seed,
        balanced=headline.balanced,
    )
    own, parts = headline.by_line(metrics, full_model), []
    for (kind, source), context in asked.items():
        table = pd.DataFrame(
            {"own": own, "exchanged": headline.by_line(metrics, full_model, context)}
        ).dropna()
        if not len(table):
            continue
        table = table.sort_index()
        table.loc[MACRO] = table.mean()
        found = compared.get(context)
        ends = {} if found is None else dict(found.lines)
        if found is not None and set(ends) == set(table.index[:-1]):
            ends[MACRO] = found.mean
        unknown = Difference(np.nan, np.nan, np.nan)
        table["difference"] = table["own"] - table["exchanged"]
        for end in ("low", "high"):
            table[end] = [getattr(ends.get(str(line), unknown), end) for line in table.index]
        table["n_lines"] = [*[1] * (len(table) - 1), len(table) - 1]
        parts.append(table.assign(kind=kind, source=source).rename_axis("cell_line").reset_index())
    return pd.concat(parts, ignore_index=True)[SOURCE_COLUMNS]


def verdict(without: Difference | None, wrong: Difference | None) -> str:
    """Whether a kind of track is conserved, the line's own or without clear effect; empty if nobody knows.

    Parameters
    ----------
    without : Difference or None
        Own minus none.
    wrong : Difference or None
        Own minus that of a line of another tissue.
    """
    if without is None or np.isnan(without.low):
        return ""
    if wrong is not None and wrong.low > 0.0:
        return OWN
    if without.low <= 0.0:
        return NO_EFFECT
    return CONSERVED if wrong is not None and not np.isnan(wrong.low) else ""


def means(table: pd.DataFrame) -> dict[tuple[str, str], Difference]:
    """Kind and source -> mean difference over cell lines, from a table of :data:`SOURCE_COLUMNS`."""
    rows = table[table["cell_line"] == MACRO]
    ends = rows[["difference", "low", "high"]].to_numpy(dtype=float)
    keys = rows[["kind", "source"]].itertuples(index=False, name=None)
    return {key: Difference(*values) for key, values in zip(keys, ends.tolist(), strict=True)}


def in_words(kind: str) -> str:
    """Name of a kind of track in a sentence."""
    return "all of it" if kind == ALL else kind.replace("_", " ")


def sentences(differences: Mapping[tuple[str, str], Difference]) -> list[str]:
    """For each kind of track, whether it is conserved or the line's own, with the differences."""
    said = []
    for kind in dict.fromkeys(kind for kind, _ in differences):
        judged = verdict(differences.get((kind, "none")), differences.get((kind, "wrong")))
        shown = [
            f"own minus {source} {with_interval(*differences[kind, source])}"
            for source in SOURCES
            if (kind, source) in differences
        ]
        words = f"{judged} ({_MEANS[judged]})" if judged else "not decided, because intervals are missing"
        said.append(f"{in_words(kind).capitalize()}: {words}: {'; '.join(shown)}.")
    return said


def cells(differences: Mapping[tuple[str, str], Difference]) -> dict[str, list[str]]:
    """Cells of the printed table, by the title of their column: a row for each kind of track."""
    kinds = list(dict.fromkeys(kind for kind, _ in differences))
    unknown = Difference(np.nan, np.nan, np.nan)
    judged = [verdict(differences.get((kind, "none")), differences.get((kind, "wrong"))) for kind in kinds]
    return {
        "exchanged": [in_words(kind) for kind in kinds],
        **{
            f"own - {source}": [with_interval(*differences.get((kind, source), unknown)) for kind in kinds]
            for source in SOURCES
        },
        "so it is": [words or "-" for words in judged],
    }
