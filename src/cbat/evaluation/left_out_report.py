"""What was left out of the files of a run, and rows on contigs that other files lack, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cbat.data.elements import reasons_of
from cbat.data.left_out import in_words, is_worth_a_warning
from cbat.landscape import element_signals, tracks
from cbat.landscape.genes import left_out_of

Reports = Mapping[str, Mapping[str, Any]]


def left_out_in_words(
    labels: Reports,
    elements: Iterable[Mapping[str, Any]] = (),
    peaks: Reports | None = None,
    signals: Iterable[Mapping[str, Any]] = (),
    landscapes: Iterable[Mapping[str, Any]] = (),
    genes: Mapping[str, Any] | None = None,
) -> list[str]:
    """A line for each file of which more than 1% is left out, and for each warning of a reader.

    Parameters
    ----------
    labels : mapping
        Cell line -> what ``label_pairs`` says of it.
    elements : iterable of mapping
        What ``collect_elements`` says of each cohort.
    peaks : mapping, optional
        Cell line -> what ``read_tracks`` says of it.
    signals, landscapes : iterable of mapping
        What ``read_signals`` and ``read_landscape`` say of each line.
    genes : mapping, optional
        What ``read_genes`` says.
    """
    found: list[str] = []
    for line, report in labels.items():
        found += _sentence(f"the pairs of {line}", report["rows"], report["left_out"])
    for report in elements:
        for one in report["files"]:
            found += one.get("warnings", [])
            if one["bed"]:
                found += _sentence(one["file"], one["intervals"], reasons_of(one))
            if n := one.get("reach_over_the_end"):
                found.append(f"{one['file']}: {n} {one['role']}s reach over the end of their contig")
    for line, report in (peaks or {}).items():
        for kind, one in report["kinds"].items():
            found += _of_file(
                one, f"{one['file']} ({kind} of {line})", one["peaks_read"], tracks.reasons_of(one)
            )
    for report in signals:
        for one in report["signals"].values():
            reasons = element_signals.reasons_of(one)
            found += _of_file(one, one["file"], one.get("intervals", 0) + sum(reasons.values()), reasons)
    for report in landscapes:
        found += report.get("unmatched", [])
    if genes is not None:
        found += _sentence(genes["file"], *left_out_of(genes))
    return list(dict.fromkeys(found))


def _of_file(report: Mapping[str, Any], what: str, total: int, reasons: Mapping[str, int]) -> Iterator[str]:
    yield from (f"{what}: {warning}" for warning in report.get("unmatched", []))
    yield from _sentence(what, total, reasons)


def _sentence(what: str, total: int, reasons: Mapping[str, int]) -> list[str]:
    if not is_worth_a_warning(sum(reasons.values()), total):
        return []
    return [f"{what}: {in_words(total, reasons)}"]
