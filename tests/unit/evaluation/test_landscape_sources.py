"""Each kind of track is conserved, the line's own, or without effect; the differences say which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.evaluation import landscape_sources, summary
from cbat.evaluation.bootstrap import Difference
from cbat.evaluation.comparison import ScoredPairs, Side, compare
from cbat.evaluation.landscape_sources import SOURCE_COLUMNS, source_table, verdict
from cbat.evaluation.table import read_table

NOISE = {
    ("own", 0): 1.0, ("wrong", 0): 6.0, ("graph", 0): 3.0, ("none", 0): 8.0, ("sibling", 0): 2.0,
    ("insulators:wrong", 0): 1.0, ("insulators:none", 0): 6.0, ("insulators:graph", 0): 1.0,
    ("active_enhancers:wrong", 0): 5.0, ("active_enhancers:none", 0): 6.0,
    ("active_promoters:wrong", 0): 1.0, ("active_promoters:none", 0): 1.0,
}  # fmt: skip


@pytest.fixture(name="laws", scope="module")
def make_laws(tmp_path_factory: pytest.TempPathFactory, build):
    """Two laws of the landscape on two lines; nothing of them is drawn, so one seed is enough."""
    return build(
        tmp_path_factory.mktemp("laws"), seeds=(1,), full=NOISE, oracle=False, n=900, n_chromosomes=8
    )


@pytest.fixture(name="natural")
def make_natural(settings):
    return settings.model_copy(update={"headline_negatives": "natural", "headline_support": 0})


def table_of(laws, settings) -> pd.DataFrame:
    metrics = summary.with_aggregates(pd.concat([read_table(path) for path in laws.tables]))
    return source_table(metrics, settings=settings, full_model="full", scored=ScoredPairs(laws.scored))


def test_differences_are_paired_and_their_mean_is_the_last_row(laws, natural) -> None:
    table = table_of(laws, natural)
    assert list(table.columns) == SOURCE_COLUMNS
    part = table[(table["kind"] == "insulators") & (table["source"] == "none")].set_index("cell_line")
    assert list(part.index) == ["A549", "HepG2", "macro"]
    assert part["n_lines"].tolist() == [1, 1, 2]
    np.testing.assert_allclose(part["difference"], part["own"] - part["exchanged"])
    assert part.loc["macro", "difference"] == pytest.approx(part["difference"].iloc[:2].mean())
    alone = compare(
        ScoredPairs(laws.scored), Side("full"), Side("full", "insulators:none"), chromosomes="test",
        n_support=0, n=natural.n_bootstrap, seed=natural.seed, balanced=False,
    )  # fmt: skip
    assert alone is not None
    assert part.loc["A549", ["difference", "low", "high"]].tolist() == pytest.approx(
        list(alone.lines["A549"]), abs=2e-6
    )
    assert part.loc["macro", ["low", "high"]].tolist() == pytest.approx(list(alone.mean)[1:], abs=2e-6)


def test_the_words_say_which_part_is_conserved_and_which_is_the_lines_own(laws, natural) -> None:
    differences = landscape_sources.means(table_of(laws, natural))
    said = landscape_sources.sentences(differences)
    begins = {sentence.split(":")[0]: sentence for sentence in said}
    assert list(begins) == ["All of it", "Active enhancers", "Active promoters", "Insulators"]
    assert ": the line's own (" in begins["All of it"]
    assert ": the line's own (" in begins["Active enhancers"]
    assert ": conserved (" in begins["Insulators"]
    assert ": without clear effect (" in begins["Active promoters"]
    assert f"own minus graph {differences['insulators', 'graph'].value:+.3f} [" in begins["Insulators"]
    cells = landscape_sources.cells(differences)
    assert cells["so it is"] == ["the line's own", "the line's own", "without clear effect", "conserved"]
    assert cells["own - sibling"][1:] == ["-", "-", "-"]


@pytest.mark.parametrize(
    ("without", "wrong", "expected"),
    [
        ((0.1, 0.05, 0.2), (0.0, -0.01, 0.01), "conserved"),
        ((0.1, 0.05, 0.2), (-0.1, -0.2, -0.01), "conserved"),
        ((0.1, 0.05, 0.2), (0.1, 0.01, 0.2), "the line's own"),
        ((0.0, -0.1, 0.1), (0.0, -0.1, 0.1), "without clear effect"),
        ((-0.2, -0.3, -0.1), None, "without clear effect"),
        ((0.1, 0.05, 0.2), None, ""),
        (None, (0.1, 0.01, 0.2), ""),
        ((0.1, np.nan, np.nan), (0.1, np.nan, np.nan), ""),
    ],
)
def test_the_verdict_follows_from_two_intervals(without, wrong, expected) -> None:
    given = [None if one is None else Difference(*one) for one in (without, wrong)]
    assert verdict(*given) == expected


def test_a_model_that_reads_support_sets_alone_has_no_such_table(evaluation, settings) -> None:
    assert table_of(evaluation, settings).empty


def test_a_run_of_laws_is_summarised_without_support_sets_and_seeds(laws, natural, tmp_path: Path) -> None:
    summary.run(
        tables=laws.tables,
        settings=natural,
        baseline="baseline",
        full_model="full",
        directory=tmp_path,
        scored_pairs=laws.scored,
        laws=("baseline", "full"),
    )
    text = (tmp_path / "summary.txt").read_text()
    first = text.splitlines()[:2]
    assert first[0] == "AUPR on unseen cell lines x test chromosomes"
    share = pd.concat([read_table(path) for path in laws.tables])
    share = share[(share["metric"] == "prevalence") & (share["negatives"] == "natural")]["value"].mean()
    assert first[1] == (
        "all labelled pairs at their natural prevalence (chance is the share of contacts, "
        f"{share:.3f} on average)"
    )
    assert "support" not in text
    assert "training seed" not in text
    assert "wrong: full with the landscape of another cell line." in text
    assert "The line's own landscape does better than that of a wrong line" in text
    assert "line of the same tissue" in text
    assert "WHICH PART OF THE LANDSCAPE IS THE LINE'S OWN" in text
    assert "precision at 50% recall" in text
    page = (tmp_path / "first_page.rst").read_text()
    assert "Which part of the landscape is the line's own?" in page
    assert "* Insulators: conserved" in page
    written = pd.read_csv(tmp_path / "landscape_sources.tsv", sep="\t")
    assert list(written.columns) == SOURCE_COLUMNS
    assert set(written["kind"]) == {"all", "insulators", "active_enhancers", "active_promoters"}
    assert pd.read_csv(tmp_path / "peers.tsv", sep="\t").empty
    short = pd.read_csv(tmp_path / "summary.tsv", sep="\t").set_index("cell_line")
    assert short.loc["macro", "gain_low"] > 0.0
    grid = pd.read_csv(tmp_path / "grid.tsv", sep="\t")
    assert grid["full_model"].tolist() == pytest.approx([short.loc["macro", "full_model"]])
