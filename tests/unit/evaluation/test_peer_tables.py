"""Another tool's predictions are read in one documented format, or as TransEPI writes them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cbat.data.contigs import ContigNames
from cbat.errors import UserError
from cbat.evaluation.peer_tables import read_peer

HEADER = "cell_line\tenhancer\tpromoter\tscore"
PAIRS = [
    "K562\tchr1:1000-1500\tchr1:9000-9401\t0.25",
    "K562\tchr1:1000-1500\tchr1:20000-20400\t-3e1",
    "NHEK\tchr1:1000-1500\tchr1:9000-9401\t7",
]
TRANSEPI = "label\tprediction\tchrom\tenhancer\tpromoter"
NAMED = [
    "1\t0.9\tchr10\tchr10:3930069-3930565|IMR90|EH1\tchr10:3827472-3827473|IMR90|ENSG1|ENST1|-",
    "0\t0.2\tchr10\tchr10:3930069-3930565|IMR90|EH1\tchr10:640076-640077|IMR90|ENSG2|ENST2|+",
    "1\t0.5\tchr10\tchr10:3930069-3930565|IMR90|EH1\tchr10:3827472-3827473|IMR90|ENSG1|ENST3|-",
]


def write(path: Path, *lines: str) -> Path:
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["peer.tsv", "peer.tsv.gz"])
def test_pairs_are_known_by_the_centres_of_their_intervals(tmp_path: Path, name: str) -> None:
    table = read_peer(write(tmp_path / name, HEADER, *PAIRS))
    assert table[["cell_line", "chrom"]].to_numpy().tolist() == [
        ["K562", "chr1"],
        ["K562", "chr1"],
        ["NHEK", "chr1"],
    ]
    assert table["enhancer_centre"].tolist() == [1250, 1250, 1250]
    assert table["promoter_centre"].tolist() == [9200, 20200, 9200]
    assert table["score"].tolist() == [0.25, -30.0, 7.0]
    assert table["line"].tolist() == [2, 3, 4]


def test_tables_of_several_lines_may_be_joined_with_their_headers(tmp_path: Path) -> None:
    joined = write(tmp_path / "peer.tsv", HEADER, *PAIRS[:2], HEADER, PAIRS[2])
    table = read_peer(joined)
    assert len(table) == 3
    assert table["line"].tolist() == [2, 3, 5]


def test_further_columns_are_left_out_and_the_order_is_free(tmp_path: Path) -> None:
    path = write(
        tmp_path / "peer.tsv", "score\tgene\tpromoter\tenhancer\tcell_line",
        "1\tMYC\tchr8:10-20\tchr8:40-50\tK562",
    )  # fmt: skip
    assert read_peer(path)[["enhancer_centre", "promoter_centre"]].to_numpy().tolist() == [[45, 15]]


def test_transepi_names_bengis_promoters_by_their_starts(tmp_path: Path) -> None:
    table = read_peer(write(tmp_path / "peer.tsv", TRANSEPI, *NAMED))
    assert table["cell_line"].tolist() == ["IMR90", "IMR90"]
    assert table["enhancer_centre"].tolist() == [3930317, 3930317]
    # chr10:3826973-3828973 and chr10:638577-640577 in the tables of BENGI
    assert table["promoter_centre"].tolist() == [3827973, 639577]
    # Two transcripts start at one base: they are one promoter, with the mean of their scores.
    assert table["score"].tolist() == [pytest.approx(0.7), 0.2]
    assert table["merged"].tolist() == [1, 0]


def test_contigs_are_called_what_the_genome_calls_them(tmp_path: Path) -> None:
    names = ContigNames({"1": "chr1", "MT": "."})
    pairs = ["K562\tMT:1-3\tMT:7-9\t1", *(pair.replace("chr1", "1") for pair in PAIRS)]
    table = read_peer(write(tmp_path / "peer.tsv", HEADER, *pairs), names)
    assert table["chrom"].tolist() == ["chr1"] * 3
    repeated = write(tmp_path / "peer.tsv", HEADER, pairs[0], pairs[1], PAIRS[0])
    with pytest.raises(UserError, match="stands in line 3 already") as caught:
        read_peer(repeated, names)
    assert caught.value.where == "line 4"


@pytest.mark.parametrize(
    ("lines", "where", "problem"),
    [
        ([HEADER, *PAIRS, "K562\tchr1:1001-1500\tchr1:9000-9400\t1"], "line 5", "stands in line 2 already"),
        ([HEADER, "K562\tchr1:1000\tchr1:9000-9400\t1"], "line 2", "enhancer is 'chr1:1000'"),
        ([HEADER, "K562\tchr1:1000-1500\tchr1:9400-9400\t1"], "line 2", "holds no base"),
        ([HEADER, "K562\tchr1:1000-1500\tchr2:9000-9400\t1"], "line 2", "the promoter on chr2"),
        ([HEADER, "K562\tchr1:1000-1500\tchr1:9000-9400\tnan"], "line 2", "score is 'nan'"),
        ([HEADER, "\tchr1:1000-1500\tchr1:9000-9400\t1"], "line 2", "cell_line is ''"),
        (["chrom\tstart\tend", "chr1\t1\t2"], "line 1", "neither of the two headers"),
        ([HEADER, HEADER], None, "no rows"),
        ([TRANSEPI, NAMED[0].removesuffix("-")], "line 2", "promoter is"),
    ],
)
def test_a_malformed_table_is_refused_by_line(
    tmp_path: Path, lines: list[str], where: str | None, problem: str
) -> None:
    path = write(tmp_path / "peer.tsv", *lines)
    with pytest.raises(UserError, match=problem) as caught:
        read_peer(path)
    assert (caught.value.file, caught.value.where) == (path, where)
    assert caught.value.mend
