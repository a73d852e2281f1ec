"""A small world without a genome: three training lines and a new one whose contacts insulators decide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cbat.cli import main
from cbat.config.sections import (
    ElementSettings,
    EvaluationSettings,
    GraphSettings,
    LabelSettings,
    LandscapeSettings,
    SplitSettings,
)
from cbat.data import elements, labels
from cbat.evaluation import landscape_line
from cbat.graph import build
from cbat.landscape import fit, genes, pairs, tracks
from cbat.prediction import landscape_package

LINES = {"a": ("blood", "train"), "b": ("skin", "train"), "c": ("liver", "train"), "u": ("blood", "unseen")}
TRAIN = ["a", "b", "c"]
NEW = "u"
CHROMOSOMES = [f"chr{number}" for number in range(1, 7)]
LENGTH = 2_000_000
FOLDS = {f"fold_{n}": CHROMOSOMES[2 * n - 2 : 2 * n] for n in (1, 2, 3)}
SPLITS = SplitSettings.model_validate({"folds": FOLDS})
ELEMENTS = ElementSettings(enhancer_window=400, promoter_window=400, max_n=None)
EVALUATION = EvaluationSettings(
    support_sizes=[0], headline_support=0, contexts=["own", "graph", "none"], chromosomes=["folds"],
    n_bootstrap=20, headline_negatives="natural",
)  # fmt: skip
KINDS = ("active_enhancers", "active_promoters", "insulators")
FARTHEST = 400_000


@dataclass(frozen=True)
class LandscapeWorld:
    """Folders of a small run without a genome, up to a model directory."""

    directory: Path

    def raw(self, name: str, line: str = NEW) -> Path:
        """A file that a user would bring."""
        return self.directory / "raw" / f"{line}.{name}"

    def track(self, kind: str, line: str = NEW) -> Path:
        return self.raw(f"{kind}.narrowPeak", line)

    @property
    def genes(self) -> Path:
        return self.directory / "raw" / "genes.bed"

    @property
    def model(self) -> Path:
        return self.directory / "package"

    def result(self, name: str) -> Path:
        return self.directory / "results" / name


def write_world(directory: Path) -> LandscapeWorld:
    """Make the raw files and everything that is made of them."""
    world = LandscapeWorld(directory)
    (directory / "raw").mkdir(parents=True)
    _raw(world)
    _stages(world)
    pack(world, world.model)
    return world


def _tsv(path: Path, rows: list[list[Any]]) -> None:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


def _peaks(path: Path, rows: list[tuple[str, int, float, str]]) -> None:
    _tsv(
        path,
        [
            [chrom, at - 150, at + 150, f"peak_{number}", 0, strand, round(signal, 3), -1, -1, 150]
            for number, (chrom, at, signal, strand) in enumerate(sorted(rows))
        ],
    )


def _raw(world: LandscapeWorld) -> None:
    """Elements and insulators of all lines are those of one genome; each line has its own share of them."""
    rng = np.random.default_rng(11)
    shared = []
    for chrom in CHROMOSOMES:
        places = np.sort(rng.choice(np.arange(20, LENGTH // 1000 - 20), 160, replace=False)) * 1000
        kinds = rng.permutation(np.repeat([0, 1, 2], [80, 40, 40]))
        shared.append((chrom, places, kinds, rng.choice(["+", "-"], 160)))
    _tsv(
        world.genes,
        [
            [chrom, int(at), int(at) + 1, f"GENE_{chrom}_{int(at)}", 0, strand]
            for chrom, places, kinds, strands in shared
            for at, kind, strand in zip(places, kinds, strands, strict=True)
            if kind == 1
        ],
    )
    for line in LINES:
        _raw_of_line(world, line, shared, np.random.default_rng([3, ord(line)]))
    header = ["cell_line", "tissue", "role", "sex", "condition", "pairs", "pairs_format", "enhancers",
              "promoters", *KINDS]  # fmt: skip
    rows = [
        [line, tissue, role, "unknown", "unknown", world.raw("pairs.tsv", line), "cbat",
         world.raw("enhancers.bed", line), world.raw("promoters.bed", line),
         *(world.track(kind, line) for kind in KINDS)]
        for line, (tissue, role) in LINES.items()
    ]  # fmt: skip
    _tsv(world.directory / "lines.tsv", [header, *rows])
    tissues = [["blood", "mesoderm", "."], ["skin", "ectoderm", "."], ["liver", "endoderm", "."]]
    _tsv(world.directory / "tissues.tsv", [["tissue", "germ_layer", "parent"], *tissues])


def _raw_of_line(world: LandscapeWorld, line: str, shared: Any, rng: np.random.Generator) -> None:
    peaks: dict[str, list[tuple[str, int, float, str]]] = {kind: [] for kind in KINDS}
    beds: dict[str, list[list[Any]]] = {"enhancers": [], "promoters": []}
    ends = [f"{role}_{part}" for role in ("enhancer", "promoter") for part in ("chrom", "start", "end")]
    labelled: list[list[Any]] = [[*ends, "label"]]
    for chrom, places, kinds, strands in shared:
        signal = rng.gamma(2.0, 10.0, len(places))
        present = rng.random(len(places)) < 0.75
        for at, kind, strand, here, strength in zip(places, kinds, strands, present, signal, strict=True):
            at = int(at)
            name = f"GENE_{chrom}_{at}" if kind == 1 else "."
            if kind < 2:
                beds["enhancers" if kind == 0 else "promoters"].append(
                    [chrom, at - 200, at + 200, name, 0, strand if kind == 1 else "."]
                )
            if here:
                peaks[KINDS[kind]].append((chrom, at, float(strength), strand if kind == 2 else "."))
        insulators = places[(kinds == 2) & present]
        enhancers, promoters = places[kinds == 0], places[kinds == 1]
        one, other = np.meshgrid(enhancers, promoters, indexing="ij")
        near = np.abs(one - other) <= FARTHEST
        one, other = one[near], other[near]
        low, high = np.minimum(one, other), np.maximum(one, other)
        between = np.searchsorted(insulators, high) - np.searchsorted(insulators, low)
        odds = 2.0 - 0.6 * np.log2(np.abs(one - other) / 20_000.0) - 1.3 * between
        contact = rng.random(len(one)) < 1.0 / (1.0 + np.exp(-odds))
        # A benchmark holds few pairs, and rather those that are near.
        kept = rng.random(len(one)) < np.clip(40_000 / np.abs(one - other), 0.05, 0.6)
        labelled += [
            [chrom, e - 200, e + 200, chrom, p - 200, p + 200, int(label)]
            for e, p, label in zip(one[kept].tolist(), other[kept].tolist(), contact[kept], strict=True)
        ]
    for kind, found in peaks.items():
        _peaks(world.track(kind, line), found)
    for name, intervals in beds.items():
        _tsv(world.raw(f"{name}.bed", line), intervals)
    _tsv(world.raw("pairs.tsv", line), labelled)


def _stages(world: LandscapeWorld) -> None:
    sheet, result = world.directory / "lines.tsv", world.result
    settings = LandscapeSettings(genes=world.genes)
    genes.run(genes=world.genes, output=result("genes.parquet"))
    build.run(
        cell_lines=sheet, tissues=world.directory / "tissues.tsv", scope="training",
        settings=GraphSettings(), directory=result("graph"),
    )  # fmt: skip
    for cohort in ("training", "unseen"):
        elements.run(
            cell_lines=sheet, cohort=cohort, elements=ELEMENTS, splits=SPLITS,
            directory=result(f"elements/{cohort}"),
        )  # fmt: skip
    for line in LINES:
        tracks.run(sheet=sheet, cell_line=line, settings=settings, output=result(f"tracks/{line}.parquet"))
    for line, (tissue, role) in LINES.items():
        collected = result("elements/unseen" if role == "unseen" else "elements/training")
        labels.run(
            sheet=sheet, cell_line=line, elements_directory=collected,
            labels=LabelSettings(max_distance=FARTHEST), output=result(f"labels/{line}.parquet"),
        )  # fmt: skip
        pairs.run(
            cell_line=line, labels=result(f"labels/{line}.parquet"), elements_directory=collected,
            tracks={one: result(f"tracks/{one}.parquet") for one in {line, *TRAIN}}, training_lines=TRAIN,
            tissue=tissue, graph=result("graph/graph.json"), genes=result("genes.parquet"),
            directory=result(f"landscape/{line}"),
        )  # fmt: skip
    fit.run(
        landscapes={line: result(f"landscape/{line}") for line in TRAIN}, train_lines=TRAIN,
        validation_lines=[], law="fused", splits=SPLITS, output=result("law.json"),
    )  # fmt: skip
    landscape_line.run(
        model="full", seed=1, cell_line=NEW, role="unseen", law=result("law.json"),
        landscape=result(f"landscape/{NEW}"), settings=EVALUATION, splits=SPLITS,
        directory=result("evaluation"),
    )  # fmt: skip


def pack(world: LandscapeWorld, directory: Path, **over: Any) -> None:
    """The model directory."""
    result = world.result
    given: dict[str, Any] = {
        "law": result("law.json"), "graph": result("graph/graph.json"), "genes": result("genes.parquet"),
        "tracks": {line: result(f"tracks/{line}.parquet") for line in TRAIN},
        "landscapes": {line: result(f"landscape/{line}") for line in TRAIN}, "train_lines": TRAIN,
        "name": "full", "seed": 1, "elements": ELEMENTS, "splits": SPLITS, "evaluation": EVALUATION,
        "metrics": [result("evaluation/metrics.tsv")],
    }  # fmt: skip
    landscape_package.run(directory=directory, **given | over)


def own_energies(world: LandscapeWorld) -> pd.DataFrame:
    """Labelled pairs of the new line with the scores that the member for new lines gives them."""
    from cbat.landscape.apply import LineLandscape
    from cbat.landscape.law import load_law, softplus

    member = load_law(world.result("law.json")).members["all"]
    line = LineLandscape.read(world.result(f"landscape/{NEW}"))
    before = member.resistance(*line.fed("own"))
    potential = member.potential(line.pairs["distance"].to_numpy())
    return line.pairs.assign(expected=potential - softplus(before))


def refused(arguments: list[str], directory: Path, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Make sure that a prediction stops with one message that says so and helps, before any work."""
    assert main(arguments) == 2
    messages = [line for line in capsys.readouterr().err.splitlines() if "cbat predict: error: " in line]
    assert len(messages) == 1
    assert expected in messages[0]
    assert "Fix: " in messages[0]
    assert not directory.exists()
