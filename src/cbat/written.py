"""The record that a folder keeps of what commands wrote into it: names, sizes and hashes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from cbat.files import MARK, sha256_of
from cbat.locks import locked

RECORD: Final = ".cbat_written.json"
"""Name of the record in its folder."""
State = list[Any] | None
"""Size and hash of a file, the target of a link, or None for what is known by its name."""
_HASHED_UP_TO: Final = 1 << 30
"""Bytes above which a file is known by its size alone, as an unpacked genome is."""
_PATIENCE: Final = 60.0
"""Seconds for others to write their part of a record, which takes them none."""
_REMEMBERED: Final = 2
"""A killed process may have written down what never took its place."""


def is_recorded(folder: Path, name: str, verbs: Collection[str | None], *, by_name: bool = False) -> bool:
    """Whether one of ``verbs`` wrote the file ``name`` of a folder, and left it as it is.

    Parameters
    ----------
    folder : Path
        Whose record is asked.
    name : str
        Relative to the folder, with slashes.
    verbs : collection of str
    by_name : bool
        Whether it need not be as it was left.
    """
    entry = _read(folder).get(name)
    if not isinstance(entry, dict) or entry.get("verb") not in verbs:
        return False
    if by_name:
        return True
    path, known = folder / name, entry.get("states", [])
    if path.is_symlink() and ["link", os.readlink(path)] in known:
        return True
    try:
        sizes = [state[0] for state in known if state]
        return path.stat().st_size in sizes and _of_file(path) in known
    except (OSError, IndexError, TypeError):
        return False


def is_product(path: Path) -> bool:
    """Whether a command wrote a file of this name here, which the record of one of its folders says."""
    here = Path(os.path.realpath(path.parent)) / path.name
    return any(
        here.relative_to(folder).as_posix() in _read(folder)
        for folder in here.parents
        if (folder / RECORD).is_file()
    )


def is_own_link(folder: Path, name: str) -> bool:
    """Whether ``name`` is a link that a command made; what it names is somebody else's."""
    states = _read(folder).get(name, {}).get("states", [])
    path = folder / name
    return path.is_symlink() and ["link", os.readlink(path)] in states


def state_of(path: Path) -> State:
    """What a file or link is known by."""
    return ["link", os.readlink(path)] if path.is_symlink() else _of_file(path)


def _of_file(path: Path) -> State:
    size = path.stat().st_size
    return [size, sha256_of(path) if size <= _HASHED_UP_TO else None]


def record(folder: Path, states: Mapping[str, State], verb: str) -> None:
    """Write down what is about to be in a folder; what was known before is known still.

    Parameters
    ----------
    folder : Path
    states : mapping
        Name relative to the folder -> :func:`state_of`.
    verb : str
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Jobs of a workflow share a folder and write at once.
    with locked(folder / f".{MARK}lock-record", shared=False, verb=verb, patience=_PATIENCE):
        known = _read(folder)
        for name, state in states.items():
            entry = known.get(name, {})
            before = entry.get("states", []) if entry.get("verb") == verb else []
            kept = [one for one in before if one != state][-_REMEMBERED + 1 :]
            known[name] = {"verb": verb, "states": [*kept, state]}
        _write(folder, known)


def record_whole(folder: Path, verb: str) -> None:
    """Write down all files that a new folder holds."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if not path.is_dir()]
    found = {name.as_posix(): {"verb": verb, "states": [state_of(folder / name)]} for name in names}
    _write(folder, found)


def _read(folder: Path) -> dict[str, Any]:
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return files if isinstance(files, dict) else {}


def _write(folder: Path, files: Mapping[str, Any]) -> None:
    handle, name = tempfile.mkstemp(dir=folder, prefix=f"{RECORD}.{MARK}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"format": 1, "files": files}, file, indent=1, sort_keys=True)
        os.chmod(name, 0o644)
        os.replace(name, folder / RECORD)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
