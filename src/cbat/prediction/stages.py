"""Stages of a prediction for any model: a law of the landscape runs without torch, which is imported late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cbat.config.predictions import PredictionSettings
from cbat.errors import UserError
from cbat.model.about import WEIGHTS, listed_files


def reads_sequences(model_directory: Path) -> bool:
    """Whether the model of a directory reads sequences; else it is a law of the landscape.

    Raises
    ------
    UserError
        See :func:`cbat.model.about.check_hashes`.
    """
    return WEIGHTS in listed_files(Path(model_directory))


def prepare_prediction(
    *,
    model_directory: Path,
    enhancers: Path,
    promoters: Path,
    cell_line: str,
    settings: PredictionSettings,
    directory: Path,
    genome: Path | None = None,
    contig_names: Path | None = None,
    similarity: Path | None = None,
    support: Path | None = None,
    calibration_pairs: Path | None = None,
    tracks: Mapping[str, Path] | None = None,
    genes: Path | None = None,
    insulator_motifs: Path | None = None,
) -> None:
    """Read a new cell line's candidates, environment and landscape.

    Parameters
    ----------
    model_directory : Path
        Folder that `package_model` or `package_landscape` has written.
    enhancers : Path
        Candidate enhancers: BED with three columns or more, narrowPeak or broadPeak, plain or gzip.
    promoters : Path
        Candidate promoters: BED, or GTF, of which the transcription starts are taken.
    cell_line : str
        Name of the line.
    settings : PredictionSettings
        Tissue, distances, chromosomes and support set.
    directory : Path
        Where everything of the line goes.
    genome : Path, optional
        FASTA, plain, gzip or bgzip; a plain one with its index is linked. A model of sequences needs it.
    contig_names : Path, optional
        Table of what the files call a contig and what the genome, or the model's tracks, do.
    similarity : Path, optional
        Square table of similarities between the line and training lines.
    support : Path, optional
        Table of candidates to read the environment from, as ``support.tsv``; drawn without it.
    calibration_pairs : Path, optional
        Labelled pairs of the line, to which temperature and threshold are refitted.
    tracks : mapping, optional
        Kind of track -> peaks of the line; kinds that are missing are expected from the training lines.
    genes, insulator_motifs : Path, optional
        Genes in place of the model's, and stranded motif sites of CTCF.

    Raises
    ------
    UserError
        A model directory that was changed or is made for other windows; no genome for a model of
        sequences; malformed files; files of another assembly; no candidates.
    """
    given = {
        "model_directory": model_directory, "enhancers": enhancers, "promoters": promoters,
        "cell_line": cell_line, "settings": settings, "directory": directory, "contig_names": contig_names,
        "similarity": similarity, "support": support, "calibration_pairs": calibration_pairs,
        "tracks": tracks, "genes": genes, "insulator_motifs": insulator_motifs,
    }  # fmt: skip
    if not reads_sequences(model_directory):
        from cbat.prediction import landscape_prepare

        landscape_prepare.run(genome=genome, **given)  # type: ignore[arg-type]
        return
    if genome is None:
        raise UserError(
            "this model reads sequences, and no genome is given",
            mend="give its FASTA with --genome, or use a model without sequence",
            file=model_directory,
        )
    from cbat.prediction import prepare

    prepare.run(genome=genome, **given)  # type: ignore[arg-type]


def score_chromosome(*, model_directory: Path, directory: Path, chromosome: str, output: Path) -> None:
    """Score the pairs of a chromosome within the window of distances, and rank them for each promoter.

    Parameters
    ----------
    model_directory : Path
        The one that the line was prepared with.
    directory : Path
        Folder of the line, as `prepare_prediction` has left it.
    chromosome : str
        One of the plan.
    output : Path
        Parquet; a row for each pair, sorted by enhancer as given, then by the promoter's centre.

    Raises
    ------
    UserError
        A damaged model directory or another one than the plan's; a plan that is missing or damaged.
    """
    if reads_sequences(model_directory):
        from cbat.prediction import score

        score.run(model_directory=model_directory, directory=directory, chromosome=chromosome, output=output)
        return
    from cbat.prediction import landscape_score

    landscape_score.run(
        model_directory=model_directory, directory=directory, chromosome=chromosome, output=output
    )


def write_prediction_page(
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
    from cbat.prediction import page

    page.run(model_directory=model_directory, directory=directory, pairs=pairs, settings=settings)
