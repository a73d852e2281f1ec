"""Training over several processes: the same model, own shards, one message for a failure."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from cbat.config.models import ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.data.shards import read_outline, read_shard
from cbat.errors import UserError
from cbat.files import MARK
from cbat.graph.propagation import load_graph
from cbat.model.bundle import load_encoder
from cbat.model.contact import ContactModel
from cbat.training import train
from cbat.training.distributed import Company
from cbat.training.episodes import build_training_data
from cbat.training.launch import command_line, told
from cbat.training.loop import Loop
from cbat.training.losses import Objective, Portion
from cbat.training.sharing import deal, read_shares
from cbat.written import RECORD

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[3]
# Dropout draws from one stream in one process, and from several in several.
SETTINGS = ModelSettings(
    steps=27,
    validation_every=9,
    patience=3,
    support_size=64,
    pair_representation="attention",
    set_encoder="isab_tied",
    set_encoder_elements=32,
    hidden_units=8,
    learning_rate=0.01,
    dropout=0.0,
)
CPU = TrainingSettings(device="cpu")
TOLERANCE = 2e-5
"""Of losses and weights, absolute, for sums that are made in another order."""


def options(tiny_project, encoder: Path, directory: Path, **over) -> dict:
    lines = tiny_project.train
    given = {
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
    return given | over


def command(given: dict) -> list[str]:
    words = command_line({name.replace("_", "-"): value for name, value in given.items()})
    return [sys.executable, "-m", "cbat", "train_model", *words]


def history(directory: Path) -> list[dict]:
    return [json.loads(line) for line in (directory / "history.jsonl").read_text().splitlines()]


def close(one: Path, other: Path) -> None:
    rows, others = history(one), history(other)
    assert len(rows) == len(others)
    for row, another in zip(rows, others, strict=True):
        assert row.keys() == another.keys()
        for name, value in row.items():
            # A rank among validation pairs can change places with its neighbour.
            atol = 1e-3 if name == "validation_aupr" else TOLERANCE
            assert value == (another[name] if name == "collapse" else pytest.approx(another[name], abs=atol))
    weights, other_weights = (load_file(path / "model.safetensors") for path in (one, other))
    assert weights.keys() == other_weights.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, other_weights[name], atol=10 * TOLERANCE, rtol=1e-4)
    models = [json.loads((path / "model.json").read_text()) for path in (one, other)]
    assert models[0]["calibration"]["temperatures"] == pytest.approx(
        models[1]["calibration"]["temperatures"], rel=1e-3
    )
    assert models[0]["threshold"] == pytest.approx(models[1]["threshold"], abs=1e-3)


@pytest.fixture(scope="module")
def alone(tiny_project, encoder, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("alone")
    train.run(**options(tiny_project, encoder, directory))
    return directory


@pytest.mark.parametrize("over", [{}, {"blocks_at_once": 2}])
def test_two_processes_train_the_model_of_one(tiny_project, encoder, alone, tmp_path, over) -> None:
    training = CPU.model_copy(update={"processes": 2, **over})
    train.run(**options(tiny_project, encoder, tmp_path, training=training))
    close(alone, tmp_path)
    versions = [json.loads((path / "versions.json").read_text()) for path in (alone, tmp_path)]
    assert [one["device"]["processes"] for one in versions] == [1, 2]
    assert versions[0]["data_sha256"] == versions[1]["data_sha256"]
    assert [path.name for path in tmp_path.glob(".*")] in ([], [RECORD])


def test_mixed_blocks_are_shared_too(tiny_project, encoder, tmp_path) -> None:
    settings = SETTINGS.model_copy(update={"blocks": "mixed", "steps": 9})
    for n in (1, 2):
        training = CPU.model_copy(update={"processes": n})
        given = options(tiny_project, encoder, tmp_path / str(n), training=training, settings=settings)
        train.run(**given)
    close(tmp_path / "1", tmp_path / "2")


def test_gradients_of_portions_add_up(tiny_project, encoder) -> None:
    """Over processes and portions, for losses of pairs, of blocks, and of neither."""
    settings = SETTINGS.model_copy(
        update={"alignment_weight": 0.3, "competition_weight": 0.2, "orthogonality": 0.5}
    )
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    graph = load_graph(tiny_project.graph)
    data = build_training_data(shards, tiny_project.train, load_encoder(encoder), graph, settings)
    last = np.flatnonzero(np.diff(data.training.start) != 32)
    blocks = np.concatenate([last[:2], [0, 5, 9, 14, 20]])
    assert len(set(np.diff(data.training.start)[blocks])) > 1, "or all blocks weigh the same"
    torch.manual_seed(0)
    n_filters = data.elements.enhancer.shape[1]
    objective = Objective(ContactModel(n_filters, settings), settings, len(data.counts), n_filters)

    def gradient(processes: int, at_once: int | None) -> torch.Tensor:
        objective.zero_grad()
        for rank in range(processes):
            company = Company(rank, processes)
            share = type(data.share).dealt(data.share.sizes, company)
            loop = Loop(
                objective, replace(data, share=share), CPU.model_copy(update={"blocks_at_once": at_once}), 1,
                torch.device("cpu"),
            )  # fmt: skip
            for task in loop.tasks(blocks):
                loop.loss(loop.batch(task.blocks), task.portion).backward()
        found = [one.grad.flatten() for one in objective.parameters() if one.grad is not None]
        return torch.cat(found).clone()

    expected = gradient(1, None)
    assert expected.abs().max() > 1e-3
    for processes, at_once in ((1, 1), (1, 3), (1, 100), (2, None), (3, 2), (12, None)):
        found = gradient(processes, at_once)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_no_shipped_model_leaves_a_parameter_unused(tiny_project, encoder) -> None:
    """Processes wait for every gradient, also from one that has no block of a step and keeps pace."""
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    graph, motifs = load_graph(tiny_project.graph), load_encoder(encoder)
    for file in sorted((TOP / "config" / "models").glob("*.yaml")):
        settings = ModelSettings.model_validate(yaml.safe_load(file.read_text()) or {})
        settings = settings.model_copy(update={"support_size": 64, "set_encoder_elements": 32})
        data = build_training_data(shards, tiny_project.train, motifs, graph, settings)
        objective = train.start(data, settings, 1, torch.device("cpu")).objective
        loop = Loop(objective, data, CPU, 1, torch.device("cpu"))
        for blocks, portion in ((np.arange(3), Portion()), (np.arange(1), Portion(0.0, 0.0))):
            objective.zero_grad()
            loop.loss(loop.batch(blocks), portion).backward()
            unused = [
                name for name, one in objective.named_parameters() if one.requires_grad and one.grad is None
            ]
            assert unused == [], file.stem


READ = """
import json, os, sys
from pathlib import Path
opened = set()
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        path = Path(os.fspath(arguments[0]))
        if path.parent.parent.name == "shards":
            opened.add((path.parent.name, path.name))
sys.addaudithook(note)
from cbat.cli import main
code = main(sys.argv[2:])
Path(sys.argv[1], os.environ["RANK"] + ".json").write_text(json.dumps(sorted(opened)))
sys.exit(code)
"""


def test_each_process_opens_its_own_shards_alone(tiny_project, encoder, alone, tmp_path) -> None:
    """Started by a torchrun of one's own, as on several machines."""
    script = tmp_path / "read.py"
    script.write_text(READ)
    directory = tmp_path / "model"
    words = command(options(tiny_project, encoder, directory))[3:]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*torchrun, str(script), str(tmp_path), *words], check=True, env=environment)
    opened = [{tuple(one) for one in json.loads((tmp_path / f"{rank}.json").read_text())} for rank in (0, 1)]
    whole = [{line for line, file in one if file != "manifest.json"} for one in opened]
    assert whole[0] | whole[1] == set(tiny_project.train)
    assert not whole[0] & whole[1]
    assert all(len(one) >= 2 for one in whole)
    for one in opened:
        assert {line for line, file in one if file == "manifest.json"} == set(tiny_project.train)
    close(alone, directory)


def test_shards_are_dealt_whole_and_evenly() -> None:
    owner = deal({"a": 10, "b": 7, "c": 5, "d": 1}, {"v": 4}, 2)
    assert owner == {"a": 0, "b": 1, "c": 1, "d": 0, "v": 0}


def test_more_processes_than_lines_are_refused(tiny_project) -> None:
    shards = [tiny_project.shard(line) for line in tiny_project.train]
    assert read_outline(shards[0]).n_blocks == read_shard(shards[0]).n_blocks
    with pytest.raises(UserError, match=r"3 processes cannot share 2 training lines.*processes to 2"):
        read_shares(shards, tiny_project.train[:2], Company(0, 3), all_of_them=False)


def test_a_mistake_that_one_process_finds_ends_all_with_one_message(tiny_project, encoder, tmp_path) -> None:
    broken = [tmp_path / line for line in tiny_project.train]
    for line, path in zip(tiny_project.train, broken, strict=True):
        shutil.copytree(tiny_project.shard(line), path)
    (broken[1] / "support.npy").write_bytes((broken[1] / "support.npy").read_bytes()[:-1])
    training = CPU.model_copy(update={"processes": 2})
    given = options(tiny_project, encoder, tmp_path / "model", training=training, shards=broken)
    done = subprocess.run(command(given), capture_output=True, text=True, timeout=600)
    assert done.returncode == 2
    assert done.stderr.count("error:") == 1
    assert "support.npy" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists()


def processes_of(directory: Path) -> dict[int, int]:
    """Rank -> number of each process that trains into a folder."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            variables = (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        rank = [one[5:] for one in variables if one.startswith(b"RANK=")]
        if rank and str(directory).encode() in words:
            found[int(rank[0])] = int(path.name)
    return found


def wait_for(condition, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)


@contextmanager
def training_for_ever(tiny_project, encoder, tmp_path):
    """Two processes that train, with the one that watches them, its log and the numbers of both."""
    directory, log = tmp_path / "model", tmp_path / "log"
    training = CPU.model_copy(update={"processes": 2})
    settings = SETTINGS.model_copy(update={"steps": 90_000, "patience": 10_000})
    given = options(tiny_project, encoder, directory, training=training, settings=settings)
    with log.open("w") as text:
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        process = subprocess.Popen(command(given), stderr=text, stdout=text, env=environment)
    try:
        wait_for(lambda: "step 9:" in log.read_text())
        ranks = processes_of(directory)
        assert set(ranks) == {0, 1}
        yield process, log, ranks
        wait_for(lambda: not processes_of(directory))
    finally:
        process.kill()
        for left in processes_of(directory).values():
            os.kill(left, signal.SIGKILL)
    # A lock that a killed process held stays as an empty file.
    assert not [path for path in directory.glob("*") if not path.name.startswith(f".{MARK}")]
    assert "Traceback" not in log.read_text()


def test_a_killed_process_takes_the_others_with_it(tiny_project, encoder, tmp_path) -> None:
    with training_for_ever(tiny_project, encoder, tmp_path) as (process, log, ranks):
        os.kill(ranks[1], signal.SIGKILL)
        assert process.wait(300) == 2
    said = log.read_text()
    assert said.count("error:") == 1
    assert "process 2 of 2 was stopped by SIGKILL" in said, said


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        (signal.SIGKILL, -signal.SIGKILL, None),
        (signal.SIGTERM, 128 + signal.SIGTERM, "cbat train_model: ended by SIGTERM"),
        (signal.SIGINT, 130, "cbat train_model: interrupted"),
    ],
)
def test_whoever_watches_them_takes_them_along(tiny_project, encoder, tmp_path, kind, status, said) -> None:
    with training_for_ever(tiny_project, encoder, tmp_path) as (process, log, _):
        process.send_signal(kind)
        assert process.wait(300) == status
    if said is not None:
        assert log.read_text().splitlines()[-1] == said
        assert not list(tmp_path.glob("cbat-train-*"))


def failure(tmp_path: Path, rank: int, exitcode: int, words: dict | None = None) -> ProcessFailure:
    file = tmp_path / f"{rank}.json"
    if words is not None:
        file.write_text(
            json.dumps({"message": {"message": json.dumps(words), "extraInfo": {"timestamp": "1"}}})
        )
    return ProcessFailure(rank, 1000 + rank, exitcode, str(file))


MISTAKE = {"problem": "the shard is damaged", "mend": "write it again", "file": None, "where": None}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (
            [(0, -15, None), (1, 3, {"lost": "closed"}), (2, -9, None)],
            "process 3 of 3 was stopped by SIGKILL",
        ),
        ([(0, -9, None), (1, 2, MISTAKE)], "the shard is damaged"),
        (
            [(0, -15, None), (1, 3, {"lost": "closed"})],
            "process 2 of 3 lost contact with the others.*failed: closed",
        ),
        ([(0, -15, None)], "process 1 of 3 was stopped by SIGTERM.*find out what stopped it"),
        ([(0, 3, {"lost": "closed"}), (1, 1, None)], "process 2 of 3 failed with exit status 1"),
    ],
)
def test_the_cause_is_told_and_not_its_echo(tmp_path, ends, expected) -> None:
    with pytest.raises(UserError, match=expected):
        raise told([failure(tmp_path, *one) for one in ends], 3)


def test_blocks_that_are_read_as_one_cannot_be_shared(tiny_project, encoder, tmp_path) -> None:
    settings = SETTINGS.model_copy(update={"block_attention": "crossing"})
    training = CPU.model_copy(update={"blocks_at_once": 2})
    with pytest.raises(UserError, match="block_attention: crossing"):
        train.run(**options(tiny_project, encoder, tmp_path, settings=settings, training=training))
