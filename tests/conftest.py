"""What every test may use: the workflow in a directory of its own, a finished toy run, real data."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).resolve().parents[1]


class Checkout:
    """A working directory with the shipped configuration, and the workflow to run in it.

    Parameters
    ----------
    directory : Path
        The working directory.
    configuration : sequence of str
        Files that every run lays over the shipped configuration.
    """

    def __init__(self, directory: Path, configuration: Sequence[str] = ()) -> None:
        self.directory = directory
        self.configuration = tuple(configuration)
        if not (directory / "config").exists():
            shutil.copytree(TOP / "config", directory / "config")

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.directory / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def set_keys(self, name: str, **values: Any) -> None:
        """Set keys of a YAML file."""
        path = self.directory / name
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))

    def copy_to(self, directory: Path) -> Checkout:
        """The same, results and provenance included, to be changed at will."""
        shutil.copytree(self.directory, directory, symlinks=True, dirs_exist_ok=True)
        return Checkout(directory, self.configuration)

    def snakemake(self, *arguments: str, over: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run Snakemake; standard error joins standard output."""
        # A virtual environment that is not activated is the harder case, so its programs are not on PATH.
        environment = dict(os.environ, PATH="/usr/local/bin:/usr/bin:/bin")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(TOP / "Snakefile"), "--nocolor"]
        configuration = [*self.configuration, *over]
        if configuration:
            command += ["--configfile", *configuration]
        return subprocess.run(
            [*command, *arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def planned(self, *arguments: str, over: Sequence[str] = ()) -> set[str]:
        """The rules that a run would execute."""
        done = self.snakemake("-n", "--quiet", "host", *arguments, over=over)
        assert done.returncode == 0, done.stdout
        lines = [line.strip() for line in done.stdout.splitlines()]
        return {line.rstrip(":").split()[1] for line in lines if line.startswith(("rule ", "localrule "))}


class Toy(Checkout):
    """A small world whose whole run takes a minute; ``seconds`` of the clock and of both processors."""

    seconds: float = 0.0
    processor_seconds: float = 0.0


def processor_seconds() -> float:
    """What all finished child processes have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh working directory with the shipped configuration."""
    return Checkout(tmp_path)


@pytest.fixture(scope="session")
def new_checkout() -> type[Checkout]:
    """Makes further working directories."""
    return Checkout


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The finished run of a toy world; to be read, not to be changed."""
    directory = tmp_path_factory.mktemp("toy")
    toy = Toy(directory, ["toy.yaml"])
    for file in (TOP / "tests" / "toy").iterdir():
        shutil.copy(file, directory)
    for model in ("baseline", "graph_manifold"):
        toy.set_keys(f"config/models/{model}.yaml", epochs=6, support_size=64)
    toy.set_keys("config/encoders/motifs.yaml", n_filters=16)
    started, spent = time.perf_counter(), processor_seconds()
    done = toy.snakemake("--cores", "2")
    toy.seconds, toy.processor_seconds = time.perf_counter() - started, processor_seconds() - spent
    assert done.returncode == 0, done.stdout[-20_000:]
    return toy


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Real data beside the checkout, too large to ship; CBAT_SHARED names another place."""
    directory = Path(os.environ.get("CBAT_SHARED", TOP.parent / "shared"))
    if not (directory / "data").is_dir():
        pytest.skip(f"no real data in {directory}; set CBAT_SHARED to the folder that has it")
    return directory
