"""The page of a predicted cell line: one HTML file that is whole by itself and asks no network."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat import __version__
from cbat.config.predictions import PredictionSettings
from cbat.data.genome import read_contig_sizes
from cbat.errors import UserError
from cbat.files import atomic_file
from cbat.graph.propagation import PrototypeGraph, load_graph
from cbat.model.about import DESCRIPTION, MEND, WEIGHTS, About, check_hashes, listed_files, read_description
from cbat.prediction.chosen_pairs import all_elements
from cbat.prediction.page_assembly import Assembly, told_assembly
from cbat.prediction.page_environment import graph_picture, in_words, placed
from cbat.prediction.page_genes import compact_genes, read_genes
from cbat.prediction.page_pairs import ScoreSpread, best_pairs, compact
from cbat.prediction.page_plots import arc_plot, bokeh_script, score_plot
from cbat.prediction.page_tracks import landscape_words, page_tracks, rows_of
from cbat.prediction.page_words import WORDS
from cbat.prediction.plan import GENOME, PAGE, Plan, in_order, read_plan
from cbat.prediction.scored_pairs import check_same_model

log = logging.getLogger(__name__)
_SCRIPTS: Final = ("page.data.js", "page.table.js", "page.locus.js", "page.js")


def run(
    *, model_directory: Path, directory: Path, pairs: Sequence[Path], settings: PredictionSettings
) -> None:
    """Write ``index.html`` of a predicted line.

    Parameters
    ----------
    model_directory : Path
        The one that the line was predicted with.
    directory : Path
        Folder of the line, as `prepare_prediction` has left it.
    pairs : sequence of Path
        Scored pairs, one file for each chromosome of the plan, in any order.
    settings : PredictionSettings
        Most pairs on the page.

    Raises
    ------
    UserError
        Another model directory than the plan's; a file that is missing or damaged.
    """
    subject, plan = Subject.read(Path(model_directory)), read_plan(directory)
    check_same_model(subject.digest, plan, model_directory)
    pairs = in_order(pairs, plan, directory)
    environment, genes = _read(directory / "environment.json"), read_genes(directory)
    elements, contigs = all_elements(directory), _contigs(directory)
    landscape = environment.get("landscape")
    tracks = None if landscape is None else page_tracks(directory, Path(model_directory), plan, landscape)
    spread, best = ScoreSpread.of(pairs), best_pairs(pairs, settings.page_pairs)
    assembly = told_assembly(contigs, environment, elements["promoter"], subject.about.training.genome)
    chroms = list(plan.chromosomes)
    data = compact(best, chroms) | {
        "words": asdict(WORDS[subject.about.training.label_kind]),
        "chroms": chroms,
        "genes": compact_genes(genes, elements["promoter"], chroms),
        "max_distance": plan.max_distance,
        "browser": assembly.browser,
        "prefix": "" if any(chrom.startswith("chr") for chrom in chroms) else "chr",
        "tracks": tracks,
        "expected": [] if landscape is None else landscape["expected_kinds"],
    }
    rows = [] if landscape is None else rows_of(landscape)
    plots = {"scores": score_plot(spread, plan.score_threshold), "arcs": arc_plot(rows)}
    page = _filled(subject, plan, environment, genes, spread, data, plots, assembly, len(best))
    with atomic_file(directory / PAGE) as temporary:
        temporary.write_text(page, encoding="utf-8")
    log.info("%s: page with %s pairs, %.1f MB", plan.cell_line, f"{len(best):,}", len(page.encode()) / 1e6)


@dataclass(frozen=True)
class Subject:
    """What the page says of the model.

    Attributes
    ----------
    about : About
    digest : str
    graph : PrototypeGraph or None
    is_law : bool
        Whether it is a law of the landscape, without sequences.
    """

    about: About
    digest: str
    graph: PrototypeGraph | None
    is_law: bool

    @classmethod
    def read(cls, model_directory: Path) -> Subject:
        """From a model directory whose hashes are checked here."""
        digest, files = check_hashes(model_directory), listed_files(model_directory)
        about, content = read_description(model_directory / DESCRIPTION)
        if WEIGHTS not in files:
            return cls(about, digest, load_graph(model_directory / "graph.json"), True)
        try:
            known = content["model"]["graph"]
            graph = None
            if known is not None:
                names, kinds = tuple(known["names"]), tuple(known["kinds"])
                adjacency = np.array(known["adjacency"], dtype=float).reshape(len(names), len(names))
                graph = PrototypeGraph(names, kinds, adjacency)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"the description is incomplete ({error})", mend=MEND, file=model_directory / DESCRIPTION
            ) from error
        return cls(about, digest, graph, False)


def _contigs(directory: Path) -> dict[str, int] | None:
    """Lengths of the contigs of the genome, bp; None without one."""
    table = directory / GENOME / "contig_sizes.tsv"
    return read_contig_sizes(table) if table.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"the environment cannot be read ({error})", mend="predict the line again", file=path
        ) from error
    return content


def _filled(
    subject: Subject,
    plan: Plan,
    environment: Mapping[str, Any],
    genes: pd.DataFrame,
    spread: ScoreSpread,
    data: Mapping[str, Any],
    plots: Mapping[str, Any],
    assembly: Assembly,
    shown: int,
) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("cbat.prediction", "page_files")
    templates = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    own = files("cbat.prediction").joinpath("page_files")
    graph = placed(subject.graph, subject.about, environment)
    called = int(spread.contacts.sum())
    return templates.get_template("page.html").render(
        version=__version__,
        cell_line=plan.cell_line,
        model=f"{subject.about.name}, seed {subject.about.seed}",
        model_digest=subject.digest[:12],
        stated_tissue=environment["stated_tissue"],
        assembly=assembly,
        chromosomes=list(plan.chromosomes),
        words=WORDS[subject.about.training.label_kind],
        n_genes=len(genes),
        n_genes_called=int((genes["called"] > 0).sum()),
        genes_shown=len(data["genes"]["name"]),
        has_abc="abc" in data["pairs"],
        n_enhancers=sum(counts.enhancers for counts in plan.chromosomes.values()),
        n_promoters=sum(counts.promoters for counts in plan.chromosomes.values()),
        n_pairs=plan.n_pairs,
        n_called=called,
        most_called=called > 0.5 * plan.n_pairs,
        shown=shown,
        max_distance=plan.max_distance,
        threshold=plan.threshold,
        environment=in_words(subject.graph, environment),
        has_environment=plan.environment is not None,
        is_law=subject.is_law,
        landscape=None if environment.get("landscape") is None else landscape_words(environment["landscape"]),
        graph=None if graph is None else graph_picture(graph[0]),
        graph_words=None if graph is None else graph[1],
        style=own.joinpath("page.css").read_text(encoding="utf-8"),
        scripts=[own.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS],
        bokeh=bokeh_script(),
        data=as_json(data),
        plots=as_json(plots),
    )


def as_json(value: Any) -> str:
    """JSON that no browser takes for HTML, whatever the names in it."""
    # In the order given: a plot is described before it is referred to.
    text = json.dumps(value, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
