"""The workflow stops before one of its rules could delete or replace a file of the user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbat.commands.outputs import outputs_guarded
from cbat.config.project import load_project
from cbat.errors import UserError
from cbat.files import atomic_directory, write_json

CONFIG = "config/config.yaml"
SAID = "this file is an input, and it lies in {}/, where rules write and delete; none of them made it"


def refused(*more: str) -> UserError:
    with pytest.raises(UserError) as caught:
        load_project([CONFIG, *more])
    return caught.value


@pytest.mark.parametrize(
    ("place", "folder"),
    [
        ("results/labels/K562.csv", "results"),
        ("results/mine/K562.csv", "results"),
        ("./config/../results/K562.csv", "results"),
        ("worlds/one/K562.csv", "worlds"),
        ("logs/K562.csv", "logs"),
    ],
)
def test_a_file_of_the_sheet_in_a_folder_of_the_workflow(project_files, place: str, folder: str) -> None:
    project_files.write(place, "mine\n")
    project_files.edit("config/cell_lines.tsv", "data/K562.csv", place)
    error = refused()
    assert (error.problem, error.file) == (SAID.format(folder), Path(place))


@pytest.mark.parametrize("way", ["link to the file", "link to the folder", "results on another disk"])
def test_links_do_not_hide_where_a_file_lies(project_files, way: str) -> None:
    if way == "results on another disk":
        Path("scratch").mkdir()
        Path("results").symlink_to("scratch")
        project_files.write("scratch/K562.csv", "mine\n")
        named = "scratch/K562.csv"
    else:
        project_files.write("results/labels/K562.csv", "mine\n")
        named = "mine.csv" if way == "link to the file" else "mine/K562.csv"
        Path("mine.csv").symlink_to("results/labels/K562.csv")
        Path("mine").symlink_to("results/labels")
    project_files.edit("config/cell_lines.tsv", "data/K562.csv", named)
    assert refused().problem == SAID.format("results")


@pytest.mark.parametrize(
    "more",
    [
        "genome: {fasta: results/x}\n",
        "genome: {fasta: genome.fa, contig_names: results/x}\n",
        "landscape: {genes: results/x}\n",
        "landscape: {genes: genome.fa, promoter_classes: results/x}\n",
        "graph: {similarities: [{path: results/x}]}\n",
        "graph: {expression_correlations: {one: {table: results/x, columns: {K562: a, NHEK: b}}}}\n",
        "readout: {motifs: results/x}\n",
        "evaluation: {peers: {other: results/x}}\n",
        "lift_over: {lifted.bed: {chain: results/x, from: genome.fa}}\n",
        "landscape: {genes: genome.fa}\npredictions: {mine: {enhancers: results/x, genes: genome.fa}}\n",
        "tissues: results/tissues.tsv\n",
    ],
)
def test_every_key_that_names_a_file(project_files, more: str) -> None:
    project_files.write("results/x", "mine\n")
    project_files.write("results/tissues.tsv", Path("config/tissues.tsv").read_text())
    project_files.write("my.yaml", more)
    assert refused("my.yaml").problem == SAID.format("results")


def test_what_a_rule_made_may_be_an_input(project_files) -> None:
    """The model directory of this folder, or a table that another configuration made here."""
    with outputs_guarded("plot_balance", {"output": Path("results/labels/K562.csv")}):
        write_json("results/labels/K562.csv", "")
    project_files.edit("config/cell_lines.tsv", "data/K562.csv", "results/labels/K562.csv")
    load_project([CONFIG])
    package = Path("results/packages/mine")
    with outputs_guarded("package_model", {"directory": package}), atomic_directory(package) as temporary:
        for name in ("model.json", "MODEL_CARD.md", "SHA256SUMS", "model.safetensors"):
            (temporary / name).touch()
    mine = f"predictions: {{mine: {{model_directory: {package}, enhancers: genome.fa}}}}\n"
    project_files.write("my.yaml", mine)
    load_project([CONFIG, "my.yaml"])
    (package / "model.json").rename("elsewhere")
    os.unlink(package / ".cbat_written.json")
    Path("elsewhere").rename(package / "model.json")
    assert refused("my.yaml").problem == SAID.format("results")


@pytest.mark.parametrize("name", ["lifted.bed", "lifted.bed.json"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_in_the_place_of_a_lifted_one(project_files, name: str, linked: bool) -> None:
    project_files.write("my.yaml", "lift_over: {lifted.bed: {chain: genome.fa, from: data/K562.bed}}\n")
    load_project([CONFIG, "my.yaml"])
    Path(name).symlink_to("data/K562.bed") if linked else project_files.write(name, "mine\n")
    error = refused("my.yaml")
    assert "lift_over would overwrite this file, which it did not make" in error.problem
    assert error.file == Path(name)
    Path(name).unlink()
    with outputs_guarded("lift_over", {"output": Path("lifted.bed")}):
        write_json("lifted.bed", "")
        write_json("lifted.bed.json", "")
    load_project([CONFIG, "my.yaml"])
