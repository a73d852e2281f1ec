"""A run that is killed goes on when it is started again, and ends with the files of one that was not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import kill_stages
import pytest

from cbat.files import MARK
from cbat.written import RECORD

TOP = Path(__file__).resolve().parents[2]
MODEL = "results/models/graph_manifold/seed_1"
MODEL_FILES = ("model.safetensors", "model.json", "history.jsonl")


@pytest.fixture
def finished(toy, tmp_path):
    """A finished toy run that a test may spoil."""
    return toy.copy_to(tmp_path)


def contents(directory: Path, names) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in names}


def killed_when(directory: Path, ready, *arguments: str) -> list[str]:
    """Start a run and kill all of it once something is so; the rules that were at work."""
    process = kill_stages.start(directory, "--cores", "2", *arguments)
    end = time.monotonic() + 600
    try:
        while not ready():
            assert process.poll() is None, (directory / "snakemake.log").read_text()
            assert time.monotonic() < end, "it never came so far"
            time.sleep(0.002)
    finally:
        running = kill_stages.kill(process)
    return running


def test_a_training_that_is_killed_goes_on(finished) -> None:
    directory = finished.directory
    names = [f"{MODEL}/{name}" for name in MODEL_FILES]
    before = contents(directory, names)
    for path in (directory / MODEL).iterdir():
        path.unlink()
    kept = directory / "results/checkpoints/graph_manifold_seed_1/last.safetensors"
    wanted = ("--allowed-rules", "train_model", "--", *names)
    assert killed_when(directory, kept.exists, *wanted) == ["train_model"]
    assert [path for path in (directory / MODEL).iterdir() if not path.name.startswith(".")] == []
    assert kept.exists()

    refused = finished.snakemake("--cores", "1", *wanted)
    assert refused.returncode != 0
    assert "Directory cannot be locked" in refused.stdout
    assert "--unlock" in refused.stdout
    assert finished.snakemake("--unlock").returncode == 0
    done = finished.snakemake("--cores", "1", *wanted)
    assert done.returncode == 0, done.stdout
    log = (directory / "logs/train_model/graph_manifold_seed_1.log").read_text()
    assert "resuming after step" in log
    assert " step 0:" not in log
    assert contents(directory, names) == before
    assert not kept.parent.exists()


def is_lock(path: Path) -> bool:
    return path.name == RECORD or path.name.startswith(f".{MARK}")


def test_a_data_stage_that_is_killed_leaves_no_half_file(finished) -> None:
    directory = finished.directory
    expected = kill_stages.hashes(directory)
    shard = directory / "results/shards/blood_1"
    names = [str(path.relative_to(directory)) for path in shard.iterdir() if not path.name.startswith(".")]
    wanted = ("--allowed-rules", "write_block_shards", "--", *names)
    for _ in range(10):
        for path in shard.iterdir():
            path.unlink()
        # Some files stand there, or are being written, and the manifest does not.
        running = killed_when(directory, lambda: any(not is_lock(path) for path in shard.iterdir()), *wanted)
        if not (shard / "manifest.json").exists():
            break
        # On a busy machine the end may be faster than the kill.
        kill_stages.go_on(directory, *wanted)
        assert kill_stages.hashes(directory) == expected
    assert not (shard / "manifest.json").exists()
    assert running == ["write_block_shards"]
    assert kill_stages.other_files(directory, expected) == []
    kill_stages.go_on(directory, *wanted)
    assert kill_stages.hashes(directory) == expected
    assert [path.name for path in shard.glob(".*")] == [RECORD]


def test_a_corrupt_shard_is_told_and_goes_away_with_its_file(finished) -> None:
    directory = finished.directory
    names = [f"{MODEL}/{name}" for name in MODEL_FILES]
    before = contents(directory, names)
    shard = directory / "results/shards/blood_1/support.npy"
    content = bytearray(shard.read_bytes())
    content[-3] ^= 1
    shard.write_bytes(bytes(content))
    wanted = ("--cores", "2", "--allowed-rules", "train_model", "write_block_shards", "--", *names)
    done = finished.snakemake(*wanted)
    assert done.returncode != 0
    told = [line for line in done.stdout.splitlines() if "cbat train_model: error:" in line]
    assert told
    assert "results/shards/blood_1/support.npy: the file is corrupt" in told[0]
    assert "Fix: " in told[0]
    assert "Traceback (most recent call last)" not in done.stdout
    shard.unlink()
    done = finished.snakemake(*wanted)
    assert done.returncode == 0, done.stdout
    assert contents(directory, names) == before


@pytest.mark.parametrize(
    ("name", "rule", "verb", "wanted"),
    [
        (f"{MODEL}/model.safetensors", "train_model", "evaluate_cell_line",
         "results/evaluation/graph_manifold/seed_1/liver_2/metrics.tsv"),
        ("results/encoders/motifs/seed_1/encoder.safetensors", "pretrain_encoder", "train_model",
         f"{MODEL}/model.json"),
    ],
)  # fmt: skip
def test_truncated_weights_are_told_with_what_mends_them(finished, name, rule, verb, wanted) -> None:
    path = finished.directory / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    done = finished.snakemake("--cores", "2", "--allowed-rules", verb, "--", wanted)
    assert done.returncode != 0
    told = [line for line in done.stdout.splitlines() if f"cbat {verb}: error:" in line]
    assert told
    assert f"{name}: the weights cannot be read" in told[0]
    assert f"run {rule} again" in told[0]
    planned = finished.planned("--forcerun", rule, "--", wanted)
    assert {rule, verb} <= planned


def test_the_script_that_measures_kills_runs(toy, tmp_path) -> None:
    """On a finished run: one rule, killed once or until a kill has met it, and no whole run."""
    toy.copy_to(tmp_path / "undisturbed")
    (tmp_path / "undisturbed" / "seconds").write_text("60")
    command = [sys.executable, str(TOP / "benchmarks" / "kill_stages.py"), "--directory", str(tmp_path)]
    command += ["--rules", "plot_support_curve", "--rule-kills", "1", "--run-kills", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    *kills, total = (json.loads(line) for line in done.stdout.splitlines())
    assert total["n"] == len(kills) >= 1
    assert all(kill["rule"] == "plot_support_curve" and kill["half_written"] == [] for kill in kills)
    assert total["files_that_differ"] == {"rules": []}
