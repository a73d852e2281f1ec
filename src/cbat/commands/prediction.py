"""The verb ``predict``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cbat.commands.wording import words_of_options
from cbat.config.predictions import PAGE_PAIRS, TRACK_PAIRS


def predict(
    *,
    model: str,
    candidates: Path,
    directory: Path,
    genes: Path | None = None,
    promoters: Path | None = None,
    tracks: Mapping[str, Path] | None = None,
    genome: Path | None = None,
    insulator_motifs: Path | None = None,
    signals: Mapping[str, str] | None = None,
    element_signals: Mapping[str, Path] | None = None,
    cell_line: str = "new_line",
    tissue: str = "unknown",
    similarity: Path | None = None,
    similarity_threshold: float = 0.0,
    similarity_weight: float = 1.0,
    calibrate: Path | None = None,
    pairs_format: str = "auto",
    score_threshold: float | None = None,
    score_column: str | None = None,
    min_distance: int | None = None,
    max_distance: int | None = None,
    chromosomes: Sequence[str] | None = None,
    support: Path | None = None,
    support_size: int | None = None,
    seed: int = 1,
    enhancer_window: int | None = None,
    promoter_window: int | None = None,
    contig_names: Path | None = None,
    track_pairs: int = TRACK_PAIRS,
    page_pairs: int = PAGE_PAIRS,
    precision: float | None = None,
    assembly: str | None = None,
    expressed: Path | None = None,
    least_expression: float = 1.0,
    expression_column: str | None = None,
    active_promoters_only: bool = False,
    simulated_model: bool = False,
    threads: int = 1,
) -> None:
    """Predict the contacts of a cell line from its candidate elements.

    The same command goes on where it was stopped: a finished chromosome is not scored anew.

    Parameters
    ----------
    model : str
        A model that comes with the package (contact, regulation: see cbat models), or the folder of another
        one, with its model.json and SHA256SUMS.
    candidates : Path
        Candidate enhancers: BED (three columns do), narrowPeak or broadPeak, plain or gzip. Peaks with a
        signal (narrowPeak, broadPeak) are the track active_enhancers too, where none is given.
    directory : Path
        Where everything goes.
    genes : Path, optional
        Genes, GTF or BED of transcription starts; those that the model brings by default.
    promoters : Path, optional
        Promoters that are looked at: BED or GTF; the starts of all genes by default.
    tracks : mapping, optional
        Peaks of the line, KIND=FILE for each kind of active_enhancers (H3K27ac, ATAC or DNase),
        active_promoters (H3K4me3) and insulators (CTCF). Kinds that are left out are expected from the
        training lines.
    genome : Path, optional
        FASTA that the files are positions of: plain, gzip or bgzip; a plain one with its .fai is not copied.
        A model of sequences needs it; a law of the landscape takes the strands of insulators from it.
    insulator_motifs : Path, optional
        BED6 of stranded motif sites of CTCF.
    signals : mapping, optional
        KIND=COLUMN where the signal of the peaks stands: auto, none, score, a number or a name; likewise for
        intervals of accessibility and enhancer_mark.
    element_signals : mapping, optional
        Signals of the line at its candidates, accessibility=FILE (ATAC, DNase) and enhancer_mark=FILE
        (H3K27ac): a bigWig, or intervals with numbers. For laws of regulation.
    cell_line : str
        Name of the line. The tracks of a training line are left out of what a model expects, where it holds
        those of single lines.
    tissue : str
        Tissue of origin; cbat model show lists those that the model knows.
    similarity : Path, optional
        Square TSV of similarities between the line, under its name, and training lines.
    similarity_threshold : float
        Similarities at or below it make no edge of the prototype graph.
    similarity_weight : float
        Weight of an edge of similarity 1.
    calibrate : Path, optional
        Labelled pairs of the line: level, temperature and threshold are refitted to them, and nothing else.
    pairs_format : str
        Format of these pairs, as in a sheet of cell lines.
    score_threshold : float, optional
        Such pairs that score this much or more are contacts, for formats with scores.
    score_column : str, optional
        Column of these scores, where the table has several.
    min_distance : int, optional
        Shortest distance between the two centres, bp; the shortest that the model was trained on by default.
    max_distance : int, optional
        Longest one; the longest that the model was trained on by default.
    chromosomes : sequence of str, optional
        Chromosomes to predict; all that hold elements by default.
    support : Path, optional
        TSV (role, element_id) of the candidates that the environment is read from; all without it.
    support_size : int, optional
        Read it from so many candidates, drawn at random; from all of them by default.
    seed : int
        Seed of the draw.
    enhancer_window, promoter_window : int, optional
        Windows that the model must have been trained for, bp; checked, for the model's are used.
    contig_names : Path, optional
        TSV (given, genome) of what the files call a contig and what the genome does.
    track_pairs : int
        Most pairs in the tracks for genome browsers.
    page_pairs : int
        Most pairs on the page to look at.
    precision : float, optional
        Call pairs from the probability on from which this share was true on training lines left out; cbat
        model show lists what a model knows; with 50 labelled pairs of each label or more it is the share of
        these that is true. The best F1 by default.
    assembly : str, optional
        Assembly of the files (hg19, hg38, mm10, ...), for a model that has several; read off the genes or the
        candidates by default.
    expressed : Path, optional
        Genes that are expressed in the line: a table (gene, TPM or RPKM) or a list of names, plain or gzip.
        Promoters of other genes are not predicted; no score depends on it.
    least_expression : float
        From which value on a gene is expressed.
    expression_column : str, optional
        Column that holds the values, where the table has several: TPM, RPKM, FPKM or CPM by default.
    active_promoters_only : bool
        Predict promoters alone that a peak of active_promoters lies within 1 kb of.
    simulated_model : bool
        Use a model of simulated data on files that are not of its simulated genome.
    threads : int
        Chromosomes that are scored side by side; scores do not depend on it.
    """
    from cbat.prediction.request import requested
    from cbat.prediction.whole_line import predict_line

    files = {
        "candidates": candidates, "genes": genes, "promoters": promoters, "genome": genome,
        "contig_names": contig_names, "similarity": similarity, "support": support, "calibrate": calibrate,
        "insulator_motifs": insulator_motifs, "expressed": expressed,
    }  # fmt: skip
    values = {
        "tissue": tissue,
        "min_distance": min_distance,
        "max_distance": max_distance,
        "chromosomes": None if chromosomes is None else list(chromosomes),
        "support_size": support_size,
        "seed": seed,
        "enhancer_window": enhancer_window,
        "promoter_window": promoter_window,
        "similarity_threshold": similarity_threshold,
        "similarity_weight": similarity_weight,
        "pairs_format": pairs_format,
        "score_threshold": score_threshold,
        "score_column": score_column,
        "track_pairs": track_pairs,
        "page_pairs": page_pairs,
        "precision": precision,
        "assembly": assembly,
        "least_expression": least_expression,
        "expression_column": expression_column,
        "active_promoters_only": active_promoters_only,
        "simulated_model": simulated_model,
        "signals": dict(signals or {}),
    }
    inputs, settings = requested(model, files, tracks or {}, element_signals or {}, values)
    with words_of_options():
        predict_line(inputs, cell_line, settings, directory, threads)
