"""Checks that list every mistake, where a stage would stop at the first."""

from __future__ import annotations

import pytest

from cbat.errors import UserError
from cbat.faults import SeveralFaultsError, all_faults, any_so_far, independent, settle


def fault(name: str) -> UserError:
    return UserError(f"{name} is wrong", mend=f"correct {name}")


def several(*names: str) -> list[str]:
    seen = []
    for name in names:
        with independent():
            seen.append(name)
            raise fault(name)
    settle()
    seen.append("end")
    return seen


def test_the_first_stops_where_nobody_asks_for_all() -> None:
    with pytest.raises(UserError, match="^a is wrong") as raised:
        several("a", "b")
    assert not isinstance(raised.value, SeveralFaultsError)


def test_all_are_raised_together_each_once() -> None:
    with pytest.raises(SeveralFaultsError) as raised, all_faults():
        several("a", "b", "a")
    assert str(raised.value).splitlines() == [
        "2 faults (once these are fixed, more may be found)",
        "  1. a is wrong. Fix: correct a.",
        "  2. b is wrong. Fix: correct b.",
    ]  # fmt: skip


def test_one_alone_is_told_as_ever() -> None:
    with pytest.raises(UserError) as raised, all_faults():
        several("a")
    assert str(raised.value) == str(fault("a"))
    with all_faults():
        assert not any_so_far()
        assert several() == ["end"]
    with pytest.raises(ZeroDivisionError), all_faults():
        _ = 1 / 0
