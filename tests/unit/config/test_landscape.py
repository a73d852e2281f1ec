"""Runs on what lies between the ends of a pair: tracks, folds, no genome, and other tools' predictions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cbat.config.load import load_section
from cbat.config.models import ModelSettings, law_of
from cbat.config.project import load_project
from cbat.config.sections import LandscapeSettings, SplitSettings
from cbat.config.sheets import read_cell_lines
from cbat.config.worlds import sheet_of_world
from cbat.errors import UserError

TOP = Path(__file__).resolve().parents[3]
CONFIG = "config/config.yaml"
FOLDS = "splits: {folds: {one: [chr1, chr2], two: [chr3], three: [chr4], four: [chr5]}}\n"
LANDSCAPE = "landscape: {genes: data/genes.gtf}\n"
NO_GENOME = "genome: null\n" + LANDSCAPE
WITH_TRACKS = "\tactive_enhancers\tactive_promoters\tinsulators"


@pytest.fixture
def files(project_files):
    """A sound project whose lines have tracks: K562 of two kinds, NHEK of one, IMR90 of none."""
    project_files.write("data/genes.gtf", "")
    project_files.write("data/transepi.tsv", "")
    text = (project_files.directory / "config/cell_lines.tsv").read_text().splitlines()
    added = [
        WITH_TRACKS,
        "\tdata/K562_h3k27ac.bed\t.\tdata/K562_ctcf.bed",
        "\t.\t.\t.",
        "\t.\tdata/NHEK_h3k4me3.bed\t.",
    ]
    project_files.write(
        "config/cell_lines.tsv", "".join(f"{a}{b}\n" for a, b in zip(text, added, strict=True))
    )
    for name in ("K562_h3k27ac", "K562_ctcf", "NHEK_h3k4me3"):
        project_files.write(f"data/{name}.bed", "")
    return project_files


def load(files, over: str):
    files.write("my.yaml", over)
    return load_project([CONFIG, "my.yaml"])


def test_tracks_are_files_of_their_line(files) -> None:
    project = load(files, LANDSCAPE)
    assert project.row("K562").tracks == {
        "active_enhancers": Path("data/K562_h3k27ac.bed"),
        "insulators": Path("data/K562_ctcf.bed"),
    }
    assert project.row("IMR90").tracks == {}
    assert list(project.row("NHEK").files) == ["pairs", "active_promoters"]


def test_a_track_that_is_not_there_is_told_with_its_column(files) -> None:
    (files.directory / "data/K562_ctcf.bed").unlink()
    with pytest.raises(UserError, match="line 2: the insulators file 'data/K562_ctcf.bed' of the cell line"):
        load(files, LANDSCAPE)


def test_two_kinds_are_not_one_file(files) -> None:
    files.edit("config/cell_lines.tsv", "K562_ctcf", "K562_h3k27ac")
    with pytest.raises(
        UserError, match="line 2: active_enhancers and insulators of the cell line 'K562' are"
    ):
        load(files, LANDSCAPE)


def test_without_a_genome_every_model_is_a_law_and_there_are_no_supports(files) -> None:
    project = load(files, NO_GENOME + "evaluation: {support_sizes: [16], headline_support: 16}\n")
    assert (project.sequence_models, project.landscape_models) == ([], ["baseline", "graph_manifold"])
    assert project.config.evaluation.support_sizes == [0]
    assert project.config.evaluation.headline_support == 0
    assert project.encoders == {}


def test_with_a_genome_and_a_landscape_models_read_both(files) -> None:
    files.write("config/models/alone.yaml", "sequence: false\nlandscape_weights: free\n")
    files.write("config/models/baseline.yaml", "encoder: small\nenvironment: none\nlandscape: none\n")
    project = load(files, LANDSCAPE + "models: [baseline, graph_manifold, alone]\n")
    assert project.sequence_models == ["baseline", "graph_manifold"]
    assert project.landscape_models == ["alone"]
    assert project.laws == ["distance", "fused", "fused_free"]
    assert "sibling" in project.config.evaluation.contexts


def test_without_the_section_nothing_is_as_if_there_were_tracks(files) -> None:
    project = load(files, "")
    assert {settings.landscape for settings in project.models.values()} == {"none"}
    assert project.laws == []
    assert "sibling" not in project.config.evaluation.contexts


@pytest.mark.parametrize(
    ("model", "law"),
    [
        ("baseline", "distance"),
        ("no_landscape", "distance"),
        ("graph_manifold", "fused"),
        ("own_landscape", "own"),
        ("graph_landscape", "graph"),
        ("static_landscape", "static"),
        ("free_weights", "fused_free"),
        ("motif_regression", "fused"),
    ],
)
def test_shipped_models_have_the_laws_that_their_names_say(model: str, law: str) -> None:
    assert law_of(load_section(ModelSettings, TOP / f"config/models/{model}.yaml")) == law


def test_models_of_a_run_without_a_genome_differ_in_their_landscape_alone(files) -> None:
    files.write("config/models/baseline.yaml", "encoder: small\nenvironment: none\nlandscape: none\n")
    assert load(files, NO_GENOME).differences() == {"baseline": "landscape: none", "graph_manifold": ""}


def test_every_fold_is_tested_once_by_a_fit_that_has_not_read_it(files) -> None:
    project = load(files, NO_GENOME + FOLDS)
    assert project.config.evaluation.chromosomes == ["folds"]
    splits = project.config.splits
    assert list(splits.chromosomes) == ["one", "two", "three", "four"]
    members = splits.members()
    assert [member.name for member in members] == ["one", "two", "three", "four"]
    assert members[0] == ("one", ("chr4", "chr5"), ("chr3",), ("chr1", "chr2"))
    assert members[3] == ("four", ("chr3", "chr4"), ("chr1", "chr2"), ("chr5",))
    everywhere = [chrom for member in members for chrom in member.test]
    assert sorted(everywhere) == ["chr1", "chr2", "chr3", "chr4", "chr5"]
    for member in members:
        assert not {*member.train, *member.validation} & {*member.test}
        assert not {*member.train} & {*member.validation}


def test_without_folds_there_is_one_fit(files) -> None:
    assert load(files, "").config.splits.members() == (("test", ("chr1", "chr2"), ("chr3",), ("chr4",)),)


def test_splits_are_handed_to_a_stage_and_come_back(files) -> None:
    for over in ("", NO_GENOME + FOLDS):
        splits = load(files, over).config.splits
        again = load_section(SplitSettings, splits.model_dump_json())
        assert again == splits
        assert again.split_of == splits.split_of


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("genome: null\n", "my.yaml, line 1: genome is null, and there is no section landscape"),
        (LANDSCAPE + FOLDS, "my.yaml, line 2: splits.folds needs 'genome: null'"),
        (NO_GENOME + "elements: {max_n: 0.1}\n", "line 3: elements.max_n counts unknown bases, but"),
        (NO_GENOME + "readout: {identification: true}\n", "readout.identification compares motifs, but"),
        (NO_GENOME + "splits: {folds: {a: [chr1], b: [chr2]}}\n", "splits.folds has 2, but"),
        (NO_GENOME + "splits: {folds: {a: [chr1], b: [], c: [chr2]}}\n", "splits.folds.b names no"),
        (
            NO_GENOME + "splits: {folds: {a: [chr1], b: [chr2], c: [chr1]}}\n",
            "the chromosome 'chr1' is in splits.folds.a and again in splits.folds.c",
        ),
        (
            NO_GENOME + "splits: {folds: {a: [chr1], test: [chr2], c: [chr3]}}\n",
            "a fold is called 'test', a word that the tables of results reserve",
        ),
        (NO_GENOME + "splits: {folds: {a b: [chr1]}}\n", "splits.folds.a b"),
        (
            NO_GENOME + FOLDS + "evaluation: {chromosomes: [test]}\n",
            "line 4: evaluation.chromosomes is ['test'], but the section splits has folds",
        ),
        ("evaluation: {chromosomes: [folds]}\n", "evaluation.chromosomes names the folds, and there"),
        ("evaluation: {headline_support: 0}\n", "evaluation.headline_support is 0, which is for runs"),
        ("evaluation: {contexts: [own, sibling]}\n", "evaluation.contexts names sibling, which is about"),
        ("landscape: {genes: none.gtf}\n", "my.yaml, line 1: landscape.genes is 'none.gtf', which does not"),
        ("landscape: {genes: data/genes.gtf, insulator_motifs: m.bed}\n", "insulator_motifs is 'm.bed'"),
        ("landscape: {}\n", "my.yaml, line 1: the key 'landscape.genes' is missing"),
        (
            "landscape: {genes: data/genes.gtf, signals: {ctcf: auto}}\n",
            "it names 'ctcf', but the kinds of track are active_enhancers, active_promoters, insulators",
        ),
        ("landscape: {genes: data/genes.gtf, signals: {insulators: 3}}\n", "it takes column 3 for a signal"),
        (
            "landscape: {genes: data/genes.gtf, signals: {accessibility: none}}\n",
            "it takes 'none' for accessibility, which is nothing without numbers",
        ),
        ("evaluation: {peers: {transepi: none.tsv}}\n", "line 1: evaluation.peers.transepi is 'none.tsv'"),
        ("evaluation: {peers: {baseline: data/transepi.tsv}}\n", "has the name of a model of this run"),
        ("evaluation: {peers: {distance: data/transepi.tsv}}\n", "has the name of reference rows"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_line(files, over: str, expected: str) -> None:
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        load(files, over)
    assert "Fix: " in str(caught.value)


def test_a_model_without_sequence_needs_the_section(files) -> None:
    files.write("config/models/alone.yaml", "sequence: false\n")
    with pytest.raises(
        UserError, match="line 1: the model 'alone' reads no sequence, and there is no section"
    ):
        load(files, "models: [baseline, graph_manifold, alone]\n")


def test_a_signal_is_a_word_a_name_or_the_number_of_a_column() -> None:
    given = '{"genes": "g", "signals": {"insulators": 7, "active_enhancers": "RPM"}}'
    assert load_section(LandscapeSettings, given).signals == {"insulators": "7", "active_enhancers": "RPM"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # The next of the tissue, one that is as seen as the own line before others.
        ("A blood unseen, B blood train, C skin unseen, D blood unseen", {"A": "D", "B": "D", "D": "A"}),
        ("A blood train, B blood unseen, C skin train", {"A": "B", "C": None}),
        ("A unknown train, B unknown unseen", {"A": None, "B": None}),
    ],
)
def test_the_sibling_is_another_line_of_the_tissue(project_files, rows: str, expected) -> None:
    header = (project_files.directory / "config/cell_lines.tsv").read_text().splitlines()[0]
    lines = [header]
    for name, tissue, role in (row.split() for row in rows.split(", ")):
        project_files.write(f"data/{name}.csv", "")
        lines.append(f"{name}\t{tissue}\t{role}\tfemale\tnormal\tdata/{name}.csv\ttargetfinder\t.\t.")
    project_files.write("config/cell_lines.tsv", "\n".join(lines) + "\n")
    project = load_project([CONFIG])
    assert {name: project.sibling_line(name) for name in expected} == expected


def test_the_simulated_genes_go_with_the_simulation(files) -> None:
    simulated = "landscape: {genes: results/simulation/genes.bed.gz}\n"
    world = simulated + "simulation: {n_chromosomes: 4}\n"
    assert load(files, world).config.landscape is not None
    assert load(files, simulated).config.landscape is None
    with pytest.raises(UserError, match="the simulation would make it, but it is switched off"):
        load(files, "landscape: {genes: results/simulation/genes.bed.gz, signals: {insulators: none}}\n")
    with pytest.raises(UserError, match="line 1: landscape.genes is .* which the simulation does not make"):
        load(files, world.replace("genes.bed.gz", "gene.bed.gz"))


def test_simulated_tracks_have_one_name(files) -> None:
    name = "results/simulation/raw/K562/insulators.narrowPeak.gz"
    files.edit("config/cell_lines.tsv", "data/K562_ctcf.bed", name)
    assert load(files, "simulation: {n_chromosomes: 4}\n").row("K562").tracks["insulators"] == Path(name)
    files.edit("config/cell_lines.tsv", "insulators.narrowPeak", "insulators.bed")
    with pytest.raises(UserError, match="does not make .* the insulators file of 'K562'"):
        load(files, "simulation: {n_chromosomes: 4}\n")


def test_contigs_are_renamed_by_one_table(files) -> None:
    files.write("data/names.tsv", "")
    landscape = "landscape: {genes: data/genes.gtf, contig_names: data/names.tsv}\n"
    assert load(files, "genome: null\n" + landscape).config.contig_names == Path("data/names.tsv")
    with pytest.raises(UserError, match="landscape.contig_names is for runs without a genome"):
        load(files, landscape)


def test_lines_that_stand_in_may_be_those_of_the_training_alone(files) -> None:
    project = load(files, LANDSCAPE)
    # K562 is of blood; IMR90 (validation) and NHEK (unseen) are of skin.
    assert project.wrong_line("NHEK", "training") == "K562"
    assert project.wrong_line("IMR90", "training") == "K562"
    assert project.sibling_line("IMR90") == "NHEK"
    assert project.sibling_line("IMR90", "training") is None


@pytest.fixture
def with_prototype(files):
    """The same, and between its lines a prototype of blood."""
    files.write("data/p.bed", "")
    row = "p\tblood\tprototype\tmale\tnormal\t.\tauto\t.\t.\tdata/p.bed\t.\t.\n"
    files.edit("config/cell_lines.tsv", "IMR90\t", f"{row}IMR90\t")
    return files


def test_a_prototype_is_among_no_lines_with_pairs(with_prototype) -> None:
    project = load(with_prototype, LANDSCAPE + "evaluation: {roles: [seen, unseen]}\n")
    assert project.names() == project.evaluated() == ["K562", "IMR90", "NHEK"]
    assert project.names("train", "prototype") == ["K562", "p"]
    assert [row.cell_line for row in project.labelled] == project.names()


def test_a_prototype_stands_in_where_it_is_asked_for_and_no_better_line_is(with_prototype) -> None:
    project = load(with_prototype, LANDSCAPE)
    assert project.sibling_line("K562") is None
    assert project.sibling_line("K562", "training", prototypes=True) == "p"
    # Of another tissue than NHEK are K562, which has pairs, and p.
    assert project.wrong_line("NHEK", prototypes=True) == "K562"
    assert project.sibling_line("IMR90", prototypes=True) == "NHEK"


def test_the_tracks_of_a_prototype_have_to_be_there(with_prototype) -> None:
    (with_prototype.directory / "data/p.bed").unlink()
    with pytest.raises(UserError, match="line 3: the active_enhancers file 'data/p.bed' .* does not exist"):
        load(with_prototype, LANDSCAPE)


def test_a_prototype_stays_one_in_every_world(with_prototype) -> None:
    world = LANDSCAPE + "worlds: {one: {unseen: [K562]}}\n"
    project = load(with_prototype, world).worlds["one"].project
    assert {row.cell_line: row.role for row in project.cell_lines} == {
        "K562": "unseen", "p": "prototype", "IMR90": "validation", "NHEK": "train",
    }  # fmt: skip
    sheet = with_prototype.directory / "config/cell_lines.tsv"
    sheet.write_text(sheet_of_world(sheet.read_text(), ["K562"]))
    assert read_cell_lines(sheet) == project.cell_lines
    with pytest.raises(UserError, match="unseen names 'p', which is not a cell line of the sheet with pairs"):
        load(with_prototype, world.replace("K562", "p"))
