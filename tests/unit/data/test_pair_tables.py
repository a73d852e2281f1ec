"""One table of pairs, whichever published format it comes in."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sheets import CellLine
from cbat.data.contigs import ContigNames
from cbat.data.pair_tables import INTERVAL_COLUMNS, PAIR_FORMATS, read_pairs, recognise
from cbat.errors import UserError

SCORED = "chr\tstart\tend\tTargetGeneTSS\tclass\t{score}\nchr1\t100\t200\t5000\tgenic\t0.5\n"
CONTENT = {
    "cbat": "\t".join((*INTERVAL_COLUMNS, "label")) + "\nchr1\t100\t200\tchr1\t5000\t5001\t1\n"
    "chrX\t7\t9\tchrX\t0\t1\t0\n",
    "targetfinder": "enhancer_name,promoter_name,label,prediction\n"
    "K562|chr1:100-200,K562|chr1:5000-5001,1,0\nK562|chrX:7-9,K562|chrX:0-1,0,1\n",
    "cboep": "label,enhancer_distance_to_promoter,enhancer_chrom,enhancer_start,enhancer_end,enhancer_name,"
    "promoter_chrom,promoter_start,promoter_end,promoter_name\n"
    '1,4999.5,chr1,100,200,"K562|chr1,100",chr1,5000,5001,K562\n0,1,chrX,7,9,e,chrX,0,1,p\n',
    "bengi": "1\t4999.5\tchr1\t100\t200\te\tchr1\t5000\t5001\tchr1:5000-5001|K562|ENSG1|ENST1|-\n"
    "0\t1\tchrX\t7\t9\te\tchrX\t0\t1\tp\n",
    "encode_crispr": "chrom\tchromStart\tchromEnd\tchrTSS\tstartTSS\tendTSS\tValidConnection\tCellType\t"
    "Regulated\n"
    "chr1\t100\t200\tchr1\t5000\t5001\tTRUE\tK562\tTRUE\n"
    "chrX\t7\t9\tchrX\t0\t1\tTRUE\tK562\tFALSE\n",
    "enhanceratlas": "chr1:100-200_ENSG1$A$chr1$5001$-\t0.5\nchrX:7-9_ENSG2$B$chrX$1$+\t0.1\n",
    "encode_re2g": SCORED.format(score="Score") + "chrX\t7\t9\t0\tgenic\t0.1\n",
    "abc": SCORED.format(score="ABC.Score") + "chrX\t7\t9\t0\tgenic\t0.1\n",
    "bedpe": "chr1\t100\t200\tchr1\t5000\t5001\tone\t0.5\nchrX\t7\t9\tchrX\t0\t1\ttwo\t0.1\n",
    "bedpe_enhancer_first": "chr1\t100\t200\tchr1\t5000\t5001\tone\t0.5\nchrX\t7\t9\tchrX\t0\t1\ttwo\t0.1\n",
    "loops": "chr1\tx1\tx2\tchr2\ty1\ty2\tcolor\nchr1\t150\t250\tchr1\t5000\t6000\t0\n"
    "chrX\t0\t5\tchrX\t5\t9\t0\n",
}
HEADLESS = {"bengi", "enhanceratlas", "bedpe", "bedpe_enhancer_first"}
PACKED = {
    "plain": lambda text: text.encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "windows": lambda text: text.replace("\n", "\r\n").encode(),
    "gzip of windows": lambda text: gzip.compress(text.replace("\n", "\r\n").encode()),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
}


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "pairs.txt"
    path.write_bytes(content.encode())
    return path


def read(tmp_path: Path, path: Path, pairs_format: str, given: str | None = None, **more) -> pd.DataFrame:
    """Read with what the format asks for besides."""
    if pairs_format in {"encode_re2g", "abc", "bedpe", "bedpe_enhancer_first"}:
        more |= {"score_threshold": 0.2}
    if pairs_format == "loops":
        # The second loop joins nothing: no promoter there.
        (tmp_path / "e.bed").write_text("chr1\t100\t200\nchrX\t7\t9\n")
        (tmp_path / "p.bed").write_text("chr1\t5000\t5001\n")
        more |= {"enhancers": tmp_path / "e.bed", "promoters": tmp_path / "p.bed"}
    return read_pairs(path, given or pairs_format, **more)


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("pairs_format", CONTENT)
def test_all_formats_say_the_same(tmp_path: Path, pairs_format: str, packed: str) -> None:
    path = tmp_path / "pairs.txt"
    path.write_bytes(PACKED[packed](CONTENT[pairs_format]))
    for given in (pairs_format, "auto"):
        pairs = read(tmp_path, path, pairs_format, given)
        rows = 1 if pairs_format == "loops" else 2
        assert (
            pairs[[*INTERVAL_COLUMNS]].to_numpy().tolist()
            == [
                ["chr1", 100, 200, "chr1", 5000, 5001],
                ["chrX", 7, 9, "chrX", 0, 1],
            ][:rows]
        )
        positives_only = pairs_format in {"enhanceratlas", "loops"}
        assert pairs["label"].tolist() == ([1, 1] if positives_only else [1, 0])[:rows]
        assert pairs["label"].dtype == np.int8
        first = 1 if pairs_format in HEADLESS else 2
        assert pairs["line"].tolist() == [first, first + 1][:rows]
        strands = {"bengi": ["-", "."], "enhanceratlas": ["-", "+"]}
        assert pairs["promoter_strand"].tolist() == strands.get(pairs_format, [".", "."])[:rows]


@pytest.mark.parametrize("pairs_format", CONTENT)
def test_contigs_take_the_names_of_the_genome(tmp_path: Path, pairs_format: str) -> None:
    path = write(tmp_path, CONTENT[pairs_format])
    names = ContigNames({"chr1": "1", "chrX": "."})
    pairs = read(tmp_path, path, pairs_format, contigs=names)
    # The contig that the table leaves out is gone, and the line of the other is its own.
    assert pairs[["enhancer_chrom", "promoter_chrom"]].to_numpy().tolist() == [["1", "1"]]
    assert pairs["line"].tolist() == [1 if pairs_format in HEADLESS else 2]


def test_the_sheet_admits_just_the_formats_that_can_be_read() -> None:
    admitted = CellLine.model_json_schema()["properties"]["pairs_format"]["enum"]
    assert sorted(admitted) == sorted(["auto", *PAIR_FORMATS])
    assert sorted(PAIR_FORMATS) == sorted(CONTENT)
    with pytest.raises(UserError, match="'hic' is unknown. Fix: use one of: auto, cbat, targetfinder"):
        read_pairs("pairs.txt", "hic")


@pytest.mark.parametrize("content", ["a,b,c\n1,2,3\n", "chr1\t10\t10\n", "x" * 200 + "\n", "a:1-2\tx\ty\n"])
def test_a_format_that_is_not_recognised(tmp_path: Path, content: str) -> None:
    with pytest.raises(UserError) as caught:
        read_pairs(write(tmp_path, f"\n# a note\n{content}"), "auto")
    message = str(caught.value)
    assert "pairs.txt, line 3: the format of the pairs is not recognised by the row" in message
    for name, pair_format in PAIR_FORMATS.items():
        assert f"{name}: {pair_format.described}" in message
    assert "name the format in pairs_format (a column of the sheet" in message


def test_recognition_of_an_empty_a_missing_and_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the file is empty"):
        recognise(write(tmp_path, ""))
    with pytest.raises(UserError, match=r"none\.tsv: the file cannot be read"):
        recognise(tmp_path / "none.tsv")
    (tmp_path / "pairs.gz").write_bytes(gzip.compress(b"a\tb\n" * 99)[:12])
    with pytest.raises(UserError, match=r"pairs\.gz: the gzip file is truncated or damaged"):
        recognise(tmp_path / "pairs.gz")


@pytest.mark.parametrize("pairs_format", ["cbat", "targetfinder", "cboep", "bengi", "loops"])
def test_a_threshold_that_says_nothing(tmp_path: Path, pairs_format: str) -> None:
    with pytest.raises(UserError, match=f"in the format {pairs_format} have labels, so a score_threshold"):
        read(tmp_path, write(tmp_path, CONTENT[pairs_format]), pairs_format, score_threshold=0.5)


@pytest.mark.parametrize(
    ("pairs_format", "old", "new", "message"),
    [
        ("cbat", "\t1\n", "\t2\n", "line 2: label is '2'. Fix: write one of: 0, 1"),
        ("cbat", "5000\t5001", "5400\t5400", "line 2: the promoter chr1:5400-5400 ends where or before"),
        ("cbat", "chrX\t7", "chrX\t70", "line 3: the enhancer chrX:70-9 ends"),
        ("cbat", "\t", ",", "line 1: the columns are separated by commas, not by tabs"),
        ("cbat", "label", "class", "line 1: the header has no column label"),
        ("cbat", "\t100\t", "\t1e2\t", "line 2: enhancer_start is '1e2'"),
        ("cbat", "chrX\t7", "\t7", "line 3: enhancer_chrom is ''"),
        ("cboep", ",7,9,", ",7,", "line 3: the line has 9 fields where the first line has 10"),
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
