"""Every message that gives advice is in the register ``advice_sites.tsv``, with the test that follows it.

A site is a call that makes a ``UserError``, or hands problem and mend to a function that makes one. It is
known by its module, its function and its first words, not by its line. ``followed_by`` names a test that
carries the advice out; ``excused`` says why none does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

TOP = Path(__file__).resolve().parents[3]
PACKAGE = TOP / "src" / "cbat"
REGISTER = Path(__file__).with_name("advice_sites.tsv")
ERROR, WORDS = "UserError", 7
PROBLEM, MEND = "problem", "mend"
NOT_YET = "not yet"
"""Reason of a site whose advice could be followed, and is not."""
AT_MOST_NOT_YET = 248
"""How many sites may have that reason; to be lowered, never raised."""


class Site(NamedTuple):
    module: str
    function: str
    starts: str


class Maker(NamedTuple):
    """A function that takes problem and mend, and where the problem stands among its arguments."""

    position: int


def modules() -> dict[str, ast.Module]:
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def makers_of(trees: dict[str, ast.Module]) -> dict[str, Maker]:
    """Errors, and functions that hand problem and mend on to one."""
    makers = {ERROR: Maker(0)}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and ERROR in [ast.unparse(base) for base in node.bases]:
                makers[node.name] = Maker(0)
            if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                names = [one.arg for one in (*node.args.args, *node.args.kwonlyargs) if one.arg != "self"]
                if {PROBLEM, MEND} <= {*names}:
                    makers[node.name] = Maker(names.index(PROBLEM))
    return makers


def words_of(node: ast.expr) -> str:
    """The words of a literal, with ``{}`` in place of what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    if isinstance(node, ast.BinOp):
        return words_of(node.left) + words_of(node.right)
    if isinstance(node, ast.IfExp):
        return words_of(node.body)
    return "{}"


def calls_of(
    module: str, tree: ast.AST, makers: dict[str, Maker], inside: tuple[ast.AST, ...] = ()
) -> Iterator[tuple[Site, ast.Call]]:
    for node in ast.iter_child_nodes(tree):
        within = inside
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            within = (*inside, node)
        name = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and name in makers:
            problem = problem_of(node, makers[name])
            if problem is not None and not hands_on(problem, within):
                function = ".".join(one.name for one in within)
                starts = " ".join(re.sub(r"\s+", " ", words_of(problem)).split()[:WORDS])
                yield Site(module, function, starts), node
        yield from calls_of(module, node, makers, within)


def problem_of(call: ast.Call, maker: Maker) -> ast.expr | None:
    named = [one.value for one in call.keywords if one.arg == PROBLEM]
    if named:
        return named[0]
    return call.args[maker.position] if len(call.args) > maker.position else None


def hands_on(problem: ast.expr, within: tuple[ast.AST, ...]) -> bool:
    """Whether a call passes on what its own function was given."""
    last = within[-1] if within else None
    return (
        isinstance(problem, ast.Name)
        and isinstance(last, ast.FunctionDef)
        and problem.id == PROBLEM
        and {PROBLEM, MEND} <= {one.arg for one in (*last.args.args, *last.args.kwonlyargs)}
    )


def sites() -> set[Site]:
    trees = modules()
    makers = makers_of(trees)
    return {site for module, tree in trees.items() for site, _ in calls_of(module, tree, makers)}


def register() -> pd.DataFrame:
    table = pd.read_csv(REGISTER, sep="\t", dtype=str, keep_default_na=False)
    assert list(table.columns) == [*Site._fields, "followed_by", "excused"]
    return table


def test_every_site_is_in_the_register_and_no_other() -> None:
    rows = [Site(*row) for row in register()[list(Site._fields)].itertuples(index=False)]
    assert len(rows) == len({*rows})
    found = sites()
    assert len(found) > 400
    assert sorted(found - {*rows}) == [], "add these to advice_sites.tsv, with a test that follows the advice"
    assert sorted({*rows} - found) == [], "these are in advice_sites.tsv and not in the code any more"


def test_a_row_names_a_test_or_a_reason() -> None:
    table = register()
    both = (table["followed_by"] != "") == (table["excused"] != "")
    assert table[both].to_numpy().tolist() == []
    texts: dict[str, str] = {}
    for test in table.loc[table["followed_by"] != "", "followed_by"]:
        path, _, name = test.partition("::")
        function, _, case = name.partition("[")
        text = texts.setdefault(path, (TOP / path).read_text(encoding="utf-8"))
        assert f"def {function}(" in text, test
        assert case.removesuffix("]") in text, test


def test_what_is_not_yet_followed_does_not_grow() -> None:
    assert (register()["excused"] == NOT_YET).sum() <= AT_MOST_NOT_YET
