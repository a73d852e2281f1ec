"""The tables of keys and columns in ``config/README.md``, generated from the classes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cbat.config.load import inner_section, is_mapping
from cbat.config.models import EncoderSettings, ModelSettings
from cbat.config.sections import Config, LiftSettings, Section, WorldSettings
from cbat.config.sheets import CellLine, Tissue, sheet_columns
from cbat.errors import UserError
from cbat.files import atomic_file

_CHOSEN: Final[dict[type[BaseModel], str]] = {LiftSettings: "output"}
"""What a user chooses as key of a section, where it is no name."""
_BLOCK: Final = re.compile(r"(<!-- generated: (?P<name>[\w.]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def build_tables() -> dict[str, str]:
    """Markdown of each generated block, by the name in its marker."""
    return {
        "config": _key_table(Config),
        "model": _key_table(ModelSettings),
        "encoder": _key_table(EncoderSettings),
        "cell_lines": _column_table(CellLine),
        "tissues": _column_table(Tissue),
    }


def fill_tables(
    text: str, tables: Mapping[str, str] | None = None, *, file: str | Path = "the document"
) -> str:
    """Replace what stands between ``<!-- generated: NAME -->`` and ``<!-- end -->`` by the tables.

    Parameters
    ----------
    text : str
    tables : mapping, optional
        Name -> Markdown; those of :func:`build_tables` by default.
    file : str or Path
        Where the text is from, for messages.

    Raises
    ------
    UserError
        A table without a marker, or a marker without a table.
    """
    tables = build_tables() if tables is None else tables
    marked = [match["name"] for match in _BLOCK.finditer(text)]
    if sorted(marked) != sorted(tables):
        raise UserError(
            f"the markers are for {sorted(marked)}, the tables are {sorted(tables)}",
            mend="write '<!-- generated: NAME -->' and '<!-- end -->' once for each table",
            file=file,
        )
    return _BLOCK.sub(lambda match: f"{match[1]}{tables[match['name']]}{match[3]}", text)


def write_tables(path: str | Path, tables: Mapping[str, str] | None = None) -> None:
    """Bring the tables of a document up to date; see :func:`fill_tables`."""
    path = Path(path)
    text = fill_tables(path.read_text(encoding="utf-8"), tables, file=path)
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _key_table(section_class: type[Section]) -> str:
    lines = ["| Key | Value | Default | Meaning |", "|---|---|---|---|"]
    for name, field, schema in _walk(section_class):
        lines.append(f"| `{name}` | {_values(schema)} | {_default(field)} | {_cell(field.description)} |")
    return "\n".join(lines) + "\n"


def _column_table(row_class: type[CellLine | Tissue]) -> str:
    lines = ["| Column | Value | Meaning |", "|---|---|---|"]
    properties = row_class.model_json_schema()["properties"]
    for name in sheet_columns(row_class):
        description = _cell(row_class.model_fields[name].description)
        lines.append(f"| `{name}` | {_values(properties[name], '.')} | {description} |")
    return "\n".join(lines) + "\n"


def _walk(
    section_class: type[BaseModel], prefix: str = ""
) -> Iterator[tuple[str, FieldInfo, dict[str, Any]]]:
    """Every key that holds a value, with the field and the JSON schema behind it."""
    schema = section_class.model_json_schema()
    for attribute, field in section_class.model_fields.items():
        name, inner = field.alias or attribute, inner_section(field.annotation)
        if inner is None:
            yield prefix + name, field, schema["properties"][name]
            continue
        if field.description and not is_mapping(field.annotation) and _may_be_null(schema, name):
            yield prefix + name, field, schema["properties"][name]
        if issubclass(inner, WorldSettings):
            # Its groups are those of the configuration; their keys stand in this table already.
            for key, inner_field in inner.model_fields.items():
                yield f"{name}.<world>.{key}", inner_field, inner.model_json_schema()["properties"][key]
            continue
        if is_mapping(field.annotation):
            yield from _walk(inner, f"{prefix}{name}.<{_CHOSEN.get(inner, 'name')}>.")
            continue
        is_list = schema["properties"][name].get("type") == "array"
        yield from _walk(inner, f"{prefix}{name}[]." if is_list else f"{prefix}{name}.")


def _may_be_null(schema: dict[str, Any], name: str) -> bool:
    """Whether a group of keys may be left out as a whole."""
    return {"type": "null"} in schema["properties"][name].get("anyOf", ())


def _values(schema: dict[str, Any], nothing: str = "null") -> str:
    """The values that a JSON schema admits, in words; ``nothing`` is how an empty value is written."""
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "$ref" in schema:
        return "group of keys"
    if "anyOf" in schema:
        return " or ".join(_values(choice, nothing) for choice in schema["anyOf"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_values(schema['items'], nothing)}"
    if kind == "string":
        return "path" if schema.get("format") == "path" else "text"
    if kind == "object":
        (inner,) = schema["patternProperties"].values()
        return f"{_values(inner, nothing)} by name"
    if kind == "null":
        return f"`{nothing}`"
    words = {"integer": "integer", "number": "number", "boolean": "`true`, `false`"}[str(kind)]
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]
    return f"{words} {', '.join(bounds)}".strip()


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required" if field.default_factory is None else "`{}`"
    text = json.dumps(field.default, ensure_ascii=False, default=str)
    return f"`{text}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
