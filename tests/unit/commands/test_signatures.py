"""Signatures that are read from source are those that Python makes of it."""

from __future__ import annotations

import importlib
import inspect
from typing import get_type_hints

import pytest

from cbat.cli import VERBS
from cbat.commands.signatures import REQUIRED, signature_of


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_it_says_what_the_imported_function_says(verb: str) -> None:
    function = VERBS[verb].function
    module, name = function.split(":")
    target = getattr(importlib.import_module(module), name)
    hints, expected = get_type_hints(target), inspect.signature(target).parameters
    found = signature_of(function)
    assert [one.name for one in found.parameters] == list(expected)
    for one in found.parameters:
        parameter = expected[one.name]
        assert one.hint == hints[one.name]
        empty = parameter.default is inspect.Parameter.empty
        assert one.default is REQUIRED if empty else one.default == parameter.default
        assert one.positional == (parameter.kind is not inspect.Parameter.KEYWORD_ONLY)
    assert found.docstring == (inspect.getdoc(target) or "")


def test_what_the_source_does_not_say_is_an_error() -> None:
    with pytest.raises(TypeError, match="defines no function absent"):
        signature_of("cbat.errors:absent")
