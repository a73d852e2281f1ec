"""The commands of conda that Snakemake calls, answered by the solver and installer of the rattler library.

Runs as the program `conda`. Channels named without an address lie below the folder CONDA_CHANNEL_ALIAS, as
for conda itself; every call is noted in CONDA_CALLS.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

import yaml

ROOT = Path(sys.argv[0]).resolve().parents[1]
VERSION = "24.7.1"


async def create(prefix: Path, channels: list[str], specifications: list[str]) -> None:
    """Solve with strict priority of channels, and install."""
    import rattler

    alias = rattler.ChannelConfig(os.environ["CONDA_CHANNEL_ALIAS"].rstrip("/") + "/")
    records = await rattler.solve(
        [rattler.Channel(name, alias) for name in channels],
        specifications,
        virtual_packages=rattler.VirtualPackage.detect(),
        channel_priority=rattler.ChannelPriority.Strict,
    )
    await rattler.install(records, target_prefix=prefix, show_progress=False, cache_dir=ROOT / "pkgs")
    # By this file conda tells that a folder is an environment.
    (prefix / "conda-meta" / "history").touch()


def create_environment(arguments: list[str]) -> None:
    """`conda env create --prefix PREFIX --file FILE`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    for flag in ("--quiet", "--yes", "--no-default-packages"):
        parser.add_argument(flag, action="store_true")
    given = parser.parse_args(arguments)
    environment = yaml.safe_load(given.file.read_text())
    channels = [name for name in environment["channels"] if name != "nodefaults"]
    asyncio.run(create(given.prefix, channels, environment["dependencies"]))


def main(arguments: list[str]) -> None:
    """Answer one call."""
    with Path(os.environ["CONDA_CALLS"]).open("a") as calls:
        print(*arguments, file=calls)
    match arguments:
        case ["--version"]:
            print("conda", VERSION)
        case ["info", *_]:
            where = {"conda_prefix": str(ROOT), "root_prefix": str(ROOT)}
            print(json.dumps({**where, "platform": "linux-64", "conda_version": VERSION}))
        case ["config", "--get", "channel_priority", *_]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create", *rest]:
            create_environment(rest)
        case ["clean", *_]:
            # Every environment takes its packages from one cache, which goes with the tests.
            pass
        case _:
            sys.exit(f"this stand-in for conda does not know: {arguments}")


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    # The library's threads may abort the interpreter when it shuts down in order.
    os._exit(0)
