"""The section `lift_over`: what it makes counts as there, and every mistake in it is one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.commands.inputs import check_inputs
from cbat.config.lifted import lift_inputs, lifted_files
from cbat.config.project import load_project
from cbat.errors import UserError

OUTPUT = "resources/lifted/K562.bed"
LIFT = f"lift_over:\n  {OUTPUT}:\n    chain: my.chain\n    from: data/old.bed\n"
FILES = ["config/config.yaml", "my.yaml"]


@pytest.fixture
def files(project_files):
    """A sound project with a candidate file that is lifted."""
    project_files.write("my.chain", "")
    project_files.write("data/old.bed", "")
    project_files.write("my.yaml", LIFT)
    project_files.edit("config/cell_lines.tsv", "data/K562.bed", OUTPUT)
    return project_files


def test_a_lifted_file_need_not_be_there(files) -> None:
    project = load_project(FILES)
    (lift,) = lifted_files(project.config).values()
    assert (lift.chain, lift.from_) == (Path("my.chain"), Path("data/old.bed"))
    assert [path for _, path in lift_inputs(project.config)] == [Path("my.chain"), Path("data/old.bed")]
    assert Path(OUTPUT) in project.files()
    files.write("my.yaml", "")
    with pytest.raises(UserError, match=f"{OUTPUT}' of the cell line 'K562' does not exist"):
        load_project(FILES)


def test_genes_and_tracks_of_a_prediction_may_be_lifted(files) -> None:
    prediction = f"{{enhancers: data/K562.bed, genes: {OUTPUT}, tracks: {{insulators: {OUTPUT}}}}}"
    files.write("my.yaml", f"{LIFT}landscape: {{genes: {OUTPUT}}}\npredictions: {{mine: {prediction}}}\n")
    assert load_project(FILES).config.landscape.genes == Path(OUTPUT)


def test_files_to_lift_may_be_fetched(files) -> None:
    shipped = Path(__file__).resolve().parents[3] / "resources" / "sources.tsv"
    files.write("resources/sources.tsv", shipped.read_text())
    files.edit("my.yaml", "my.chain", "resources/downloads/hg19ToHg38.over.chain.gz")
    load_project(FILES)
    files.edit("my.yaml", "hg19ToHg38", "hg19ToHg39")
    with pytest.raises(UserError, match="no source has the file 'hg19ToHg39.over.chain.gz' .did you mean"):
        load_project(FILES)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("my.chain", "no.chain", "line 3: chain of lift_over.*is 'no.chain', which does not exist"),
        ("data/old.bed", "data", "line 4: from of lift_over.*is 'data', which is a directory"),
        ("data/old.bed", OUTPUT, "line 4: lift_over makes the file .* and takes it as from of"),
        ("my.chain", f"./{OUTPUT}", "line 3: lift_over makes the file .* and takes it as chain of"),
        (OUTPUT, "results/tracks/K562.parquet", "line 2: .*but results is for what stages write"),
        (OUTPUT, "resources/downloads/a.bed", "line 2: .*but resources/downloads is for published files"),
        ("chain:", "chains:", "line 3: unknown key .* the keys of .* are: chain, from"),
        ("    from: data/old.bed\n", "", "line 2: the key .*from' is missing"),
        (
            "lift_over:\n",
            f"lift_over:\n  ./{OUTPUT}: {{chain: my.chain, from: data/old.bed}}\n",
            f"line 3: lift_over makes the file '{OUTPUT}' twice: it is also './{OUTPUT}'",
        ),
    ],
)
def test_a_mistake_is_one_message(files, old: str, new: str, message: str) -> None:
    files.edit("my.yaml", old, new)
    with pytest.raises(UserError, match=message) as caught:
        load_project(FILES)
    assert str(caught.value).startswith("my.yaml, line ")


def test_checking_inputs_asks_for_lifted_files_first(files) -> None:
    with pytest.raises(UserError) as caught:
        check_inputs(FILES)
    assert str(caught.value) == (
        f"my.yaml: '{OUTPUT}' has not been lifted from another assembly yet. Fix: run this, which takes "
        f"seconds, and check again: snakemake --cores 1 --configfile my.yaml -- {OUTPUT}."
    )
