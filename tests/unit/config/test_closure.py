"""A stage's code are the modules that it runs: all of them, and no others, by what they say."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest

from cbat.cli import STAGES
from cbat.config import closure
from cbat.config.closure import code_digest, content_digest, import_closure

CACHED = (closure.import_closure, closure.code_digest, closure._parsed, closure._found)


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
    forget()
    yield write
    forget()


def forget() -> None:
    """As a new process."""
    for function in CACHED:
        function.cache_clear()


def digest(module: str) -> str:
    forget()
    return code_digest(module)


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


def test_imports_are_found_in_every_block_of_a_statement(package) -> None:
    blocks = [
        "try:\n    import cbat.m0\nexcept E:\n    import cbat.m1\nelse:\n    import cbat.m2\n",
        "finally:\n    import cbat.m3\n",
        "if x:\n    import cbat.m4\nelif y:\n    import cbat.m5\nelse:\n    import cbat.m6\n",
        "class A:\n    async def f(self):\n        async with a:\n            import cbat.m7\n",
        "for i in x:\n    import cbat.m8\nelse:\n    while i:\n        import cbat.m9\n",
        "match x:\n    case 1:\n        import cbat.m10\n    case _:\n        import cbat.m11\n",
    ]
    modules = [f"m{number}" for number in range(12)]
    package(a="".join(blocks), **dict.fromkeys(modules, ""))
    assert set(names("cbat.a")) == {"a.py", *(f"{name}.py" for name in modules)}


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


def test_the_stage_itself_counts_wherever_it_lies(package) -> None:
    package(commands__stage="import cbat.work\nimport cbat.commands.options\n", commands__options="", work="")
    assert names("cbat.commands.stage") == ["commands/stage.py", "work.py"]


@pytest.mark.parametrize(
    "same",
    [
        "# A comment.\nx = 1\ndef f(a):\n    return [a, x]  # Another.\n",
        '"""Of the module."""\nx = 1\n"""Of x."""\n\ndef f(a):\n    r"""Of f."""\n    return [a, x]\n',
        "x = 1\ndef f(\n    a,\n):\n    return [\n        a,\n        x,\n    ]\n",
    ],
)
def test_comments_docstrings_and_layout_change_nothing(package, same: str) -> None:
    package(a="x = 1\ndef f(a):\n    return [a, x]\n")
    before = digest("cbat.a")
    package(a=same)
    assert digest("cbat.a") == before


@pytest.mark.parametrize(
    "other",
    [
        "x = 2\ndef f(a):\n    return [a, x]\n",
        "x = '1'\ndef f(a):\n    return [a, x]\n",
        "x = True\ndef f(a):\n    return [a, x]\n",
        "x = 1\ndef f(b):\n    return [b, x]\n",
        "x = 1\ndef f(a):\n    return [x, a]\n",
        "x = 1\ndef f(a):\n    return (a, x)\n",
        "x = 1\ndef f(a):\n    return [a, x, None]\n",
        "x = 1\ndef f(a=None):\n    return [a, x]\n",
        "x = 1\nasync def f(a):\n    return [a, x]\n",
        "x = 1\ndef f(a):\n    y = 'no docstring'\n    return [a, x]\n",
        "import cbat.b\nx = 1\ndef f(a):\n    return [a, x]\n",
    ],
)
def test_what_runs_otherwise_changes_the_digest(package, other: str) -> None:
    package(a="x = 1\ndef f(a):\n    return [a, x]\n", b="")
    before = digest("cbat.a")
    package(a=other)
    assert digest("cbat.a") != before


def test_a_change_far_down_the_imports_counts_and_one_outside_does_not(package) -> None:
    package(a="import cbat.b\n", b="import cbat.c\n", c="x = 1\n", d="x = 1\n")
    before = digest("cbat.a")
    package(d="x = 2\n")
    assert digest("cbat.a") == before
    package(c="x = 2\n")
    assert digest("cbat.a") != before


def test_data_files_count_to_the_byte(package, tmp_path: Path) -> None:
    package(a__b="")
    (tmp_path / "a" / "table.tsv").write_text("# comment\nx\n")
    before = digest("cbat.a.b")
    (tmp_path / "a" / "table.tsv").write_text("x\n")
    assert digest("cbat.a.b") != before


def test_the_place_of_a_checkout_and_the_times_of_its_files_do_not_count(tmp_path: Path, monkeypatch) -> None:
    forget()
    before = [code_digest(verb.function.partition(":")[0]) for verb in STAGES.values()]
    assert len(set(before)) > len(before) / 2
    shutil.copytree(closure.PACKAGE_DIRECTORY, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    monkeypatch.setattr(closure, "PACKAGE_DIRECTORY", tmp_path / "elsewhere")
    forget()
    assert [code_digest(verb.function.partition(":")[0]) for verb in STAGES.values()] == before
    forget()


def test_the_name_of_a_file_counts_and_its_folder_does_not(tmp_path: Path) -> None:
    digests = []
    for name in ("one/x.css", "two/x.css", "one/y.css"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a {}\n")
        digests.append(content_digest([path], path.parent))
    assert digests[0] == digests[1] != digests[2]


def test_the_digest_is_the_same_from_every_python(package) -> None:
    """Written down, so that a Python with another syntax tree shows itself here."""
    package(
        a="from __future__ import annotations\n"
        "def f(a: int, /, *b: str, c: float = 1e-3, **d) -> str:\n"
        "    return f'{a!r:>9} {b[0]} {\"x\"}' if (y := d) else b'z'\n"
        "class A(Base, key=1):\n"
        "    @property\n"
        "    async def g(self): return [i async for i in self if i is not ...]\n"
        "try:\n    match f:\n        case [1, *_] | {'k': v}: pass\nexcept* E as e:\n    raise\n"
    )
    assert digest("cbat.a")[:16] == "e6ff0860dc1601e6"


def test_no_stage_reads_its_docstrings() -> None:
    """They are left out of the digest, so no result may depend on them."""
    paths = {path for verb in STAGES.values() for path in import_closure(verb.function.partition(":")[0])}
    names = {
        getattr(node, "attr", getattr(node, "id", ""))
        for path in paths
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
    }
    assert not names & {"__doc__", "getdoc", "get_docstring", "getsource", "use_attribute_docstrings"}


def test_every_rule_that_runs_a_stage_knows_its_code() -> None:
    rules = Path(closure.__file__).parents[3] / "workflow" / "rules"
    blocks = [
        block
        for path in sorted(rules.glob("*.smk"))
        for block in re.split(r"^ *rule ", path.read_text(), flags=re.MULTILINE)[1:]
    ]
    known = {}
    for block in blocks:
        if code := re.search(r"code=code\((.*)\),$", block, flags=re.MULTILINE):
            known[block.partition(":")[0]] = re.findall(r'"([\w.]+)"', code[1])
    assert known.keys() == STAGES.keys()
    for name, verb in STAGES.items():
        module = verb.function.partition(":")[0]
        if not module.startswith("cbat.commands."):
            assert known[name] == [module]
