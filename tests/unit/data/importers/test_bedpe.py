"""BEDPE: end 1 is the enhancer, end 2 the promoter; label or score, with a header or without."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs, recognise
from cbat.errors import UserError

HEADER = "#chrom1\tstart1\tend1\tchrom2\tstart2\tend2"
ENDS = ["chr1\t100\t200\tchr1\t5000\t5400", "chrX\t7\t9\tchr2\t0\t1"]


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "pairs.bedpe"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_scores_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path, "# a note", f"{ENDS[0]}\tone\t0.5\t.\t-", f"{ENDS[1]}\ttwo\t.25\t+\t+")
    assert recognise(path) == "bedpe"
    pairs = read_pairs(path, "bedpe", score_threshold=0.5)
    assert pairs[[*INTERVAL_COLUMNS, "label", "promoter_strand", "line"]].to_numpy().tolist() == [
        ["chr1", 100, 200, "chr1", 5000, 5400, 1, "-", 2],
        ["chrX", 7, 9, "chr2", 0, 1, 0, "+", 3],
    ]


@pytest.mark.parametrize("header", [HEADER, HEADER.removeprefix("#"), HEADER.replace("chrom", "chr")])
def test_labels_under_a_header(tmp_path: Path, header: str) -> None:
    path = write(tmp_path, f"{header}\tname\tlabel\tscore", f"{ENDS[0]}\ta\t0\t9", f"{ENDS[1]}\tb\t1\t.")
    assert recognise(path) == "bedpe"
    pairs = read_pairs(path, "bedpe")
    assert (pairs["label"].tolist(), pairs["line"].tolist()) == ([0, 1], [2, 3])
    with pytest.raises(UserError, match="the table has labels, but there is a score_threshold"):
        read_pairs(path, "bedpe", score_threshold=1)


def test_scores_under_a_header(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\tScore", f"{ENDS[0]}\t-1e1", f"{ENDS[1]}\t+2")
    assert read_pairs(path, "bedpe", score_threshold=0)["label"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([ENDS[0]], ", line 1: the pairs have neither label nor score"),
        ([HEADER, ENDS[0]], ", line 1: the pairs have neither label nor score"),
        ([f"{ENDS[0]}\tx\t1"], ": the pairs have scores and no labels, and there is no threshold"),
        ([f"{HEADER}\tlabel", f"{ENDS[0]}\t1", f"{ENDS[1]}\t-1"], ", line 3: label is '-1'"),
        ([f"{HEADER}\tlabel", f"{ENDS[0]}\t1", ".\t-1\t-1\tchr2\t0\t1\t1"], ", line 3: start1 is '-1'"),
        (
            [f"{HEADER}\tlabel", f"{ENDS[0]}\t1", "chr1\t5\t5\tchr2\t0\t1\t1"],
            ", line 3: the enhancer chr1:5-5",
        ),
        ([f"{HEADER}\tlabel", ENDS[0]], ", line 2: the line has 6 fields where the first line has 7"),
        (["chr1\t5\t6"], ", line 1: the first row has 3 fields, not at least 6"),
        ([f"{HEADER}\tlabel".replace("\t", " ")], ", line 1: .*|: the file is empty"),
    ],
)
def test_mistakes(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(UserError, match=rf"pairs\.bedpe{message}"):
        read_pairs(write(tmp_path, *lines), "bedpe")
