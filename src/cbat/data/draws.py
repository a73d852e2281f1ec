"""Random draws that a cell line keeps under any name, and whatever other lines there are."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np


def draw_key(content: Iterable[object]) -> int:
    """A number below 2**32 that stands for what is drawn from, such as identifiers of elements in order.

    A seed that held the name of a cell line would make its figures depend on that name.
    """
    return zlib.crc32("\n".join(map(str, content)).encode())


def stream_of(seed: int, *keys: int | str) -> np.random.Generator:
    """A generator of its own for each combination of a seed, keys of contents and words such as a split."""
    numbers = [zlib.crc32(key.encode()) if isinstance(key, str) else key for key in keys]
    return np.random.default_rng([seed % 2**64, *numbers])
