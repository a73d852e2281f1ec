"""What a result was made with."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from cbat.files import sha256_of
from cbat.versions import CHECKOUT, git_state, hash_of, software


def git(checkout: Path, *arguments: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    command = ["git", "-C", str(checkout), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "code.py").write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    git_state.cache_clear()
    yield tmp_path
    git_state.cache_clear()


def test_results_of_runs_do_not_count_as_changes(checkout: Path) -> None:
    (checkout / "results").mkdir()
    (checkout / "results" / "table.tsv").write_text("x\n")
    (checkout / "src" / "notes.txt").write_text("x\n")
    assert git_state(checkout) == (git(checkout, "rev-parse", "HEAD"), False)


def test_changed_code_is_told(checkout: Path) -> None:
    (checkout / "src" / "code.py").write_text("a = 2\n")
    assert git_state(checkout) == (git(checkout, "rev-parse", "HEAD"), True)


def test_without_git(tmp_path: Path) -> None:
    assert git_state(tmp_path) == (None, None)


def test_locks_and_packages_are_those_here() -> None:
    told = software()
    assert told["lock_sha256"]["requirements.lock"] == sha256_of(CHECKOUT / "requirements.lock")
    assert told["packages"]["numpy"] == metadata.version("numpy")
    assert all(told["packages"].values())


def test_hashes_do_not_depend_on_the_order_of_keys() -> None:
    assert hash_of({"a": 1, "b": [2]}) == hash_of({"b": [2], "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": 2})
