"""The worlds of a benchmark: each is the configuration with some keys laid over it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cbat.config.load import key_error
from cbat.config.sections import Config
from cbat.config.sheets import CellLine
from cbat.config.suggestions import did_you_mean
from cbat.config.yaml_files import YamlFile, merge

WORLD_DIRECTORY: Final = Path("worlds")
"""Where the worlds of a benchmark are run, each in a folder of its own."""


def world_values(values: Mapping[str, Any], world: str) -> dict[str, Any]:
    """The configuration of a world, as if it stood in files of its own.

    Parameters
    ----------
    values : mapping
        The merged configuration of the benchmark.
    world : str
        One of its worlds.

    Returns
    -------
    dict
        Without worlds: ``worlds`` is null, also where it is laid over a file that has some. Which lines are
        unseen is no key of a configuration; it changes the sheet (:func:`with_unseen`).
    """
    given = values["worlds"][world] or {}
    over = {key: value for key, value in given.items() if value is not None and key != "unseen"}
    return merge([values, over, {"worlds": None, "predictions": None}])


def world_layers(layers: Sequence[YamlFile], world: str) -> list[YamlFile]:
    """The files of a benchmark, and over them what they say of a world, for messages about its keys."""
    inside = []
    for layer in layers:
        key = ("worlds", world)
        lines = {path[2:]: line for path, line in layer.lines.items() if path[:2] == key and len(path) > 2}
        if lines:
            inside.append(YamlFile(layer.path, layer.values["worlds"][world], lines))
    return [*layers, *inside]


def role_in_world(cell_line: str, role: str, unseen: Collection[str]) -> str:
    """The role of a line in a world: ``unseen`` if it is named, ``train`` if only the sheet hides it.

    A prototype stays one: it has no pairs to train on or to be tested with.
    """
    if role == "prototype":
        return role
    if cell_line in unseen:
        return "unseen"
    return "train" if role == "unseen" else role


def with_unseen(cell_lines: Sequence[CellLine], unseen: Collection[str] | None) -> tuple[CellLine, ...]:
    """Rows of the sheet with the roles that they have in a world; None leaves them as they are."""
    if unseen is None:
        return tuple(cell_lines)
    return tuple(
        row.model_copy(update={"role": role_in_world(row.cell_line, row.role, unseen)}) for row in cell_lines
    )


def sheet_of_world(text: str, unseen: Collection[str]) -> str:
    """The text of a sound sheet of cell lines with the roles that the lines have in a world."""
    lines = text.removeprefix("\ufeff").splitlines()
    header: list[str] = []
    for number, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        if not header:
            header = fields
            continue
        name, role = fields[header.index("cell_line")], header.index("role")
        fields[role] = role_in_world(name, fields[role], unseen)
        lines[number] = "\t".join(fields)
    return "\n".join(lines) + "\n"


def check_worlds(config: Config, layers: Sequence[YamlFile]) -> None:
    """A benchmark has worlds; without a simulation they differ in the lines that are unseen.

    Raises
    ------
    UserError
    """
    if config.worlds is None:
        return
    if not config.worlds:
        raise key_error(
            layers, ("worlds",), "worlds names no world", "name at least one, or write 'worlds: null'"
        )
    for name, world in config.worlds.items():
        if config.simulation is None and world.unseen is None:
            raise key_error(
                layers,
                ("worlds", name),
                f"the simulation is switched off, and worlds.{name} does not say which lines are unseen",
                f"name them under worlds.{name}.unseen, write 'worlds: null' for a single run, or leave "
                "'simulation: null' out",
            )
        if config.simulation is None and "simulation" in world.model_fields_set:
            raise key_error(
                layers,
                ("worlds", name, "simulation"),
                f"worlds.{name} changes the simulation, which is switched off",
                "delete the group, or leave 'simulation: null' out",
            )
        if world.unseen is not None and not world.unseen:
            raise key_error(
                layers,
                ("worlds", name, "unseen"),
                f"worlds.{name}.unseen is an empty list",
                "name at least one cell line, or leave the key out to take the roles of the sheet",
            )


def check_unseen(
    layers: Sequence[YamlFile], world: str, unseen: Sequence[str] | None, known: Sequence[str]
) -> None:
    """The lines that are unseen in a world are lines of the sheet with labelled pairs, each named once.

    Raises
    ------
    UserError
    """
    for position, name in enumerate(unseen or ()):
        key = ("worlds", world, "unseen", position)
        if name not in known:
            raise key_error(
                layers,
                key,
                f"worlds.{world}.unseen names {name!r}, which is not a cell line of the sheet with pairs"
                + did_you_mean(name, known),
                f"write one of: {', '.join(known)}",
            )
        if name in (unseen or ())[:position]:
            raise key_error(
                layers, key, f"worlds.{world}.unseen names {name!r} twice", "delete one of the two"
            )
