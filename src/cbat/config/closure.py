"""Which source files of this package a module really runs.

Snakemake does not notice a change in a module that a shell command imports. Each rule therefore
declares the files of its stage's import closure as inputs: a change to the encoder trains anew, a
change to a figure does not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

PACKAGE: Final = "cbat"
PACKAGE_DIRECTORY: Final = Path(__file__).resolve().parent.parent

NOT_CODE_OF_A_STAGE: Final = ("cbat.cli", "cbat.commands", "cbat.config", "cbat.errors")
"""Packages that carry settings and messages to a stage. Their values reach the rule as parameters,
defaults included, so a new key or a better message must not run everything again."""


@lru_cache
def import_closure(module: str) -> tuple[Path, ...]:
    """Source files that importing and running a module may execute, within this package.

    Imports inside functions count; imports below ``if TYPE_CHECKING`` do not run and do not count.
    Data files beside a module (``*.json``, ``*.tsv``, ``*.txt``, ``*.yaml`` of its package) count too.

    Parameters
    ----------
    module : str
        Dotted name, for example ``cbat.data.elements``.

    Returns
    -------
    tuple of Path
        Sorted absolute paths.

    Raises
    ------
    ModuleNotFoundError
        The module, or one that it imports from this package, does not exist.
    """
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        # The top of the package holds nothing but the version.
        if name in found or name in ("", PACKAGE) or _is_left_out(name):
            continue
        found.add(name)
        waiting.extend(_imports(name))
        waiting.append(name.rpartition(".")[0])
    files = {_source(name) for name in found}
    files.update(path for name in found for path in _data_files(name))
    return tuple(sorted(files))


def _is_left_out(name: str) -> bool:
    return any(name == left or name.startswith(f"{left}.") for left in NOT_CODE_OF_A_STAGE)


def _source(module: str) -> Path:
    inside = PACKAGE_DIRECTORY.joinpath(*module.split(".")[1:])
    for path in (inside / "__init__.py", inside.with_suffix(".py")):
        if path.is_file():
            return path
    raise ModuleNotFoundError(f"no module named {module!r} in {PACKAGE_DIRECTORY}", name=module)


def _data_files(module: str) -> list[Path]:
    source = _source(module)
    if source.name != "__init__.py":
        return []
    return [path for ending in ("json", "tsv", "txt", "yaml") for path in source.parent.glob(f"*.{ending}")]


@lru_cache
def _imports(module: str) -> tuple[str, ...]:
    source = _source(module)
    tree = ast.parse(source.read_text(encoding="utf-8"), filename=str(source))
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    found: list[str] = []
    for node in _running_nodes(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            if base.split(".")[0] == PACKAGE:
                found.append(base)
                found += [name for alias in node.names if _is_module(name := f"{base}.{alias.name}")]
    return tuple(found)


def _running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the tree, leaving out what only a type checker executes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for other in child.orelse:
                yield other
                yield from _running_nodes(other)
            continue
        yield child
        yield from _running_nodes(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _is_module(name: str) -> bool:
    try:
        _source(name)
    except ModuleNotFoundError:
        return False
    return True
