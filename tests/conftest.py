"""What tests may use: the workflow in a directory of its own, a finished toy run, real data, a web server."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ready_snakemake import ReadySnakemake
from toy_world import set_up

TOP = Path(__file__).resolve().parents[1]
KINDS = {"workflow": "workflow", "rules": "workflow", "cluster": "slurm", "conda": "conda"}
"""Folder of tests -> marker of all that is in it."""
QUICK = {
    "workflow/test_chain.py",
    "workflow/test_messages.py",
    "rules/test_results.py",
}
"""Files of these folders that read the shared toy run, or plan a few runs: they are not marked."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder, and those in a browser by the name of their file."""
    for item in items:
        if not item.path.is_relative_to(TOP / "tests"):
            continue
        place = item.path.relative_to(TOP / "tests")
        if (kind := KINDS.get(place.parts[0])) and place.as_posix() not in QUICK:
            item.add_marker(kind)
        if place.stem.endswith("_in_browser"):
            item.add_marker("browser")


class Checkout:
    """A working directory with the shipped configuration, and the workflow to run in it.

    Parameters
    ----------
    directory : Path
        The working directory.
    configuration : sequence of str
        Files that every run lays over the shipped configuration.
    code : Path
        The folder of the workflow and of the package that it runs.

    Attributes
    ----------
    programs : str
        Where programs are looked for. A virtual environment that is not activated is the harder case, so its
        programs are not there.
    """

    programs = "/usr/local/bin:/usr/bin:/bin"

    def __init__(self, directory: Path, configuration: Sequence[str] = (), code: Path = TOP) -> None:
        self.directory = directory
        self.configuration = tuple(configuration)
        self.code = code
        if not (directory / "config").exists():
            shutil.copytree(TOP / "config", directory / "config")
        given = shutil.ignore_patterns("downloads")
        shutil.copytree(TOP / "resources", directory / "resources", ignore=given, dirs_exist_ok=True)

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.directory / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def set_keys(self, name: str, **values: Any) -> None:
        """Set keys of a YAML file."""
        path = self.directory / name
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))

    def copy_to(self, directory: Path) -> Checkout:
        """The same, results and provenance included, to be changed at will."""
        shutil.copytree(self.directory, directory, symlinks=True, dirs_exist_ok=True)
        return Checkout(directory, self.configuration, self.code)

    def copy_code_to(self, directory: Path) -> None:
        """Run from a copy of the code, as new as a fresh clone, to be changed at will."""
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("src", "workflow", "profiles"):
            shutil.copytree(
                self.code / name, directory / name, ignore=ignored, copy_function=shutil.copyfile,
                dirs_exist_ok=True,
            )  # fmt: skip
        shutil.copyfile(self.code / "Snakefile", directory / "Snakefile")
        (directory / "workflow" / "bin" / "cbat").chmod(0o755)
        self.code = directory

    def snakemake(self, *arguments: str, over: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run Snakemake; standard error joins standard output.

        Parameters
        ----------
        *arguments : str
            Of its command line.
        over : sequence of str
            Further files of the configuration.
        """
        environment = dict(os.environ, PATH=self.programs)
        command = ["--snakefile", str(self.code / "Snakefile"), "--nocolor"]
        configuration = [*self.configuration, *over]
        if configuration:
            command += ["--configfile", *configuration]
        command += arguments
        return ready_snakemake().call(command, self.directory, environment)

    def planned(self, *arguments: str, over: Sequence[str] = ()) -> set[str]:
        """The rules that a run would execute."""
        done = self.snakemake("-n", "--quiet", "host", *arguments, over=over)
        assert done.returncode == 0, done.stdout
        lines = [line.strip() for line in done.stdout.splitlines()]
        return {line.rstrip(":").split()[1] for line in lines if line.startswith(("rule ", "localrule "))}


@cache
def ready_snakemake() -> ReadySnakemake:
    """One for all tests of this process."""
    ready = ReadySnakemake()
    atexit.register(ready.close)
    return ready


class Toy(Checkout):
    """A small world whose whole run takes a minute."""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh working directory with the shipped configuration."""
    return Checkout(tmp_path)


@pytest.fixture(scope="session")
def new_checkout() -> type[Checkout]:
    """Makes further working directories."""
    return Checkout


@pytest.fixture(scope="session")
def new_toy() -> Callable[[Path], Toy]:
    """Makes working directories in which the toy world has yet to be run."""

    def make(directory: Path) -> Toy:
        set_up(directory)
        return Toy(directory, ["toy.yaml"])

    return make


@pytest.fixture(scope="session")
def toy(new_toy: Callable[[Path], Toy], tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The finished run of a toy world; to be read, not to be changed. Processes of one test run share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    directory, finished = shared / "toy", shared / "toy.finished"
    with (shared / "toy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            done = new_toy(directory).snakemake("--cores", "2")
            assert done.returncode == 0, done.stdout[-20_000:]
            finished.touch()
    return Toy(directory, ["toy.yaml"])


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Real data beside the checkout, too large to ship; CBAT_SHARED names another place."""
    directory = Path(os.environ.get("CBAT_SHARED", TOP.parent / "shared"))
    if not (directory / "data").is_dir():
        pytest.skip(f"no real data in {directory}; set CBAT_SHARED to the folder that has it")
    return directory


class FileServer:
    """A web server on this machine, whose failures are chosen.

    Attributes
    ----------
    files : dict
        Path -> content.
    faults : list
        What goes wrong, one entry for each of the next requests: a status to answer, ``("cut", n)`` to close
        the connection after n bytes, ``("stall", n)`` to say nothing more after n bytes, or None.
    ranges, conditions, tags : bool
        Whether it knows ranges, whether it minds the condition on them, and whether it gives entity tags.
    headers : dict
        Further headers of every answer.
    requests : list of dict
        Headers of each request, with its path as ``path``.
    sent : list of int
        Bytes of content sent in answer to each request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: list[Any] = []
        self.ranges = self.conditions = self.tags = True
        self.headers: dict[str, str] = {}
        self.requests: list[dict[str, str]] = []
        self.sent: list[int] = []
        self.released = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                owner.answer(self)

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A client that goes away is what the tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        self.requests.append({**request.headers, "path": request.path})
        at = len(self.sent)
        self.sent.append(0)
        fault = self.faults.pop(0) if self.faults else None
        content = self.files.get(path)
        if isinstance(fault, int) or content is None:
            return self.head(request, fault if isinstance(fault, int) else 404, {"Content-Length": "0"})
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        headers = {"ETag": tag} if self.tags else {}
        start, status = 0, 200
        fits = not self.conditions or request.headers.get("If-Range", tag) == tag
        if asked and self.ranges and fits:
            start, status = int(asked[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            if start >= len(content):
                return self.head(
                    request, 416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"}
                )
        self.head(request, status, headers | {"Content-Length": str(len(content) - start)})
        body = content[start:] if fault is None else content[start : start + fault[1]]
        self.sent[at] = len(body)  # before the client can see the last byte and look here
        request.wfile.write(body)
        request.wfile.flush()
        if fault is not None:
            if fault[0] == "stall":
                self.released.wait(30)
            request.close_connection = True
        return None

    def head(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        for name, value in (headers | self.headers).items():
            request.send_header(name, value)
        request.end_headers()


@pytest.fixture
def file_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A web server that is asked directly, whatever proxy the environment names."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = FileServer()
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.server.shutdown()
    server.server.server_close()
    thread.join()
