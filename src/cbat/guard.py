"""What a command may write: never one of its inputs, and in a folder only what it wrote there before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from cbat import written
from cbat.errors import UserError, of_the_machine
from cbat.files import MARK, kept_by
from cbat.locks import locked

Kind = Literal["file", "folder", "whole", "edited", "shared"]
LOCK: Final = f".{MARK}lock"
"""Name of the lock of a folder; with the name of a verb, of that verb in the folder."""
_SHOWN: Final = 5


@dataclass(frozen=True)
class Output:
    """What a command makes of an option that names a file or folder.

    Attributes
    ----------
    kind : str
        ``file``: a file, and those beside it. ``folder``: files in a folder that may hold others. ``whole``:
        a folder that is replaced. ``edited``: files of which a part is rewritten. ``shared``: a folder that
        another option names the file of.
    names : tuple of str
        For a folder the files that are written, ``*`` for any part of a name; for a file those beside it,
        with ``{name}`` and ``{stem}`` for its name with and without its last ending.
    by_name : tuple of str
        Further such names, of files that a crash may have left damaged and that no user edits: one that an
        earlier run wrote is its own whatever it holds.
    alone : bool
        Whether no other command may write into the folder meanwhile.
    """

    kind: Kind
    names: tuple[str, ...] = ()
    by_name: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class Place:
    """An output as one command line names it.

    Attributes
    ----------
    given : Path
        As on the command line.
    output : Output
    """

    given: Path
    output: Output

    @property
    def folder(self) -> Path:
        """The folder that is written to, its links resolved."""
        given = self.given.parent if self.output.kind == "file" else self.given
        return Path(os.path.realpath(given))

    @property
    def names(self) -> tuple[str, ...]:
        """Patterns of the files of the folder that are written."""
        if self.output.kind != "file":
            return self.output.names + self.output.by_name
        return (self.given.name, *map(self._named, self.output.names + self.output.by_name))

    def _named(self, pattern: str) -> str:
        return pattern.format(name=self.given.name, stem=self.given.stem)

    def known_by_name(self, name: str) -> bool:
        """Whether a file that is written is known by its name alone."""
        if self.output.kind == "file":
            return name in map(self._named, self.output.by_name)
        return any(fnmatchcase(name, pattern) for pattern in self.output.by_name)

    def holds(self, path: Path) -> bool:
        """Whether ``path``, absolute and resolved but for its last part, is written as a part of it."""
        if self.output.kind not in ("file", "folder", "whole") or not path.is_relative_to(self.folder):
            return False
        name = path.relative_to(self.folder)
        if self.output.kind == "file":
            return name.as_posix() in self.names
        return not any(f".{MARK}" in part for part in name.parts)

    def is_whole(self, path: Path) -> bool:
        """Whether ``path`` is the folder that is replaced, or a link to it."""
        return self.output.kind == "whole" and Path(os.path.realpath(path)) == self.folder

    def files(self) -> Iterator[Path]:
        """Files that are there and that would be written over, or would go with the folder."""
        if self.output.kind == "edited" and not self.folder.is_dir():
            yield self.folder
            return
        if self.output.kind in ("whole", "edited"):
            for pattern in self.names or ["**/*"]:
                yield from sorted(self.folder.glob(pattern))
            return
        for name in self.names:
            # Files whose names are not known yet are asked for later.
            later = "*" in name and self.output.kind == "folder"
            if not later and os.path.lexists(path := self.folder / name):
                yield path


@dataclass
class Guard:
    """Asked before anything is written, see :class:`cbat.files.Keeper`.

    Attributes
    ----------
    verb : str
    inputs : list of Path
        Files and folders that are read.
    places : list of Place
    whole_verb : str, optional
        The verb of which this one does a part, and may replace what it wrote.
    """

    verb: str
    inputs: Sequence[Path]
    places: Sequence[Place]
    whole_verb: str | None = None
    _files: dict[tuple[int, int], Path] = field(init=False, default_factory=dict)
    _made: set[tuple[int, ...]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        for path in self.inputs:
            try:
                state = path.stat()
            except OSError:
                continue
            if path.is_file():
                self._files[state.st_dev, state.st_ino] = path

    def check(self) -> None:
        """Look at all that is there already and would be written over, before the work.

        Raises
        ------
        UserError
            An input is among it, or a file that no earlier run of the verb wrote.
        """
        for place in self.places:
            self._check_form(place)
            if place.output.kind == "whole":
                self._check_whole(place)
                continue
            foreign = []
            for path in place.files():
                self._refuse_input(path)
                if place.output.kind in ("file", "folder") and not self._is_ours(place, path):
                    foreign.append(path)
            self._refuse_foreign(place, foreign)

    def before(self, path: Path, *, through: bool = True) -> None:
        """See :class:`cbat.files.Keeper`."""
        here = _placed(path)
        if not os.path.lexists(here):
            return
        if through or not here.is_symlink():
            self._refuse_input(here)
        if (place := self._place(here)) is None:
            return
        if place.is_whole(here):
            self._check_whole(place)
        elif not self._is_ours(place, here):
            self._refuse_foreign(place, [here])

    def written(self, path: Path, content: Path) -> None:
        """See :class:`cbat.files.Keeper`."""
        here = _placed(path)
        if (place := self._place(here)) is None:
            return
        if place.is_whole(here):
            written.record_whole(content, self.verb)
            return
        name = here.relative_to(place.folder).as_posix()
        if place.known_by_name(name) and not content.is_symlink():
            state = None
        elif not os.path.lexists(content):
            return
        else:
            state = written.state_of(content)
            self._made.add(_identity(content))
        written.record(place.folder, {name: state}, self.verb)

    def _place(self, here: Path) -> Place | None:
        return next((place for place in self.places if place.is_whole(here) or place.holds(here)), None)

    def _is_ours(self, place: Place, path: Path) -> bool:
        if path.is_dir() and not path.is_symlink():
            return place.output.kind == "whole"
        if _is_empty(path) or _identity(path) in self._made:
            return True
        name = path.relative_to(place.folder).as_posix()
        verbs, by_name = {self.verb, self.whole_verb}, place.known_by_name(name)
        if not written.is_recorded(place.folder, name, verbs, by_name=by_name):
            return False
        self._made.add(_identity(path))
        return True

    def _check_form(self, place: Place) -> None:
        given, kind = place.given, place.output.kind
        if kind == "file" and given.is_dir():
            raise UserError(
                "this is a folder, and a file is to be written", mend="name a file in it", file=given
            )
        if kind in ("folder", "whole", "shared") and given.exists() and not given.is_dir():
            raise UserError(
                "this is a file, and files are to be written into a folder of that name",
                mend="name a folder",
                file=given,
            )

    def _check_whole(self, place: Place) -> None:
        for path in self.inputs:
            if path.exists() and Path(os.path.realpath(path)).is_relative_to(place.folder):
                raise UserError(
                    f"'cbat {self.verb}' would replace the folder {place.given}, which holds this input",
                    mend="name another folder for what is made",
                    file=path,
                )
        foreign = []
        for path in place.files():
            if path.name == written.RECORD or f".{MARK}" in path.relative_to(place.folder).as_posix():
                continue
            self._refuse_input(path)
            if not self._is_ours(place, path):
                foreign.append(path)
        self._refuse_foreign(place, foreign)

    def _refuse_input(self, path: Path) -> None:
        for place in self.places:
            # A link that an earlier run made is replaced, and what it names is left alone.
            inside = path.is_symlink() and path.is_relative_to(place.folder)
            if inside and written.is_own_link(place.folder, path.relative_to(place.folder).as_posix()):
                return
        try:
            state = path.stat()
        except OSError:
            return
        if (read := self._files.get((state.st_dev, state.st_ino))) is not None:
            same = "" if read == path else f" (it is {path})"
            raise UserError(
                f"'cbat {self.verb}' would write over this file, which is one of its inputs{same}",
                mend="name another place for what is made, or keep your files elsewhere",
                file=read,
            )

    def _refuse_foreign(self, place: Place, foreign: Sequence[Path]) -> None:
        if not foreign:
            return
        names = [str(path.relative_to(place.folder)) for path in foreign]
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN))
        told = "replace" if place.output.kind == "whole" else "write over"
        of_file = place.output.kind == "file"
        raise UserError(
            f"'cbat {self.verb}' would {told} {shown}, which no earlier run of it wrote here or which was "
            "changed since",
            mend=f"name another {'file' if of_file else 'folder'} for what is made, or move "
            f"{'it' if len(names) == 1 else 'them'} away",
            file=foreign[0] if of_file else place.given,
        )


@contextmanager
def guarded(guard: Guard, *, lock: bool = True) -> Iterator[None]:
    """Check what a command would write, lock its folders, and watch over what it writes.

    Parameters
    ----------
    guard : Guard
    lock : bool
        Whether to lock; not where the process that started this one holds the locks.

    Raises
    ------
    UserError
        See :meth:`Guard.check`; another run writes into one of the folders.
    """
    # Inputs first, for that changes nothing; again under the lock, for another run may just have ended.
    guard.check()
    with ExitStack() as stack:
        if lock:
            for place in guard.places:
                stack.enter_context(_place_locked(place, guard.verb))
            guard.check()
        stack.enter_context(kept_by(guard))
        yield


@contextmanager
def _place_locked(place: Place, verb: str) -> Iterator[None]:
    if place.output.kind == "edited":
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(_made_folder(place.folder))
        except OSError as error:
            raise of_the_machine(OSError(error.errno, error.strerror), place.given) or error from error
        if place.output.kind == "file":
            names = {f".{place.given.name}.{MARK}lock": False}
        elif place.output.alone or place.output.kind == "whole":
            names = {LOCK: False}
        elif place.output.kind == "shared":
            names = {LOCK: True}
        else:
            names = {LOCK: True, f"{LOCK}-{verb}": False}
        for name, shared in names.items():
            stack.enter_context(locked(place.folder / name, shared=shared, verb=verb))
        yield


@contextmanager
def _made_folder(folder: Path) -> Iterator[None]:
    """A folder that goes again with those around it, where they are new and nothing was written."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):
            if [entry.name for entry in folder.iterdir()] == [written.RECORD]:
                # All that it told of is gone: so can it.
                (folder / written.RECORD).unlink()
                folder.rmdir()
            for path in new:
                path.rmdir()


def _placed(path: Path) -> Path:
    """The path with the links before its last part resolved."""
    return Path(os.path.realpath(path.parent)) / path.name if path.name != ".." else path.resolve()


def _identity(path: Path) -> tuple[int, ...]:
    state = path.lstat()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:  # A link that names nothing.
        return True
