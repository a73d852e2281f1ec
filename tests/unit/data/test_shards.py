"""Blocks are homogeneous, supports are disjoint from queries and blind to labels, and damage is found."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from cbat.config.sections import ShardSettings
from cbat.data.sequences import write_codes
from cbat.data.shards import FILES, SPLITS, Shard, read_shard, run
from cbat.errors import UserError

SPLIT_OF = {"chr1": "train", "chr2": "train", "chr3": "validation", "chr4": "test"}
COUNTS = {"enhancer": 240, "promoter": 120}
WINDOWS = {"enhancer": 20, "promoter": 32}
N_PAIRS = 700
SETTINGS = ShardSettings(block_size=16, support_size=40, seed=3)
ROLES = ("enhancer", "promoter")


@dataclass
class Cohort:
    """Elements, sequences and labels of one cell line, K562, and candidates of a second one."""

    top: Path
    tables: dict[str, pd.DataFrame]
    codes: dict[str, npt.NDArray[np.uint8]]
    candidates: pd.DataFrame
    labels: pd.DataFrame

    def write(self) -> Cohort:
        (self.top / "elements").mkdir(exist_ok=True)
        for role, table in self.tables.items():
            table.to_parquet(self.top / "elements" / f"{role}.parquet")
        self.candidates.to_parquet(self.top / "elements" / "candidates.parquet")
        write_codes(self.top / "sequences", self.codes)
        self.labels.to_parquet(self.top / "labels.parquet")
        return self

    def shard(self, settings: ShardSettings = SETTINGS, cell_line: str = "K562", to: str = "shard") -> Shard:
        run(
            cell_line=cell_line,
            labels=self.top / "labels.parquet",
            elements_directory=self.top / "elements",
            sequences_directory=self.top / "sequences",
            settings=settings,
            directory=self.top / to,
        )
        return read_shard(self.top / to)

    def candidate_ids(self, cell_line: str, role: str) -> set[str]:
        chosen = (self.candidates["cell_line"] == cell_line) & (self.candidates["role"] == role)
        return set(self.tables[role]["element_id"].to_numpy()[self.candidates["element"][chosen]])


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    rng = np.random.default_rng(5)
    tables, candidates = {}, []
    for role, n in COUNTS.items():
        chrom = np.sort(rng.choice(list(SPLIT_OF), n))
        start = np.arange(n) * 100
        ids = [f"{c}:{s}-{s + WINDOWS[role]}" for c, s in zip(chrom, start, strict=True)]
        tables[role] = pd.DataFrame({"element_id": ids, "chrom": chrom, "start": start})
        tables[role]["split"] = tables[role]["chrom"].map(SPLIT_OF)
        for line, share in (("K562", 0.6), ("other", 0.5)):
            rows = np.sort(rng.choice(n, int(n * share), replace=False))
            candidates.append(pd.DataFrame({"cell_line": line, "role": role, "element": rows}))
    possible = (
        tables["enhancer"]
        .reset_index(names="enhancer")[["enhancer", "element_id", "chrom"]]
        .merge(
            tables["promoter"].reset_index(names="promoter")[["promoter", "element_id", "chrom"]], on="chrom"
        )
    )
    chosen = np.sort(rng.choice(len(possible), N_PAIRS, replace=False))
    labels = possible.iloc[chosen].reset_index(drop=True)
    labels = labels.rename(columns={"element_id_x": "enhancer_id", "element_id_y": "promoter_id"})
    labels = labels.assign(
        label=rng.integers(0, 2, N_PAIRS).astype(np.int8),
        distance=rng.integers(1, 10**6, N_PAIRS).astype(np.int32),
        upstream=rng.choice(np.array([-1, 1], dtype=np.int8), N_PAIRS),
        split=labels["chrom"].map(SPLIT_OF),
    )
    codes = {role: rng.integers(0, 5, (n, WINDOWS[role]), dtype=np.uint8) for role, n in COUNTS.items()}
    return Cohort(tmp_path, tables, codes, pd.concat(candidates), labels).write()


def supports(shard: Shard) -> list[list[tuple[str, str]]]:
    """Role and id of the elements of each block's support, padding left out."""
    ids = {role: table["element_id"].to_list() for role, table in shard.elements.groupby("role")}
    return [
        [(ROLES[role], ids[ROLES[role]][local]) for role, local in block if role >= 0]
        for block in np.asarray(shard.support)
    ]


def with_ids(shard: Shard) -> pd.DataFrame:
    """The pairs with the ids of their elements in place of local numbers."""
    pairs = shard.pairs.copy()
    for role in ROLES:
        ids = shard.elements.loc[shard.elements["role"] == role, "element_id"].to_numpy()
        pairs[f"{role}_id"] = ids[pairs[role]]
    return pairs.drop(columns=list(ROLES))


def test_every_labelled_pair_occurs_exactly_once_with_all_that_is_known_of_it(cohort: Cohort) -> None:
    columns = ["enhancer_id", "promoter_id", "label", "distance", "upstream", "chrom", "split"]
    ours = with_ids(cohort.shard())[columns].sort_values(columns[:2], ignore_index=True)
    pd.testing.assert_frame_equal(ours, cohort.labels[columns].sort_values(columns[:2], ignore_index=True))
    assert not ours.duplicated(columns[:2]).any()


def test_a_block_is_of_one_split_and_full_unless_it_is_the_last_of_its_split(cohort: Cohort) -> None:
    shard = cohort.shard()
    assert shard.pairs["block"].is_monotonic_increasing
    assert (shard.pairs.groupby("block")["split"].nunique() == 1).all()
    first = 0
    for split in SPLITS:
        sizes = shard.pairs[shard.pairs["split"] == split].groupby("block").size()
        assert sizes.index.to_list() == list(range(first, first + shard.n_blocks[split]))
        assert (sizes.iloc[:-1] == SETTINGS.block_size).all()
        assert 1 <= sizes.iloc[-1] <= SETTINGS.block_size
        first += len(sizes)
    assert first == len(shard.support)


def test_pairs_of_a_block_are_in_random_order_not_in_that_of_the_genome(cohort: Cohort) -> None:
    train = cohort.shard().pairs.query("split == 'train'")
    first = train[train["block"] == 0]
    assert first["chrom"].nunique() == 2, "a block of 16 pairs of two chromosomes mixes them"
    assert abs(np.corrcoef(train["block"], train["enhancer"])[0, 1]) < 0.15
    assert not first["enhancer"].is_monotonic_increasing


def test_supports_hold_candidates_of_the_line_and_split_and_no_query_of_their_block(cohort: Cohort) -> None:
    shard = cohort.shard()
    split_of = {
        (role, key): split
        for role, table in cohort.tables.items()
        for key, split in zip(table["element_id"], table["split"], strict=True)
    }
    pairs = with_ids(shard)
    candidates = {(role, key) for role in ROLES for key in cohort.candidate_ids("K562", role)}
    overlap_with_other_blocks = 0
    for block, support in enumerate(supports(shard)):
        rows = pairs[pairs["block"] == block]
        own = {(role, key) for role in ROLES for key in rows[f"{role}_id"]}
        assert len(set(support)) == len(support), "drawn without replacement"
        assert not own & set(support)
        assert set(support) <= candidates
        assert {split_of[element] for element in support} <= {rows["split"].iloc[0]}
        available = {c for c in candidates if split_of[c] == rows["split"].iloc[0]} - own
        assert len(support) == min(len(available), SETTINGS.support_size), "as many as there are"
        overlap_with_other_blocks += len(set(support) & {(r, k) for r in ROLES for k in pairs[f"{r}_id"]})
    assert overlap_with_other_blocks, "elements of other blocks are candidates like any other"


def test_both_roles_are_mixed_in_a_support_so_that_a_prefix_is_a_support(cohort: Cohort) -> None:
    shard = cohort.shard(ShardSettings(block_size=4, support_size=30, seed=1))
    share = cohort.candidates.query("cell_line == 'K562'")["role"].eq("enhancer").mean()
    head = np.asarray(shard.support[:, :10, 0])
    tail = np.asarray(shard.support[:, 20:30, 0])
    for part in (head, tail):
        assert np.mean(part[part >= 0] == 0) == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize("size", [1, 7, 39])
def test_a_smaller_support_is_a_prefix_of_a_larger_one(cohort: Cohort, size: int) -> None:
    large = cohort.shard(to="large")
    small = cohort.shard(SETTINGS.model_copy(update={"support_size": size}), to="small")
    np.testing.assert_array_equal(small.support, large.support[:, :size])
    pd.testing.assert_frame_equal(small.pairs, large.pairs)


def test_a_support_that_runs_short_is_padded_at_its_end(cohort: Cohort) -> None:
    shard = cohort.shard(ShardSettings(block_size=16, support_size=1000))
    support = np.asarray(shard.support)
    filled = support[:, :, 0] >= 0
    assert not filled.all(axis=1).any()
    assert filled.any(axis=1).all()
    assert all(not later or earlier for row in filled for earlier, later in pairwise(row))
    assert (support[~filled] == -1).all()
    assert support.dtype == np.int32


def test_labels_decide_neither_blocks_nor_supports(cohort: Cohort) -> None:
    before = cohort.shard(to="before")
    cohort.labels["label"] = (1 - cohort.labels["label"]).astype(np.int8)
    cohort.write()
    after = cohort.shard(to="after")
    np.testing.assert_array_equal(after.support, before.support)
    pd.testing.assert_frame_equal(after.pairs.drop(columns="label"), before.pairs.drop(columns="label"))
    assert (after.pairs["label"] == 1 - before.pairs["label"]).all()


def test_sorting_the_labels_by_label_changes_nothing(cohort: Cohort) -> None:
    before = cohort.shard(to="before")
    cohort.labels = cohort.labels.sort_values("label", ignore_index=True)
    cohort.write()
    pd.testing.assert_frame_equal(cohort.shard(to="after").pairs, before.pairs)


def test_two_runs_write_the_same_bytes(cohort: Cohort) -> None:
    cohort.shard(to="a")
    cohort.shard(to="b")
    names = sorted(path.name for path in (cohort.top / "a").iterdir())
    assert names == sorted([*FILES, "manifest.json"])
    for name in names:
        assert (cohort.top / "a" / name).read_bytes() == (cohort.top / "b" / name).read_bytes()


def test_the_seed_and_the_elements_of_the_line_decide_the_draw(cohort: Cohort) -> None:
    shard = cohort.shard(to="a")
    other_seed = cohort.shard(SETTINGS.model_copy(update={"seed": -4}), to="b")
    assert not shard.pairs.equals(other_seed.pairs)
    assert not np.array_equal(shard.support, other_seed.support)
    other_line = cohort.shard(cell_line="other", to="c")
    assert with_ids(shard)["enhancer_id"].to_list() != with_ids(other_line)["enhancer_id"].to_list()
    cohort.candidates["cell_line"] = cohort.candidates["cell_line"].replace({"K562": "Z", "other": "A"})
    cohort.write()
    renamed = cohort.shard(cell_line="Z", to="d")
    pd.testing.assert_frame_equal(renamed.pairs, shard.pairs)
    np.testing.assert_array_equal(renamed.support, shard.support)


def test_another_line_of_the_cohort_changes_nothing(cohort: Cohort) -> None:
    before = cohort.shard(to="before")
    cohort.candidates = cohort.candidates.query("cell_line == 'K562'")
    cohort.write()
    np.testing.assert_array_equal(cohort.shard(to="after").support, before.support)


def test_supports_are_drawn_from_the_chosen_element_types(cohort: Cohort) -> None:
    settings = SETTINGS.model_copy(update={"support_elements": ["enhancer"]})
    shard = cohort.shard(settings)
    roles = np.asarray(shard.support[:, :, 0])
    assert set(np.unique(roles)) <= {-1, 0}
    assert (roles == 0).any(axis=1).all()
    queried = set(cohort.labels["promoter_id"])
    local = set(shard.elements.query("role == 'promoter'")["element_id"])
    assert local == queried, "a promoter that can be in no support is not stored"


def test_blocks_without_support_are_reported(cohort: Cohort, caplog: pytest.LogCaptureFixture) -> None:
    cohort.candidates = cohort.candidates.query("cell_line != 'K562'")
    cohort.write()
    with caplog.at_level(logging.WARNING):
        shard = cohort.shard()
    assert (np.asarray(shard.support) == -1).all()
    assert f"K562: {len(shard.support)} blocks have no support" in caplog.text


def test_local_elements_are_queries_and_candidates_in_the_order_of_the_cohort(cohort: Cohort) -> None:
    shard = cohort.shard()
    for role, codes in (("enhancer", shard.enhancer_codes), ("promoter", shard.promoter_codes)):
        table = shard.elements[shard.elements["role"] == role]
        wanted = set(cohort.labels[f"{role}_id"]) | cohort.candidate_ids("K562", role)
        whole = cohort.tables[role]
        rows = np.flatnonzero(whole["element_id"].isin(wanted))
        assert table["element_id"].to_list() == whole["element_id"].iloc[rows].to_list()
        assert table["split"].to_list() == whole["split"].iloc[rows].to_list()
        assert table["local"].to_list() == list(range(len(rows)))
        np.testing.assert_array_equal(codes, cohort.codes[role][rows])
        assert codes.dtype == np.uint8
        assert isinstance(codes, np.memmap)
    assert isinstance(shard.support, np.memmap)


@pytest.mark.parametrize("roles", [["enhancer", "promoter"], ["promoter"]])
def test_elements_are_marked_that_a_support_set_may_hold(cohort: Cohort, roles: list[str]) -> None:
    shard = cohort.shard(SETTINGS.model_copy(update={"support_elements": roles}))
    for role in ("enhancer", "promoter"):
        table = shard.elements[shard.elements["role"] == role]
        wanted = cohort.candidate_ids("K562", role) if role in roles else set()
        assert set(table.loc[table["candidate"], "element_id"]) == wanted
        assert not table["candidate"].all(), "an element of a pair need not be a candidate"


def test_what_the_manifest_says_is_read(cohort: Cohort) -> None:
    shard = cohort.shard()
    assert (shard.cell_line, shard.block_size, shard.support_size) == ("K562", 16, 40)
    counts = cohort.labels["split"].value_counts()
    assert shard.n_blocks == {split: -(-counts[split] // 16) for split in SPLITS}
    types = {"block": "int32", "enhancer": "int32", "promoter": "int32", "label": "int8"}
    types |= {"distance": "int32", "upstream": "int8"}
    assert shard.pairs[[*types]].dtypes.astype(str).to_dict() == types
    assert shard.pairs.columns.to_list() == [*types, "chrom", "split"]


@pytest.mark.parametrize("position", [0.0, 0.4, 0.999])
@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_one_turned_bit_in_any_file_is_found_and_the_file_named(
    cohort: Cohort, name: str, position: float
) -> None:
    cohort.shard()
    path = cohort.top / "shard" / name
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 0x01
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=rf"shard/{name}: .*write_block_shards"):
        read_shard(cohort.top / "shard")


@pytest.mark.parametrize("kept", [0.0, 0.5, -1])
@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_truncated_file_is_found_and_named(cohort: Cohort, name: str, kept: float) -> None:
    cohort.shard()
    path = cohort.top / "shard" / name
    content = path.read_bytes()
    path.write_bytes(content[: -1 if kept < 0 else int(kept * len(content))])
    with pytest.raises(UserError, match=rf"shard/{name}: .*write_block_shards"):
        read_shard(cohort.top / "shard")


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_named(cohort: Cohort, name: str) -> None:
    cohort.shard()
    (cohort.top / "shard" / name).unlink()
    with pytest.raises(UserError, match=rf"shard/{name}: the file is missing.*write_block_shards"):
        read_shard(cohort.top / "shard")


def test_files_of_two_lines_cannot_be_mixed(cohort: Cohort) -> None:
    cohort.shard(to="a")
    cohort.shard(cell_line="other", to="b")
    (cohort.top / "a" / "pairs.parquet").write_bytes((cohort.top / "b" / "pairs.parquet").read_bytes())
    with pytest.raises(UserError, match=r"a/pairs\.parquet"):
        read_shard(cohort.top / "a")


def test_a_failed_run_leaves_no_shard_that_can_be_read(cohort: Cohort) -> None:
    cohort.shard()
    codes = cohort.top / "sequences" / "promoter.npy"
    codes.write_bytes(codes.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"sequences/promoter\.npy"):
        cohort.shard()
    with pytest.raises(UserError, match=r"shard/manifest\.json: the file is missing"):
        read_shard(cohort.top / "shard")


def test_labels_of_another_run_than_the_elements_are_refused(cohort: Cohort) -> None:
    cohort.labels.loc[10, "promoter"] += 1
    cohort.write()
    with pytest.raises(UserError, match=r"labels\.parquet: promoter .* is not chr.*label_pairs"):
        cohort.shard()


def test_labels_that_point_beyond_the_elements_are_refused(cohort: Cohort) -> None:
    cohort.labels.loc[0, "enhancer"] = COUNTS["enhancer"]
    cohort.write()
    with pytest.raises(UserError, match=r"labels\.parquet: enhancer 240 of the cohort is not chr"):
        cohort.shard()


def test_a_pair_in_another_split_than_its_elements_is_refused(cohort: Cohort) -> None:
    row = cohort.labels.index[cohort.labels["split"] == "train"][0]
    cohort.labels.loc[row, "split"] = "test"
    cohort.write()
    with pytest.raises(UserError, match=r"labels\.parquet: enhancer .* in test"):
        cohort.shard()


def test_a_pair_listed_twice_is_refused(cohort: Cohort) -> None:
    cohort.labels = pd.concat([cohort.labels, cohort.labels.iloc[[5]]], ignore_index=True)
    cohort.write()
    with pytest.raises(UserError, match="is listed twice"):
        cohort.shard()


def test_a_line_without_pairs_is_refused(cohort: Cohort) -> None:
    cohort.labels = cohort.labels.iloc[:0]
    cohort.write()
    with pytest.raises(UserError, match=r"labels\.parquet: the cell line has no labelled pairs"):
        cohort.shard()


def test_sequences_of_other_elements_are_refused(cohort: Cohort) -> None:
    cohort.codes["promoter"] = cohort.codes["promoter"][:-1]
    cohort.write()
    with pytest.raises(UserError, match="119 sequences for 120 elements"):
        cohort.shard()


def test_candidates_that_the_cohort_does_not_have_are_refused(cohort: Cohort) -> None:
    stray = pd.DataFrame({"cell_line": ["K562"], "role": ["enhancer"], "element": [999]})
    cohort.candidates = pd.concat([cohort.candidates, stray])
    cohort.write()
    with pytest.raises(UserError, match=r"candidates\.parquet: it names enhancer 999 of 240"):
        cohort.shard()
