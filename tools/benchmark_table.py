r"""Make a table of docs/benchmark/ from a run that holds every cell line out.

    python tools/benchmark_table.py results/summary/held_out_metrics.tsv docs/benchmark/bengi_hic.tsv
    python tools/benchmark_table.py results/summary/metrics.tsv docs/benchmark/crispri_k562.tsv \
        --full-model own_landscape
    python tools/benchmark_table.py results/worlds docs/benchmark/worlds.tsv

The table has the columns of metrics.tsv and keeps, at natural prevalence and at balanced classes and for the
metrics below: of the full model the rows of every landscape, and its average precision with one kind of track
exchanged; of other models those of the line's own landscape; all of references and other tools.

From a folder of worlds, each with its summary/metrics.tsv, the table begins with a column ``world`` and keeps
less: average precision of balanced classes and the calibration error; of single lines the former alone,
without the contexts that exchange what the line shows of itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

METRICS: Final = (
    "aupr",
    "auroc",
    "auroc_within_enhancer",
    "auroc_within_promoter",
    "precision_at_recall_0.5",
    "precision_at_recall_0.7",
    "ece",
    "n_pairs",
    "n_positive",
)
CONTEXTS: Final = ("own", "enhancers_alone", "graph", "wrong", "sibling", "none")
NO_CONTEXT: Final = "-"
"""The context of references."""


def kept(table: pd.DataFrame, full_model: str = "graph_manifold") -> pd.DataFrame:
    """The rows of ``held_out_metrics.tsv`` that the benchmark shows, in their order.

    Parameters
    ----------
    table : DataFrame
        The columns of ``metrics.tsv``, as text.
    full_model : str
        The model that is shown with every landscape.

    Returns
    -------
    DataFrame
        The same columns.

    Raises
    ------
    ValueError
        The table has no row of the full model.
    """
    full = table["model"] == full_model
    if not full.any():
        raise ValueError(f"no row of the model {full_model}")
    context = table["context"]
    one_kind = context.str.contains(":", regex=False)
    shown = context.isin([NO_CONTEXT, "own"]) | (full & context.isin(CONTEXTS))
    shown |= full & one_kind & (table["metric"] == "aupr")
    wanted = table["metric"].isin(METRICS) & table["negatives"].isin(["natural", "balanced"])
    # The worst line of one run is no line of a benchmark.
    wanted &= table["cell_line"] != "worst"
    return table[shown & wanted]


def kept_of_worlds(tables: Mapping[str, pd.DataFrame], full_model: str = "graph_manifold") -> pd.DataFrame:
    """The rows of the worlds of a benchmark that are kept, with the column ``world`` before the others.

    Parameters
    ----------
    tables : mapping
        World -> the columns of ``metrics.tsv``, as text.
    full_model : str
        The model that is shown in every context.

    Raises
    ------
    ValueError
        There is no world, or one without a row of the full model.
    """
    if not tables:
        raise ValueError("no world has a summary/metrics.tsv")
    parts = []
    for world, table in tables.items():
        rows = kept(table, full_model)
        ranked = (rows["metric"] == "aupr") & (rows["negatives"] == "balanced")
        meant = (rows["metric"] == "ece") & (rows["negatives"] == "natural") & (rows["cell_line"] == "macro")
        ranked &= (rows["cell_line"] == "macro") | rows["context"].isin([NO_CONTEXT, "own"])
        rows = rows[ranked | meant]
        rows.insert(0, "world", world)
        parts.append(rows)
    return pd.concat(parts)


def read(path: Path) -> pd.DataFrame:
    """A table as text, so that its numbers keep their digits."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def main() -> None:
    """Read the two paths and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "metrics", type=Path, help="results/summary/held_out_metrics.tsv of the run, or results/worlds"
    )
    parser.add_argument("table", type=Path, help="the table to write")
    parser.add_argument("--full-model", default="graph_manifold", help="the model with every landscape")
    given = parser.parse_args()
    if given.metrics.is_dir():
        paths = sorted(given.metrics.glob("*/summary/metrics.tsv"))
        table = kept_of_worlds({path.parts[-3]: read(path) for path in paths}, given.full_model)
    else:
        table = kept(read(given.metrics), given.full_model)
    given.table.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(given.table, sep="\t", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
