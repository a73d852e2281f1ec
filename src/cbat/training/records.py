"""What a training run leaves beside its weights: its history, what it was made with, curves for a browser."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from cbat.config.closure import code_digest
from cbat.config.models import ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.data.stored import MANIFEST
from cbat.errors import UserError
from cbat.files import atomic_file, sha256_of
from cbat.model.bundle import ENCODER_WEIGHTS
from cbat.training.distributed import Company
from cbat.versions import hash_of, software

log = logging.getLogger(__name__)
HISTORY: Final = "history.jsonl"
VERSIONS: Final = "versions.json"
History = list[dict[str, Any]]


def write_history(path: Path, history: History) -> None:
    """Write one JSON object for each evaluation."""
    with atomic_file(path) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in history), encoding="utf-8")


def versions_of_training(
    shards: Sequence[Path],
    encoder: Path,
    graph: Path,
    settings: ModelSettings,
    training: TrainingSettings,
    seed: int,
    company: Company,
    law: Path | None = None,
    landscapes: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """What a model was made of and with, without a time or a place: the same run says the same.

    A shard is known by its manifest, which holds the hashes of all its files.
    """
    whole = {"model": settings.model_dump(mode="json"), "training": training.model_dump(mode="json")}
    device = {"type": company.device.type, "processes": company.size, "precision": training.precision}
    if company.device.type == "cuda":
        device |= {"name": torch.cuda.get_device_name(company.device), "cuda": torch.version.cuda}
    return software() | {
        "config_sha256": hash_of(whole),
        "data_sha256": _hashes_of_data(shards, encoder, graph, law, landscapes),
        "seeds": {"training": seed},
        "device": device,
    }


def _hashes_of_data(
    shards: Sequence[Path],
    encoder: Path,
    graph: Path,
    law: Path | None,
    landscapes: Mapping[str, Path] | None,
) -> dict[str, Any]:
    tables = {
        line: {one.name: sha256_of(one) for one in sorted(Path(folder).glob("*.parquet"))}
        for line, folder in (landscapes or {}).items()
    }
    of_landscape = {} if law is None else {"law": sha256_of(law), "landscapes": tables}
    return of_landscape | {
        "shards": {path.name: sha256_of(path / MANIFEST) for path in map(Path, shards)},
        "encoder": sha256_of(encoder / ENCODER_WEIGHTS),
        "graph": sha256_of(graph),
    }


def key_of_training(
    shards: Sequence[Path],
    encoder: Path,
    graph: Path,
    train_lines: Sequence[str],
    validation_lines: Sequence[str],
    settings: ModelSettings,
    training: TrainingSettings,
    seed: int,
    company: Company,
    law: Path | None = None,
    landscapes: Mapping[str, Path] | None = None,
) -> dict[str, str]:
    """What two trainings must have in common for one to go on where the other was killed.

    Returns
    -------
    dict of str
        A name that a user knows -> a hash or a value.
    """
    lines = {"train": list(train_lines), "validation": list(validation_lines)}
    counts = {"precision": training.precision, "blocks_at_once": training.blocks_at_once}
    return {
        "settings": hash_of({"model": settings.model_dump(mode="json"), "training": counts}),
        "cell lines": hash_of(lines),
        "data": hash_of(_hashes_of_data(shards, encoder, graph, law, landscapes)),
        "code": code_digest("cbat.training.train"),
        "seed": str(seed),
        "number of processes": str(company.size),
        "device": _name_of(company),
        "versions of torch and numpy": f"{torch.__version__} {np.__version__}",
    }


def _name_of(company: Company) -> str:
    if company.device.type != "cuda":
        return company.device.type
    return f"cuda, {torch.cuda.get_device_name(company.device)}"


def open_curves(directory: Path) -> Callable[[dict[str, Any]], None]:
    """What adds a row of history to the event files of TensorBoard.

    Raises
    ------
    UserError
        The optional package tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError(
            "training.tensorboard is true, but the package tensorboard is not installed here",
            mend="install it (pip install 'cbat[tensorboard]'), or set training.tensorboard to false",
            where="training.tensorboard",
        ) from error

    writer = SummaryWriter(str(directory))

    def add(row: dict[str, Any]) -> None:
        for name, value in row.items():
            if name != "step" and isinstance(value, int | float):
                writer.add_scalar(name, value, row["step"])
        writer.flush()

    return add
