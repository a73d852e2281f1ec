"""The sections of the configuration, one frozen class each.

Every key that the workflow knows is a field here, with its default, its bounds and its meaning.
The JSON schema and the table in ``config/README.md`` are generated from these classes, and an
unknown key is an error at every level.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from cbat.config.base import ELEMENT_SIGNALS as ELEMENT_SIGNALS
from cbat.config.base import SIMULATED_GENES as SIMULATED_GENES
from cbat.config.base import TRACK_KINDS as TRACK_KINDS
from cbat.config.base import Address as Address
from cbat.config.base import Expectation as Expectation
from cbat.config.base import Fraction as Fraction
from cbat.config.base import LabelKind as LabelKind
from cbat.config.base import Name as Name
from cbat.config.base import PositiveInt as PositiveInt
from cbat.config.base import Section as Section
from cbat.config.base import Seed as Seed
from cbat.config.predictions import Predictions


class GenomeSettings(Section):
    """The reference genome."""

    fasta: Path = Field(description="Genome FASTA: plain, gzip or bgzip.")
    contig_names: Path | None = Field(
        None,
        description=(
            "TSV with the columns `given` and `genome`: what pairs, BED and GTF files call a contig, and "
            "what the FASTA calls it (`.` leaves its rows out). Names that are not listed stay as they are; "
            "null renames none. `resources/contig_names/human_ensembl_to_ucsc.tsv` maps 1, ..., X, Y, MT to "
            "chr1, ..., chrX, chrY, chrM."
        ),
    )


class ElementSettings(Section):
    """Fixed windows that stand for the elements."""

    enhancer_window: PositiveInt = Field(1000, description="Window around each enhancer's centre, bp.")
    promoter_window: PositiveInt = Field(2000, description="Window around each promoter's centre, bp.")
    flank: Annotated[int, Field(ge=0)] = Field(
        0, description="No window extended by this many bp may lie in two splits."
    )
    max_n: Fraction | None = Field(
        None,
        description=(
            "Largest share of unknown bases in a window: elements above it are left out, with their pairs, "
            "and counted. 1 keeps all; null too, but without the section `landscape` it stops at a window of "
            "which no base is known. With that section such an element stays, counted, and its pairs have no "
            "sequence term."
        ),
    )
    enhancer_promoter_gap: Annotated[int, Field(ge=0)] = Field(
        0,
        description=(
            "Candidate enhancers of a BED whose centre is nearer than this to that of a promoter of their "
            "line are left out, bp; for peaks of a mark that promoters carry as well."
        ),
    )
    both_roles: Literal["error", "keep"] = Field(
        "error",
        description="What to do with an interval that one cell line has as enhancer and as promoter.",
    )


class Member(NamedTuple):
    """One fit, and the chromosomes that it trains on, chooses by and is tested on.

    Attributes
    ----------
    name : str
        The split that it is tested on: ``test``, or the name of a fold.
    train, validation, test : tuple of str
        Chromosomes, in the order of the configuration; none is in two of them.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


Folds = Annotated[dict[Name, list[str]], Field(json_schema_extra={"additionalProperties": False})]


class SplitSettings(Section):
    """Whole chromosomes on each side of the evaluation; a chromosome not named is left out."""

    train: list[str] = Field(
        description="Chromosomes whose pairs train the model; not needed beside `folds`, as the next two."
    )
    validation: list[str] = Field(
        description="Chromosomes that choose checkpoint, threshold and temperature."
    )
    test: list[str] = Field(description="Chromosomes that nothing but the evaluation reads.")
    folds: Folds | None = Field(
        None,
        description=(
            "Instead of these three (which then say nothing): names and their chromosomes, at least three, "
            "each chromosome in one. Each fold is tested once, by a fit that has not read it; of the others "
            "the next one (the first follows the last) is for validation, the rest for training. Needs "
            "`genome: null`."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _folds_take_the_place_of_the_three(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("folds") is not None:
            return {**values, "train": [], "validation": [], "test": []}
        return values

    @property
    def chromosomes(self) -> dict[str, tuple[str, ...]]:
        """Split -> its chromosomes, in the order of the configuration; with folds these are the splits."""
        if self.folds is not None:
            return {name: tuple(chromosomes) for name, chromosomes in self.folds.items()}
        return {
            "train": tuple(self.train),
            "validation": tuple(self.validation),
            "test": tuple(self.test),
        }

    @property
    def split_of(self) -> dict[str, str]:
        """Chromosome -> its split."""
        return {chrom: split for split, chromosomes in self.chromosomes.items() for chrom in chromosomes}

    def members(self) -> tuple[Member, ...]:
        """One fit for each fold, in their order, or the one fit of train, validation and test."""
        splits = self.chromosomes
        if self.folds is None:
            return (Member("test", splits["train"], splits["validation"], splits["test"]),)
        names = list(splits)
        found = []
        for position, name in enumerate(names):
            following = names[(position + 1) % len(names)]
            rest = [chrom for other in names if other not in (name, following) for chrom in splits[other]]
            found.append(Member(name, tuple(rest), splits[following], splits[name]))
        return tuple(found)


class LabelSettings(Section):
    """From pair tables to labelled pairs."""

    kind: LabelKind = Field(
        "contact",
        description=(
            "What the labels say: `contact` (the ends touch: Hi-C, ChIA-PET) or `regulation` (perturbing the "
            "enhancer changes the gene: CRISPR screens). Two questions; a model of one is not judged by the "
            "other."
        ),
    )
    min_distance: Annotated[int, Field(ge=0)] = Field(
        0, description="Shortest distance between the two centres, bp; nearer pairs are left out."
    )
    max_distance: PositiveInt = Field(
        2_000_000, description="Longest distance between the two centres, bp; farther pairs are left out."
    )
    duplicate_pairs: Literal["error", "drop"] = Field(
        "error", description="What to do with a pair that is listed twice with one label."
    )
    conflicting_pairs: Literal["error", "drop"] = Field(
        "error", description="What to do with a pair that is listed with both labels."
    )
    negatives: Literal["given", "natural", "distance_matched", "element_balanced"] = Field(
        "given",
        description=(
            "Which pairs stand for no contact. given: those of the pair table. The others are made of each "
            "line's own elements, and the table's are left out: natural takes all pairs within the bounds "
            "of the distance; distance_matched as many as contacts at each distance; element_balanced as "
            "many as contacts for each enhancer and each promoter. See `docs/negatives.md`."
        ),
    )
    negatives_per_positive: PositiveInt | None = Field(
        None,
        description=(
            "How many negatives are made for each contact: null is all for natural, and 1 for "
            "distance_matched and element_balanced; it says nothing of given ones."
        ),
    )
    seed: Seed = Field(1, description="Seed of the choice of negatives that are made.")


class ShardSettings(Section):
    """Homogeneous blocks of queries with their support sets."""

    block_size: PositiveInt = Field(64, description="Query pairs in a block.")
    support_size: PositiveInt = Field(
        1024, description="Most unlabelled candidates stored with a block; smaller supports are its prefixes."
    )
    support_elements: list[Literal["enhancer", "promoter"]] = Field(
        ["enhancer", "promoter"], description="Element types that a support set is drawn from."
    )
    seed: Seed = Field(1, description="Seed of the order of pairs and of the draw of supports.")


class SimilarityTable(Section):
    """A table of pairwise similarities between cell lines."""

    path: Path = Field(description="Square TSV (first column and header name cell lines) in [-1, 1].")
    weight: Annotated[float, Field(ge=0.0)] = Field(1.0, description="Weight of an edge of similarity 1.")
    threshold: float = Field(0.0, description="Similarities at or below it make no edge.")


PathByCellLine = Annotated[dict[Name, Path], Field(json_schema_extra={"additionalProperties": False})]
ColumnByCellLine = Annotated[dict[Name, str], Field(json_schema_extra={"additionalProperties": False})]


class PeakOverlap(Section):
    """Similarity of cell lines by the overlap of their peaks: what of both is covered in both."""

    peaks: PathByCellLine = Field(
        description="Cell line -> its peaks (BED, narrowPeak, broadPeak; plain or gzip); all of one assay."
    )
    bin: PositiveInt = Field(1000, description="Length of the genomic bins that are compared, bp.")
    weight: Annotated[float, Field(ge=0.0)] = Field(1.0, description="Weight of an edge of similarity 1.")
    threshold: float = Field(0.0, description="Similarities at or below it make no edge.")


class ExpressionCorrelation(Section):
    """Similarity of cell lines by the correlation of their gene expression."""

    table: Path = Field(
        description="Table, plain or gzip: one gene a row, its name in column one, samples under a header."
    )
    columns: ColumnByCellLine = Field(
        description="Cell line -> its column; a line that is not named gets no edge."
    )
    weight: Annotated[float, Field(ge=0.0)] = Field(1.0, description="Weight of an edge of similarity 1.")
    threshold: float = Field(0.0, description="Similarities at or below it make no edge.")


PeakOverlaps = Annotated[dict[Name, PeakOverlap], Field(json_schema_extra={"additionalProperties": False})]
ExpressionCorrelations = Annotated[
    dict[Name, ExpressionCorrelation], Field(json_schema_extra={"additionalProperties": False})
]


class GraphSettings(Section):
    """Edges of the cell prototype graph."""

    tissue_weight: Annotated[float, Field(ge=0.0)] = Field(
        1.0, description="Weight of the edge between a cell line and its tissue of origin."
    )
    parent_weight: Annotated[float, Field(ge=0.0)] = Field(
        0.5, description="Weight of the edge between a tissue and its parent tissue."
    )
    germ_layer_weight: Annotated[float, Field(ge=0.0)] = Field(
        0.25, description="Weight of the edge between a tissue and its germ layer."
    )
    condition_weight: Annotated[float, Field(ge=0.0)] = Field(
        0.0, description="Weight of the edge between a cell line and the node of its condition."
    )
    sex_weight: Annotated[float, Field(ge=0.0)] = Field(
        0.0, description="Weight of the edge between a cell line and the node of its donor's sex."
    )
    similarities: list[SimilarityTable] = Field([], description="Tables of biological similarity.")
    peak_overlaps: PeakOverlaps = Field(
        default_factory=dict, description="Similarities that the workflow computes from peaks, by name."
    )
    expression_correlations: ExpressionCorrelations = Field(
        default_factory=dict, description="Similarities that the workflow computes from expression, by name."
    )


def _column(value: object) -> object:
    """A column that is given by its number, as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Signal = Annotated[
    str,
    BeforeValidator(_column),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 4}, {"type": "string"}]}),
]
Signals = Annotated[dict[Name, Signal], Field(json_schema_extra={"additionalProperties": False})]


class LandscapeSettings(Section):
    """What lies between and around the two ends of a pair: genes, and the tracks of the cell lines."""

    genes: Path = Field(
        description=(
            "Genes, of which the transcription starts are taken: GTF, or BED (with a strand in column 6) of "
            "transcription starts; plain or gzip."
        )
    )
    promoter_classes: Path | None = Field(
        None,
        description=(
            "Genes with a robust promoter, for laws of regulation: names, one in a line (ubiquitously "
            "expressed genes), or a TSV with a header whose first column names the gene and whose columns of "
            "TRUE and FALSE count one each."
        ),
    )
    insulator_motifs: Path | None = Field(
        None,
        description=(
            "BED6 of stranded CTCF motif sites, which give the peaks of `insulators` their strands. Null "
            "takes the strand column of the peaks or scans the genome; without any of them sites count for "
            "both directions."
        ),
    )
    contig_names: Path | None = Field(
        None,
        description=(
            "The table of `genome.contig_names` for a run without a genome; its column `genome` holds the "
            "names that `splits` uses."
        ),
    )
    expectation: Expectation = Field(
        "lines",
        description=(
            "What is expected of a line: `lines`, the mean of what the tracks of every training line say of "
            "a pair, weighted by kinship on the graph; or `mean_track`, what the mean of their tracks says, "
            "all alike. With `mean_track` a model directory holds that mean in place of the peaks of any "
            "line."
        ),
    )
    signals: Signals = Field(
        default_factory=dict,
        description=(
            "Kind of track -> where the signal of its peaks stands: `auto` (also for kinds that are not "
            "named: signalValue of narrowPeak or broadPeak, else column 5 if it varies, else none), `none` "
            "(all peaks alike), `score` (column 5), the number of a column, or its name in a header line. "
            "`accessibility` and `enhancer_mark` likewise, without `none`: the column of their files of "
            "intervals; a bigWig has no columns."
        ),
    )

    @field_validator("signals", mode="after")
    @classmethod
    def _names_kinds_and_columns(cls, value: dict[str, str]) -> dict[str, str]:
        for kind, column in value.items():
            if kind not in (*TRACK_KINDS, *ELEMENT_SIGNALS):
                raise ValueError(
                    f"names {kind!r}, but the kinds of track are {', '.join(TRACK_KINDS)}, and the signals "
                    f"at candidates {' and '.join(ELEMENT_SIGNALS)}"
                )
            if kind in ELEMENT_SIGNALS and column == "none":
                raise ValueError(f"takes 'none' for {kind}, which is nothing without numbers")
            if column.isdecimal() and int(column) < 4:
                raise ValueError(f"takes column {column} for a signal, but columns 1 to 3 are the interval")
        return value


class SimulationSettings(Section):
    """A simulated benchmark with known truth; leave the section out to use real files."""

    seed: Seed = Field(1, description="Seed of the whole world.")
    world: Literal["additive", "cooperative", "uninformative"] = Field(
        "additive",
        description=(
            "additive: resistance is a sum over motifs; cooperative: over enhancer-promoter motif "
            "combinations; uninformative: candidates say nothing about the environment."
        ),
    )
    n_chromosomes: PositiveInt = Field(20, description="Chromosomes, named chr1, chr2, ...")
    n_enhancers: PositiveInt = Field(6000, description="Enhancers in the genome.")
    n_promoters: PositiveInt = Field(3000, description="Promoters in the genome.")
    enhancer_length: PositiveInt = Field(1000, description="Length of an enhancer, bp.")
    promoter_length: PositiveInt = Field(2000, description="Length of a promoter, bp.")
    gap_length: PositiveInt = Field(1500, description="Mean length of the sequence between elements, bp.")
    gc_content: Fraction = Field(0.41, description="Mean GC content outside elements.")
    element_gc_content: Fraction = Field(0.47, description="Mean GC content inside elements.")
    motifs: Annotated[list[str], Field(min_length=1)] = Field(
        [
            "CTCF", "GATA1::TAL1", "Spi1", "IRF4", "EBF1", "POU2F2", "STAT3", "HNF1A", "HNF4A", "FOXA1",
            "CEBPA", "ONECUT1", "CDX2", "TP63", "TEAD4", "GRHL2", "Pou5f1::Sox2", "NEUROD1", "PAX6",
            "MEF2A", "MYOD1",
            "ETS1", "RFX2", "NFYA", "REST",
        ],
        description="JASPAR names of the planted motifs; CTCF is planted with orientation.",
    )  # fmt: skip
    motif_rate: Fraction = Field(0.2, description="Chance that an element carries a given motif.")
    motif_sharpness: Annotated[float, Field(gt=0.0, le=100.0)] = Field(
        2.5, description="Motif instances are drawn from the matrix to this power: above 1 nearer consensus."
    )
    tissue_correlation: Fraction = Field(
        0.6, description="Correlation of the factors' activities between cell lines of one tissue."
    )
    active_fraction: Fraction = Field(0.45, description="Share of elements that are candidates in a line.")
    candidate_strength: Annotated[float, Field(ge=0.0)] = Field(
        1.0, description="How strongly activities decide which elements are candidates."
    )
    resistance_strength: Annotated[float, Field(ge=0.0)] = Field(
        1.0, description="Spread of the resistance within a cell line, relative to the default."
    )
    level_share: Fraction = Field(
        0.0,
        description="How much of what an environment does to an average pair it does: at 0 the contact rates "
        "of cell lines are similar, at 1 they differ several-fold.",
    )
    potential_strength: Annotated[float, Field(ge=0.0)] = Field(
        1.0, description="Spread of the intrinsic potential, relative to the default."
    )
    temperature: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Temperature of the contact law.")
    contact_correlation: Fraction = Field(
        1.0,
        description="Correlation of the activities that decide contacts with those that decide which "
        "elements are candidates; at 1 they are the same.",
    )
    repressor_share: Fraction = Field(
        0.0, description="Share of the factors (CTCF aside) that resist contact where they are active."
    )
    new_factors: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Factors that are active in unseen lines alone: their motifs are planted, but in lines "
        "of any other role they decide nothing.",
    )
    level_spread: Annotated[float, Field(ge=0.0)] = Field(
        0.0,
        description="Standard deviation between lines of the log-odds of contact that no motif and no track "
        "explains.",
    )
    false_candidates: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of the candidates in a line's files that are not active in the line."
    )
    missed_candidates: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of a line's active elements that its files of candidates lack."
    )
    background: Literal["simple", "genome"] = Field(
        "simple",
        description="simple: bases follow the one before them alone; genome: a fifth-order Markov model of "
        "the human genome with isochores, CpG islands and families of repeats.",
    )
    observer_support: PositiveInt | None = Field(
        None,
        description="Support size of the observer who knows the laws and sees what a model may see; his "
        "scores, with this many elements and with all candidates, are the rows `attainable` and "
        "`attainable_all` of the results. null: no observer.",
    )
    contact_rate: Fraction = Field(0.4, description="Share of pairs in contact, on average over lines.")
    pairs_per_cell_line: PositiveInt = Field(7300, description="Labelled pairs of each cell line.")
    max_distance: PositiveInt = Field(200_000, description="Longest distance of a pair, bp.")
    landscape_strength: Annotated[float, Field(ge=0.0)] = Field(
        1.0,
        description=(
            "Spread of the resistance that comes from CTCF sites and active elements between and around the "
            "ends, relative to the default. At 0 there is none: contacts depend on motifs and distance "
            "alone, and peaks say nothing about them."
        ),
    )
    insulator_rate: Fraction = Field(
        0.08,
        description=(
            "Chance that a gap between elements carries a CTCF site; none does at `landscape_strength: 0`."
        ),
    )
    missed_peaks: Fraction = Field(0.1, description="Share of peaks that an assay misses, at random.")
    false_peaks: Annotated[float, Field(ge=0.0)] = Field(
        0.1, description="False peaks of an assay, as a share of the true ones; they lie anywhere."
    )
    signal_noise: Annotated[float, Field(ge=0.0)] = Field(
        0.4, description="Standard deviation of the log of a peak's signal around the truth."
    )

    @property
    def reads_roles(self) -> bool:
        """Whether the world depends on which lines are unseen."""
        return self.new_factors > 0 or self.observer_support is not None


class TrainingSettings(Section):
    """How models are trained; what is trained stands in ``config/models``."""

    threads: PositiveInt = Field(
        1,
        description="CPU threads of each process of a training job, and processes that read elements for the "
        "discovery of an encoder.",
    )
    processes: PositiveInt = Field(
        1,
        description="Processes of a training job, which share its cell lines; one for each GPU, or several "
        "on processors. The model is the same but for rounding and for where dropout falls.",
    )
    blocks_at_once: PositiveInt | None = Field(
        None,
        description="Most blocks that a process computes together; the gradients of more are added up, which "
        "needs less memory. All blocks of a step by default.",
    )
    tensorboard: bool = Field(
        False,
        description="Also write training curves for TensorBoard, below logs/tensorboard; needs the optional "
        "package tensorboard.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to train; auto takes a GPU.")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="Autocast precision.")
    fail_on_collapse: bool = Field(
        False, description="Stop when the collapse monitor flags a model, in training or on a cell line."
    )


Peers = Annotated[dict[Name, Path], Field(json_schema_extra={"additionalProperties": False})]


ALL_CANDIDATES: Final = 2**31 - 1
"""The support size ``all`` as a number, more than any number of elements."""


class EvaluationSettings(Section):
    """What is measured, on which lines."""

    roles: list[Literal["seen", "unseen"]] = Field(
        ["unseen"], description="Cell lines to evaluate: unseen ones, and those seen in training."
    )
    chromosomes: list[Literal["train", "validation", "test", "folds"]] = Field(
        ["test"],
        description=(
            "Chromosome splits to evaluate. With `splits.folds` it is [folds], also if it is not given: "
            "every chromosome by the fit that has not read it, all together."
        ),
    )
    contexts: list[Literal["own", "none", "mean", "wrong", "sibling", "shuffled", "graph"]] = Field(
        ["own", "none", "mean", "wrong", "shuffled", "graph"],
        description=(
            "Environments to feed: the line's own support, R_E off, the mean, another line's ... `sibling` "
            "is another line of the same tissue (left out where there is none); it is among the defaults "
            "with the section `landscape` alone."
        ),
    )
    support_sizes: list[Annotated[int, Field(ge=0)] | Literal["all"]] = Field(
        [0, 16, 64, 256, 1024, "all"],
        description=(
            "Elements in the support set; with 0 a model is given the stated tissue alone, and "
            "`all` is every "
            "unlabelled candidate of the line, on whatever chromosome. Without a genome there are no support "
            "sets, and it is [0], whatever is given."
        ),
    )
    headline_support: Annotated[int, Field(ge=0)] = Field(
        256, description="Support size of the headline figure, at least 1; 0 without a genome."
    )
    headline_negatives: Literal["balanced", "natural"] = Field(
        "balanced",
        description=(
            "Prevalence of the headline figure: as many negatives as contacts, or all labelled pairs as they "
            "are. Both are in the tables."
        ),
    )
    peers: Peers = Field(
        default_factory=dict,
        description=(
            "Name -> predictions of another tool for labelled pairs, plain or gzip; each becomes a reference "
            "row. See `docs/formats.md`."
        ),
    )
    n_bootstrap: Annotated[int, Field(ge=0)] = Field(
        1000, description="Resamplings of chromosomes behind each 95% interval; 0 computes none."
    )
    seed: Seed = Field(1, description="Seed of resampling and of the choice of wrong lines.")

    @property
    def drawn_sizes(self) -> list[int]:
        """Support sizes of at least one element that are numbers."""
        return [size for size in self.support_sizes if isinstance(size, int) and size > 0]

    @property
    def all_candidates(self) -> bool:
        """Whether environments are also read from all candidates of a line."""
        return "all" in self.support_sizes


class ReadoutSettings(Section):
    """What the environment of a cell line looks like, in words that a biologist knows."""

    motifs: Path | None = Field(
        None,
        description=(
            "File of known motifs (MEME, or JASPAR's position frequency matrices) that name the motif "
            "channels; none takes the vertebrate motifs of the JASPAR release that the package brings along."
        ),
    )
    n_motifs: PositiveInt = Field(8, description="Motif channels listed for each cell line.")
    least_similarity: Fraction = Field(
        0.75, description="A channel is called by a known motif from this correlation on."
    )
    identification: bool = Field(
        False,
        description=(
            "Also say how well a few unlabelled enhancers of test chromosomes tell their cell line from all "
            "others of the sheet, by known motifs, by the encoder's channels and by GC content."
        ),
    )


Mirror = Annotated[dict[Address, Address], Field(json_schema_extra={"additionalProperties": False})]


class RetrievalSettings(Section):
    """Published raw files: a path below resources/downloads is fetched when it is not there."""

    sources: Path = Field(Path("resources/sources.tsv"), description="Registry of published files (TSV).")
    mirror: Mirror = Field(
        default_factory=dict,
        description=(
            "Where to fetch instead: the beginning of an address and what replaces it (https, http or "
            "file). The longest that fits counts."
        ),
    )
    require_checksums: bool = Field(
        False, description="Refuse files whose digest the registry does not know, instead of warning."
    )
    timeout: Annotated[float, Field(gt=0.0)] = Field(
        60.0, description="Seconds without an answer that end an attempt."
    )
    attempts: PositiveInt = Field(
        5, description="Attempts before giving up, counted again after one that gets further."
    )


class LiftSettings(Section):
    """A file of intervals of another assembly, of which the workflow makes one of this assembly."""

    chain: Path = Field(
        description=(
            "UCSC chain file from the assembly of `from` to that of the run, plain or gzip. `<output>` is "
            "the file that is made, which other keys and sheets may name; see `docs/formats.md`."
        )
    )
    from_: Path = Field(
        alias="from", description="The file to lift: BED, narrowPeak or broadPeak, plain or gzip."
    )


OutputPath = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]
Lifts = Annotated[dict[OutputPath, LiftSettings], Field(json_schema_extra={"additionalProperties": False})]


class WorldSettings(Section):
    """One world of a benchmark: what differs from the rest of the configuration.

    Groups of keys are laid over those of the configuration key by key, lists replace them.
    """

    unseen: list[Name] | None = Field(
        None,
        description=(
            "Cell lines that are unseen here, whatever the sheet says; a line that is unseen in the sheet "
            "and not named trains. Null takes the roles of the sheet."
        ),
    )
    simulation: SimulationSettings = Field(
        default_factory=SimulationSettings, description="Keys of the section simulation that differ."
    )
    models: list[Name] | None = Field(None, description="Models to run here; null runs those of the top.")
    seeds: list[Seed] | None = Field(None, description="Training seeds here; null takes those of the top.")
    evaluation: EvaluationSettings = Field(
        default_factory=EvaluationSettings, description="Keys of the section evaluation that differ."
    )


class ShippedModelSettings(Section):
    """A model that comes with the package: what is added to the model directory of this run."""

    name: Name = Field(description="Its name, for `cbat predict --model`.")
    figures: Path = Field(
        description="Table of metrics of the full model on lines or chromosomes held out, for the card."
    )
    references: list[Name] = Field(
        default_factory=list, description="Rows of this table that the card shows beside those of the model."
    )
    assembly: Name = Field(description="Assembly of the run.")
    other_assembly: Name = Field(description="Assembly that the mean track is lifted to.")
    chain: Path = Field(description="UCSC chain file from the one to the other, plain or gzip.")
    genes: Path = Field(description="Genes of the other assembly, as `landscape.genes`.")


Worlds = Annotated[dict[Name, WorldSettings], Field(json_schema_extra={"additionalProperties": False})]


class FigureSettings(Section):
    """How the figures look."""

    baseline_colour: str = Field("#8c8c8c", description="Colour of the baseline.")
    model_colour: str = Field("#1b6ca8", description="Colour of the model.")
    oracle_colour: str = Field("#e0a030", description="Colour of the oracle.")


class Config(Section):
    """The whole configuration of the workflow."""

    cell_lines: Path = Field(description="Sheet of cell lines (TSV).")
    tissues: Path = Field(description="Sheet of tissues (TSV).")
    genome: GenomeSettings | None = Field(
        description=(
            "The reference genome. Null runs everything on the section `landscape`, without any sequence."
        )
    )
    elements: ElementSettings = ElementSettings()
    splits: SplitSettings
    labels: LabelSettings = LabelSettings()
    shards: ShardSettings = ShardSettings()
    graph: GraphSettings = GraphSettings()
    landscape: LandscapeSettings | None = Field(
        None,
        description="What lies between and around the ends of a pair; null leaves that out of every model.",
    )
    simulation: SimulationSettings | None = Field(
        None, description="A simulated benchmark with known truth; null for files of your own."
    )
    models: list[Name] = Field(["baseline", "graph_manifold"], description="Files of config/models to run.")
    baseline: Name = Field("baseline", description="The model that the others are compared with.")
    full_model: Name = Field("graph_manifold", description="The model that the summary presents.")
    seeds: list[Seed] = Field([1], description="Training seeds.")
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    readout: ReadoutSettings = ReadoutSettings()
    figures: FigureSettings = FigureSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    lift_over: Lifts = Field(
        default_factory=dict, description="Files to make of files of another assembly, by their paths."
    )
    shipped_model: ShippedModelSettings | None = Field(
        None,
        description="A model to come with the package, for those who build the package; see docs/models.md.",
    )
    predictions: Predictions | None = Field(
        None, description="Cell lines that nobody has mapped, and what to predict them from, by name."
    )
    worlds: Worlds | None = Field(
        None,
        description=(
            "A benchmark: each world is run by itself, and all are weighed together. Simulated worlds "
            "differ in what is simulated; worlds of real files in the lines that are unseen."
        ),
    )

    @property
    def contig_names(self) -> Path | None:
        """The table of contig names, wherever it is named; None renames nothing."""
        if self.genome is not None:
            return self.genome.contig_names
        return None if self.landscape is None else self.landscape.contig_names

    @model_validator(mode="before")
    @classmethod
    def _follow_other_sections(cls, values: Any) -> Any:
        """Keys that other sections decide, where nothing else is given.

        A landscape of nothing but the simulated genes goes with the simulation: the default has both, and a
        file that is laid over it need switch off only one. Folds, the landscape and the lack of a genome
        decide keys of the evaluation.
        """
        evaluation = values.get("evaluation", {}) if isinstance(values, Mapping) else None
        if not isinstance(evaluation, Mapping):
            return values
        if values.get("simulation") is None and values.get("landscape") == {"genes": SIMULATED_GENES}:
            values = {**values, "landscape": None}
        followed = dict(evaluation)
        splits = values.get("splits")
        if isinstance(splits, Mapping) and splits.get("folds") is not None:
            followed.setdefault("chromosomes", ["folds"])
        if values.get("landscape") is not None:
            contexts = EvaluationSettings.model_fields["contexts"].default
            followed.setdefault("contexts", [*contexts, "sibling"])
        if values.get("genome", {}) is None:
            followed |= {"support_sizes": [0], "headline_support": 0}
        return {**values, "evaluation": followed}
