"""`cbat explain`: its parts add up to what the prediction says, and wrong requests are one message."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pytest

from cbat.cli import main
from cbat.prediction.plan import pairs_file, read_plan


def explain(world, predicted: Path, directory: Path, *options: str, model: Path | None = None) -> int:
    fixed = ["--model-directory", str(model or world.model), "--prediction", str(predicted)]
    return main(["explain", *fixed, "--directory", str(directory), *options])


@pytest.fixture(scope="module")
def pair(predicted) -> pd.Series:
    """The best pair of a chromosome."""
    chromosome = next(iter(read_plan(predicted).chromosomes))
    pairs = pd.read_parquet(pairs_file(predicted, chromosome))
    return pairs.loc[pairs["score"].idxmax()]


@pytest.fixture(scope="module")
def of_the_pair(world, predicted, pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("explained") / "pair"
    options = ["--enhancer", pair["enhancer_id"], "--promoter", pair["promoter_id"]]
    assert explain(world, predicted, directory, *options) == 0
    return directory


def test_parts_of_a_pair_add_up_to_the_energies_of_the_prediction(of_the_pair, pair) -> None:
    table = pd.read_csv(of_the_pair / "explanation.tsv", sep="\t")
    sums = table.groupby("quantity")["change"].sum()
    assert sums["U_I"] == pytest.approx(pair["intrinsic_potential"], abs=1e-3)
    assert sums["R_E"] == pytest.approx(pair["environment_resistance"], abs=1e-3)
    assert table["on_score"].sum() == pytest.approx(pair["score"], abs=1e-3)


def test_parts_of_the_relief_are_exact(of_the_pair) -> None:
    table = pd.read_csv(of_the_pair / "explanation.tsv", sep="\t")
    summary = json.loads((of_the_pair / "explanation.json").read_text())
    assert summary["R_E"]["channels"] == "exact parts"
    relief = table.loc[table["quantity"] == "R_E", "relief"].sum()
    assert relief == pytest.approx(summary["R_E"]["relief"], abs=1e-6)


def test_bases_are_those_of_the_two_elements(of_the_pair, pair, world) -> None:
    bases = pd.read_csv(of_the_pair / "bases.tsv", sep="\t")
    assert set(bases["element"]) == {"enhancer", "promoter"}
    enhancer = bases[bases["element"] == "enhancer"]
    assert (
        f"{enhancer['chrom'].iloc[0]}:{enhancer['position'].min()}" == pair["enhancer_id"].rpartition("-")[0]
    )
    assert (np.diff(enhancer["position"]) == 1).all()
    sequence = pyfaidx.Fasta(str(world.fasta))[pair["chrom"]][
        int(enhancer["position"].min()) : int(enhancer["position"].max()) + 1
    ]
    assert "".join(enhancer["base"]) == str(sequence).upper()


def test_the_figure_of_a_pair_names_its_elements(of_the_pair, pair) -> None:
    picture = (of_the_pair / "explanation.svg").read_text()
    assert picture.lstrip().startswith("<?xml")
    assert pair["enhancer_id"].split(":")[0] in picture


def test_elements_are_meant_by_interval_or_name(of_the_pair, world, predicted, pair, tmp_path) -> None:
    chrom, _, place = pair["enhancer_id"].partition(":")
    start, end = map(int, place.split("-"))
    inside = f"{chrom}:{start + 10:,}-{end - 10:,}"
    options = ["--enhancer", inside, "--promoter", pair["promoter_name"]]
    assert explain(world, predicted, tmp_path / "same", *options) == 0
    for name in ("explanation.tsv", "explanation.json", "bases.tsv"):
        assert (tmp_path / "same" / name).read_bytes() == (of_the_pair / name).read_bytes()


def test_a_line_is_explained_by_its_contacts_against_its_other_pairs(world, predicted, tmp_path) -> None:
    assert explain(world, predicted, tmp_path / "line", "--pairs", "50") == 0
    table = pd.read_csv(tmp_path / "line" / "explanation.tsv", sep="\t")
    np.testing.assert_allclose(table["difference"], table["in_contacts"] - table["in_others"], atol=1e-6)
    summary = json.loads((tmp_path / "line" / "explanation.json").read_text())
    assert (summary["contacts"], summary["other_pairs"]) == (50, 50)
    assert (tmp_path / "line" / "explanation.svg").is_file()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--enhancer", "chr4:1-2"], "add --promoter"),
        (
            ["--enhancer", "nowhere", "--promoter", "GENE5"],
            "no enhancer of the prediction is meant",
        ),
        (["--enhancer", "chr77:1-500", "--promoter", "GENE5"], "it has none on 'chr77'"),
        (["--pairs", "0"], "ask for one or more"),
    ],
)
def test_wrong_requests_are_one_message(
    options, words: str, world, predicted, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(world, predicted, tmp_path / "none", *options) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("To mend:") == 1
    assert not (tmp_path / "none").exists()


def test_another_model_is_refused(
    world, predicted, make_package, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_package(world, tmp_path, environment="film", set_encoder="none")
    assert explain(world, predicted, tmp_path / "none", model=other) == 2
    assert "To mend:" in capsys.readouterr().err


def test_an_empty_folder_is_refused(world, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert explain(world, tmp_path / "empty", tmp_path / "none") == 2
    assert "To mend:" in capsys.readouterr().err


def test_a_changed_genome_is_noticed(
    world, predicted, pair, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(predicted, tmp_path / "copy", symlinks=False))
    fasta = copy / "genome" / "genome.fa"
    letters = fasta.read_bytes().translate(bytes.maketrans(b"AC", b"CA"))
    fasta.unlink()
    fasta.write_bytes(letters)
    index = copy / "genome" / "genome.fa.fai"
    content = index.read_bytes()
    index.unlink()
    index.write_bytes(content)
    options = ["--enhancer", pair["enhancer_id"], "--promoter", pair["promoter_id"]]
    assert explain(world, copy, tmp_path / "none", *options) == 2
    assert "has changed" in capsys.readouterr().err
