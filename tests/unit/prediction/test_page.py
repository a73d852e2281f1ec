"""The page of a prediction, as a file: what it holds, how much, and that names in it do no harm."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.cli import main
from cbat.config.predictions import PredictionSettings
from cbat.errors import UserError
from cbat.graph.build import build_graph
from cbat.graph.propagation import _assemble
from cbat.model.about import check_hashes
from cbat.prediction import page, page_assembly, page_environment, page_pairs
from cbat.prediction.page_plots import arc_plot
from cbat.prediction.plan import pairs_file, read_plan

SCRIPT = "<script>document.title='harm'</script>"


def write_page(world, directory: Path, most: int = 20_000, model: Path | None = None) -> str:
    files = [pairs_file(directory, chrom) for chrom in read_plan(directory).chromosomes]
    settings = PredictionSettings(page_pairs=most)
    page.run(model_directory=model or world.model, directory=directory, pairs=files, settings=settings)
    return (directory / "index.html").read_text()


def data_of(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_called_pairs_come_first_and_the_best_of_every_promoter(predicted) -> None:
    files = sorted((predicted / "pairs").glob("*.parquet"))
    pairs = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    n_called, n_promoters = int(pairs["contact"].sum()), int((pairs["rank"] == 1).sum())
    assert 0 < n_called < len(pairs)
    some = (0, 7, n_promoters, n_called - 3, n_called, n_called + 13, len(pairs), len(pairs) + 5)
    for most in some:
        order = pairs.sort_values(["contact", "rank", "score"], ascending=[False, True, False], kind="stable")
        expected, found = order.head(most), page_pairs.best_pairs(files, most)
        assert len(found) == min(most, len(pairs))
        if most:
            key = ["enhancer_id", "promoter_id"]
            assert set(map(tuple, found[key].astype(str).values)) == set(
                map(tuple, expected[key].astype(str).values)
            )
            assert (np.diff(found["score"]) <= 0).all()


def test_the_histogram_counts_every_pair_once(predicted) -> None:
    files = sorted((predicted / "pairs").glob("*.parquet"))
    pairs = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    spread = page_pairs.ScoreSpread.of(files)
    assert spread.contacts.sum() == pairs["contact"].sum()
    assert spread.others.sum() == (~pairs["contact"]).sum()
    assert spread.edges[0] == pairs["score"].min()
    assert spread.edges[-1] == pairs["score"].max()


def test_the_pairs_on_the_page_are_those_of_the_tables(world, predicted) -> None:
    data = data_of(write_page(world, predicted))
    files = sorted((predicted / "pairs").glob("*.parquet"))
    pairs = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    assert len(data["pairs"]["score"]) == len(pairs)
    best = pairs.loc[pairs["score"].idxmax()]
    promoter, enhancer = data["pairs"]["promoter"][0], data["pairs"]["enhancer"][0]
    assert data["promoters"]["name"][promoter] == best["promoter_name"]
    assert data["promoters"]["start"][promoter] == best["promoter_start"]
    assert data["enhancers"]["end"][enhancer] == best["enhancer_end"]
    assert data["pairs"]["score"][0] == pytest.approx(best["score"], abs=5e-4)
    assert data["pairs"]["resistance"][0] == pytest.approx(best["environment_resistance"], abs=5e-4)
    assert data["browser"] is None


def test_names_that_are_html_are_text(world, predicted) -> None:
    text = write_page(world, predicted)
    assert SCRIPT in data_of(text)["promoters"]["name"]
    assert "<script>document.title" not in text
    assert "onerror=" not in re.sub(r"\.onerror=", "", text) or "<img" not in data_part(text)


def data_part(text: str) -> str:
    return text[text.index('id="data"') : text.index('id="plots"')]


def test_words_of_the_environment_that_are_html_are_text(world, predicted) -> None:
    path = predicted / "environment.json"
    kept = path.read_text()
    content = json.loads(kept)
    content["warnings"] = [{"kind": "some_kind", "message": SCRIPT}]
    content["motifs"][0]["motif"] = "<b>bold</b>"
    path.write_text(json.dumps(content))
    try:
        text = write_page(world, predicted)
    finally:
        path.write_text(kept)
    assert "some kind.</b> &lt;script&gt;" in text
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold" in text


def test_nothing_on_the_page_is_fetched(world, predicted) -> None:
    text = write_page(world, predicted)
    assert "default-src 'none'" in text
    own = text.replace(re.search(r"<script>\n(.*?)\n</script>", text, re.S)[0], "")
    assert not re.search(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)", own)
    assert not re.search(r"@import|url\(", own[: own.index("</style>")])


def test_the_page_is_small_however_many_pairs_there_are(world, predicted) -> None:
    text = write_page(world, predicted, most=10)
    assert len(data_of(text)["pairs"]["score"]) == 10
    assert "The page holds 10 of" in text
    assert len(text) < 2_000_000
    assert data_of(write_page(world, predicted, most=0))["pairs"]["enhancer"] == []


def test_the_same_prediction_gives_the_same_page(world, predicted) -> None:
    first = write_page(world, predicted)
    arc_plot()
    assert write_page(world, predicted) == first


def test_links_go_to_the_assembly(world, predicted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_assembly, "assembly_of", lambda sizes: "T2T-CHM13")
    text = write_page(world, predicted)
    assert data_of(text)["browser"] == "hs1"
    assert "Assembly: <b>T2T-CHM13</b> (by the genome given)" in text


def test_an_unknown_assembly_is_said_to_be_unknown(world, predicted) -> None:
    assert "Assembly: <b>not known</b> (the genome is not a known assembly)" in write_page(world, predicted)


def test_another_model_is_refused(world, predicted, make_package, tmp_path: Path) -> None:
    other = make_package(world, tmp_path, {"name": "other"})
    with pytest.raises(UserError, match="prepared with another model"):
        write_page(world, predicted, model=other)


def test_the_genes_on_the_page_are_those_of_the_table(world, predicted) -> None:
    text = write_page(world, predicted)
    data = data_of(text)
    table = pd.read_csv(predicted / "genes.tsv", sep="\t", na_values=".", keep_default_na=False)
    assert data["genes"]["name"] == table["gene"].tolist()
    assert data["genes"]["called"] == table["called"].tolist()
    assert [data["chroms"][at] for at in data["genes"]["chrom"]] == table["chrom"].tolist()
    best = table["best_score"].idxmax()
    assert data["genes"]["best_start"][best] == table["best_enhancer_start"][best]
    assert data["genes"]["probability"][best] == pytest.approx(table["best_probability"][best], abs=5e-4)
    assert f"<dt>genes</dt><dd>{len(table):,}</dd>" in text
    assert f"<dt>with called enhancers</dt><dd>{(table['called'] > 0).sum():,}</dd>" in text


def test_without_the_table_of_genes_there_is_no_page(world, predicted, tmp_path: Path) -> None:
    line = Path(shutil.copytree(predicted, tmp_path / "line"))
    (line / "genes.tsv").unlink()
    with pytest.raises(UserError, match="the table of genes cannot be read"):
        write_page(world, line)
    (line / "genes.tsv").write_text("gene\tchrom\nA\tchr1\n")
    with pytest.raises(UserError, match="the table of genes cannot be read"):
        write_page(world, line)


def words_of(text: str) -> str:
    """A page without its scripts and its style, with the data's own words."""
    said = json.dumps(data_of(text)["words"])
    return said + re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.S)


def test_words_are_those_of_the_labels(world, predicted, make_package, tmp_path: Path) -> None:
    of_contacts = words_of(write_page(world, predicted))
    assert "predicted enhancer-promoter contacts" in of_contacts
    assert "called contacts" in of_contacts
    assert "regulat" not in of_contacts
    model = make_package(world, tmp_path, {"label_kind": "regulation"})
    line = Path(shutil.copytree(predicted, tmp_path / "line"))
    plan = line / "prepared" / "plan.json"
    plan.write_text(plan.read_text().replace(read_plan(line).model_digest, check_hashes(model)))
    of_regulation = words_of(write_page(world, line, model=model))
    assert "predicted regulation of genes by enhancers" in of_regulation
    assert "called pairs" in of_regulation
    assert "regulated pairs" in of_regulation
    assert not re.search(r"(?<!activity-by-)contact", of_regulation, re.I)


def test_a_missing_file_is_one_message(world, predicted, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "write_prediction_page",
        "--model-directory",
        str(world.model),
        "--directory",
        str(predicted),
    ]
    assert main([*arguments, "--pairs", "none.parquet", "--settings", "{}"]) == 2
    assert capsys.readouterr().err.count("Fix:") == 1


# ---- words and graph ----


def environment(**over) -> dict:
    posterior = [
        {"node": "liver", "kind": "tissue", "posterior": 0.5},
        {"node": "blood", "kind": "tissue", "posterior": 0.2},
        {"node": "blood_1", "kind": "cell_line", "posterior": 0.3},
    ]
    given = {
        "cell_line": "mine", "told_tissue": "unknown", "stated_tissue": "unknown", "relatives": {},
        "posterior": posterior, "motifs": [], "warnings": [], "support_size": 9,
    }  # fmt: skip
    return given | over


@pytest.fixture(scope="session")
def shared(world):
    return page.Subject.read(world.model)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("unknown", "The candidates resemble blood (50%). No known tissue was stated."),
        ("blood", "The candidates resemble blood (50%). That is the stated tissue."),
        ("liver", "The tissue that was stated is liver (50%), so the candidates contradict it"),
        ("bone", "The tissue that was stated, bone, is not known to the model."),
    ],
)
def test_what_is_said_of_the_tissue(shared, told: str, expected: str) -> None:
    assert expected in page_environment.in_words(shared.graph, environment(told_tissue=told))["verdict"]


def test_where_the_line_is_placed(shared) -> None:
    content, how = page_environment.placed(
        shared.graph, shared.about, environment(told_tissue="brain", relatives={"liver_1": 0.4})
    )
    edges = [edge for edge in content["edges"] if edge["source"] == "mine"]
    assert [(edge["kind"], edge["target"]) for edge in edges] == [
        ("tissue", "brain"),
        ("similarity", "liver_1"),
    ]
    assert "brain, the stated tissue" in how
    labels = {node["name"]: node.get("label") for node in content["nodes"]}
    assert labels["liver"] == "liver 50%"
    assert labels["brain"] is None
    content, how = page_environment.placed(shared.graph, shared.about, environment())
    assert [edge["target"] for edge in content["edges"] if edge["source"] == "mine"] == ["blood"]
    assert "which its candidates resemble most" in how
    svg = page_environment.graph_picture(content)
    assert svg.startswith("<svg")
    assert "liver 50%" in svg
    content, _ = page_environment.placed(
        shared.graph, shared.about, environment(posterior=[], cell_line="liver_1")
    )
    assert [edge for edge in content["edges"] if edge["source"] == "liver_1 (predicted)"] == []


def test_the_graph_of_a_model_has_its_edges_back() -> None:
    from types import SimpleNamespace as Row

    lines = [
        Row(cell_line="a", role="train", tissue="cortex", condition="unknown", sex="female"),
        Row(cell_line="b", role="train", tissue="cortex", condition="cancer", sex="unknown"),
        Row(cell_line="c", role="validation", tissue="liver", condition="unknown", sex="unknown"),
    ]
    tissues = [
        Row(tissue="brain", germ_layer="ectoderm", parent=None),
        Row(tissue="cortex", germ_layer="ectoderm", parent="brain"),
        Row(tissue="cerebellum", germ_layer="ectoderm", parent="brain"),
        Row(tissue="liver", germ_layer="endoderm", parent=None),
    ]
    from cbat.config.sections import GraphSettings

    content = build_graph(lines, tissues, scope="all", settings=GraphSettings())
    roles = {line.cell_line: line.role for line in lines}
    again = page_environment.graph_content(_assemble(content), roles)

    def edges(of):
        return {(edge["kind"], edge["source"], edge["target"], edge["weight"]) for edge in of["edges"]}

    assert edges(again) == edges(content)
    assert {node["name"]: node.get("role") for node in again["nodes"]} == {
        node["name"]: node.get("role") for node in content["nodes"]
    }
