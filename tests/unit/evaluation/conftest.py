"""An evaluation as its stage leaves it on disk, of models whose scores are drawn around a known truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.measure import Origin, metric_rows
from cbat.evaluation.table import as_table, write_table

SETTINGS = EvaluationSettings(support_sizes=[16, 256], n_bootstrap=60)
BASELINE_NOISE = {("-", 0): 4.0}
FULL_NOISE = {
    ("own", 16): 3.0, ("own", 256): 1.0, ("wrong", 16): 5.0, ("wrong", 256): 6.0, ("shuffled", 16): 5.0,
    ("shuffled", 256): 5.0, ("none", 0): 4.0, ("mean", 0): 4.0, ("graph", 0): 3.5,
}  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """Files of an evaluation.

    Attributes
    ----------
    tables, scored, truth : list of Path
        Metrics, scored pairs and true probabilities.
    """

    directory: Path
    tables: list[Path] = field(default_factory=list)
    scored: list[Path] = field(default_factory=list)
    truth: list[Path] = field(default_factory=list)

    def read(self, model: str, seed: int, line: str) -> pd.DataFrame:
        return pd.read_parquet(self.directory / model / f"seed_{seed}" / line / "scored_pairs.parquet")

    def add(self, model: str, seed: int, line: str, pairs: pd.DataFrame) -> None:
        """Write the scored pairs of a model, and their metrics."""
        folder = self.directory / model / f"seed_{seed}" / line
        folder.mkdir(parents=True, exist_ok=True)
        pairs.to_parquet(folder / "scored_pairs.parquet", index=False)
        rows = []
        for (context, size), part in pairs.groupby(["context", "n_support"]):
            origin = Origin(model, seed, line, "unseen", str(context), int(size))
            rows += metric_rows(part, origin, threshold=0.5, settings=SETTINGS)
        write_table(folder / "metrics.tsv", as_table(rows))
        self.tables.append(folder / "metrics.tsv")
        self.scored.append(folder / "scored_pairs.parquet")


def _pairs(rng: np.random.Generator, n: int, n_chromosomes: int) -> tuple[pd.DataFrame, np.ndarray]:
    number = np.arange(n)
    chrom = np.array([f"chr{c + 1}" for c in number % n_chromosomes])
    energy = rng.normal(0.0, 2.5, n)
    pairs = pd.DataFrame(
        {
            "enhancer_id": [f"{c}:{s}-{s + 400}" for c, s in zip(chrom, 5000 * number, strict=True)],
            "promoter_id": [
                f"{c}:{s}-{s + 400}" for c, s in zip(chrom, 90_000 * (number // 30), strict=True)
            ],
            "label": (rng.random(n) < 1 / (1 + np.exp(-energy))).astype(np.int8),
            "distance": rng.integers(5_000, 200_000, n),
            "chrom": chrom,
            "split": "test",
        }
    )
    return pairs, energy


def build_evaluation(
    directory: Path,
    *,
    lines: Sequence[str] = ("A549", "HepG2"),
    seeds: Sequence[int] = (1, 2, 3),
    baseline: Mapping[tuple[str, int], float] = BASELINE_NOISE,
    full: Mapping[tuple[str, int], float] = FULL_NOISE,
    oracle: bool = True,
    n: int = 300,
    n_chromosomes: int = 5,
) -> Evaluation:
    """Models ``baseline`` and ``full``; for each context and support size the standard deviation of noise."""
    made = Evaluation(directory)
    for place, line in enumerate(lines):
        rng = np.random.default_rng([7, place])
        pairs, energy = _pairs(rng, n, n_chromosomes)
        for model, contexts in (("baseline", baseline), ("full", full)):
            for seed in seeds:
                parts = [
                    pairs.assign(
                        context=context,
                        n_support=size,
                        probability=1 / (1 + np.exp(-(energy + rng.normal(0.0, noise, n)) / 4.0)),
                    )
                    for (context, size), noise in contexts.items()
                ]
                made.add(model, seed, line, pd.concat(parts, ignore_index=True))
        if oracle:
            known = pairs.assign(probability=1 / (1 + np.exp(-energy)))
            origin = Origin("oracle", 0, line, "unseen")
            path = directory / "reference" / line / "metrics.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_table(path, as_table(metric_rows(known, origin, threshold=0.5, settings=SETTINGS)))
            made.tables.append(path)
            made.truth.append(directory / "truth" / f"{line}.parquet")
            made.truth[-1].parent.mkdir(exist_ok=True)
            known[["enhancer_id", "promoter_id", "probability"]].to_parquet(made.truth[-1], index=False)
    return made


@pytest.fixture(scope="session")
def build() -> Callable[..., Evaluation]:
    """Build an evaluation of one's own."""
    return build_evaluation


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Two lines, three seeds, a full model that is better, and an oracle; to be read only."""
    return build_evaluation(tmp_path_factory.mktemp("evaluation"))


@pytest.fixture(scope="session")
def settings() -> EvaluationSettings:
    """The settings of these evaluations."""
    return SETTINGS
