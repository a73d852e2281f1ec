r"""Tracks: the ranked peaks of one kind of one cell line.

The activity of a peak comes from its rank by signal alone,

.. math:: A = -\ln\frac{r + 1/2}{N}

with rank :math:`r = 0` for the strongest of :math:`N` peaks, so that assays, pipelines and lines compare.
Peaks of equal signal share their mean rank: without a signal, all have :math:`A = \ln 2` or nearly so.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import LandscapeSettings
from cbat.config.sheets import TRACK_KINDS, CellLine, find_cell_line
from cbat.data.bed_files import STRANDS
from cbat.data.contig_checks import check_shared, elsewhere, first_lines, rows_of
from cbat.data.contig_ends import check_ends
from cbat.data.contigs import LEFT_OUT_BY_NAME, ContigNames, first_names, read_contig_names
from cbat.data.genome import read_contig_sizes
from cbat.data.left_out import tell_left_out
from cbat.data.stored import read_table, write_table
from cbat.data.windows import centre
from cbat.errors import UserError
from cbat.files import sha256_of, write_json
from cbat.landscape.assembly_check import check_assembly, peaks_at_starts
from cbat.landscape.peak_files import AUTO, NONE, Peaks, read_peaks
from cbat.landscape.strands import with_strands

TRACK_COLUMNS: Final = ["kind", "chrom", "start", "end", "centre", "signal", "activity", "strand"]
ENHANCERS: Final = "active_enhancers"
INSULATORS: Final = "insulators"
PROMOTERS: Final = "active_promoters"
UNKNOWN_CONTIGS: Final = "left_out_on_unknown_contigs"
"""Key of a report: peaks on contigs that the genome lacks."""
WHOLE: Final = ("the genome", "the genes", "the landscape of the model")
"""Who names every chromosome that there is, unlike candidates, which may be of one alone."""
MANY: Final = 100
"""Peaks of one kind on a chromosome from which on it is odd that another kind has none there."""
_MEND: Final = "run read_tracks again"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rule:
    """How peaks of one kind become a track.

    Attributes
    ----------
    merge_within : int or None
        Peaks at most so many bp apart are one, whose signal is the sum over its parts of signal x length.
        None: of peaks that overlap the strongest stands for all.
    strongest : int
        How many are kept. More are kept only where the last ones have the same signal.
    """

    merge_within: int | None
    strongest: int


RULES: Final[Mapping[str, Rule]] = {
    # A broad mark breaks into pieces at the nucleosome-free middle of one element; 500 bp bridge it, and
    # neighbouring elements are mostly farther apart. Peak callers report from 40,000 to 180,000 peaks of one
    # mark: the number that is kept is about that of the shortest lists, so that ranks mean the same in all.
    "active_enhancers": Rule(merge_within=500, strongest=40_000),
    PROMOTERS: Rule(merge_within=500, strongest=25_000),
    # Sites are points of one motif: two near one another are two sites, often of opposite strands.
    INSULATORS: Rule(merge_within=None, strongest=37_000),
}
"""Kind -> rule, with the numbers under which peaks of public cell lines predicted contacts best."""


@dataclass(frozen=True)
class Track:
    """The ranked peaks of one kind.

    Attributes
    ----------
    table : DataFrame
        :data:`TRACK_COLUMNS`.
    report : dict
        What was read, how it was treated, and what was left out.
    """

    table: pd.DataFrame
    report: dict[str, Any] = field(default_factory=dict)


def run(
    *,
    sheet: Path,
    cell_line: str,
    settings: LandscapeSettings,
    output: Path,
    contig_names: Path | None = None,
    genome: Path | None = None,
    contig_sizes: Path | None = None,
) -> None:
    """Write the tracks of a cell line, and beside them a report (``.json``).

    Parameters
    ----------
    sheet : Path
        Sheet of cell lines. A line that names no peaks gets a table without rows.
    cell_line : str
    settings : LandscapeSettings
        Where the signals stand, and sites of the insulators' motif, if there are any.
    output : Path
        Parquet, sorted by kind, chromosome and start: ``kind``, ``chrom``, ``start``, ``end``, ``centre``
        (int64, bp, 0-based half-open), ``signal`` (float64), ``activity`` (float32) and ``strand`` (``+``,
        ``-`` or ``.``, and ``.`` for all kinds but insulators).
    contig_names : Path, optional
        Table of what the files call a contig and what the genome does.
    genome : Path, optional
        Uncompressed FASTA with its index beside it; scanned for the strands of insulators where neither
        their file nor ``settings.insulator_motifs`` gives them.
    contig_sizes : Path, optional
        Contigs of the genome and their lengths.

    Raises
    ------
    UserError
        See :func:`check_tracks`.
    """
    contigs = read_contig_names(contig_names)
    sizes = read_contig_sizes(contig_sizes) if contig_sizes is not None else None
    row = find_cell_line(sheet, cell_line)
    tracks = tracks_of(row, settings, contigs, sizes)
    report = _report(row, tracks)
    tell_tracks(report)
    if INSULATORS in tracks:
        table, strands = with_strands(
            tracks[INSULATORS].table, motifs=settings.insulator_motifs, genome=genome, contigs=contigs
        )
        tracks[INSULATORS] = Track(table, tracks[INSULATORS].report)
        report["kinds"][INSULATORS]["strands"] = strands
    write_table(output, joined([track.table for track in tracks.values()]))
    write_json(output.with_suffix(".json"), report)


def check_tracks(
    rows: Iterable[CellLine],
    settings: LandscapeSettings,
    *,
    contigs: ContigNames | None = None,
    sizes: Mapping[str, int] | None = None,
    others: Mapping[str, Collection[str]] | None = None,
    starts: pd.DataFrame | None = None,
) -> dict[str, dict[str, Any]]:
    """Read the tracks of all lines as :func:`run` does, without a genome's bases, and write nothing.

    Parameters
    ----------
    rows : iterable of CellLine
    settings : LandscapeSettings
    contigs : ContigNames, optional
        Names of contigs; without it they stay as they are.
    sizes : mapping, optional
        Contigs of the genome and their lengths, bp.
    others : mapping, optional
        Who else names contigs (``"the genes"``) -> these contigs; see
        :func:`~cbat.landscape.contig_checks.check_shared`.
    starts : DataFrame, optional
        ``chrom`` and ``position`` of the starts of ``settings.genes``: tells peaks of another assembly, see
        :mod:`cbat.landscape.assembly_check`.

    Returns
    -------
    dict
        Cell line -> its report.

    Raises
    ------
    UserError
        A malformed file; a column of signals that does not exist, or that holds something else than finite
        numbers from 0 on; two kinds or two lines with the same peaks; a file that shares no chromosome with
        the other tracks, the genome, the genes or the motif sites; peaks that start beyond the end of a
        chromosome, or that are of another assembly than the genes.
    """
    reports: dict[str, dict[str, Any]] = {}
    for row in rows:
        tracks = tracks_of(row, settings, contigs, sizes, others)
        reports[row.cell_line] = _report(row, tracks)
        tell_tracks(reports[row.cell_line])
        _check_not_of_others(row, reports)
        if PROMOTERS in tracks and starts is not None:
            counts = peaks_at_starts(tracks[PROMOTERS].table, starts)
            check_assembly(counts, path=row.tracks[PROMOTERS], genes=settings.genes)
            reports[row.cell_line]["kinds"][PROMOTERS]["strongest_peaks_at_starts_of_genes"] = counts
        if INSULATORS in tracks:
            table = tracks[INSULATORS].table
            _, strands = with_strands(table, motifs=settings.insulator_motifs, contigs=contigs)
            reports[row.cell_line]["kinds"][INSULATORS]["strands"] = strands
    return reports


def tracks_of(
    row: CellLine,
    settings: LandscapeSettings,
    contigs: ContigNames | None = None,
    sizes: Mapping[str, int] | None = None,
    others: Mapping[str, Collection[str]] | None = None,
) -> dict[str, Track]:
    """Kind -> track of one cell line, of the kinds that its row names; see :func:`check_tracks`.

    What is left out, and peaks on contigs that the genome or one of ``others`` lacks, is in the report of
    each track; :func:`tell_tracks` logs it.
    """
    hashes = {kind: sha256_of(path) for kind, path in row.tracks.items() if Path(path).is_file()}
    _check_apart(row, hashes)
    tracks: dict[str, Track] = {}
    seen: dict[str, Collection[str]] = {**(others or {}), **({"the genome": sizes} if sizes else {})}
    whole = {whose: known for whose, known in seen.items() if whose in WHOLE}
    for kind, path in row.tracks.items():
        peaks = read_peaks(path, kind, settings.signals.get(kind, AUTO), contigs)
        check_shared(peaks.path, first_lines(peaks.table), seen, contigs)
        rows = rows_of(peaks.table["chrom"])
        unmatched = [elsewhere(rows, known, whose, "peaks") for whose, known in whole.items() if known]
        table, left_out = _on_the_genome(peaks, sizes)
        seen[f"the {kind} of {row.cell_line} ({path})"] = set(peaks.table["chrom"])
        ranked, counts = _rank(table, kind)
        report = {
            "file": str(path),
            "sha256": hashes[kind],
            "format": peaks.format,
            "signal": peaks.signal,
            **({"without_signal_because": peaks.note} if peaks.note else {}),
            **peaks.counts,
            **left_out,
            "unmatched": [warning for warning in unmatched if warning is not None],
            **counts,
        }
        if report["all_peaks_alike"] and settings.signals.get(kind) != NONE:
            _logger.warning("%s: all peaks count alike (%s)", path, peaks.note or "their signal is constant")
        tracks[kind] = Track(ranked, report)
    return tracks


def reasons_of(report: Mapping[str, Any]) -> dict[str, int]:
    """Why -> how many peaks of a file were left out before they were merged, of the report of its track."""
    return {key: report[key] for key in (LEFT_OUT_BY_NAME, UNKNOWN_CONTIGS) if report.get(key)}


def tell_tracks(report: Mapping[str, Any]) -> None:
    """Log what was left out of the files of a line, and peaks on contigs that another file lacks.

    Parameters
    ----------
    report : mapping
        Of the line, see :func:`check_tracks`.
    """
    for one in report["kinds"].values():
        for warning in one["unmatched"]:
            _logger.warning("%s: %s", one["file"], warning)
        tell_left_out(Path(one["file"]), one["peaks_read"], reasons_of(one))


def rank_track(peaks: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Merge, rank and cut the peaks of one kind, see :data:`RULES`.

    Parameters
    ----------
    peaks : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp), ``signal`` (finite, 0 or greater); for
        insulators also, if known, ``summit`` (position, or -1) and ``strand``. In any order.
    kind : str
        A key of :data:`RULES`.

    Returns
    -------
    DataFrame
        :data:`TRACK_COLUMNS`, sorted by chromosome and start.
    """
    return _rank(peaks, kind)[0]


def read_tracks(table: Path) -> pd.DataFrame:
    """The tracks that :func:`run` wrote.

    Returns
    -------
    DataFrame
        :data:`TRACK_COLUMNS`; without rows for a line without tracks.

    Raises
    ------
    UserError
        The file is missing or damaged, or holds something that :func:`run` does not write.
    """
    tracks = read_table(table, TRACK_COLUMNS, mend=_MEND)
    faults = {
        "a kind that there is not": ~tracks["kind"].isin(TRACK_KINDS),
        "an empty interval, or one before its chromosome": (tracks["start"] >= tracks["end"])
        | (tracks["start"] < 0),
        "a centre outside its interval": (tracks["centre"] < tracks["start"])
        | (tracks["centre"] >= tracks["end"]),
        "an activity that is no positive number": ~(
            np.isfinite(tracks["activity"]) & (tracks["activity"] > 0)
        ),
        "a strand other than +, - and .": ~tracks["strand"].isin(STRANDS),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise UserError(
                f"the table of tracks has {fault}",
                mend=_MEND,
                file=table,
                where=f"row {int(np.flatnonzero(rows)[0]) + 1}",
            )
    return tracks


def _check_apart(row: CellLine, hashes: Mapping[str, str]) -> None:
    """The same peaks under two names would count as two kinds."""
    first: dict[str, str] = {}
    for kind, digest in hashes.items():
        if (other := first.setdefault(digest, kind)) != kind:
            raise UserError(
                f"{other} and {kind} of the cell line {row.cell_line!r} are the same peaks: "
                f"{row.tracks[other]} has the same content",
                mend="name the peaks of each assay, or write '.' for the one that the line lacks",
                file=row.tracks[kind],
            )


def _check_not_of_others(row: CellLine, reports: Mapping[str, Mapping[str, Any]]) -> None:
    """A line would be told of itself by another one with the same peaks."""
    others = {
        one["sha256"]: line
        for line, report in reports.items()
        for one in report["kinds"].values()
        if line != row.cell_line
    }
    for kind, one in reports[row.cell_line]["kinds"].items():
        if (other := others.get(one["sha256"])) is not None:
            raise UserError(
                f"the {kind} of the cell line {row.cell_line!r} are peaks of {other!r}: the two files have "
                "the same content",
                mend="name the line's own file, or write '.' for a kind of track that it lacks",
                file=row.tracks[kind],
            )


def _on_the_genome(peaks: Peaks, sizes: Mapping[str, int] | None) -> tuple[pd.DataFrame, dict[str, int]]:
    """Peaks on contigs of the genome, cut where they reach over an end; and how many are not or were cut."""
    table = peaks.table
    if sizes is None or table.empty:
        return table, {}
    check_ends(peaks.path, table, sizes, "peaks")
    length = table["chrom"].map(sizes)
    unknown, over = length.isna(), table["end"] > length
    table = table.assign(end=table["end"].where(~over, length))[~unknown].astype({"end": np.int64})
    return table, {UNKNOWN_CONTIGS: int(unknown.sum()), "cut_at_the_end": int(over.sum())}


def _rank(peaks: pd.DataFrame, kind: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """See :func:`rank_track`; and what was merged, kept and cut off."""
    rule = RULES[kind]
    ordered = peaks.assign(
        summit=peaks.get("summit", -1), strand=peaks.get("strand", ".") if kind == INSULATORS else "."
    ).sort_values(["chrom", "start", "end", "signal"], ascending=[True, True, True, False])
    # A caller that reports two summits of one peak writes its interval twice.
    distinct = ordered if rule.merge_within is None else ordered.drop_duplicates(["chrom", "start", "end"])
    alike = distinct["signal"].nunique() < 2
    apart = _firsts(distinct, -1)
    if rule.merge_within is None:
        merged = _strongest(distinct, apart)
    else:
        merged = _merged(distinct, _firsts(distinct, rule.merge_within), alike=alike)
    kept = _cut(merged, rule.strongest)
    middle = centre(kept["start"], kept["end"])
    summit = kept["summit"].to_numpy()
    table = kept.assign(
        kind=kind,
        centre=np.where(summit >= 0, summit, middle).astype(np.int64),
        activity=_activity(kept["signal"].to_numpy()),
    )
    counts = {
        "repeated": int(peaks.duplicated(["chrom", "start", "end"]).sum()),
        "overlapping_another": len(distinct) - len(apart),
        "after_merging": len(merged),
        "kept": len(kept),
        "kept_beyond_the_limit_for_equal_signals": max(len(kept) - rule.strongest, 0),
        "limit": rule.strongest,
        "all_peaks_alike": bool(alike and len(distinct) > 1),
    }
    return table[TRACK_COLUMNS].reset_index(drop=True), counts


def _firsts(ordered: pd.DataFrame, gap: int) -> npt.NDArray[np.intp]:
    """Rows of sorted peaks that begin a group, ``shape=(n_groups,)``: more than ``gap`` bp after all before.

    With a gap of -1 a group is of peaks that overlap.
    """
    if ordered.empty:
        return np.zeros(0, dtype=np.intp)
    start, end = (ordered[column].to_numpy(dtype=np.int64) for column in ("start", "end"))
    # Chromosomes one after the other on one line, too far apart to meet.
    offset = pd.factorize(ordered["chrom"])[0].astype(np.int64) * (int(end.max()) + max(gap, 0) + 1)
    reach = np.maximum.accumulate(end + offset)
    return np.flatnonzero(np.r_[True, (start + offset)[1:] > reach[:-1] + gap])


def _merged(ordered: pd.DataFrame, first: npt.NDArray[np.intp], *, alike: bool) -> pd.DataFrame:
    """One peak for each group, from its first base to its last."""
    groups = ordered.iloc[first]
    if not len(first):
        return groups
    signal, start, end = (ordered[column].to_numpy() for column in ("signal", "start", "end"))
    # Without a signal the lengths alone would make a rank, and all peaks are to count alike.
    total = signal[first] if alike else np.add.reduceat(signal * (end - start), first)
    return groups.assign(end=np.maximum.reduceat(end, first), signal=total, summit=-1)


def _strongest(ordered: pd.DataFrame, first: npt.NDArray[np.intp]) -> pd.DataFrame:
    """The strongest peak of each group, of equal ones the first."""
    group = np.zeros(len(ordered), dtype=np.intp)
    group[first] = 1
    by_signal = np.lexsort((-ordered["signal"].to_numpy(), np.cumsum(group)))
    return ordered.iloc[by_signal[first]]


def _cut(merged: pd.DataFrame, strongest: int) -> pd.DataFrame:
    """The strongest peaks, in their order, and those that are as strong as the last of them."""
    if len(merged) <= strongest:
        return merged
    signal = merged["signal"].to_numpy()
    return merged[signal >= np.partition(signal, -strongest)[-strongest]]


def _activity(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    rank = pd.Series(-signal).rank(method="average").to_numpy() - 1.0
    return np.asarray(-np.log((rank + 0.5) / max(len(signal), 1)), dtype=np.float32)


def joined(tracks: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tracks of several kinds as one table of :data:`TRACK_COLUMNS`, with its types also without a track."""
    return pd.concat(list(tracks) or [_nothing()], ignore_index=True).sort_values(
        ["kind", "chrom", "start"], ignore_index=True, kind="stable"
    )


def _nothing() -> pd.DataFrame:
    """A table of tracks without rows."""
    words = {"kind": "str", "chrom": "str", "strand": "str"}
    numbers = {
        "start": "int64",
        "end": "int64",
        "centre": "int64",
        "signal": "float64",
        "activity": "float32",
    }
    return pd.DataFrame(columns=pd.Index(TRACK_COLUMNS)).astype({**words, **numbers})


def _report(row: CellLine, tracks: Mapping[str, Track]) -> dict[str, Any]:
    """What is said of all tracks of a line; chromosomes that one kind lacks and another has are told."""
    counts = {kind: track.table["chrom"].value_counts() for kind, track in tracks.items()}
    kinds = {}
    for kind, track in tracks.items():
        lacking = {
            str(chrom): int(n)
            for other, of_other in counts.items()
            if other != kind
            for chrom, n in of_other.items()
            if chrom not in counts[kind]
        }
        if odd := sorted(chrom for chrom, n in lacking.items() if n >= MANY):
            _logger.warning(
                "%s has no %s on %s, where its other tracks have peaks",
                row.cell_line, kind, first_names(odd),
            )  # fmt: skip
        kinds[kind] = {
            **track.report,
            "chromosomes_without_peaks": sorted(lacking),
            "of_these_with_many_of_another_kind": odd,
        }
    missing = [kind for kind in TRACK_KINDS if kind not in tracks]
    return {"cell_line": row.cell_line, "kinds": kinds, "missing": missing}
