"""What argparse finds wrong with a command line, as one message with a way out and without the usage."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final, NoReturn

from cbat.errors import UserError

_KINDS: Final = {"int": "a whole number", "float": "a number"}
_INVALID: Final = re.compile(
    r"argument (?P<option>\S+): invalid (?P<kind>\w+) value: (?P<value>.*)", re.DOTALL
)
_CHOICE: Final = re.compile(
    r"argument (?P<option>\S+): invalid choice: (?P<value>.*?) \(choose from (?P<known>.*)\)", re.DOTALL
)
_EMPTY: Final = re.compile(r"argument (?P<option>\S+): is empty")
_NO_VALUE: Final = re.compile(r"argument (?P<option>\S+): expected (one|at least one) argument")
_MISSING: Final = re.compile(r"the following arguments are required: (?P<options>.*)")
_EXTRA: Final = re.compile(r"unrecognized arguments: (?P<words>.*)", re.DOTALL)


def path_of(text: str) -> Path:
    """A path; an empty one, such as a shell variable that is not set, would be the working directory."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    return Path(text)


class Parser(argparse.ArgumentParser):
    """A parser whose faults are raised as :class:`~cbat.errors.UserError`."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line.

        Raises
        ------
        UserError
            Always.
        """
        problem, mend = _in_words(message, f"run '{self.prog} --help' for the values of each option")
        raise UserError(problem, mend=mend)


def _in_words(message: str, see_help: str) -> tuple[str, str]:
    if found := _INVALID.fullmatch(message):
        return (
            f"{found['option']} cannot be {found['value']}",
            f"give {_KINDS.get(found['kind'], found['kind'])}",
        )
    if found := _CHOICE.fullmatch(message):
        return f"{found['option']} cannot be {found['value']}", f"use one of: {found['known']}"
    if found := _EMPTY.fullmatch(message):
        return f"{found['option']} is empty", "name a file or a folder (is a shell variable unset?)"
    if found := _NO_VALUE.fullmatch(message):
        return f"{found['option']} needs a value", f"put the value after it; {see_help}"
    if found := _MISSING.fullmatch(message):
        options = found["options"].split(", ")
        one = len(options) == 1
        said = (
            f"the required option{'' if one else 's'} {', '.join(options)} {'is' if one else 'are'} missing"
        )
        return said, f"add {'it' if one else 'them'}; {see_help}"
    if found := _EXTRA.fullmatch(message):
        return f"{found['words']!r} does not belong to any option", f"quote names with spaces; {see_help}"
    return message, see_help
