"""What `cbat predict` and `cbat explain` advise is done as they say it, and the next run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from advice import advised, command
from landscape_world import KINDS, NEW, LandscapeWorld, write_world

CHROM = "chr1"


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> LandscapeWorld:
    """To be read only."""
    return write_world(tmp_path_factory.mktemp("law"))


class Line:
    """A line that can be predicted: its files in the working directory, and the options of the command."""

    def __init__(self, law: LandscapeWorld, directory: Path) -> None:
        self.law, self.directory = law, directory
        for name in ("enhancers.bed", "promoters.bed", "pairs.tsv"):
            shutil.copy(law.raw(name), directory / name)
        for kind in KINDS:
            shutil.copy(law.track(kind), directory / f"{kind}.narrowPeak")
        self.options: dict[str, list[str]] = {
            "model": [str(law.model)], "candidates": ["enhancers.bed"], "promoters": ["promoters.bed"],
            "directory": ["out"], "cell-line": [NEW], "tissue": ["blood"], "chromosomes": [CHROM],
            "max-distance": ["100000"],
            "tracks": [f"{kind}={kind}.narrowPeak" for kind in KINDS],
        }  # fmt: skip

    def give(self, name: str, *values: object) -> None:
        self.options[name] = [str(value) for value in values]

    def leave_out(self, *names: str) -> None:
        for name in names:
            del self.options[name]

    def rows(self, name: str) -> list[list[str]]:
        return [line.split("\t") for line in (self.directory / name).read_text().splitlines()]

    def write(self, name: str, rows: list[list[str]]) -> None:
        (self.directory / name).write_text("".join("\t".join(row) + "\n" for row in rows))

    def own_model(self) -> Path:
        """A copy of the model that a test may spoil."""
        self.give("model", "model")
        return Path(shutil.copytree(self.law.model, self.directory / "model"))

    def predict(self) -> None:
        words = [[f"--{name}", *values] for name, values in self.options.items()]
        command("predict", *[word for group in words for word in group])


@pytest.fixture
def line(law: LandscapeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.chdir(tmp_path)
    return Line(law, tmp_path)


Change = Callable[[Line], object]


def give(name: str, *values: object) -> Change:
    return lambda line: line.give(name, *values)


def leave_out(*names: str) -> Change:
    return lambda line: line.leave_out(*names)


def all_of(*changes: Change) -> Change:
    return lambda line: [change(line) for change in changes]


def renamed(name: str, rename: Callable[[str], str]) -> Change:
    """Other names of the genes, in column 4."""
    return lambda line: line.write(name, [[*row[:3], rename(row[3]), *row[4:]] for row in line.rows(name)])


def genes_of(line: Line) -> list[str]:
    return [row[3] for row in line.rows("promoters.bed") if row[0] == CHROM]


def expression(rename: Callable[[str], str], value: float = 5.0) -> Change:
    def write(line: Line) -> None:
        rows = [["gene", "TPM"], *([rename(gene), str(value)] for gene in genes_of(line))]
        line.write("expression.tsv", rows)

    return write


def few_peaks(line: Line) -> None:
    shutil.copy("insulators.narrowPeak", "all.narrowPeak")
    line.write("insulators.narrowPeak", line.rows("insulators.narrowPeak")[:3])


def same(text: str) -> str:
    return text


KINDS_LEFT = [f"{kind}={kind}.narrowPeak" for kind in KINDS if kind != "insulators"]

CASES: dict[str, tuple[Change, str, Change]] = {
    # The command line itself.
    "an option that is none": (
        give("chromosome", CHROM),
        "run 'cbat predict --help' for the list",
        leave_out("chromosome"),
    ),
    "an option that is missing": (
        leave_out("candidates"),
        "add it",
        give("candidates", "enhancers.bed"),
    ),
    "a track without a kind": (
        give("tracks", "insulators.narrowPeak"),
        "write NAME=VALUE, each name once, without spaces around the '='",
        give("tracks", "insulators=insulators.narrowPeak"),
    ),
    "a name with a space": (
        give("cell-line", "my line"),
        "use letters, digits, '_', '+' and '-' only",
        give("cell-line", "my_line"),
    ),
    "no threads": (give("threads", 0), "give 1 or more", give("threads", 1)),
    "bounds the wrong way round": (
        give("min-distance", 200_000),
        "lower min_distance or raise max_distance",
        give("max-distance", 300_000),
    ),
    "a support set for a law": (
        give("support-size", 5),
        "leave support_size out",
        leave_out("support-size"),
    ),
    # Models.
    "a model that is none": (
        give("model", "no_model"),
        "or the folder of another model",
        lambda line: line.give("model", line.law.model),
    ),
    "a folder without a model": (
        all_of(lambda line: Path("empty").mkdir(), give("model", "empty")),
        "name a model directory",
        lambda line: line.give("model", line.law.model),
    ),
    "a path to nothing": (
        give("model", "no/model"),
        "correct its path",
        lambda line: line.give("model", line.law.model),
    ),
    "a model that is damaged": (
        lambda line: (line.own_model() / "MODEL_CARD.md").write_text("# The best\n"),
        "get the directory again from its source",
        lambda line: shutil.copy(line.law.model / "MODEL_CARD.md", "model/MODEL_CARD.md"),
    ),
    "a model that lacks a file": (
        lambda line: (line.own_model() / "MODEL_CARD.md").unlink(),
        "get the directory again from its source",
        lambda line: shutil.copy(line.law.model / "MODEL_CARD.md", "model/MODEL_CARD.md"),
    ),
    # Tracks.
    "a kind of track that is none": (
        give("tracks", "ctcf=insulators.narrowPeak"),
        "write KIND=FILE with a kind of active_enhancers, active_promoters, insulators",
        give("tracks", "insulators=insulators.narrowPeak"),
    ),
    "a track that is not there": (
        give("tracks", "insulators=ctcf.narrowPeak"),
        "correct its path (paths start at the working directory)",
        give("tracks", "insulators=insulators.narrowPeak"),
    ),
    "one file as two tracks": (
        give("tracks", "insulators=insulators.narrowPeak", "active_promoters=insulators.narrowPeak"),
        "or leave out the kind that the line lacks",
        give("tracks", "insulators=insulators.narrowPeak"),
    ),
    "a signal of a track that is not given": (
        all_of(give("tracks", *KINDS_LEFT), give("signals", "insulators=7")),
        "give its peaks as a track, or leave its signal out",
        leave_out("signals"),
    ),
    "a few peaks": (few_peaks, "give all peaks of the line", give("tracks", "insulators=all.narrowPeak")),
    "a few peaks, and no more": (few_peaks, "or leave the kind out", give("tracks", *KINDS_LEFT)),
    "peaks of other chromosomes": (
        all_of(
            lambda line: shutil.copy("insulators.narrowPeak", "mine.narrowPeak"),
            lambda line: line.write(
                "insulators.narrowPeak",
                [["chr9", *row[1:]] for row in line.rows("insulators.narrowPeak")],
            ),
        ),
        "name a file of the same species and assembly",
        give("tracks", *KINDS_LEFT, "insulators=mine.narrowPeak"),
    ),
    "a signal of elements that is none": (
        give("element-signals", "dnase=insulators.narrowPeak"),
        "write NAME=FILE with a name of ",
        leave_out("element-signals"),
    ),
    # Chromosomes.
    "chromosomes with a comma": (
        give("chromosomes", "chr1,chr2"),
        "write a space between names of chromosomes, no comma",
        give("chromosomes", "chr1", "chr2"),
    ),
    "a chromosome of another name": (give("chromosomes", "1"), "chr1", give("chromosomes", "chr1")),
    "a chromosome without promoters": (
        lambda line: line.write(
            "promoters.bed", [row for row in line.rows("promoters.bed") if row[0] != CHROM]
        ),
        "name other chromosomes",
        give("chromosomes", "chr2"),
    ),
    "chromosomes that are none": (
        give("chromosomes"),
        "or leave the option out to predict all",
        leave_out("chromosomes"),
    ),
    # The choice of promoters.
    "a column without a table": (
        give("expression-column", "TPM"),
        "give the table with --expressed",
        all_of(expression(same), give("expressed", "expression.tsv")),
    ),
    "a column without a table, left out": (
        give("expression-column", "TPM"),
        "or leave the column out",
        leave_out("expression-column"),
    ),
    "names of another kind": (
        all_of(expression(lambda gene: f"ENSG{gene[-7:]}"), give("expressed", "expression.tsv")),
        "a table with those of the promoters",
        expression(same),
    ),
    "promoters without names": (
        all_of(
            expression(same),
            give("expressed", "expression.tsv"),
            lambda line: shutil.copy("promoters.bed", "named.bed"),
            lambda line: line.write("promoters.bed", [row[:3] for row in line.rows("promoters.bed")]),
        ),
        "or promoters with names in column 4",
        give("promoters", "named.bed"),
    ),
    "nothing that is expressed": (
        all_of(expression(same, 0.1), give("expressed", "expression.tsv")),
        "lower --least-expression",
        give("least-expression", 0.05),
    ),
    # Calibration.
    "a precision that is unknown": (
        give("precision", 0.91),
        "leave the precision out",
        leave_out("precision"),
    ),
    "a few labelled pairs for a precision": (
        all_of(
            lambda line: line.write("pairs.tsv", line.rows("pairs.tsv")[:8]),
            give("calibrate", "pairs.tsv"),
            give("precision", 0.91),
        ),
        "leave the precision out",
        leave_out("precision"),
    ),
    "contacts alone": (
        all_of(
            lambda line: shutil.copy("pairs.tsv", "both.tsv"),
            lambda line: line.write("pairs.tsv", [row for row in line.rows("pairs.tsv") if row[-1] != "0"]),
            give("calibrate", "pairs.tsv"),
        ),
        "provide pairs of both labels, 1 for contacts and 0 for others",
        give("calibrate", "both.tsv"),
    ),
    "pairs of another place": (
        all_of(
            lambda line: shutil.copy("pairs.tsv", "both.tsv"),
            lambda line: line.write(
                "pairs.tsv",
                [
                    row
                    if row[0] == "enhancer_chrom"
                    else [
                        *(
                            str(int(one) + 50_000_000) if one.isdigit() and len(one) > 1 else one
                            for one in row
                        )
                    ]
                    for row in line.rows("pairs.tsv")
                ],
            ),
            give("calibrate", "pairs.tsv"),
        ),
        "give pairs of this line in the assembly of its candidates",
        give("calibrate", "both.tsv"),
    ),
    # What is written.
    "a folder that is a file": (
        give("directory", "enhancers.bed"),
        "name a folder",
        give("directory", "out"),
    ),
    "a folder with files of one's own": (
        all_of(lambda line: Path("out").mkdir(), lambda line: Path("out/genes.tsv").write_text("mine\n")),
        "move it away",
        lambda line: Path("out/genes.tsv").rename("mine.tsv"),
    ),
    "a folder with files of one's own, kept": (
        all_of(lambda line: Path("out").mkdir(), lambda line: Path("out/genes.tsv").write_text("mine\n")),
        "choose another folder for the output",
        give("directory", "out_2"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_predict(line: Line, case: str) -> None:
    spoil, told, mend = CASES[case]
    spoil(line)
    advised(line.predict, told, lambda: mend(line))


# Pairs that are explained.


@pytest.fixture(scope="module")
def predicted(law: LandscapeWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``out`` is a prediction of two chromosomes; to be read only."""
    directory = tmp_path_factory.mktemp("predicted")
    patch = pytest.MonkeyPatch()
    patch.chdir(directory)
    made = Line(law, directory)
    made.give("chromosomes", "chr1", "chr2")
    made.predict()
    patch.undo()
    return directory


Pair = dict[str, str]


def pairs_of(directory: Path) -> tuple[Pair, Pair, Pair, Pair, Pair]:
    """A pair of the prediction, one of two chromosomes, one of another, one too far, one of no element."""
    near = pd.read_parquet(directory / "out" / "pairs").iloc[0]
    good = {"enhancer": near["enhancer_id"], "promoter": near["promoter_id"]}
    beds = {
        role: [line.split("\t") for line in (directory / f"{role}s.bed").read_text().splitlines()]
        for role in ("enhancer", "promoter")
    }

    def place(row: list[str]) -> str:
        return f"{row[0]}:{row[1]}-{row[2]}"

    def on(role: str, chrom: str, at: int) -> str:
        return place([row for row in beds[role] if row[0] == chrom][at])

    other = "chr2" if good["enhancer"].startswith("chr1") else "chr1"
    across = good | {"promoter": on("promoter", other, 0)}
    elsewhere = {"enhancer": on("enhancer", "chr3", 0), "promoter": on("promoter", "chr3", 0)}
    far = {"enhancer": on("enhancer", "chr1", 0), "promoter": on("promoter", "chr1", -1)}
    return good, across, elsewhere, far, good | {"promoter": "NO_SUCH_GENE"}


EXPLAINED: dict[str, tuple[int, str]] = {
    "of two chromosomes": (1, "name two elements of one chromosome"),
    "of a chromosome that is not predicted": (2, "or ask about another pair"),
    "too far apart": (3, "ask about another pair"),
    "of no element": (4, "name it by its id or its name in the table of pairs"),
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_a_pair(law: LandscapeWorld, predicted: Path, tmp_path: Path, case: str) -> None:
    number, told = EXPLAINED[case]
    pairs = pairs_of(predicted)
    asked = dict(pairs[number])

    def explain() -> None:
        named = [f"--{role}={name}" for role, name in asked.items()]
        out = ["--directory", tmp_path / "explained"]
        command("explain", "--model", law.model, "--prediction", predicted / "out", *out, *named)

    advised(explain, told, lambda: asked.update(pairs[0]))


def test_options_of_explain(law: LandscapeWorld, predicted: Path, tmp_path: Path) -> None:
    good = pairs_of(predicted)[0]
    options = {"enhancer": good["enhancer"]}
    folder = [predicted]

    def explain() -> None:
        named = [f"--{name}={value}" for name, value in options.items()]
        out = ["--directory", tmp_path / "explained"]
        command("explain", "--model", law.model, "--prediction", folder[0], *out, *named)

    advised(explain, "add --promoter", lambda: options.update(good), then="this is not a prediction folder")
    advised(
        explain,
        "name the --directory of cbat predict",
        lambda: folder.__setitem__(0, predicted / "out"),
    )


def test_number_of_explained_pairs(law: LandscapeWorld, predicted: Path, tmp_path: Path) -> None:
    pairs = [0]

    def explain() -> None:
        words = ["--directory", tmp_path / "explained", "--pairs", pairs[0]]
        command("explain", "--model", law.model, "--prediction", predicted / "out", *words)

    advised(explain, "request one or more with --pairs", lambda: pairs.__setitem__(0, 1))


def test_half_of_a_pair(law: LandscapeWorld, predicted: Path, tmp_path: Path) -> None:
    options = {"promoter": pairs_of(predicted)[0]["promoter"], "pairs": "1"}

    def explain() -> None:
        named = [f"--{name}={value}" for name, value in options.items()]
        out = ["--directory", tmp_path / "explained"]
        command("explain", "--model", law.model, "--prediction", predicted / "out", *out, *named)

    advised(explain, "or leave out --promoter to explain the whole line", lambda: options.pop("promoter"))
