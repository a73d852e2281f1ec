"""The one exception that a user's mistake raises, and what the machine refuses in its words."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Final


class UserError(Exception):
    """A mistake in the user's input, told in one message.

    The command line prints the message without a traceback and exits with status 2.

    Parameters
    ----------
    problem : str
        What is wrong, naming the offending value.
    mend : str
        What the user can do about it.
    file : str or Path, optional
        The file that holds the mistake.
    where : str, optional
        The line, record, key or column inside ``file``, for example ``"line 12"``.
    """

    def __init__(
        self, problem: str, *, mend: str, file: str | Path | None = None, where: str | None = None
    ) -> None:
        self.problem, self.mend, self.file, self.where = problem, mend, file, where
        place = ", ".join(str(part) for part in (file, where) if part is not None)
        super().__init__(f"{place}: {problem}. Fix: {mend}." if place else f"{problem}. Fix: {mend}.")


_ROOM: Final = "free some space, or work where there is more; then run again: finished results are kept"
_RIGHT: Final = "give this user permission (ls -l and lsattr show who has it), or choose another location"
_REFUSALS: Final = {
    errno.ENOSPC: ("no space is left on the device", _ROOM),
    errno.EDQUOT: ("the disk quota is used up", _ROOM),
    errno.EFBIG: (
        "the file is larger than this process may write",
        "raise the limit (ulimit -f), or that of the file system",
    ),
    errno.EROFS: ("the file system is read-only", "mount it for writing, or run in a writable folder"),
    errno.EACCES: ("permission denied", _RIGHT),
    errno.EPERM: ("permission denied", _RIGHT),
    errno.EIO: (
        "the disk reports an input/output error",
        "check the disk, and run again",
    ),
}
_NUMBER: Final = re.compile(r"os error (\d+)|errno (\d+)", re.IGNORECASE)
_ALMOST_NOTHING: Final = 1 << 16


def of_the_machine(error: BaseException, writing: Path | None = None) -> UserError | None:
    """What a full or read-only disk, a limit or a missing permission did, as a message.

    Parameters
    ----------
    error : BaseException
        Of any library; some tell the number of the error in their text alone, and some not at all.
    writing : Path, optional
        The file that was being written.

    Returns
    -------
    UserError or None
        None for any other exception.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (told := _NUMBER.search(str(error))):
        number = int(told[1] or told[2])
    if number is None and isinstance(error, OSError) and writing is not None and _is_full(writing.parent):
        number = errno.ENOSPC
    if number not in _REFUSALS:
        return None
    problem, mend = _REFUSALS[number]
    named = getattr(error, "filename", None)
    file = writing
    if isinstance(named, str | os.PathLike) and not _is_temporary(Path(named), writing):
        file = Path(named)
    return UserError(problem, mend=mend, file=file)


def _is_temporary(path: Path, target: Path | None) -> bool:
    return target is not None and path.parent == target.parent and path.name.startswith(f".{target.name}.")


def _is_full(directory: Path) -> bool:
    try:
        state = os.statvfs(directory)
    except OSError:
        return False
    return state.f_bavail * state.f_frsize < _ALMOST_NOTHING
