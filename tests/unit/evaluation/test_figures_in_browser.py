"""No figure cuts off its own words, whatever the number of cell lines and the length of names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, NO_CHROMIUM, launched
from report_walk import cut_off, overlaps

from cbat.config.sections import FigureSettings
from cbat.data import balance, balance_figure
from cbat.evaluation import figures, readout_figure, summary
from cbat.graph import picture

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM),
    # Matplotlib warns where words leave no room for what is drawn.
    pytest.mark.filterwarnings("error:constrained_layout not applied"),
]

LONG = "Homo_sapiens-GM12878-lymphoblastoid-replicate-"
SETS = {
    "one": ["K"],
    "one_long": [f"{LONG}1"],
    "two": ["A549", "HepG2"],
    "thirty": [f"line_{number}" for number in range(30)],
    "thirty_long": [f"{LONG}{number}" for number in range(30)],
}


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with launched() as browser:
        yield browser.new_page()


def draw_balance(names: list[str], directory: Path) -> Path:
    rng = np.random.default_rng(2)
    pairs = pd.DataFrame(
        {"enhancer": rng.integers(0, 9, 40), "promoter": rng.integers(0, 9, 40), "label": [0, 1] * 20,
         "distance": rng.integers(0, 3_000_000, 40), "split": "test"}
    )  # fmt: skip
    tables = [directory / f"{name}.balance.tsv" for name in names]
    for name, table in zip(names, tables, strict=True):
        balance.write_balance(table, name, pairs, {})
    balance_figure.run(balance=tables, figures=FigureSettings(), output=directory / "balance.svg")
    return directory / "balance.svg"


def draw_readout(names: list[str], directory: Path) -> Path:
    posterior = pd.DataFrame(
        {"cell_line": names, "stated_tissue": "blood", "n_support": 96, "most_probable": "blood",
         "posterior_blood": 0.7, "posterior_mammary epithelium of the lobe": 0.3}
    )  # fmt: skip
    motifs = pd.DataFrame(
        {"cell_line": names, "rank": 1, "consensus": "ACGT", "motif": "GATA1::TAL1", "deviation": 1.5}
    )
    paths = {
        "tissue_posterior": directory / "posterior.tsv",
        "deviating_motifs": directory / "motifs.tsv",
    }
    for table, path in zip((posterior, motifs), paths.values(), strict=True):
        table.to_csv(path, sep="\t", index=False)
    readout_figure.run(**paths, n_support=96, output=directory / "readout.svg")
    return directory / "readout.svg"


def draw_graph(names: list[str], directory: Path) -> Path:
    nodes = [{"kind": "germ_layer", "name": "mesoderm"}, {"kind": "tissue", "name": "blood"}]
    edges = [{"kind": "germ_layer", "source": "blood", "target": "mesoderm", "weight": 0.25}]
    for name in names:
        nodes.append({"kind": "cell_line", "name": name, "role": "unseen", "tissue": "blood"})
        edges.append({"kind": "tissue", "source": name, "target": "blood", "weight": 1.0})
    (directory / "graph.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    picture.draw({"nodes": nodes, "edges": edges}, directory / "graph.svg", FigureSettings(), "A graph")
    return directory / "graph.svg"


@pytest.mark.parametrize("draw", [draw_balance, draw_readout, draw_graph])
@pytest.mark.parametrize("names", SETS)
def test_figures_of_inputs_are_whole(page, draw, names: str, tmp_path: Path) -> None:
    output = draw(SETS[names], tmp_path)
    assert cut_off(page, output.as_uri()) == []
    assert overlaps(page, output.as_uri()) == []


@pytest.fixture(scope="module")
def evaluated(build, settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """An evaluation of one line, which stands for all, and its metrics."""
    directory = tmp_path_factory.mktemp("evaluated")
    made = build(directory / "evaluation", lines=["K"], seeds=[1], n=60)
    summary.run(
        tables=made.tables, settings=settings, baseline="baseline", full_model="full",
        directory=directory / "summary",
    )  # fmt: skip
    return made, directory / "summary" / "metrics.tsv"


def renamed(metrics: Path, names: list[str], model: str, output: Path) -> Path:
    """Metrics of as many lines as there are names, with another name of the full model."""
    table = pd.read_csv(metrics, sep="\t", dtype="str", keep_default_na=False)
    of_line = table["cell_line"] == "K"
    lines = [table[of_line].assign(cell_line=name) for name in names]
    whole = pd.concat([*lines, table[~of_line]]).replace({"model": {"full": model}})
    whole.to_csv(output, sep="\t", index=False)
    return output


@pytest.mark.parametrize("full_model", ["full", f"a_model_with_a_long_name_{'and_longer_' * 5}"])
@pytest.mark.parametrize("names", SETS)
def test_figures_of_metrics_are_whole(
    page, evaluated, settings, names: str, full_model: str, tmp_path: Path
) -> None:
    metrics = renamed(evaluated[1], SETS[names], full_model, tmp_path / "metrics.tsv")
    for draw in (figures.plot_cell_line_bars, figures.plot_support_curve):
        output = tmp_path / f"{draw.__name__}.svg"
        draw(
            metrics=metrics, settings=settings, figures=FigureSettings(), baseline="baseline",
            full_model=full_model, output=output,
        )  # fmt: skip
        assert cut_off(page, output.as_uri()) == []
        assert overlaps(page, output.as_uri()) == []


@pytest.mark.parametrize("names", SETS)
def test_curves_are_whole(page, evaluated, settings, names: str, tmp_path: Path) -> None:
    made, _ = evaluated
    scored = []
    for model in ("baseline", "full"):
        for name in SETS[names]:
            folder = tmp_path / model / "seed_1" / name
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.symlink_to(made.directory / model / "seed_1" / "K")
            scored.append(folder / "scored_pairs.parquet")
    output = tmp_path / "curves.svg"
    figures.plot_precision_recall(
        scored_pairs=scored, settings=settings, figures=FigureSettings(), baseline="baseline",
        full_model="full", output=output,
    )  # fmt: skip
    assert cut_off(page, output.as_uri()) == []
    assert overlaps(page, output.as_uri()) == []


def test_what_a_figure_cuts_off_or_overwrites_is_seen(page, tmp_path: Path) -> None:
    output = tmp_path / "figure.svg"

    def draw(x: int) -> str:
        texts = f'<text x="{x}" y="20">name</text><text x="80" y="22">other</text>'
        output.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40">{texts}</svg>')
        return output.as_uri()

    assert (cut_off(page, draw(-20)), overlaps(page, draw(-20))) == (["name"], [])
    assert (cut_off(page, draw(20)), overlaps(page, draw(20))) == ([], [])
    assert (cut_off(page, draw(60)), overlaps(page, draw(60))) == ([], ["name / other"])
