"""Snakemake's command line without its start: one process imports it, and forks for each call.

Importing Snakemake takes as long as planning a small run. What a call sees is what a new process would: its
own arguments, working directory and environment, and nothing of another call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn


class ReadySnakemake:
    """A process that has imported Snakemake and waits for calls; it ends with the process that started it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def call(
        self, arguments: Sequence[str], directory: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """What ``python -m snakemake`` would say and return; standard error joins standard output."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile() as output:
            request = [[*arguments], str(directory), dict(environment), output.name]
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the process that waits for calls has ended"
            return subprocess.CompletedProcess(
                ["snakemake", *arguments], int(answer), Path(output.name).read_text(errors="replace")
            )

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def look_again(scheduler: Any, delay: float) -> None:
    """Let Snakemake look again at its ready jobs after some seconds.

    As Snakemake does, but with one timer at a time and none that is waited for at the end: its own add up
    over a run, and take more of a processor than small jobs do.
    """
    pending = getattr(scheduler, "pending_look", None)
    if pending is None or not pending.is_alive() or pending is threading.current_thread():
        scheduler.pending_look = threading.Timer(delay, scheduler._open_jobs.release)
        scheduler.pending_look.daemon = True
        scheduler.pending_look.start()


def serve() -> None:
    """Answer calls until there are no more."""
    from snakemake.logging import DefaultFormatter
    from snakemake.scheduling.job_scheduler import JobScheduler

    # A rule's message stands in place of its name, wildcards and files, which tests look at.
    with_message = DefaultFormatter.format_job_info
    DefaultFormatter.format_job_info = lambda self, job: with_message(self, job | {"rule_msg": None})
    JobScheduler._schedule_reevalutation = look_again

    # A call must neither read the next one nor write where answers are read.
    calls, answers = os.fdopen(os.dup(0)), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    while line := calls.readline():
        if not (child := os.fork()):
            calls.close()
            os.close(answers)
            run(*json.loads(line))
        _, status = os.waitpid(child, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def run(arguments: list[str], directory: str, environment: dict[str, str], output: str) -> NoReturn:
    """Be the process that was called for."""
    from snakemake.cli import main

    said = os.open(output, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    sys.path[0] = directory
    main(arguments)
    sys.exit()


if __name__ == "__main__":
    serve()
