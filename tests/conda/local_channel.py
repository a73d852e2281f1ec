"""A conda channel in a folder, whose packages bring what is installed beside the tests and nothing else.

For each package that an environment file names, and for all that it needs, the channel holds one package with
the real name, version and needs. Instead of code it holds links to the installed code. So the solver has
something to solve, and a job in an environment can import what the environment would bring, and no more.
"""

from __future__ import annotations

import asyncio
import bz2
import hashlib
import io
import json
import os
import platform
import shutil
import sys
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

CONDA_NAMES = {
    "matplotlib-base": "matplotlib",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "snakemake-minimal": "snakemake",
}
"""Pip's names of packages that have another one for conda."""

LAUNCHER = """#!/bin/sh
# Python without the packages that are installed beside it: imports come from this environment alone.
prefix=$(cd "$(dirname "$0")/.." && pwd)
echo "$CONDA_PREFIX" >> "$prefix/jobs.txt"
PYTHONPATH="$prefix/site${{PYTHONPATH:+:$PYTHONPATH}}" exec "{python}" -S "$@"
"""


@dataclass(frozen=True)
class Package:
    """One package of the channel: files by path, as text of programs or as targets of links."""

    name: str
    version: str
    needs: tuple[str, ...] = ()
    programs: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Path] = field(default_factory=dict)


def needs_of(distribution: metadata.Distribution) -> list[str]:
    """Names of the distributions that this one needs here, extras left out."""
    requirements = [Requirement(one) for one in distribution.requires or []]
    return sorted(
        {
            canonicalize_name(one.name)
            for one in requirements
            if one.marker is None or one.marker.evaluate({"extra": ""})
        }
    )


def closure(names: Iterable[str]) -> dict[str, metadata.Distribution]:
    """These distributions and all that they need, by canonical name."""
    found: dict[str, metadata.Distribution] = {}
    wanted = [canonicalize_name(name) for name in names]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = metadata.distribution(name)
            wanted += needs_of(found[name])
    return found


def top_level(distribution: metadata.Distribution) -> dict[str, Path]:
    """What a distribution lays into site-packages, by name."""
    names = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
    return {name: Path(str(distribution.locate_file(name))).absolute() for name in sorted(names)}


def packages_for(names: Iterable[str], conda_names: Mapping[str, str]) -> list[Package]:
    """Packages for these conda names; ``conda_names`` gives pip's names of those that have another one."""
    aliases: dict[str, list[str]] = {}
    for name in names:
        aliases.setdefault(canonicalize_name(conda_names.get(name, name)), []).append(name)
    # As on conda-forge: builds for processors and for a GPU stand for one package that others may need.
    own_names = {name: others[0] for name, others in aliases.items() if len(others) == 1}
    packages = []
    for name, distribution in closure(aliases).items():
        version = Version(distribution.version).public
        own_name = own_names.get(name, name)
        needs = tuple(own_names.get(need, need) for need in needs_of(distribution))
        links = {f"site/{entry}": path for entry, path in top_level(distribution).items()}
        packages.append(Package(own_name, version, needs, links=links))
        packages += [
            Package(other, version, (f"{own_name} =={version}",))
            for other in aliases.get(name, ())
            if other != own_name
        ]
    return packages


def system_packages() -> list[Package]:
    """The interpreter, cut off from its own packages, and the program that pip does not bring."""
    bedtools = shutil.which("bedtools")
    assert bedtools
    return [
        Package(
            "python",
            platform.python_version(),
            programs={"bin/python": LAUNCHER.format(python=sys.executable)},
        ),
        Package("bedtools", "2.31.1", links={"bin/bedtools": Path(bedtools)}),
    ]


def write_package(package: Package, folder: Path) -> None:
    """Write one package as conda's older archive format."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {
        "name": package.name,
        "version": package.version,
        "build": "0",
        "build_number": 0,
        "depends": list(package.needs),
        "subdir": "noarch",
        "noarch": "generic",
        "license": "none",
        "timestamp": 0,
    }
    paths = [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "size_in_bytes": len(text.encode()),
        }
        for path, text in package.programs.items()
    ]
    paths += [{"_path": path, "path_type": "softlink"} for path in package.links]
    information = {
        "info/index.json": json.dumps(index),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": paths}),
        "info/files": "".join(f"{path['_path']}\n" for path in paths),
        "info/about.json": "{}",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in {**information, **package.programs}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            member.mode = 0o755 if name in package.programs else 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
        for name, target in package.links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, str(target)
            archive.addfile(member)
    file = folder / f"{package.name}-{package.version}-0.tar.bz2"
    file.write_bytes(bz2.compress(buffer.getvalue()))


def write_channels(folder: Path, packages: Iterable[Package], others: Iterable[str]) -> None:
    """Write `conda-forge` with all packages, and the ``others`` without any."""
    from rattler.index import index_fs

    for package in packages:
        write_package(package, folder / "conda-forge" / "noarch")
    for name in others:
        (folder / name / "noarch").mkdir(parents=True)
    for channel in sorted(folder.iterdir()):
        asyncio.run(index_fs(str(channel)))


def main(folder: Path, files: list[Path]) -> None:
    """Write channels for these environment files."""
    environments = [yaml.safe_load(file.read_text()) for file in files]
    channels = {name for environment in environments for name in environment["channels"]} - {"nodefaults"}
    names = {entry.partition("=")[0] for environment in environments for entry in environment["dependencies"]}
    packages = packages_for(sorted(names - {"python", "bedtools"}), CONDA_NAMES)
    write_channels(folder, [*system_packages(), *packages], channels - {"conda-forge"})


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
    sys.stdout.flush()
    # The library's threads may abort the interpreter when it shuts down in order.
    os._exit(0)
