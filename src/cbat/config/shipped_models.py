"""The models that come with the package: each a model directory, known by its name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

SHIPPED: Final = ("contact", "regulation")
"""Their names."""


def directory_of(name: str) -> Path:
    """Where a shipped model lies."""
    return Path(str(files("cbat"))) / "shipped_models" / name


def model_directory(given: str | Path) -> Path:
    """The model directory of a name or a path.

    The name of a shipped model is that model, whatever lies in the working directory; a folder of that name
    has to be given by a longer path.

    Parameters
    ----------
    given : str or Path
        A name of :data:`SHIPPED`, or a path.
    """
    return directory_of(str(given)) if str(given) in SHIPPED else Path(given)
