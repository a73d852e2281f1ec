"""Files that one stage stored for the next: a manifest with hashes, and readers that trust nothing unchecked.

A manifest is written last and removed first, so that a folder with a manifest is a whole folder. It carries
the size and SHA-256 of every file, and the SHA-256 of itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.errors import UserError
from cbat.files import atomic_file, remove, sha256_of

MANIFEST: Final = "manifest.json"
_ROWS_OF_GROUP: Final = 10_000


def start_directory(directory: Path) -> None:
    """Make ``directory`` and take away the manifest of an earlier run, before any file of it changes."""
    directory.mkdir(parents=True, exist_ok=True)
    remove(directory / MANIFEST)


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an NPY file, whole or not at all; an array of Python objects is an error."""
    with atomic_file(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def write_rows(path: Path, pieces: Iterable[npt.NDArray[Any]], shape: tuple[int, ...]) -> None:
    """Write an NPY file from pieces of its rows, one after the other, so that one alone is held in memory.

    Parameters
    ----------
    path : Path
        Written to as it is: for a temporary file, or a file of a temporary folder.
    pieces : iterable of arrays, shape=(n, *shape[1:])
        All of one type.
    shape : tuple of int
        Of the whole, which no piece need know.

    Raises
    ------
    ValueError
        The pieces do not make up the shape.
    """
    n_rows, described = 0, False
    with open(path, "wb") as file:
        for piece in pieces:
            if not described:
                kind = np.lib.format.dtype_to_descr(piece.dtype)
                header = {"descr": kind, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                described = True
            if piece.shape[1:] != shape[1:]:
                raise ValueError(f"a piece of {piece.shape} in an array of {shape}")
            file.write(np.ascontiguousarray(piece).data)
            n_rows += len(piece)
    if n_rows != shape[0] or not described:
        raise ValueError(f"{n_rows} rows for an array of {shape}")


def write_table(path: Path, table: pd.DataFrame, *, positions: Sequence[str] = ()) -> None:
    """Write a Parquet file without index, whole or not at all.

    Parameters
    ----------
    path : Path
    table : DataFrame
    positions : sequence of str
        Columns of integers that grow slowly, for a file that is small enough to be shared: they are kept as
        differences, all others as a dictionary.
    """
    encoding: dict[str, Any] = {}
    if positions:
        encoding = {
            "use_dictionary": [str(name) for name in table.columns if name not in positions],
            "column_encoding": dict.fromkeys(positions, "DELTA_BINARY_PACKED"),
            "compression": "zstd",
        }
    with atomic_file(path) as temporary:
        # A row group is encoded in memory before it is written.
        table.to_parquet(temporary, index=False, row_group_size=_ROWS_OF_GROUP, **encoding)


def write_manifest(
    directory: Path, content: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the manifest of ``directory``.

    Parameters
    ----------
    directory : Path
        It holds the files.
    content : mapping
        What the manifest says besides its files; the key ``format`` is the number of the layout.
    files : mapping
        Name of each file -> what to say of it besides its size in bytes and its SHA-256.
    """
    entries = {
        name: {
            **extra,
            "bytes": (directory / name).stat().st_size,
            "sha256": sha256_of(directory / name),
        }
        for name, extra in files.items()
    }
    whole = {**content, "files": entries}
    with atomic_file(directory / MANIFEST) as temporary:
        temporary.write_bytes(_as_text({**whole, "sha256": _digest(whole)}))


def read_manifest(directory: Path, *, version: int, files: Collection[str], mend: str) -> dict[str, Any]:
    """The manifest of ``directory``.

    Parameters
    ----------
    directory : Path
        A folder that :func:`write_manifest` completed.
    version : int
        The format that the caller reads.
    files : collection of str
        The names that it has to list, no more and no less.
    mend : str
        What makes the folder anew.

    Raises
    ------
    UserError
        The manifest is missing, damaged, or of another format.
    """
    path = directory / MANIFEST
    try:
        text = path.read_bytes()
        content = json.loads(text)
    except FileNotFoundError as error:
        raise UserError("the file is missing: the folder is incomplete", mend=mend, file=path) from error
    except (OSError, ValueError) as error:
        raise UserError(f"the file is damaged ({error})", mend=mend, file=path) from error
    if not isinstance(content, dict):
        raise UserError("the file is damaged (it is not a JSON object)", mend=mend, file=path)
    if content.get("format") != version:
        raise UserError(
            f"the format is {content.get('format')!r}, and this version of cbat reads {version}",
            mend=mend,
            file=path,
        )
    as_written = text == _as_text(content)
    if content.pop("sha256", None) != _digest(content) or not as_written:
        raise UserError("the file is damaged (it does not match its own hash)", mend=mend, file=path)
    if set(content["files"]) != set(files):
        listed, wanted = (", ".join(sorted(names)) for names in (content["files"], files))
        raise UserError(f"it lists {listed} in place of {wanted}", mend=mend, file=path)
    return content


def check_files(directory: Path, entries: Mapping[str, Mapping[str, Any]], *, mend: str) -> None:
    """Compare files with their entries in the manifest: all sizes first, for they cost nothing, then hashes.

    Raises
    ------
    UserError
        A file is missing, truncated or corrupt; the message names it.
    """
    for name, entry in entries.items():
        path = directory / name
        if not path.is_file():
            raise UserError("the file is missing", mend=mend, file=path)
        size = path.stat().st_size
        if size != entry["bytes"]:
            problem = f"the file has {size} bytes, and its manifest says {entry['bytes']}"
            raise UserError(problem, mend=mend, file=path)
    for name, entry in entries.items():
        if sha256_of(directory / name) != entry["sha256"]:
            problem = "the file is corrupt: its SHA-256 is not the one in its manifest"
            raise UserError(problem, mend=mend, file=directory / name)


def open_array(path: Path, *, mend: str) -> npt.NDArray[Any]:
    """Memory-map an NPY file for reading; an empty array, which cannot be mapped, is read instead."""
    try:
        try:
            array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError:
            array = np.load(path, allow_pickle=False)
            if array.size:
                raise
    except (OSError, ValueError) as error:
        raise UserError(f"the array cannot be read ({error})", mend=mend, file=path) from error
    return array


@dataclass(frozen=True)
class StoredRows:
    """Some rows of a stored table of numbers, read from disk whenever they are asked for.

    The file is mapped anew each time, for what has been read of a map stays in memory as long as the map.

    Attributes
    ----------
    path : Path
        NPY file of an array, shape=(n_stored, width).
    rows : array of int, shape=(n,)
        Which of its rows these are.
    width : int
    mend : str
        What makes the file anew.
    """

    path: Path
    rows: npt.NDArray[np.intp]
    width: int
    mend: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), self.width

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        return np.asarray(open_array(self.path, mend=self.mend)[self.rows[index]])


def read_table(
    path: Path, columns: Sequence[str] | None, *, mend: str, filters: Sequence[tuple[str, str, Any]] = ()
) -> pd.DataFrame:
    """A Parquet file that an earlier stage wrote.

    Parameters
    ----------
    path : Path
    columns : sequence of str, or None
        None reads all.
    mend : str
        What makes the file anew.
    filters : sequence of (column, comparison, value)
        Rows that all of them hold for are read, as :func:`pandas.read_parquet` has it.

    Raises
    ------
    UserError
        The file is missing or damaged, or has no such column.
    """
    try:
        wanted = None if columns is None else list(columns)
        return pd.read_parquet(path, columns=wanted, filters=list(filters) or None)
    except (OSError, ValueError) as error:
        raise UserError(f"the table cannot be read ({error})", mend=mend, file=path) from error


def _as_text(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_as_text(content)).hexdigest()
