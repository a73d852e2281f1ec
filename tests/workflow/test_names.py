"""Lines, files and models that are called otherwise give the same numbers, to the last bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

# In another order of the alphabet than the old names, in either case.
LINES = {
    "blood_1": "zeta", "brain_1": "Yak", "liver_1": "a1", "skin_1": "Q-9", "blood_2": "m2", "liver_2": "b",
    "skin_2": "A", "new_liver": "Zzz",
}  # fmt: skip
MODELS = {"baseline": "zz_plain", "graph_manifold": "a_model"}
UNSEEN = ["blood_2", "liver_2", "skin_2"]


@pytest.fixture(scope="module")
def renamed(toy, new_toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the toy world once more, from its raw files under other names."""
    directory = tmp_path_factory.mktemp("renamed")
    (directory / "raw").mkdir()
    new_files: dict[str, str] = {}

    def moved(path: str) -> str:
        if path not in new_files:
            kind = path.split("/")[-1].split(".", 1)[1]
            new_files[path] = f"raw/{1000 - len(new_files)}.{kind}"
            shutil.copyfile(toy.directory / path, directory / new_files[path])
        return new_files[path]

    checkout = new_toy(directory)
    sheet = pd.read_csv(toy.directory / "cell_lines.tsv", sep="\t", dtype=str)
    for column in [name for name in sheet if sheet[name].str.startswith("results/").any()]:
        sheet[column] = [path if path == "." else moved(path) for path in sheet[column]]
    sheet["cell_line"] = sheet["cell_line"].replace(LINES)
    sheet.to_csv(directory / "cell_lines.tsv", sep="\t", index=False)
    settings = yaml.safe_load((toy.directory / "toy.yaml").read_text())
    line = settings["predictions"].pop("new_liver")
    line |= {role: moved(line[role]) for role in ("enhancers", "promoters")}
    line["tracks"] = {kind: moved(path) for kind, path in line["tracks"].items()}
    settings |= {
        "simulation": None,
        "genome": {"fasta": moved("results/simulation/genome.fa.gz")},
        "landscape": {"genes": moved("results/simulation/genes.bed.gz")},
        "predictions": {LINES["new_liver"]: line},
        "models": list(MODELS.values()),
        "baseline": MODELS["baseline"],
        "full_model": MODELS["graph_manifold"],
    }
    checkout.write("toy.yaml", yaml.safe_dump(settings))
    for old, new in MODELS.items():
        models = directory / "config" / "models"
        (models / f"{old}.yaml").rename(models / f"{new}.yaml")
    done = checkout.snakemake("--cores", "2", "predict", "results/summary/metrics.tsv")
    assert done.returncode == 0, done.stdout[-20_000:]
    return directory / "results"


@pytest.mark.parametrize("model", MODELS)
def test_weights_and_scores_are_the_same_to_the_last_bit(toy, renamed: Path, model: str) -> None:
    old, new = toy.directory / "results", renamed
    weights = "model.safetensors"
    assert (old / "models" / model / "seed_1" / weights).read_bytes() == (
        new / "models" / MODELS[model] / "seed_1" / weights
    ).read_bytes()
    for line in UNSEEN:
        before = pd.read_parquet(old / "evaluation" / model / "seed_1" / line / "scored_pairs.parquet")
        after = pd.read_parquet(
            new / "evaluation" / MODELS[model] / "seed_1" / LINES[line] / "scored_pairs.parquet"
        )
        pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_figures_are_the_same(toy, renamed: Path) -> None:
    before = pd.read_csv(toy.directory / "results" / "summary" / "metrics.tsv", sep="\t")
    after = pd.read_csv(renamed / "summary" / "metrics.tsv", sep="\t")
    before["cell_line"], before["model"] = before["cell_line"].replace(LINES), before["model"].replace(MODELS)
    keys = [name for name in before if name not in ("value", "low", "high")]
    of_truth = set(before["model"]) - set(after["model"])
    assert of_truth == {name for name in before["model"] if name.startswith("oracle")}, "of the hidden truth"
    before = before[~before["model"].isin(of_truth)]
    tables = [table.sort_values(keys, ignore_index=True) for table in (before, after)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_predictions_are_the_same_to_the_last_bit(toy, renamed: Path) -> None:
    for chrom in ("chr7", "chr8"):
        before = pd.read_parquet(
            toy.directory / "results" / "predictions" / "new_liver" / "pairs" / f"{chrom}.parquet"
        )
        after = pd.read_parquet(renamed / "predictions" / LINES["new_liver"] / "pairs" / f"{chrom}.parquet")
        pd.testing.assert_frame_equal(before, after, check_exact=True)
