"""Whether labelled pairs belong to the line that they calibrate, and whether their labels are inverted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.contig_checks import check_shared, first_lines
from cbat.data.contigs import ContigNames
from cbat.data.elements import Mentions
from cbat.data.overlaps import meets
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.landscape.assembly_check import LEAST, LEAST_MOVED, MOST_MOVED, MOVED
from cbat.model.environment import FloatArray
from cbat.prediction.cautions import Caution

NEAR: Final = 1_000
"""An end of a pair with a candidate of its role in it or so many bp from it meets the line."""
FEW_MEET: Final = 0.5
"""A smaller share of ends that meet is told."""
_BINS: Final = 10
_WIDTH: Final = 3.0
"""Standard deviations of the interval: pairs of one promoter are not independent of one another."""
_MEND: Final = (
    "give pairs of this line in the assembly of its candidates (cbat lift_over lifts intervals), or predict "
    "without them: leave out --calibrate (in a configuration calibrate)"
)


def check_meet(
    path: Path, pairs: Sequence[Mentions], line: Sequence[Mentions], contigs: ContigNames
) -> list[Caution]:
    """Make sure that labelled pairs have their ends where the line has candidates.

    Parameters
    ----------
    path : Path
        The pairs.
    pairs : sequence of Mentions
        Their intervals, by role.
    line : sequence of Mentions
        The candidates of the line, by role.
    contigs : ContigNames
        The table of names that has been applied.

    Returns
    -------
    list of Caution
        Where few ends meet a candidate.

    Raises
    ------
    UserError
        No contig is shared, or one has another name; no end meets a candidate, or promoters do hardly more
        often than by chance.
    """
    met: dict[str, int] = {}
    n: dict[str, int] = {}
    for role in ROLES:
        ends = pd.concat([one.intervals for one in pairs if one.role == role], ignore_index=True)
        known = pd.concat([one.intervals for one in line if one.role == role], ignore_index=True)
        check_shared(path, first_lines(ends), {f"the {role}s of the line": set(known["chrom"])}, contigs)
        met[role], n[role] = _met(ends, known), len(ends)
        if role == "promoter":
            moved = float(np.mean([_met(ends, known, move) for move in MOVED]))
            if max(LEAST_MOVED, met[role] / LEAST) <= moved <= MOST_MOVED * n[role]:
                raise UserError(
                    f"of {n[role]} promoters of the labelled pairs {met[role]} are at promoters of the "
                    f"line, barely more than by chance ({moved:.0f}): they seem to be of another assembly",
                    mend=_MEND,
                    file=path,
                )
    told = " and ".join(f"{met[role]} of {n[role]} {role}s" for role in ROLES)
    if not any(met.values()):
        raise UserError(
            f"no end of the labelled pairs is within {NEAR} bp of a candidate of the line ({told})",
            mend=_MEND,
            file=path,
        )
    if all(met[role] >= FEW_MEET * n[role] for role in ROLES):
        return []
    return [
        Caution(
            "unmatched_pairs",
            f"of the labelled pairs {told} are within {NEAR} bp of a candidate of the line: are they of this "
            "line, and of its assembly?",
        )
    ]


def of_inverted_labels(score: FloatArray, label: FloatArray, distance: npt.NDArray[Any]) -> list[Caution]:
    """A caution where contacts score clearly below other pairs of their distance.

    The share of pairs of a contact and another, of one tenth of the distances, in which the contact scores
    higher (the area under the ROC curve, matched by distance) is compared with 1/2, by the variance of
    Mann and Whitney's U.

    Parameters
    ----------
    score, label, distance : array, shape=(n,)
        Scores before the refit; 1 for contacts, 0 for others; bp.
    """
    # Slow to import, and few predictions are calibrated.
    from scipy.stats import rankdata

    wins = variance = n_compared = 0.0
    bins = np.quantile(distance, np.linspace(0.0, 1.0, _BINS + 1)[1:-1])
    for rows in (np.digitize(distance, bins) == one for one in range(_BINS)):
        contact = label[rows] == 1.0
        n, others = int(contact.sum()), int((~contact).sum())
        wins += float(rankdata(score[rows])[contact].sum()) - n * (n + 1) / 2.0
        variance += n * others * (n + others + 1) / 12.0
        n_compared += n * others
    if not n_compared:
        return []
    area, half = wins / n_compared, _WIDTH * variance**0.5 / n_compared
    if area + half >= 0.5:
        return []
    return [
        Caution(
            "inverted_labels",
            f"contacts score below other pairs of the same distance (area under the ROC curve {area:.2f}, "
            f"between {max(area - half, 0.0):.2f} and {area + half:.2f}): are the labels 1 for contacts and "
            "0 for others?",
        )
    ]


def _met(ends: pd.DataFrame, known: pd.DataFrame, moved: int = 0) -> int:
    """How many ends are near one of the intervals ``known``, moved by so many bp."""
    chrom, start, end = (ends[name].to_numpy() for name in ("chrom", "start", "end"))
    return int(meets(chrom, start, end, known, within=NEAR, moved=moved).sum())
