"""What users bring, as one table: what is spoilt, and what is said of it.

Every case starts from a small set of files that is sound, spoils one thing, and reads all inputs. A mistake
stops before any work, with one message that names file, place and mending; what is none, or what a named
option admits, is read, and what the option leaves out is counted.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cbat.cli import main

TOP = Path(__file__).resolve().parents[2]
NOBODY = 65534
"""User without rights, in every Linux."""

CONTIGS = {f"chr{number}": 6000 for number in range(1, 6)}
LINES = {"a": "train", "b": "train", "u": "unseen"}
HEADER = "enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label"
ABC_HEADER = "chr start end TargetGeneTSS ABC.Score"
BEDPE_HEADER = "chrom1 start1 end1 chrom2 start2 end2 label"
FAR_APART = "chr1 1000 1150 chr1 3500 3700 0"
CONFIG = """\
simulation: null
cell_lines: lines.tsv
tissues: tissues.tsv
genome: {fasta: genome.fa}
elements: {enhancer_window: 100, promoter_window: 200}
splits: {train: [chr1, chr2], validation: [chr3], test: [chr4]}
"""


class Inputs:
    """Sound inputs in a directory of their own, to be spoiled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.copytree(TOP / "config", directory / "config")
        rng = np.random.default_rng(5)
        self.write("genome.fa", "".join(f">{name}\n{_bases(rng, n)}\n" for name, n in CONTIGS.items()))
        sheet = ["cell_line tissue role sex condition pairs pairs_format enhancers promoters"]
        for line, role in LINES.items():
            sheet.append(f"{line} blood {role} male normal {line}.tsv cbat {line}.enh.bed {line}.prom.bed")
            chroms = [chrom for chrom in CONTIGS if chrom != "chr5"]
            pairs = [
                f"{chrom} {1000 * k} {1000 * k + 150} {chrom} {1000 * k + 500} {1000 * k + 700} {(k + j) % 2}"
                for j, chrom in enumerate(chroms)
                for k in range(1, 5)
            ]
            self.write(f"{line}.tsv", _tabs([HEADER, *pairs]))
            self.write(f"{line}.enh.bed", _tabs([f"{c} {k} {k + 120}" for c in chroms for k in (1015, 2015)]))
            self.write(f"{line}.prom.bed", _tabs([f"{c} {k} {k + 90}" for c in chroms for k in (1555, 2555)]))
        self.write("lines.tsv", _tabs(sheet))
        self.write("tissues.tsv", _tabs(["tissue germ_layer parent", "blood mesoderm ."]))
        self.write("my.yaml", CONFIG)

    def path(self, name: str) -> Path:
        return self.directory / name

    def write(self, name: str, text: str) -> None:
        self.path(name).write_bytes(text.encode())

    def read(self, name: str) -> str:
        return self.path(name).read_bytes().decode()

    def edit(self, name: str, old: str, new: str) -> None:
        assert old in self.read(name)
        self.write(name, self.read(name).replace(old, new, 1))

    def line(self, name: str, number: int, text: str) -> None:
        """Replace line ``number``, from 1; fields are separated by spaces."""
        lines = self.read(name).split("\n")
        lines[number - 1] = "\t".join(text.split())
        self.write(name, "\n".join(lines))

    def pack(self, name: str, *, cut: int = 0) -> None:
        """Compress a file in place, and cut bytes from its end."""
        packed = gzip.compress(self.path(name).read_bytes())
        self.path(name).write_bytes(packed[: len(packed) - cut])

    def files(self) -> set[str]:
        return {str(path) for path in self.directory.rglob("*")}


def _bases(rng: np.random.Generator, length: int) -> str:
    return "\n".join("".join(rng.choice(list("ACGT"), size=60)) for _ in range(length // 60))


def _tabs(rows: list[str]) -> str:
    return "".join("\t".join(row.split()) + "\n" for row in rows)


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inputs]:
    monkeypatch.chdir(tmp_path)
    yield Inputs(tmp_path)
    for path in tmp_path.rglob("*"):
        path.chmod(0o755)


def check() -> int:
    return main(["check_inputs", "config/config.yaml", "my.yaml"])


def test_sound_inputs_are_counted(inputs: Inputs, capsys) -> None:
    before = inputs.files()
    assert check() == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["cell", "line", "pairs", "contacts", "left", "out"],
        *([line, "16", "8", "0"] for line in LINES),
        [],
        ["cell", "line", "split", "contacts", "others"],
        *(
            [line, split, n, n]
            for line in LINES
            for split, n in (("train", "4"), ("validation", "2"), ("test", "2"))
        ),
        ["All", "inputs", "can", "be", "read."],
    ]
    assert inputs.files() == before


def test_all_faults_are_listed_each_with_its_file(inputs: Inputs, capsys) -> None:
    inputs.line("a.tsv", 3, "chr1 x 1135 chr1 1555 1645 1")
    inputs.line("a.enh.bed", 1, "chr1 9 5")
    inputs.line("b.prom.bed", 2, "chr1 2")
    inputs.edit("u.tsv", "label", "lable")
    before = inputs.files()
    assert check() == 2
    first, *faults = capsys.readouterr().err.splitlines()
    assert first == "cbat check_inputs: error: 4 faults (once these are fixed, more may be found)"
    for file, line in (("a.tsv", 3), ("a.enh.bed", 1), ("b.prom.bed", 2), ("u.tsv", 1)):
        assert sum(f". {file}, line {line}: " in fault for fault in faults) == 1, file
    assert all(" Fix: " in fault for fault in faults)
    assert inputs.files() == before


def test_faults_of_predictions_are_listed_too(inputs: Inputs, capsys) -> None:
    inputs.write("new.bed", "chr1\t5\t9\nchr1\t9\t5\n")
    inputs.write("new.prom.bed", "chr1\t5\t9\tname\t0\tforward\n")
    inputs.write("my.yaml", CONFIG + "predictions: {n: {enhancers: new.bed, promoters: new.prom.bed}}\n")
    assert check() == 2
    said = capsys.readouterr().err
    assert "2 faults" in said
    assert "new.bed, line 2: " in said
    assert "new.prom.bed, line 1: " in said


def test_lines_whose_support_is_drawn_from_their_pairs_are_named(inputs: Inputs, capsys) -> None:
    inputs.edit("lines.tsv", "u.enh.bed\tu.prom.bed", ".\t.")
    inputs.edit("lines.tsv", "\tb.prom.bed", "\t.")
    assert check() == 0
    said = capsys.readouterr().out
    assert "The support sets of b are drawn from the promoters of the pairs, for no file names candid" in said
    assert "The support sets of u are drawn from the enhancers and promoters of the pairs" in said


Spoil = Callable[[Inputs], object]


@dataclass(frozen=True)
class Read:
    """Said of inputs that are read: how many rows of the line ``a`` were left out, and why."""

    left_out: int = 0
    reason: str = ""


READ = Read()


def by_option(section: str, option: str, also: Spoil | None = None) -> Spoil:
    """Spoil, and set an option of a section of the configuration that admits what is spoilt."""

    def spoil(inputs: Inputs) -> None:
        if also is not None:
            also(inputs)
        if f"{section}: {{" in inputs.read("my.yaml"):
            inputs.edit("my.yaml", f"{section}: {{", f"{section}: {{{option}, ")
        else:
            inputs.write("my.yaml", inputs.read("my.yaml") + f"{section}: {{{option}}}\n")

    return spoil


def twice(inputs: Inputs) -> None:
    inputs.write("a.tsv", inputs.read("a.tsv") + inputs.read("a.tsv").split("\n")[1] + "\n")


def both_labels(inputs: Inputs) -> None:
    row = inputs.read("a.tsv").split("\n")[1]
    inputs.write("a.tsv", inputs.read("a.tsv") + row[:-1] + str(1 - int(row[-1])) + "\n")


def both_roles(inputs: Inputs) -> None:
    inputs.line("a.enh.bed", 1, "chr1 1555 1645")


def full_of_n(inputs: Inputs) -> None:
    """The first pair of every line has an enhancer of which no base is known."""
    bases = inputs.read("genome.fa").split("\n")
    inputs.write("genome.fa", "\n".join([*bases[:16], *["N" * 60] * 5, *bases[21:]]))


def scaffold(inputs: Inputs) -> None:
    inputs.write("a.tsv", inputs.read("a.tsv") + _tabs(["GL1 100 200 GL1 300 400 1"]))
    inputs.write("names.tsv", _tabs(["given genome", "GL1 ."]))


def format_of_a(inputs: Inputs, pairs_format: str, text: str, threshold: str = ".") -> None:
    """Bring the pairs of the line ``a`` in another format."""
    header, *lines = inputs.read("lines.tsv").rstrip("\n").split("\n")
    lines = [line + "\t" + (threshold if line.startswith("a\t") else ".") for line in lines]
    rows = [header + "\tscore_threshold", *lines]
    inputs.write("lines.tsv", "\n".join(rows).replace("a.tsv\tcbat", f"a.tsv\t{pairs_format}") + "\n")
    inputs.write("a.tsv", text)


CASES: dict[str, tuple[Spoil, str | Read]] = {
    # Positions and names.
    "contigs named in another style": (
        lambda i: i.write("a.tsv", i.read("a.tsv").replace("\tchr", "\t").replace("\nchr", "\n")),
        "a.tsv, line 2: chromosomes are named like '1' here, but like 'chr1'",
    ),
    "an unknown contig in the pairs": (
        lambda i: i.line("a.tsv", 3, "chrUn 1000 1150 chrUn 1500 1700 1"),
        "a.tsv, line 3: the genome has no contig 'chrUn'",
    ),
    "a promoter past the end of its chromosome": (
        lambda i: i.line("u.tsv", 2, "chr1 1000 1150 chr1 6000 6101 1"),
        "u.tsv, line 2: 1 of 16 promoters lie beyond the end of their contig, such as chr1:6000-6101",
    ),
    "a candidate past the end of its chromosome": (
        lambda i: i.line("a.enh.bed", 2, "chr1 6000 6100"),
        "such as chr1:6000-6100 (chr1 is 6000 bp long in the genome); all others fit",
    ),
    "a promoter over the end of its chromosome": (
        lambda i: i.line("u.tsv", 2, "chr1 1000 1150 chr1 5900 6001 1"),
        READ,
    ),
    "a candidate over the end of its chromosome": (
        lambda i: i.line("a.enh.bed", 2, "chr1 5990 6100"),
        READ,
    ),
    "start equal to end": (
        lambda i: i.line("a.tsv", 2, "chr1 1000 1000 chr1 1500 1700 1"),
        "a.tsv, line 2: the enhancer chr1:1000-1000 ends where or before it starts",
    ),
    "start after end in a BED": (
        lambda i: i.line("b.prom.bed", 1, "chr1 1700 1500"),
        "b.prom.bed, line 1: the interval chr1:1700-1500 ends",
    ),
    "a negative position": (
        lambda i: i.line("a.tsv", 5, "chr1 -10 1150 chr1 1500 1700 1"),
        "a.tsv, line 5: enhancer_start is '-10'",
    ),
    "a position with a thousands separator": (
        lambda i: i.line("a.enh.bed", 3, "chr2 1,015 1135"),
        "a.enh.bed, line 3: start is '1,015'",
    ),
    "swapped columns": (
        lambda i: i.line("a.tsv", 2, "1000 chr1 1150 chr1 1500 1700 1"),
        "a.tsv, line 2: enhancer_start is 'chr1'",
    ),
    # Tables.
    "an empty file": (lambda i: i.write("b.tsv", ""), "b.tsv: the file is empty"),
    "a header and nothing else": (
        lambda i: i.write("b.tsv", _tabs([HEADER])),
        "b.tsv: the table has a header but no rows",
    ),
    "no header": (
        lambda i: i.write("a.tsv", i.read("a.tsv").split("\n", 1)[1]),
        "a.tsv, line 1: the header has no column enhancer_chrom",
    ),
    "another delimiter": (
        lambda i: i.write("a.tsv", i.read("a.tsv").replace("\t", ",")),
        "a.tsv, line 1: the columns are separated by commas, not by tabs",
    ),
    "a row with too few fields": (
        lambda i: i.line("a.tsv", 4, "chr1 1000 1150 chr1 1500 1700"),
        "a.tsv, line 4: the line has 6 fields where the first line has 7",
    ),
    "a label that is none": (
        lambda i: i.line("a.tsv", 2, "chr1 1000 1150 chr1 1500 1700 yes"),
        "a.tsv, line 2: label is 'yes'",
    ),
    "a table saved as UTF-16": (
        lambda i: i.path("a.tsv").write_bytes(i.read("a.tsv").encode("utf-16")),
        "a.tsv, line 1: this is UTF-16 text, not UTF-8 text",
    ),
    "a letter that is no UTF-8": (
        lambda i: i.path("a.tsv").write_bytes(i.path("a.tsv").read_bytes() + b"# caf\xe9\n"),
        "a.tsv, line 18: the byte 0xe9 is not UTF-8 text",
    ),
    "a workbook of Excel": (
        lambda i: i.path("a.tsv").write_bytes(b"PK\x03\x04" + bytes(300)),
        "a.tsv, line 1: this is a zip archive or an Excel workbook",
    ),
    "zero bytes at the end": (
        lambda i: i.path("a.tsv").write_bytes(i.path("a.tsv").read_bytes() + bytes(300)),
        "a.tsv, line 18: the file holds zero bytes",
    ),
    "a BED with a header": (
        lambda i: i.write("a.enh.bed", _tabs(["chrom start end"]) + i.read("a.enh.bed")),
        "a.enh.bed, line 1: start is 'start': this is a header, and a BED has none",
    ),
    "a BED where pairs are expected": (
        lambda i: i.edit("lines.tsv", "a.tsv", "a.enh.bed"),
        "a.enh.bed, line 1: the header has no column enhancer_chrom",
    ),
    "truncated gzip": (
        lambda i: i.pack("a.tsv", cut=20),
        "a.tsv: the gzip file is truncated or damaged",
    ),
    "a truncated genome": (lambda i: i.pack("genome.fa", cut=20), "genome.fa: the gzip file is truncated"),
    "BED fields separated by spaces": (
        lambda i: i.write("a.enh.bed", i.read("a.enh.bed").replace("\t", " ")),
        "a.enh.bed, line 1: the columns are separated by spaces, not by tabs",
    ),
    # Labels.
    "a pair twice": (
        lambda i: i.line("a.tsv", 3, "chr1 1000 1150 chr1 1500 1700 1"),
        "is listed twice (lines 2 and 3)",
    ),
    "a pair with both labels": (
        lambda i: i.line("a.tsv", 3, "chr1 1000 1150 chr1 1500 1700 0"),
        "is listed with both labels (lines 2 and 3)",
    ),
    "a line without contacts": (
        lambda i: i.write("u.tsv", i.read("u.tsv").replace("\t1\n", "\t0\n")),
        "u.tsv: the cell line 'u' has not both labels left",
    ),
    "a line with contacts only": (
        lambda i: i.write("u.tsv", i.read("u.tsv").replace("\t0\n", "\t1\n")),
        "u.tsv: the cell line 'u' has not both labels left",
    ),
    "a line whose pairs are all too far apart": (
        lambda i: i.write("my.yaml", CONFIG + "labels: {max_distance: 10}\n"),
        "a.tsv: the cell line 'a' has not both labels left",
    ),
    # Candidates.
    "a line without candidates on the splits": (
        lambda i: i.write("u.enh.bed", "chr5\t100\t200\n"),
        "u.enh.bed: the cell line 'u' has no enhancer on any chromosome of the splits",
    ),
    "an empty BED": (lambda i: i.write("u.enh.bed", ""), "u.enh.bed: the file is empty"),
    "one element in both roles": (
        lambda i: i.line("a.enh.bed", 1, "chr1 1555 1645"),
        "a.enh.bed, line 1: chr1:1555-1645 is an enhancer of a and a promoter as well (a.prom.bed, line 1)",
    ),
    "windows full of N": (
        full_of_n,
        "of 1 of 16 enhancers the genome knows no base: their windows are full of N, the first at chr1:1025",
    ),
    "a genome full of N": (
        by_option(
            "elements",
            "max_n: 0.5",
            lambda i: i.write("genome.fa", "".join(f">{c}\n{'N' * n}\n" for c, n in CONTIGS.items())),
        ),
        "a.enh.bed: the cell line 'a' has no enhancer on any chromosome of the splits whose sequence is",
    ),
    # Genome.
    "a genome that is no FASTA": (
        lambda i: i.write("genome.fa", "chr1\t100\n"),
        "genome.fa: this is not a FASTA file",
    ),
    "a genome of protein": (
        lambda i: i.write(
            "genome.fa", "".join(f">{c}\n{'MKLVPEQF' * (n // 8)}\n" for c, n in CONTIGS.items())
        ),
        "the sequence has letters that are not bases (E, F, L, P, Q), as proteins have",
    ),
    "a contig twice in the genome": (
        lambda i: i.edit("genome.fa", ">chr2\n", ">chr1\n"),
        "genome.fa, line 102: the contig 'chr1' is already in line 1",
    ),
    "a contig without sequence": (
        lambda i: i.write("genome.fa", i.read("genome.fa") + ">chr6\n"),
        "genome.fa, line 506: the contig 'chr6' has no sequence",
    ),
    "lines of different lengths in the genome": (
        lambda i: i.edit("genome.fa", ">chr1\n", ">chr1\nACGT\n"),
        "genome.fa, line 3: inside the contig 'chr1' the lines are of different lengths",
    ),
    # Files.
    "a directory where a file is expected": (
        lambda i: (i.path("a.tsv").unlink(), i.path("a.tsv").mkdir()),
        "lines.tsv, line 2: the pairs file 'a.tsv' of the cell line 'a' is a directory",
    ),
    "a directory in place of the genome": (
        lambda i: (i.path("genome.fa").unlink(), i.path("genome.fa").mkdir()),
        "my.yaml, line 4: genome.fasta is 'genome.fa', which is a directory",
    ),
    "no read permission": (
        lambda i: i.path("a.tsv").chmod(0),
        "a.tsv: the file cannot be read (Permission denied)",
    ),
    "a file that does not exist": (
        lambda i: i.path("b.enh.bed").unlink(),
        "lines.tsv, line 3: the enhancers file 'b.enh.bed' of the cell line 'b' does not exist",
    ),
    # Sheets and configuration.
    "a chromosome in two splits": (
        lambda i: i.edit("my.yaml", "test: [chr4]", "test: [chr4, chr1]"),
        "my.yaml, line 6: the chromosome 'chr1' is in splits.train and again in",
    ),
    "a chromosome that the genome lacks": (
        lambda i: i.edit("my.yaml", "test: [chr4]", "test: [chr4, chr9]"),
        "splits.test names 'chr9', a contig that the genome does not have",
    ),
    "a tissue that the graph does not know": (
        lambda i: i.edit("lines.tsv", "u\tblood", "u\tbrain"),
        "lines.tsv, line 4: the tissue 'brain' of the cell line 'u' is not in tissues.tsv",
    ),
    "a parent that is no tissue": (
        lambda i: i.line("tissues.tsv", 2, "blood mesoderm marrow"),
        "tissues.tsv, line 2: the parent 'marrow' of the tissue 'blood' is not in the sheet",
    ),
    "parents in a circle": (
        lambda i: i.write(
            "tissues.tsv",
            _tabs(["tissue germ_layer parent", "blood mesoderm marrow", "marrow mesoderm blood"]),
        ),
        "tissues.tsv, tissue 'blood': the parents form a cycle: blood -> marrow -> blood",
    ),
    "a cell line twice": (
        lambda i: i.edit("lines.tsv", "\nb\t", "\nA\t"),
        "lines.tsv, line 3: the cell line 'A' is already in line 2",
    ),
    "one file of pairs for two cell lines": (
        lambda i: i.edit("lines.tsv", "b.tsv", "a.tsv"),
        "lines.tsv, line 3: the pairs of the cell line 'b' are those of 'a' (line 2): a.tsv",
    ),
    "a column of the sheet missing": (
        lambda i: i.edit("lines.tsv", "\tsex", ""),
        "lines.tsv, line 1: the column 'sex' is missing",
    ),
    "a role that is none": (
        lambda i: i.edit("lines.tsv", "u\tblood\tunseen", "u\tblood\ttest"),
        "lines.tsv, line 4: role is 'test'",
    ),
    "no validation pairs": (
        lambda i: [
            i.write(f"{x}.tsv", "\n".join(r for r in i.read(f"{x}.tsv").split("\n") if "chr3" not in r))
            for x in "ab"
        ],
        "lines.tsv: the cell lines of the training have 0 contacts and 0 others on the validation",
    ),
    "an unseen line without test pairs": (
        lambda i: i.write("u.tsv", "\n".join(r for r in i.read("u.tsv").split("\n") if "chr4" not in r)),
        "u.tsv: the cell line 'u' is evaluated on the test chromosomes, and has 0 contacts and 0 others",
    ),
    "a motif file that is none": (
        by_option("readout", "motifs: tissues.tsv"),
        "tissues.tsv, line 1: the first line is neither 'MEME version ...' nor '> identifier name'",
    ),
    "names of contigs that leave everything out": (
        by_option(
            "genome",
            "contig_names: names.tsv",
            lambda i: i.write("names.tsv", _tabs(["given genome", *(f"{name} ." for name in CONTIGS)])),
        ),
        "a.enh.bed: the cell line 'a' has no enhancer on any chromosome of the splits",
    ),
    "an unknown key": (
        lambda i: i.write("my.yaml", CONFIG + "element: {}\n"),
        "my.yaml, line 7: unknown key 'element' (did you mean 'elements'?)",
    ),
    "a sheet with spaces for tabs": (
        lambda i: i.write("lines.tsv", i.read("lines.tsv").replace("\t", " ")),
        "lines.tsv, line 1: the header holds no tab",
    ),
    # Formats of pairs.
    "a format that the pairs do not have": (
        lambda i: i.edit("lines.tsv", "a.tsv\tcbat", "a.tsv\tbengi"),
        "a.tsv, line 1: the first row has 7 fields, not 10",
    ),
    "scores without a threshold": (
        lambda i: format_of_a(i, "abc", _tabs([ABC_HEADER, "chr1 10 20 99 0.5"])),
        "lines.tsv, line 2: pairs in the format abc have scores and no labels",
    ),
    "a threshold beside labels": (
        lambda i: format_of_a(i, "cbat", i.read("a.tsv"), "0.5"),
        "lines.tsv, line 2: pairs in the format cbat have no scores, but score_threshold is given",
    ),
    "a score that is none": (
        lambda i: format_of_a(i, "abc", _tabs([ABC_HEADER, "chr1 10 20 99 high"]), "0.5"),
        "a.tsv, line 2: ABC.Score is 'high'",
    ),
    "loops with labels": (
        lambda i: format_of_a(i, "loops", _tabs([BEDPE_HEADER, "chr1 1000 1200 chr1 1500 1700 0"])),
        "a.tsv: the table has labels, which loops do not",
    ),
    "a name of an interaction that is cut short": (
        lambda i: format_of_a(i, "enhanceratlas", "chr1:1000-1150_ENSG1$A$chr1\t0.5\n"),
        "a.tsv, line 1: the interaction is 'chr1:1000-1150_ENSG1$A$chr1'",
    ),
    "a line that lists contacts alone": (
        lambda i: format_of_a(i, "enhanceratlas", "chr1:1000-1150_ENSG1$A$chr1$1601$+\t0.5\n"),
        "its file lists only contacts: set labels.negatives to natural, distance_matched or element_b",
    ),
    # What is no mistake.
    "line ends of Windows": (lambda i: i.write("a.tsv", i.read("a.tsv").replace("\n", "\r\n")), READ),
    "gzip": (lambda i: [i.pack(name) for name in ("a.tsv", "a.enh.bed", "genome.fa")], READ),
    "soft-masked bases": (lambda i: i.write("genome.fa", i.read("genome.fa").lower()), READ),
    "IUPAC codes": (lambda i: i.write("genome.fa", i.read("genome.fa").replace("ACG", "RYK")), READ),
    "file names with spaces": (
        lambda i: (
            i.path("a.tsv").rename(i.path("my pairs.tsv")),
            i.edit("lines.tsv", "a.tsv", "my pairs.tsv"),
        ),
        READ,
    ),
    "an unindexed genome in a folder that cannot be written to": (
        lambda i: (i.path("genome.fa.fai").unlink(missing_ok=True), i.directory.chmod(0o555)),
        READ,
    ),
    "an index of another genome": (lambda i: i.write("genome.fa.fai", "chr1\t10\t6\t10\t11\n"), READ),
    "an index that is older than the genome": (
        lambda i: (
            i.write("genome.fa.fai", "chr1\t5999\t6\t60\t61\n"),
            os.utime(i.path("genome.fa.fai"), (1, 1)),
        ),
        READ,
    ),
    # What a named option admits, and counts.
    "a pair twice, dropped": (by_option("labels", "duplicate_pairs: drop", twice), Read(1, "listed_again")),
    "a pair with both labels, dropped": (
        by_option("labels", "conflicting_pairs: drop", both_labels),
        Read(2, "with_both_labels"),
    ),
    "one element in both roles, kept": (by_option("elements", "both_roles: keep", both_roles), READ),
    "windows full of N, left out": (
        by_option("elements", "max_n: 0.9", full_of_n),
        Read(1, "without_sequence"),
    ),
    "a contig that the genome lacks, left out by name": (
        by_option("genome", "contig_names: names.tsv", scaffold),
        Read(1, "on_contigs_left_out_by_name"),
    ),
    "pairs that are too far apart, left out": (
        by_option("labels", "max_distance: 600", lambda i: i.line("a.tsv", 2, FAR_APART)),
        Read(1, "farther_than_max_distance"),
    ),
    "weak interactions, left out": (
        by_option(
            "labels",
            "negatives: natural",
            lambda i: format_of_a(
                i,
                "enhanceratlas",
                "".join(
                    f"{c}:{1000 * k}-{1000 * k + 150}_E$A${c}${1000 * k + 600}$+\t{k}\n"
                    for c in ("chr1", "chr2", "chr3", "chr4")
                    for k in range(1, 5)
                ),
                "2",
            ),
        ),
        Read(4, "below_score_threshold"),
    ),
}


@contextmanager
def without_rights(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be nobody, who cannot read what the owner alone may; all that is needed is imported before."""
    assert check() in (0, 2)
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "inputs"
        shutil.copytree(inputs.directory, copy)
        for folder in (Path(temporary), copy, copy / "config"):
            folder.chmod(0o755)
        monkeypatch.chdir(copy)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)
            monkeypatch.undo()


def test_the_table_is_long_enough() -> None:
    mistakes = [expected for _, expected in CASES.values() if isinstance(expected, str)]
    assert len(mistakes) >= 30
    assert len(set(mistakes)) == len(mistakes) - 1, "one message each, but for lines without both labels"


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(inputs: Inputs, capsys, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    spoil, expected = CASES[name]
    spoil(inputs)
    before = inputs.files()
    if name == "no read permission":
        with without_rights(inputs, monkeypatch):
            capsys.readouterr()
            status = check()
    else:
        status = check()
    output, message = capsys.readouterr()
    assert inputs.files() == before, "nothing stays behind"
    assert "Traceback" not in message
    if isinstance(expected, Read):
        assert status == 0, message
        of_lines, *_ = output.split("\n\n")
        (counted,) = (line.split() for line in of_lines.splitlines() if line.startswith("a "))
        assert counted[-1] == str(expected.left_out)
        if expected.reason:
            assert f"a: left out {expected.left_out} {expected.reason}." in output
        return
    assert status == 2
    assert expected in message
    assert message.count("Fix:") == len(message.splitlines()) - (" faults (" in message)
    # The message names a file of the user, and none that is gone by now.
    assert any(name in message for name in ("tsv", "bed", "yaml", "genome.fa", "splits.", "chr1:1025"))
    assert "cbat_check_inputs_" not in message


def test_the_workflow_stops_at_the_same_mistake_before_any_training(inputs: Inputs, checkout) -> None:
    """The last line of the sheet is the one that is wrong: its file is read before anything is trained."""
    inputs.write("u.tsv", inputs.read("u.tsv").replace("\t0\n", "\t1\n"))
    done = checkout.snakemake("--cores", "1", "--configfile", "my.yaml")
    assert done.returncode == 1
    log = (checkout.directory / "logs/label_pairs/u.log").read_text()
    assert "the cell line 'u' has not both labels left" in log
    assert not (checkout.directory / "results/encoders").exists()
    assert not (checkout.directory / "results/labels/u.parquet").exists()
