"""What a whole run says that it was made of and with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cbat.errors import UserError
from cbat.evaluation.run_versions import run
from cbat.files import sha256_of
from cbat.versions import hash_of

CONFIGURATION = {
    "seeds": [1, 2],
    "simulation": {"seed": 7, "world": "additive"},
    "shards": {"seed": 3, "block_size": 64},
    "models": ["m"],
}


@pytest.fixture
def arguments(tmp_path: Path) -> dict:
    raw, manifest = tmp_path / "pairs.tsv", tmp_path / "shards" / "K562" / "manifest.json"
    model = tmp_path / "models" / "m" / "seed_1" / "versions.json"
    for path, text in (
        (raw, "pairs"),
        (manifest, "{}"),
        (
            model,
            json.dumps(
                {
                    "git_revision": "abc",
                    "git_changes": False,
                    "config_sha256": "d",
                    "device": {"type": "cpu"},
                    "python": "3",
                }
            ),
        ),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        "configuration": [json.dumps(CONFIGURATION), '{"cell_line": "K562"}'],
        "raw": [raw],
        "manifests": [manifest],
        "models": [model],
        "output": tmp_path / "versions.json",
    }


def test_everything_is_told(arguments) -> None:
    run(**arguments)
    told = json.loads(arguments["output"].read_text())
    raw, manifest = arguments["raw"][0], arguments["manifests"][0]
    assert told["config_sha256"] == hash_of([CONFIGURATION, {"cell_line": "K562"}])
    assert told["seeds"] == {"seeds": [1, 2], "simulation.seed": 7, "shards.seed": 3}
    assert told["data_sha256"] == {"raw": {str(raw): sha256_of(raw)}, "shards": {"K562": sha256_of(manifest)}}
    assert told["models"]["m/seed_1"]["device"] == {"type": "cpu"}
    assert told["models"]["m/seed_1"]["git_revision"] == "abc"
    assert {"git_revision", "lock_sha256", "packages", "python"} <= set(told)


def test_another_input_is_told_and_the_same_run_says_the_same(arguments) -> None:
    run(**arguments)
    first = arguments["output"].read_bytes()
    run(**arguments)
    assert arguments["output"].read_bytes() == first
    arguments["raw"][0].write_text("other pairs")
    run(**arguments)
    assert arguments["output"].read_bytes() != first


def test_a_model_without_versions_is_named(arguments) -> None:
    arguments["models"][0].write_text("{}")
    with pytest.raises(UserError, match="git_revision") as caught:
        run(**arguments)
    assert str(arguments["models"][0]) in str(caught.value)
    assert not arguments["output"].exists()
