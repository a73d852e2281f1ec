"""Fetch one file over HTTP(S), or from a ``file://`` address, and go on where an earlier attempt ended.

What has arrived stays in ``<file>.part``; beside it, ``<file>.part.json`` says which version of the file
it is (its entity tag or date), so that pieces of two versions are never joined (RFC 9110, 13.1.5).
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests

from cbat import __version__
from cbat.files import write_json

USER_AGENT: Final = f"cbat/{__version__}"
_PIECE: Final = 1 << 14
"""Bytes read at a time: what an interruption may lose."""

_LONGEST_PAUSE: Final = 60.0
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another attempt may change."""

logger = logging.getLogger(__name__)


class TransferError(Exception):
    """The file cannot be had from this address.

    Parameters
    ----------
    reason : str
        Why, in words.
    unreachable : bool
        Whether nobody answered at all.
    """

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


class _InterruptedError(Exception):
    """An attempt ended early; another one may get further."""

    def __init__(self, reason: str, *, unreachable: bool = False, pause: float | None = None) -> None:
        super().__init__(reason)
        self.unreachable, self.pause = unreachable, pause


def part_of(output: Path) -> Path:
    """Where the file is collected before it is moved to ``output``."""
    return output.with_name(f"{output.name}.part")


def parts_of(part: Path) -> tuple[Path, Path]:
    """What has arrived, and the note of what it is the beginning of."""
    return part, _note_of(part)


def discard(part: Path) -> None:
    """Forget what has arrived."""
    for path in parts_of(part):
        path.unlink(missing_ok=True)


def fetch(url: str, part: Path, *, attempts: int, timeout: float, known: bool) -> None:
    """Collect the file at ``url`` in ``part``, which may hold its beginning already.

    Parameters
    ----------
    url : str
        Address: https, http or file. Proxies and certificates are taken from the environment.
    part : Path
        Holds the whole file when this returns.
    attempts : int
        Attempts before giving up, counted again after one that gets further. The pause between them doubles.
    timeout : float
        Seconds without an answer that end an attempt.
    known : bool
        Whether the caller knows the digest of the file. Only then a beginning without entity tag or date is
        gone on with: what does not fit together would be noticed.

    Raises
    ------
    TransferError
        The file is not there, or nobody answers.
    OSError
        The file cannot be written.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(part) as out:
        if urlsplit(url).scheme == "file":
            _copy(url, out)
        else:
            with requests.Session() as session:
                # As published: compressed on the way, lengths and ranges would mean something else.
                session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
                _fetch_over_http(session, url, part, out, attempts, timeout, known)
        if _size(out) == 0:
            raise TransferError("the file there is empty")


def _fetch_over_http(
    session: requests.Session,
    url: str,
    part: Path,
    out: IO[bytes],
    attempts: int,
    timeout: float,
    known: bool,
) -> None:
    failed, most = 0, _size(out)
    while True:
        try:
            return _attempt(session, url, part, out, timeout, known)
        except _InterruptedError as error:
            failed = 1 if _size(out) > most else failed + 1
            most = max(most, _size(out))
            if failed >= attempts:
                raise TransferError(f"{error} ({failed} attempts)", unreachable=error.unreachable) from error
            pause = min(_LONGEST_PAUSE, error.pause if error.pause is not None else 2.0 ** (failed - 1))
            logger.info("%s; next attempt in %.0f s, %d bytes are here", error, pause, _size(out))
            time.sleep(pause)


def _attempt(
    session: requests.Session, url: str, part: Path, out: IO[bytes], timeout: float, known: bool
) -> None:
    offset, version = _size(out), _read_note(part, url)
    headers = {}
    if offset and (version or known):
        headers = {"Range": f"bytes={offset}-"} | ({"If-Range": version} if version else {})
    else:
        out.truncate(0)
    try:
        with session.get(
            url, headers=headers, stream=True, timeout=(min(timeout, 30.0), timeout)
        ) as response:
            if response.status_code == 416 and headers and _total(response) == offset:
                return
            whole = _position(response, url, part, out, version)
            # A packed file is data here, not a way of sending a plain one.
            response.raw.headers.discard("Content-Encoding")
            for piece in response.iter_content(_PIECE):
                _write(out, piece)
            if whole is not None and _size(out) != whole:
                raise _InterruptedError(f"{_size(out)} of {whole} bytes have arrived")
    except requests.exceptions.SSLError as error:
        raise TransferError(f"the connection is not secure ({_root(error)})") from error
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        nobody = isinstance(error, requests.ConnectionError) and _size(out) == offset
        raise _InterruptedError(f"the connection failed ({_root(error)})", unreachable=nobody) from error
    except requests.RequestException as error:
        raise TransferError(f"the request failed ({_root(error)})") from error


def _position(
    response: requests.Response, url: str, part: Path, out: IO[bytes], version: str | None
) -> int | None:
    """Make ``out`` end where the answer begins; returns the length of the whole file if that is known."""
    status = response.status_code
    if status in _PASSING:
        raise _InterruptedError(
            f"the server answered {status} {response.reason}", pause=_asked_pause(response)
        )
    fits = version is None or _version(response) in (None, version)
    if status == 206 and fits and _first(response) == _size(out):
        return _total(response)
    if status in (206, 416):
        # A piece that does not fit to what is here: of another version, or from elsewhere in the file.
        out.truncate(0)
        raise _InterruptedError("the server has another version than the beginning that is here", pause=0.0)
    if status != 200:
        raise TransferError(f"the server answered {status} {response.reason}")
    out.truncate(0)
    write_json(_note_of(part), {"url": url, "version": _version(response)})
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _version(response: requests.Response) -> str | None:
    """What tells this version of the file from others: a strong entity tag, or else its date."""
    tag = response.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _first(response: requests.Response) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(response: requests.Response) -> int | None:
    found = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _asked_pause(response: requests.Response) -> float | None:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else None


def _root(error: BaseException) -> str:
    """The first cause, in its own words."""
    seen = error
    for _ in range(10):
        inner = seen.__cause__ or seen.__context__ or getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            break
        seen = inner
    return str(seen) or type(seen).__name__


def _copy(url: str, out: IO[bytes]) -> None:
    path = url2pathname(urlsplit(url).path)
    try:
        source = open(path, "rb")  # noqa: SIM115 - closed below; only opening it may fail for the caller's reasons
    except OSError as error:
        raise TransferError(f"{path} cannot be read ({error.strerror})") from error
    with source:
        out.truncate(0)
        while piece := source.read(_PIECE):
            _write(out, piece)


def _write(out: IO[bytes], piece: bytes) -> None:
    """Write all of a piece, which an unbuffered file does not promise."""
    rest = memoryview(piece)
    while rest:
        rest = rest[out.write(rest) :]


@contextmanager
def _only_one(part: Path) -> Iterator[IO[bytes]]:
    """Open ``part`` to write at its end, unless another process is at it."""
    with open(part, "ab", buffering=0) as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TransferError(f"another process is fetching it into {part}") from error
        try:
            yield out
        finally:
            if _size(out) == 0:
                discard(part)


def _size(out: IO[bytes]) -> int:
    return os.fstat(out.fileno()).st_size


def _note_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_note(part: Path, url: str) -> str | None:
    """Which version of the file the beginning is of; None if not known, or if it is of another address."""
    try:
        note = json.loads(_note_of(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note.get("version") if note.get("url") == url else None
