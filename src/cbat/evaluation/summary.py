"""Gather all figures in one table, and say in a table and in words what they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data.contigs import ContigNames, read_contig_names
from cbat.errors import UserError
from cbat.evaluation.ablations import ablation_table, grid_table
from cbat.evaluation.accuracy import accuracy_table
from cbat.evaluation.bootstrap import Difference, t_interval
from cbat.evaluation.collapse_check import collapsed_rows
from cbat.evaluation.comparison import Comparison, ScoredPairs, Side, compare
from cbat.evaluation.headline import Headline
from cbat.evaluation.landscape_sources import SOURCE_COLUMNS, source_table
from cbat.evaluation.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER
from cbat.evaluation.peer_comparison import PEER_COLUMNS, peer_table
from cbat.evaluation.peer_comparison import sentences as about_peers
from cbat.evaluation.table import AGGREGATES, KEY_COLUMNS, MACRO, WORST, checked, read_table, write_table
from cbat.evaluation.verdicts import ENOUGH_SEEDS
from cbat.files import atomic_file

DIFFERENCES: Final = ("gain", "own_minus_wrong", "own_minus_sibling")
"""What has an interval over chromosomes and, of the mean, one over lines (``_lines_low`` and ``_high``)."""
SUMMARY_COLUMNS: Final = [
    "cell_line",
    "baseline",
    "full_model",
    "wrong_support",
    "sibling_support",
    "oracle",
    *(f"{name}{end}" for name in DIFFERENCES for end in ("", "_low", "_high")),
    "gap_closed",
    *(f"{name}_lines_{end}" for name in DIFFERENCES for end in ("low", "high")),
]


@dataclass(frozen=True)
class Summary:
    """What the text and the short table are made from.

    Attributes
    ----------
    table : DataFrame
        :data:`SUMMARY_COLUMNS`, one row per cell line and a last one, ``macro``, for their mean.
    collapsed : tuple of str
        Model and cell line of each evaluation with a sign of collapse.
    other_contexts, references : dict
        Mean over cell lines of the full model in other contexts, and of the references.
    n_seeds : int
        Training seeds that the figures are means of.
    ablations, grid : DataFrame
        Every model beside the full one, and seen and unseen lines and chromosomes; see
        :mod:`cbat.evaluation.ablations`.
    differences : dict
        Keys in which a model's settings differ from those of the full model, in words.
    laws : tuple of str
        Models that are fitted without chance, so that training seeds do not matter.
    draws_support : bool
        Whether the full model reads support sets; otherwise it reads tracks alone.
    accuracy, sources, peers : DataFrame
        What stands beside the headline; own and other landscapes; other tools. See
        :mod:`cbat.evaluation.accuracy`, :mod:`cbat.evaluation.landscape_sources` and
        :mod:`cbat.evaluation.peer_comparison`.
    about_peers : tuple of str
        What the last shows, in words.
    """

    headline: Headline
    baseline: str
    full_model: str
    table: pd.DataFrame
    n_seeds: int
    other_contexts: dict[str, float] = field(default_factory=dict)
    sizes: dict[int, float] = field(default_factory=dict)
    collapsed: tuple[str, ...] = ()
    references: dict[str, float] = field(default_factory=dict)
    ablations: pd.DataFrame = field(default_factory=pd.DataFrame)
    grid: pd.DataFrame = field(default_factory=pd.DataFrame)
    differences: dict[str, str] = field(default_factory=dict)
    laws: tuple[str, ...] = ()
    draws_support: bool = True
    accuracy: pd.DataFrame = field(default_factory=pd.DataFrame)
    sources: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=pd.Index(SOURCE_COLUMNS)))
    peers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=pd.Index(PEER_COLUMNS)))
    about_peers: tuple[str, ...] = ()

    @property
    def by_chance(self) -> bool:
        """Whether chance has a part in the training of either model."""
        return not {self.baseline, self.full_model} <= {*self.laws}

    @property
    def n_trainings(self) -> int:
        """Training seeds; enough of them where there is no chance in training."""
        return self.n_seeds if self.by_chance else ENOUGH_SEEDS

    @property
    def evidence(self) -> str:
        """What the full model reads of a cell line."""
        if not self.draws_support:
            return "landscape"
        return "support set and tracks" if len(self.sources) else "support set"

    @property
    def lines(self) -> pd.DataFrame:
        """The rows of the cell lines."""
        return self.table.iloc[:-1]

    @property
    def mean(self) -> pd.Series:
        """The row of the mean."""
        return self.table.iloc[-1]


def run(
    *,
    tables: Sequence[Path],
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    directory: Path,
    scored_pairs: Sequence[Path] = (),
    models: Sequence[Path] = (),
    differences: str = "{}",
    laws: Sequence[str] = (),
    peers: Mapping[str, Path] | None = None,
    contig_names: Path | None = None,
) -> None:
    """Write the long table, five short ones, what they mean in words, and the report's first page.

    ``metrics.tsv``, ``summary.tsv``, ``ablations.tsv``, ``grid.tsv``, ``landscape_sources.tsv``,
    ``peers.tsv``, ``summary.txt``, ``first_page.rst``. Where no landscape is read, or no peer is named, the
    last two tables are empty below their header.

    Parameters
    ----------
    tables : sequence of Path
        Tables of metrics of all models, seeds and cell lines, and of the references.
    settings : EvaluationSettings
        The section ``evaluation``: it says which figure is the headline.
    baseline, full_model : str
        Names of the two models that are compared.
    directory : Path
        Where the files go.
    scored_pairs : sequence of Path
        Scored pairs of all models, in folders <model>/seed_<seed>/<cell_line>; without them differences
        have no interval.
    models : sequence of Path
        ``<model>/seed_<seed>/model.json`` of all models, which hold the signs of collapse in training.
    differences : str
        JSON: model -> the keys in which its settings differ from those of the full model.
    laws : sequence of str
        Models without sequence. Chance has no part in fitting them, so that one seed of theirs is enough.
    peers : mapping, optional
        Name -> table of another tool's predictions; see :mod:`cbat.evaluation.peer_tables`.
    contig_names : Path, optional
        Table of contig names, for peers, as for `collect_elements`.

    Raises
    ------
    UserError
        A table that is malformed or given twice, or one of the two models without its headline figures.
    """
    from cbat.evaluation.first_page import first_page
    from cbat.evaluation.summary_text import in_words

    metrics = with_aggregates(pd.concat([read_table(path) for path in tables], ignore_index=True))
    summary = summarise(
        metrics,
        settings=settings,
        baseline=baseline,
        full_model=full_model,
        scored=ScoredPairs(scored_pairs),
        models=models,
        differences=json.loads(differences),
        laws=laws,
        peers=peers or {},
        contigs=read_contig_names(contig_names),
    )
    directory = Path(directory)
    write_table(directory / "metrics.tsv", metrics)
    tables_of = {
        "summary": summary.table,
        "ablations": summary.ablations,
        "grid": summary.grid,
        "landscape_sources": summary.sources,
        "peers": summary.peers,
    }
    for name, table in tables_of.items():
        with atomic_file(directory / f"{name}.tsv") as temporary:
            table.to_csv(temporary, sep="\t", index=False, float_format="%.6f", lineterminator="\n")
    for file, text in (("summary.txt", in_words(summary)), ("first_page.rst", first_page(summary))):
        with atomic_file(directory / file) as temporary:
            temporary.write_text(text, encoding="utf-8")


def with_aggregates(table: pd.DataFrame) -> pd.DataFrame:
    """Add the rows ``macro`` (mean over cell lines) and ``worst`` (the worst line; quality metrics only).

    Raises
    ------
    UserError
        A figure is given twice, or the table holds such rows already.
    """
    if table["cell_line"].isin(AGGREGATES).any():
        raise UserError(
            f"a table of metrics holds rows called {MACRO!r} or {WORST!r}",
            mend="give the tables of single cell lines, not a summary",
        )
    shared = [name for name in KEY_COLUMNS if name != "cell_line"]
    values = table.groupby(shared, as_index=False)["value"]
    lowest, highest = values.min(), values.max()
    added = [
        values.mean().assign(cell_line=MACRO),
        lowest[lowest["metric"].isin(HIGHER_IS_BETTER)].assign(cell_line=WORST),
        highest[highest["metric"].isin(LOWER_IS_BETTER)].assign(cell_line=WORST),
    ]
    try:
        return checked(pd.concat([table, *added], ignore_index=True))
    except ValueError as error:
        raise UserError(str(error), mend="give every table of metrics once") from error


def summarise(
    metrics: pd.DataFrame,
    *,
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    scored: ScoredPairs,
    models: Sequence[Path] = (),
    differences: Mapping[str, str] | None = None,
    laws: Sequence[str] = (),
    peers: Mapping[str, Path] | None = None,
    contigs: ContigNames | None = None,
) -> Summary:
    """The headline figures of the two models side by side; see :func:`run`."""
    headline = Headline.of(settings)
    figures = {
        "baseline": headline.by_line(metrics, baseline),
        "full_model": headline.by_line(metrics, full_model),
        "wrong_support": headline.by_line(metrics, full_model, "wrong"),
        "sibling_support": headline.by_line(metrics, full_model, "sibling"),
        "oracle": headline.by_line(metrics, "oracle"),
    }
    for name, model in (("baseline", baseline), ("full_model", full_model)):
        if not len(figures[name]):
            raise UserError(
                f"the model {model!r} has no {headline.metric} for {headline.role} cell lines on "
                f"{headline.chromosomes} chromosomes with support sets of {headline.n_support}",
                mend="evaluate it; a model that reads support sets needs evaluation.headline_support among "
                "evaluation.support_sizes",
            )
    table = pd.DataFrame(figures).dropna(subset=["baseline", "full_model"]).sort_index()
    if not len(table):
        raise UserError(
            f"no cell line was evaluated with both {baseline!r} and {full_model!r}",
            mend="evaluate both models on the same cell lines",
        )
    # A mean over some of the lines would not compare with a mean over all of them.
    table.loc[MACRO] = table.mean(skipna=False)
    for column, second, sides in (
        ("gain", "baseline", (Side(full_model), Side(baseline))),
        ("own_minus_wrong", "wrong_support", (Side(full_model), Side(full_model, "wrong"))),
        ("own_minus_sibling", "sibling_support", (Side(full_model), Side(full_model, "sibling"))),
    ):
        table[column] = table["full_model"] - table[second]
        compared = compare(
            scored,
            *sides,
            chromosomes=headline.chromosomes,
            n_support=headline.n_support,
            n=settings.n_bootstrap,
            seed=settings.seed,
            lines=set(table.index),
            balanced=headline.balanced,
        )
        _add_interval(table, column, compared)
        # Of all lines or of none, as the mean.
        ends = t_interval(table[column].iloc[:-1])
        for end, value in zip(("low", "high"), ends, strict=True):
            table[f"{column}_lines_{end}"] = [np.nan] * (len(table) - 1) + [value]
    beside = peer_table(
        metrics, peers or {}, settings=settings, full_model=full_model, scored=scored, contigs=contigs
    )
    lines = [str(name) for name in table.index[:-1]]
    room = table["oracle"] - table["baseline"]
    table["gap_closed"] = (table["gain"] / room).where(room > 0.0)
    return Summary(
        headline,
        baseline,
        full_model,
        table.rename_axis("cell_line").reset_index()[SUMMARY_COLUMNS],
        n_seeds=int(headline.rows(metrics, full_model)["seed"].nunique()),
        other_contexts=_other_contexts(metrics, headline, full_model),
        sizes=_by_size(metrics, headline, full_model, lines),
        collapsed=_collapsed(metrics, headline, models),
        references=_references(metrics, headline),
        ablations=ablation_table(
            metrics,
            settings=settings,
            baseline=baseline,
            full_model=full_model,
            scored=scored,
            left_out=peers or (),
        ),
        grid=grid_table(metrics, settings=settings, baseline=baseline, full_model=full_model, scored=scored),
        differences=dict(differences or {}),
        laws=tuple(laws),
        draws_support=headline.draws_support(metrics, full_model),
        accuracy=accuracy_table(metrics, headline, (full_model, baseline)),
        sources=source_table(metrics, settings=settings, full_model=full_model, scored=scored),
        peers=beside,
        about_peers=tuple(about_peers(beside, peers or {}, headline, full_model, lines)),
    )


def _add_interval(table: pd.DataFrame, column: str, compared: Comparison | None) -> None:
    lines = {} if compared is None else dict(compared.lines)
    nothing = Difference(np.nan, np.nan, np.nan)
    intervals = [lines.get(str(name), nothing) for name in table.index[:-1]]
    # The mean has an interval only if it is the mean of the same cell lines.
    same = compared is not None and set(lines) == set(table.index[:-1])
    intervals.append(compared.mean if compared is not None and same else nothing)
    table[f"{column}_low"] = [interval.low for interval in intervals]
    table[f"{column}_high"] = [interval.high for interval in intervals]


def _other_contexts(metrics: pd.DataFrame, headline: Headline, model: str) -> dict[str, float]:
    values = {
        context: headline.by_line(metrics, model, context).mean()
        for context in ("none", "mean", "shuffled", "graph", "sibling")
    }
    return {context: float(value) for context, value in values.items() if not np.isnan(value)}


def _by_size(metrics: pd.DataFrame, headline: Headline, model: str, lines: Sequence[str]) -> dict[int, float]:
    """Mean of these lines in their own environment, by the size of the support set; empty without any."""
    if not headline.draws_support(metrics, model):
        return {}
    own = headline.setting(metrics)
    own = own[(own["model"] == model) & (own["context"] == "own") & own["cell_line"].isin(lines)]
    means = own.groupby("n_support")["value"].mean()
    return {int(size): float(value) for size, value in means.items()}


def _collapsed(metrics: pd.DataFrame, headline: Headline, models: Sequence[Path]) -> tuple[str, ...]:
    """``model on cell line`` wherever the headline's setting shows a sign of collapse in any seed."""
    found = collapsed_rows(metrics, headline, models)
    return tuple(dict.fromkeys(f"{row.model} on {row.cell_line}" for row in found.itertuples()))


def _references(metrics: pd.DataFrame, headline: Headline) -> dict[str, float]:
    from cbat.evaluation.references import BARS, ORACLES

    values = {name: headline.by_line(metrics, name).mean() for name in (*BARS, *ORACLES)}
    return {name: float(value) for name, value in values.items() if not np.isnan(value)}
