"""Strands of insulator sites: which way the motif of CTCF in a peak points.

Loops form between sites that point at one another (Rao et al. 2014), so a site counts for the direction that
its motif has. The strand comes from the first of these that is there: column 6 of the peaks (if both strands
occur), a BED of motif sites, a scan of the genome. Without any of them all strands are ``.``, and a site
counts for both directions.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.contig_checks import check_shared, elsewhere, first_lines, rows_of
from cbat.data.contigs import ContigNames
from cbat.data.sequences import read_windows
from cbat.data.windows import centre, spread
from cbat.errors import UserError
from cbat.landscape.peak_files import NONE, read_peaks

Floats = npt.NDArray[np.float64]

RELEASE: Final = "JASPAR2026"
MATRIX: Final = "MA0139"
"""CTCF of vertebrates in JASPAR; the newest version of the release is taken."""
REACH: Final = 200
"""A site is looked for so many bp on either side of the centre of a peak: half the width of most peaks."""
P_VALUE: Final = 1e-4
"""Chance of a score this high at one position of a random sequence. In 400 bp and two strands that makes 0.08
chance sites a peak, of which most are weaker than the true one."""
THRESHOLD: Final = 8.79581691042408
"""Score of that chance, bits, as Biopython finds it in a thousand steps a bit. To find it takes a second of
every cell line, so that a test holds the two together."""
NEAR_EQUAL: Final = 0.9
"""Sites on both strands of which the weaker scores this share of the stronger or more leave a peak without a
strand: neither direction is told."""
NEAR: Final = 20
"""Of sites without scores the nearest counts; one on the other strand that is at most so many bp farther, the
length of the motif, leaves the peak without a strand."""
_MANY, _FEW = 1000, 0.05
"""Of so many peaks, or more, at least this share should lie at a site."""
_BASES: Final = np.frombuffer(b"ACGTN", dtype=np.uint8)
_SECTION: Final = "landscape.insulator_motifs"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Motif:
    """Scores of a motif, and the lowest one of a site."""

    name: str
    matrix: Any
    threshold: float


def with_strands(
    track: pd.DataFrame,
    *,
    motifs: Path | None = None,
    genome: Path | None = None,
    contigs: ContigNames | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Give the peaks of insulators their strands.

    Parameters
    ----------
    track : DataFrame
        ``chrom``, ``start``, ``end``, ``centre`` (0-based half-open, bp) and ``strand``.
    motifs : Path, optional
        BED6 of stranded motif sites, plain or gzip.
    genome : Path, optional
        Uncompressed FASTA with its index (``.fai``) beside it.
    contigs : ContigNames, optional
        What ``motifs`` calls a contig and what the genome does.

    Returns
    -------
    track : DataFrame
        The same rows.
    report : dict
        ``source`` of the strands and the number of peaks with each.

    Raises
    ------
    UserError
        A malformed file of sites, sites without strands or on other chromosomes than all peaks; a genome
        that cannot be read.
    """
    if motifs is not None:
        # Read in any case, so that a mistake in it is told.
        sites = read_sites(motifs, contigs)
    details: dict[str, Any] = {}
    given = set(track["strand"]) - {"."}
    if len(given) == 1:
        # Some programs write + for every peak: a constant says nothing of the motif.
        details["all_peaks_of_the_file_have_strand"] = given.pop()
    if given:
        source, strand = "column 6 of the peaks", track["strand"].to_numpy(dtype=object)
    elif motifs is not None:
        check_shared(motifs, first_lines(sites), {"the insulators": set(track["chrom"])}, contigs)
        source, strand = f"{_SECTION} ({motifs})", strands_of_sites(track, sites)
        details["sites"] = len(sites)
        unmatched = elsewhere(
            rows_of(track["chrom"]), set(sites["chrom"]), f"the file {motifs}", "insulators"
        )
        if unmatched is not None:
            details["unmatched"] = [f"{unmatched}: there they have no strand"]
            _logger.warning("%s", unmatched)
        if len(track) >= _MANY and (strand != ".").mean() < _FEW:
            _logger.warning(
                "only %d of %d peaks of insulators lie at a site of %s: are they of one assembly?",
                (strand != ".").sum(), len(track), motifs,
            )  # fmt: skip
    elif genome is not None:
        motif = _ctcf()
        strand, n_unknown = strands_of_genome(track, genome, motif)
        source = f"the genome, scanned with {motif.name} at p < {P_VALUE:g}"
        details["peaks_without_sequence"] = n_unknown
    else:
        source, strand = "none: sites count in both directions", np.full(len(track), ".", dtype=object)
    counts = {str(sign): int((strand == sign).sum()) for sign in "+-."}
    return track.assign(strand=strand), {"source": source, **details, **counts}


def read_sites(path: Path, contigs: ContigNames | None = None) -> pd.DataFrame:
    """Motif sites with strands.

    Parameters
    ----------
    path : Path
        BED6, plain or gzip; a score in column 5 that varies (0 or greater) is their strength.

    Returns
    -------
    DataFrame
        ``chrom``, ``start``, ``end``, ``signal`` (NaN where there is no score), ``strand`` and ``line``, of
        the sites with a strand.

    Raises
    ------
    UserError
        As :func:`~cbat.landscape.peak_files.read_peaks`; no site has a strand.
    """
    peaks = read_peaks(path, "insulator_motifs", contigs=contigs)
    sites = peaks.table[peaks.table["strand"] != "."].reset_index(drop=True)
    if sites.empty:
        raise UserError(
            f"no site of {_SECTION} has a strand",
            mend="write + or - into column 6 of every site, or leave the setting out",
            file=path,
        )
    return sites.assign(signal=np.nan) if peaks.signal == NONE else sites


def strands_of_sites(track: pd.DataFrame, sites: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Strand of the strongest site near the centre of each peak, or of the nearest if none has a score.

    Parameters
    ----------
    track : DataFrame
        ``chrom`` and ``centre``.
    sites : DataFrame
        See :func:`read_sites`.

    Returns
    -------
    array of str, shape=(n,)
        ``.`` where no site is within :data:`REACH` bp, and where strands are near-equal.
    """
    scored = bool(sites["signal"].notna().all())
    peak, site = _within_reach(track, sites)
    middle = centre(sites["start"], sites["end"])
    distance = np.abs(middle[site] - track["centre"].to_numpy()[peak])
    best = {}
    for sign in "+-":
        here = (sites["strand"].to_numpy() == sign)[site]
        value = sites["signal"].to_numpy()[site[here]] if scored else -distance[here].astype(float)
        best[sign] = np.full(len(track), -np.inf)
        np.maximum.at(best[sign], peak[here], value)
    if scored:
        return _stronger(best["+"], best["-"])
    nearest = np.maximum(best["+"], best["-"])
    return _chosen(best["+"], best["-"], np.minimum(best["+"], best["-"]) >= nearest - NEAR)


def strands_of_genome(
    track: pd.DataFrame, genome: Path, motif: _Motif | None = None
) -> tuple[npt.NDArray[np.object_], int]:
    """Strand of the best site of CTCF near the centre of each peak, scanned for in the genome.

    Parameters
    ----------
    track : DataFrame
        ``chrom`` and ``centre``.
    genome : Path
        Uncompressed FASTA with its index (``.fai``) beside it.

    Returns
    -------
    strand : array of str, shape=(n,)
        ``.`` where no site scores as :data:`P_VALUE` asks, and where strands are near-equal.
    n_unknown : int
        Peaks around which no base is known.
    """
    motif = motif or _ctcf()
    middle = track["centre"].to_numpy()
    windows = pd.DataFrame({"chrom": track["chrom"], "start": middle - REACH, "end": middle + REACH})
    best: dict[str, list[Floats]] = {"+": [], "-": []}
    n_unknown = 0
    for codes in read_windows(genome, windows):
        n_unknown += int((codes == len(_BASES) - 1).all(axis=1).sum())
        for sign, matrix in (("+", motif.matrix), ("-", motif.matrix.reverse_complement())):
            best[sign].append(_best_scores(matrix, codes))
    forward, backward = (np.concatenate([np.zeros(0), *best[sign]]) for sign in "+-")
    forward, backward = (np.where(s >= motif.threshold, s, -np.inf) for s in (forward, backward))
    return _stronger(forward, backward), n_unknown


def _best_scores(matrix: Any, codes: npt.NDArray[np.uint8]) -> Floats:
    """The highest score of a motif in each window, ``shape=(n,)``; -infinity where no base is known."""
    n, width = codes.shape
    # Biopython, which brings the matrix, scores a long text in C: all windows at once, with an N between
    # them at which no site has a score.
    text = np.full((n, width + 1), _BASES[-1], dtype=np.uint8)
    text[:, :width] = _BASES[codes]
    scores = np.full(n * (width + 1), -np.inf)
    found = np.asarray(matrix.calculate(text.tobytes().decode("ascii")), dtype=np.float64)
    scores[: found.size] = np.where(np.isnan(found), -np.inf, found)
    return np.asarray(scores.reshape(n, width + 1).max(axis=1))


@lru_cache(maxsize=1)
def _ctcf() -> _Motif:
    """Log-odds of CTCF against equal frequencies of the bases, bits, and the score of :data:`P_VALUE`."""
    from pyjaspar import jaspardb

    motif = jaspardb(release=RELEASE).fetch_motif_by_id(MATRIX)
    matrix = motif.counts.normalize(pseudocounts=0.5).log_odds()
    return _Motif(f"{motif.matrix_id} ({motif.name}) of {RELEASE}", matrix, THRESHOLD)


def _within_reach(
    track: pd.DataFrame, sites: pd.DataFrame
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows of peaks and of sites with centres at most :data:`REACH` bp apart, ``shape=(n_found,)`` each."""
    names = pd.unique(pd.concat([track["chrom"], sites["chrom"]]))
    contig = pd.Index(names)
    # Chromosomes one after the other on one line, too far apart to meet.
    middle, of_site = track["centre"].to_numpy(), centre(sites["start"], sites["end"])
    span = int(max(middle.max(initial=0), of_site.max(initial=0))) + 2 * REACH + 1
    place = middle + contig.get_indexer(track["chrom"]) * span
    of_site = of_site + contig.get_indexer(sites["chrom"]) * span
    order = np.argsort(of_site, kind="stable")
    first = np.searchsorted(of_site[order], place - REACH, side="left")
    last = np.searchsorted(of_site[order], place + REACH, side="right")
    peak, within = spread(last - first)
    return peak, order[first[peak] + within]


def _stronger(forward: Floats, backward: Floats) -> npt.NDArray[np.object_]:
    """The strand of the higher score, unless both are near-equal; -infinity is no site."""
    weaker, stronger = np.minimum(forward, backward), np.maximum(forward, backward)
    return _chosen(forward, backward, weaker >= NEAR_EQUAL * stronger)


def _chosen(forward: Floats, backward: Floats, undecided: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    strand = np.where(forward > backward, "+", "-").astype(object)
    strand[undecided] = "."
    return strand
