"""Held-out lines side by side: the figures of every world, and words that say no more than they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import EvaluationSettings
from cbat.errors import UserError
from cbat.evaluation.held_out import HeldOut, gather, in_markup, in_words, run, statements
from cbat.evaluation.summary import SUMMARY_COLUMNS
from cbat.evaluation.table import as_table, write_table

SETTINGS = EvaluationSettings()


def write_world(folder: Path, lines: dict[str, tuple[float, float, float]], role: str = "unseen") -> None:
    """A world with one row of figures for each line: baseline, full model, its wrong context."""
    folder.mkdir(parents=True)
    rows, summary = [], []
    for line, (baseline, full, wrong) in lines.items():
        figures = {
            ("baseline", "-", 0): baseline, ("full", "own", 256): full, ("full", "wrong", 256): wrong,
            ("full", "none", 0): 0.61, ("distance", "-", 0): 0.7, ("artefact", "-", 0): 0.55,
            ("prevalence", "-", 0): 0.5,
        }  # fmt: skip
        for (model, context, size), value in figures.items():
            for seed in (1, 2) if model in ("baseline", "full") else (0,):
                rows.append(
                    {
                        "model": model, "seed": seed, "cell_line": line, "role": role, "chromosomes": "test",
                        "negatives": "balanced", "context": context, "n_support": size, "metric": "aupr",
                        "value": value, "low": value - 0.1, "high": value + 0.1,
                    }
                )  # fmt: skip
        gain, drop = full - baseline, full - wrong
        values = [
            line,
            baseline,
            full,
            wrong,
            np.nan,
            gain,
            gain - 0.01,
            gain + 0.01,
            drop,
            drop - 0.01,
            drop + 0.01,
        ]
        summary.append([*values, np.nan])
    write_table(folder / "metrics.tsv", as_table(rows))
    table = pd.DataFrame(summary, columns=SUMMARY_COLUMNS)
    table.loc[len(table)] = ["macro", *table.iloc[:, 1:].mean()]
    table.to_csv(folder / "summary.tsv", sep="\t", index=False, na_rep="")


def gathered(folder: Path, worlds: dict[str, dict[str, tuple[float, float, float]]]) -> HeldOut:
    for world, lines in worlds.items():
        write_world(folder / world, lines)
    return gather(*paths(folder, worlds), SETTINGS, "baseline", "full")


def paths(folder: Path, worlds) -> tuple[dict[str, Path], dict[str, Path]]:
    return tuple({name: folder / name / f"{kind}.tsv" for name in worlds} for kind in ("metrics", "summary"))


THREE = {
    "without_A": {"A": (0.60, 0.70, 0.60)},
    "without_B": {"B": (0.62, 0.71, 0.63)},
    "without_C": {"C": (0.61, 0.72, 0.62)},
}


def test_every_held_out_line_has_a_row_and_the_mean_an_interval_over_lines(tmp_path: Path) -> None:
    found = gathered(tmp_path, THREE)
    assert found.table["cell_line"].tolist() == ["A", "B", "C", "macro"]
    assert found.table["world"].tolist() == [*THREE, "-"]
    row = found.lines.iloc[0]
    assert (row["full_model"], row["gain_low"], row["distance"], row["none"]) == pytest.approx(
        (0.7, 0.09, 0.7, 0.61)
    )
    assert (row["n_seeds"], row["full_model_low"]) == (2, pytest.approx(0.6))
    gains = np.array([0.10, 0.09, 0.11])
    assert found.mean["gain"] == pytest.approx(gains.mean())
    # Student's t with two degrees of freedom: 4.3027.
    half = 4.302653 * gains.std(ddof=1) / np.sqrt(3)
    assert found.mean["gain_high"] == pytest.approx(gains.mean() + half, abs=1e-6)
    assert np.isnan(found.mean["oracle"])


def test_a_clear_gain_is_told_as_one_and_shortcuts_are_named(tmp_path: Path) -> None:
    said = statements(gathered(tmp_path, THREE))
    assert "full minus baseline: +0.100 [" in said[0]
    assert (
        "on average over 3 held-out cell lines, ahead on 3 of 3. The baseline is beaten: the interval"
        in said[0]
    )
    assert "The line's environment is used: the interval over lines lies above zero." in said[1]
    assert said[2] == "The best shortcut is distance with 0.700; full (0.710) is above it on average."


def test_no_gain_is_told_as_none(tmp_path: Path) -> None:
    worlds = {"a": {"A": (0.60, 0.64, 0.63)}, "b": {"B": (0.62, 0.60, 0.62)}}
    said = statements(gathered(tmp_path, worlds))
    assert "ahead on 1 of 2. No gain is shown: the interval over lines holds zero." in said[0]
    assert "That the line's environment is used is not shown: the interval over lines holds zero." in said[1]
    assert "full (0.620) is NOT above it on average" in said[2]
    said = statements(gathered(tmp_path / "one", {"a": {"A": (0.60, 0.64, 0.63)}}))
    assert "No gain is shown, for there is no interval." in said[0]


def test_a_small_difference_of_few_seeds_is_noise_whatever_its_interval(tmp_path: Path) -> None:
    worlds = {"a": {"A": (0.60, 0.61, 0.60)}, "b": {"B": (0.62, 0.631, 0.62)}, "c": {"C": (0.5, 0.5105, 0.5)}}
    found = gathered(tmp_path, worlds)
    assert found.mean["gain_low"] > 0.0
    said = statements(found)[0]
    assert "No gain is shown: so small a difference of fewer than 3 training seeds is noise." in said


def test_a_line_of_two_worlds_counts_once_in_the_mean(tmp_path: Path) -> None:
    worlds = {"a": {"A": (0.6, 0.8, 0.6)}, "b": {"A": (0.6, 0.6, 0.6), "B": (0.6, 0.7, 0.6)}}
    found = gathered(tmp_path, worlds)
    assert found.mean["gain"] == pytest.approx(0.1)
    assert "world" in in_words(found).split("\n")[6]
    assert "over 2 held-out cell lines, ahead on 2 of 3" in in_words(found)


def test_the_files(tmp_path: Path) -> None:
    for world, lines in THREE.items():
        write_world(tmp_path / world, lines)
    metrics, summaries = paths(tmp_path, THREE)
    run(
        metrics=metrics, summaries=summaries, settings=SETTINGS, baseline="baseline", full_model="full",
        directory=tmp_path / "out",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "out" / "held_out_lines.tsv", sep="\t")
    assert {"baseline", "full_model", "own_minus_wrong", "distance", "artefact", "graph"} <= set(table)
    words = (tmp_path / "out" / "held_out_lines.txt").read_text()
    assert "held out" in words
    assert "oracle" not in words, "there is none on real data"
    assert "claim" not in words
    markup = (tmp_path / "out" / "held_out_lines.rst").read_text()
    assert ".. list-table::" in markup
    assert "Cell lines held out" in markup
    assert in_markup(gather(metrics, summaries, SETTINGS, "baseline", "full")) == markup


def test_a_world_without_unseen_lines_is_an_error(tmp_path: Path) -> None:
    write_world(tmp_path / "a", {"A": (0.6, 0.7, 0.6)}, role="seen")
    with pytest.raises(UserError, match="the world 'a' has no figures of unseen lines on test chromosomes"):
        gather(*paths(tmp_path, ["a"]), SETTINGS, "baseline", "full")
    (tmp_path / "a" / "summary.tsv").write_text("x\n")
    with pytest.raises(UserError, match="summary.tsv: this is not the summary of a run"):
        gather(*paths(tmp_path, ["a"]), SETTINGS, "baseline", "full")
