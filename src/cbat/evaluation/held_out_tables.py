"""Tables of the cell lines that worlds hold out, put together; their means have intervals over cell lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cbat.errors import UserError
from cbat.evaluation.bootstrap import t_interval
from cbat.evaluation.landscape_sources import SOURCE_COLUMNS
from cbat.evaluation.peer_comparison import PEER_COLUMNS
from cbat.evaluation.table import AGGREGATES, KEY_COLUMNS, MACRO, VALUE_COLUMNS, as_table


def held_out_metrics(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all held-out cell lines, and their mean.

    Parameters
    ----------
    tables : iterable of DataFrame
        The long table of each world.

    Returns
    -------
    DataFrame
        The columns of the long table: rows of unseen lines (a line that two worlds hold out has the mean of
        both), and ``macro`` for the mean of every figure that all of these lines have. Its interval, where
        the lines' own have one, is that of Student's t over cell lines.
    """
    table = pd.concat(list(tables), ignore_index=True)
    table = table[(table["role"] == "unseen") & ~table["cell_line"].isin(AGGREGATES)]
    table = table.groupby(KEY_COLUMNS, as_index=False)[VALUE_COLUMNS].mean()
    n_lines = table["cell_line"].nunique()
    shared = [name for name in KEY_COLUMNS if name != "cell_line"]
    rows: list[dict[str, Any]] = []
    for key, part in table.groupby(shared):
        # A mean over some of the lines would not compare with a mean over all of them.
        if len(part) == n_lines:
            ends = t_interval(part["value"]) if part["low"].notna().all() else (np.nan, np.nan)
            named = dict(zip(shared, key, strict=True))
            rows.append(named | {"cell_line": MACRO, "value": part["value"].mean()} | _ends(ends))
    return as_table([*table.to_dict("records"), *rows])


def held_out_peers(tables: Mapping[str, Path]) -> pd.DataFrame:
    """``peers.tsv`` of all worlds as one; ``macro`` is the mean over cell lines, its interval Student's t."""
    table = _read_all(tables, PEER_COLUMNS)
    counts = ["n_shared", "n_only_peer", "n_only_ours"]
    return _with_means(table, ["peer", "negatives", "metric"], ["ours", "theirs"], counts)[PEER_COLUMNS]


def held_out_sources(tables: Mapping[str, Path]) -> pd.DataFrame:
    """``landscape_sources.tsv`` of all worlds as one; see :func:`held_out_peers`."""
    table = _read_all(tables, SOURCE_COLUMNS)
    return _with_means(table, ["kind", "source"], ["own", "exchanged"], ["n_lines"])[SOURCE_COLUMNS]


def _read_all(tables: Mapping[str, Path], columns: Sequence[str]) -> pd.DataFrame:
    """The rows of single cell lines of the tables of all worlds."""
    parts = []
    for path in tables.values():
        try:
            part = pd.read_csv(
                path, sep="\t", dtype={"cell_line": "str"}, keep_default_na=False, na_values=[""]
            )
            if list(part.columns) != list(columns):
                raise ValueError(f"the columns are {', '.join(part.columns)}")
        except (OSError, ValueError) as error:
            raise UserError(
                f"this table of a world cannot be used ({error})", mend="rerun its world", file=path
            ) from error
        parts.append(part[~part["cell_line"].isin(AGGREGATES)])
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=pd.Index(columns))


def _with_means(
    table: pd.DataFrame, key: Sequence[str], sides: Sequence[str], counts: Sequence[str]
) -> pd.DataFrame:
    """Rows of cell lines, those of one key together, and their mean behind them."""
    ends = ["difference", "low", "high"]
    by_line = {**dict.fromkeys([*sides, *ends], "mean"), **dict.fromkeys(counts, "first")}
    parts = [table.iloc[:0]]
    for values, part in table.groupby(list(key), sort=False):
        # A line that two worlds hold out counts once.
        lines = part.groupby("cell_line", as_index=False).agg(by_line)
        mean = {name: lines[name].mean() for name in [*sides, "difference"]}
        mean |= {name: lines[name].sum() for name in counts}
        mean |= {"cell_line": MACRO} | _ends(t_interval(lines["difference"]))
        both = pd.concat([lines, pd.DataFrame([mean])], ignore_index=True)
        parts.append(both.assign(**dict(zip(key, values, strict=True))))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _ends(interval: tuple[float, float]) -> dict[str, float]:
    return dict(zip(("low", "high"), interval, strict=True))
