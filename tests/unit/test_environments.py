"""One version of each package, wherever it is named: locks, conda environments, hooks, documents."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from cbat.config.closure import import_closure

TOP = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())
CONDA_FILES = [TOP / "environment.yml", *sorted((TOP / "workflow" / "envs").glob("*.yaml"))]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"]

CONDA_NAMES = {
    "matplotlib-base": "matplotlib",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "snakemake-minimal": "snakemake",
}
"""Conda's names of packages that have another name for pip."""

NOT_FROM_PIP = {"bedtools", "python"}
MODULES = {"pydantic": {"pydantic", "pydantic_core"}, "pyyaml": {"yaml"}, "scikit-learn": {"sklearn"}}
"""What is imported from packages that bring something else than a module of their name."""


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


RUNTIME = requirements(PROJECT["project"]["dependencies"])
EXTRAS = requirements(
    [one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra]
)
BUILD = requirements(PROJECT["dependency-groups"]["build"])


def locked(name: str) -> dict[str, Version]:
    """Package -> version."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (TOP / name).read_text(), flags=re.MULTILINE)
    return {canonicalize_name(package): Version(version) for package, version in pins}


def pinned() -> dict[str, Version]:
    """All that is pinned for pip: the locks, and torch by name."""
    (torch,) = RUNTIME["torch"].specifier
    assert torch.operator == "=="
    return locked("requirements-dev.lock") | {"torch": Version(torch.version)}


def modules_of(packages: set[str]) -> set[str]:
    """What code may import from these packages."""
    return set().union(*(MODULES.get(name, {name.replace("-", "_")}) for name in packages))


def conda_pins(path: Path) -> dict[str, str]:
    """Package -> version, as conda names them."""
    entries = [entry.split("=") for entry in yaml.safe_load(path.read_text())["dependencies"]]
    return dict(entries)


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", RUNTIME),
        ("requirements-dev.lock", RUNTIME | EXTRAS),
        ("requirements-build.lock", BUILD),
    ],
)
def test_a_lock_holds_all_that_the_package_asks_for(lock: str, wanted: dict[str, Requirement]) -> None:
    versions = locked(lock)
    for name, requirement in wanted.items():
        if name != "torch":
            assert requirement.specifier.contains(versions[name]), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_hashed_and_says_nothing_of_the_machine_it_was_made_on(lock: str) -> None:
    text = (TOP / lock).read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|index-url|find-links|trusted-host|file:|^-", text, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_chooses_a_build_of_torch(lock: str) -> None:
    assert not [name for name in locked(lock) if re.match(r"torch$|nvidia|triton|cuda", name)]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_locks_agree(lock: str) -> None:
    everything = locked("requirements-dev.lock")
    assert {name: everything[name] for name in locked(lock)} == locked(lock)


@pytest.mark.parametrize("path", CONDA_FILES, ids=lambda path: path.name)
def test_a_conda_environment_names_channels_and_pins_every_package_as_the_lock_does(path: Path) -> None:
    environment = yaml.safe_load(path.read_text())
    assert environment["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    assert all(re.fullmatch(r"[a-z0-9-]+=[0-9][0-9.]*", entry) for entry in environment["dependencies"])
    expected = pinned()
    for name, version in conda_pins(path).items():
        if name not in NOT_FROM_PIP:
            assert Version(version) == expected[canonicalize_name(CONDA_NAMES.get(name, name))], name


def test_the_conda_environments_agree_on_what_pip_does_not_have() -> None:
    for name in NOT_FROM_PIP:
        assert len({pins[name] for pins in map(conda_pins, CONDA_FILES) if name in pins}) == 1
    python = conda_pins(TOP / "environment.yml")["python"]
    assert Requirement(f"python{PROJECT['project']['requires-python']}").specifier.contains(python)


def test_the_conda_environment_of_the_workflow_holds_all_that_the_package_needs() -> None:
    names = {CONDA_NAMES.get(name, name) for name in conda_pins(TOP / "environment.yml")}
    assert names == RUNTIME.keys() | NOT_FROM_PIP


def rules() -> list[tuple[str, list[str], str]]:
    """Name, modules and conda environment of each rule that has all three."""
    found = []
    for path in sorted((TOP / "workflow" / "rules").glob("*.smk")):
        for block in re.split(r"^ *rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            code = re.search(r"code=code\(([^)]*)\)", block)
            conda = re.search(r"^ *conda:\s+(\S+)", block, flags=re.MULTILINE)
            if code and conda:
                found.append((block.partition(":")[0], re.findall(r'"([\w.]+)"', code[1]), conda[1]))
    return found


@cache
def imported_by(path: Path) -> frozenset[str]:
    """Top-level names of what a file imports anywhere."""
    nodes = [*ast.walk(ast.parse(path.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return frozenset(name.partition(".")[0] for name in names)


def third_party_imports(paths: set[Path]) -> set[str]:
    """Top-level names of packages that these files import anywhere."""
    names = set().union(*(imported_by(path) for path in paths if path.suffix == ".py"))
    return names - sys.stdlib_module_names - {"cbat"}


@pytest.mark.parametrize(
    ("rule", "modules", "conda"), rules(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_conda_environment_of_a_rule_holds_what_its_code_imports(
    rule: str, modules: list[str], conda: str
) -> None:
    envs = TOP / "workflow" / "envs"
    files = [envs / Path(conda.strip("\"'")).name] if "yaml" in conda else sorted(envs.glob("train-*.yaml"))
    # Every verb reads its settings.
    code = {path for module in modules for path in import_closure(module)}
    code |= set((TOP / "src" / "cbat" / "config").glob("*.py")) | {TOP / "src" / "cbat" / "cli.py"}
    for file in files:
        names = {CONDA_NAMES.get(name, name) for name in conda_pins(file)}
        assert third_party_imports(code) <= modules_of(names), f"{rule} in {file.name}"


def test_every_imported_package_is_declared() -> None:
    optional = requirements(PROJECT["project"]["optional-dependencies"]["tensorboard"])
    imported = third_party_imports(set((TOP / "src").rglob("*.py")))
    assert imported <= modules_of(RUNTIME.keys() | optional.keys())


def test_the_document_of_dependencies_names_each_one_and_no_other() -> None:
    text = (TOP / "docs" / "development" / "dependencies.md").read_text()
    rows = re.findall(r"^\| (?!Dependency|Lock)([\w-]+) \| \S", text, flags=re.MULTILINE)
    named = [canonicalize_name(row) for row in rows if row != "bedtools"]
    assert len(named) == len(set(named))
    assert set(named) == RUNTIME.keys() | EXTRAS.keys() | BUILD.keys()


def test_the_hooks_run_the_versions_of_the_lock() -> None:
    hooks = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())["repos"]
    revisions = {
        repo["repo"].rpartition("/")[2].removesuffix("-pre-commit"): repo["rev"]
        for repo in hooks
        if "rev" in repo
    }
    assert revisions.keys() == {"ruff", "snakefmt"}
    for tool, revision in revisions.items():
        assert Version(revision) == pinned()[tool]
    local = {hook["id"]: hook["entry"] for repo in hooks if repo["repo"] == "local" for hook in repo["hooks"]}
    assert all(entry.startswith(".venv/bin/") for entry in local.values())


def test_the_version_is_the_same_in_the_package_and_its_citation() -> None:
    from cbat import __version__

    assert str(yaml.safe_load((TOP / "CITATION.cff").read_text())["version"]) == __version__
