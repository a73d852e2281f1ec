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
from report_walk import cut_off

from cbat.config.sections import FigureSettings
from cbat.data import balance, balance_figure
from cbat.evaluation import figures, readout_figure, summary
from cbat.graph import picture

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)

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
    assert cut_off(page, draw(SETS[names], tmp_path).as_uri()) == []


@pytest.mark.parametrize("names", SETS)
def test_figures_of_accuracy_are_whole(page, build, settings, names: str, tmp_path: Path) -> None:
    made = build(tmp_path / "evaluation", lines=SETS[names], seeds=[1], n=60)
    few = settings.model_copy(update={"n_bootstrap": 2})
    summary.run(
        tables=made.tables, settings=few, baseline="baseline", full_model="full",
        directory=tmp_path / "summary",
    )  # fmt: skip
    metrics = tmp_path / "summary" / "metrics.tsv"
    longest = f"a_model_whose_name_is_long_{'and_longer_' * 5}"
    text = metrics.read_text().replace("\nfull\t", f"\n{longest}\t")
    (tmp_path / "renamed.tsv").write_text(text)
    common = {"settings": few, "figures": FigureSettings(), "baseline": "baseline"}
    for number, (table, full) in enumerate(((metrics, "full"), (tmp_path / "renamed.tsv", longest))):
        for draw in (figures.plot_cell_line_bars, figures.plot_support_curve):
            output = tmp_path / f"{draw.__name__}_{number}.svg"
            draw(metrics=table, full_model=full, output=output, **common)
            assert cut_off(page, output.as_uri()) == []
    output = tmp_path / "curves.svg"
    figures.plot_precision_recall(
        scored_pairs=made.scored, truth=made.truth, full_model="full", output=output, **common
    )
    assert cut_off(page, output.as_uri()) == []


def test_what_a_figure_cuts_off_is_seen(page, tmp_path: Path) -> None:
    figure = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><text x="{}" y="20">name</text></svg>'
    )
    (tmp_path / "figure.svg").write_text(figure.format(-20))
    assert cut_off(page, (tmp_path / "figure.svg").as_uri()) == ["name"]
    (tmp_path / "figure.svg").write_text(figure.format(20))
    assert cut_off(page, (tmp_path / "figure.svg").as_uri()) == []
