"""Counts and settings as people read them in a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_words(content: Mapping[str, Any]) -> str:
    """A mapping, nested or not, in one line: ``pairs 3,000; left out (too near 12, too far 3)``.

    Numbers have thousands separators or four digits, and what is empty is ``none``.
    """
    return "; ".join(f"{str(key).replace('_', ' ')} {_value(value)}" for key, value in content.items())


def _value(value: Any) -> str:
    match value:
        case Mapping() if value:
            return f"({in_words(value).replace('; ', ', ')})"
        case list() | tuple() | set() | frozenset() if value:
            return ", ".join(map(_value, value))
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case None | Mapping() | list() | tuple() | set() | frozenset() | "":
            return "none"
    return str(value)
