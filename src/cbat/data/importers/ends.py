"""Which end of a pair of intervals is the enhancer and which the promoter."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cbat.data.bed_files import read_candidates
from cbat.data.importers.common import Interval, PairSource, key_of
from cbat.data.overlaps import meets
from cbat.data.text_tables import TextTable
from cbat.errors import UserError

LEAST_ROWS: Final = 20
"""Rows from which on ends in the order of the genome are no chance: fewer than one such file in a million."""
NOT_TOLD_APART: Final = "ends_not_told_apart"
"""Reason for which a row is left out: the order of its ends says nothing, and neither do the candidates."""
_logger = logging.getLogger(__name__)
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Oriented:
    """Ends by role.

    Attributes
    ----------
    enhancer, promoter : Interval
        shape=(n_rows,) each.
    strand : object array or None
        Of the promoters.
    rows : Boolean array, shape=(n_rows,)
        Rows whose ends are told apart.
    swapped : int
        Rows whose end 1 is the promoter.
    left_out : dict of str to int
        Reason -> other rows.
    """

    enhancer: Interval
    promoter: Interval
    strand: npt.NDArray[np.object_] | None
    rows: Flags
    swapped: int
    left_out: dict[str, int] = field(default_factory=dict)


def oriented(
    source: PairSource,
    table: TextTable,
    first: Interval,
    second: Interval,
    strands: tuple[npt.NDArray[np.object_] | None, npt.NDArray[np.object_] | None],
) -> Oriented:
    """Tell the enhancer of each row from its promoter.

    By the line's candidates: the way round in which more ends meet (by a base or more) an element of their
    role. Where both ways fit alike, by the strands: the only end that has one is the promoter. Where these
    say nothing either, end 1 is the enhancer, as the columns have it. But programs that sort ends by their
    position (HiCCUPS, cooler) write end 1 before end 2 in every row, and then their order says nothing: if
    20 rows or more on one chromosome are all in one order, rows that nothing else tells apart are left out
    and counted where candidates tell the others, and the file is refused where nothing tells any.

    Parameters
    ----------
    source : PairSource
        With the line's candidates, if there are any.
    table : TextTable
        For messages.
    first, second : Interval
        Ends, shape=(n_rows,) each.
    strands : pair of object arrays
        Of both ends, or None.

    Raises
    ------
    UserError
        A malformed file of candidates; ends in the order of the genome that nothing tells apart.
    """
    vote = _by_candidates(source, first, second)
    if strands[0] is not None and strands[1] is not None:
        has_one, has_other = (np.asarray(strand != ".", dtype=np.int64) for strand in strands)
        vote = np.where(vote == 0, has_one - has_other, vote)
    swap, known = vote > 0, vote != 0
    rows = np.ones(len(swap), dtype=bool)
    if not known.all() and (order := _one_order(first, second)):
        if not known.any():
            raise _refused(source, len(swap), order)
        rows = known
    if swap.any():
        _logger.info("%s: end 1 is the promoter in %d of %d rows", source.path, swap.sum(), len(swap))
    enhancer, promoter = _chosen(swap, second, first), _chosen(swap, first, second)
    strand = strands[1]
    if strands[0] is not None or strand is not None:
        dots = np.full(len(swap), ".", dtype=object)
        strand = np.where(swap, *(dots if one is None else one for one in strands))
    left_out = {} if rows.all() else {NOT_TOLD_APART: int((~rows).sum())}
    return Oriented(enhancer, promoter, strand, rows, int((swap & rows).sum()), left_out)


def _chosen(swap: Flags, one: Interval, other: Interval) -> Interval:
    chrom, start, end = (np.where(swap, a, b) for a, b in zip(one, other, strict=True))
    return chrom, start, end


def _by_candidates(source: PairSource, first: Interval, second: Interval) -> npt.NDArray[np.int64]:
    """How many more ends fit the other way round, shape=(n_rows,)."""
    vote = np.zeros(len(first[1]), dtype=np.int64)
    for path, role, sign in ((source.enhancers, "enhancer", 1), (source.promoters, "promoter", -1)):
        if path is not None:
            elements = read_candidates(path, role, source.contigs)
            met = [
                meets(source.contigs.apply(chrom), start, end, elements).astype(np.int64)
                for chrom, start, end in (first, second)
            ]
            vote += sign * (met[1] - met[0])
    return vote


def _one_order(first: Interval, second: Interval) -> str:
    """Where end 1 lies of end 2 in every row on one chromosome; empty if there are few, or both orders."""
    same = (first[0] == second[0]) & (first[1] != second[1])
    before = (first[1] < second[1])[same]
    if len(before) < LEAST_ROWS or before.any() != before.all():
        return ""
    return "before" if before.all() else "behind"


def _refused(source: PairSource, n: int, order: str) -> UserError:
    return UserError(
        f"end 1 lies {order} end 2 in all {n} rows: the ends are sorted by position, which does not "
        "say which of them is the enhancer",
        mend=f"give the line's candidates, which do: {key_of('enhancers')} and promoters; or set "
        f"{key_of('pairs_format')} to loops for contacts without labels, or to bedpe_enhancer_first if end 1 "
        "is the enhancer in every row",
        file=source.path,
    )
