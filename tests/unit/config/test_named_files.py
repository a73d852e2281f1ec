"""Every key that takes a file is in the one list of the files that a configuration names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from cbat.config.named_files import all_named_files, named_files
from cbat.config.sections import Config

NOT_LISTED = {
    "cell_lines": "a sheet, read before all else",
    "tissues": "a sheet, read before all else",
    "retrieval.sources": "the registry, which may be missing",
    "predictions": "have a list of their own",
    "worlds": "lay keys over those of the configuration",
}
EVERY_FILE = {
    "cell_lines": "lines.tsv",
    "tissues": "tissues.tsv",
    "splits": {"train": ["chr1"], "validation": ["chr2"], "test": ["chr3"]},
    "genome": {"fasta": "genome.fa", "contig_names": "names.tsv"},
    "graph": {
        "similarities": [{"path": "similar.tsv"}],
        "peak_overlaps": {"atac": {"peaks": {"A": "a.bed"}}},
        "expression_correlations": {"rna": {"table": "rna.tsv", "columns": {"A": "a"}}},
    },
    "landscape": {
        "genes": "genes.gtf",
        "promoter_classes": "classes.tsv",
        "insulator_motifs": "ctcf.bed",
        "contig_names": "names_too.tsv",
    },
    "evaluation": {"peers": {"other": "peer.tsv"}},
    "readout": {"motifs": "motifs.meme"},
    "lift_over": {"lifted.bed": {"chain": "to.chain", "from": "from.bed"}},
    "shipped_model": {
        "name": "contact", "figures": "figures.tsv", "assembly": "hg19",
        "other_assembly": "hg38", "chain": "ship.chain", "genes": "other.gtf",
    },
}  # fmt: skip


def files_below(annotation: Any, key: str) -> Iterator[str]:
    """Keys of an annotation that take a file; names that a user chooses are a star."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from files_below(field.annotation, f"{key}.{field.alias or name}".lstrip("."))
    elif annotation is Path:
        yield key
    elif (origin := get_origin(annotation)) is dict:
        yield from files_below(get_args(annotation)[1], f"{key}.*")
    elif origin is list:
        yield from files_below(get_args(annotation)[0], f"{key}.*")
    elif origin is Annotated:
        yield from files_below(get_args(annotation)[0], key)
    elif origin is Union or get_args(annotation):
        for one in get_args(annotation):
            yield from files_below(one, key)


def test_every_key_that_takes_a_file_is_listed() -> None:
    config = Config.model_validate(EVERY_FILE)
    listed = {".".join(map(str, key)) for key, _ in all_named_files(config)}
    stars = {
        key.replace(".0.", ".*.")
        .replace(".atac.", ".*.")
        .replace(".rna.", ".*.")
        .replace("lift_over.lifted.bed.", "lift_over.*.")
        .replace("peers.other", "peers.*")
        .replace("peaks.A", "peaks.*")
        for key in listed
    }
    wanted = {key for key in files_below(Config, "") if not any(key.startswith(one) for one in NOT_LISTED)}
    assert stars == wanted


def test_what_lifted_files_are_made_of_is_not_read_by_a_stage() -> None:
    config = Config.model_validate(EVERY_FILE)
    read = {path for _, path in named_files(config)}
    assert {path for _, path in all_named_files(config)} - read == {
        Path(name) for name in ("to.chain", "from.bed", "figures.tsv", "ship.chain", "other.gtf")
    }
