"""The claims of a benchmark in words: which hold, which fail, which were not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cbat.evaluation.first_page import bullets, heading, in_red, paragraph, table

if TYPE_CHECKING:
    from cbat.evaluation.benchmark import Claim, Measured, Weighed

_TITLES: Final = {
    "no": "FAILS",
    "yes": "holds",
    "not measured": "not measured",
    "reported": "reported, without a bar",
}


def in_words(weighed: Weighed) -> str:
    """One sentence for all, then every claim, those that fail first."""
    lines = ["WHAT IS CLAIMED OF THE MODEL, AND WHAT HOLDS", "", verdict(weighed)]
    for state, title in _TITLES.items():
        told = [_sentence(claim, measured) for claim, measured in weighed if claim.met(measured) == state]
        if told:
            lines += ["", f"{title}:", *(f"* {sentence}" for sentence in told)]
    return "\n".join(lines) + "\n"


def in_markup(weighed: Weighed) -> str:
    """The same for the first page of the report, in reStructuredText."""
    failed = [_sentence(claim, measured) for claim, measured in weighed if claim.met(measured) == "no"]
    blocks = [heading("Does what is claimed hold?")]
    blocks += [in_red(verdict(weighed)) if failed else paragraph(verdict(weighed))]
    if failed:
        blocks += [bullets(f"FAILS: {sentence}" for sentence in failed)]
    columns: dict[str, list[str]] = {"claim": [], "worlds": [], "value": [], "bar": [], "met": []}
    for claim, measured in weighed:
        columns["claim"].append(claim.text)
        columns["worlds"].append(", ".join(claim.worlds))
        columns["value"].append(_figure(measured))
        columns["bar"].append(claim.bar_in_words() or "none")
        columns["met"].append(claim.met(measured))
    return "\n\n".join([*blocks, table(columns)]) + "\n"


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
    where = ", ".join(claim.worlds)
    if measured is None:
        return f"{claim.text}: no figures ({where})."
    bar = f", bar {claim.bar_in_words()}" if claim.bar is not None else ""
    counted = f"{measured.n_lines} lines x {measured.n_seeds} seeds"
    return f"{claim.text}: {_figure(measured)}{bar} ({where}; {counted})."


def _figure(measured: Measured | None) -> str:
    if measured is None:
        return "-"
    return measured.words or f"{measured.value:.3f}"
