"""The model card, and what `cbat model show` prints: both say what the description of a model holds."""

from __future__ import annotations

from typing import Final

from cbat.data.assemblies import assembly_of
from cbat.data.shards import SPLITS
from cbat.model.bundle import TrainedModel
from cbat.model.directory import SCHEMA_VERSION, About, Figure, SharedModel

CONTEXTS: Final = {
    "-": "no environment",
    "own": "own support set",
    "wrong": "support set of another line",
    "graph": "stated tissue alone",
    "mean": "average environment",
    "shuffled": "channels shuffled",
    "none": "resistance off",
}
"""Environments that a model was evaluated in, in words."""


def model_card(about: About, model: TrainedModel) -> str:
    """The text of ``MODEL_CARD.md``.

    Every figure is one of the description; a card says nothing that was not measured.
    """
    parts = [
        f"# {about.name}, seed {about.seed}",
        "",
        "Predicts which enhancer touches which promoter in a cell line that it has never seen, "
        "from a genome and candidate elements: `P = sigmoid((U_I - R_E) / T)`. "
        f"Made by cbat {about.cbat_version}; schema version {SCHEMA_VERSION}.",
        "",
        "```bash",
        "cbat predict --model-directory . --genome genome.fa \\",
        "    --enhancers peaks.bed --promoters promoters.bed --directory predicted",
        "```",
        "",
        "## What it reads",
        "",
        *_reads(about, model),
        "",
        "## What it has learned from",
        "",
        *_learned(about),
        "",
        "## How well it does",
        "",
        *_figures(about),
        "",
        "## What it does not know",
        "",
        *_limits(about),
        "",
        "## Files",
        "",
        "`model.safetensors` (weights), `model.json` (everything else), this card, and `SHA256SUMS`, which "
        "`sha256sum --check SHA256SUMS` compares with them. The hashes show damage and changes; who made the "
        "files they cannot show.",
        "",
    ]
    return "\n".join(parts)


def in_words(shared: SharedModel) -> str:
    """A page about a model, for the terminal."""
    about, model = shared.about, shared.model
    parts = [
        f"{about.name}, seed {about.seed} (cbat {about.cbat_version}, schema version {SCHEMA_VERSION})",
        f"sha256 {shared.digest}",
        "",
        *(line.removeprefix("- ") for line in _reads(about, model)),
        "",
        *_learned(about, markdown=False),
        "",
        *_figures(about, markdown=False),
    ]
    return "\n".join(part.replace("**", "").replace("`", "") for part in parts)


def _reads(about: About, model: TrainedModel) -> list[str]:
    named = [channel.motif for channel in about.channels if channel.motif != "-"]
    shown = ", ".join(dict.fromkeys(named)) or "none looks like a known motif"
    lines = [
        f"- Windows of {about.windows.enhancer} bp around the centre of each enhancer and of "
        f"{about.windows.promoter} bp around that of each promoter.",
        f"- {len(about.channels)} motif channels: {shown}.",
    ]
    if about.elements.max_n is not None:
        lines.append(f"- Elements of which more than {about.elements.max_n:g} is unknown are left out.")
    if about.elements.enhancer_promoter_gap:
        lines.append(
            f"- Enhancers nearer than {about.elements.enhancer_promoter_gap} bp to a promoter are left out."
        )
    if model.has_environment:
        roles = " and ".join(f"{role}s" for role in about.support.elements)
        lines.append(f"- The environment of a line from {about.support.size} of its {roles}, unlabelled.")
        tissues = ", ".join(model.teacher.tissues) or "none"
        lines.append(f"- A stated tissue, if there is one; it knows: {tissues}.")
    else:
        lines.append("- No environment: all cell lines get the same scores.")
    lines.append(
        f"- Temperature {model.temperature:.4g}; pairs of at least probability {model.threshold:.4g} are "
        "called contacts."
    )
    return lines


def _learned(about: About, *, markdown: bool = True) -> list[str]:
    training = about.training
    rows = [
        [line.cell_line, line.tissue, line.role, f"{line.pairs:,}", f"{line.contacts:,}"]
        for line in training.lines
    ]
    assembly = assembly_of(training.genome)
    shortest, longest = training.distances
    ordered = sorted(training.chromosomes.items(), key=lambda item: SPLITS.index(item[0]))
    chromosomes = [f"{split}: {', '.join(names)}" for split, names in ordered]
    return [
        *_table(["cell line", "tissue", "role", "pairs", "contacts"], rows, markdown),
        "",
        f"Chromosomes: {'; '.join(chromosomes)}" + (f" ({assembly})." if assembly else "."),
        f"Training pairs are {shortest:,} to {longest:,} bp apart.",
    ]


def _figures(about: About, *, markdown: bool = True) -> list[str]:
    shown = [one for one in about.figures if one.metric == "aupr" and one.negatives == "balanced"]
    if not shown:
        return ["It was evaluated on no cell line, so nothing is known of its accuracy."]
    own = [one for one in shown if one.context in ("own", "-")]
    rows = [
        [
            one.cell_line, one.role, CONTEXTS.get(one.context, one.context), str(one.n_support), _value(one),
            *(_other(about, one, metric) for metric in ("auroc", "f1", "ece")),
        ]
        for one in sorted(shown, key=_order)
    ]  # fmt: skip
    header = ["cell line", "role", "environment", "support", "AUPR", "AUROC", "F1", "calibration error"]
    mean = sum(one.value for one in own) / max(len(own), 1)
    chromosomes, lines = shown[0].chromosomes, "line" if len(own) == 1 else "lines"
    return [
        *_table(header, rows, markdown),
        "",
        f"On {chromosomes} chromosomes, contacts and others weighing the same (chance: AUPR 0.5); in "
        "brackets "
        "95% intervals from a bootstrap over chromosomes. "
        f"Mean AUPR in the lines' own environment: {mean:.3f} over {len(own)} {lines}.",
    ]


def _order(figure: Figure) -> tuple[str, bool, str]:
    return figure.cell_line, figure.context not in ("own", "-"), figure.context


def _limits(about: About) -> list[str]:
    longest = about.training.distances[1]
    lines = [
        f"- Pairs more than {longest:,} bp apart, elements of other kinds than those it was trained on, and "
        "other species: `predict` warns where it can tell.",
        "- Probabilities hold for a share of contacts like that of the training pairs. In a whole genome "
        "contacts are rarer: rank pairs, or calibrate with labelled pairs of the line.",
        "- The labels that it learned from are those of chromatin contacts, which are not always regulation.",
    ]
    if len(about.training.lines) < 10:
        lines.append(
            f"- It has met {len(about.training.lines)} cell lines only, and knows little of how lines differ."
        )
    return lines


def _value(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _other(about: About, like: Figure, metric: str) -> str:
    for one in about.figures:
        if one.metric == metric and one.model_dump(include=_KEY) == like.model_dump(include=_KEY):
            return _value(one)
    return "-"


_KEY: Final = {"cell_line", "role", "chromosomes", "negatives", "context", "n_support"}


def _table(header: list[str], rows: list[list[str]], markdown: bool) -> list[str]:
    if markdown:
        lines = [header, ["---"] * len(header), *rows]
        return ["| " + " | ".join(cells) + " |" for cells in lines]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
