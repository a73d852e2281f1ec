"""From BEDs alone, prediction gives every pair the score that evaluation gave it, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cbat.config.sections import ALL_CANDIDATES, EvaluationSettings
from cbat.data.shards import read_shard
from cbat.errors import UserError
from cbat.evaluation import cell_line
from cbat.evaluation.cell_line import Opened, score_cell_line
from cbat.model.bundle import load_model

KEY = ["enhancer_id", "promoter_id"]
VALUES = ["intrinsic_potential", "environment_resistance", "score", "probability"]


def support_table(world, block: int, size: int) -> pd.DataFrame:
    """The support set of a block of the evaluation, as a user would write it down."""
    shard = read_shard(world.shard())
    role, local = np.asarray(shard.support[block, :size]).T
    names = shard.elements.set_index(["role", "local"])["element_id"]
    chosen = [("enhancer" if r == 0 else "promoter", n) for r, n in zip(role, local, strict=True) if r >= 0]
    return pd.DataFrame([(r, names[r, n]) for r, n in chosen], columns=["role", "element_id"])


def assert_same_scores(world, directory: Path, scored: pd.DataFrame, block: int, size: int, **over) -> None:
    """Predict with the support set of a block, and compare the pairs of that block."""
    support_table(world, block, size).to_csv(directory / "support.tsv", sep="\t", index=False)
    predicted = world.predict(
        directory / "out", support=directory / "support.tsv", tissue="liver", max_distance=200_000,
        chromosomes=["chr4", "chr5"], **over,
    )  # fmt: skip
    pairs = read_shard(world.shard()).pairs
    local = pairs.loc[pairs["block"] == block]
    names = read_shard(world.shard()).elements.set_index(["role", "local"])["element_id"]
    wanted = pd.DataFrame(
        {f"{role}_id": names[role].loc[local[role]].to_numpy() for role in ("enhancer", "promoter")}
    )
    both = wanted.merge(scored, on=KEY).merge(predicted, on=KEY, suffixes=("", "_predicted"))
    assert len(both) == len(wanted) > 10
    for name in VALUES:
        np.testing.assert_array_equal(both[name], both[f"{name}_predicted"], err_msg=name)
    np.testing.assert_array_equal(both["distance"], both["distance_predicted"])


def block_of_test(world, number: int) -> int:
    """A block of test chromosomes."""
    pairs = read_shard(world.shard()).pairs
    return int(np.unique(pairs.loc[pairs["split"] == "test", "block"])[number])


@pytest.mark.parametrize("size", [16, 48])
@pytest.mark.parametrize("number", [0, 3])
def test_a_block_with_its_support_set(world, tmp_path: Path, number: int, size: int) -> None:
    scored = world.scored
    scored = scored[(scored["context"] == "own") & (scored["n_support"] == size)]
    assert scored["environment_resistance"].std() > 0.01
    assert_same_scores(world, tmp_path, scored, block_of_test(world, number), size)


@pytest.mark.parametrize(
    "settings",
    [
        {"environment": "none"},
        {"environment": "film", "pair_representation": "low_rank", "set_encoder": "isab"},
        {"environment": "scalar", "alignment": "none"},
        {"set_encoder": "isab_tied", "pair_representation": "attention", "hidden_units": 24},
        {"graph": "none", "stated_tissue": "unknown"},
        {"stated_tissue": "wrong"},
    ],
)
def test_other_models(world, make_package, tmp_path: Path, settings: dict) -> None:
    directory = make_package(world, tmp_path, **settings)
    asked = EvaluationSettings(support_sizes=[48], headline_support=48, contexts=["own"])
    (_, _, scored), *_ = score_cell_line(
        load_model(tmp_path / "model"), Opened(read_shard(world.shard())), "liver", asked
    )
    assert_same_scores(world, tmp_path, scored, block_of_test(world, 1), 48, model_directory=directory)


def test_without_a_support_set_the_stated_tissue_speaks_alone(world, tmp_path: Path) -> None:
    scored = world.scored
    scored = scored[(scored["context"] == "own") & (scored["n_support"] == 0)]
    predicted = world.predict(tmp_path, tissue="liver", support_size=0, max_distance=200_000)
    both = scored.merge(predicted, on=KEY, suffixes=("", "_predicted"))
    assert len(both) == len(scored)
    for name in VALUES:
        np.testing.assert_array_equal(both[name], both[f"{name}_predicted"], err_msg=name)


def test_by_default_all_candidates_are_read(world, tmp_path: Path) -> None:
    asked = EvaluationSettings(support_sizes=["all"], contexts=["own"])
    opened = Opened(read_shard(world.shard()))
    ((_, size, scored),) = score_cell_line(load_model(world.directory / "model"), opened, "liver", asked)
    predicted = world.predict(tmp_path, tissue="liver", max_distance=200_000)
    support = pd.read_csv(tmp_path / "support.tsv", sep="\t")
    assert size == ALL_CANDIDATES
    assert (scored["n_used"] == len(support)).all()
    assert len(support) == opened.own.elements["candidate"].sum() > 48
    both = scored.merge(predicted, on=KEY, suffixes=("", "_predicted"))
    assert len(both) == len(scored)
    for name in VALUES:
        np.testing.assert_array_equal(both[name], both[f"{name}_predicted"], err_msg=name)


def test_a_sample_is_drawn_by_the_seed_and_can_be_given_again(world, tmp_path: Path) -> None:
    first = world.predict(tmp_path / "a", max_distance=50_000, support_size=48)
    other = world.predict(tmp_path / "b", max_distance=50_000, support_size=48, seed=2)
    again = world.predict(tmp_path / "c", max_distance=50_000, support=tmp_path / "a" / "support.tsv", seed=9)
    pd.testing.assert_frame_equal(first, again)
    assert (first["intrinsic_potential"] == other["intrinsic_potential"]).all()
    assert (first["environment_resistance"] != other["environment_resistance"]).any()
    support = pd.read_csv(tmp_path / "a" / "support.tsv", sep="\t")
    assert len(support) == 48
    assert not support.duplicated().any()


def test_scores_do_not_depend_on_which_chromosomes_are_predicted(world, tmp_path: Path) -> None:
    whole = world.predict(tmp_path / "a", max_distance=50_000)
    alone = world.predict(tmp_path / "b", max_distance=50_000, chromosomes=["chr5", "chr2"])
    # In the order of the genome, whatever the order in which they are asked for.
    assert list(dict.fromkeys(alone["chrom"])) == ["chr2", "chr5"]
    parts = [whole[whole["chrom"] == chrom] for chrom in ("chr2", "chr5")]
    pd.testing.assert_frame_equal(
        alone.astype({"chrom": str}), pd.concat(parts, ignore_index=True).astype({"chrom": str})
    )


def evaluated(world, directory: Path, **over) -> None:
    """Evaluate the model of the world again."""
    settings = EvaluationSettings(**{"support_sizes": [16], "headline_support": 16, "n_bootstrap": 0} | over)
    cell_line.run(
        model="full", model_directory=world.directory / "model", seed=1, cell_line="liver_2", role="unseen",
        tissue="liver", shard=world.shard(), settings=settings, threads=1, directory=directory,
    )  # fmt: skip


def test_each_context_is_a_row_group_of_the_scored_pairs(world, tmp_path: Path) -> None:
    evaluated(world, tmp_path, contexts=["own", "none", "mean", "shuffled"])
    file = pq.ParquetFile(tmp_path / "scored_pairs.parquet")
    groups = [file.read_row_group(number).to_pandas() for number in range(file.num_row_groups)]
    assert [group["context"].unique().tolist() for group in groups] == [
        ["none"],
        ["mean"],
        ["own"],
        ["shuffled"],
    ]
    keys = [group[KEY] for group in groups]
    for other in keys[1:]:
        pd.testing.assert_frame_equal(keys[0], other)
    assert len(keys[0]) > 100


def test_a_line_that_no_context_fits_is_refused_and_leaves_nothing(world, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of the contexts"):
        evaluated(world, tmp_path, contexts=["wrong"])
    assert not list(tmp_path.iterdir())
