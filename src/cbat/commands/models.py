"""The verbs ``models`` and ``model show``."""

from __future__ import annotations


def models() -> None:
    """List the models that come with the package: what each predicts, from what, and how well."""
    from cbat.config.shipped_models import SHIPPED, directory_of
    from cbat.prediction.card import text_table
    from cbat.prediction.landscape_card import row_of_models

    rows = [row_of_models(directory_of(name)) for name in SHIPPED]
    print("\n".join(text_table([*rows[0]], [[*row.values()] for row in rows])))
    print("\ncbat predict --model NAME uses one, and cbat model show NAME describes it in full.")


def show_model(directory: str) -> None:
    """Say what a model directory holds, once its hashes have been checked.

    Parameters
    ----------
    directory : str
        A model directory, or the name of a model that comes with the package.
    """
    from cbat.config.shipped_models import asked_for
    from cbat.model.about import DESCRIPTION, check_hashes, read_description, reads_sequences

    place = asked_for(directory)
    if reads_sequences(place):
        from cbat.model.directory import read_model_directory
        from cbat.prediction.card import in_words

        print(in_words(read_model_directory(place)))
        return
    from cbat.prediction.landscape_card import landscape_in_words
    from cbat.prediction.shared_landscape import read_landscape

    about, _ = read_description(place / DESCRIPTION)
    print(landscape_in_words(about, read_landscape(place), check_hashes(place)))
