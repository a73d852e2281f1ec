"""Write the tables of README.md, docs/results.md and docs/worlds.md that come from docs/benchmark/*.tsv.

    python tools/results_tables.py

A table stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.config.documentation import write_tables
from cbat.config.sections import ALL_CANDIDATES
from cbat.evaluation.benchmark_figures import Benchmark
from cbat.evaluation.benchmark_worlds import world_columns

TOP: Final = Path(__file__).resolve().parents[1]
MACRO: Final = "macro"
FULL: Final = "graph_manifold"
PEER: Final = "transepi"
N_SUPPORT: Final = 256
"""Support size of the worlds' table."""


@dataclass(frozen=True)
class LabelSet:
    """A set of labelled pairs.

    Attributes
    ----------
    name : str
        Its table is docs/benchmark/<name>.tsv.
    title : str
    negatives : str
        Prevalence at which it is shown first.
    """

    name: str
    title: str
    negatives: str

    def table(self, directory: Path) -> pd.DataFrame:
        """The rows of its table, values as numbers."""
        table = pd.read_csv(directory / f"{self.name}.tsv", sep="\t", keep_default_na=False, dtype=str)
        numbers = table[["value", "low", "high"]].apply(pd.to_numeric)
        return table.assign(**{name: numbers[name] for name in numbers})


SETS: Final = (
    LabelSet("bengi_hic", "BENGI, Hi-C", "natural"),
    LabelSet("bengi_rnapii", "BENGI, RNAPII ChIA-PET", "natural"),
    LabelSet("bengi_ctcf", "BENGI, CTCF ChIA-PET", "natural"),
    LabelSet("targetfinder_20to1", "TargetFinder, 20 negatives each", "natural"),
    LabelSet("targetfinder_cbmf", "TargetFinder, CBMF", "balanced"),
    LabelSet("targetfinder_cbgs", "TargetFinder, CBGS", "balanced"),
)
ROWS: Final = (
    (FULL, "own", "**CBAT: own tracks and expectation, fused**"),
    (FULL, "wrong", "the same, fed the tracks of another tissue"),
    (FULL, "sibling", "the same, fed the tracks of a sibling line"),
    (FULL, "graph", "the same, fed the expectation alone"),
    (FULL, "none", "the same, fed an average landscape"),
    ("own_landscape", "own", "own tracks alone"),
    ("graph_landscape", "own", "expectation alone: nothing of the line itself"),
    ("static_landscape", "own", "transcription starts alone"),
    ("free_weights", "own", "free weights"),
    (PEER, "-", "TransEPI, published predictions"),
    ("abc_share", "-", "ABC share"),
    ("distance", "-", "distance"),
    ("propensity", "-", "contacts of the same elements in training lines"),
    ("enhancer_only", "-", "enhancer alone"),
    ("promoter_only", "-", "promoter alone"),
    ("artefact", "-", "lengths and shifts of intervals"),
    ("prevalence", "-", "chance"),
)
"""Model or reference, context, and what it is called, in the order of the tables."""


class Numbers:
    """Numbers of one label set, by model, context, cell line and metric."""

    def __init__(self, table: pd.DataFrame, negatives: str) -> None:
        self.negatives = negatives
        keys = ["model", "context", "cell_line", "negatives", "metric"]
        self._mean = table.groupby(keys, sort=False)[["value", "low", "high"]].mean()
        own = table[(table["model"] == FULL) & (table["context"] == "own")]
        self.lines = sorted(set(own["cell_line"]) - {MACRO, "worst"})

    def row(
        self, model: str, context: str, line: str, metric: str = "aupr", negatives: str = ""
    ) -> pd.Series | None:
        """Value and interval, the mean over seeds; None where there is none."""
        key = (model, context, line, negatives or self.negatives, metric)
        if key not in self._mean.index:
            return None
        row = self._mean.loc[key]
        # Student's interval of two lines is wider than all that a metric can be.
        return row.mask(row.index != "value") if line == MACRO and len(self.lines) < 3 else row

    def value(
        self, model: str, context: str, line: str, metric: str = "aupr", negatives: str = ""
    ) -> float | None:
        """The value alone."""
        row = self.row(model, context, line, metric, negatives)
        return None if row is None else float(row["value"])


def digits(value: float | None, interval: pd.Series | None = None) -> str:
    """Three digits without the leading zero, perhaps with an interval; a dash for nothing."""
    if value is None or pd.isna(value):
        return "-"
    text = f"{value:.3f}".replace("0.", ".", 1)
    if interval is None or pd.isna(interval["low"]):
        return text
    ends = (f"{interval[end]:.3f}".replace("0.", ".", 1) for end in ("low", "high"))
    return f"{text} [{', '.join(ends)}]"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def contact_table(numbers: Numbers) -> str:
    """The table of the README: a row for each unseen line, and means."""
    columns = (("distance", "-"), (PEER, "-"), ("graph_landscape", "own"), (FULL, "own"))
    header = ["Unseen cell line", "distance", "TransEPI", "CBAT, nothing of the line itself", "**CBAT**"]
    rows = []
    for line in (*numbers.lines, MACRO):
        cells = [
            digits(numbers.value(*column, line), numbers.row(*column, line) if column[0] == FULL else None)
            for column in columns
        ]
        name = line if line != MACRO else f"mean of {len(numbers.lines)}"
        rows.append([name, *cells[:-1], f"**{cells[-1]}**"])
    compared = [line for line in numbers.lines if numbers.value(PEER, "-", line) is not None]
    if compared and compared != numbers.lines:
        means = [mean_of(numbers, column, compared) for column in columns]
        rows.append([f"mean of {', '.join(compared)}", *map(digits, means[:-1]), f"**{digits(means[-1])}**"])
    return markdown(header, rows)


def mean_of(numbers: Numbers, column: tuple[str, str], lines: Sequence[str]) -> float | None:
    """Mean over some lines; None if one of them has no number."""
    values = [numbers.value(*column, line) for line in lines]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(lines) else None


def sets_table(numbers: Mapping[str, Numbers]) -> str:
    """Means of all label sets side by side."""
    columns = (
        ("distance", "-"), ("static_landscape", "own"), ("graph_landscape", "own"), ("own_landscape", "own"),
        (FULL, "own"),
    )  # fmt: skip
    header = [
        "Label set", "lines", "metric", "distance", "starts alone", "expectation alone", "own tracks alone",
        "**CBAT**", "wrong line",
    ]  # fmt: skip
    rows = []
    for one in SETS:
        if one.name not in numbers:
            continue
        mine = numbers[one.name]
        cells = [digits(mine.value(*column, MACRO)) for column in columns]
        metric = "average precision" if one.negatives == "natural" else "balanced AUPR"
        wrong = digits(mine.value(FULL, "wrong", MACRO))
        rows.append([one.title, str(len(mine.lines)), metric, *cells[:-1], f"**{cells[-1]}**", wrong])
    return markdown(header, rows)


def lines_table(numbers: Numbers) -> str:
    """All models and references of a label set, line by line; the full model with intervals."""
    rows = []
    for model, context, name in ROWS:
        places = [*numbers.lines, MACRO]
        shown = [numbers.row(model, context, line) for line in places]
        if all(row is None for row in shown):
            continue
        interval = (model, context) == (FULL, "own")
        cells = [
            digits(None if row is None else float(row["value"]), row if interval else None) for row in shown
        ]
        rows.append([name, *cells])
    return markdown(["", *numbers.lines, "mean"], rows)


METRICS: Final = (
    ("aupr", "natural", "average precision, natural prevalence"),
    ("aupr", "balanced", "AUPR, balanced"),
    ("auroc", "natural", "AUROC"),
    ("auroc_within_enhancer", "natural", "AUROC within one enhancer"),
    ("auroc_within_promoter", "natural", "AUROC within one promoter"),
    ("precision_at_recall_0.5", "natural", "precision at 50% recall"),
    ("precision_at_recall_0.7", "natural", "precision at 70% recall"),
    ("ece", "natural", "calibration error"),
)


def metrics_table(numbers: Mapping[str, Numbers]) -> str:
    """Other metrics of the full model and of distance, means over the lines of each set."""
    sets = [one for one in SETS if one.name in numbers]
    rows = []
    for metric, negatives, name in METRICS:
        cells = []
        for one in sets:
            ours, distance = (
                numbers[one.name].value(*column, MACRO, metric, negatives)
                for column in ((FULL, "own"), ("distance", "-"))
            )
            cells.append(f"{digits(ours)} / {digits(distance)}")
        rows.append([name, *cells])
    return markdown(["CBAT / distance", *(one.title for one in sets)], rows)


def kinds_table(numbers: Mapping[str, Numbers]) -> str:
    """What the full model loses when one kind of track is exchanged, means over the lines of each set."""
    sources = ("wrong", "sibling", "graph", "none")
    kinds = ("", "insulators", "active_promoters", "active_enhancers")
    rows = []
    for one in SETS:
        if one.name not in numbers:
            continue
        mine = numbers[one.name]
        own = mine.value(FULL, "own", MACRO)
        for kind in kinds:
            cells = []
            for source in sources:
                other = mine.value(FULL, f"{kind}:{source}" if kind else source, MACRO)
                cells.append("-" if own is None or other is None else signed(own - other))
            if set(cells) != {"-"}:
                rows.append([one.title, f"`{kind}`" if kind else "all kinds", *cells])
    return markdown(
        ["Label set", "Exchanged", "minus wrong line", "minus sibling", "minus graph", "minus none"], rows
    )


def signed(value: float) -> str:
    """A difference, three digits with its sign."""
    return f"{value:+.3f}".replace("0.", ".", 1)


def worlds_table(path: Path) -> str:
    """The simulated worlds side by side; nothing where their table has not been made."""
    if not path.is_file():
        return ""
    table = pd.read_csv(path, sep="\t", dtype={"n_support": str}, na_values=[""], keep_default_na=False)
    sizes = table["n_support"].replace("all", str(ALL_CANDIDATES)).astype(int)
    rows = table.assign(n_support=sizes).groupby("world", sort=False)
    columns = world_columns(Benchmark(dict(iter(rows)), "baseline", FULL, N_SUPPORT))
    shown = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    return markdown([*shown], [*zip(*shown.values(), strict=True)])


def build_tables(directory: Path) -> dict[str, dict[str, str]]:
    """Page -> name of a block -> Markdown, of the label sets that have a table in ``directory``."""
    numbers = {
        one.name: Numbers(one.table(directory), one.negatives)
        for one in SETS
        if (directory / f"{one.name}.tsv").is_file()
    }
    lines = [f"### {one.title}\n\n{lines_table(numbers[one.name])}" for one in SETS if one.name in numbers]
    return {
        "README.md": {"contact": contact_table(numbers["bengi_hic"])},
        "docs/results.md": {
            "sets": sets_table(numbers),
            "metrics": metrics_table(numbers),
            "kinds": kinds_table(numbers),
            "lines": "\n".join(lines),
        },
        "docs/worlds.md": {"worlds": worlds_table(directory / "worlds.tsv")},
    }


def main() -> None:
    """Bring the pages up to date."""
    for page, tables in build_tables(TOP / "docs" / "benchmark").items():
        write_tables(TOP / page, tables)


if __name__ == "__main__":
    main()
