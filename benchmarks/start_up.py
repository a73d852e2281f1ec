"""Measure how long every verb of the command line takes before its own work.

    python benchmarks/start_up.py

A whole process is timed, in turn with a bare ``python``; the median of several runs is printed. ``help`` is
until it has ended, ``options`` until all options are checked and the module behind the verb would be
imported. What that module imports (torch, pandas) belongs to the verb's work; with ``--imports``,
``work_imports`` is how long that takes. A line for each verb goes to standard error; the line on standard
output is the slowest verb (``ours``) and ``python -c pass`` (``peer``).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from measuring import report

from cbat.cli import VERBS
from cbat.commands.signatures import REQUIRED, signature_of

COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Python compiles a module when it is imported for the first time, unless it may not keep the result."""
STOPPED = """
import sys, types
from cbat.cli import main
from cbat.commands import options
def stop(module):
    heavy = {"torch", "pandas", "scipy", "sklearn", "matplotlib", "pyarrow"} & set(sys.modules)
    assert not heavy, heavy
    sys.exit(0)
options.importlib = types.SimpleNamespace(import_module=stop)
sys.exit(main(sys.argv[1:]))
"""


def example(hint: Any) -> list[str]:
    """A value for a required option of a type."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return example(next(one for one in get_args(hint) if one is not type(None)))
    if origin is Literal:
        return [str(get_args(hint)[0])]
    if origin in (Mapping, dict):
        return ["a=1"]
    if origin is not None:
        return example(get_args(hint)[0])
    if hint in (int, float):
        return ["1"]
    return ["x"] if hint in (str, Path) else ["{}"]


def arguments(verb: str) -> list[str]:
    """What a command line needs at the least to get past the options of a verb."""
    given: list[str] = []
    for one in signature_of(VERBS[verb].function).parameters:
        if one.positional:
            given += example(one.hint)
        elif one.default is REQUIRED and one.hint is not bool:
            given += [f"--{one.name.replace('_', '-')}", *example(one.hint)]
        elif one.default is REQUIRED:
            given.append(f"--{one.name.replace('_', '-')}")
    return given


def seconds(command: list[str]) -> float:
    """Wall time of a process; 2 is what a verb says of settings that lack a key."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=COMPILED)
    if done.returncode not in (0, 2) or "Traceback" in done.stderr:
        sys.exit(done.stderr)
    return time.perf_counter() - started


def main() -> None:
    """Time every verb."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--verbs", nargs="+", choices=[*VERBS], default=[*VERBS])
    parser.add_argument("--imports", action="store_true", help="time what the work of each verb imports")
    parser.add_argument("--full", action="store_true", help="changes nothing here")
    parser.add_argument("-n", type=int, default=5, help="runs of each")
    options = parser.parse_args()
    slowest: dict[str, float] = {}
    bare: list[float] = []
    for verb in options.verbs:
        module = VERBS[verb].function.partition(":")[0]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "help": [sys.executable, "-m", "cbat", verb, "--help"],
            "options": [sys.executable, "-c", STOPPED, verb, *arguments(verb)],
        }
        if options.imports:
            commands["work_imports"] = [sys.executable, "-c", f"import {module}"]
        runs: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(options.n + 1):
            for name, command in commands.items():
                spent = seconds(command)
                # The first turn compiles and warms what the others find.
                if turn:
                    runs[name].append(spent)
        measured = {name: round(statistics.median(found), 3) for name, found in runs.items()}
        print(json.dumps({"verb": verb, **measured}), file=sys.stderr, flush=True)
        slowest[verb] = max(measured["help"], measured["options"])
        bare.append(measured["python"])
    worst = max(slowest, key=lambda verb: slowest[verb])
    print(f"{worst} is the slowest of {len(slowest)} verbs", file=sys.stderr)
    report("start_up", slowest[worst], statistics.median(bare), None, "s", options.n)


if __name__ == "__main__":
    main()
