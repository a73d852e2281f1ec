"""Which of a model's assemblies the files of a new cell line are of.

Coordinates of two assemblies look alike. What tells them apart is where genes start: promoters and peaks are
at the starts of their own assembly several times as often as beside them
(:mod:`cbat.landscape.assembly_check`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.config.suggestions import did_you_mean
from cbat.data.assemblies import SYNONYMS, assembly_of, named, words_for
from cbat.data.contig_checks import check_shared, first_lines
from cbat.data.contigs import ContigNames
from cbat.data.elements import Mentions
from cbat.errors import UserError
from cbat.landscape.assembly_check import LEAST, peaks_at_starts
from cbat.prediction.shared_landscape import OTHER, SharedLandscape, starts_of_assemblies

LEAST_AT_STARTS: Final = 20
"""With fewer intervals at starts nothing is concluded."""
MOST_LOOKED_AT: Final = 5_000
"""Intervals that are looked at, spread over the file."""


@dataclass(frozen=True)
class Chosen:
    """The assembly of a line.

    Attributes
    ----------
    name : str
        One of the model's, or :data:`~cbat.prediction.shared_landscape.OTHER`.
    because : str
        What told it, in words.
    """

    name: str
    because: str


def choose_assembly(
    model_directory: Path,
    shared: SharedLandscape,
    asked: str | None,
    mentions: Sequence[Mentions],
    genes: Path | None,
    contigs: ContigNames | None = None,
) -> Chosen:
    """The assembly of a line, from what is said, its promoters, or else its candidate enhancers.

    Parameters
    ----------
    model_directory : Path
    shared : SharedLandscape
        Of the model, in any assembly.
    asked : str, optional
        The user's word for it.
    mentions : sequence of Mentions
        What the user's files name; promoters may be missing.
    genes : Path, optional
        The user's genes.
    contigs : ContigNames, optional
        The table of names that has been applied.

    Raises
    ------
    UserError
        It cannot be told; promoters and enhancers are of two assemblies, or of another one than was said; an
        assembly that the model does not know, and no genes.
    """
    known = starts_of_assemblies(model_directory)
    said = _name_of(asked, shared.assemblies)
    if asked is None or said in shared.assemblies:
        # Files that name no chromosome as the model does would pass for those of another assembly.
        named = {
            "the landscape of the model": {chrom for one in known.values() for chrom in one["chrom"].unique()}
        }
        for one in mentions:
            check_shared(one.path, first_lines(one.intervals), named, contigs)
    # Promoters are at starts of genes whatever they are; candidates may have been chosen to be elsewhere.
    ordered = sorted(mentions, key=lambda one: one.role, reverse=True)
    seen = [(one, _looks_like(one.intervals, known)) for one in ordered]
    chosen = _chosen(shared, asked, said, seen)
    for one, looks in seen:
        if looks is not None and looks != chosen.name:
            raise UserError(
                f"the {one.role}s are at transcription starts of {looks}, and the line is taken for "
                f"{'another assembly' if chosen.name == OTHER else chosen.name}, by {chosen.because}",
                mend="give all files in one assembly (cbat lift_over lifts peaks), or correct --assembly",
                file=one.path,
            )
    if chosen.name == OTHER and genes is None:
        raise UserError(
            f"the line is of another assembly ({chosen.because}), and no genes are given: the model has "
            f"those of {' and '.join(map(words_for, shared.assemblies))} alone{_meant(asked)}",
            mend="correct --assembly, or give the genes of your assembly with --genes (GTF or BED)"
            if asked is not None
            else "give the genes of your assembly with --genes (GTF or BED)",
            file=ordered[0].path,
        )
    return chosen


def check_genome(chosen: Chosen, sizes: Mapping[str, int], fasta: Path) -> None:
    """Make sure that a genome is of the assembly that was chosen, as far as its name is known.

    Raises
    ------
    UserError
    """
    found = assembly_of(sizes)
    if found is not None and chosen.name != OTHER and (named(chosen.name) or chosen.name) != found:
        raise UserError(
            f"the genome is {found}, and the line is taken for {chosen.name}, by {chosen.because}",
            mend="give all files in one assembly (cbat lift_over lifts peaks)",
            file=fasta,
        )


def _name_of(asked: str | None, known: Sequence[str]) -> str:
    """Which of a model's assemblies a word stands for; OTHER for none of them."""
    if asked is None or asked in known:
        return asked or OTHER
    said = named(asked)
    return next((name for name in known if said is not None and named(name) == said), OTHER)


def _meant(asked: str | None) -> str:
    """Which known assembly a word is near to that stands for none, in words."""
    if asked is None or named(asked) is not None:
        return ""
    return did_you_mean(asked, [word for name, others in SYNONYMS.items() for word in (name, *others)])


def _looks_like(intervals: pd.DataFrame, starts: Mapping[str, pd.DataFrame]) -> str | None:
    """The one of several assemblies at whose starts intervals are by far more than by chance."""
    step = max(len(intervals) // MOST_LOOKED_AT, 1)
    some = intervals.iloc[::step].assign(activity=1.0)
    counts = {name: peaks_at_starts(some, table) for name, table in starts.items()}
    best = max(counts, key=lambda name: counts[name]["at_starts"])
    at, moved = counts[best]["at_starts"], counts[best]["at_moved_starts"]
    return best if at >= max(LEAST_AT_STARTS, LEAST * moved) else None


def _chosen(
    shared: SharedLandscape, asked: str | None, said: str, seen: Sequence[tuple[Mentions, str | None]]
) -> Chosen:
    if asked is not None:
        return Chosen(said, f"the word for it ({asked})")
    for one, looks in seen:
        if looks is not None:
            return Chosen(looks, f"the {one.role}s ({one.path})")
        if one.role == "promoter" and len(one.intervals) >= MOST_LOOKED_AT:
            return Chosen(OTHER, f"the promoters ({one.path}), which start elsewhere than the model's genes")
    raise UserError(
        "the assembly of the files cannot be determined: too few of their intervals are at "
        "transcription starts of "
        f"{' or '.join(shared.assemblies)}",
        mend=f"name it with --assembly: {', '.join(map(words_for, shared.assemblies))}, or any word for "
        "another one",
        file=seen[0][0].path,
    )
