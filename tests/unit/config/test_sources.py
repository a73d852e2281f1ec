"""The registry of published files: closed, told by line, and the same as its document."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from cbat.config.project import load_project
from cbat.config.sheets import read_cell_lines, read_tissues
from cbat.config.sources import COLUMNS, DOWNLOAD_DIRECTORY, find_source, read_sources
from cbat.errors import UserError

TOP = Path(__file__).resolve().parents[3]
SHIPPED = TOP / "resources" / "sources.tsv"
DIGEST = "0" * 64
ROW = ["genome", "1", "https://data.example/genome.fa.gz", "genome.fa", DIGEST, "12", "gzip", "CC0", "Doe"]
HEADER = "\t".join(COLUMNS)


def write(path: Path, *rows: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join(["# a comment", header, *("\t".join(row) for row in rows)]) + "\n")
    return path


def changed(**fields: str) -> list[str]:
    return [fields.get(column, value) for column, value in zip(COLUMNS, ROW, strict=True)]


def test_a_row_says_what_is_known_and_what_is_not(tmp_path: Path) -> None:
    unknown = changed(name="other", file="other.fa", sha256=".", bytes=".")
    known, other = read_sources(write(tmp_path / "sources.tsv", ROW, unknown))
    assert (known.sha256, known.bytes, known.line) == (DIGEST, 12, 3)
    assert (other.sha256, other.bytes, other.line) == (None, None, 4)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (changed(sha256="abc"), "line 4: sha256 is 'abc'. Fix: write the 64 hexadecimal digits"),
        (changed(bytes="many"), "line 4: bytes is 'many'"),
        (changed(bytes="0"), "line 4: bytes is '0'"),
        (
            changed(url="ftp://data.example/x"),
            "line 4: url is 'ftp://data.example/x'. Fix: write an addr",
        ),
        (changed(file="../genome.fa"), "line 4: file is '../genome.fa'"),
        (changed(file="genome.fa.part"), "line 4: file is 'genome.fa.part'"),
        (changed(file="genome.fa.json"), "line 4: file is 'genome.fa.json'"),
        (changed(unpack="zip"), "line 4: unpack is 'zip'. Fix: write one of: none, gzip, pack"),
        (changed(name="a b"), "line 4: name is 'a b'"),
        (changed(licence=""), "line 4: 8 fields where the header has 9"),
        (ROW[:-1], "line 4: 8 fields where the header has 9"),
        (changed(name="GENOME", file="other.fa"), "line 4: the name 'GENOME' is already in line 3"),
        (changed(name="other"), "line 4: the file 'genome.fa' is already in line 3"),
    ],
)
def test_a_mistake_is_told_by_line(tmp_path: Path, row: list[str], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        read_sources(write(tmp_path / "sources.tsv", ROW, row))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER.replace("sha256", "sha265"), "line 2: unknown column 'sha265' (did you mean 'sha256'?)"),
        (HEADER.replace("\tbytes", ""), "line 2: the column 'bytes' is missing"),
        (HEADER + "\tname", "line 2: a column occurs twice"),
    ],
)
def test_the_header_is_closed(tmp_path: Path, header: str, expected: str) -> None:
    with pytest.raises(UserError, match=re.escape(expected)):
        read_sources(write(tmp_path / "sources.tsv", header=header))


def test_an_unknown_name_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    path = write(tmp_path / "sources.tsv", ROW)
    assert find_source(path, "genome").file == "genome.fa"
    with pytest.raises(UserError, match=r"there is no source 'genom' \(did you mean 'genome'\?\)"):
        find_source(path, "genom")
    with pytest.raises(UserError, match="it is the file of 'genome'"):
        find_source(path, "genome.fa")


def test_a_missing_registry_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the registry of sources cannot be read .No such file"):
        read_sources(tmp_path / "none.tsv")


def test_a_path_below_downloads_need_not_exist_when_the_registry_has_it(project_files) -> None:
    project_files.write_yaml("my.yaml", genome={"fasta": "resources/downloads/genome.fa"})
    files = ["config/config.yaml", "my.yaml"]
    with pytest.raises(UserError, match="resources/sources.tsv: the registry of sources cannot be read"):
        load_project(files)
    project_files.write("resources/sources.tsv", f"{HEADER}\n" + "\t".join(ROW) + "\n")
    assert load_project(files).config.genome.fasta == DOWNLOAD_DIRECTORY / "genome.fa"
    project_files.edit("config/cell_lines.tsv", "data/K562.bed", "resources/downloads/genom.fa")
    with pytest.raises(UserError) as caught:
        load_project(files)
    assert "no source has the file 'genom.fa' (did you mean 'genome.fa'?)" in str(caught.value)
    project_files.write("resources/downloads/genom.fa", "")
    load_project(files)


def test_a_mirror_maps_addresses_to_addresses(project_files) -> None:
    project_files.write("my.yaml", "retrieval:\n  mirror:\n    ucsc: https://mirror.example/\n")
    with pytest.raises(UserError, match="my.yaml.*mirror"):
        load_project(["config/config.yaml", "my.yaml"])


def test_the_shipped_registry_is_sound() -> None:
    rows = read_sources(SHIPPED)
    assert len(rows) > 80
    # Archives of repositories move, so an address in one names its commit.
    assert all(re.search(r"/[0-9a-f]{40}/", row.url) for row in rows if "githubusercontent" in row.url)
    assert all(row.file.endswith(".gz") for row in rows if row.unpack == "pack")
    assert all(
        row.url.endswith(".gz") and not row.file.endswith(".gz") for row in rows if row.unpack == "gzip"
    )


def test_the_document_names_every_source_as_the_registry_does() -> None:
    text = (TOP / "docs" / "data_sources.md").read_text()
    table = re.findall(r"^\| `([\w+-]+)` \| `([\w.+-]+)` \| ([^|]+) \| (yes|no) \| ([^|]+) \|$", text, re.M)
    rows = [
        (row.name, row.file, row.version, "yes" if row.sha256 else "no", row.licence)
        for row in read_sources(SHIPPED)
    ]
    assert table == rows
    unconfirmed = text.partition("## Addresses that were not confirmed")[2].partition("\n## ")[0]
    names = set(re.findall(r"`(\w[\w+-]*)`", unconfirmed))
    assert names
    assert names <= {row.name for row in read_sources(SHIPPED)}


def test_digests_are_those_of_the_published_files(shared_dir: Path) -> None:
    digests = (shared_dir / "data" / "PROVENANCE.md").read_text()
    known = [row for row in read_sources(SHIPPED) if row.sha256]
    assert known
    for row in known:
        listed = re.search(rf"^([0-9a-f]{{64}})  (\S+/{re.escape(row.file)})  (\d+)$", digests, re.M)
        assert listed, row.name
        digest, length = listed[1], int(listed[3])
        if row.unpack == "pack":
            published = gzip.decompress((shared_dir / "data" / listed[2]).read_bytes())
            digest, length = hashlib.sha256(published).hexdigest(), len(published)
        assert (row.sha256, row.bytes) == (digest, length), row.name


@pytest.mark.parametrize(
    "sheet", sorted(TOP.glob("config/*/cell_lines*.tsv")), ids=lambda path: str(path)[-45:]
)
def test_the_files_that_ready_sheets_fetch_are_in_the_registry(sheet: Path) -> None:
    files = {row.file for row in read_sources(SHIPPED)}
    configured = sheet.read_text() + "".join(path.read_text() for path in sheet.parent.glob("*.yaml"))
    configured += sheet.parent.with_suffix(".yaml").read_text()
    named = {Path(path).name for path in re.findall(r"resources/downloads/[\w.+-]+", configured)}
    assert named <= files


@pytest.mark.parametrize("folder", sorted(TOP.glob("config/*_hg19")), ids=lambda path: path.name)
def test_ready_sheets_say_where_each_fact_is_stated(folder: Path) -> None:
    sheets = sorted(folder.glob("cell_lines*.tsv"))
    assert sheets
    for sheet in sheets:
        assert [row.cell_line for row in read_cell_lines(sheet) if row.source == "."] == []
    tissues = read_tissues(folder / "tissues.tsv")
    assert [row.tissue for row in tissues if "." in (row.source, row.ontology_id)] == []
