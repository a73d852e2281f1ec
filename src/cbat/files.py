"""Whole files or none: atomic writes, and the hashes that manifests carry."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from cbat.errors import UserError, of_the_machine

MARK: Final = "cbat-"
"""Part of the name of everything temporary, so that a file of the user is never taken for it."""
_CANNOT_BE_RENAMED: Final = frozenset({errno.EBUSY, errno.EXDEV})


class Keeper(Protocol):
    """What has a say before a file is replaced, and is told what replaces it."""

    def before(self, path: Path, *, through: bool = True) -> None:
        """Raise UserError where ``path`` may not be replaced, if it is a link ``through`` it, or removed."""

    def written(self, path: Path, content: Path) -> None:
        """``content``, a file, a link or a folder, is about to take the place of ``path``, or to be begun."""


_keepers: list[Keeper] = []


@contextmanager
def kept_by(keeper: Keeper) -> Iterator[None]:
    """Ask ``keeper`` before anything is replaced or removed while the block runs, in this process."""
    _keepers.append(keeper)
    try:
        yield
    finally:
        _keepers.remove(keeper)


def keep(keeper: Keeper) -> None:
    """Ask ``keeper`` for as long as this process lives; for a process that works for another one."""
    _keepers.append(keeper)


def keepers() -> tuple[Keeper, ...]:
    """Those that are asked now."""
    return tuple(_keepers)


def _ask(path: Path, *, through: bool = True) -> None:
    for keeper in _keepers:
        keeper.before(path, through=through)


def _tell(path: Path, content: Path) -> None:
    for keeper in _keepers:
        keeper.written(path, content)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block succeeds.

    The temporary file is removed when the block raises, so a reader never meets half a file. One that a
    killed process has left is removed when ``path`` is written next. Where ``path`` is a link, the file that
    it names is replaced, and the link stays.

    Raises
    ------
    UserError
        The file cannot be written: the disk is full or read-only, or permission is missing; or it is not
        this command's to replace.
    """
    path = Path(path)
    with _failures_told(path):
        _ask(path)
        target = _followed(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(target.parent, target.name)
        temporary, lock = _locked(lambda: _new_file(target))
    try:
        with _failures_told(path):
            yield temporary
            os.chmod(temporary, 0o644)
            _tell(path, temporary)
            os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(lock)


def replace_by(source: Path, path: Path) -> None:
    """Rename a finished file to ``path``, on the same file system, as :func:`atomic_file` does.

    Raises
    ------
    UserError
        See :func:`atomic_file`.
    """
    with _failures_told(path):
        _ask(path)
        _tell(path, source)
        target = _followed(path)
        try:
            os.replace(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # A link to another disk.
            with atomic_file(target) as temporary:
                shutil.copyfile(source, temporary)
            source.unlink()


def atomic_link(target: str | Path, path: Path) -> None:
    """Make ``path`` a symbolic link to ``target``; a file or link that is there is replaced, not written to.

    Raises
    ------
    UserError
        See :func:`atomic_file`.
    """
    with _failures_told(path):
        _ask(path, through=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        home, lock = _locked(lambda: _new_directory(path.parent, path.name))
        try:
            link = home / path.name
            link.symlink_to(target)
            _tell(path, link)
            os.replace(link, path)
        finally:
            shutil.rmtree(home, ignore_errors=True)
            os.close(lock)


def claim(path: Path) -> None:
    """Ask for ``path``, which is about to be written where it stands, piece by piece.

    Raises
    ------
    UserError
        See :func:`atomic_file`.
    """
    _ask(path)
    _tell(path, path)


def ask(paths: Iterable[Path]) -> None:
    """Ask for files that will be replaced after some work.

    Raises
    ------
    UserError
        See :func:`atomic_file`.
    """
    for path in paths:
        _ask(path)


def remove(path: Path) -> None:
    """Remove a file or a link, if there is one; what a link names stays.

    Raises
    ------
    UserError
        It is not this command's to remove.
    """
    if path.is_symlink() or path.exists():
        _ask(path, through=False)
        path.unlink()


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield a temporary directory beside ``path`` that replaces it when the block succeeds.

    Where ``path`` is a link, the folder that it names is replaced, and the link stays. A folder that cannot
    be replaced itself, as one that another disk is mounted on, has its content exchanged.

    Raises
    ------
    UserError
        See :func:`atomic_file`.
    """
    path = Path(path)
    with _failures_told(path):
        _ask(path)
        target = _followed(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        inside = target.is_dir() and (os.path.ismount(target) or not os.access(target.parent, os.W_OK))
        home = target if inside else target.parent
        remove_stale(home, target.name)
        temporary, lock = _locked(lambda: _new_directory(home, target.name))
    try:
        with _failures_told(path):
            yield temporary
            os.chmod(temporary, 0o755)
            _tell(path, temporary)
            if inside:
                _exchange_content(temporary, target)
            else:
                _exchange(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(lock)


def _exchange(temporary: Path, path: Path) -> None:
    """Let a new folder take the place of an old one; ended in between, the old one stands again."""
    before = temporary.with_name(f"{temporary.name}.before")
    try:
        if path.exists():
            try:
                os.replace(path, before)
            except OSError as error:
                if error.errno not in _CANNOT_BE_RENAMED:
                    raise
                return _exchange_content(temporary, path)
        os.replace(temporary, path)
    finally:
        if before.exists() and not path.exists():
            os.replace(before, path)
        shutil.rmtree(before, ignore_errors=True)


def _exchange_content(temporary: Path, path: Path) -> None:
    """The same for a folder that has to stay: what it holds is exchanged, entry by entry."""
    new = Path(tempfile.mkdtemp(dir=path, prefix=f".{path.name}.{MARK}"))
    before = new.with_name(f"{new.name}.before")
    before.mkdir()
    names, placed = [entry.name for entry in temporary.iterdir()], []
    whole = False
    try:
        # Copied where the temporary folder lies on another file system, before anything is moved away.
        for name in names:
            shutil.move(temporary / name, new / name)
        for entry in [*path.iterdir()]:
            if f".{MARK}" not in entry.name:
                os.replace(entry, before / entry.name)
        for name in names:
            os.replace(new / name, path / name)
            placed.append(name)
        whole = True
    finally:
        if not whole:
            for name in placed:
                os.replace(path / name, new / name)
            for entry in [*before.iterdir()]:
                os.replace(entry, path / entry.name)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def _followed(path: Path) -> Path:
    """What a link names, which need not be there; the path itself where it is no link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


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
    prefix = f".{path.name}.{MARK}"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
    return Path(name), handle


def _new_directory(home: Path, name: str) -> tuple[Path, int]:
    made = tempfile.mkdtemp(dir=home, prefix=f".{name}.{MARK}")
    return Path(made), os.open(made, os.O_RDONLY)


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


def remove_stale(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes have left in a folder under names of temporary files.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Of the one file or folder whose temporary ones go, with all that stands beside them; all by default.
    """
    named = r".+" if name is None else re.escape(name)
    ours = re.compile(rf"(\.{named}\.{MARK}[a-z0-9_]{{8}})(\..+)?")
    try:
        entries = list(os.scandir(folder))
    except OSError:  # A folder may be written that may not be listed.
        return
    groups: dict[str, list[os.DirEntry[str]]] = {}
    for entry in entries:
        if match := ours.fullmatch(entry.name):
            groups.setdefault(match[1], []).append(entry)
    for group in groups.values():
        with ExitStack() as locks:
            if not all(locks.enter_context(_unless_locked(Path(entry.path))) for entry in group):
                continue
            for entry in group:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
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
