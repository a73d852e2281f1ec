"""A small project on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_project import ProjectFiles, write_project


@pytest.fixture
def project_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFiles:
    """A sound project with files of the user's own; the working directory is its top."""
    monkeypatch.chdir(tmp_path)
    return write_project(tmp_path)
