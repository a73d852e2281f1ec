"""Checks of the section ``landscape``, and of what a run without a genome, with folds or with peers needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cbat.config.base import SIMULATED_GENES
from cbat.config.load import key_error
from cbat.config.models import REFERENCE_MODELS
from cbat.config.sections import Config
from cbat.config.yaml_files import KeyPath, YamlFile

LEAST_FOLDS: Final = 3
"""One to test on, one to choose by, one to train on."""
RESERVED_FOLDS: Final = frozenset({"all", "folds", "test", "train", "validation"})
"""Names that tables of results use for other sets of chromosomes."""


def landscape_files(config: Config) -> list[tuple[KeyPath, Path]]:
    """Files that the section ``landscape`` and the peers are read from, with the keys that name them."""
    found: list[tuple[KeyPath, Path]] = []
    if config.landscape is not None:
        found.append((("landscape", "genes"), config.landscape.genes))
        for name in ("insulator_motifs", "promoter_classes", "contig_names"):
            path: Path | None = getattr(config.landscape, name)
            if path is not None:
                found.append((("landscape", name), path))
    peers = config.evaluation.peers
    return found + [(("evaluation", "peers", name), path) for name, path in peers.items()]


def check_genome(config: Config, files: Sequence[YamlFile]) -> None:
    """What needs the sequence of the genome is not asked for without one.

    Raises
    ------
    UserError
    """
    if config.genome is not None:
        return
    if config.landscape is None:
        raise key_error(
            files,
            ("genome",),
            "genome is null, and there is no section landscape, so there is nothing to read",
            "name a FASTA in genome.fasta, or genes in landscape.genes",
        )
    for key, wrong, problem, mend in (
        (("elements", "max_n"), config.elements.max_n is not None, "counts unknown bases", "set it to null"),
        (
            ("readout", "identification"),
            config.readout.identification,
            "compares motifs",
            "set it to false",
        ),
    ):
        if wrong:
            raise key_error(
                files, key, f"{'.'.join(key)} {problem}, but genome is null", f"{mend}, or name a genome"
            )


def check_folds(config: Config, files: Sequence[YamlFile]) -> None:
    """Folds are enough, have names of their own, and are what is evaluated.

    Raises
    ------
    UserError
    """
    folds, asked = config.splits.folds, config.evaluation.chromosomes
    key: KeyPath = ("evaluation", "chromosomes")
    if folds is None:
        if "folds" in asked:
            raise key_error(
                files,
                key,
                "evaluation.chromosomes names the folds, and there are none",
                "write splits.folds, or choose from: train, validation, test",
            )
        return
    if asked != ["folds"]:
        raise key_error(
            files,
            key,
            f"evaluation.chromosomes is {asked}, but the section splits has folds, of which each is tested",
            "write [folds], or leave it out",
        )
    if config.genome is not None:
        raise key_error(
            files,
            ("splits", "folds"),
            "splits.folds needs 'genome: null': models of sequences are trained once, for one set of test "
            "chromosomes",
            "write 'genome: null', or splits.train, splits.validation and splits.test in place of the folds",
        )
    if len(folds) < LEAST_FOLDS:
        raise key_error(
            files,
            ("splits", "folds"),
            f"splits.folds has {len(folds)}, but one is tested, one chooses and the others train",
            f"name at least {LEAST_FOLDS}",
        )
    for name in folds:
        if name in RESERVED_FOLDS:
            raise key_error(
                files,
                ("splits", "folds", name),
                f"a fold is called {name!r}, a word that the tables of results reserve",
                "choose another name, such as fold_1",
            )


def check_landscape(config: Config, files: Sequence[YamlFile]) -> None:
    """Contigs are renamed by one table, and the context ``sibling`` has tracks to take from another line.

    Raises
    ------
    UserError
    """
    if (
        config.genome is not None
        and config.landscape is not None
        and config.landscape.contig_names is not None
    ):
        raise key_error(
            files,
            ("landscape", "contig_names"),
            "landscape.contig_names is for runs without a genome",
            "name the table in genome.contig_names",
        )
    if config.simulation is not None and config.landscape is not None:
        genes = config.landscape.genes
        if genes.is_relative_to(Path(SIMULATED_GENES).parent) and genes != Path(SIMULATED_GENES):
            raise key_error(
                files,
                ("landscape", "genes"),
                f"landscape.genes is {str(genes)!r}, which the simulation does not make",
                f"write {SIMULATED_GENES!r}, or the path of your own file",
            )
    if config.landscape is None and "sibling" in config.evaluation.contexts:
        raise key_error(
            files,
            ("evaluation", "contexts"),
            "evaluation.contexts names sibling, which is about tracks, and there is no section landscape",
            "leave it out, or add the section",
        )


def check_peers(config: Config, files: Sequence[YamlFile]) -> None:
    """Peers have names that no model and no other reference has.

    Raises
    ------
    UserError
    """
    for name in config.evaluation.peers:
        if name in config.models or name in REFERENCE_MODELS:
            other = "a model of this run" if name in config.models else "reference rows"
            raise key_error(
                files,
                ("evaluation", "peers", name),
                f"the peer {name!r} has the name of {other}",
                "give it another name",
            )
