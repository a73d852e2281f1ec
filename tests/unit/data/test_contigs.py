"""Names of contigs: as the table says, and as nobody guesses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import ElementSettings, LabelSettings, SplitSettings
from cbat.data import elements, labels
from cbat.data.accessions import HUMAN
from cbat.data.contig_checks import plain_contig
from cbat.data.contigs import (
    SHIPPED,
    SHIPPED_ACCESSIONS,
    SHIPPED_BACK,
    ContigNames,
    read_contig_names,
)
from cbat.errors import UserError

TOP = Path(__file__).resolve().parents[3]


def test_names_that_are_not_listed_stay(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_bytes(b"# mine\ngiven\tgenome\n1\tchr1\r\nMT\tchrM\nGL000192.1\t.\n")
    names = read_contig_names(path)
    given = np.array(["MT", "1", "chr1", "2", "1"], dtype=object)
    assert names.apply(given).tolist() == ["chrM", "chr1", "chr1", "2", "chr1"]
    table = pd.DataFrame({"a": ["1", "1", "GL000192.1"], "b": ["2", "GL000192.1", "1"], "line": [1, 2, 3]})
    assert names.rename(table, "a", "b").to_numpy().tolist() == [["chr1", "2", 1]]
    assert read_contig_names(None) == ContigNames()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("given\tgenome\n1\tchr1\n1\tchr2\n", "line 3: the contig '1' is given twice"),
        ("given\tfasta\n1\tchr1\n", "line 1: the header has no column genome"),
        ("1\tchr1\n", "line 1: the header has no column given, genome"),
        ("given\tgenome\n1\t\n", "line 2: genome is ''"),
        ("given,genome\n1,chr1\n", "line 1: the columns are separated by commas, not by tabs"),
    ],
)
def test_mistakes(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(content)
    with pytest.raises(UserError, match=rf"names\.tsv, {message}"):
        read_contig_names(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("21", "22"), ("chr21", "chr22"), ("21", "chr22"), ("X", "Y"), ("chrX", "Y"), ("2L", "3L"),
        ("NC_000021.9", "NC_000022.11"), ("NC_000021.9", "22"), ("CM000683.2", "NC_000022.11"),
        ("NC_000067.7", "NC_000068.8"), ("chrUn_KI270742v1", "chrUn_KI270743v1"),
    ],
)  # fmt: skip
def test_two_contigs_are_not_mapped_to_one(tmp_path: Path, one: str, other: str) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(f"given\tgenome\n{one}\tchr21\n5\tchr5\n{other}\tchr21\n")
    told = rf"line 4: the contigs '{one}' and '{other}' are both mapped to 'chr21'"
    with pytest.raises(UserError, match=told):
        read_contig_names(path)
    path.write_text(f"given\tgenome\n{one}\tchr21\n5\tchr5\n{other}\t.\n")
    assert read_contig_names(path).left_out == {other}
    path.write_text(f"given\tgenome\n{one}\t.\n{other}\t.\n")
    assert read_contig_names(path).left_out == {one, other}


@pytest.mark.parametrize(
    "names",
    [
        ["1", "chr1", "Chr01", "NC_000001.11", "NC_000001.10", "CM000663.2"],
        ["MT", "M", "chrMT", "mitochondrion"],
        ["23", "X", "chrX"],
        ["NC_000067.7", "CM000994.3", "1"],
        ["KI270742.1", "chrUn_KI270742v1", "Un_KI270742v1"],
    ],
)
def test_names_of_one_contig_in_several_styles_are_mapped_to_one(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("given\tgenome\n" + "".join(f"{name}\tone\n" for name in names))
    assert read_contig_names(path).renamed == dict.fromkeys(names, "one")


def test_the_shipped_tables_are_those_of_the_human_chromosomes() -> None:
    expected = {str(name): f"chr{name}" for name in [*range(1, 23), "X", "Y"]} | {"MT": "chrM"}
    assert read_contig_names(TOP / SHIPPED).renamed == expected
    assert read_contig_names(TOP / SHIPPED_BACK).renamed == {back: name for name, back in expected.items()}
    for given, genome in expected.items():
        assert plain_contig(given) == plain_contig(genome)


@pytest.mark.parametrize(("assembly", "first"), [("hg19", "NC_000001.10"), ("hg38", "NC_000001.11")])
def test_the_shipped_accessions_are_those_that_are_known_by_their_look(assembly: str, first: str) -> None:
    renamed = read_contig_names(TOP / SHIPPED_ACCESSIONS.format(assembly=assembly)).renamed
    assert renamed[first] == "chr1"
    assert {given: name for given, name in renamed.items() if name != "chrM"} == HUMAN[assembly]


def test_both_stages_read_the_table(raw, tmp_path: Path) -> None:
    raw.cell_line(
        "a",
        raw.pairs("a", ["1 1000 1100 1 3000 3400 1", "1 2000 2100 chr1 500 700 0", "MT 1 2 MT 5 6 1"]),
        enhancers=raw.bed("a", ["1 1000 1100", "2 20 30"]),
    )
    names = tmp_path / "names.tsv"
    names.write_text("given\tgenome\n1\tchr1\n2\tchr2\nMT\t.\n")
    splits = {"train": ["chr1"], "validation": ["chr2"], "test": ["chr3"]}

    def collect(contig_names: Path | None) -> None:
        elements.run(
            cell_lines=raw.sheet,
            cohort="training",
            contig_sizes=raw.contig_sizes,
            elements=ElementSettings(enhancer_window=100, promoter_window=200),
            splits=SplitSettings(**splits),
            directory=tmp_path / "elements",
            contig_names=contig_names,
        )

    with pytest.raises(UserError) as caught:
        collect(None)
    assert "a.pairs.tsv, line 2: chromosomes are named like '1' here, but like 'chr1' in the gen" in str(
        caught.value
    )
    assert f"set genome.contig_names to a table of names that maps '1' to 'chr1' ({SHIPPED}" in str(
        caught.value
    )
    collect(names)
    enhancers = pd.read_parquet(tmp_path / "elements" / "enhancer.parquet")["element_id"]
    assert enhancers.tolist() == ["chr1:1000-1100", "chr1:2000-2100", "chr2:-25-75"]
    labels.run(
        sheet=raw.sheet,
        cell_line="a",
        elements_directory=tmp_path / "elements",
        labels=LabelSettings(),
        output=tmp_path / "a.parquet",
        contig_names=names,
    )
    assert pd.read_parquet(tmp_path / "a.parquet")["chrom"].tolist() == ["chr1", "chr1"]


def test_a_contig_that_no_prefix_mends_can_be_left_out(raw) -> None:
    raw.cell_line("a", raw.pairs("a", ["chr1 10 20 chr1 30 40 1", "GL1 10 20 GL1 30 40 1"]))
    with pytest.raises(
        UserError, match=r"line 3: the genome has no contig 'GL1', .* or map 'GL1' to '\.' in the"
    ):
        raw.collect()
