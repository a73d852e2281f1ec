"""Models, as somebody in a notebook looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cbat.config.base import LabelKind
from cbat.config.shipped_models import SHIPPED, asked_for
from cbat.model.about import CARD, DESCRIPTION, About, check_hashes, read_description, reads_sequences


@dataclass(frozen=True)
class Model:
    """A model directory whose files are as they were written; its weights are read when it predicts.

    Attributes
    ----------
    directory : Path
    digest : str
        SHA-256 of the hashes of all of its files.
    about : About
        All that its description says.
    """

    directory: Path
    digest: str
    about: About = field(compare=False)

    @property
    def name(self) -> str:
        """Its name."""
        return self.about.name

    @property
    def predicts(self) -> LabelKind:
        """``contact``, or ``regulation``."""
        return self.about.training.label_kind

    @property
    def cell_lines(self) -> list[str]:
        """The cell lines that it was trained on."""
        return [line.cell_line for line in self.about.training.lines]

    @property
    def distances(self) -> tuple[int, int]:
        """Shortest and longest distance between the centres of a training pair, bp."""
        return self.about.training.distances

    @property
    def reads_sequences(self) -> bool:
        """Whether it needs a genome."""
        return reads_sequences(self.directory)

    @property
    def card(self) -> str:
        """Its model card, Markdown: how good it is, and where it should not be used."""
        return (self.directory / CARD).read_text(encoding="utf-8")

    def describe(self) -> str:
        """What ``cbat model show`` prints of it.

        Raises
        ------
        UserError
            A file of it has changed since.
        """
        from cbat.prediction.model_words import model_in_words

        return model_in_words(self.directory)

    def __repr__(self) -> str:
        shipped = self.directory == asked_for(self.name) if self.name in SHIPPED else False
        source = self.name if shipped else str(self.directory)
        lines = ", ".join(self.cell_lines)
        return f"<cbat model {source!r}: predicts {self.predicts}, trained on {lines}>"

    def _repr_markdown_(self) -> str:
        return self.card


def load_model(model: str | Path) -> Model:
    """Find a model and check that its files are whole.

    Parameters
    ----------
    model : str or Path
        ``regulation`` or ``contact``, which come with the package, or a model directory.

    Returns
    -------
    Model

    Raises
    ------
    UserError
        There is no such model; a file of it is missing, damaged or of another schema version.
    """
    directory = asked_for(str(model))
    digest = check_hashes(directory)
    about, _ = read_description(directory / DESCRIPTION)
    return Model(directory, digest, about)


def model_of(model: Model | str | Path) -> str:
    """The word that stands for a model on the command line."""
    return str(model.directory) if isinstance(model, Model) else str(model)
