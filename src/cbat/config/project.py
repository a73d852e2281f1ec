"""Everything a run is configured by, read together and checked against each other.

Types and spelling are checked where a file is read (:mod:`cbat.config.load`, :mod:`cbat.config.sheets`);
here are the checks that need more than one key, or the file system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cbat.config.base import SIMULATED_GENES
from cbat.config.landscape import check_folds, check_genome, check_landscape, check_peers
from cbat.config.lifted import check_lift_over, lifted_files
from cbat.config.load import key_error, load_section, parse_section, sound_part
from cbat.config.models import (
    LANDSCAPE_KEYS,
    REFERENCE_MODELS,
    EncoderSettings,
    ModelSettings,
    law_of,
)
from cbat.config.named_files import all_named_files, named_files
from cbat.config.own_files import check_own_files
from cbat.config.predicted_lines import check_predictions
from cbat.config.sections import Config, GraphSettings
from cbat.config.sheets import (
    TRACK_KINDS,
    CellLine,
    Cohort,
    Tissue,
    check_tissues,
    read_cell_lines,
    read_tissues,
)
from cbat.config.shipped_files import shipped_or_own, with_shipped_files
from cbat.config.similarities import check_similarities, with_computed_tables
from cbat.config.sources import source_of
from cbat.config.suggestions import did_you_mean
from cbat.config.worlds import check_unseen, check_worlds, with_unseen, world_layers, world_values
from cbat.config.yaml_files import KeyPath, YamlFile, laid_over, merge, read_yaml
from cbat.errors import UserError
from cbat.faults import are_listed, independent, note, settle
from cbat.files import is_no_file

SIMULATION_DIRECTORY: Final = Path("results/simulation")
"""Where the simulated benchmark lies; a path inside it need not exist when the simulation is on."""

SIMULATED_FILES: Final = {
    "pairs": "pairs.tsv.gz",
    "enhancers": "enhancers.bed.gz",
    "promoters": "promoters.bed.gz",
    **{kind: f"{kind}.narrowPeak.gz" for kind in TRACK_KINDS},
}
"""Column of the sheet -> what the simulation makes for each cell line."""

UNKNOWN: Final = "unknown"
"""The tissue of a line whose origin nobody has stated."""

MODEL_DIRECTORY: Final = Path("config/models")
ENCODER_DIRECTORY: Final = Path("config/encoders")


@dataclass(frozen=True)
class World:
    """A world of a benchmark: its whole configuration, as values to write down and as a checked project.

    Attributes
    ----------
    unseen : tuple of str or None
        Lines that are unseen here, whatever the sheet says; None takes the roles of the sheet.
    """

    values: Mapping[str, Any]
    project: Project
    unseen: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Project:
    """A checked configuration with its sheets, its models and, for a benchmark, its worlds."""

    config: Config
    cell_lines: tuple[CellLine, ...]
    tissues: tuple[Tissue, ...]
    models: Mapping[str, ModelSettings]
    encoders: Mapping[str, EncoderSettings]
    worlds: Mapping[str, World] = field(default_factory=dict)

    def names(self, *roles: str) -> list[str]:
        """Names of the cell lines with one of these roles, or of all with pairs, as the sheet orders them."""
        rows = [row for row in self.cell_lines if row.role in roles] if roles else self.labelled
        return [row.cell_line for row in rows]

    @property
    def labelled(self) -> list[CellLine]:
        """Rows of the cell lines that have labelled pairs: all but prototypes."""
        return [row for row in self.cell_lines if row.role != "prototype"]

    def files(self) -> list[Path]:
        """All files that the configuration and its sheets name for training and evaluation."""
        own = [path for row in self.cell_lines for path in row.files.values()]
        return own + [path for _, path in named_files(self.config)]

    def row(self, cell_line: str) -> CellLine:
        """The row of a cell line."""
        return next(row for row in self.cell_lines if row.cell_line == cell_line)

    @property
    def sequence_models(self) -> list[str]:
        """Models that read sequences: each is trained once for each seed."""
        return [name for name, settings in self.models.items() if settings.sequence]

    @property
    def landscape_models(self) -> list[str]:
        """Models that are a law of the landscape and nothing else."""
        return [name for name, settings in self.models.items() if not settings.sequence]

    @property
    def laws(self) -> list[str]:
        """Laws of the landscape that the models have, sorted; none without the section ``landscape``."""
        if self.config.landscape is None:
            return []
        return sorted({law_of(settings) for settings in self.models.values()})

    def differences(self) -> dict[str, str]:
        """Keys in which the settings of each model differ from those of the full model, in words."""
        counts = None if self.sequence_models else LANDSCAPE_KEYS
        dumped = {
            name: model.model_dump(mode="json", include=set(counts or ()) or None)
            for name, model in self.models.items()
        }
        full = dumped[self.config.full_model]
        return {
            name: ", ".join(f"{key}: {_yaml(value)}" for key, value in given.items() if value != full[key])
            for name, given in dumped.items()
        }

    def evaluated(self) -> list[str]:
        """Names of the cell lines that the configuration asks to evaluate."""
        roles = {"seen": ("train", "validation"), "unseen": ("unseen",)}
        wanted = [role for asked in self.config.evaluation.roles for role in roles[asked]]
        return self.names(*wanted)

    def graph_settings(self, scope: str) -> GraphSettings:
        """The section ``graph`` as the stage reads it, see :func:`with_computed_tables`."""
        return with_computed_tables(self.config.graph, scope)

    def wrong_line(
        self, cell_line: str, cohort: Cohort | None = None, *, prototypes: bool = False
    ) -> str | None:
        """The line whose support set replaces the own one, to see whether the model reads it at all.

        The next line of the sheet (the first follows the last) that is of another stated tissue and as
        seen or unseen as ``cell_line``. Where none is, another tissue matters more than the cohort; None
        when the sheet has no other line. With a cohort lines of the other one are out of the question.
        Prototypes, which have tracks and no support set, come last where they are asked for.
        """
        own = self.row(cell_line)
        others = self._others(own, cohort, prototypes)

        def distance(row: CellLine) -> tuple[bool, int]:
            other_tissue = row.tissue != own.tissue and UNKNOWN not in (row.tissue, own.tissue)
            return not other_tissue, _otherness(row, own)

        return min(others, key=distance).cell_line if others else None

    def sibling_line(
        self, cell_line: str, cohort: Cohort | None = None, *, prototypes: bool = False
    ) -> str | None:
        """Another line of the same stated tissue, to see how far the tissue alone explains what a line has.

        The next line of the sheet (the first follows the last), one that is as seen or unseen as
        ``cell_line`` before others; None where the tissue has no other line, or is unknown. With a cohort
        lines of the other one are out of the question. Prototypes as for :meth:`wrong_line`.
        """
        own = self.row(cell_line)
        others = self._others(own, cohort, prototypes)
        siblings = [row for row in others if row.tissue == own.tissue != UNKNOWN]
        return min(siblings, key=lambda row: _otherness(row, own)).cell_line if siblings else None

    def _others(self, own: CellLine, cohort: Cohort | None, prototypes: bool) -> list[CellLine]:
        """The lines that follow one in the sheet, then those before it; of one cohort or of both."""
        position = self.cell_lines.index(own)
        others = [*self.cell_lines[position + 1 :], *self.cell_lines[:position]]
        return [
            row
            for row in others
            if (prototypes if row.cohort == "prototype" else cohort in (None, row.cohort))
        ]


def _otherness(row: CellLine, own: CellLine) -> int:
    """0 for a line of the same cohort, 1 for one of the other, 2 for a prototype."""
    return 0 if row.cohort == own.cohort else 2 if row.cohort == "prototype" else 1


def load_project(
    files: Sequence[str | Path],
    *,
    values: Mapping[str, Any] | None = None,
    whose: str = "--config",
    home: Path | None = None,
) -> Project:
    """Read and check a configuration, its sheets and what they point to.

    Parameters
    ----------
    files : sequence of path
        Configuration files, the later over the earlier.
    values : mapping, optional
        The merged values, when something besides the files had a say.
    whose : str
        What that is, for messages.
    home : Path, optional
        Folder of the workflow, whose models and encoders count where the working directory has no others of
        the same name.

    Raises
    ------
    UserError
        One message for the first mistake.
    """
    layers = [read_yaml(file) for file in files]
    if values is None:
        values = merge(layer.values for layer in layers)
        values = values if home is None else with_shipped_files(values, home)
    else:
        layers = laid_over(values, layers, whose)
    project = _checked(values, layers, home)
    worlds = {}
    for name in project.config.worlds or {}:
        inside = world_values(values, name)
        unseen = (project.config.worlds or {})[name].unseen
        check_unseen(layers, name, unseen, project.names())
        checked = _checked(inside, world_layers(layers, name), home, unseen)
        worlds[name] = World(inside, checked, None if unseen is None else tuple(unseen))
    inside_worlds = {name: world.project for name, world in worlds.items()}
    project = replace(project, worlds=worlds)
    made = _simulated_files(project) | set(lifted_files(project.config))
    check_predictions(project, layers, inside_worlds, made)
    simulated = [_simulated_files(one) for one in (project, *inside_worlds.values())]
    check_own_files(project, frozenset[Path]().union(*simulated))
    return project


def _simulated_files(project: Project) -> set[Path]:
    """Files that a user may name before the simulation has made them."""
    if project.config.simulation is None:
        return set()
    raw = {
        SIMULATION_DIRECTORY / "raw" / row.cell_line / file
        for row in project.cell_lines
        for file in SIMULATED_FILES.values()
    }
    return raw | {SIMULATION_DIRECTORY / "genome.fa.gz", Path(SIMULATED_GENES)}


def _parsed(values: Mapping[str, Any], layers: Sequence[YamlFile], home: Path | None) -> Config:
    """The configuration; where mistakes are listed, also those of what its sound keys name."""
    try:
        return parse_section(Config, values, layers)
    except UserError as error:
        if are_listed():
            note(error)
            _look_further(values, layers, home)
            settle()
        raise


def _look_further(values: Mapping[str, Any], layers: Sequence[YamlFile], home: Path | None) -> None:
    """Mistakes that show without the keys that are wrong themselves."""
    config, changed = sound_part(Config, values)
    # A simulation that a mistake switches off or on would make other files missing.
    if config is None or "simulation" in changed:
        return
    of_sections = {"splits": _check_splits, "lift_over": check_lift_over, "labels": _check_distances}
    for check in (_check_paths, *(check for key, check in of_sections.items() if key not in changed)):
        with independent():
            check(config, layers)
    if "models" not in changed:
        with independent():
            _read_models(config, layers, shipped_or_own(MODEL_DIRECTORY, home))
    for key, read in (("cell_lines", read_cell_lines), ("tissues", read_tissues)):
        if key not in changed:
            with independent():
                read(getattr(config, key))


def _checked(
    values: Mapping[str, Any],
    layers: Sequence[YamlFile],
    home: Path | None,
    unseen: Sequence[str] | None = None,
) -> Project:
    config = _parsed(values, layers, home)
    checks = (
        check_worlds, check_genome, check_folds, _check_splits, _check_distances, _check_negatives,
        _check_evaluation, check_landscape, check_peers, check_lift_over, _check_paths,
    )  # fmt: skip
    for check in checks:
        with independent():
            check(config, layers)
    models: dict[str, ModelSettings] = {}
    encoders: dict[str, EncoderSettings] = {}
    cell_lines: tuple[CellLine, ...] = ()
    tissues: tuple[Tissue, ...] = ()
    with independent():
        models = _read_models(config, layers, shipped_or_own(MODEL_DIRECTORY, home))
        encoders = _read_encoders(models, shipped_or_own(ENCODER_DIRECTORY, home))
    with independent():
        cell_lines = with_unseen(read_cell_lines(config.cell_lines), unseen)
    with independent():
        tissues = read_tissues(config.tissues)
    settle()
    check_tissues(cell_lines, tissues, file=config.cell_lines, tissue_file=config.tissues)
    # The worlds of a benchmark say themselves which lines are unseen; the sheet need not.
    if config.worlds is None or any(world.unseen is None for world in config.worlds.values()):
        _check_roles(config, cell_lines)
    check_similarities(config.graph, layers, [row.cell_line for row in cell_lines])
    _check_cell_line_files(config, cell_lines)
    return Project(config, cell_lines, tissues, models, encoders)


def simulated_lines(cell_lines: Sequence[CellLine], directory: Path) -> list[CellLine]:
    """The rows whose files the simulation has to make, in the order of the sheet.

    A line with files of its own is not simulated, so adding one leaves the simulated world alone.
    """
    wanted = {
        path.relative_to(directory / "raw").parts[0]
        for row in cell_lines
        for path in row.files.values()
        if path.is_relative_to(directory / "raw")
    }
    return [row for row in cell_lines if row.cell_line in wanted]


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_simulated(config: Config, path: Path) -> bool:
    """Whether the simulation will make this file."""
    return config.simulation is not None and path.is_relative_to(SIMULATION_DIRECTORY)


def is_there(config: Config, path: Path) -> bool:
    """Whether a file exists, is lifted from another assembly, or can be fetched from a published source."""
    return path.is_file() or path in lifted_files(config) or source_of(config, path) is not None


def _check_splits(config: Config, files: Sequence[YamlFile]) -> None:
    home: dict[str, str] = {}
    world = config.simulation
    simulated = None if world is None else {f"chr{number + 1}" for number in range(world.n_chromosomes)}
    where = "splits" if config.splits.folds is None else "splits.folds"
    for split, chromosomes in config.splits.chromosomes.items():
        key: KeyPath = (*where.split("."), split)
        if not chromosomes:
            raise key_error(files, key, f"{where}.{split} names no chromosome", "name at least one")
        for position, name in enumerate(chromosomes):
            if (other := home.setdefault(name, split)) != split or chromosomes.count(name) > 1:
                raise key_error(
                    files,
                    (*key, position),
                    f"the chromosome {name!r} is in {where}.{other} and again in {where}.{split}",
                    "keep every chromosome in one split, or its pairs would leak from one to the other",
                )
            if simulated is not None and name not in simulated:
                raise key_error(
                    files,
                    (*key, position),
                    f"{where}.{split} names {name!r}, which the simulation does not make",
                    f"name chromosomes from chr1 to chr{len(simulated)}, or raise simulation.n_chromosomes",
                )


def _check_distances(config: Config, files: Sequence[YamlFile]) -> None:
    if config.labels.min_distance > config.labels.max_distance:
        raise key_error(
            files,
            ("labels", "min_distance"),
            f"labels.min_distance ({config.labels.min_distance}) is above labels.max_distance "
            f"({config.labels.max_distance}), so no pair would remain",
            "lower the one or raise the other",
        )


def _check_negatives(config: Config, files: Sequence[YamlFile]) -> None:
    if config.labels.negatives == "given" and config.labels.negatives_per_positive is not None:
        raise key_error(
            files,
            ("labels", "negatives_per_positive"),
            f"labels.negatives_per_positive is {config.labels.negatives_per_positive}, but labels.negatives "
            "is given, so none are made",
            "set it to null, or labels.negatives to natural, distance_matched or element_balanced",
        )


def _check_evaluation(config: Config, files: Sequence[YamlFile]) -> None:
    for key, names in (
        (("seeds",), config.seeds),
        (("evaluation", "roles"), config.evaluation.roles),
        (("evaluation", "chromosomes"), config.evaluation.chromosomes),
        (("evaluation", "contexts"), config.evaluation.contexts),
        (("evaluation", "support_sizes"), config.evaluation.support_sizes),
    ):
        _check_list(files, key, names)
    if config.genome is None:
        return
    headline, sizes = config.evaluation.headline_support, config.evaluation.support_sizes
    if headline == 0:
        raise key_error(
            files,
            ("evaluation", "headline_support"),
            "evaluation.headline_support is 0, which is for runs without a genome",
            f"choose one of {config.evaluation.drawn_sizes}",
        )
    if headline not in sizes:
        raise key_error(
            files,
            ("evaluation", "headline_support"),
            f"evaluation.headline_support is {headline}, which is not among evaluation.support_sizes {sizes}",
            f"add {headline} to evaluation.support_sizes, or choose one of them",
        )
    if (most := max(config.evaluation.drawn_sizes, default=0)) > config.shards.support_size:
        raise key_error(
            files,
            ("evaluation", "support_sizes"),
            f"evaluation.support_sizes asks for {most} elements, but shards.support_size stores "
            f"{config.shards.support_size} with each block",
            f"raise shards.support_size to {most}, or leave the larger sizes out",
        )


def _check_list(files: Sequence[YamlFile], key: KeyPath, names: Sequence[object]) -> None:
    name = ".".join(str(part) for part in key)
    if not names:
        raise key_error(files, key, f"{name} is an empty list", "name at least one")
    for position, value in enumerate(names):
        if value in names[:position]:
            raise key_error(files, (*key, position), f"{name} names {value!r} twice", "delete one of the two")


def _check_paths(config: Config, files: Sequence[YamlFile]) -> None:
    for key, path in all_named_files(config):
        if is_simulated(config, path) or is_there(config, path):
            continue
        with independent():
            name = f"{key[-1]} of lift_over.{key[1]}" if key[0] == "lift_over" else ".".join(map(str, key))
            raise key_error(
                files, key, f"{name} is {str(path)!r}, which {is_no_file(path)}", _mend_path(config, path)
            )


def _mend_path(config: Config, path: Path) -> str:
    if config.simulation is None and path.is_relative_to(SIMULATION_DIRECTORY):
        return "the simulation would make it, but it is switched off: name your own file here"
    return "correct the path (it starts at the working directory), or put the file there"


def _read_models(
    config: Config, files: Sequence[YamlFile], known: Mapping[str, Path]
) -> dict[str, ModelSettings]:
    """Settings of the models to run, from ``config/models``."""
    _check_list(files, ("models",), config.models)
    models: dict[str, ModelSettings] = {}
    for position, name in enumerate(config.models):
        key: KeyPath = ("models", position)
        if name in REFERENCE_MODELS:
            raise key_error(
                files, key, f"the name {name!r} is reserved for reference rows", "give the model another name"
            )
        if name not in known:
            raise key_error(
                files,
                key,
                f"the model {name!r} has no file {MODEL_DIRECTORY / name}.yaml" + did_you_mean(name, known),
                f"create the file, or choose from: {', '.join(sorted(known))}",
            )
        models[name] = _of_this_run(load_section(ModelSettings, known[name]), config)
        if not models[name].sequence and config.landscape is None:
            raise key_error(
                files,
                key,
                f"the model {name!r} reads no sequence, and there is no section landscape that it could read",
                "add the section, or leave the model out",
            )
    for role in ("baseline", "full_model"):
        name = getattr(config, role)
        if name not in config.models:
            raise key_error(
                files,
                (role,),
                f"{role} is {name!r}, which is not among the models to run"
                + did_you_mean(name, config.models),
                f"add {name!r} to models, or set {role} to one of: {', '.join(config.models)}",
            )
    return models


def _of_this_run(settings: ModelSettings, config: Config) -> ModelSettings:
    """What a model can be here: without the section landscape it reads none, without a genome no sequence."""
    lacking: dict[str, object] = {}
    if config.landscape is None:
        lacking["landscape"] = "none"
    if config.genome is None:
        lacking["sequence"] = False
    return settings.model_copy(update=lacking)


def _read_encoders(
    models: Mapping[str, ModelSettings], known: Mapping[str, Path]
) -> dict[str, EncoderSettings]:
    """Settings of the encoders that the models start from, from ``config/encoders``."""
    reading = {model: settings for model, settings in models.items() if settings.sequence}
    for model, settings in reading.items():
        if settings.encoder not in known:
            raise UserError(
                f"the encoder {settings.encoder!r} has no file {ENCODER_DIRECTORY / settings.encoder}.yaml"
                + did_you_mean(settings.encoder, known),
                mend=f"create the file, or choose from: {', '.join(sorted(known))}",
                file=MODEL_DIRECTORY / f"{model}.yaml",
            )
    names = sorted({settings.encoder for settings in reading.values()})
    return {name: load_section(EncoderSettings, known[name]) for name in names}


def _check_roles(config: Config, cell_lines: Sequence[CellLine]) -> None:
    roles = {row.role for row in cell_lines}
    if "train" not in roles:
        raise UserError(
            "no cell line has the role 'train'",
            mend="give at least one cell line the role 'train'",
            file=config.cell_lines,
        )
    if "unseen" in config.evaluation.roles and "unseen" not in roles:
        raise UserError(
            "no cell line has the role 'unseen', but evaluation.roles asks for unseen lines",
            mend="give a cell line the role 'unseen', or set evaluation.roles to [seen]",
            file=config.cell_lines,
        )


def _check_cell_line_files(config: Config, cell_lines: Sequence[CellLine]) -> None:
    for row in cell_lines:
        for column, path in row.files.items():
            with independent():
                _check_path_of_line(config, row, column, path, {line.cell_line for line in cell_lines})


def _check_path_of_line(config: Config, row: CellLine, column: str, path: Path, names: set[str]) -> None:
    if is_simulated(config, path):
        _check_simulated_path(config, row, column, path, names)
    elif not is_there(config, path):
        raise UserError(
            f"the {column} file {str(path)!r} of the cell line {row.cell_line!r} {is_no_file(path)}",
            mend=_mend_path(config, path),
            file=config.cell_lines,
            where=f"line {row.line}",
        )


def _check_simulated_path(config: Config, row: CellLine, column: str, path: Path, names: set[str]) -> None:
    """The simulation makes one file for each column and line of the sheet, and no others."""
    ending = SIMULATED_FILES.get(column, "")
    if not ending or path not in {SIMULATION_DIRECTORY / "raw" / name / ending for name in names}:
        own = SIMULATION_DIRECTORY / "raw" / row.cell_line / ending
        raise UserError(
            f"the simulation does not make {str(path)!r}, the {column} file of {row.cell_line!r}",
            mend=f"write {str(own) if ending else '.'!r} for simulated data, or the path of your own file",
            file=config.cell_lines,
            where=f"line {row.line}",
        )
