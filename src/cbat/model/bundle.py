"""A trained model in a folder: everything that scoring a pair needs, in safetensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from cbat.config.models import ModelSettings
from cbat.errors import UserError
from cbat.files import atomic_file, write_json
from cbat.graph.propagation import PrototypeGraph
from cbat.landscape.law import Law, assembled
from cbat.landscape.law import described as described_law
from cbat.model.calibration import Calibration
from cbat.model.contact import (
    AnyEnvironment,
    BlockEnvironment,
    ContactModel,
    PairBatch,
    UnreadEnvironment,
)
from cbat.model.distance import DistanceSpline
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import FloatArray, SupportStatistics
from cbat.model.teacher import Teacher, kind_of_teacher

FORMAT: Final = 3
WEIGHTS: Final = "model.safetensors"
DESCRIPTION: Final = "model.json"
ENCODER_WEIGHTS: Final = "encoder.safetensors"
_ELEMENTS: Final = 1024
"""Support elements that are encoded together: what is computed of them stays in a processor's cache."""
_BLOCKS: Final = 8
"""Most blocks that are encoded together."""
_BATCH: Final = 2048
_LEARNED: Final = "teacher.learned."


def use_threads(n: int) -> None:
    """Let torch use ``n`` CPU threads."""
    torch.set_num_threads(n)


@dataclass(frozen=True)
class Pairs:
    """Pairs as indices into tables of element features.

    Attributes
    ----------
    enhancer, promoter : int array, shape=(n,)
        Rows of the feature tables.
    distance : array, shape=(n,)
        Distance between the centres, bp.
    upstream : array, shape=(n,)
        +1 where the enhancer lies left of the promoter, else -1.
    potential_offset : array, shape=(n,), or None
        The law of distance; None is 0.
    landscape_resistance : array, shape=(n,), or None
        What the landscape adds to the resistance before its softplus; None is 0.
    sequence_known : bool array, shape=(n,), or None
        False where the bases of an element are unknown; None is True.
    """

    enhancer: npt.NDArray[np.int64]
    promoter: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int64]
    upstream: npt.NDArray[np.int64]
    potential_offset: FloatArray | None = None
    landscape_resistance: FloatArray | None = None
    sequence_known: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.enhancer)

    def take(self, rows: npt.NDArray[np.int64]) -> Pairs:
        """Some of the pairs, in the order of the rows."""
        columns: dict[str, Any] = {
            name: None if column is None else column[rows] for name, column in vars(self).items()
        }
        return Pairs(**columns)

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """Pairs of several parts, one after the other."""
        columns: dict[str, Any] = {}
        for name in vars(parts[0]):
            given = [getattr(part, name) for part in parts]
            if any(column is not None for column in given):
                # What None stands for.
                fill: bool | float = True if name == "sequence_known" else 0.0
                sizes = [len(part) for part in parts]
                columns[name] = np.concatenate(
                    [np.full(n, fill) if one is None else one for n, one in zip(sizes, given, strict=True)]
                )
        return cls(**columns)

    def batch(
        self,
        enhancer_features: torch.Tensor,
        promoter_features: torch.Tensor,
        rows: npt.NDArray[np.int64],
    ) -> PairBatch:
        """Some of the pairs as the energy model reads them, from the features of all elements."""

        def column(values: npt.NDArray[Any] | None) -> torch.Tensor | None:
            return None if values is None else torch.from_numpy(values[rows]).float()

        return PairBatch(
            enhancer_features.index_select(0, torch.from_numpy(self.enhancer[rows])),
            promoter_features.index_select(0, torch.from_numpy(self.promoter[rows])),
            torch.from_numpy(self.distance[rows]).float(),
            torch.from_numpy(self.upstream[rows]).float(),
            column(self.potential_offset),
            column(self.landscape_resistance),
            column(self.sequence_known),
        )


@dataclass(frozen=True)
class Scores:
    """Energies of pairs, each shape=(n,)."""

    intrinsic_potential: FloatArray
    environment_resistance: FloatArray

    @property
    def logit(self) -> FloatArray:
        """Log-odds of contact at temperature 1."""
        return self.intrinsic_potential - self.environment_resistance


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """Encoder, energy model, and what is known of the training lines' environments.

    Attributes
    ----------
    settings : ModelSettings
    encoder : MotifEncoder
    contact : ContactModel
    statistics : SupportStatistics
    teacher : Teacher
    deviations, counts : array, shape=(n_lines, n_filters), shape=(n_lines,)
        What the teacher was fitted to.
    calibration : Calibration
    threshold : float
        A probability. Both are chosen on validation pairs.
    provenance : dict
        Seed, cell lines, validation figures, and whether the sequence term was kept.
    distance : DistanceSpline or None
        The law of distance, where there is no law of the landscape that holds one.
    law : Law or None
        The law of the landscape.
    """

    settings: ModelSettings
    encoder: MotifEncoder
    contact: ContactModel
    statistics: SupportStatistics
    teacher: Teacher
    deviations: FloatArray
    counts: FloatArray
    calibration: Calibration
    threshold: float
    provenance: dict[str, Any]
    distance: DistanceSpline | None = None
    law: Law | None = None

    @property
    def has_environment(self) -> bool:
        """Whether the model has a resistance."""
        return self.contact.resistance is not None

    def offsets(self, distance: npt.NDArray[np.int64]) -> FloatArray:
        """The law of distance, of pairs so far apart (bp); shape=(n,) -> (n,)."""
        if self.law is not None:
            fit = self.law.member("test")
            return fit.potential(distance) - (0.0 if reads_landscape(self.law) else fit.constant)
        return np.zeros(len(distance)) if self.distance is None else self.distance(distance)

    def with_offset(self, pairs: Pairs, landscape_resistance: FloatArray | None = None) -> Pairs:
        """Pairs with the law of distance and the resistance of their landscape, or of an average one."""
        offset = self.offsets(pairs.distance)
        if landscape_resistance is None and self.law is not None and reads_landscape(self.law):
            landscape_resistance = np.full(len(pairs), self.law.member("test").constant)
        return replace(pairs, potential_offset=offset, landscape_resistance=landscape_resistance)

    @property
    def temperature(self) -> float:
        """Temperature at the support size of the validation side."""
        return float(self.calibration.temperature(self.settings.validation_support))

    def probability(self, scores: Scores, n_support: npt.ArrayLike) -> FloatArray:
        """Calibrated probability of contact, shape=(n,), where support sets held so many elements.

        ``n_support`` is one number, or one for each pair.
        """
        return self.calibration.probability(scores.logit, n_support)


def reads_landscape(law: Law | None) -> bool:
    """Whether a law knows more than the distance of a pair."""
    return law is not None and law.name != "distance"


@torch.no_grad()
def score_pairs(
    contact: ContactModel,
    enhancer_features: torch.Tensor,
    promoter_features: torch.Tensor,
    pairs: Pairs,
    environment: AnyEnvironment | None,
) -> Scores:
    """Energies of pairs, in batches.

    All batches are of one size, so that the energies of a pair are the same to the last bit whichever pairs
    stand beside it: rounding depends on the shape of a product.

    Parameters
    ----------
    contact : ContactModel
    enhancer_features, promoter_features : Tensor, shape=(n_elements, n_filters, 3)
    pairs : Pairs
        With their offsets, see :meth:`TrainedModel.with_offset`.
    environment : BlockEnvironment, UnreadEnvironment or None
        None switches the resistance off. Support sets of the second are encoded here; the first has none.
    """
    contact.eval()
    environment = encoded(contact, environment)
    found = np.empty((2, len(pairs)))
    for rows, own in _parts(len(pairs), _BATCH):
        batch = pairs.batch(enhancer_features, promoter_features, rows)
        fed = None
        if environment is not None:
            # One row for each pair, however many blocks there are.
            fused = environment.fused[environment.block[torch.from_numpy(rows)]]
            fed = BlockEnvironment(torch.arange(_BATCH), fused)
        energies = contact(batch, fed)
        both = torch.stack([energies.intrinsic_potential, energies.environment_resistance])
        found[:, own] = both[:, : own.stop - own.start].numpy()
    return Scores(*found)


def _parts(n: int, size: int) -> Iterator[tuple[npt.NDArray[np.int64], slice]]:
    """Numbers below ``n`` in parts of one size, the last filled with copies of its first number.

    Beside each part the numbers that are its own, which come first in it.
    """
    for start in range(0, n, max(size, 1)):
        rows = np.arange(start, start + size)
        rows[rows >= n] = start
        yield rows, slice(start, min(start + size, n))


@torch.no_grad()
def encoded(contact: ContactModel, environment: AnyEnvironment | None) -> BlockEnvironment | None:
    """The environment with the set encoder's correction in it, so that batches of pairs can share blocks.

    Raises
    ------
    ValueError
        Support sets that have been read, as training reads them: whoever made them is to encode them too.
    """
    if not isinstance(environment, UnreadEnvironment):
        if environment is not None and environment.support is not None:
            raise ValueError("these support sets have been read, and were not encoded")
        return environment
    return BlockEnvironment(environment.block, _in_parts(contact, environment, contact.fed))


@torch.no_grad()
def weights_of(contact: ContactModel, environment: UnreadEnvironment) -> torch.Tensor:
    """What the set encoder weighs each channel of each block by, less 1; (n_blocks, n_filters)."""
    return _in_parts(contact, environment, contact.weights)


def _in_parts(
    contact: ContactModel,
    environment: UnreadEnvironment,
    read: Callable[[BlockEnvironment], torch.Tensor],
) -> torch.Tensor:
    """What is read of each block, shape=(n_blocks, n_filters), some blocks at a time."""
    n_blocks, n_support = environment.rows.shape
    # Blocks that are one set to the encoder cannot be encoded in parts. Others are, in parts of one size, so
    # that the rounding of a block does not depend on how many there are.
    some = min(max(_ELEMENTS // max(n_support, 1), 1), _BLOCKS)
    size = n_blocks if contact.crossing else some
    # Results that lie between what is read and let go would keep its memory from being used again.
    together = torch.empty_like(environment.fused)
    for blocks, own in _parts(n_blocks, size):
        together[own] = read(environment.of_blocks(blocks))[: own.stop - own.start]
    return together


def save_encoder(directory: Path, encoder: MotifEncoder, description: dict[str, Any]) -> None:
    """Write ``encoder.safetensors`` and ``encoder.json``."""
    tensors = {"filters": encoder.filters.contiguous(), "prior": encoder.prior.contiguous()}
    _save(directory / ENCODER_WEIGHTS, tensors)
    write_json(directory / "encoder.json", {"format": FORMAT, **description})


def load_encoder(directory: Path) -> MotifEncoder:
    """Read an encoder.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    path = Path(directory) / ENCODER_WEIGHTS
    tensors = _load(path, "run pretrain_encoder again")
    return MotifEncoder(tensors["filters"], tensors["prior"])


def save_model(directory: Path, model: TrainedModel) -> None:
    """Write ``model.safetensors`` and ``model.json``."""
    save_weights(directory / WEIGHTS, model)
    write_json(directory / DESCRIPTION, described(model))


def save_weights(path: Path, model: TrainedModel) -> None:
    """Write all arrays of a model as safetensors."""
    tensors = {f"contact.{name}": value for name, value in model.contact.state_dict().items()}
    tensors |= {"encoder.filters": model.encoder.filters, "encoder.prior": model.encoder.prior}
    arrays = {
        "statistics.mean": model.statistics.mean,
        "statistics.deviation": model.statistics.deviation,
        "teacher.deviations": model.deviations,
        "teacher.counts": model.counts,
    }
    tensors |= {name: torch.from_numpy(array) for name, array in arrays.items()}
    tensors |= {f"{_LEARNED}{name}": value for name, value in model.teacher.learned.items()}
    _save(path, {name: value.contiguous() for name, value in tensors.items()})


def described(model: TrainedModel) -> dict[str, Any]:
    """All of a model that is no array, as JSON holds it."""
    graph = model.teacher.graph
    return {
        "format": FORMAT,
        "settings": model.settings.model_dump(mode="json"),
        "calibration": model.calibration.described(),
        "threshold": model.threshold,
        "law": None if model.law is None else described_law(model.law),
        "distance": None if model.distance is None else model.distance.described(),
        "lines": list(model.teacher.lines),
        "graph": None
        if graph is None
        else {
            "names": list(graph.names),
            "kinds": list(graph.kinds),
            "adjacency": graph.adjacency.tolist(),
        },
        "provenance": model.provenance,
    }


def load_model(directory: Path) -> TrainedModel:
    """Read a trained model.

    Raises
    ------
    UserError
        A file is missing, damaged, or of another format.
    """
    path, mend = Path(directory) / DESCRIPTION, "run train_model again"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"this is not a model of cbat ({error})", mend=mend, file=path) from error
    return assemble(description, path.parent / WEIGHTS, mend=mend, file=path)


def assemble(description: dict[str, Any], weights: Path, *, mend: str, file: Path) -> TrainedModel:
    """A model from what :func:`described` and :func:`save_weights` have kept of it.

    Parameters
    ----------
    description : dict
        Read from ``file``.
    weights : Path
    mend : str
        What the user can do about a fault.
    file : Path
        For messages.

    Raises
    ------
    UserError
        One of the two is missing, damaged, or of another format, or they do not belong together.
    """
    try:
        if description["format"] != FORMAT:
            raise ValueError(f"the format is {description['format']}, not {FORMAT}")
        settings = ModelSettings.model_validate(description["settings"])
        graph = _graph(description["graph"])
        spline = description["distance"]
        distance = None if spline is None else DistanceSpline.read(spline)
        law = None if description["law"] is None else assembled(description["law"], file=file)
        lines, provenance = list(description["lines"]), dict(description["provenance"])
        calibration = Calibration.read(dict(description["calibration"]))
        threshold = float(description["threshold"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"this is not a model of cbat ({error})", mend=mend, file=file) from error
    tensors = _load(weights, mend)
    try:
        encoder = MotifEncoder(tensors["encoder.filters"], tensors["encoder.prior"])
        contact = ContactModel(encoder.n_filters, settings, landscape=reads_landscape(law))
        prefix = "contact."
        contact.load_state_dict(
            {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        )
        statistics = SupportStatistics(
            tensors["statistics.mean"].numpy(), tensors["statistics.deviation"].numpy()
        )
        deviations, counts = tensors["teacher.deviations"].numpy(), tensors["teacher.counts"].numpy()
        learned = {
            name.removeprefix(_LEARNED): value for name, value in tensors.items() if name.startswith(_LEARNED)
        }
    except (KeyError, RuntimeError) as error:
        raise UserError(
            f"the weights are not those of the model in {file} ({str(error).splitlines()[0]})",
            mend=mend,
            file=weights,
        ) from error
    return TrainedModel(
        settings=settings,
        encoder=encoder,
        contact=contact.eval(),
        statistics=statistics,
        teacher=Teacher.fit(
            lines,
            deviations,
            counts,
            graph,
            kind_of_teacher(settings),
            seed=int(provenance.get("seed", 0)),
            learned=learned or None,
        ),
        deviations=deviations,
        counts=counts,
        calibration=calibration,
        threshold=threshold,
        provenance=provenance,
        distance=distance,
        law=law,
    )


def _graph(described: dict[str, Any] | None) -> PrototypeGraph | None:
    if described is None:
        return None
    names, kinds = tuple(described["names"]), tuple(described["kinds"])
    return PrototypeGraph(names, kinds, np.array(described["adjacency"]).reshape(len(names), len(names)))


def _save(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    with atomic_file(path) as temporary:
        save_file(tensors, temporary)


def _load(path: Path, mend: str) -> dict[str, torch.Tensor]:
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise UserError(f"the weights cannot be read ({error})", mend=mend, file=path) from error
