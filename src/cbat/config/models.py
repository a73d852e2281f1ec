"""What the files of ``config/encoders`` and ``config/models`` may say."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from cbat.config.sections import Name, PositiveInt, Section

REFERENCE_MODELS: Final = frozenset(
    {
        "abc", "abc_share", "artefact", "attainable", "attainable_all", "composition", "distance",
        "enhancer_only", "enhancer_share", "oracle", "oracle_invariant", "prevalence", "promoter_only",
        "propensity", "reference", "static",
    }
)  # fmt: skip
"""Names that the tables of results use for rows that no model made."""
LANDSCAPE_KEYS: Final = frozenset({"landscape", "landscape_weights"})
"""Keys of a model that its law of the landscape follows from (:func:`law_of`)."""

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]


class EncoderSettings(Section):
    """The motif encoder and how its motifs are discovered."""

    n_filters: PositiveInt = Field(32, description="Motif channels.")
    filter_width: PositiveInt = Field(18, description="Width of a filter, bp.")
    seeding: Literal["kmers", "random"] = Field(
        "kmers", description="Filters start from over-represented and discriminative k-mers, or at random."
    )
    seed_length: Annotated[int, Field(ge=4, le=9)] = Field(8, description="Length of the seed k-mers, bp.")
    refinement_rounds: Annotated[int, Field(ge=0)] = Field(
        9, description="Rounds of expectation-maximisation that refine a seed to a motif; 0 keeps the seeds."
    )
    refinement_elements: PositiveInt = Field(
        1200, description="Elements of each type that the refinement reads, drawn at random."
    )


class ModelSettings(Section):
    """One model: the baseline, the full model or an ablation of it."""

    encoder: Name = Field("motifs", description="File of config/encoders that the model starts from.")
    pair_representation: Literal["motifs", "attention", "low_rank"] = Field(
        "motifs",
        description="The presence of the motifs at both ends alone, without any product of the two; "
        "cross-boundary attention over motif tokens; or products of projections.",
    )
    pair_rank: PositiveInt = Field(24, description="Products in the low-rank pair representation.")
    attention_width: PositiveInt = Field(16, description="Width of the motif tokens.")
    attention_heads: PositiveInt = Field(2, description="Heads of the cross-boundary attention.")
    hidden_units: Annotated[int, Field(ge=0)] = Field(
        0, description="Units of the hidden layer of the intrinsic potential; 0 keeps it linear."
    )
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.1, description="Dropout in attention, products and hidden layer, where the model has them."
    )
    environment: Literal["none", "tied", "scalar", "film"] = Field(
        "tied",
        description="Environment resistance: none; on the motif channels that pair and support set share; "
        "one number for all pairs of a block; a free network of pair and environment.",
    )
    resistance_offset: Positive = Field(
        4.0,
        description="Resistance before softplus of every pair in the average environment; fixes the gauge "
        "(U_I + g, R_E + g).",
    )
    cooperation: bool = Field(
        True, description="The tied resistance knows combinations of an enhancer's and a promoter's motif."
    )
    cooperation_penalty: NonNegative = Field(
        0.0005, description="Weight of the sum of the absolute values of these combinations (lasso)."
    )
    set_encoder: Literal["none", "isab", "isab_tied"] = Field(
        "none",
        description="Weigh the channels of the environment by an encoder of the whole support set (Set "
        "Transformer): one over all channels, or one that every channel shares.",
    )
    set_encoder_elements: PositiveInt = Field(
        128, description="Most support elements per block that isab_tied reads in training."
    )
    block_attention: Literal["isolated", "crossing"] = Field(
        "isolated",
        description="The set encoder reads each block by itself, or all blocks of a step as one set, of "
        "which it gives all of them one environment.",
    )
    graph: Literal["prototype", "permuted", "none"] = Field(
        "prototype",
        description="The graph that says what to expect of a cell line: the prototype graph, the same with "
        "its cell lines in wrong places, or none.",
    )
    alignment: Literal["fusion", "none"] = Field(
        "fusion",
        description="Fuse the support set with the graph's expectation, or feed its own mean.",
    )
    alignment_weight: NonNegative = Field(
        0.0,
        description="Weight of the mean squared distance between the environment fed to the resistance and "
        "the graph's expectation; needs a set encoder and a graph.",
    )
    teacher: Literal["kriging", "random_walk", "gcn", "id_table"] = Field(
        "kriging",
        description="What the graph expects of a line: by Gaussian processes on it, by a random walk with "
        "restart, or by a learned graph convolution; or, without any graph, a learned environment for each "
        "training line, in training alone.",
    )
    competition_weight: NonNegative = Field(
        0.0,
        description="Weight of the symmetric divergence between the contact probabilities under the fed "
        "environment and under the Teacher's.",
    )
    blocks: Literal["homogeneous", "mixed"] = Field(
        "homogeneous",
        description="Training blocks of one cell line, or of pairs and support elements of all of them.",
    )
    stated_tissue: Literal["own", "wrong", "unknown"] = Field(
        "own", description="Tissue of origin that the model is given at prediction."
    )
    contrast: Literal["block", "pooled"] = Field(
        "block",
        description="Training compares the pairs of a block with one another, whatever share of them is in "
        "contact; or pooled, it also explains why that share differs between blocks.",
    )
    orthogonality: NonNegative = Field(
        0.0, description="Weight of a penalty on the correlation of U_I and R_E within a block."
    )
    support_size: PositiveInt = Field(
        1024, description="Support elements per block in training, or as many as shards.support_size stores."
    )
    validation_support: PositiveInt = Field(
        256, description="Support elements per block where checkpoint, temperature and threshold are chosen."
    )
    blocks_per_step: PositiveInt = Field(8, description="Homogeneous blocks in a step.")
    steps: PositiveInt = Field(
        700, description="Most steps of training, however many blocks there are; a pass over them may be few."
    )
    validation_every: PositiveInt = Field(70, description="Steps between evaluations of the validation side.")
    patience: PositiveInt = Field(4, description="Evaluations without a lower loss before training stops.")
    learning_rate: NonNegative = Field(
        0.02,
        description="Peak learning rate (one cycle). Attention, products, hidden layers and set "
        "encoders need a lower one, as in their files: 0.003.",
    )
    weight_decay: NonNegative = Field(0.01, description="Weight decay (AdamW).")
    gradient_clip: NonNegative = Field(5.0, description="Largest gradient norm.")
    landscape: Literal["fused", "own", "graph", "static", "none"] = Field(
        "fused",
        description="What the law of the landscape reads: the line's own tracks and those that the graph "
        "expects, fused with learned weights; one of the two; transcription starts alone; or nothing but "
        "the distance. Without the section `landscape` it is none.",
    )
    landscape_weights: Literal["monotone", "free"] = Field(
        "monotone",
        description="Weights of the law keep the sign that a free fit to the training lines gives each "
        "term, or are free.",
    )
    sequence: bool = Field(
        True, description="Read the sequence of the two ends. Without a genome it is false."
    )

    # Checked field by field, so that a message can name the line of the file.
    @field_validator("block_attention", "alignment_weight", mode="after")
    @classmethod
    def _needs_a_set_encoder(cls, value: str | float, info: ValidationInfo) -> str | float:
        if value in ("crossing",) or (isinstance(value, float) and value > 0.0):
            if info.data.get("set_encoder") == "none":
                raise ValueError("needs a set encoder (set_encoder: isab or isab_tied)")
            if info.field_name == "alignment_weight" and info.data.get("graph") == "none":
                raise ValueError("needs a graph (graph: prototype or permuted)")
        return value

    @field_validator("teacher", mode="after")
    @classmethod
    def _aligns_with_a_graph(cls, value: str, info: ValidationInfo) -> str:
        if value == "id_table" and info.data.get("alignment_weight"):
            raise ValueError("knows no graph to align with (alignment_weight: 0.0)")
        return value

    @field_validator("blocks", mode="after")
    @classmethod
    def _has_one_line_for_each_identity(cls, value: str, info: ValidationInfo) -> str:
        if value == "mixed" and info.data.get("teacher") == "id_table":
            raise ValueError("has no one cell line that a table of identities could name (teacher: kriging)")
        return value


def law_of(settings: ModelSettings) -> str:
    """Name of a model's law of the landscape: ``distance``, ``<landscape>`` or ``<landscape>_free``.

    Models with the same law share the file results/laws/<law>/law.json.
    """
    if settings.landscape == "none":
        return "distance"
    return settings.landscape + ("_free" if settings.landscape_weights == "free" else "")
