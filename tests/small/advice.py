"""Inputs after public reports, and the commands that messages advise, carried out."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
_COMMAND = re.compile(r"run (?P<run>.*), and name (?P<name>.*) instead")


def shared_case(folder: str) -> Path:
    """The folder of one of the inputs, which do not ship: without them the test is skipped."""
    if not CASES.is_dir():
        pytest.skip(
            f"no example files in {CASES}: they are kept outside the repository, and CBAT runs without them"
        )
    return CASES / folder


def follow(told: str) -> Path:
    """Run the command that a message names, and give the file that it makes."""
    found = _COMMAND.search(told)
    assert found is not None, told
    subprocess.run(["bash", "-c", found["run"]], check=True)
    return Path(shlex.split(found["name"])[0])
