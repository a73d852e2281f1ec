"""The long table of figures that everything is read from: one row per figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import ALL_CANDIDATES
from cbat.errors import UserError
from cbat.files import atomic_file

KEY_COLUMNS: Final = [
    "model",
    "seed",
    "cell_line",
    "role",
    "chromosomes",
    "negatives",
    "context",
    "n_support",
    "metric",
]
VALUE_COLUMNS: Final = ["value", "low", "high"]
COLUMNS: Final = KEY_COLUMNS + VALUE_COLUMNS

MACRO: Final = "macro"
WORST: Final = "worst"
AGGREGATES: Final = (MACRO, WORST)
"""Cell lines that are none: the mean and the worst of all."""
NO_CONTEXT: Final = "-"
"""The context of a model that has no environment."""
ALL: Final = "all"
"""How tables write :data:`~cbat.config.sections.ALL_CANDIDATES`."""
FOLDS: Final = "folds"
"""The split of pairs that are pooled over chromosome folds, each tested by what has not read it."""

KINDS: Final = ("active_enhancers", "active_promoters", "insulators", "genes")
"""Kinds of track that a landscape is made of."""
SOURCES: Final = ("wrong", "sibling", "graph", "none")
"""What a line's own landscape is exchanged for: that of a line of another tissue, that of a line of the same
tissue, the expectation of the graph, or nothing."""


def kind_context(kind: str, source: str) -> str:
    """The context in which one kind of track alone is exchanged, and the rest stays the line's own."""
    return f"{kind}:{source}"


KIND_CONTEXTS: Final = frozenset(kind_context(kind, source) for kind in KINDS for source in SOURCES)


_ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "role": frozenset({"seen", "unseen"}),
    "chromosomes": frozenset({"train", "validation", "test", FOLDS}),
    "negatives": frozenset({"natural", "balanced", "matched"}),
    "context": frozenset(
        {"own", "none", "mean", "wrong", "sibling", "shuffled", "graph", "enhancers_alone", NO_CONTEXT}
        | KIND_CONTEXTS
    ),
}
_INTEGERS: Final = ("seed", "n_support")


def as_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a checked and sorted table; ``low`` and ``high`` may be left out of a row.

    Raises
    ------
    ValueError
        An unknown role, split, kind of negatives or context, a value that is not finite, or a key that
        occurs twice.
    """
    return checked(pd.DataFrame(list(rows), columns=pd.Index(COLUMNS)))


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with these columns and perhaps others, checked and sorted; see :func:`as_table`."""
    frame = frame.reindex(columns=COLUMNS)
    frame = frame.astype(dict.fromkeys(_INTEGERS, np.int64) | dict.fromkeys(VALUE_COLUMNS, float))
    _check(frame)
    return frame.sort_values(KEY_COLUMNS, kind="stable", ignore_index=True)


def write_table(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a checked table as TSV: sorted, six decimals, empty where no interval was computed."""
    ordered = checked(frame)
    ordered["n_support"] = ordered["n_support"].map(size_in_words)
    with atomic_file(path) as temporary:
        ordered.to_csv(temporary, sep="\t", index=False, float_format="%.6f", lineterminator="\n")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table written by :func:`write_table`.

    Raises
    ------
    UserError
        The file is missing or is not such a table.
    """
    try:
        # A cell line may be called "NA" or "1": only the figures are numbers, and only they can be missing.
        kinds = dict.fromkeys(KEY_COLUMNS, "str") | dict.fromkeys(VALUE_COLUMNS, "float64")
        missing = {name: [""] for name in VALUE_COLUMNS}
        frame = pd.read_csv(path, sep="\t", dtype=kinds, keep_default_na=False, na_values=missing)
        if list(frame.columns) != COLUMNS:
            raise ValueError(f"the columns are {', '.join(frame.columns)} and not {', '.join(COLUMNS)}")
        frame["n_support"] = frame["n_support"].replace(ALL, str(ALL_CANDIDATES))
        return checked(frame)
    except (OSError, ValueError) as error:
        raise UserError(
            f"this is not a table of metrics ({error})",
            mend="make it again with the stage that writes it",
            file=path,
        ) from error


def size_in_words(n_support: int) -> str:
    """A support size as tables and figures write it."""
    return ALL if n_support == ALL_CANDIDATES else str(n_support)


def _check(frame: pd.DataFrame) -> None:
    for column, allowed in _ALLOWED.items():
        strange = sorted(set(frame[column].unique()) - allowed)
        if strange:
            raise ValueError(f"unknown {column} {strange[0]!r}; known are {', '.join(sorted(allowed))}")
    if not np.isfinite(frame["value"].to_numpy()).all():
        raise ValueError("every value must be finite; leave out the rows of undefined metrics")
    twice = frame[frame.duplicated(KEY_COLUMNS)]
    if len(twice):
        key = " ".join(str(part) for part in twice[KEY_COLUMNS].iloc[0])
        raise ValueError(f"two rows have the key {key}")
