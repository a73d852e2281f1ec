"""Make one of the models that come with the package of a model directory that a run has written.

What is added: another assembly, by lifting the mean track and by a file of genes; and figures on cell lines
that were held out, from a table of metrics. What is left out: the fits that stood aside for a test, which no
new cell line needs.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data.chain_files import Chains, read_chains
from cbat.data.lift_over import TURNED, Place, place_of
from cbat.errors import UserError
from cbat.evaluation.headline import Headline
from cbat.files import atomic_directory, write_json
from cbat.landscape.genes import starts_of
from cbat.landscape.law import Law, load_law, save_law
from cbat.model.about import CARD, DESCRIPTION, LANDSCAPE, check_hashes, read_description, write_checksums
from cbat.prediction.figures import DISTANCE, figures_of
from cbat.prediction.landscape_card import landscape_card
from cbat.prediction.shared_landscape import (
    MEAN,
    UNNAMED,
    SharedLandscape,
    read_landscape,
    write_expected,
    write_starts,
)
from cbat.sentences import in_words

_GENES, _GRAPH, _ABOUT, _LAW, _TRACKS = LANDSCAPE
_logger = logging.getLogger(__name__)


def run(
    *,
    package: Path,
    name: str,
    figures: Path,
    evaluation: EvaluationSettings,
    assembly: str,
    other_assembly: str,
    chain: Path,
    other_genes: Path,
    directory: Path,
    references: Sequence[str] = (),
    promoter_classes: Path | None = None,
) -> None:
    """Write the directory of a model that ships.

    Parameters
    ----------
    package : Path
        Model directory of a law whose expectation is a mean track (``landscape.expectation: mean_track``).
    name : str
        Its name as a shipped model.
    figures : Path
        Table of metrics of the same kind of model on lines that were held out.
    evaluation : EvaluationSettings
        What the headline's figures are.
    assembly : str
        That of the package.
    other_assembly : str
        That the mean track is lifted to.
    chain : Path
        UCSC chain file from the one to the other.
    other_genes : Path
        Genes of the other assembly, GTF or BED.
    directory : Path
        What is written; what it held is replaced.
    references : sequence of str
        Rows of ``figures`` that the card shows beside those of the model and of the distance.
    promoter_classes : Path, optional
        As in the section ``landscape``, for the genes of the other assembly.

    Raises
    ------
    UserError
        A package that was changed or that holds tracks of single lines; a table without figures of the model;
        a damaged chain; genes that cannot be read.
    """
    check_hashes(package)
    shared = read_landscape(package)
    _check(shared, package)
    about, content = read_description(package / DESCRIPTION)
    headline = Headline.of(evaluation)
    found = figures_of([figures], about.name, headline)
    if not found:
        raise UserError(
            f"the table has no metrics of the model {about.name!r} at the headline's setting",
            mend="name the table of metrics of the run in which each line was held out",
            file=figures,
        )
    about = about.model_copy(
        update={
            "name": name,
            "figures": found,
            "distance_figures": figures_of([figures], DISTANCE, headline),
            "reference_figures": {one: figures_of([figures], one, headline) for one in references},
        }
    )
    lifted = lift_track(shared.tracks, read_chains(chain))
    starts, _ = starts_of(other_genes, None, promoter_classes)
    law = load_law(package / _LAW)
    with atomic_directory(directory) as temporary:
        shutil.copyfile(package / _GRAPH, temporary / _GRAPH)
        save_law(temporary / _LAW, Law(law.name, {"all": shared.fit}, law.train_lines))
        write_starts(temporary, {assembly: shared.starts, other_assembly: starts})
        write_expected(temporary, {(assembly, MEAN): shared.tracks, (other_assembly, MEAN): lifted})
        landscape = json.loads((package / _ABOUT).read_text(encoding="utf-8"))
        write_json(temporary / _ABOUT, landscape | {"assemblies": [assembly, other_assembly]})
        write_json(temporary / DESCRIPTION, content | {"about": about.model_dump(mode="json")})
        card = landscape_card(about, read_landscape(temporary))
        (temporary / CARD).write_text(card, encoding="utf-8")
        write_checksums(temporary)


def lift_track(track: pd.DataFrame, chains: Chains) -> pd.DataFrame:
    """The sites of a track in another assembly; those that have no one place there are left out.

    Parameters
    ----------
    track : DataFrame
        ``chrom``, ``start``, ``end``, ``centre``, ``strand`` (0-based half-open, bp) and more columns, which
        stay as they are.
    chains : Chains
    """
    rows: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    for row in track.to_dict("records"):
        place = place_of(str(row["chrom"]), int(row["start"]), int(row["end"]), chains)
        if isinstance(place, Place):
            rows.append({str(key): value for key, value in row.items()} | _placed(row, place))
        else:
            left_out[place] += 1
    _logger.info("%d of %d sites are lifted; left out: %s", len(rows), len(track), in_words(left_out))
    return pd.DataFrame(rows, columns=track.columns).astype(track.dtypes)


def _placed(row: dict[Any, Any], place: Place) -> dict[str, Any]:
    """Where a site is in the other assembly; its centre as far inside as before."""
    before, length = int(row["end"]) - int(row["start"]), place.end - place.start
    offset = int(row["centre"]) - int(row["start"])
    inside = min(round(offset * length / before), length - 1)
    return {
        "chrom": place.contig,
        "start": place.start,
        "end": place.end,
        "centre": place.end - 1 - inside if place.turned else place.start + inside,
        "strand": TURNED.get(row["strand"], row["strand"]) if place.turned else row["strand"],
    }


def _check(shared: SharedLandscape, package: Path) -> None:
    if shared.lines != (MEAN,):
        raise UserError(
            "the directory holds the tracks of single lines, which are not ours to ship",
            mend="set landscape.expectation to mean_track and run again",
            file=package,
        )
    if shared.assemblies not in ((UNNAMED,), (shared.assembly,)):
        raise UserError(
            f"the directory holds several assemblies already: {', '.join(shared.assemblies)}",
            mend="name a model directory of a run",
            file=package,
        )
