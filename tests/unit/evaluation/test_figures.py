"""Figures are text that can be searched, the same byte for byte, and draw what the files hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cbat.config.sections import FigureSettings
from cbat.errors import UserError
from cbat.evaluation import figures, summary
from cbat.evaluation.figures import precision_recall

LOOK = FigureSettings(baseline_colour="#112233", model_colour="#445566", oracle_colour="#778899")
KINDS = ("precision_recall", "bars", "support")


@pytest.fixture(scope="module")
def metrics_of(settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The table of metrics of an evaluation, made once for each."""

    @cache
    def made(tables: tuple[Path, ...]) -> Path:
        directory = tmp_path_factory.mktemp("summary")
        summary.run(
            tables=tables, settings=settings, baseline="baseline", full_model="full", directory=directory
        )
        return directory / "metrics.tsv"

    return lambda evaluation: made(tuple(evaluation.tables))


@pytest.fixture
def draw(settings, metrics_of: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Draw one kind of figure of an evaluation."""

    def run(
        kind: str, evaluation, name: str = "figure.svg", *, truth=None, full_model="full", **over
    ) -> Path:
        common = {
            "settings": settings.model_copy(update=over), "figures": LOOK, "baseline": "baseline",
            "full_model": full_model, "output": tmp_path / name,
        }  # fmt: skip
        if kind == "precision_recall":
            given = evaluation.truth if truth is None else truth
            figures.plot_precision_recall(scored_pairs=evaluation.scored, truth=given, **common)
            return tmp_path / name
        drawn = figures.plot_cell_line_bars if kind == "bars" else figures.plot_support_curve
        drawn(metrics=metrics_of(evaluation), **common)
        return tmp_path / name

    return run


def texts(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_the_same_whenever_it_is_drawn(evaluation, draw, kind: str) -> None:
    one, other = draw(kind, evaluation, "one.svg"), draw(kind, evaluation, "other.svg")
    assert one.read_bytes() == other.read_bytes()
    assert not re.search(r"<dc:date>|matplotlib v", one.read_text(), re.IGNORECASE)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("precision_recall", {
            "A549", "HepG2", "baseline", "full", "oracle", "chance", "recall", "precision, classes balanced",
            "Precision and recall of contacts, unseen lines x test chromosomes",
        }),
        ("bars", {
            "A549", "HepG2", "mean", "baseline", "full", "full, support of a wrong line", "oracle",
            "AUPR (dotted: chance)", "AUPR by cell line, unseen lines x test chromosomes",
        }),
        ("support", {
            "own support", "shuffled support", "support of a wrong line", "oracle", "baseline",
            "graph, no support", "mean environment", "resistance off", "16", "256",
            "elements in the support set",
            "What the support set is worth to full, unseen lines x test chromosomes",
        }),
    ],
)  # fmt: skip
def test_a_figure_says_what_it_shows(evaluation, draw, kind: str, expected: set[str]) -> None:
    path = draw(kind, evaluation)
    found = texts(path)
    assert expected <= set(found)
    for name in ("baseline", "full", "oracle", "own support"):
        assert found.count(name) <= 1, "seeds and panels share an entry of the key"
    for colour in ("#112233", "#445566", "#778899"):
        assert colour in path.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_one_line_and_no_oracle(build, draw, tmp_path: Path, kind: str) -> None:
    made = build(tmp_path / "evaluation", lines=["K562"], seeds=[1], oracle=False)
    found = texts(draw(kind, made))
    assert "oracle" not in found
    assert "baseline" in found
    assert ("K562" in found) == (kind != "support"), "the mean over one line names no line"


def test_bars_have_the_height_of_the_table(
    evaluation, draw, metrics_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.axes import Axes

    drawn = {}
    whole = Axes.bar

    def bar(self, where, height, **look):
        drawn[look["label"]] = np.asarray(height, dtype=float)
        return whole(self, where, height, **look)

    monkeypatch.setattr(Axes, "bar", bar)
    draw("bars", evaluation)
    table = figures.read_table(metrics_of(evaluation))
    for model in ("baseline", "full"):
        mine = table[
            (table["model"] == model) & (table["metric"] == "aupr") & (table["negatives"] == "balanced")
            & table["context"].isin(["-", "own"]) & table["n_support"].isin([0, 256])
        ].groupby("cell_line")["value"].mean()  # fmt: skip
        np.testing.assert_allclose(drawn[model], mine.loc[["A549", "HepG2", "macro"]])


def test_a_model_without_environment_has_bars_but_no_support_curve(evaluation, draw) -> None:
    assert "full, support of a wrong line" not in texts(draw("bars", evaluation, full_model="baseline"))
    with pytest.raises(UserError, match="'baseline' has no metrics with support sets"):
        draw("support", evaluation, full_model="baseline")


def test_models_that_share_no_line_have_no_curves(evaluation, draw) -> None:
    with pytest.raises(UserError, match="no cell line was scored by both 'baseline' and 'absent'"):
        draw("precision_recall", evaluation, full_model="absent")


def test_long_names_and_many_lines(build, draw, tmp_path: Path) -> None:
    names = [f"endothelium_{number}" for number in range(6)]
    made = build(tmp_path / "evaluation", lines=names, seeds=[1], n=100)
    for kind in ("precision_recall", "bars"):
        assert set(names) <= set(texts(draw(kind, made)))


def test_laws_at_natural_prevalence_have_all_figures(build, draw, tmp_path: Path) -> None:
    contexts = {("own", 0): 1.0, ("wrong", 0): 5.0, ("graph", 0): 3.0, ("none", 0): 6.0}
    made = build(tmp_path / "evaluation", seeds=[1], full=contexts, oracle=False)
    natural = {"headline_negatives": "natural", "headline_support": 0}
    assert "precision, natural prevalence" in texts(draw("precision_recall", made, **natural))
    assert "full, landscape of a wrong line" in texts(draw("bars", made, **natural))
    found = texts(draw("support", made, **natural))
    assert {"own landscape", "landscape of a wrong line", "what the graph expects"} <= set(found)
    assert "What the line's own landscape is worth to full, unseen lines x test chromosomes" in found


def test_chance_at_natural_prevalence_is_each_lines_share_of_contacts(
    evaluation, draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.axes import Axes

    drawn = []
    monkeypatch.setattr(Axes, "hlines", lambda self, y, *_, **__: drawn.append(y))
    draw("bars", evaluation, headline_negatives="natural")
    shares = [evaluation.read("full", 1, line)["label"].mean() for line in ("A549", "HepG2")]
    assert drawn[0] == pytest.approx([*shares, np.mean(shares)], abs=1e-6)


def test_a_curve_at_natural_prevalence_ends_at_it() -> None:
    label = np.array([1, 0, 1, 0, 0, 0, 0, 0])
    _, precision = precision_recall(label, np.array([9.0, 8, 7, 6, 5, 4, 3, 2]), balanced=False)
    assert precision[-1] == pytest.approx(2 / 3)


def test_the_curve_is_the_one_whose_area_is_reported() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(4000) < 0.3).astype(int)
    score = np.round(label + rng.normal(size=4000), 2)
    recall, precision = precision_recall(label, score)
    weight = 1.0 / np.bincount(label)[label]
    assert recall[[0, -1]].tolist() == [0.0, 1.0]
    called = score >= score[label == 1].min()
    assert precision[-1] == pytest.approx(weight[called & (label == 1)].sum() / weight[called].sum())
    area = float(precision[1:].mean())
    assert area == pytest.approx(average_precision_score(label, score, sample_weight=weight), abs=0.005)


def test_the_precision_is_that_of_the_first_threshold_which_reaches_the_recall() -> None:
    recall, precision = precision_recall(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert precision[recall <= 0.5] == pytest.approx(1.0)
    assert precision[recall > 0.5] == pytest.approx(2 / 3)


def test_one_class_has_no_curve() -> None:
    assert precision_recall(np.ones(3, dtype=int), np.arange(3.0))[0].size == 0
