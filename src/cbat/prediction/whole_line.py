"""Predict a cell line in one command: prepare, score chromosome by chromosome, put together.

What is done is written down, so that a run that was stopped goes on with the chromosomes that are missing.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cbat import __version__
from cbat.config.predictions import PredictionSettings
from cbat.data.genome import sound_index
from cbat.data.text_files import unreadable
from cbat.errors import UserError
from cbat.files import ask, remove, remove_stale, sha256_of, write_json
from cbat.model.about import check_hashes, reads_sequences
from cbat.prediction import chromosome, gather, page, preparation
from cbat.prediction.own_tracks import TrackFiles, check_files
from cbat.prediction.plan import GENOME, PAGE, PAIRS, PREPARED, Plan, pairs_file, read_plan
from cbat.progress import Progress
from cbat.workers import worker_pool

log = logging.getLogger(__name__)
JOURNAL: Final = "progress.json"
_HASHED: Final = (
    "enhancers", "promoters", "contig_names", "similarity", "support", "calibration_pairs", "genes",
    "insulator_motifs", "expressed",
)  # fmt: skip
Fault = tuple[str, str, str | None, str | None]


@dataclass(frozen=True)
class Inputs:
    """The files that a prediction is made from."""

    model_directory: Path
    enhancers: Path
    promoters: Path | None
    genome: Path | None = None
    contig_names: Path | None = None
    similarity: Path | None = None
    support: Path | None = None
    calibration_pairs: Path | None = None
    tracks: Mapping[str, Path] = field(default_factory=dict)
    genes: Path | None = None
    insulator_motifs: Path | None = None
    element_signals: Mapping[str, Path] = field(default_factory=dict)
    expressed: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All of them but those of the model."""
        named = [getattr(self, name) for name in (*_HASHED, "genome")]
        given = [path for path in named if path is not None]
        return [*given, *self.tracks.values(), *self.element_signals.values()]

    def key(self, cell_line: str, settings: PredictionSettings) -> str:
        """What says whether an earlier run did the same; a genome is known by size, time and index."""
        known: dict[str, Any] = {"version": __version__, "cell_line": cell_line}
        known["settings"] = settings.model_dump(mode="json", exclude={"track_pairs", "page_pairs"})
        known["model"] = check_hashes(self.model_directory)
        for name in _HASHED:
            path = getattr(self, name)
            known[name] = None if path is None else _sha256(path)
        given = (self.tracks, self.genes, self.insulator_motifs, settings.signals, self.element_signals)
        check_files(TrackFiles(*given))
        known["tracks"] = {kind: _sha256(path) for kind, path in self.tracks.items()}
        known["element_signals"] = {name: _sha256(path) for name, path in self.element_signals.items()}
        known["genome"] = None if self.genome is None else _identity(self.genome)
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise unreadable(path, error) from error


def _identity(fasta: Path) -> list[Any]:
    try:
        state = fasta.stat()
    except OSError as error:
        raise unreadable(fasta, error) from error
    index = sound_index(fasta)
    return [state.st_size, state.st_mtime_ns, None if index is None else sha256_of(index)]


@dataclass
class Journal:
    """What an earlier run of the same prediction has finished.

    Attributes
    ----------
    path : Path
    key : str
        Of the inputs and settings.
    prepared : bool
    chromosomes : dict
        Finished chromosome -> SHA-256 of its scored pairs.
    """

    path: Path
    key: str
    prepared: bool = False
    chromosomes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, key: str) -> Journal:
        """The journal of an earlier run, or an empty one if that run was another."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["key"] == key:
                return cls(path, key, bool(content["prepared"]), dict(content["chromosomes"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return cls(path, key)

    def forget(self) -> None:
        """Take back what an earlier run has written down, for its files are about to be replaced."""
        remove(self.path)

    def write(self) -> None:
        """Write it down."""
        content = {"key": self.key, "prepared": self.prepared, "chromosomes": self.chromosomes}
        write_json(self.path, content)

    def finish(self, chromosome: str, pairs: Path) -> None:
        """Note a chromosome that has been scored."""
        self.chromosomes[chromosome] = sha256_of(pairs)
        self.write()

    def has(self, chromosome: str, pairs: Path) -> bool:
        """Whether the chromosome has been scored, and its file is as it was."""
        digest = self.chromosomes.get(chromosome)
        return digest is not None and pairs.is_file() and sha256_of(pairs) == digest


def predict_line(
    inputs: Inputs, cell_line: str, settings: PredictionSettings, directory: Path, threads: int
) -> None:
    """Predict all pairs of a cell line; see :func:`cbat.commands.prediction.predict`."""
    with _writing_to(directory, threads):
        scored = _scored_files(inputs, cell_line, settings, directory, threads)
        gather.run(directory=directory, pairs=scored, settings=settings)
        page.run(model_directory=inputs.model_directory, directory=directory, pairs=scored, settings=settings)
        for folder in (directory, *(directory / name for name in (PAIRS, PREPARED, GENOME))):
            remove_stale(folder)


def score_line(
    inputs: Inputs, cell_line: str, settings: PredictionSettings, directory: Path, threads: int
) -> None:
    """Score all pairs of a cell line, without the tables, tracks and page that people look at.

    :func:`cbat.prediction.gather.gathered` reads what it leaves.

    Raises
    ------
    UserError
        As :func:`predict_line`.
    """
    with _writing_to(directory, threads):
        _scored_files(inputs, cell_line, settings, directory, threads)


@contextmanager
def _writing_to(directory: Path, threads: int) -> Iterator[None]:
    """Refuse a number of threads that is none, and tell what the disk refuses."""
    if threads < 1:
        raise UserError(f"the number of threads is {threads}", mend="give 1 or more")
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the folder cannot be written ({error.strerror or error})",
            mend="free some space, get write permission, or choose another folder; finished results are kept",
            file=directory,
        ) from error


def _scored_files(
    inputs: Inputs, cell_line: str, settings: PredictionSettings, directory: Path, threads: int
) -> list[Path]:
    """Prepare a line and score its chromosomes, where that is not done yet; their files, in order."""
    journal = Journal.open(directory / JOURNAL, inputs.key(cell_line, settings))
    if not journal.prepared:
        _prepare(inputs, cell_line, settings, directory, journal)
    plan = read_plan(directory)
    files = {chrom: pairs_file(directory, chrom) for chrom in plan.chromosomes}
    missing = [chrom for chrom, file in files.items() if not journal.has(chrom, file)]
    ask(files[chrom] for chrom in missing)
    if len(missing) < len(files):
        log.info("%d of %d chromosomes are done already", len(files) - len(missing), len(files))
    for chrom in _scored(inputs.model_directory, directory, plan, missing, threads):
        journal.finish(chrom, files[chrom])
    return [*files.values()]


def _prepare(
    inputs: Inputs, cell_line: str, settings: PredictionSettings, directory: Path, journal: Journal
) -> None:
    """Prepare the line, and clear away what another run has left in its folder."""
    journal.forget()
    given: dict[str, Any] = {
        "model_directory": inputs.model_directory, "enhancers": inputs.enhancers,
        "promoters": inputs.promoters, "cell_line": cell_line, "settings": settings, "directory": directory,
        "contig_names": inputs.contig_names, "similarity": inputs.similarity, "support": inputs.support,
        "calibration_pairs": inputs.calibration_pairs, "tracks": inputs.tracks, "genes": inputs.genes,
        "insulator_motifs": inputs.insulator_motifs, "genome": inputs.genome,
        "element_signals": inputs.element_signals,
        "expressed": inputs.expressed,
    }  # fmt: skip
    # A law of the landscape needs no torch, which takes long to import.
    if not reads_sequences(inputs.model_directory):
        from cbat.prediction import landscape_prepare

        landscape_prepare.run(**given)
    elif inputs.genome is None:
        raise UserError(
            "this model reads sequences, and no genome is given",
            mend="give its FASTA with --genome, or use a model without sequence",
            file=inputs.model_directory,
        )
    else:
        from cbat.prediction import prepare

        prepare.run(**given)
    # Tables of another run beside a new environment would be taken for those of this one.
    for name in [*gather.FILES, PAGE, *_left(inputs.model_directory)]:
        remove(directory / name)
    for path in (directory / PAIRS).glob("*.parquet"):
        # One of the user's stays: it is none of a chromosome of this prediction, or the run stops.
        with suppress(UserError):
            remove(path)
    journal.prepared, journal.chromosomes = True, {}
    journal.write()


def _left(model_directory: Path) -> list[str]:
    """Tables of an environment that an earlier run left, where this model writes none."""
    return [] if reads_sequences(model_directory) else [*preparation.OF_SUPPORT]


def _scored(
    model_directory: Path, directory: Path, plan: Plan, chromosomes: list[str], threads: int
) -> Iterator[str]:
    """Score chromosomes, the largest first, and name each one that is done."""
    ordered = sorted(chromosomes, key=lambda chrom: -plan.chromosomes[chrom].pairs)
    total = sum(plan.chromosomes[chrom].pairs for chrom in ordered)
    run: Callable[..., Iterator[str]] = _in_turn if min(threads, len(ordered)) <= 1 else _side_by_side
    with Progress(f"{plan.cell_line} in all", "pairs", total, every=0.0) as progress:
        for chrom in run(model_directory, directory, ordered, threads):
            progress.add(plan.chromosomes[chrom].pairs)
            yield chrom


def _in_turn(model_directory: Path, directory: Path, chromosomes: list[str], _: int) -> Iterator[str]:
    for chrom in chromosomes:
        output = pairs_file(directory, chrom)
        chromosome.run(model_directory=model_directory, directory=directory, chromosome=chrom, output=output)
        yield chrom


def _side_by_side(
    model_directory: Path, directory: Path, chromosomes: list[str], threads: int
) -> Iterator[str]:
    with worker_pool(min(threads, len(chromosomes))) as pool:
        jobs = {pool.submit(_score, model_directory, directory, chrom): chrom for chrom in chromosomes}
        try:
            for job in as_completed(jobs):
                if (fault := job.result()) is not None:
                    problem, mend, file, where = fault
                    raise UserError(problem, mend=mend, file=file, where=where)
                yield jobs[job]
        except BrokenProcessPool as error:
            raise UserError(
                "a process that scored a chromosome was killed, perhaps for lack of memory",
                mend="run the same command again, with fewer threads: finished chromosomes are kept",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _score(model_directory: Path, directory: Path, name: str) -> Fault | None:
    # A UserError does not survive the way between two processes, so its parts go.
    try:
        chromosome.run(
            model_directory=model_directory,
            directory=directory,
            chromosome=name,
            output=pairs_file(directory, name),
        )
    except UserError as error:
        file = None if error.file is None else str(error.file)
        return error.problem, error.mend, file, error.where
    return None
