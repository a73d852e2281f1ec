"""`snakemake --use-conda`, with every environment solved and installed from a channel on this machine.

Shown: every file is read, its names and versions solve together, each job runs in the environment that its
rule names, and can import all it needs from there. Not shown: that the public channels hold these versions.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("rattler", reason="py-rattler, which solves conda environments, is not installed")

HERE = Path(__file__).parent
TOP = HERE.parents[1]
ENVIRONMENTS = sorted((TOP / "workflow" / "envs").glob("*.yaml"))
PYTHON = "3.11"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.version_info[:2] != tuple(map(int, PYTHON.split("."))),
        reason=f"the environments ask for Python {PYTHON}, and the code they link to is that of another",
    ),
    pytest.mark.skipif(shutil.which("bedtools") is None, reason="the program bedtools is not installed"),
]


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channels")
    subprocess.run(
        [sys.executable, str(HERE / "local_channel.py"), str(folder), *map(str, ENVIRONMENTS)], check=True
    )
    return folder


@pytest.fixture(scope="module")
def conda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs `conda` and `activate`."""
    programs = tmp_path_factory.mktemp("conda") / "bin"
    programs.mkdir()
    shutil.copy(HERE / "activate", programs)
    text = (HERE / "stand_in.py").read_text()
    (programs / "conda").write_text(f"#!{sys.executable}\n{text}")
    (programs / "conda").chmod(0o755)
    return programs


class CondaRun:
    """A toy working directory in which Snakemake finds conda."""

    def __init__(self, toy, directory: Path, channels: Path, conda: Path) -> None:
        self.directory = directory
        shutil.copytree(toy.directory / "config", directory / "config")
        shutil.copytree(toy.directory / "resources", directory / "resources")
        for file in ("toy.yaml", "cell_lines.tsv"):
            shutil.copy(toy.directory / file, directory)
        self.calls = directory / "conda_calls.txt"
        self.environment = dict(
            os.environ,
            PATH=f"{conda}:/usr/local/bin:/usr/bin:/bin",
            CONDA_CHANNEL_ALIAS=f"file://{channels}",
            CONDA_CALLS=str(self.calls),
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(TOP / "Snakefile"), "--nocolor"]
        return subprocess.run(
            [*command, "--configfile", "toy.yaml", "--use-conda", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def environments(self) -> dict[str, Path]:
        """Folders of the environments that were made, by the name of their file."""
        texts = {file.read_text(): file.name for file in ENVIRONMENTS}
        made = (self.directory / ".snakemake" / "conda").glob("*.yaml")
        return {texts[file.read_text()]: file.with_suffix("") for file in made}


@pytest.fixture
def new_run(toy, tmp_path: Path, channels: Path, conda: Path) -> CondaRun:
    return CondaRun(toy, tmp_path / "run", channels, conda)


@pytest.fixture(scope="module")
def finished(toy, tmp_path_factory: pytest.TempPathFactory, channels: Path, conda: Path) -> CondaRun:
    """The toy workflow, run to the report in environments."""
    run = CondaRun(toy, tmp_path_factory.mktemp("with_conda") / "run", channels, conda)
    done = run.snakemake("--cores", "8")
    assert done.returncode == 0, done.stdout[-20_000:]
    return run


def rules_with_environment(environment: str) -> set[str]:
    """Names of the rules that name this file."""
    found = set()
    for path in (TOP / "workflow" / "rules").glob("*.smk"):
        for block in re.split(r"^ *rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            conda = re.search(r"^ *conda:\s+(\S+)", block, flags=re.MULTILINE)
            if conda and conda[1].strip('"').rpartition("/")[2] == environment:
                found.add(block.partition(":")[0])
    return found


def test_every_environment_that_a_run_on_processors_needs_is_made(finished: CondaRun) -> None:
    assert finished.environments().keys() == {file.name for file in ENVIRONMENTS} - {"train-gpu.yaml"}


@pytest.mark.parametrize(
    "file", [file for file in ENVIRONMENTS if file.name != "train-gpu.yaml"], ids=lambda file: file.name
)
def test_an_environment_holds_the_versions_that_its_file_names(finished: CondaRun, file: Path) -> None:
    installed = dict(
        record.stem.rsplit("-", 2)[:2]
        for record in (finished.environments()[file.name] / "conda-meta").glob("*.json")
    )
    for entry in yaml.safe_load(file.read_text())["dependencies"]:
        name, _, version = entry.partition("=")
        assert f"{installed[name]}.".startswith(f"{version}."), entry


def test_each_environment_ran_jobs_while_it_was_active(finished: CondaRun) -> None:
    for name, folder in finished.environments().items():
        active = (folder / "jobs.txt").read_text().splitlines()
        assert set(active) == {str(folder)}, name
        jobs = [log for rule in rules_with_environment(name) for log in jobs_of(finished, rule)]
        assert len(active) >= len(jobs) > 0, name


def jobs_of(run: CondaRun, rule: str) -> list[Path]:
    return list((run.directory / "logs" / rule).rglob("*.log"))


def test_results_are_those_of_a_run_without_conda(toy, finished: CondaRun) -> None:
    for name in ("metrics.tsv", "summary.tsv"):
        ours, other = (run.directory / "results" / "summary" / name for run in (finished, toy))
        assert ours.read_bytes() == other.read_bytes(), name
    assert (finished.directory / "results" / "report.html").stat().st_size > 100_000


def test_a_second_run_makes_nothing_anew(finished: CondaRun) -> None:
    calls = finished.calls.read_text().count("env create")
    done = finished.snakemake("--cores", "8")
    assert "Nothing to be done" in done.stdout, done.stdout[-5000:]
    assert finished.calls.read_text().count("env create") == calls == len(finished.environments())


def test_training_on_a_gpu_asks_for_its_own_environment(new_run: CondaRun) -> None:
    (new_run.directory / "gpu.yaml").write_text("training: {device: cuda}\n")
    done = new_run.snakemake(
        "--cores", "8", "--conda-create-envs-only", "--configfile", "toy.yaml", "gpu.yaml"
    )
    assert done.returncode == 0, done.stdout[-5000:]
    packages = [file.name for file in (new_run.environments()["train-gpu.yaml"] / "conda-meta").iterdir()]
    assert any(name.startswith("pytorch-gpu-2.13.0") for name in packages)
    assert not any(name.startswith("pytorch-cpu") for name in packages)


def test_a_version_that_the_channel_lacks_stops_the_run_before_any_job(
    new_run: CondaRun, channels: Path
) -> None:
    empty = new_run.directory / "empty"
    shutil.copytree(channels / "bioconda", empty / "conda-forge")
    shutil.copytree(channels / "bioconda", empty / "bioconda")
    new_run.environment["CONDA_CHANNEL_ALIAS"] = f"file://{empty}"
    done = new_run.snakemake("--cores", "8")
    assert done.returncode != 0
    assert "Could not create conda environment" in done.stdout
    assert not (new_run.directory / "results").exists()
