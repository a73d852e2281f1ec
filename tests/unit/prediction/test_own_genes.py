"""Genes that a user brings count as those did that the law was fitted to."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cbat.prediction.own_genes import as_in_training

FEATURES = ("starts_between", "promoter_class")
GENES = Path("genes.gtf")


def starts(*rows: tuple[str, str, int]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["name", "biotype", "promoter_class"])
    return table.assign(chrom="chr1", position=[1_000 * n for n in range(len(table))], strand="+")


def known() -> pd.DataFrame:
    return starts(*((f"G{n}", ".", n % 3) for n in range(10)))


def test_classes_go_by_name() -> None:
    found, cautions = as_in_training(
        starts(*((f"G{n}", ".", 0) for n in range(12))), known(), FEATURES, GENES
    )
    assert found["promoter_class"].tolist() == [n % 3 for n in range(10)] + [0, 0]
    assert cautions == []


def test_genes_of_kinds_that_the_law_has_not_met_do_not_compete() -> None:
    rows = [(f"G{n}", "lncRNA", 0) for n in range(10)]
    rows += [(f"C{n}", "protein_coding", 0) for n in range(3)]
    rows += [(f"L{n}", "lncRNA", 0) for n in range(20)]
    found, (caution,) = as_in_training(starts(*rows), known(), FEATURES, GENES)
    assert found["name"].tolist() == [f"G{n}" for n in range(10)] + [f"C{n}" for n in range(3)]
    assert caution.kind == "other_genes"
    assert "20 of 33 genes" in caution.message


def test_a_few_more_genes_are_another_version() -> None:
    rows = [(f"G{n}", "protein_coding", 0) for n in range(10)] + [(f"L{n}", "lncRNA", 0) for n in range(4)]
    found, cautions = as_in_training(starts(*rows), known(), FEATURES, GENES)
    assert len(found) == 14
    assert cautions == []


def test_names_of_another_kind_are_told_where_a_law_reads_classes() -> None:
    given = starts(*((f"ENSG{n}", ".", 0) for n in range(10)))
    found, (caution,) = as_in_training(given, known(), FEATURES, GENES)
    assert caution.kind == "unknown_gene_names"
    assert "such as G0, those of the file such as ENSG0" in caution.message
    assert (found["promoter_class"] == 0).all()
    assert as_in_training(given, known(), ("starts_between",), GENES)[1] == []


def test_nothing_is_compared_where_the_model_has_no_genes() -> None:
    given = starts(("A", "lncRNA", 0), ("B", "protein_coding", 0))
    found, cautions = as_in_training(given, known().iloc[:0], FEATURES, GENES)
    assert len(found) == 2
    assert cautions == []


def test_a_file_of_some_chromosomes_or_some_genes_names_no_others() -> None:
    elsewhere = known().assign(name=[f"H{n}" for n in range(10)], chrom="chr2")
    everything = pd.concat([known(), elsewhere], ignore_index=True)
    whole = starts(*((f"G{n}", ".", 0) for n in range(10)))
    assert as_in_training(whole, everything, FEATURES, GENES)[1] == []
    assert as_in_training(whole.iloc[:2], everything, FEATURES, GENES)[1] == []
    others = starts(*((f"G{n}", ".", 0) for n in range(3)), *((f"ENSG{n}", ".", 0) for n in range(9)))
    (caution,) = as_in_training(others, everything, FEATURES, GENES)[1]
    assert "3 of the 12 names of genes in genes.gtf are names of the model's 10 genes" in caution.message


def test_genes_of_one_chromosome_are_too_many_beside_those_of_that_chromosome() -> None:
    elsewhere = known().assign(name=[f"H{n}" for n in range(10)], chrom="chr2")
    rows = [(f"G{n}", "protein_coding", 0) for n in range(10)] + [(f"L{n}", "lncRNA", 0) for n in range(9)]
    found, (caution,) = as_in_training(
        starts(*rows), pd.concat([known(), elsewhere], ignore_index=True), FEATURES, GENES
    )
    assert (len(found), caution.kind) == (10, "other_genes")


def test_genes_without_names_are_told() -> None:
    (caution,) = as_in_training(starts((".", ".", 0), (".", ".", 0)), known(), FEATURES, GENES)[1]
    assert caution.message.endswith("Its names are such as G0, and the genes of the file have none")
