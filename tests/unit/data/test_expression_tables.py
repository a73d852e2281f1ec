"""Tables of expression in the layouts that people have, and what is wrong with others."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cbat.data.expression_tables import read_expressed
from cbat.errors import UserError

GENES = {"MYC", "GATA1", "ALB"}
RSEM = (
    "gene_id\ttranscript_id(s)\tlength\texpected_count\tTPM\tFPKM\n"
    "ENSG1.2\tT1,T2\t900.5\t100\t12.5\t20\nENSG2.1\tT3\t800\t0\t0.2\t3\n"
)


def read(path: Path, text: str, **options):
    path.write_text(text)
    return read_expressed(path, options.pop("genes", GENES), **{"least": 1.0} | options)


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("MYC\t12\nALB\t0.5\nGATA1\t1\n", "column 2"),
        ("gene\tvalue\nMYC\t12\nALB\t0.5\nGATA1\t1.0\n", "value"),
        ("gene,TPM,reads\nMYC,12,1\nALB,0.5,9\nGATA1,1e0,0\n", "TPM"),
        ('"gene","TPM"\n"MYC","12"\n"ALB","NA"\n"GATA1","3"\n', "TPM"),
        ('"TPM"\n"MYC",12\n"ALB",0\n"GATA1",3\n', "TPM"),
        ("gene;TPM\nMYC;12\nALB;0\nGATA1;3\n", "TPM"),
        ("#gene\tTPM\nMYC\t12\nALB\t\nGATA1\t3\n", "TPM"),
        ("# made by hand\ngene\tTPM\t\nMYC\t12\t\nALB\t0\t\nGATA1\t3\t\n", "TPM"),
        ("MYC\t0\nMYC\t2\nALB\t0\nALB\t0.9\nGATA1\t3\n", "column 2"),
        ("cell_type\tgene\texpressed\nK\tMYC\tTRUE\nK\tALB\tFALSE\nK\tGATA1\tTRUE\n", "expressed"),
        ("gene_id\tgene_name\tTPM\nE1.1\tMYC\t2\nE2.3\tALB\t0\nE3.1\tGATA1\t4\n", "TPM"),
        ("gene\tTPM\r\nMYC\t12\r\nALB\t0\r\nGATA1\t3\r\n", "TPM"),
    ],
)
def test_a_table_says_which_genes_are_expressed(tmp_path: Path, text: str, measure: str) -> None:
    found = read(tmp_path / "expression", text)
    assert found.genes == {"MYC", "GATA1"}
    assert found.known >= GENES
    assert found.measure == measure


@pytest.mark.parametrize("text", ["MYC\nGATA1\n", "gene\nMYC\nGATA1", "# mine\nMYC\n\nGATA1\nMYC\n"])
def test_a_list_names_those_that_are(tmp_path: Path, text: str) -> None:
    found = read(tmp_path / "list.txt", text)
    assert found.genes == found.known == {"MYC", "GATA1"}
    assert found.measure is None


def test_the_first_row_of_a_list_is_no_header(tmp_path: Path) -> None:
    assert read(tmp_path / "list.txt", "ALB\n").genes == {"ALB"}


def test_the_limit_the_column_and_gzip(tmp_path: Path) -> None:
    found = read(tmp_path / "rsem.tsv", RSEM, genes={"ENSG1.2"}, least=10.0)
    assert (found.genes, found.names, found.measure) == ({"ENSG1.2"}, "gene_id", "TPM")
    assert read(tmp_path / "rsem.tsv", RSEM, genes={"ENSG1.2"}, least=13.0).genes == set()
    packed = tmp_path / "rsem.tsv.gz"
    packed.write_bytes(gzip.compress(RSEM.encode()))
    assert read_expressed(packed, {"ENSG1.2"}, least=1.0, column="FPKM").genes == {"ENSG1.2", "ENSG2.1"}


MATRIX = "gene\tA\tB\nMYC\t1\t2\nALB\t3\t4\n"


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", None, "the file is empty"),
        ("# only\n", None, "the file contains only comments"),
        ("gene\tTPM\nMYC\tmany\nALB\t3\nGATA1\t4\n", None, "line 2: TPM is 'many'"),
        ("gene\tTPM\nMYC\t-1.5\nALB\t3\n", None, "line 2: TPM is '-1.5'"),
        ("gene\tTPM\nMYC\t1\nALB\t3\t5\n", None, "line 3: 3 fields where the header has 2"),
        ("gene\tTPM\nALB\t1\n\nMYC\n", None, "line 4: 1 fields"),
        (MATRIX, None, "2 columns hold numbers (A, B)"),
        (MATRIX, "BB", "the table has no column 'BB' (did you mean 'B'?)"),
        ("MYC\t1\nALB\t3\n", "TPM", "the column 'TPM' is requested, but the table has no header"),
        (
            "cell_type\tgene\texpressed\nK562\tMYC\tTRUE\nHepG2\tALB\tTRUE\n",
            None,
            "the table holds 2 cell lines (HepG2, K562, in the column cell_type)",
        ),
        ("gene\n", None, "the table has a header but no rows"),
    ],
)
def test_what_cannot_be_read_is_one_message(tmp_path: Path, text: str, column: str, expected: str) -> None:
    path = tmp_path / "expression.tsv"
    with pytest.raises(UserError) as caught:
        read(path, text, column=column)
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)


def test_a_matrix_is_read_where_its_column_is_named(tmp_path: Path) -> None:
    assert read(tmp_path / "matrix.tsv", MATRIX, column="A", least=2.0).genes == {"ALB"}
