"""Whole files or none, also when a process is killed, the disk is full or nothing may be written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
import torch
from safetensors.torch import save_file

from cbat.cli import main
from cbat.errors import UserError, of_the_machine
from cbat.files import atomic_directory, atomic_file

WRITER = """
import sys, time
from cbat.files import atomic_directory, atomic_file
make = atomic_directory if sys.argv[2] == "directory" else atomic_file
with make(sys.argv[1]) as temporary:
    (temporary / "part" if temporary.is_dir() else temporary).write_text("half")
    print("half", flush=True)
    for _ in range(600):  # A signal that comes just before a sleep is seen after it.
        time.sleep(0.1)
"""


@contextmanager
def writer(path: Path, kind: str) -> Iterator[subprocess.Popen]:
    """A process in the middle of writing a file or folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), kind], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "half\n"
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_a_killed_process_left_goes_when_the_same_is_written_next(tmp_path, kind: str) -> None:
    path, other = tmp_path / "model.json", tmp_path / ".model.json.keep"
    other.write_text("not ours")
    with writer(path, kind):
        pass
    assert not path.exists()
    assert len([*tmp_path.glob(".model.json.cbat-????????*")]) == 1
    if kind == "file":
        with atomic_file(path) as temporary:
            temporary.write_text("whole")
    else:
        with atomic_directory(path) as temporary:
            (temporary / "part").write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted([path, other])


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_a_living_process_writes_is_left_alone(tmp_path, kind: str) -> None:
    path = tmp_path / "model.json"
    with writer(path, kind):
        with atomic_file(path) if kind == "file" else atomic_directory(path) as temporary:
            (temporary / "part" if kind == "directory" else temporary).write_text("whole")
        assert len([*tmp_path.glob(".model.json.cbat-????????*")]) == 1


def test_an_index_beside_a_stale_file_goes_too(tmp_path) -> None:
    for name in (".genome.fa.cbat-abcd_123.fa", ".genome.fa.cbat-abcd_123.fa.fai"):
        (tmp_path / name).write_text("half")
    with atomic_file(tmp_path / "genome.fa") as temporary:
        temporary.write_text(">chr1\nA\n")
    assert [path.name for path in tmp_path.iterdir()] == ["genome.fa"]


def test_a_directory_is_replaced_whole(tmp_path) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").write_text("old")
    with atomic_directory(path) as temporary:
        (temporary / "new").write_text("new")
    assert [one.name for one in path.iterdir()] == ["new"]
    with pytest.raises(ZeroDivisionError), atomic_directory(path) as temporary:
        raise ZeroDivisionError
    assert [one.name for one in path.iterdir()] == ["new"]
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_a_signal_leaves_no_temporary_file(tmp_path) -> None:
    """A verb that a scheduler ends cleans up after itself."""
    program = "import sys; from cbat import cli; from cbat.commands import options\n" + (
        "import runpy\noptions.call_with_options = lambda *_: runpy.run_path(sys.argv[3])\n"
        "sys.exit(cli.main(['prepare_genome']))"
    )
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    target = tmp_path / "out" / "genome.fa"
    command = [sys.executable, "-c", program, str(target), "file", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "half\n"
    assert len([*target.parent.iterdir()]) == 1
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 143
    assert said.splitlines()[-1] == "cbat prepare_genome: ended by SIGTERM"
    assert "Traceback" not in said
    assert [*target.parent.iterdir()] == []


@pytest.fixture
def mounted(tmp_path) -> Iterator:
    """Mounts a small file system of its own, where that is allowed."""
    made = []

    def mount(*options: str) -> Path:
        directory = tmp_path / f"mounted_{len(made)}"
        directory.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(directory)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("only root may mount the small file system that this needs")
        made.append(directory)
        return directory

    yield mount
    for directory in made:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


BIG = np.random.default_rng(0).random(100_000)
WAYS = {
    "text": lambda path: path.write_text("x" * 1_000_000),
    "array": lambda path: np.save(path.open("wb"), BIG),
    "parquet": lambda path: pd.DataFrame({"a": BIG}).to_parquet(path),
    "table": lambda path: pd.DataFrame({"a": BIG}).to_csv(path, sep="\t"),
    "weights": lambda path: save_file({"a": torch.from_numpy(BIG)}, path),
}


@pytest.mark.parametrize("way", [*WAYS, "bgzip"])
def test_a_full_disk_is_told_by_the_file_and_can_be_mended(mounted, way: str) -> None:
    directory = mounted("size=256k")

    def write(path: Path) -> None:
        if way != "bgzip":
            return WAYS[way](path)
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write(BIG.tobytes())
        return None

    path = directory / "pairs.tsv"
    with pytest.raises(UserError) as caught, atomic_file(path) as temporary:
        write(temporary)
    assert str(caught.value).startswith(f"{path}: no space is left on the device. Fix: free some space")
    assert [*directory.iterdir()] == []
    subprocess.run(["mount", "-o", "remount,size=4m", str(directory)], check=True)
    with atomic_file(path) as temporary:
        write(temporary)
    assert path.stat().st_size > 256 << 10


def test_a_read_only_folder_is_told_and_can_be_mended(mounted, capsys) -> None:
    directory = mounted("ro")
    genome = directory.parent / "genome.fa"
    genome.write_text(">chr1\nACGT\n")
    words = ["prepare_genome", "--fasta", str(genome), "--directory", str(directory / "results")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        f"cbat prepare_genome: error: {directory / 'results'}: the file system is read-only."
    )
    assert said.count("\n") == 1
    subprocess.run(["mount", "-o", "remount,rw", str(directory)], check=True)
    assert main(words) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_told(tmp_path, capsys) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="permission denied"), atomic_file(tmp_path / "file"):
        pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "results/x"), "results/x: permission denied"),
        (OSError(122, "Disk quota exceeded"), "the disk quota is used up"),
        (OSError(27, "File too large"), "the file is larger than this process may write"),
        (OSError(5, "Input/output error", "a"), "a: the disk reports an input/output error"),
    ],
)
def test_what_the_machine_refuses_is_one_message_of_any_verb(monkeypatch, capsys, error, told) -> None:
    def refused(*_: object) -> None:
        raise error

    monkeypatch.setattr("cbat.commands.options.call_with_options", refused)
    assert main(["check_config", "x.yaml"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"cbat check_config: error: {told}. Fix: ")
    assert said.count("\n") == 1


def test_a_limit_on_the_size_of_files_is_told(tmp_path) -> None:
    program = (
        "import resource, signal, sys; from pathlib import Path; from cbat.files import atomic_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))\n"
        "with atomic_file(sys.argv[1]) as path: path.write_text('x' * 100)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a")], capture_output=True, text=True
    )
    assert f"{tmp_path / 'a'}: the file is larger than this process may write" in done.stderr
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError(2, "No such file", "x"), OSError("x")])
def test_a_defect_of_the_program_stays_one(error: Exception, tmp_path) -> None:
    assert of_the_machine(error) is None
    with pytest.raises(type(error)), atomic_file(tmp_path / "a"):
        raise error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_stale_file_of_somebody_else_stands_in_nobodys_way() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        stale = folder / ".model.json.cbat-abcdefgh.json"
        stale.touch(0o600)
        os.seteuid(65534)
        try:
            with atomic_file(folder / "model.json") as temporary:
                temporary.write_text("whole")
        finally:
            os.seteuid(0)
        assert (folder / "model.json").read_text() == "whole"
        assert stale.exists()


def test_a_directory_whose_exchange_is_cut_short_stands_again(tmp_path, monkeypatch) -> None:
    path = tmp_path / "shard"
    path.mkdir()
    (path / "part").write_text("before")
    replace = os.replace

    def cut_short(source: Path, target: Path) -> None:
        if Path(target) == path and not str(source).endswith(".before"):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr("cbat.files.os.replace", cut_short)
    with pytest.raises(KeyboardInterrupt), atomic_directory(path) as temporary:
        (temporary / "part").write_text("after")
    assert (path / "part").read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["shard"]
