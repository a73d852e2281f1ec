"""A small simulated world, a model that need not be good, and its model directory."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from landscape_world import LandscapeWorld, write_world

from cbat.config.load import parse_section
from cbat.config.models import ModelSettings
from cbat.config.predictions import PredictionSettings
from cbat.config.sections import (
    ElementSettings,
    EvaluationSettings,
    GraphSettings,
    LabelSettings,
    ReadoutSettings,
    ShardSettings,
    SimulationSettings,
    SplitSettings,
)
from cbat.config.sheets import CellLine
from cbat.data import elements, genome, labels, sequences, shards
from cbat.evaluation import cell_line as evaluation
from cbat.graph import build
from cbat.graph.propagation import load_graph
from cbat.model.bundle import TrainedModel, save_model
from cbat.model.calibration import Calibration
from cbat.model.contact import ContactModel
from cbat.model.encoder import MotifEncoder
from cbat.prediction import package, per_gene, prepare, score
from cbat.prediction.plan import pairs_file, read_plan
from cbat.simulation import benchmark
from cbat.training.episodes import build_training_data
from cbat.training.train import scores_of

TRAIN, UNSEEN = ("blood_1", "brain_1", "liver_1"), "liver_2"
CHROMOSOMES = {"train": ["chr1", "chr2"], "validation": ["chr3"], "test": ["chr4", "chr5"]}
ELEMENTS = ElementSettings(enhancer_window=300, promoter_window=400)
SHARDS = ShardSettings(block_size=16, support_size=48)
EVALUATION = EvaluationSettings(
    support_sizes=[0, 16, 48], headline_support=48, contexts=["own", "wrong"], n_bootstrap=20
)
MOTIFS = ["CTCF", "GATA1::TAL1", "HNF4A", "CEBPA"]
SIMULATION = SimulationSettings(
    motifs=MOTIFS, n_chromosomes=5, n_enhancers=400, n_promoters=200, enhancer_length=300,
    promoter_length=400, gap_length=300, motif_rate=0.3, pairs_per_cell_line=600, max_distance=100_000,
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """Folders of a small run, up to a model directory."""

    directory: Path

    def raw(self, name: str, line: str = UNSEEN) -> Path:
        return self.directory / "simulation" / "raw" / line / name

    @property
    def fasta(self) -> Path:
        return self.directory / "genome" / "genome.fa"

    @property
    def model(self) -> Path:
        return self.directory / "package"

    def shard(self, line: str = UNSEEN) -> Path:
        return self.directory / "shards" / line

    @property
    def scored(self) -> pd.DataFrame:
        """Pairs of the unseen line with the scores of the evaluation."""
        return pd.read_parquet(self.directory / "evaluation" / "scored_pairs.parquet")

    def prepare(self, directory: Path, **over: Any) -> None:
        """Prepare the unseen line from its BEDs alone."""
        given: dict[str, Any] = {
            "model_directory": self.model,
            "genome": self.fasta,
            "enhancers": self.raw("enhancers.bed.gz"),
            "promoters": self.raw("promoters.bed.gz"),
            "cell_line": UNSEEN,
        }
        names = PredictionSettings.model_fields
        settings = parse_section(PredictionSettings, {k: v for k, v in over.items() if k in names}, [])
        given |= {k: v for k, v in over.items() if k not in names}
        prepare.run(**given, settings=settings, directory=directory)

    def predict(self, directory: Path, **over: Any) -> pd.DataFrame:
        """All scored pairs of the unseen line."""
        self.prepare(directory, **over)
        tables = []
        for chrom in read_plan(directory).chromosomes:
            output = pairs_file(directory, chrom)
            score.run(
                model_directory=over.get("model_directory", self.model),
                directory=directory,
                chromosome=chrom,
                output=output,
            )
            tables.append(pd.read_parquet(output))
        return pd.concat(tables, ignore_index=True)


def _sheets(directory: Path) -> None:
    header = [*CellLine.model_fields][:9]
    rows = [header]
    for line in (*TRAIN, UNSEEN, "skin_2"):
        raw = directory / "simulation" / "raw" / line
        role = "train" if line in TRAIN else "unseen"
        files = [raw / "pairs.tsv.gz", "cbat", raw / "enhancers.bed.gz", raw / "promoters.bed.gz"]
        rows.append([line, line.split("_")[0], role, "unknown", "unknown", *map(str, files)])
    (directory / "cell_lines.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    tissues = "tissue\tgerm_layer\tparent\nblood\tmesoderm\t.\nbrain\tectoderm\t.\n"
    (directory / "tissues.tsv").write_text(tissues + "liver\tendoderm\t.\nskin\tectoderm\t.\n")


def _data(directory: Path) -> None:
    """What the stages before training make of both cohorts."""
    sheet = directory / "cell_lines.tsv"
    lines = list(pd.read_csv(sheet, sep="\t").itertuples())
    benchmark.run(settings=SIMULATION, lines=lines, directory=directory / "simulation")
    genome.run(fasta=directory / "simulation" / "genome.fa.gz", directory=directory / "genome")
    for cohort in ("training", "unseen"):
        collected, bases = directory / "elements" / cohort, directory / "sequences" / cohort
        elements.run(
            cell_lines=sheet, cohort=cohort, contig_sizes=directory / "genome" / "contig_sizes.tsv",
            elements=ELEMENTS, splits=SplitSettings(**CHROMOSOMES), directory=collected,
        )  # fmt: skip
        sequences.run(
            genome_fasta=directory / "genome" / "genome.fa", elements_directory=collected, directory=bases
        )
        for line in lines:
            if (line.role == "unseen") != (cohort == "unseen"):
                continue
            output = directory / "labels" / f"{line.cell_line}.parquet"
            labels.run(
                sheet=sheet, cell_line=line.cell_line, elements_directory=collected, labels=LabelSettings(),
                output=output,
            )  # fmt: skip
            shards.run(
                cell_line=line.cell_line, labels=output, elements_directory=collected,
                sequences_directory=bases, settings=SHARDS, directory=directory / "shards" / line.cell_line,
            )  # fmt: skip
    build.run(
        cell_lines=sheet, tissues=directory / "tissues.tsv", scope="training", settings=GraphSettings(),
        directory=directory / "graph",
    )  # fmt: skip


def write_model(world: World, directory: Path, **settings: Any) -> None:
    """A model of random weights, whose environment matters."""
    torch.manual_seed(3)
    encoder = MotifEncoder(2.0 * torch.randn(6, 4, 8), torch.full((6,), 0.3))
    given = ModelSettings(support_size=48, validation_support=48, **settings)
    opened = [shards.read_shard(world.shard(line)) for line in TRAIN]
    graph = load_graph(world.directory / "graph" / "graph.json")
    data = build_training_data(opened, list(TRAIN), encoder, graph, given)
    contact = ContactModel(6, given)
    for weight in contact.parameters():
        # Nothing may be zero, the set encoder's last layer included.
        torch.nn.init.normal_(weight, std=0.3)
    if hasattr(contact.resistance, "gain"):
        torch.nn.init.constant_(contact.resistance.gain, 0.1)
    # Some pairs are called contacts, and some are not.
    contact.level.data -= float(np.median(scores_of(contact, data, data.training).logit))
    model = TrainedModel(
        given, encoder, contact, data.statistics, data.teacher, data.deviations, data.counts,
        Calibration.single(1.3), 0.4,
        {"train_lines": list(TRAIN)}, data.distance,
    )  # fmt: skip
    save_model(directory, model)


def write_package(world: World, model: Path, directory: Path, **over: Any) -> None:
    """The model directory of a model."""
    given: dict[str, Any] = {
        "name": "full", "seed": 1, "shards": [world.shard(line) for line in TRAIN],
        "contig_sizes": world.directory / "genome" / "contig_sizes.tsv", "elements": ELEMENTS,
        "splits": SplitSettings(**CHROMOSOMES), "shard_settings": SHARDS, "evaluation": EVALUATION,
        "readout": ReadoutSettings(motifs=_motif_file(world)),
    }  # fmt: skip
    package.run(model_directory=model, directory=directory, **given | over)


def _motif_file(world: World) -> Path:
    path = world.directory / "motifs.meme"
    rows = "\n".join(["0.97 0.01 0.01 0.01", "0.01 0.01 0.97 0.01"] * 4)
    path.write_text(
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF one\nletter-probability matrix: alength= 4 w= 8 "
        f"nsites= 20 E= 0\n{rows}\n"
    )
    return path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """To be read only."""
    world = World(tmp_path_factory.mktemp("world"))
    _sheets(world.directory)
    _data(world.directory)
    model = world.directory / "model"
    write_model(world, model)
    evaluation.run(
        model="full", model_directory=model, seed=1, cell_line=UNSEEN, role="unseen", tissue="liver",
        shard=world.shard(), settings=EVALUATION, threads=1, directory=world.directory / "evaluation",
        other_shards=[world.shard("skin_2")],
    )  # fmt: skip
    write_package(world, model, world.model, metrics=[world.directory / "evaluation" / "metrics.tsv"])
    return world


@pytest.fixture
def own_model(world: World, tmp_path: Path) -> Path:
    """A copy of the model directory that a test may spoil."""
    return Path(shutil.copytree(world.model, tmp_path / "own_model"))


@pytest.fixture(scope="session")
def make_package():
    """Make model directories of one's own."""

    def make(world: World, directory: Path, over: dict[str, Any] | None = None, **settings: Any) -> Path:
        write_model(world, directory / "model", **settings)
        write_package(world, directory / "model", directory / "package", **over or {})
        return directory / "package"

    return make


@pytest.fixture(scope="session")
def landscape_world(tmp_path_factory: pytest.TempPathFactory) -> LandscapeWorld:
    """A law of the landscape and a line to predict; to be read only."""
    return write_world(tmp_path_factory.mktemp("landscape"))


@pytest.fixture(scope="session")
def predicted(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scored line whose promoters have names, some of them HTML; to be read only."""
    directory = tmp_path_factory.mktemp("predicted")
    names = ["<script>document.title='harm'</script>", "<img/src=x/onerror=document.title='harm'>"]
    promoters = pd.read_csv(world.raw("promoters.bed.gz"), sep="\t", header=None).iloc[:, :3]
    promoters[3] = [names[row] if row < len(names) else f"GENE{row}" for row in range(len(promoters))]
    promoters.to_csv(directory / "promoters.bed", sep="\t", header=False, index=False)
    line = directory / "line"
    world.predict(line, promoters=directory / "promoters.bed", max_distance=60_000)
    plan = read_plan(line)
    per_gene.write_tables(line, [pairs_file(line, chrom) for chrom in plan.chromosomes], plan)
    return line
