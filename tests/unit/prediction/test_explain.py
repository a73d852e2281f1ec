"""`cbat explain`: its parts add up to what the prediction says, and wrong requests are one message."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pysam
import pytest

from cbat.cli import main
from cbat.prediction.chosen_pairs import draw_pairs
from cbat.prediction.explain_figure import strongest
from cbat.prediction.plan import pairs_file, read_plan


def explain(world, predicted: Path, directory: Path, *options: str, model: Path | None = None) -> int:
    fixed = ["--model", str(model or world.model), "--prediction", str(predicted)]
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


def test_names_over_a_track_are_coloured_by_their_own_motif(
    world, predicted, pair, tmp_path, monkeypatch
) -> None:
    drawn = []
    monkeypatch.setattr("cbat.prediction.explain.draw_pair", lambda *given: drawn.extend(given))
    options = ["--enhancer", pair["enhancer_id"], "--promoter", pair["promoter_id"]]
    assert explain(world, predicted, tmp_path / "pair", *options) == 0
    _, _, table, bases, hits = drawn
    for (quantity, role), own in hits.groupby(["quantity", "element"]):
        track = bases.loc[bases["element"] == role, quantity].sum() * (1 if quantity == "U_I" else -1)
        assert own["on_score"].sum() == pytest.approx(track, abs=1e-6)
    potential = hits[(hits["quantity"] == "U_I") & (hits["element"] == "enhancer")]
    rows = table[(table["quantity"] == "U_I") & (table["part"] == "enhancer")].set_index("label")
    for label, value in potential.groupby("label")["on_score"].sum().items():
        assert value == pytest.approx(rows.loc[label, "on_score"], abs=1e-6)
    assert (potential["end"] - potential["start"]).nunique() == 1


def test_the_strongest_hits_are_there_and_keep_their_own_sign() -> None:
    hits = pd.DataFrame(
        {
            "label": ["lowers", "absent", "raises", "nothing"],
            "presence": [0.9, 0.1, 0.3, 1.0],
            "on_score": [-0.5, 3.0, 0.2, 0.0],
        }
    )
    found = strongest(hits)
    assert found["label"].tolist() == ["lowers", "raises"]
    assert (found["on_score"] < 0).tolist() == [True, False]


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
            "no enhancer of the prediction matches",
        ),
        (["--enhancer", "chr77:1-500", "--promoter", "GENE5"], "it has none on 'chr77'"),
        (["--pairs", "0"], "request one or more"),
    ],
)
def test_wrong_requests_are_one_message(
    options, words: str, world, predicted, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(world, predicted, tmp_path / "none", *options) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("Fix:") == 1
    assert not (tmp_path / "none").exists()


def test_another_model_is_refused(
    world, predicted, make_package, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_package(world, tmp_path, environment="film")
    assert explain(world, predicted, tmp_path / "none", model=other) == 2
    assert "Fix:" in capsys.readouterr().err


def test_an_empty_folder_is_refused(world, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert explain(world, tmp_path / "empty", tmp_path / "none") == 2
    assert "Fix:" in capsys.readouterr().err


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


def test_the_bases_of_a_pair_add_up_to_its_motifs(of_the_pair) -> None:
    table = pd.read_csv(of_the_pair / "explanation.tsv", sep="\t")
    bases = pd.read_csv(of_the_pair / "bases.tsv", sep="\t")
    summary = json.loads((of_the_pair / "explanation.json").read_text())
    for quantity in ("U_I", "R_E"):
        difference = summary[quantity]["value"] - summary[quantity]["without_motifs"]
        assert bases[quantity].sum() == pytest.approx(difference, abs=1e-4)
    for role in ("enhancer", "promoter"):
        own = table[(table["quantity"] == "U_I") & (table["part"] == role)]
        of_bases = bases.loc[bases["element"] == role, "U_I"]
        assert of_bases.sum() == pytest.approx(own["change"].sum(), abs=1e-6)
    assert len(bases) == 300 + 400


def test_hits_are_where_the_genome_has_them(world, of_the_pair) -> None:
    table = pd.read_csv(of_the_pair / "explanation.tsv", sep="\t")
    hits = table[table["hit"].notna()]
    bases = pd.read_csv(of_the_pair / "bases.tsv", sep="\t")
    complement = str.maketrans("ACGT", "TGCA")
    with pysam.FastaFile(str(world.fasta)) as genome:
        for row in hits.itertuples():
            chrom, _, ends = row.hit.partition(":")
            start, end = (int(part) for part in ends.split("-"))
            read = genome.fetch(chrom, start, end).upper()
            assert row.sequence == (read if row.strand == "+" else read.translate(complement)[::-1])
        one = bases.iloc[17]
        assert genome.fetch(one["chrom"], one["position"], one["position"] + 1).upper() == one["base"]


def test_a_name_that_is_html_is_drawn_as_text(world, predicted, tmp_path) -> None:
    name = "<script>document.title='harm'</script>"
    pairs = pd.read_parquet(predicted / "pairs")
    pair = pairs[pairs["promoter_name"].astype(str) == name].iloc[0]
    options = ["--enhancer", pair["enhancer_id"], "--promoter", name]
    assert explain(world, predicted, tmp_path / "out", *options) == 0
    picture = (tmp_path / "out" / "explanation.svg").read_text()
    assert "<script" not in picture
    assert "&lt;script&gt;" in picture


@pytest.mark.parametrize("form", ["film", "scalar", "none"])
def test_other_forms_of_the_resistance(world, make_package, tmp_path, form: str) -> None:
    encoder = {} if form == "none" else {"set_encoder": "isab_tied"}
    model = make_package(world, tmp_path / "model", environment=form, **encoder)
    prediction = tmp_path / "line"
    pair = world.predict(prediction, model_directory=model, chromosomes=["chr4"]).iloc[5]
    options = ["--enhancer", pair["enhancer_id"], "--promoter", pair["promoter_id"]]
    assert explain(world, prediction, tmp_path / "out", *options, model=model) == 0
    table = pd.read_csv(tmp_path / "out" / "explanation.tsv", sep="\t")
    sums = table.groupby("quantity")["change"].sum()
    assert sums["U_I"] == pytest.approx(pair["intrinsic_potential"], abs=1e-3)
    if form == "none":
        assert set(table["quantity"]) == {"U_I"}
    else:
        assert sums["R_E"] == pytest.approx(pair["environment_resistance"], abs=1e-3)
    assert (tmp_path / "out" / "explanation.svg").is_file()
    assert explain(world, prediction, tmp_path / "whole", "--pairs", "20", model=model) == 0
    whole = pd.read_csv(tmp_path / "whole" / "explanation.tsv", sep="\t")
    assert set(whole["quantity"]) == set(table["quantity"])


def test_the_means_of_a_line_add_up_to_the_mean_energies(world, predicted, tmp_path) -> None:
    assert explain(world, predicted, tmp_path / "line", "--pairs", "150", "--seed", "4") == 0
    table = pd.read_csv(tmp_path / "line" / "explanation.tsv", sep="\t")
    drawn = draw_pairs(predicted, read_plan(predicted), 150, 4)
    contact = drawn["contact"].to_numpy(dtype=bool)
    groups = {"mean": np.ones_like(contact), "in_contacts": contact, "in_others": ~contact}
    for quantity, column in (("U_I", "intrinsic_potential"), ("R_E", "environment_resistance")):
        own = table[table["quantity"] == quantity]
        for mean, which in groups.items():
            assert own[mean].sum() == pytest.approx(drawn.loc[which, column].mean(), abs=1e-3)
    sign = np.where(table["quantity"] == "U_I", 1, -1)
    np.testing.assert_allclose(table["on_score"], sign * table["difference"], atol=1e-9)
