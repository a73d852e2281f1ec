"""What the Snakemake workflow catalog is told is what it documents, and true of this workflow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.cli import get_argument_parser

TOP = Path(__file__).resolve().parents[2]
CATALOG: dict[str, Any] = yaml.safe_load((TOP / ".snakemake-workflow-catalog.yml").read_text())
RULES = {path.name: path.read_text() for path in sorted((TOP / "workflow").glob("**/*.smk"))}
DOCUMENTED = {
    "mandatory-flags": {"desc", "flags"},
    "software-stack-deployment": {"conda", "apptainer", "apptainer+conda", "report"},
}
"""Keys of ``usage`` on the catalog's page about adding workflows."""


def test_keys_are_those_that_the_catalog_documents() -> None:
    assert set(CATALOG) == {"usage"}
    assert {key: set(values) for key, values in CATALOG["usage"].items()} == DOCUMENTED
    assert all(isinstance(value, bool) for value in CATALOG["usage"]["software-stack-deployment"].values())


def test_what_standardised_usage_needs_is_there() -> None:
    assert (TOP / "workflow" / "Snakefile").is_file()
    assert (TOP / "config" / "README.md").is_file()
    readme = (TOP / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme


def test_the_flags_are_options_of_snakemake() -> None:
    flags = CATALOG["usage"]["mandatory-flags"]["flags"].split()
    asked = get_argument_parser().parse_args(flags)
    assert {str(method) for method in asked.software_deployment_method} == {"conda"}


def test_software_is_deployed_as_the_catalog_says() -> None:
    told = CATALOG["usage"]["software-stack-deployment"]
    text = "\n".join(RULES.values())
    assert told["conda"] is bool(re.search(r"^    conda:", text, re.MULTILINE))
    contained = bool(re.search(r"^\s*container(ized)?:", text, re.MULTILINE))
    assert told["apptainer"] is told["apptainer+conda"] is contained
    assert told["report"] is bool(re.search(r"\breport\(", text))


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in TOP.glob("profiles/*/config.yaml")))
def test_every_profile_is_described(folder: str) -> None:
    assert f"| `{folder}` |" in (TOP / "profiles" / "README.md").read_text()
