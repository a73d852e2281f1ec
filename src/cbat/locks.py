"""Locks that end with the process that holds them, so that none is left by one that was killed."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cbat.errors import UserError

log = logging.getLogger(__name__)
_PATIENCE = 1.0
"""Seconds in which a lock that another run is about to give back is asked for again."""
_warned: set[Path] = set()
"""Folders of which it has been said that they cannot be locked."""


@contextmanager
def locked(path: Path, *, shared: bool, verb: str, patience: float | None = None) -> Iterator[None]:
    """Hold the lock ``path``, a file that is there only while somebody holds it or was killed with it.

    On NFS the lock holds between machines too, unless it was mounted with ``nolock`` or ``local_lock``.

    Parameters
    ----------
    path : Path
        In the folder that is written to, which must exist.
    shared : bool
        Whether others may hold it as well, if they share it too.
    verb : str
        What holds it, for the message of whoever is refused.
    patience : float, optional
        Seconds to wait for others, a second by default.

    Raises
    ------
    UserError
        Another process holds it.
    """
    patience = _PATIENCE if patience is None else patience
    handle = _taken(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, patience)
    if handle is None:
        yield
        return
    try:
        if not shared:
            # The name of one of those that share it would outlive its work.
            _sign(handle, verb)
        yield
    finally:
        _give_back(handle, path)


def _taken(path: Path, mode: int, patience: float) -> int | None:
    """A handle of the locked file; None on a file system without locks."""
    end = time.monotonic() + patience
    while True:
        handle = _opened(path)
        try:
            fcntl.flock(handle, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            if time.monotonic() < end:
                time.sleep(0.05)
                continue
            raise UserError(
                f"another run is writing into this folder{holder}",
                mend="wait for it to finish, stop it, or choose another folder; the lock ends with "
                "its process, so "
                "there is no lock file to delete",
                file=path.parent,
            ) from None
        except OSError as error:
            os.close(handle)
            if path.parent not in _warned:
                _warned.add(path.parent)
                log.warning(
                    "%s: this folder cannot be locked (%s): make sure that no other run writes to it",
                    path.parent, error.strerror,
                )  # fmt: skip
            return None
        if _is_at(handle, path):
            return handle
        # Its last holder has removed it in between.
        os.close(handle)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o664)
    except FileNotFoundError:
        # Another run, for which the folder was new too, has failed and taken it away.
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o664)
    except PermissionError:
        if not path.exists():
            raise
        return os.open(path, os.O_RDONLY)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _give_back(handle: int, path: Path) -> None:
    try:
        # Whoever shares it with others leaves it to the last of them.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(handle, path):
            path.unlink()
    except OSError:
        pass
    finally:
        os.close(handle)


def _sign(handle: int, verb: str) -> None:
    known = {"verb": verb, "process": os.getpid(), "host": socket.gethostname()}
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(known).encode(), 0)
    except OSError:  # A full disk, or a lock file of somebody else: the lock holds without a name.
        pass


def _holder(handle: int) -> str:
    try:
        known = json.loads(os.pread(handle, 4096, 0))
        return f": 'cbat {known['verb']}', process {known['process']} on {known['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
