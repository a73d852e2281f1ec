"""Tables of similarity that the workflow computes from peaks and from gene expression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cbat.config.load import key_error
from cbat.config.sections import ExpressionCorrelation, GraphSettings, PeakOverlap, SimilarityTable
from cbat.config.suggestions import did_you_mean
from cbat.config.yaml_files import KeyPath, YamlFile

SIMILARITY_DIRECTORY: Final = Path("results/similarity")
"""Where the workflow puts the tables that it computes."""


def with_computed_tables(graph: GraphSettings, scope: str) -> GraphSettings:
    """The section ``graph`` with the tables that the workflow computes among its tables of similarity.

    A scope has tables of its own, so that the files of an unseen line change none that training reads.
    """
    asked: dict[str, PeakOverlap | ExpressionCorrelation] = {
        **graph.peak_overlaps,
        **graph.expression_correlations,
    }
    computed = [
        SimilarityTable(
            path=SIMILARITY_DIRECTORY / scope / f"{name}.tsv", weight=one.weight, threshold=one.threshold
        )
        for name, one in asked.items()
    ]
    return graph.model_copy(
        update={
            "similarities": [*graph.similarities, *computed],
            "peak_overlaps": {},
            "expression_correlations": {},
        }
    )


def similarity_files(graph: GraphSettings) -> list[tuple[KeyPath, Path]]:
    """Files that the computed tables are made from, with the keys that name them."""
    found: list[tuple[KeyPath, Path]] = [
        (("graph", "peak_overlaps", name, "peaks", line), path)
        for name, overlap in graph.peak_overlaps.items()
        for line, path in overlap.peaks.items()
    ]
    found += [
        (("graph", "expression_correlations", name, "table"), correlation.table)
        for name, correlation in graph.expression_correlations.items()
    ]
    return found


def check_similarities(graph: GraphSettings, files: Sequence[YamlFile], known: Sequence[str]) -> None:
    """Computed tables of similarity have names of their own, and name lines of the sheet.

    Raises
    ------
    UserError
    """
    if both := sorted(graph.peak_overlaps.keys() & graph.expression_correlations.keys()):
        raise key_error(
            files,
            ("graph", "expression_correlations", both[0]),
            f"{both[0]!r} names a table of peaks and one of expression",
            "give one of the two another name",
        )
    named: list[tuple[KeyPath, str]] = [
        (("graph", "peak_overlaps", name, "peaks", line), line)
        for name, overlap in graph.peak_overlaps.items()
        for line in overlap.peaks
    ]
    named += [
        (("graph", "expression_correlations", name, "columns", line), line)
        for name, correlation in graph.expression_correlations.items()
        for line in correlation.columns
    ]
    for key, line in named:
        if line not in known:
            raise key_error(
                files,
                key,
                f"{'.'.join(map(str, key[:-1]))} names {line!r}, which is not a cell line of the sheet"
                + did_you_mean(line, known),
                f"write one of: {', '.join(known)}",
            )
