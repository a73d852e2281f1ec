"""The signature of a function, read from its source, so that its module need not be imported.

The modules behind verbs import torch and pandas, which takes seconds; help and checked options need neither.
Of the module's imports, those alone are done that annotations and defaults name.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REQUIRED: Final = object()
"""Default of a parameter that has none."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function behind a verb.

    Attributes
    ----------
    name : str
    hint : type
        Its annotation.
    default : object
        ``REQUIRED`` without one.
    positional : bool
        Whether it is given without its name.
    """

    name: str
    hint: Any
    default: Any
    positional: bool


@dataclass(frozen=True)
class Signature:
    """Parameters and docstring of a function."""

    parameters: tuple[Parameter, ...]
    docstring: str


def signature_of(target: Callable[..., object] | str) -> Signature:
    """The signature of a function, or of ``module:function``, whose module is not imported.

    Raises
    ------
    TypeError
        The source does not hold such a function, or an annotation or default cannot be read from it.
    """
    if not isinstance(target, str):
        target = f"{target.__module__}:{target.__name__}"
    module, _, name = target.partition(":")
    tree = ast.parse(_source(module), filename=module)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not functions:
        raise TypeError(f"{module} defines no function {name}")
    function, names = functions[-1], _Names(tree, module)
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    absent = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*absent, *arguments.defaults], strict=True)]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    parameters = tuple(
        Parameter(
            argument.arg,
            names.value(argument.annotation),
            REQUIRED if default is None else names.value(default),
            number < len(positional),
        )
        for number, (argument, default) in enumerate(pairs)
    )
    return Signature(parameters, inspect.cleandoc(ast.get_docstring(function) or ""))


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise TypeError(f"{module} has no source")
    return Path(spec.origin).read_text(encoding="utf-8")


class _Names:
    """What names at the top of a module stand for; a name is imported when it is asked for."""

    def __init__(self, tree: ast.Module, module: str) -> None:
        self._module = module
        self._imported: dict[str, tuple[str, str | None]] = {}
        self._assigned: dict[str, ast.expr] = {}
        for node in tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = (alias.name, None)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = (node.module, alias.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                self._assigned[node.target.id] = node.value
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._assigned[node.targets[0].id] = node.value

    def value(self, node: ast.expr | None) -> Any:
        """What an annotation or default stands for."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._named(node.id)
            case ast.Attribute():
                return getattr(self.value(node.value), node.attr)
            case ast.Subscript():
                return self.value(node.value)[self.value(node.slice)]
            case ast.BinOp(op=ast.BitOr()):
                return self.value(node.left) | self.value(node.right)
            case ast.UnaryOp(op=ast.USub()):
                return -self.value(node.operand)
            case ast.Tuple() | ast.List():
                return tuple(self.value(element) for element in node.elts)
        text = "nothing" if node is None else ast.unparse(node)
        raise TypeError(f"{self._module}: {text} is no annotation or default that can be read from source")

    def _named(self, name: str) -> Any:
        if name in self._assigned:
            return self.value(self._assigned[name])
        if name in self._imported:
            module, attribute = self._imported[name]
            found = importlib.import_module(module)
            return found if attribute is None else getattr(found, attribute)
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise TypeError(f"{self._module}: no name {name} at the top of the module")
