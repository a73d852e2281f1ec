"""The claims of a benchmark in words: which hold, which fail, which were not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cbat.evaluation.benchmark_worlds import WORLDS_LEGEND
from cbat.evaluation.first_page import bullets, heading, in_red, paragraph, table
from cbat.evaluation.verdicts import text_table

if TYPE_CHECKING:
    from cbat.evaluation.benchmark_claims import Claim, Weighed
    from cbat.evaluation.benchmark_figures import Measured

_TITLES: Final = {
    "no": "FAILS",
    "yes": "holds",
    "not measured": "not measured",
    "reported": "reported, without a bar",
}


WORLDS_TITLE: Final = "What is attainable in each world, and what is attained"


def in_words(weighed: Weighed, compared: dict[str, list[str]] | None = None) -> str:
    """One sentence for all, every claim, those that fail first, and the worlds side by side."""
    lines = ["CLAIMS ABOUT THE MODEL, AND WHETHER THEY HOLD", "", verdict(weighed)]
    for state, title in _TITLES.items():
        told = [_sentence(claim, measured) for claim, measured in weighed if claim.met(measured) == state]
        if told:
            lines += ["", f"{title}:", *(f"* {sentence}" for sentence in told)]
    if compared:
        lines += ["", f"{WORLDS_TITLE}:", "", *text_table(compared, left=("world",), last_row_apart=True)]
        lines += ["", WORLDS_LEGEND]
    return "\n".join(lines) + "\n"


def in_markup(weighed: Weighed, compared: dict[str, list[str]] | None = None) -> str:
    """The same for the first page of the report, in reStructuredText."""
    failed = [_sentence(claim, measured) for claim, measured in weighed if claim.met(measured) == "no"]
    blocks = [heading("Do the claims hold?")]
    blocks += [in_red(verdict(weighed)) if failed else paragraph(verdict(weighed))]
    if failed:
        blocks += [bullets(f"FAILS: {sentence}" for sentence in failed)]
    columns: dict[str, list[str]] = {"claim": [], "worlds": [], "value": [], "bar": [], "met": []}
    for claim, measured in weighed:
        columns["claim"].append(claim.text)
        columns["worlds"].append(claim.where)
        columns["value"].append(_figure(measured))
        columns["bar"].append(claim.bar_in_words() or "none")
        columns["met"].append(claim.met(measured))
    blocks += [table(columns)]
    if compared:
        blocks += [heading(WORLDS_TITLE), table(compared), paragraph(WORLDS_LEGEND)]
    return "\n\n".join(blocks) + "\n"


def verdict(weighed: Weighed) -> str:
    """How many claims hold, fail, and were not measured."""
    states = [claim.met(measured) for claim, measured in weighed if claim.bar is not None]
    counts = {state: states.count(state) for state in ("yes", "no", "not measured")}
    words = f"Of {len(states)} claims {counts['yes']} hold and {counts['no']} FAIL" if counts["no"] else (
        f"Of {len(states)} claims {counts['yes']} hold and none fails"
    )  # fmt: skip
    if counts["not measured"]:
        words += f"; {counts['not measured']} could not be measured, because a model or a world was not run"
    return f"{words}."


def _sentence(claim: Claim, measured: Measured | None) -> str:
    where = claim.where
    if measured is None:
        return f"{claim.text}: no figures ({where})."
    bar = f", bar {claim.bar_in_words()}" if claim.bar is not None else ""
    counted = f"{measured.n_lines} lines x {measured.n_seeds} seeds"
    return f"{claim.text}: {_figure(measured)}{bar} ({where}; {counted})."


def _figure(measured: Measured | None) -> str:
    if measured is None:
        return "-"
    return measured.words or f"{measured.value:.3f}"
