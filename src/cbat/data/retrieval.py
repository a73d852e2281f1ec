"""Published raw files: fetched, checked, unpacked, and moved into place as a whole.

Beside each file, ``<file>.json`` records what has arrived. Where the registry does not know the digest of a
file, the first one seen is remembered there, and a later different one is an error.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import logging
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cbat.config.sections import RetrievalSettings
from cbat.config.sources import Source
from cbat.data.transfer import TransferError, discard, fetch, part_of, parts_of
from cbat.errors import UserError
from cbat.files import atomic_file, claim, replace_by, sha256_of, write_json

GZIP_MAGIC: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20
_REMEMBERED: Final = ("url", "fetched_from", "sha256", "bytes", "stored")

logger = logging.getLogger(__name__)


def download(source: Source, output: Path, settings: RetrievalSettings) -> None:
    """Fetch a source to ``output``.

    Parameters
    ----------
    source : Source
        Its row of the registry.
    output : Path
        The file to make; ``<output>.part`` holds what has arrived until it is whole and checked, and
        ``<output>.json`` the record of it.
    settings : RetrievalSettings
        The section ``retrieval``.

    Raises
    ------
    UserError
        Not there, out of reach, of another digest or length than expected, damaged, or no space left.
    """
    if settings.require_checksums and source.sha256 is None:
        raise UserError(
            f"the digest of the source {source.name!r} is not known, but retrieval.require_checksums is true",
            mend=f"write its SHA-256 into the column sha256 of {settings.sources}, or set the key to false",
            file=settings.sources,
            where=f"line {source.line}",
        )
    url, part = mirrored(source.url, settings.mirror), part_of(output)
    # Before anything is fetched: what has the names of these may be the user's.
    for path in (output, *parts_of(part)):
        claim(path)
    logger.info("fetching %s from %s", source.name, url)
    with _told_if_full(output):
        try:
            fetch(
                url,
                part,
                attempts=settings.attempts,
                timeout=settings.timeout,
                known=source.sha256 is not None,
            )
        except TransferError as error:
            raise _unavailable(source, url, output, error) from error
        seen: dict[str, Any] = {"sha256": sha256_of(part), "bytes": part.stat().st_size}
        try:
            _compare(source, output, seen)
            _store(source, part, output)
        except UserError:
            discard(part)
            raise
    _record(source, output, seen, fetched_from=url)
    discard(part)


def check(source: Source, output: Path, settings: RetrievalSettings) -> None:
    """Compare a file that is there, fetched or placed by hand, with the registry or with its record.

    What can be compared with neither is recorded, so that a later change is noticed.

    Raises
    ------
    UserError
        The file is missing, damaged or another one; or its digest is not known and has to be.
    """
    if not output.is_file():
        raise UserError(
            f"{output} does not exist, so there is nothing to check",
            mend=_by_hand(source, source.url, output),
        )
    stored: dict[str, Any] = {"sha256": sha256_of(output), "bytes": output.stat().st_size}
    record = _read_record(source, output)
    published = _published_form(source, output, stored)
    if published is None and record is not None:
        # Only the unpacked form is here, so what it was unpacked from is known from the record alone.
        if record["stored"] != stored:
            raise _differs(source, output, record["stored"]["sha256"], stored["sha256"], recorded=True)
        published = {key: record[key] for key in ("sha256", "bytes")} if record["sha256"] else None
    if published is not None:
        _compare(source, output, published)
    if settings.require_checksums and (published is None or source.sha256 is None):
        raise UserError(
            f"{output} cannot be verified: its expected digest is not known",
            mend=f"fetch it with 'cbat download --name {source.name}', or set retrieval.require_checksums "
            "to false",
        )
    fetched_from = record["fetched_from"] if record is not None and record["stored"] == stored else None
    _record(source, output, published or {"sha256": None, "bytes": None}, fetched_from=fetched_from)


def mirrored(url: str, mirror: Mapping[str, str]) -> str:
    """The address with the longest beginning that ``mirror`` names replaced."""
    for beginning in sorted(mirror, key=len, reverse=True):
        if url.startswith(beginning):
            return mirror[beginning] + url.removeprefix(beginning)
    return url


def record_of(output: Path) -> Path:
    """Where the digest of what was fetched is remembered."""
    return output.with_name(f"{output.name}.json")


def _compare(source: Source, output: Path, seen: Mapping[str, Any]) -> None:
    """Raise `UserError` if the published file is not the one of the registry, or of an earlier download."""
    if source.bytes is not None and seen["bytes"] != source.bytes:
        raise UserError(
            f"{source.name} has {seen['bytes']} bytes, the registry expects {source.bytes}",
            mend=_mend_other(source, output),
        )
    if source.sha256 is not None:
        if seen["sha256"] != source.sha256:
            raise _differs(source, output, source.sha256, seen["sha256"], recorded=False)
        return
    record = _read_record(source, output)
    if record is not None and record["sha256"] not in (None, seen["sha256"]):
        raise _differs(source, output, record["sha256"], seen["sha256"], recorded=True)


def _differs(source: Source, output: Path, expected: str, seen: str, *, recorded: bool) -> UserError:
    if not recorded:
        return UserError(
            f"the SHA-256 of {source.name} is {seen}, the registry expects {expected}",
            mend=_mend_other(source, output),
        )
    return UserError(
        f"the SHA-256 of {source.name} is {seen}, but it was {expected} when it was first seen",
        mend=f"find out what changed; if the new file is the right one, delete {record_of(output)} "
        "and fetch it again",
        file=record_of(output),
    )


def _mend_other(source: Source, output: Path) -> str:
    return (
        f"try again; if that does not help, what is at {source.url} or at its mirror is not version "
        f"{source.version}: {_by_hand(source, source.url, output)}, or correct the registry"
    )


def _unavailable(source: Source, url: str, output: Path, error: TransferError) -> UserError:
    where = "" if url == source.url else f" (a mirror of {source.url})"
    hint = (
        "check the network and the proxy (HTTPS_PROXY, HTTP_PROXY), or name a mirror in retrieval.mirror; or "
        if error.unreachable
        else ""
    )
    return UserError(
        f"the source {source.name!r} cannot be fetched from {url}{where}: {error}",
        mend=f"{hint}{_by_hand(source, source.url, output)}",
    )


def _by_hand(source: Source, url: str, output: Path) -> str:
    form = {"none": "", "gzip": ", unpacked with gunzip", "pack": ", packed with gzip"}[source.unpack]
    return f"download {url} by other means and save it as {output}{form}"


def _store(source: Source, part: Path, output: Path) -> None:
    """Bring the published file into the form in which it is kept, and into its place."""
    if source.unpack == "none":
        if output.name.endswith(".gz") and source.sha256 is None:
            _digest_unpacked(source, part)
        replace_by(part, output)
        return
    with atomic_file(output) as temporary, open(temporary, "wb") as out:
        if source.unpack == "gzip":
            for piece in _unpacked(source, part):
                out.write(piece)
        else:
            # Without name and time, so that the same file gives the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed:
                for piece in _pieces(part):
                    packed.write(piece)


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as handle:
        while piece := handle.read(_PIECE):
            yield piece


def _unpacked(source: Source, path: Path) -> Iterator[bytes]:
    """The content of a gzip file, piece by piece."""
    try:
        with gzip.open(path, "rb") as handle:
            while piece := handle.read(_PIECE):
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{source.name} is not a complete gzip file ({str(error).rstrip('.')}); "
            f"it begins with {_beginning(path)!r}",
            mend=f"look at {source.url} in a browser; it may be a web page instead of the file, or truncated",
        ) from error


def _beginning(path: Path) -> bytes:
    with open(path, "rb") as handle:
        return handle.read(16)


def _digest_unpacked(source: Source, path: Path) -> dict[str, Any]:
    digest, length = hashlib.sha256(), 0
    for piece in _unpacked(source, path):
        digest.update(piece)
        length += len(piece)
    return {"sha256": digest.hexdigest(), "bytes": length}


def _published_form(source: Source, output: Path, stored: dict[str, Any]) -> dict[str, Any] | None:
    """Digest and length of what was published, of a file that is there; None where they cannot be told."""
    packed = _beginning(output).startswith(GZIP_MAGIC)
    if source.unpack == "none" or (source.unpack == "gzip") == packed:
        return stored
    # What was unpacked cannot be packed again to the same bytes; what was packed can be unpacked.
    return _digest_unpacked(source, output) if source.unpack == "pack" else None


def _record(source: Source, output: Path, seen: Mapping[str, Any], *, fetched_from: str | None) -> None:
    verified = source.sha256 is not None and seen["sha256"] == source.sha256
    if not verified:
        logger.warning(
            "%s is unverified: its published digest is not known; the digest of this copy is recorded in %s",
            output,
            record_of(output),
        )
    stored = {"sha256": sha256_of(output), "bytes": output.stat().st_size}
    described = {"source": source.name, "version": source.version, "url": source.url}
    write_json(
        record_of(output),
        described | dict(seen) | {"fetched_from": fetched_from, "stored": stored, "verified": verified},
    )


def _read_record(source: Source, output: Path) -> dict[str, Any] | None:
    """What was recorded of this source; None where nothing was, or of another address."""
    path = record_of(output)
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        recorded = {key: record[key] for key in _REMEMBERED}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the record of {source.name} cannot be read ({error})",
            mend="delete it; what is fetched next is recorded again",
            file=path,
        ) from error
    return recorded if recorded["url"] == source.url else None


@contextmanager
def _told_if_full(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise UserError(
            f"no space is left for {output} ({error.strerror})",
            mend="free some space, or link resources/downloads to a larger disk, and run again: "
            "what has arrived "
            f"is kept in {part_of(output)}",
        ) from error
