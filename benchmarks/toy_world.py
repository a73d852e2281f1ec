"""The toy world of the tests, in a working directory of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

TOP: Final = Path(__file__).resolve().parents[1]
_SMALLER: Final[dict[str, dict[str, Any]]] = {
    "models/baseline": {"steps": 280, "validation_every": 47, "support_size": 64},
    "models/graph_manifold": {"steps": 280, "validation_every": 47, "support_size": 64},
    "encoders/motifs": {"n_filters": 16},
}


def set_up(directory: Path) -> None:
    """Copy the shipped configuration and that of the toy world, and make models smaller; nothing is run."""
    copy_configuration(directory, _SMALLER)
    for file in (TOP / "tests" / "toy").iterdir():
        shutil.copy(file, directory)


def copy_configuration(directory: Path, over: Mapping[str, dict[str, Any]]) -> None:
    """Copy the shipped configuration with some keys of models and encoders laid over."""
    for name in ("config", "resources"):
        shutil.copytree(TOP / name, directory / name, ignore=shutil.ignore_patterns("downloads"))
    for name, keys in over.items():
        path = directory / "config" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | keys))
