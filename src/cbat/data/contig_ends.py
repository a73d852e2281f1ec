"""Intervals beyond the ends of contigs: a few that reach over an end, or a file of another assembly."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.data.assemblies import assembly_of
from cbat.errors import UserError

FEW: Final = 0.01
"""So large a share of a file's intervals may reach over the ends of contigs ..."""
AT_LEAST: Final = 3
"""... or so many."""
NEAR: Final = 10_000
"""Intervals that begin so many bp beyond the end, or fewer, may well be of the same assembly."""
_logger = logging.getLogger(__name__)


def check_ends(
    path: Path,
    table: pd.DataFrame,
    sizes: Mapping[str, int],
    what: str,
    *,
    whose: str = "the genome",
    hint: str = "",
) -> int:
    """Count the intervals that reach over the end of their contig; refuse those that lie beyond it.

    Programs that widen peaks write some that reach a few bp over an end. They keep their places, for windows
    may reach over an end as well and know no base there. An interval that begins beyond the end, or many that
    reach over it, speak of another assembly.

    Parameters
    ----------
    path : Path
        The file, for messages.
    table : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp) and ``line`` (0 where it is not known); contigs
        that ``sizes`` lacks are not looked at.
    sizes : mapping
        Contig -> length, bp.
    what : str
        What the intervals are, in the plural.
    whose : str
        Whose contigs these are.
    hint : str
        What else is known of an assembly that all would fit, for the message.

    Returns
    -------
    int
        How many reach over an end; it is logged as a warning.

    Raises
    ------
    UserError
        An interval that begins beyond the end of its contig, or more than :data:`FEW` of all (and more than
        :data:`AT_LEAST`) that reach over it.
    """
    length = table["chrom"].map(sizes).astype(float)
    over = table[table["end"] > length]
    off = over[over["start"] >= length[over.index]]
    if off.empty and len(over) <= max(AT_LEAST, FEW * len(table)):
        if len(over):
            row = over.iloc[0]
            _logger.warning(
                "%s: %d of %d %s reach over the end of their contig, such as %s:%d-%d in line %d, and count "
                "as they are: the bases beyond are unknown",
                path, len(over), len(table), what, row["chrom"], row["start"], row["end"], row["line"],
            )  # fmt: skip
        return len(over)
    raise _refused(path, table, over, off, sizes, what, whose, hint)


def _refused(
    path: Path,
    table: pd.DataFrame,
    over: pd.DataFrame,
    off: pd.DataFrame,
    sizes: Mapping[str, int],
    what: str,
    whose: str,
    hint: str,
) -> UserError:
    row = (over if off.empty else off).iloc[0]
    chrom, size = row["chrom"], sizes[row["chrom"]]
    where = f"line {row['line']}" if row["line"] else None
    looks = assembly_of(sizes)
    of_file = whose == looks
    told = whose if looks in (None, whose) else f"{whose}, which looks like {looks}"
    beyond = int((off["start"] - off["chrom"].map(sizes)).max()) if len(off) else 0
    # Without a FASTA the other intervals have told the assembly.
    little = len(over) <= max(AT_LEAST, FEW * len(table)) and (of_file or beyond <= NEAR)
    how = "lie beyond" if len(off) == len(over) else "reach beyond"
    problem = (
        f"{len(over)} of {len(table)} {what} {how} the end of their contig, such as "
        f"{chrom}:{row['start']}-{row['end']} ({chrom} is {size} bp long in {told})"
    )
    if little:
        lines = ", ".join(str(line) for line in off["line"].tolist() if line)
        which = f" (line {lines})" if lines else ""
        return UserError(
            f"{problem}; all others fit",
            mend=f"delete what begins beyond the end{which}, or clip the file to the lengths of the "
            "contigs (UCSC's bedClip does so); if it is of another assembly, lift it over (cbat lift_over)",
            file=path,
            where=where,
        )
    return UserError(
        f"{problem}: the file seems to be of another assembly{hint}",
        mend="give all files in one assembly (cbat lift_over lifts peaks), or correct --assembly (in a "
        "configuration assembly)"
        if of_file
        else "name the FASTA of the assembly that the file was made with, or lift the file over (cbat "
        "lift_over)",
        file=path,
        where=where,
    )
