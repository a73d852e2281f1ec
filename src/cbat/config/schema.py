"""JSON schemas of the configuration and the sheets, generated from their classes.

Every level is closed (``additionalProperties: false``). Editors use the files for completion; the
workflow itself checks against the classes, whose messages say more.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from cbat.config.models import EncoderSettings, ModelSettings
from cbat.config.sections import Config, Section
from cbat.config.sheets import CellLine, Tissue, required_columns, sheet_columns
from cbat.files import atomic_file

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

NUMBER: Final = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
"""A number as a sheet holds it: text."""


def build_schemas() -> dict[str, dict[str, Any]]:
    """All schemas, by the stem of their file name."""
    return {
        "config": _schema(Config),
        "model": _schema(ModelSettings),
        "encoder": _schema(EncoderSettings),
        "cell_lines": _row_schema(CellLine),
        "tissues": _row_schema(Tissue),
    }


def write_schemas(directory: str | Path) -> None:
    """Write ``<name>.schema.json`` for each schema."""
    for name, schema in build_schemas().items():
        with atomic_file(Path(directory) / f"{name}.schema.json") as temporary:
            temporary.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


def _schema(section_class: type[Section]) -> dict[str, Any]:
    return {"$schema": DIALECT, **section_class.model_json_schema()}


def _row_schema(row_class: type[CellLine | Tissue]) -> dict[str, Any]:
    """A row as it stands in the sheet: text in every column."""
    schema = _schema(row_class)
    columns = sheet_columns(row_class)
    schema["properties"] = {column: _text(schema["properties"][column]) for column in columns}
    schema["required"] = list(required_columns(row_class))
    return schema


def _text(column: dict[str, Any]) -> dict[str, Any]:
    """A column that may be empty holds ``.`` there, not null."""
    if "anyOf" not in column:
        return column
    choices = [choice for choice in column["anyOf"] if choice != {"type": "null"}]
    if choices == [{"type": "number"}]:
        choices = [{"type": "string", "pattern": NUMBER}]
    kept = {key: value for key, value in column.items() if key != "default"}
    return {**kept, "anyOf": [*choices, {"const": "."}]}
