"""One mistake at a time, or all of them together.

A stage stops at the first mistake. A check lists all that it finds, and so goes on after those that do not
stand in the way of the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from cbat.errors import UserError

_collected: ContextVar[list[UserError] | None] = ContextVar("collected", default=None)


class SeveralFaultsError(UserError):
    """Mistakes that a check has found, each in a line of its own.

    Attributes
    ----------
    faults : tuple of UserError
    """

    def __init__(self, faults: Sequence[UserError]) -> None:
        self.faults = tuple(faults)
        first = self.faults[0]
        super().__init__(first.problem, mend=first.mend, file=first.file, where=first.where)

    def __str__(self) -> str:
        listed = [f"  {number}. {fault}" for number, fault in enumerate(self.faults, 1)]
        return "\n".join([f"{len(self.faults)} faults (once these are fixed, more may be found)", *listed])


class _NoFurtherError(Exception):
    """What was found makes the next checks meaningless."""


@contextmanager
def all_faults() -> Iterator[None]:
    """Look for all mistakes inside, and raise them together at the end.

    Raises
    ------
    UserError
        The one that was found, or :class:`SeveralFaultsError`: each once, in the order of the search.
    """
    found: list[UserError] = []
    token = _collected.set(found)
    try:
        with independent():
            yield
    except _NoFurtherError:
        pass
    finally:
        _collected.reset(token)
    once = list({str(fault): fault for fault in found}.values())
    if len(once) == 1:
        raise once[0]
    if once:
        raise SeveralFaultsError(once)


@contextmanager
def independent() -> Iterator[None]:
    """A check after whose mistake others are looked for, where all are asked for."""
    try:
        yield
    except _NoFurtherError:
        # Raised only where all are asked for, by a part of this check.
        pass
    except UserError as error:
        if (found := _collected.get()) is None:
            raise
        found.append(error)


def settle() -> None:
    """Go no further where mistakes were found that would make others appear."""
    if _collected.get():
        raise _NoFurtherError


def are_listed() -> bool:
    """Whether all mistakes are asked for."""
    return _collected.get() is not None


def note(error: UserError) -> None:
    """Add a mistake to the list, where all are asked for."""
    if (found := _collected.get()) is not None:
        found.append(error)


def any_so_far() -> bool:
    """Whether mistakes have been found, where all are asked for."""
    return bool(_collected.get())
