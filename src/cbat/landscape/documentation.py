"""The tables of tracks and features in ``docs/landscape.md``, generated from the code."""

from __future__ import annotations

from pathlib import Path

from cbat.config.documentation import write_tables
from cbat.config.sheets import TRACK_KINDS
from cbat.landscape.features import FEATURES, KINDS
from cbat.landscape.tracks import RULES


def run(*, page: Path) -> None:
    """Bring the tables of tracks and features up to date.

    Parameters
    ----------
    page : Path
        Document with the markers of the tables, docs/landscape.md.
    """
    write_tables(page, build_tables())


def build_tables() -> dict[str, str]:
    """Markdown of each generated block, by the name in its marker: ``tracks``, and a table for each kind."""
    return {"tracks": _track_table(), **{f"features.{kind}": _feature_table(kind) for kind in KINDS}}


def _track_table() -> str:
    lines = ["| Kind | Peaks are merged | Strongest that are kept |", "|---|---|---|"]
    for kind in TRACK_KINDS:
        rule = RULES[kind]
        merged = "where they overlap" if rule.merge_within is None else f"within {rule.merge_within} bp"
        lines.append(f"| `{kind}` | {merged} | {rule.strongest:,} |")
    return "\n".join(lines) + "\n"


def _feature_table(kind: str) -> str:
    lines = ["| Feature | Formula | Unit | Expected to | Source |", "|---|---|---|---|---|"]
    for feature in FEATURES:
        if feature.kind == kind:
            effect = "raise" if feature.raises else "lower"
            cells = (f"`{feature.name}`", feature.formula, feature.unit, effect, feature.source)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
