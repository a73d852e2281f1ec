"""Start the processes that train one model together, and say in one message how they failed."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from cbat.errors import UserError
from cbat.training.distributed import LAUNCHED, PEER_LOST


def launch(n: int, options: Mapping[str, Any]) -> None:
    """Run `cbat train_model` in several processes on this machine, as `torchrun --standalone` does.

    Parameters
    ----------
    n : int
        Processes.
    options : mapping
        Name of an option -> its value, as the verb has read it.

    Raises
    ------
    UserError
        What the first of them that failed had to say; all others have been ended.
    KeyboardInterrupt
        Interrupted from the keyboard; the processes have been ended.
    SystemExit
        Ended by another signal, of which the status tells as a shell would; the processes have been ended.
    """
    # The agent that watches the processes reports a failure over many lines; it is told here, in one.
    for name in ("torch.distributed.elastic", "torch.distributed.launcher", "torch.distributed.run"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    os.environ[LAUNCHED] = "1"
    # A thread for each product, as in one process; torchrun asks for the same.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="cbat-train-") as logs:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=n,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            run_id=str(os.getpid()),
            max_restarts=0,
            monitor_interval=0.1,
            local_addr="localhost",
            logs_specs=_plain_logs(logs),
        )
        try:
            elastic_launch(config, sys.executable)("-m", "cbat", "train_model", *command_line(options))
        except ChildFailedError as error:
            raise told(list(error.failures.values()), n) from None
        except SignalException as error:
            # The agent has ended the processes before it says so.
            if error.sigval == signal.SIGINT:
                raise KeyboardInterrupt from None
            print(f"cbat train_model: ended by {signal.Signals(error.sigval).name}", file=sys.stderr)
            sys.exit(128 + error.sigval)
        finally:
            del os.environ[LAUNCHED]


def _plain_logs(directory: str) -> Any:
    """Standard output and error of the processes stay those of this one; only their last words are kept."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs

    return DefaultLogsSpecs(log_dir=directory)


def command_line(options: Mapping[str, Any]) -> list[str]:
    """Options of a verb from their values; those without a value are left out."""
    words: list[str] = []
    for name, value in options.items():
        if value is None:
            continue
        if isinstance(value, BaseModel):
            given = [value.model_dump_json()]
        elif isinstance(value, Mapping):
            given = [f"{key}={one}" for key, one in value.items()]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            given = [str(one) for one in value]
        else:
            given = [str(value)]
        words += [f"--{name}", *given]
    return words


def told(failures: Sequence[ProcessFailure], n: int) -> UserError:
    """What the processes that failed have to say: a user's mistake before a crash, that before its echo."""
    words = {one.local_rank: _last_words(Path(one.error_file)) for one in failures}
    for said in words.values():
        if {"problem", "mend", "file", "where"} <= set(said):
            return UserError(said["problem"], mend=said["mend"], file=said["file"], where=said["where"])
    # Whoever watches the processes ends those that are left, which is no cause; nor is it to miss another.
    crashed = [one for one in failures if one.exitcode not in (PEER_LOST, -signal.SIGTERM)]
    lost = [one for one in failures if one.exitcode == PEER_LOST]
    first = min(crashed or lost or failures, key=lambda one: (one.timestamp, one.local_rank))
    which = f"process {first.local_rank + 1} of {n}"
    if first.exitcode == PEER_LOST:
        return UserError(
            f"{which} lost contact with the others, though none had failed: "
            f"{words[first.local_rank].get('lost')}",
            mend="run it again; nothing is left half-written",
        )
    if first.exitcode == -signal.SIGTERM:
        return UserError(
            f"{which} was stopped by SIGTERM, and the others with it",
            mend="find out what stopped it, and run it again",
        )
    if first.exitcode < 0:
        return UserError(
            f"{which} was stopped by {first.signal_name()}, and the others with it",
            mend="give the job more memory, or set training.processes or training.blocks_at_once lower",
        )
    return UserError(
        f"{which} failed with exit status {first.exitcode}, and the others were stopped",
        mend="see its message above",
    )


def _last_words(path: Path) -> dict[str, Any]:
    """What a process has left; nothing when it had no time to."""
    try:
        message = json.loads(path.read_text(encoding="utf-8"))["message"]["message"]
        words = json.loads(message)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return words if isinstance(words, dict) else {}
