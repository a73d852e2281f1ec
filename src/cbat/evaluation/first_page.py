"""The first page of the report, in reStructuredText: everything on it follows from the metrics."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cbat.evaluation import landscape_sources
from cbat.evaluation.accuracy import ACCURACY_LEGEND
from cbat.evaluation.bootstrap import RESAMPLED
from cbat.evaluation.summary_text import (
    PEER_LEGEND,
    ablation_figures,
    ablation_legend,
    accuracy_figures,
    components,
    figures,
    grid_figures,
    peer_figures,
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
            f"{title(summary)}; {setting(summary)}. Brackets: 95% intervals over {RESAMPLED}. wrong: "
            f"{summary.full_model} with the {summary.evidence} of another cell line. oracle: the true "
            "probabilities, where the data are simulated."
        ),
        *_beside(summary),
        *_peers(summary),
        heading("Is the environment used?"),
        paragraph(said["environment"]),
        *_sources(summary),
        heading("How certain is that?"),
        *map(paragraph, (said.get("caution", ""), said.get("shortcuts", ""))),
    ]
    if not summary.collapsed:
        blocks += [paragraph(said["collapse"])]
    if len(summary.ablations):
        blocks += [
            heading("What is each part worth?"),
            table(ablation_figures(summary)),
            paragraph(ablation_legend(summary)),
            bullets(components(summary)),
        ]
    if len(summary.grid) > 1:
        blocks += [heading("Seen and unseen"), table(grid_figures(summary))]
    if summary.draws_support:
        pointer = "Which motifs the support sets make stand out in a line is under *Environment*."
        blocks += [paragraph(pointer, raw=True)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _beside(summary: Summary) -> list[str]:
    columns = accuracy_figures(summary)
    return [heading("Beside the headline"), table(columns), paragraph(ACCURACY_LEGEND)] if columns else []


def _peers(summary: Summary) -> list[str]:
    if not summary.about_peers:
        return []
    blocks = [heading("Other tools"), bullets(summary.about_peers)]
    return [*blocks, table(peer_figures(summary)), paragraph(PEER_LEGEND)] if len(summary.peers) else blocks


def _sources(summary: Summary) -> list[str]:
    """Which part of the landscape is conserved, and which is the line's own."""
    if not len(summary.sources):
        return []
    differences = landscape_sources.means(summary.sources)
    return [
        heading("Which part of the landscape is the line's own?"),
        bullets(landscape_sources.sentences(differences)),
        table(landscape_sources.cells(differences)),
        paragraph(landscape_sources.SOURCE_LEGEND),
    ]


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
