"""The section ``lift_over``: files that the workflow makes of files of another assembly."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cbat.config.load import key_error
from cbat.config.sections import Config, LiftSettings
from cbat.config.sources import DOWNLOAD_DIRECTORY
from cbat.config.yaml_files import KeyPath, YamlFile

RESULTS: Final = Path("results")
"""Where the stages of the workflow write."""


def lifted_files(config: Config) -> dict[Path, LiftSettings]:
    """File that is made -> what it is made of."""
    return {Path(output): lift for output, lift in config.lift_over.items()}


def lift_inputs(config: Config) -> list[tuple[KeyPath, Path]]:
    """Files that lifted ones are made of, with the keys that name them."""
    return [
        (("lift_over", output, key), path)
        for output, lift in config.lift_over.items()
        for key, path in (("chain", lift.chain), ("from", lift.from_))
    ]


def check_lift_over(config: Config, files: Sequence[YamlFile]) -> None:
    """Each lifted file has a path of its own, which no other rule writes and nothing is lifted from.

    Raises
    ------
    UserError
    """
    homes: dict[str, str] = {}
    for output in config.lift_over:
        if (other := homes.setdefault(os.path.abspath(output), output)) != output:
            raise key_error(
                files,
                ("lift_over", output),
                f"lift_over makes the file {output!r} twice: it is also {other!r}",
                "delete one of the two",
            )
        for folder, whose in ((RESULTS, "what stages write"), (DOWNLOAD_DIRECTORY, "published files")):
            if Path(os.path.abspath(output)).is_relative_to(folder.absolute()):
                raise key_error(
                    files,
                    ("lift_over", output),
                    f"lift_over makes the file {output!r}, but {folder} is for {whose}",
                    f"choose another folder, such as resources/lifted/{Path(output).name}",
                )
    for key, path in lift_inputs(config):
        if (made := homes.get(os.path.abspath(path))) is not None:
            raise key_error(
                files,
                key,
                f"lift_over makes the file {made!r}, and takes it as {key[-1]} of {str(key[1])!r}",
                "name a file that is there or can be fetched, and another path for the file that is made",
            )
