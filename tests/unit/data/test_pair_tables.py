"""One table of pairs, whichever published format it comes in."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from cbat.config.sheets import CellLine
from cbat.data.pair_tables import INTERVAL_COLUMNS, PAIR_FORMATS, read_pairs
from cbat.errors import UserError

CONTENT = {
    "cbat": "\t".join((*INTERVAL_COLUMNS, "label")) + "\nchr1\t100\t200\tchr1\t5000\t5400\t1\n"
    "chrX\t7\t9\tchr2\t0\t1\t0\n",
    "targetfinder": "enhancer_name,promoter_name,label,prediction\n"
    "K562|chr1:100-200,K562|chr1:5000-5400,1,0\nK562|chrX:7-9,K562|chr2:0-1,0,1\n",
    "cboep": "label,enhancer_distance_to_promoter,enhancer_chrom,enhancer_start,enhancer_end,enhancer_name,"
    "promoter_chrom,promoter_start,promoter_end,promoter_name\n"
    '1,4999.5,chr1,100,200,"K562|chr1,100",chr1,5000,5400,K562\n0,1,chrX,7,9,e,chr2,0,1,p\n',
    "bengi": "1\t4999.5\tchr1\t100\t200\te\tchr1\t5000\t5400\tchr1:5000-5001|K562|ENSG1|ENST1|-\n"
    "0\t1\tchrX\t7\t9\te\tchr2\t0\t1\tp\n",
}


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "pairs.txt"
    path.write_text(content)
    return path


@pytest.mark.parametrize("pairs_format", CONTENT)
def test_all_formats_say_the_same(tmp_path: Path, pairs_format: str) -> None:
    pairs = read_pairs(write(tmp_path, CONTENT[pairs_format]), pairs_format)
    assert pairs[[*INTERVAL_COLUMNS]].to_numpy().tolist() == [
        ["chr1", 100, 200, "chr1", 5000, 5400],
        ["chrX", 7, 9, "chr2", 0, 1],
    ]
    assert pairs["label"].tolist() == [1, 0]
    first = 1 if pairs_format == "bengi" else 2
    assert pairs["line"].tolist() == [first, first + 1]
    assert pairs["promoter_strand"].tolist() == (["-", "."] if pairs_format == "bengi" else [".", "."])


def test_the_sheet_admits_just_the_formats_that_can_be_read() -> None:
    admitted = CellLine.model_json_schema()["properties"]["pairs_format"]["enum"]
    assert sorted(admitted) == sorted(PAIR_FORMATS) == sorted(CONTENT)
    with pytest.raises(UserError, match="'bedpe' is unknown. To mend: use one of: cbat, targetfinder"):
        read_pairs("pairs.txt", "bedpe")


def test_the_strand_of_a_promoter_may_stand_in_a_column(tmp_path: Path) -> None:
    lines = CONTENT["cbat"].splitlines()
    content = "\n".join(
        f"{line}\t{more}" for line, more in zip(lines, ["promoter_strand", "+", "-"], strict=True)
    )
    assert read_pairs(write(tmp_path, content), "cbat")["promoter_strand"].tolist() == ["+", "-"]


@pytest.mark.parametrize(
    ("pairs_format", "old", "new", "message"),
    [
        ("cbat", "\t1\n", "\t2\n", "line 2: label is '2'. To mend: write one of: 0, 1"),
        ("cbat", "5000\t5400", "5400\t5400", "line 2: the promoter chr1:5400-5400 ends where or before"),
        ("cbat", "chrX\t7", "chrX\t70", "line 3: the enhancer chrX:70-9 ends"),
        ("cbat", "\t", ",", "line 1: the columns are separated by commas, not by tabs"),
        ("cbat", "label", "class", "line 1: the header has no column label"),
        ("cbat", "\t100\t", "\t1e2\t", "line 2: enhancer_start is '1e2'"),
        ("cbat", "chrX", "", "line 3: enhancer_chrom is ''"),
        ("targetfinder", "chrX:7-9", "chrX:7..9", r"line 3: enhancer_name is 'K562\|chrX:7..9'"),
        ("targetfinder", "5000-5400", "5400-5000", "line 2: the promoter chr1:5400-5000 ends"),
        ("cboep", ",7,9,", ",7,", "line 3: the line has 9 fields where the first line has 10"),
        ("bengi", "0\t1\tchrX", "-1\t1\tchrX", "line 2: label is '-1'"),
    ],
)
def test_mistakes(tmp_path: Path, pairs_format: str, old: str, new: str, message: str) -> None:
    assert old in CONTENT[pairs_format]
    with pytest.raises(UserError, match=rf"pairs\.txt, {message}"):
        read_pairs(write(tmp_path, CONTENT[pairs_format].replace(old, new)), pairs_format)


def test_a_truncated_download(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv.gz"
    path.write_bytes(gzip.compress(CONTENT["cboep"].encode())[:-10])
    with pytest.raises(UserError, match=r"pairs\.csv\.gz: the gzip file is truncated or damaged"):
        read_pairs(path, "cboep")


def intervals(pairs: pd.DataFrame) -> set[tuple[object, ...]]:
    return set(pairs[[*INTERVAL_COLUMNS]].itertuples(index=False, name=None))


@pytest.mark.parametrize("line", ["K562", "NHEK", "IMR90", "HUVEC", "HeLa-S3", "GM12878"])
def test_published_positives_are_the_same_in_two_layouts(shared_dir: Path, line: str) -> None:
    folder = shared_dir / "data" / "labels"
    path = folder / "targetfinder_full" / f"{line}.pairs_label.csv.gz"
    original = read_pairs(path, "targetfinder")
    assert len(original) == len(gzip.decompress(path.read_bytes()).splitlines()) - 1
    for negatives in ("CBMF", "CBGS"):
        path = folder / "cboep" / f"TargetFinder-P_{negatives}-N.{line}.csv.gz"
        balanced = read_pairs(path, "cboep")
        assert intervals(balanced[balanced["label"] == 1]) == intervals(original[original["label"] == 1])


@pytest.mark.parametrize("line", ["K562", "NHEK", "IMR90"])
def test_the_published_headerless_layout(shared_dir: Path, line: str) -> None:
    folder = shared_dir / "data" / "labels"
    bengi = read_pairs(folder / "bengi_transepi" / f"{line}.HiC-Benchmark.v3.tsv.gz", "bengi")
    assert set(bengi["promoter_strand"]) == {"+", "-"}
    assert (bengi["promoter_end"] - bengi["promoter_start"] == 2000).all()
    balanced = read_pairs(folder / "cboep" / f"BENGI-P_CBMF-N.{line}.csv.gz", "cboep")
    assert intervals(balanced[balanced["label"] == 1]) <= intervals(bengi[bengi["label"] == 1])
