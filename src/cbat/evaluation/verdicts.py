"""When a difference may be claimed, and how figures are written down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

NOISE: Final = 0.015
"""A difference in AUPR below this is noise in a single run."""
ENOUGH_SEEDS: Final = 3


def clear_sign(value: float, low: float, high: float, n_seeds: int) -> int:
    """Sign of a mean difference; 0 when its interval holds zero, or when few seeds make it noise."""
    if np.isnan(value):
        return 0
    if (np.isnan(low) or n_seeds < ENOUGH_SEEDS) and abs(value) <= NOISE:
        return 0
    if not np.isnan(low) and low <= 0.0 <= high:
        return 0
    return int(np.sign(value))


def with_interval(value: float, low: float, high: float) -> str:
    """A difference with its sign and, where it has one, its interval."""
    if np.isnan(value):
        return "-"
    return f"{value:+.3f}" + ("" if np.isnan(low) else f" [{low:+.3f}, {high:+.3f}]")


def decimals(values: Iterable[float]) -> list[str]:
    """Figures with three decimals; a dash for one that is not there."""
    return ["-" if np.isnan(value) else f"{value:.3f}" for value in values]


def text_table(columns: dict[str, list[str]], left: Iterable[str], last_row_apart: bool = False) -> list[str]:
    """Lines of a table in plain text.

    Parameters
    ----------
    columns : dict
        Cells of each column by its title; a column of dashes is left out.
    left : iterable of str
        Columns that start at the left; the others end at the right.
    last_row_apart : bool
        Draw a rule above the last row.
    """
    shown = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    widths = {name: max(len(name), *map(len, cells)) for name, cells in shown.items()}
    starts = set(left)

    def line(cells: dict[str, str]) -> str:
        aligned = (
            text.ljust(widths[name]) if name in starts else text.rjust(widths[name])
            for name, text in cells.items()
        )
        return "  ".join(aligned).rstrip()

    rule = "-" * (sum(widths.values()) + 2 * (len(widths) - 1))
    rows = [line({name: cells[at] for name, cells in shown.items()}) for at in range(_length(shown))]
    if last_row_apart:
        rows.insert(len(rows) - 1, rule)
    return [line({name: name for name in shown}), rule, *rows]


def _length(columns: dict[str, list[str]]) -> int:
    return len(next(iter(columns.values()), []))
