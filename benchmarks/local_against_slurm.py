"""The toy world from raw files to the report on this machine, and through a SLURM that is started for it.

    python benchmarks/local_against_slurm.py

Needs root and the packages slurm-wlm and munge, as tests/cluster does. The run without SLURM has two cores;
the one through it has two nodes of four CPUs, which share this machine. Prints seconds of the clock, seconds
of all jobs and the most memory of a job (``ours``: through SLURM, ``peer``: without); the table of jobs goes
to standard error.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from measuring import report
from toy_world import TOP, set_up

sys.path.append(str(TOP / "tests" / "cluster"))
local_slurm = importlib.import_module("local_slurm")


def run(directory: Path, *arguments: str) -> dict[str, float]:
    """Run the workflow; seconds of the clock and of all jobs, and the most memory of a job in MB."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(TOP / "Snakefile")]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--configfile", "toy.yaml", *arguments], cwd=directory, capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    jobs = pd.concat([pd.read_csv(path, sep="\t") for path in directory.glob("benchmarks/*/*.tsv")])
    memory = pd.to_numeric(jobs["max_rss"], errors="coerce")
    return {"clock": seconds, "jobs": float(jobs["s"].sum()), "memory": float(memory.max())}


def main() -> None:
    """Run without SLURM, then with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.parse_args()
    if problem := local_slurm.why_not():
        sys.exit(problem)
    with tempfile.TemporaryDirectory() as name:
        alone, cluster, state = (Path(name) / one for one in ("alone", "cluster", "slurm"))
        for directory in (alone, cluster):
            directory.mkdir()
            set_up(directory)
        peer = run(alone, "--cores", "2")
        with local_slurm.LocalSlurm(state):
            ours = run(cluster, "--workflow-profile", str(local_slurm.chosen_profile(Path(name) / "profile")))
            print(local_slurm.job_table().to_string(index=False), file=sys.stderr)
    for key, unit in (("clock", "s"), ("jobs", "s"), ("memory", "MB")):
        report(f"slurm_{key}", ours[key], peer[key], ours[key] / peer[key], unit, 1)


if __name__ == "__main__":
    main()
