"""Put a law of the landscape into the form that people share: law, training tracks, card and hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cbat import __version__
from cbat.config.base import Expectation, LabelKind
from cbat.config.sections import ElementSettings, EvaluationSettings, SplitSettings
from cbat.data.assemblies import assembly_of
from cbat.data.genome import read_contig_sizes
from cbat.data.stored import read_table
from cbat.evaluation.headline import Headline
from cbat.files import atomic_directory, write_json
from cbat.graph.propagation import PrototypeGraph, load_graph
from cbat.landscape.law import load_law
from cbat.landscape.pairs import PAIR_COLUMNS
from cbat.model.about import (
    CARD,
    DESCRIPTION,
    SCHEMA_VERSION,
    About,
    Elements,
    Support,
    Training,
    TrainingLine,
    Windows,
    write_checksums,
)
from cbat.prediction.figures import DISTANCE, figures_of
from cbat.prediction.landscape_card import landscape_card
from cbat.prediction.shared_landscape import (
    distance_shares,
    read_landscape,
    signals_of,
    write_landscape,
)


def run(
    *,
    law: Path,
    graph: Path,
    genes: Path,
    tracks: Mapping[str, Path],
    landscapes: Mapping[str, Path],
    train_lines: Sequence[str],
    name: str,
    seed: int,
    elements: ElementSettings,
    splits: SplitSettings,
    evaluation: EvaluationSettings,
    directory: Path,
    validation_lines: Sequence[str] = (),
    metrics: Sequence[Path] = (),
    references: Sequence[Path] = (),
    contig_sizes: Path | None = None,
    label_kind: LabelKind = "contact",
    simulated: bool = False,
    expectation: Expectation = "lines",
) -> None:
    """Write the model directory of a model without sequence.

    ``model.json`` (what is known of it), ``law.json``, ``graph.json``, ``genes.parquet``, ``tracks.parquet``
    and ``landscape.json`` (:mod:`cbat.prediction.shared_landscape`), ``MODEL_CARD.md`` and ``SHA256SUMS``.

    Parameters
    ----------
    law : Path
        What `fit_landscape` has written.
    graph : Path
        Prototype graph of the training lines.
    genes : Path
        Transcription starts.
    tracks : mapping
        Line -> its ranked tracks, of all lines that make the expectation.
    landscapes : mapping
        Training or validation line -> folder of its landscape, for counts and distances of its pairs.
    train_lines, validation_lines : sequence of str
        Lines that the law was fitted to, and lines that only helped to choose it.
    name : str
        Name of the model, for people.
    seed : int
        For people.
    elements, splits, evaluation : settings
        Sections of the configuration that it was fitted and evaluated with.
    directory : Path
        The model directory to write; what it held is replaced.
    metrics : sequence of Path
        Tables of metrics of the model, one for each evaluated line.
    references : sequence of Path
        Tables of metrics of the references on the same lines, of which that of the distance is kept.
    contig_sizes : Path, optional
        Contigs of the genome, if there was one.
    label_kind : str
        What the labels say of a pair.
    simulated : bool
        Whether everything that it has learned from is simulated.
    expectation : str
        As in the section ``landscape``: ``mean_track`` leaves no tracks of single lines in the directory.

    Raises
    ------
    UserError
        A damaged law, landscape or table.
    """
    load_law(law)
    headline = Headline.of(evaluation)
    pairs = {line: _pairs(folder) for line, folder in landscapes.items()}
    learned = {line: pairs[line] for line in train_lines}
    sizes = {} if contig_sizes is None else read_contig_sizes(contig_sizes)
    about = About(
        name=name,
        seed=seed,
        cbat_version=__version__,
        channels=[],
        windows=Windows(enhancer=elements.enhancer_window, promoter=elements.promoter_window),
        # Sequences are not read, so that unknown bases do not count.
        elements=Elements(max_n=None, enhancer_promoter_gap=elements.enhancer_promoter_gap),
        support=Support(elements=[], size=0, validation_size=0),
        training=_training(
            pairs, train_lines, validation_lines, splits, load_graph(graph), sizes, label_kind, simulated
        ),
        evidence_power=None,
        figures=figures_of(metrics, name, headline),
        distance_figures=figures_of(references, DISTANCE, headline),
    )
    shares = distance_shares([table["distance"].to_numpy() for table in learned.values()])
    with atomic_directory(directory) as temporary:
        write_landscape(
            temporary,
            law=law,
            graph=graph,
            tracks=tracks,
            genes=genes,
            shares=shares,
            expectation=expectation,
            assembly=assembly_of(sizes),
            signals=signals_of({line: landscapes[line] for line in train_lines}),
        )
        content = {"schema_version": SCHEMA_VERSION, "about": about.model_dump(mode="json"), "model": None}
        write_json(temporary / DESCRIPTION, content)
        card = landscape_card(about, read_landscape(temporary))
        (temporary / CARD).write_text(card, encoding="utf-8")
        write_checksums(temporary)


def _pairs(folder: Path) -> pd.DataFrame:
    return read_table(Path(folder) / "pairs.parquet", PAIR_COLUMNS, mend="run read_landscape again")


def _training(
    pairs: Mapping[str, pd.DataFrame],
    train_lines: Sequence[str],
    validation_lines: Sequence[str],
    splits: SplitSettings,
    graph: PrototypeGraph,
    sizes: Mapping[str, int],
    label_kind: LabelKind,
    simulated: bool,
) -> Training:
    """What the fit for new lines has read: with folds every chromosome, else those of two splits."""
    used = {name: list(chromosomes) for name, chromosomes in splits.chromosomes.items()}
    read = {name for name in used if splits.folds is not None or name != "test"}
    lines, distances = [], [pd.Series([], dtype="int64")]
    for line in (*train_lines, *validation_lines):
        trains = line in train_lines
        table = pairs[line]
        table = table[table["split"].isin(read if trains or splits.folds is not None else ["validation"])]
        if trains:
            distances.append(table["distance"])
        lines.append(
            TrainingLine(
                cell_line=line,
                tissue=graph.tissue_of(line) or "unknown",
                role="train" if trains else "validation",
                pairs=len(table),
                contacts=int(table["label"].sum()),
            )
        )
    every = pd.concat(distances)
    named = {chrom for names in used.values() for chrom in names}
    return Training(
        lines=sorted(lines, key=lambda one: one.cell_line),
        chromosomes=used,
        distances=(int(every.min()), int(every.max())) if len(every) else (0, 0),
        genome={chrom: length for chrom, length in sizes.items() if chrom in named},
        label_kind=label_kind,
        simulated=simulated,
    )
