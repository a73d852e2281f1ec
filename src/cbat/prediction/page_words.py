"""The words of the page: a model of contacts and a model of regulation answer two questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cbat.config.base import LabelKind


@dataclass(frozen=True)
class Words:
    """What the page calls things.

    Attributes
    ----------
    title : str
        What is predicted.
    one, many : str
        What a label says of a pair.
    called : str
        Pairs whose probability reaches the threshold.
    column : str
        Heading of the column that says whether a pair is called.
    of_distance : str
        For what distance and sequence speak.
    likelier : str
        What a higher score means.
    """

    title: str
    one: str
    many: str
    called: str
    column: str
    of_distance: str
    likelier: str


WORDS: Final[Mapping[LabelKind, Words]] = {
    "contact": Words(
        title="predicted enhancer-promoter contacts",
        one="contact",
        many="contacts",
        called="called contacts",
        column="contact",
        of_distance="for a contact",
        likelier="the likelier the contact",
    ),
    "regulation": Words(
        title="predicted regulation of genes by enhancers",
        one="regulated pair",
        many="regulated pairs",
        called="called pairs",
        column="called",
        of_distance="for regulation",
        likelier="the likelier that the enhancer regulates the gene",
    ),
}
