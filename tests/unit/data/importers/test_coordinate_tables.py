"""Tables with a header: coordinates or names, separated by tabs or commas."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs
from cbat.errors import UserError

NAMES = "enhancer_name,promoter_name,label,prediction\nK562|chr1:100-200,K562|chr1:5000-5400,1,0\n"
COORDINATES = (
    "bin,enhancer_chrom,enhancer_distance_to_promoter,enhancer_end,enhancer_name,enhancer_start,label,"
    "promoter_chrom,promoter_end,promoter_name,promoter_start\n"
    '"[33835, 131310.8]",chr1,4800.0,200,"K562|chr1:101-200",100,1,chr1,5400,K562|chr1:5000-5400,5000\n'
    '"(305587.4, 495816.4]",chrX,1.5,9,x,7,0,chr2,1,"a ""quoted"", name",0\n'
)


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(content)
    return path


@pytest.mark.parametrize("pairs_format", ["cboep", "targetfinder"])
def test_quoted_fields_and_lists_beside_the_columns_that_are_read(tmp_path: Path, pairs_format: str) -> None:
    pairs = read_pairs(write(tmp_path, COORDINATES), pairs_format)
    assert pairs[[*INTERVAL_COLUMNS, "label", "line"]].to_numpy().tolist() == [
        # The coordinates of the columns, not those of the name.
        ["chr1", 100, 200, "chr1", 5000, 5400, 1, 2],
        ["chrX", 7, 9, "chr2", 0, 1, 0, 3],
    ]


def test_names_are_zero_based_half_open(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, NAMES), "targetfinder")
    assert pairs[[*INTERVAL_COLUMNS]].to_numpy().tolist() == [["chr1", 100, 200, "chr1", 5000, 5400]]


def test_the_strand_of_a_promoter_may_stand_in_a_column(tmp_path: Path) -> None:
    header, row = "\t".join((*INTERVAL_COLUMNS, "label", "promoter_strand")), "chr1\t1\t2\tchr1\t5\t6\t1"
    path = write(tmp_path, f"{header}\n{row}\t+\n{row}\t-\n")
    assert read_pairs(path, "cbat")["promoter_strand"].tolist() == ["+", "-"]
    path = write(tmp_path, f"{header}\n{row}\t+\n{row}\tminus\n")
    with pytest.raises(UserError, match=r"line 3: promoter_strand is 'minus'. Fix: write one of: \+, -, \."):
        read_pairs(path, "cbat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (NAMES.replace("chr1:100-200", "chr1:100..200"), r"line 2: enhancer_name is 'K562\|chr1:100..200'"),
        (
            NAMES + NAMES.splitlines()[1].replace("5000-5400", "5400-5000"),
            "line 3: the promoter chr1:5400-5000",
        ),
        (NAMES.replace("promoter_name", "gene"), "line 1: the header has no column promoter_name"),
        (NAMES + '"K562|chr1:1-2,x,1,0\n', "line 3: the line has 1 fields where the first line has 4"),
        (COORDINATES.replace("chrX,1.5,9,x,7,0", "chrX,1.5,9,x,7,2"), "line 3: label is '2'"),
        (COORDINATES.replace('"[33835, 131310.8]"', "[33835, 131310.8]"), "line 2: the line has 12 fields"),
        (COORDINATES.replace("5400,K562", "5400.0,K562"), "line 2: promoter_end is '5400.0'"),
    ],
)
def test_mistakes(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"pairs\.csv, {message}"):
        read_pairs(write(tmp_path, content), "targetfinder")
