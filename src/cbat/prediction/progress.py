"""How far a long job is, and how long it will still take."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Progress:
    """Logs progress, not more often than every few seconds; what is done sooner says nothing.

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
    """

    def __init__(
        self,
        what: str,
        unit: str,
        total: int,
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what, self.unit, self.total, self.every, self.clock = what, unit, total, every, clock
        self.done = 0
        self.started = self.told = clock()

    def add(self, n: int) -> None:
        """Count ``n`` more."""
        self.done += n
        now = self.clock()
        if now - self.told >= self.every:
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


def duration(seconds: float) -> str:
    """Seconds in the unit that a person reads."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
