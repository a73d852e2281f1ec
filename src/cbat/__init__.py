"""CBAT: which enhancer touches which promoter, in a cell line nobody has mapped.

The names below are the library for notebooks (docs/python.md). They are imported when they are asked for, so
that ``import cbat`` takes no time and neither pandas nor torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbat.api import Model as Model
    from cbat.api import Tracks as Tracks
    from cbat.api import UserError as UserError
    from cbat.api import evaluate as evaluate
    from cbat.api import explain as explain
    from cbat.api import load_model as load_model
    from cbat.api import predict as predict
    from cbat.api import read_tracks as read_tracks

__version__ = "0.2.0"
__all__ = ["Model", "Tracks", "UserError", "evaluate", "explain", "load_model", "predict", "read_tracks"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'cbat' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module("cbat.api"), name)
    # Only the first look goes this way.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
