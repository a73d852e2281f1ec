"""Guess which name a misspelt one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``" (did you mean 'x'?)"`` for the nearest known name, or nothing when none is near."""
    by_lower = {choice.lower(): choice for choice in known}
    nearest = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[nearest[0]]!r}?)" if nearest else ""
