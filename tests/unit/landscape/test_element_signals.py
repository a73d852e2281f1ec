"""Signals at candidates: what is read of which file, how it is ranked, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pybigtools
import pytest

from cbat.data.contigs import ContigNames
from cbat.errors import UserError
from cbat.landscape.element_signals import LineSignals, check_apart, percentiles, rank_signal
from cbat.landscape.signal_files import open_signal
from cbat.landscape.signal_table import SIGNAL_COLUMNS, no_signals, read_signals

CANDIDATES = pd.DataFrame(
    {
        "chrom": ["chr1", "chr1", "chr1", "chr2"],
        "start": [1_000, 2_000, 3_000, 500],
        "end": [1_500, 2_500, 3_500, 1_000],
    }
)
HEADER = "chrom\tchromStart\tchromEnd\tname\tCellType\tDHS.RPM\tH3K27ac.RPM\n"
ROWS = (
    "chr1\t1000\t1500\ta\tK562\t4\t1\n"
    "chr1\t1000\t1500\ta\tK562\t4\t1\n"  # one element, tested with two genes
    "chr1\t2000\t2500\tb\tK562\t1\tNA\n"
    "chr1\t3000\t3500\tc\tWTC11\t90\t90\n"
    "chr2\t400\t1200\td\tk-562\t0\t9\n"
)


@pytest.fixture(name="table")
def make_table(tmp_path: Path) -> Path:
    path = tmp_path / "screens.tsv.gz"
    with gzip.open(path, "wt") as file:
        file.write(HEADER + ROWS)
    return path


def bigwig(path: Path, values: list[tuple[str, int, int, float]], **lengths: int) -> Path:
    writer = pybigtools.open(str(path), "w")
    writer.write(lengths or {"chr1": 100_000, "chr2": 50_000}, iter(values))
    return path


def at(path: Path, column: str = "auto", name: str = "accessibility", line: str = "K562") -> list[float]:
    return open_signal(path, name, column, line).at(CANDIDATES).tolist()


def text(path: Path, *rows: str) -> Path:
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


# What is read


def test_a_bigwig_is_the_mean_over_the_element_and_missing_bases_count_0(tmp_path: Path) -> None:
    path = bigwig(
        tmp_path / "a.bw",
        [
            ("chr1", 900, 1_250, 2.0),
            ("chr1", 2_000, 2_500, 3.0),
            ("chr1", 2_500, 9_000, 0.5),
            ("chr2", 0, 10, 1.0),
        ],
    )
    assert at(path) == [1.0, 3.0, 0.5, 0.0]


def test_bases_beyond_the_end_of_a_contig_count_0(tmp_path: Path) -> None:
    path = bigwig(tmp_path / "a.bw", [("chr1", 0, 1_250, 4.0)], chr1=1_250)
    places = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [1_000, -250], "end": [1_500, 250]})
    assert open_signal(path, "accessibility", "auto", "K562").at(places).tolist() == [2.0, 2.0]


def test_of_intervals_the_largest_number_that_overlaps_counts(tmp_path: Path) -> None:
    peaks = text(
        tmp_path / "a.narrowPeak",
        "chr1\t0\t90000\twide\t0\t.\t1.5\t1\t1\t-1",
        "chr1\t900\t1001\tone\t0\t.\t7\t1\t1\t-1",
        "chr1\t1499\t2000\ttwo\t0\t.\t5\t1\t1\t-1",
        "chr1\t2500\t3000\tbeside\t0\t.\t99\t1\t1\t-1",
    )
    assert at(peaks) == [7.0, 1.5, 1.5, 0.0]
    bed = text(tmp_path / "a.bed", "chr1\t1000\t1100\t.\t3\t+\t8", "chr2\t0\t501\t.\t4\t+\t0")
    assert at(bed) == [3.0, 0.0, 0.0, 4.0]
    assert at(bed, "7") == [8.0, 0.0, 0.0, 0.0]


def test_of_a_table_of_several_cell_types_the_rows_of_the_line_count(table: Path) -> None:
    assert at(table, "DHS.RPM") == [4.0, 1.0, 0.0, 0.0]
    assert at(table, "dhs.rpm") == at(table, "6") == [4.0, 1.0, 0.0, 0.0]
    assert at(table, "H3K27ac.RPM", "enhancer_mark") == [1.0, 0.0, 0.0, 9.0]
    report = open_signal(table, "enhancer_mark", "H3K27ac.RPM", "K562").report
    assert (report["of_other_cell_types"], report["without_a_number"], report["intervals"]) == (1, 1, 3)
    assert at(table, "DHS.RPM", line="WTC11") == [0.0, 0.0, 90.0, 0.0]


def test_contigs_are_renamed(tmp_path: Path) -> None:
    contigs = ContigNames({"1": "chr1", "2": "."})
    path = bigwig(
        tmp_path / "a.bw", [("1", 1_000, 1_500, 2.0), ("2", 500, 1_000, 3.0)], **{"1": 9_000, "2": 9_000}
    )
    assert open_signal(path, "accessibility", "auto", "K562", contigs).at(CANDIDATES).tolist() == [2, 0, 0, 0]
    bed = text(tmp_path / "a.bed", "1\t1000\t1100\t.\t3", "2\t500\t600\t.\t4")
    assert open_signal(bed, "accessibility", "auto", "K562", contigs).at(CANDIDATES).tolist() == [3, 0, 0, 0]


# Ranks


def test_ranks_are_those_of_the_candidates_whatever_the_unit(table: Path) -> None:
    columns = {"accessibility": "DHS.RPM", "enhancer_mark": "H3K27ac.RPM"}
    found = LineSignals.read("K562", dict.fromkeys(columns, table), columns, CANDIDATES).table(CANDIDATES)
    assert found.columns.tolist() == SIGNAL_COLUMNS
    assert found["centre"].tolist() == [1_250, 2_250, 3_250, 750]
    # Accessibility 4, 1, 0, 0; both 2, 0, 0, 0.
    expected = -np.log(1.0 - np.array([3.5, 2.5, 1.0, 1.0]) / 4 + 0.001)
    np.testing.assert_allclose(found["r_accessibility"], expected)
    np.testing.assert_allclose(found["r_both"], -np.log(1.0 - np.array([3.5, 1.5, 1.5, 1.5]) / 4 + 0.001))
    assert found["accessibility"].tolist() == [4.0, 1.0, 0.0, 0.0]


def test_one_signal_alone_stands_for_both(table: Path) -> None:
    one = LineSignals.read("K562", {"accessibility": table}, {"accessibility": "DHS.RPM"}, CANDIDATES)
    found = one.table(CANDIDATES)
    np.testing.assert_array_equal(found["r_both"], found["r_accessibility"])
    assert found["enhancer_mark"].isna().all()
    mark = LineSignals.read("K562", {"enhancer_mark": table}, {"enhancer_mark": "H3K27ac.RPM"}, CANDIDATES)
    found = mark.table(CANDIDATES)
    assert (found["r_accessibility"] == 0.0).all()
    assert found["r_both"].nunique() == 3


def test_an_element_that_is_no_candidate_is_ranked_among_them(table: Path) -> None:
    one = LineSignals.read("K562", {"accessibility": table}, {"accessibility": "DHS.RPM"}, CANDIDATES)
    places = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [1_400, 50_000], "end": [2_100, 50_500]})
    found = one.table(places)
    np.testing.assert_allclose(found["r_accessibility"], rank_signal(np.array([3.5, 1.0]) / 4))


def test_a_line_without_signals_has_a_table_without_rows() -> None:
    none = LineSignals.read("K562", {}, {}, CANDIDATES)
    assert none.table(CANDIDATES).equals(no_signals())
    assert none.report == {}


def test_percentiles_are_half_way_between_ranks() -> None:
    values = np.array([5.0, 1.0, 1.0, 7.0])
    np.testing.assert_allclose(percentiles(np.sort(values), values), [5 / 8, 2 / 8, 2 / 8, 7 / 8])
    assert percentiles(np.sort(values), np.array([0.0, 9.0])).tolist() == [0.0, 1.0]
    assert rank_signal(np.array([0.0, 1.0])).tolist() == pytest.approx([0.0, -np.log(0.001)])


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    table = no_signals()
    table.loc[0] = ["chr1", 5, 1.0, 1.0, -1.0, 0.0]
    table.to_parquet(tmp_path / "signals.parquet")
    with pytest.raises(UserError, match="a rank that is none"):
        read_signals(tmp_path / "signals.parquet")


# What is refused, in one message


def refused(path: Path, match: str, column: str = "auto", line: str = "K562", places=CANDIDATES) -> UserError:
    with pytest.raises(UserError, match=match) as caught:
        LineSignals.read(line, {"accessibility": path}, {"accessibility": column}, places)
    assert caught.value.file == path
    assert caught.value.mend
    return caught.value


@pytest.mark.parametrize("damage", ["text", "half", "empty"])
def test_what_is_no_bigwig(tmp_path: Path, damage: str) -> None:
    values = [("chr1", 25 * n, 25 * n + 25, float(n % 7)) for n in range(4_000)]
    whole = bigwig(tmp_path / "whole.bw", values).read_bytes()
    content = {"text": b"chr1\t0\t10\t3\n", "half": whole[: len(whole) // 2], "empty": b""}
    (tmp_path / "a.bw").write_bytes(content[damage])
    refused(tmp_path / "a.bw", "this is not a bigWig, or it is damaged")


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    refused(tmp_path / "none.bw", "cannot be read")


def test_other_contigs(tmp_path: Path) -> None:
    other = bigwig(tmp_path / "a.bw", [("chrA", 0, 9, 1.0)], chrA=100)
    refused(other, "no chromosome of this file is in the candidate enhancers of K562: here chrA")
    plain = bigwig(tmp_path / "b.bw", [("1", 0, 9, 1.0)], **{"1": 100})
    refused(plain, "named like '1' here, but like 'chr1'")
    short = bigwig(tmp_path / "c.bw", [("chr1", 0, 9, 1.0)], chr1=2_600, chr2=2_600)
    refused(short, "chr1:3000-3500 .* lies beyond the end of chr1")
    refused(text(tmp_path / "a.bed", "1\t1000\t1100\t.\t3", "1\t9\t99\t.\t4"), "named like '1' here")
    refused(
        text(tmp_path / "b.bed", "chrA\t1000\t1100\t.\t3", "chrA\t9\t99\t.\t4"), "no chromosome of this file"
    )


def test_a_column_that_there_is_not(table: Path, tmp_path: Path) -> None:
    error = refused(table, "names no such column", "DHS.RMP")
    assert "did you mean 'DHS.RPM'" in str(error)
    refused(table, "does not say which of them is the signal")
    refused(table, "names no such column", "CHROMSTART")
    refused(text(tmp_path / "a.bed", "chr1\t1000\t1100\t.\t3"), "is column 9", "9")
    refused(text(tmp_path / "b.bed", "chr1\t1000\t1100"), "have no numbers for accessibility")


def test_a_cell_type_that_there_is_not(table: Path) -> None:
    refused(
        table,
        "no row is of the cell line 'Jurkat'; its cell types are K562, WTC11, k-562",
        "DHS.RPM",
        "Jurkat",
    )


def test_numbers_that_are_none(table: Path, tmp_path: Path) -> None:
    only = tmp_path / "na.tsv"
    only.write_text(HEADER + "chr1\t1000\t1500\ta\tK562\tNA\t1\n")
    refused(only, "none of the 1 rows of K562 has a number in DHS.RPM", "DHS.RPM")
    only.write_text(HEADER + "chr1\t1000\t1500\ta\tK562\tmuch\t1\n")
    assert refused(only, "'much'", "DHS.RPM").where == "line 2"
    only.write_text(HEADER + "chr1\t1\t2\ta\tWTC11\t1\t1\nchr1\t1000\t1500\ta\tK562\t-3\t1\n")
    assert refused(only, "DHS.RPM is -3, and a signal is not negative", "DHS.RPM").where == "line 3"
    ratio = bigwig(tmp_path / "ratio.bw", [("chr1", 1_000, 1_500, -2.0), ("chr2", 500, 900, 1.0)])
    refused(ratio, "is -2 at a candidate enhancer, and a signal is not negative")


def test_nothing_to_rank(tmp_path: Path) -> None:
    far = text(tmp_path / "a.bed", "chr1\t70000\t70100\t.\t3", "chr1\t80000\t80100\t.\t4")
    refused(far, "has no number above 0 at any of its 4 candidate enhancers")
    refused(bigwig(tmp_path / "a.bw", [("chr1", 70_000, 70_001, 3.0)]), "is 0 at every of its 4")
    level = bigwig(tmp_path / "b.bw", [("chr1", 0, 9_000, 2.0), ("chr2", 0, 9_000, 2.0)])
    refused(level, "is 2 at all of its 4 candidate enhancers, so that there is nothing to rank")


def test_one_file_is_not_two_signals(table: Path, tmp_path: Path) -> None:
    both = {"accessibility": table, "enhancer_mark": table}
    with pytest.raises(UserError, match="are the same numbers"):
        LineSignals.read("K562", both, dict.fromkeys(both, "DHS.RPM"), CANDIDATES)
    path = bigwig(tmp_path / "a.bw", [("chr1", 1_000, 1_500, 2.0)])
    reports = {
        line: LineSignals.read(line, {"accessibility": path}, {}, CANDIDATES).report for line in ("a", "b")
    }
    with pytest.raises(UserError, match="the accessibility of 'b' is the accessibility of 'a'"):
        check_apart(reports)
    columns = {"accessibility": "DHS.RPM"}
    check_apart(
        {
            line: LineSignals.read(line, {"accessibility": table}, columns, CANDIDATES).report
            for line in ("K562", "WTC11")
        }
    )
