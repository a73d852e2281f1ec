"""Elements that are left out: those whose sequence nobody knows, and peaks that belong to a promoter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.sequences import fractions_of_n
from cbat.data.windows import centre
from cbat.errors import UserError

LEFT_OUT_COLUMNS: Final = ["role", "element_id", "fraction_n"]


def near_promoters(enhancers: pd.DataFrame, promoters: pd.DataFrame, gap: int) -> npt.NDArray[np.bool_]:
    """Whether the centre of an enhancer is nearer than ``gap`` bp to that of a promoter, shape=(n,).

    Parameters
    ----------
    enhancers, promoters : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open).
    gap : int
        From 1 on, bp.
    """
    centres = {
        chrom: np.sort(centre(part["start"], part["end"])) for chrom, part in promoters.groupby("chrom")
    }
    near = np.zeros(len(enhancers), dtype=bool)
    for chrom, part in enhancers.reset_index(drop=True).groupby("chrom"):
        known = centres.get(chrom, np.zeros(0, dtype=np.int64))
        here = centre(part["start"], part["end"])
        first, last = (np.searchsorted(known, here + bound) for bound in (1 - gap, gap))
        near[part.index] = first < last
    return near


def with_sequence(
    tables: Mapping[str, pd.DataFrame], max_n: float, genome_fasta: Path | None
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Leave out the elements of whose windows the genome knows too little.

    Parameters
    ----------
    tables : mapping
        Role -> elements; ``chrom``, ``start``, ``end`` of their windows and ``element_id``.
    max_n : float
        Largest share of a window that may be N, ambiguous or beyond the end of its contig.
    genome_fasta : Path
        Uncompressed, with its index beside it.

    Returns
    -------
    tables : dict
        Role -> the elements that are left.
    left_out : DataFrame
        :data:`LEFT_OUT_COLUMNS`.
    """
    if genome_fasta is None:
        raise UserError("elements.max_n is set, but no genome is given", mend="give --genome-fasta as well")
    kept: dict[str, pd.DataFrame] = {}
    left_out = []
    fractions = fractions_of_n(genome_fasta, tables)
    for role, table in tables.items():
        known = fractions[role] <= max_n
        kept[role] = table[known].reset_index(drop=True)
        names = table.loc[~known, "element_id"].tolist()
        left_out.append(
            pd.DataFrame({"role": role, "element_id": names, "fraction_n": fractions[role][~known]})
        )
    return kept, pd.concat(left_out, ignore_index=True)[LEFT_OUT_COLUMNS]


def unknown_windows(tables: Mapping[str, pd.DataFrame], genome_fasta: Path) -> dict[str, int]:
    """Role -> number of elements of whose windows the genome knows no base; arguments of `with_sequence`."""
    return {role: int((share == 1.0).sum()) for role, share in fractions_of_n(genome_fasta, tables).items()}
