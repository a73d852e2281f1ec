"""Whole files or none: atomic writes, and the hashes that manifests carry."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cbat.errors import UserError, of_the_machine


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block succeeds.

    The temporary file is removed when the block raises, so a reader never meets half a file. One that a
    killed process has left is removed when ``path`` is written next.

    Raises
    ------
    UserError
        The file cannot be written: the disk is full or read-only, or permission is missing.
    """
    path = Path(path)
    with _failures_told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path, path.suffix)
        temporary, lock = _locked(lambda: _new_file(path))
    try:
        with _failures_told(path):
            yield temporary
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(lock)


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield a temporary directory beside ``path`` that replaces it when the block succeeds.

    Raises
    ------
    UserError
        See :func:`atomic_file`.
    """
    path = Path(path)
    with _failures_told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path, "")
        temporary, lock = _locked(lambda: _new_directory(path))
    before = temporary.with_name(f"{temporary.name}.before")
    try:
        with _failures_told(path):
            yield temporary
            os.chmod(temporary, 0o755)
            if path.exists():
                os.replace(path, before)
            os.replace(temporary, path)
    finally:
        # Ended between the two renames: the one that was there stands again.
        if before.exists() and not path.exists():
            os.replace(before, path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)
        os.close(lock)


@contextmanager
def _failures_told(path: Path) -> Iterator[None]:
    """Turn what a full or read-only disk raises, in whatever library, into a message that names the file.

    It must see the exception before a temporary file is removed, which makes room again.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if (told := of_the_machine(error, path)) is not None:
            raise told from error
        raise


def _new_file(path: Path) -> tuple[Path, int]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    return Path(name), handle


def _new_directory(path: Path) -> tuple[Path, int]:
    name = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.")
    return Path(name), os.open(name, os.O_RDONLY)


def _locked(make: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """A new temporary path with a lock that the kernel takes away from a process that was killed."""
    while True:
        temporary, handle = make()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # A file system without locks, where nothing is taken for stale.
            return temporary, handle
        if temporary.exists():
            return temporary, handle
        # Somebody has taken it for stale before it was locked.
        os.close(handle)


def _remove_stale(path: Path, suffix: str) -> None:
    """Remove the temporary files of ``path``, and what stands beside them, whose process is no more."""
    ours = re.compile(rf"(\.{re.escape(path.name)}\.[a-z0-9_]{{8}}{re.escape(suffix)})(\..+)?")
    try:
        entries = list(os.scandir(path.parent))
    except OSError:  # A folder may be written that may not be listed.
        return
    for entry in entries:
        if (match := ours.fullmatch(entry.name)) is None:
            continue
        with _unless_locked(path.with_name(match[1])) as stale:
            if stale and entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif stale:
                Path(entry.path).unlink(missing_ok=True)


@contextmanager
def _unless_locked(path: Path) -> Iterator[bool]:
    """Lock a temporary path, or say that a process has it; one that is gone is nobody's."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield True
        return
    except OSError:  # Somebody else's, who alone knows whether it is stale.
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


def is_no_file(path: Path) -> str:
    """What is wrong with a path that names no file, for a message."""
    return "is a directory" if path.is_dir() else "does not exist"


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces of one mebibyte."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
