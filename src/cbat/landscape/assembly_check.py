"""Are peaks and genes of one assembly? Two assemblies name chromosomes alike, and nearly as long.

The strongest peaks of active promoters lie on starts of genes, in any line. Beside the starts of another
assembly they lie no more often than beside any place that is near genes: the same starts, moved. In six lines
4 to 13 times as many of the strongest 5,000 peaks had a start within 1 kb as had a moved one, but 1.2 to 1.7
times as many with the starts of hg38 for peaks of hg19.

Peaks of any kind are, for a good part, where other lines have them. Of the same lines 3.0 to 5.3 times as
many of the strongest peaks of a mark met a peak of the five others as met a moved one, and 31 to 37 times as
many of CTCF (2.1 and 19 times on the chromosome where they did least). Peaks of hg19 met what hg38 lets one
expect 1.1 to 1.5 times as often (marks) and 2.9 to 3.1 times (CTCF).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.errors import UserError

STRONGEST: Final = 5_000
"""Peaks that are looked at."""
NEAR: Final = 1_000
"""A peak with a start in it or so many bp from it is at the start."""
MOVED: Final = (-100_000, 100_000)
"""Where the starts are moved to, bp: farther than a promoter reaches, and still among the same genes."""
LEAST: Final = 2.0
"""How many times as many peaks are at starts as at moved ones, at least."""
LEAST_MOVED: Final = 5.0
"""With fewer peaks at moved starts nothing is said."""
MOST_MOVED: Final = 1 / 3
"""With a larger share of the peaks at moved starts nothing is said: genes are that dense in small simulated
genomes, where any place is near one. In human lines it is 0.07 to 0.21."""
AT_SITE: Final = 200
"""A peak with the centre of an expected one in it or so many bp from it meets it."""
LEAST_EXPECTED: Final[Mapping[str, float]] = {
    "active_enhancers": 1.6, "active_promoters": 1.6, "insulators": 5.0,
}  # fmt: skip
"""Kind -> how many times as many peaks meet expected ones as moved ones, at least."""


def peaks_at_starts(track: pd.DataFrame, starts: pd.DataFrame) -> dict[str, float]:
    """How many of the strongest peaks are at starts of genes, and how many would be by chance.

    Parameters
    ----------
    track : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp) and ``activity`` of one kind.
    starts : DataFrame
        ``chrom`` and ``position`` of starts of genes; peaks on chromosomes without any are not looked at.

    Returns
    -------
    dict
        ``peaks``, ``at_starts`` and ``at_moved_starts``.
    """
    peaks, at, moved = _strongest_near(track, starts["chrom"], starts["position"], NEAR)
    return {"peaks": peaks, "at_starts": at, "at_moved_starts": moved}


def _strongest_near(
    track: pd.DataFrame, chrom: pd.Series, position: pd.Series, near: int
) -> tuple[int, int, float]:
    """How many peaks are looked at, are near positions, and are near moved ones (mean of both moves)."""
    known = track[track["chrom"].isin(chrom.unique())]
    strongest = known.nlargest(STRONGEST, "activity")
    ordered = {name: np.sort(part.to_numpy()) for name, part in position.groupby(chrom)}
    hits = dict.fromkeys((0, *MOVED), 0)
    for name, part in strongest.groupby("chrom"):
        for move in hits:
            first = np.searchsorted(ordered[name] + move, part["start"].to_numpy() - near)
            last = np.searchsorted(ordered[name] + move, part["end"].to_numpy() + near)
            hits[move] += int((first < last).sum())
    return len(strongest), hits[0], float(np.mean([hits[move] for move in MOVED]))


def hardly_expected(kind: str, track: pd.DataFrame, expected: pd.DataFrame) -> str | None:
    """That the peaks of a line are where other lines let one expect them hardly more often than by chance.

    Parameters
    ----------
    kind : str
        Of track.
    track : DataFrame
        As for :func:`peaks_at_starts`.
    expected : DataFrame
        ``chrom`` and ``centre`` (0-based, bp) of the peaks of that kind of other lines, or of their mean.

    Returns
    -------
    str or None
        In words; None where they are, or where there are too few peaks to tell.
    """
    peaks, at, moved = _strongest_near(track, expected["chrom"], expected["centre"], AT_SITE)
    if not max(LEAST_MOVED, at / LEAST_EXPECTED[kind]) <= moved <= MOST_MOVED * peaks:
        return None
    return (
        f"of the strongest {peaks:,} peaks of {kind} {at:,} are where peaks of other lines are, hardly more "
        f"than by chance ({moved:,.0f})"
    )


def too_few(counts: Mapping[str, float]) -> bool:
    """Whether nothing can be said: hardly any peak is where it would be by chance, so chance is not known."""
    return counts["at_moved_starts"] < LEAST_MOVED


def assembly_in_words(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """Whether peaks and genes were found to be of one assembly, in sentences.

    Parameters
    ----------
    reports : mapping
        Cell line -> what :func:`cbat.landscape.tracks.check_tracks` says of it.
    """
    unchecked: dict[str, list[str]] = {}
    checked = []
    for line, report in reports.items():
        counts = report["kinds"].get("active_promoters", {}).get("strongest_peaks_at_starts_of_genes")
        if counts is None:
            unchecked.setdefault("no active promoters are given", []).append(line)
        elif too_few(counts):
            unchecked.setdefault("there are too few active promoters", []).append(line)
        else:
            checked.append(line)
    said = []
    if checked:
        said.append(f"Peaks and genes are of one assembly ({', '.join(checked)}).")
    said += [
        f"Whether peaks and genes are of one assembly cannot be checked for {', '.join(lines)}: {why}."
        for why, lines in unchecked.items()
    ]
    return " ".join(said)


def check_assembly(counts: Mapping[str, float], *, path: Path, genes: Path) -> None:
    """Make sure that peaks of active promoters are at starts of genes.

    Parameters
    ----------
    counts : mapping
        See :func:`peaks_at_starts`.
    path, genes : Path
        The peaks and the genes, for messages.

    Raises
    ------
    UserError
        They are there hardly more often than by chance.
    """
    moved = counts["at_moved_starts"]
    if max(LEAST_MOVED, counts["at_starts"] / LEAST) <= moved <= MOST_MOVED * counts["peaks"]:
        raise UserError(
            f"of the strongest {counts['peaks']:.0f} active promoters {counts['at_starts']:.0f} are at a "
            f"start of a gene of {genes}, barely more than by chance ({moved:.0f}): "
            "peaks and genes seem to be of two assemblies",
            mend="name peaks and genes of the assembly of your pairs, or lift them over; and see that these "
            "are peaks of active promoters (H3K4me3)",
            file=path,
        )
