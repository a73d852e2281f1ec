"""Where the model of a prediction lies, and which chromosomes are predicted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from cbat.config.predicted_lines import PACKAGE_FILES, input_files, model_of, predicted_chromosomes
from cbat.config.predictions import Prediction
from cbat.config.sections import SplitSettings

FILES = {"enhancers": Path("e.bed"), "promoters": Path("p.bed")}


def project(**over):
    splits = SplitSettings(train=["chr1", "chr2"], validation=["chr3"], test=["chr4"])
    config = SimpleNamespace(full_model="full", seeds=[3, 4], splits=splits)
    return SimpleNamespace(config=config, worlds={}, **over)


def test_the_full_model_and_the_first_seed_by_default() -> None:
    place = model_of(project(), Prediction(**FILES))
    assert place.directory == Path("results/packages/full/seed_3")
    assert place.files == tuple(place.directory / name for name in PACKAGE_FILES)


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
