"""Weigh the worlds of a benchmark against what is claimed of the full model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.benchmark_claims import as_rows, weigh
from cbat.evaluation.benchmark_figures import Benchmark
from cbat.evaluation.benchmark_text import in_markup, in_words
from cbat.evaluation.benchmark_worlds import world_columns
from cbat.evaluation.table import read_table
from cbat.files import atomic_file


def run(
    *,
    worlds: Mapping[str, Path],
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    directory: Path,
) -> None:
    """Write ``benchmark.tsv``, ``benchmark.txt`` and ``benchmark.rst``.

    Parameters
    ----------
    worlds : mapping
        World -> its ``metrics.tsv``.
    settings : EvaluationSettings
        The section ``evaluation``: the support size of the headline figure.
    baseline, full_model : str
        Names of the two models that are compared.
    directory : Path
        Where the three files go.
    """
    tables = {world: read_table(path) for world, path in worlds.items()}
    benchmark = Benchmark(tables, baseline, full_model, settings.headline_support)
    weighed, compared = weigh(benchmark), world_columns(benchmark)
    directory = Path(directory)
    with atomic_file(directory / "benchmark.tsv") as temporary:
        as_rows(weighed).to_csv(
            temporary, sep="\t", index=False, float_format="%.6f", na_rep="", lineterminator="\n"
        )
    for name, text in (
        ("benchmark.txt", in_words(weighed, compared)),
        ("benchmark.rst", in_markup(weighed, compared)),
    ):
        with atomic_file(directory / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
