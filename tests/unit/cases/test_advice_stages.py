"""What the stages of a run advise, on settings and on what a sheet names, is done as they say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from advice import advised

from cbat.config.models import ModelSettings
from cbat.config.sections import (
    ElementSettings,
    EvaluationSettings,
    FigureSettings,
    LabelSettings,
    LandscapeSettings,
    SimulationSettings,
    SplitSettings,
    TrainingSettings,
)
from cbat.config.sheets import read_cell_lines
from cbat.data import elements, genome, labels
from cbat.data.balance_figure import run as draw_balance
from cbat.data.elements import check_splits
from cbat.evaluation import peers
from cbat.landscape.element_signals import LineSignals, check_apart
from cbat.landscape.tracks import check_tracks
from cbat.simulation import benchmark
from cbat.training.distributed import Company, choose_device
from cbat.training.loop import check_divisible


def put(path: Path, *rows: str) -> Path:
    """Rows with fields that spaces separate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row.split()) + "\n" for row in rows))
    return path


# Simulation.


@dataclass(frozen=True)
class SimulatedLine:
    cell_line: str
    tissue: str
    role: str


MOTIFS = ["CTCF", "GATA1::TAL1", "HNF4A"]
SMALL: dict[str, Any] = {
    "motifs": MOTIFS, "n_chromosomes": 2, "n_enhancers": 60, "n_promoters": 40, "enhancer_length": 300,
    "promoter_length": 400, "gap_length": 300, "motif_rate": 0.3, "pairs_per_cell_line": 50,
}  # fmt: skip
SIMULATIONS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "elements that are too short": ({"enhancer_length": 10}, "use at least ", {"enhancer_length": 300}),
    "more chromosomes than elements": (
        {"n_chromosomes": 500},
        "ask for fewer chromosomes or for more elements",
        {"n_chromosomes": 3},
    ),
    "a motif twice": ({"motifs": [*MOTIFS, "CTCF"]}, "name each motif once", {"motifs": MOTIFS}),
    "a motif that is none": (
        {"motifs": ["CTCF", "GATAA"]},
        "use a JASPAR transcription-factor name, for example GATA1 or FOS::JUN",
        {"motifs": ["CTCF", "GATA1"]},
    ),
    "more new factors than motifs": (
        {"new_factors": 9},
        "ask for fewer, or name more motifs",
        {"new_factors": 1},
    ),
    "more pairs than there are": (
        {"pairs_per_cell_line": 1_000_000},
        "ask for fewer pairs",
        {"pairs_per_cell_line": 50},
    ),
    "more false candidates than elements": (
        {"false_candidates": 0.9},
        "lower false_candidates",
        {"false_candidates": 0.1},
    ),
}


@pytest.mark.parametrize("case", SIMULATIONS)
def test_a_simulation(tmp_path: Path, case: str) -> None:
    bad, told, good = SIMULATIONS[case]
    asked = SMALL | bad
    lines = [SimulatedLine("a", "blood", "train"), SimulatedLine("b", "liver", "unseen")]

    def simulate() -> None:
        benchmark.run(settings=SimulationSettings(**asked), lines=lines, directory=tmp_path / "made")

    advised(simulate, told, lambda: asked.update(good))


@pytest.mark.parametrize("way", ["roles", "new_factors"])
def test_new_factors_without_unseen_lines(tmp_path: Path, way: str) -> None:
    asked = SMALL | {"new_factors": 1}
    lines = [SimulatedLine("a", "blood", "train"), SimulatedLine("b", "liver", "train")]

    def simulate() -> None:
        benchmark.run(settings=SimulationSettings(**asked), lines=lines, directory=tmp_path / "made")

    if way == "roles":
        told = "give some lines of the sheet the role unseen and others the role train"
        advised(simulate, told, lambda: lines.__setitem__(1, SimulatedLine("b", "liver", "unseen")))
    else:
        advised(simulate, "or set new_factors to 0", lambda: asked.update(new_factors=0))


# Training.


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_device_that_is_not_here() -> None:
    device = ["cuda"]
    advised(
        lambda: choose_device(TrainingSettings(device=device[0])),
        "set it to 'auto' or 'cpu'",
        lambda: device.__setitem__(0, "cpu"),
    )


def test_steps_that_cannot_be_divided() -> None:
    given: dict[str, Any] = {"blocks_at_once": 2}
    model = ModelSettings(block_attention="crossing", set_encoder="isab")
    company = Company()
    advised(
        lambda: check_divisible(model, TrainingSettings(**given), company),
        "training.blocks_at_once to null",
        lambda: given.update(blocks_at_once=None),
    )


# Elements and labels of a sheet.

HEADER = "cell_line tissue role sex condition pairs pairs_format enhancers promoters"
PAIRS = "enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label"
GOOD = ("chr1 1000 1100 chr1 3000 3400 1", "chr1 2000 2100 chr1 3000 3400 0")
SIZES = {"chr1": 100_000, "chr2": 100_000, "chr3": 100_000}


class Run:
    """A sheet, its files, and the stages that read them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sheet = put(directory / "lines.tsv", HEADER, self.row())
        self.sizes = directory / "contig_sizes.tsv"
        self.sizes.write_text("contig\tlength\n" + "".join(f"{k}\t{v}\n" for k, v in SIZES.items()))
        self.splits = {"train": ["chr1"], "validation": ["chr2"], "test": ["chr3"]}
        self.elements: dict[str, Any] = {"enhancer_window": 100, "promoter_window": 200}
        self.labels: dict[str, Any] = {}
        self.genome: Path | None = None
        self.pairs(*GOOD)

    def row(self, role: str = "train", enhancers: str = ".") -> str:
        return f"a blood {role} unknown unknown {self.directory}/pairs.tsv cbat {enhancers} ."

    def pairs(self, *rows: str) -> None:
        put(self.directory / "pairs.tsv", PAIRS, *rows)

    def collect(self, cohort: str = "training") -> Path:
        made = self.directory / "elements"
        elements.run(
            cell_lines=self.sheet, cohort=cohort, contig_sizes=self.sizes, genome_fasta=self.genome,
            elements=ElementSettings(**self.elements), splits=SplitSettings(**self.splits), directory=made,
        )  # fmt: skip
        return made

    def label(self) -> None:
        labels.run(
            sheet=self.sheet, cell_line="a", elements_directory=self.collect(),
            labels=LabelSettings(**self.labels), output=self.directory / "labels.parquet",
        )  # fmt: skip


@pytest.fixture
def stages(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_cohort_without_lines(stages: Run) -> None:
    advised(
        lambda: stages.collect("unseen"),
        "unseen of unseen",
        lambda: put(stages.sheet, HEADER, stages.row("unseen")),
    )


def test_a_split_of_no_contig() -> None:
    named = {"train": ["chr1"], "validation": ["chr2"], "test": ["3"]}
    advised(
        lambda: check_splits(SplitSettings(**named), SIZES),
        "write 'chr3', as the genome does, in the configuration",
        lambda: named.update(test=["chr3"]),
    )


def test_lines_on_no_chromosome_of_a_split(stages: Run) -> None:
    stages.splits["train"] = ["chr2"]
    stages.splits["validation"] = []
    advised(
        stages.collect, "add chromosomes to the section splits", lambda: stages.splits.update(train=["chr1"])
    )


def test_a_genome_for_unknown_bases(stages: Run) -> None:
    stages.elements["max_n"] = 0.5
    (stages.directory / "genome.fa").write_text(
        "".join(f">{k}\n{'ACGT' * (v // 4)}\n" for k, v in SIZES.items())
    )

    def give() -> None:
        genome.run(fasta=stages.directory / "genome.fa", directory=stages.directory / "genome")
        stages.genome = stages.directory / "genome" / "genome.fa"

    advised(stages.collect, "give --genome-fasta as well", give)


@pytest.mark.parametrize("way", ["remove", "keep"])
def test_an_interval_of_both_roles(stages: Run, way: str) -> None:
    stages.pairs(*GOOD, "chr1 3000 3400 chr1 9000 9400 0")
    stages.elements["both_roles"] = "error"
    if way == "remove":
        advised(stages.collect, "remove it from one of the two", lambda: stages.pairs(*GOOD))
    else:
        told = "set elements.both_roles to 'keep'"
        advised(stages.collect, told, lambda: stages.elements.update(both_roles="keep"))


TWICE: dict[str, tuple[str, str, dict[str, str]]] = {
    "with both labels": (f"{GOOD[0][:-1]}0", "delete the wrong one", {}),
    "with both labels, and dropped": (
        f"{GOOD[0][:-1]}0",
        "set labels.conflicting_pairs to 'drop'",
        {"conflicting_pairs": "drop"},
    ),
    "with one label": (GOOD[0], "set labels.duplicate_pairs to 'drop'", {"duplicate_pairs": "drop"}),
}


@pytest.mark.parametrize("case", TWICE)
def test_a_pair_twice(stages: Run, case: str) -> None:
    row, told, given = TWICE[case]
    more = ("chr1 5000 5100 chr1 8000 8400 1", "chr1 6000 6100 chr1 8000 8400 0")
    stages.pairs(*GOOD, row, *more)
    stages.labels |= {"conflicting_pairs": "error", "duplicate_pairs": "error"}
    mend = (lambda: stages.labels.update(given)) if given else (lambda: stages.pairs(*GOOD, *more))
    advised(stages.label, told, mend)


@pytest.mark.parametrize("label", [1, 0])
def test_one_label_alone(stages: Run, label: int) -> None:
    stages.pairs(*(f"{row[:-1]}{label}" for row in GOOD))
    told = "or provide pairs with the label 0" if label else "provide contacts (label 1) and others (label 0)"
    advised(stages.label, told, lambda: stages.pairs(*GOOD))


def test_lengths_of_contigs_that_are_damaged(stages: Run) -> None:
    fasta = stages.directory / "genome.fa"
    fasta.write_text("".join(f">{k}\n{'ACGT' * (v // 4)}\n" for k, v in SIZES.items()))
    stages.sizes.write_text("nothing\n")

    def prepare() -> None:
        genome.run(fasta=fasta, directory=stages.directory / "genome")
        stages.sizes = stages.directory / "genome" / "contig_sizes.tsv"

    advised(stages.collect, "run prepare_genome again", prepare)


def test_a_figure_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="name at least one"):
        draw_balance(balance=[], figures=FigureSettings(), output=tmp_path / "balance.pdf")


# Tracks, signals and genes.

TRACKS = (*HEADER.split(), "active_enhancers", "insulators")


def tracked(tmp_path: Path, **files: Path | str) -> Any:
    row = f"a blood train unknown unknown {tmp_path}/pairs.tsv cbat . ."
    named = " ".join(str(files.get(kind, ".")) for kind in TRACKS[-2:])
    sheet = put(tmp_path / "lines.tsv", " ".join(TRACKS), f"{row} {named}")
    return check_tracks(read_cell_lines(sheet), LandscapeSettings(genes=Path("genes.bed")))


def test_two_files_of_the_same_peaks(tmp_path: Path) -> None:
    files: dict[str, Path | str] = {
        "active_enhancers": put(tmp_path / "e.bed", "chr1 0 10"),
        "insulators": put(tmp_path / "i.bed", "chr1 0 10"),
    }
    advised(
        lambda: tracked(tmp_path, **files),
        "or write '.' for the one that the line lacks",
        lambda: files.update(insulators="."),
    )


CANDIDATES = pd.DataFrame({"chrom": ["chr1"] * 4, "start": [0, 100, 200, 300], "end": [50, 150, 250, 350]})
NUMBERS = ("chr1 0 50 a 5", "chr1 100 150 b 6", "chr1 200 250 c 7")
SIGNALS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "far from all candidates": (
        ("chr1 9000 9100 a 5", "chr1 9200 9300 b 6"),
        "auto",
        "name a file of the same cell line and assembly",
        "auto",
    ),
    "the same everywhere": (
        tuple(f"chr1 {at} {at + 50} a 5 . {at + 1}" for at in range(0, 400, 100)),
        "5",
        "name the column of a signal in landscape.signals.accessibility",
        "7",
    ),
}


@pytest.mark.parametrize("case", SIGNALS)
def test_a_signal(tmp_path: Path, case: str) -> None:
    rows, column, told, other = SIGNALS[case]
    path = put(tmp_path / "signal.bed", *rows)
    asked = {"accessibility": column}

    def mend() -> None:
        if other == column:
            put(path, *NUMBERS)
        asked.update(accessibility=other)

    advised(lambda: LineSignals.read("a", {"accessibility": path}, asked, CANDIDATES), told, mend)


def test_one_file_as_two_signals(tmp_path: Path) -> None:
    path = put(tmp_path / "signal.bed", *NUMBERS)
    files = {"accessibility": path, "enhancer_mark": path}
    advised(
        lambda: LineSignals.read("a", files, {}, CANDIDATES),
        "or write '.' for the one that the line lacks",
        lambda: files.pop("enhancer_mark"),
    )


def test_the_signal_of_another_line(tmp_path: Path) -> None:
    files = {name: put(tmp_path / f"{name}.bed", *NUMBERS) for name in ("a", "b")}

    def check() -> None:
        check_apart(
            {
                name: LineSignals.read(name, {"accessibility": path}, {}, CANDIDATES).report
                for name, path in files.items()
            }
        )

    advised(check, "or write '.' for a signal that it lacks", lambda: files.pop("b"))


# Peers.

LABELLED = pd.DataFrame(
    {
        "enhancer_id": [f"chr1:{at}-{at + 401}" for at in range(10_000, 70_000, 1000)],
        "promoter_id": [f"chr1:{at + 5000}-{at + 5401}" for at in range(10_000, 70_000, 1000)],
        "label": [0, 1] * 30, "distance": 5000, "chrom": "chr1", "split": "test",
    }
)  # fmt: skip
PEER = "cell_line enhancer promoter score"


def peer(path: Path, line: str = "K562", shift: int = 0) -> Path:
    rows = [
        f"{line} chr1:{at + shift}-{at + shift + 401} chr1:{at + 5000 + shift}-{at + shift + 5401} 0.{at}"
        for at in range(10_000, 70_000, 1000)
    ]
    return put(path, PEER, *rows)


@pytest.mark.parametrize("way", ["another assembly", "another name"])
def test_a_peer(tmp_path: Path, way: str) -> None:
    path = tmp_path / "peer.tsv"
    told = (
        "give the intervals of the pair table" if way == "another assembly" else "write 'K562' in its column"
    )
    peer(path, shift=77_777) if way == "another assembly" else peer(path, line="k-562")
    settings = EvaluationSettings(n_bootstrap=20)

    def measure() -> None:
        peers.peer_rows("other", path, LABELLED, cell_line="K562", role="unseen", settings=settings)

    advised(measure, told, lambda: peer(path))
