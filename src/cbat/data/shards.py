"""Homogeneous blocks of queries with their support sets, one self-contained folder for each cell line.

A block is up to ``block_size`` pairs of one cell line and one split. With it goes a support set: unlabelled
candidates of the same line and split, none of which occurs in the block's own pairs. Blocks and supports are
drawn without a look at the labels, so that whoever reads them learns nothing that a user of a new cell line
would not have.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import ShardSettings
from cbat.data.draws import draw_key, stream_of
from cbat.data.sequences import stored_codes
from cbat.data.stored import (
    check_files,
    open_array,
    read_manifest,
    read_table,
    start_directory,
    write_array,
    write_manifest,
    write_rows,
    write_table,
)
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import atomic_file

Indices = npt.NDArray[np.intp]

FORMAT: Final = 2
SPLITS: Final = ("train", "validation", "test")
FILES: Final = (
    "elements.parquet",
    "enhancer_codes.npy",
    "promoter_codes.npy",
    "pairs.parquet",
    "support.npy",
)
NO_ELEMENT: Final = -1
"""Fills a support set up to ``support_size`` when there are fewer candidates."""
_LABEL_COLUMNS: Final = (
    *("enhancer", "promoter", "enhancer_id", "promoter_id"),
    *("label", "distance", "upstream", "chrom", "split"),
)
_ORDER_STREAM, _SUPPORT_STREAM = 0, 1
_PIECE: Final = 1_000
"""Elements whose bases are copied together."""
_MEND: Final = "delete the folder and run the workflow again: write_block_shards makes it again"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Shard:
    """The blocks of one cell line.

    Attributes
    ----------
    cell_line : str
    block_size, support_size : int
        The most pairs in a block, and the width of ``support``.
    enhancer_codes, promoter_codes : uint8 arrays, shape=(n_local, window)
        Memory maps of the windows' bases, A0 C1 G2 T3 N4, one row for each local element.
    elements : DataFrame
        ``role``, ``local`` (row of the role's codes), ``element_id``, ``split``, ``candidate`` (whether it
        may be in a support set of the line); sorted by role and local.
    pairs : DataFrame
        ``block``, ``enhancer`` and ``promoter`` (local), ``label``, ``distance`` (bp), ``upstream``,
        ``chrom``, ``split``; every labelled pair of the line once, sorted by block.
    support : int32 array, shape=(n_blocks, support_size, 2)
        Memory map; [:, :, 0] is the role (0 enhancer, 1 promoter), [:, :, 1] the local element, both
        -1 beyond the last one. The order is random: the first n are a support set of size n.
    n_blocks : dict
        Split -> number of its blocks; the splits follow one another as train, validation, test.
    """

    cell_line: str
    block_size: int
    support_size: int
    enhancer_codes: npt.NDArray[np.uint8]
    promoter_codes: npt.NDArray[np.uint8]
    elements: pd.DataFrame
    pairs: pd.DataFrame
    support: npt.NDArray[np.int32]
    n_blocks: dict[str, int]


@dataclass(frozen=True)
class Outline:
    """What the manifest of a shard says of its blocks; nothing else of the shard has been read.

    Attributes
    ----------
    cell_line : str
    n_blocks : dict
        Split -> number of its blocks.
    """

    cell_line: str
    n_blocks: dict[str, int]


def read_outline(directory: Path) -> Outline:
    """The outline of the shard of a cell line.

    Raises
    ------
    UserError
        The manifest is missing, damaged or of another format.
    """
    manifest = read_manifest(Path(directory), version=FORMAT, files=FILES, mend=_MEND)
    return Outline(manifest["cell_line"], {split: manifest["n_blocks"][split] for split in SPLITS})


def read_shard(directory: Path) -> Shard:
    """Open the shard of a cell line, once sizes and hashes of all its files have been checked.

    Parameters
    ----------
    directory : Path
        ``results/shards/<cell_line>``.

    Raises
    ------
    UserError
        A file is missing, truncated, corrupt or of another format; the message names it.
    """
    directory = Path(directory)
    manifest = read_manifest(directory, version=FORMAT, files=FILES, mend=_MEND)
    check_files(directory, manifest["files"], mend=_MEND)
    return Shard(
        cell_line=manifest["cell_line"],
        block_size=manifest["block_size"],
        support_size=manifest["support_size"],
        enhancer_codes=open_array(directory / "enhancer_codes.npy", mend=_MEND),
        promoter_codes=open_array(directory / "promoter_codes.npy", mend=_MEND),
        elements=pd.read_parquet(directory / "elements.parquet"),
        pairs=pd.read_parquet(directory / "pairs.parquet"),
        support=open_array(directory / "support.npy", mend=_MEND),
        n_blocks={split: manifest["n_blocks"][split] for split in SPLITS},
    )


def run(
    *,
    cell_line: str,
    labels: Path,
    elements_directory: Path,
    sequences_directory: Path,
    settings: ShardSettings,
    directory: Path,
) -> None:
    """Write the blocks and support sets of one cell line.

    Parameters
    ----------
    cell_line : str
        Name of the cell line.
    labels : Path
        Its labelled pairs (``results/labels/<cell_line>.parquet``).
    elements_directory, sequences_directory : Path
        Elements and sequences of its cohort.
    settings : ShardSettings
        Sizes of blocks and supports, element types of the supports, and the seed.
    directory : Path
        Folder to write to; :func:`read_shard` reads it.

    Raises
    ------
    UserError
        The cell line has no pairs, or pairs, elements and sequences do not belong together.
    """
    tables = {role: _read_elements(elements_directory, role) for role in ROLES}
    pairs = _read_pairs(labels, tables)
    candidates = _read_candidates(elements_directory / "candidates.parquet", cell_line, settings, tables)
    cohort_rows = {role: np.union1d(pairs[role], candidates[role]) for role in ROLES}
    local = {role: np.searchsorted(cohort_rows[role], pairs[role]) for role in ROLES}
    pool = {
        split: np.concatenate(
            [
                _pool_of(number, cohort_rows[role], candidates[role], tables[role]["split"] == split)
                for number, role in enumerate(ROLES)
            ]
        )
        for split in SPLITS
    }
    elements = _local_elements(cohort_rows, tables, candidates)
    keys = {split: draw_key(elements.loc[elements["split"] == split, "element_id"]) for split in SPLITS}
    order, block = draw_blocks(pairs["split"].to_numpy(), keys, settings)
    pairs = pairs.assign(**local).iloc[order].assign(block=block)
    support = draw_supports(pairs[["block", "split", *ROLES]], pool, keys, settings)

    start_directory(directory)
    for role in ROLES:
        codes = stored_codes(
            sequences_directory,
            role,
            cohort_rows[role],
            n_elements=len(tables[role]),
            elements_directory=elements_directory,
        )
        pieces = (codes[at : at + _PIECE] for at in range(0, max(len(codes), 1), _PIECE))
        with atomic_file(directory / f"{role}_codes.npy") as temporary:
            write_rows(temporary, pieces, codes.shape)
    write_table(directory / "elements.parquet", elements)
    write_table(directory / "pairs.parquet", _as_stored(pairs))
    write_array(directory / "support.npy", support)
    blocks = pairs.drop_duplicates("block")["split"].value_counts()
    content = {
        "format": FORMAT,
        "cell_line": cell_line,
        "block_size": settings.block_size,
        "support_size": settings.support_size,
        "n_blocks": {split: int(blocks.get(split, 0)) for split in SPLITS},
    }
    write_manifest(directory, content, {name: {} for name in FILES})
    _report(cell_line, pairs, support)


def draw_blocks(
    splits: npt.NDArray[Any], keys: Mapping[str, int], settings: ShardSettings
) -> tuple[Indices, npt.NDArray[np.int32]]:
    """Put pairs into a random order within their split, and cut the order into blocks.

    Parameters
    ----------
    splits : array of str, shape=(n_pairs,)
        The split of each pair, which is all that the draw sees of it.
    keys : mapping
        Split -> key of the elements that the cell line has in it, see :func:`~cbat.data.draws.draw_key`.
    settings : ShardSettings

    Returns
    -------
    order : array, shape=(n_pairs,)
        Rows, those of train first, then validation, then test.
    block : int32 array, shape=(n_pairs,)
        The block of each row of ``order``; only the last block of a split may be smaller than the others.
    """
    orders, blocks, first = [], [], 0
    for split in SPLITS:
        rows = np.flatnonzero(splits == split)
        orders.append(stream_of(settings.seed, keys[split], split, _ORDER_STREAM).permutation(rows))
        blocks.append(first + np.arange(len(rows)) // settings.block_size)
        first += -(-len(rows) // settings.block_size)
    return np.concatenate(orders), np.concatenate(blocks).astype(np.int32)


def draw_supports(
    queries: pd.DataFrame, pool: Mapping[str, Indices], keys: Mapping[str, int], settings: ShardSettings
) -> npt.NDArray[np.int32]:
    """Draw a support set for each block, without replacement and without the block's own elements.

    Parameters
    ----------
    queries : DataFrame
        ``block``, ``split``, ``enhancer``, ``promoter`` (local) of each pair, sorted by block.
    pool : mapping
        Split -> candidates of the cell line, shape=(n, 2): role, local element.
    keys : mapping
        As for :func:`draw_blocks`.
    settings : ShardSettings
        All that is left of the pool is put into random order before it is cut to ``support_size``, so
        that a smaller ``support_size`` gives a prefix of the same supports.

    Returns
    -------
    int32 array, shape=(n_blocks, support_size, 2)
        Role and local element, -1 beyond the last one.
    """
    n_blocks = int(queries["block"].max()) + 1 if len(queries) else 0
    support = np.full((n_blocks, settings.support_size, 2), NO_ELEMENT, dtype=np.int32)
    for split in SPLITS:
        generator = stream_of(settings.seed, keys[split], split, _SUPPORT_STREAM)
        candidates = pool[split]
        # Role and element in one number, to be compared with the elements of a block.
        numbers = candidates[:, 1] * len(ROLES) + candidates[:, 0]
        for block, rows in queries[queries["split"] == split].groupby("block", sort=True):
            own = np.concatenate(
                [rows[role].to_numpy() * len(ROLES) + number for number, role in enumerate(ROLES)]
            )
            free = np.flatnonzero(~np.isin(numbers, own))
            drawn = generator.permutation(free)[: settings.support_size]
            support[block, : len(drawn)] = candidates[drawn]
    return support


def _read_elements(directory: Path, role: str) -> pd.DataFrame:
    return read_table(
        directory / f"{role}.parquet", ["element_id", "split"], mend="run collect_elements again"
    )


def _read_pairs(path: Path, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Labelled pairs sorted by their elements, once they fit the elements of the cohort."""
    mend = "run label_pairs again"
    pairs = read_table(path, _LABEL_COLUMNS, mend=mend).sort_values(list(ROLES), ignore_index=True)
    if pairs.empty:
        raise UserError(
            "the cell line has no labelled pairs on the chromosomes of the splits",
            mend="check its pair table and the chromosome names in splits, or leave the line out",
            file=path,
        )
    for role in ROLES:
        table, row = tables[role], pairs[role].to_numpy()
        known = (row >= 0) & (row < len(table))
        element = table.iloc[np.where(known, row, 0)] if len(table) else table.reindex(row)
        fits = known & np.asarray(element["element_id"].array == pairs[f"{role}_id"].array, dtype=bool)
        fits &= np.asarray(element["split"].array == pairs["split"].array, dtype=bool)
        fits &= pairs["split"].isin(SPLITS).to_numpy()
        if not fits.all():
            bad = pairs.iloc[int(np.argmin(fits))]
            raise UserError(
                f"{role} {row[np.argmin(fits)]} of the cohort is not {bad[f'{role}_id']} in {bad['split']}: "
                "pairs and elements come from different runs",
                mend=mend,
                file=path,
            )
    if (twice := pairs.duplicated(list(ROLES))).any():
        bad = pairs[twice].iloc[0]
        raise UserError(f"{bad['enhancer_id']} {bad['promoter_id']} is listed twice", mend=mend, file=path)
    # The names have done their work, and words that few values have are numbers to a category.
    return pairs.drop(columns=[f"{role}_id" for role in ROLES]).astype(
        {"chrom": "category", "split": "category"}
    )


def _read_candidates(
    path: Path, cell_line: str, settings: ShardSettings, tables: Mapping[str, pd.DataFrame]
) -> dict[str, Indices]:
    """Sorted rows of the cohort's tables that a support of the cell line may hold, for each role."""
    mend = "run collect_elements again"
    table = read_table(path, ["cell_line", "role", "element"], mend=mend)
    of_line = (table["cell_line"] == cell_line).to_numpy()
    rows: dict[str, Indices] = {}
    for role in ROLES:
        chosen = of_line & (table["role"] == role).to_numpy()
        if role not in settings.support_elements:
            chosen[:] = False
        rows[role] = np.unique(table["element"].to_numpy()[chosen]).astype(np.intp)
        if len(rows[role]) and not 0 <= rows[role][0] <= rows[role][-1] < len(tables[role]):
            raise UserError(f"it names {role} {rows[role][-1]} of {len(tables[role])}", mend=mend, file=path)
    return rows


def _pool_of(number: int, cohort_rows: Indices, candidates: Indices, in_split: pd.Series) -> Indices:
    """Role and local element of the candidates in one split, shape=(n, 2)."""
    local = np.searchsorted(cohort_rows, candidates[in_split.to_numpy()[candidates]])
    return np.column_stack([np.full(len(local), number, dtype=np.intp), local])


def _local_elements(
    cohort_rows: Mapping[str, Indices], tables: Mapping[str, pd.DataFrame], candidates: Mapping[str, Indices]
) -> pd.DataFrame:
    parts = [
        tables[role]
        .iloc[cohort_rows[role]]
        .assign(
            role=role,
            local=np.arange(len(cohort_rows[role]), dtype=np.int32),
            candidate=np.isin(cohort_rows[role], candidates[role]),
        )
        for role in ROLES
    ]
    return pd.concat(parts, ignore_index=True)[["role", "local", "element_id", "split", "candidate"]]


def _as_stored(pairs: pd.DataFrame) -> pd.DataFrame:
    types = {
        "block": np.int32, "enhancer": np.int32, "promoter": np.int32, "label": np.int8,
        "distance": np.int32, "upstream": np.int8, "chrom": "str", "split": "str",
    }  # fmt: skip
    return pairs[list(types)].astype(types)


def _report(cell_line: str, pairs: pd.DataFrame, support: npt.NDArray[np.int32]) -> None:
    sizes = (support[:, :, 0] != NO_ELEMENT).sum(axis=1)
    _logger.info(
        "%s: %d pairs in %d blocks, supports of %d to %d elements",
        cell_line, len(pairs), len(support), sizes.min(), sizes.max(),
    )  # fmt: skip
    if empty := int((sizes == 0).sum()):
        _logger.warning(
            "%s: %d blocks have no support, for every candidate of their split is among their own pairs",
            cell_line, empty,
        )  # fmt: skip
