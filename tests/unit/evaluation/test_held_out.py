"""Held-out lines side by side: the figures of every world, and words that say no more than they show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import EvaluationSettings
from cbat.errors import UserError
from cbat.evaluation.bootstrap import t_interval
from cbat.evaluation.held_out import HeldOut, gather, run
from cbat.evaluation.held_out_tables import held_out_metrics, held_out_peers
from cbat.evaluation.held_out_text import in_markup, in_words, statements
from cbat.evaluation.landscape_sources import SOURCE_COLUMNS
from cbat.evaluation.peer_comparison import PEER_COLUMNS
from cbat.evaluation.summary import SUMMARY_COLUMNS
from cbat.evaluation.table import COLUMNS, as_table, read_table, write_table

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
        summary.append(
            {
                "cell_line": line, "baseline": baseline, "full_model": full, "wrong_support": wrong,
                "gain": gain, "gain_low": gain - 0.01, "gain_high": gain + 0.01, "own_minus_wrong": drop,
                "own_minus_wrong_low": drop - 0.01, "own_minus_wrong_high": drop + 0.01,
            }
        )  # fmt: skip
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
    assert "Use of the line's environment is not shown: the interval over lines holds zero." in said[1]
    assert "full (0.620) is NOT above it on average" in said[2]
    said = statements(gathered(tmp_path / "one", {"a": {"A": (0.60, 0.64, 0.63)}}))
    assert "No gain is shown, because there is no interval." in said[0]


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
    with pytest.raises(UserError, match="the world 'a' has no metrics of unseen lines on test chromosomes"):
        gather(*paths(tmp_path, ["a"]), SETTINGS, "baseline", "full")
    (tmp_path / "a" / "summary.tsv").write_text("x\n")
    with pytest.raises(UserError, match="summary.tsv: this is not the summary of a run"):
        gather(*paths(tmp_path, ["a"]), SETTINGS, "baseline", "full")


def write_comparisons(folder: Path, worlds) -> tuple[dict[str, Path], dict[str, Path]]:
    """``peers.tsv`` of two worlds' lines and of none in the third, and ``landscape_sources.tsv``."""
    found: tuple[dict[str, Path], dict[str, Path]] = ({}, {})
    for place, (world, lines) in enumerate(worlds.items()):
        peers, sources = [], []
        for line in [*lines, "macro"]:
            gain = 0.1 + 0.02 * place
            if place < 2:
                ends = [0.5 + gain, 0.5, gain, gain - 0.05, gain + 0.05]
                peers.append([line, "other", 100, 3, 4, "balanced", "aupr", *ends])
            for kind, source, size in (("insulators", "wrong", 0.0), ("insulators", "none", 0.2)):
                value = size + 0.001 * (place - 1)
                sources.append([line, kind, source, 0.7, 0.7 - value, value, value - 0.1, value + 0.1, 1])
        for one, columns, rows, name in zip(
            found, (PEER_COLUMNS, SOURCE_COLUMNS), (peers, sources), ("peers", "sources"), strict=True
        ):
            one[world] = folder / world / f"{name}.tsv"
            pd.DataFrame(rows, columns=columns).to_csv(one[world], sep="\t", index=False)
    return found


def test_the_figures_of_all_held_out_lines_are_one_table(tmp_path: Path) -> None:
    for world, lines in THREE.items():
        write_world(tmp_path / world, lines)
    metrics, summaries = paths(tmp_path, THREE)
    # A reference that one line alone has, and a seen line, which is not held out.
    extra = read_table(metrics["without_A"])
    rows = extra.iloc[:1].to_dict("records")
    extra = [*extra.to_dict("records"), rows[0] | {"model": "other"}, rows[0] | {"role": "seen"}]
    write_table(metrics["without_A"], as_table(extra))
    run(
        metrics=metrics, summaries=summaries, settings=SETTINGS, baseline="baseline", full_model="full",
        directory=tmp_path / "out",
    )  # fmt: skip
    table = read_table(tmp_path / "out" / "held_out_metrics.tsv")
    assert list(table.columns) == COLUMNS
    assert set(table["role"]) == {"unseen"}
    assert set(table["cell_line"]) == {"A", "B", "C", "macro"}
    assert table[table["model"] == "other"]["cell_line"].tolist() == ["A"]
    mean = table[(table["cell_line"] == "macro") & (table["model"] == "full") & (table["context"] == "own")]
    assert mean["value"].tolist() == pytest.approx([0.71, 0.71])
    assert mean.iloc[0][["low", "high"]].tolist() == pytest.approx(t_interval([0.70, 0.71, 0.72]), abs=1e-6)
    one = table[(table["cell_line"] == "A") & (table["model"] == "full") & (table["context"] == "own")]
    assert one.iloc[0][["value", "low", "high"]].tolist() == pytest.approx([0.7, 0.6, 0.8])


def test_a_line_that_two_worlds_hold_out_has_one_row(tmp_path: Path) -> None:
    worlds = {"a": {"A": (0.6, 0.8, 0.6)}, "b": {"A": (0.6, 0.6, 0.6), "B": (0.6, 0.9, 0.6)}}
    for world, lines in worlds.items():
        write_world(tmp_path / world, lines)
    table = held_out_metrics(read_table(tmp_path / world / "metrics.tsv") for world in worlds)
    mine = table[(table["model"] == "full") & (table["context"] == "own") & (table["seed"] == 1)]
    assert mine.set_index("cell_line")["value"].to_dict() == pytest.approx({"A": 0.7, "B": 0.9, "macro": 0.8})


def test_other_tools_and_landscapes_are_pooled_over_worlds(tmp_path: Path) -> None:
    for world, lines in THREE.items():
        write_world(tmp_path / world, lines)
    metrics, summaries = paths(tmp_path, THREE)
    peers, sources = write_comparisons(tmp_path, THREE)
    run(
        metrics=metrics, summaries=summaries, settings=SETTINGS, baseline="baseline", full_model="full",
        directory=tmp_path / "out", peers=peers, sources=sources, laws=["baseline", "full"],
    )  # fmt: skip
    pooled = pd.read_csv(tmp_path / "out" / "held_out_peers.tsv", sep="\t")
    assert pooled["cell_line"].tolist() == ["A", "B", "macro"]
    assert pooled["n_shared"].tolist() == [100, 100, 200]
    assert pooled["difference"].tolist() == pytest.approx([0.1, 0.12, 0.11])
    assert pooled.iloc[2][["low", "high"]].tolist() == pytest.approx(t_interval([0.1, 0.12]), abs=1e-6)
    words = (tmp_path / "out" / "held_out_lines.txt").read_text()
    assert "full minus other, on the 200 pairs that both have: +0.110 [" in words
    assert "by line, over chromosomes: A +0.100 [+0.050, +0.150]; B +0.120 [+0.070, +0.170]." in words
    assert "* Insulators: conserved (" in words
    assert "Own landscape minus that of a wrong line" in words
    markup = (tmp_path / "out" / "held_out_lines.rst").read_text()
    assert "Which part of the landscape is the line's own?" in markup
    assert len(pd.read_csv(tmp_path / "out" / "held_out_sources.tsv", sep="\t")) == 8


def test_laws_need_no_seeds(tmp_path: Path) -> None:
    worlds = {"a": {"A": (0.60, 0.61, 0.60)}, "b": {"B": (0.62, 0.631, 0.62)}, "c": {"C": (0.5, 0.5105, 0.5)}}
    found = replace(gathered(tmp_path, worlds), laws=("baseline", "full"))
    assert "The baseline is beaten: the interval over lines lies above zero." in statements(found)[0]


def test_a_broken_table_of_a_world_is_named(tmp_path: Path) -> None:
    path = tmp_path / "peers.tsv"
    path.write_text("x\n")
    with pytest.raises(UserError, match="the columns are x") as caught:
        held_out_peers({"a": path})
    assert caught.value.file == path
