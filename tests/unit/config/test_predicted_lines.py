"""Where the model of a prediction lies, and which chromosomes are predicted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from cbat.config.predicted_lines import (
    files_of_package,
    input_files,
    model_of,
    predicted_chromosomes,
    reads_sequences,
)
from cbat.config.predictions import Prediction
from cbat.config.sections import SplitSettings

FILES = {"enhancers": Path("e.bed"), "promoters": Path("p.bed")}


def project(**over):
    splits = SplitSettings(train=["chr1", "chr2"], validation=["chr3"], test=["chr4"])
    config = SimpleNamespace(full_model="full", seeds=[3, 4], splits=splits, landscape=None)
    given = {"sequence_models": ["full", "other"]} | over
    return SimpleNamespace(config=config, worlds={}, **given)


def test_the_full_model_and_the_first_seed_by_default() -> None:
    place = model_of(project(), Prediction(**FILES))
    assert place.directory == Path("results/packages/full/seed_3")
    assert [path.name for path in place.files] == [
        "model.safetensors", "model.json", "MODEL_CARD.md", "SHA256SUMS",
    ]  # fmt: skip


def test_a_law_of_the_landscape_has_no_weights_and_brings_its_training_tracks() -> None:
    law = project(sequence_models=[])
    law.config.landscape = object()
    files = files_of_package(law, "full")
    assert "model.safetensors" not in files
    assert {"law.json", "tracks.parquet", "SHA256SUMS"} < set(files)
    assert not reads_sequences(law, Prediction(**FILES))


def test_another_model_and_seed() -> None:
    place = model_of(project(), Prediction(**FILES, model="other", model_seed=4))
    assert place.directory == Path("results/packages/other/seed_4")


def test_a_directory_from_elsewhere() -> None:
    place = model_of(project(), Prediction(**FILES, model_directory=Path("given")))
    assert place.directory == Path("given")
    assert place.files[-1] == Path("given/SHA256SUMS")


def test_the_model_of_a_world_waits_for_the_world() -> None:
    whole = project()
    whole.worlds["one"] = SimpleNamespace(project=project())
    place = model_of(whole, Prediction(**FILES, world="one"))
    assert place.directory == Path("worlds/one/results/packages/full/seed_3")
    assert place.files == (Path("results/worlds/one/summary/metrics.tsv"),)


def test_chromosomes_of_all_splits_or_those_asked_for() -> None:
    assert predicted_chromosomes(project().config, Prediction(**FILES)) == ["chr1", "chr2", "chr3", "chr4"]
    asked = Prediction(**FILES, chromosomes=["chrX"])
    assert predicted_chromosomes(project().config, asked) == ["chrX"]


def test_only_files_that_are_named_are_inputs() -> None:
    assert input_files(Prediction(**FILES, similarity=Path("s.tsv"))) == FILES | {"similarity": Path("s.tsv")}


def test_tracks_are_inputs_by_their_kind() -> None:
    given = Prediction(**FILES, tracks={"insulators": Path("ctcf.bed")}, genes=Path("g.gtf"))
    assert input_files(given) == FILES | {"genes": Path("g.gtf"), "tracks.insulators": Path("ctcf.bed")}
