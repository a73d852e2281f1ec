"""A project is checked as a whole before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cbat.config.project import load_project, simulated_lines
from cbat.errors import UserError

CONFIG = "config/config.yaml"
HEADER = "cell_line\ttissue\trole\tsex\tcondition\tpairs\tpairs_format\tenhancers\tpromoters\n"
SIMULATION = "simulation: {n_chromosomes: 4}\n"


def load(*over: str):
    return load_project([CONFIG, *over])


def test_a_sound_project_knows_its_lines_models_and_encoders(project_files) -> None:
    project = load()
    assert project.names() == ["K562", "IMR90", "NHEK"]
    assert project.names("train", "validation") == ["K562", "IMR90"]
    assert project.evaluated() == ["NHEK"]
    assert project.row("IMR90").cohort == "training"
    assert project.models["baseline"].environment == "none"
    assert project.encoders["small"].n_filters == 8


def test_seen_lines_are_evaluated_when_asked(project_files) -> None:
    project_files.write("my.yaml", "evaluation: {roles: [seen, unseen]}\n")
    assert load("my.yaml").evaluated() == ["K562", "IMR90", "NHEK"]


def sheet_of(project_files, *rows: tuple[str, str, str]) -> None:
    """Replace the lines by these: name, tissue, role."""
    row = "{0}\t{1}\t{2}\tfemale\tnormal\tdata/{0}.csv\ttargetfinder\t.\t.\n"
    for name, *_ in rows:
        project_files.write(f"data/{name}.csv", "")
    project_files.write("config/cell_lines.tsv", HEADER + "".join(row.format(*fields) for fields in rows))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # The next one of another tissue that is unseen as well; the first follows the last.
        ("A blood unseen, B blood unseen, C skin unseen, D skin train", {"A": "C", "B": "C", "C": "A"}),
        # Another tissue matters more than the cohort.
        ("A blood unseen, B blood unseen, D skin train", {"A": "D", "B": "D", "D": "A"}),
        # An unstated tissue may be the same one.
        ("A blood unseen, B unknown unseen, C skin unseen, D skin train", {"A": "C", "B": "C", "C": "A"}),
        ("A blood train, B blood train, C blood unseen", {"A": "B", "C": "A"}),
        ("A blood train", {"A": None}),
    ],
)
def test_the_wrong_line_is_of_another_tissue_and_as_seen_as_the_own_one(
    project_files, rows: str, expected: dict[str, str | None]
) -> None:
    sheet_of(project_files, *(tuple(row.split()) for row in rows.split(", ")))
    project_files.write("my.yaml", "evaluation: {roles: [seen]}\n")
    project = load("my.yaml")
    assert {name: project.wrong_line(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("splits: {test: [chr4, chr2]}\n", "line 1: the chromosome 'chr2' is in splits.train and again in"),
        ("splits: {test: [chr4, chr4]}\n", "'chr4' is in splits.test and again in splits.test"),
        ("splits: {test: []}\n", "line 1: splits.test names no chromosome"),
        (
            "labels: {min_distance: 9, max_distance: 5}\n",
            "labels.min_distance (9) is above labels.max_distance",
        ),
        (
            "labels: {negatives_per_positive: 3}\n",
            "line 1: labels.negatives_per_positive is 3, but labels.negatives is given",
        ),
        ("labels: {negatives: random}\n", "labels.negatives"),
        ("seeds: [1, 2, 1]\n", "line 1: seeds names 1 twice"),
        ("seeds: []\n", "line 1: seeds is an empty list"),
        ("models: [baseline, baseline]\n", "models names 'baseline' twice"),
        (
            "models: [baseline, graph_manifol]\n",
            "no file config/models/graph_manifol.yaml (did you mean 'graph_manifold'",
        ),
        ("models: [baseline]\n", "full_model is 'graph_manifold', which is not among the models to run"),
        ("baseline: base\n", "my.yaml, line 1: baseline is 'base'"),
        ("evaluation: {headline_support: 8}\n", "headline_support is 8, which is not among"),
        ("shards: {support_size: 512}\n", "evaluation.support_sizes asks for 1024 elements, but"),
        ("genome: {fasta: hg19.fa}\n", "my.yaml, line 1: genome.fasta is 'hg19.fa', which does not exist"),
        (
            "graph: {similarities: [{path: s.tsv}]}\n",
            "graph.similarities.0.path is 's.tsv', which does not exist",
        ),
        ("readout: {motifs: no.meme}\n", "readout.motifs is 'no.meme', which does not exist"),
        ("tissues: none.tsv\n", "none.tsv: the sheet of tissues does not exist"),
        ("genome: {fasta: results/simulation/genome.fa.gz}\n", "but it is switched off"),
        (SIMULATION + "splits: {test: [chr5]}\n", "'chr5', which the simulation does not make"),
        (SIMULATION + "splits: {test: [chr04]}\n", "'chr04', which the simulation does not make"),
    ],
)
def test_what_more_than_one_key_decides_is_checked(project_files, over: str, expected: str) -> None:
    project_files.write("my.yaml", over)
    with pytest.raises(UserError) as caught:
        load("my.yaml")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "cell_lines.tsv",
            "data/K562.csv",
            "data/none.csv",
            "line 2: the pairs file 'data/none.csv' of the cell",
        ),
        ("cell_lines.tsv", "data/K562.bed", "data/none.bed", "line 2: the promoters file 'data/none.bed'"),
        (
            "cell_lines.tsv",
            "\tskin",
            "\tbone",
            "line 3: the tissue 'bone' of the cell line 'IMR90' is not in",
        ),
        ("cell_lines.tsv", "\ttrain\t", "\tvalidation\t", "no cell line has the role 'train'"),
        ("cell_lines.tsv", "\tunseen\t", "\ttrain\t", "no cell line has the role 'unseen', but"),
        ("models/baseline.yaml", "small", "smal", "models/baseline.yaml: the encoder 'smal' has no file"),
        ("models/baseline.yaml", "environment: none", "enviroment: none", "line 2: unknown key 'enviroment'"),
        ("encoders/small.yaml", "8", "-8", "config/encoders/small.yaml, line 1: n_filters is -8"),
    ],
)
def test_sheets_models_and_encoders_are_checked(project_files, file, old, new, expected) -> None:
    project_files.edit(f"config/{file}", old, new)
    with pytest.raises(UserError, match=re.escape(expected)):
        load()


def test_a_value_from_the_command_line_counts(project_files) -> None:
    values = {"cell_lines": "config/cell_lines.tsv", "tissues": "config/tissues.tsv", "sede": 1}
    with pytest.raises(UserError, match="unknown key 'sede'"):
        load_project([CONFIG], values=values)


def test_files_of_the_simulation_need_not_exist_but_must_be_among_those_it_makes(project_files) -> None:
    project_files.write("my.yaml", SIMULATION + "genome: {fasta: results/simulation/genome.fa.gz}\n")
    project_files.edit("config/cell_lines.tsv", "data/K562.csv", "results/simulation/raw/K562/pairs.tsv.gz")
    project = load("my.yaml")
    directory = Path("results/simulation")
    assert [row.cell_line for row in simulated_lines(project.cell_lines, directory)] == ["K562"]
    project_files.edit("config/cell_lines.tsv", "raw/K562/pairs", "raw/K526/pairs")
    with pytest.raises(UserError, match="does not make 'results/simulation/raw/K526/pairs.tsv.gz'"):
        load("my.yaml")


def test_a_line_with_files_of_its_own_leaves_the_simulated_world_alone(project_files) -> None:
    project_files.edit("config/cell_lines.tsv", "data/K562.csv", "results/simulation/raw/K562/pairs.tsv.gz")
    project_files.write("my.yaml", SIMULATION)
    before = simulated_lines(load("my.yaml").cell_lines, Path("results/simulation"))
    with (project_files.directory / "config/cell_lines.tsv").open("a") as sheet:
        sheet.write("mine\tblood\tunseen\tmale\tnormal\tdata/mine.csv\ttargetfinder\t.\t.\n")
    project_files.write("data/mine.csv", "")
    after = simulated_lines(load("my.yaml").cell_lines, Path("results/simulation"))
    assert [row.cell_line for row in after] == [row.cell_line for row in before] == ["K562"]


SIMILAR = """\
graph:
  similarities: [{path: data/K562.csv}]
  peak_overlaps:
    ctcf: {peaks: {K562: data/K562.bed, NHEK: data/NHEK.csv}, weight: 2.0, threshold: 0.5}
  expression_correlations:
    roadmap: {table: data/K562.csv, columns: {K562: E123}}
"""


def test_computed_similarities_are_tables_of_their_scope(project_files) -> None:
    project_files.write("my.yaml", SIMILAR)
    settings = load("my.yaml").graph_settings("training")
    assert [str(table.path) for table in settings.similarities] == [
        "data/K562.csv",
        "results/similarity/training/ctcf.tsv",
        "results/similarity/training/roadmap.tsv",
    ]
    assert (settings.similarities[1].weight, settings.similarities[1].threshold) == (2.0, 0.5)
    assert not settings.peak_overlaps
    assert not settings.expression_correlations


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "NHEK:",
            "NHKE:",
            "my.yaml, line 4: graph.peak_overlaps.ctcf.peaks names 'NHKE', which is not a cell l",
        ),
        ("{K562: E123}", "{K526: E123}", "graph.expression_correlations.roadmap.columns names 'K526'"),
        (
            "data/NHEK.csv}",
            "data/none}",
            "graph.peak_overlaps.ctcf.peaks.NHEK is 'data/none', which does not",
        ),
        (
            "table: data/K562.csv",
            "table: none",
            "expression_correlations.roadmap.table is 'none', which does",
        ),
        ("roadmap", "ctcf", "'ctcf' names a table of peaks and one of expression"),
        ("weight", "wieght", "unknown key 'graph.peak_overlaps.ctcf.wieght' (did you mean 'weight'?)"),
    ],
)
def test_mistakes_in_computed_similarities(project_files, old: str, new: str, message: str) -> None:
    assert SIMILAR.count(old) == 1
    project_files.write("my.yaml", SIMILAR.replace(old, new))
    with pytest.raises(UserError, match=re.escape(message)):
        load("my.yaml")


def test_the_configuration_of_a_set_without_negatives_has_them_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[3])
    labels = load("config/enhanceratlas_hg19.yaml").config.labels
    assert (labels.negatives, labels.negatives_per_positive, labels.seed) == ("distance_matched", None, 1)
    assert load().config.labels.negatives == "given"
