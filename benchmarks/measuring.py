"""What the scripts of this folder share: two sides measured in turn, and the lines that they print.

A line is ``{"name", "ours", "peer", "ratio", "unit", "n"}``: medians of ``n`` measurements of either side. A
ratio above 1 says that ours is better, unless the unit says what else it is.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

Work = Callable[[], object]


def in_turn(*sides: Work, n: int = 5) -> list[float]:
    """Median seconds of each side, measured in turn ``n`` times after one turn that does not count."""
    seconds: list[list[float]] = [[] for _ in sides]
    for turn in range(n + 1):
        for side, found in zip(sides, seconds, strict=True):
            started = time.perf_counter()
            side()
            if turn:
                found.append(time.perf_counter() - started)
    return [statistics.median(found) for found in seconds]


def report(name: str, ours: float, peer: float | None, ratio: float | None, unit: str, n: int) -> None:
    """Print a line."""
    rounded = [None if value is None else float(f"{value:.4g}") for value in (ours, peer, ratio)]
    line = dict(zip(("ours", "peer", "ratio"), rounded, strict=True))
    print(json.dumps({"name": name, **line, "unit": unit, "n": n}), flush=True)


def report_speed(name: str, ours: float, peer: float, n: int) -> None:
    """Print a line of seconds; the ratio is how many times faster ours is."""
    report(name, ours, peer, peer / ours, "s", n)
