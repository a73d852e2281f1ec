"""Worlds of a benchmark: what they inherit, and messages that name the line inside a world."""

from __future__ import annotations

import pytest
import yaml

from cbat.config.project import load_project
from cbat.config.sheets import read_cell_lines
from cbat.config.worlds import sheet_of_world, world_values
from cbat.errors import UserError

FILE = "config/benchmark.yaml"
SOUND = """\
simulation: {seed: 5, n_chromosomes: 4}
evaluation: {n_bootstrap: 7}
worlds:
  alone: {}
  other:
    simulation: {tissue_correlation: 0.9}
    models: [baseline, graph_manifold, further]
    seeds: [1, 2]
    evaluation: {roles: [seen, unseen]}
"""


@pytest.fixture
def load(project_files):
    project_files.write("config/models/further.yaml", "encoder: small\n")

    def load(text: str):
        project_files.write(FILE, text)
        return load_project(["config/config.yaml", FILE])

    return load


def test_a_world_is_the_configuration_with_its_keys_laid_over(load) -> None:
    project = load(SOUND)
    assert list(project.worlds) == ["alone", "other"]
    alone, other = (project.worlds[name].project for name in ("alone", "other"))
    assert alone.config == project.config.model_copy(update={"worlds": None})
    assert other.config.simulation.seed == 5
    assert other.config.simulation.tissue_correlation == 0.9
    assert other.config.evaluation.n_bootstrap == 7
    assert other.evaluated() == ["K562", "IMR90", "NHEK"]
    assert list(other.models) == ["baseline", "graph_manifold", "further"]
    assert "further" not in project.models
    assert not other.worlds


def test_a_world_has_no_worlds_even_over_a_file_that_has_some(load) -> None:
    values = world_values(yaml.safe_load(SOUND), "other")
    assert values["worlds"] is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tissue_correlation", "tissue_corelation", "line 6: unknown key 'worlds.other.simulation.tiss"),
        ("models: [baseline", "modles: [baseline", "line 7: unknown key 'worlds.other.modles' (did you mea"),
        ("further]", "absent]", "line 7: the model 'absent' has no file config/models/absent.yaml"),
        ("seeds: [1, 2]", "seeds: [1, 1]", "line 8: seeds names 1 twice"),
        ("models: [baseline, ", "models: [", "baseline is 'baseline', which is not among the models to run"),
        ("n_chromosomes: 4", "n_chromosomes: 3", "splits.test names 'chr4', which the simul"),
        ("0.9}", "0.9, n_chromosomes: 3}", "splits.test names 'chr4', which the simul"),
        ("alone: {}", "a/b: {}", "worlds"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_world_is_told_with_its_line(load, old: str, new: str, message: str) -> None:
    assert old in SOUND
    with pytest.raises(UserError) as error:
        load(SOUND.replace(old, new))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("worlds: {}\n", "worlds names no world"),
        ("worlds: {one: {}}\n", "worlds.one does not say which lines are unseen"),
        ("worlds: {one: {unseen: []}}\n", "worlds.one.unseen is an empty list"),
        ("worlds: {one: {unseen: [NHEK, NHEK]}}\n", "worlds.one.unseen names 'NHEK' twice"),
        (
            "worlds: {one: {unseen: [NHKE]}}\n",
            "names 'NHKE', which is not a cell line of the sheet with pairs .did you mean",
        ),
        ("worlds: {one: {unseen: [K562], simulation: {seed: 2}}}\n", "simulation, which is switched off"),
        ("worlds: {one: {unseen: [K562, IMR90, NHEK]}}\n", "no cell line has the role 'train'"),
    ],
)
def test_worlds_of_real_files_differ_in_their_unseen_lines(load, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(text)


def test_the_shipped_benchmark_has_the_worlds_that_claims_are_about() -> None:
    from pathlib import Path

    from cbat.config.sections import Config
    from cbat.evaluation.benchmark_claims import claims
    from cbat.evaluation.benchmark_figures import Benchmark

    top = Path(__file__).resolve().parents[3]
    layers = [
        yaml.safe_load((top / "config" / name).read_text()) for name in ("config.yaml", "benchmark.yaml")
    ]
    config = Config.model_validate(layers[0] | layers[1])
    told = claims(config.full_model, config.baseline, config.evaluation.headline_support)
    assert {world for claim in told for world in claim.worlds} <= set(config.worlds)
    assert all(
        claim.measure(Benchmark({}, config.baseline, config.full_model, 256)) is None for claim in told
    )
    for world in config.worlds.values():
        assert {config.baseline, config.full_model} <= set(world.models or config.models)


def test_a_line_is_unseen_where_it_is_named_and_nowhere_else(load) -> None:
    project = load("worlds:\n  one: {unseen: [K562]}\n  two: {unseen: [NHEK, IMR90]}\n")
    assert project.names("unseen") == ["NHEK"], "the sheet itself says what it says"
    one, two = (project.worlds[name] for name in ("one", "two"))
    assert one.unseen == ("K562",)
    assert [row.role for row in one.project.cell_lines] == ["unseen", "validation", "train"]
    assert [row.role for row in two.project.cell_lines] == ["train", "unseen", "unseen"]
    assert one.project.evaluated() == ["K562"]
    assert "unseen" not in one.values, "it is no key of a configuration"


def test_a_sheet_without_unseen_lines_will_do_where_every_world_names_some(load, project_files) -> None:
    project_files.edit("config/cell_lines.tsv", "\tunseen\t", "\ttrain\t")
    assert load("worlds: {one: {unseen: [K562]}}\n").worlds["one"].project.evaluated() == ["K562"]


def test_the_sheet_of_a_world_changes_nothing_but_roles(project_files) -> None:
    text = "# mine\n\n" + (project_files.directory / "config" / "cell_lines.tsv").read_text()
    changed = sheet_of_world(text, ["K562"])
    project_files.write("config/cell_lines.tsv", changed)
    assert [row.role for row in read_cell_lines("config/cell_lines.tsv")] == ["unseen", "validation", "train"]
    assert changed.startswith("# mine\n\n")
    assert changed.replace("unseen", "train").replace("validation", "train") == text.replace(
        "unseen", "train"
    ).replace("validation", "train")


@pytest.mark.parametrize("name", ["targetfinder_hg19", "bengi_hg19"])
def test_the_shipped_folds_hold_out_every_line_once(name: str) -> None:
    from pathlib import Path

    top = Path(__file__).resolve().parents[3] / "config"
    folds = yaml.safe_load((top / name / "leave_one_line_out.yaml").read_text())["worlds"]
    sheets = list((top / name).glob("cell_lines*.tsv"))
    assert sheets
    for sheet in sheets:
        lines = [row.cell_line for row in read_cell_lines(sheet)]
        assert [fold["unseen"] for fold in folds.values()] == [[line] for line in lines]
        assert list(folds) == [f"without_{line}" for line in lines]
