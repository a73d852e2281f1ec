"""Options come from signatures, so a verb and its function cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from cbat.commands.options import build_parser, call_with_options, describe_parameters
from cbat.config.sections import LabelSettings
from cbat.errors import UserError

received: dict[str, Any] = {}


def stage(
    *,
    sheet: Path,
    cohort: Literal["training", "unseen"],
    labels: LabelSettings,
    shards: Mapping[str, Path],
    files: Sequence[Path] = (),
    cell_line: str | None = None,
    seed: int = 1,
    resume: bool = True,
) -> None:
    """Do it.

    Parameters
    ----------
    sheet, files : Path
        Some files,
        100% ordinary.
    seed : int
        Of the draw.
    cell_line, cohort
        See elsewhere.

    Raises
    ------
    UserError
        Never.
    """
    received.clear()
    received.update(locals())


def call(*arguments: str) -> dict[str, Any]:
    call_with_options(f"{__name__}:stage", "cbat stage", "Do it.", arguments)
    return received


REQUIRED = ("--sheet", "a.tsv", "--cohort", "unseen", "--labels", "{}", "--shards", "a=x", "b=y/z")


def test_types_defaults_and_names_arrive() -> None:
    got = call(*REQUIRED)
    assert got["sheet"] == Path("a.tsv")
    assert got["labels"] == LabelSettings()
    assert got["shards"] == {"a": Path("x"), "b": Path("y/z")}
    assert (got["files"], got["cell_line"], got["seed"], got["resume"]) == ((), None, 1, True)
    assert list(call(*REQUIRED, "--files")["files"]) == []
    got = call(*REQUIRED, "--files", "p", "q", "--cell-line", "K562", "--seed", "7", "--no-resume")
    assert list(got["files"]) == [Path("p"), Path("q")]
    assert (got["cell_line"], got["seed"], got["resume"]) == ("K562", 7, False)


def test_settings_come_from_json_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text("min_distance: 4\n")
    by_file = call(*REQUIRED, "--labels", str(tmp_path / "labels.yaml"))["labels"]
    assert by_file == call(*REQUIRED, "--labels", '{"min_distance": 4}')["labels"]
    with pytest.raises(UserError, match="unknown key 'min_dist'"):
        call(*REQUIRED, "--labels", '{"min_dist": 4}')


@pytest.mark.parametrize("arguments", [("--se", "1"), (*REQUIRED, "--se=1")])
def test_an_unknown_option_is_named_before_those_that_are_missing(arguments) -> None:
    with pytest.raises(UserError, match="unknown option '--se' "):
        call(*arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (),
            "the required options --sheet, --cohort, --labels, --shards are missing. Fix: add them; run",
        ),
        (REQUIRED[2:], "the required option --sheet is missing. Fix: add it"),
        ((*REQUIRED, "--cohort", "seen"), "--cohort cannot be 'seen'. Fix: use one of: "),
        ((*REQUIRED, "--seed", "x"), "--seed cannot be 'x'. Fix: give a whole number"),
        ((*REQUIRED, "--seed"), "--seed needs a value. Fix: put the value after it"),
        ((*REQUIRED, "--seed", "1", "more words"), "'more words' does not belong to any option"),
    ],
)
def test_what_the_signature_does_not_allow_is_refused_in_one_message(
    arguments, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert said in str(caught.value)
    assert capsys.readouterr().err == ""


def test_a_mapping_needs_names_once() -> None:
    with pytest.raises(UserError, match="--shards got 'a=z'"):
        call(*REQUIRED[:-3], "--shards", "a=x", "a=z")


def test_help_is_the_docstring() -> None:
    assert describe_parameters(stage.__doc__ and "\n".join(stage.__doc__.split("\n    "))) == {
        "sheet": "Some files, 100% ordinary.",
        "files": "Some files, 100% ordinary.",
        "seed": "Of the draw.",
        "cell_line": "See elsewhere.",
        "cohort": "See elsewhere.",
    }
    text = build_parser(stage, "cbat stage", "Do it.").format_help()
    assert "100% ordinary" in text


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_path_is_not_the_working_directory(empty: str) -> None:
    with pytest.raises(UserError, match="--sheet is empty. Fix: name a file or a folder"):
        call("--sheet", empty, *REQUIRED[2:])
