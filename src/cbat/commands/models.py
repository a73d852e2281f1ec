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
    from cbat.prediction.model_words import model_in_words

    print(model_in_words(asked_for(directory)))
