"""A folder with a manifest is whole, and a reader believes nothing that the manifest does not say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.data.stored import (
    check_files,
    open_array,
    read_manifest,
    read_table,
    start_directory,
    write_array,
    write_manifest,
    write_rows,
)
from cbat.errors import UserError

MEND = "build it again"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start_directory(tmp_path / "stage")
    write_array(tmp_path / "stage" / "a.npy", np.arange(6).reshape(2, 3))
    write_manifest(tmp_path / "stage", {"format": 1, "name": "x"}, {"a.npy": {"shape": [2, 3]}})
    return tmp_path / "stage"


def read(folder: Path, version: int = 1) -> dict[str, object]:
    return read_manifest(folder, version=version, files=["a.npy"], mend=MEND)


def test_what_is_written_is_read(folder: Path) -> None:
    manifest = read(folder)
    assert manifest["name"] == "x"
    assert manifest["files"]["a.npy"]["shape"] == [2, 3]  # type: ignore[index]
    check_files(folder, manifest["files"], mend=MEND)  # type: ignore[arg-type]


def test_starting_anew_leaves_no_manifest_that_could_vouch_for_half_a_folder(folder: Path) -> None:
    (folder / "note.txt").write_text("the user's own")
    start_directory(folder)
    with pytest.raises(UserError, match=r"manifest\.json: the file is missing"):
        read(folder)
    assert (folder / "note.txt").exists(), "files that no stage wrote are left alone"


@pytest.mark.parametrize("position", [0, 1, 30, 90, 150, -20, -1])
def test_no_bit_of_a_manifest_can_turn_unnoticed(folder: Path, position: int) -> None:
    path = folder / "manifest.json"
    damaged = bytearray(path.read_bytes())
    damaged[position] ^= 0x01
    path.write_bytes(bytes(damaged))
    with pytest.raises(UserError, match=r"manifest\.json"):
        read(folder)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "\x00"])
def test_a_manifest_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json: .*Fix: build it again"):
        read(folder)


def test_another_format_is_told_from_damage(folder: Path) -> None:
    with pytest.raises(UserError, match="the format is 1, and this version of cbat reads 2"):
        read(folder, version=2)


def test_a_manifest_of_other_files_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"it lists a\.npy in place of b\.npy"):
        read_manifest(folder, version=1, files=["b.npy"], mend=MEND)


def test_arrays_of_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        write_array(tmp_path / "a.npy", objects)
    assert not list(tmp_path.iterdir()), "a failed write leaves nothing behind"
    np.save(tmp_path / "b.npy", objects, allow_pickle=True)
    with pytest.raises(UserError, match=r"b\.npy: the array cannot be read"):
        open_array(tmp_path / "b.npy", mend=MEND)


def test_an_array_without_elements_is_read(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", np.empty((0, 7), dtype=np.uint8))
    assert open_array(tmp_path / "a.npy", mend=MEND).shape == (0, 7)


@pytest.mark.parametrize("content", [None, b"PAR1 not really", b""])
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"t\.parquet: the table cannot be read"):
        read_table(tmp_path / "t.parquet", ["a"], mend=MEND)


def test_a_table_without_the_column_is_named(tmp_path: Path) -> None:
    pd.DataFrame({"b": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(UserError, match=r"t\.parquet: the table cannot be read"):
        read_table(tmp_path / "t.parquet", ["a"], mend=MEND)


def test_a_manifest_does_not_depend_on_the_day_or_the_folder(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    start_directory(other)
    write_array(other / "a.npy", np.arange(6).reshape(2, 3))
    write_manifest(other, {"name": "x", "format": 1}, {"a.npy": {"shape": [2, 3]}})
    assert (other / "manifest.json").read_bytes() == (folder / "manifest.json").read_bytes()
    assert json.loads((other / "manifest.json").read_text())["format"] == 1


@pytest.mark.parametrize("piece", [1, 3, 100])
def test_an_array_in_pieces_is_the_file_of_the_whole(tmp_path: Path, piece: int) -> None:
    whole = np.arange(70, dtype=np.int32).reshape(7, 5, 2)[:, ::2]
    write_array(tmp_path / "whole.npy", whole)
    pieces = (whole[at : at + piece] for at in range(0, len(whole), piece))
    write_rows(tmp_path / "pieces.npy", pieces, whole.shape)
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


@pytest.mark.parametrize("shape", [(6, 4), (8, 4), (7, 3)])
def test_pieces_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="array of"):
        write_rows(tmp_path / "pieces.npy", [np.zeros((5, 4)), np.zeros((2, 4))], shape)


def test_no_piece_makes_no_file_that_could_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 rows"):
        write_rows(tmp_path / "pieces.npy", [], (0, 4))
