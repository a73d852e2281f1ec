"""The verb ``run_world``: the whole workflow once more, for one world of a benchmark."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from cbat.errors import UserError
from cbat.files import atomic_file, claim

CONFIGURATION: Final = "world.json"
SHEET: Final = "world_cell_lines.tsv"
"""The sheet of cell lines with the roles that they have in the world."""
LOG: Final = "run.log"
LOCK: Final = ".running"
_MESSAGE: Final = re.compile(r"^\s*(cbat \w+: error: .+)$", re.MULTILINE)


def run_world(
    *,
    world: str,
    values: str,
    snakefile: Path,
    directory: Path,
    outputs: Sequence[Path],
    threads: int,
    unseen: Sequence[str] = (),
    genome: Path | None = None,
    options: Sequence[str] = (),
) -> None:
    """Run the workflow on a world, in a folder of its own, and copy what it made.

    The folder keeps what is finished, whatever happens to this run: the next one goes on from there.

    Parameters
    ----------
    world : str
        Its name.
    values : str
        Its whole configuration as JSON.
    snakefile : Path
        The workflow.
    directory : Path
        Folder of the world: its working directory, with links to the files that the configuration names.
    outputs : sequence of Path
        Files wanted, results/worlds/<world>/X for each results/X of the world.
    threads : int
        Cores that its jobs may use together.
    unseen : sequence of str
        Cell lines that are unseen in this world, and no others; none takes the roles of the sheet.
    genome : Path, optional
        The genome as this run has unpacked and indexed it, so that the world need not do so again.
    options : sequence of str
        Further options of Snakemake, without their leading dashes: NAME or NAME=VALUE.

    Raises
    ------
    UserError
        The world failed, or did not make a file that is wanted.
    """
    directory = Path(directory).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    configuration = json.loads(values)
    if genome is not None:
        configuration["genome"]["fasta"] = str(Path(genome).absolute())
    with _alone(directory / LOCK) as lock:
        _link_files(directory, _first_folders(configuration))
        if unseen:
            configuration["cell_lines"] = _write_sheet(directory, configuration["cell_lines"], unseen)
        with atomic_file(directory / CONFIGURATION) as temporary:
            temporary.write_text(json.dumps(configuration, indent=1, sort_keys=True), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(Path(snakefile).absolute())]
        command += ["--configfile", CONFIGURATION, "--cores", str(threads), "--nocolor"]
        # The lock above knows who is alive, which the files of a killed Snakemake do not.
        command += ["--nolock", "--rerun-incomplete", *(f"--{option}" for option in options)]
        status = _finish(command, directory, lock)
    log = _shown(directory / LOG)
    if status:
        problem, mend = _told(directory / LOG)
        raise UserError(
            f"the world {world!r} failed{problem}",
            mend=f"{mend or f'read {log}'}; finished results are kept: the same command continues from there",
            file=log,
        )
    results = Path("results") / "worlds" / world
    for output in outputs:
        source = directory / "results" / Path(output).relative_to(results)
        if not source.is_file():
            raise UserError(
                f"the world {world!r} did not make {_shown(source)}", mend=f"read {log}", file=log
            )
        with atomic_file(output) as temporary:
            shutil.copyfile(source, temporary)


@contextmanager
def _alone(path: Path) -> Iterator[IO[str]]:
    """Wait until no other run, however old, is at work in the folder."""
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another run is using {path.parent}: waiting for it to finish", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _finish(command: Sequence[str], directory: Path, lock: IO[str]) -> int:
    """Exit status of the nested run, which lives no longer than this one."""
    # A profile for a cluster is for the jobs of the benchmark, one of which this is.
    environment = {name: value for name, value in os.environ.items() if name != "SNAKEMAKE_PROFILE"}
    claim(directory / LOG)
    with open(directory / LOG, "w") as log:
        child = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=log, stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
        )  # fmt: skip
        before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        try:
            return child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)


def _first_folders(configuration: Mapping[str, Any]) -> list[str]:
    """What stands at the top of the working directory and is named, directly or by the sheet."""
    from cbat.config.named_files import all_named_files
    from cbat.config.project import SIMULATION_DIRECTORY
    from cbat.config.sections import Config
    from cbat.config.sheets import read_cell_lines

    config = Config.model_validate(configuration)
    paths = [config.cell_lines, config.tissues]
    paths += [path for _, path in all_named_files(config)]
    paths += [path for row in read_cell_lines(config.cell_lines) for path in row.files.values()]
    mine = [
        path for path in paths if not path.is_absolute() and not path.is_relative_to(SIMULATION_DIRECTORY)
    ]
    outside = [path for path in mine if path.parts[0] in ("..", "results")]
    if outside:
        raise UserError(
            f"{str(outside[0])!r} is not a file that a world can share",
            mend="keep it below the working directory and outside results, or give its absolute path",
        )
    return sorted({"config", *(path.parts[0] for path in mine)})


def _write_sheet(directory: Path, sheet: str, unseen: Sequence[str]) -> str:
    """The sheet with the roles of the world; it is left alone while it says the same."""
    from cbat.config.worlds import sheet_of_world

    text = sheet_of_world(Path(sheet).read_text(encoding="utf-8-sig"), unseen)
    path = directory / SHEET
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        with atomic_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return SHEET


def _link_files(directory: Path, names: Iterable[str]) -> None:
    for name in names:
        link, target = directory / name, Path(os.path.relpath(Path(name).absolute(), directory))
        if link.is_symlink() and link.readlink() == target:
            continue
        if link.exists() and not link.is_symlink():
            raise UserError(
                f"{_shown(link)} is in the way of a link to {name!r}",
                mend="move it somewhere else, or delete it",
            )
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _told(log: Path) -> tuple[str, str]:
    """The message of the stage that failed, if its log was shown, and how to mend it."""
    found = _MESSAGE.search(log.read_text(encoding="utf-8", errors="replace"))
    problem, _, mend = found[1].partition(" Fix: ") if found else ("", "", "")
    return f" ({problem.rstrip('.')})" if problem else "", mend.rstrip(".")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
