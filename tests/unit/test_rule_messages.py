"""Each rule that runs a command says in words what it does, and of what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

RULES = {
    match[2]: match[3]
    for path in sorted((Path(__file__).parents[2] / "workflow" / "rules").glob("*.smk"))
    for match in re.finditer(
        r"^( *)rule (\w+):\n(.*?)(?=^ *rule |^[a-zA-Z#@]|\Z)", path.read_text(), re.MULTILINE | re.DOTALL
    )
}


def test_the_rules_are_found() -> None:
    assert len(RULES) > 40


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_a_message(rule: str) -> None:
    if "shell:" not in RULES[rule]:
        pytest.skip("a target, which runs nothing")
    (message,) = re.findall(r'message:\n\s+"(.*)"\n', RULES[rule])
    assert re.fullmatch(r"[A-Z].*\.", message)
    of_jobs = re.findall(r"\{wildcards\.(\w+)\}", RULES[rule].split("message:")[0])
    told = re.findall(r"\{wildcards\.(\w+)\}", message)
    log_file = RULES[rule].split("log:\n")[1].split("\n")[0]
    log = re.findall(r"\{(\w+)\}", log_file)
    assert set(told) == set(log) | (set(told) & set(of_jobs)), "jobs of one rule differ in their messages"
