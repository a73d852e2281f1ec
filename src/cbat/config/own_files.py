"""Files of the user keep clear of what the rules of the workflow write and delete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cbat.config.lifted import RESULTS
from cbat.config.named_files import all_named_files
from cbat.config.predicted_lines import input_files
from cbat.config.shipped_models import SHIPPED
from cbat.config.worlds import WORLD_DIRECTORY
from cbat.errors import UserError
from cbat.written import is_product

if TYPE_CHECKING:
    from cbat.config.project import Project

_WRITTEN: Final = (RESULTS, WORLD_DIRECTORY, Path("logs"))
"""Folders of the working directory that belong to the workflow."""


def check_own_files(project: Project, made: frozenset[Path]) -> None:
    """No file that the configuration names lies where a rule would write over it or delete it.

    Parameters
    ----------
    project : Project
    made : frozenset of Path
        Files that the simulation makes.

    Raises
    ------
    UserError
        An input lies in a folder of the workflow, however it is named, and no rule made it; or a file that
        is to be lifted from another assembly is there already, and was not lifted.
    """
    places = {folder: Path(os.path.realpath(folder)) for folder in _WRITTEN}
    for path in dict.fromkeys(_inputs(project)):
        if path in made:
            continue
        for folder, place in places.items():
            inside = Path(os.path.realpath(path)).is_relative_to(place)
            if (inside or Path(os.path.abspath(path)).is_relative_to(folder.absolute())) and path.exists():
                _refuse_unless_made(path, folder)
    for output in project.config.lift_over:
        lifted = Path(output)
        told = Path(f"{output}.json")
        for path in (lifted, told):
            # A file that was copied from another checkout has its account beside it, and no record.
            if os.path.lexists(path) and not (is_product(path) or (told.is_file() and lifted.is_file())):
                raise UserError(
                    f"lift_over would overwrite this file, which it did not make (it makes {output!r})",
                    mend="move the file, or name another file in lift_over",
                    file=path,
                )


def _refuse_unless_made(path: Path, folder: Path) -> None:
    for one in (path, *(path.iterdir() if path.is_dir() else ())):
        if not (one.is_dir() or one.name.startswith(".") or is_product(one)):
            raise UserError(
                f"this file is an input, and it lies in {folder}/, where rules write and delete; none of "
                "them made it",
                mend="move it to another folder, such as resources, and name it there",
                file=one,
            )


def _inputs(project: Project) -> Iterator[Path]:
    config = project.config
    yield from (config.cell_lines, config.tissues)
    yield from (path for row in project.cell_lines for path in row.files.values())
    yield from (path for _, path in all_named_files(config))
    for prediction in (config.predictions or {}).values():
        yield from input_files(prediction).values()
        if prediction.model_directory is not None and str(prediction.model_directory) not in SHIPPED:
            yield Path(prediction.model_directory)
    for world in project.worlds.values():
        yield from _inputs(world.project)
