"""The section ``predictions``: cell lines to be predicted, and from what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from cbat.config.base import Name, PositiveInt, Section, Seed

TRACK_PAIRS = 100_000
PAGE_PAIRS = 20_000


class PredictionSettings(Section):
    """How a cell line is predicted, whatever its files are."""

    tissue: str = Field(
        "unknown", description="Tissue of origin, one that the model knows; `unknown` states none."
    )
    min_distance: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="Shortest distance between the centres of enhancer and promoter, bp; null takes the "
        "shortest that the model was trained on. A peak nearer than that is the promoter's own.",
    )
    max_distance: PositiveInt | None = Field(
        None,
        description="Longest distance between the centres of enhancer and promoter, bp; null takes the "
        "longest that the model was trained on.",
    )
    chromosomes: list[str] | None = Field(
        None,
        description="Chromosomes to predict; null takes those of `splits` (and, without the workflow, all). "
        "The environment is read from candidates of all chromosomes.",
    )
    support_size: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description=(
            "Candidates that the environment is read from; null takes all of them, 0 the stated tissue alone."
        ),
    )
    seed: Seed = Field(1, description="Seed of the draw of these candidates, where not all are taken.")
    enhancer_window: PositiveInt | None = Field(
        None, description="Window that the model must have been trained for, bp; null takes the model's."
    )
    promoter_window: PositiveInt | None = Field(
        None, description="Window that the model must have been trained for, bp; null takes the model's."
    )
    similarity_threshold: float = Field(
        0.0, description="Similarities of `similarity` at or below it make no edge of the prototype graph."
    )
    similarity_weight: Annotated[float, Field(ge=0.0)] = Field(
        1.0, description="Weight of an edge of similarity 1."
    )
    pairs_format: str = Field("auto", description="Format of the pairs of `calibrate`, as in a sheet.")
    score_threshold: float | None = Field(
        None, description="Pairs of `calibrate` that score this much or more are contacts, as in a sheet."
    )
    score_column: str | None = Field(
        None, description="Column of these scores, where `calibrate` has several, as in a sheet."
    )
    signals: dict[Name, Annotated[str, BeforeValidator(str)]] = Field(
        default_factory=dict,
        json_schema_extra={"additionalProperties": False},
        description="Kind of track, `accessibility` or `enhancer_mark` -> where the signal of its peaks or "
        "intervals stands, as `landscape.signals`.",
    )
    precision: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None,
        description="Call pairs from the probability on from which this share was true on training lines "
        "left out; the model card has those that a law knows. With 50 pairs or more of each label in "
        "`calibrate` that share of these is true, and any may be asked for. Null takes the threshold of the "
        "best F1.",
    )
    assembly: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")] | None = Field(
        None,
        description="Assembly of the files (`hg19`, `hg38`, `mm10`, ..., or what others call them, such as "
        "`GRCh38` and `b37`, in any case), for a model that has several; "
        "null reads it off the promoters or the candidates.",
    )
    least_expression: Annotated[float, Field(ge=0.0)] = Field(
        1.0,
        description="From which value of `expressed` on a gene is expressed: TPM or RPKM, or what it holds.",
    )
    expression_column: str | None = Field(
        None,
        description="Column of `expressed` that holds the values; null takes the one called TPM, RPKM, FPKM, "
        "CPM or `expressed`, else the only one with numbers.",
    )
    active_promoters_only: bool = Field(
        False,
        description="Predict promoters alone that a peak of `tracks.active_promoters` lies within 1 kb of.",
    )
    simulated_model: bool = Field(
        False, description="Use a model of simulated data on files that are not of its simulated genome."
    )
    track_pairs: Annotated[int, Field(ge=0)] = Field(
        TRACK_PAIRS, description="Most pairs in the tracks for genome browsers, the most probable ones."
    )
    page_pairs: Annotated[int, Field(ge=0, le=50_000)] = Field(
        PAGE_PAIRS,
        description="Most pairs on the page to look at: the called ones of every promoter first, then the "
        "others, both by rank. 20,000 make a page of about 6 MB for a human genome.",
    )


class Settled(PredictionSettings):
    """The same once the model is known."""

    min_distance: Annotated[int, Field(ge=0)]
    max_distance: PositiveInt


class Prediction(PredictionSettings):
    """A cell line to be predicted."""

    model: Name | None = Field(None, description="Model of this run; null takes `full_model`.")
    model_seed: Seed | None = Field(None, description="Its training seed; null takes the first of `seeds`.")
    world: Name | None = Field(None, description="World of a benchmark whose model it is; null takes none.")
    model_directory: Path | None = Field(
        None,
        description="Model directory to use instead of a model of this run, or the name of a model that "
        "comes with the package (`contact`, `regulation`).",
    )
    genome: Path | None = Field(None, description="Genome FASTA of the files; null takes `genome.fasta`.")
    contig_names: Path | None = Field(
        None, description="Names of contigs in the files, as `genome.contig_names`; null takes that."
    )
    enhancers: Path = Field(description="Candidate enhancers: BED (three columns do), narrowPeak, broadPeak.")
    promoters: Path | None = Field(
        None,
        description="Promoters to look at: BED, or GTF, of which the starts are taken; null takes the "
        "starts of `genes`, or of the genes that a model directory brings.",
    )
    similarity: Path | None = Field(
        None, description="Square TSV of similarities between this line and training lines."
    )
    support: Path | None = Field(
        None, description="TSV (`role`, `element_id`) of the candidates to read the environment from."
    )
    tracks: dict[Name, Path] = Field(
        default_factory=dict,
        json_schema_extra={"additionalProperties": False},
        description="Kind of track (`active_enhancers`, `active_promoters`, `insulators`) -> peaks of this "
        "line; kinds that are left out are expected from the training lines. For models with a landscape.",
    )
    element_signals: dict[Name, Path] = Field(
        default_factory=dict,
        json_schema_extra={"additionalProperties": False},
        description="Signal at the candidates (`accessibility`, `enhancer_mark`) -> its file, as in a sheet. "
        "For laws of regulation.",
    )
    genes: Path | None = Field(
        None, description="Genes, as `landscape.genes`; null takes those that the model was trained with."
    )
    insulator_motifs: Path | None = Field(
        None, description="Stranded motif sites of CTCF, as `landscape.insulator_motifs`; null takes that."
    )
    expressed: Path | None = Field(
        None,
        description="Table of expression of this line (gene, TPM or RPKM), or a list of the genes that are "
        "expressed: promoters of other genes are not predicted. No score depends on it.",
    )
    calibrate: Path | None = Field(
        None,
        description="A few labelled pairs of the line: level, temperature and threshold are fitted to them.",
    )


Predictions = Annotated[dict[Name, Prediction], Field(json_schema_extra={"additionalProperties": False})]
