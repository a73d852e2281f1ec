"""The label sets on hg19: every line is held out once, and slices of them run from files to report."""

from __future__ import annotations

import gzip
import importlib.util
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cbat.config.project import load_project
from cbat.config.sheets import TRACK_KINDS, read_cell_lines

TOP = Path(__file__).resolve().parents[2]
SIX = ["GM12878", "HUVEC", "HeLa-S3", "IMR90", "K562", "NHEK"]
LABELLED = {
    "bengi_hic": ["GM12878", "HeLa-S3", "IMR90", "K562", "NHEK"],
    "bengi_rnapii": ["GM12878", "HeLa-S3"],
    "bengi_ctcf": ["GM12878", "HeLa-S3"],
    "targetfinder_20to1": SIX,
    "targetfinder_cbmf": SIX,
    "targetfinder_cbgs": SIX,
}
BALANCED = {"targetfinder_cbmf", "targetfinder_cbgs"}
CONTIGS = [f"chr{number}" for number in range(17, 23)]
SLICE: dict[str, Any] = {
    "splits": {"folds": {"fold_1": CONTIGS[:2], "fold_2": CONTIGS[2:4], "fold_3": CONTIGS[4:]}},
    "models": ["baseline", "graph_manifold", "graph_landscape"],
}


def given_files(shared: Path) -> dict[str, Path]:
    """Name below ``resources/downloads`` -> the file of the shared folder, which has the same name."""
    folders = ["labels", "similarity", "genes"]
    return {file.name: file for folder in folders for file in (shared / "data" / folder).rglob("*.gz")}


def slice_of(table: Path) -> bytes:
    """The lines of a gzip table that name no other chromosome than those of the slice."""
    lines = gzip.decompress(table.read_bytes()).decode().splitlines(keepends=True)
    kept = [line for line in lines if set(re.findall(r"\bchr\w+", line)) - {"chrom"} <= set(CONTIGS)]
    return gzip.compress("".join(kept).encode(), mtime=0)


def named_downloads(name: str, *sheets: str) -> set[str]:
    """Files below ``resources/downloads`` that a label set names."""
    texts = [(TOP / "config" / f"{name}.yaml").read_text()]
    texts += [(TOP / "config" / name / sheet).read_text() for sheet in sheets]
    return {Path(path).name for path in re.findall(r"resources/downloads/[\w.+-]+", "".join(texts))}


@pytest.mark.parametrize("name", LABELLED)
def test_every_line_with_labels_is_held_out_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TOP)
    project = load_project(["config/config.yaml", f"config/{name}.yaml"])
    config = project.config
    assert config.genome is None
    assert config.landscape is not None
    held_out = [list(world.unseen or ()) for world in project.worlds.values()]
    assert held_out == [[line] for line in LABELLED[name]]
    assert config.evaluation.headline_negatives == ("balanced" if name in BALANCED else "natural")
    chromosomes = [chrom for fold in config.splits.chromosomes.values() for chrom in fold]
    assert sorted(chromosomes) == sorted(f"chr{number}" for number in [*range(1, 23), "X"])
    assert all(len(member.train) > len(member.test) for member in config.splits.members())


@pytest.mark.parametrize("name", LABELLED)
def test_every_line_of_a_label_set_has_all_kinds_of_tracks(name: str) -> None:
    sheet = TOP / "config" / name / "cell_lines.tsv"
    rows = read_cell_lines(sheet)
    assert [row.cell_line for row in rows if row.source == "."] == []
    assert [row.cell_line for row in rows if row.role != "prototype"] == LABELLED[name]
    # Lines without labels say what the graph expects.
    assert sorted(row.cell_line for row in rows) == sorted(SIX)
    assert [sorted(row.tracks) for row in rows] == [sorted(TRACK_KINDS)] * len(rows)
    for row in rows:
        assert all(path.name.startswith(f"{row.cell_line}.") for path in row.tracks.values())


@pytest.mark.parametrize("name", LABELLED)
def test_the_shared_folder_has_every_file_that_a_label_set_names(name: str, shared_dir: Path) -> None:
    sheets = [path.name for path in (TOP / "config" / name).glob("*.tsv")]
    assert named_downloads(name, *sheets) <= set(given_files(shared_dir))


def slice_run(checkout: Any, shared: Path, name: str, *layers: str) -> Any:
    """A finished run of a label set on a few chromosomes."""
    given = checkout.directory / "resources" / "downloads"
    given.mkdir(parents=True)
    files = given_files(shared)
    sheets = [path.name for path in (TOP / "config" / name).glob("*.tsv")]
    for file in named_downloads(name, *sheets):
        (given / file).write_bytes(slice_of(files[file]))
    # Layers are merged, so the five folds have to go first.
    path = checkout.directory / "config" / f"{name}.yaml"
    values = yaml.safe_load(path.read_text())
    values["evaluation"]["n_bootstrap"] = 20
    path.write_text(yaml.safe_dump(values | SLICE))
    checkout.configuration = (f"config/{name}.yaml", *layers)
    done = checkout.snakemake("--cores", "2")
    assert done.returncode == 0, done.stdout[-20_000:]
    return checkout


@pytest.fixture(scope="module")
def ctcf(shared_dir: Path, new_checkout, tmp_path_factory: pytest.TempPathFactory):
    """Both lines held out, by the one command."""
    checkout = new_checkout(tmp_path_factory.mktemp("ctcf"))
    return slice_run(checkout, shared_dir, "bengi_ctcf")


def test_one_command_holds_every_line_out(ctcf) -> None:
    summary = ctcf.directory / "results" / "summary"
    lines = pd.read_csv(summary / "held_out_lines.tsv", sep="\t")
    assert set(lines["cell_line"]) == {*LABELLED["bengi_ctcf"], "macro"}
    metrics = pd.read_csv(summary / "held_out_metrics.tsv", sep="\t")
    assert set(metrics["chromosomes"]) == {"folds"}
    rows = {"distance", "static", "abc", "abc_share", "prevalence", "graph_landscape"}
    assert rows <= set(metrics["model"])
    assert (ctcf.directory / "results" / "report.html").stat().st_size > 100_000


def test_the_landscape_is_worth_more_than_the_distance(ctcf) -> None:
    metrics = pd.read_csv(ctcf.directory / "results" / "summary" / "held_out_metrics.tsv", sep="\t")
    headline = metrics[(metrics["metric"] == "aupr") & (metrics["negatives"] == "natural")]
    mean = headline[(headline["cell_line"] == "macro") & headline["context"].isin(["own", "-"])]
    values = mean.set_index("model")["value"]
    # Few short chromosomes say little; both have to be far from chance.
    assert values["graph_manifold"] > values["prevalence"] + 0.1
    assert values["graph_manifold"] > values["distance"] - 0.05


def test_the_table_of_the_benchmark_is_made_from_a_run(ctcf, tmp_path: Path) -> None:
    path = TOP / "tools" / "benchmark_table.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = ctcf.directory / "results" / "summary" / "held_out_metrics.tsv"
    read = {"sep": "\t", "dtype": str, "keep_default_na": False}
    table = module.kept(pd.read_csv(given, **read))
    assert list(table.columns) == list(pd.read_csv(given, **read).columns)
    assert set(table["negatives"]) == {"natural", "balanced"}
    full = table[table["model"] == "graph_manifold"]
    assert {"own", "graph", "wrong", "none", "insulators:graph"} <= set(full["context"])
    assert set(full.loc[full["context"].str.contains(":"), "metric"]) == {"aupr"}
    assert set(table.loc[table["model"] == "graph_landscape", "context"]) == {"own"}
    with pytest.raises(ValueError, match="no row of the model other"):
        module.kept(table, "other")


OF_LABEL_SETS = [path for path in sorted(TOP.glob("docs/benchmark/*.tsv")) if path.stem != "worlds"]


@pytest.mark.parametrize("path", OF_LABEL_SETS, ids=lambda path: path.stem)
def test_the_tables_of_the_benchmark_are_whole(path: Path) -> None:
    name = path.stem
    of_screens = name.startswith("crispri_k562")
    table = pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])
    lines = LABELLED["bengi_hic" if name == "shipped_contact" else name] if not of_screens else ["K562"]
    assert set(table["cell_line"]) == {*lines, "macro"}
    assert set(table["chromosomes"]) == {"folds"}
    full = "own_landscape" if of_screens else "graph_manifold"
    models = {full, "distance", "static", "abc_share"}
    if name == "shipped_contact":
        models |= {"baseline", "abc", "enhancer_share", "transepi"}
    else:
        models |= (
            {"no_landscape", "own_free_weights", "abc"} if of_screens else {"baseline", "graph_landscape"}
        )
    models |= {"transepi"} if name == "bengi_hic" else set()
    assert models <= set(table["model"])
    own = table[(table["metric"] == "aupr") & (table["context"] == "own") & (table["model"] == full)]
    assert set(own["negatives"]) == {"natural", "balanced"}
    # Of one line there is no interval over lines.
    own = own[own["cell_line"] != "macro"] if of_screens else own
    assert own["low"].le(own["value"]).all()
    assert own["high"].ge(own["value"]).all()


def test_two_lines_train_and_another_tool_is_held_against_three(
    shared_dir: Path, new_checkout, tmp_path: Path
) -> None:
    checkout = new_checkout(tmp_path)
    local = tmp_path / "resources" / "local"
    local.mkdir()
    tables = sorted((shared_dir / "data" / "peer" / "transepi").glob("*.tsv.gz"))
    (local / "transepi.tsv.gz").write_bytes(b"".join(slice_of(table) for table in tables))
    layers = ["config/bengi_hic/two_lines.yaml", "config/bengi_hic/transepi.yaml"]
    finished = slice_run(checkout, shared_dir, "bengi_hic", *layers)
    peers = pd.read_csv(finished.directory / "results" / "summary" / "peers.tsv", sep="\t")
    assert set(peers["cell_line"]) == {"IMR90", "K562", "NHEK", "macro"}
    assert (peers["n_only_peer"] == 0).all()
    metrics = pd.read_csv(finished.directory / "results" / "summary" / "metrics.tsv", sep="\t")
    assert set(metrics["cell_line"]) == {"IMR90", "K562", "NHEK", "macro", "worst"}
