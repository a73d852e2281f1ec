"""An encoder of the tiny project, for tests that do not ask how encoders are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.config.models import EncoderSettings
from cbat.config.sections import TrainingSettings
from cbat.training import pretrain


@pytest.fixture(scope="session")
def encoder(tiny_project, tmp_path_factory) -> Path:
    """The folder of the encoder; to be read only."""
    directory = tmp_path_factory.mktemp("encoder")
    pretrain.run(
        elements_directory=tiny_project.elements,
        sequences_directory=tiny_project.sequences,
        train_lines=tiny_project.train,
        settings=EncoderSettings(n_filters=5, filter_width=14, refinement_elements=400),
        training=TrainingSettings(device="cpu"),
        seed=1,
        threads=1,
        directory=directory,
    )
    return directory
