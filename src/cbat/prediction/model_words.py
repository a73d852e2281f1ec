"""All that is known of a model directory, in words."""

from __future__ import annotations

from pathlib import Path

from cbat.model.about import DESCRIPTION, check_hashes, read_description, reads_sequences


def model_in_words(directory: Path) -> str:
    """What a model directory holds, for the terminal, once its hashes have been checked.

    Raises
    ------
    UserError
        It is no model directory, or a file of it is missing or was changed.
    """
    # A law of the landscape needs no torch, which takes long to import.
    if reads_sequences(directory):
        from cbat.model.directory import read_model_directory
        from cbat.prediction.card import in_words

        return in_words(read_model_directory(directory))
    from cbat.prediction.landscape_card import landscape_in_words
    from cbat.prediction.shared_landscape import read_landscape

    about, _ = read_description(directory / DESCRIPTION)
    return landscape_in_words(about, read_landscape(directory), check_hashes(directory))
