"""The summary is what anybody would compute from the scored pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cbat.config.sections import ALL_CANDIDATES
from cbat.errors import UserError
from cbat.evaluation import summary
from cbat.evaluation.comparison import ScoredPairs
from cbat.evaluation.headline import Headline
from cbat.evaluation.summary import SUMMARY_COLUMNS, Summary
from cbat.evaluation.summary_text import statements
from cbat.evaluation.table import read_table


@pytest.fixture
def summarise(tmp_path: Path, settings) -> Callable[..., Path]:
    """Run the stage on an evaluation; its folder."""

    def run(evaluation, *, tables=None, scored=None, baseline="baseline", full_model="full", **over) -> Path:
        directory = tmp_path / "summary"
        summary.run(
            tables=evaluation.tables if tables is None else tables,
            settings=settings.model_copy(update=over),
            baseline=baseline,
            full_model=full_model,
            directory=directory,
            scored_pairs=evaluation.scored if scored is None else scored,
        )
        return directory

    return run


@pytest.fixture(scope="module")
def summarised(evaluation, settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The summary of the evaluation as it is; to be read only."""
    directory = tmp_path_factory.mktemp("summary")
    summary.run(
        tables=evaluation.tables, settings=settings, baseline="baseline", full_model="full",
        directory=directory, scored_pairs=evaluation.scored,
    )  # fmt: skip
    return directory


def short_table(directory: Path) -> pd.DataFrame:
    return pd.read_csv(directory / "summary.tsv", sep="\t").set_index("cell_line")


def words(directory: Path) -> str:
    return (directory / "summary.txt").read_text()


def balanced_aupr(pairs: pd.DataFrame) -> float:
    label = pairs["label"].to_numpy()
    weight = 1.0 / np.bincount(label)[label]
    return float(average_precision_score(label, pairs["probability"], sample_weight=weight))


def test_the_short_table_is_a_recomputation_from_scored_pairs(evaluation, summarised: Path) -> None:
    table = short_table(summarised)
    assert ["cell_line", *table.columns] == SUMMARY_COLUMNS
    assert list(table.index) == ["A549", "HepG2", "macro"]
    sides = {
        "baseline": ("baseline", "-"),
        "full_model": ("full", "own"),
        "wrong_support": ("full", "wrong"),
    }
    for line, truth in zip(("A549", "HepG2"), evaluation.truth, strict=True):
        for column, (model, context) in sides.items():
            values = []
            for seed in (1, 2, 3):
                pairs = evaluation.read(model, seed, line)
                own = pairs[(pairs["context"] == context) & pairs["n_support"].isin([0, 256])]
                values.append(balanced_aupr(own))
            assert table.loc[line, column] == pytest.approx(np.mean(values), abs=2e-6)
        known = pairs.iloc[:300].drop(columns="probability").merge(pd.read_parquet(truth))
        assert table.loc[line, "oracle"] == pytest.approx(balanced_aupr(known), abs=2e-6)
    figures = [*sides, "oracle", "gain", "own_minus_wrong"]
    np.testing.assert_allclose(table.loc["macro", figures], table[figures].iloc[:2].mean(), atol=2e-6)
    np.testing.assert_allclose(table["gain"], table["full_model"] - table["baseline"], atol=2e-6)
    np.testing.assert_allclose(
        table["own_minus_wrong"], table["full_model"] - table["wrong_support"], atol=2e-6
    )
    np.testing.assert_allclose(
        table["gap_closed"], table["gain"] / (table["oracle"] - table["baseline"]), atol=2e-4
    )
    for column in ("gain", "own_minus_wrong"):
        assert (table[f"{column}_low"] < table[column]).all()
        assert (table[column] < table[f"{column}_high"]).all()
        over_lines = table[[f"{column}_lines_low", f"{column}_lines_high"]]
        assert over_lines.iloc[:2].isna().all(axis=None)
        half = 12.706205 * table[column].iloc[:2].std() / np.sqrt(2)  # Student's t of two lines
        expected = [table.loc["macro", column] - half, table.loc["macro", column] + half]
        assert over_lines.loc["macro"].tolist() == pytest.approx(expected, abs=2e-5)
    assert table[["sibling_support", "own_minus_sibling"]].isna().all(axis=None), "no sibling was fed"


def test_the_long_table_gains_a_mean_and_a_worst_line(summarised: Path) -> None:
    table = read_table(summarised / "metrics.tsv")
    setting = table[
        (table["model"] == "full") & (table["seed"] == 2) & (table["context"] == "own")
        & (table["n_support"] == 256) & (table["negatives"] == "balanced")
    ].set_index(["metric", "cell_line"])  # fmt: skip
    for metric, worst in (("aupr", min), ("auroc", min), ("brier", max)):
        lines = [setting.loc[(metric, name), "value"] for name in ("A549", "HepG2")]
        assert setting.loc[(metric, "macro"), "value"] == pytest.approx(np.mean(lines), abs=2e-6)
        assert setting.loc[(metric, "worst"), "value"] == pytest.approx(worst(lines), abs=2e-6)
    assert ("n_pairs", "worst") not in setting.index, "no number of pairs is a bad one"
    assert setting.loc[("aupr", "macro"), ["low", "high"]].isna().all()


def test_all_candidates_stand_beside_the_sizes_of_support_sets(summarised: Path) -> None:
    assert "full by the number of candidates in the support set: 16 " in words(summarised)
    assert "All are the unlabelled candidates" not in words(summarised)
    table = short_table(summarised)
    made = replace(
        a_summary(table), sizes={0: 0.7, 256: 0.8, ALL_CANDIDATES: float(table.loc["macro", "oracle"])}
    )
    told = statements(made)["sizes"]
    assert "0 (tissue alone) 0.700, 256 0.800, all " in told
    assert "on every chromosome, ends of the tested pairs among them. With all, 100% of the gap" in told
    assert "sizes" not in statements(replace(made, sizes={}))


def a_summary(table: pd.DataFrame) -> Summary:
    headline = Headline("unseen", "test", 256)
    return Summary(headline, "baseline", "full", table.reset_index()[SUMMARY_COLUMNS], n_seeds=3)


def test_the_order_of_files_leaves_the_bytes_alone(evaluation, summarise, summarised: Path) -> None:
    names = ("metrics.tsv", "summary.tsv", "summary.txt")
    one = [(summarised / name).read_bytes() for name in names]
    turned = summarise(evaluation, tables=evaluation.tables[::-1], scored=evaluation.scored[::-1])
    assert [(turned / name).read_bytes() for name in names] == one


def test_the_words_of_a_good_result(summarised: Path) -> None:
    text = words(summarised)
    table = short_table(summarised)
    assert text.startswith("AUPR on unseen cell lines x test chromosomes\n")
    assert "support sets of 256 elements, mean of 3 training seeds" in text
    for name, label in (("A549", "A549"), ("HepG2", "HepG2"), ("macro", "mean")):
        row = next(line for line in text.splitlines() if line.startswith(label))
        for column in ("baseline", "full_model", "wrong_support", "oracle"):
            assert f"{table.loc[name, column]:.3f}" in row
    assert "Uses the environment: yes" in text
    assert "It beats the baseline on average" in text
    assert "Fewer than 3" not in text


def test_a_wrong_support_that_does_as_well_is_told(build, summarise, tmp_path: Path) -> None:
    full = {("own", 256): 1.0, ("wrong", 256): 1.0}
    text = words(summarise(build(tmp_path / "evaluation", full=full)))
    assert "Uses the environment: NO. The support set of a wrong line does not do clearly worse" in text
    assert "Do not credit any gain" in text
    assert "It beats the baseline on average" in text


def test_a_gain_whose_interval_holds_zero_is_no_gain(build, summarise, tmp_path: Path) -> None:
    full = {("own", 256): 4.0, ("wrong", 256): 4.0}
    made = build(tmp_path / "evaluation", full=full, seeds=[1])
    folder = summarise(made)
    mean = short_table(folder).loc["macro"]
    assert mean["gain_low"] <= 0.0 <= mean["gain_high"], "else this world tests nothing"
    assert "NO clear gain over the baseline" in words(folder)
    assert "Fewer than 3 training seeds" in words(folder)
    assert "1 training seed\n" in words(folder)


def test_a_model_that_is_worse_is_told(build, summarise, tmp_path: Path) -> None:
    made = build(tmp_path / "evaluation", baseline={("-", 0): 0.5}, full={("own", 256): 8.0})
    text = words(summarise(made))
    assert "WORSE than the baseline" in text
    assert "It does not beat the baseline on A549, HepG2." in text
    assert "not tested" in text
    assert "oracle (" in text
    assert "nothing is closed" in text


def test_a_wrong_support_that_does_better_is_told(build, summarise, tmp_path: Path) -> None:
    text = words(summarise(build(tmp_path / "evaluation", full={("own", 256): 6.0, ("wrong", 256): 1.0})))
    assert "Uses the environment: NO. The support set of a wrong line does even better" in text


def test_a_full_model_without_environment(evaluation, summarise) -> None:
    folder = summarise(evaluation, full_model="baseline")
    assert short_table(folder)["wrong_support"].isna().all()
    assert "Uses the environment: not tested" in words(folder)
    header = next(line for line in words(folder).splitlines() if line.startswith("cell line"))
    assert "wrong" not in header
    assert short_table(folder).loc["macro", "gain"] == 0.0


def test_real_data_have_no_oracle(build, summarise, tmp_path: Path) -> None:
    folder = summarise(build(tmp_path / "evaluation", oracle=False))
    assert short_table(folder)[["oracle", "gap_closed"]].isna().all(axis=None)
    assert "oracle" not in words(folder)
    assert "gap" not in words(folder)


def test_without_scored_pairs_there_are_differences_but_no_intervals(evaluation, summarise) -> None:
    table = short_table(summarise(evaluation, scored=[]))
    assert table["gain"].notna().all()
    assert table[["gain_low", "gain_high"]].isna().all(axis=None)


def test_the_mean_of_some_lines_lends_its_interval_to_no_other_mean(evaluation, summarise) -> None:
    some = [path for path in evaluation.scored if "HepG2" not in str(path)]
    table = short_table(summarise(evaluation, scored=some))
    assert table.loc["A549", ["gain_low", "gain_high"]].notna().all()
    assert table.loc[["HepG2", "macro"], ["gain_low", "gain_high"]].isna().all(axis=None)


def test_a_line_of_one_model_alone_is_left_out(evaluation, summarise) -> None:
    tables = [path for path in evaluation.tables if not ("baseline" in str(path) and "HepG2" in str(path))]
    table = short_table(summarise(evaluation, tables=tables))
    assert list(table.index) == ["A549", "macro"]
    assert table.loc["macro", "gain"] == table.loc["A549", "gain"]


def test_models_that_share_no_line_are_refused(evaluation, summarise) -> None:
    tables = [
        path for path in evaluation.tables
        if ("baseline" in str(path) and "A549" in str(path)) or ("full" in str(path) and "HepG2" in str(path))
    ]  # fmt: skip
    with pytest.raises(UserError, match="no cell line was evaluated with both 'baseline' and 'full'"):
        summarise(evaluation, tables=tables)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"full_model": "absent"}, "'absent' has no aupr for unseen cell lines on test chromosomes"),
        ({"headline_support": 64}, "'full' has no aupr .* support sets of 64"),
        ({"chromosomes": ["train"]}, "'baseline' has no aupr .* train chromosomes"),
    ],
)
def test_missing_figures_are_told(evaluation, summarise, over: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        summarise(evaluation, **over)


def test_tables_are_given_once_and_are_no_summaries(
    evaluation, summarise, summarised: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="give every table of metrics once"):
        summarise(evaluation, tables=[*evaluation.tables, evaluation.tables[0]])
    with pytest.raises(UserError, match="not a summary"):
        summarise(evaluation, tables=[summarised / "metrics.tsv"])
    with pytest.raises(UserError, match="absent.tsv"):
        summarise(evaluation, tables=[*evaluation.tables, tmp_path / "absent.tsv"])


def test_signs_of_collapse_and_references_reach_the_text(evaluation, settings) -> None:
    metrics = summary.with_aggregates(pd.concat([read_table(path) for path in evaluation.tables]))
    key = {"seed": 1, "role": "unseen", "chromosomes": "test", "low": np.nan, "high": np.nan}
    signs = [
        key | {
            "model": "full", "cell_line": line, "negatives": "natural", "context": context,
            "n_support": 256, "metric": "collapse_signs", "value": value,
        }
        for line, context, value in (("A549", "own", 0.0), ("HepG2", "own", 2.0), ("A549", "wrong", 1.0))
    ]  # fmt: skip
    shortcuts = [
        key | {
            "model": "distance", "cell_line": line, "negatives": "balanced", "context": "-",
            "n_support": 0, "metric": "aupr", "value": value,
        }
        for line, value in (("A549", 0.6), ("HepG2", 0.7))
    ]  # fmt: skip
    made = summary.summarise(
        pd.concat([metrics, pd.DataFrame(signs + shortcuts)], ignore_index=True),
        settings=settings,
        baseline="baseline",
        full_model="full",
        scored=ScoredPairs([]),
    )
    assert made.collapsed == ("full on HepG2",), "a false context may do what it likes"
    assert made.references["distance"] == pytest.approx(0.65)
    assert set(made.other_contexts) == {"none", "mean", "shuffled", "graph"}
    assert made.n_seeds == 3
