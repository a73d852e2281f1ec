"""The one exception that a user's mistake raises."""

from __future__ import annotations

from pathlib import Path


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
        super().__init__(f"{place}: {problem}. To mend: {mend}." if place else f"{problem}. To mend: {mend}.")
