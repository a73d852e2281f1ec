"""The cell lines that worlds hold out, in words: what their rows show, and what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cbat.evaluation import landscape_sources
from cbat.evaluation.first_page import bullets, heading, paragraph
from cbat.evaluation.first_page import table as list_table
from cbat.evaluation.peer_comparison import headline_rows
from cbat.evaluation.references import BARS
from cbat.evaluation.table import MACRO
from cbat.evaluation.verdicts import ENOUGH_SEEDS, clear_sign, text_table, with_interval

if TYPE_CHECKING:
    from cbat.evaluation.held_out import HeldOut

TITLE: Final = "Held-out lines, one world each"
_DIFFERENCES: Final = ("gain", "own_minus_wrong")
_OVER_LINES: Final = "Brackets: 95% intervals over cell lines (Student's t)."
_SHOWN: Final = ("baseline", "full_model", *_DIFFERENCES, *BARS)


def in_words(found: HeldOut) -> str:
    """What the rows show, then the rows."""
    shown = _columns(found)
    widths = {name: max(len(name), *map(len, cells)) for name, cells in shown.items()}
    lines = ["  ".join(name.ljust(widths[name]) for name in shown).rstrip()]
    for cells in zip(*shown.values(), strict=True):
        row = (cell.ljust(widths[name]) for name, cell in zip(shown, cells, strict=True))
        lines.append("  ".join(row).rstrip())
    said = [f"* {sentence}" for sentence in statements(found)]
    whole = [TITLE.upper(), "", *said, "", *lines, "", _legend(found)]
    if len(found.sources):
        differences = landscape_sources.means(found.sources)
        whole += ["", *text_table(landscape_sources.cells(differences), left=("exchanged",))]
        whole += ["", f"{landscape_sources.SOURCE_LEGEND} {_OVER_LINES}"]
    return "\n".join(whole) + "\n"


def in_markup(found: HeldOut) -> str:
    """The same for the first page of the report, in reStructuredText."""
    blocks = [heading("Cell lines held out"), bullets(statements(found)), list_table(_columns(found))]
    blocks += [paragraph(_legend(found))]
    if len(found.sources):
        blocks += [
            heading("Which part of the landscape is the line's own?"),
            list_table(landscape_sources.cells(landscape_sources.means(found.sources))),
            paragraph(f"{landscape_sources.SOURCE_LEGEND} {_OVER_LINES}"),
        ]
    return "\n\n".join(blocks) + "\n"


def statements(found: HeldOut) -> list[str]:
    """Sentences that the table bears out, and none that it does not."""
    lines, mean, full = found.lines, found.mean, found.full_model
    n = lines["cell_line"].nunique()
    ahead = int((lines["gain"] > 0).sum())
    said = [
        f"{full} minus {found.baseline}: {_signed(mean, 'gain')} on average over {n} held-out cell lines, "
        f"ahead on {ahead} of {len(lines)}. "
        f"{_verdict(found, 'gain', 'The baseline is beaten', 'No gain is shown')}.{_over_chromosomes(mean)}",
    ]
    if not np.isnan(mean["own_minus_wrong"]):
        shown, not_shown = (
            "The line's environment is used",
            "Use of the line's environment is not shown",
        )
        verdict = _verdict(found, "own_minus_wrong", shown, not_shown)
        said.append(
            f"Own {found.evidence} minus that of a wrong line: {_signed(mean, 'own_minus_wrong')}. {verdict}."
        )
    shortcuts = {name: float(mean[name]) for name in BARS if not np.isnan(mean[name])}
    if shortcuts:
        best = max(shortcuts, key=lambda name: shortcuts[name])
        above = "above" if mean["full_model"] > shortcuts[best] else "NOT above"
        said.append(
            f"The best shortcut is {best} with {shortcuts[best]:.3f}; {full} ({mean['full_model']:.3f}) is "
            f"{above} it on average."
        )
    said += _about_peers(found)
    if len(found.sources):
        said += landscape_sources.sentences(landscape_sources.means(found.sources))
    return said


def _over_chromosomes(mean: pd.Series) -> str:
    low, high = mean["gain_chromosomes_low"], mean["gain_chromosomes_high"]
    return "" if np.isnan(low) else f" Over chromosomes the interval is [{low:+.3f}, {high:+.3f}]."


def _about_peers(found: HeldOut) -> list[str]:
    said = []
    for peer in dict.fromkeys(found.peers["peer"]):
        rows = headline_rows(found.peers, found.headline, peer)
        if len(rows):
            mean, lines = rows.iloc[-1], rows.iloc[:-1]
            each = "; ".join(
                f"{row.cell_line} {with_interval(row.difference, row.low, row.high)}"
                for row in lines.itertuples()
            )
            said.append(
                f"{found.full_model} minus {peer}, on the {mean['n_shared']:,.0f} pairs that both have: "
                f"{with_interval(mean['difference'], mean['low'], mean['high'])} ({mean['ours']:.3f} against "
                f"{mean['theirs']:.3f}); by line, over chromosomes: {each}."
            )
    return said


def _verdict(found: HeldOut, name: str, shown: str, not_shown: str) -> str:
    mean = found.mean
    low, high = mean[f"{name}_low"], mean[f"{name}_high"]
    if np.isnan(low):
        return f"{not_shown}, because there is no interval"
    by_chance = not {found.baseline, found.full_model} <= {*found.laws}
    sign = clear_sign(float(mean[name]), low, high, int(mean["n_seeds"]) if by_chance else ENOUGH_SEEDS)
    if sign > 0:
        return f"{shown}: the interval over lines lies above zero"
    if sign == 0 and not low <= 0.0 <= high:
        return f"{not_shown}: so small a difference of fewer than {ENOUGH_SEEDS} training seeds is noise"
    return f"{not_shown}: the interval over lines {'lies below' if high < 0.0 else 'holds'} zero"


def _signed(row: pd.Series, name: str) -> str:
    interval = (
        "" if np.isnan(row[f"{name}_low"]) else f" [{row[f'{name}_low']:+.3f}, {row[f'{name}_high']:+.3f}]"
    )
    return f"{row[name]:+.3f}{interval}"


def _columns(found: HeldOut) -> dict[str, list[str]]:
    """The table as it is printed; a figure that no line has is left out."""
    table = found.table
    columns = {"held out": ["mean" if name == MACRO else str(name) for name in table["cell_line"]]}
    if table["cell_line"].duplicated().any():
        columns["world"] = [str(name) for name in table["world"]]
    names = {"baseline": found.baseline, "full_model": found.full_model, "own_minus_wrong": "own - wrong"}
    for name in _SHOWN:
        if table[name].isna().all():
            continue
        cells = [
            "-" if np.isnan(row[name]) else _signed(row, name) if name in _DIFFERENCES else f"{row[name]:.3f}"
            for _, row in table.iterrows()
        ]
        columns[names.get(name, name)] = cells
    return columns


def _legend(found: HeldOut) -> str:
    headline = found.headline
    classes = "at balanced classes" if headline.balanced else "over all labelled pairs, as they are,"
    return (
        f"AUPR {classes} of the lines that each world holds out, mean over seeds. Brackets: 95% "
        "intervals, of a line over resampled chromosomes, of the mean over cell lines (Student's t). "
        f"own - wrong: {found.full_model} with the line's own {found.evidence} minus the same with that of "
        "another. The columns after it are shortcuts that know no environment; a model that is not above "
        "them has shown no skill."
    )
