"""Tables of expression in layouts that may be taken for others: read rightly or refused, never guessed."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from advice import shared_case

from cbat.config.sections import ExpressionCorrelation
from cbat.data.expression_tables import read_expressed
from cbat.errors import UserError
from cbat.graph.similarity import compare_expression, read_expression

GENES = ("MYC", "ALB", "GATA1", "HBB")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "expression.tsv"
    path.write_text(text)
    return path


def expressed(path: Path, **options):
    return read_expressed(path, GENES, **{"least": 1.0} | options)


def message(read, *arguments, **options) -> str:
    with pytest.raises(UserError) as caught:
        read(*arguments, **options)
    return str(caught.value)


READ = {
    "values first": "TPM\tgene\n12\tMYC\n0.2\tALB\n3\tGATA1\n0\tHBB\n",
    "values first, in commas": "TPM,gene\n12,MYC\n0.2,ALB\n3,GATA1\n0,HBB\n",
    "values first, any heading": "liver\tgene\n12\tMYC\n0.2\tALB\n3\tGATA1\n0\tHBB\n",
    "values first, no header": "12\tMYC\n0.2\tALB\n3\tGATA1\n0\tHBB\n",
    "values in the middle": "sample\tTPM\tgene\nK\t12\tMYC\nK\t0.2\tALB\nK\t3\tGATA1\nK\t0\tHBB\n",
    "verdicts first": "expressed\tgene\nTRUE\tMYC\nFALSE\tALB\nTRUE\tGATA1\nFALSE\tHBB\n",
    "yes and no": "gene\texpressed\nMYC\tyes\nALB\tNo\nGATA1\tYES\nHBB\tno\n",
    "yes and no, any heading": "gene\tcall\nMYC\tyes\nALB\tno\nGATA1\tyes\nHBB\tno\n",
    "verdicts of a line": "gene\tin_this_gene\nMYC\tTRUE\nALB\tFALSE\nGATA1\tTRUE\nHBB\tFALSE\n",
    "a numbered sample": "gene\tsample_1\nMYC\t12\nALB\t0.2\nGATA1\t3\nHBB\t0\n",
    "T and F": "gene\texpressed\nMYC\tT\nALB\tF\nGATA1\tT\nHBB\tF\n",
    "R": '"TPM"\n"MYC" 12\n"ALB" 0.2\n"GATA1" 3e0\n"HBB" NA\n',
    "R, two columns": '"TPM" "length"\n"MYC" 12 9\n"ALB" 0.2 9\n"GATA1" 3 9\n"HBB" 0 9\n',
    "R, numbered rows": '"gene" "TPM"\n"1" "MYC" 12\n"2" "ALB" 0.2\n"3" "GATA1" 3\n"4" "HBB" 0\n',
    "R, numbered rows and tabs": "gene\tTPM\n1\tMYC\t12\n2\tALB\t0.2\n3\tGATA1\t3\n4\tHBB\t0\n",
    "R, tabs at the end": '"TPM"\t"note"\n"MYC"\t12\ta\t\n"ALB"\t0.2\ta\t\n"GATA1"\t3\ta\t\n"HBB"\t0\ta\t\n',
    "spaces": "gene  TPM\nMYC   12\nALB   0.2\nGATA1 3\nHBB   0\n",
    "semicolons": "gene;note;TPM\nMYC;a, b;12\nALB;c;0.2\nGATA1;d;3\nHBB;e;0\n",
    "semicolons in commas": "gene,transcripts,TPM\nMYC,T1;T2,12\nALB,T3,0.2\nGATA1,T4,3\nHBB,T5,0\n",
    "all of a column missing": "gene\tTPM\tFPKM\nMYC\t12\tNA\nALB\t0\tNA\nGATA1\t3\tNA\nHBB\t0\tNA\n",
    "numbered rows without a header": "1\tMYC\t12\n2\tALB\t0.2\n3\tGATA1\t3\n4\tHBB\t0\n",
}  # fmt: skip


@pytest.mark.parametrize("pack", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_layouts_are_read_by_what_they_hold(tmp_path: Path, text: str, pack: bool) -> None:
    path = write(tmp_path, text)
    if pack:
        path.write_bytes(gzip.compress(text.replace("\n", "\r\n").encode()))
    found = expressed(path)
    assert found.genes == {"MYC", "GATA1"}
    assert found.known == set(GENES)
    assert found.measure is not None
    assert found.names


def test_numbers_below_the_heading_of_names_are_names(tmp_path: Path) -> None:
    for text in ("TPM\tentrez_id\n12\t4609\n0\t213\n", "GeneID\tTPM\n4609\t12\n213\t0\n"):
        found = read_expressed(write(tmp_path, text), {"4609", "213"}, least=1.0)
        assert (found.genes, found.known) == ({"4609"}, {"4609", "213"})


@pytest.mark.parametrize("text", [READ["values first"], READ["values first, any heading"]])
def test_a_column_before_the_names_is_found_by_its_heading(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert expressed(path, column=text.split("\t")[0]).genes == {"MYC", "GATA1"}


def test_a_first_row_with_the_asked_heading_is_a_header(tmp_path: Path) -> None:
    path = write(tmp_path, "who\t2024\nMYC\t12\nALB\t0\n")
    found = expressed(path, column="2024")
    assert (found.genes, found.known) == ({"MYC"}, {"MYC", "ALB"})


REFUSED = {
    "decimal comma": (
        "gene\tTPM\nMYC\t0,269\nALB\t6,77\n",
        "line 2: TPM is '0,269'. Fix: write numbers with a decimal",
    ),
    "decimal comma, no header": ("MYC\t12\nALB\t6,77\nGATA1\t3\n", "line 2: column 2 is '6,77'"),
    "decimal comma, any heading": ("gene\tliver\nMYC\t4,8\nALB\t6,77\n", "line 2: liver is '4,8'"),
    "decimal comma in semicolons": ("gene;TPM\nMYC;4,876\nALB;6,77\n", "line 2: TPM is '4,876'"),
    "decimal comma in semicolons, no header": ("MYC;4,876\nALB;6,77\n", "line 1: column 2 is '4,876'"),
    "decimal comma in spaces": ('"TPM"\n"MYC" 4,876\n"ALB" 6,77\n', "line 2: TPM is '4,876'"),
    "thousands": ('gene\tTPM\nMYC\t"4,876.0"\nALB\t"1,000,000"\n', "line 2: TPM is '4,876.0'"),
    "thousands in commas": ('gene,TPM\nMYC,"4,876.0"\nALB,"6,770.0"\n', "line 2: TPM is '4,876.0'"),
    "below a limit": ("gene\tTPM\nMYC\t<0.1\nALB\t<0.1\n", "line 2: TPM is '<0.1'"),
    "words": ("gene\tTPM\nMYC\thigh\nALB\tlow\n", "line 2: TPM is 'high'"),
    "words, any heading": ("gene\tlevel\nMYC\thigh\nALB\tlow\n", "it has also level (such as 'high')"),
    "words, no header": ("MYC\thigh\nALB\tlow\n", "it has also column 2 (such as 'high')"),
    "calls": ("gene\tcall\nMYC\tP\nALB\tA\n", "it has also call (such as 'P')"),
    "units": ("gene\tliver\nMYC\t12 TPM\nALB\t0 TPM\n", "it has also liver (such as '12 TPM')"),
    "missing alone": ("gene\tliver\nMYC\tNA\nALB\tNA\n", "it has also liver (such as 'NA')"),
    "names on one line": ("MYC,ALB,GATA1\n", "it has also column 2 (such as 'ALB')"),
    "signs": ("gene\tcall\nMYC\t+\nALB\t-\n", "it has also call (such as '+')"),
    "signs, no header": ("MYC\t+\nALB\t-\n", "it has also column 2 (such as '+')"),
    "tissues": (
        "gene\ttissue\nMYC\tliver\nALB\tbrain\n",
        "the table holds 2 cell lines (brain, liver, in the column",
    ),
    "a first gene without a value": (
        "MYC\tND\nALB\t3\nHBB\t0\n",
        "line 1: the first row is of the gene 'MYC'",
    ),
    "a first gene alone": ("MYC\nALB\t3\nHBB\t0\n", "line 1: the first row is of the gene 'MYC'"),
    "a sample in words": ("gene\tsample_1\nMYC\thigh\nALB\tlow\n", "it has also sample_1 (such as 'high')"),
    "bars": ("MYC|12\nALB|0\n", "names and values are not separated: 'MYC|12'"),
    "colons": ("MYC:12\nALB:0.1\n", "not separated: 'MYC:12'"),
    "no names": ("TPM\n12\n3\n", "no column is left for the names of genes beside TPM"),
    "a heading is missing": (
        "gene\tTPM\nMYC\t1\t12\nALB\t1\t12\n",
        "line 2: 3 fields where the header has 2",
    ),
    "a field is missing": (
        "A\tB\nMYC\t1\t12\nALB\t1\nHBB\t1\t2\n",
        "line 3: 2 fields where the header with one for the names of genes has 3",
    ),
    "an empty end": (
        "A\tB\nMYC\t1\t\nALB\t2\t\n",
        "it is unclear whether that stands above the names of genes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_recognised_is_no_list(tmp_path: Path, text: str, told: str) -> None:
    assert told in message(expressed, write(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "gene\tensembl_id\nMYC\tENSG01\nALB\tENSG02\n",
        "MYC\tENSG01.2\nALB\tENSG02.1\n",
        "Gene name\tDescription\tChromosome\nMYC\ta factor\t8\nALB\ta protein\t4\n",
        "Gene name\nMYC\nALB\n",
        "gene\tlength\nMYC\t900\nALB\t0\n",
        "cell_type\tgene\nK\tMYC\nK\tALB\n",
    ],
)
def test_a_list_may_have_annotations(tmp_path: Path, text: str) -> None:
    found = expressed(write(tmp_path, text))
    assert found.genes == found.known == {"MYC", "ALB"}
    assert found.measure is None


def test_the_advice_on_values_is_followed(tmp_path: Path) -> None:
    for text in (REFUSED["decimal comma"][0], REFUSED["decimal comma in semicolons"][0]):
        assert expressed(write(tmp_path, text.replace(",", "."))).genes >= {"ALB"}
    path = write(tmp_path, REFUSED["calls"][0].replace("P\n", "TRUE\n").replace("\tA\n", "\tFALSE\n"))
    assert expressed(path, column="call").genes == {"MYC"}
    assert expressed(write(tmp_path, "MYC\nALB\nGATA1\n")).genes == {"MYC", "ALB", "GATA1"}
    path = write(tmp_path, "gene" + "\t" + REFUSED["an empty end"][0])
    assert expressed(path, column="A").genes == {"MYC", "ALB"}


# Correlation of expression

VALUES = {"A": [1.0, 2.0, 40.0, 7.0], "B": [3.0, 0.0, 9.0, 1.0], "C": [0.5, 8.0, 2.0, 2.0]}


def laid_out(head: list[str], sep: str = "\t", quote: str = "", end: str = "") -> str:
    rows = [
        sep.join([f"{quote}{gene}{quote}", *(str(VALUES[name][at]) for name in "ABC")]) + end
        for at, gene in enumerate(GENES)
    ]
    return "\n".join([sep.join(f"{quote}{name}{quote}" for name in head), *rows]) + "\n"


LAYOUTS = {
    "full": laid_out(["gene", "A", "B", "C"]),
    "short": laid_out(["A", "B", "C"]),
    "short, quotes": laid_out(["A", "B", "C"], quote='"'),
    "short, tabs at the end": laid_out(["A", "B", "C"], end="\t"),
    "short, quotes, two tabs at the end": laid_out(["A", "B", "C"], quote='"', end="\t\t"),
    "short, spaces": laid_out(["A", "B", "C"], sep=" ", quote='"'),
    "empty heading": laid_out(["", "A", "B", "C"], quote='"'),
    "commas": laid_out(["", "A", "B", "C"], sep=",", quote='"'),
    "tabs at the end": laid_out(["gene_id", "A", "B", "C"], end="\t"),
    "comment": "# by hand\n" + laid_out(["gene", "A", "B", "C"]),
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_no_column_is_shifted(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    found = read_expression(path, {"one": "A", "other": "C"})
    assert {line: values.tolist() for line, values in found.items()} == {
        "one": VALUES["A"],
        "other": VALUES["C"],
    }
    for name in "ABC":
        wanted = {gene for gene, value in zip(GENES, VALUES[name], strict=True) if value >= 3.0}
        assert expressed(path, column=name, least=3.0).genes == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            laid_out(["A", "B", "C"]).replace("40.0", "40,5"),
            "line 4: A is '40,5'. Fix: write numbers with",
        ),
        (laid_out(["gene", "A", "A", "C"]), "line 1: 2 columns are called 'A', which is named for one"),
        (
            laid_out(["A", "B", "C", "D"]),
            "line 1: the heading 'A', which is named for one, stands above names like 'MYC'",
        ),
        ("A\tB\nMYC\t1\t\nALB\t2\t\nHBB\t2\t\n", "unclear whether that stands above the names of genes"),
        (laid_out(["gene", "B", "C", "D"]), "line 1: the table has no column 'A', which is named for one"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_told_are_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in message(read_expression, write(tmp_path, text), {"one": "A"})


@pytest.mark.parametrize("name", ["ok.tsv", "r.tsv", "trail.tsv"])
def test_shared_case_of_the_short_header(tmp_path: Path, name: str) -> None:
    folder = shared_case("74-expression-header-short")
    path = Path(shutil.copy(folder / name, tmp_path / name))
    known = pd.read_csv(folder / "ok.tsv", sep="\t", index_col=0)
    columns = {"a": "E001", "b": "E002", "c": "E003"}
    compare_expression(
        settings=ExpressionCorrelation(table=path, columns=columns), output=tmp_path / "out.tsv"
    )
    found = pd.read_csv(tmp_path / "out.tsv", sep="\t", index_col=0)
    wanted = np.corrcoef(np.log2(known[list(columns.values())].to_numpy().T + 1.0))
    assert found.to_numpy() == pytest.approx(wanted, abs=1e-6)
