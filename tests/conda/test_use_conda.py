"""`snakemake --use-conda`, with every environment solved and installed from a channel on this machine.

Shown: every file is read, its names and versions solve together, and what is missing stops a run. That each
job runs in the environment that its rule names, tests/rules shows. Not shown: that the public channels hold
these versions.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import local_conda
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(local_conda.why_not() is not None, reason=str(local_conda.why_not())),
]


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return local_conda.write_channels(tmp_path_factory.mktemp("channels"))


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return local_conda.write_programs(tmp_path_factory.mktemp("conda"))


@pytest.fixture
def run(new_toy, tmp_path: Path, channels: Path, programs: Path, monkeypatch: pytest.MonkeyPatch):
    """A toy working directory in which Snakemake finds conda."""
    directory = tmp_path / "run"
    directory.mkdir()
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", f"file://{channels}")
    monkeypatch.setenv("CONDA_CALLS", str(directory / "conda_calls.txt"))
    toy = new_toy(directory)
    toy.programs = f"{programs}:{toy.programs}"
    return toy


def test_training_on_a_gpu_asks_for_its_own_environment(run) -> None:
    run.write("gpu.yaml", "training: {device: cuda}\n")
    done = run.snakemake("--use-conda", "--cores", "8", "--conda-create-envs-only", over=["gpu.yaml"])
    assert done.returncode == 0, done.stdout[-5000:]
    environment = local_conda.environments(run.directory)["train-gpu.yaml"]
    packages = [file.name for file in (environment / "conda-meta").iterdir()]
    assert any(name.startswith("pytorch-gpu-2.13.0") for name in packages)
    assert not any(name.startswith("pytorch-cpu") for name in packages)


def test_a_version_that_the_channel_lacks_stops_the_run_before_any_job(
    run, channels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = run.directory / "empty"
    for name in ("conda-forge", "bioconda"):
        shutil.copytree(channels / "bioconda", empty / name)
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", f"file://{empty}")
    done = run.snakemake("--use-conda", "--cores", "8")
    assert done.returncode != 0
    assert "Could not create conda environment" in done.stdout
    assert not (run.directory / "results").exists()
