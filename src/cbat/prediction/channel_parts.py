"""Tables of what motif channels and bases add to the energies of one pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.data.windows import ROLES
from cbat.model.about import Channel
from cbat.model.environment import FloatArray
from cbat.model.explanation import Attributions, BestWindows, Explainer, ReliefParts, in_direction
from cbat.prediction.explain_figure import SIGN

COLUMNS: Final = [
    "quantity", "part", "label", "channel", "motif", "consensus", "partner_channel", "partner_motif",
    "partner_consensus", "environment", "presence", "hit", "strand", "sequence", "relief", "change",
    "on_score",
]  # fmt: skip
_UNNAMED: Final = "-"


@dataclass(frozen=True)
class Channels:
    """What motif channels are called, and what the environment says of them.

    Attributes
    ----------
    about : sequence of Channel
    environment : array, shape=(n_channels,), or None
    """

    about: Sequence[Channel]
    environment: FloatArray | None

    def label(self, channel: int) -> str:
        """The known motif, or the consensus of a channel that looks like none; unlike all other labels."""
        names = [one.consensus if one.motif == _UNNAMED else one.motif for one in self.about]
        own = names[channel]
        return own if names.count(own) == 1 else f"{own} ({channel})"

    def named(self, channel: int, partner: int | None = None) -> dict[str, Any]:
        """Columns that name a channel, or a combination of two."""
        one = self.about[channel]
        columns: dict[str, Any] = {
            "label": self.label(channel),
            "channel": channel,
            "motif": one.motif,
            "consensus": one.consensus,
            "environment": None if self.environment is None else float(self.environment[channel]),
        }
        if partner is not None:
            other = self.about[partner]
            columns |= {
                "label": f"{self.label(channel)} & {self.label(partner)}",
                "partner_channel": partner,
                "partner_motif": other.motif,
                "partner_consensus": other.consensus,
            }
        return columns


def as_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], key: str) -> pd.DataFrame:
    """Rows of the energies in the order given, the reference first, then the largest parts of ``key``."""
    table = pd.DataFrame(list(rows), columns=list(columns))
    for name in ("channel", "partner_channel"):
        table[name] = table[name].astype("Int64")
    order = pd.DataFrame(
        {
            "quantity": table["quantity"].map({name: place for place, name in enumerate(SIGN)}),
            "reference": table["part"] != "reference",
            "size": -table[key].abs(),
        }
    )
    return table.loc[order.sort_values([*order], kind="stable").index].reset_index(drop=True)


def pair_table(
    channels: Channels,
    elements: Mapping[str, pd.Series[Any]],
    windows: Mapping[str, BestWindows],
    potential: Attributions,
    resistance: Attributions | None,
    relief: ReliefParts | None,
) -> pd.DataFrame:
    """Parts of both energies of one pair.

    Parameters
    ----------
    channels : Channels
    elements : mapping
        Role -> the element.
    windows : mapping
        Role -> its best windows, one row.
    potential, resistance : Attributions
    relief : ReliefParts or None
        Of a resistance that is a softplus of a sum.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`; ``change`` adds up to the energy, ``relief`` to what is taken before the softplus.
    """
    hits = {role: _Hits(elements[role], windows[role]) for role in ROLES}
    rows = _attributed("U_I", channels, hits, potential, "the pair without motifs")
    if relief is not None:
        rows += _exact(channels, hits, relief)
    elif resistance is not None:
        rows += _attributed("R_E", channels, hits, resistance, "the pair without motifs")
    for row in rows:
        row["on_score"] = SIGN[row["quantity"]] * row["change"]
    return as_table(rows, COLUMNS, "on_score")


@dataclass(frozen=True)
class _Hits:
    """Where the motifs of an element are."""

    element: pd.Series[Any]
    windows: BestWindows

    def columns(self, channel: int) -> dict[str, Any]:
        """The better one of the best windows on both strands."""
        strand = int(self.windows.score[0, channel].argmax())
        start = int(self.windows.start[0, channel, strand])
        width = self.windows.width
        first = int(self.element["start"]) + start
        return {
            "presence": float(self.windows.presence[0, channel, 0]),
            "hit": f"{self.element['chrom']}:{first}-{first + width}",
            "strand": "+-"[strand],
            "sequence": in_direction(self.windows.codes[0, start : start + width], strand),
        }


def _attributed(
    quantity: str, channels: Channels, hits: Mapping[str, _Hits], parts: Attributions, reference: str
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"quantity": quantity, "part": "reference", "label": reference, "change": float(parts.reference[0])}
    ]
    for role in ROLES:
        for channel, value in enumerate(getattr(parts, role)[0].sum(axis=1)):
            row = {"quantity": quantity, "part": role, "change": float(value)}
            rows.append(row | channels.named(channel) | hits[role].columns(channel))
    return rows


def _exact(channels: Channels, hits: Mapping[str, _Hits], parts: ReliefParts) -> list[dict[str, Any]]:
    slope = float(parts.slope()[0])
    average = {"part": "reference", "label": "the average environment", "change": float(parts.average()[0])}
    rows: list[dict[str, Any]] = [average]
    for role in ROLES:
        for channel, value in enumerate(getattr(parts, role)[0]):
            row = {"part": role, "relief": float(value)} | channels.named(channel)
            rows.append(row | hits[role].columns(channel))
    for channel, value in enumerate(parts.level):
        rows.append({"part": "level", "relief": float(value)} | channels.named(channel))
    for channel, partner in np.argwhere(parts.combination[0] != 0.0):
        value = float(parts.combination[0, channel, partner])
        row = {"part": "combination", "relief": value} | channels.named(int(channel), int(partner))
        rows.append(row)
    for row in rows:
        row["quantity"] = "R_E"
        if "relief" in row:
            row["change"] = slope * row["relief"]
    return rows


def base_table(
    explainer: Explainer,
    elements: Mapping[str, pd.Series[Any]],
    windows: Mapping[str, BestWindows],
    potential: Attributions,
    resistance: Attributions | None,
) -> pd.DataFrame:
    """What each base of both elements adds to the energies, against windows of unknown bases.

    Returns
    -------
    DataFrame
        ``element`` (role), ``chrom``, ``position`` (0-based), ``base``, ``U_I``, ``R_E``.
    """
    tables = []
    for role in ROLES:
        element, found = elements[role], windows[role]
        length = found.codes.shape[1]
        columns: dict[str, Any] = {
            "element": role,
            "chrom": str(element["chrom"]),
            "position": int(element["start"]) + np.arange(length),
            "base": list(in_direction(found.codes[0], 0)),
        }
        for quantity, parts in (("U_I", potential), ("R_E", resistance)):
            nothing = np.zeros(length)
            columns[quantity] = (
                nothing if parts is None else explainer.spread(found, 0, getattr(parts, role)[0]).sum(axis=0)
            )
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def hit_table(
    channels: Channels,
    elements: Mapping[str, pd.Series[Any]],
    windows: Mapping[str, BestWindows],
    potential: Attributions,
    resistance: Attributions | None,
) -> pd.DataFrame:
    """The best window of each motif on either strand of both elements, and what it adds to the score.

    What it adds is spread over its bases in :func:`base_table`, where windows of other motifs may overlap it.

    Returns
    -------
    DataFrame
        ``quantity``, ``element`` (role), ``label``, ``presence`` (on that strand), ``strand``, ``start``,
        ``end`` (0-based, half-open), ``on_score``.
    """
    rows = []
    for quantity, parts in (("U_I", potential), ("R_E", resistance)):
        for role in ROLES if parts is not None else ():
            found, first = windows[role], int(elements[role]["start"])
            for (channel, strand), value in np.ndenumerate(getattr(parts, role)[0]):
                start = first + int(found.start[0, channel, strand])
                rows.append(
                    {
                        "quantity": quantity,
                        "element": role,
                        "label": channels.label(channel),
                        "presence": float(found.presence[0, channel, 1 + strand]),
                        "strand": "+-"[strand],
                        "start": start,
                        "end": start + found.width,
                        "on_score": SIGN[quantity] * float(value),
                    }
                )
    return pd.DataFrame(rows)
