"""What the machine refuses, told as on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cbat.errors import UserError, of_the_machine


@contextmanager
def machine_told() -> Iterator[None]:
    """Tell a full or read-only disk, a limit or a missing permission in one message.

    Raises
    ------
    UserError
        In place of an exception of the block that says such a thing.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        told = of_the_machine(error)
        if told is None:
            raise
        raise told from error
