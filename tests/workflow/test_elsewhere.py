"""The workflow runs in any working directory, and as a module of another workflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

MODULE = """
configfile: "mine.yaml"
module cbat:
    snakefile: "{code}/Snakefile"
    config: {config}
use rule * from cbat as cbat_*
"""


@pytest.fixture
def elsewhere(checkout):
    """A working directory without a configuration."""
    for name in ("config", "resources"):
        shutil.rmtree(checkout.directory / name)
    return checkout


def as_module(checkout, config: str, mine: str, *arguments: str):
    """A dry run of a workflow that has this one as a module."""
    code = checkout.code
    (checkout.directory / "Snakefile").write_text(MODULE.format(code=code, config=config))
    (checkout.directory / "mine.yaml").write_text(mine)
    checkout.code = checkout.directory
    return checkout.snakemake("-n", *arguments)


def test_a_working_directory_without_a_configuration_has_that_of_the_workflow(elsewhere) -> None:
    done = elsewhere.snakemake("-n", "--quiet", "host")
    assert done.returncode == 0, done.stdout
    assert "train_model" in done.stdout
    assert "simulate_benchmark" in done.stdout


def test_own_files_count_before_those_that_ship(elsewhere) -> None:
    own = elsewhere.directory / "config" / "models"
    own.mkdir(parents=True)
    shutil.copyfile(elsewhere.code / "config" / "models" / "baseline.yaml", own / "mine.yaml")
    (own / "graph_manifold.yaml").write_text("no_such_key: 1\n")
    models = "models=[mine,graph_manifold]"
    done = elsewhere.snakemake("-n", "--config", models, "baseline=mine")
    assert done.returncode == 1
    assert "config/models/graph_manifold.yaml, line 1: unknown key 'no_such_key'" in done.stdout
    (own / "graph_manifold.yaml").unlink()
    assert "wildcards: model=mine" in elsewhere.snakemake("-n", "--config", models, "baseline=mine").stdout


@pytest.mark.parametrize(
    ("config", "mine"),
    [
        ("config", "my_project: ours\nseeds: [7]\n"),
        ("config['cbat']", "my_project: ours\ncbat: {seeds: [7]}\n"),
    ],
)
def test_as_a_module_with_a_prefix_and_other_keys_beside(elsewhere, config: str, mine: str) -> None:
    done = as_module(elsewhere, config, mine, "cbat_all")
    assert done.returncode == 0, done.stdout
    assert "rule cbat_train_model" in done.stdout
    assert "seed=7" in done.stdout


@pytest.mark.parametrize(
    ("config", "mine", "said"),
    [
        ("config", "sede: [7]\n", "has the key 'sede' (did you mean 'seeds'?)"),
        ("config", "seeds: 7\n", "mine.yaml, line 1: seeds is 7; it should be a valid list"),
        ("config['cbat']", "cbat: {seeds: 7}\n", "configuration of the module: seeds is 7; it should be"),
    ],
)
def test_mistakes_in_the_configuration_of_a_module(elsewhere, config: str, mine: str, said: str) -> None:
    done = as_module(elsewhere, config, mine, "cbat_all")
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("target", "section"), [("predict", "predictions"), ("ship", "shipped_model")])
def test_a_target_without_its_section_is_no_success(checkout, target: str, section: str) -> None:
    done = checkout.snakemake("--cores", "1", target)
    assert done.returncode == 1
    assert f"The configuration has no section '{section}', so there is nothing to make. Fix:" in done.stdout
    assert "Traceback" not in done.stdout
    assert not Path(checkout.directory / "results").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "models=baseline",
            "--config: models is 'baseline'; it should be a valid list. Fix: write",
        ),
        ("full_model=base", "--config: full_model is 'base', which is not among the models to run"),
        ("seeds=[1,x]", "--config: seeds.1 is 'x'; it should be a valid integer"),
    ],
)
def test_what_the_command_line_sets_is_blamed_on_it(checkout, given: str, said: str) -> None:
    done = checkout.snakemake("-n", "--config", given)
    assert done.returncode == 1
    assert said in done.stdout
