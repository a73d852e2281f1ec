r"""What lies between and around the two ends of a pair, in numbers that no label has chosen.

Positions are the centres of the elements, 0-based, bp; :math:`d` is their distance. *Between* means between
the ends without a margin at both (:data:`MARGIN`). :math:`A` is the activity of a peak
(:mod:`cbat.landscape.tracks`), and :math:`w(d) = (\max(d, 5\,\mathrm{kb}) / 5\,\mathrm{kb})^{-0.87}` is a
contact frequency (the power law of Hi-C, as the ABC score has it). :data:`FEATURES` says of each number what
it is.

All are prefix sums and searches over sorted positions, asked once for each element and each pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.landscape.extrusion import Extrusion
from cbat.landscape.sites import FloatArray, Positions, Sites, running_sum

Columns = npt.NDArray[np.float32]

GENES: Final = "genes"
"""Features of transcription starts alone, which all cell lines share."""
SIGNALS: Final = "signals"
"""Features of the line's signals at its candidate enhancers, which no other line can lend."""

MARGIN: Final = 5_000
"""A peak so near an end is at the end, not between; insulators, bp."""
ENHANCER_MARGIN: Final = 1_000
START_MARGIN: Final = 500
ELEMENT_RADIUS: Final = 750
"""Half the width around an element's centre that a mark's peak has to overlap, bp."""
ELEMENT_WIDTH: Final = 500
"""Unit of the width of a peak, bp."""
START_RADIUS: Final = 1_000
"""A transcription start is active where a peak of active promoters is so near, bp."""
END_RADIUS: Final = 10_000
CLOSE_RADIUS: Final = 2_500
ANCHOR_RADIUS: Final = 30_000
COMPETITION_RADIUS: Final = 2_000_000
NEIGHBOURHOOD: Final = 500_000
CONTACT_SCALE: Final = 5_000
CONTACT_EXPONENT: Final = 0.87
REACH: Final = 5_000_000
"""Transcription starts that an enhancer may reach, bp."""
REACH_EXPONENT: Final = 1.0242
"""Of the power law that the ABC score of later years has."""
PASSING: Final = 0.15
"""How strongly a unit of activity blocks an extruder that passes."""
ANCHORING: Final = 0.4
"""The same for sites that hold the two feet of a loop."""
LEAST_CHANCE: Final = 1e-5
LEAST_ANCHORED: Final = 1e-3
LEAST_COMPETITION: Final = 0.1
LEAST_ACTIVITY: Final = 0.05
PAIRS_AT_ONCE: Final = 1 << 16
"""Pairs whose numbers are held in double precision at a time."""


class Feature(NamedTuple):
    """One number of a pair.

    Attributes
    ----------
    name : str
    kind : str
        The kind of track that it comes from (:data:`cbat.config.sheets.TRACK_KINDS`), ``genes`` or
        ``signals``.
    raises : bool
        Whether it is expected to raise the resistance; training lines decide.
    formula : str
    unit : str
    source : str
        Where the idea comes from.
    of_regulation : bool
        Whether only laws of regulation hold it: who touches whom does not need it.
    """

    name: str
    kind: str
    raises: bool
    formula: str
    unit: str
    source: str
    of_regulation: bool = False


_I, _P, _E = "insulators", "active_promoters", "active_enhancers"
_RAO = "Rao et al. 2014"
_SANBORN = "Sanborn et al. 2015; Fudenberg et al. 2016"
_ABC = "Fulco et al. 2019"
_RE2G = "Gschwind et al. 2023"

FEATURES: Final[tuple[Feature, ...]] = (
    Feature("insulation_sum", _I, True, "ln(1 + sum of A between)", "ln(1 + A)", _RAO),
    Feature("insulation_max", _I, True, "largest A between", "A", _RAO),
    Feature("insulation_count", _I, True, "ln(1 + number between)", "ln(1 + peaks)", _RAO),
    Feature(
        "forward_between",
        _I,
        True,
        "ln(1 + sum of A between on the strand that points from the enhancer to the promoter)",
        "ln(1 + A)",
        _RAO,
    ),
    Feature("reverse_between", _I, True, "the same on the other strand", "ln(1 + A)", _RAO),
    Feature(
        "insulators_at_enhancer",
        _I,
        False,
        "ln(1 + sum of A within 10 kb of the enhancer)",
        "ln(1 + A)",
        _RAO,
    ),
    Feature(
        "insulators_at_promoter",
        _I,
        False,
        "ln(1 + sum of A within 10 kb of the promoter)",
        "ln(1 + A)",
        _RAO,
    ),
    Feature("insulators_at_both", _I, False, "geometric mean of the two before", "ln(1 + A)", _RAO),
    Feature(
        "convergent_ends",
        _I,
        False,
        "sqrt(A forward within 10 kb of the left end x A reverse within 10 kb of the right end)",
        "A",
        _RAO,
    ),
    Feature(
        "extrusion",
        _I,
        False,
        "ln(1e-5 + chance that an extruder loaded between the ends reaches both), blocking 0.15 A",
        "ln",
        _SANBORN,
    ),
    Feature(
        "anchored_extrusion",
        _I,
        False,
        "ln(1e-3 + loops between convergent sites within 30 kb of the ends / d), blocking 0.4 A",
        "ln",
        _SANBORN,
    ),
    Feature(
        "insulators_close_to_both",
        _I,
        False,
        "geometric mean of ln(1 + sum of A within 2.5 kb) of both ends",
        "ln(1 + A)",
        _RAO,
    ),
    Feature(
        "facing_at_enhancer",
        _I,
        False,
        "ln(1 + sum of A within 2.5 kb of the enhancer on the strand that points to the promoter)",
        "ln(1 + A)",
        _RAO,
    ),
    Feature(
        "facing_at_promoter", _I, False, "the same at the promoter, towards the enhancer", "ln(1 + A)", _RAO
    ),
    Feature(
        "averted_at_enhancer", _I, True, "the same at the enhancer, on the other strand", "ln(1 + A)", _RAO
    ),
    Feature(
        "averted_at_promoter", _I, True, "the same at the promoter, on the other strand", "ln(1 + A)", _RAO
    ),
    Feature(
        "convergent_close",
        _I,
        False,
        "sqrt(A facing at the enhancer x A facing at the promoter), 2.5 kb",
        "A",
        _RAO,
    ),
    Feature("starts_between", GENES, True, "ln(1 + transcription starts between)", "ln(1 + starts)", _ABC),
    Feature(
        "promoter_rank",
        GENES,
        True,
        "ln(1 + starts nearer to the enhancer than the promoter)",
        "ln(1 + starts)",
        "Nasser et al. 2021",
    ),
    Feature(
        "starts_near_enhancer",
        GENES,
        True,
        "ln(1 + starts within 100 kb of the enhancer)",
        "ln(1 + starts)",
        _ABC,
    ),
    Feature(
        "starts_near_promoter",
        GENES,
        True,
        "ln(1 + starts within 100 kb of the promoter)",
        "ln(1 + starts)",
        _ABC,
    ),
    Feature(
        "starts_around_enhancer",
        GENES,
        True,
        "ln(1 + starts within 500 kb of the enhancer)",
        "ln(1 + starts)",
        _ABC,
    ),
    Feature(
        "starts_around_promoter",
        GENES,
        True,
        "ln(1 + starts within 500 kb of the promoter)",
        "ln(1 + starts)",
        _ABC,
    ),
    Feature(
        "promoter_class",
        GENES,
        True,
        "lists of genes with a robust promoter that name the gene (0, 1, 2)",
        "lists",
        _RE2G,
        of_regulation=True,
    ),
    Feature("active_starts_between", _P, True, "ln(1 + active starts between)", "ln(1 + starts)", _ABC),
    Feature(
        "active_promoters_between", _P, True, "ln(1 + sum of A of active starts between)", "ln(1 + A)", _ABC
    ),
    Feature("promoter_mark_at_enhancer", _P, False, "largest A at the enhancer", "A", _ABC),
    Feature("promoter_mark_at_promoter", _P, False, "largest A at the promoter", "A", _ABC),
    Feature(
        "nearer_promoters",
        _P,
        True,
        "ln(1 + sum of A of active starts within d of the enhancer)",
        "ln(1 + A)",
        _ABC,
    ),
    Feature(
        "promoter_competition",
        _P,
        True,
        "ln(0.1 + sum of A w over active starts within 2 Mb of the enhancer)",
        "ln(A)",
        _ABC,
    ),
    Feature(
        "promoter_share", _P, False, "ln((0.05 + A at the promoter) w(d)) - promoter_competition", "ln", _ABC
    ),
    Feature("enhancer_mark_at_enhancer", _E, False, "largest A at the enhancer", "A", _ABC),
    Feature("enhancer_mark_at_promoter", _E, False, "largest A at the promoter", "A", _ABC),
    Feature(
        "log_mark_at_enhancer",
        _E,
        False,
        "ln(0.05 + largest A at the enhancer)",
        "ln(A)",
        _ABC,
        of_regulation=True,
    ),
    Feature(
        "start_competition",
        _E,
        True,
        "ln(0.1 + sum of A at the start x w over starts within 5 Mb of the enhancer), w with exponent 1.0242",
        "ln(A)",
        _RE2G,
        of_regulation=True,
    ),
    Feature(
        "enhancer_competition",
        _E,
        True,
        "ln(0.1 + sum of A w over peaks within 2 Mb of the promoter)",
        "ln(A)",
        _ABC,
    ),
    Feature("abc_share", _E, False, "ln((0.05 + A at the enhancer) w(d)) - enhancer_competition", "ln", _ABC),
    Feature(
        "enhancer_rank",
        _E,
        True,
        "ln(1 + peaks nearer to the promoter than the enhancer)",
        "ln(1 + peaks)",
        _ABC,
    ),
    Feature("enhancers_between", _E, True, "ln(1 + sum of A between)", "ln(1 + A)", _ABC),
    Feature(
        "enhancer_density",
        _E,
        True,
        "ln((1 + sum of A between) / (d / 100 kb + 0.5))",
        "ln(A / 100 kb)",
        _ABC,
    ),
    Feature(
        "enhancers_around_both",
        _E,
        True,
        "geometric mean of ln(1 + sum of A within 500 kb) of both ends",
        "ln(1 + A)",
        _ABC,
    ),
    Feature(
        "mark_width_at_enhancer",
        _E,
        False,
        "ln(1 + width of the widest peak at the enhancer / 500 bp)",
        "ln",
        _ABC,
    ),
    Feature(
        "mark_width_at_promoter",
        _E,
        False,
        "ln(1 + width of the widest peak at the promoter / 500 bp)",
        "ln",
        _ABC,
    ),
    Feature(
        "accessibility_at_enhancer",
        SIGNALS,
        False,
        "r of the accessibility of the enhancer",
        "r",
        _RE2G,
        of_regulation=True,
    ),
    Feature(
        "log_signals_at_enhancer",
        SIGNALS,
        False,
        "ln(0.05 + r of sqrt(accessibility x mark) of the enhancer)",
        "ln(r)",
        _RE2G,
        of_regulation=True,
    ),
)
"""Every feature, in the order of the columns of the tables."""
NAMES: Final = tuple(feature.name for feature in FEATURES)
KINDS: Final = tuple(dict.fromkeys(feature.kind for feature in FEATURES))
LENT: Final = tuple(kind for kind in KINDS if kind != SIGNALS)
"""Kinds of features that another line may stand in with, and genes."""


def kind_of(name: str) -> str:
    """The kind of track that a feature comes from, ``genes`` or ``signals``."""
    return FEATURES[NAMES.index(name)].kind


def columns_of(kind: str) -> slice:
    """Columns of the features of a kind, which stand together in :data:`FEATURES`."""
    places = [number for number, feature in enumerate(FEATURES) if feature.kind == kind]
    return slice(places[0], places[-1] + 1)


@dataclass(frozen=True, eq=False)
class SignalRanks:
    """Ranks of the signals of the elements of one chromosome, see :mod:`cbat.landscape.element_signals`.

    Attributes
    ----------
    centre : int64 array, shape=(n,)
        Sorted centres of the elements, each once, bp.
    accessibility, both : array, shape=(n,)
        Ranks of the accessibility, and of both signals together.
    """

    centre: Positions
    accessibility: FloatArray
    both: FloatArray

    @classmethod
    def of(cls, table: pd.DataFrame) -> SignalRanks | None:
        """From the rows of a chromosome; None without any."""
        if table.empty:
            return None
        ordered = table.sort_values("centre")
        return cls(*(ordered[name].to_numpy() for name in ("centre", "r_accessibility", "r_both")))

    def rows(self, position: Positions) -> npt.NDArray[np.intp]:
        """Row of each element by its centre.

        Raises
        ------
        ValueError
            No signal was read of an element.
        """
        found = np.minimum(np.searchsorted(self.centre, position), len(self.centre) - 1)
        if (self.centre[found] != position).any():
            raise ValueError("no signal was read of some elements")
        return np.asarray(found)


@dataclass(frozen=True, eq=False)
class Landscape:
    """Tracks and transcription starts of one chromosome.

    Attributes
    ----------
    tracks : mapping
        Kind -> its peaks.
    widths : Sites
        The peaks of active enhancers, with ln(1 + width / 500 bp) in place of the activity.
    starts : int64 array, shape=(n_starts,)
        Sorted positions of transcription starts, each once.
    start_activity : array, shape=(n_starts,)
        Largest activity of the active promoters near each start, 0 where there is none.
    start_class : array, shape=(n_starts,)
        Lists of genes with a robust promoter that name a gene of the start, at most.
    passing, anchoring : Extrusion
        The insulators as what stops an extruder that passes, and as what holds the two feet of a loop.
    signals : SignalRanks, optional
        Of the line's enhancers; None for a line that has none.
    """

    tracks: Mapping[str, Sites]
    widths: Sites
    starts: Positions
    start_activity: FloatArray
    start_class: FloatArray
    passing: Extrusion
    anchoring: Extrusion
    signals: SignalRanks | None = None

    @classmethod
    def of(
        cls,
        tracks: pd.DataFrame,
        starts: npt.ArrayLike,
        start_class: npt.ArrayLike | None = None,
        signals: pd.DataFrame | None = None,
    ) -> Landscape:
        """From the rows of ``results/tracks/<cell_line>.parquet`` of one chromosome, and its starts.

        Parameters
        ----------
        tracks : DataFrame
        starts : array of int, shape=(n,)
            Transcription starts, bp, in any order.
        start_class : array, shape=(n,), optional
            Class of the promoter of each; 0 without it.
        signals : DataFrame, optional
            Signals of the line's enhancers on the chromosome, see :mod:`cbat.landscape.element_signals`.
        """
        sites = {}
        kind_of_row, strand = (tracks[name].to_numpy(dtype=object) for name in ("kind", "strand"))
        columns = [tracks[name].to_numpy() for name in ("start", "end", "centre", "activity")]
        for kind in (_I, _P, _E):
            rows = kind_of_row == kind
            start, end, centre, activity = (column[rows] for column in columns)
            sites[kind] = Sites.of(start, end, centre, activity, strand[rows] if kind == _I else None)
        marks = sites[_E]
        width = np.log1p((marks.end - marks.start) / ELEMENT_WIDTH)
        given = np.asarray(starts, dtype=np.int64)
        once, of_start = np.unique(given, return_inverse=True)
        classes = np.zeros(len(once))
        if start_class is not None:
            np.maximum.at(classes, of_start, np.asarray(start_class, dtype=float))
        return cls(
            sites,
            Sites.of(marks.start, marks.end, marks.centre, width),
            once,
            sites[_P].at(once, START_RADIUS),
            classes,
            Extrusion.of(sites[_I], PASSING),
            Extrusion.of(sites[_I], ANCHORING),
            None if signals is None else SignalRanks.of(signals),
        )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of one chromosome, as rows of its unique elements.

    Attributes
    ----------
    enhancer, promoter : int64 array
        Centres of the elements, bp.
    enhancer_of, promoter_of : int array, shape=(n,)
        Row of each pair's ends.
    """

    enhancer: Positions
    promoter: Positions
    enhancer_of: npt.NDArray[np.intp]
    promoter_of: npt.NDArray[np.intp]

    @classmethod
    def of(cls, enhancer: npt.ArrayLike, promoter: npt.ArrayLike) -> Pairs:
        """Pairs of such centres, bp, shape=(n,) each."""
        (enhancers, enhancer_of), (promoters, promoter_of) = (
            np.unique(np.asarray(centre, dtype=np.int64), return_inverse=True)
            for centre in (enhancer, promoter)
        )
        return cls(enhancers, promoters, enhancer_of, promoter_of)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.enhancer_of)

    @cached_property
    def offset(self) -> Positions:
        """From the enhancer to the promoter, bp, shape=(n,)."""
        return np.asarray(self.promoter[self.promoter_of] - self.enhancer[self.enhancer_of])

    @cached_property
    def is_left(self) -> npt.NDArray[np.bool_]:
        """Whether the enhancer lies left of the promoter, shape=(n,)."""
        return np.asarray(self.offset >= 0)

    @cached_property
    def distance(self) -> Positions:
        """Between the centres, bp, shape=(n,)."""
        return np.asarray(np.abs(self.offset))

    @cached_property
    def _rows(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Rows of the left and of the right end among all enhancers, followed by all promoters."""
        promoter_of = self.promoter_of + len(self.enhancer)
        return (
            np.where(self.is_left, self.enhancer_of, promoter_of),
            np.where(self.is_left, promoter_of, self.enhancer_of),
        )

    def left(self, of_enhancer: npt.NDArray[Any], of_promoter: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A number of each element as one of the left ends, shape=(n,)."""
        return np.concatenate([of_enhancer, of_promoter])[self._rows[0]]

    def right(self, of_enhancer: npt.NDArray[Any], of_promoter: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A number of each element as one of the right ends, shape=(n,)."""
        return np.concatenate([of_enhancer, of_promoter])[self._rows[1]]


def pair_features(landscape: Landscape, pairs: Pairs) -> npt.NDArray[np.float32]:
    """All features of pairs of one chromosome.

    Parameters
    ----------
    landscape : Landscape
    pairs : Pairs
        Some hundred bytes are held for each; :data:`PAIRS_AT_ONCE` keep that small.

    Returns
    -------
    float32 array, shape=(n, len(FEATURES))
        Finite; a kind of track without peaks gives what no peak anywhere would. Column by column in memory.
    """
    found = {
        **_of_insulators(landscape, pairs),
        **_of_strands(landscape, pairs),
        **_of_close_sites(landscape.tracks[_I], pairs),
        **_of_starts(landscape, pairs),
        **_of_promoter_marks(landscape, pairs),
        **_of_enhancer_marks(landscape, pairs),
        **_of_signals(landscape.signals, pairs),
    }
    columns = np.empty((len(NAMES), len(pairs)), dtype=np.float32)
    for column, name in enumerate(NAMES):
        columns[column] = found[name]
    return columns.T


def _of_insulators(landscape: Landscape, pairs: Pairs) -> dict[str, FloatArray]:
    sites = landscape.tracks[_I]
    first, last = _between(pairs, sites.centre, MARGIN)
    at_enhancer = np.log1p(sites.near(pairs.enhancer, END_RADIUS))[pairs.enhancer_of]
    at_promoter = np.log1p(sites.near(pairs.promoter, END_RADIUS))[pairs.promoter_of]
    forward = sites.forward_before[last] - sites.forward_before[first]
    reverse = sites.reverse_before[last] - sites.reverse_before[first]
    return {
        "insulation_sum": np.log1p(sites.activity_before[last] - sites.activity_before[first]),
        "insulation_max": sites.strongest(first, last),
        "insulation_count": np.log1p(last - first),
        "forward_between": np.log1p(np.where(pairs.is_left, forward, reverse)),
        "reverse_between": np.log1p(np.where(pairs.is_left, reverse, forward)),
        "insulators_at_enhancer": at_enhancer,
        "insulators_at_promoter": at_promoter,
        "insulators_at_both": np.sqrt(at_enhancer * at_promoter),
    }


def _of_close_sites(sites: Sites, pairs: Pairs) -> dict[str, FloatArray]:
    """Features of the sites at the very ends, by the strand that points to the other end."""
    near, facing, averted = [], [], []
    for position, row, is_left in (
        (pairs.enhancer, pairs.enhancer_of, pairs.is_left),
        (pairs.promoter, pairs.promoter_of, ~pairs.is_left),
    ):
        low, high = sites.before(position - CLOSE_RADIUS), sites.before(position + CLOSE_RADIUS)
        forward = np.maximum(sites.forward_before[high] - sites.forward_before[low], 0.0)
        reverse = np.maximum(sites.reverse_before[high] - sites.reverse_before[low], 0.0)
        near.append(np.log1p(forward + reverse)[row])
        facing.append(np.where(is_left, forward[row], reverse[row]))
        averted.append(np.where(is_left, reverse[row], forward[row]))
    return {
        "insulators_close_to_both": np.sqrt(near[0] * near[1]),
        "facing_at_enhancer": np.log1p(facing[0]),
        "facing_at_promoter": np.log1p(facing[1]),
        "averted_at_enhancer": np.log1p(averted[0]),
        "averted_at_promoter": np.log1p(averted[1]),
        "convergent_close": np.sqrt(facing[0] * facing[1]),
    }


def _of_strands(landscape: Landscape, pairs: Pairs) -> dict[str, FloatArray]:
    """Features of convergent sites and of extrusion."""
    sites, passing, anchoring = landscape.tracks[_I], landscape.passing, landscape.anchoring
    both = (pairs.enhancer, pairs.promoter)
    low, high = ([sites.before(end + sign * END_RADIUS) for end in both] for sign in (-1, 1))
    forward = [sites.forward_before[high[i]] - sites.forward_before[low[i]] for i in (0, 1)]
    reverse = [sites.reverse_before[high[i]] - sites.reverse_before[low[i]] for i in (0, 1)]
    left, right = pairs.left(*both), pairs.right(*both)
    # Both know the same edges: a place of the one is a place of the other.
    place = [passing.place(end) for end in both]
    at_left, at_right = pairs.left(*place), pairs.right(*place)
    chance, _ = passing.reaches_both(left, at_left, right, at_right)
    forward_feet = [anchoring.forward_feet.near(end, ANCHOR_RADIUS) for end in both]
    reverse_feet = [anchoring.reverse_feet.near(end, ANCHOR_RADIUS) for end in both]
    loops = anchoring.loops(
        (
            pairs.left(forward_feet[0][0], forward_feet[1][0]),
            pairs.left(forward_feet[0][1], forward_feet[1][1]),
        ),
        (
            pairs.right(reverse_feet[0][0], reverse_feet[1][0]),
            pairs.right(reverse_feet[0][1], reverse_feet[1][1]),
        ),
    )
    return {
        "convergent_ends": np.sqrt(np.maximum(pairs.left(*forward) * pairs.right(*reverse), 0.0)),
        "extrusion": np.log(LEAST_CHANCE + chance),
        "anchored_extrusion": np.log(LEAST_ANCHORED + loops / np.maximum(right - left, 1)),
    }


def _of_starts(landscape: Landscape, pairs: Pairs) -> dict[str, FloatArray]:
    """Features of transcription starts, active or not, and of those that are active."""
    starts, activity = landscape.starts, landscape.start_activity
    n_active, total = running_sum(activity > 0.0), running_sum(activity)
    enhancer, promoter = pairs.enhancer, pairs.promoter
    first, last = _between(pairs, starts, START_MARGIN)
    # From the far side of the enhancer, as far as the promoter, up to the promoter's own start.
    far = np.searchsorted(starts, enhancer[pairs.enhancer_of] - pairs.offset)
    near = np.searchsorted(starts, promoter)[pairs.promoter_of]
    rank = np.where(
        pairs.is_left,
        np.searchsorted(starts, promoter - START_MARGIN)[pairs.promoter_of] - far,
        far - np.searchsorted(starts, promoter + START_MARGIN)[pairs.promoter_of],
    )
    found = {
        "promoter_class": _nearest_class(landscape, promoter)[pairs.promoter_of],
        "starts_between": np.log1p(last - first),
        "promoter_rank": np.log1p(np.maximum(rank, 0)),
        "active_starts_between": np.log1p(n_active[last] - n_active[first]),
        "active_promoters_between": np.log1p(total[last] - total[first]),
        "nearer_promoters": np.log1p(np.abs(total[near] - total[far])),
    }
    for name, radius in (("near", 100_000), ("around", NEIGHBOURHOOD)):
        for end, position, row in (
            ("enhancer", enhancer, pairs.enhancer_of), ("promoter", promoter, pairs.promoter_of),
        ):  # fmt: skip
            count = np.searchsorted(starts, position + radius) - np.searchsorted(starts, position - radius)
            found[f"starts_{name}_{end}"] = np.log1p(count)[row]
    return found


def _nearest_class(landscape: Landscape, position: Positions) -> FloatArray:
    """Class of the start nearest to each promoter, 0 where none is within 500 bp."""
    starts = landscape.starts
    if not len(starts):
        return np.zeros(len(position))
    right = np.clip(np.searchsorted(starts, position), 0, len(starts) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(starts[left] - position) <= np.abs(starts[right] - position), left, right)
    near = np.abs(starts[nearest] - position) <= START_MARGIN
    return np.where(near, landscape.start_class[nearest], 0.0)


def _of_promoter_marks(landscape: Landscape, pairs: Pairs) -> dict[str, FloatArray]:
    sites, active = landscape.tracks[_P], landscape.start_activity > 0.0
    starts = landscape.starts[active]
    points = Sites.of(starts, starts, starts, landscape.start_activity[active])
    at_promoter = sites.at(pairs.promoter, ELEMENT_RADIUS)
    competition = _competition(points, pairs.enhancer)[pairs.enhancer_of]
    share = np.log(LEAST_ACTIVITY + at_promoter)[pairs.promoter_of] + _log_contact(pairs.distance)
    return {
        "promoter_mark_at_enhancer": sites.at(pairs.enhancer, ELEMENT_RADIUS)[pairs.enhancer_of],
        "promoter_mark_at_promoter": at_promoter[pairs.promoter_of],
        "promoter_competition": competition,
        "promoter_share": share - competition,
    }


def _of_enhancer_marks(landscape: Landscape, pairs: Pairs) -> dict[str, FloatArray]:
    sites, widths = landscape.tracks[_E], landscape.widths
    enhancer, promoter = pairs.enhancer, pairs.promoter
    at_enhancer = sites.at(enhancer, ELEMENT_RADIUS)
    competition = _competition(sites, promoter)[pairs.promoter_of]
    share = np.log(LEAST_ACTIVITY + at_enhancer)[pairs.enhancer_of] + _log_contact(pairs.distance)
    # From the far side of the promoter, as far as the enhancer, up to the enhancer's own peak.
    far = sites.before(promoter[pairs.promoter_of] + pairs.offset)
    rank = np.where(
        pairs.is_left,
        far - sites.before(enhancer + ELEMENT_RADIUS)[pairs.enhancer_of],
        sites.before(enhancer - ELEMENT_RADIUS)[pairs.enhancer_of] - far,
    )
    first, last = _between(pairs, sites.centre, ENHANCER_MARGIN)
    between = sites.activity_before[last] - sites.activity_before[first]
    around = [np.log1p(sites.near(end, NEIGHBOURHOOD)) for end in (enhancer, promoter)]
    starts = landscape.starts
    marked = Sites.of(starts, starts, starts, sites.at(starts, ELEMENT_RADIUS))
    return {
        "log_mark_at_enhancer": np.log(LEAST_ACTIVITY + at_enhancer)[pairs.enhancer_of],
        "start_competition": _start_competition(marked, enhancer)[pairs.enhancer_of],
        "enhancer_mark_at_enhancer": at_enhancer[pairs.enhancer_of],
        "enhancer_mark_at_promoter": sites.at(promoter, ELEMENT_RADIUS)[pairs.promoter_of],
        "enhancer_competition": competition,
        "abc_share": share - competition,
        "enhancer_rank": np.log1p(np.maximum(rank, 0)),
        "enhancers_between": np.log1p(between),
        "enhancer_density": np.log((between + 1.0) / (pairs.distance / 1e5 + 0.5)),
        "enhancers_around_both": np.sqrt(around[0][pairs.enhancer_of] * around[1][pairs.promoter_of]),
        "mark_width_at_enhancer": widths.at(enhancer, ELEMENT_RADIUS)[pairs.enhancer_of],
        "mark_width_at_promoter": widths.at(promoter, ELEMENT_RADIUS)[pairs.promoter_of],
    }


def _of_signals(signals: SignalRanks | None, pairs: Pairs) -> dict[str, FloatArray]:
    if signals is None:
        return dict.fromkeys(NAMES[columns_of(SIGNALS)], np.zeros(len(pairs)))
    rows = signals.rows(pairs.enhancer)[pairs.enhancer_of]
    return {
        "accessibility_at_enhancer": signals.accessibility[rows],
        "log_signals_at_enhancer": np.log(LEAST_ACTIVITY + signals.both[rows]),
    }


def contact_frequency(distance: npt.NDArray[np.generic]) -> FloatArray:
    r""":math:`w(d) = (\max(d, 5\,\mathrm{kb}) / 5\,\mathrm{kb})^{-0.87}`, shape as given, bp."""
    return np.asarray(np.exp(_log_contact(distance)))


def _log_contact(distance: npt.NDArray[np.generic]) -> FloatArray:
    return np.asarray(-CONTACT_EXPONENT * np.log(np.maximum(distance, CONTACT_SCALE) / CONTACT_SCALE))


def _competition(sites: Sites, position: Positions) -> FloatArray:
    """Log of the activity that reaches each position, from all sites of its neighbourhood."""
    total = sites.reaching(position, COMPETITION_RADIUS, contact_frequency)
    return np.asarray(np.log(LEAST_COMPETITION + total))


def _start_competition(starts: Sites, position: Positions) -> FloatArray:
    """Log of the marks at all transcription starts that each position may reach, weighed by contact."""
    total = starts.reaching(position, REACH, _reach)
    return np.asarray(np.log(LEAST_COMPETITION + total))


def _reach(distance: Positions) -> FloatArray:
    return np.asarray((np.maximum(distance, CONTACT_SCALE) / CONTACT_SCALE) ** -REACH_EXPONENT)


def _between(pairs: Pairs, points: Positions, margin: int) -> tuple[Positions, Positions]:
    """First and one after the last of sorted points between the ends; none where the margins meet."""
    both = (pairs.enhancer, pairs.promoter)
    first = pairs.left(*(np.searchsorted(points, end + margin) for end in both))
    last = pairs.right(*(np.searchsorted(points, end - margin) for end in both))
    return first, np.maximum(first, last)
