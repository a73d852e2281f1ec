"""The share of its steps that training waits for batches, which a thread reads ahead of the computation.

    python benchmarks/wait_for_data.py          # the default world with 2,000 pairs a line
    python benchmarks/wait_for_data.py --full   # as it is

The workflow makes what training reads, in a folder that is removed at the end; then the full model trains as
``cbat train_model`` does it. ``ours`` is seconds of waiting, ``peer`` seconds of all steps, ``ratio``
the share of the first in the second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from measuring import report

TOP = Path(__file__).resolve().parents[1]
MODEL, ENCODER = "graph_manifold", "motifs"
TRAINING_READS = [f"results/encoders/{ENCODER}/seed_1/encoder.json", "results/graph/training/graph.json"]


def make_inputs(
    directory: Path, pairs: int | None, elements: int | None, steps: int | None
) -> dict[str, Any]:
    """What training reads, made by the workflow; returns the arguments of a training."""
    for name in ("Snakefile", "workflow", "src", "profiles", "resources", "config"):
        (directory / name).symlink_to(TOP / name)
    world = {"pairs_per_cell_line": pairs} if pairs else {}
    if elements:
        world |= {"n_enhancers": elements * 2 // 3, "n_promoters": elements // 3}
    (directory / "own.yaml").write_text(yaml.safe_dump({"seeds": [1], "simulation": world}))
    from cbat.config.project import load_project

    project = load_project([TOP / "config" / "config.yaml", directory / "own.yaml"])
    lines = project.names("train", "validation")
    shards = [f"results/shards/{line}" for line in lines]
    wanted = [*TRAINING_READS, *(f"{shard}/manifest.json" for shard in shards)]
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "own.yaml", "--", *wanted]
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    settings = project.models[MODEL]
    return {
        "shards": [directory / shard for shard in shards],
        "train_lines": project.names("train"),
        "validation_lines": project.names("validation"),
        "encoder": (directory / TRAINING_READS[0]).parent,
        "graph": directory / TRAINING_READS[1],
        "settings": settings.model_copy(update={"steps": steps}) if steps else settings,
        "training": project.config.training,
        "seed": 1,
        "directory": directory / "model",
    }


def train(arguments: dict[str, Any], threads: int) -> tuple[float, float]:
    """Seconds that a training waited for batches, and that its steps took with that."""
    from cbat.training import train as training
    from cbat.training.loop import Loop

    waited, spent = [0.0], [0.0]

    def timed(iterator: Iterator[Any], total: list[float]) -> Iterator[Any]:
        while True:
            started = time.perf_counter()
            try:
                value = next(iterator)
            except StopIteration:
                return
            finally:
                total[0] += time.perf_counter() - started
            yield value

    class Watched(Loop):
        def run(self, steps: Sequence[Any], optimiser: Any) -> Iterator[int]:
            return timed(super().run(steps, optimiser), spent)

        def _ahead(self, tasks: Sequence[Any]) -> Iterator[Any]:
            return timed(super()._ahead(tasks), waited)

    kept, training.Loop = training.Loop, Watched
    try:
        training.run(threads=threads, **arguments)
    finally:
        training.Loop = kept
    return waited[0], spent[0]


def main() -> None:
    """Make the inputs once, then train several times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--pairs", type=int, help="pairs of a line")
    parser.add_argument("--elements", type=int, help="of the world, instead of 9,000")
    parser.add_argument("--steps", type=int, help="instead of the model's own number")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-n", type=int, default=5, help="trainings")
    options = parser.parse_args()
    pairs = options.pairs or (None if options.full else 2_000)
    with tempfile.TemporaryDirectory() as name:
        arguments = make_inputs(Path(name), pairs, options.elements, options.steps)
        turns = [train(arguments, options.threads) for _ in range(options.n)]
    shares = [waited / spent for waited, spent in turns]
    waited, spent = (float(np.median(column)) for column in zip(*turns, strict=True))
    report("waiting_for_data", waited, spent, float(np.median(shares)), "s", options.n)


if __name__ == "__main__":
    main()
