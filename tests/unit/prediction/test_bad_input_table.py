"""The table of what users bring to ``cbat predict``: each mistake is one message, and leaves nothing behind.

Every case starts from a small cell line that can be predicted, spoils one thing, and calls the command.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cbat.cli import main

NOBODY = 65534
"""User without rights, in every Linux."""
FEW = 40
"""Of all elements that many or some more, of every chromosome."""


class Command:
    """Sound inputs in a directory of their own, and the command line that predicts from them."""

    def __init__(self, world, directory: Path) -> None:
        self.directory = directory
        shutil.copytree(world.model, self.path("model"))
        shutil.copy(world.fasta, self.path("genome.fa"))
        for role in ("enhancers", "promoters"):
            with gzip.open(world.raw(f"{role}.bed.gz"), "rt") as raw:
                rows = [line.split("\t")[:3] for line in raw.read().splitlines()]
            self.write(f"{role}.bed", _tabs(rows[:: max(1, len(rows) // FEW)]))
        pairs = pd.read_csv(world.raw("pairs.tsv.gz"), sep="\t").iloc[::20]
        pairs.to_csv(self.path("pairs.tsv"), sep="\t", index=False)
        lines = ["new", "blood_1", "liver_1"]
        self.write("near.tsv", _tabs([["", *lines], *([one, "0.5", "0.5", "0.5"] for one in lines)]))
        self.options = {
            "model": "model", "genome": "genome.fa", "candidates": "enhancers.bed",
            "promoters": "promoters.bed", "directory": "out", "cell-line": "new",
        }  # fmt: skip

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

    def pairs(self, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Calibrate with pairs that are changed so."""
        change(pd.read_csv(self.path("pairs.tsv"), sep="\t")).to_csv(
            self.path("pairs.tsv"), sep="\t", index=False
        )
        self.give(calibrate="pairs.tsv")

    def describe(self, **over: object) -> None:
        """Change the description of the model, with hashes that fit."""
        path = self.path("model/model.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | over))
        names = ("MODEL_CARD.md", "model.json", "model.safetensors")
        digests = {
            name: hashlib.sha256(self.path(f"model/{name}").read_bytes()).hexdigest() for name in names
        }
        self.write("model/SHA256SUMS", "".join(f"{digest}  {name}\n" for name, digest in digests.items()))

    def give(self, **options: str) -> None:
        self.options |= {name.replace("_", "-"): value for name, value in options.items()}

    def run(self) -> int:
        return main(["predict", *(f"--{name}={value}" for name, value in self.options.items())])

    def files(self) -> set[str]:
        return {str(path.relative_to(self.directory)) for path in self.directory.rglob("*")}


def _tabs(rows: list[list[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


@pytest.fixture
def command(world, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(world, tmp_path)


Spoil = Callable[[Command], object]

REFUSED: dict[str, tuple[Spoil, str]] = {
    # Candidates.
    "an empty file": (lambda c: c.write("enhancers.bed", ""), "enhancers.bed: the file is empty"),
    "only comments": (
        lambda c: c.write("promoters.bed", "# nothing\n"),
        "promoters.bed: the file contains only comments",
    ),
    "a file that is not there": (
        lambda c: c.give(candidates="none.bed"),
        "none.bed: the file cannot be read (No such file",
    ),
    "a directory": (
        lambda c: c.give(promoters="model"),
        "model: the file cannot be read (Is a directory",
    ),
    "start after end": (
        lambda c: c.line("enhancers.bed", 3, "chr1 900 800"),
        "enhancers.bed, line 3: the interval chr1:900-800 ends where or before it starts",
    ),
    "start at the end": (
        lambda c: c.line("promoters.bed", 2, "chr1 900 900"),
        "promoters.bed, line 2: the interval chr1:900-900 ends where or before it starts",
    ),
    "a negative start": (lambda c: c.line("enhancers.bed", 1, "chr1 -5 300"), "line 1: start is '-5'"),
    "a start with a point": (lambda c: c.line("enhancers.bed", 1, "chr1 5.0 300"), "line 1: start is '5.0'"),
    "a header line": (
        lambda c: c.write("enhancers.bed", "chrom\tstart\tend\n" + c.read("enhancers.bed")),
        "line 1: start is 'start'",
    ),
    "swapped columns": (lambda c: c.line("enhancers.bed", 2, "100 chr1 400"), "line 2: start is 'chr1'"),
    "two columns": (
        lambda c: c.write("enhancers.bed", "chr1\t10\n"),
        "the first row has 2 fields, not at least 3",
    ),
    "commas": (
        lambda c: c.write("promoters.bed", c.read("promoters.bed").replace("\t", ",")),
        "promoters.bed, line 1: the columns are separated by commas, not by tabs",
    ),
    "spaces": (
        lambda c: c.write("enhancers.bed", c.read("enhancers.bed").replace("\t", " ")),
        "enhancers.bed, line 1: the columns are separated by spaces, not by tabs",
    ),
    "no text": (lambda c: c.path("enhancers.bed").write_bytes(b"chr1\t1\t\xff\xfe\n"), "UTF-8"),
    "a truncated gzip": (
        lambda c: c.pack("enhancers.bed", cut=12),
        "enhancers.bed: the gzip file is truncated or damaged",
    ),
    "contigs of another style": (
        lambda c: c.write("enhancers.bed", c.read("enhancers.bed").replace("chr", "")),
        "enhancers.bed, line 1: chromosomes are named like '1' here, but like 'chr1' in the genome",
    ),
    "contigs of another genome": (
        lambda c: c.write("promoters.bed", "scaffold_7\t10\t500\n"),
        "promoters.bed, line 1: the genome has no contig 'scaffold_7'",
    ),
    "another assembly": (
        lambda c: c.line("enhancers.bed", 2, "chr1 9000000 9000300"),
        "enhancers.bed, line 2: 1 of 47 enhancers lie beyond the end of their contig",
    ),
    "genes as enhancers": (
        lambda c: c.write("enhancers.bed", 'chr1\tme\tgene\t100\t900\t.\t+\t.\tgene_id "G";\n'),
        "this is a GTF; enhancers must be in BED format",
    ),
    "a GTF without genes": (
        lambda c: c.write("promoters.bed", 'chr1\tme\tstop_codon\t100\t900\t.\t+\t.\tgene_id "G";\n'),
        "promoters.bed: the file has no genes, transcripts, exons or coding parts",
    ),
    "a gene without a strand": (
        lambda c: c.write("promoters.bed", 'chr1\tme\tgene\t100\t900\t.\t.\t.\tgene_id "G";\n'),
        "promoters.bed: none of the 1 genes has a strand",
    ),
    # Genome.
    "no genome": (lambda c: c.give(genome="none.fa"), "none.fa: the file cannot be read (No such file"),
    "a genome that is a directory": (
        lambda c: c.give(genome="model"),
        "model: the file cannot be read (Is a directory",
    ),
    "an empty genome": (lambda c: c.write("genome.fa", ""), "genome.fa: this is not a FASTA file"),
    "a BED as the genome": (lambda c: c.give(genome="enhancers.bed"), "this is not a FASTA file"),
    "a truncated genome": (
        lambda c: c.pack("genome.fa", cut=20),
        "genome.fa: the gzip file is truncated or damaged",
    ),
    "a contig twice": (
        lambda c: c.write("genome.fa", c.read("genome.fa") + ">chr1\nACGT\n"),
        "the contig 'chr1' is already in line 1",
    ),
    "a contig without sequence": (
        lambda c: c.write("genome.fa", ">empty\n" + c.read("genome.fa")),
        "genome.fa, line 1: the contig 'empty' has no sequence",
    ),
    # Model directory.
    "no model": (lambda c: c.give(model="none"), "there is no model and no folder called 'none'"),
    "a folder without a model": (
        lambda c: c.path("model/SHA256SUMS").unlink(),
        "model: this is not a model directory, or not all of it",
    ),
    "a changed model": (
        lambda c: c.write("model/model.json", c.read("model/model.json") + " "),
        "model/model.json: the file was changed or damaged",
    ),
    "a changed card": (
        lambda c: c.write("model/MODEL_CARD.md", "# The best\n"),
        "model/MODEL_CARD.md: the file was changed or damaged",
    ),
    "a model of another version": (
        lambda c: c.describe(schema_version=99),
        "model/model.json: the schema version is 99, and this version of cbat reads 2",
    ),
    "a model for other windows": (
        lambda c: c.give(enhancer_window="1000"),
        "model: the model was trained for enhancer windows of 300 bp, but 1000 bp are requested",
    ),
    # Options.
    "distances without pairs": (
        lambda c: c.give(min_distance="10", max_distance="5"),
        "the shortest distance (10 bp) is above the longest (5 bp)",
    ),
    "a negative distance": (lambda c: c.give(min_distance="-1"), "min_distance"),
    "no threads": (lambda c: c.give(threads="0"), "the number of threads is 0"),
    "a negative support set": (lambda c: c.give(support_size="-3"), "support_size"),
    "a name with spaces": (lambda c: c.give(cell_line="my line"), "the cell line is called 'my line'"),
    "a name that is a path": (lambda c: c.give(cell_line="../x"), "the cell line is called '../x'"),
    "a chromosome that is not there": (
        lambda c: c.give(chromosomes="chr9"),
        "the chromosome 'chr9' is requested, a contig that the genome does not have",
    ),
    "a chromosome without candidates": (
        lambda c: (
            c.write("enhancers.bed", "\n".join(c.read("enhancers.bed").splitlines()[:2]) + "\n"),
            c.give(chromosomes="chr5"),
        ),
        "no enhancer lies on a predicted chromosome",
    ),
    "a folder that is a file": (
        lambda c: c.give(directory="pairs.tsv"),
        "pairs.tsv: this is a file, and files are to be written into a folder",
    ),
    # Tables that need not be given.
    "similarities without the line": (
        lambda c: (
            c.write("near.tsv", c.read("near.tsv").replace("new", "old")),
            c.give(similarity="near.tsv"),
        ),
        "near.tsv: it has no similarity between 'new' and a training line",
    ),
    "similarities that are not square": (
        lambda c: (c.line("near.tsv", 2, "other 1 1 1"), c.give(similarity="near.tsv")),
        "near.tsv: the table is not square",
    ),
    "a similarity that is no number": (
        lambda c: (c.line("near.tsv", 2, "new 1 much 1"), c.give(similarity="near.tsv")),
        "near.tsv, line 2: the similarity of 'new' and 'blood_1' is 'much'",
    ),
    "a support set of strangers": (
        lambda c: (
            c.write("support.tsv", "role\telement_id\nenhancer\tchr1:1-301\n"),
            c.give(support="support.tsv"),
        ),
        "support.tsv, line 2: the enhancer chr1:1-301 is none of the candidates",
    ),
    "a support set without a header": (
        lambda c: (c.write("support.tsv", "enhancer\tchr1:1-301\n"), c.give(support="support.tsv")),
        "support.tsv",
    ),
    "an element twice in a support set": (
        lambda c: (
            c.write("support.tsv", "role\telement_id\n" + 2 * f"enhancer\t{_window(c)}\n"),
            c.give(support="support.tsv"),
        ),
        "is listed twice",
    ),
    "names of contigs without a header": (
        lambda c: (c.write("names.tsv", "1\tchr1\n"), c.give(contig_names="names.tsv")),
        "names.tsv",
    ),
    # Labelled pairs.
    "no contact": (lambda c: c.pairs(lambda t: t[t["label"] == 0]), "has not both labels left"),
    "contacts only": (lambda c: c.pairs(lambda t: t[t["label"] == 1]), "has not both labels left"),
    "a label that is none": (lambda c: c.pairs(lambda t: t.assign(label="yes")), "label is 'yes'"),
    "pairs without a header": (
        lambda c: (
            c.write("pairs.tsv", "".join(c.read("pairs.tsv").splitlines(keepends=True)[1:])),
            c.give(calibrate="pairs.tsv"),
        ),
        "pairs.tsv",
    ),
    "pairs beyond the end": (
        lambda c: c.pairs(lambda t: t.assign(enhancer_end=10**7)),
        "pairs.tsv, line 2: 30 of 30 enhancers reach beyond the end of their contig, such as chr1:",
    ),
    "pairs of a format that is none": (
        lambda c: c.give(calibrate="pairs.tsv", pairs_format="tsv"),
        "pairs_format",
    ),
    "a format without labels": (
        lambda c: c.give(calibrate="pairs.tsv", pairs_format="bengi"),
        "pairs.tsv",
    ),
    "truncated pairs": (
        lambda c: (c.pack("pairs.tsv", cut=10), c.give(calibrate="pairs.tsv")),
        "pairs.tsv: the gzip file is truncated or damaged",
    ),
}


def _window(command: Command) -> str:
    """The first enhancer as the model reads it."""
    chrom, start, end = command.read("enhancers.bed").split("\n")[0].split("\t")
    centre = (int(start) + int(end)) // 2
    return f"{chrom}:{centre - 150}-{centre + 150}"


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_mistake_is_one_message_and_leaves_nothing_behind(command: Command, case: str, capsys) -> None:
    spoil, expected = REFUSED[case]
    spoil(command)
    before = command.files()
    assert command.run() == 2
    told = capsys.readouterr().err
    messages = [line for line in told.splitlines() if line.startswith("cbat predict: error: ")]
    assert len(messages) == 1
    assert expected in messages[0]
    assert messages[0].count("Fix: ") == 1
    assert "Traceback" not in told
    assert command.files() == before


def test_no_right_to_read_or_write(command: Command, capsys) -> None:
    """Root may read everything, so for the while of the command it is nobody."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(shutil.copytree(command.directory, Path(temporary) / "work"))
        for path in (Path(temporary), directory, *directory.rglob("*")):
            path.chmod(0o755)
        os.chdir(directory)
        for spoilt, expected in (("enhancers.bed", "ermission"), (".", "out: permission denied")):
            mode = 0o555 if spoilt == "." else 0o000
            (directory / spoilt).chmod(mode)
            root = os.geteuid() == 0
            if root:
                os.seteuid(NOBODY)
            try:
                assert command.run() == 2
            finally:
                if root:
                    os.seteuid(0)
                (directory / spoilt).chmod(0o755)
            told = capsys.readouterr().err
            assert expected in told
            assert told.count("Fix: ") == 1
            assert not (directory / "out").exists()
        os.chdir(command.directory)


ACCEPTED: dict[str, Spoil] = {
    "line ends of Windows": lambda c: [
        c.write(name, c.read(name).replace("\n", "\r\n")) for name in ("enhancers.bed", "promoters.bed")
    ],
    "gzip": lambda c: [c.pack(name) for name in ("enhancers.bed", "promoters.bed", "genome.fa")],
    "soft-masked bases": lambda c: c.write("genome.fa", c.read("genome.fa").lower()),
    "file names with spaces": lambda c: (
        c.path("enhancers.bed").rename(c.path("my peaks.bed")),
        c.give(candidates="my peaks.bed"),
    ),
    "a stale index": lambda c: c.write("genome.fa.fai", "chr1\t10\t6\t10\t11\n"),
    "intervals twice": lambda c: c.write("enhancers.bed", 2 * c.read("enhancers.bed")),
    "another order": lambda c: c.write(
        "promoters.bed", "\n".join(reversed(c.read("promoters.bed").splitlines())) + "\n"
    ),
    "lines for a browser": lambda c: c.write(
        "enhancers.bed", "browser hide all\ntrack name=x\n# mine\n" + c.read("enhancers.bed")
    ),
    "no end of the last line": lambda c: c.write("enhancers.bed", c.read("enhancers.bed").rstrip("\n")),
    "contigs that a genome without them lacks": lambda c: c.write(
        "enhancers.bed", c.read("enhancers.bed") + "chrY\t10\t300\n"
    ),
    "names of contigs that are mapped": lambda c: (
        c.write("enhancers.bed", c.read("enhancers.bed").replace("chr", "")),
        c.write("names.tsv", "given\tgenome\n" + "".join(f"{n}\tchr{n}\n" for n in range(1, 6))),
        c.give(contig_names="names.tsv"),
    ),
}


@pytest.fixture(scope="module")
def sound(world, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """All scores of the inputs that nobody has spoilt."""
    command = Command(world, tmp_path_factory.mktemp("sound"))
    before = Path.cwd()
    os.chdir(command.directory)
    try:
        assert command.run() == 0
    finally:
        os.chdir(before)
    return pd.read_parquet(command.path("out/pairs"))


@pytest.mark.parametrize("case", sorted(ACCEPTED))
def test_what_looks_odd_but_is_fine_gives_the_same_scores(
    command: Command, sound: pd.DataFrame, case: str
) -> None:
    ACCEPTED[case](command)
    assert command.run() == 0
    pd.testing.assert_frame_equal(pd.read_parquet(command.path("out/pairs")), sound)


def test_letters_that_are_no_bases_count_as_unknown(command: Command, sound: pd.DataFrame) -> None:
    found = []
    for letter in ("RYKM", "NNNN"):
        command.write("genome.fa", command.read("genome.fa").replace("ACGT", letter))
        command.give(directory=f"out_{letter}")
        assert command.run() == 0
        found.append(pd.read_parquet(command.path(f"out_{letter}/pairs")))
        command.write("genome.fa", command.read("genome.fa").replace(letter, "ACGT"))
    pd.testing.assert_frame_equal(*found)
    assert (found[0]["score"] != sound["score"]).any()


def test_a_pair_with_both_labels_is_dropped_and_counted(command: Command) -> None:
    command.pairs(lambda t: pd.concat([t, t.iloc[:1].assign(label=1 - t["label"].iloc[0]), t.iloc[3:5]]))
    assert command.run() == 0
    report = json.loads(command.read("out/calibration.json"))
    assert report["left_out"] == {"with_both_labels": 2, "listed_again": 2}


def test_elements_of_which_none_lie_near_each_other(command: Command) -> None:
    """No pair at all is an answer, with a caution."""
    command.give(max_distance="1")
    assert command.run() == 0
    assert len(pd.read_parquet(command.path("out/pairs"))) == 0
    warnings = json.loads(command.read("out/environment.json"))["warnings"]
    assert "no_pairs" in {one["kind"] for one in warnings}
    with gzip.open(command.path("out/predictions.bedpe.gz"), "rt") as table:
        assert table.read().startswith("#chrom1\t")
