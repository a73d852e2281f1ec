"""The genes of a new cell line beside those that a model was trained with.

Starts compete, are counted and have classes as the starts did that the law was fitted to. An annotation of
all transcripts has several times as many genes, most of them of kinds that no law has met.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from cbat.prediction.cautions import Caution

CODING: Final = "protein_coding"
MANY_MORE: Final = 1.5
"""So many times as many genes as the model's are more than another version of one annotation has."""
NAMED: Final = 0.5
"""With a smaller share of the names known, of the file's genes as of the model's on its chromosomes, they are
of another kind."""
PROMOTER_CLASS: Final = "promoter_class"


def as_in_training(
    starts: pd.DataFrame, known: pd.DataFrame, features: tuple[str, ...], path: Path
) -> tuple[pd.DataFrame, list[Caution]]:
    """Starts as a law reads them, with the classes that the model knows of their genes.

    Parameters
    ----------
    starts : DataFrame
        Of the user's genes, see :mod:`cbat.landscape.genes`.
    known : DataFrame
        The model's; none in an assembly that it does not know, where nothing is compared.
    features : tuple of str
        What the law reads.
    path : Path
        The user's genes, for messages.

    Returns
    -------
    starts : DataFrame
        Without genes that are neither protein-coding nor known to the model, where there are many.
    cautions : list of Caution
    """
    names = set(known["name"]) - {"."}
    classes = known.groupby("name")["promoter_class"].max().drop(".", errors="ignore")
    starts = starts.assign(promoter_class=starts["name"].map(classes).fillna(0).astype(np.int8))
    if not names:
        return starts, []
    cautions = []
    # A file of some chromosomes, or of some genes, names no others.
    names = set(known["name"][known["chrom"].isin(starts["chrom"].unique())]) - {"."} or names
    given = set(starts["name"]) - {"."}
    n_known = len(names & given)
    few = n_known < NAMED * min(len(names), len(given)) or not given
    if few and PROMOTER_CLASS in features:
        such = (
            f", those of the file such as {min(given)}" if given else ", and the genes of the file have none"
        )
        cautions.append(
            Caution(
                "unknown_gene_names",
                f"{n_known:,} of the {len(given):,} names of genes in {path} are names of the model's "
                f"{len(names):,} genes on their chromosomes: of the others it knows no class of promoter. "
                f"Its names are such as {min(names)}{such}",
            )
        )
    kept = starts["name"].isin(set(known["name"]) - {"."}) | (starts["biotype"] == CODING)
    n, n_kept = starts["name"].nunique(), starts["name"][kept].nunique()
    if (starts["biotype"] == CODING).any() and n > MANY_MORE * len(names) and n_kept < n:
        cautions.append(
            Caution(
                "other_genes",
                f"{n - n_kept:,} of {n:,} genes of {path} are neither protein-coding nor known to the model: "
                "they are predicted, and do not count among the starts that lie between and compete",
            )
        )
        starts = starts[kept].reset_index(drop=True)
    return starts, cautions
