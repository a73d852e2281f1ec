"""YAML files that remember on which line each key stands."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cbat.errors import UserError

KeyPath = tuple[str | int, ...]
"""Keys from the outside in; an integer is a position in a list."""


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML file.

    Attributes
    ----------
    path : Path
        As the user wrote it, for messages.
    values : dict
        Its content.
    lines : dict
        Line of every key, counted from 1; None for what stands in no file.
    """

    path: Path
    values: dict[str, Any]
    lines: Mapping[KeyPath, int | None]

    def line_of(self, key: KeyPath) -> int | None:
        """Line of the key, or of the innermost of its parents that the file holds; `None` without any."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key) if key else None


def read_yaml(path: str | Path) -> YamlFile:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    UserError
        A missing or unreadable file, a syntax error, a key given twice, or another top level.
    """
    path = Path(path)
    shown = shorten(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(
            "the file does not exist", mend="create it, or correct its path", file=shown
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the file cannot be read ({error})",
            mend="make it readable, and save it as UTF-8 text",
            file=shown,
        ) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(
            f"this is not YAML: {error.problem or error.context}",
            mend="check indentation, colons and quotes there",
            file=shown,
            where=f"line {mark.line + 1}" if mark else None,
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(
            f"this is not YAML: {' '.join(str(error).split())}",
            mend="take out what is named there, and save the file as UTF-8 text",
            file=shown,
        ) from error
    if values is None:
        return YamlFile(shown, {}, {})
    if not isinstance(values, dict):
        raise UserError(
            "the file does not hold keys and values", mend="write lines such as 'seeds: [1]'", file=shown
        )
    lines: dict[KeyPath, int] = {}
    _collect_lines(root, (), lines, shown)
    return YamlFile(shown, values, lines)


def merge(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay mappings over each other, key by key; lists and single values are replaced as a whole.

    This is how Snakemake merges the files after ``--configfile``.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = merged.get(key)
            if isinstance(value, Mapping):
                merged[key] = merge([below if isinstance(below, Mapping) else {}, value])
            else:
                merged[key] = value
    return merged


def laid_over(values: Mapping[str, Any], files: Sequence[YamlFile], whose: str) -> list[YamlFile]:
    """The files, and last what else has a say: the keys whose values are not those of the files.

    Parameters
    ----------
    values : mapping
        The merged values.
    files : sequence of YamlFile
        The later over the earlier.
    whose : str
        What else has a say, for messages, such as ``--config``.
    """
    different = dict.fromkeys(_differences(values, merge(file.values for file in files), ()))
    return [*files, YamlFile(Path(whose), dict(values), different)] if different else [*files]


def _differences(values: Mapping[str, Any], others: Mapping[str, Any], key: KeyPath) -> Iterator[KeyPath]:
    for name, value in values.items():
        other = others.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            yield from _differences(value, other, (*key, name))
        elif name not in others or value != other:
            yield from _keys_below(value, (*key, name))


def _keys_below(value: Any, key: KeyPath) -> Iterator[KeyPath]:
    yield key
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _keys_below(inner, (*key, name))
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from _keys_below(inner, (*key, position))


def find_key(files: Sequence[YamlFile], key: KeyPath) -> tuple[Path | None, int | None]:
    """The last file that sets the key (or the innermost of its parents that any file sets), and the line."""
    while key:
        for file in reversed(files):
            if key in file.lines:
                return file.path, file.lines[key]
        key = key[:-1]
    return (files[-1].path if files else None), None


def shorten(path: str | Path) -> Path:
    """The path relative to the working directory, when it lies inside it."""
    absolute = Path(path).absolute()
    working_directory = Path.cwd()
    return Path(os.path.relpath(absolute)) if absolute.is_relative_to(working_directory) else Path(path)


def _collect_lines(node: yaml.Node | None, key: KeyPath, lines: dict[KeyPath, int], path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            inner = (*key, str(key_node.value))
            line = key_node.start_mark.line + 1
            if inner in lines:
                raise UserError(
                    f"the key {'.'.join(map(str, inner))!r} is already in line {lines[inner]}",
                    mend="delete one of the two; only the last would count",
                    file=path,
                    where=f"line {line}",
                )
            lines[inner] = line
            _collect_lines(value_node, inner, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[(*key, position)] = item.start_mark.line + 1
            _collect_lines(item, (*key, position), lines, path)
