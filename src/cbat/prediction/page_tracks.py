"""The tracks under the arcs of the page: peaks by kind, and which way insulators point."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sheets import TRACK_KINDS
from cbat.prediction.line_landscape import LineLandscape
from cbat.prediction.plan import Plan
from cbat.prediction.shared_landscape import read_landscape

MOST_PEAKS: Final = 60_000
"""Peaks of each kind that a page holds, the strongest ones: 13 bytes each."""
WORDS: Final[Mapping[str, str]] = {
    "active_enhancers": "active enhancers",
    "active_promoters": "active promoters",
    "insulators": "insulators (CTCF)",
}


def rows_of(landscape: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kind and label of each row of tracks."""
    return [(kind, f"{WORDS[kind]}, {_source(landscape, kind)}") for kind in TRACK_KINDS]


def _source(landscape: Mapping[str, Any], kind: str) -> str:
    if kind in landscape["own_kinds"]:
        return "of the line"
    return "expected" if kind in landscape["expected_kinds"] else "unknown"


def page_tracks(
    directory: Path, model_directory: Path, plan: Plan, landscape: Mapping[str, Any]
) -> dict[str, Any]:
    """Peaks as JSON holds them in little space.

    Parameters
    ----------
    directory : Path
        Folder of a prepared line.
    model_directory : Path
        The model, whose training lines' peaks stand for kinds that the line lacks.
    plan : Plan
    landscape : mapping
        What ``environment.json`` says of the line's landscape.

    Returns
    -------
    dict
        Kind -> chromosome -> ``start`` (differences, bp), ``length`` (bp), ``height`` (percent of the
        largest activity) and ``strand`` (a letter each, insulators only).
    """
    found: dict[str, Any] = {}
    expected = landscape["expected_kinds"]
    parts = []
    for chrom in plan.chromosomes:
        line = LineLandscape.read(directory, chrom)
        parts.append(line.tracks.assign(weight=1.0))
        if expected:
            others = read_landscape(model_directory, chrom, line.sources.assembly).tracks
            others = others[others["kind"].isin(expected)]
            weight = [
                line.sources.shares[kind].get(name, 0.0)
                for kind, name in zip(others["kind"], others["cell_line"], strict=True)
            ]
            parts.append(others.assign(weight=weight))
    every = pd.concat(parts, ignore_index=True)
    every = every.assign(height=every["activity"] * every["weight"])
    for kind, table in every[every["height"] > 0.0].groupby("kind"):
        kept = table.nlargest(MOST_PEAKS, "height", keep="first")
        largest = float(kept["height"].max())
        found[str(kind)] = {
            str(chrom): _compact(part.sort_values(["start", "end"], kind="stable"), largest)
            for chrom, part in kept.groupby("chrom")
        }
    return found


def _compact(peaks: pd.DataFrame, largest: float) -> dict[str, Any]:
    start = peaks["start"].to_numpy(dtype=np.int64)
    content: dict[str, Any] = {
        "start": np.diff(start, prepend=0).tolist(),
        "length": (peaks["end"].to_numpy(dtype=np.int64) - start).tolist(),
        "height": np.maximum(np.rint(100.0 * peaks["height"].to_numpy() / largest), 1).astype(int).tolist(),
    }
    if (peaks["strand"] != ".").any():
        content["strand"] = "".join(peaks["strand"])
    return content


def landscape_words(landscape: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of the table of tracks, and sentences, for the template."""
    rows = []
    for kind in TRACK_KINDS:
        report = landscape["tracks"].get(kind)
        lines = landscape["expected_from"][kind]
        from_lines = ", ".join(f"{line} {weight:.0%}" for line, weight in lines.items()) or "no line has it"
        rows.append(
            {
                "kind": WORDS[kind],
                "own": report is not None,
                "share": None if kind in landscape["missing_kinds"] else landscape["own_share"][kind],
                "peaks": 0 if report is None else report["kept"],
                "file": "" if report is None else Path(report["file"]).name,
                "signal": "" if report is None else report["signal"],
                "lines": from_lines,
                "strands": _strands(report),
            }
        )
    own = [WORDS[kind] for kind in landscape["own_kinds"]]
    expected = [WORDS[kind] for kind in landscape["expected_kinds"]]
    missing = [WORDS[kind] for kind in landscape["missing_kinds"]]
    return {
        "rows": rows,
        "own": ", ".join(own),
        "expected": ", ".join(expected),
        "missing": ", ".join(missing),
        "most": MOST_PEAKS,
    }


def _strands(report: Mapping[str, Any] | None) -> str:
    strands = None if report is None else report.get("strands")
    if strands is None:
        return ""
    return f"strands from {strands['source']}" if strands["+"] + strands["-"] else "without strands"
