"""What a message about a file of the user advises is done as it says, and the file is read then."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from advice import advised

from cbat.config.sections import RetrievalSettings
from cbat.config.sources import Source
from cbat.data import genome
from cbat.data.bed_files import read_candidates
from cbat.data.chain_files import read_chains
from cbat.data.contigs import read_contig_names
from cbat.data.expression_tables import read_expressed
from cbat.data.gtf_files import read_transcription_starts
from cbat.data.lift_over import run as lift_over
from cbat.data.motif_files import read_motif_file
from cbat.data.pair_tables import check_kind, read_pairs
from cbat.data.retrieval import check, record_of
from cbat.evaluation.peer_tables import read_peer
from cbat.landscape.peak_files import read_peaks
from cbat.landscape.promoter_classes import read_classes
from cbat.landscape.signal_files import open_signal

Text = str | bytes


def tabs(text: str) -> str:
    """Rows that ``|`` separates, with fields that spaces separate."""
    return "".join("\t".join(row.split()) + "\n" for row in text.split("|"))


def put(path: Path, text: Text) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def beds(path: Path) -> dict[str, Path]:
    """Candidates that the ends of :data:`ROW` meet."""
    enhancers, promoters = path.with_name("enhancers.bed"), path.with_name("promoters.bed")
    put(enhancers, tabs("chr1 100 200"))
    put(promoters, tabs("chr1 5000 5400"))
    return {"enhancers": enhancers, "promoters": promoters}


def enhancers(path: Path) -> object:
    return read_candidates(path, "enhancer")


def promoters(path: Path) -> object:
    return read_candidates(path, "promoter")


def genome_of(path: Path) -> object:
    return genome.run(fasta=path, directory=path.with_name("genome"), copy=True)


def expressed(path: Path) -> object:
    return read_expressed(path, ["A", "B", "C"], least=1.0)


def bedpe(path: Path) -> object:
    return read_pairs(path, "bedpe")


def auto(path: Path) -> object:
    return read_pairs(path, "auto")


def loops(path: Path) -> object:
    return read_pairs(path, "loops", **beds(path))


def crispr(path: Path) -> object:
    return read_pairs(path, "encode_crispr", cell_line="K562")


def abc(path: Path) -> object:
    return read_pairs(path, "abc", score_threshold=0.02)


def peaks(path: Path) -> object:
    return read_peaks(path, "insulators")


def signal(path: Path) -> object:
    return open_signal(path, "accessibility", "auto", "K562")


BED = tabs("chr1 10 20|chr1 30 40")
FASTA = ">chr1\nACGT\nACGT\n>chr2\nACGT\n"
GENE = 'chr1\tme\tgene\t100\t900\t.\t{}\t.\tgene_id "G";\n'
ENDS = "#chrom1 start1 end1 chrom2 start2 end2"
ROW = "chr1 100 200 chr1 5000 5400"
LABELLED = tabs(f"{ENDS} label|{ROW} 1")
CBAT = tabs(
    "enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label|"
    + ROW
    + " 1"
)
CRISPR = (
    "chrom chromStart chromEnd chrTSS startTSS endTSS ValidConnection CellType Regulated|"
    "chr1 100 200 chr1 5000 5001 TRUE K562 TRUE"
)
MEME = (
    "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF one\n"
    "letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0\n"
    "0.97 0.01 0.01 0.01\n0.01 0.01 0.97 0.01\n"
)
ABC = "chr start end TargetGeneTSS ABC.Score|chr1 100 200 5000 0.5"
CHAIN = "chain 1000 chr1 1000 + 0 100 chr1 1000 + 0 100 1\n100\n\n"
PEER = "cell_line enhancer promoter score"
PEER_ROW = "K562 chr1:100-200 chr1:5000-5400 0.5"

CASES: dict[str, tuple[Callable[[Path], object], Text, str, Text]] = {
    # Any text.
    "an empty file": (enhancers, "", "fill it", BED),
    "comments alone": (enhancers, "# nothing\n", "add intervals, one a line", "# nothing\n" + BED),
    "a truncated gzip": (enhancers, gzip.compress(BED.encode())[:-9], "copy or download it again", BED),
    "two columns": (enhancers, tabs("chr1 10"), "separate the columns by tabs: chrom, start, end", BED),
    "a line cut off": (
        enhancers,
        BED + "chr1\t50\n",
        "separate the fields with single tabs and leave none out",
        BED + "chr1\t50\t60\n",
    ),
    "a start that is no number": (
        enhancers,
        tabs("chr1 1,000 2000|chr1 3000 4000"),
        "without sign, point or thousands separator",
        tabs("chr1 1000 2000|chr1 3000 4000"),
    ),
    "an interval without length": (
        enhancers,
        tabs("chr1 20 10|chr1 30 40"),
        "write 0-based half-open intervals, start before end",
        tabs("chr1 10 20|chr1 30 40"),
    ),
    # Genes.
    "genes as enhancers": (enhancers, GENE.format("+"), "name a BED file of candidate enhancers", BED),
    "a gene without a strand": (
        promoters,
        GENE.format("."),
        "or a BED of promoters",
        BED,
    ),
    "an annotation without genes": (
        promoters,
        GENE.format("+").replace("gene\t", "stop_codon\t"),
        "or a BED file of transcription starts",
        BED,
    ),
    # The genome.
    "a genome that is none": (genome_of, BED, "name a genome in FASTA format", FASTA),
    "a genome of proteins": (
        genome_of,
        ">p\nMKLVQE\n",
        "name a genome: sequences of A, C, G, T and N",
        FASTA,
    ),
    "a genome cut off": (genome_of, gzip.compress(FASTA.encode())[:-9], "copy or download it again", FASTA),
    "a contig twice": (
        genome_of,
        FASTA + ">chr1\nACGT\n",
        "or delete one of the two",
        FASTA,
    ),
    "a contig without a name": (
        genome_of,
        FASTA + "> \nACGT\n",
        "write its name right after the '>'",
        FASTA + ">chr3\nACGT\n",
    ),
    "a contig without sequence": (genome_of, ">empty\n" + FASTA, "remove it", FASTA),
    "lines of different lengths": (
        genome_of,
        ">chr1\nAC\nACGT\nACG\n",
        "lines of equal length",
        ">chr1\nACAC\nGTAC\nG\n",
    ),
    # Pairs.
    "a BED as pairs": (auto, BED, "name a table of pairs", CBAT),
    "no format at all": (auto, "hello world\n", "the format cbat is the plainest", CBAT),
    "ends without labels": (
        bedpe,
        tabs(ROW),
        "write a header with a column label (0, 1) or score",
        LABELLED,
    ),
    "a header of five ends": (
        bedpe,
        tabs(f"{ENDS.replace('end1', 'stop_1')} label|{ROW} 1"),
        "name six columns, each once: chrom1, start1, end1, chrom2, start2, end2",
        LABELLED,
    ),
    "a label that is none": (
        bedpe,
        LABELLED.replace("5400\t1", "5400\tyes"),
        "write one of: 0, 1",
        LABELLED,
    ),
    "loops with labels": (loops, LABELLED, "or remove the column label", tabs(f"{ENDS}|{ROW}")),
    "loops of nothing": (
        loops,
        tabs(f"{ENDS}|chr1 9000 9100 chr1 9300 9400"),
        "name candidates and loops of the same cell line and genome assembly",
        tabs(f"{ENDS}|{ROW}"),
    ),
    "tests of which none is valid": (
        crispr,
        tabs(CRISPR.replace("TRUE K562", "FALSE K562")),
        "name a table with valid tests of this cell line",
        tabs(CRISPR),
    ),
    "tests of another cell type": (
        crispr,
        tabs(CRISPR.replace("K562", "HCT116")),
        "name another table",
        tabs(CRISPR),
    ),
    "a table without its column": (
        crispr,
        tabs(CRISPR.replace("Regulated", "Verdict")),
        "name the columns in the first line: chrom, chromStart",
        tabs(CRISPR),
    ),
    "a header alone": (crispr, tabs(CRISPR.split("|")[0]), "add rows", tabs(CRISPR)),
    "predictions without scores": (
        abc,
        tabs(ABC.replace("ABC.Score", "value")),
        "call it ABC.Score in the first line",
        tabs(ABC),
    ),
    "a column twice": (
        bedpe,
        tabs(f"{ENDS} label label|{ROW} 1 1"),
        "delete the one that is not meant",
        LABELLED,
    ),
    # Expression.
    "expression without names": (
        expressed,
        tabs("TPM|5|6"),
        "give the names a column",
        tabs("gene TPM|A 5|B 6"),
    ),
    "values that are not separated": (
        expressed,
        "A:5\nB:6\n",
        "separate them by tabs",
        tabs("A 5|B 6"),
    ),
    "several columns of numbers without a header": (
        expressed,
        tabs("A 5 6|B 6 7"),
        "leave the names and one column of numbers, or give the table a header",
        tabs("A 5|B 6"),
    ),
    "two columns of one measure": (
        expressed,
        tabs("gene TPM TPM|A 5 6|B 6 7"),
        "delete those that are not of this cell line",
        tabs("gene TPM|A 5|B 6"),
    ),
    "several cell lines": (
        expressed,
        tabs("gene cell_line TPM|A K562 5|B HepG2 6"),
        "leave the rows of the cell line that is predicted",
        tabs("gene cell_line TPM|A K562 5"),
    ),
    "a first gene without a value": (
        expressed,
        "A\nB\t5\nC\t6\n",
        "write its value, NA where it is not known",
        "A\tNA\nB\t5\nC\t6\n",
    ),
    "a row too long": (
        expressed,
        tabs("gene TPM|A 5|B 6 7"),
        "separate the fields with single tabs or commas, and leave none out",
        tabs("gene TPM|A 5|B 6"),
    ),
    "a value below 0": (
        expressed,
        tabs("gene TPM|A -5|B 6"),
        "write a number from 0 on",
        tabs("gene TPM|A 5|B 6"),
    ),
    "expression with a header alone": (
        expressed,
        tabs("gene TPM"),
        "add genes, one a line",
        tabs("gene TPM|A 5"),
    ),
    "expression of comments alone": (expressed, "# none\n# at all\n", "add genes, one a line", "# none\nA\n"),
    # Motifs.
    "motifs of no format": (read_motif_file, "motif one\n", "give a file in MEME format", MEME),
    "motifs that are none": (read_motif_file, "MEME version 4\n", "give a file in MEME format", MEME),
    "probabilities that are none": (
        read_motif_file,
        MEME.replace("0.97 0.01 0.01 0.01", "0.97 0.97 0.01 0.01"),
        "write the probabilities of A, C, G and T",
        MEME,
    ),
    "counts that are words": (
        read_motif_file,
        MEME.replace("0.97 0.01 0.01 0.01", "0.97 much 0.01 0.01"),
        "write numbers, separated by spaces",
        MEME,
    ),
    # Tracks and signals.
    "genes as peaks": (peaks, GENE.format("+"), "name a narrowPeak, broadPeak or BED file of peaks", BED),
    "peaks with a header alone": (peaks, tabs("chrom start end"), "name another file", BED),
    "intervals without numbers": (signal, BED, "or name another file", tabs("chr1 10 20 a 5|chr1 30 40 b 7")),
    # Classes of promoters.
    "classes with a field too few": (
        read_classes,
        "gene\tbroad\nA\tyes\nB\n",
        "and fill in every field",
        "gene\tbroad\nA\tyes\nB\tno\n",
    ),
    "classes without yes and no": (
        read_classes,
        "gene\tbroad\nA\tmaybe\n",
        "or a list of names, one in a line",
        "A\nB\n",
    ),
    # Chains.
    "a chain that is none": (read_chains, BED, "name a chain file of UCSC", CHAIN),
    # Peers.
    "a peer without a header": (
        read_peer,
        tabs(PEER_ROW),
        "name the columns in the first line, separated by tabs: cell_line",
        tabs(f"{PEER}|{PEER_ROW}"),
    ),
    "a peer without rows": (read_peer, tabs(f"{PEER}|{PEER}"), "add predictions", tabs(f"{PEER}|{PEER_ROW}")),
    "a pair of a peer twice": (
        read_peer,
        tabs(f"{PEER}|{PEER_ROW}|{PEER_ROW}"),
        "give each pair of a cell line one score",
        tabs(f"{PEER}|{PEER_ROW}"),
    ),
    # Names of contigs.
    "names of contigs without a header": (
        read_contig_names,
        tabs("1 chr1"),
        "name the columns in the first line: given, genome",
        tabs("given genome|1 chr1"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file(tmp_path: Path, case: str) -> None:
    read, bad, told, good = CASES[case]
    path = tmp_path / "given.txt"
    put(path, bad)
    advised(lambda: read(path), told, lambda: put(path, good))


Options = dict[str, object]
OPTIONS: dict[str, tuple[Callable[..., object], str, Options, str, Options]] = {
    "a format that is unknown": (
        read_pairs,
        LABELLED,
        {"pairs_format": "bedpee"},
        "use one of: auto, ",
        {"pairs_format": "auto"},
    ),
    "scores without a threshold": (
        read_pairs,
        tabs(ABC),
        {"pairs_format": "abc"},
        "give a number in score_threshold",
        {"pairs_format": "abc", "score_threshold": 0.1},
    ),
    "a threshold for labels": (
        read_pairs,
        CBAT,
        {"pairs_format": "cbat", "score_threshold": 0.1},
        "leave out score_threshold",
        {"pairs_format": "cbat"},
    ),
    "a column of scores for labels": (
        read_pairs,
        CBAT,
        {"pairs_format": "cbat", "score_column": "score"},
        "leave out score_column",
        {"pairs_format": "cbat"},
    ),
    "a threshold beside labels": (
        read_pairs,
        LABELLED,
        {"pairs_format": "bedpe", "score_threshold": 0.1},
        "leave out score_threshold",
        {"pairs_format": "bedpe"},
    ),
    "a column without a header": (
        read_pairs,
        tabs(f"{ROW} one 5"),
        {"pairs_format": "bedpe", "score_threshold": 1, "score_column": "counts"},
        "or leave out score_column",
        {"pairs_format": "bedpe", "score_threshold": 1},
    ),
    "scores of BEDPE without a threshold": (
        read_pairs,
        tabs(f"{ROW} one 5"),
        {"pairs_format": "bedpe"},
        "give a number in score_threshold",
        {"pairs_format": "bedpe", "score_threshold": 1},
    ),
    "a column that is not there": (
        read_pairs,
        tabs(ABC),
        {"pairs_format": "abc", "score_threshold": 0.1, "score_column": "ABC_Score"},
        "name one of the columns in score_column",
        {"pairs_format": "abc", "score_threshold": 0.1, "score_column": "ABC.Score"},
    ),
    "several columns of scores": (
        read_pairs,
        tabs(ABC.replace("ABC.Score|", "ABC.Score ABC.Score.qnorm|") + " 0.7"),
        {"pairs_format": "abc", "score_threshold": 0.1},
        "for example ABC.Score.qnorm",
        {"pairs_format": "abc", "score_threshold": 0.1, "score_column": "ABC.Score.qnorm"},
    ),
    "a threshold that no pair reaches": (
        read_pairs,
        "chr1:874840-876520_ENSG1$LINC1$chr1$762902$-\t1.10\n",
        {"pairs_format": "enhanceratlas", "score_threshold": 2.0},
        "lower score_threshold",
        {"pairs_format": "enhanceratlas", "score_threshold": 1.0},
    ),
    "another question": (
        check_kind,
        tabs(CRISPR),
        {"pairs_format": "encode_crispr", "kind": "contact"},
        "set labels.kind to regulation",
        {"pairs_format": "encode_crispr", "kind": "regulation"},
    ),
    "a column of expression that is not there": (
        read_expressed,
        tabs("gene K562 HepG2|A 5 6|B 7 8"),
        {"promoters": ["A"], "least": 1.0, "column": "K_562"},
        "name one with numbers (K562, HepG2)",
        {"promoters": ["A"], "least": 1.0, "column": "K562"},
    ),
    "several columns of expression": (
        read_expressed,
        tabs("gene K562 HepG2|A 5 6|B 7 8"),
        {"promoters": ["A"], "least": 1.0},
        "name the one of this cell line with --expression-column",
        {"promoters": ["A"], "least": 1.0, "column": "HepG2"},
    ),
    "a column of peaks that is not there": (
        read_peaks,
        tabs("#chrom start end name signal|chr1 10 20 a 5"),
        {"kind": "insulators", "signal": "signl"},
        "write the number or the name of a column from the fourth on, 'auto' or 'none'",
        {"kind": "insulators", "signal": "signal"},
    ),
    "a column of peaks that is the interval": (
        read_peaks,
        tabs("chr1 10 20 a 5"),
        {"kind": "insulators", "signal": 3},
        "write the number or the name of a column from the fourth on",
        {"kind": "insulators", "signal": 5},
    ),
    "a header of peaks that is too short": (
        read_peaks,
        tabs("#chrom start end signal|chr1 10 20 a 5"),
        {"kind": "insulators", "signal": "signal"},
        "or write the number of one in landscape.signals.insulators",
        {"kind": "insulators", "signal": 5},
    ),
    "a signal that the table does not name": (
        open_signal,
        tabs("chr start end DHS H3K27ac CellType|chr1 10 20 5 7 K562"),
        {"name": "accessibility", "column": "auto", "cell_line": "K562"},
        "write the name of a column in landscape.signals.accessibility",
        {"name": "accessibility", "column": "DHS", "cell_line": "K562"},
    ),
    "a signal without numbers": (
        open_signal,
        tabs("chr start end DHS H3K27ac CellType|chr1 10 20 NA 7 K562"),
        {"name": "accessibility", "column": "DHS", "cell_line": "K562"},
        "name another column in landscape.signals.accessibility",
        {"name": "accessibility", "column": "H3K27ac", "cell_line": "K562"},
    ),
    "a signal of another cell type": (
        open_signal,
        tabs("chr start end DHS CellType|chr1 10 20 5 K562"),
        {"name": "accessibility", "column": "DHS", "cell_line": "k_562_of_mine"},
        "call the cell line as CellType does",
        {"name": "accessibility", "column": "DHS", "cell_line": "K562"},
    ),
    "intervals that are given no numbers": (
        open_signal,
        tabs("chr1 10 20 a 5 . 7|chr1 30 40 b 5 . 9"),
        {"name": "accessibility", "column": "none", "cell_line": "K562"},
        "name the column of the signal in landscape.signals.accessibility",
        {"name": "accessibility", "column": "7", "cell_line": "K562"},
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option(tmp_path: Path, case: str) -> None:
    read, text, bad, told, good = OPTIONS[case]
    path = tmp_path / "given.txt"
    put(path, text)
    options = dict(bad)
    advised(lambda: read(path, **options), told, lambda: (options.clear(), options.update(good)))


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "peaks.bed", BED)
    named = ["peeks.bed"]
    advised(
        lambda: enhancers(Path(named[0])),
        "correct its path",
        lambda: named.__setitem__(0, "peaks.bed"),
    )


def test_commands_of_text_files(tmp_path: Path) -> None:
    """The commands that take control characters out, or write UTF-8, are run with the names filled in."""
    for bad, told in (
        (BED + "# \x07\n", "tr -d "),
        (BED + "# \x00\n", "tr -d "),
        ((BED + "# \xe9\n").encode("latin1"), "iconv "),
    ):
        path, new = tmp_path / "given.bed", tmp_path / "new.bed"
        put(path, bad)
        reads = [path]

        def mend(path: Path = path, new: Path = new, reads: list[Path] = reads, told: str = told) -> None:
            with pytest.raises(Exception, match=told) as caught:
                enhancers(path)
            words = caught.value.mend  # type: ignore[attr-defined]
            line = words[words.index(told) :].partition("NEW_FILE")
            whole = (line[0] + line[1]).replace("NEW_FILE", str(new)).replace("FILE", str(path))
            subprocess.run(["bash", "-c", whole], check=True)
            reads[0] = new

        advised(lambda reads=reads: enhancers(reads[0]), told, mend)


def test_loops_without_candidates(tmp_path: Path) -> None:
    path = tmp_path / "loops.bedpe"
    put(path, tabs(f"{ENDS}|{ROW}"))
    options: dict[str, Path] = {}
    advised(
        lambda: read_pairs(path, "loops", **options),
        "name BED files of candidates",
        lambda: options.update(beds(path)),
    )


def test_genes_that_have_no_strand(tmp_path: Path) -> None:
    path = tmp_path / "genes.gtf"
    put(path, GENE.format("."))
    advised(
        lambda: read_transcription_starts(path),
        "name an annotation with strands",
        lambda: put(path, GENE.format("-")),
    )


def test_damaged_and_foreign_signals(tmp_path: Path) -> None:
    path = tmp_path / "signal.bw"
    put(path, "no track\n")
    named = [path]
    put(tmp_path / "signal.bed", tabs("chr1 10 20 a 5|chr1 30 40 b 7"))
    advised(
        lambda: signal(named[0]),
        "or intervals with numbers (narrowPeak, broadPeak, BED)",
        lambda: named.__setitem__(0, tmp_path / "signal.bed"),
    )


# Lifting over.

LIFTS: dict[str, tuple[str, str, str, str, str]] = {
    "names without chr": (
        tabs("1 10 20 a"),
        CHAIN,
        "into the file (for chr1 in place of 1: sed 's/^/chr/' on the rows)",
        tabs("chr1 10 20 a"),
        CHAIN,
    ),
    "names that are longer": (
        tabs("chr01 10 20 a"),
        CHAIN,
        "write the names of the chain file into the file",
        tabs("chr1 10 20 a"),
        CHAIN,
    ),
    "contigs of another species": (
        tabs("scaffold_7 10 20 a"),
        CHAIN,
        "name a file and a chain of one species and assembly",
        tabs("chr1 10 20 a"),
        CHAIN,
    ),
    "nothing that the chain covers": (
        tabs("chr1 500 520 a"),
        CHAIN,
        "name the chain file from the assembly of this file to the other one",
        tabs("chr1 500 520 a"),
        CHAIN.replace("0 100", "480 580"),
    ),
    "genes": (
        GENE.format("+"),
        CHAIN,
        "write its genes as BED, with names in column 4 and strands in column 6",
        tabs("chr1 10 20 G 0 +"),
        CHAIN,
    ),
    "a header alone": (tabs("chrom start end"), CHAIN, "name another file", tabs("chr1 10 20"), CHAIN),
    "a chain cut off": (
        tabs("chr1 10 20"),
        CHAIN.replace("\n100\n", "\n100 5\n"),
        "copy or download it again",
        tabs("chr1 10 20"),
        CHAIN,
    ),
}


@pytest.mark.parametrize("case", LIFTS)
def test_a_lift(tmp_path: Path, case: str) -> None:
    bad, bad_chain, told, good, good_chain = LIFTS[case]
    given, chain, output = tmp_path / "given.bed", tmp_path / "my.chain", tmp_path / "lifted.bed"
    put(given, bad)
    put(chain, bad_chain)
    advised(
        lambda: lift_over(chain=chain, input=given, output=output),
        told,
        lambda: (put(given, good), put(chain, good_chain)),
    )
    assert output.read_text().startswith("chr1\t")


# Published files that are put into place by hand.


def source(**over: str) -> Source:
    row = {
        "name": "toy", "version": "1", "url": "https://data.example/toy.bin", "file": "toy.bin",
        "sha256": ".", "bytes": ".", "unpack": "none", "licence": "CC0", "citation": "Doe",
    }  # fmt: skip
    return Source(**row | over)


def test_published_files_by_hand(tmp_path: Path) -> None:
    output = tmp_path / "toy.bin"
    settings = [RetrievalSettings()]
    of = [source(bytes="5")]

    def attempt() -> None:
        check(of[0], output, settings[0])

    advised(attempt, f"save it as {output}", lambda: put(output, "four"), then="toy has 4 bytes")
    advised(attempt, "download https://data.example/toy.bin by other means", lambda: put(output, "right"))
    of[0] = source(sha256="a" * 64)
    digest = "d" * 64
    error = advised(attempt, "or correct the registry", lambda: of.__setitem__(0, source(sha256=".")))
    assert digest not in error.problem
    # Of an unknown digest the first one that was seen counts.
    put(output, "other")
    advised(attempt, f"delete {record_of(output)}", lambda: record_of(output).unlink())
    put(record_of(output), "{")
    advised(attempt, "delete it; what is fetched next is recorded again", lambda: record_of(output).unlink())
    settings[0] = RetrievalSettings(require_checksums=True)
    advised(
        attempt,
        "or set retrieval.require_checksums to false",
        lambda: settings.__setitem__(0, RetrievalSettings()),
    )
