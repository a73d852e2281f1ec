"""The models that come with the package: each a model directory, known by its name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from cbat.config.suggestions import did_you_mean
from cbat.errors import UserError

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


def asked_for(given: str) -> Path:
    """:func:`model_directory` of a word of the command line.

    Raises
    ------
    UserError
        A single word that is neither a name nor a folder here.
    """
    path = model_directory(given)
    if path.name == given and not path.exists():
        raise UserError(
            f"there is no model and no folder called {path.name!r}{did_you_mean(path.name, SHIPPED)}",
            mend=f"name {' or '.join(SHIPPED)}, which come with the package, or the folder of another model",
        )
    return path
