"""The cell lines that the worlds of a benchmark hold out, side by side: what leave-one-line-out says.

Each world has trained without its unseen lines. Nothing is claimed here that a world with a known truth would
be needed for: every line's row has the full model beside the baseline, the wrong line's support set and the
shortcuts, and the words say what the rows do and do not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.errors import UserError
from cbat.evaluation.bootstrap import t_interval
from cbat.evaluation.headline import Headline
from cbat.evaluation.held_out_tables import held_out_metrics, held_out_peers, held_out_sources
from cbat.evaluation.landscape_sources import SOURCE_COLUMNS
from cbat.evaluation.peer_comparison import PEER_COLUMNS
from cbat.evaluation.references import BARS, ORACLES
from cbat.evaluation.summary import SUMMARY_COLUMNS
from cbat.evaluation.table import AGGREGATES, MACRO, read_table, write_table
from cbat.files import atomic_file

COMPARED: Final = ("gain", "own_minus_wrong")
CONTEXTS: Final = ("none", "mean", "shuffled", "graph", "sibling")


@dataclass(frozen=True)
class HeldOut:
    """What text and table are made from.

    Attributes
    ----------
    table : DataFrame
        A row for each world and cell line that it holds out, and a last one, ``macro``, for their mean.
    baseline, full_model : str
    headline : Headline
    laws : tuple of str
        Models that are fitted without chance.
    peers, sources : DataFrame
        Other tools, and other landscapes; see :mod:`cbat.evaluation.held_out_tables`.
    """

    table: pd.DataFrame
    baseline: str
    full_model: str
    headline: Headline
    laws: tuple[str, ...] = ()
    peers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=pd.Index(PEER_COLUMNS)))
    sources: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=pd.Index(SOURCE_COLUMNS)))

    @property
    def lines(self) -> pd.DataFrame:
        """The rows of the cell lines."""
        return self.table.iloc[:-1]

    @property
    def evidence(self) -> str:
        """What the full model reads of a cell line."""
        if self.full_model in self.laws:
            return "landscape"
        return "support set and tracks" if len(self.sources) else "support set"

    @property
    def mean(self) -> pd.Series:
        """The row of the mean."""
        return self.table.iloc[-1]


def run(
    *,
    metrics: Mapping[str, Path],
    summaries: Mapping[str, Path],
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    directory: Path,
    peers: Mapping[str, Path] | None = None,
    sources: Mapping[str, Path] | None = None,
    laws: Sequence[str] = (),
) -> None:
    """Write the held-out lines side by side, as tables and in words.

    ``held_out_lines.tsv``, ``held_out_metrics.tsv`` (all figures of these lines, in the columns of
    ``metrics.tsv``), ``held_out_peers.tsv``, ``held_out_sources.tsv``, ``held_out_lines.txt`` and
    ``held_out_lines.rst``.

    Parameters
    ----------
    metrics, summaries : mapping
        World -> its ``metrics.tsv``, and its ``summary.tsv``.
    settings : EvaluationSettings
        The section ``evaluation``: it says which figure is the headline.
    baseline, full_model : str
        Names of the two models that are compared.
    directory : Path
        Where the files go.
    peers, sources : mapping, optional
        World -> its ``peers.tsv``, and its ``landscape_sources.tsv``.
    laws : sequence of str
        Models without sequence, in whose fit chance has no part.

    Raises
    ------
    UserError
        A world without figures of the two models.
    """
    from cbat.evaluation.held_out_text import in_markup, in_words

    found = replace(
        gather(metrics, summaries, settings, baseline, full_model),
        peers=held_out_peers(peers or {}),
        sources=held_out_sources(sources or {}),
        laws=tuple(laws),
    )
    directory = Path(directory)
    write_table(
        directory / "held_out_metrics.tsv", held_out_metrics(read_table(path) for path in metrics.values())
    )
    for name, table in (("lines", found.table), ("peers", found.peers), ("sources", found.sources)):
        with atomic_file(directory / f"held_out_{name}.tsv") as temporary:
            table.to_csv(
                temporary, sep="\t", index=False, float_format="%.6f", na_rep="", lineterminator="\n"
            )
    for name, text in (("held_out_lines.txt", in_words(found)), ("held_out_lines.rst", in_markup(found))):
        with atomic_file(directory / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def gather(
    metrics: Mapping[str, Path],
    summaries: Mapping[str, Path],
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
) -> HeldOut:
    """The headline figures of every world's unseen lines; see :func:`run`."""
    headline = replace(Headline.of(settings), role="unseen")
    parts = []
    for world, path in metrics.items():
        summary = _read_summary(summaries[world])
        part = _figures(read_table(path), headline, full_model)
        part = summary.merge(part, on="cell_line", how="inner")
        if not len(part):
            raise UserError(
                f"the world {world!r} has no metrics of unseen lines on {headline.chromosomes} chromosomes",
                mend="let evaluation.roles hold 'unseen', and name unseen lines in the world",
                file=path,
            )
        parts.append(part.assign(world=world))
    table = pd.concat(parts, ignore_index=True)
    first = ["world", "cell_line", "n_seeds"]
    table = table[[*first, *(name for name in table if name not in first)]]
    for name in ("full_model", *COMPARED):
        # Those of single lines are over chromosomes; what the mean has of both kinds, see below.
        for end in ("low", "high"):
            table[f"{name}_chromosomes_{end}"] = table[f"{name}_{end}"]
    return HeldOut(pd.concat([table, _mean(table)], ignore_index=True), baseline, full_model, headline)


def _read_summary(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep="\t", dtype={"cell_line": "str"}, keep_default_na=False, na_values=[""])
        if list(table.columns) != SUMMARY_COLUMNS:
            raise ValueError(f"the columns are {', '.join(table.columns)}")
    except (OSError, ValueError) as error:
        raise UserError(
            f"this is not the summary of a run ({error})", mend="rerun its world", file=path
        ) from error
    # Read whole, an empty column has no type.
    # The mean of the lines of one world is not asked for.
    table = table[[name for name in SUMMARY_COLUMNS if "_lines_" not in name]]
    numbers = [name for name in table if name != "cell_line"]
    return table[~table["cell_line"].isin(AGGREGATES)].astype(dict.fromkeys(numbers, float))


def _figures(table: pd.DataFrame, headline: Headline, full_model: str) -> pd.DataFrame:
    """What the summary of a world does not hold, by cell line."""
    own = headline.rows(table, full_model)
    own = own[~own["cell_line"].isin(AGGREGATES)]
    found: dict[str, Any] = {"n_seeds": own.groupby("cell_line")["seed"].nunique()}
    found |= {f"full_model_{end}": own.groupby("cell_line")[end].mean() for end in ("low", "high")}
    for name in CONTEXTS:
        found[name] = headline.by_line(table, full_model, name)
    for name in (*BARS, *ORACLES):
        if name not in SUMMARY_COLUMNS:
            found[name] = headline.by_line(table, name)
    return pd.DataFrame(found).rename_axis("cell_line").reset_index()


def _mean(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over rows; its intervals are of Student's t over cell lines.

    Worlds have models of their own and share chromosomes, so that neither has the other's interval: this one
    says how the figure would vary over cell lines. ``_chromosomes_low`` and ``_high`` are the means of the
    lines' intervals over chromosomes: what the mean has if a chromosome is as hard in every line, and so no
    narrower than its own.
    """
    row: dict[str, Any] = {"world": "-", "cell_line": MACRO, "n_seeds": table["n_seeds"].min()}
    by_line = table.drop(columns=["world", "n_seeds"]).groupby("cell_line").mean()
    for name in by_line.columns:
        if not name.endswith(("_low", "_high")) or "_chromosomes_" in name:
            # A mean over some of the lines would not compare with a mean over all of them.
            row[name] = by_line[name].mean(skipna=False)
    for name in ("full_model", *COMPARED):
        row[f"{name}_low"], row[f"{name}_high"] = t_interval(by_line[name])
    return pd.DataFrame([row], columns=table.columns)
