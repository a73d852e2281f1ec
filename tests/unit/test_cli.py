"""The command line: one verb for each stage, quick to start, and no traceback for a user's mistake."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from cbat import __version__
from cbat.cli import STAGES, VERBS, main

TOP = Path(__file__).resolve().parents[2]


def test_help_lists_every_verb_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name, verb in VERBS.items():
        assert f"  {name} " in text
        assert verb.summary in text
    assert main([]) == 0
    assert capsys.readouterr().out == text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"cbat {__version__}\n"


def test_an_unknown_verb_is_one_message_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build_prototype_grap"]) == 2
    message = capsys.readouterr().err
    assert "did you mean 'build_prototype_graph'?" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["model", "shwo", "x"], "unknown verb 'model shwo' (did you mean 'model show'?)"),
        (["show"], "unknown verb 'show'"),
    ],
)
def test_a_verb_of_two_words_that_is_none(words: list[str], told: str, capsys) -> None:
    assert main(words) == 2
    message = capsys.readouterr().err
    assert told in message
    assert message.count("\n") == 1


def test_an_interrupted_verb_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cbat.commands.options.call_with_options", interrupted)
    assert main(["check_config", "x.yaml"]) == 130
    assert capsys.readouterr().err == "cbat check_config: interrupted\n"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_every_option(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    module, function = VERBS[verb].function.split(":")
    code = getattr(importlib.import_module(module), function).__code__
    for name in code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]:
        assert f"--{name.replace('_', '-')}" in text
    assert "usage: cbat" in text


def test_every_stage_is_named_like_a_rule_and_the_other_way_round() -> None:
    rules = {
        line.removeprefix("rule ").rstrip(":")
        for file in (TOP / "workflow" / "rules").glob("*.smk")
        for line in (text.strip() for text in file.read_text().splitlines())
        if line.startswith("rule ")
    }
    # The report is Snakemake's own; fetching serves a user by hand as well, so its verb is a tool.
    assert rules - {"write_report", "download_source"} == set(STAGES)


def test_a_users_mistake_ends_with_status_2_and_one_message() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cbat", "check_config", "none.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("cbat check_config: error: none.yaml: the file does not exist. Fix: ")
    assert done.stderr.count("\n") == 1


def printed(code: str) -> str:
    """What a Python of its own prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_arrow_gives_back_what_a_stage_has_freed() -> None:
    code = (
        "from cbat.cli import main; assert main(['check_config', 'none.yaml']) == 2; "
        "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    )
    assert printed(code) == "system\n"


def test_what_a_stage_imports_is_not_looked_through_for_garbage() -> None:
    code = (
        "import gc; from cbat.cli import main; assert main(['check_config', 'none.yaml']) == 2; "
        "print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )
    assert printed(code) == "True True\n"


def test_starting_loads_nothing_heavy() -> None:
    code = (
        "import sys; from cbat.cli import main; main(['--help']); "
        "print({'numpy', 'pandas', 'torch', 'pydantic', 'yaml'} & set(sys.modules))"
    )
    assert printed(code).endswith("set()\n")


@pytest.mark.parametrize("words", [["model"], ["model", "--help"]])
def test_what_can_be_done_to_a_thing_is_listed(words: list[str], capsys) -> None:
    assert main(words) == 0
    assert "model show  Describe a model." in capsys.readouterr().out


def test_tools_stand_before_the_stages(capsys) -> None:
    assert main(["--help"]) == 0
    lines = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    assert lines.index("predict") < lines.index("models") < lines.index("simulate_benchmark")


def test_defaults_are_shown_and_an_unknown_option_is_named_with_the_nearest(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Seed of the draw. [default: 1]" in text
    assert "[default: new_line]" in text
    assert main(["predict", "--candidate", "a.bed", "--model=contact"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("cbat predict: error: unknown option '--candidate' (did you mean '--candidates'?)")
