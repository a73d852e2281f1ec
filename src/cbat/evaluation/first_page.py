"""The first page of the report, in reStructuredText: everything on it follows from the metrics."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cbat.evaluation.summary_text import (
    ABLATION_LEGEND,
    ablation_figures,
    components,
    figures,
    grid_figures,
    setting,
    statements,
    title,
)

if TYPE_CHECKING:
    from cbat.evaluation.summary import Summary

_MARKUP = re.compile(r"([\\*`_|])")


def first_page(summary: Summary) -> str:
    """Does the model beat the baseline, is the environment used, how sure is that, what pays."""
    said = statements(summary)
    blocks: list[str] = []
    if summary.collapsed:
        blocks += [in_red(said["collapse"])]
    blocks += [
        heading("Does it beat the baseline?"),
        *map(paragraph, (said["gain"], said.get("gap", ""))),
        table({"cell line": [*summary.lines["cell_line"], "mean"], **figures(summary)}),
        paragraph(
            f"{title(summary)}; {setting(summary)}. Brackets: 95% intervals over chromosomes. wrong: "
            f"{summary.full_model} with the support set of another cell line. oracle: the true "
            "probabilities, where the data are simulated."
        ),
        heading("Is the environment used?"),
        paragraph(said["environment"]),
        heading("How sure is that?"),
        *map(paragraph, (said.get("caution", ""), said.get("shortcuts", ""))),
    ]
    if not summary.collapsed:
        blocks += [paragraph(said["collapse"])]
    if len(summary.ablations):
        blocks += [
            heading("What is each part worth?"),
            table(ablation_figures(summary)),
            paragraph(ABLATION_LEGEND),
            bullets(components(summary)),
        ]
    if len(summary.grid) > 1:
        blocks += [heading("Seen and unseen"), table(grid_figures(summary))]
    blocks += [
        paragraph("Which motifs the support sets make stand out in a line is under *Environment*.", raw=True)
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def heading(text: str) -> str:
    """A heading."""
    return f"{text}\n{'-' * len(text)}"


def paragraph(text: str, *, raw: bool = False) -> str:
    """Running text, which means what it says unless it is ``raw`` markup."""
    return text if raw else escaped(text)


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"* {escaped(item)}" for item in items)


def in_red(text: str) -> str:
    """A paragraph that nobody overlooks."""
    return f'.. raw:: html\n\n   <p style="color: #c00000; font-weight: bold">{html.escape(text)}</p>'


def table(columns: dict[str, list[str]]) -> str:
    """A table; a column of dashes is left out."""
    shown = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [list(shown), *map(list, zip(*shown.values(), strict=True))]:
        lines += [f"   {'* -' if at == 0 else '  -'} {escaped(cell)}" for at, cell in enumerate(row)]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text in which no character is markup; a sign or a dash at the start makes no list."""
    text = _MARKUP.sub(r"\\\1", text)
    return f"\\{text}" if text[:1] in ("+", "-") else text
