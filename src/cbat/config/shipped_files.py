"""Files that come with the workflow, for a run whose working directory has none of its own.

``snakemake --directory elsewhere`` and a workflow that uses this one as a module run in folders without
``config/`` and ``resources/``.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cbat.config.sections import Config
from cbat.config.suggestions import did_you_mean
from cbat.config.yaml_files import merge, read_yaml
from cbat.errors import UserError

log = logging.getLogger(__name__)

_KEYS: Final = (
    (None, "cell_lines"),
    (None, "tissues"),
    ("genome", "contig_names"),
    ("landscape", "contig_names"),
    ("landscape", "promoter_classes"),
    ("retrieval", "sources"),
)
"""Sections, or none, and their keys that may name a file that ships."""
_BY_DEFAULT: Final = {"retrieval": {"sources": "resources/sources.tsv"}}
"""What they name where the configuration is silent."""


def with_shipped_files(values: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """The values of a configuration, with the workflow's own file where the working directory has none.

    Parameters
    ----------
    values : mapping
        Merged values of the configuration, unchecked.
    home : Path
        The folder of the workflow, with ``config/`` and ``resources/``.
    """
    found = merge([_BY_DEFAULT, copy.deepcopy(dict(values))])
    for section, key in _KEYS:
        keys: Any = found if section is None else found.get(section)
        given = keys.get(key) if isinstance(keys, dict) else None
        if isinstance(given, str) and not Path(given).exists() and (home / given).is_file():
            keys[key] = str(home / given)
    return found


def of_module(values: Mapping[str, Any], default: Path) -> dict[str, Any]:
    """The configuration of a workflow that uses this one as a module, over the one that ships.

    Parameters
    ----------
    values : mapping
        What the other workflow hands over: the configuration for this one, or its own with keys beside.
    default : Path
        The configuration that ships.

    Returns
    -------
    dict
        Without the keys that are not of this workflow, which are named in the log.

    Raises
    ------
    UserError
        A key that is spelt nearly as one of this workflow.
    """
    known = [field.alias or name for name, field in Config.model_fields.items()]
    foreign = [key for key in values if key not in known]
    for key in foreign:
        if suggestion := did_you_mean(key, known):
            raise UserError(
                f"the configuration that the module is given has the key {key!r}{suggestion}",
                mend="correct it, or hand over a section of your configuration: config: config['cbat']",
            )
    if foreign:
        log.warning("keys of the surrounding workflow are left alone: %s", ", ".join(foreign))
    own = {key: value for key, value in values.items() if key in known}
    return merge([read_yaml(default).values, own])


def home_of(files: Sequence[str | Path]) -> Path | None:
    """The folder of a workflow whose configuration is the first of some files; None where it is another's."""
    first = Path(files[0]).resolve() if files else Path()
    there = first.name == "config.yaml" and (first.parent / "models").is_dir()
    return first.parent.parent if there else None


def shipped_or_own(folder: Path, home: Path | None) -> dict[str, Path]:
    """The YAML files of a folder by name, of the working directory before those that ship."""
    there = [] if home is None else sorted((home / folder).glob("*.yaml"))
    return {path.stem: path for path in (*there, *sorted(folder.glob("*.yaml")))}
