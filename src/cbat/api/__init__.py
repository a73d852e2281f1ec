"""The library for notebooks: load a model, predict, explain and evaluate, with tables of pandas.

Everything here is exported by :mod:`cbat` itself, which imports it when it is asked for.
"""

from __future__ import annotations

from cbat.api.explaining import explain
from cbat.api.models import Model, load_model
from cbat.api.predicting import predict
from cbat.api.tracks import Tracks, read_tracks
from cbat.errors import UserError
from cbat.evaluation.given_scores import evaluate_scores as evaluate

__all__ = ["Model", "Tracks", "UserError", "evaluate", "explain", "load_model", "predict", "read_tracks"]
