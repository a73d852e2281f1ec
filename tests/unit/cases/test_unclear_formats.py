"""Columns that could be each of two, ends that nothing names, names that no table holds."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cbat.data.bed_files import read_candidates
from cbat.data.contigs import read_contig_names
from cbat.data.expression_tables import read_expressed
from cbat.data.gtf_files import read_transcription_starts
from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs, recognise
from cbat.errors import UserError
from cbat.evaluation.peer_tables import read_peer
from cbat.landscape.genes import starts_of
from cbat.landscape.peak_files import read_peaks
from cbat.landscape.signal_files import open_signal


def write(tmp_path: Path, text: str, name: str = "given.txt") -> Path:
    path = tmp_path / name
    path.write_text(text, newline="")
    return path


def table(tmp_path: Path, *rows: str, name: str = "given.txt", delimiter: str = "\t") -> Path:
    """Rows whose fields are separated by white space, with ``_`` for an empty field."""
    lines = []
    for row in rows:
        fields = ["" if field == "_" else field for field in row.split()]
        lines.append(row if row.startswith("# ") else delimiter.join(fields))
    return write(tmp_path, "".join(f"{line}\n" for line in lines), name)


def message(read, *arguments, **more) -> str:
    with pytest.raises(UserError) as caught:
        read(*arguments, **more)
    return str(caught.value)


# Columns of scores


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ("Score ENCODE-rE2G.Score", True),
        ("E2G.Score E2G.Score.qnorm", True),
        ("E2G.Score.qnorm E2G.Score.qnorm.ignoreTPM", True),
        ("Score score", True),
        ("score x", False),
        ("ENCODE-rE2G.Score ABC.Score", False),
        ("ENCODE-rE2G.Score Score.Feature", False),
    ],
)
def test_scores_of_re2g(tmp_path: Path, columns: str, asked: bool) -> None:
    path = table(tmp_path, f"TargetGeneTSS chr start end {columns}", "500 chr1 100 200 0.9 0.1")
    assert recognise(path) == "encode_re2g"
    one, other = columns.split()
    if asked:
        told = message(read_pairs, path, "auto", score_threshold=0.5)
        assert f"2 columns are scores ({one}, {other})" in told
        assert f"for example {other}" in told
    else:
        assert read_pairs(path, "auto", score_threshold=0.5)["label"].tolist() == [1]
    if one.lower() != other.lower():
        for column, label in ((one, 1), (other, 0)):
            pairs = read_pairs(path, "encode_re2g", score_threshold=0.5, score_column=column)
            assert pairs["label"].tolist() == [label]


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ("ABC.Score ABC.Score.qnorm", True),
        ("ABC.Score ABC.Score.Numerator", False),
        ("ABC.Score powerlaw.Score", False),
        ("abc.score x", False),
    ],
)
def test_scores_of_abc(tmp_path: Path, columns: str, asked: bool) -> None:
    path = table(tmp_path, f"chr start end TargetGeneTSS {columns}", "chr1 100 200 500 0.9 0.1")
    if asked:
        assert "2 columns are scores" in message(read_pairs, path, "abc", score_threshold=0.5)
    else:
        assert read_pairs(path, "auto", score_threshold=0.5)["label"].tolist() == [1]


ENDS = "chrom1 start1 end1 chrom2 start2 end2"


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ("score score_norm", True),
        ("Score SCORE", True),
        ("raw_score x", False),
        ("probability x", None),
    ],
)
def test_scores_of_a_bedpe(tmp_path: Path, columns: str, asked: bool | None) -> None:
    path = table(tmp_path, f"{ENDS} {columns}", "chr1 100 200 chr1 500 600 0.9 0.1")
    if asked is None:
        assert "neither label nor score" in message(read_pairs, path, "bedpe", score_threshold=0.5)
        pairs = read_pairs(path, "bedpe", score_threshold=0.5, score_column="Probability")
        assert pairs["label"].tolist() == [1]
    elif asked:
        assert "2 columns are scores" in message(read_pairs, path, "bedpe", score_threshold=0.5)
    else:
        assert read_pairs(path, "bedpe", score_threshold=0.5)["label"].tolist() == [1]


def test_a_column_of_scores_that_is_not_there(tmp_path: Path) -> None:
    path = table(tmp_path, f"{ENDS} score", "chr1 100 200 chr1 500 600 0.9")
    told = message(read_pairs, path, "bedpe", score_threshold=0.5, score_column="scor")
    assert "from the column 'scor', and the header has no such column (did you mean 'score'?)" in told
    bare = write(tmp_path, "\t".join(["chr1", "100", "200", "chr1", "500", "600", "a", "0.9"]) + "\n", "bare")
    told = message(read_pairs, bare, "bedpe", score_threshold=0.5, score_column="x")
    assert "the table has no header" in told
    assert read_pairs(bare, "bedpe", score_threshold=0.5, score_column="score")["label"].tolist() == [1]
    labelled = table(tmp_path, f"{ENDS} label", "chr1 100 200 chr1 500 600 1")
    assert "there is a score_column" in message(read_pairs, labelled, "bedpe", score_column="x")
    own = table(tmp_path, " ".join((*INTERVAL_COLUMNS, "label")), "chr1 100 200 chr1 500 600 1")
    assert "have no scores to choose" in message(read_pairs, own, "auto", score_column="x")


# Names of columns


OWN = (*INTERVAL_COLUMNS, "label")


@pytest.mark.parametrize("quotes", ["", '"'])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_columns_stand_in_any_order_and_case(tmp_path: Path, case, quotes: str) -> None:
    row = dict(zip(OWN, ("chr1", "100", "200", "chr1", "500", "600", "1"), strict=True))
    order = ["label", *INTERVAL_COLUMNS[::-1]]
    lines = [
        [f"{quotes}{case(name)}{quotes}" for name in order],
        [f"{quotes}{row[name]}{quotes}" for name in order],
    ]
    path = write(tmp_path, "".join("\t".join(line) + "\n" for line in lines))
    pairs = read_pairs(path, "auto")
    assert pairs[[*OWN]].to_numpy().tolist() == [["chr1", 100, 200, "chr1", 500, 600, 1]]


@pytest.mark.parametrize("again", ["Label", "label"])
def test_two_columns_of_one_name(tmp_path: Path, again: str) -> None:
    path = table(tmp_path, " ".join((*OWN, again)), "chr1 100 200 chr1 500 600 1 0")
    told = message(read_pairs, path, "auto")
    assert ("may be each of label, Label" if again == "Label" else "names the column label twice") in told
    assert ", line 1:" in told


@pytest.mark.parametrize(
    "header",
    [
        "chr1 s1 e1 chr2 s2 e2",
        "chr1 start1 end1 chr2 start2 end2",
        "BIN1_CHR BIN1_START BIN1_END BIN2_CHROMOSOME BIN2_START BIN2_END",
        "chr1 x1 x2 chr2 y1 y2",
    ],
)
def test_what_programs_call_the_columns_of_a_bedpe(tmp_path: Path, header: str) -> None:
    path = table(tmp_path, f"name {header} label", "a chr1 100 200 chr1 500 600 1")
    pairs = read_pairs(path, "bedpe")
    assert pairs[[*OWN]].to_numpy().tolist() == [["chr1", 100, 200, "chr1", 500, 600, 1]]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("chrom1 start1 end1 chrom2 start2 stop label", "has no column end2"),
        ("chrom1 chr1 start1 end1 chrom2 start2 end2", "has chrom1, chr1 for the column chrom1"),
    ],
)
def test_a_bedpe_whose_header_does_not_name_its_ends(tmp_path: Path, header: str, told: str) -> None:
    path = table(tmp_path, header, "chr1 100 200 chr1 500 600 1")
    assert told in message(read_pairs, path, "bedpe")


@pytest.mark.parametrize("comma", [False, True])
@pytest.mark.parametrize("layout", ["short header", "names of rows", "tabs at the end", "tab in the header"])
def test_tables_as_r_and_spreadsheets_write_them(tmp_path: Path, layout: str, comma: bool) -> None:
    header, rows = " ".join(OWN), ["chr1 100 200 chr1 500 600 1", "chr1 300 400 chr1 500 600 0"]
    if layout == "short header":
        rows = [f"{number} {row}" for number, row in enumerate(rows, start=1)]
    if layout == "names of rows":
        header, rows = f"_ {header}", [f"{number} {row}" for number, row in enumerate(rows, start=1)]
    if layout == "tabs at the end":
        rows = [f"{row} _" for row in rows]
    if layout == "tab in the header":
        header += " _"
    path = table(tmp_path, header, *rows, delimiter="," if comma else "\t")
    pairs = read_pairs(path, "auto")
    assert pairs[["enhancer_start", "label", "line"]].to_numpy().tolist() == [[100, 1, 2], [300, 0, 3]]


def test_a_name_that_is_missing_at_the_end_of_a_header_shifts_nothing(tmp_path: Path) -> None:
    rows = ["chr1 100 200 chr1 500 600 1 0.5", "chr1 300 400 chr1 500 600 0 0.5"]
    path = table(tmp_path, " ".join(OWN), *rows)
    assert "line 2: the line has 8 fields where the first line has 7" in message(read_pairs, path, "auto")


@pytest.mark.parametrize("missing", ["NA", "", "NaN"])
@pytest.mark.parametrize("column", ["enhancer_start", "label"])
def test_a_missing_value_is_told_with_its_line(tmp_path: Path, column: str, missing: str) -> None:
    row = dict(zip(OWN, ["chr1", "100", "200", "chr1", "500", "600", "1"], strict=True))
    lines = [list(OWN), list(row.values()), list((row | {column: missing}).values())]
    path = write(tmp_path, "".join("\t".join(line) + "\n" for line in lines))
    assert f", line 3: {column} is '{missing}'" in message(read_pairs, path, "auto")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("CELL_LINE Enhancer promoter SCORE", "K562 chr1:0-9 chr1:90-99 0.5"),
        ('"cell_line" "enhancer" "promoter" "score"', '"K562" "chr1:0-9" "chr1:90-99" 0.5'),
        ("cell_line enhancer promoter score", "1 K562 chr1:0-9 chr1:90-99 0.5"),
        ("#cell_line enhancer promoter score _", "K562 chr1:0-9 chr1:90-99 0.5"),
    ],
)
def test_tables_of_other_tools(tmp_path: Path, header: str, row: str) -> None:
    second = row.replace("chr1", "chr2").replace("1 K562", "2 K562")
    found = read_peer(table(tmp_path, header, row, second))
    assert found["cell_line"].tolist() == ["K562", "K562"]
    assert found["chrom"].tolist() == ["chr1", "chr2"]


def test_quoted_names_of_contigs(tmp_path: Path) -> None:
    path = table(tmp_path, '"given" "genome"', '"1" "chr1"')
    assert dict(read_contig_names(path).renamed) == {"1": "chr1"}


# Ends of a BEDPE


def sorted_ends(tmp_path: Path, n: int = 24, strands: bool = False) -> Path:
    """Pairs of an enhancer (100 bp) and a promoter (50 bp), of which every other has the promoter first."""
    rows = []
    for number in range(n):
        at = 10_000 * number
        ends = [(at + 1000, at + 1100, "."), (at + 5000, at + 5050, "+")]
        if number % 2:
            ends = [(at + 1000, at + 1050, "+"), (at + 5000, at + 5100, ".")]
        (s1, e1, t1), (s2, e2, t2) = ends
        further = f" {t1} {t2}" if strands else ""
        rows.append(f"chr1 {s1} {e1} chr1 {s2} {e2} {number % 3 % 2}{further}")
    return table(
        tmp_path, f"#{ENDS} label" + (" strand1 strand2" if strands else ""), *rows, name="sorted.bedpe"
    )


def lengths(pairs) -> set[tuple[int, int]]:
    enhancer, promoter = (pairs[f"{role}_end"] - pairs[f"{role}_start"] for role in ("enhancer", "promoter"))
    return set(zip(enhancer, promoter, strict=True))


def beds_of(path: Path, tmp_path: Path, n: int = 24) -> dict[str, Path]:
    rows = [line.split("\t") for line in path.read_text().splitlines()[1 : n + 1]]
    ends = [row[at : at + 3] for row in rows for at in (0, 3)]
    wide = [end for end in ends if int(end[2]) - int(end[1]) == 100]
    small = [end for end in ends if int(end[2]) - int(end[1]) == 50]
    return {
        role: write(tmp_path, "".join("\t".join(end) + "\n" for end in part), f"{role}.bed")
        for role, part in (("enhancers", wide), ("promoters", small))
    }


@pytest.mark.parametrize("given", [("enhancers", "promoters"), ("promoters",), ("enhancers",)])
def test_candidates_tell_the_ends_apart(tmp_path: Path, given: tuple[str, ...]) -> None:
    path = sorted_ends(tmp_path)
    beds = {role: bed for role, bed in beds_of(path, tmp_path).items() if role in given}
    pairs = read_pairs(path, "auto", **beds)
    assert lengths(pairs) == {(100, 50)}
    assert pairs.attrs["swapped_ends"] == 12
    assert pairs["line"].tolist() == [*range(2, 26)]


def test_strands_tell_the_ends_apart(tmp_path: Path) -> None:
    pairs = read_pairs(sorted_ends(tmp_path, strands=True), "auto")
    assert lengths(pairs) == {(100, 50)}
    assert set(pairs["promoter_strand"]) == {"+"}


def test_rows_that_nothing_tells_apart_are_counted(tmp_path: Path, caplog) -> None:
    path = sorted_ends(tmp_path)
    pairs = read_pairs(path, "auto", **beds_of(path, tmp_path, n=20))
    assert len(pairs) == 20
    assert pairs.attrs["left_out"] == {"ends_not_told_apart": 4}
    assert "4 of 24 records are left out (ends not told apart: 4 (16.7%))" in caplog.text


def test_ends_in_the_order_of_the_genome_are_refused_and_the_ways_out_work(tmp_path: Path) -> None:
    path = sorted_ends(tmp_path)
    told = message(read_pairs, path, "auto")
    assert "end 1 lies before end 2 in all 24 rows" in told
    for way in ("enhancers (a column", "to loops", "to bedpe_enhancer_first"):
        assert way in told
    assert len(read_pairs(path, "bedpe_enhancer_first")) == 24
    beds = beds_of(path, tmp_path)
    assert len(read_pairs(path, "auto", **beds)) == 24
    loops = write(tmp_path, "\n".join(line.rsplit("\t", 1)[0] for line in path.read_text().splitlines()), "l")
    assert lengths(read_pairs(loops, "loops", **beds)) == {(100, 50)}


def test_ends_in_the_other_order_say_as_little(tmp_path: Path) -> None:
    path = sorted_ends(tmp_path)
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    turned = [rows[0], *([*row[3:6], *row[:3], *row[6:]] for row in rows[1:])]
    path.write_text("".join("\t".join(row) + "\n" for row in turned))
    assert "end 1 lies behind end 2 in all 24 rows" in message(read_pairs, path, "auto")
    assert lengths(read_pairs(path, "auto", **beds_of(path, tmp_path))) == {(100, 50)}


def test_few_rows_and_rows_in_both_orders_are_taken_at_their_word(tmp_path: Path) -> None:
    assert read_pairs(sorted_ends(tmp_path, n=19), "auto").attrs["swapped_ends"] == 0
    path = sorted_ends(tmp_path)
    path.write_text(path.read_text() + "chr1\t900000\t900100\tchr1\t800000\t800050\t1\n")
    assert len(read_pairs(path, "auto")) == 25


# Names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ('"GENE0";', "GENE0"),
        ("'GENE0'", "GENE0"),
        ('""', "."),
        (" GENE 0 ", "GENE_0"),
        ('5"UTR', "5'UTR"),
        ("GENE0;", "GENE0"),
        ("A\u2028B", "A_B"),
        ("A\u00a0B", "A_B"),
        ("A\u0085B", "A_B"),
        ("HLA-A*01:01", "HLA-A*01:01"),
        ("3'-UTR", "3'-UTR"),
        ("\u00c4rger", "\u00c4rger"),
    ],
)
def test_names_that_no_table_holds_are_cleaned_when_they_are_read(
    tmp_path: Path, given: str, name: str
) -> None:
    path = write(tmp_path, f"chr1\t9\t20\t{given}\t0\t+\nchr1\t30\t40\tB\t0\t-\n")
    assert read_candidates(path, "promoter", named=True)["name"].tolist() == [name, "B"]
    assert name in set(starts_of(path)[0]["name"])


@pytest.mark.parametrize(
    ("given", "strands"), [("+ -", ["+", "-"]), ("* -", [".", "-"]), (". *", [".", "."])]
)
def test_strands_of_r(tmp_path: Path, given: str, strands: list[str]) -> None:
    one, other = given.split()
    path = table(tmp_path, f"chr1 10 20 a 0 {one}", f"chr1 30 40 b 1 {other}")
    assert read_candidates(path, "promoter")["strand"].tolist() == strands
    assert read_peaks(path, "insulators").table["strand"].tolist() == strands


@pytest.mark.parametrize("odd", ["PLS", "2", "plus", "EH38E1", "0.5"])
def test_what_is_no_strand(tmp_path: Path, odd: str) -> None:
    path = table(tmp_path, "chr1 10 20 a 0 +", f"chr1 30 40 b 1 {odd}")
    told = message(read_candidates, path, "promoter")
    assert f", line 2: column 6 of a BED is the strand, and here it is '{odd}'" in told


def test_a_quoted_bed(tmp_path: Path) -> None:
    path = write(tmp_path, '"chr1"\t10\t20\t"A"\t0\t"+"\n')
    assert read_candidates(path, "promoter", named=True).iloc[0].tolist()[:3] == ["chr1", 10, 20]
    assert read_peaks(path, "insulators").table["strand"].tolist() == ["+"]


# Annotations


def gff(tmp_path: Path, *rows: str, head: str = "##gff-version 3\n") -> Path:
    """Rows ``feature start end strand attributes``."""
    lines = []
    for row in rows:
        feature, start, end, strand, attributes = row.split(maxsplit=4)
        lines.append("\t".join(["chr1", "x", feature, start, end, ".", strand, ".", attributes]))
    return write(tmp_path, head + "\n".join(lines) + "\n", "genes.gff3")


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (["gene 11 90 + ID=gene:ENSG1;Name=TP53;biotype=protein_coding",
          "mRNA 21 90 + ID=transcript:T1;Parent=gene:ENSG1", "exon 21 40 + Parent=transcript:T1"],
         {"TP53": [10]}),
        (["gene 11 90 + ID=gene-TP53;Dbxref=GeneID:7157;Name=TP53;gene=TP53;gene_biotype=protein_coding",
          "mRNA 11 90 + ID=rna-1;Parent=gene-TP53;gene=TP53", "exon 11 90 + ID=e;Parent=rna-1;gene=TP53"],
         {"TP53": [10]}),
        (["ncRNA_gene 11 90 + ID=gene:ENSG2;Name=XIST", "lnc_RNA 11 90 + ID=transcript:T;Parent=gene:ENSG2"],
         {"XIST": [10]}),
        (["mRNA 11 90 - ID=T1;Parent=G1", "mRNA 11 70 - ID=T2;Parent=G1", "exon 11 90 - Parent=T1"],
         {"G1": [69, 89]}),
        (["exon 11 20 + Parent=T1", "exon 81 90 + Parent=T1", "mRNA 11 90 + ID=T1;Parent=G1"], {"G1": [10]}),
        (["gene 11 90 + ID=a;Name=A%2CB%3B1"], {"A_B;1": [10]}),
        (["mRNA 11 90 + ID=T1;Name=A", "mRNA 21 90 - ID=T2;Name=B%2CC"], {"A": [10], "B_C": [89]}),
        (["gene 11 90 + ID=ENSG1.1;gene_id=ENSG1.1;gene_name=A",
          "exon 50 60 - ID=e;Parent=EGFP.t;gene_id=EGFP"], {"A": [10], "EGFP": [59]}),
        (["gene 11 90 + ID=a;Name=A", "gene 11 20 + ID=b;Name=B", "gene 1 9 ? ID=c;Name=C"],
         {"A": [10], "B": [10]}),
    ],
    ids=["ensembl", "ncbi", "ncRNA", "transcripts", "exons first", "escapes", "no gene", "transgene",
         "shared start"],
)  # fmt: skip
def test_kinds_of_gff3(tmp_path: Path, rows: list[str], names: dict[str, list[int]]) -> None:
    path = gff(tmp_path, *rows)
    found = read_candidates(path, "promoter", named=True)
    assert {name: sorted(part["start"]) for name, part in found.groupby("name")} == names
    starts, report = starts_of(path)
    assert {name: sorted(part["position"]) for name, part in starts.groupby("name")} == names
    assert report["format"] == "GFF3"


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (['gene 11 90 + gene_id "A";', 'transcript 31 90 + gene_id "B"; transcript_id "B1";',
          'exon 51 60 - gene_id "C";', 'CDS 71 80 + gene_id "D";'], {"A": 10, "B": 30, "C": 59, "D": 70}),
        (["gene 11 90 + gene_id A; gene_name X;"], {"X": 10}),
        (['transcript 11 90 + gene_id "MSTRG.1"; ref_gene_id "ENSG1"; gene_name "";'], {"MSTRG.1": 10}),
        (['gene 11 90 + gene_id "A"; gene_name "A;B C";'], {"A;B_C": 10}),
    ],
    ids=["levels", "without quotes", "stringtie", "marks in a name"],
)  # fmt: skip
def test_kinds_of_gtf(tmp_path: Path, rows: list[str], names: dict[str, int]) -> None:
    path = gff(tmp_path, *rows, head="track name=x\n#!genome-build x\n \t \n")
    found = read_transcription_starts(path)
    assert dict(zip(found["name"], found["start"], strict=True)) == names
    starts, _ = starts_of(path)
    assert dict(zip(starts["name"], starts["position"], strict=True)) == names


def test_genes_of_which_nothing_is_read_are_counted(tmp_path: Path, caplog) -> None:
    path = gff(tmp_path, 'gene 11 90 + gene_id "A";', 'five_prime_utr 11 20 + gene_id "B";', head="")
    assert read_transcription_starts(path).attrs["left_out"]["of_no_gene"] == 1
    assert "1 of 2 records are left out (of no gene: 1 (50.0%))" in caplog.text


# Expression and signals


@pytest.mark.parametrize(
    ("rows", "column", "expressed"),
    [
        (["#1.2", "2 2", "Name Description liver lung", "ENSG1 A 5 0", "ENSG2 B 0 5"], "lung", {"B"}),
        (["# Program:featureCounts v2; Command:x", "Geneid Chr Start Length TPM", "A chr1 1 9 5",
          "B chr1 1 9 0"], None, {"A"}),
        (['"TPM"', '"A" 5', '"B" 0'], None, {"A"}),
        (["_ TPM", "A 5", "B NA"], None, {"A"}),
        (["gene tpm", "A 5", "B 0"], "TPM", {"A"}),
        (["gene TPM _", "A 5 _", "B 0 _"], None, {"A"}),
    ],
    ids=["gct", "featureCounts", "short header", "names of rows", "case", "tabs at the end"],
)  # fmt: skip
def test_tables_of_expression(
    tmp_path: Path, rows: list[str], column: str | None, expressed: set[str]
) -> None:
    path = table(tmp_path, *rows)
    assert read_expressed(path, ["A", "B"], least=1.0, column=column).genes == expressed


@pytest.mark.parametrize("column", [None, "TPM"])
def test_two_columns_of_expression(tmp_path: Path, column: str | None) -> None:
    path = table(tmp_path, "gene TPM TPM", "A 5 0", "B 0 5")
    told = message(read_expressed, path, ["A", "B"], least=1.0, column=column)
    assert "2 columns could be meant: TPM (column 2), TPM (column 3)" in told


def test_two_columns_of_a_signal(tmp_path: Path) -> None:
    header, rows = "#chrom start end DHS dhs", ["chr1 1 9 1 5", "chr1 20 30 2 4"]
    path = table(tmp_path, header, *rows)
    assert "may be each of DHS, dhs" in message(open_signal, path, "accessibility", "DHS", "K562")
    assert "may be each of DHS, dhs" in message(read_peaks, path, "insulators", "DHS")


@pytest.mark.parametrize("named", ["CellType", "celltype", '"CellType"'])
def test_the_column_of_cell_types_in_any_case(tmp_path: Path, named: str) -> None:
    rows = ["chr1 1 9 3 K562", "chr1 20 30 4 K562", "chr1 40 50 5 HepG2"]
    path = table(tmp_path, f"chrom start end DHS {named}", *rows)
    found = open_signal(path, "accessibility", "DHS", "K562")
    assert found.report["of_other_cell_types"] == 1


def test_a_packed_file_is_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\n \t\nchr1\t10\t20\n"))
    assert read_candidates(path, "enhancer")["line"].tolist() == [3]
