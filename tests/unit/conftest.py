"""A tiny project on disk: shards of a few cell lines whose motifs, activities and contacts are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from cbat.config.sections import ShardSettings
from cbat.data import sequences, shards
from cbat.files import write_json

# A busy machine is slow at times, which is no fault of what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

MOTIFS = ["GATTACAGATTC", "CCGGAATTTGGC", "TTGACGTCACGA"]
TRAIN = [f"train_{number}" for number in range(6)]
UNSEEN = ["unseen_0", "unseen_1"]
CHROMOSOMES = {"chr1": "train", "chr2": "train", "chr3": "validation", "chr4": "test"}
N_ELEMENTS, LENGTH, N_PAIRS = {"enhancer": 900, "promoter": 500}, 120, 700


@dataclass(frozen=True)
class TinyProject:
    """Folders as the stages before training leave them.

    Attributes
    ----------
    presence : dict
        Role -> bool array, shape=(n_elements, 3): which planted motifs an element holds.
    activity : dict
        Cell line -> array, shape=(3,).
    """

    directory: Path
    presence: dict[str, np.ndarray]
    activity: dict[str, np.ndarray]

    def shard(self, cell_line: str) -> Path:
        return self.directory / "shards" / cell_line

    @property
    def train(self) -> list[str]:
        return TRAIN

    @property
    def unseen(self) -> list[str]:
        return UNSEEN

    @property
    def elements(self) -> Path:
        return self.directory / "elements"

    @property
    def sequences(self) -> Path:
        return self.directory / "sequences"

    @property
    def graph(self) -> Path:
        return self.directory / "graph.json"


def _element_tables(rng: np.random.Generator) -> tuple[dict[str, pd.DataFrame], dict, dict]:
    tables, codes, presence = {}, {}, {}
    for role, n in N_ELEMENTS.items():
        chrom = np.sort(np.array(list(CHROMOSOMES))[np.arange(n) % 4])
        start = 1000 * np.arange(n)
        tables[role] = pd.DataFrame(
            {
                "element_id": [f"{c}:{s}-{s + LENGTH}" for c, s in zip(chrom, start, strict=True)],
                "chrom": chrom,
                "start": start,
                "end": start + LENGTH,
                "split": [CHROMOSOMES[c] for c in chrom],
            }
        )
        presence[role] = rng.random((n, len(MOTIFS))) < 0.4
        codes[role] = rng.integers(0, 4, (n, LENGTH)).astype(np.uint8)
        for k, motif in enumerate(MOTIFS):
            letters = np.array(["ACGT".index(letter) for letter in motif], dtype=np.uint8)
            for row in np.flatnonzero(presence[role][:, k]):
                at = 40 * k + int(rng.integers(0, 28))
                codes[role][row, at : at + len(letters)] = (
                    letters if rng.random() < 0.5 else 3 - letters[::-1]
                )
    return tables, codes, presence


def _labels(
    rng: np.random.Generator, tables: dict, presence: dict, own: dict[str, np.ndarray], activity: np.ndarray
) -> pd.DataFrame:
    parts = []
    for chrom in CHROMOSOMES:
        side = {role: own[role][tables[role]["chrom"].to_numpy()[own[role]] == chrom] for role in own}
        pairs = rng.choice(len(side["enhancer"]) * len(side["promoter"]), N_PAIRS // 4, replace=False)
        parts.append(
            np.stack(
                [
                    side["enhancer"][pairs // len(side["promoter"])],
                    side["promoter"][pairs % len(side["promoter"])],
                ]
            )
        )
    enhancer, promoter = np.concatenate(parts, axis=1)
    ze, zp = presence["enhancer"][enhancer], presence["promoter"][promoter]
    relief = 2.5 * ((ze.astype(float) + zp - 0.8) @ activity)
    logit = 2.0 + 1.5 * (ze[:, 0] & zp[:, 1]) - np.logaddexp(0, 2.0 - relief)
    table = pd.DataFrame({"enhancer": enhancer, "promoter": promoter})
    for role in tables:
        table[f"{role}_id"] = tables[role]["element_id"].to_numpy()[table[role]]
    return table.assign(
        label=(rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(np.int8),
        distance=rng.integers(5_000, 200_000, len(logit)).astype(np.int32),
        upstream=rng.choice([-1, 1], len(logit)).astype(np.int8),
        chrom=tables["enhancer"]["chrom"].to_numpy()[enhancer],
        split=tables["enhancer"]["split"].to_numpy()[enhancer],
    )


def build_tiny_project(directory: Path, seed: int = 0) -> TinyProject:
    rng = np.random.default_rng(seed)
    tables, codes, presence = _element_tables(rng)
    project = TinyProject(directory, presence, {})
    project.elements.mkdir(parents=True)
    for role, table in tables.items():
        table.to_parquet(project.elements / f"{role}.parquet", index=False)
    sequences.write_codes(project.sequences, codes)
    candidates, labels = [], {}
    for line in TRAIN + UNSEEN:
        activity = rng.normal(size=len(MOTIFS))
        project.activity[line] = activity
        own = {}
        for role, table in tables.items():
            chance = 1 / (1 + np.exp(-1.5 * ((presence[role] - 0.4) @ activity)))
            own[role] = np.flatnonzero(rng.random(len(table)) < chance)
            candidates.append(pd.DataFrame({"cell_line": line, "role": role, "element": own[role]}))
        labels[line] = _labels(rng, tables, presence, own, activity)
    pd.concat(candidates).to_parquet(project.elements / "candidates.parquet", index=False)
    for line, table in labels.items():
        table.to_parquet(directory / f"{line}.parquet", index=False)
        shards.run(
            cell_line=line,
            labels=directory / f"{line}.parquet",
            elements_directory=project.elements,
            sequences_directory=project.sequences,
            settings=ShardSettings(block_size=32, support_size=96),
            directory=project.shard(line),
        )
    nodes = [{"name": line, "kind": "cell_line"} for line in TRAIN] + [{"name": "any", "kind": "tissue"}]
    edges = [{"source": line, "target": "any", "kind": "tissue", "weight": 1.0} for line in TRAIN]
    write_json(project.graph, {"nodes": nodes, "edges": edges})
    return project


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """Six training and two unseen lines; to be read only."""
    return build_tiny_project(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def build_project() -> Callable[..., TinyProject]:
    """Build a tiny project of one's own."""
    return build_tiny_project
