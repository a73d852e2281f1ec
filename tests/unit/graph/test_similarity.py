"""Similarities are those of the definition, and those that others have computed from the same files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import ExpressionCorrelation, PeakOverlap
from cbat.data.bed_files import read_bed
from cbat.errors import UserError
from cbat.graph.build import read_similarity
from cbat.graph.similarity import compare_expression, compare_peaks, covered_bins, jaccard, read_expression

LINES = ["GM12878", "HUVEC", "HeLa-S3", "IMR90", "K562", "NHEK"]


def bed(path: Path, *rows: str) -> Path:
    path.write_text("".join(row.replace(" ", "\t") + "\n" for row in rows))
    return path


def test_bins_are_those_that_a_peak_meets(tmp_path: Path) -> None:
    path = bed(tmp_path / "a.bed", "chr1 0 100", "chr1 99 101", "chr2 250 500", "chr1 30 60")
    contigs: dict[str, int] = {}
    bins = covered_bins(read_bed(path, stranded=False), 100, contigs)
    assert contigs == {"chr1": 0, "chr2": 1}
    assert [(number >> 32, number & 0xFFFFFFFF) for number in bins.tolist()] == [
        (0, 0), (0, 1), (1, 2), (1, 3), (1, 4),
    ]  # fmt: skip


def test_overlap_by_hand_and_as_the_graph_reads_it(tmp_path: Path) -> None:
    peaks = {
        "A": bed(tmp_path / "a.bed", "chr1 0 1000", "chr1 5000 5001", "chr2 0 10"),
        "B": bed(tmp_path / "b.bed", "chr2 900 1000", "chr1 5999 6001"),
        "C": bed(tmp_path / "c.narrowPeak", "chr2 5000 5010 peak 0 . 1.5 2 3 4"),
    }
    compare_peaks(settings=PeakOverlap(peaks=peaks), output=tmp_path / "out.tsv")
    # A covers 1:0, 1:5, 2:0; B covers 2:0, 1:5, 1:6.
    assert read_similarity(tmp_path / "out.tsv") == {("A", "B"): 0.5, ("A", "C"): 0.0, ("B", "C"): 0.0}


def test_a_further_line_changes_no_other_field(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    peaks = {
        name: bed(
            tmp_path / name, *(f"chr{rng.integers(1, 3)} {s} {s + 700}" for s in rng.integers(0, 10**5, 50))
        )
        for name in "ABC"
    }
    compare_peaks(settings=PeakOverlap(peaks=peaks), output=tmp_path / "three.tsv")
    del peaks["C"]
    compare_peaks(settings=PeakOverlap(peaks=peaks), output=tmp_path / "two.tsv")
    three, two = (read_similarity(tmp_path / f"{n}.tsv") for n in ("three", "two"))
    assert two == {pair: value for pair, value in three.items() if "C" not in pair}


def test_nothing_to_compare_is_an_empty_table(tmp_path: Path) -> None:
    compare_peaks(settings=PeakOverlap(peaks={}), output=tmp_path / "none.tsv")
    assert read_similarity(tmp_path / "none.tsv") == {}


def test_jaccard_is_symmetric_and_one_for_the_same() -> None:
    one, other = np.array([1, 2, 3]), np.array([3, 9])
    assert jaccard(one, one) == 1.0
    assert jaccard(one, other) == jaccard(other, one) == 0.25


EXPRESSION = "gene_id\tE1\tE2\tE3\ng1\t0\t1\t7\ng2\t3\t3.5\t1\ng3\t15\t31\t0\t\n"


def test_expression_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "rpkm.gz"
    path.write_bytes(gzip.compress(EXPRESSION.encode()))
    settings = ExpressionCorrelation(table=path, columns={"K": "E1", "N": "E3", "M": "E2"})
    compare_expression(settings=settings, output=tmp_path / "out.tsv")
    found = read_similarity(tmp_path / "out.tsv")
    wanted = np.corrcoef([0, 2, 4], [3, 1, 0])[0, 1]
    assert found["K", "N"] == pytest.approx(wanted, abs=1e-6)
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t", index_col=0)
    assert list(table) == list(table.index) == ["K", "N", "M"]


def test_a_gene_set_that_says_nothing_makes_no_edge(tmp_path: Path) -> None:
    path = tmp_path / "flat.tsv"
    path.write_text("gene\tE1\tE2\na\t1\t1\nb\t1\t2\nc\t1\t3\n")
    settings = ExpressionCorrelation(table=path, columns={"K": "E1", "N": "E2"})
    compare_expression(settings=settings, output=tmp_path / "out.tsv")
    assert read_similarity(tmp_path / "out.tsv") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            EXPRESSION.replace("E2", "E22"),
            "line 1: the table has no column 'E2', which is named for K .did you m",
        ),
        (EXPRESSION.replace("\t3.5\t1", "\t3.5"), "line 3: 3 fields where the header has 4"),
        (EXPRESSION.replace("3.5", "-1"), "line 3: E2 is '-1'"),
        (EXPRESSION.replace("3.5", "NA"), "line 3: E2 is 'NA'"),
        (EXPRESSION.replace("3.5", "inf"), "line 3: E2 is 'inf'"),
        ("gene_id\tE2\ng\t1\n", "the table has 1 genes"),
    ],
)
def test_a_table_of_another_kind_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rpkm.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=f"rpkm.tsv.*{message}"):
        read_expression(path, {"K": "E2"})


@pytest.mark.parametrize(("mark", "word"), [("H3K27ac", "7ac"), ("CTCF", "Ctcf"), ("H3K4me3", "4me3")])
def test_published_peaks_give_the_published_overlap(
    tmp_path: Path, shared_dir: Path, mark: str, word: str
) -> None:
    folder = shared_dir / "data" / "similarity"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    peaks = {}
    for line in LINES:
        (peaks[line],) = [path for path in (folder / "peaks").glob(f"{line}.*") if word in path.name]
    compare_peaks(settings=PeakOverlap(peaks=peaks), output=tmp_path / "out.tsv")
    known = pd.read_csv(folder / "peak_jaccard_1kb.tsv", sep="\t").query("mark == @mark")
    wanted = {(a, b): value for a, b, value in known[["cell_a", "cell_b", "jaccard"]].to_numpy() if a < b}
    assert read_similarity(tmp_path / "out.tsv") == pytest.approx(wanted, abs=6e-6)


def test_published_expression_gives_the_published_correlation(tmp_path: Path, shared_dir: Path) -> None:
    folder = shared_dir / "data" / "similarity"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    columns = {"GM12878": "E116", "HUVEC": "E122", "HeLa-S3": "E117", "K562": "E123", "NHEK": "E127"}
    settings = ExpressionCorrelation(table=folder / "57epigenomes.RPKM.pc.gz", columns=columns)
    compare_expression(settings=settings, output=tmp_path / "out.tsv")
    known = read_similarity(folder / "expression_pearson_log2rpkm.tsv")
    found = read_similarity(tmp_path / "out.tsv")
    assert found == pytest.approx({pair: known[pair] for pair in found}, abs=6e-5)
    assert len(found) == 10
