"""The tools for the configuration: check it, and write down what it knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def check_config(files: Sequence[Path]) -> None:
    """Check configuration files, their sheets, and the files that both name.

    Parameters
    ----------
    files : sequence of Path
        YAML files, the later over the earlier; the workflow always puts config/config.yaml first.

    Raises
    ------
    UserError
        All mistakes that were found, each in a line.
    """
    from cbat.config.project import load_project
    from cbat.config.shipped_files import home_of
    from cbat.faults import all_faults

    with all_faults():
        project = load_project(files, home=home_of(files))
    counts = ", ".join(f"{len(project.names(role))} {role}" for role in ("train", "validation", "unseen"))
    if prototypes := project.names("prototype"):
        counts += f", {len(prototypes)} prototype"
    print(f"The configuration is valid. Cell lines: {counts}. Models: {', '.join(project.config.models)}.")


def write_config_reference(*, schemas: Path, readme: Path) -> None:
    """Write the JSON schemas and the tables of keys and columns.

    Parameters
    ----------
    schemas : Path
        Directory of the schemas, workflow/schemas.
    readme : Path
        Document with the markers of the tables, config/README.md.
    """
    from cbat.config.documentation import write_tables
    from cbat.config.schema import write_schemas

    write_schemas(schemas)
    write_tables(readme)
