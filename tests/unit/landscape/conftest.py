"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Products of small matrices are slower with more threads, and much slower where cores are shared."""
    with threadpool_limits(1):
        yield
