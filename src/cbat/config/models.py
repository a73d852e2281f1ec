"""What the files of ``config/encoders`` and ``config/models`` may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cbat.config.sections import Name, PositiveInt, Section

NonNegative = Annotated[float, Field(ge=0.0)]


class EncoderSettings(Section):
    """The motif encoder and how its motifs are discovered."""

    n_filters: PositiveInt = Field(32, description="Motif channels.")
    filter_width: PositiveInt = Field(18, description="Width of a filter, bp.")
    seeding: Literal["kmers", "random"] = Field(
        "kmers", description="Filters start from over-represented and discriminative k-mers, or at random."
    )
    seed_length: Annotated[int, Field(ge=4, le=9)] = Field(8, description="Length of the seed k-mers, bp.")
    refinement_rounds: Annotated[int, Field(ge=0)] = Field(
        7, description="Rounds of expectation-maximisation that refine a seed to a motif; 0 keeps the seeds."
    )
    refinement_elements: PositiveInt = Field(
        1200, description="Elements of each type that the refinement reads, drawn at random."
    )


class ModelSettings(Section):
    """One model: the baseline, the full model or an ablation of it."""

    encoder: Name = Field("motifs", description="File of config/encoders that the model starts from.")
    pair_representation: Literal["attention", "low_rank"] = Field(
        "attention", description="Cross-boundary attention over motif tokens, or products of projections."
    )
    pair_rank: PositiveInt = Field(24, description="Products in the low-rank pair representation.")
    attention_width: PositiveInt = Field(16, description="Width of the motif tokens.")
    attention_heads: PositiveInt = Field(2, description="Heads of the cross-boundary attention.")
    hidden_units: Annotated[int, Field(ge=0)] = Field(
        24, description="Units of the hidden layer of the intrinsic potential; 0 keeps it linear."
    )
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.1, description="Dropout in the pair networks.")
    environment: Literal["none", "tied"] = Field(
        "tied", description="Environment resistance: none, or on the motif channels of pair and support set."
    )
    set_encoder: Literal["none", "isab"] = Field(
        "none",
        description="Correct the environment by an encoder of the whole support set (Set Transformer).",
    )
    cooperative_rank: Annotated[int, Field(ge=0)] = Field(
        0, description="Enhancer-promoter motif combinations in the resistance; 0 keeps it additive."
    )
    graph_prior: bool = Field(True, description="Fuse the support set with the graph's expectation.")
    orthogonality: NonNegative = Field(
        0.02, description="Weight of the penalty on the correlation of U_I and R_E within a block."
    )
    support_size: PositiveInt = Field(256, description="Support elements per block in training.")
    blocks_per_step: PositiveInt = Field(8, description="Homogeneous blocks in a step.")
    epochs: PositiveInt = Field(10, description="Passes over the training blocks.")
    patience: PositiveInt = Field(4, description="Epochs without a better validation figure before stopping.")
    learning_rate: NonNegative = Field(0.003, description="Peak learning rate (one cycle).")
    weight_decay: NonNegative = Field(0.01, description="Weight decay (AdamW).")
    gradient_clip: NonNegative = Field(5.0, description="Largest gradient norm.")
