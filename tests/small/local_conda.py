"""A conda of the tests' own: the program, a channel on this machine, and what it has made."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = TOP / "tests" / "conda"
ENVIRONMENTS = sorted((TOP / "workflow" / "envs").glob("*.yaml"))
PYTHON = "3.11"


def why_not() -> str | None:
    """What is missing to make environments here; None if nothing is."""
    if importlib.util.find_spec("rattler") is None:
        return "py-rattler, which solves conda environments, is not installed"
    if sys.version_info[:2] != tuple(map(int, PYTHON.split("."))):
        return f"the environments ask for Python {PYTHON}, and the code they link to is that of another"
    if shutil.which("bedtools") is None:
        return "the program bedtools is not installed"
    return None


def write_channels(folder: Path) -> Path:
    """Channels in which all environments of the workflow can be solved."""
    subprocess.run(
        [sys.executable, str(HERE / "local_channel.py"), str(folder), *map(str, ENVIRONMENTS)], check=True
    )
    return folder


def write_programs(folder: Path) -> Path:
    """A folder with the programs `conda` and `activate`."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    shutil.copy(HERE / "activate", programs)
    text = (HERE / "stand_in.py").read_text()
    (programs / "conda").write_text(f"#!{sys.executable}\n{text}")
    (programs / "conda").chmod(0o755)
    return programs


def environments(directory: Path) -> dict[str, Path]:
    """Folders of the environments that were made in a working directory, by the name of their file."""
    texts = {file.read_text(): file.name for file in ENVIRONMENTS}
    made = (directory / ".snakemake" / "conda").glob("*.yaml")
    return {texts[file.read_text()]: file.with_suffix("") for file in made}


def rules_with_environment(environment: str) -> set[str]:
    """Names of the rules that name this file."""
    found = set()
    for path in (TOP / "workflow" / "rules").glob("*.smk"):
        for block in re.split(r"^ *rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            conda = re.search(r"^ *conda:\s+(\S+)", block, flags=re.MULTILINE)
            if conda and conda[1].strip('"').rpartition("/")[2] == environment:
                found.add(block.partition(":")[0])
    return found
