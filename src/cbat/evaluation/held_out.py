"""The cell lines that the worlds of a benchmark hold out, side by side: what leave-one-line-out says.

Each world has trained without its unseen lines. Nothing is claimed here that a world with a known truth would
be needed for: every line's row has the full model beside the baseline, the wrong line's support set and the
shortcuts, and the words say what the rows do and do not show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.errors import UserError
from cbat.evaluation.first_page import bullets, heading, paragraph
from cbat.evaluation.first_page import table as list_table
from cbat.evaluation.headline import Headline
from cbat.evaluation.references import BARS, ORACLES
from cbat.evaluation.summary import SUMMARY_COLUMNS
from cbat.evaluation.table import AGGREGATES, MACRO, read_table
from cbat.evaluation.verdicts import ENOUGH_SEEDS, clear_sign
from cbat.files import atomic_file

COMPARED: Final = ("gain", "own_minus_wrong")
CONTEXTS: Final = ("none", "mean", "shuffled", "graph")
TITLE: Final = "Lines held out, one world each"
_SHOWN: Final = ("baseline", "full_model", *COMPARED, *BARS)


@dataclass(frozen=True)
class HeldOut:
    """What text and table are made from.

    Attributes
    ----------
    table : DataFrame
        A row for each world and cell line that it holds out, and a last one, ``macro``, for their mean.
    baseline, full_model : str
    """

    table: pd.DataFrame
    baseline: str
    full_model: str

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
    metrics: Mapping[str, Path],
    summaries: Mapping[str, Path],
    settings: EvaluationSettings,
    baseline: str,
    full_model: str,
    directory: Path,
) -> None:
    """Write ``held_out_lines.tsv``, ``held_out_lines.txt`` and ``held_out_lines.rst``.

    Parameters
    ----------
    metrics, summaries : mapping
        World -> its ``metrics.tsv``, and its ``summary.tsv``.
    settings : EvaluationSettings
        The section ``evaluation``: it says which figure is the headline.
    baseline, full_model : str
        Names of the two models that are compared.
    directory : Path
        Where the three files go.

    Raises
    ------
    UserError
        A world without figures of the two models.
    """
    found = gather(metrics, summaries, settings, baseline, full_model)
    directory = Path(directory)
    with atomic_file(directory / "held_out_lines.tsv") as temporary:
        found.table.to_csv(
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
    headline = Headline("unseen", Headline.of(settings).chromosomes, settings.headline_support)
    parts = []
    for world, path in metrics.items():
        summary = _read_summary(summaries[world])
        part = _figures(read_table(path), headline, full_model)
        part = summary.merge(part, on="cell_line", how="inner")
        if not len(part):
            raise UserError(
                f"the world {world!r} has no figures of unseen lines on {headline.chromosomes} chromosomes",
                mend="let evaluation.roles hold 'unseen', and name unseen lines in the world",
                file=path,
            )
        parts.append(part.assign(world=world))
    table = pd.concat(parts, ignore_index=True)
    first = ["world", "cell_line", "n_seeds"]
    table = table[[*first, *(name for name in table if name not in first)]]
    return HeldOut(pd.concat([table, _mean(table)], ignore_index=True), baseline, full_model)


def _read_summary(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep="\t", dtype={"cell_line": "str"}, keep_default_na=False, na_values=[""])
        if list(table.columns) != SUMMARY_COLUMNS:
            raise ValueError(f"the columns are {', '.join(table.columns)}")
    except (OSError, ValueError) as error:
        raise UserError(
            f"this is not the summary of a run ({error})", mend="let its world run anew", file=path
        ) from error
    # Read whole, an empty column has no type.
    numbers = [name for name in SUMMARY_COLUMNS if name != "cell_line"]
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
    says how the figure would vary over cell lines.
    """
    from scipy import stats

    row: dict[str, Any] = {"world": "-", "cell_line": MACRO, "n_seeds": table["n_seeds"].min()}
    by_line = table.drop(columns=["world", "n_seeds"]).groupby("cell_line").mean()
    for name in by_line.columns:
        if not name.endswith(("_low", "_high")):
            # A mean over some of the lines would not compare with a mean over all of them.
            row[name] = by_line[name].mean(skipna=False)
    for name in ("full_model", *COMPARED):
        values = by_line[name].to_numpy(dtype=float)
        n = len(values)
        half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
        row |= {f"{name}_low": row[name] - half, f"{name}_high": row[name] + half}
    return pd.DataFrame([row], columns=table.columns)


def in_words(found: HeldOut) -> str:
    """What the rows show, then the rows."""
    shown = _columns(found)
    widths = {name: max(len(name), *map(len, cells)) for name, cells in shown.items()}
    lines = ["  ".join(name.ljust(widths[name]) for name in shown).rstrip()]
    for cells in zip(*shown.values(), strict=True):
        row = (cell.ljust(widths[name]) for name, cell in zip(shown, cells, strict=True))
        lines.append("  ".join(row).rstrip())
    said = [f"* {sentence}" for sentence in statements(found)]
    return "\n".join([TITLE.upper(), "", *said, "", *lines, "", _legend(found)]) + "\n"


def in_markup(found: HeldOut) -> str:
    """The same for the first page of the report, in reStructuredText."""
    blocks = [heading("Cell lines held out"), bullets(statements(found)), list_table(_columns(found))]
    return "\n\n".join([*blocks, paragraph(_legend(found))]) + "\n"


def statements(found: HeldOut) -> list[str]:
    """Sentences that the table bears out, and none that it does not."""
    lines, mean, full = found.lines, found.mean, found.full_model
    n = lines["cell_line"].nunique()
    ahead = int((lines["gain"] > 0).sum())
    said = [
        f"{full} minus {found.baseline}: {_signed(mean, 'gain')} on average over {n} held-out cell lines, "
        f"ahead on {ahead} of {len(lines)}. "
        f"{_verdict(mean, 'gain', 'The baseline is beaten', 'No gain is shown')}.",
    ]
    if not np.isnan(mean["own_minus_wrong"]):
        shown, not_shown = (
            "The line's environment is used",
            "That the line's environment is used is not shown",
        )
        verdict = _verdict(mean, "own_minus_wrong", shown, not_shown)
        said.append(
            f"Own support set minus that of a wrong line: {_signed(mean, 'own_minus_wrong')}. {verdict}."
        )
    shortcuts = {name: float(mean[name]) for name in BARS if not np.isnan(mean[name])}
    if shortcuts:
        best = max(shortcuts, key=lambda name: shortcuts[name])
        above = "above" if mean["full_model"] > shortcuts[best] else "NOT above"
        said.append(
            f"The best shortcut is {best} with {shortcuts[best]:.3f}; {full} ({mean['full_model']:.3f}) is "
            f"{above} it on average."
        )
    return said


def _verdict(mean: pd.Series, name: str, shown: str, not_shown: str) -> str:
    low, high = mean[f"{name}_low"], mean[f"{name}_high"]
    if np.isnan(low):
        return f"{not_shown}, for there is no interval"
    sign = clear_sign(float(mean[name]), low, high, int(mean["n_seeds"]))
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
            "-" if np.isnan(row[name]) else _signed(row, name) if name in COMPARED else f"{row[name]:.3f}"
            for _, row in table.iterrows()
        ]
        columns[names.get(name, name)] = cells
    return columns


def _legend(found: HeldOut) -> str:
    return (
        "AUPR at balanced classes of the lines that each world holds out, mean over seeds. Brackets: 95% "
        "intervals, of a line over resampled chromosomes, of the mean over cell lines (Student's t). "
        f"own - wrong: {found.full_model} with the line's own support set minus the same with that of "
        "another. The columns after it are shortcuts that know no environment; a model that is not above "
        "them has shown nothing."
    )
