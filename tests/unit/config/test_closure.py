"""A stage's inputs are the modules that it runs: all of them, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.config import closure
from cbat.config.closure import import_closure


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def write(**modules: str) -> None:
        for name, text in modules.items():
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if path.parent != tmp_path:
                (path.parent / "__init__.py").touch()

    monkeypatch.setattr(closure, "PACKAGE_DIRECTORY", tmp_path)
    import_closure.cache_clear()
    closure._imports.cache_clear()
    yield write
    import_closure.cache_clear()
    closure._imports.cache_clear()


def names(module: str) -> list[str]:
    return [str(path.relative_to(closure.PACKAGE_DIRECTORY)) for path in import_closure(module)]


def test_imports_are_followed_through_modules_functions_and_relative_names(package) -> None:
    package(
        a__start="import json\nfrom cbat.b import middle\ndef f():\n    from .near import x\n",
        a__near="x = 1\n",
        b__middle="import cbat.files as files\n",
        b__other="",
        files="",
    )
    assert names("cbat.a.start") == [
        "a/__init__.py",
        "a/near.py",
        "a/start.py",
        "b/__init__.py",
        "b/middle.py",
        "files.py",
    ]


def test_what_only_a_type_checker_reads_does_not_count(package) -> None:
    package(
        a="from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from cbat import b\nelse:\n    import cbat.c\n",
        b="",
        c="",
    )
    assert names("cbat.a") == ["a.py", "c.py"]


def test_settings_and_messages_are_not_code_of_a_stage(package) -> None:
    package(
        a="from cbat.config.sections import X\nfrom cbat.errors import UserError\n",
        errors="",
        config__sections="",
    )
    assert names("cbat.a") == ["a.py"]


def test_circles_end(package) -> None:
    package(a="import cbat.b\n", b="import cbat.a\n")
    assert names("cbat.a") == ["a.py", "b.py"]


def test_data_files_of_a_package_count(package, tmp_path: Path) -> None:
    package(a__b="")
    (tmp_path / "a" / "table.tsv").write_text("x\n")
    assert "a/table.tsv" in names("cbat.a.b")


def test_a_missing_module_is_an_error(package) -> None:
    package(a="import cbat.gone\n")
    with pytest.raises(ModuleNotFoundError, match="cbat.gone"):
        import_closure("cbat.a")


def test_a_figure_does_not_depend_on_training_nor_training_on_figures() -> None:
    graph = {path.name for path in import_closure("cbat.graph.build")}
    assert "picture.py" not in graph
    assert not any("training" in path.parts for path in import_closure("cbat.graph.picture"))
