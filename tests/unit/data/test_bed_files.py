"""BED files as browsers and tools write them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cbat.data.bed_files import read_bed, read_candidates
from cbat.errors import UserError

BED6 = b"chr1\t10\t20\tone\t0\t+\nchr2\t5\t6\ttwo\t.\t-\nchr2\t7\t9\tthree\t1.5\t.\n"


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "elements.bed"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
def test_intervals_strand_and_lines(tmp_path: Path, pack) -> None:
    bed = read_bed(write(tmp_path, pack(BED6)), stranded=True)
    assert bed["chrom"].tolist() == ["chr1", "chr2", "chr2"]
    assert bed["start"].tolist() == [10, 5, 7]
    assert bed["end"].tolist() == [20, 6, 9]
    assert bed["strand"].tolist() == ["+", "-", "."]
    assert bed["line"].tolist() == [1, 2, 3]


def test_enhancers_have_no_strand_even_where_a_column_gives_one(tmp_path: Path) -> None:
    assert read_bed(write(tmp_path, BED6), stranded=False)["strand"].tolist() == [".", ".", "."]


@pytest.mark.parametrize("columns", [3, 4, 5])
def test_fewer_than_six_columns_have_no_strand(tmp_path: Path, columns: int) -> None:
    content = b"\t".join([b"chr1", b"10", b"20", b"name", b"0"][:columns]) + b"\n"
    assert read_bed(write(tmp_path, content), stranded=True)["strand"].tolist() == ["."]


def test_more_than_six_columns(tmp_path: Path) -> None:
    content = b"chr1\t10\t20\tx\t0\t-\t10\t20\t255,0,0\n"
    assert read_bed(write(tmp_path, content), stranded=True)["strand"].tolist() == ["-"]


def test_browser_lines_keep_the_count_of_lines(tmp_path: Path) -> None:
    content = b"browser position chr1\ntrack name=x\n# note\nchr1\t1\t2\n\n#\nchr1\t3\t4\n"
    assert read_bed(write(tmp_path, content), stranded=True)["line"].tolist() == [4, 7]


def test_a_name_that_begins_like_a_browser_line_is_a_contig(tmp_path: Path) -> None:
    assert read_bed(write(tmp_path, b"tracks_1\t1\t2\n"), stranded=True)["chrom"].tolist() == ["tracks_1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"#\n# only notes\n", "the file contains only comments"),
        (b"chr1\t10\n", "line 1: the first row has 2 fields, not at least 3"),
        (b"# note\nchr1 10 20\n", "line 2: the columns are separated by spaces, not by tabs"),
        (b"chr1\t10\t20\nchr1\t20\t20\n", "line 2: the interval chr1:20-20 ends where or before it starts"),
        (b"track x\nchr1\t10\t20\nchr1\t9\t8\n", "line 3: the interval chr1:9-8 ends"),
        (b"chr1\t10\t20\nchr1\tstart\tend\n", "line 2: start is 'start'"),
        (b"chr1\t1\t2\tx\t0\t+\nchr1\t1\t2\tx\t0\t2\n", "line 2: column 6 of a BED is the strand"),
    ],
)
def test_mistakes(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=rf"elements\.bed.*{message}"):
        read_bed(write(tmp_path, content), stranded=True)


def test_peaks_are_intervals_and_their_summit_is_not_read(tmp_path: Path) -> None:
    narrow = (
        b"chr1\t9356548\t9356648\t.\t0\t.\t182\t5.0945\t-1\t50\nchr1\t10\t30\tx\t999\t+\t1.5\t-1\t-1\t19\n"
    )
    broad = b"chr1\t9356548\t9356648\t.\t0\t.\t182\t5.0945\t-1\nchr1\t10\t30\tx\t999\t+\t1.5\t-1\t-1\n"
    expected = [["chr1", 9356548, 9356648], ["chr1", 10, 30]]
    for content in (narrow, broad, gzip.compress(narrow), broad.replace(b"\n", b"\r\n")):
        for role, strands in (("enhancer", [".", "."]), ("promoter", [".", "+"])):
            table = read_candidates(write(tmp_path, content), role)
            assert table[["chrom", "start", "end"]].to_numpy().tolist() == expected
            assert table["strand"].tolist() == strands
