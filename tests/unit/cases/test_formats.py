"""Formats, names and columns of files that people brought: read rightly, or refused with a fix that works.

The files are in a folder beside the repository, ``shared/cases``; without it these tests skip. The same kinds
of fault in files made here: ``test_foreign_formats.py`` and ``test_unclear_formats.py``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from advice import follow, shared_case

from cbat.data.bed_files import read_candidates
from cbat.data.expression_tables import read_expressed
from cbat.data.importers.common import INTERVAL_COLUMNS
from cbat.data.lift_over import read_intervals
from cbat.data.pair_tables import read_pairs
from cbat.errors import UserError
from cbat.landscape.genes import starts_of
from cbat.landscape.peak_files import read_peaks
from cbat.landscape.signal_files import open_signal


@pytest.fixture
def case(tmp_path: Path):
    """Copies of the files of a case, by the name of its folder and of the file."""

    def given(folder: str, name: str) -> Path:
        return Path(shutil.copy(shared_case(folder) / name, tmp_path / name))

    return given


def message(read, *arguments, **more) -> str:
    with pytest.raises(UserError) as caught:
        read(*arguments, **more)
    return str(caught.value)


def test_two_scores_are_asked_about(case) -> None:
    path = case("40-sce2g-two-scores", "pairs.tsv")
    told = message(read_pairs, path, "auto", score_threshold=0.3)
    assert "ENCODE-rE2G.Score, ENCODE-rE2G.Score.qnorm" in told
    assert "score_column" in told
    contacts = {
        column: int(read_pairs(path, "auto", score_threshold=0.3, score_column=column)["label"].sum())
        for column in ("ENCODE-rE2G.Score", "ENCODE-rE2G.Score.qnorm")
    }
    assert contacts == {"ENCODE-rE2G.Score": 486, "ENCODE-rE2G.Score.qnorm": 265}


def test_ends_in_the_order_of_the_genome(case) -> None:
    path = case("43-bedpe-sorted-by-position", "pairs.bedpe")
    told = message(read_pairs, path, "auto")
    assert "end 1 lies before end 2 in all 136 rows" in told
    table = pd.read_csv(path, sep="\t")
    assert len(read_pairs(path, "bedpe_enhancer_first")) == len(table)
    # Candidates of the line, as wide as the roles are in this file: 1 kb and 2 kb.
    ends = [table.iloc[:, at : at + 3].set_axis(["chrom", "start", "end"], axis=1) for at in (0, 3)]
    every = pd.concat(ends, ignore_index=True).drop_duplicates()
    wide = every["end"] - every["start"] == 2000
    beds = {"enhancers": every[~wide], "promoters": every[wide]}
    for name, bed in beds.items():
        bed.to_csv(path.parent / name, sep="\t", header=False, index=False)
    pairs = read_pairs(path, "auto", **{name: path.parent / name for name in beds})
    assert len(pairs) == 136
    swapped = int((ends[0]["end"] - ends[0]["start"] == 2000).sum())
    assert pairs.attrs["swapped_ends"] == swapped > 40
    for role, length in (("enhancer", 1000), ("promoter", 2000)):
        assert (pairs[f"{role}_end"] - pairs[f"{role}_start"] == length).all()


def test_a_transgene_of_exons_alone(case) -> None:
    path = case("10-gtf-transgene", "genes.gtf")
    names = set(read_candidates(path, "promoter", named=True)["name"])
    assert "EGFP" in names
    assert names == set(starts_of(path)[0]["name"])


def test_two_genes_of_one_start(case) -> None:
    path = case("13-two-genes-one-start", "genes.gtf")
    starts = read_candidates(path, "promoter", named=True)
    assert starts.loc[starts["start"] == 12918, "name"].tolist() == ["GENE0", "READTHROUGH0"]
    assert {"GENE0", "READTHROUGH0"} <= set(starts_of(path)[0]["name"])
    # Without names a start is one element.
    assert not read_candidates(path, "promoter").duplicated(["chrom", "start"]).any()


def test_gff3(case) -> None:
    path = case("12-gff3", "genes.gff3")
    for table in (read_candidates(path, "promoter", named=True), starts_of(path)[0]):
        assert sorted(table["name"]) == sorted(f"GENE{number}" for number in range(200))


def test_genes_without_a_strand(case, caplog) -> None:
    path = case("11-stringtie-no-strand", "genes.gtf")
    promoters = read_candidates(path, "promoter", named=True)
    assert "20 of 200 records are left out (genes without a strand: 20 (10.0%))" in caplog.text
    starts, report = starts_of(path)
    assert len(promoters) == len(starts) == 180
    assert report["left_out_without_strand"] == 20


def test_classes_in_the_column_of_the_strand(case) -> None:
    path = case("15-ccre-as-promoters", "ccres.bed")
    told = message(read_candidates, path, "promoter")
    assert "column 6 of a BED is the strand, and here it is 'PLS,CTCF-bound'" in told
    assert len(read_candidates(follow(told), "promoter", named=True)) == 200


def test_a_line_of_white_space_alone(case) -> None:
    path = case("04-blank-with-spaces", "peaks.bed")
    lines = path.read_text().split("\n")
    peaks = read_candidates(path, "enhancer")
    assert len(peaks) == sum(bool(line.strip()) for line in lines)
    last = peaks.iloc[-1]
    assert lines[last["line"] - 1].split("\t")[:3] == [last["chrom"], str(last["start"]), str(last["end"])]


@pytest.mark.parametrize("name", ["peaks.xls", "mended.xls"])
def test_tables_of_macs(case, name: str) -> None:
    path = case("16-macs-xls", name)
    for read in (
        lambda given: read_candidates(given, "enhancer"),
        lambda given: read_candidates(given, "promoter"),
        lambda given: read_peaks(given, "active_enhancers").table,
        lambda given: read_intervals(given).rows,
        lambda given: starts_of(given)[0],
    ):
        told = message(read, path)
        assert "this is a table of peaks of MACS (_peaks.xls), whose starts count from 1" in told
        assert len(read(follow(told))) == 392
    assert "a table of peaks of MACS" in message(open_signal, path, "accessibility", "auto", "K562")
    first = read_candidates(follow(told), "enhancer").iloc[0]
    assert (first["chrom"], first["start"], first["end"]) == ("chr1", 2597, 3597)


def test_names_with_quotes(case) -> None:
    path = case("28-awk-from-gtf", "prom.bed")
    assert read_candidates(path, "promoter", named=True)["name"].tolist()[:2] == ["GENE0", "GENE1"]
    assert not starts_of(path)[0]["name"].str.contains('[";]').any()


@pytest.mark.parametrize(
    ("folder", "name", "called"),
    [
        ("31-chicago-ibed", "pairs.ibed", "an ibed of CHiCAGO"),
        ("37-ucsc-interact", "pairs.interact", "UCSC's interact"),
        ("39-washu-longrange", "pairs.longrange", "WashU's longrange"),
    ],
)
def test_interactions_of_other_programs(case, folder: str, name: str, called: str) -> None:
    path = case(folder, name)
    beds = {
        f"{role}s": case("base", bed) for role, bed in (("enhancer", "enh.bed"), ("promoter", "prom.bed"))
    }
    pairs = read_pairs(path, "auto", **beds)
    # Those of the other two files, for all hold the same interactions.
    assert len(pairs) == 114
    assert pairs.attrs["left_out"] == {"loops_that_join_no_candidates": 310}
    told = message(read_pairs, path, "bedpe")
    assert f"this is {called}, not a table of pairs" in told
    assert len(read_pairs(path, "loops", **beds)) == 114
    assert f"this is {called}" in message(read_candidates, path, "enhancer")
    assert len(read_candidates(follow(told), "enhancer")) >= 424


def test_a_table_that_r_quoted(case) -> None:
    path = case("50-quoted-tsv", "pairs.tsv")
    expected = pd.read_csv(path, sep="\t")
    pairs = read_pairs(path, "auto")
    for column in (*INTERVAL_COLUMNS, "label"):
        assert pairs[column].tolist() == expected[column].tolist()


@pytest.mark.parametrize("name", ["ok.tsv", "r.tsv", "trail.tsv", "na.tsv"])
def test_a_header_without_the_names_of_rows(case, name: str) -> None:
    path = case("74-expression-header-short", name)
    values = pd.read_csv(case("74-expression-header-short", "ok.tsv"), sep="\t", index_col=0)["E001"]
    if name == "na.tsv":
        values = pd.read_csv(path, sep="\t", index_col=0)["E001"]
    found = read_expressed(path, values.index, least=1.0, column="E001")
    assert found.genes == set(values.index[values >= 1.0])


def test_an_expression_in_logarithms(case) -> None:
    path = case("74-expression-header-short", "log.tsv")
    told = message(read_expressed, path, ["ENSG00000"], least=1.0, column="E001")
    assert "without a logarithm" in told
