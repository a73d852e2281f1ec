"""The model card, and what `cbat model show` prints: both say what the description of a model holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from cbat.data.assemblies import assembly_of
from cbat.data.shards import SPLITS
from cbat.evaluation.bootstrap import RESAMPLED
from cbat.model.about import SCHEMA_VERSION, About, Figure

if TYPE_CHECKING:
    from cbat.model.bundle import TrainedModel
    from cbat.model.directory import SharedModel

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
OF_LAWS: Final = {
    "-": "distance alone",
    "own": "own tracks",
    "wrong": "tracks of another tissue's line",
    "sibling": "tracks of another line of the tissue",
    "graph": "tracks of training lines alone",
    "enhancers_alone": "own active enhancers, all other tracks expected",
    "none": "average landscape",
}
"""The same of a law of the landscape."""


def model_card(about: About, model: TrainedModel) -> str:
    """The text of ``MODEL_CARD.md``.

    Every figure is one of the description; a card says nothing that was not measured.
    """
    return card_of(
        about,
        source="a genome and candidate elements: `P = sigmoid((U_I - R_E) / T)`",
        command=[
            "cbat predict --model . --genome genome.fa \\",
            "    --candidates peaks.bed --promoters promoters.bed --directory predicted",
        ],
        reads=_reads(about, model),
        files="`model.safetensors` (weights), `model.json` (everything else)",
    )


def card_of(about: About, *, source: str, command: list[str], reads: list[str], files: str) -> str:
    """A card of any kind of model.

    Parameters
    ----------
    about : About
    source : str
        What it predicts from, and by which formula.
    command : list of str
        Lines of an example.
    reads : list of str
        What it reads, a line of text each.
    files : str
        The files of its directory, besides this card and the hashes.
    """
    parts = [
        f"# {about.name}, seed {about.seed}",
        "",
        f"Predicts {_ASKED[about.training.label_kind]} in a cell line that it has never seen, from {source}. "
        f"Made by cbat {about.cbat_version}; schema version {SCHEMA_VERSION}.",
        "",
        "```bash",
        *command,
        "```",
    ]
    sections = {
        "What it reads": reads,
        "What it has learned from": learned(about),
        "How well it does": figures(about),
        "What it does not know": limits(about),
        "Files": [
            f"{files}, this card, and `SHA256SUMS`, which `sha256sum --check SHA256SUMS` compares with them. "
            "The hashes show damage and changes; who made the files they cannot show."
        ],
    }
    for title, lines in sections.items():
        parts += ["", f"## {title}", "", *lines]
    return "\n".join([*parts, ""])


def in_words(shared: SharedModel) -> str:
    """A page about a model, for the terminal."""
    about, model = shared.about, shared.model
    parts = [
        f"{about.name}, seed {about.seed} (cbat {about.cbat_version}, schema version {SCHEMA_VERSION})",
        f"sha256 {shared.digest}",
        "",
        *(line.removeprefix("- ") for line in _reads(about, model)),
        "",
        *learned(about, markdown=False),
        "",
        *figures(about, markdown=False),
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
    if len(model.calibration.sizes) > 1:
        fitted = zip(
            model.calibration.sizes, model.calibration.temperatures, model.calibration.levels, strict=True
        )
        told = ", ".join(
            f"{temperature:.3g} and {level:+.3g} at {size}" for size, temperature, level in fitted
        )
        lines.append(f"- Temperature and level by the size of the support set: {told} elements.")
    return lines


_ASKED: Final = {
    "contact": "which enhancer touches which promoter",
    "regulation": "which enhancer regulates which gene",
}
_TRUE: Final = {"contact": "contacts", "regulation": "regulated"}
"""What the true ones among the pairs are called."""
_OF_KIND: Final = {
    "contact": "Its labels are contacts: it says which loci touch, not which enhancer regulates a gene.",
    "regulation": "Its labels are regulation (CRISPR screens): it says which enhancer changes a gene, not "
    "which loci touch.",
}


def learned(about: About, *, markdown: bool = True) -> list[str]:
    """What a model has learned from, a line of text each."""
    training = about.training
    rows = [
        [line.cell_line, line.tissue, line.role, f"{line.pairs:,}", f"{line.contacts:,}"]
        for line in training.lines
    ]
    assembly = assembly_of(training.genome)
    shortest, longest = training.distances
    # Folds have names of their own and keep their order.
    place = {split: number for number, split in enumerate(SPLITS)}
    ordered = sorted(training.chromosomes.items(), key=lambda item: place.get(item[0], 0))
    chromosomes = [f"{split}: {', '.join(names)}" for split, names in ordered]
    if all(names == [split] for split, names in ordered):
        chromosomes = [", ".join(training.chromosomes), "each tested by a fit to the others"]
    return [
        *_table(["cell line", "tissue", "role", "pairs", _TRUE[training.label_kind]], rows, markdown),
        "",
        f"Chromosomes: {'; '.join(chromosomes)}" + (f" ({assembly})." if assembly else "."),
        f"Training pairs are {shortest:,} to {longest:,} bp apart.",
        _OF_KIND[training.label_kind],
        *(["All of it is simulated: it knows nothing of real cell lines."] if training.simulated else []),
    ]


def below_distance(about: About) -> str | None:
    """A sentence where the model does no better than the law of distance on the lines of its evaluation."""
    negatives = "natural" if any(one.negatives == "natural" for one in about.figures) else "balanced"
    pairs = []
    for one in about.figures:
        if (one.metric, one.negatives) != ("aupr", negatives) or one.context not in ("own", "-"):
            continue
        if (alone := _beside(about.distance_figures, one)) is not None:
            pairs.append((one.value, alone.value))
    if not pairs:
        return None
    own, distance = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    if own > distance:
        return None
    return (
        f"On the lines that it was evaluated on it does no better than the distance alone (AUPR {own:.3f} "
        f"against {distance:.3f})"
    )


def collapsed(about: About) -> str | None:
    """A sentence where the model showed signs of a collapse on lines of its evaluation."""
    lines = sorted(
        {
            one.cell_line
            for one in about.figures
            if one.metric == "collapse_signs" and one.context in ("own", "-") and one.value > 0.0
        }
    )
    if not lines:
        return None
    return f"It has collapsed on {', '.join(lines)}: its scores or calls mean almost nothing there"


def figures(about: About, *, markdown: bool = True) -> list[str]:
    """Measured figures, beside those of the distance alone where they are known, a line of text each."""
    shown = [one for one in about.figures if one.metric == "aupr" and one.negatives in _SHOWN]
    if not shown:
        return ["It was evaluated on no cell line, so nothing is known of its accuracy."]
    # Natural prevalence is hard to compare between lines, but it is what a reader meets.
    found: list[str] = []
    for negatives, words in _SHOWN.items():
        rows = [one for one in shown if one.negatives == negatives]
        if rows:
            found += [*_figure_table(about, rows, markdown), "", _of_table(about, rows, words), ""]
    for warning in (below_distance(about), collapsed(about)):
        if warning is not None:
            found += [f"**{warning}: do not use it.**" if markdown else f"{warning}: do not use it.", ""]
    return found[:-1]


def mean_figures(about: About) -> tuple[str, str]:
    """Mean average precision at natural prevalence in the lines' own environment, and that of the distance.

    A dash each where nothing was measured.
    """
    own = [
        one
        for one in about.figures
        if (one.metric, one.negatives) == ("aupr", "natural") and one.context in ("own", "-")
    ]
    beside = [one for like in own if (one := _beside(about.distance_figures, like)) is not None]
    return _mean(own), _mean(beside)


def _mean(figures: Sequence[Figure]) -> str:
    return f"{sum(one.value for one in figures) / len(figures):.3f}" if figures else "-"


def _figure_table(about: About, shown: list[Figure], markdown: bool) -> list[str]:
    beside = {
        name: figures
        # JSON sorts the names, and a card says the same before and after.
        for name, figures in [("distance", about.distance_figures), *sorted(about.reference_figures.items())]
        if any(_beside(figures, one) is not None for one in shown)
    }
    words, sizes = (CONTEXTS, ["support"]) if about.channels else (OF_LAWS, [])
    header = ["cell line", "role", "environment", *sizes, "AUPR", "AUROC", "F1", "calibration error"]
    rows = [
        [
            one.cell_line, one.role, words.get(one.context, one.context),
            *(str(one.n_support) for _ in sizes), _value(one),
            *(_other(about, one, metric) for metric in ("auroc", "f1", "ece")),
        ]
        + [_value(_beside(figures, one)) for figures in beside.values()]
        for one in sorted(shown, key=_order)
    ]  # fmt: skip
    return _table([*header, *(f"AUPR of {name}" for name in beside)], rows, markdown)


def _of_table(about: About, shown: list[Figure], words: str) -> str:
    own = [one for one in shown if one.context in ("own", "-")]
    mean = sum(one.value for one in own) / max(len(own), 1)
    chromosomes, lines = shown[0].chromosomes, "line" if len(own) == 1 else "lines"
    where = "On all chromosomes, each tested by a fit that had not read it" if chromosomes == "folds" else (
        f"On {chromosomes} chromosomes"
    )  # fmt: skip
    said = words.format(true=_TRUE[about.training.label_kind])
    return (
        f"{where}, {said}; in brackets 95% intervals from a bootstrap over {RESAMPLED}. "
        f"Mean AUPR in the lines' own environment: {mean:.3f} over {len(own)} {lines}."
    )


def _beside(figures: Sequence[Figure], like: Figure) -> Figure | None:
    """AUPR of a reference on the same pairs."""
    keys = _KEY - {"context", "n_support"}
    for one in figures:
        if one.metric == "aupr" and one.model_dump(include=keys) == like.model_dump(include=keys):
            return one
    return None


def _order(figure: Figure) -> tuple[str, bool, str]:
    return figure.cell_line, figure.context not in ("own", "-"), figure.context


def limits(about: About) -> list[str]:
    """What a model does not know, a line of text each."""
    longest = about.training.distances[1]
    lines = [
        f"- Pairs more than {longest:,} bp apart, elements of other kinds than those it was trained on, and "
        "other species: `predict` warns where it can tell.",
        f"- Probabilities hold for a share of {_TRUE[about.training.label_kind]} like that of the training "
        "pairs. In a whole genome they are rarer: rank pairs, or calibrate with labelled pairs of the line.",
    ]
    n = len(about.training.lines)
    if n < 10:
        met = (
            "one cell line only, and does not know" if n == 1 else f"{n} cell lines only, and knows little of"
        )
        lines.append(f"- It has met {met} how lines differ.")
    return lines


def _value(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _other(about: About, like: Figure, metric: str) -> str:
    for one in about.figures:
        if one.metric == metric and one.model_dump(include=_KEY) == like.model_dump(include=_KEY):
            return _value(one)
    return "-"


_SHOWN: Final = {
    "balanced": "{true} and others weighing the same (chance: AUPR 0.5)",
    "natural": "as many {true} as there are among the labelled pairs (chance: their share)",
}
_KEY: Final = {"cell_line", "role", "chromosomes", "negatives", "context", "n_support"}


def _table(header: list[str], rows: list[list[str]], markdown: bool) -> list[str]:
    if markdown:
        lines = [header, ["---"] * len(header), *rows]
        return ["| " + " | ".join(cells) + " |" for cells in lines]
    return text_table(header, rows)


def text_table(header: list[str], rows: list[list[str]], right: Collection[str] = ()) -> list[str]:
    """Columns for the terminal, a line of text for each row; those of ``right`` end at one place."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return [
        "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(header, row, widths, strict=True)
        ).rstrip()
        for row in [header, *rows]
    ]
