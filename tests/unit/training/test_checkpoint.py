"""A training that was killed goes on from its last evaluation, to the bytes of one that was not."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from safetensors import safe_open

from cbat.config.models import ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.training import train
from cbat.training.checkpoint import LAST, PREVIOUS
from cbat.training.launch import command_line

pytestmark = pytest.mark.slow

# A pass over the blocks takes 7 steps, so evaluations come in the middle of passes.
EVERY, STEPS = 5, 25
# Dropout, so that random generators count; patience, so that the best step does.
SETTINGS = ModelSettings(
    steps=STEPS,
    validation_every=EVERY,
    patience=3,
    support_size=64,
    pair_representation="attention",
    set_encoder="isab",
    hidden_units=8,
    learning_rate=0.01,
    dropout=0.2,
)
CPU = TrainingSettings(device="cpu")
MADE = ("model.safetensors", "model.json", "history.jsonl", "versions.json")


def arguments(tiny_project, encoder: Path, directory: Path) -> dict:
    lines = tiny_project.train
    return {
        "shards": [tiny_project.shard(line) for line in lines],
        "train_lines": lines[:-1],
        "validation_lines": lines[-1:],
        "encoder": encoder,
        "graph": tiny_project.graph,
        "settings": SETTINGS,
        "training": CPU,
        "seed": 1,
        "threads": 1,
        "directory": directory,
    }


@pytest.fixture
def options(tiny_project, encoder, tmp_path) -> dict:
    kept = {"checkpoints": tmp_path / "checkpoints"}
    return arguments(tiny_project, encoder, tmp_path / "model") | kept


@pytest.fixture(scope="module")
def undisturbed(tiny_project, encoder, tmp_path_factory) -> Path:
    """What is made where nothing is kept."""
    directory = tmp_path_factory.mktemp("undisturbed")
    train.run(**arguments(tiny_project, encoder, directory))
    return directory


def made(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in MADE}


def stopped_after(step: int, options: dict, monkeypatch, keep: Path | None = None) -> None:
    """Let a training end with an exception right after the checkpoint of a step."""
    write = train.Checkpoints.write

    def then_stop(self, course) -> None:
        write(self, course)
        if course.steps_done == step:
            raise InterruptedError("stopped")

    with monkeypatch.context() as patched:
        patched.setattr(train.Checkpoints, "write", then_stop)
        with pytest.raises(InterruptedError):
            train.run(**options)
    assert not [*options["directory"].glob("[!.]*")]
    if keep is not None:
        shutil.copytree(options["checkpoints"], keep)


def steps_of(records) -> list[int]:
    """The steps after which a training has been evaluated, by its log."""
    return [one.args[0] for one in records if one.msg == "step %d: %s"]


@pytest.mark.parametrize("step", [0, 10, STEPS])
def test_it_goes_on_to_the_same_bytes(options, undisturbed, monkeypatch, caplog, step) -> None:
    caplog.set_level(logging.INFO)
    stopped_after(step, options, monkeypatch)
    caplog.clear()
    train.run(**options)
    assert steps_of(caplog.records) == list(range(step + EVERY, STEPS + 1, EVERY))
    assert f"resuming after step {step} " in caplog.text
    assert made(options["directory"]) == made(undisturbed)
    assert not options["checkpoints"].exists()


def test_early_stopping_is_not_forgotten(options, monkeypatch, caplog) -> None:
    """A training that was stopped for want of patience does not go on when it is started again."""
    caplog.set_level(logging.INFO)
    options["settings"] = SETTINGS.model_copy(update={"patience": 1, "learning_rate": 0.3})
    train.run(**options)
    first, done = made(options["directory"]), steps_of(caplog.records)
    assert done[-1] < STEPS, "it was never out of patience, so this shows nothing"
    shutil.rmtree(options["directory"])
    stopped_after(done[-1], options, monkeypatch)
    caplog.clear()
    train.run(**options)
    assert steps_of(caplog.records) == []
    assert made(options["directory"]) == first


def test_a_damaged_checkpoint_gives_way_to_the_one_before(options, undisturbed, monkeypatch, caplog) -> None:
    stopped_after(10, options, monkeypatch)
    last = options["checkpoints"] / LAST
    last.write_bytes(last.read_bytes()[:-100])
    caplog.set_level(logging.INFO)
    caplog.clear()
    train.run(**options)
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len(told) == 1
    assert f"the checkpoint {last} is damaged and is ignored" in told[0]
    assert steps_of(caplog.records) == [10, 15, 20, 25]
    assert made(options["directory"]) == made(undisturbed)


def test_one_wrong_bit_is_found_and_training_starts_over(options, undisturbed, monkeypatch, caplog) -> None:
    stopped_after(0, options, monkeypatch)
    last = options["checkpoints"] / LAST
    content = bytearray(last.read_bytes())
    content[-5] ^= 1
    last.write_bytes(bytes(content))
    caplog.set_level(logging.INFO)
    caplog.clear()
    train.run(**options)
    assert "is damaged and is ignored (its SHA-256 is not the one in its header)" in caplog.text
    assert steps_of(caplog.records) == list(range(0, STEPS + 1, EVERY))
    assert made(options["directory"]) == made(undisturbed)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 2}, "seed"),
        ({"settings": SETTINGS.model_copy(update={"dropout": 0.3})}, "settings"),
        ({"training": CPU.model_copy(update={"blocks_at_once": 2})}, "settings"),
        ({"train_lines": ["train_0", "train_1"]}, "cell lines"),
        ({"shards": "other"}, "data"),
        ({"code": "other"}, "code"),
        ({"torch": "2.12.0"}, "versions of torch and numpy"),
    ],
)
def test_a_checkpoint_of_another_training_is_not_read(
    options, tiny_project, monkeypatch, caplog, tmp_path, change, named
) -> None:
    stopped_after(5, options, monkeypatch)
    if "code" in change:
        monkeypatch.setattr("cbat.training.records.code_digest", lambda module: "other")
    elif "torch" in change:
        monkeypatch.setattr("torch.__version__", change["torch"])
    elif "shards" in change:
        shutil.copytree(tiny_project.shard("train_0"), tmp_path / "train_7")
        options["shards"] = [tmp_path / "train_7", *options["shards"][1:]]
    else:
        options |= change
    options["settings"] = options["settings"].model_copy(update={"steps": STEPS})
    caplog.set_level(logging.INFO)
    caplog.clear()
    with monkeypatch.context() as patched:
        patched.setattr(train, "_goes_on", lambda course, settings: not course.history)
        train.run(**options)
    assert steps_of(caplog.records) == [0]
    told = [one.getMessage() for one in caplog.records if "is ignored" in one.getMessage()]
    assert len(told) == 2
    assert all(line.endswith(f"it was made with a different {named}") for line in told)


def test_what_does_not_change_a_model_does_not_refuse_a_checkpoint(options, monkeypatch, caplog) -> None:
    stopped_after(20, options, monkeypatch)
    options |= {"threads": 2, "training": CPU.model_copy(update={"fail_on_collapse": True, "threads": 2})}
    caplog.set_level(logging.INFO)
    caplog.clear()
    train.run(**options)
    assert steps_of(caplog.records) == [25]


def test_nothing_in_a_checkpoint_is_code(options, monkeypatch) -> None:
    stopped_after(5, options, monkeypatch)
    assert {path.name for path in options["checkpoints"].iterdir()} == {LAST, PREVIOUS}
    with safe_open(options["checkpoints"] / LAST, framework="pt") as file:
        record = json.loads(file.metadata()["record"])
        assert file.get_tensor("random.cpu").shape[0] == 1
    assert [row["step"] for row in record["history"]] == [0, 5]
    assert sum(map(len, record["waiting"])) > 0, "or no pass was cut, and this shows nothing"


def test_a_full_disk_loses_the_checkpoint_and_not_the_training(
    options, undisturbed, monkeypatch, caplog
) -> None:
    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cbat.training.checkpoint.save_file", full)
    train.run(**options)
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len(told) == 1 + STEPS // EVERY
    assert all("training continues" in line and "no space is left" in line for line in told)
    assert made(options["directory"]) == made(undisturbed)


def command(options: dict) -> list[str]:
    words = command_line({name.replace("_", "-"): value for name, value in options.items()})
    return [sys.executable, "-m", "cbat", "train_model", *words]


def ended_before(step: int, options: dict, kind: signal.Signals, log: Path) -> int:
    """Start a training, and end it by a signal before an evaluation; the exit status."""
    with log.open("w") as text:
        process = subprocess.Popen(
            command(options),
            stderr=text,
            stdout=text,
            start_new_session=True,
            # Tests that run in the background of a shell are deaf to interrupts, and so is what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    end = time.monotonic() + 600
    try:
        while f"step {step - EVERY}:" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.01)
        if kind == signal.SIGKILL:
            os.killpg(process.pid, kind)
        else:
            process.send_signal(kind)
        return process.wait(300)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_evaluations(options, undisturbed, tmp_path, kind) -> None:
    log = tmp_path / "log"
    status = ended_before(10, options, kind, log)
    expected = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
    assert status == expected[kind]
    said = log.read_text()
    assert "Traceback" not in said
    if kind == signal.SIGTERM:
        assert said.splitlines()[-1] == "cbat train_model: ended by SIGTERM"
    assert not [*options["directory"].glob("[!.]*")]
    assert (options["checkpoints"] / LAST).exists()
    done = subprocess.run(command(options), check=True, capture_output=True, text=True)
    # A step is told before its checkpoint is written, so the last that was told may be computed again.
    assert done.stderr.count("resuming after step") == 1
    assert " step 0:" not in done.stderr
    assert made(options["directory"]) == made(undisturbed)
    assert not options["checkpoints"].exists()


def is_at_work(directory: Path) -> bool:
    """Whether a process was started for this folder and runs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(directory).encode() in path.read_bytes():
                return True
    return False


@pytest.fixture(scope="module")
def undisturbed_two(tiny_project, encoder, tmp_path_factory) -> Path:
    """What two processes make that nothing ends."""
    directory = tmp_path_factory.mktemp("undisturbed_two") / "model"
    training = {"training": CPU.model_copy(update={"processes": 2})}
    subprocess.run(command(arguments(tiny_project, encoder, directory) | training), check=True)
    return directory


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM])
def test_two_processes_go_on_together(options, undisturbed_two, tmp_path, kind) -> None:
    options["training"] = CPU.model_copy(update={"processes": 2})
    log = tmp_path / "log"
    ended_before(10, options, kind, log)
    assert not [*options["directory"].glob("[!.]*")]
    end = time.monotonic() + 300
    while is_at_work(options["directory"]):  # The others end with the one that watches them.
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.05)
    with safe_open(options["checkpoints"] / LAST, framework="pt") as file:
        states = file.get_tensor("random.cpu")
    assert states.shape[0] == 2
    assert (states[0] != states[1]).any()
    done = subprocess.run(command(options), check=True, capture_output=True, text=True)
    assert done.stderr.count("resuming after step") == 1
    assert " step 0:" not in done.stderr
    assert "unused parameters" not in done.stderr
    assert made(options["directory"]) == made(undisturbed_two)
    assert not options["checkpoints"].exists()
