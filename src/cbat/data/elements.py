"""Collect the unique enhancers and promoters of a cohort of cell lines, as fixed windows."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from cbat.config.sections import ElementSettings, SplitSettings
from cbat.config.sheets import CellLine, read_cell_lines
from cbat.data.bed_files import read_candidates
from cbat.data.contig_checks import (
    alias_of,
    check_shared,
    correct_name,
    elsewhere,
    first_lines,
    named_otherwise,
    rows_of,
    unknown_contig,
)
from cbat.data.contig_ends import check_ends
from cbat.data.contigs import LEFT_OUT_BY_NAME, ContigNames, first_names, read_contig_names
from cbat.data.element_filters import LEFT_OUT_COLUMNS, near_promoters, unknown_windows, with_sequence
from cbat.data.genome import read_contig_sizes
from cbat.data.gtf_files import LEFT_OUT
from cbat.data.left_out import tell_left_out
from cbat.data.pair_tables import pairs_of
from cbat.data.stored import write_table
from cbat.data.windows import ROLES, element_ids, window_start
from cbat.errors import UserError
from cbat.faults import independent, settle
from cbat.files import write_json

_LEFT_OUT: Final = "left_out_"
_logger = logging.getLogger(__name__)
ELEMENT_COLUMNS: Final = [
    "element_id", "chrom", "start", "end", "split", "strand", "source_start", "source_end",
]  # fmt: skip


@dataclass(frozen=True)
class Mentions:
    """Intervals of one role as one file of one cell line names them.

    Attributes
    ----------
    intervals : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp), ``strand``, ``line``.
    candidates : bool
        Whether the file says which elements are candidates in the line, or only which pairs it has.
    bed : bool
        Whether the file is a BED, which may well cover contigs that nobody looks at.
    n_near_promoters : int
        Enhancers that were left out because a promoter is near.
    left_out : mapping
        Why -> how many records of a file of candidates were left out when it was read.
    """

    cell_line: str
    role: str
    path: Path
    intervals: pd.DataFrame
    candidates: bool
    bed: bool = False
    n_near_promoters: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_intervals(self) -> int:
        """Intervals of the file, with those that were left out."""
        return len(self.intervals) + self.n_near_promoters + sum(self.left_out.values())


@dataclass(frozen=True)
class Check:
    """What a comparison of a file's contigs with those of others found, besides errors.

    Attributes
    ----------
    n_over : int
        Intervals that reach over the end of their contig.
    warnings : tuple of str
    """

    n_over: int = 0
    warnings: tuple[str, ...] = ()


def run(
    *,
    cell_lines: Path,
    cohort: Literal["training", "unseen"],
    elements: ElementSettings,
    splits: SplitSettings,
    directory: Path,
    contig_sizes: Path | None = None,
    contig_names: Path | None = None,
    genome_fasta: Path | None = None,
) -> None:
    """Write ``enhancer.parquet``, ``promoter.parquet``, ``candidates.parquet`` and ``report.json``.

    ``without_sequence.parquet`` names the elements that were left out for their unknown bases.

    Parameters
    ----------
    cell_lines : Path
        Sheet of cell lines.
    cohort : {"training", "unseen"}
        Lines that training may read, or those that it must not.
    elements : ElementSettings
        Lengths of the windows, the flank that keeps splits apart, and how much of a window may be unknown.
    splits : SplitSettings
        Chromosomes of each split; elements of other chromosomes are left out and counted.
    directory : Path
        Where the files go.
    contig_sizes : Path, optional
        Contigs of the genome and their lengths; without it intervals are compared with no genome.
    contig_names : Path, optional
        Table of what the files call a contig and what the genome does; without it names stay as they are.
    genome_fasta : Path, optional
        The prepared genome, with its index; needed if ``elements.max_n`` is set. Elements of which it knows
        no base and that are kept are counted (``unknown_windows``).

    Raises
    ------
    UserError
        A cohort without cell lines; a malformed file; a chromosome that the genome does not hold; an
        interval beyond its end; an interval in both roles, unless the settings keep it; a line without
        candidates; windows of two splits within the flank.
    """
    lines = read_cell_lines(cell_lines, cohort=cohort)
    if not lines:
        raise UserError(
            f"the sheet has no cell line of the cohort {cohort!r}",
            mend="add one: the roles train and validation are of the cohort training, unseen of unseen",
            file=cell_lines,
        )
    sizes = None if contig_sizes is None else read_contig_sizes(contig_sizes)
    if sizes is not None:
        check_splits(splits, sizes)
    contigs = read_contig_names(contig_names)
    gap = elements.enhancer_promoter_gap
    mentions: list[Mentions] = []
    for row in lines:
        with independent():
            mentions += distal(read_mentions(row, contigs), gap)
    checks: list[Check] = []
    for mention in mentions:
        with independent():
            checks.append(
                check_names(mention, splits, contigs)
                if sizes is None
                else check_intervals(mention, sizes, contigs)
            )
    settle()
    n_in_both_roles = check_roles(mentions, elements.both_roles)
    split_of = splits.split_of
    windows = {"enhancer": elements.enhancer_window, "promoter": elements.promoter_window}
    tables = {role: unique_elements(mentions, role, windows[role], split_of) for role in ROLES}
    left_out = pd.DataFrame(columns=pd.Index(LEFT_OUT_COLUMNS)).astype({"fraction_n": float})
    if elements.max_n is not None:
        tables, left_out = with_sequence(tables, elements.max_n, genome_fasta)
    check_splits_apart(tables.values(), elements.flank)
    candidates = candidate_table(mentions, tables, windows, [row.cell_line for row in lines])
    report = counts(mentions, tables, candidates, split_of, sizes)
    for one, mention, check in zip(report["files"], mentions, checks, strict=True):
        one |= {"reach_over_the_end": check.n_over, "warnings": list(check.warnings)}
        _tell(mention, one, check)
    report["left_out_without_sequence"] = {role: int((left_out["role"] == role).sum()) for role in ROLES}
    if genome_fasta is not None:
        report["unknown_windows"] = unknown_windows(tables, genome_fasta)
    report["in_both_roles"] = n_in_both_roles
    # Writing takes the most memory, and needs the tables alone.
    mentions.clear()
    for role in ROLES:
        write_table(directory / f"{role}.parquet", tables[role])
    write_table(directory / "candidates.parquet", candidates)
    write_table(directory / "without_sequence.parquet", left_out)
    write_json(directory / "report.json", report)


def _tell(mention: Mentions, counted: Mapping[str, Any], check: Check) -> None:
    """Log what is left out of a file of candidates; of pairs label_pairs tells."""
    for warning in check.warnings:
        _logger.warning("%s", warning)
    if mention.bed:
        tell_left_out(mention.path, counted["intervals"], reasons_of(counted))


def reasons_of(counted: Mapping[str, Any]) -> dict[str, int]:
    """Why -> how many intervals of a file were left out, of its part of the report."""
    return {key.removeprefix(_LEFT_OUT): n for key, n in counted.items() if key.startswith(_LEFT_OUT)}


def check_splits(splits: SplitSettings, sizes: Mapping[str, int]) -> None:
    """Make sure that the genome holds every chromosome of the splits.

    Raises
    ------
    UserError
        Naming the first chromosome that it does not hold.
    """
    listed = first_names(sizes)
    for split, chromosomes in splits.chromosomes.items():
        for chrom in chromosomes:
            if chrom in sizes:
                continue
            raise UserError(
                f"splits.{split} names {chrom!r}, a contig that the genome does not have (it has {listed})",
                mend=f"{correct_name(chrom, sizes, 'the genome does')}, in the configuration",
            )


def read_mentions(row: CellLine, contigs: ContigNames | None = None) -> list[Mentions]:
    """All intervals that the files of a cell line name, on the genome's contigs."""
    pairs = pairs_of(row, contigs)
    beds = {"enhancer": row.enhancers, "promoter": row.promoters}
    found = []
    for role in ROLES:
        bed = beds[role]
        columns = {f"{role}_{part}": part for part in ("chrom", "start", "end")}
        intervals = pairs[[*columns, "line"]].rename(columns=columns)
        strand = pairs["promoter_strand"] if role == "promoter" else "."
        intervals = intervals.assign(strand=strand).drop_duplicates(["chrom", "start", "end", "strand"])
        found.append(Mentions(row.cell_line, role, row.pairs_file, intervals, candidates=bed is None))
        if bed is not None:
            listed = read_candidates(bed, role, contigs)
            found.append(listed_mentions(row.cell_line, role, bed, listed))
    return found


def listed_mentions(cell_line: str, role: str, path: Path, listed: pd.DataFrame) -> Mentions:
    """Mentions of a file of candidates, as :func:`~cbat.data.bed_files.read_candidates` gives it."""
    by_name = {LEFT_OUT_BY_NAME.removeprefix(_LEFT_OUT): int(listed.attrs.get(LEFT_OUT_BY_NAME, 0))}
    left_out = {**listed.attrs.get(LEFT_OUT, {}), **by_name}
    return Mentions(cell_line, role, Path(path), listed, candidates=True, bed=True, left_out=left_out)


def distal(mentions: Sequence[Mentions], gap: int) -> list[Mentions]:
    """Leave out enhancers of a BED that lie near a promoter of the line."""
    promoters = pd.concat([m.intervals for m in mentions if m.role == "promoter"])
    found = []
    for mention in mentions:
        if mention.role == "enhancer" and mention.bed and gap > 0:
            near = near_promoters(mention.intervals, promoters, gap)
            mention = replace(mention, intervals=mention.intervals[~near], n_near_promoters=int(near.sum()))
        found.append(mention)
    return found


def check_intervals(
    mention: Mentions, sizes: Mapping[str, int], contigs: ContigNames | None = None, hint: str = ""
) -> Check:
    """Compare intervals with the genome; ``hint`` as in :func:`~cbat.data.contig_ends.check_ends`.

    Raises
    ------
    UserError
        For the first interval on a contig that the genome lacks, or beyond the end of its contig, see
        :func:`~cbat.data.contig_ends.check_ends`. A BED may have some intervals on contigs that a genome
        without them lacks, such as chrY or chrM, but not under another name.
    """
    table, whose = mention.intervals, "the genome"
    if table.empty:
        return Check()
    unknown = ~table["chrom"].isin(list(sizes))
    if mention.bed and not unknown.all():
        lines = first_lines(table[unknown])
        if (alias := alias_of(lines, sizes)) is not None:
            raise named_otherwise(mention.path, lines[alias[0]], *alias, whose, contigs)
    else:
        for row in table[unknown].itertuples():
            raise unknown_contig(
                str(row.chrom), sizes, whose, file=mention.path, line=int(row.line), contigs=contigs
            )
    n_over = check_ends(mention.path, table, sizes, f"{mention.role}s", hint=hint)
    return Check(n_over, _elsewhere(mention, sizes, whose))


def check_names(mention: Mentions, splits: SplitSettings, contigs: ContigNames | None = None) -> Check:
    """Compare names of chromosomes with those of the splits, where no genome says what they are called.

    Raises
    ------
    UserError
        For the first interval on ``1`` where the splits name ``chr1``, or the other way round; a file without
        any chromosome of the splits.
    """
    whose = "the section splits"
    known = list(splits.split_of)
    check_shared(mention.path, first_lines(mention.intervals), {whose: known}, contigs)
    return Check()


def _elsewhere(mention: Mentions, known: Collection[str], whose: str) -> tuple[str, ...]:
    warning = elsewhere(rows_of(mention.intervals["chrom"]), known, whose, f"{mention.role}s")
    return () if warning is None else (f"{mention.path}: {warning}",)


def check_roles(mentions: Sequence[Mentions], both_roles: Literal["error", "keep"]) -> dict[str, int]:
    """Count the intervals that a cell line names both as enhancer and as promoter.

    Returns
    -------
    dict
        Cell line -> count.

    Raises
    ------
    UserError
        For the first such interval, unless ``both_roles`` is ``keep``.
    """
    columns = ["chrom", "start", "end"]
    found: dict[str, int] = {}
    for line in dict.fromkeys(mention.cell_line for mention in mentions):
        tables = {
            role: pd.concat(
                m.intervals.assign(path=str(m.path))
                for m in mentions
                if (m.cell_line, m.role) == (line, role)
            ).drop_duplicates(columns)
            for role in ROLES
        }
        both = tables["enhancer"].merge(tables["promoter"], on=columns, suffixes=("", "_promoter"))
        found[line] = len(both)
        if len(both) and both_roles == "error":
            row = both.iloc[0]
            raise UserError(
                f"{row['chrom']}:{row['start']}-{row['end']} is an enhancer of {line} and a promoter as well "
                f"({row['path_promoter']}, line {row['line_promoter']}); {len(both)} intervals are",
                mend="remove it from one of the two, or set elements.both_roles to 'keep'",
                file=row["path"],
                where=f"line {row['line']}",
            )
    return found


def unique_elements(
    mentions: Sequence[Mentions], role: str, window: int, split_of: Mapping[str, str]
) -> pd.DataFrame:
    """One row for each window on a chromosome of a split.

    Intervals with one centre are one element; the source that is named is the first by start and end.

    Returns
    -------
    DataFrame
        :data:`ELEMENT_COLUMNS`, sorted by chromosome in the order of the splits and by start.
    """
    parts = [m.intervals[["chrom", "start", "end", "strand"]] for m in mentions if m.role == role]
    every = pd.concat(parts, ignore_index=True).drop_duplicates()
    every = every[every["chrom"].isin(list(split_of))]
    every = every.assign(window=window_start(every["start"], every["end"], window))
    every["known"] = every["strand"].where(every["strand"] != ".")
    order = {chrom: rank for rank, chrom in enumerate(split_of)}
    every = every.assign(rank=every["chrom"].map(order)).sort_values(["rank", "window", "start", "end"])
    grouped = every.groupby(["rank", "window"], sort=True)
    table = grouped[["chrom", "start", "end"]].first()
    # Two promoters of opposite strands may share a window; then neither strand is its own.
    strand = grouped["known"].first().where(grouped["known"].nunique() == 1, ".")
    table = table.rename(columns={"start": "source_start", "end": "source_end"}).assign(strand=strand)
    table = table.reset_index(level="window").rename(columns={"window": "start"}).reset_index(drop=True)
    table["end"] = table["start"] + window
    table["split"] = table["chrom"].map(split_of)
    table["element_id"] = element_ids(table["chrom"], table["start"], window)
    return table[ELEMENT_COLUMNS]


def check_splits_apart(tables: Iterable[pd.DataFrame], flank: int) -> None:
    """Make sure that no window, widened by ``flank`` bp on both sides, meets one of another split.

    Raises
    ------
    UserError
        Naming the two windows.
    """
    import pybedtools

    every = pd.concat([table[["chrom", "start", "end", "element_id", "split"]] for table in tables])
    every = every.assign(start=every["start"].clip(lower=0))
    beds = {
        str(split): pybedtools.BedTool.from_dataframe(part[["chrom", "start", "end", "element_id"]])
        for split, part in every.groupby("split", sort=True)
    }
    try:
        for one, other in combinations(beds, 2):
            # Both windows are widened, so that the gap between them must be twice the flank.
            for near in beds[one].window(beds[other], w=2 * flank):
                raise UserError(
                    f"{near[3]} ({one}) and {near[7]} ({other}) lie within {2 * flank} bp of one another",
                    mend="keep whole chromosomes in one split (section splits)",
                )
    finally:
        pybedtools.cleanup(remove_all=False)


def candidate_table(
    mentions: Sequence[Mentions],
    tables: Mapping[str, pd.DataFrame],
    windows: Mapping[str, int],
    cell_lines: Sequence[str],
) -> pd.DataFrame:
    """Which elements are candidates in which cell line.

    Returns
    -------
    DataFrame
        ``cell_line``, ``role``, ``element`` (row of the role's table), sorted, each once.

    Raises
    ------
    UserError
        A cell line without a candidate of a role on the chromosomes of the splits.
    """
    known = {role: pd.Index(table["element_id"]) for role, table in tables.items()}
    parts = []
    for mention in mentions:
        if mention.candidates:
            table, window = mention.intervals, windows[mention.role]
            start = window_start(table["start"], table["end"], window)
            rows = known[mention.role].get_indexer(pd.Index(element_ids(table["chrom"], start, window)))
            found = np.unique(rows[rows >= 0])
            parts.append(
                pd.DataFrame({"cell_line": mention.cell_line, "role": mention.role, "element": found})
            )
    candidates = pd.concat(parts, ignore_index=True).drop_duplicates()
    present = set(zip(candidates["cell_line"], candidates["role"], strict=True))
    for line in cell_lines:
        for role in ROLES:
            if (line, role) not in present:
                raise _no_candidate(mentions, line, role)
    return candidates.sort_values(["cell_line", "role", "element"], ignore_index=True)


def _no_candidate(mentions: Sequence[Mentions], line: str, role: str) -> UserError:
    """A cell line without an element of a role that counts."""
    named = [m for m in mentions if (m.cell_line, m.role, m.candidates) == (line, role, True)]
    contigs = first_names(dict.fromkeys(named[0].intervals["chrom"]))
    return UserError(
        f"the cell line {line!r} has no {role} on any chromosome of the splits whose sequence is known (the "
        f"file names {contigs})",
        mend="check its files, add chromosomes to the section splits, or raise elements.max_n",
        file=named[0].path,
    )


def counts(
    mentions: Sequence[Mentions],
    tables: Mapping[str, pd.DataFrame],
    candidates: pd.DataFrame,
    split_of: Mapping[str, str],
    sizes: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """What came in, what was kept, and why the rest was not."""
    report: dict[str, Any] = {"files": [], "unique": {}, "candidates": {}}
    for mention in mentions:
        chrom = mention.intervals["chrom"]
        off = ~chrom.isin(list(split_of))
        unknown = off & False if sizes is None else ~chrom.isin(list(sizes))
        report["files"].append(
            {
                "cell_line": mention.cell_line,
                "role": mention.role,
                "file": str(mention.path),
                "candidates": mention.candidates,
                "bed": mention.bed,
                "intervals": mention.n_intervals,
                **{f"{_LEFT_OUT}{reason}": n for reason, n in mention.left_out.items()},
                "left_out_on_contigs_the_genome_lacks": int(unknown.sum()),
                "left_out_on_chromosomes_of_no_split": int((off & ~unknown).sum()),
                "left_out_near_promoters": mention.n_near_promoters,
            }
        )
    for role, table in tables.items():
        # A split without elements is worth seeing, so it is counted too.
        report["unique"][role] = {
            split: int((table["split"] == split).sum()) for split in sorted(set(split_of.values()))
        }
    for (line, role), part in candidates.groupby(["cell_line", "role"]):
        report["candidates"].setdefault(str(line), {})[str(role)] = len(part)
    return report
