"""What a message about sheets, registry and configuration advises is done as it says, and helps."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from advice import advised
from small_project import ProjectFiles, write_project

from cbat.config.documentation import fill_tables
from cbat.config.load import load_config, load_section
from cbat.config.project import load_project
from cbat.config.sections import GraphSettings
from cbat.config.sheets import find_cell_line, read_tissues
from cbat.config.shipped_files import of_module
from cbat.config.shipped_models import asked_for
from cbat.config.sources import COLUMNS, find_source, read_sources
from cbat.config.yaml_files import read_yaml
from cbat.errors import UserError
from cbat.graph.build import check_names, check_parents, read_similarity

CONFIG = "config/config.yaml"
LINES = "config/cell_lines.tsv"
TISSUES = "config/tissues.tsv"
Change = Callable[[ProjectFiles], object]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFiles:
    monkeypatch.chdir(tmp_path)
    files = write_project(tmp_path)
    files.write("my.yaml", "{}\n")
    return files


def load() -> object:
    return load_project([CONFIG, "my.yaml"])


def edit(name: str, *changes: tuple[str, str]) -> Change:
    """Replace words of a file."""

    def change(files: ProjectFiles) -> None:
        for old, new in changes:
            files.edit(name, old, new)

    return change


def my(text: str) -> Change:
    return lambda files: files.write("my.yaml", text)


def lines(*rows: str, header: str = "") -> Change:
    """Add rows to the sheet, with fields that spaces separate, and columns to its header."""

    def change(files: ProjectFiles) -> None:
        old = (files.directory / LINES).read_text().splitlines()
        wide = len(header.split())
        if wide:
            old = [
                "\t".join([old[0], *header.split()]),
                *("\t".join([row, *["."] * wide]) for row in old[1:]),
            ]
        files.write(LINES, "\n".join([*old, *("\t".join(row.split()) for row in rows)]) + "\n")

    return change


def all_of(*changes: Change) -> Change:
    return lambda files: [change(files) for change in changes]


def without_line(name: str, number: int) -> Change:
    def change(files: ProjectFiles) -> None:
        rows = (files.directory / name).read_text().splitlines(keepends=True)
        files.write(name, "".join(rows[: number - 1] + rows[number:]))

    return change


def columns(text: str, *, drop: int = 0, at: str | None = None) -> str:
    """A table with its last columns dropped, or all of them filled with ``at``."""
    rows = [row.split("\t") for row in text.splitlines()]
    return "".join("\t".join(row[: len(row) - drop] + ([] if at is None else [at])) + "\n" for row in rows)


def rewritten(name: str, change: Callable[[str], str]) -> Change:
    return lambda files: files.write(name, change((files.directory / name).read_text()))


def cut_last(text: str) -> str:
    return columns(text, drop=1)


def add_column(name: str, value: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        head, *rest = text.splitlines()
        return "\n".join([f"{head}\t{name}", *(f"{row}\t{value}" for row in rest)]) + "\n"

    return change


DATA = "data/K562.csv"
PROTOTYPE = "proto blood prototype female normal . auto . ."
SIMULATION = "simulation: {n_chromosomes: 4}\ngenome: {fasta: results/simulation/genome.fa.gz}\n"

SHEETS: dict[str, tuple[Change, str, Change]] = {
    # Sheets as files.
    "a sheet that is not there": (
        lambda f: (f.directory / LINES).rename(f.directory / "moved.tsv"),
        "correct its path in the configuration (paths start at the working directory)",
        my("cell_lines: moved.tsv\n"),
    ),
    "an empty sheet": (
        lambda f: (shutil.copy(f.directory / TISSUES, "kept"), f.write(TISSUES, "")),
        "start it with a header line of column names",
        lambda f: f.write(TISSUES, Path("kept").read_text()),
    ),
    "a sheet in another encoding": (
        lambda f: (f.directory / TISSUES).write_bytes((f.directory / TISSUES).read_bytes() + b"# \xe9\n"),
        "save it as a plain UTF-8 text file",
        lambda f: f.write(TISSUES, (f.directory / TISSUES).read_bytes().decode("latin1")),
    ),
    "a header with commas": (
        rewritten(TISSUES, lambda text: text.replace("\t", ",")),
        "separate the columns with tabs, starting with the header",
        rewritten(TISSUES, lambda text: text.replace(",", "\t")),
    ),
    "a column that is unknown": (
        edit(LINES, ("pairs_format", "format")),
        "rename or delete it; the columns are: cell_line, tissue, role, sex, condition, pairs, pairs_format",
        edit(LINES, ("\tformat", "\tpairs_format")),
    ),
    "a column twice": (
        rewritten(LINES, add_column("sex", "female")),
        "delete one of the two",
        rewritten(LINES, cut_last),
    ),
    "a column that is missing": (
        rewritten(TISSUES, cut_last),
        "add it to the header and to every row",
        rewritten(TISSUES, add_column("parent", ".")),
    ),
    "a header alone": (
        rewritten(TISSUES, lambda text: text.splitlines()[0] + "\n"),
        "add one row for each tissue",
        rewritten(TISSUES, lambda text: text + "blood\tmesoderm\t.\nskin\tectoderm\t.\n"),
    ),
    "a field too few": (
        edit(LINES, ("\t.\tdata/K562.bed", "\tdata/K562.bed")),
        "separate the fields with single tabs and write '.' in empty fields",
        edit(LINES, ("\tdata/K562.bed", "\t.\tdata/K562.bed")),
    ),
    "a field that is empty": (
        edit(LINES, ("\t.\tdata/K562.bed", "\t\tdata/K562.bed")),
        "write '.' where the column allows it",
        edit(LINES, ("\t\tdata/K562.bed", "\t.\tdata/K562.bed")),
    ),
    "a name twice": (
        lines("K562 blood train female cancer data/K562.bed targetfinder . ."),
        "or delete one of the two",
        without_line(LINES, 5),
    ),
    # Their rows.
    "a role that is none": (
        edit(LINES, ("\ttrain\t", "\ttrian\t")),
        "write one of: train, validation, unseen",
        edit(LINES, ("\ttrian\t", "\ttrain\t")),
    ),
    "a name with a slash": (
        edit(LINES, ("K562\t", "../K562\t")),
        "use letters, digits, '_', '-' and '+' only",
        edit(LINES, ("../K562\t", "K562\t")),
    ),
    "a threshold that is no number": (
        all_of(lines(header="score_threshold"), edit(LINES, ("K562.bed\t.", "K562.bed\tmany"))),
        "or '.' for none",
        edit(LINES, ("\tmany", "\t.")),
    ),
    "a reserved name": (
        edit(LINES, ("K562\t", "macro\t")),
        "choose another name",
        edit(LINES, ("macro\t", "K562\t")),
    ),
    "pairs of another line": (
        edit(LINES, ("data/IMR90.csv", DATA)),
        "name the line's own file",
        edit(LINES, (DATA + "\ttargetfinder\t.\t.", "data/IMR90.csv\ttargetfinder\t.\t.")),
    ),
    "pairs of another line, and no own ones": (
        edit(LINES, ("data/IMR90.csv", DATA)),
        "or delete one of the two rows",
        without_line(LINES, 3),
    ),
    "no pairs": (edit(LINES, (DATA, ".")), "name a file", edit(LINES, ("cancer\t.", f"cancer\t{DATA}"))),
    "a prototype with pairs": (
        lines(PROTOTYPE.replace(". auto", "data/K562.bed auto") + " data/K562.bed", header="insulators"),
        "write '.' there",
        edit(LINES, ("data/K562.bed\tauto", ".\tauto")),
    ),
    "a prototype with a format": (
        lines(PROTOTYPE.replace("auto", "cbat") + " data/K562.bed", header="insulators"),
        "write 'auto' as pairs_format",
        edit(LINES, ("cbat", "auto")),
    ),
    "a prototype without tracks": (
        lines(PROTOTYPE),
        "name peaks in one of the columns active_enhancers, active_promoters, insulators, or delete the row",
        without_line(LINES, 5),
    ),
    "scores without a threshold": (
        edit(LINES, (DATA + "\ttargetfinder", DATA + "\tabc")),
        "add the column score_threshold, with the lowest score of a contact in this row",
        all_of(lines(header="score_threshold"), edit(LINES, ("K562.bed\t.", "K562.bed\t0.5"))),
    ),
    "a threshold without scores": (
        all_of(lines(header="score_threshold"), edit(LINES, ("K562.bed\t.", "K562.bed\t0.5"))),
        "write '.' there",
        edit(LINES, ("\t0.5", "\t.")),
    ),
    "a column of scores without scores": (
        all_of(lines(header="score_column"), edit(LINES, ("K562.bed\t.", "K562.bed\tscore"))),
        "write '.' there",
        edit(LINES, ("K562.bed\tscore", "K562.bed\t.")),
    ),
    "loops without candidates": (
        edit(LINES, (DATA + "\ttargetfinder", DATA + "\tloops")),
        "name a BED in the columns enhancers and promoters",
        edit(LINES, ("loops\t.", "loops\tdata/K562.bed")),
    ),
    "one file as two tracks": (
        lines(PROTOTYPE + " data/p.bed data/p.bed", header="insulators active_promoters"),
        "or write '.' for the one that the line lacks",
        all_of(
            lambda f: f.write("data/p.bed", ""),
            edit(LINES, ("data/p.bed\tdata/p.bed", "data/p.bed\t.")),
        ),
    ),
    "the tracks of another line": (
        all_of(
            lambda f: f.write("data/p.bed", ""),
            lines(PROTOTYPE + " data/p.bed", header="insulators"),
            edit(LINES, ("K562.bed\t.", "K562.bed\tdata/p.bed")),
        ),
        "or write '.' for a kind of track that it lacks",
        edit(LINES, ("K562.bed\tdata/p.bed", "K562.bed\t.")),
    ),
    # What sheets and files say together.
    "a tissue that is not in the sheet": (
        edit(LINES, ("\tblood", "\tbone")),
        "add a row for 'bone' to config/tissues.tsv",
        rewritten(TISSUES, lambda text: text + "bone\tmesoderm\t.\n"),
    ),
    "a parent that is not in the sheet": (
        edit(TISSUES, ("mesoderm\t.", "mesoderm\tbody")),
        "or write '.' for no parent",
        edit(TISSUES, ("mesoderm\tbody", "mesoderm\t.")),
    ),
    "no line to train with": (
        edit(LINES, ("\ttrain\t", "\tvalidation\t")),
        "give at least one cell line the role 'train'",
        edit(LINES, ("IMR90\tskin\tvalidation", "IMR90\tskin\ttrain")),
    ),
    "no unseen line": (
        edit(LINES, ("\tunseen\t", "\ttrain\t")),
        "or set evaluation.roles to [seen]",
        my("evaluation: {roles: [seen]}\n"),
    ),
    "a file that is not there": (
        edit(LINES, (DATA, "data/K562_pairs.csv")),
        "correct the path (it starts at the working directory), or put the file there",
        edit(LINES, ("data/K562_pairs.csv", DATA)),
    ),
    "a file that the simulation does not make": (
        all_of(my(SIMULATION), edit(LINES, (DATA, "results/simulation/raw/K526/pairs.tsv.gz"))),
        "write 'results/simulation/raw/K562/pairs.tsv.gz' for simulated data",
        edit(LINES, ("raw/K526/", "raw/K562/")),
    ),
    "a column that the simulation does not fill": (
        all_of(
            my(SIMULATION),
            lines(header="accessibility"),
            edit(LINES, ("K562.bed\t.", "K562.bed\tresults/simulation/raw/K562/signal.bw")),
        ),
        "write '.' for simulated data",
        edit(LINES, ("\tresults/simulation/raw/K562/signal.bw", "\t.")),
    ),
    "an encoder without a file": (
        edit("config/models/baseline.yaml", ("small", "smal")),
        "or choose from: small",
        edit("config/models/baseline.yaml", ("smal", "small")),
    ),
    "a file where rules write": (
        all_of(lambda f: f.write("results/K562.csv", "mine\n"), edit(LINES, (DATA, "results/K562.csv"))),
        "move it to another folder, such as resources, and name it there",
        all_of(
            lambda f: (Path("resources").mkdir(), Path("results/K562.csv").rename("resources/K562.csv")),
            edit(LINES, ("results/K562.csv", "resources/K562.csv")),
        ),
    ),
    "a file that would be lifted over": (
        all_of(
            lambda f: (f.write("my.chain", ""), f.write("data/old.bed", ""), f.write("lifted.bed", "mine")),
            my("lift_over: {lifted.bed: {chain: my.chain, from: data/old.bed}}\n"),
        ),
        "or name another file in lift_over",
        my("lift_over: {lifted_2.bed: {chain: my.chain, from: data/old.bed}}\n"),
    ),
    # The configuration.
    "a key that is unknown": (
        my("sedes: [1]\n"),
        "rename or delete it; the top-level keys are: ",
        my("seeds: [1]\n"),
    ),
    "a key that is not below its section": (
        my("seeds: [1]\nblock_size: 3\n"),
        "rename or delete it",
        my("seeds: [1]\n"),
    ),
    "a list that is a number": (my("seeds: 1\n"), "write a list: [1]", my("seeds: [1]\n")),
    "a number too low": (
        my("shards: {block_size: 0}\n"),
        "write a number greater than or equal to 1",
        my("shards: {block_size: 1}\n"),
    ),
    "a choice that is none": (
        my("simulation: {world: cooperativ}\n"),
        "write one of: ",
        my("simulation: {world: cooperative}\n"),
    ),
    "a group that is a number": (
        my("shards: 3\n"),
        "write its keys indented below it",
        my("shards:\n  block_size: 3\n"),
    ),
    "a key that is missing": (
        edit(CONFIG, ("  validation: [chr3]\n", "")),
        "add 'splits.validation' with its value",
        edit(CONFIG, ("  test: [chr4]\n", "  test: [chr4]\n  validation: [chr3]\n")),
    ),
    "a key twice": (
        my("seeds: [1]\nseeds: [2]\n"),
        "delete one of the two; only the last would count",
        my("seeds: [2]\n"),
    ),
    "a bracket that is not closed": (
        my("seeds: [1\nbaseline: baseline\n"),
        "check indentation, colons and quotes there",
        my("seeds: [1]\nbaseline: baseline\n"),
    ),
    "a list in place of keys": (my("- 1\n"), "write lines such as 'seeds: [1]'", my("seeds: [1]\n")),
    "a configuration in another encoding": (
        lambda f: Path("my.yaml").write_bytes(b"seeds: [1] # \xe9\n"),
        "save it as UTF-8 text",
        my("seeds: [1] # é\n"),
    ),
    "a control character in the configuration": (
        lambda f: Path("my.yaml").write_bytes(b"seeds: [1] # \x07\n"),
        "take out what is named there",
        my("seeds: [1] # \n"),
    ),
    # What several keys say together.
    "bounds the wrong way round": (
        my("labels: {min_distance: 9, max_distance: 5}\n"),
        "lower the one or raise the other",
        my("labels: {min_distance: 5, max_distance: 9}\n"),
    ),
    "a list without a word": (
        my("models: []\n"),
        "name at least one",
        my("models: [baseline, graph_manifold]\n"),
    ),
    "a model twice": (
        my("models: [baseline, graph_manifold, baseline]\n"),
        "delete one of the two",
        my("models: [baseline, graph_manifold]\n"),
    ),
    "a chromosome in two splits": (
        my("splits: {test: [chr3]}\n"),
        "keep every chromosome in one split",
        my("splits: {test: [chr4]}\n"),
    ),
    "a split without chromosomes": (
        my("splits: {test: []}\n"),
        "name at least one",
        my("splits: {test: [chr4]}\n"),
    ),
    "a support set that is not measured": (
        my("evaluation: {headline_support: 8}\n"),
        "add 8 to evaluation.support_sizes",
        my("evaluation: {headline_support: 8, support_sizes: [0, 8]}\n"),
    ),
    "a model without a file": (
        my("models: [basline]\nbaseline: basline\nfull_model: basline\n"),
        "or choose from: baseline, graph_manifold",
        my("models: [baseline]\nbaseline: baseline\nfull_model: baseline\n"),
    ),
    "a genome that is not there": (
        my("genome: {fasta: hg19.fa}\n"),
        "correct the path (it starts at the working directory)",
        my("genome: {fasta: genome.fa}\n"),
    ),
}


@pytest.mark.parametrize("case", SHEETS)
def test_a_project(files: ProjectFiles, case: str) -> None:
    spoil, told, mend = SHEETS[case]
    load()
    spoil(files)
    advised(load, told, lambda: mend(files))


def test_parents_in_a_circle(files: ProjectFiles) -> None:
    edit(TISSUES, ("mesoderm\t.", "mesoderm\tskin"), ("ectoderm\t.", "ectoderm\tblood"))(files)
    advised(
        lambda: check_parents(read_tissues(TISSUES), file=TISSUES),
        "write '.' as the parent of the most general tissue",
        lambda: edit(TISSUES, ("mesoderm\tskin", "mesoderm\t."))(files),
    )


def test_a_configuration_that_is_not_there(files: ProjectFiles) -> None:
    given = ["config/confg.yaml"]
    advised(
        lambda: load_config(given),
        "create it, or correct its path",
        lambda: given.__setitem__(0, CONFIG),
    )


def test_a_section_that_is_no_json(files: ProjectFiles) -> None:
    given: list[str | Path] = ["{sections"]
    files.write("graph.yaml", "{}\n")
    advised(
        lambda: load_section(GraphSettings, given[0]),
        "give JSON text or the path of a YAML file",
        lambda: given.__setitem__(0, Path("graph.yaml")),
    )


def test_a_cell_line_that_is_none(files: ProjectFiles) -> None:
    advised(
        lambda: find_cell_line(LINES, "new"),
        "add a row for it",
        lambda: lines("new blood train female normal data/n.csv cbat . .")(files),
    )


def test_pairs_of_a_prototype(files: ProjectFiles) -> None:
    lines(PROTOTYPE + " data/K562.bed", header="insulators")(files)
    name = ["proto"]
    advised(
        lambda: find_cell_line(LINES, name[0]).pairs_file,
        "name a line of another role",
        lambda: name.__setitem__(0, "K562"),
    )


def test_a_misspelt_key_for_the_module(files: ProjectFiles) -> None:
    given = {"modles": ["baseline"]}
    advised(
        lambda: of_module(given, Path(CONFIG)),
        "correct it",
        lambda: given.__setitem__("models", given.pop("modles")),
    )
    whole = {"cbat": {"models": ["baseline"]}, "modles": 1}
    part: list[dict] = [whole]
    advised(
        lambda: of_module(part[0], Path(CONFIG)),
        "hand over a section of your configuration: config: config['cbat']",
        lambda: part.__setitem__(0, whole["cbat"]),
    )


def test_a_model_that_does_not_ship() -> None:
    given = ["contct"]
    advised(
        lambda: asked_for(given[0]),
        "name contact or regulation, which come with the package",
        lambda: given.__setitem__(0, "contact"),
    )


def test_markers_of_a_document(tmp_path: Path) -> None:
    tables = {"one": "| a |"}
    texts = ["# Nothing\n"]
    advised(
        lambda: fill_tables(texts[0], tables),
        "write '<!-- generated: NAME -->' and '<!-- end -->' once for each table",
        lambda: texts.__setitem__(0, "<!-- generated: one -->\n<!-- end -->\n"),
    )


# The registry of sources.

ROW = ["genome", "1", "https://data.example/genome.fa.gz", "genome.fa", "0" * 64, "12", "gzip", "CC0", "Doe"]


def registry(*rows: list[str], header: list[str] | None = None) -> str:
    return "".join("\t".join(row) + "\n" for row in [header or list(COLUMNS), *rows])


def row(**fields: str) -> list[str]:
    return [fields.get(column, value) for column, value in zip(COLUMNS, ROW, strict=True)]


GOOD = registry(ROW)
REGISTRIES: dict[str, tuple[str | bytes, str, str]] = {
    "empty": ("", "start it with: name, version", GOOD),
    "in another encoding": (
        GOOD.replace("Doe", "Dö").encode("latin1"),
        "save it as UTF-8 text",
        GOOD.replace("Doe", "Dö"),
    ),
    "an unknown column": (
        GOOD.replace("sha256", "sha265"),
        "write these columns, separated by tabs: name",
        GOOD,
    ),
    "a column too few": (
        registry(ROW[:-1], header=list(COLUMNS[:-1])),
        "write these columns, separated by tabs: name",
        GOOD,
    ),
    "a field that is empty": (
        registry(row(sha256="")),
        "write '.' in empty fields",
        registry(row(sha256=".")),
    ),
    "a digest that is none": (
        registry(row(sha256="abc")),
        "write the 64 hexadecimal digits",
        registry(row(sha256="a" * 64)),
    ),
    "a number of bytes that is none": (registry(row(bytes="many")), "or '.'", registry(row(bytes="."))),
    "an address that is none": (
        registry(row(url="ftp://data.example/x")),
        "write an address",
        registry(row(url="https://data.example/x")),
    ),
    "an unknown way to unpack": (
        registry(row(unpack="zip")),
        "write one of: none, gzip, pack",
        registry(row(unpack="none")),
    ),
    "a name twice": (
        registry(ROW, row(file="other.fa")),
        "give every source a name of its own",
        registry(ROW, row(file="other.fa", name="other")),
    ),
    "a file twice": (
        registry(ROW, row(name="other")),
        "or delete one of the two",
        registry(ROW),
    ),
}


def put(path: Path, text: str | bytes) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("case", REGISTRIES)
def test_a_registry(tmp_path: Path, case: str) -> None:
    bad, told, good = REGISTRIES[case]
    path = tmp_path / "sources.tsv"
    put(path, bad)
    advised(lambda: read_sources(path), told, lambda: put(path, good))


def test_a_source_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "sources.tsv"
    put(path, GOOD)
    advised(
        lambda: find_source(path, "other"),
        "add a row for it",
        lambda: put(path, registry(ROW, row(name="other", file="other.fa"))),
    )


def test_a_published_file_that_no_source_has(files: ProjectFiles) -> None:
    my("genome: {fasta: resources/downloads/genom.fa}\n")(files)
    error = advised(
        load,
        "correct its path in retrieval.sources",
        lambda: (
            files.write("mine.tsv", GOOD),
            my("genome: {fasta: resources/downloads/genom.fa}\nretrieval: {sources: mine.tsv}\n")(files),
        ),
        then="no source has the file 'genom.fa'",
    )
    assert "yourself" in error.mend
    advised(
        load, "place the file there manually", lambda: files.write("resources/downloads/genom.fa", ">chr1\n")
    )


# Tables of similarities.

SQUARE = "\tK562\tNHEK\nK562\t1\t0.5\nNHEK\t0.5\t1\n"
SIMILARITIES: dict[str, tuple[str | bytes, str, str]] = {
    "empty": ("", "name its columns and rows", SQUARE),
    "in another encoding": (
        SQUARE.replace("NHEK", "é").encode("latin1"),
        "save it as UTF-8 text",
        SQUARE.replace("NHEK", "é"),
    ),
    "a field too few": (SQUARE.replace("\t0.5\n", "\n"), "separate the fields with single tabs", SQUARE),
    "a row twice": (SQUARE + "NHEK\t0.5\t1\n", "keep one of the two", SQUARE),
    "no square": (
        "\tK562\tNHEK\nK562\t1\t0.5\n",
        "give every cell line one row and one column",
        SQUARE,
    ),
    "two values of a pair": (
        SQUARE.replace("NHEK\t0.5", "NHEK\t0.4"),
        "make the table symmetric",
        SQUARE,
    ),
    "no number": (
        SQUARE.replace("0.5", "much"),
        "or NA when it was not measured",
        SQUARE.replace("0.5", "NA"),
    ),
}


@pytest.mark.parametrize("case", SIMILARITIES)
def test_a_table_of_similarities(tmp_path: Path, case: str) -> None:
    bad, told, good = SIMILARITIES[case]
    path = tmp_path / "near.tsv"
    put(path, bad)
    advised(lambda: read_similarity(path), told, lambda: put(path, good))


def test_similarities_of_other_lines(files: ProjectFiles) -> None:
    """The names are looked at where the graph is built, and the message leaves two ways out."""
    files.write("near.tsv", SQUARE.replace("K562", "A").replace("NHEK", "B"))
    advised(
        lambda: check_names("near.tsv", ["K562", "NHEK"]),
        "name its columns and rows as the sheet does",
        lambda: files.write("near.tsv", SQUARE),
    )
    files.write("near.tsv", SQUARE.replace("K562", "k-562"))
    advised(
        lambda: check_names("near.tsv", ["K562", "NHEK"]),
        "write 'K562' in the header and the rows of the table",
        lambda: files.write("near.tsv", SQUARE),
    )


def test_messages_of_a_configuration_name_the_file(files: ProjectFiles) -> None:
    """A fix that says *there* needs a place."""
    my("seeds: [1\nmodels: [baseline]\n")(files)
    with pytest.raises(UserError) as caught:
        read_yaml("my.yaml")
    assert re.search("there", caught.value.mend)
    assert caught.value.where == "line 2"
