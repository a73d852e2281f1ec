"""Inputs after public reports, and the commands that messages advise, carried out."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cbat.cli import main
from cbat.errors import UserError

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


def advised(
    attempt: Callable[[], object], told: str, mend: Callable[[], object], then: str = ""
) -> UserError:
    """A faulty input is refused with a fix, the fix is carried out, and the next attempt goes on.

    Parameters
    ----------
    attempt : callable
        What a user does, before and after the fix.
    told : str
        Words of the fix that ``mend`` carries out.
    mend : callable
        Does what they say, and nothing else.
    then : str
        Where further faults are left: words of the next message, which is another one.
    """
    with pytest.raises(UserError) as first:
        attempt()
    assert told in first.value.mend, f"{told!r} is not in {first.value.mend!r}"
    mend()
    if then:
        with pytest.raises(UserError) as second:
            attempt()
        assert then in str(second.value)
        assert str(second.value) != str(first.value)
    else:
        attempt()
    return first.value


def command(*words: object) -> None:
    """Run cbat in this process, and raise what it tells the user as a :class:`UserError`."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error):
        status = main([str(word) for word in words])
    if status:
        told = [line for line in error.getvalue().splitlines() if ": error: " in line]
        assert len(told) == 1, error.getvalue()
        problem, _, mend = told[0].partition(" Fix: ")
        raise UserError(problem.partition(": error: ")[2].rstrip("."), mend=mend.rstrip("."))
