"""What the results of a whole run were made of and with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cbat.errors import UserError
from cbat.files import sha256_of, write_json
from cbat.versions import hash_of, software


def run(
    *,
    configuration: Sequence[str],
    raw: Sequence[Path],
    manifests: Sequence[Path],
    models: Sequence[Path],
    output: Path,
) -> None:
    """Write what a run was made of and with, without a time or a place: the same run writes the same file.

    Parameters
    ----------
    configuration : sequence of str
        The configuration as JSON, defaults included, then rows of the sheets, models and encoders.
    raw : sequence of Path
        Files that the user gave: the genome, pairs, BED files, similarities, tables of names and motifs.
    manifests : sequence of Path
        Manifests of the shards, which hold the hashes of all their files; a shard is named by its folder.
    models : sequence of Path
        ``versions.json`` of each model; a model is named by its last two folders.
    output : Path
        ``versions.json`` of the run: versions of the software that wrote it, ``config_sha256``, every seed
        by the section of the configuration that it stands in, ``data_sha256``, and of each model the device
        and the revision that it was trained with.

    Raises
    ------
    UserError
        The versions of a model cannot be read.
    """
    settings = [json.loads(text) for text in configuration]
    write_json(
        output,
        software()
        | {
            "config_sha256": hash_of(settings),
            "seeds": _seeds(settings[0]),
            "data_sha256": {
                "raw": {str(path): sha256_of(path) for path in raw},
                "shards": {path.parent.name: sha256_of(path) for path in manifests},
            },
            "models": {"/".join(path.parts[-3:-1]): _model(path) for path in models},
        },
    )


def _seeds(settings: dict[str, Any]) -> dict[str, Any]:
    """Every seed of the configuration: dotted key -> value."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if key in ("seed", "seeds"):
            found[key] = value
        elif isinstance(value, dict):
            found |= {f"{key}.{name}": seed for name, seed in _seeds(value).items()}
    return found


def _model(path: Path) -> dict[str, Any]:
    keys = ("git_revision", "git_changes", "config_sha256", "device")
    try:
        versions = json.loads(path.read_text(encoding="utf-8"))
        return {key: versions[key] for key in keys}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the versions of a model cannot be read ({type(error).__name__}: {error})",
            mend="delete the folder and run the workflow again: train_model makes it again",
            file=path,
        ) from error
