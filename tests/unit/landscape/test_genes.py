"""Transcription starts from annotations and from BED files; nothing is lost without a count."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.data.contigs import ContigNames
from cbat.errors import UserError
from cbat.landscape import genes
from cbat.landscape.genes import GENE_COLUMNS, read_starts, starts_of

ATTRIBUTES = 'gene_id "{0}"; gene_name "{0}"; gene_type "lincRNA";'


def gtf(*rows: tuple[str, int, int, str, str]) -> str:
    return "".join(
        f"chr1\tx\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{ATTRIBUTES.format(name)}\n"
        for feature, start, end, strand, name in rows
    )


def write(tmp_path: Path, text: str, name: str = "genes") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def places(table: pd.DataFrame) -> list[list[object]]:
    return table[["position", "strand", "name"]].to_numpy().tolist()


def test_a_gene_starts_at_its_first_base_or_on_the_other_strand_at_its_last(tmp_path: Path) -> None:
    text = gtf(("gene", 11, 20, "+", "A"), ("gene", 31, 40, "-", "B"), ("transcript", 15, 20, "+", "A"))
    table, report = starts_of(write(tmp_path, text))
    assert places(table) == [[10, "+", "A"], [39, "-", "B"]]
    assert table["biotype"].tolist() == ["lincRNA", "lincRNA"]
    assert report["intervals_by_line"] == {"gene": 2}


def test_transcripts_serve_where_a_gene_has_no_line_of_its_own(tmp_path: Path) -> None:
    text = gtf(
        ("transcript", 11, 20, "+", "A"),
        ("transcript", 15, 20, "+", "A"),
        ("transcript", 11, 30, "+", "A"),
        ("gene", 31, 40, "-", "B"),
    )
    table, report = starts_of(write(tmp_path, text))
    assert places(table) == [[10, "+", "A"], [14, "+", "A"], [39, "-", "B"]]
    assert report["repeated"] == 1


def test_a_gene_that_has_exons_alone_is_not_lost(tmp_path: Path) -> None:
    text = gtf(
        ("gene", 11, 20, "+", "A"),
        ("exon", 11, 20, "+", "A"),
        ("exon", 60, 70, "-", "EGFP"),
        ("exon", 90, 99, "-", "EGFP"),
        ("CDS", 60, 70, "-", "EGFP"),
    )
    table, report = starts_of(write(tmp_path, text))
    assert places(table) == [[10, "+", "A"], [98, "-", "EGFP"]]
    assert report["intervals_by_line"] == {"exon": 1, "gene": 1}


def test_two_genes_with_one_start_stay_two(tmp_path: Path) -> None:
    table, _ = starts_of(write(tmp_path, gtf(("gene", 11, 20, "+", "A"), ("gene", 11, 90, "+", "B"))))
    assert places(table) == [[10, "+", "A"], [10, "+", "B"]]


def test_genes_of_an_annotation_without_a_strand_are_left_out_and_counted(tmp_path: Path, caplog) -> None:
    table, report = starts_of(write(tmp_path, gtf(("gene", 11, 20, ".", "A"), ("gene", 31, 40, "-", "B"))))
    assert places(table) == [[39, "-", "B"]]
    assert report["left_out_without_strand"] == 1
    assert "1 of 2 records are left out (without strand: 1 (50.0%))" in caplog.text
    with pytest.raises(UserError, match="no gene is left"):
        starts_of(write(tmp_path, gtf(("gene", 11, 20, ".", "A"))))


def test_a_bed_of_genes_with_and_without_strands(tmp_path: Path, caplog) -> None:
    text = "chr2\t10\t20\tA\t0\t+\nchr1\t10\t30\tB\t0\t-\nchr1\t100\t201\tC\t0\t.\n"
    table, report = starts_of(write(tmp_path, text))
    assert table[GENE_COLUMNS].to_numpy().tolist() == [
        ["chr1", 29, "-", "B", ".", 0],
        ["chr1", 150, ".", "C", ".", 0],
        ["chr2", 10, "+", "A", ".", 0],
    ]
    assert report["starts_without_strand"] == 1
    assert "of 1 genes without a strand the middle is taken" in caplog.text


def test_intervals_of_one_length_are_windows_around_starts(tmp_path: Path) -> None:
    table, report = starts_of(write(tmp_path, "chr1\t0\t500\tA\t0\t+\nchr1\t1000\t1500\tB\t0\t-\n"))
    assert places(table) == [[250, "+", "A"], [1250, "-", "B"]]
    assert report["start"] == "the middle, for all intervals are 500 bp long"


def test_single_bases_are_starts_whatever_their_strand(tmp_path: Path) -> None:
    table, _ = starts_of(write(tmp_path, "chr1\t7\t8\tA\t0\t+\nchr1\t9\t10\tB\t0\t-\n"))
    assert table["position"].tolist() == [7, 9]


def test_one_gene_alone_is_no_window(tmp_path: Path) -> None:
    assert starts_of(write(tmp_path, "chr1\t0\t500\tA\t0\t-\n"))[0]["position"].tolist() == [499]


def test_biotypes_from_a_header_line(tmp_path: Path) -> None:
    header = "#chr\tstart\tend\tname\tscore\tstrand\tgene_type\n"
    text = header + "chr1\t0\t5\tA\t0\t+\tlincRNA\nchr1\t9\t12\tB\t0\t+\t\n"
    assert starts_of(write(tmp_path, text))[0]["biotype"].tolist() == ["lincRNA", "."]


def test_names_of_contigs_are_translated_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "1\t0\t5\tA\t0\t+\nMT\t0\t6\tB\t0\t+\n")
    table, report = starts_of(path, ContigNames({"1": "chr1", "MT": "."}))
    assert table["chrom"].tolist() == ["chr1"]
    assert report["left_out_by_contig_names"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (
            "##gff-version 3\nchr1\tx\tgene\t1\t9\t.\t+\t.\ta=b\n",
            "line 2: the gene has neither ID nor Parent",
        ),
        ("chr1\tx\tgene\t1\t9\t.\t+\t.\tid A;\n", "line 1: the gene has no gene_id"),
        (gtf(("start_codon", 1, 9, "+", "A")), "no genes, transcripts, exons or coding parts"),
        (gtf(("gene", 9, 1, "+", "A")), "line 1: the gene lies at 9-1"),
        (gtf(("gene", 1, 9, "1", "A")), "line 1: the strand of the gene is '1'"),
        ("chr1\t0\t5\tA\t0\tplus\n", "line 1: column 6 of a BED is the strand, and here it is 'plus'"),
        ("chrom\tstart\tend\nchr1\t0\t5\n", "this is a header"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        starts_of(write(tmp_path, text))


def test_run_writes_a_table_and_its_counts_and_the_same_bytes_again(tmp_path: Path) -> None:
    path = write(tmp_path, gtf(("gene", 11, 20, "+", "A"), ("gene", 31, 40, "-", "B")))
    written = []
    for name in ("one", "two"):
        output = tmp_path / name / "genes.parquet"
        genes.run(genes=path, output=output)
        written.append(output.read_bytes() + output.with_suffix(".json").read_bytes())
    assert written[0] == written[1]
    table = read_starts(output)
    assert list(table.columns) == GENE_COLUMNS
    assert table["position"].dtype == np.int64
    assert json.loads(output.with_suffix(".json").read_text())["starts"] == 2


def test_a_table_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    starts_of(write(tmp_path, gtf(("gene", 11, 20, "+", "A"))))[0].assign(position=-1).to_parquet(
        tmp_path / "genes.parquet"
    )
    with pytest.raises(UserError, match="a position or a strand that is none"):
        read_starts(tmp_path / "genes.parquet")


def test_published_starts(shared_dir: Path) -> None:
    table, report = starts_of(shared_dir / "data/genes/CollapsedGeneBounds.hg19.TSS500bp.bed.gz")
    assert report["starts"] == report["intervals_read"] == 20_629
    known = table.set_index("name")
    # RefSeq, hg19: MYC starts at 128,748,315 on +, SOX2 at 181,429,712 on +, both counted from 1.
    assert abs(known.loc["MYC", "position"] - 128_748_314) <= 5
    assert known.loc["MYC", "strand"] == "+"
    assert known.loc["SOX2", "chrom"] == "chr3"
    assert abs(known.loc["SOX2", "position"] - 181_429_711) <= 5
    assert known.loc["MYC", "biotype"] == "protein_coding"
