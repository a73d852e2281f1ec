"""Which assembly a page says that a prediction lies on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cbat.prediction.page_assembly import LANDMARKS, Assembly, assembly_of_genes, told_assembly
from cbat.prediction.shared_landscape import OTHER, UNNAMED

HG19, HG38 = {"chr1": 249_250_621}, {"chr1": 248_956_422}


def promoters(*rows: tuple[str, str, int]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=["name", "chrom", "source_start"])
    return table.assign(source_end=table["source_start"] + 500)


OF_HG38 = promoters(("MYC", "chr8", 127_735_818), ("FGFR1,X", "chr8", 38_468_584), ("GENE1", "chr8", 1))
NOTHING = promoters(("GENE1", "chr8", 1))


def test_genes_tell_their_assembly() -> None:
    assert assembly_of_genes(OF_HG38) == "hg38"
    assert assembly_of_genes(OF_HG38.assign(chrom="8")) == "hg38"
    moved = OF_HG38.assign(source_start=[128_748_064, 38_326_102, 1], source_end=[128_748_564, 38_326_602, 2])
    assert assembly_of_genes(moved) == "hg19"


@pytest.mark.parametrize(
    "table",
    [
        NOTHING,
        OF_HG38.head(1),
        OF_HG38.assign(chrom="chr7"),
        OF_HG38.assign(source_start=1, source_end=2),
        # As many are elsewhere.
        promoters(
            ("MYC", "chr8", 127_735_818),
            ("FGFR1", "chr8", 38_468_584),
            ("LPL", "chr8", 1),
            ("TP53", "chr17", 1),
        ),
    ],
)
def test_genes_that_say_nothing(table: pd.DataFrame) -> None:
    assert assembly_of_genes(table) is None


def told(
    genome: dict[str, int] | None, table: pd.DataFrame, trained: dict[str, int], *kinds: str, **chosen: str
) -> Assembly:
    environment = {"warnings": [{"kind": kind} for kind in kinds], "assembly": chosen or None}
    return told_assembly(genome, environment, table, trained)


def test_the_genome_is_believed_first_and_the_model_last() -> None:
    assert told(HG19, OF_HG38, HG38, name="hg38", because="the promoters (x.bed)").name == "hg19"
    unknown = told({"chr1": 5}, OF_HG38, HG38)
    assert (unknown.name, unknown.browser) == (None, None)
    assert "not a known assembly" in unknown.how
    assert told(None, OF_HG38, HG19).name == "hg38"
    by_model = told(None, NOTHING, HG19, "no_strands")
    assert (by_model.name, by_model.how) == ("hg19", "that of the model")


def test_the_assembly_that_the_line_was_read_in() -> None:
    chosen = told(None, OF_HG38, {}, name="hg19", because="the promoters (some/where/x.bed)")
    assert (chosen.name, chosen.browser, chosen.how) == ("hg19", "hg19", "told by the promoters")
    assert told(None, OF_HG38, {}, name=OTHER, because="the word for it (x)").name == "hg38"
    assert told(None, NOTHING, {}, name=UNNAMED, because="the promoters (x.bed)").name is None
    assert told(None, NOTHING, {}, name="hs1.2", because="the word for it (hs1.2)").browser is None


@pytest.mark.parametrize("kind", ["other_assembly", "unknown_assembly", "assembly_unchecked"])
def test_a_model_in_doubt_says_nothing(kind: str) -> None:
    doubted = told(None, NOTHING, HG19, kind)
    assert doubted.name is None
    assert "no genome was given" in doubted.how
    assert told(None, NOTHING, {}).name is None


@pytest.mark.parametrize("assembly", ["hg19", "hg38"])
def test_landmarks_are_where_annotations_have_them(shared_dir: Path, assembly: str) -> None:
    file = shared_dir / "data" / "genes" / f"CollapsedGeneBounds.{assembly}.TSS500bp.bed.gz"
    table = pd.read_csv(file, sep="\t", usecols=[0, 1, 2, 3], header=0, keep_default_na=False)
    table.columns = pd.Index(["chrom", "source_start", "source_end", "name"])
    known = table[table["name"].isin(LANDMARKS.keys())].drop_duplicates("name").set_index("name")
    assert len(known) > 0.9 * len(LANDMARKS)
    for gene, row in known.iterrows():
        chrom, hg19, hg38 = LANDMARKS[str(gene)]
        assert row["chrom"] == f"chr{chrom}"
        middle = (row["source_start"] + row["source_end"]) / 2
        assert abs(middle - 1000 * (hg19 if assembly == "hg19" else hg38)) < 1000, gene
    for _, part in table.groupby("chrom"):
        if part["name"].isin(LANDMARKS.keys()).sum() >= 2:
            assert assembly_of_genes(part) == assembly
