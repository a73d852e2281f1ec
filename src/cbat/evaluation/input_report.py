"""What each cell line brought, what was left out of it, and what its support sets are drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cbat.config.base import TRACK_KINDS
from cbat.data.elements import reasons_of
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.evaluation.first_page import bullets, heading, paragraph
from cbat.evaluation.left_out_report import left_out_in_words
from cbat.files import atomic_file
from cbat.landscape.tracks import reasons_of as reasons_of_track

COLUMNS: Final = [
    "cell_line", "rows", "pairs", "contacts", "left_out", "left_out_because",
    *(f"{role}s{what}" for role in ROLES for what in ("", "_from", "_left_out", "_left_out_because")),
]  # fmt: skip
TRACK_COLUMNS: Final = [
    f"{kind}_{what}" for kind in TRACK_KINDS for what in ("from", "peaks", "left_out", "kept", "signal")
] + ["insulators_strands"]
"""Columns of the table in runs that read tracks."""
OF_PAIRS: Final = "the pairs"
"""Stands for the file of candidates where there is none, so that those of the pairs serve."""
_NOTHING: Final = "."
_MOST_WARNINGS: Final = 20
"""More about what was left out would hide the rest of the page."""


def run(
    *,
    cell_lines: Sequence[str],
    labels: Sequence[Path],
    elements: Sequence[Path],
    support_elements: Sequence[str],
    table: Path,
    first_page: Path,
    tracks: Sequence[Path] = (),
    expected_from: Sequence[str] = (),
    signals: Sequence[Path] = (),
    landscapes: Sequence[Path] = (),
    genes: Path | None = None,
) -> None:
    """Write a row for each cell line, and paragraphs that say what was read and what was not.

    Parameters
    ----------
    cell_lines : sequence of str
        Their names.
    labels : sequence of Path
        What ``label_pairs`` says of each (``results/labels/<cell_line>.json``), in the same order.
    elements : sequence of Path
        What ``collect_elements`` says of each cohort (``report.json``).
    support_elements : sequence of str
        Roles of the elements that support sets are drawn from; none in a run without support sets.
    table : Path
        TSV with :data:`COLUMNS`: rows of the pair table, pairs and contacts that are left, how many rows
        were left out and why, and for each role the number of candidates on the chromosomes of the splits,
        the file that names them (or ``the pairs``), how many of its intervals were left out and why. With
        tracks also :data:`TRACK_COLUMNS`: for each kind its file, the peaks that it lists, how many of them
        are left out for their contigs, the ranked elements that are kept, and what their signal is; then
        where the strands of insulators are from.
    first_page : Path
        Paragraphs of reStructuredText for the report.
    tracks : sequence of Path
        What ``read_tracks`` says of each line (``results/tracks/<cell_line>.json``).
    expected_from : sequence of str
        Lines whose tracks a law is fitted to: training lines and prototypes.
    signals : sequence of Path
        What ``read_signals`` says of each line that has some (``results/signals/<cell_line>.json``).
    landscapes : sequence of Path
        What ``read_landscape`` says of each line (``results/landscape/<cell_line>/report.json``).
    genes : Path, optional
        What ``read_genes`` says (``results/genes/genes.json``).

    Raises
    ------
    UserError
        A file is missing or damaged, or a cell line is in none of them.
    """
    counted = dict(zip(cell_lines, map(_read, labels), strict=True))
    collected = [_read(path) for path in elements]
    peaks = {str(one["cell_line"]): one for one in map(_read, tracks)}
    rows = pd.DataFrame(
        [
            _row(line, counts, collected) | (_track_row(line, peaks) if peaks else {})
            for line, counts in counted.items()
        ],
        columns=pd.Index([*COLUMNS, *(TRACK_COLUMNS if peaks else [])]),
    )
    with atomic_file(table) as temporary:
        rows.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    left_out = int(rows["left_out"].sum())
    said = [
        f"Of {int(rows['rows'].sum())} rows of the pair tables {left_out} were left out; "
        "Inputs, under Labels, says why."
    ]
    if support_elements:
        said.insert(0, support_in_words(of_pairs_alone(cell_lines, collected, support_elements)))
    blocks = [heading("What is it measured on?"), paragraph(" ".join(said))]
    of_signals = [_read(path) for path in signals]
    said = [
        *_unknown_in_words(collected),
        *tracks_in_words(peaks, expected_from),
        *_signals_in_words(of_signals, cell_lines),
    ]
    if said:
        blocks.append(paragraph(" ".join(said)))
    of_landscapes = [_read(path) for path in landscapes]
    of_genes = None if genes is None else _read(genes)
    warnings = left_out_in_words(counted, collected, peaks, of_signals, of_landscapes, of_genes)
    if warnings:
        shown = [*warnings[:_MOST_WARNINGS]]
        if len(warnings) > len(shown):
            shown.append(f"{len(warnings) - len(shown)} more are in the logs.")
        blocks += [paragraph("Left out or not matched:"), bullets(shown)]
    with atomic_file(first_page) as temporary:
        temporary.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def of_pairs_alone(
    cell_lines: Iterable[str], collected: Iterable[Mapping[str, Any]], support_elements: Sequence[str]
) -> dict[str, list[str]]:
    """Cell line -> roles whose support is drawn from the elements of its pairs; other lines are left out.

    Parameters
    ----------
    cell_lines : iterable of str
        Lines to look at.
    collected : iterable of mapping
        Reports of ``collect_elements``, one for each cohort.
    support_elements : sequence of str
        Roles of the elements that support sets are drawn from.
    """
    reports = list(collected)
    found = {}
    for line in cell_lines:
        roles = [
            role for role in ROLES if role in support_elements and _source(line, role, reports)[0] == OF_PAIRS
        ]
        if roles:
            found[line] = roles
    return found


def support_in_words(of_pairs: Mapping[str, Sequence[str]]) -> str:
    """What the support sets are drawn from, in sentences.

    Parameters
    ----------
    of_pairs : mapping
        What :func:`of_pairs_alone` found.
    """
    if not of_pairs:
        return "Support sets are drawn from the candidate files of each cell line, which no label influenced."
    lines_of: dict[tuple[str, ...], list[str]] = {}
    for line, roles in of_pairs.items():
        lines_of.setdefault(tuple(roles), []).append(line)
    said = []
    for roles, lines in lines_of.items():
        elements = " and ".join(f"{role}s" for role in roles)
        said.append(
            f"The support sets of {', '.join(lines)} are drawn from the {elements} of the pairs, for no file "
            "names candidates."
        )
    said.append(
        "The choice of these pairs was also the choice of the support sets, so the environment that "
        "is read from them is "
        "not independent of the choice of the labelled pairs."
    )
    return " ".join(said)


def tracks_in_words(reports: Mapping[str, Mapping[str, Any]], expected_from: Sequence[str] = ()) -> list[str]:
    """Where strands come from, and what is not as it should be with the tracks, in sentences.

    Parameters
    ----------
    reports : mapping
        Cell line -> what ``read_tracks`` says of it.
    expected_from : sequence of str
        Lines whose tracks a law is fitted to.
    """
    alike, strandless, sources, said = [], [], dict[str, list[str]](), []
    for line, report in reports.items():
        for kind, one in report["kinds"].items():
            if one["all_peaks_alike"]:
                alike.append(f"the {_spaced(kind)} of {line}")
            if empty := one["of_these_with_many_of_another_kind"]:
                said.append(
                    f"{line} has no {_spaced(kind)} on {', '.join(empty)}, where its other tracks have peaks."
                )
        strands = report["kinds"].get("insulators", {}).get("strands")
        if strands is None:
            continue
        if strands["+"] or strands["-"]:
            sources.setdefault(strands["source"], []).append(line)
        else:
            strandless.append(line)
    said = [*_missing_in_words(reports, expected_from), *said]
    said += [
        f"The strands of insulators come from {source} ({', '.join(lines)})."
        for source, lines in sources.items()
    ]
    if alike:
        said.append(f"All peaks count alike, because their signal does not vary: {', '.join(alike)}.")
    if strandless:
        said.append(
            f"The insulators of {', '.join(strandless)} have no strands, so that each counts for both "
            "directions."
        )
    return said


def _missing_in_words(reports: Mapping[str, Mapping[str, Any]], expected_from: Sequence[str]) -> list[str]:
    """Kinds that lines lack, and kinds that no law can learn of."""
    said = []
    for kind in TRACK_KINDS:
        lacking = [line for line, report in reports.items() if kind in report["missing"]]
        having = [line for line in reports if line not in lacking]
        if having and expected_from and not set(having) & set(expected_from):
            said.append(
                f"No training line has peaks of {_spaced(kind)}, so nothing is learned of them, and those of "
                f"{', '.join(having)} change no score."
            )
        elif having and lacking:
            said.append(
                f"No peaks of {_spaced(kind)} were given for {', '.join(lacking)}: there the graph alone "
                "says what to expect of them."
            )
        elif lacking:
            said.append(f"No line has peaks of {_spaced(kind)}: they play no part.")
    return said


def _unknown_in_words(collected: Iterable[Mapping[str, Any]]) -> list[str]:
    counts = {
        role: sum(report.get("unknown_windows", {}).get(role, 0) for report in collected) for role in ROLES
    }
    if not any(counts.values()):
        return []
    elements = " and ".join(f"{n} {role}s" for role, n in counts.items() if n)
    return [f"The genome has no known base in {elements}: their pairs stay, without a term for the sequence."]


def _signals_in_words(reports: Sequence[Mapping[str, Any]], cell_lines: Sequence[str]) -> list[str]:
    """Which lines have signals at their candidates, and at how many of these there is none."""
    said = [
        f"{_spaced(name)} of {report['cell_line']}: {one['signal']}, at "
        f"{one['candidates'] - one['candidates_without']} of {one['candidates']}"
        for report in reports
        for name, one in report["signals"].items()
    ]
    if not said:
        return []
    having = {str(report["cell_line"]) for report in reports}
    lacking = [line for line in cell_lines if line not in having]
    found = [f"Signals at candidate enhancers ({'; '.join(said)}) are ranked within each line."]
    if lacking:
        found.append(f"No signals were given for {', '.join(lacking)}, and no other line can lend them.")
    return found


def _track_row(line: str, reports: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    if line not in reports:
        raise UserError(f"no report of read_tracks is about {line!r}", mend="run read_tracks again")
    kinds = reports[line]["kinds"]
    row: dict[str, object] = {}
    for kind in TRACK_KINDS:
        one = kinds.get(kind)
        row |= {
            f"{kind}_from": _NOTHING if one is None else one["file"],
            f"{kind}_peaks": 0 if one is None else one["peaks_read"],
            f"{kind}_left_out": 0 if one is None else sum(reasons_of_track(one).values()),
            f"{kind}_kept": 0 if one is None else one["kept"],
            f"{kind}_signal": _NOTHING if one is None else one["signal"],
        }
    strands = kinds.get("insulators", {}).get("strands")
    return row | {"insulators_strands": _NOTHING if strands is None else strands["source"]}


def _spaced(kind: str) -> str:
    return kind.replace("_", " ")


def _row(line: str, counts: Mapping[str, Any], collected: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    why = {reason: n for reason, n in counts["left_out"].items() if n}
    row: dict[str, object] = {
        "cell_line": line,
        "rows": counts["rows"],
        "pairs": counts["pairs"],
        "contacts": counts["positives"],
        "left_out": sum(why.values()),
        "left_out_because": _because(why),
    }
    for role in ROLES:
        source, left_out, n = _source(line, role, collected)
        row |= {
            f"{role}s": n,
            f"{role}s_from": source,
            f"{role}s_left_out": sum(left_out.values()),
            f"{role}s_left_out_because": _because(left_out),
        }
    return row


def _because(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} {n}" for reason, n in reasons.items() if n) or _NOTHING


def _source(
    line: str, role: str, collected: Iterable[Mapping[str, Any]]
) -> tuple[str, Mapping[str, int], int]:
    """What names the candidates of a role, why its intervals were left out, and how many are left."""
    for report in collected:
        for one in report["files"]:
            if (one["cell_line"], one["role"], one["candidates"]) == (line, role, True):
                source = one["file"] if one["bed"] else OF_PAIRS
                return source, reasons_of(one), report["candidates"][line][role]
    raise UserError(
        f"no report of collect_elements has the {role}s of the cell line {line!r}",
        mend="run collect_elements again",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(
            f"the report cannot be read ({error})", mend="run the stage that writes it again", file=path
        ) from error
