# What the rules ask of the configuration. Nothing here computes anything; it is read again by every job.

import json
import os
import re
import sys
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(CHECKOUT / "src"))
# Rules call `cbat`: the package of this checkout, in the environment of the rule.
os.environ.update(
    PATH=os.pathsep.join(
        [str(CHECKOUT / "workflow" / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    )
)

from cbat.cli import STAGES
from cbat.config.closure import code_digest, content_digest
from cbat.config.lifted import lifted_files
from cbat.config.models import law_of
from cbat.config.predicted_lines import (
    files_of_package,
    input_files,
    model_of,
    package_files,
    predicted_chromosomes,
    reads_sequences,
)
from cbat.config.predictions import PredictionSettings
from cbat.config.project import is_simulated, load_project, simulated_lines
from cbat.config.sheets import ELEMENT_SIGNALS, TRACK_KINDS
from cbat.config.shipped_files import of_module, with_shipped_files
from cbat.config.sources import read_sources, source_of
from cbat.errors import UserError
from cbat.files import sha256_of
from cbat.versions import software


def stop(message):
    """End without a traceback: the message says all there is to say."""
    print(f"\n{message}\n", file=sys.stderr)
    sys.exit(1)


# A workflow that uses this one as a module hands over its own configuration.
IS_MODULE = not Path(workflow.main_snakefile).resolve().is_relative_to(CHECKOUT)
try:
    if IS_MODULE:
        given = dict(config)
        config.clear()
        config.update(of_module(given, CHECKOUT / "config" / "config.yaml"))
    config.update(with_shipped_files(config, CHECKOUT))
except UserError as error:
    stop(f"Error in the configuration.\n{error}")
OVER_DEFAULT = [str(path) for path in workflow.config_settings.configfiles]
DEFAULT = [str(path) for path in workflow.configfiles if str(path) not in OVER_DEFAULT]
try:
    PROJECT = load_project(
        DEFAULT + OVER_DEFAULT,
        values=config,
        whose="configuration of the module" if IS_MODULE else "--config",
        home=CHECKOUT,
    )
except UserError as error:
    stop(f"Error in the configuration.\n{error}")


if PROJECT.config.landscape is None:
    # The default's goes with the simulation; the captions of the report ask here.
    config["landscape"] = None


# With `--cache`, and the folder that it asks for: see docs/reruns.md.
CACHED = workflow.enable_cache
CACHE = os.environ.get("SNAKEMAKE_OUTPUT_CACHE", "")
if CACHED and "://" not in CACHE and not Path(CACHE or "-").is_dir():
    stop(
        "Error in the environment.\n--cache keeps files in the folder SNAKEMAKE_OUTPUT_CACHE, which is"
        f" {repr(CACHE) + ', no folder' if CACHE else 'not set'}."
        " Fix: set it to a folder that exists, or leave --cache out."
    )


SOFTWARE = (
    {name: value for name, value in software().items() if name in ("python", "packages")} if CACHED else {}
)


def cache_key(wildcards, input):
    """What the cache has to know of a job besides code and settings; like :func:`sheet` no reason to run again.

    Of the files that are read Snakemake takes the contents and not which name has which, so that two files
    that were exchanged would look the same to it.
    """
    cohort = wildcards.get("cohort") or ("cell_line" in wildcards.keys() and cohort_of(wildcards))
    given = raw_files(cohort_rows(cohort)) if cohort else []
    there = [path for path in given if Path(path).is_file() and not is_simulated(PROJECT.config, Path(path))]
    return {"software": SOFTWARE, "raw": {path: known_hash(path) for path in there}} | dict(wildcards)


known_hash = lru_cache(sha256_of)


def one_of(names):
    """A wildcard constraint: whole names, nothing else."""
    return "|".join(re.escape(str(name)) for name in names)


def code(*modules):
    """What a stage runs, in one number: a parameter that no command prints, see `rows`.

    Not the files themselves, which would be newer than all results in a fresh copy of the checkout.
    """
    return code_digest(*modules)


def contents(folder, *patterns):
    """Files of the checkout that are no code of the package, in one number, for the same reason."""
    top = CHECKOUT / folder
    return content_digest([path for pattern in patterns for path in top.glob(pattern)], top)


def settings(section, *keys):
    """A section of the configuration as JSON, defaults included; or only the keys that a stage reads."""
    return getattr(PROJECT.config, section).model_dump_json(include=set(keys) or None)


def wanted(files, section, what):
    """The files of a target, or, where there are none, a message once somebody asks for it."""

    def nothing(wildcards):
        stop(
            f"The configuration has no section '{section}', so there is nothing to make. Fix: name {what} in it."
        )

    return files or nothing


def rows(cell_lines, *columns):
    """What a stage reads of its rows of the sheet, as JSON.

    A parameter that no command prints: the command names the sheet, and this makes Snakemake run it again
    when, and only when, one of these fields changes.
    """
    return json.dumps([row.model_dump(mode="json", include=set(columns)) for row in cell_lines])


def sheet(key):
    """The path of a sheet, of which :func:`rows` says what matters.

    Snakemake takes a parameter that may depend on the input for no reason to run again. So a line that is
    added to a copy of the sheet trains nothing anew.
    """
    return lambda wildcards, input: config[key]


def cohort_rows(cohort):
    """Rows of the cell lines that training may read (`training`), or must not (`unseen`)."""
    return [row for row in PROJECT.cell_lines if row.cohort == cohort]


COHORTS = sorted({row.cohort for row in PROJECT.labelled})


def scope_rows(scope):
    """Rows of the training cohort and of prototypes, or all."""
    return [row for row in PROJECT.cell_lines if scope == "all" or row.cohort in (scope, "prototype")]


def cohort_of(wildcards):
    """The cohort of the cell line that the wildcards name."""
    return PROJECT.row(wildcards.cell_line).cohort


def raw_files(cell_lines):
    """The files of pairs and candidates that rows of the sheet of cell lines name."""
    others = (*TRACK_KINDS, *ELEMENT_SIGNALS)
    named = [(row.files, kind) for row in cell_lines for kind in row.files if kind not in others]
    return sorted({str(files[kind]) for files, kind in named})


def track_files(row):
    """The files of peaks that a row names."""
    return sorted({str(path) for path in row.tracks.values()})


def signal_files(row):
    """The files of signals at candidates that a row names."""
    return sorted({str(path) for path in row.signals.values()})


def pair_files(row):
    """The files that the pairs of a row are read from: candidates tell the ends of loops and of a BEDPE."""
    laid_over = row.pairs_format in ("auto", "bedpe", "loops")
    return raw_files([row]) if laid_over else [str(row.pairs)]


def contig_names():
    """The table of contig names, if the configuration names one."""
    table = PROJECT.config.contig_names
    return [] if table is None else [str(table)]


PREPARED_GENOME = (
    ["results/genome/genome.fa", "results/genome/genome.fa.fai", "results/genome/contig_sizes.tsv"]
    if PROJECT.config.genome is not None
    else []
)


def contig_names_option(wildcards, input):
    """The option that hands the table to a stage."""
    return ["--contig-names", *input.contig_names] if input.contig_names else []


def memory(mb):
    """Memory of a job in MB, measured on the default benchmark; a job that is tried again gets more."""
    return lambda wildcards, attempt: mb * attempt


def minutes(n):
    """Time that a scheduler may give a job, min; a job that is tried again gets more."""
    return lambda wildcards, attempt: n * attempt


def published(wildcards):
    """The row of the registry of a file."""
    return source_of(PROJECT.config, Path("resources/downloads", wildcards.file))


def listed():
    """Names of the files that the registry has; a registry that nobody needs may be missing."""
    try:
        return {source.file for source in read_sources(PROJECT.config.retrieval.sources)}
    except UserError:
        return set()


LISTED = listed()
# Files that are there and that no rule may make. A file of the user's own has no row in the registry. The cache
# knows a file that a rule makes by the rule, and one that is there by its content, which may be another.
DOWNLOADED = [
    path.name for path in Path("resources/downloads").glob("*") if CACHED or path.name not in LISTED
]


# Files that are made of files of another assembly.
LIFTED = {str(path): lift for path, lift in lifted_files(PROJECT.config).items()}


def lift_of(wildcards):
    """What a lifted file is made of."""
    return LIFTED[wildcards.lifted]


SHARD_FILES = [
    "manifest.json",
    "elements.parquet",
    "enhancer_codes.npy",
    "pairs.parquet",
    "promoter_codes.npy",
    "support.npy",
]
ENCODER_FILES = ["encoder.safetensors", "encoder.json"]
MODEL_FILES = ["model.safetensors", "model.json"]


def shards(cell_lines):
    """All files of the shards of these cell lines."""
    return expand("results/shards/{cell_line}/{file}", cell_line=cell_lines, file=SHARD_FILES)


def elements_of(cohort):
    """All tables of the elements of a cohort."""
    tables = ["enhancer", "promoter", "candidates"]
    return expand("results/elements/{cohort}/{table}.parquet", cohort=cohort, table=tables)


def sequences_of(cohort):
    """All files of the sequences of a cohort; none without a genome."""
    arrays = ["enhancer.npy", "promoter.npy", "manifest.json"] if PREPARED_GENOME else []
    return expand("results/sequences/{cohort}/{array}", cohort=cohort, array=arrays)


def elements_and_sequences(cohort):
    """All files of the elements of a cohort and of their sequences."""
    return elements_of(cohort) + sequences_of(cohort)


LANDSCAPE_FILES = [
    "own.parquet",
    "graph.parquet",
    "wrong.parquet",
    "sibling.parquet",
    "static.parquet",
    "abc.parquet",
    "pairs.parquet",
    "report.json",
]


def signals_of(wildcards):
    """The ranked signals of a line at its enhancers; none for a line that has none."""
    there = wildcards.cell_line in SIGNALLED
    return [f"results/signals/{wildcards.cell_line}.parquet"] if there else []


def landscapes(cell_lines):
    """All files of the landscapes of these cell lines; none without the section `landscape`."""
    files = LANDSCAPE_FILES if PROJECT.config.landscape is not None else []
    return expand("results/landscape/{cell_line}/{file}", cell_line=cell_lines, file=files)


def landscape_folders(cell_lines):
    """The folder of the landscape of each of these cell lines, as an option takes them."""
    return [f"{name}=results/landscape/{name}" for name in cell_lines]


def stand_ins(wildcards):
    """Context -> the line whose tracks stand in for the own ones, where the configuration asks for that.

    For a line of the training none is taken that is unseen, or that one would change what is trained on. A
    prototype may stand in unless a model reads sequences, whose support sets come from the same lines.
    """
    cohort = "training" if cohort_of(wildcards) == "training" else None
    prototypes = not PROJECT.sequence_models
    asked = {"wrong": PROJECT.wrong_line, "sibling": PROJECT.sibling_line}
    found = {
        context: line(wildcards.cell_line, cohort, prototypes=prototypes)
        for context, line in asked.items()
        if context in PROJECT.config.evaluation.contexts
    }
    return {context: name for context, name in found.items() if name is not None}


EXPECTED_FROM = PROJECT.names("train", "prototype")
# Lines whose tracks are read.
TRACKED = PROJECT.names() + PROJECT.names("prototype") if PROJECT.config.landscape is not None else []

# Lines whose signals at candidates are read.
SIGNALLED = [
    row.cell_line for row in PROJECT.labelled if row.signals and PROJECT.config.landscape is not None
]


def lines_beside(wildcards):
    """The lines whose tracks the landscape of a line is made from, itself first."""
    others = [*EXPECTED_FROM, *stand_ins(wildcards).values()]
    return list(dict.fromkeys([wildcards.cell_line, *others]))


def law_file(model):
    """The law of the landscape of a model; none without the section `landscape`."""
    laws = [law_of(PROJECT.models[model])] if PROJECT.config.landscape is not None else []
    return expand("results/laws/{law}/law.json", law=laws)


def role_of(wildcards):
    """Whether models have seen the cell line in training."""
    return "unseen" if cohort_of(wildcards) == "unseen" else "seen"


def truth_of(wildcards):
    """The hidden truth of a simulated line; nothing for a real one."""
    return expand(
        "results/simulation/truth/{cell_line}.parquet", cell_line={wildcards.cell_line} & {*SIMULATED}
    )


def wrong_lines(wildcards):
    """The cell line whose support set stands in as the wrong one, if the configuration asks for that."""
    wanted = "wrong" in PROJECT.config.evaluation.contexts
    return [name for name in [PROJECT.wrong_line(wildcards.cell_line)] if wanted and name is not None]


def sibling_lines(wildcards):
    """The cell line of the same tissue whose support set stands in, if the configuration asks for that."""
    wanted = "sibling" in PROJECT.config.evaluation.contexts
    return [name for name in [PROJECT.sibling_line(wildcards.cell_line)] if wanted and name is not None]


PEERS = PROJECT.config.evaluation.peers
PEER_OPTIONS = ["--peers", *(f"{name}={path}" for name, path in PEERS.items())] if PEERS else []


def evaluations(file, models=PROJECT.config.models):
    """One file of each evaluation: of every model, seed and cell line that the configuration asks for."""
    return expand(
        "results/evaluation/{model}/seed_{seed}/{cell_line}/{file}",
        model=models,
        seed=PROJECT.config.seeds,
        cell_line=PROJECT.evaluated(),
        file=file,
    )


def compared(file):
    """One file of each evaluation of the baseline and of the full model."""
    return evaluations(file, sorted({PROJECT.config.baseline, PROJECT.config.full_model}))


# The model that the summary presents, if it reads sequences: then it is packed, and its environment is read out.
PRESENTED = [name for name in [PROJECT.config.full_model] if name in PROJECT.sequence_models]
HEADLINE_KEYS = ["roles", "chromosomes", "headline_support", "headline_negatives"]
REFERENCES = expand("results/evaluation/reference/{cell_line}/metrics.tsv", cell_line=PROJECT.evaluated())
SIMULATED_OPTION = [] if PROJECT.config.simulation is None else ["--simulated"]
SIMULATED_ROWS = simulated_lines(PROJECT.cell_lines, Path("results/simulation"))
SIMULATED = [row.cell_line for row in SIMULATED_ROWS] if PROJECT.config.simulation is not None else []
FIGURE_PARAMS = {
    "settings": settings("evaluation", *HEADLINE_KEYS),
    "figures": settings("figures"),
    "baseline": PROJECT.config.baseline,
    "full_model": PROJECT.config.full_model,
}
WORLD_FILES = [
    "summary/metrics.tsv",
    "summary/summary.txt",
    "summary/ablations.tsv",
    "summary/grid.tsv",
    "summary/landscape_sources.tsv",
    "summary/peers.tsv",
    "report.html",
]
BENCHMARK = expand(
    "results/worlds/{world}/{file}", world=PROJECT.worlds, file=[*WORLD_FILES, "summary/summary.tsv"]
)
WANTED = "benchmark_results" if PROJECT.worlds else "results"


def settings_of(project):
    """All that is configured, defaults included: the configuration, its sheets, models and encoders, as JSON."""
    sheets = [*project.cell_lines, *project.tissues]
    named = [project.config, *sheets, *project.models.values(), *project.encoders.values()]
    return [one.model_dump_json() for one in named]


def world_inputs(wildcards):
    """Files of the user that a world reads: a change lets it look for what to do."""
    project = PROJECT.worlds[wildcards.world].project
    own = [path for path in project.files() if not is_simulated(project.config, path)]
    return sorted({str(path) for path in own})


def world_settings(wildcards):
    """All that a world is configured by, for the same reason."""
    return settings_of(PROJECT.worlds[wildcards.world].project)


def nested_options():
    """How the worlds' jobs find their software: as those of this run do."""
    methods = sorted(
        method.name.lower().replace("_", "-") for method in workflow.deployment_settings.deployment_method
    )
    prefix = workflow.deployment_settings.conda_prefix or Path(".snakemake") / "conda"
    return (
        [f"software-deployment-method={method}" for method in methods]
        + [f"conda-prefix={Path(prefix).absolute()}"]
        if methods
        else []
    )


PEAK_OVERLAPS = PROJECT.config.graph.peak_overlaps
EXPRESSION_CORRELATIONS = PROJECT.config.graph.expression_correlations


def peaks_of(wildcards):
    """The settings of a comparison of peaks, with the lines of the scope alone."""
    overlap = PEAK_OVERLAPS[wildcards.comparison]
    names = [row.cell_line for row in scope_rows(wildcards.scope) if row.cell_line in overlap.peaks]
    return overlap.model_copy(update={"peaks": {name: overlap.peaks[name] for name in names}})


def expression_of(wildcards):
    """The settings of a comparison of expression, with the lines of the scope alone."""
    correlation = EXPRESSION_CORRELATIONS[wildcards.comparison]
    names = [row.cell_line for row in scope_rows(wildcards.scope) if row.cell_line in correlation.columns]
    return correlation.model_copy(update={"columns": {name: correlation.columns[name] for name in names}})


PREDICTIONS = PROJECT.config.predictions or {}
PREDICTED_CHROMOSOMES = sorted(
    {chrom for one in PREDICTIONS.values() for chrom in predicted_chromosomes(PROJECT.config, one)}
)
PREDICTION_FILES = [
    "predictions.bedpe.gz",
    "predictions.bedpe.gz.tbi",
    "contacts.bedpe",
    "contacts.interact",
    "contacts.longrange.gz",
    "contacts.longrange.gz.tbi",
    "genes.tsv",
    "enhancers.tsv",
    "summary.tsv",
]
# A law of the landscape draws no support set, whose tables are the others.
LANDSCAPE_READING_FILES = ["environment.json", "calibration.json"]
READING_FILES = [*LANDSCAPE_READING_FILES, "posterior.tsv", "motifs.tsv", "support.tsv"]
LINES_OF_SEQUENCES = [line for line, one in PREDICTIONS.items() if reads_sequences(PROJECT, one)]
LINES_OF_LAWS = [line for line in PREDICTIONS if line not in LINES_OF_SEQUENCES]
PREDICTED = [
    f"results/predictions/{line}/{file}"
    for line in PREDICTIONS
    for file in [
        *PREDICTION_FILES,
        *(READING_FILES if line in LINES_OF_SEQUENCES else LANDSCAPE_READING_FILES),
        "index.html",
    ]
] + [
    f"results/predictions/{line}/pairs/{chromosome}.parquet"
    for line, prediction in PREDICTIONS.items()
    for chromosome in predicted_chromosomes(PROJECT.config, prediction)
]
PACKAGES = expand(
    "results/packages/{model}/seed_{seed}/{file}",
    model=PROJECT.config.full_model,
    seed=PROJECT.config.seeds,
    file=files_of_package(PROJECT, PROJECT.config.full_model),
)


def packed(sequence):
    """All files of a model directory of this run."""
    files = package_files(sequence=sequence, landscape=PROJECT.config.landscape is not None)
    return [f"results/packages/{{model}}/seed_{{seed}}/{file}" for file in files]


def packed_landscape(wildcards):
    """What a model directory carries of the landscape, by name; nothing without the section `landscape`."""
    if PROJECT.config.landscape is None:
        return {}
    return {
        "law": law_file(wildcards.model),
        "graph": "results/graph/training/graph.json",
        "genes": "results/genes/genes.parquet",
        "tracks": expand("results/tracks/{cell_line}.parquet", cell_line=EXPECTED_FROM),
        "landscapes": landscapes(PROJECT.names("train", "validation")),
    }


def landscape_options(wildcards, input):
    """The options that hand it over."""
    if PROJECT.config.landscape is None:
        return []
    tracks = [f"{name}=results/tracks/{name}.parquet" for name in EXPECTED_FROM]
    folders = landscape_folders(PROJECT.names("train", "validation"))
    files = ["--law", *input.law, "--graph", input.graph, "--genes", input.genes]
    expectation = ["--expectation", PROJECT.config.landscape.expectation]
    return [*files, *expectation, "--tracks", *tracks, "--landscapes", *folders]


def prediction_of(wildcards):
    """The settings of a prediction, with the chromosomes that the workflow predicts."""
    prediction = PREDICTIONS[wildcards.predicted_line]
    return prediction.model_copy(update={"chromosomes": predicted_chromosomes(PROJECT.config, prediction)})


def prediction_settings(*left_out):
    """The settings of a prediction that a stage reads, as JSON."""
    keys = set(PredictionSettings.model_fields) - set(left_out)
    return lambda wildcards: prediction_of(wildcards).model_dump_json(include=keys)


def prediction_inputs(wildcards):
    """The files that a prediction is made from, by name; the genome of the run where it names none."""
    prediction = prediction_of(wildcards)
    named = {key.replace(".", "_"): str(path) for key, path in input_files(prediction).items()}
    named.setdefault("promoters", named.get("genes"))
    for table in contig_names():
        named.setdefault("contig_names", table)
    motifs = PROJECT.config.landscape and PROJECT.config.landscape.insulator_motifs
    if motifs and "insulators" in prediction.tracks:
        named.setdefault("insulator_motifs", str(motifs))
    if "genome" not in named and PREPARED_GENOME:
        named |= {"genome": "results/genome/genome.fa", "genome_index": "results/genome/genome.fa.fai"}
    return named


def prediction_options(wildcards):
    """Options that hand over the files that a prediction need not name."""
    named = prediction_inputs(wildcards)
    tracks = [f"{kind}={path}" for kind, path in prediction_of(wildcards).tracks.items()]
    options = {
        "contig_names": "contig-names",
        "calibrate": "calibration-pairs",
        "insulator_motifs": "insulator-motifs",
    }
    optional = [
        *("genome", "contig_names", "similarity", "support", "calibrate", "genes", "insulator_motifs"),
        "expressed",
    ]
    given = [(options.get(key, key), named[key]) for key in optional if key in named]
    signals = [f"{name}={path}" for name, path in prediction_of(wildcards).element_signals.items()]
    return (
        [part for option, path in given for part in (f"--{option}", path)]
        + (["--tracks", *tracks] if tracks else [])
        + (["--element-signals", *signals] if signals else [])
    )


def prepared_line(wildcards, *more):
    """What the preparation of a line leaves for later stages, and some more files of its folder."""
    line = wildcards.predicted_line
    files = ["prepared/enhancer.parquet", "prepared/promoter.parquet", "prepared/plan.json", *more]
    if line in LINES_OF_SEQUENCES:
        files += ["genome/genome.fa", "genome/genome.fa.fai", "genome/contig_sizes.tsv"]
    else:
        files += [
            f"prepared/{file}"
            for file in ("landscape.json", "genes.parquet", "signals.parquet", "tracks.parquet")
        ]
    return [f"results/predictions/{line}/{file}" for file in files]


def prediction_model(wildcards):
    """Where the model of a prediction lies, and the files to wait for."""
    return model_of(PROJECT, PREDICTIONS[wildcards.predicted_line])


def scored_pairs_of(wildcards):
    """Scored pairs of all chromosomes of a prediction, in the order of its tables."""
    return expand(
        "results/predictions/{predicted_line}/pairs/{chromosome}.parquet",
        predicted_line=wildcards.predicted_line,
        chromosome=prediction_of(wildcards).chromosomes,
    )


SOURCES_LABEL = "Conserved, or the line's own"


def shown_tables():
    """Tables of the report: path below results/, category, caption and the name by which the report lists it."""
    landscape = PROJECT.config.landscape is not None
    if PROJECT.worlds:
        if WEIGHED:
            yield "summary/benchmark", "Benchmark", "benchmark", "What is claimed"
        if HOLDING_OUT:
            yield "summary/held_out_lines", "Cell lines held out", "held_out_lines", "Cell lines held out"
            if PEERS:
                yield "summary/held_out_peers", "Cell lines held out", "peers", "Other tools"
            if landscape:
                yield "summary/held_out_sources", "Cell lines held out", "landscape_sources", SOURCES_LABEL
        for world in PROJECT.worlds:
            yield f"worlds/{world}/summary/summary", "Worlds", "summary", world
        return
    yield "summary/summary", "Unseen cell lines", "summary", "Summary"
    yield "summary/ablations", "What each part is worth", "ablations", "Every model of this run"
    yield "summary/grid", "Accuracy", "grid", "Seen and unseen"
    if PEERS:
        yield "summary/peers", "Accuracy", "peers", "Other tools"
    if landscape:
        yield "summary/landscape_sources", "Is the environment used?", "landscape_sources", SOURCES_LABEL
    yield "summary/inputs", "Labels", "inputs", "Inputs"
    for model in PRESENTED:
        for seed in PROJECT.config.seeds:
            of, where = f"{model}, seed {seed}", f"readout/{model}/seed_{seed}"
            yield f"{where}/deviating_motifs", "Environment", "deviating_motifs", f"Deviating motifs, {of}"
            yield (
                f"{where}/calibration", "Environment", "readout_calibration",
                f"Calibration of the read-out, {of}",
            )  # fmt: skip
    if IDENTIFICATION:
        where = str(Path(IDENTIFICATION[0]).parent.relative_to("results"))
        yield f"{where}/identification", "Environment", "identification", "Is the cell line identified?"
        yield f"{where}/motifs", "Environment", "identifying_motifs", "Motifs that identify cell lines"
