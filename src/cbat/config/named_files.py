"""The one list of the files that a configuration names, besides its sheets and its predictions."""

from __future__ import annotations

from pathlib import Path

from cbat.config.landscape import landscape_files
from cbat.config.lifted import lift_inputs
from cbat.config.sections import Config
from cbat.config.similarities import similarity_files
from cbat.config.yaml_files import KeyPath

NamedFiles = list[tuple[KeyPath, Path]]


def named_files(config: Config) -> NamedFiles:
    """Files that training and evaluation read, with the keys that name them."""
    found: NamedFiles = []
    if config.genome is not None:
        found.append((("genome", "fasta"), config.genome.fasta))
        if config.genome.contig_names is not None:
            found.append((("genome", "contig_names"), config.genome.contig_names))
    for position, table in enumerate(config.graph.similarities):
        found.append((("graph", "similarities", position, "path"), table.path))
    found += [*similarity_files(config.graph), *landscape_files(config)]
    if config.readout.motifs is not None:
        found.append((("readout", "motifs"), config.readout.motifs))
    return found


def all_named_files(config: Config) -> NamedFiles:
    """Those, and what lifted files and a model to ship are made of."""
    found = [*named_files(config), *lift_inputs(config)]
    if (shipped := config.shipped_model) is not None:
        own = {"figures": shipped.figures, "chain": shipped.chain, "genes": shipped.genes}
        found += [(("shipped_model", name), path) for name, path in own.items()]
    return found
