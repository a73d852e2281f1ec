"""Schemas, tables and the shipped configuration agree with the classes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from cbat.config.documentation import fill_tables
from cbat.config.load import load_section
from cbat.config.models import EncoderSettings, ModelSettings
from cbat.config.schema import build_schemas
from cbat.config.sections import Config
from cbat.config.sheets import CellLine, Tissue, read_cell_lines, read_tissues
from cbat.errors import UserError

TOP = Path(__file__).resolve().parents[3]
# What deeper networks than a regression need goes with them.
_ATTENTION = {"pair_representation", "hidden_units", "learning_rate"}
COMPOSITE = {
    "own_free_weights": {"landscape", "landscape_weights"},
    "baseline": {"environment", "landscape", *_ATTENTION},
    "cross_attention": _ATTENTION,
    "low_rank": _ATTENTION,
    "set_encoder": {"set_encoder", "learning_rate"},
    "alignment_pull": {"set_encoder", "alignment_weight", "learning_rate"},
    "film_resistance": {"environment", "learning_rate"},
    "literal": {"environment", "set_encoder", *_ATTENTION},
    "record_point_9": {
        "environment", "set_encoder", "block_attention", "teacher", "competition_weight", *_ATTENTION,
    },
    "record_point_9_masked": {
        "environment", "set_encoder", "teacher", "competition_weight", *_ATTENTION,
    },
}  # fmt: skip
"""Models that change several keys of the full model, and which."""


@pytest.mark.parametrize("name", sorted(build_schemas()))
def test_the_schema_on_disk_is_the_one_that_the_classes_generate(name: str) -> None:
    on_disk = json.loads((TOP / "workflow" / "schemas" / f"{name}.schema.json").read_text())
    assert on_disk == build_schemas()[name], "run: cbat write_config_reference (see config/README.md)"


def test_there_is_no_schema_without_a_class() -> None:
    on_disk = {path.name.removesuffix(".schema.json") for path in (TOP / "workflow/schemas").iterdir()}
    assert on_disk == set(build_schemas())


def test_the_tables_of_the_readme_are_the_generated_ones() -> None:
    text = (TOP / "config" / "README.md").read_text()
    assert text == fill_tables(text), "run: cbat write_config_reference (see config/README.md)"


def test_every_level_of_every_schema_is_closed() -> None:
    def objects(schema):
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                yield schema
            for value in schema.values():
                yield from objects(value)
        elif isinstance(schema, list):
            for value in schema:
                yield from objects(value)

    for schema in build_schemas().values():
        assert all(found["additionalProperties"] is False for found in objects(schema))


@pytest.mark.parametrize("section", [Config, ModelSettings, EncoderSettings, CellLine, Tissue])
def test_every_key_says_what_it_means(section) -> None:
    def fields(section):
        for name, field in section.model_fields.items():
            yield f"{section.__name__}.{name}", field
            if hasattr(field.annotation, "model_fields"):
                yield from fields(field.annotation)

    silent = [
        name
        for name, field in fields(section)
        if not field.description and not hasattr(field.annotation, "model_fields")
    ]
    assert silent == []


def test_the_default_configuration_passes_the_schema_and_a_misspelt_one_does_not() -> None:
    schema = build_schemas()["config"]
    values = yaml.safe_load((TOP / "config" / "config.yaml").read_text())
    jsonschema.validate(values, schema)
    values["simulation"]["sede"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, schema)


def test_the_default_sheets_have_two_training_and_two_unseen_lines_of_every_tissue() -> None:
    rows = read_cell_lines(TOP / "config" / "cell_lines.tsv")
    tissues = {row.tissue for row in read_tissues(TOP / "config" / "tissues.tsv")}
    for tissue in tissues:
        cohorts = [row.cohort for row in rows if row.tissue == tissue]
        assert (cohorts.count("training"), cohorts.count("unseen"), len(cohorts)) == (2, 2, 4)


def test_the_rows_of_the_default_sheets_pass_their_schemas() -> None:
    for name in ("cell_lines", "tissues"):
        lines = [
            line
            for line in (TOP / "config" / f"{name}.tsv").read_text().splitlines()
            if not line.startswith("#")
        ]
        header, *rows = [line.split("\t") for line in lines]
        for row in rows:
            jsonschema.validate(dict(zip(header, row, strict=True)), build_schemas()[name])


def test_a_document_without_all_markers_is_refused() -> None:
    with pytest.raises(UserError, match="markers"):
        fill_tables("<!-- generated: config -->\n<!-- end -->\n")


def test_every_shipped_model_is_sound_and_finds_its_encoder() -> None:
    models = {path.stem: load_section(ModelSettings, path) for path in (TOP / "config/models").glob("*.yaml")}
    encoders = {
        path.stem: load_section(EncoderSettings, path) for path in (TOP / "config/encoders").glob("*.yaml")
    }
    assert {"baseline", "graph_manifold"} <= set(models)
    assert {settings.encoder for settings in models.values()} == set(encoders)
    # An ablation differs from the full model in what its name says, and in nothing else.
    full = models["graph_manifold"].model_dump()
    found = {
        name: {key for key, value in settings.model_dump().items() if value != full[key]}
        for name, settings in models.items()
    }
    assert found.pop("graph_manifold") == set()
    composite = {name: found.pop(name) for name in COMPOSITE}
    assert composite == COMPOSITE
    assert {name: len(changed) for name, changed in found.items()} == dict.fromkeys(found, 1)


def test_the_masked_record_point_9_differs_from_the_other_in_its_mask_only() -> None:
    one, other = (
        load_section(ModelSettings, TOP / "config/models" / f"{name}.yaml").model_dump()
        for name in ("record_point_9", "record_point_9_masked")
    )
    assert {key for key in one if one[key] != other[key]} == {"block_attention"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "set_encoder: none\nblock_attention: crossing\n",
            "block_attention is 'crossing'; it needs a set encoder",
        ),
        ("set_encoder: none\nalignment_weight: 0.1\n", "alignment_weight is 0.1; it needs a set encoder"),
        ("set_encoder: isab\ngraph: none\nalignment_weight: 0.1\n", "it needs a graph"),
        ("set_encoder: isab\nalignment_weight: 0.1\nteacher: id_table\n", "knows no graph to align with"),
        ("teacher: id_table\nblocks: mixed\n", "has no one cell line"),
        ("resistance_offset: 0.0\n", "greater than 0"),
    ],
)
def test_settings_that_contradict_one_another_are_refused_by_line(tmp_path, text: str, problem: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=problem) as caught:
        load_section(ModelSettings, path)
    assert f"line {len(text.splitlines())}" in str(caught.value)
