"""Which source files of this package a module really runs, and what they say.

Snakemake does not notice a change in a module that a shell command imports. Each rule therefore has a
digest of its stage's import closure as a parameter: a change to the encoder trains anew, a change to a
figure does not, nor does one to a comment or a docstring. Names and contents count, times and places of
files do not, so a copy of the checkout is the same code.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = "cbat"
PACKAGE_DIRECTORY: Final = Path(__file__).resolve().parent.parent

NOT_CODE_OF_A_STAGE: Final = ("cbat.cli", "cbat.commands", "cbat.config", "cbat.errors")
"""Packages that carry settings and messages to a stage. Their values reach the rule as parameters,
defaults included, so a new key or a better message must not run everything again."""

_BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where a statement holds others; no expression imports anything."""


@cache
def import_closure(module: str) -> tuple[Path, ...]:
    """Source files that importing and running a module may execute, within this package.

    Imports inside functions count; imports below ``if TYPE_CHECKING`` do not run and do not count. Of
    :data:`NOT_CODE_OF_A_STAGE` only the module itself counts, if it is there. Data files beside a module
    (``*.json``, ``*.tsv``, ``*.txt``, ``*.yaml`` of its package) count too.

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
        if name in found or name in ("", PACKAGE) or (_is_left_out(name) and name != module):
            continue
        found.add(name)
        waiting.extend(_parsed(_source(name)).imports)
        waiting.append(name.rpartition(".")[0])
    files = {_source(name) for name in found}
    files.update(path for name in found for path in _data_files(name))
    return tuple(sorted(files))


@cache
def code_digest(*modules: str) -> str:
    """What the import closures of some modules say, in one number.

    Of a Python file its syntax tree counts, without comments, docstrings and layout; of another file every
    byte.

    Returns
    -------
    str
        Hexadecimal SHA-256.

    Raises
    ------
    ModuleNotFoundError
        One of the modules, or one that it imports from this package, does not exist.
    """
    return content_digest({path for module in modules for path in import_closure(module)}, PACKAGE_DIRECTORY)


def content_digest(paths: Iterable[Path], top: Path) -> str:
    """Names below ``top`` and contents of some files in one number, as :func:`code_digest`."""
    named = sorted((path.relative_to(top).as_posix(), _file_digest(path)) for path in paths)
    return hashlib.sha256(repr(named).encode()).hexdigest()


def _is_left_out(name: str) -> bool:
    return any(name == left or name.startswith(f"{left}.") for left in NOT_CODE_OF_A_STAGE)


def _source(module: str) -> Path:
    path = _found(module)
    if path is None:
        raise ModuleNotFoundError(f"no module named {module!r} in {PACKAGE_DIRECTORY}", name=module)
    return path


@cache
def _found(module: str) -> Path | None:
    """Source of a module of this package; None if there is none."""
    inside = PACKAGE_DIRECTORY.joinpath(*module.split(".")[1:])
    places = (inside / "__init__.py", inside.with_suffix(".py"))
    return next((path for path in places if path.is_file()), None)


def _data_files(module: str) -> list[Path]:
    source = _source(module)
    if source.name != "__init__.py":
        return []
    return [path for ending in ("json", "tsv", "txt", "yaml") for path in source.parent.glob(f"*.{ending}")]


class _Parsed(NamedTuple):
    digest: str
    imports: tuple[str, ...]


def _file_digest(path: Path) -> str:
    return _parsed(path).digest if path.suffix == ".py" else hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _parsed(source: Path) -> _Parsed:
    tree = ast.parse(source.read_text(encoding="utf-8"), filename=str(source))
    return _Parsed(hashlib.sha256(_canonical(tree).encode()).hexdigest(), tuple(_imports(tree, source)))


def _canonical(tree: ast.Module) -> str:
    """A syntax tree in one line, the same from every Python that reads the same code.

    ``ast.dump`` also prints what is empty, of which each Python has more, and ``ast.unparse`` puts quotes as
    each Python likes them.
    """
    words: list[str] = []
    _append_words(tree, words)
    return " ".join(words)


def _append_words(node: object, words: list[str]) -> None:
    if isinstance(node, ast.AST):
        words += (type(node).__name__, "(")
        for name in node._fields:
            value = getattr(node, name, None)
            # Whether a name is read or written is told by its place.
            if value is not None and value != [] and name != "ctx":
                words.append(name)
                _append_words(value, words)
        words.append(")")
    elif isinstance(node, list):
        words.append("[")
        for one in node:
            if not _is_text_alone(one):
                _append_words(one, words)
        words.append("]")
    else:
        words.append(repr(node))


def _is_text_alone(node: object) -> bool:
    """Whether a statement is a docstring: nobody reads one while a stage runs."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imports(tree: ast.Module, source: Path) -> Iterator[str]:
    """Modules of this package that a file imports."""
    inside = source.relative_to(PACKAGE_DIRECTORY).parent
    package = ".".join([PACKAGE, *inside.parts])
    for node in _running_statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            if base.split(".")[0] == PACKAGE:
                yield base
                yield from (name for alias in node.names if _found(name := f"{base}.{alias.name}"))


def _running_statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements of a tree, at any depth, but not what only a type checker executes."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        typed = isinstance(node, ast.If) and _is_type_checking(node.test)
        for name in ("orelse",) if typed else _BLOCKS:
            waiting.extend(getattr(node, name, ()))


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)
