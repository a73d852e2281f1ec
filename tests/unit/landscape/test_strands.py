"""Strands of insulators: from sites, from a scan, and from nothing."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pytest

from cbat.data.contigs import ContigNames
from cbat.errors import UserError
from cbat.landscape import strands
from cbat.landscape.peak_files import read_peaks
from cbat.landscape.strands import REACH, with_strands
from cbat.landscape.tracks import rank_track
from cbat.simulation.motifs import RELEASE, read_motifs

SITES, PATCHES = "data/ctcf/ctcf_motifs_hg19.tsv.gz", "data/sequence/hg19_patchwork.fa.gz"
PEAKS = "data/similarity/peaks/GM12878.wgEncodeAwgTfbsBroadGm12878CtcfUniPk.narrowPeak.gz"
FORWARD = "TGGCCACCAGGGGGCGCTA"
"""The consensus of CTCF, as it stands on the strand +."""
REVERSE = FORWARD[::-1].translate(str.maketrans("ACGT", "TGCA"))


def track(*centres: int, chrom: str = "chr1", strand: str = ".") -> pd.DataFrame:
    middle = np.array(centres)
    return pd.DataFrame(
        {"chrom": chrom, "start": middle - 50, "end": middle + 50, "centre": middle, "strand": strand}
    )


def write_sites(tmp_path: Path, *rows: tuple[int, str, float], chrom: str = "chr1") -> Path:
    path = tmp_path / "sites.bed"
    path.write_text("".join(f"{chrom}\t{at - 10}\t{at + 10}\tCTCF\t{s}\t{sign}\n" for at, sign, s in rows))
    return path


def given(peaks: pd.DataFrame, **sources) -> list[str]:
    return with_strands(peaks, **sources)[0]["strand"].tolist()


def genome(tmp_path: Path, *inserts: tuple[int, str], length: int = 12_000) -> Path:
    # No C and no G: nothing that looks like CTCF by chance.
    text = np.array(list("AT"))[np.random.default_rng(0).integers(0, 2, length)]
    for start, motif in inserts:
        text[start : start + len(motif)] = list(motif)
    path = tmp_path / "genome.fa"
    path.write_text(">chr1\n" + "".join(text) + "\n")
    pyfaidx.Faidx(str(path))
    return path


def test_the_strand_of_the_peaks_comes_first(tmp_path: Path) -> None:
    peaks = track(1000, 2000, 3000).assign(strand=["+", "-", "."])
    table, report = with_strands(peaks, motifs=write_sites(tmp_path, (1000, "-", 1)))
    assert table["strand"].tolist() == ["+", "-", "."]
    assert report == {"source": "column 6 of the peaks", "+": 1, "-": 1, ".": 1}


def test_one_strand_for_all_peaks_says_nothing(tmp_path: Path) -> None:
    table, report = with_strands(
        track(1000, 2000, strand="+"), motifs=write_sites(tmp_path, (1000, "-", 1), (2000, "+", 2))
    )
    assert table["strand"].tolist() == ["-", "+"]
    assert report["all_peaks_of_the_file_have_strand"] == "+"


def test_without_any_source_sites_count_for_both_directions() -> None:
    table, report = with_strands(track(1000, 2000))
    assert table["strand"].tolist() == [".", "."]
    assert report == {"source": "none: sites count in both directions", "+": 0, "-": 0, ".": 2}


def test_the_strongest_site_in_reach_gives_the_strand(tmp_path: Path) -> None:
    sites = write_sites(
        tmp_path, (1000, "-", 5), (1100, "+", 9), (5000 + REACH, "-", 3), (9000 - REACH - 1, "+", 7)
    )
    assert given(track(1000, 5000, 9000), motifs=sites) == ["+", "-", "."]


def test_near_equal_sites_on_both_strands_tell_no_direction(tmp_path: Path) -> None:
    sites = write_sites(tmp_path, (1000, "+", 100), (1050, "-", 91), (5000, "+", 100), (5050, "-", 89))
    assert given(track(1000, 5000), motifs=sites) == [".", "+"]


def test_of_sites_without_scores_the_nearest_counts(tmp_path: Path) -> None:
    sites = write_sites(
        tmp_path, (1010, "+", 0), (900, "-", 0), (5010, "+", 0), (4985, "-", 0), (8900, "-", 0)
    )
    assert given(track(1000, 5000, 9000), motifs=sites) == ["+", ".", "-"]


def test_sites_of_another_chromosome_are_not_near(tmp_path: Path) -> None:
    sites = write_sites(tmp_path, (1000, "+", 1), (9000, "-", 2))
    peaks = pd.concat([track(1000), track(1000, chrom="chr2")], ignore_index=True)
    assert given(peaks, motifs=sites) == ["+", "."]


def test_sites_that_hardly_any_peak_lies_at_are_told(tmp_path: Path, caplog) -> None:
    sites = write_sites(tmp_path, (1000, "+", 1), (9000, "-", 2))
    given(track(*range(1000, 2_000_000, 1000)), motifs=sites)
    assert "only 2 of 1999 peaks of insulators lie at a site" in caplog.text


def test_sites_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no site of landscape\.insulator_motifs has a strand"):
        with_strands(track(1000), motifs=write_sites(tmp_path, (1000, ".", 1)))
    sites = write_sites(tmp_path, (1000, "+", 1), chrom="1")
    with pytest.raises(UserError, match=r"line 1: .* like '1' here, but like 'chr1' in the insulators"):
        with_strands(track(1000), motifs=sites)
    assert given(track(1000), motifs=sites, contigs=ContigNames({"1": "chr1"})) == ["+"]


def test_the_matrix_is_that_of_ctcf_in_the_release_of_the_simulation() -> None:
    assert strands.RELEASE == RELEASE
    motif = strands._ctcf()
    assert motif.name.startswith("MA0139")
    assert motif.matrix.length == len(read_motifs(["CTCF"])[0])


def test_the_threshold_is_the_p_value_of_a_position() -> None:
    motif = strands._ctcf()
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, 2_000_000)]
    share = (np.asarray(motif.matrix.calculate(bases.tobytes().decode())) >= motif.threshold).mean()
    assert share == pytest.approx(strands.P_VALUE, rel=0.25)


def test_a_scan_finds_the_motif_on_either_strand_and_not_beyond_reach(tmp_path: Path) -> None:
    fasta = genome(
        tmp_path,
        (1100, FORWARD),
        (3000, REVERSE),
        (5000 + REACH + 1, FORWARD),
        (6950, FORWARD),
        (7050, REVERSE),
    )
    table, report = with_strands(track(1000, 3000, 5000, 7000, 9000), genome=fasta)
    assert table["strand"].tolist() == ["+", "-", ".", ".", "."]
    assert report["source"].startswith("the genome, scanned with MA0139.")
    assert report["peaks_without_sequence"] == 0


def test_a_scan_at_the_ends_of_a_contig_and_where_no_base_is_known(tmp_path: Path) -> None:
    fasta = genome(tmp_path, (0, REVERSE), (3000, "N" * 2000), (12_000 - len(FORWARD), FORWARD))
    table, report = with_strands(track(60, 4000, 11_990), genome=fasta)
    assert table["strand"].tolist() == ["-", ".", "+"]
    assert report["peaks_without_sequence"] == 1


def test_a_track_without_peaks_has_no_strands(tmp_path: Path) -> None:
    none = track().astype({"start": int, "end": int, "centre": int})
    assert given(none, genome=genome(tmp_path)) == []
    assert given(none, motifs=write_sites(tmp_path, (1000, "+", 1))) == []


# Published data


def published_sites(tmp_path: Path, shared_dir: Path) -> Path:
    sites = pd.read_csv(shared_dir / SITES, sep="\t")
    sites = sites.astype({"start": int, "end": int}).assign(name="CTCF", score=0)
    sites["strand"] = sites["str"].map({"forward": "+", "reverse": "-"})
    sites.drop(columns="str").to_csv(tmp_path / "published.bed", sep="\t", header=False, index=False)
    return tmp_path / "published.bed"


def test_many_published_peaks_hold_a_published_site(tmp_path: Path, shared_dir: Path) -> None:
    peaks = rank_track(read_peaks(shared_dir / PEAKS, "insulators").table, "insulators")
    table, report = with_strands(peaks, motifs=published_sites(tmp_path, shared_dir))
    assert report["+"] + report["-"] > 0.35 * len(table)
    # The sites are those of high score, so they lie in the strong peaks, and as many point either way.
    stranded = table["strand"] != "."
    assert table["activity"][stranded].mean() > 2 * table["activity"][~stranded].mean()
    assert 0.45 < report["+"] / (report["+"] + report["-"]) < 0.55


@pytest.mark.slow
def test_scanned_strands_are_those_of_published_sites(tmp_path: Path, shared_dir: Path) -> None:
    peaks = rank_track(read_peaks(shared_dir / PEAKS, "insulators").table, "insulators")
    known, _ = with_strands(peaks, motifs=published_sites(tmp_path, shared_dir))
    known = known[known["strand"] != "."].reset_index(drop=True)
    covered, fasta = patched_genome(shared_dir / PATCHES, tmp_path, known)
    scanned, report = with_strands(covered.assign(strand="."), genome=fasta)
    both = scanned["strand"] != "."
    assert report["peaks_without_sequence"] == 0
    assert both.sum() > 900
    assert both.mean() > 0.9
    agree = (scanned["strand"][both] == covered["known"][both]).mean()
    assert agree > 0.97  # 0.986; a reversed matrix would give 0.014


def patched_genome(patches: Path, tmp_path: Path, peaks: pd.DataFrame) -> tuple[pd.DataFrame, Path]:
    """Peaks inside known pieces of sequence, at their places in a genome whose contigs are the pieces."""
    records = gzip.decompress(patches.read_bytes()).decode().removeprefix(">").split("\n>")
    pieces = pd.DataFrame({"name": [record.split("\n", 1)[0] for record in records]})
    pieces[["contig", "from", "to"]] = pieces["name"].str.extract(r"(.+):(\d+)-(\d+)")
    pieces = pieces.astype({"from": int, "to": int}).assign(record=records).sort_values("from")
    found = pd.merge_asof(
        peaks.sort_values("centre"),
        pieces,
        left_on="centre",
        right_on="from",
        left_by="chrom",
        right_by="contig",
    ).dropna(subset="from")
    within = (found["centre"] - REACH >= found["from"]) & (found["centre"] + REACH <= found["to"])
    found = found[within].reset_index(drop=True)
    path = tmp_path / "pieces.fa"
    path.write_text("".join(f">{record.strip()}\n" for record in found["record"].unique()))
    pyfaidx.Faidx(str(path))
    place = (found["centre"] - found["from"]).astype(int)
    return found.assign(known=found["strand"], centre=place, chrom=found["name"]), path


def test_the_threshold_is_that_of_the_motif() -> None:
    motif = strands._ctcf()
    found = motif.matrix.distribution(precision=1000).threshold_fpr(strands.P_VALUE)
    assert motif.threshold == pytest.approx(found, rel=1e-12)
