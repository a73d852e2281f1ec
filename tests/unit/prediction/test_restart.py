"""A killed prediction goes on with what is missing; one folder never holds halves of two predictions."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cbat.cli import main
from cbat.prediction import score
from cbat.written import RECORD

TOP = Path(__file__).resolve().parents[3]
ENOUGH = 120
"""Seconds after which a process that should have ended hangs."""

BLOCKED = """\
import signal
import sys

from cbat.cli import main
from cbat.prediction import score

honest = score.run


def run(*, chromosome, **given):
    if chromosome == "chr5":
        print("blocked", flush=True)
        signal.pause()
    honest(chromosome=chromosome, **given)


score.run = run
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""
"""Scores all chromosomes but chr5, on which it waits for ever; spawned workers read the file as well."""


def command(world, directory: Path, *options: str) -> list[str]:
    given = {
        "model": world.model, "genome": world.fasta, "candidates": world.raw("enhancers.bed.gz"),
        "promoters": world.raw("promoters.bed.gz"), "directory": directory, "cell-line": "liver_2",
        "max-distance": 40_000,
    }  # fmt: skip
    return [
        "predict",
        *(part for name, value in given.items() for part in (f"--{name}", str(value))),
        *options,
    ]


def contents(directory: Path) -> dict[str, bytes]:
    """All outputs but the journal, the record of them and the genome, hidden ones included."""
    files = [path for path in directory.rglob("*") if path.is_file() and "genome" not in path.parts]
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in files
        if path.name not in ("progress.json", RECORD)
    }


def done(directory: Path) -> set[str]:
    """Chromosomes that the journal calls finished."""
    return set(json.loads((directory / "progress.json").read_text())["chromosomes"])


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prediction that nobody stopped; to be read only."""
    directory = tmp_path_factory.mktemp("whole") / "out"
    assert main(command(world, directory)) == 0
    return directory


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Chromosomes in the order in which this process scores them."""
    names: list[str] = []
    honest = score.run
    monkeypatch.setattr(score, "run", lambda **given: (names.append(given["chromosome"]), honest(**given)))
    return names


@pytest.mark.parametrize("threads", ["1", "2"])
def test_after_kill_9_only_what_is_missing_is_scored(
    world, whole: Path, tmp_path: Path, scored: list[str], threads: str
) -> None:
    script, out = tmp_path / "blocked.py", tmp_path / "out"
    script.write_text(BLOCKED)
    with subprocess.Popen(
        [sys.executable, str(script), *command(world, out, "--threads", threads)],
        env=dict(os.environ, PYTHONPATH=str(TOP / "src")),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "blocked\n"
        if threads == "2":
            # The other worker takes all the rest.
            while len(done(out)) < 4:
                assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        # The pipe ends when nobody holds it: a worker that outlives its parent would keep it open.
        process.communicate(timeout=ENOUGH)
        assert process.returncode == -signal.SIGKILL
    assert not (out / "predictions.bedpe.gz").exists()
    kept = done(out) if (out / "progress.json").exists() else set()
    assert len(kept) >= 3
    assert "chr5" not in kept
    before = {name: (out / "pairs" / f"{name}.parquet").stat().st_mtime_ns for name in kept}
    assert main(command(world, out)) == 0
    assert set(scored) == {f"chr{n}" for n in range(1, 6)} - kept
    assert {name: (out / "pairs" / f"{name}.parquet").stat().st_mtime_ns for name in kept} == before
    assert contents(out) == contents(whole)


def test_half_written_files_of_a_killed_run_are_cleared_away(world, whole: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out", symlinks=True))
    for name in (
        ".predictions.bedpe.gz.cbat-abcd_123.gz",
        "pairs/.chr1.parquet.cbat-abcd_123.parquet",
        "prepared/.plan.json.cbat-abcd_123.json",
    ):
        (out / name).write_text("half")
    assert main(command(world, out)) == 0
    assert contents(out) == contents(whole)


def test_a_refused_run_in_the_same_folder_keeps_the_tables_but_not_their_journal(
    world, whole: Path, tmp_path: Path, scored: list[str]
) -> None:
    """The genome may have been replaced, so nothing that was prepared with it is used again."""
    out = Path(shutil.copytree(whole, tmp_path / "out", symlinks=True))
    support = tmp_path / "support.tsv"
    support.write_text("role\telement_id\nenhancer\tchr1:1-301\n")
    assert main(command(world, out, "--support", str(support))) == 2
    assert (out / "predictions.bedpe.gz").read_bytes() == (whole / "predictions.bedpe.gz").read_bytes()
    assert main(command(world, out)) == 0
    assert set(scored) == {f"chr{n}" for n in range(1, 6)}
    assert contents(out) == contents(whole)


def test_another_prediction_in_the_same_folder_takes_the_tables_of_the_first_away(
    world, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out", symlinks=True))

    def killed(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(score, "run", killed)
    assert main(command(world, out, "--support-size", "64")) == 130
    assert (out / "environment.json").read_bytes() != (whole / "environment.json").read_bytes()
    for name in ("predictions.bedpe.gz", "contacts.interact", "summary.tsv", "pairs/chr1.parquet"):
        assert not (out / name).exists()


def test_a_changed_input_is_noticed(world, whole: Path, tmp_path: Path, scored: list[str]) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out", symlinks=True))
    assert main(command(world, out)) == 0
    assert scored == []
    bed = pd.read_csv(world.raw("enhancers.bed.gz"), sep="\t", header=None)
    bed.iloc[1:].to_csv(tmp_path / "fewer.bed", sep="\t", header=False, index=False)
    options = command(world, out)
    options[options.index("--candidates") + 1] = str(tmp_path / "fewer.bed")
    assert main(options) == 0
    assert set(scored) == {f"chr{n}" for n in range(1, 6)}


def test_files_of_the_user_in_the_folder_of_a_prediction_stay(world, whole: Path, tmp_path: Path) -> None:
    """Whatever they are called, and also where another prediction takes the place of the first."""
    out = Path(shutil.copytree(whole, tmp_path / "out", symlinks=True))
    mine = ("notes.txt", "pairs/mine.parquet", ".genes.tsv.original.tsv", "prepared/.mine", "genome/hg19.fa")
    for name in mine:
        (out / name).write_text("mine\n")
    assert main(command(world, out, "--seed", "7", "--chromosomes", "chr1", "chr2")) == 0
    assert [(out / name).read_text() for name in mine] == ["mine\n"] * len(mine)
    assert not (out / "pairs" / "chr3.parquet").exists()


@pytest.mark.parametrize(
    "name",
    [
        "genes.tsv",
        "index.html",
        "pairs/chr2.parquet",
        "environment.json",
        "prepared/plan.json",
        "progress.json",
    ],
)
def test_a_prediction_does_not_write_over_what_it_did_not_write(
    world, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], scored: list[str]
) -> None:
    mine = tmp_path / "out" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine\n")
    assert main(command(world, tmp_path / "out")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"'cbat predict' would overwrite {name}, which no earlier run of it wrote here" in said
    assert mine.read_text() == "mine\n"
    assert scored == []
    # The advice helps.
    mine.rename(tmp_path / "elsewhere")
    assert main(command(world, tmp_path / "out", "--chromosomes", "chr1")) == 0


def test_an_edited_table_is_not_written_over(world, whole: Path, tmp_path: Path, capsys) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out", symlinks=True))
    with open(out / "genes.tsv", "a") as table:
        table.write("# looked at\n")
    before = contents(out)
    assert main(command(world, out, "--seed", "7")) == 2
    assert "would overwrite genes.tsv, " in capsys.readouterr().err
    assert contents(out) == before
