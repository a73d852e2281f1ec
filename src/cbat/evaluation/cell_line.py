"""Evaluate a trained model on one cell line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data.shards import Shard, read_shard
from cbat.errors import UserError
from cbat.evaluation.collapse import collapse_signs
from cbat.evaluation.landscape_line import exchanged
from cbat.evaluation.measure import Origin, metric_rows
from cbat.evaluation.table import NO_CONTEXT, as_table, kind_context, write_table
from cbat.files import atomic_file
from cbat.landscape.apply import LineLandscape
from cbat.model.blocks import EncodedElements, EncodedShard, SupportReader, encode_shards
from cbat.model.bundle import (
    Pairs,
    TrainedModel,
    encoded,
    load_model,
    reads_landscape,
    score_pairs,
    use_threads,
)
from cbat.model.contexts import Context, Feeder
from cbat.model.landscape import LANDSCAPE_OF, with_landscape

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
    sibling_shards: Sequence[Path] = (),
    landscape: Path | None = None,
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
    sibling_shards : sequence of Path
        Shard of another line of the same tissue; without it the context ``sibling`` is left out.
    landscape : Path, optional
        Folder of the line's landscape; needed where the law of the model reads one.

    Raises
    ------
    UserError
        A corrupt shard or model, no landscape where the model needs one, or no context that the line can
        be fed.
    """
    use_threads(threads)
    trained = load_model(model_directory)
    opened = Opened(
        read_shard(shard), *(read_shard(path[0]) if path else None for path in (other_shards, sibling_shards))
    )
    rows: list[dict[str, Any]] = []
    with atomic_file(directory / "scored_pairs.parquet") as temporary:
        with _row_groups(temporary) as write:
            for context, n_support, pairs in score_cell_line(trained, opened, tissue, settings, landscape):
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
        reads = origin.context == "own" and model.provenance.get("relief_share", 1.0) > 0.0
        fed = part["environment_resistance"] if reads else None
        signs = collapse_signs(
            part["label"], part["probability"], model.threshold, part["intrinsic_potential"], fed
        )
        figures = {"collapse_signs": float(len(signs)), "n_support_used": float(part["n_used"].median())}
        key = vars(origin) | {"chromosomes": str(split), "negatives": "natural"}
        rows += [key | {"metric": name, "value": value} for name, value in figures.items()]
    return rows


@dataclass(frozen=True)
class Opened:
    """The shard of the line under evaluation, of one that stands in as the wrong one, and of a sibling."""

    own: Shard
    other: Shard | None = None
    sibling: Shard | None = None


def score_cell_line(
    model: TrainedModel,
    opened: Opened,
    tissue: str,
    settings: EvaluationSettings,
    landscape: Path | None = None,
) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Score every pair of a cell line once in every context, one context after the other.

    Parameters
    ----------
    model : TrainedModel
    opened : Opened
    tissue : str
        Stated tissue of the line.
    settings : EvaluationSettings
    landscape : Path, optional
        Folder of the line's landscape.

    Yields
    ------
    str, int, DataFrame
        Context, support size, and ``enhancer_id``, ``promoter_id``, ``label``, ``distance`` (bp),
        ``chrom``, ``split``, ``sequence_known``, ``context``, ``n_support``, ``n_used`` (elements that the
        support set held), ``intrinsic_potential``, ``environment_resistance``, ``score`` (their difference),
        ``probability``.
    """
    given = {name: one for name, one in vars(opened).items() if one is not None}
    whole = settings.all_candidates and model.has_environment
    elements, shards = encode_shards(
        list(given.values()), model.encoder, settings.chromosomes, all_candidates=whole
    )
    lines = dict(zip(given, shards, strict=True))
    own = lines["own"]
    offsets = Offsets.read(model, own, landscape)
    contexts: Iterable[Context] = [Context(NO_CONTEXT, 0, None)]
    model.contact.eval()
    if model.has_environment:
        reader = SupportReader(elements, model.statistics)
        feeder = Feeder(model, reader, own, lines.get("other"), tissue, lines.get("sibling"))
        contexts = feeder.contexts(settings)
    for context in contexts:
        # Encoded once for all landscapes that the context is scored in.
        context = replace(context, environment=encoded(model.contact, context.environment))
        yield context.name, context.n_support, _scored(model, elements, offsets, context)
        if context.name == "own" and context.n_support == settings.headline_support:
            for name in offsets.kinds_exchanged(settings):
                yield name, context.n_support, _scored(model, elements, offsets, replace(context, name=name))


@dataclass(frozen=True)
class Offsets:
    """The pairs of a line with what the law of a model says of them in each landscape.

    Attributes
    ----------
    model : TrainedModel
    own : EncodedShard
    line : LineLandscape or None
    folder : Path or None
        Where the landscape has been read.
    known : dict
        Landscape -> pairs; filled as they are asked for.
    """

    model: TrainedModel
    own: EncodedShard
    line: LineLandscape | None
    folder: Path | None
    known: dict[str, Pairs] = field(default_factory=dict)

    @classmethod
    def read(cls, model: TrainedModel, own: EncodedShard, folder: Path | None) -> Offsets:
        """Read the landscape of the line, if the model has a law for it.

        Raises
        ------
        UserError
            The law reads a landscape, and there is none.
        """
        if model.law is None or folder is None:
            if reads_landscape(model.law):
                raise UserError(
                    f"the model reads the landscape of {own.cell_line}, and none is given",
                    mend="name its folder with --landscape (read_landscape makes it)",
                )
            return cls(model, own, None, None)
        return cls(model, own, LineLandscape.read(folder), folder)

    def kinds_exchanged(self, settings: EvaluationSettings) -> Iterator[str]:
        """Contexts in which one kind of track alone is exchanged, for each source that there is."""
        if self.line is None or not reads_landscape(self.model.law):
            return
        for kind, source in exchanged(self.line, settings):
            yield kind_context(kind, source)

    def in_context(self, context: str) -> Pairs:
        """The pairs with the offsets of a context."""
        kind, _, source = context.rpartition(":")
        source = source if kind else LANDSCAPE_OF.get(context, "none")
        # A landscape of one kind is asked for once, all others many times.
        if kind or source not in self.known:
            if self.line is None or self.folder is None or self.model.law is None:
                pairs = self.model.with_offset(self.own.scored)
            else:
                law, own = self.model.law, self.own
                pairs = with_landscape(
                    law, self.line, source, own.pairs, own.scored, self.folder, kind or None
                )
            if kind:
                return pairs
            self.known[source] = pairs
        return self.known[source]


def _scored(
    model: TrainedModel, elements: EncodedElements, offsets: Offsets, context: Context
) -> pd.DataFrame:
    own, pairs = offsets.own, offsets.in_context(context.name)
    scores = score_pairs(model.contact, elements.enhancer, elements.promoter, pairs, context.environment)
    return own.pairs[PAIR_COLUMNS].assign(
        context=context.name,
        n_support=context.n_support,
        n_used=context.n_used(),
        intrinsic_potential=scores.intrinsic_potential,
        environment_resistance=scores.environment_resistance,
        score=scores.logit,
        probability=model.probability(scores, context.n_used()),
    )
