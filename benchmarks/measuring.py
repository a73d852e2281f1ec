"""What the scripts of this folder share: two sides measured in turn, and the lines that they print.

A line is ``{"name", "ours", "peer", "ratio", "unit", "n"}``: medians of ``n`` measurements of either side. A
ratio above 1 says that ours is better, unless the unit says what else it is.
"""

from __future__ import annotations

import json
import resource
import statistics
from collections.abc import Callable

Work = Callable[[], object]


def processor_seconds() -> float:
    """Spent by this process and by those that it has started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def in_turn(*sides: Work, n: int = 5) -> list[float]:
    """Median processor seconds of each side, measured in turn ``n`` times after one turn that does not count.

    With one thread they are seconds of the clock on a quiet machine, and other work disturbs them less.
    """
    seconds: list[list[float]] = [[] for _ in sides]
    for turn in range(n + 1):
        for side, found in zip(sides, seconds, strict=True):
            started = processor_seconds()
            side()
            if turn:
                found.append(processor_seconds() - started)
    return [statistics.median(found) for found in seconds]


def report(name: str, ours: float, peer: float | None, ratio: float | None, unit: str, n: int) -> None:
    """Print a line."""
    rounded = [None if value is None else float(f"{value:.4g}") for value in (ours, peer, ratio)]
    line = dict(zip(("ours", "peer", "ratio"), rounded, strict=True))
    print(json.dumps({"name": name, **line, "unit": unit, "n": n}), flush=True)


def report_speed(name: str, ours: float, peer: float, n: int) -> None:
    """Print a line of seconds; the ratio is how many times faster ours is."""
    report(name, ours, peer, peer / ours, "s", n)
