"""What all sections of the configuration are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Address = Annotated[str, Field(pattern=r"^(https?|file)://[!-~]+$")]

LabelKind = Literal["contact", "regulation"]
"""What labels say of a pair: that its ends touch, or that the enhancer regulates the gene."""
Expectation = Literal["lines", "mean_track"]
"""How training lines make the expectation of another one: by features of each, or by their mean track."""
TRACK_KINDS: Final = ("active_enhancers", "active_promoters", "insulators")
"""Kinds of track that a cell line may bring: columns of the sheet, and names in results."""
ELEMENT_SIGNALS: Final = ("accessibility", "enhancer_mark")
"""Signals that a line may bring at its candidate enhancers: columns of the sheet, and names in results."""

SIMULATED_GENES: Final = "results/simulation/genes.bed.gz"
"""The genes that a simulated benchmark brings."""


class Section(BaseModel):
    """A closed, immutable group of keys."""

    # A verb reads two or three of all sections: the others need not be built.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _names_a_path(cls, value: Any, info: ValidationInfo) -> Any:
        """An empty path would be the working directory."""
        if value == "" and info.field_name is not None:
            hint = cls.model_fields[info.field_name].annotation
            if hint is Path or Path in get_args(hint):
                raise PydanticCustomError("empty_path", "Input should be the path of a file")
        return value
