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
    locked : bool
        Whether it is locked here; False where the command has a lock of its own.
    """

    kind: Kind
    names: tuple[str, ...] = ()
    by_name: tuple[str, ...] = ()
    alone: bool = False
    locked: bool = True


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

    def name_of(self, path: Path) -> str | None:
        """The name in the folder of a path that is written as a part of it; None for any other path."""
        if self.output.kind not in ("file", "folder", "whole"):
            return None
        # A folder inside may be a link to another disk, and so may those around it.
        given = self.given.parent if self.output.kind == "file" else self.given
        for one, folder in ((os.path.abspath(path), os.path.abspath(given)), (_placed(path), self.folder)):
            if not Path(one).is_relative_to(folder):
                continue
            name = Path(one).relative_to(folder)
            named = name.as_posix() in self.names
            if named or (self.output.kind != "file" and not any(f".{MARK}" in part for part in name.parts)):
                return name.as_posix()
        return None

    def is_whole(self, path: Path) -> bool:
        """Whether ``path`` is the folder that is replaced, or a link to it."""
        return self.output.kind == "whole" and Path(os.path.realpath(path)) == self.folder

    def there(self) -> list[str]:
        """Names of files that are there and that would be written over, or would go with the folder."""
        if self.output.kind == "edited" and not self.folder.is_dir():
            return [""]
        if self.output.kind == "edited":
            return sorted(path.name for pattern in self.names for path in self.folder.glob(pattern))
        if self.output.kind == "whole":
            names = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*"))
            return sorted(name for name in names if name != written.RECORD and f".{MARK}" not in name)
        # Files whose names are not known yet are asked for later.
        known = [name for name in self.names if self.output.kind == "file" or "*" not in name]
        return [name for name in known if os.path.lexists(self.folder / name)]


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
        files = [os.path.realpath(place.given) for place in self.places if place.output.kind == "file"]
        if twice := [path for path in files if files.count(path) > 1]:
            raise UserError(
                f"'cbat {self.verb}' would write two files here", mend="name two files", file=twice[0]
            )
        for place in self.places:
            self._check_form(place)
            if place.output.kind == "whole":
                self._check_whole(place)
                continue
            foreign = []
            for name in place.there():
                if not written.is_own_link(place.folder, name):
                    self._refuse_input(place.folder / name)
                if place.output.kind != "edited" and not self._is_ours(place, name):
                    foreign.append(name)
            self._refuse_foreign(place, foreign)

    def before(self, path: Path, *, through: bool = True) -> None:
        """See :class:`cbat.files.Keeper`."""
        if not os.path.lexists(path):
            return
        place, name = self._place(path)
        if place is not None and through and written.is_own_link(place.folder, name):
            raise RuntimeError(f"{path} is a link to a file of the user, which would be written to")
        if through or not path.is_symlink():
            self._refuse_input(path)
        if place is None:
            return
        if place.is_whole(path):
            self._check_whole(place)
        elif not self._is_ours(place, name):
            self._refuse_foreign(place, [name])

    def written(self, path: Path, content: Path) -> None:
        """See :class:`cbat.files.Keeper`."""
        place, name = self._place(path)
        if place is None:
            return
        if place.is_whole(path):
            written.record_whole(content, self.verb)
            return
        if place.known_by_name(name) and not content.is_symlink():
            state = None
        elif not os.path.lexists(content):
            return
        else:
            state = written.state_of(content)
            self._made.add(_identity(content))
        written.record(place.folder, {name: state}, self.verb)

    def _place(self, path: Path) -> tuple[Place | None, str]:
        """The output that a path is written for, and its name in the folder of that."""
        for place in self.places:
            name = "." if place.is_whole(path) else place.name_of(path)
            if name is not None:
                return place, name
        return None, ""

    def _is_ours(self, place: Place, name: str) -> bool:
        path = place.folder / name
        if path.is_dir() and not path.is_symlink():
            return place.output.kind == "whole"
        if _is_empty(path) or _identity(path) in self._made:
            return True
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
            if os.path.exists(path) and Path(os.path.realpath(path)).is_relative_to(place.folder):
                raise UserError(
                    f"'cbat {self.verb}' would replace the folder {place.given}, which holds this input",
                    mend="choose another folder for the output",
                    file=path,
                )
        foreign = []
        for name in place.there():
            self._refuse_input(place.folder / name)
            if not self._is_ours(place, name):
                foreign.append(name)
        self._refuse_foreign(place, foreign)

    def _refuse_input(self, path: Path) -> None:
        try:
            state = path.stat()
        except OSError:
            return
        if (read := self._files.get((state.st_dev, state.st_ino))) is not None:
            same = "" if read == path else f" (it is {path})"
            raise UserError(
                f"'cbat {self.verb}' would overwrite this file, which is one of its inputs{same}",
                mend="choose another location for the output, or keep your files elsewhere",
                file=read,
            )

    def _refuse_foreign(self, place: Place, names: Sequence[str]) -> None:
        if not names:
            return
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN))
        told = "replace" if place.output.kind == "whole" else "overwrite"
        of_file = place.output.kind == "file"
        raise UserError(
            f"'cbat {self.verb}' would {told} {shown}, which no earlier run of it wrote here or which was "
            "changed since",
            mend=f"choose another {'file' if of_file else 'folder'} for the output, or move "
            f"{'it' if len(names) == 1 else 'them'} away",
            file=place.given.parent / names[0] if of_file else place.given,
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
    if place.output.kind == "edited" or not place.output.locked:
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
                new = [folder, *new]
        for path in dict.fromkeys(new):
            with suppress(OSError):
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
