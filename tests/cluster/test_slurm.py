"""The workflow through a SLURM on this machine, with a job that fails and one that SLURM cancels.

Shown: jobs are asked for with the partition, GPU, memory and time of the profile, ask for more when they are
tried again, and give the very results of a run without SLURM. Not shown: nodes that share files over a
network, a GPU that is one, and accounting.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import local_slurm
import pandas as pd
import pytest
import yaml

TOP = Path(__file__).parents[2]
RESULTS = (
    "results/evaluation/graph_manifold/seed_1/liver_2/metrics.tsv",
    "results/evaluation/reference/liver_2/metrics.tsv",
)
"""What is asked for: every job waits for SLURM, so a part of the workflow that has jobs of all kinds."""
KILLED, CANCELLED, WITH_GPU = "extract_sequences", "fit_references", "train_model"


def test_the_profile_repeats_the_default_one() -> None:
    default = yaml.safe_load((TOP / "profiles" / "default" / "config.yaml").read_text())
    slurm = yaml.safe_load(local_slurm.PROFILE.read_text())
    assert default.items() <= slurm.items()


@dataclass
class Disturber:
    """Kills the process of a stage once, and has SLURM cancel the job of another."""

    directory: Path
    killed: list[int] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._disturb, daemon=True)

    def __enter__(self) -> Disturber:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _disturb(self) -> None:
        while not self._over.wait(0.05) and not (self.killed and self.cancelled):
            for process in () if self.killed else self._processes_of(KILLED):
                os.kill(process, signal.SIGKILL)
                self.killed.append(process)
                break
            # Not before it has begun, or nothing would be cut short.
            for _ in () if self.cancelled else self._processes_of(CANCELLED):
                table = local_slurm.job_table()
                running = table[table["comment"].str.contains(CANCELLED) & (table["state"] == "RUNNING")]
                for job in running["job"]:
                    subprocess.run(["scancel", job], check=True)
                    self.cancelled.append(job)

    def _processes_of(self, verb: str) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (path / "cmdline").read_bytes().split(b"\0")
                is_stage = words[1:4] == [b"-m", b"cbat", verb.encode()]
                if is_stage and (path / "cwd").resolve() == self.directory.resolve():
                    found.append(int(path.name))
        return found


@dataclass(frozen=True)
class ClusterRun:
    """A finished run."""

    directory: Path
    output: str
    jobs: pd.DataFrame
    disturber: Disturber
    seconds: float


@pytest.fixture(scope="module")
def run(new_toy, tmp_path_factory: pytest.TempPathFactory) -> ClusterRun:
    if problem := local_slurm.why_not():
        pytest.skip(problem)
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="the plugin for SLURM is not installed")
    toy = new_toy(tmp_path_factory.mktemp("cluster"))
    profile = local_slurm.chosen_profile(tmp_path_factory.mktemp("profile"))
    with local_slurm.LocalSlurm(tmp_path_factory.mktemp("slurm")), Disturber(toy.directory) as disturber:
        started = time.perf_counter()
        done = toy.snakemake("--workflow-profile", str(profile), "--", *RESULTS)
        seconds = time.perf_counter() - started
        jobs = local_slurm.job_table()
    assert done.returncode == 0, done.stdout[-20_000:]
    found = ClusterRun(toy.directory, done.stdout, jobs, disturber, seconds)
    print(f"{seconds:.0f} s through SLURM\n{found.jobs.to_string(index=False)}")
    return found


def jobs_of(run: ClusterRun, rule: str) -> pd.DataFrame:
    jobs = run.jobs[run.jobs["comment"].str.contains(rule)]
    assert len(jobs), run.jobs.to_string()
    return jobs


@pytest.mark.slow
def test_the_results_are_those_of_a_run_without_slurm(run, toy) -> None:
    for name in RESULTS:
        assert (run.directory / name).read_bytes() == (toy.directory / name).read_bytes(), name


@pytest.mark.slow
def test_a_job_whose_process_was_killed_is_tried_again_with_more(run) -> None:
    assert len(run.disturber.killed) == 1
    jobs = jobs_of(run, KILLED)
    assert "FAILED" in set(jobs["state"])
    failed = jobs[jobs["state"] == "FAILED"].iloc[0]
    again = jobs[(jobs["comment"] == failed["comment"]) & (jobs["state"] == "COMPLETED")].iloc[0]
    assert (megabytes(again), hours(again)) == (2 * megabytes(failed), 2 * hours(failed))


@pytest.mark.slow
def test_a_job_that_slurm_cancelled_is_tried_again(run) -> None:
    assert len(run.disturber.cancelled) == 1
    assert list(jobs_of(run, CANCELLED)["state"]) == ["CANCELLED", "COMPLETED"]


@pytest.mark.slow
def test_training_is_sent_to_the_gpu_and_nothing_else_is(run) -> None:
    learning = run.jobs["comment"].str.contains(f"{WITH_GPU}|pretrain_encoder")
    assert set(run.jobs.loc[learning, "node"]) == {"gpu1"}
    assert run.jobs.loc[learning, "gres"].str.contains("gpu:1").all()
    assert set(run.jobs.loc[~learning, "node"]) == {"cpu1"}


@pytest.mark.slow
def test_small_jobs_are_grouped_or_never_leave(run) -> None:
    words = " ".join(run.jobs["comment"])
    assert not re.search("plot_|write_report|check_collapse|describe_inputs", words)
    of_lines = list((run.directory / "results" / "shards").glob("*/pairs.parquet"))
    assert len(of_lines) >= 5, "training and validation lines, and the one that is evaluated"
    grouped = run.jobs["comment"] == "rule_cell_line_label_pairs_write_block_shards"
    assert grouped.sum() == len(of_lines)
    assert not (run.jobs["comment"].str.contains("label_pairs|write_block_shards") & ~grouped).any()


def megabytes(job: pd.Series) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([MG])", job["memory"]).groups()
    return float(number) * {"M": 1, "G": 1024}[unit]


def hours(job: pd.Series) -> float:
    """Of a time limit: [days-]hours:minutes:seconds, or minutes:seconds."""
    days, _, clock = job["time_limit"].rpartition("-")
    parts = [float(part) for part in clock.split(":")]
    seconds = sum(part * 60**at for at, part in enumerate(reversed(parts)))
    return 24 * float(days or 0) + seconds / 3600
