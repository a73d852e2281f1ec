"""Columns of BED and peak files are found by a header where there is one, and strands as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from advice import follow

from cbat.data.bed_files import read_bed, read_candidates
from cbat.errors import UserError
from cbat.landscape.peak_files import read_peaks

GENES = "chr21\t10521513\t10554703\tTPTE\t0\t-\nchr21\t13546032\t13551033\tLINC01674\t0\t+\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        GENES,
        "#chrom\tstart\tend\tname\tscore\tstrand\n" + GENES,
        "#chrom\tstart\tend\tstrand\tscore\tname\n"
        "chr21\t10521513\t10554703\t-\t0\tTPTE\nchr21\t13546032\t13551033\t+\t0\tLINC01674\n",
        "#chrom\tstart\tend\tgene_id\tscore\tstrand\tgene_name\n"
        "chr21\t10521513\t10554703\tE0\t0\t-\tTPTE\nchr21\t13546032\t13551033\tE1\t0\t+\tLINC01674\n",
        GENES.replace("\t-\n", "\t-1\n").replace("\t+\n", "\t1\n"),
        GENES.replace("\t+\n", "\t+1\n"),
    ],
    ids=["order", "header", "other order", "name of the gene", "Ensembl's strands", "plus one"],
)
def test_names_and_strands_of_genes(tmp_path: Path, text: str) -> None:
    found = read_candidates(written(tmp_path / "genes.bed", text), "promoter", named=True)
    assert found["name"].tolist() == ["TPTE", "LINC01674"]
    assert found["strand"].tolist() == ["-", "+"]


@pytest.mark.parametrize("column", [4, 5])
def test_a_strand_in_another_column_is_put_in_its_place(tmp_path: Path, column: int) -> None:
    rows = [line.split("\t") for line in GENES.splitlines()]
    moved = [[*row[:3], *((row[5], row[4]) if column == 4 else (row[4], row[5])), row[3]] for row in rows]
    path = written(tmp_path / "genes.bed", "".join("\t".join(row) + "\n" for row in moved))
    with pytest.raises(UserError, match=f"column {column} holds the strands") as raised:
        read_bed(path, stranded=True, named=True)
    mended = follow(raised.value.mend)
    found = read_bed(mended, stranded=True, named=True)
    assert found["name"].tolist() == ["TPTE", "LINC01674"]
    assert found["strand"].tolist() == ["-", "+"]


PEAK = "chr21\t100\t700\tp{0}\t300\t.\t{1}\t{2}\t{3}\t300\n"
HEADER = "#chrom\tstart\tend\tname\tscore\tstrand\t{}\tpeak\n"


@pytest.mark.parametrize("order", ["signalValue pValue qValue", "qValue pValue signalValue"])
def test_the_signal_of_a_narrow_peak_stands_where_its_header_says(tmp_path: Path, order: str) -> None:
    values = {"signalValue": (9, 6), "pValue": (7, 8), "qValue": (1, 2)}
    rows = [PEAK.format(k, *(values[name][k] for name in order.split())) for k in (0, 1)]
    text = HEADER.format(order.replace(" ", "\t")) + "".join(rows)
    peaks = read_peaks(written(tmp_path / "a.narrowPeak", text), "insulators")
    assert peaks.table["signal"].tolist() == [9, 6]


@pytest.mark.parametrize("comment", ["#", ""])
def test_every_column_of_a_narrow_peak_is_found_by_its_name(tmp_path: Path, comment: str) -> None:
    columns = ["chrom", "start", "end", "peak", "signalValue", "strand", "name", "qValue", "score", "pValue"]
    rows = [["chr1", "100", "700", "250", "9.5", "+", "a", "1", "11", "4"],
            ["chr1", "900", "999", "-1", "2.5", "-", "b", "2", "12", "5"]]  # fmt: skip
    text = comment + "".join("\t".join(row) + "\n" for row in [columns, *rows])
    path = written(tmp_path / "a.narrowPeak", text)
    peaks = read_peaks(path, "insulators")
    assert peaks.table["signal"].tolist() == [9.5, 2.5]
    assert peaks.table["strand"].tolist() == ["+", "-"]
    assert peaks.table["summit"].tolist() == [350, -1]
    assert peaks.signal == "column 5 (signalValue)"
    by_name = read_peaks(path, "insulators", "score")
    assert by_name.table["signal"].tolist() == [11, 12]
    assert by_name.signal == "column 9 (score)"


def test_a_constant_signal_of_a_permuted_file_leaves_its_score(tmp_path: Path) -> None:
    header = "#chrom\tstart\tend\tscore\tname\tstrand\tsignalValue\tpValue\tqValue\tpeak\n"
    rows = "".join(f"chr1\t{k}00\t{k}50\t{k}\tp{k}\t.\t0\t1\t1\t-1\n" for k in (1, 2))
    peaks = read_peaks(written(tmp_path / "a.narrowPeak", header + rows), "insulators")
    assert peaks.table["signal"].tolist() == [1, 2]
    assert peaks.signal == "column 4 (score)"


def test_the_signal_of_a_gapped_peak_is_its_thirteenth_column(tmp_path: Path) -> None:
    row = "chr21\t100\t700\tp\t{}\t.\t100\t700\t0\t2\t100,200,\t0,400,\t{}\t3.1\t2.2\n"
    path = written(tmp_path / "a.gappedPeak", row.format(500, 9.5) + row.format(900, 3.5))
    peaks = read_peaks(path, "active_promoters")
    assert peaks.table["signal"].tolist() == [9.5, 3.5]


def test_a_signal_that_is_the_same_for_all_peaks_is_told(tmp_path: Path) -> None:
    rows = "".join(PEAK.format(k, 0, 7, 1).replace("300\t.", f"{300 + k}\t.") for k in (0, 1))
    peaks = read_peaks(written(tmp_path / "a.narrowPeak", rows), "insulators")
    assert peaks.signal == "column 5 (score)"
    assert "signalValue is the same for all peaks" in peaks.note


@pytest.mark.parametrize(
    ("text", "said", "start"),
    [
        (
            "Gene stable ID\tGene name\tChromosome/scaffold name\tGene start (bp)\tGene end (bp)\tStrand\n"
            "E0\tTPTE\t21\t10521514\t10554703\t-1\nE1\tPOTED\t21\t13610177\t13683509\t1\n",
            "this is a table of BioMart",
            10521513,
        ),
        (
            "name\tchrom\tstart\tend\tstrand\n"
            "TPTE\tchr21\t10521513\t10554703\t-\nPOTED\tchr21\t13610176\t13683509\t+\n",
            "columns stand in another order",
            10521513,
        ),
    ],
    ids=["BioMart", "other order"],
)
def test_tables_in_another_order_are_put_right(tmp_path: Path, text: str, said: str, start: int) -> None:
    path = written(tmp_path / "genes.tsv", text)
    with pytest.raises(UserError, match=said) as raised:
        read_bed(path, stranded=True, named=True)
    mended = read_bed(follow(raised.value.mend), stranded=True, named=True)
    assert mended["name"].tolist() == ["TPTE", "POTED"]
    assert mended["strand"].tolist() == ["-", "+"]
    assert mended["start"].tolist() == [start, 13610176]
