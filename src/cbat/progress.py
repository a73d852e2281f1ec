"""How far a long job is, and how long it will still take: a bar in a terminal, lines in a log."""

from __future__ import annotations

import logging
import multiprocessing
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

log = logging.getLogger(__name__)


class Progress:
    """Tells progress: a bar where standard error is a terminal, else a line in the log every few seconds.

    What is done before the first line is due says nothing. Used as a context it keeps log lines of others
    from breaking the bar.

    Parameters
    ----------
    what : str
        What is being done, for the log.
    unit : str
        What is counted.
    total : int
    every : float
        Seconds between two lines.
    clock : callable
        Seconds.
    shown : bool
        False says nothing, as in all but one of several processes that do the same.
    terminal : bool, optional
        Whether to draw a bar; by default in the main process, where standard error is a terminal.
    """

    def __init__(
        self,
        what: str,
        unit: str,
        total: int,
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        *,
        shown: bool = True,
        terminal: bool | None = None,
    ) -> None:
        self.what, self.unit, self.total, self.every, self.clock = what, unit, total, every, clock
        self.shown = shown
        self.done = 0
        self.started = self.told = clock()
        if terminal is None:
            terminal = sys.stderr.isatty() and multiprocessing.parent_process() is None
        self._bar = _bar(what, unit, total) if shown and terminal else None
        self._open = ExitStack()

    def __enter__(self) -> Progress:
        if self._bar is not None:
            from tqdm.contrib.logging import logging_redirect_tqdm

            self._open.enter_context(logging_redirect_tqdm())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        self._open.close()

    def add(self, n: int) -> None:
        """Count ``n`` more."""
        self.done += n
        if self._bar is not None:
            self._bar.update(n)
            return
        now = self.clock()
        if self.shown and now - self.told >= self.every:
            self.told = now
            log.info("%s", self.text(now))

    def text(self, now: float) -> str:
        """One line of progress."""
        seconds = max(now - self.started, 1e-9)
        rate = self.done / seconds
        line = f"{self.what}: {self.done:,} of {self.total:,} {self.unit}"
        if self.done >= self.total:
            return f"{line} in {duration(seconds)}"
        left = duration((self.total - self.done) / rate) if rate > 0 else "unknown time"
        return f"{line}, {rate:,.0f} a second, about {left} left"


def _bar(what: str, unit: str, total: int) -> Any:
    """A bar with the rate and the time that is left."""
    from tqdm import tqdm

    return tqdm(
        desc=what,
        unit=f" {unit}",
        total=total,
        unit_scale=True,
        leave=False,
        dynamic_ncols=True,
        file=sys.stderr,
    )


def duration(seconds: float) -> str:
    """Seconds in the unit that a person reads."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
