"""The tracks of a new cell line, read from its files before any work is done."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.load import parse_section
from cbat.config.sections import LandscapeSettings
from cbat.config.sheets import ELEMENT_SIGNALS, TRACK_KINDS, CellLine
from cbat.config.suggestions import did_you_mean
from cbat.data.contig_checks import check_shared, elsewhere, first_lines, rows_of
from cbat.data.contig_ends import check_ends
from cbat.data.contigs import ContigNames, first_names
from cbat.data.elements import Mentions
from cbat.errors import UserError
from cbat.files import is_no_file
from cbat.landscape.assembly_check import (
    LEAST,
    LEAST_MOVED,
    check_assembly,
    hardly_expected,
    peaks_at_starts,
    too_few,
)
from cbat.landscape.genes import left_out_of, starts_of
from cbat.landscape.peak_files import NONE, states_signal
from cbat.landscape.strands import strands_of_sites, with_strands
from cbat.landscape.tracks import (
    ENHANCERS,
    INSULATORS,
    PROMOTERS,
    Track,
    joined,
    reasons_of,
    tracks_of,
)
from cbat.model.about import LAW
from cbat.prediction.candidates import ends_without_genome
from cbat.prediction.cautions import Caution, of_left_out, of_unmatched
from cbat.prediction.own_genes import as_in_training
from cbat.prediction.shared_landscape import MEAN, UNNAMED, SharedLandscape, fingerprint

OF_MODEL: Final = "the landscape of the model"
_OF_PACKAGE: Final = "those of the model"
_ASSAYS: Final = {
    "active_enhancers": ("h3k27ac", "atac", "dnase", "dhs", "h3k4me1", "p300"),
    "active_promoters": ("h3k4me3",),
    "insulators": ("ctcf", "rad21", "cohesin"),
}
"""What people call the assays of each kind of track, without signs."""
_SOME: Final = 20
"""Candidates of a chromosome or a role from which on it is odd that no peak or start of a gene is there."""


LEAST_PEAKS: Final = 20
"""With fewer peaks of a kind their ranks say nothing."""
FEW_PEAKS: Final = 1_000
"""With fewer a user is told; lines that models were trained on have tens of thousands."""


@dataclass(frozen=True)
class TrackFiles:
    """What a user gives of the landscape of a new line.

    Attributes
    ----------
    tracks : mapping
        Kind -> peaks; none at all is allowed.
    genes, motifs : Path, optional
        Genes, and stranded sites of CTCF.
    signals : mapping
        Kind -> where the signal of its peaks stands, as in the section ``landscape``; likewise for the
        intervals of signals at candidates.
    element_signals : mapping
        Name of a signal -> its file; none at all is allowed.
    """

    tracks: Mapping[str, Path]
    genes: Path | None = None
    motifs: Path | None = None
    signals: Mapping[str, str] | None = None
    element_signals: Mapping[str, Path] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """All files."""
        others = [path for path in (self.genes, self.motifs) if path is not None]
        return [*self.tracks.values(), *self.element_signals.values(), *others]


@dataclass(frozen=True, eq=False)
class OwnTracks:
    """The tracks of a new line.

    Attributes
    ----------
    tracks : DataFrame
        :data:`~cbat.landscape.tracks.TRACK_COLUMNS`; no rows without files.
    starts : DataFrame
        Transcription starts.
    report : dict
        What was read of which file.
    cautions : tuple of Caution
    """

    tracks: pd.DataFrame
    starts: pd.DataFrame
    report: dict[str, Any]
    cautions: tuple[Caution, ...]


def with_candidates(tracks: Mapping[str, Path], candidates: Path, model: Path) -> dict[str, Path]:
    """Tracks of a line, the active enhancers among them where its candidates are peaks with a signal.

    Parameters
    ----------
    tracks : mapping
        Kind -> peaks.
    candidates : Path
        Candidate enhancers.
    model : Path
        A model directory; one that reads no landscape has no use for tracks.
    """
    given = dict(tracks)
    reads_tracks = (Path(model) / LAW).is_file()
    if ENHANCERS in given or not reads_tracks or not Path(candidates).is_file():
        return given
    return given | ({ENHANCERS: candidates} if states_signal(candidates) else {})


def _kind_of_assay(asked: str) -> str:
    """Which kind of track an assay is, or the kind whose name is nearest."""
    plain = re.sub(r"[^a-z0-9]", "", asked.lower())
    found = [kind for kind, assays in _ASSAYS.items() if any(assay in plain for assay in assays)]
    return f" (peaks of it are {found[0]})" if found else did_you_mean(asked, TRACK_KINDS)


def check_files(given: TrackFiles) -> None:
    """Make sure that kinds are known, and that each has a file of its own that exists.

    Raises
    ------
    UserError
    """
    for kind in given.tracks:
        if kind not in TRACK_KINDS:
            raise UserError(
                f"--tracks names the kind {kind!r}{_kind_of_assay(kind)}",
                mend=f"write KIND=FILE with a kind of {', '.join(TRACK_KINDS)}",
            )
    for name in given.element_signals:
        if name not in ELEMENT_SIGNALS:
            raise UserError(
                f"--element-signals names {name!r}{did_you_mean(name, ELEMENT_SIGNALS)}",
                mend=f"write NAME=FILE with a name of {', '.join(ELEMENT_SIGNALS)}",
            )
    for kind in given.signals or {}:
        if kind not in (known := [*given.tracks, *given.element_signals]):
            raise UserError(
                f"the signal of {kind} is asked for ({(given.signals or {})[kind]!r}), and no track of this "
                f"kind is given{did_you_mean(kind, known)}",
                mend="give its peaks as a track, or leave its signal out",
            )
    first: dict[Path, str] = {}
    for kind, path in given.tracks.items():
        if (other := first.setdefault(Path(path).resolve(), kind)) != kind:
            raise UserError(
                f"{other} and {kind} are the same file",
                mend="name the peaks of each assay, or leave out the kind that the line lacks",
                file=path,
            )
    for path in given.files:
        if not Path(path).is_file():
            raise UserError(
                f"the file {is_no_file(Path(path))}",
                mend="correct its path (paths start at the working directory)",
                file=path,
            )


def _with_genes(shared: SharedLandscape) -> Collection[str]:
    """Contigs that the model has genes on; all that it names where it has no genes.

    Some peaks of training lines are on contigs without any, where no pair can be.
    """
    return sorted(shared.starts["chrom"].unique()) or shared.chromosomes


def check_contigs(mentions: Sequence[Mentions], shared: SharedLandscape, contigs: ContigNames) -> None:
    """Make sure that the candidates name chromosomes as the model's landscape does, and as each other.

    Raises
    ------
    UserError
        See :func:`~cbat.data.contig_checks.check_shared`.
    """
    others: dict[str, Collection[str]] = {OF_MODEL: _with_genes(shared)}
    for mention in mentions:
        check_shared(mention.path, first_lines(mention.intervals), others, contigs)
        others[f"the {mention.role}s ({mention.path})"] = set(mention.intervals["chrom"])


def read_own_tracks(
    given: TrackFiles,
    shared: SharedLandscape,
    mentions: Sequence[Mentions],
    cell_line: str,
    *,
    contigs: ContigNames,
    sizes: Mapping[str, int] | None = None,
    genome: Path | None = None,
) -> OwnTracks:
    """Read and rank the tracks of a line, and compare them with everything else that names positions.

    Parameters
    ----------
    given : TrackFiles
    shared : SharedLandscape
        The model's: its tracks and genes must be of the same assembly.
    mentions : sequence of Mentions
        The line's candidates.
    cell_line : str
    contigs : ContigNames
    sizes : mapping, optional
        Contigs of the genome and their lengths, bp.
    genome : Path, optional
        Indexed FASTA to scan for the strands of insulators.

    Raises
    ------
    UserError
        See :func:`check_files` and :func:`cbat.landscape.tracks.check_tracks`; candidates or tracks that
        share no chromosome with the model's landscape or name them otherwise.
    """
    check_files(given)
    known = _with_genes(shared)
    of_model: dict[str, Collection[str]] = {OF_MODEL: known}
    unmatched: list[str] = []
    check_contigs(mentions, shared, contigs)
    for mention in mentions:
        unmatched += _elsewhere(mention.path, mention.intervals, known, f"{mention.role}s")
        of_model[f"the {mention.role}s ({mention.path})"] = set(mention.intervals["chrom"])
    settings = parse_section(
        LandscapeSettings,
        {
            "genes": given.genes or Path("genes"),
            "insulator_motifs": given.motifs,
            "signals": dict(given.signals or {}),
        },
        [],
    )
    starts, of_genes, of_starts = shared.starts, _OF_PACKAGE, list[Caution]()
    if given.genes is not None:
        starts, of_file = starts_of(given.genes, contigs)
        _check_starts(given.genes, starts, {**of_model, **({"the genome": sizes} if sizes else {})}, contigs)
        unmatched += _elsewhere(given.genes, starts, known, "starts of genes")
        starts, of_starts = as_in_training(starts, shared.starts, shared.fit.features, given.genes)
        of_starts += _of_genes(given.genes, starts, of_file, sizes, shared.assembly)
        of_genes = str(given.genes)
    found = tracks_of(row_of(cell_line, given.tracks), settings, contigs, sizes, of_model)
    report: dict[str, Any] = {
        "genes": of_genes,
        "kinds": {kind: dict(track.report) for kind, track in found.items()},
    }
    tables = {kind: track.table for kind, track in found.items()}
    for kind, table in tables.items():
        if table.empty:
            raise UserError(
                "no peak is left of the file",
                mend="name a file with peaks on the chromosomes of the candidates, or leave the kind out",
                file=given.tracks[kind],
            )
        if sizes is None:
            ends_without_genome(given.tracks[kind], table.assign(line=0), shared.assembly, "peaks")
        if len(table) < LEAST_PEAKS:
            raise _too_few_peaks(kind, len(table), given, mentions)
    if PROMOTERS in tables:
        counts = peaks_at_starts(tables[PROMOTERS], starts)
        check_assembly(counts, path=given.tracks[PROMOTERS], genes=given.genes or Path(of_genes))
    cautions = [
        *of_starts,
        *of_unmatched(unmatched),
        *_of_files(found, given),
        *_of_assembly(mentions, shared),
        *_of_expected(tables, given, shared),
        # Genes of the user's own may be what stands in the wrong place.
        *_of_roles(mentions, starts if shared.starts.empty else shared.starts),
        *_of_peaks(tables, mentions, shared, cell_line),
        *_of_ranks(found, given),
    ]
    if INSULATORS in tables:
        tables[INSULATORS], strands = _stranded(tables[INSULATORS], settings, shared, contigs, genome)
        report["kinds"][INSULATORS]["strands"] = strands
        cautions += of_unmatched(strands.get("unmatched", []))
        if shared.stranded and not (tables[INSULATORS]["strand"] != ".").any():
            cautions.append(_without_strands(given.motifs))
    if given.motifs is not None and not (shared.stranded and INSULATORS in tables):
        why = "no track of insulators" if shared.stranded else "the model has learned nothing about strands"
        cautions.append(
            Caution(
                "unused_motifs",
                f"sites of the insulators' motif are given ({given.motifs}), but {why}, so they change "
                "nothing",
            )
        )
    return OwnTracks(joined([*tables.values()]), starts, report, tuple(cautions))


def _too_few_peaks(kind: str, n: int, given: TrackFiles, mentions: Sequence[Mentions]) -> UserError:
    path = given.tracks[kind]
    candidates = any(one.role == "enhancer" and Path(one.path) == Path(path) for one in mentions)
    key = f"--tracks {kind}=FILE (in a configuration tracks.{kind})"
    leave_out = "or cut the candidates to three columns, so that they do not count as a track"
    return UserError(
        f"{n} peaks are the track {kind}, and a peak counts by its rank among all of the line: among fewer "
        f"than {LEAST_PEAKS} a rank says nothing",
        mend=f"give all peaks of the line as {key}; the candidates may be few"
        + (f", {leave_out}" if candidates else ", or leave the kind out"),
        file=path,
    )


def _of_ranks(found: Mapping[str, Track], given: TrackFiles) -> list[Caution]:
    """Tracks whose ranks say little: of few peaks, or of peaks that are all alike."""
    cautions = []
    if few := [f"{len(one.table)} of {kind}" for kind, one in found.items() if len(one.table) < FEW_PEAKS]:
        cautions.append(
            Caution(
                "few_peaks",
                f"the line has {', '.join(few)}, where lines mostly have tens of thousands of peaks: a peak "
                "counts by its rank among all of its kind, so give all of them",
            )
        )
    for kind, track in found.items():
        why = track.report.get("without_signal_because", "")
        if why and not track.report["all_peaks_alike"]:
            cautions.append(
                Caution(
                    "other_signal",
                    f"peaks of {kind} are ranked by {track.report['signal']}, for {why}; name another column "
                    "with --signals (in a configuration signals) if the signal is there",
                )
            )
        if track.report["all_peaks_alike"] and (given.signals or {}).get(kind) != NONE:
            why = why or "their signal is constant"
            cautions.append(
                Caution(
                    "no_signal",
                    f"all peaks of {kind} count alike, because the file has no signal to rank them "
                    f"by ({why}); "
                    "give narrowPeak or broadPeak, or name the column of the signal with --signals "
                    "(in a configuration signals)",
                )
            )
    return cautions


def _without_strands(motifs: Path | None) -> Caution:
    if motifs is None:
        mend = "give a BED of motif sites, peaks with strands in column 6, or a genome"
    else:
        mend = f"no peak lies at a site of {motifs}, which may be of another assembly"
    return Caution("no_strands", f"the insulators have no strands, so each counts in both directions: {mend}")


def _of_roles(mentions: Sequence[Mentions], starts: pd.DataFrame) -> list[Caution]:
    """Enhancers that lie at transcription starts more often than the promoters do."""
    share, n = {}, {}
    for mention in mentions:
        counts = peaks_at_starts(mention.intervals.assign(activity=1.0), starts)
        share[mention.role] = counts["at_starts"] / max(counts["peaks"], 1.0)
        n[mention.role] = counts["peaks"]
    if min(n.values()) < _SOME or share["enhancer"] <= share["promoter"]:
        return []
    return [
        Caution(
            "exchanged_roles",
            f"{share['enhancer']:.0%} of the enhancers are at a transcription start, and "
            f"{share['promoter']:.0%} of the promoters: are the two files swapped?",
        )
    ]


def _of_peaks(
    tables: Mapping[str, pd.DataFrame], mentions: Sequence[Mentions], shared: SharedLandscape, cell_line: str
) -> list[Caution]:
    """Chromosomes of many candidates without a peak, and peaks of a training line under another name."""
    enhancers = pd.concat([one.intervals["chrom"] for one in mentions if one.role == "enhancer"])
    counts = enhancers.value_counts()
    many = sorted(str(chrom) for chrom, n in counts.items() if n >= _SOME)
    found = []
    for kind, table in tables.items():
        if empty := [chrom for chrom in many if chrom not in set(table["chrom"])]:
            found.append(
                Caution(
                    "empty_chromosomes",
                    f"there is no peak of {kind} on {first_names(empty)}, where the line has candidates: "
                    "there it counts as a line without such peaks",
                )
            )
        mine = fingerprint(table)
        for line, known in shared.fingerprints.items():
            if line != cell_line and known.get(kind) == mine:
                found.append(
                    Caution(
                        "training_line",
                        f"the {kind} are those of {line}{_advice(shared, line)}",
                    )
                )
    return found


def _advice(shared: SharedLandscape, line: str) -> str:
    """What can be done about peaks that the model knows already."""
    if shared.lines == (MEAN,):
        return ", which are part of what the model expects, so scores may look better here than in a new line"
    return f": to predict without its tracks in the expectation, call the cell line {line}"


def row_of(cell_line: str, tracks: Mapping[str, Path]) -> CellLine:
    """A row of a sheet that names these tracks; nothing else of it is read."""
    return parse_section(
        CellLine,
        {
            "cell_line": cell_line, "tissue": "unknown", "role": "unseen", "sex": "unknown",
            "condition": "unknown", "pairs": Path("none"), "pairs_format": "auto", "enhancers": None,
            "promoters": None, **dict(tracks),
        },
        [],
    )  # fmt: skip


def _check_starts(
    genes: Path, starts: pd.DataFrame, others: Mapping[str, Collection[str]], contigs: ContigNames
) -> None:
    # Starts keep no numbers of lines.
    lines = dict.fromkeys(starts["chrom"].unique().tolist(), 0)
    check_shared(genes, lines, others, contigs)


def _of_genes(
    genes: Path,
    starts: pd.DataFrame,
    report: Mapping[str, Any],
    sizes: Mapping[str, int] | None,
    assembly: str,
) -> list[Caution]:
    """What is left out of a file of genes, whose starts must lie on their contigs."""
    places = starts.assign(start=starts["position"], end=starts["position"] + 1, line=0)
    if sizes is not None:
        check_ends(genes, places, sizes, "starts of genes")
    else:
        ends_without_genome(genes, places, assembly, "starts of genes")
    cautions = of_left_out(genes, *left_out_of(report))
    if without := report["starts_without_strand"]:
        cautions.append(
            Caution(
                "unstranded_genes",
                f"{without:,} of {report['starts']:,} genes of {genes} have no strand, so the middle is "
                "taken for their start",
            )
        )
    return cautions


def _elsewhere(path: Path, table: pd.DataFrame, known: Collection[str], what: str) -> list[str]:
    warning = elsewhere(rows_of(table["chrom"]), known, OF_MODEL, what) if len(known) else None
    return [] if warning is None else [f"{path}: {warning}"]


def _of_files(found: Mapping[str, Track], given: TrackFiles) -> list[Caution]:
    """What is left out of the files of tracks, and peaks on contigs that another file lacks."""
    cautions = []
    for kind, track in found.items():
        path, report = given.tracks[kind], track.report
        cautions += of_unmatched(f"{path}: {warning}" for warning in report["unmatched"])
        cautions += of_left_out(path, report["peaks_read"], reasons_of(report))
    return cautions


def _stranded(
    track: pd.DataFrame,
    settings: LandscapeSettings,
    shared: SharedLandscape,
    contigs: ContigNames,
    genome: Path | None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Insulators with strands, if the law has learned of strands.

    Where nothing of the line tells them, they are those of sites of training lines: the motif under a peak,
    and so its strand, is the same in all lines.
    """
    if not shared.stranded:
        report = {"source": "not read: the training lines had no strands", "+": 0, "-": 0, ".": len(track)}
        return track.assign(strand="."), report
    told, report = with_strands(track, motifs=settings.insulator_motifs, genome=genome, contigs=contigs)
    known = shared.tracks[(shared.tracks["kind"] == INSULATORS) & (shared.tracks["strand"] != ".")]
    if (told["strand"] != ".").any() or known.empty:
        return told, report
    sites = known.drop_duplicates(["chrom", "centre", "strand"]).assign(
        start=lambda table: table["centre"], end=lambda table: table["centre"] + 1, signal=np.nan
    )
    strand = strands_of_sites(track, sites.reset_index(drop=True))
    counts = {str(sign): int((strand == sign).sum()) for sign in "+-."}
    source = "insulators of the training lines at the same place"
    return track.assign(strand=strand), {"source": source, **counts}


def _of_expected(
    tables: Mapping[str, pd.DataFrame], given: TrackFiles, shared: SharedLandscape
) -> list[Caution]:
    """Tracks whose peaks are elsewhere than those that the model knows of their kind."""
    found = []
    of = "its landscape" if shared.assembly == UNNAMED else shared.assembly
    for kind, table in tables.items():
        told = hardly_expected(kind, table, shared.tracks[shared.tracks["kind"] == kind])
        if told is not None:
            found.append(
                Caution(
                    "other_assembly",
                    f"{given.tracks[kind]}: {told}: the file may be of another assembly than {of} (cbat "
                    "lift_over lifts peaks), or hold something else than such peaks",
                )
            )
    return found


def _of_assembly(mentions: Sequence[Mentions], shared: SharedLandscape) -> list[Caution]:
    """Promoters that lie on starts of the model's genes hardly more often than by chance."""
    found = []
    for mention in mentions:
        if mention.role != "promoter":
            continue
        table = mention.intervals.assign(activity=1.0)
        counts = peaks_at_starts(table, shared.starts)
        if too_few(counts):
            found.append(
                Caution(
                    "assembly_unchecked",
                    "there are too few promoters to see whether the files are of the assembly of the model's "
                    f"landscape ({counts['at_starts']:.0f} of {counts['peaks']:.0f} are at a transcription "
                    "start that it knows)",
                )
            )
        elif counts["at_moved_starts"] >= max(LEAST_MOVED, counts["at_starts"] / LEAST):
            found.append(
                Caution(
                    "other_assembly",
                    f"of {counts['peaks']:.0f} promoters {counts['at_starts']:.0f} are at a transcription "
                    f"start that the model knows, barely more than by chance "
                    f"({counts['at_moved_starts']:.0f}): the files may be of another assembly than its "
                    "landscape",
                )
            )
    return found
