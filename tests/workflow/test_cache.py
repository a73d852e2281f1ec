"""`snakemake --cache`: what one checkout has made, another takes, and only what it would make itself."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyfaidx
import pytest
import yaml

from cbat.config.base import TRACK_KINDS

KEPT = ("blood_1", "liver_1", "liver_2")
KINDS = ("pairs.tsv.gz", "enhancers.bed.gz", "promoters.bed.gz")
CACHED = {"genome", "elements", "sequences", "shards"}
"""Folders of results/ that the cached rules make."""
LAST = "write_block_shards"


class Clone:
    """A working directory with files of a user's own, and a copy of the code."""

    def __init__(self, new_checkout, toy, directory: Path) -> None:
        directory.mkdir()
        self.run = new_checkout(directory, ["mine.yaml"])
        self.run.copy_code_to(directory / "checkout")
        self.directory = directory
        (directory / "mine").mkdir()
        raw = toy.directory / "results" / "simulation"
        shutil.copy(raw / "genome.fa.gz", directory / "mine")
        sheet = pd.read_csv(toy.directory / "cell_lines.tsv", sep="\t").set_index("cell_line").loc[[*KEPT]]
        for name in KEPT:
            for kind in KINDS:
                shutil.copyfile(raw / "raw" / name / kind, directory / "mine" / f"{name}.{kind}")
            sheet.loc[name, ["pairs", "enhancers", "promoters"]] = [f"mine/{name}.{kind}" for kind in KINDS]
        sheet.drop(columns=[*TRACK_KINDS]).to_csv(directory / "mine.tsv", sep="\t")
        settings = yaml.safe_load((toy.directory / "toy.yaml").read_text())
        kept = {key: settings[key] for key in ("elements", "splits", "shards", "evaluation")}
        own = {"simulation": None, "cell_lines": "mine.tsv", "genome": {"fasta": "mine/genome.fa.gz"}}
        self.run.write("mine.yaml", yaml.safe_dump(kept | own))

    def made(self, *until: str) -> set[str]:
        """Run with the cache; the folders of whose files some were made here and stored there."""
        done = self.run.snakemake("--cores", "2", "--cache", "--until", *until)
        assert done.returncode == 0, done.stdout[-8000:]
        return set(re.findall(r"Moving output file results/(\w+)/\S+ to cache", done.stdout))

    def contents(self) -> dict[str, bytes]:
        """Relative path -> bytes of what may be cached."""
        results = self.directory / "results"
        files = sorted(path for name in CACHED for path in (results / name).rglob("[!.]*") if path.is_file())
        return {str(path.relative_to(results)): path.read_bytes() for path in files}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(folder))
    return folder


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_second_checkout_takes_what_the_first_has_made(
    toy, new_checkout, cache: Path, tmp_path: Path
) -> None:
    first = Clone(new_checkout, toy, tmp_path / "first")
    second = Clone(new_checkout, toy, tmp_path / "elsewhere")
    # The rule that draws is not cached.
    wanted = (LAST, "plot_prototype_graph")
    assert first.made(*wanted) == CACHED
    # Times and comments do not count, nor does the folder.
    append(second.run.code / "src/cbat/data/shards.py", "\n# A comment.\n")
    assert second.made(*wanted) == set()
    assert second.contents() == first.contents()
    assert second.run.planned("--until", *wanted) == set()

    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    for change, made in changes(second):
        change()
        assert second.made(LAST) == made
    assert {name: (cache / name).read_bytes() for name in before} == before, "an entry was written over"


def changes(clone: Clone) -> list[tuple[Callable[[], object], set[str]]]:
    """Changes one after the other, each with the rules that must not take what is there."""
    code = clone.run.code / "src/cbat/data"
    enhancers = clone.directory / "mine/liver_2.enhancers.bed.gz"
    raw = (clone.directory / "mine/liver_1.enhancers.bed.gz").read_bytes

    def exchange() -> None:
        """All contents stay, and two names change places."""
        names = [clone.directory / f"mine/{line}.enhancers.bed.gz" for line in ("blood_1", "liver_1")]
        contents = [path.read_bytes() for path in names]
        for path, other in zip(names, reversed(contents), strict=True):
            path.write_bytes(other)

    return [
        (exchange, CACHED - {"genome"}),
        (exchange, set()),
        (lambda: append(code / "shards.py", "\nMORE = 1\n"), {"shards"}),
        (lambda: clone.run.edit("mine.yaml", "block_size: 32", "block_size: 16"), {"shards"}),
        (lambda: enhancers.write_bytes(raw()), CACHED - {"genome"}),
        (
            lambda: clone.run.edit("mine.yaml", "enhancer_window: 300", "enhancer_window: 280"),
            CACHED - {"genome"},
        ),
    ]


def test_the_folder_has_to_be_there(checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SNAKEMAKE_OUTPUT_CACHE", raising=False)
    done = checkout.snakemake("-n", "--cache")
    assert done.returncode == 1
    assert "SNAKEMAKE_OUTPUT_CACHE, which is not set. Fix:" in done.stdout
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "gone"))
    done = checkout.snakemake("-n", "--cache")
    assert done.returncode == 1
    assert f"SNAKEMAKE_OUTPUT_CACHE, which is '{tmp_path}/gone', no folder. Fix:" in done.stdout
    assert "Traceback" not in done.stdout


def test_without_the_option_nothing_is_said_of_the_cache(checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", os.devnull)
    assert "cach" not in checkout.snakemake("-n", "--quiet", "rules").stdout


def test_a_file_that_was_put_by_hand_is_known_by_its_content(
    toy, new_checkout, cache: Path, tmp_path: Path
) -> None:
    """Two files of the name of a published one: the rule that would fetch it says nothing of them."""
    clones = [Clone(new_checkout, toy, tmp_path / name) for name in ("first", "second")]
    for clone in clones:
        downloads = clone.directory / "resources" / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        shutil.move(clone.directory / "mine/genome.fa.gz", downloads / "hg19.fa")
        clone.run.edit("mine.yaml", "fasta: mine/genome.fa.gz", "fasta: resources/downloads/hg19.fa")
    genome = clones[1].directory / "resources/downloads/hg19.fa"
    shutil.copy(other_genome(genome, tmp_path), genome)
    for clone in clones:
        assert clone.made("extract_sequences") == CACHED - {"shards"}


def test_a_genome_that_would_be_linked_is_copied(toy, new_checkout, cache: Path, tmp_path: Path) -> None:
    first, second = (Clone(new_checkout, toy, tmp_path / name) for name in ("first", "second"))
    for clone in (first, second):
        packed = clone.directory / "mine/genome.fa.gz"
        plain = packed.with_suffix("")
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
        plain.chmod(0o640)
        pyfaidx.Faidx(str(plain)).close()
        clone.run.edit("mine.yaml", "mine/genome.fa.gz", "mine/genome.fa")
    assert first.made("prepare_genome") == {"genome"}
    given = first.directory / "mine/genome.fa"
    assert stat.S_IMODE(given.stat().st_mode) == 0o640
    assert not [path for path in cache.rglob("*") if path.is_symlink()]
    before = given.read_bytes()
    # What the cache holds is no longer the user's file.
    given.write_bytes(b">chr1\nACGT\n")
    assert second.made("prepare_genome") == set()
    assert (second.directory / "results/genome/genome.fa").read_bytes() == before


def other_genome(path: Path, folder: Path) -> Path:
    """The same contigs with other bases."""
    text = gzip.decompress(path.read_bytes()).decode()
    lines = [
        line if line.startswith(">") else line.translate(str.maketrans("AC", "CA"))
        for line in text.splitlines()
    ]
    other = folder / "other.fa.gz"
    other.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return other
