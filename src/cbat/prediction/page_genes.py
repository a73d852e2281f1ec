"""The genes of the page, as ``genes.tsv`` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from cbat.errors import UserError
from cbat.prediction.candidates import gene_names
from cbat.prediction.per_gene import FILES, NOTHING

MOST_GENES: Final = 25_000
"""Genes that a page holds, those with the best pairs: 70 bytes each."""
_WORDS: Final = {"gene": str, "chrom": str}
_WHOLE: Final = (
    "start", "end", "pairs", "called", "best_enhancer_start", "best_enhancer_end", "best_distance",
)  # fmt: skip
_NUMBERS: Final = ("best_score", "best_probability", "best_share")
_DIGITS: Final = 3


def read_genes(directory: Path) -> pd.DataFrame:
    """What the page needs of ``genes.tsv``.

    Raises
    ------
    UserError
        It is missing or damaged.
    """
    path = directory / FILES[0]
    numbers = [*_WHOLE, *_NUMBERS]
    try:
        return pd.read_csv(
            path, sep="\t", usecols=[*_WORDS, *numbers],
            dtype=_WORDS | dict.fromkeys(_WHOLE, "Int64") | dict.fromkeys(_NUMBERS, "float64"),
            na_values={name: [NOTHING] for name in numbers}, keep_default_na=False,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise UserError(
            f"the table of genes cannot be read ({error})",
            mend="run gather_predictions again, or predict the line again",
            file=path,
        ) from error


def compact_genes(genes: pd.DataFrame, promoters: pd.DataFrame, chroms: list[str]) -> dict[str, Any]:
    """Genes as JSON holds them in little space.

    Parameters
    ----------
    genes : DataFrame
        Of :func:`read_genes`.
    promoters : DataFrame
        See :data:`cbat.prediction.candidates.COLUMNS`; those without a name make genes without one.
    chroms : list of str
        Chromosomes of the page, by whose places they are named.

    Returns
    -------
    dict
        Columns of the :data:`MOST_GENES` genes with the best pairs, in the order of the table. Ends are
        stored as lengths, and null stands for what a gene without pairs does not have.
    """
    if len(genes) > MOST_GENES:
        best = genes["best_score"].sort_values(ascending=False, kind="stable", na_position="last")
        genes = genes.loc[best.index[:MOST_GENES].sort_values()]
    unnamed = set(gene_names(promoters[promoters["name"] == NOTHING]))
    place = {chrom: at for at, chrom in enumerate(chroms)}
    columns = {
        "name": genes["gene"].where(~genes["gene"].isin(unnamed), NOTHING),
        "chrom": genes["chrom"].map(place),
        "start": genes["start"],
        "length": genes["end"] - genes["start"],
        "pairs": genes["pairs"],
        "called": genes["called"],
        "best_start": genes["best_enhancer_start"],
        "best_length": genes["best_enhancer_end"] - genes["best_enhancer_start"],
        "distance": genes["best_distance"],
        "score": genes["best_score"].round(_DIGITS),
        "probability": genes["best_probability"].round(_DIGITS),
        "share": genes["best_share"].round(_DIGITS),
    }
    return {
        name: column.astype(object).where(column.notna(), None).tolist() for name, column in columns.items()
    }
