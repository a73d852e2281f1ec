"""The Dockerfile: linted, on the same versions as everything else, and with all that a run needs in it.

No image is built: that needs a container engine and the network.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from dockerfile_parse import DockerfileParser

TOP = Path(__file__).resolve().parents[2]
IGNORE = [line for line in (TOP / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]


@pytest.fixture(scope="module")
def dockerfile() -> DockerfileParser:
    return DockerfileParser(fileobj=(TOP / "Dockerfile").open("r+b"))


def instructions(dockerfile: DockerfileParser, name: str, stage: int | None = None) -> list[str]:
    """Values of all instructions of a name, in one stage (0 is the first) or all."""
    values, current = [], -1
    for one in dockerfile.structure:
        current += one["instruction"] == "FROM"
        if one["instruction"] == name and stage in (None, current):
            values.append(one["value"])
    return values


def copied(dockerfile: DockerfileParser) -> list[str]:
    """What the build takes from the checkout, as the Dockerfile names it."""
    return [name for value in instructions(dockerfile, "COPY", 0) for name in value.split()[:-1]]


def is_sent(path: str) -> bool:
    """Whether `.dockerignore` lets a file of the checkout through: the last pattern that fits decides."""
    sent = True
    parents = [path, *(str(parent) for parent in Path(path).parents)][:-1]
    for line in IGNORE:
        pattern = line.removeprefix("!")
        shapes = [pattern, pattern.removeprefix("**/")] if pattern.startswith("**/") else [pattern]
        if any(fnmatch.fnmatchcase(one, shape) for one in parents for shape in shapes):
            sent = line.startswith("!")
    return sent


def tracked() -> list[str]:
    try:
        listed = subprocess.run(
            ["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git does not know this folder, so nothing says which files ship")
    return [name for name in listed if (TOP / name).exists()]


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("the linter hadolint is not installed")
    done = subprocess.run([hadolint, TOP / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_all_that_is_copied_exists_and_is_sent_to_the_build(dockerfile: DockerfileParser) -> None:
    names = copied(dockerfile)
    assert len(names) == len(set(names))
    assert {"requirements.lock", "requirements-build.lock", "pyproject.toml", "src", "workflow"} <= {*names}
    for name in names:
        assert (TOP / name).exists(), name
        assert is_sent(name), name


def test_nothing_is_sent_that_is_not_copied(dockerfile: DockerfileParser) -> None:
    assert {line[1:] for line in IGNORE if line.startswith("!")} == {*copied(dockerfile)}
    for name in (".git/config", ".venv/bin/python", "results/a.tsv", "tests/conftest.py", "worlds/w/a"):
        assert not is_sent(name), name
    for name in (
        "resources/downloads/a.gz",
        "src/cbat/__pycache__/cli.cpython-311.pyc",
        "src/cbat.egg-info/PKG-INFO",
    ):
        assert not is_sent(name), name


def test_versions_are_those_of_the_locks(dockerfile: DockerfileParser) -> None:
    project: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    (torch,) = [one for one in project["dependencies"] if one.startswith("torch")]
    (installed,) = [one for one in instructions(dockerfile, "RUN", 0) if "torch" in one]
    assert re.findall(r"torch==[0-9.]+", installed) == [torch]
    # What is hashed is installed by its hashes; nothing else but torch and this package comes from outside.
    assert installed.count("--require-hashes") == installed.count(".lock") == 2
    assert len(re.findall(r"pip install", " ".join(instructions(dockerfile, "RUN")))) == 4
    conda = (TOP / "environment.yml").read_text()
    python = re.search(r"python=([0-9.]+)", conda)
    assert python
    assert {value.split()[0] for value in instructions(dockerfile, "FROM")} == {
        f"python:{python[1]}-slim-bookworm"
    }


def test_it_runs_snakemake_and_not_as_root(dockerfile: DockerfileParser) -> None:
    (user,) = instructions(dockerfile, "USER", 1)
    assert f"--uid {user} " in " ".join(instructions(dockerfile, "RUN", 1))
    assert user != "0"
    (entry_point,) = instructions(dockerfile, "ENTRYPOINT", 1)
    assert json.loads(entry_point) == ["snakemake", "--snakefile", "/opt/cbat/Snakefile"]
    # Programs of a virtual environment name their folder, so both stages have it in one place.
    assert instructions(dockerfile, "COPY", 1) == ["--from=build /opt/cbat /opt/cbat"]
    assert instructions(dockerfile, "WORKDIR", 0) == ["/opt/cbat"]


def test_what_is_copied_is_enough_to_plan_a_run_in_another_folder(
    dockerfile: DockerfileParser, tmp_path: Path
) -> None:
    image, data = tmp_path / "image", tmp_path / "data"
    wanted = copied(dockerfile)
    for name in tracked():
        if is_sent(name) and any(name == one or name.startswith(f"{one}/") for one in wanted):
            (image / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, image / name)
    # As docs/environments.md says: configuration and small tables are copied out of the image.
    for name in ("config", "resources"):
        shutil.copytree(image / name, data / name)
    planned = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", image / "Snakefile", "-n", "--nocolor"],
        cwd=data,
        capture_output=True,
        text=True,
        check=False,
    )
    assert planned.returncode == 0, planned.stderr
    assert "Train the model graph_manifold (seed 1)." in planned.stdout + planned.stderr
    shown = subprocess.run(
        [image / "workflow" / "bin" / "cbat", "train_model", "--help"],
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        cwd=data,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "--train-lines" in shown.stdout
    assert str(TOP / "src") not in planned.stdout + planned.stderr
