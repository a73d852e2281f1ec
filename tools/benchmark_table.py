r"""Make a table of docs/benchmark/ from a run that holds every cell line out.

    python tools/benchmark_table.py results/summary/held_out_metrics.tsv docs/benchmark/bengi_hic.tsv
    python tools/benchmark_table.py results/summary/metrics.tsv docs/benchmark/crispri_k562.tsv \
        --full-model own_landscape

The table has the columns of metrics.tsv and keeps, at natural prevalence and at balanced classes and for the
metrics below: of the full model the rows of every landscape, and its average precision with one kind of track
exchanged; of other models those of the line's own landscape; all of references and other tools.
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    """Read the two paths and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("metrics", type=Path, help="results/summary/held_out_metrics.tsv of the run")
    parser.add_argument("table", type=Path, help="the table to write")
    parser.add_argument("--full-model", default="graph_manifold", help="the model with every landscape")
    given = parser.parse_args()
    # As text, or numbers would be written anew.
    table = pd.read_csv(given.metrics, sep="\t", dtype=str, keep_default_na=False)
    given.table.parent.mkdir(parents=True, exist_ok=True)
    kept(table, given.full_model).to_csv(given.table, sep="\t", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
