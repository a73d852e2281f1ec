"""Encoders of the tiny project, for tests that do not ask how encoders are made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cbat.config.models import EncoderSettings
from cbat.config.sections import TrainingSettings
from cbat.training import pretrain


@pytest.fixture(scope="session")
def new_encoder(tiny_project, tmp_path_factory) -> Callable[[EncoderSettings], Path]:
    """Makes encoders, and gives their folders."""

    def make(settings: EncoderSettings) -> Path:
        directory = tmp_path_factory.mktemp("encoder")
        pretrain.run(
            elements_directory=tiny_project.elements,
            sequences_directory=tiny_project.sequences,
            train_lines=tiny_project.train,
            settings=settings,
            training=TrainingSettings(device="cpu"),
            seed=1,
            threads=1,
            directory=directory,
        )
        return directory

    return make


@pytest.fixture(scope="session")
def encoder(new_encoder) -> Path:
    """The folder of an encoder; to be read only."""
    return new_encoder(EncoderSettings(n_filters=5, filter_width=14, refinement_elements=400))
