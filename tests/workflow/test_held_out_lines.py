"""Files of a user's own, every line held out in a world of its own, with similarities and identification."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
import yaml
from browser import CHROMIUM, NO_CHROMIUM, launched
from report_walk import SIZES, faults_of

KEPT = ["blood_1", "liver_1", "skin_1"]
MINE = """\
simulation: null
cell_lines: mine/lines.tsv
genome: {fasta: mine/genome.fa.gz}
evaluation: {support_sizes: [16], headline_support: 16, n_bootstrap: 10, contexts: [own, wrong]}
elements: {max_n: 0.5}
readout: {identification: true}
graph:
  peak_overlaps:
    peaks: {peaks: {blood_1: mine/blood_1.bed.gz, liver_1: mine/liver_1.bed.gz, skin_1: mine/skin_1.bed.gz}}
  expression_correlations:
    rpkm: {table: mine/rpkm.tsv, columns: {blood_1: B, skin_1: S}}
worlds:
  without_blood: {unseen: [blood_1]}
  without_liver: {unseen: [liver_1]}
"""


@pytest.fixture(scope="module")
def finished(toy, new_checkout, tmp_path_factory: pytest.TempPathFactory):
    """The raw files of the toy world, as a user would bring them."""
    directory = tmp_path_factory.mktemp("held_out")
    mine = directory / "mine"
    mine.mkdir()
    raw = toy.directory / "results" / "simulation"
    shutil.copy(raw / "genome.fa.gz", mine)
    sheet = pd.read_csv(toy.directory / "cell_lines.tsv", sep="\t", comment="#").set_index("cell_line")
    rows = []
    for name in KEPT:
        for kind in ("pairs.tsv.gz", "enhancers.bed.gz", "promoters.bed.gz"):
            shutil.copy(raw / "raw" / name / kind, mine / f"{name}.{kind}")
        shutil.copy(raw / "raw" / name / "enhancers.bed.gz", mine / f"{name}.bed.gz")
        files = [
            f"mine/{name}.pairs.tsv.gz",
            "cbat",
            f"mine/{name}.enhancers.bed.gz",
            f"mine/{name}.promoters.bed.gz",
        ]
        rows.append("\t".join([name, sheet.loc[name, "tissue"], "train", "unknown", "unknown", *files]))
    header = "cell_line\ttissue\trole\tsex\tcondition\tpairs\tpairs_format\tenhancers\tpromoters"
    (mine / "lines.tsv").write_text("\n".join([header, *rows]) + "\n")
    (mine / "rpkm.tsv").write_text("gene\tB\tS\na\t0\t1\nb\t3\t2\nc\t9\t30\n")
    checkout = new_checkout(directory, ["toy.yaml", "mine.yaml"])
    # The splits and windows of the toy world, without its simulation.
    settings = yaml.safe_load((toy.directory / "toy.yaml").read_text())
    kept = {key: settings[key] for key in ("elements", "splits", "shards")}
    checkout.write("toy.yaml", yaml.safe_dump(kept))
    checkout.write("mine.yaml", MINE)
    for model in ("baseline", "graph_manifold"):
        checkout.set_keys(f"config/models/{model}.yaml", steps=20, support_size=16)
    checkout.set_keys("config/encoders/motifs.yaml", n_filters=8, refinement_rounds=1)
    done = checkout.snakemake("--cores", "2")
    assert done.returncode == 0, done.stdout[-20_000:]
    return checkout


def test_every_held_out_line_has_a_row(finished) -> None:
    summary = finished.directory / "results" / "summary"
    table = pd.read_csv(summary / "held_out_lines.tsv", sep="\t")
    assert table["cell_line"].tolist() == ["blood_1", "liver_1", "macro"]
    assert table["world"].tolist() == ["without_blood", "without_liver", "-"]
    assert table[["baseline", "full_model", "own_minus_wrong", "distance", "artefact"]].notna().all().all()
    assert not (summary / "benchmark.tsv").exists(), "nothing is claimed of lines without a known truth"
    assert "minus baseline" in (summary / "held_out_lines.txt").read_text()
    report = (finished.directory / "results" / "report.html").read_text()
    assert "Cell lines held out" in report
    assert "Do the claims hold?" not in report


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
def test_all_of_the_reports_can_be_read(finished) -> None:
    with launched() as browser:
        for folder in (finished.directory, finished.directory / "worlds" / "without_blood"):
            assert faults_of(browser, folder / "results" / "report.html", SIZES[:1]) == []


def test_a_world_trains_without_the_line_that_it_holds_out(finished) -> None:
    for world, line in (("without_blood", "blood_1"), ("without_liver", "liver_1")):
        results = finished.directory / "worlds" / world / "results"
        model = results / "models" / "graph_manifold" / "seed_1" / "model.json"
        assert line not in model.read_text()
        graph = json.loads((results / "graph" / "training" / "graph.json").read_text())
        assert line not in json.dumps(graph)
        for name in ("peaks", "rpkm"):
            assert line not in (results / "similarity" / "training" / f"{name}.tsv").read_text()
        assert any(
            edge["kind"] == "similarity" and line in (edge["source"], edge["target"])
            for edge in json.loads((results / "graph" / "all" / "graph.json").read_text())["edges"]
        )


def test_the_genome_is_unpacked_once(finished) -> None:
    mine = finished.directory / "results" / "genome" / "genome.fa"
    assert not mine.is_symlink()
    for world in ("without_blood", "without_liver"):
        link = finished.directory / "worlds" / world / "results" / "genome" / "genome.fa"
        assert link.is_symlink()
        assert link.resolve() == mine.resolve()


def test_lines_are_identified_whatever_is_held_out(finished) -> None:
    folder = finished.directory / "worlds/without_blood/results/identification/motifs/seed_1"
    table = pd.read_csv(folder / "identification.tsv", sep="\t").set_index(["version", "n_support"])
    assert (table["n_known_lines"] == 3).all()
    assert table.loc[("known_motifs", 16), "top1_accuracy"] > 1 / 3
    assert set(pd.read_csv(folder / "motifs.tsv", sep="\t")["cell_line"]) == {*KEPT}
    for rule in ("identify_cell_line", "compare_peaks", "compare_expression"):
        assert list((finished.directory / "worlds/without_blood/logs" / rule).glob("*.log"))
        assert list((finished.directory / "worlds/without_blood/benchmarks" / rule).glob("*.tsv"))


def test_finished_worlds_have_nothing_to_do(finished) -> None:
    assert "Nothing to be done" in finished.snakemake("-n").stdout
