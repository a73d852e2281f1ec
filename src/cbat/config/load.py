"""From YAML, JSON or Snakemake's merged configuration to checked settings, with messages that help."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cbat.config.sections import Config, Section
from cbat.config.suggestions import did_you_mean
from cbat.config.yaml_files import KeyPath, YamlFile, find_key, merge, read_yaml
from cbat.errors import UserError
from cbat.faults import independent

SectionClass = TypeVar("SectionClass", bound=Section)

_MENDS = {
    "string_type": "write text; put quotes around a number that is meant as text",
    "list_type": "write a list, for example [1, 2]",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "path_type": "write the path of a file",
    "empty_path": "write the path of a file, or leave the key out",
}


_ROUNDS = 5
"""How often wrong keys are taken out, for those of an inner group show only then."""


def load_config(files: Sequence[str | Path]) -> tuple[Config, list[YamlFile]]:
    """Read configuration files, the later over the earlier, and check every key.

    Returns
    -------
    Config, list of YamlFile
        The settings, and the files for messages about them.

    Raises
    ------
    UserError
        One message for the first mistake: the file and line that hold it, and how to mend it.
    """
    layers = [read_yaml(file) for file in files]
    return parse_section(Config, merge(layer.values for layer in layers), layers), layers


def load_section(section_class: type[SectionClass], source: str | Path) -> SectionClass:
    """Settings from JSON text (``{...}``) or from the YAML file of that path."""
    text = str(source).strip()
    if not text.startswith("{"):
        layer = read_yaml(source)
        return parse_section(section_class, layer.values, [layer])
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"the settings are not JSON: {error}", mend="give JSON text or the path of a YAML file"
        ) from error
    return parse_section(section_class, values, [])


def parse_section(
    section_class: type[SectionClass], values: Mapping[str, Any], files: Sequence[YamlFile]
) -> SectionClass:
    """Check ``values`` against a section class.

    Parameters
    ----------
    section_class : class
    values : mapping
        What the files say together, plus what the command line set.
    files : sequence of YamlFile
        Where the values came from, the later over the earlier; a message names the file and the line.

    Raises
    ------
    UserError
        See :func:`load_config`.
    """
    try:
        return section_class.model_validate(values)
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling explains both.
        details = sorted(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
        if details[0]["type"] == "extra_forbidden":
            details = [one for one in details if one["type"] != "missing"]
        for one in details[:-1]:
            with independent():
                raise _explain(section_class, one, files) from error
        raise _explain(section_class, details[-1], files) from error


def sound_part(
    section_class: type[SectionClass], values: Mapping[str, Any]
) -> tuple[SectionClass | None, frozenset[str]]:
    """The settings without the keys that are wrong, which have their defaults then.

    Returns
    -------
    SectionClass or None
        None where the rest is not sound either.
    frozenset of str
        Top-level keys that something was taken out of.
    """
    rest = deepcopy(dict(values))
    changed: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            return section_class.model_validate(rest), frozenset(changed)
        except ValidationError as error:
            for key in sorted({tuple(one["loc"]) for one in error.errors()}, key=str, reverse=True):
                changed.add(str(key[0]))
                _take_out(rest, key)
    return None, frozenset(changed)


def _take_out(values: dict[str, Any], key: KeyPath) -> None:
    """Delete a key; where it is not there, or is one of a list, the group that it belongs to."""
    holder: Any = values
    last: tuple[dict[str, Any], str] | None = None
    for part in map(str, key):
        if not isinstance(holder, dict) or part not in holder:
            break
        last, holder = (holder, part), holder[part]
    if last is not None:
        last[0].pop(last[1])


def key_error(files: Sequence[YamlFile], key: KeyPath, problem: str, mend: str) -> UserError:
    """A `UserError` about the value of a key, naming the file and the line that set it."""
    path, line = find_key(files, key)
    return UserError(problem, mend=mend, file=path, where=None if line is None else f"line {line}")


def _explain(section_class: type[BaseModel], details: ErrorDetails, files: Sequence[YamlFile]) -> UserError:
    key: KeyPath = tuple(details["loc"])
    name = ".".join(str(part) for part in key)
    kind, value = details["type"], details["input"]
    shown = "empty" if value is None else repr(value)
    if kind == "extra_forbidden":
        fields = _section_at(section_class, key[:-1]).model_fields
        known = [field.alias or name for name, field in fields.items()]
        group = ".".join(str(part) for part in key[:-1])
        return key_error(
            files,
            key,
            f"unknown key {name!r}" + did_you_mean(str(key[-1]), known) + _elsewhere(section_class, key),
            f"rename or delete it; {f'the keys of {group}' if group else 'the top-level keys'} are: "
            + ", ".join(known),
        )
    if kind == "missing":
        return key_error(files, key, f"the key {name!r} is missing", f"add {name!r} with its value")
    if kind in ("model_type", "model_attributes_type"):
        return key_error(
            files,
            key,
            f"{name} is {shown}, which is not a group of keys",
            "write its keys indented below it",
        )
    if kind == "literal_error":
        choices = str(details["ctx"]["expected"])
        suggestion = did_you_mean(str(value), choices.replace("'", "").replace(" or ", ", ").split(", "))
        return key_error(files, key, f"{name} is {shown}{suggestion}", f"write one of: {choices}")
    said = _in_words(details["msg"])
    if kind == "list_type" and isinstance(value, (str, int, float)):
        return key_error(files, key, f"{name} is {shown}; {said}", f"write a list: [{value}]")
    bound = said.removeprefix("it should be ")
    mend = (
        f"write a number {bound}" if kind.startswith(("greater_than", "less_than")) else "correct the value"
    )
    return key_error(files, key, f"{name} is {shown}; {said}", _MENDS.get(kind, mend))


def _in_words(message: str) -> str:
    """What pydantic says of a value, as the second half of a sentence."""
    _, found, wanted = message.partition(" should ")
    if found:
        return f"it should {wanted.replace(' after validation', '')}"
    own = message.removeprefix("Value error, ")
    return f"it {own}" if own != message else message[0].lower() + message[1:]


def _elsewhere(section_class: type[BaseModel], key: KeyPath) -> str:
    """Point out the sections that do have a key of that name."""
    homes = [
        f"{field}.{key[-1]}"
        for field, info in section_class.model_fields.items()
        if (inner := inner_section(info.annotation)) is not None and str(key[-1]) in inner.model_fields
    ]
    return f" (there is {' and '.join(homes)})" if homes else ""


def _section_at(section_class: type[BaseModel], key: KeyPath) -> type[BaseModel]:
    is_name = False
    for part in key:
        if isinstance(part, str) and not is_name and part in section_class.model_fields:
            annotation = section_class.model_fields[part].annotation
            section_class = inner_section(annotation) or section_class
            # The keys of a mapping of sections are names that the user chose.
            is_name = is_mapping(annotation)
        else:
            is_name = False
    return section_class


def is_mapping(annotation: Any) -> bool:
    """Whether a field maps names that the user chose to sections or values."""
    if get_origin(annotation) is dict:
        return True
    return get_origin(annotation) in (Annotated, Union, UnionType) and any(
        is_mapping(argument) for argument in get_args(annotation)
    )


def inner_section(annotation: Any) -> type[BaseModel] | None:
    """The section class inside ``X``, ``X | None``, ``list[X]`` or ``dict[name, X]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType, list, dict):
        for argument in get_args(annotation):
            if (found := inner_section(argument)) is not None:
                return found
    return None
