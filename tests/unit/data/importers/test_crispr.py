"""CRISPR screens: which rows are pairs of a cell line, what their labels are, and what is left out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cbat.data.importers.common import LEFT_OUT
from cbat.data.pair_tables import read_pairs, recognise
from cbat.errors import UserError

HEADER = (
    "chrom chromStart chromEnd name EffectSize chrTSS startTSS endTSS measuredGeneSymbol ValidConnection "
    "CellType Regulated"
)
ROWS = [
    "chr1 100 600 one -0.4 chr1 9000 9001 GENE TRUE K562 TRUE",
    "chr1 700 900 two 0.1 chr1 9000 9001 GENE TRUE K562 FALSE",
    "chr1 700 900 three -0.2 chr1 9500 9501 NEXT TRUE GM12878 TRUE",
    "chr1 700 900 four -0.2 chr1 9700 9701 THIRD overlaps_promoter K562 FALSE",
    "chr1 700 900 five NA chr1 9800 9801 FOURTH TRUE K562 NA",
    "chr1 700 900 six 0.3 NA NA NA FIFTH TRUE K562 FALSE",
    "chr1 700 900 seven 0.3 chr1 0 0 SIXTH TRUE K562 FALSE",
]


def table(path: Path, rows: list[str]) -> Path:
    path.write_text("".join("\t".join(row.split()) + "\n" for row in [HEADER, *rows]))
    return path


def test_valid_tests_of_the_line_are_pairs_and_the_rest_is_counted(tmp_path: Path) -> None:
    path = table(tmp_path / "screen.tsv", ROWS)
    assert recognise(path) == "encode_crispr"
    pairs = read_pairs(path, "auto", cell_line="k-562")
    columns = [
        "enhancer_chrom",
        "enhancer_start",
        "enhancer_end",
        "promoter_start",
        "promoter_end",
        "label",
        "line",
    ]
    assert pairs[columns].to_numpy().tolist() == [
        ["chr1", 100, 600, 9000, 9001, 1, 2],
        ["chr1", 700, 900, 9000, 9001, 0, 3],
    ]
    assert pairs.attrs[LEFT_OUT] == {
        "of_other_cell_types": 1, "not_valid": 1, "without_an_answer": 1, "without_a_transcription_start": 2,
    }  # fmt: skip


def test_columns_stand_in_any_order(tmp_path: Path) -> None:
    names = HEADER.split()
    turned = [" ".join(reversed(row.split())) for row in [HEADER, *ROWS]]
    path = tmp_path / "turned.tsv"
    path.write_text("".join("\t".join(row.split()) + "\n" for row in turned))
    assert len(names) == len(turned[0].split())
    plain = read_pairs(table(tmp_path / "screen.tsv", ROWS), "encode_crispr", cell_line="K562")
    assert read_pairs(path, "encode_crispr", cell_line="K562").equals(plain)


def test_a_table_without_the_line_names_its_cell_types(tmp_path: Path) -> None:
    path = table(tmp_path / "screen.tsv", ROWS)
    with pytest.raises(
        UserError, match=r"no row is of the cell line 'HeLa'; its cell types are GM12878, K562"
    ):
        read_pairs(path, "encode_crispr", cell_line="HeLa")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("chr1 x 600 one -0.4 chr1 9000 9001 GENE TRUE K562 TRUE", "line 2: chromStart is 'x'"),
        (
            "chr1 700 600 one -0.4 chr1 9000 9001 GENE TRUE K562 TRUE",
            "line 2: the enhancer chr1:700-600 ends",
        ),
        ("chr1 100 600 one -0.4 chr1 9000 9001 GENE FALSE K562 TRUE", "no row is left: 1 not valid"),
        ("chr1 100 600 one -0.4 chr1 9000 9001 GENE TRUE K562 maybe", "no row is left: 1 without an answer"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        read_pairs(table(tmp_path / "screen.tsv", [row]), "encode_crispr", cell_line="K562")


def test_the_published_screen_of_k562(shared_dir: Path) -> None:
    screen = next((shared_dir / "data" / "crispr").glob("*.tsv.gz"))
    pairs = read_pairs(screen, "auto", cell_line="K562")
    assert (len(pairs), int(pairs["label"].sum())) == (10_275, 471)
    # The table places one gene at 0.
    assert pairs.attrs[LEFT_OUT]["without_a_transcription_start"] == 81
    with gzip.open(screen, "rt") as lines:
        assert sum(1 for _ in lines) == 10_357


def test_genes_are_placed_by_name_where_promoters_are_given(tmp_path: Path) -> None:
    genes = tmp_path / "genes.bed"
    genes.write_text(
        "chr1\t20000\t20500\tGENE\t0\t+\nchr2\t9000\t9001\tGENE\t0\t+\nchr1\t30000\t30500\tSIXTH\t0\t-\n"
    )
    pairs = read_pairs(
        table(tmp_path / "screen.tsv", ROWS), "encode_crispr", cell_line="K562", promoters=genes
    )
    # Of two promoters of one name that on the chromosome of the table counts; SIXTH has no place of its own.
    columns = ["promoter_chrom", "promoter_start", "promoter_end", "label"]
    assert pairs[columns].to_numpy().tolist() == [
        ["chr1", 20_000, 20_500, 1],
        ["chr1", 20_000, 20_500, 0],
        ["chr1", 30_000, 30_500, 0],
    ]
    assert pairs.attrs[LEFT_OUT]["without_a_transcription_start"] == 1
