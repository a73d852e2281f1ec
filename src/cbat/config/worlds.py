"""The worlds of a benchmark: each is the configuration with some keys laid over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cbat.config.load import key_error
from cbat.config.sections import Config
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
        Without worlds: ``worlds`` is null, also where it is laid over a file that has some.
    """
    given = values["worlds"][world] or {}
    over = {key: value for key, value in given.items() if value is not None}
    return merge([values, over, {"worlds": None}])


def world_layers(layers: Sequence[YamlFile], world: str) -> list[YamlFile]:
    """The files of a benchmark, and over them what they say of a world, for messages about its keys."""
    inside = []
    for layer in layers:
        key = ("worlds", world)
        lines = {path[2:]: line for path, line in layer.lines.items() if path[:2] == key and len(path) > 2}
        if lines:
            inside.append(YamlFile(layer.path, layer.values["worlds"][world], lines))
    return [*layers, *inside]


def check_worlds(config: Config, layers: Sequence[YamlFile]) -> None:
    """A benchmark has worlds, and worlds are simulated.

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
    if config.simulation is None:
        raise key_error(
            layers,
            ("simulation",),
            "worlds are simulated, but the simulation is switched off",
            "write 'worlds: null' for a run on files of your own, or leave 'simulation: null' out",
        )
