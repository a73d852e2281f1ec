"""What motif channels add to the energies of a cell line's pairs, on average."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.windows import ROLES
from cbat.model.environment import FloatArray
from cbat.model.explanation import Attributions, BestWindows, Explainer, PairRows
from cbat.prediction.channel_parts import Channels, as_table
from cbat.prediction.explain_figure import SIGN

COLUMNS: Final = [
    "quantity", "part", "label", "channel", "motif", "consensus", "partner_channel", "partner_motif",
    "partner_consensus", "environment", "mean", "mean_size", "in_contacts", "in_others", "difference",
    "on_score",
]  # fmt: skip
_PIECE: Final = 64


def line_table(
    channels: Channels,
    explainer: Explainer,
    windows: Mapping[str, BestWindows],
    rows: PairRows,
    contact: npt.NDArray[np.bool_],
    potential: Attributions,
    resistance: Attributions | None,
) -> pd.DataFrame:
    """Mean parts of both energies.

    Parameters
    ----------
    channels : Channels
    explainer : Explainer
    windows : mapping
        Role -> best windows of its elements.
    rows : PairRows
    contact : array of bool, shape=(n,)
        Which pairs are called contacts.
    potential, resistance : Attributions

    Returns
    -------
    DataFrame
        :data:`COLUMNS`. ``mean`` over all pairs given adds up to the mean energy; ``mean_size`` is that of
        the absolute value; ``difference`` is ``in_contacts - in_others``; ``on_score`` the difference as
        the score has it.
    """
    table = [_means("U_I", "reference", potential.reference, contact) | {"label": "pairs without motifs"}]
    table += _of_attributions("U_I", channels, potential, contact)
    if explainer.relief(rows.take(slice(1)), windows["enhancer"], windows["promoter"]) is not None:
        table += _of_relief(channels, explainer, windows, rows, contact)
    elif resistance is not None:
        table.append(
            _means("R_E", "reference", resistance.reference, contact) | {"label": "pairs without motifs"}
        )
        table += _of_attributions("R_E", channels, resistance, contact)
    return as_table(table, COLUMNS, "mean_size")


def _means(quantity: str, part: str, values: FloatArray, contact: npt.NDArray[np.bool_]) -> dict[str, Any]:
    inside, outside = (_mean(values[which]) for which in (contact, ~contact))
    difference = inside - outside
    return {
        "quantity": quantity,
        "part": part,
        "mean": float(values.mean()),
        "mean_size": float(np.abs(values).mean()),
        "in_contacts": inside,
        "in_others": outside,
        "difference": difference,
        "on_score": SIGN[quantity] * difference,
    }


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _of_attributions(
    quantity: str, channels: Channels, parts: Attributions, contact: npt.NDArray[np.bool_]
) -> list[dict[str, Any]]:
    return [
        _means(quantity, role, getattr(parts, role)[:, channel].sum(axis=1), contact)
        | channels.named(channel)
        for role in ROLES
        for channel in range(len(channels.about))
    ]


def _of_relief(
    channels: Channels,
    explainer: Explainer,
    windows: Mapping[str, BestWindows],
    rows: PairRows,
    contact: npt.NDArray[np.bool_],
) -> list[dict[str, Any]]:
    """Means of the exact parts; combinations of motifs are too many to be kept for every pair."""
    n = {True: int(contact.sum()), False: int((~contact).sum())}
    totals = {which: np.zeros(0) for which in n}
    sizes, reference = np.zeros(0), []
    for part, unrelieved, called in _pieces(explainer, windows, rows, contact):
        reference.append(unrelieved)
        if not len(sizes):
            sizes = np.zeros(part.shape[1])
            totals = {which: np.zeros(part.shape[1]) for which in n}
        sizes += np.abs(part).sum(axis=0)
        for which in n:
            totals[which] += part[called == which].sum(axis=0)
    average = _means("R_E", "reference", np.concatenate(reference), contact)
    found = [average | {"label": "the average environment"}]
    inside, outside = (totals[which] / n[which] if n[which] else totals[which] * np.nan for which in n)
    for at, (name, channel, partner) in enumerate(_names(len(channels.about))):
        if name == "combination" and not sizes[at]:
            continue
        difference = float(inside[at] - outside[at])
        values = {
            "quantity": "R_E",
            "part": name,
            "mean": float((totals[True][at] + totals[False][at]) / len(contact)),
            "mean_size": float(sizes[at] / len(contact)),
            "in_contacts": float(inside[at]),
            "in_others": float(outside[at]),
            "difference": difference,
            "on_score": -difference,
        }
        found.append(values | channels.named(channel, partner))
    return found


def _names(n_channels: int) -> Iterator[tuple[str, int, int | None]]:
    """Names of the columns of :func:`_pieces`."""
    for part in (*ROLES, "level"):
        yield from ((part, channel, None) for channel in range(n_channels))
    for channel in range(n_channels):
        yield from (("combination", channel, partner) for partner in range(n_channels))


def _pieces(
    explainer: Explainer,
    windows: Mapping[str, BestWindows],
    rows: PairRows,
    contact: npt.NDArray[np.bool_],
) -> Iterator[tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]]:
    """Changes of the resistance by all parts, some pairs at a time.

    Beside them the resistance without any, and which of the pairs are contacts.
    """
    for at in range(0, len(rows), _PIECE):
        piece = slice(at, at + _PIECE)
        parts = explainer.relief(rows.take(piece), windows["enhancer"], windows["promoter"])
        assert parts is not None
        level = np.broadcast_to(parts.level, parts.enhancer.shape)
        all_parts = [parts.enhancer, parts.promoter, level, parts.combination.reshape(len(level), -1)]
        change = np.concatenate(all_parts, axis=1) * parts.slope()[:, None]
        yield change, parts.average(), contact[piece]
