"""What stands beside the headline: both prevalences, precision at given recalls, ranking within elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pandas as pd

from cbat.evaluation.headline import Headline
from cbat.evaluation.metrics import RECALLS
from cbat.evaluation.table import MACRO
from cbat.evaluation.verdicts import decimals

SHOWN: Final = {
    "AUPR natural": ("natural", "aupr"),
    "AUPR balanced": ("balanced", "aupr"),
    **{
        f"precision at {recall:.0%} recall": ("natural", f"precision_at_recall_{recall}")
        for recall in RECALLS
    },
    "AUROC": ("natural", "auroc"),
    "AUROC in an enhancer": ("natural", "auroc_within_enhancer"),
    "AUROC in a promoter": ("natural", "auroc_within_promoter"),
    "contacts": ("natural", "prevalence"),
}
"""Title of a column -> negatives and metric."""
ACCURACY_LEGEND: Final = (
    "AUPR: area under the precision-recall curve (average precision), over all labelled pairs as they are "
    "(natural) and with both classes weighted equally (balanced). All other columns are over all labelled "
    "pairs: the precision down to the score at which that share of the contacts is found, AUROC, and AUROC "
    "among the pairs of one enhancer or one promoter. contacts: their share, which is the AUPR of chance."
)


def accuracy_table(metrics: pd.DataFrame, headline: Headline, models: Sequence[str]) -> pd.DataFrame:
    """Figures of some models on the headline's cell lines and chromosomes.

    Parameters
    ----------
    metrics : DataFrame
        The long table.
    headline : Headline
    models : sequence of str

    Returns
    -------
    DataFrame
        ``model``, ``cell_line`` and the titles of :data:`SHOWN`: for each model its cell lines and a last
        row, ``macro``, for their mean; means over seeds, NaN where there is none.
    """
    parts = []
    for model in dict.fromkeys(models):
        columns = {
            title: replace(headline, negatives=negatives, metric=metric).by_line(metrics, model)
            for title, (negatives, metric) in SHOWN.items()
        }
        table = pd.DataFrame(columns).sort_index()
        if len(table):
            table.loc[MACRO] = table.mean(skipna=False)
            parts.append(table.rename_axis("cell_line").reset_index().assign(model=model))
    empty = pd.DataFrame(columns=pd.Index(["model", "cell_line", *SHOWN]))
    return pd.concat(parts, ignore_index=True)[list(empty)] if parts else empty


def cells(table: pd.DataFrame) -> dict[str, list[str]]:
    """Cells of the printed table, by the title of their column."""
    names = [
        f"{row.model}, mean" if row.cell_line == MACRO else f"{row.model}, {row.cell_line}"
        for row in table.itertuples()
    ]
    return {"model and cell line": names, **{title: decimals(table[title]) for title in SHOWN}}
