"""What the files of ``config/encoders`` and ``config/models`` may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cbat.config.sections import Name, PositiveInt, Section

NonNegative = Annotated[float, Field(ge=0.0)]


class EncoderSettings(Section):
    """The motif encoder and its pre-training."""

    n_filters: PositiveInt = Field(64, description="Motif channels.")
    filter_width: PositiveInt = Field(15, description="Width of a filter, bp.")
    seeding: Literal["kmers", "random"] = Field(
        "kmers", description="Filters start from over-represented and discriminative k-mers, or at random."
    )
    seed_length: Annotated[int, Field(ge=4, le=9)] = Field(8, description="Length of the seed k-mers, bp.")
    pretraining_rounds: Annotated[int, Field(ge=0)] = Field(
        12, description="Rounds of pre-training on 'in which training lines is this a candidate'; 0 is none."
    )
    passes_per_round: PositiveInt = Field(3, description="Passes over the elements between two scans.")
    learning_rate: NonNegative = Field(0.02, description="Peak learning rate of the pre-training.")
    batch_size: PositiveInt = Field(256, description="Elements in a step of the pre-training.")
    weight_decay: NonNegative = Field(0.001, description="Weight decay of the pre-training.")


class ModelSettings(Section):
    """One model: the baseline, the full model or an ablation of it."""

    encoder: Name = Field("kmer_pretrained", description="File of config/encoders that the model starts from.")
    pair_representation: Literal["attention", "low_rank"] = Field(
        "attention", description="Cross-boundary attention over motif tokens, or products of projections."
    )
    pair_rank: PositiveInt = Field(24, description="Products in the low-rank pair representation.")
    attention_width: PositiveInt = Field(16, description="Width of the motif tokens.")
    attention_heads: PositiveInt = Field(2, description="Heads of the cross-boundary attention.")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.1, description="Dropout in the pair networks.")
    environment: Literal["none", "tied"] = Field(
        "tied", description="Environment resistance: none, or on the motif channels of pair and support set."
    )
    cooperative_rank: Annotated[int, Field(ge=0)] = Field(
        8, description="Enhancer-promoter combinations in the resistance; 0 keeps it additive."
    )
    graph_prior: bool = Field(True, description="Fuse the support set with the graph's expectation.")
    shrinkage: NonNegative = Field(
        16.0, description="Support elements at which a deviation without graph prior is halved."
    )
    orthogonality: NonNegative = Field(
        0.0, description="Weight of the penalty on the correlation of U_I and R_E within a block."
    )
    support_size: PositiveInt = Field(256, description="Support elements per block in training.")
    blocks_per_step: PositiveInt = Field(8, description="Homogeneous blocks in a step.")
    epochs: PositiveInt = Field(20, description="Passes over the training blocks.")
    patience: PositiveInt = Field(6, description="Epochs without a better validation figure before stopping.")
    learning_rate: NonNegative = Field(0.003, description="Peak learning rate (one cycle).")
    encoder_learning_rate: NonNegative = Field(0.001, description="Peak learning rate of the encoder.")
    weight_decay: NonNegative = Field(0.01, description="Weight decay (AdamW).")
    gradient_clip: NonNegative = Field(5.0, description="Largest gradient norm.")
