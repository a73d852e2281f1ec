"""The genes of a page: what it holds of the table, and how many."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cbat.prediction import page_genes
from cbat.prediction.page_genes import compact_genes, read_genes
from cbat.prediction.per_gene import GENE_COLUMNS

ROWS = [
    ("NA", "chr2", 100, 101, "+", 1, 5, 2, "e1", 300, 350, 225, 1.25, 0.7773, 0.5, "e1,e2"),
    ("chr2:10", "chr2", 10, 11, "-", 1, 3, 0, "chr2:7-8", 7, 8, 3, -1.0, 0.2689, 0.4, "."),
    ("Z", "chr10", 900, 1000, "-", 2, 0, 0, ".", ".", ".", ".", ".", ".", ".", "."),
]


@pytest.fixture
def genes(tmp_path: Path) -> pd.DataFrame:
    rows = [GENE_COLUMNS, *ROWS]
    (tmp_path / "genes.tsv").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return read_genes(tmp_path)


PROMOTERS = pd.DataFrame(
    {
        "chrom": ["chr2", "chr2", "chr10"],
        "start": [80, 9, 900],
        "end": [120, 12, 901],
        "name": ["NA", ".", "Z"],
    }
)


def test_a_gene_has_its_best_pair_and_one_without_pairs_has_none(genes) -> None:
    assert compact_genes(genes, PROMOTERS, ["chr2", "chr10"]) == {
        "name": ["NA", ".", "Z"],
        "chrom": [0, 0, 1],
        "start": [100, 10, 900],
        "length": [1, 1, 100],
        "pairs": [5, 3, 0],
        "called": [2, 0, 0],
        "best_start": [300, 7, None],
        "best_length": [50, 1, None],
        "distance": [225, 3, None],
        "score": [1.25, -1.0, None],
        "probability": [0.777, 0.269, None],
        "share": [0.5, 0.4, None],
    }


def test_the_genes_with_the_best_pairs_are_held(genes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_genes, "MOST_GENES", 2)
    assert compact_genes(genes, PROMOTERS, ["chr2", "chr10"])["name"] == ["NA", "."]
    monkeypatch.setattr(page_genes, "MOST_GENES", 1)
    assert compact_genes(genes, PROMOTERS, ["chr2", "chr10"])["score"] == [1.25]
