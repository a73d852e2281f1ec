"""No verb writes over an input, nor over what it did not write; links stay; two runs never share a folder."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from cbat.cli import VERBS, main
from cbat.commands.outputs import OUTPUTS, outputs_guarded
from cbat.commands.signatures import signature_of
from cbat.errors import UserError
from cbat.files import atomic_directory, atomic_file, atomic_link, remove, write_json
from cbat.guard import LOCK
from cbat.prediction import explanation_files, gather, plan, preparation, whole_line
from cbat.training import checkpoint
from cbat.written import RECORD

INPUTS = {
    "input", "chain", "fasta", "cell_lines", "tissues", "sheet", "contig_sizes", "contig_names",
    "genome_fasta", "genome", "elements_directory", "sequences_directory", "elements", "sequences",
    "balance", "labels", "tracks", "signals", "graph", "genes", "promoter_classes", "landscapes", "landscape",
    "shards", "shard", "other_shards", "sibling_shards", "encoder", "law", "model_directory",
    "training_labels", "training_elements", "training_sequences", "training_landscapes", "shortcuts",
    "peers", "truth", "tables", "scored_pairs", "models", "calibration_shards", "calibration", "metrics",
    "references", "tissue_posterior", "deviating_motifs", "raw", "manifests", "package", "figures",
    "other_genes", "enhancers", "promoters", "similarity", "support", "calibration_pairs", "calibrate",
    "insulator_motifs", "element_signals", "expressed", "pairs", "snakefile", "worlds", "summaries",
    "sources", "candidates", "prediction", "files",
}  # fmt: skip
"""Parameters that name what is read. One that is new belongs here or, for what is written, into OUTPUTS."""
FASTA = ">chr1\nACGT\n"


def of_paths(hint: Any) -> bool:
    """Whether a value of the type holds paths."""
    if get_origin(hint) is not None and get_args(hint):
        return any(of_paths(one) for one in get_args(hint))
    return isinstance(hint, type) and issubclass(hint, Path)


def path_parameters(verb: str) -> dict[str, Any]:
    return {one.name: one.hint for one in signature_of(VERBS[verb].function).parameters if of_paths(one.hint)}


def test_every_path_of_every_verb_is_read_or_written() -> None:
    assert OUTPUTS.keys() == VERBS.keys()
    for verb in VERBS:
        paths = path_parameters(verb).keys()
        assert OUTPUTS[verb].keys() <= paths
        assert paths - OUTPUTS[verb].keys() <= INPUTS, verb
        if verb not in ("models", "model show", "check_config", "check_inputs"):
            assert OUTPUTS[verb], verb


def test_what_is_declared_is_what_modules_write() -> None:
    directory = OUTPUTS["predict"]["directory"]
    named = {*directory.names, *directory.by_name}
    assert {*gather.FILES, *preparation.FILES, plan.PAGE, whole_line.JOURNAL} <= named
    assert f"{plan.PREPARED}/{plan.PLAN}" in named
    assert {*OUTPUTS["gather_predictions"]["directory"].names} == {*gather.FILES}
    written = {explanation_files.TABLE, explanation_files.SUMMARY, explanation_files.FIGURE}
    assert written <= {*OUTPUTS["explain"]["directory"].names}
    assert OUTPUTS["train_model"]["checkpoints"].by_name == (checkpoint.LAST, checkpoint.PREVIOUS)


def refused(verb: str, values: dict[str, Any]) -> str:
    """The message of a verb that does not begin."""
    with pytest.raises(UserError) as caught, outputs_guarded(verb, values):
        pytest.fail("it began to work")
    return str(caught.value)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


CASES = [
    (verb, output, given)
    for verb in sorted(VERBS)
    for output in OUTPUTS[verb]
    for given in sorted(path_parameters(verb).keys() - OUTPUTS[verb].keys())
    if OUTPUTS[verb][output].kind != "shared"
    # A folder of new events, none of which takes the place of a file.
    and (verb, output) != ("train_model", "tensorboard")
]
WAYS = {
    "same": lambda own, there: None,
    "symbolic link": lambda own, there: own.symlink_to(there),
    "hard link": lambda own, there: own.hardlink_to(there),
}


def as_given(hint: Any, path: Path) -> Any:
    """A value of a parameter that names one file."""
    text = str(hint)
    return {"x": path} if "Mapping" in text else [path] if "Sequence" in text else path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("verb", "output", "given"), CASES)
def test_no_verb_writes_over_an_input(verb: str, output: str, given: str, way: str, tmp_path: Path) -> None:
    declared = OUTPUTS[verb][output]
    folder = tmp_path / "out"
    at = folder / "made.tsv" if declared.kind in ("file", "edited") else folder
    name = (*declared.names, *declared.by_name, "made.tsv")[0].replace("*", "a")
    there = at if declared.kind in ("file", "edited") else folder / name
    there.parent.mkdir(parents=True)
    there.write_text("precious\n")
    if given.endswith("_directory") and way == "same":
        own = there.parent
    else:
        own = there if way == "same" else tmp_path / "mine.tsv"
        WAYS[way](own, there)
    hints, before = path_parameters(verb), digest(there)
    values = dict.fromkeys(OUTPUTS[verb])
    values |= {output: as_given(hints[output], at), given: as_given(hints[given], own)}
    assert re.search(f"'cbat {verb}' would (overwrite|replace)", refused(verb, values))
    assert digest(there) == before
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("verb", [verb for verb in sorted(VERBS) if "directory" in OUTPUTS[verb]])
def test_no_verb_writes_over_what_it_did_not_write(verb: str, tmp_path: Path) -> None:
    """Not even where another verb has written the like."""
    declared = OUTPUTS[verb]["directory"]
    if declared.kind == "shared":
        pytest.skip("it writes the file that another option names")
    name = (*declared.names, *declared.by_name, "notes.txt")[0]
    mine = tmp_path / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine\n")
    values = dict.fromkeys(OUTPUTS[verb]) | {"directory": tmp_path}
    assert f"{name}, which no earlier run of it wrote" in refused(verb, values)
    assert mine.read_text() == "mine\n"
    mine.unlink()
    for text in ("one\n", "two\n"):
        with outputs_guarded(verb, values):
            if declared.kind == "whole":
                with atomic_directory(tmp_path) as temporary:
                    (temporary / name).write_text(text)
            else:
                with atomic_file(mine) as temporary:
                    temporary.write_text(text)
        assert mine.read_text() == text
    if not declared.names and declared.by_name:
        return
    mine.write_text("edited by hand\n")
    assert "changed since" in refused(verb, values)
    assert sorted(path.name for path in mine.parent.iterdir() if path.is_file()) == sorted(
        {name.split("/")[-1], *([RECORD] if mine.parent == tmp_path else [])}
    )


def explained(directory: Path, **more: Any) -> dict[str, Any]:
    return {"model": "contact", "prediction": directory.parent / "none", "directory": directory} | more


def test_a_file_that_comes_while_the_verb_works_is_not_written_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with outputs_guarded("explain", explained(out)):
        (out / "explanation.tsv").write_text("mine\n")
        with pytest.raises(UserError, match="would overwrite"), atomic_file(out / "explanation.tsv"):
            pytest.fail("it began to write")
        with pytest.raises(UserError, match="would overwrite"):
            remove(out / "explanation.tsv")
    assert (out / "explanation.tsv").read_text() == "mine\n"


def test_files_beside_an_output_are_not_written_over_either(tmp_path: Path) -> None:
    values = {"chain": tmp_path / "a.chain", "input": tmp_path / "a.bed", "output": tmp_path / "b.bed"}
    (tmp_path / "b.bed.json").write_text("mine\n")
    said = refused("lift_over", values)
    assert "would overwrite b.bed.json, which no earlier run" in said
    assert "Fix: choose another file for the output, or move it away" in said


def test_the_folder_of_another_verb_is_replaced_by_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "genes.parquet").write_text("mine\n")
    values = {"package": tmp_path / "data", "directory": tmp_path, "chain": None, "other_genes": None}
    assert f"would replace the folder {tmp_path}, which holds this input" in refused("ship_model", values)


def test_files_that_a_sheet_names_are_inputs(tmp_path: Path) -> None:
    sheet, pairs = tmp_path / "lines.tsv", tmp_path / "pairs.tsv"
    pairs.write_text("mine\n")
    sheet.write_text(f"cell_line\tpairs\nK562\t{pairs}\n")
    (tmp_path / "labels.parquet").hardlink_to(pairs)
    values = {"sheet": sheet, "output": tmp_path / "labels.parquet"}
    assert "would overwrite this file, which is one of its inputs" in refused("label_pairs", values)


@pytest.mark.parametrize(("made", "said"), [("folder", "this is a file"), ("file", "this is a folder")])
def test_a_file_for_a_folder_is_told(made: str, said: str, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("") if made == "folder" else given.mkdir()
    verb, option = ("explain", "directory") if made == "folder" else ("plot_balance", "output")
    assert said in refused(verb, {option: given})


def test_a_new_folder_goes_again_with_a_verb_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), outputs_guarded("explain", explained(tmp_path / "a" / "b")):
        raise ZeroDivisionError
    assert [*tmp_path.iterdir()] == []


# Links


def test_a_file_that_is_a_link_is_written_where_it_points(tmp_path: Path) -> None:
    scratch, results = tmp_path / "scratch", tmp_path / "results"
    results.mkdir()
    link = results / "metrics.tsv"
    link.symlink_to(Path("..") / "scratch" / "deep" / "metrics.tsv")
    for text in ("one", "two"):
        with atomic_file(link) as temporary:
            assert temporary.parent == scratch / "deep"
            temporary.write_text(text)
        assert link.is_symlink()
        assert (scratch / "deep" / "metrics.tsv").read_text() == text
    assert len([*tmp_path.rglob("*.*")]) == 2


@pytest.mark.parametrize("verb", ["explain", "ship_model"])
def test_an_output_folder_may_be_a_link(verb: str, tmp_path: Path) -> None:
    scratch, link = tmp_path / "scratch", tmp_path / "results"
    scratch.mkdir()
    link.symlink_to(scratch)
    for text in ("one", "two"):
        with outputs_guarded(verb, {"directory": link}):
            if verb == "explain":
                write_json(link / "explanation.json", text)
            else:
                with atomic_directory(link) as temporary:
                    write_json(temporary / "explanation.json", text)
        assert link.is_symlink()
        assert (scratch / "explanation.json").read_text() == f'"{text}"\n'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "scratch"]
    assert sorted(path.name for path in scratch.iterdir()) == [RECORD, "explanation.json"]


def test_a_folder_inside_may_be_a_link_too(tmp_path: Path) -> None:
    line, scratch = tmp_path / "line", tmp_path / "scratch"
    line.mkdir()
    scratch.mkdir()
    (line / "pairs").symlink_to(scratch)
    pairs = line / "pairs" / "chr1.parquet"
    (scratch / "chr1.parquet").write_text("mine\n")
    with outputs_guarded("predict", {"directory": line}):
        with pytest.raises(UserError, match="would overwrite pairs/chr1.parquet"), atomic_file(pairs):
            pytest.fail("it began to write")
        (scratch / "chr1.parquet").unlink()
        write_json(pairs, "scored")
    with outputs_guarded("predict", {"directory": line}):
        write_json(pairs, "scored again")
    assert (scratch / "chr1.parquet").read_text() == '"scored again"\n'
    assert sorted(path.name for path in line.iterdir()) == [RECORD, "pairs"]


def test_a_link_that_a_verb_made_is_never_written_through(tmp_path: Path) -> None:
    mine, out = tmp_path / "mine.fa", tmp_path / "out"
    mine.write_text(FASTA)
    with outputs_guarded("prepare_genome", {"fasta": mine, "directory": out}):
        atomic_link(mine, out / "genome.fa")
    with outputs_guarded("prepare_genome", {"fasta": None, "directory": out}):
        with pytest.raises(RuntimeError, match="a file of the user"), atomic_file(out / "genome.fa"):
            pytest.fail("it began to write")
        atomic_link(mine, out / "genome.fa")
        remove(out / "genome.fa")
    assert mine.read_text() == FASTA


def test_two_outputs_have_two_names(tmp_path: Path) -> None:
    both = {"table": tmp_path / "a", "first_page": tmp_path / "a"}
    assert "would write two files here" in refused("describe_inputs", both)


def test_links_into_one_folder_do_not_hide_an_input(tmp_path: Path) -> None:
    scratch, link = tmp_path / "scratch", tmp_path / "results"
    scratch.mkdir()
    link.symlink_to(scratch)
    (scratch / "mine.fa").write_text(">a\n")
    for given in (scratch, link):
        values = {"genome_fasta": given / "mine.fa", "elements_directory": tmp_path, "directory": link}
        assert "would replace the folder" in refused("extract_sequences", values)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A folder that another disk is mounted on, which cannot be renamed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount the small file system that this needs")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("linked", [False, True])
def test_a_folder_that_a_disk_is_mounted_on_has_its_content_replaced(
    mounted: Path, linked: bool, tmp_path: Path
) -> None:
    path = tmp_path / "link" if linked else mounted
    if linked:
        path.symlink_to(mounted)
    for names in (["a", "b"], ["b", "c"]):
        with outputs_guarded("ship_model", {"directory": path}), atomic_directory(path) as temporary:
            for name in names:
                (temporary / name).write_text(name)
        assert sorted(one.name for one in mounted.iterdir()) == [RECORD, *names]
    with pytest.raises(UserError, match="no space is left"), atomic_directory(path) as temporary:
        (temporary / "d").write_bytes(bytes(2 << 20))
    assert sorted(one.name for one in mounted.iterdir()) == [RECORD, "b", "c"]


def test_an_exchange_that_is_cut_short_is_taken_back(mounted: Path, monkeypatch, tmp_path: Path) -> None:
    (mounted / "a").write_text("before")
    made = tmp_path / "made"
    made.mkdir()
    for name in "abc":
        (made / name).write_text("after")
    replace = os.replace

    def cut_short(source: Path, target: Path) -> None:
        if Path(target) == mounted / "c":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr("cbat.files.os.replace", cut_short)
    with pytest.raises(KeyboardInterrupt), atomic_directory(mounted) as temporary:
        shutil.copytree(made, temporary, dirs_exist_ok=True)
    assert {one.name: one.read_text() for one in mounted.iterdir()} == {"a": "before"}


def test_nothing_is_written_through_the_link_of_a_prepared_genome(tmp_path: Path) -> None:
    """A plain FASTA is linked; whatever is prepared in its place later leaves it alone."""
    plain, packed, out = tmp_path / "plain.fa", tmp_path / "other.fa.gz", tmp_path / "genome"
    plain.write_text(FASTA)
    words = ["prepare_genome", "--directory", str(out), "--fasta"]
    # Indexed here, and then linked as such.
    assert main([*words, str(plain)]) == 0
    (tmp_path / "plain.fa.fai").write_bytes((out / "genome.fa.fai").read_bytes())
    assert main([*words, str(plain)]) == 0
    assert (out / "genome.fa").is_symlink()
    before = digest(plain), digest(tmp_path / "plain.fa.fai")
    packed.write_bytes(gzip.compress(b">chr2\nTTTT\n"))
    assert main([*words, str(packed)]) == 0
    assert not (out / "genome.fa").is_symlink()
    assert (out / "genome.fa").read_bytes() == b">chr2\nTTTT\n"
    assert main([*words, str(plain)]) == 0
    assert main([*words, str(plain), "--copy"]) == 0
    assert not (out / "genome.fa").is_symlink()
    assert (digest(plain), digest(tmp_path / "plain.fa.fai")) == before
    assert sorted(path.name for path in out.iterdir()) == [
        RECORD, "contig_sizes.tsv", "genome.fa", "genome.fa.fai",
    ]  # fmt: skip


def test_a_verb_tells_its_input_in_the_way_in_one_message(tmp_path: Path, capsys) -> None:
    fasta = tmp_path / "genome.fa"
    fasta.write_text(FASTA)
    assert main(["prepare_genome", "--fasta", str(fasta), "--directory", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"cbat prepare_genome: error: {fasta}: 'cbat prepare_genome' would overwrite this")
    assert said.count("\n") == 1
    assert fasta.read_text() == FASTA
    assert [*tmp_path.iterdir()] == [fasta]


# Locks


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second is waited for a lock."""
    monkeypatch.setattr("cbat.locks._PATIENCE", 0.0)


HOLDER = """
import signal, sys
from pathlib import Path
from cbat.commands.outputs import outputs_guarded
from cbat.files import write_json
verb, option, path = sys.argv[1:4]
values = {option: Path(path), "directory": Path(sys.argv[4])}
with outputs_guarded(verb, values):
    if len(sys.argv) > 5:
        write_json(Path(path) / sys.argv[5], "half a run")
    print("held", flush=True)
    signal.pause()
"""


@contextmanager
def held(verb: str, option: str, path: Path, directory: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A process in which a verb is at work."""
    command = [sys.executable, "-c", HOLDER, verb, option, str(path), str(directory), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "verb",
    [
        verb
        for verb in sorted(VERBS)
        if "directory" in OUTPUTS[verb] and verb not in ("score_chromosome", "run_world")
    ],
)
def test_a_second_run_into_a_folder_is_refused_until_the_first_is_killed(verb: str, tmp_path: Path) -> None:
    out, link = tmp_path / "out", tmp_path / "link"
    link.symlink_to(out)
    values = dict.fromkeys(OUTPUTS[verb])
    with held(verb, "directory", out, out) as process:
        for path in (out, link):
            said = refused(verb, values | {"directory": path})
            assert (
                f"another run is writing into this folder: 'cbat {verb}', process {process.pid} on " in said
            )
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (out / LOCK).exists()
        with outputs_guarded(verb, values | {"directory": out}):
            pass
    assert not [path for path in tmp_path.rglob(".*") if path.name != RECORD]


def test_half_of_a_killed_run_is_known_as_its_own(tmp_path: Path) -> None:
    with held("explain", "directory", tmp_path, tmp_path, "explanation.json"):
        pass
    assert (tmp_path / "explanation.json").exists()
    with outputs_guarded("explain", {"directory": tmp_path}):
        write_json(tmp_path / "explanation.json", "whole")


def test_stages_share_the_folder_of_a_line_and_a_whole_prediction_does_not(tmp_path: Path) -> None:
    line, pairs = tmp_path / "line", tmp_path / "line" / "pairs"
    with held("score_chromosome", "output", pairs / "chr1.parquet", line):
        with outputs_guarded("score_chromosome", {"output": pairs / "chr2.parquet", "directory": line}):
            pass
        with outputs_guarded("gather_predictions", {"directory": line}):
            pass
        assert "another run is writing into this folder. Fix" in refused("predict", {"directory": line})
        again = {"output": pairs / "chr1.parquet", "directory": line}
        assert "'cbat score_chromosome'" in refused("score_chromosome", again)
    with held("predict", "directory", line, line):
        assert "'cbat predict'" in refused("gather_predictions", {"directory": line})
        assert "'cbat predict'" in refused("explain", {"directory": line})


def test_a_file_system_without_locks_is_warned_of(tmp_path: Path, monkeypatch, caplog) -> None:
    def without(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("cbat.locks.fcntl.flock", without)
    with outputs_guarded("explain", {"directory": tmp_path}):
        write_json(tmp_path / "explanation.json", "whole")
    assert "this folder cannot be locked (Operation not supported)" in caplog.text
