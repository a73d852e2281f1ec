"""A world of a benchmark, with a workflow of a few lines in place of the real one."""

from __future__ import annotations

import fcntl
import json
import threading
import time
from pathlib import Path

import pytest

from cbat.commands import worlds
from cbat.commands.worlds import run_world
from cbat.errors import UserError

SNAKEFILE = """\
rule all:
    input: "results/summary/metrics.tsv"
rule first:
    output: "results/first.txt"
    shell: "echo once >> times.txt; echo {config[seeds]} > {output}"
rule second:
    input: "results/first.txt"
    output: "results/summary/metrics.tsv"
    shell:
        "test -e config/good || {{ echo 'cbat second: error: nothing is good'; exit 2; }};"
        " cp {input} {output}"
"""
OUTPUT = Path("results/worlds/small/summary/metrics.tsv")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "config").mkdir()
    (tmp_path / "mine").mkdir()
    header = "cell_line\ttissue\trole\tsex\tcondition\tpairs\tpairs_format\tenhancers\tpromoters\n"
    row = "A\tblood\ttrain\tfemale\tnormal\tmine/A.tsv\tcbat\t.\t.\n"
    (tmp_path / "mine" / "lines.tsv").write_text(header + row)
    values = {
        "cell_lines": "mine/lines.tsv", "tissues": "mine/tissues.tsv", "genome": {"fasta": "genome.fa"},
        "splits": {"train": ["chr1"], "validation": ["chr2"], "test": ["chr3"]}, "seeds": [7],
    }  # fmt: skip

    def run(unseen=(), genome=None, without=(), **over) -> None:
        given = values | over | dict.fromkeys(without)
        run_world(
            world="small", values=json.dumps(given), snakefile=Path("Snakefile"),
            directory=Path("worlds/small"), outputs=[OUTPUT], threads=1, unseen=unseen, genome=genome,
        )  # fmt: skip

    return run


@pytest.fixture
def finishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A nested run that makes its table at once, where it is the folder that counts."""

    def finish(command: list[str], directory: Path, lock: object) -> int:
        (directory / "results/summary").mkdir(parents=True, exist_ok=True)
        (directory / "results/summary/metrics.tsv").touch()
        return 0

    monkeypatch.setattr(worlds, "_finish", finish)


def test_a_failed_world_is_one_message_and_goes_on_where_it_stopped(run, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        run()
    assert "the world 'small' failed (cbat second: error: nothing is good)" in str(error.value)
    assert "worlds/small/run.log" in str(error.value)
    assert not OUTPUT.exists()
    (tmp_path / "config" / "good").touch()
    run()
    assert OUTPUT.read_text() == "7\n"
    assert not OUTPUT.is_symlink()
    times = tmp_path / "worlds" / "small" / "times.txt"
    assert times.read_text() == "once\n", "what was finished is not made again"
    OUTPUT.unlink()
    run()
    assert OUTPUT.read_text() == "7\n", "a copy can be made again"
    assert times.read_text() == "once\n"


@pytest.mark.usefixtures("finishing")
def test_the_folder_of_a_world_sees_what_the_configuration_names(run, tmp_path: Path) -> None:
    run()
    folder = tmp_path / "worlds" / "small"
    links = {path.name: path.resolve() for path in folder.iterdir() if path.is_symlink()}
    assert links == {name: tmp_path / name for name in ("config", "mine", "genome.fa")}
    (folder / "mine").unlink()
    (folder / "mine").mkdir()
    with pytest.raises(UserError, match="worlds/small/mine is in the way"):
        run()
    with pytest.raises(UserError, match="not a file that a world can share"):
        run(tissues="../tissues.tsv")


def test_a_run_waits_for_one_that_is_still_at_work(run, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "worlds" / "small"
    folder.mkdir(parents=True)
    with open(folder / ".running", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Timer(0.5, lambda: fcntl.flock(held, fcntl.LOCK_UN))
        waiting.start()
        started = time.perf_counter()
        with worlds._alone(folder / ".running"):
            assert time.perf_counter() - started > 0.4
    assert "another run is using" in capsys.readouterr().out


@pytest.mark.usefixtures("finishing")
def test_a_world_has_a_sheet_of_its_own_where_it_changes_roles(run, tmp_path: Path) -> None:
    run(unseen=["A"], genome=Path("results/genome/genome.fa"))
    folder = tmp_path / "worlds" / "small"
    configuration = json.loads((folder / "world.json").read_text())
    assert configuration["genome"]["fasta"] == str(tmp_path / "results" / "genome" / "genome.fa")
    sheet = folder / configuration["cell_lines"]
    assert "\tunseen\t" in sheet.read_text()
    assert "\ttrain\t" in (tmp_path / "mine" / "lines.tsv").read_text(), "the sheet of the user stays"
    before = sheet.stat().st_mtime_ns
    run(unseen=["A"], genome=Path("results/genome/genome.fa"))
    assert sheet.stat().st_mtime_ns == before


@pytest.mark.usefixtures("finishing")
def test_a_world_without_a_genome_sees_genes_and_what_other_tools_say(run, tmp_path: Path) -> None:
    run(
        landscape={"genes": "genes.gtf", "contig_names": "names/of.tsv"},
        evaluation={"peers": {"other": "peers/other.tsv"}},
        splits={"folds": {"a": ["chr1"], "b": ["chr2"], "c": ["chr3"]}},
        without=["genome"],
    )
    links = {path.name for path in (tmp_path / "worlds" / "small").iterdir() if path.is_symlink()}
    assert links == {"config", "mine", "genes.gtf", "names", "peers"}
