"""Turn the parameters of a function into command-line options.

``settings: ElementSettings`` becomes ``--settings JSON-OR-YAML``, ``fasta: Path`` becomes ``--fasta PATH``,
``cohort: Literal["training", "unseen"]`` a choice, and a sequence takes any number of values. A parameter
without a default is a required option; its help is its entry in the docstring.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from cbat.commands.faults_of_options import Parser, path_of
from cbat.commands.signatures import REQUIRED, Signature, signature_of
from cbat.errors import UserError

_LISTS: Final = frozenset({list, tuple, Sequence})
_ENTRY: Final = re.compile(r"^(?P<names>\w+(?:, \w+)*)(?: : .*)?$")


def call_with_options(function: str, program: str, summary: str, arguments: Sequence[str]) -> None:
    """Parse ``arguments`` into the parameters of ``module:function`` and call it.

    Parameters
    ----------
    function : str
        ``module:function``; all its parameters are keywords.
    program, summary : str
        For the help text.
    arguments : sequence of str
        The command line after the verb.
    """
    signature = signature_of(function)
    parser = _parser(signature, program, summary)
    _check_known(parser, program, arguments)
    parsed = vars(parser.parse_args(arguments))
    values = {one.name: _convert(one.hint, one.name, parsed[one.name]) for one in signature.parameters}
    verb = program.removeprefix("cbat ")
    # Only now: the module behind a verb may import torch, which takes longer than a mistake should be hidden.
    from cbat.commands.outputs import outputs_guarded, paths_in

    _refuse_pipes(paths_in(values))
    module, _, name = function.partition(":")
    with outputs_guarded(verb, values):
        getattr(_imported(module), name)(**values)


def _check_known(parser: argparse.ArgumentParser, program: str, arguments: Sequence[str]) -> None:
    """Name an unknown option before the options that are missing, which it may be."""
    known = [option for action in parser._actions for option in action.option_strings]
    for argument in arguments:
        option = argument.partition("=")[0]
        if argument == "--":
            return
        if argument.startswith("--") and option not in known:
            from cbat.config.suggestions import did_you_mean

            raise UserError(
                f"unknown option {option!r}{did_you_mean(option, known)}",
                mend=f"run '{program} --help' for the list",
            )


def _refuse_pipes(paths: Iterable[Path]) -> None:
    """Files are read more than once, and what a shell hands over as a pipe can be read but once."""
    for path in paths:
        if str(path).startswith(("/dev/fd/", "/proc/self/fd/")):
            raise UserError(
                "this is a pipe, which can be read once, and files are read more than once",
                mend="write it to a file first, and name that",
                file=path,
            )


def _imported(module: str) -> ModuleType:
    """A module, without a look for garbage among what its import makes, then or later: it stays.

    With torch that look is an eighth of the start of a job.
    """
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def build_parser(target: Callable[..., object] | str, program: str, summary: str) -> argparse.ArgumentParser:
    """The parser for the parameters of ``target``, a function or ``module:function``."""
    return _parser(signature_of(target), program, summary)


def _parser(signature: Signature, program: str, summary: str) -> argparse.ArgumentParser:
    parser = Parser(
        prog=program, description=summary, allow_abbrev=False, formatter_class=argparse.HelpFormatter
    )
    entries = describe_parameters(signature.docstring)
    for one in signature.parameters:
        required = one.default is REQUIRED
        options = _option(one.hint, positional=one.positional)
        text = (entries.get(one.name, "") + _default_in_words(one.default)).replace("%", "%%")
        if one.positional:
            parser.add_argument(one.name, help=text, **options)
            continue
        parser.add_argument(
            f"--{one.name.replace('_', '-')}",
            dest=one.name,
            required=required,
            default=None if required else one.default,
            help=text,
            **options,
        )
    return parser


def _default_in_words(default: Any) -> str:
    """The default of an option, where it says something."""
    if default is REQUIRED or default is None or default is False or default == ():
        return ""
    return f" [default: {'yes' if default is True else default}]"


def describe_parameters(docstring: str) -> dict[str, str]:
    """The entries of the ``Parameters`` section of a NumPy-style docstring."""
    entries: dict[str, str] = {}
    names: list[str] = []
    lines = docstring.splitlines()
    inside = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following and set(following) == {"-"}:
            inside, names = line == "Parameters", []
            continue
        if not inside or not line.strip(" -"):
            continue
        if entry := _ENTRY.match(line):
            names = entry["names"].split(", ")
        elif line.startswith("    "):
            for name in names:
                entries[name] = f"{entries.get(name, '')} {line.strip()}".strip()
    return entries


def _option(hint: Any, *, positional: bool) -> dict[str, Any]:
    hint = _without_none(hint)
    origin = get_origin(hint)
    if origin in _LISTS:
        return _option(get_args(hint)[0], positional=False) | {"nargs": "+" if positional else "*"}
    if origin is Mapping or origin is dict:
        return {"nargs": "+", "metavar": "NAME=VALUE"}
    if origin is Literal:
        return {"choices": [*get_args(hint)]}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if _is_section(hint):
        return {"metavar": "JSON|YAML"}
    if hint in (int, float):
        return {"type": hint, "metavar": "NUMBER"}
    if hint in (str, Path):
        kind = path_of if hint is Path else str
        return {"type": kind} | ({} if positional else {"metavar": "PATH" if hint is Path else "NAME"})
    raise TypeError(f"no option for a parameter of type {hint!r}")


def _convert(hint: Any, name: str, value: Any) -> Any:
    """What argparse cannot make by itself: settings, mappings and tuples."""
    hint = _without_none(hint)
    if value is None:
        return None
    if _is_section(hint) and isinstance(value, str):
        from cbat.config.load import load_section

        return load_section(hint, value)
    if get_origin(hint) in (Mapping, dict) and isinstance(value, list):
        return _convert_mapping(get_args(hint)[1], name, value)
    if get_origin(hint) is tuple:
        return tuple(value)
    return value


def _convert_mapping(value_type: Any, name: str, items: Sequence[str]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not (equals and key and value) or key in mapping:
            raise UserError(
                f"--{name.replace('_', '-')} got {item!r}",
                mend="write NAME=VALUE, each name once, without spaces around the '='",
            )
        mapping[key] = value_type(value)
    return mapping


def _is_section(hint: Any) -> bool:
    """Whether it is a section of the configuration, without importing pydantic to see that it is none."""
    base = sys.modules.get("cbat.config.base")
    return base is not None and isinstance(hint, type) and issubclass(hint, base.Section)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        kept = [argument for argument in get_args(hint) if argument is not NoneType]
        if len(kept) == 1:
            return kept[0]
    return hint
