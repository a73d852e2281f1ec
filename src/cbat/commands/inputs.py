"""Read every input as the workflow will, before it does anything."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from cbat.config.landscape import LEAST_FOLDS
from cbat.config.project import Project
from cbat.errors import UserError
from cbat.faults import SeveralFaultsError, all_faults, any_so_far, independent

if TYPE_CHECKING:
    from cbat.config.sections import Config, LandscapeSettings

Reports = dict[str, dict[str, Any]]
Counts = dict[tuple[str, str], tuple[int, int]]
"""Cell line and split -> its contacts and others."""

PREFIX: Final = "cbat_check_inputs_"
"""Of the folder that is filled for a check."""
COHORTS: Final[tuple[Literal["training", "unseen"], ...]] = ("training", "unseen")


def check_inputs(files: Sequence[Path]) -> None:
    """Read all inputs of a configuration, and say what they hold; nothing is written.

    Parameters
    ----------
    files : sequence of Path
        YAML files, the later over the earlier; the workflow always puts config/config.yaml first.

    Raises
    ------
    UserError
        All mistakes that were found, each in a line, as the stage that reads the file tells it; a file that
        has not been lifted from another assembly, which the workflow does in seconds.
    """
    from cbat.config.project import load_project
    from cbat.config.shipped_files import home_of

    with all_faults():
        project = load_project(files, home=home_of(files))
    if project.config.simulation is not None:
        print("The configuration is valid. Its inputs are simulated, so there is nothing more to read.")
        return
    _check_lifted(project, files)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as temporary:
        with _own_genome_named(project.config), all_faults():
            reports, tracks, signals, counts = _read_everything(project, Path(temporary))
        of_pairs = _supports_of_pairs(project, Path(temporary))
    _tell_of_pairs(reports, counts)
    if of_pairs and project.sequence_models:
        print(of_pairs)
    if tracks:
        _tell_of_tracks(project, tracks)
    _tell_of_signals(signals)
    print("All inputs can be read.")


def _tell_of_pairs(reports: Reports, counts: Counts) -> None:
    """What each line brought and what was left out, and contacts and others of each split."""
    header = ["cell line", "pairs", "contacts", "left out"]
    rows = [
        [line, report["pairs"], report["positives"], sum(report["left_out"].values())]
        for line, report in reports.items()
    ]
    _print_table(header, rows)
    for line, report in reports.items():
        if why := {reason: n for reason, n in report["left_out"].items() if n}:
            print(f"{line}: left out {', '.join(f'{n} {reason}' for reason, n in why.items())}.")
    print()
    rows = [[line, split, *both] for (line, split), both in counts.items()]
    _print_table(["cell line", "split", "contacts", "others"], rows)


def _print_table(header: list[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a header; columns of numbers end at one place."""
    from cbat.prediction.card import text_table

    numbers = [name for at, name in enumerate(header) if rows and isinstance(rows[0][at], int)]
    print("\n".join(text_table(header, [[str(cell) for cell in row] for row in rows], right=numbers)))


def _check_lifted(project: Project, files: Sequence[Path]) -> None:
    """Files that are lifted from another assembly are there: what a run will read is what is checked."""
    from cbat.config.lifted import lifted_files

    lifted = lifted_files(project.config)
    missing = sorted({path for path in project.files() if path in lifted and not path.is_file()})
    if not missing:
        return
    over = [str(path) for path in files[1:]]
    command = ["snakemake", "--cores", "1", *(["--configfile", *over] if over else []), "--"]
    raise UserError(
        f"{str(missing[0])!r} has not been lifted from another assembly yet"
        + (f", and {len(missing) - 1} more" if len(missing) > 1 else ""),
        mend=f"run this, which takes seconds, and check again: {shlex.join([*command, *map(str, missing)])}",
        file=files[-1],
    )


def _read_everything(project: Project, directory: Path) -> tuple[Reports, Reports, Reports, Counts]:
    """Run the stages that read files of the user into ``directory``.

    Returns
    -------
    labels, tracks, signals : dict
        Cell line -> what was read of its pairs, of its peaks, and of the signals at its candidates.
    counts : dict
        See :func:`_counted`.
    """
    from cbat.commands.each_file import read_comparisons, read_each_file, read_predictions
    from cbat.data import genome
    from cbat.data.motif_files import read_motif_file
    from cbat.graph import build

    config: Config = project.config
    if config.readout.motifs is not None:
        with independent():
            # Small, and needed only when everything is trained.
            read_motif_file(config.readout.motifs)
    if config.genome is not None:
        with independent():
            genome.run(fasta=config.genome.fasta, directory=directory / "genome")
    with independent():
        build.run(
            cell_lines=config.cell_lines,
            tissues=config.tissues,
            scope="all",
            settings=config.graph,
            directory=directory / "graph",
        )
    tracks: Reports = {}
    reports: Reports = {}
    signals: Reports = {}
    counts: Counts = {}
    if not any_so_far():
        with independent():
            tracks = {} if config.landscape is None else _read_landscape(project, config.landscape, directory)
        for cohort in COHORTS:
            with independent():
                reports |= _read_cohort(project, cohort, directory)
    if not any_so_far():
        with independent():
            signals = _read_signals(project, directory / "elements")
        with independent():
            counts = _counted(project, directory / "labels")
            _check_both_labels(project, counts)
        with independent():
            _read_peers(project, directory / "labels")
    read_comparisons(project, directory)
    if any_so_far():
        read_each_file(project)
    read_predictions(project, directory / "predictions")
    return reports, tracks, signals, counts


@contextmanager
def _own_genome_named(config: Config) -> Iterator[None]:
    """Of what is copied for the check only the genome may be at fault: name the user's own file."""

    def own(error: UserError) -> UserError:
        if config.genome is None or not any(part.startswith(PREFIX) for part in Path(error.file or "").parts):
            return error
        return UserError(error.problem, mend=error.mend, file=config.genome.fasta, where=error.where)

    try:
        yield
    except SeveralFaultsError as error:
        raise SeveralFaultsError([own(fault) for fault in error.faults]) from error
    except UserError as error:
        raise own(error) from error


def _read_signals(project: Project, elements: Path) -> Reports:
    """Read the signals at the candidates of the lines that have some."""
    from cbat.data.contigs import read_contig_names
    from cbat.landscape.element_signals import check_apart, signals_of

    settings = project.config.landscape
    if settings is None:
        return {}
    contigs = read_contig_names(project.config.contig_names)
    found = {
        row.cell_line: signals_of(row, settings, elements / row.cohort, contigs)[0].report
        for row in project.labelled
        if row.signals
    }
    check_apart(found)
    return found


def _tell_of_signals(signals: Reports) -> None:
    """A row for each file of signals."""
    rows = [
        [line, name, one["candidates"], one["candidates_without"], one["signal"]]
        for line, report in signals.items()
        for name, one in report.items()
    ]
    if rows:
        print()
        _print_table(["cell line", "signal", "candidates", "without", "from"], rows)


def _tell_of_tracks(project: Project, tracks: Reports) -> None:
    """A row for each file of peaks, and in sentences what is unusual about them."""
    from cbat.evaluation.input_report import tracks_in_words
    from cbat.landscape.assembly_check import assembly_in_words

    rows = [
        [line, kind, one["peaks_read"], one["kept"], one["signal"]]
        for line, report in tracks.items()
        for kind, one in report["kinds"].items()
    ]
    print()
    if rows:
        _print_table(["cell line", "track", "peaks", "kept", "signal"], rows)
    for sentence in tracks_in_words(tracks, project.names("train", "prototype")):
        print(sentence)
    print(assembly_in_words(tracks))


def _read_landscape(project: Project, settings: LandscapeSettings, directory: Path) -> Reports:
    """Read the genes and the tracks of all lines, and see that they speak of the same chromosomes."""
    from cbat.data.contig_checks import check_shared
    from cbat.data.contigs import read_contig_names
    from cbat.data.genome import read_contig_sizes
    from cbat.landscape.genes import starts_of
    from cbat.landscape.tracks import check_tracks

    contigs = read_contig_names(project.config.contig_names)
    sizes_file = directory / "genome" / "contig_sizes.tsv"
    sizes = None if project.config.genome is None else read_contig_sizes(sizes_file)
    splits = {"the section splits": set(project.config.splits.split_of)}
    starts, _ = starts_of(settings.genes, contigs, settings.promoter_classes)
    named = dict.fromkeys(starts["chrom"], 0)
    check_shared(settings.genes, named, splits | ({"the genome": set(sizes)} if sizes else {}), contigs)
    others = splits | {"the genes": set(named)}
    return check_tracks(
        project.cell_lines, settings, contigs=contigs, sizes=sizes, others=others, starts=starts
    )


def _read_cohort(project: Project, cohort: Literal["training", "unseen"], directory: Path) -> Reports:
    """Read elements, their sequences (where there is a genome) and the labels of the lines of a cohort."""
    from cbat.data import elements, labels, sequences

    config, genome = project.config, directory / "genome"
    rows = [row for row in project.cell_lines if row.cohort == cohort]
    if not rows:
        return {}
    collected = directory / "elements" / cohort
    there = config.genome is not None
    every = config.elements.max_n is None and config.landscape is not None
    counted = there and (every or config.elements.max_n is not None)
    elements.run(
        cell_lines=config.cell_lines,
        cohort=cohort,
        contig_sizes=genome / "contig_sizes.tsv" if there else None,
        elements=config.elements,
        splits=config.splits,
        directory=collected,
        contig_names=config.contig_names,
        genome_fasta=genome / "genome.fa" if counted else None,
    )
    if there:
        sequences.run(
            genome_fasta=genome / "genome.fa",
            elements_directory=collected,
            directory=directory / "sequences" / cohort,
            max_n=1.0 if every else config.elements.max_n,
        )
    reports = {}
    for row in rows:
        output = directory / "labels" / f"{row.cell_line}.parquet"
        with independent():
            labels.run(
                sheet=config.cell_lines,
                cell_line=row.cell_line,
                elements_directory=collected,
                labels=config.labels,
                output=output,
                contig_names=config.contig_names,
            )
            reports[row.cell_line] = json.loads(output.with_suffix(".json").read_text())
    return reports


def _read_peers(project: Project, directory: Path) -> None:
    """Read the predictions of other tools, and find the labelled pairs that are tested among them."""
    import numpy as np

    from cbat.data.contigs import read_contig_names
    from cbat.data.stored import read_table
    from cbat.evaluation.peer_tables import read_peer
    from cbat.evaluation.peers import match

    peers = project.config.evaluation.peers
    contigs = read_contig_names(project.config.contig_names)
    tables = {name: read_peer(path, contigs) for name, path in peers.items()}
    columns = ["enhancer_id", "promoter_id", "label", "distance", "chrom", "split"]
    splits = project.config.evaluation.chromosomes
    tested = set(project.config.splits.chromosomes if "folds" in splits else splits)
    compared = dict.fromkeys(tables, 0)
    for line in project.evaluated() if tables else ():
        pairs = read_table(directory / f"{line}.parquet", columns, mend="run label_pairs again")
        for name, table in tables.items():
            score, _ = match(table, pairs, name, peers[name], line, contigs)
            compared[name] += int((~np.isnan(score) & pairs["split"].isin(tested).to_numpy()).sum())
    for name, n in compared.items():
        if project.evaluated() and not n:
            lines = ", ".join(sorted(set(tables[name]["cell_line"])))
            raise UserError(
                f"the peer {name!r} has no pair of an evaluated cell line on a chromosome that is tested "
                f"(its cell lines: {lines}; evaluated: {', '.join(project.evaluated())})",
                mend="bring its predictions for these lines and chromosomes, or take it out of "
                "evaluation.peers",
                file=peers[name],
            )


def _counted(project: Project, directory: Path) -> Counts:
    """Contacts and others of each cell line in each split, in the order of the sheet and of the splits."""
    from cbat.data.stored import read_table

    counts: Counts = {}
    for row in project.labelled:
        path = directory / f"{row.cell_line}.parquet"
        pairs = read_table(path, ["label", "split"], mend="run label_pairs again")
        for split in project.config.splits.chromosomes:
            label = pairs.loc[pairs["split"] == split, "label"]
            counts[row.cell_line, split] = int(label.sum()), int((label == 0).sum())
    return counts


def _check_both_labels(project: Project, n: Counts) -> None:
    """Make sure that there is something to train, to choose by, and to evaluate."""
    config = project.config
    training = [row.cell_line for row in project.cell_lines if row.cohort == "training"]
    sides = _sides(config)
    counts = {
        split: tuple(
            sum(n.get((line, part), (0, 0))[at] for line in training for part in parts) for at in (0, 1)
        )
        for split, parts in sides.items()
    }
    # Folds judge together, so that some of them may hold one label alone.
    enough = config.splits.folds is not None and sum(all(both) for both in counts.values()) >= LEAST_FOLDS
    for split, (contacts, others) in counts.items():
        if (contacts and others) or enough:
            continue
        with independent():
            raise UserError(
                f"the cell lines of the training have {contacts} contacts and {others} others on the {split} "
                "chromosomes, and both are needed",
                mend=f"put more chromosomes into splits.{split}, or provide more pairs",
                file=config.cell_lines,
            )
    for row in project.labelled:
        if ("unseen" if row.cohort == "unseen" else "seen") not in config.evaluation.roles:
            continue
        for split in config.evaluation.chromosomes:
            tested = list(config.splits.chromosomes) if split == "folds" else [split]
            contacts, others = (
                sum(n.get((row.cell_line, part), (0, 0))[at] for part in tested) for at in (0, 1)
            )
            if contacts and others:
                continue
            with independent():
                raise UserError(
                    f"the cell line {row.cell_line!r} is evaluated on the {split} chromosomes, and has "
                    f"{contacts} contacts and {others} others there",
                    mend=f"put more chromosomes into splits.{split}, or provide more pairs",
                    file=row.pairs,
                )


def _sides(config: Config) -> dict[str, list[str]]:
    """Sides of the training that need both labels -> the splits that they are made of."""
    if config.splits.folds is None:
        return {"train": ["train"], "validation": ["validation"]}
    # Each fold chooses once, and any two of them without it train.
    return {f"folds.{name}": [name] for name in config.splits.folds}


def _supports_of_pairs(project: Project, directory: Path) -> str:
    """A sentence about the lines whose support sets are drawn from their pairs' elements; or nothing."""
    from cbat.evaluation.input_report import of_pairs_alone, support_in_words

    collected = [json.loads(path.read_text()) for path in sorted(directory.glob("elements/*/report.json"))]
    roles = project.config.shards.support_elements
    found = of_pairs_alone(project.names(), collected, roles)
    return support_in_words(found) if found else ""
