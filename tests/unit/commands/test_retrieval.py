"""The verb ``download`` without the workflow: where it looks and where it puts things."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.cli import main
from cbat.config.sources import COLUMNS


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory whose registry has one source, on the disk of this machine."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "published.txt").write_text("ACGT\n")
    path = tmp_path / "resources" / "sources.tsv"
    path.parent.mkdir()
    row = ["toy", "1", (tmp_path / "published.txt").as_uri(), "toy.txt", ".", ".", "none", "CC0", "Doe"]
    path.write_text("\t".join(COLUMNS) + "\n" + "\t".join(row) + "\n")
    return path


def test_a_name_is_enough(registry: Path) -> None:
    assert main(["download", "--name", "toy"]) == 0
    assert Path("resources/downloads/toy.txt").read_text() == "ACGT\n"
    assert main(["download", "--name", "toy", "--check"]) == 0


def test_another_registry_and_another_place(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry.rename("mine.tsv")
    assert main(["download", "--name", "toy"]) == 2
    assert "resources/sources.tsv: the registry of sources cannot be read" in capsys.readouterr().err
    assert main(["download", "--name", "toy", "--sources", "mine.tsv", "--output", "here/toy"]) == 0
    assert Path("here/toy").read_text() == "ACGT\n"


def test_settings_count(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "--name", "toy", "--settings", '{"require_checksums": true}']) == 2
    assert (
        "resources/sources.tsv, line 2: the digest of the source 'toy' is not known"
        in capsys.readouterr().err
    )


def test_a_misspelt_name(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "--name", "toi"]) == 2
    assert "there is no source 'toi' (did you mean 'toy'?)" in capsys.readouterr().err
