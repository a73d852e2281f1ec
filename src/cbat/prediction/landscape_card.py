"""The model card of a law of the landscape, and what `cbat model show` prints of one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from cbat.config.sheets import TRACK_KINDS
from cbat.config.shipped_models import SHIPPED
from cbat.landscape.law import Fit
from cbat.model.about import DESCRIPTION, SCHEMA_VERSION, About, read_description
from cbat.prediction.card import card_of, figures, learned, mean_figures
from cbat.prediction.shared_landscape import EDGES, MEAN, UNNAMED, Floats, SharedLandscape, read_landscape

_SIGNAL_FILES: Final = {"accessibility": "ATAC.bw", "enhancer_mark": "H3K27ac.bw"}


def landscape_card(about: About, landscape: SharedLandscape) -> str:
    """The text of ``MODEL_CARD.md``; every figure is one of the description."""
    return card_of(
        about,
        source="peaks and genes alone, without a genome: `P = sigmoid(U_I - R_E)`",
        command=[
            f"cbat predict --model {about.name if about.name in SHIPPED else '.'} \\",
            "    --candidates H3K27ac.narrowPeak --genes genes.gtf.gz \\",
            *_signals_option(landscape),
            "    --tracks active_promoters=H3K4me3.narrowPeak insulators=CTCF.narrowPeak \\",
            "    --directory predicted",
        ],
        reads=_reads(landscape),
        files=f"`law.json` (the law), `tracks.parquet` ({_tracks(landscape)}), `graph.json` "
        "(how they are related), `genes.parquet` (transcription starts), `landscape.json` (distances of "
        "the training pairs), `model.json` (everything else)",
    )


def _tracks(landscape: SharedLandscape) -> str:
    return (
        "the mean of the ranked peaks of the training lines"
        if landscape.lines == (MEAN,)
        else "ranked peaks of the training lines"
    )


def landscape_in_words(about: About, landscape: SharedLandscape, digest: str) -> str:
    """A page about a law, for the terminal."""
    parts = [
        f"{about.name}, seed {about.seed} (cbat {about.cbat_version}, schema version {SCHEMA_VERSION})",
        f"sha256 {digest}",
        "",
        *(line.removeprefix("- ") for line in _reads(landscape)),
        "",
        *learned(about, markdown=False),
        "",
        *figures(about, markdown=False),
    ]
    return "\n".join(part.replace("**", "").replace("`", "") for part in parts)


def _reads(landscape: SharedLandscape) -> list[str]:
    fit = landscape.fit
    lines = ["- The centres of candidate enhancers and promoters, and the distance between them."]
    if not fit.features:
        return [*lines, "- Nothing else: all cell lines get the same scores."]
    for kind in TRACK_KINDS:
        share = fit.own_share.get(kind)
        peaks = {line: kinds[kind] for line, kinds in sorted(landscape.peaks.items()) if kind in kinds}
        having = [f"{line} ({n:,} peaks)" for line, n in peaks.items()]
        if share is None:
            continue
        if kind not in landscape.kinds:
            lines.append(f"- `{kind}`: not read, for no training line had such peaks.")
            continue
        own = f"the line's own peaks count {share:.0%}"
        rest = ", the expectation from the training lines the rest" if having and share < 1.0 else ""
        lacking = f"; a line without them gets the expectation from {', '.join(having)}" if having else ""
        lines.append(f"- `{kind}`: {own}{rest}{lacking}.")
    if landscape.signals:
        lines.append(
            f"- `signals`: {' and '.join(landscape.signals)} at the candidate enhancers, ranked among those "
            "of the line. No training line can lend them: without "
            "them every candidate counts as an average one."
        )
    named = " and ".join(one for one in landscape.assemblies if one != UNNAMED)
    starts = f"{len(landscape.starts):,} transcription starts come with it, unless others are given."
    return [
        *lines,
        *([f"- Files of {named}; for another assembly the line's own tracks speak alone."] if named else []),
        f"- {starts}",
        "- The expectation is the mean of these lines, whatever the tissue."
        if landscape.lines == (MEAN,)
        else "- A stated tissue, which weighs the training lines; it knows: "
        f"{', '.join(landscape.tissues) or 'none'}.",
        f"- {len(fit.features)} features of what lies between and around the ends, in {fit.shape} terms, "
        "standardised over the candidates with the distances of the training pairs: "
        f"{_distances(landscape.shares)}.",
        f"- Pairs of at least probability {fit.threshold:.4g} are called: the best F1 on training lines left "
        "out.",
        *_thresholds(fit),
    ]


def _signals_option(landscape: SharedLandscape) -> list[str]:
    """The lines of the command that hand over signals, for a law that reads some."""
    given = " ".join(f"{name}={_SIGNAL_FILES[name]}" for name in landscape.signals)
    return [f"    --element-signals {given} \\"] if given else []


def _thresholds(fit: Fit) -> list[str]:
    """Thresholds for a precision, a line of text each."""
    return [
        f"- From probability {value:.4g} on, {float(precision):.0%} of the pairs were true on training lines "
        f"left out (`cbat predict --precision {precision}`)."
        for precision, value in sorted(dict(fit.chosen.get("thresholds", {})).items())
    ]


def _distances(shares: Floats) -> str:
    """Quartiles of the distances of the training pairs."""
    total = np.cumsum(shares)
    if not len(total) or total[-1] <= 0.0:
        return "none are known"
    at = [10.0 ** EDGES[int(np.searchsorted(total, part * total[-1])) + 1] for part in (0.25, 0.5, 0.75)]
    return "a quarter below {:,.0f} kb, half below {:,.0f} kb, three quarters below {:,.0f} kb".format(
        *(value / 1000.0 for value in at)
    )


def row_of_models(directory: Path) -> dict[str, str]:
    """What the list of models says of one: column -> text."""
    about, _ = read_description(directory / DESCRIPTION)
    shared = read_landscape(directory)
    value, beside = mean_figures(about)
    return {
        "name": about.name,
        "predicts": about.training.label_kind,
        "trained on": ", ".join(line.cell_line for line in about.training.lines),
        "reads": ", ".join(shared.kinds),
        "assemblies": ", ".join(shared.assemblies),
        "average precision": value,
        "of distance": beside,
    }
