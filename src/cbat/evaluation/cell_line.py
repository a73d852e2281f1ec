"""Evaluate a trained model on one cell line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data.shards import Shard, read_shard
from cbat.errors import UserError
from cbat.evaluation.collapse import collapse_signs
from cbat.evaluation.measure import Origin, metric_rows
from cbat.evaluation.table import NO_CONTEXT, as_table, write_table
from cbat.files import atomic_file
from cbat.model.blocks import EncodedElements, EncodedShard, SupportReader, encode_shards
from cbat.model.bundle import TrainedModel, load_model, score_pairs, use_threads
from cbat.model.contexts import Context, Feeder

PAIR_COLUMNS = ["enhancer_id", "promoter_id", "label", "distance", "chrom", "split", "sequence_known"]


def run(
    *,
    model: str,
    model_directory: Path,
    seed: int,
    cell_line: str,
    role: Literal["seen", "unseen"],
    tissue: str,
    shard: Path,
    settings: EvaluationSettings,
    threads: int,
    directory: Path,
    other_shards: Sequence[Path] = (),
) -> None:
    """Write ``metrics.tsv`` and ``scored_pairs.parquet`` of one model on one cell line.

    Parameters
    ----------
    model : str
        Name of the model, for the tables.
    model_directory : Path
        Folder of the trained model.
    seed : int
        Its training seed, for the tables.
    cell_line : str
        The line under evaluation.
    role : {"seen", "unseen"}
        Whether the line was among the training lines.
    tissue : str
        Its stated tissue of origin; a tissue that the graph does not hold counts as unknown.
    shard : Path
        Folder of its shard.
    settings : EvaluationSettings
        The section ``evaluation``.
    threads : int
        CPU threads.
    directory : Path
        Where the two files go.
    other_shards : sequence of Path
        Shard of the line that stands in as the wrong one; without it the context ``wrong`` is left out.

    Raises
    ------
    UserError
        A corrupt shard or model, or no context that the line can be fed.
    """
    use_threads(threads)
    trained = load_model(model_directory)
    opened = [read_shard(path) for path in [shard, *list(other_shards)[:1]]]
    rows: list[dict[str, Any]] = []
    with atomic_file(directory / "scored_pairs.parquet") as temporary:
        with _row_groups(temporary) as write:
            for context, n_support, pairs in score_cell_line(trained, opened, tissue, settings):
                origin = Origin(model, seed, cell_line, role, context, n_support)
                rows += metric_rows(pairs, origin, threshold=trained.threshold, settings=settings)
                rows += _audit_rows(pairs, origin, trained)
                write(pairs)
                del pairs
        if not rows:
            raise UserError(
                "none of the contexts can be fed to this cell line",
                mend="name 'own' among evaluation.contexts; 'wrong' needs another cell line",
                where="evaluation.contexts",
            )
    write_table(directory / "metrics.tsv", as_table(rows))


@contextmanager
def _row_groups(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Write tables, each a row group, so that neither writer nor reader need hold those of other contexts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with ExitStack() as opened:
        writer: pq.ParquetWriter | None = None

        def write(table: pd.DataFrame) -> None:
            nonlocal writer
            content = pa.Table.from_pandas(table, preserve_index=False)
            writer = writer or opened.enter_context(pq.ParquetWriter(path, content.schema))
            writer.write_table(content, row_group_size=max(len(table), 1))

        yield write


def _audit_rows(pairs: pd.DataFrame, origin: Origin, model: TrainedModel) -> list[dict[str, Any]]:
    """Elements that the support sets really held, and the number of signs of collapse, of each split."""
    rows = []
    for split, part in pairs.groupby("split", sort=True):
        # A resistance without anything to read is the same for all pairs, and no sign of collapse.
        reads = origin.context == "own" and model.provenance.get("sequence_kept", True)
        fed = part["environment_resistance"] if reads else None
        signs = collapse_signs(
            part["label"], part["probability"], model.threshold, part["intrinsic_potential"], fed
        )
        figures = {"collapse_signs": float(len(signs)), "n_support_used": float(part["n_used"].median())}
        key = vars(origin) | {"chromosomes": str(split), "negatives": "natural"}
        rows += [key | {"metric": name, "value": value} for name, value in figures.items()]
    return rows


def score_cell_line(
    model: TrainedModel, shards: Sequence[Shard], tissue: str, settings: EvaluationSettings
) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Score every pair of a cell line once in every context, one context after the other.

    Parameters
    ----------
    model : TrainedModel
    shards : sequence of Shard
        The line under evaluation and, after it, the line that stands in as the wrong one.
    tissue : str
        Stated tissue of the line.
    settings : EvaluationSettings

    Yields
    ------
    str, int, DataFrame
        Context, support size, and ``enhancer_id``, ``promoter_id``, ``label``, ``distance`` (bp),
        ``chrom``, ``split``, ``sequence_known``, ``context``, ``n_support``, ``n_used`` (elements that the
        support set held), ``intrinsic_potential``, ``environment_resistance``, ``score`` (their difference),
        ``probability``.
    """
    elements, encoded = encode_shards(shards, model.encoder, settings.chromosomes)
    own, other = encoded[0], encoded[1] if len(encoded) > 1 else None
    contexts: Iterable[Context] = [Context(NO_CONTEXT, 0, None)]
    if model.has_environment:
        reader = SupportReader(elements, model.statistics)
        contexts = Feeder(model, reader, own, other, tissue).contexts(settings)
    for context in contexts:
        yield context.name, context.n_support, _scored(model, elements, own, context)


def _scored(
    model: TrainedModel, elements: EncodedElements, own: EncodedShard, context: Context
) -> pd.DataFrame:
    pairs = model.with_offset(own.scored)
    scores = score_pairs(model.contact, elements.enhancer, elements.promoter, pairs, context.environment)
    return own.pairs[PAIR_COLUMNS].assign(
        context=context.name,
        n_support=context.n_support,
        n_used=context.n_used(),
        intrinsic_potential=scores.intrinsic_potential,
        environment_resistance=scores.environment_resistance,
        score=scores.logit,
        probability=model.probability(scores),
    )
