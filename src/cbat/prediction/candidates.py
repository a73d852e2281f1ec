"""The candidate elements of a new cell line, as windows of the lengths that a model was trained for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cbat.data.assemblies import LENGTHS, assembly_of, first_difference, named, would_fit
from cbat.data.bed_files import read_candidates
from cbat.data.contig_checks import correct_name
from cbat.data.contig_ends import check_ends
from cbat.data.contigs import ContigNames
from cbat.data.element_filters import with_sequence
from cbat.data.elements import (
    Check,
    Mentions,
    check_intervals,
    check_roles,
    distal,
    listed_mentions,
    unique_elements,
)
from cbat.data.left_out import is_worth_a_warning
from cbat.data.sequences import fractions_of_n
from cbat.data.windows import ROLES, element_ids, window_start
from cbat.errors import UserError
from cbat.landscape.genes import positions_of
from cbat.model.about import About
from cbat.prediction.cautions import Caution, of_left_out, of_unmatched

COLUMNS: Final = [
    "element_id", "chrom", "start", "end", "strand", "source_start", "source_end", "name",
]  # fmt: skip
WIDE: Final = 4
"""Intervals whose median is so many times the window are mostly not read."""
LONGEST_PROMOTER: Final = 10_000
"""Promoters whose median is longer, bp, are genes."""
SAMPLED: Final = 1000
"""Windows of each role whose sequence is looked at for cautions."""
REPEATED: Final = "repeated_intervals"
ALONE: Final = "on_contigs_without_the_other_end"
"""Intervals of which no pair can be made; without a genome, they still count for what lies around others."""
UNKNOWN_SHARE: Final = 0.02
"""A larger share of windows without a known base makes one doubt the assembly."""
NO_NAME: Final = "."
_LEFT_OUT: Final = "left_out_"
_WRONG_GENOME: Final = "the files may be of another assembly than the FASTA, or the FASTA is incomplete"


@dataclass(frozen=True)
class Genome:
    """A prepared genome: its FASTA with an index beside it, and the lengths of its contigs, bp."""

    fasta: Path
    sizes: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Starts:
    """Transcription starts that a model brings, and their file.

    Attributes
    ----------
    path : Path
    table : DataFrame
        ``chrom``, ``position``, ``strand`` and ``name``.
    """

    path: Path
    table: pd.DataFrame

    @property
    def intervals(self) -> pd.DataFrame:
        """As :func:`cbat.data.bed_files.read_candidates` gives promoters."""
        position = self.table["position"]
        return pd.DataFrame(
            {
                "chrom": self.table["chrom"], "start": position, "end": position + 1,
                "strand": self.table["strand"], "line": range(1, len(self.table) + 1),
                "name": self.table["name"],
            }
        )  # fmt: skip

    def mentions(self, cell_line: str) -> Mentions:
        """As :func:`read_files` gives promoters."""
        return listed_mentions(cell_line, "promoter", self.path, self.intervals)


@dataclass(frozen=True)
class Candidates:
    """Unique elements of a cell line.

    Attributes
    ----------
    tables : dict
        Role -> :data:`COLUMNS`, sorted by chromosome in the order of the genome and by start.
    report : dict
        Counts of what came in and of what was left out.
    cautions : tuple of Caution
    """

    tables: dict[str, pd.DataFrame]
    report: dict[str, Any]
    cautions: tuple[Caution, ...]

    @property
    def chromosomes(self) -> list[str]:
        """Chromosomes that hold elements of both roles, in the order of the genome."""
        both = set(self.tables["promoter"]["chrom"])
        return [chrom for chrom in self.tables["enhancer"]["chrom"].drop_duplicates() if chrom in both]


def read_files(
    files: Mapping[str, Path], cell_line: str, contigs: ContigNames, genes: Path | None = None
) -> list[Mentions]:
    """Intervals that the files of candidates hold, before any look at a genome.

    Parameters
    ----------
    files : mapping
        Role -> BED, or GTF for promoters.
    cell_line : str
    contigs : ContigNames
    genes : Path, optional
        A file of genes: where it stands for the promoters, these are the starts of the genes.

    Raises
    ------
    UserError
        A malformed file.
    """
    found = []
    for role in (role for role in ROLES if role in files):
        listed = read_candidates(files[role], role, contigs, named=True)
        if role == "promoter" and files[role] == genes:
            position, _ = positions_of(listed, windows=True)
            listed = listed.assign(start=position, end=position + 1)
        found.append(listed_mentions(cell_line, role, files[role], listed))
    return found


def collect(
    mentions: Sequence[Mentions],
    cell_line: str,
    about: About,
    genome: Genome | None,
    chromosomes: Sequence[str] | None,
    contigs: ContigNames | None = None,
    assembly: str | None = None,
) -> Candidates:
    """Make candidates of intervals as `collect_elements` makes those of the lines that were evaluated.

    Parameters
    ----------
    mentions : sequence of Mentions
        Of :func:`read_files`.
    cell_line : str
    about : About
        Windows and filters of the model.
    genome : Genome or None
        Without one, chromosomes are those of the candidates, and nothing is known of sequences.
    chromosomes : sequence of str or None
        Those that are predicted; None predicts all. Candidates of all others are read as well.
    contigs : ContigNames, optional
        The table of names that has been applied, to tell one that maps the other way.
    assembly : str, optional
        That of the line, whose lengths of chromosomes stand in for those of a genome.

    Raises
    ------
    UserError
        Contigs that the genome does not have; intervals of another assembly; no candidate of a role on the
        chromosomes.
    """
    known = _known_contigs(mentions) if genome is None else list(genome.sizes)
    checks = [
        Check(ends_without_genome(mention.path, mention.intervals, assembly, f"{mention.role}s"))
        if genome is None
        else check_intervals(mention, genome.sizes, contigs, _fits_trained(mention, genome, about))
        for mention in mentions
    ]  # fmt: skip
    n_both = check_roles(mentions, "keep")[cell_line]
    mentions = distal(mentions, about.elements.enhancer_promoter_gap)
    predicted = _predicted(chromosomes, known, genome)
    # The environment is that of the whole line, whichever chromosomes are predicted.
    everywhere = dict.fromkeys(known, "everywhere")
    windows = about.windows.model_dump()
    tables = {role: unique_elements(mentions, role, windows[role], everywhere) for role in ROLES}
    report = _report(mentions, tables, known)
    if about.elements.max_n is not None and genome is not None:
        tables, left_out = with_sequence(tables, about.elements.max_n, genome.fasta)
        for role in ROLES:
            report[role]["left_out_without_sequence"] = int((left_out["role"] == role).sum())
    for mention in mentions:
        if not tables[mention.role]["chrom"].isin(predicted).any():
            raise UserError(
                f"no {mention.role} lies on a predicted chromosome"
                + ("" if genome is None else " and has a sequence that is known")
                + f" ({_in_words(report[mention.role])})",
                mend="check the file"
                + (
                    " or name other chromosomes"
                    if genome is None
                    else ", name other chromosomes, or use the genome that it belongs to"
                ),
                file=mention.path,
            )
        names = names_of(mention.intervals, windows[mention.role])
        table = tables[mention.role]
        table = table.assign(name=[",".join(names.get(one, [NO_NAME])) for one in table["element_id"]])
        tables[mention.role] = table[COLUMNS].reset_index(drop=True)
    cautions = [*_of_genome(genome, about), *_of_intervals(mentions, windows, n_both)]
    cautions += _of_checks(mentions, checks, report)
    cautions += _of_names(tables["promoter"])
    if genome is None:
        return Candidates(tables, report, tuple(cautions))
    if about.elements.max_n is None:
        cautions += _of_unknown_sequence(tables, genome)
    else:
        cautions += _of_left_out(report)
    return Candidates(tables, report, tuple(cautions))


def ends_without_genome(path: Path, intervals: pd.DataFrame, assembly: str | None, what: str) -> int:
    """:func:`~cbat.data.contig_ends.check_ends` with the lengths that are known of an assembly, if any."""
    lengths = LENGTHS.get(named(assembly or "") or "")
    if assembly is None or lengths is None:
        return 0
    beyond = intervals[intervals["end"] > intervals["chrom"].map(lengths).astype(float)]
    other = None if beyond.empty else would_fit(beyond, named(assembly) or assembly)
    hint = "" if other is None else f"; all of them would fit {other}"
    return check_ends(path, intervals, lengths, what, whose=assembly, hint=hint)


def _in_words(report: Mapping[str, int]) -> str:
    """What became of the intervals of a role."""
    lost = {key: n for key, n in report.items() if key.startswith("left_out") and n}
    parts = [f"{report['intervals']} intervals", *(f"{n} {key.replace('_', ' ')}" for key, n in lost.items())]
    return ", ".join(parts)


def _known_contigs(mentions: Sequence[Mentions]) -> list[str]:
    """Chromosomes of the candidates, chr2 before chr10."""
    names = {str(name) for mention in mentions for name in mention.intervals["chrom"].unique()}
    parts = re.compile(r"(\d+)")
    return sorted(
        names,
        key=lambda name: [(not part.isdigit(), int(part) if part.isdigit() else 0, part)
                          for part in parts.split(name.removeprefix("chr")) if part],
    )  # fmt: skip


def _predicted(chromosomes: Sequence[str] | None, known: Sequence[str], genome: Genome | None) -> list[str]:
    for chrom in chromosomes or ():
        if chrom not in known:
            whose = "the genome does" if genome is not None else "the candidates do"
            raise UserError(
                f"the chromosome {chrom!r} is requested, a contig that "
                + ("the genome does not have" if genome is not None else "no candidate is on"),
                mend="write a space between names of chromosomes, no comma"
                if "," in chrom
                else correct_name(chrom, known, whose),
                file=None if genome is None else genome.fasta,
            )
    return list(known) if chromosomes is None else list(chromosomes)


def _fits_trained(mention: Mentions, genome: Genome, about: About) -> str:
    """What is said of intervals beyond the ends of contigs that would fit the model's genome."""
    table, trained = mention.intervals, about.training.genome
    beyond = table[table["end"] > table["chrom"].map(genome.sizes).astype(float)]
    fits = (beyond["end"] <= beyond["chrom"].map(trained).astype(float)).all()
    if beyond.empty or not fits or first_difference(trained, genome.sizes) is None:
        return ""
    return f"; all of them would fit {assembly_of(trained) or 'the genome that the model was trained on'}"


def _of_checks(
    mentions: Sequence[Mentions], checks: Sequence[Check], report: Mapping[str, Mapping[str, int]]
) -> list[Caution]:
    """What is left out of the files of candidates, and intervals that reach over the end of their contig."""
    found = []
    for mention, check in zip(mentions, checks, strict=True):
        found += of_unmatched(check.warnings)
        counts = report[mention.role]
        reasons = {key.removeprefix(_LEFT_OUT): n for key, n in counts.items() if key.startswith(_LEFT_OUT)}
        # Of windows without sequence another caution tells; of them there are fewer than of intervals.
        reasons.pop("without_sequence", None)
        found += of_left_out(mention.path, counts["intervals"], reasons)
        if is_worth_a_warning(counts[REPEATED], counts["intervals"]):
            found.append(
                Caution(
                    "repeated_candidates",
                    f"{mention.path}: {counts[REPEATED]} of {counts['intervals']} {mention.role}s are "
                    "repeated; each counts once",
                )
            )
        if check.n_over:
            found.append(
                Caution(
                    "over_the_end",
                    f"{mention.path}: {check.n_over} of {len(mention.intervals)} {mention.role}s reach over "
                    "the end of their contig; they count as they are, and the bases beyond as unknown",
                )
            )
    return found


def names_of(intervals: pd.DataFrame, window: int) -> dict[str, list[str]]:
    """Window -> the names of its intervals, in the order of the file; no window without a name.

    Parameters
    ----------
    intervals : DataFrame
        ``chrom``, ``start``, ``end`` (0-based half-open, bp) and ``name``.
    window : int
        Length of the windows, bp.
    """
    start = window_start(intervals["start"], intervals["end"], window)
    ids = element_ids(intervals["chrom"], start, window)
    table = pd.DataFrame({"id": ids, "name": intervals["name"].to_numpy()})
    names: dict[str, list[str]] = {}
    for one, name in table[table["name"] != NO_NAME].drop_duplicates().itertuples(index=False):
        names.setdefault(str(one), []).append(str(name))
    return names


def _report(
    mentions: Sequence[Mentions], tables: Mapping[str, pd.DataFrame], known: Sequence[str]
) -> dict[str, Any]:
    return {
        mention.role: {
            "intervals": mention.n_intervals,
            **{f"{_LEFT_OUT}{reason}": n for reason, n in mention.left_out.items()},
            "left_out_on_unknown_contigs": int((~mention.intervals["chrom"].isin(list(known))).sum()),
            ALONE: int((~mention.intervals["chrom"].isin(_contigs_of_others(mention, mentions))).sum()),
            REPEATED: _repeated(mention.intervals),
            "left_out_near_promoters": mention.n_near_promoters,
            "left_out_without_sequence": 0,
            "unique_windows": len(tables[mention.role]),
        }
        for mention in mentions
    }


def _contigs_of_others(mention: Mentions, mentions: Sequence[Mentions]) -> set[str]:
    """Contigs that hold an interval of another role."""
    others = (other.intervals["chrom"] for other in mentions if other.role != mention.role)
    return {str(name) for column in others for name in column.unique()}


def _repeated(intervals: pd.DataFrame) -> int:
    """Intervals that stand in the file before, under the same name and strand."""
    same = [name for name in ("chrom", "start", "end", "strand", "name") if name in intervals.columns]
    return int(intervals.duplicated(same).sum())


def _of_genome(genome: Genome | None, about: About) -> list[Caution]:
    trained = about.training.genome
    if genome is None:
        return []
    if (chrom := first_difference(trained, genome.sizes)) is None:
        return []
    names = [assembly_of(sizes) or "unknown assembly" for sizes in (trained, genome.sizes)]
    return [
        Caution(
            "other_assembly",
            f"the model was trained on another assembly ({names[0]}: {chrom} has {trained[chrom]} bp; here "
            f"{genome.sizes[chrom]}, {names[1]}); that is fine if the files belong to this FASTA",
        )
    ]


def _of_intervals(mentions: Sequence[Mentions], windows: Mapping[str, int], n_both: int) -> list[Caution]:
    found = []
    for mention in mentions:
        middle = float((mention.intervals["end"] - mention.intervals["start"]).median())
        if mention.role == "promoter" and middle > LONGEST_PROMOTER:
            found.append(
                Caution(
                    "gene_bodies",
                    f"half of the promoters are longer than {middle:.0f} bp, as genes are, and each counts "
                    "as its middle: give genes as such (--genes), whose starts are taken",
                )
            )
        if middle > WIDE * windows[mention.role]:
            found.append(
                Caution(
                    "wide_intervals",
                    f"half of the {mention.role}s are longer than {middle:.0f} bp; the model reads "
                    f"{windows[mention.role]} bp around the centre of each",
                )
            )
    if n_both:
        found.append(
            Caution("both_roles", f"{n_both} intervals are listed as enhancers and as promoters as well")
        )
    return found


def _of_names(promoters: pd.DataFrame) -> list[Caution]:
    """Promoters that nobody has named, whose genes are called by their places."""
    unnamed = promoters[promoters["name"] == NO_NAME]
    if unnamed.empty:
        return []
    return [
        Caution(
            "unnamed_genes",
            f"{len(unnamed):,} of {len(promoters):,} promoters have no name of a gene: the tables and the "
            f"page call them by chromosome and position, such as {place_names(unnamed.iloc[:1])[0]}",
        )
    ]


def place_names(promoters: pd.DataFrame) -> list[str]:
    """``chrom:position`` of each promoter: its centre, a 0-based position."""
    position = promoters["start"] + (promoters["end"] - promoters["start"]) // 2
    return [f"{chrom}:{at}" for chrom, at in zip(promoters["chrom"], position, strict=True)]


def gene_names(promoters: pd.DataFrame) -> pd.Series:
    """Names of the genes of each promoter, separated by commas; its place where it has none.

    Parameters
    ----------
    promoters : DataFrame
        :data:`COLUMNS`.
    """
    return promoters["name"].where(promoters["name"] != NO_NAME, place_names(promoters))


def _of_unknown_sequence(tables: Mapping[str, pd.DataFrame], genome: Genome) -> list[Caution]:
    """Real elements hardly ever lie where an assembly knows no base."""
    sampled = {role: table.iloc[:: max(1, len(table) // SAMPLED)] for role, table in tables.items()}
    unknown = pd.concat(pd.Series(share) for share in fractions_of_n(genome.fasta, sampled).values()) == 1.0
    if unknown.mean() <= UNKNOWN_SHARE:
        return []
    return [
        Caution(
            "unknown_sequence",
            f"{100 * unknown.mean():.0f}% of the windows hold no known base: {_WRONG_GENOME}",
        )
    ]


def _of_left_out(report: Mapping[str, Any]) -> list[Caution]:
    """The same for a model that leaves such windows out."""
    n, of = (
        sum(one[key] for one in report.values()) for key in ("left_out_without_sequence", "unique_windows")
    )
    if n <= UNKNOWN_SHARE * of:
        return []
    return [
        Caution(
            "unknown_sequence",
            f"{n} of {of} windows hold too many unknown bases and are left out: {_WRONG_GENOME}",
        )
    ]
