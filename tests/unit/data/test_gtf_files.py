"""Transcription starts: GTF counts from 1 and includes both ends, our intervals count from 0."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from cbat.data.bed_files import read_candidates
from cbat.data.contigs import ContigNames
from cbat.data.gtf_files import is_gtf, read_transcription_starts
from cbat.errors import UserError

GTF = (
    "##description: an annotation\n"
    '1\thavana\tgene\t11869\t14409\t.\t+\t.\tgene_id "ENSG1"; gene_name "A";\n'
    '1\thavana\ttranscript\t11900\t14409\t.\t+\t.\tgene_id "ENSG1"; transcript_id "ENST1";\n'
    '1\thavana\texon\t11900\t12227\t.\t+\t.\tgene_id "ENSG1"; note "a\tb";\n'
    '1\thavana\tgene\t761586\t762902\t.\t-\t.\tgene_id "ENSG00000225880"; gene_name "LINC00115";\n'
    'MT\tinsdc\tgene\t1\t1\t.\t+\t.\tgene_id "ENSG2";\n'
)


def write(tmp_path: Path, content: str, name: str = "genes.gtf") -> Path:
    path = tmp_path / name
    path.write_text(content)
    return path


@pytest.mark.parametrize("pack", ["plain", "gzip", "windows"])
def test_a_gene_starts_at_its_first_base_or_on_the_other_strand_at_its_last(
    tmp_path: Path, pack: str
) -> None:
    path = write(tmp_path, GTF.replace("\n", "\r\n") if pack == "windows" else GTF)
    if pack == "gzip":
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert is_gtf(path)
    starts = read_transcription_starts(path)
    assert starts[["chrom", "start", "end", "strand", "line"]].to_numpy().tolist() == [
        ["1", 11868, 11869, "+", 2],
        ["1", 762901, 762902, "-", 5],
        ["MT", 0, 1, "+", 6],
    ]


def test_transcripts_serve_where_there_are_no_genes(tmp_path: Path) -> None:
    rows = [line for line in GTF.splitlines() if "\tgene\t" not in line]
    path = write(tmp_path, "\n".join([*rows, rows[1]]) + "\n")
    assert read_transcription_starts(path)[["start", "line"]].to_numpy().tolist() == [[11899, 2]]


def test_promoters_may_be_genes_and_enhancers_may_not(tmp_path: Path) -> None:
    path = write(tmp_path, GTF)
    promoters = read_candidates(path, "promoter", ContigNames({"1": "chr1", "MT": "."}))
    assert promoters["chrom"].tolist() == ["chr1", "chr1"]
    assert promoters["strand"].tolist() == ["+", "-"]
    with pytest.raises(UserError, match=r"genes\.gtf: this is a GTF; enhancers must be in BED format"):
        read_candidates(path, "enhancer")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("11869\t14409", "0\t14409", ", line 2: the gene lies at 0-14409. Fix: .* counted from 1"),
        ("761586\t762902", "762902\t761586", ", line 5: the gene lies at 762902-761586"),
        ("761586\t762902", "761586\t762902.0", ", line 5: the gene lies at 761586-762902.0"),
        ("762902\t.\t-", "762902\t.\tx", ", line 5: the strand of the gene is 'x'"),
        ('"ENSG00000225880"; gene_name "LINC00115"', '""', ", line 5: the gene has no gene_id"),
        ("LINC00115", "LINC\x01", ", line 5: the file holds the control character 0x01"),
        ('\t.\tgene_id "ENSG00000225880"', "", ", line 5: the line has 7 fields, not 9"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GTF
    with pytest.raises(UserError, match=rf"genes\.gtf{message}"):
        read_transcription_starts(write(tmp_path, GTF.replace(old, new)))


def test_an_annotation_of_exons_only(tmp_path: Path) -> None:
    path = write(
        tmp_path, "\n".join(line.replace("\tb", "") for line in GTF.splitlines() if "\texon\t" in line)
    )
    assert read_transcription_starts(path)[["start", "name"]].to_numpy().tolist() == [[11899, "ENSG1"]]
    path = write(tmp_path, path.read_text().replace("\texon\t", "\tstart_codon\t"))
    with pytest.raises(UserError, match="no genes, transcripts, exons or coding parts"):
        read_transcription_starts(path)


def test_two_lines_of_one_gene_are_two_places(tmp_path: Path) -> None:
    again = GTF.splitlines()[1].replace("11869\t14409", "21869\t24409")
    starts = read_transcription_starts(
        write(tmp_path, GTF + again + "\n" + again.replace("1\thav", "2\thav"))
    )
    assert starts.loc[starts["name"] == "A", ["chrom", "start"]].to_numpy().tolist() == [
        ["1", 11868], ["1", 21868], ["2", 21868],
    ]  # fmt: skip


def test_genes_without_a_strand_are_left_out_and_counted(tmp_path: Path, caplog) -> None:
    path = write(tmp_path, GTF.replace("762902\t.\t-", "762902\t.\t."))
    starts = read_transcription_starts(path)
    assert starts["name"].tolist() == ["A", "ENSG2"]
    assert starts.attrs["left_out"]["genes_without_a_strand"] == 1
    assert "1 of 3 records are left out (genes without a strand: 1 (33.3%))" in caplog.text
    path = write(tmp_path, re.sub(r"\t[+-]\t", "\t.\t", GTF))
    with pytest.raises(UserError, match="none of the 3 genes has a strand"):
        read_transcription_starts(path)
