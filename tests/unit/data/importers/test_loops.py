"""Loops laid over candidates, counted by hand and against the published pairs that were made so."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cbat.data.contigs import ContigNames, read_contig_names
from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs
from cbat.errors import UserError

TOP = Path(__file__).resolve().parents[4]
HEADER = "chr1\tx1\tx2\tchr2\ty1\ty2\tcolor\to"
UCSC = ContigNames({"10": "chr10"})


class Files:
    """Loops, enhancers and promoters on disk."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, *rows: str) -> Path:
        path = self.directory / name
        lines = [row if row.startswith("# ") else "\t".join(row.split()) for row in rows]
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def read(self, *loops: str, contigs: ContigNames = UCSC, header: str = HEADER):
        return read_pairs(
            self.write("loops.txt", header, *loops),
            "loops",
            enhancers=self.directory / "e.bed",
            promoters=self.directory / "p.bed",
            contigs=contigs,
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path)
    files.write("e.bed", "chr10 1100 1200", "chr10 2000 2100", "chr10 8999 9001", "chr11 1100 1200")
    files.write("p.bed", "chr10 9500 9600 a 0 +", "chr10 1000 1001 b 0 -", "chr11 9500 9600 c 0 +")
    return files


def test_by_hand(files: Files) -> None:
    pairs = files.read(
        "10 1000 2000 10 9000 10000 0,255,255 9",  # ends where the enhancer at 2000 starts: no overlap
        "10 9000 10000 10 1000 2000 0,255,255 9",  # the same again, the other way round
        "12 1000 2000 12 9000 10000 0,255,255 9",  # no candidates there
    )
    assert pairs[[*INTERVAL_COLUMNS, "label", "promoter_strand", "line"]].to_numpy().tolist() == [
        ["chr10", 1100, 1200, "chr10", 9500, 9600, 1, "+", 2],
        # One base of the enhancer lies in the second anchor, the promoter in the first.
        ["chr10", 8999, 9001, "chr10", 1000, 1001, 1, "-", 2],
    ]


def test_loops_of_juicer_and_promoters_of_an_annotation(files: Files) -> None:
    files.write("p.bed", "chr10 x gene 9600 9700 . + . ID=a", "chr10 x gene 9400 9501 . - . ID=b")
    pairs = files.read(
        "# juicer_tools version 1.22.01",
        "chr10 1000 2000 chr10 9000 9501 . . . .",
        header="#chr1 x1 x2 chr2 y1 y2 name score strand1 strand2",
    )
    assert pairs[["promoter_start", "promoter_end", "promoter_strand", "line"]].to_numpy().tolist() == [
        [9500, 9501, "-", 3]
    ]


def test_contigs_are_renamed_by_the_table_and_by_nothing_else(files: Files) -> None:
    with pytest.raises(UserError) as caught:
        files.read("10 1000 2000 10 9000 10000 0 9", contigs=ContigNames())
    message = str(caught.value)
    assert "loops.txt, line 2: chromosomes are named like '10' here, but like 'chr10' in the cand" in message
    assert "set genome.contig_names to a table of names that maps '10' to 'chr10'" in message


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        ("10 1000 1000 10 9000 10000 0 9", "line 2: the anchor 1 10:1000-1000 ends where"),
        ("10 1000 2000 10 9e3 10000 0 9", "line 2: y1 is '9e3'"),
        ("10 1000 2000 10 9000 10000 0", "line 2: the line has 7 fields where the first line has 8"),
        (
            "10 1000 2000 10 3000 4000 0 9",
            r"loops.txt: no loop joins an enhancer of .*e\.bed with a promoter of",
        ),
    ],
)
def test_mistakes(files: Files, loop: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        files.read(loop)


def test_candidates_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="loops need candidate enhancers and promoters to be laid over"):
        read_pairs(Files(tmp_path).write("l.txt", HEADER, "1 1 2 1 5 6 0 1"), "loops", enhancers=tmp_path)


def test_loops_alone_have_no_negatives_and_the_label_stage_says_so(raw) -> None:
    enhancers = raw.bed("e", ["chr1 1100 1200", "chr2 10 20"])
    promoters = raw.bed("p", ["chr1 5000 5100 x 0 +", "chr2 900 910 y 0 +"])
    loops = raw.bed("loops", [HEADER, "chr1 1000 2000 chr1 5000 6000 0 9"])
    raw.cell_line("a", loops, enhancers=enhancers, promoters=promoters, pairs_format="auto")
    made = raw.collect()
    assert [len(pd.read_parquet(made / f"{role}.parquet")) for role in ("enhancer", "promoter")] == [2, 2]
    with pytest.raises(UserError, match=r"loops\.bed: the cell line 'a' has not both labels left"):
        raw.label("a")
    with pytest.raises(UserError, match=r"set labels\.negatives to natural, distance_matched or element_bal"):
        raw.label("a")


def test_negatives_of_loops_are_made_of_the_candidates(raw) -> None:
    enhancers = raw.bed("e", ["chr1 1100 1200", "chr1 3100 3200", "chr2 10 20"])
    promoters = raw.bed("p", ["chr1 5000 5100 x 0 +", "chr1 7000 7100 z 0 -", "chr2 900 910 y 0 +"])
    loops = raw.bed("loops", [HEADER, "chr1 1000 2000 chr1 5000 6000 0 9"])
    raw.cell_line("a", loops, enhancers=enhancers, promoters=promoters, pairs_format="loops")
    raw.collect()
    pairs = pd.read_parquet(raw.label("a", negatives="natural", min_distance=900, max_distance=5000))
    assert sorted(pairs[["label", "enhancer_id", "promoter_id"]].itertuples(index=False, name=None)) == [
        (0, "chr1:3100-3200", "chr1:4950-5150"),
        (0, "chr1:3100-3200", "chr1:6950-7150"),
        (1, "chr1:1100-1200", "chr1:4950-5150"),
    ]


def test_the_published_positives_of_huvec_come_out_of_its_loops(shared_dir: Path) -> None:
    labels = shared_dir / "data" / "labels"
    pairs = read_pairs(
        labels / "targetfinder_hic" / "GSE63525_HUVEC_HiCCUPS_looplist.txt.gz",
        "auto",
        enhancers=labels / "targetfinder_hic" / "HUVEC.enhancers.bed.gz",
        promoters=labels / "targetfinder_hic" / "HUVEC.promoters.bed.gz",
        contigs=read_contig_names(TOP / "resources" / "contig_names" / "human_ensembl_to_ucsc.tsv"),
    )
    published = read_pairs(labels / "targetfinder_full" / "HUVEC.pairs_label.csv.gz", "auto")
    published = published[published["label"] == 1]
    ours, theirs = (set(table[[*INTERVAL_COLUMNS]].itertuples(index=False)) for table in (pairs, published))
    assert len(ours) == len(pairs) == 1524
    assert {tuple(pair) for pair in ours} == {tuple(pair) for pair in theirs}
