"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Real data beside the checkout, too large to ship; CBAT_SHARED names another place."""
    directory = Path(os.environ.get("CBAT_SHARED", TOP.parent / "shared"))
    if not (directory / "data").is_dir():
        pytest.skip(f"no real data in {directory}; set CBAT_SHARED to the folder that has it")
    return directory
