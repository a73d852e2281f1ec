"""Two jobs of a stage on two cores, against the same two one after the other; and one job on two cores.

    python benchmarks/two_cores.py          # a world of 400 pairs a line and 1,800 elements
    python benchmarks/two_cores.py --full   # of 4,000 pairs a line and 5,400 elements

The jobs are those of a run of the workflow, done again with the same inputs. ``ours`` is seconds of the clock
on two cores, ``peer`` on one, both with the start of Python and imports, and the ratio how many times faster.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml
from grow_workflow import add_size, first_size, jobs_done, run_workflow, set_up
from measuring import report

STAGES: Final = {
    "label_pairs": "",
    "write_block_shards": "",
    "pretrain_encoder": "",
    "train_model": "graph_manifold",
    "evaluate_cell_line": "graph_manifold",
    "evaluate_references": "",
    "score_chromosome": "",
}
"""Stages whose jobs compute or copy most of their time, and the model whose jobs are taken."""
ONE_JOB: Final = {"pretrain_encoder": "one_encoder", "train_model": "one_training"}
"""Stages one job of which can use two cores, and what that is called."""
Job = list[str]


def jobs_of(directory: Path, stages: Sequence[str]) -> dict[str, list[Job]]:
    """Two jobs of each stage."""
    done = jobs_done(directory)
    return {
        stage: [
            one["job"] for one in done if one["stage"] == stage and STAGES[stage] in " ".join(one["job"])
        ][:2]
        for stage in stages
    }


def with_option(job: Job, option: str, value: str) -> Job:
    """A job with another value of an option."""
    at = job.index(option) + 1
    return [*job[:at], value, *job[at + 1 :]]


def in_two_processes(job: Job) -> Job:
    """A job whose section ``training`` asks for two processes; discovery goes by its threads alone."""
    settings = json.loads(job[job.index("--training") + 1])
    return with_option(job, "--training", json.dumps(settings | {"processes": 2}))


def seconds(directory: Path, jobs: list[Job], n_processes: int) -> float:
    """Seconds of the clock until all jobs are done, so many at a time."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(directory / "src")}
    started = time.perf_counter()
    for at in range(0, len(jobs), n_processes):
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "cbat", *job],
                cwd=directory,
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            for job in jobs[at : at + n_processes]
        ]
        if any(process.wait() for process in running):
            sys.exit(f"one of {jobs} failed")
    return time.perf_counter() - started


def compare(
    name: str, directory: Path, two: tuple[list[Job], int], one: tuple[list[Job], int], n: int
) -> None:
    """Two cores and one in turn; each side is its jobs and how many of them run at a time."""
    turns = [[seconds(directory, *side) for side in (two, one)] for _ in range(n)]
    ours, peer = (statistics.median(side) for side in zip(*turns, strict=True))
    report(f"two_cores_{name}", ours, peer, peer / ours, "s", n)


def main() -> None:
    """Run the workflow once, then its jobs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_size(parser)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="these alone")
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        set_up(directory, first_size(options))
        world = directory / "world.yaml"
        world.write_text(yaml.safe_dump(yaml.safe_load(world.read_text()) | {"seeds": [1, 2]}))
        # Snakemake ends too early where one of several last rules needs another.
        run_workflow(directory, options.stages if len(options.stages) == 1 else ())
        jobs = jobs_of(directory, options.stages)
        for stage, two in jobs.items():
            compare(stage, directory, (two, 2), (two, 1), options.n)
        for stage, name in ONE_JOB.items():
            if stage in jobs:
                one = jobs[stage][0]
                shared = with_option(in_two_processes(one), "--threads", "2")
                compare(name, directory, ([shared], 1), ([one], 1), options.n)


if __name__ == "__main__":
    main()
