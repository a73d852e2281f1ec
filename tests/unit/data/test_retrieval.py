"""Published files arrive whole and as published, or not at all; what has arrived is not fetched twice."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from cbat.config.closure import import_closure
from cbat.config.sections import RetrievalSettings
from cbat.config.sources import COLUMNS, Source
from cbat.data import retrieval, transfer
from cbat.data.retrieval import check, download, mirrored
from cbat.errors import UserError
from cbat.written import RECORD

TOP = Path(__file__).resolve().parents[3]
PUBLISHED = "https://data.example/"
FIRST = 6 << 14
"""A length that is read in whole pieces."""
CONTENT = np.random.default_rng(1).bytes(300_000)
TEXT = b"".join(b">chr%d\nACGTACGTNN\n" % number for number in range(1, 5))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Job:
    """One source, its place, and the settings."""

    def __init__(self, output: Path, server) -> None:
        self.output, self.server = output, server
        self.settings = RetrievalSettings(mirror={PUBLISHED: server.url}, timeout=5, attempts=3)
        self.row = {
            "name": "toy", "version": "1", "url": f"{PUBLISHED}toy.bin", "file": "toy.bin", "sha256": ".",
            "bytes": ".", "unpack": "none", "licence": "CC0", "citation": "Doe",
        }  # fmt: skip

    def publish(self, content: bytes, name: str = "toy.bin", *, known: bool = True, **row: str) -> None:
        self.server.files = {f"/{name}": content}
        sha256, length = (digest(content), str(len(content))) if known else (".", ".")
        self.row |= {"url": PUBLISHED + name, "sha256": sha256, "bytes": length} | row

    @property
    def source(self) -> Source:
        return Source(**self.row)

    def download(self, **settings: object) -> None:
        download(self.source, self.output, self.settings.model_copy(update=settings))

    def check(self, **settings: object) -> None:
        check(self.source, self.output, self.settings.model_copy(update=settings))

    def fails(self, *words: str, **settings: object) -> str:
        with pytest.raises(UserError) as caught:
            self.download(**settings)
        assert all(word in str(caught.value) for word in words), str(caught.value)
        return str(caught.value)

    @property
    def part(self) -> Path:
        return transfer.part_of(self.output)

    @property
    def record(self) -> dict[str, object]:
        return json.loads(retrieval.record_of(self.output).read_text())

    def leftovers(self) -> list[str]:
        """Names beside the file, but for its record and lock."""
        names = {path.name for path in self.output.parent.iterdir()} - {self.output.name, RECORD}
        return sorted(name for name in names if not name.startswith("."))


@pytest.fixture
def job(tmp_path: Path, file_server) -> Job:
    made = Job(tmp_path / "downloads" / "toy.bin", file_server)
    made.publish(CONTENT)
    return made


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that were asked for, and not made."""
    asked: list[float] = []
    monkeypatch.setattr(transfer.time, "sleep", asked.append)
    return asked


def test_a_whole_file(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    job.download()
    assert job.output.read_bytes() == CONTENT
    assert job.leftovers() == ["toy.bin.json"]
    assert job.record["sha256"] == digest(CONTENT)
    assert job.record["verified"] is True
    assert job.record["url"] == f"{PUBLISHED}toy.bin"
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    (request,) = job.server.requests
    assert request["User-Agent"].startswith("cbat/")
    assert request["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("known", [True, False])
def test_an_interrupted_download_asks_for_the_rest_only(job: Job, known: bool, pauses: list[float]) -> None:
    job.publish(CONTENT, known=known)
    job.server.faults = [("cut", FIRST), ("cut", FIRST // 2)]
    job.download(attempts=2)
    assert job.output.read_bytes() == CONTENT
    assert [request.get("Range") for request in job.server.requests] == [
        None,
        "bytes=98304-",
        "bytes=147456-",
    ]
    assert job.server.sent == [FIRST, FIRST // 2, len(CONTENT) - FIRST - FIRST // 2]
    assert len(pauses) == 2


def test_what_an_earlier_process_left_is_gone_on_with(job: Job) -> None:
    job.server.faults = [("cut", FIRST), 503]
    with pytest.raises(UserError):
        job.download(attempts=1)
    assert not job.output.exists()
    assert job.part.read_bytes() == CONTENT[:FIRST]
    job.server.requests.clear()
    job.download()
    assert job.output.read_bytes() == CONTENT
    assert job.server.requests[0]["Range"] == "bytes=98304-"
    assert job.server.requests[0]["If-Range"].startswith('"')


def test_a_server_without_ranges_starts_over(job: Job) -> None:
    job.server.ranges = False
    job.server.faults = [("cut", FIRST)]
    job.download()
    assert job.output.read_bytes() == CONTENT
    assert job.server.sent == [FIRST, len(CONTENT)]


def test_a_server_that_always_breaks_off_is_given_up(job: Job) -> None:
    job.server.ranges = False
    job.server.faults = [("cut", FIRST)] * 9
    job.fails("3 attempts", "download https://data.example/toy.bin by other means")
    assert len(job.server.sent) == 3


@pytest.mark.parametrize("conditions", [True, False])
def test_pieces_of_two_versions_are_never_joined(job: Job, conditions: bool) -> None:
    job.publish(CONTENT, known=False)
    job.server.conditions = conditions
    job.server.faults = [("cut", FIRST), 503]
    with pytest.raises(UserError):
        job.download(attempts=1)
    assert job.part.stat().st_size == FIRST
    job.publish(CONTENT[::-1], known=False)
    job.download()
    assert job.output.read_bytes() == CONTENT[::-1]


def test_without_a_version_a_beginning_counts_only_if_the_digest_is_known(job: Job) -> None:
    job.server.tags = False
    for known, asked in ((False, None), (True, "bytes=98304-")):
        job.publish(CONTENT, known=known)
        job.server.requests.clear()
        job.server.faults = [("cut", FIRST)]
        job.output.unlink(missing_ok=True)
        job.download()
        assert job.output.read_bytes() == CONTENT
        assert job.server.requests[-1].get("Range") == asked


def test_a_whole_part_is_not_fetched_again(job: Job) -> None:
    job.part.parent.mkdir()
    job.part.write_bytes(CONTENT)
    job.download()
    assert job.output.read_bytes() == CONTENT
    assert job.server.sent == [0]


def test_a_part_that_is_longer_than_the_file_is_thrown_away(job: Job) -> None:
    job.part.parent.mkdir()
    job.part.write_bytes(CONTENT + b"more")
    job.download()
    assert job.output.read_bytes() == CONTENT


def test_a_wrong_digest_is_an_error_and_nothing_stays(job: Job) -> None:
    job.row |= {"sha256": "0" * 64}
    job.fails(f"the SHA-256 of toy is {digest(CONTENT)}", "expects " + "0" * 64, "save it as")
    assert job.leftovers() == []
    assert not job.output.exists()


def test_a_wrong_length_is_an_error(job: Job) -> None:
    job.row |= {"bytes": "7"}
    job.fails("toy has 300000 bytes, the registry expects 7")
    assert job.leftovers() == []


def test_a_file_that_is_not_there(job: Job) -> None:
    job.server.files = {}
    message = job.fails(
        "the source 'toy' cannot be fetched from http://127.0.0.1",
        "a mirror of https://data.example/toy.bin",
        "the server answered 404 Not Found",
        f"by other means and save it as {job.output}",
    )
    assert "proxy" not in message
    assert len(job.server.requests) == 1
    assert job.leftovers() == []


def test_a_busy_server_is_asked_again_when_it_says(job: Job, pauses: list[float]) -> None:
    job.server.headers = {"Retry-After": "7"}
    job.server.faults = [503, 429]
    job.download()
    assert job.output.read_bytes() == CONTENT
    assert pauses == [7.0, 7.0]


def test_pauses_double(job: Job, pauses: list[float]) -> None:
    job.server.faults = [500] * 9
    job.fails("the server answered 500", "(4 attempts)", attempts=4)
    assert pauses == [1.0, 2.0, 4.0]


def test_a_silent_server_is_left_after_the_timeout_and_asked_for_the_rest(job: Job) -> None:
    job.server.faults = [("stall", FIRST)]
    started = time.perf_counter()
    job.download(timeout=1.0)
    # The server is silent for 30.
    assert time.perf_counter() - started < 25
    assert job.output.read_bytes() == CONTENT
    assert job.server.sent == [FIRST, len(CONTENT) - FIRST]


def test_nobody_there(job: Job) -> None:
    job.settings = RetrievalSettings(mirror={PUBLISHED: "http://127.0.0.1:9/"}, attempts=2)
    job.fails("Connection refused", "check the network and the proxy", "retrieval.mirror", "save it as")


def test_a_name_that_nobody_knows(job: Job) -> None:
    job.settings = RetrievalSettings(mirror={PUBLISHED: "http://nowhere.invalid/"}, attempts=1)
    job.fails("http://nowhere.invalid/toy.bin", "check the network and the proxy")


def test_the_proxy_of_the_environment_is_used(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", job.server.url)
    job.publish(CONTENT, url="http://behind.invalid/toy.bin")
    job.download()
    assert job.output.read_bytes() == CONTENT
    assert job.server.requests[0]["path"] == "http://behind.invalid/toy.bin"


def test_a_packed_file_stays_packed_whatever_the_server_calls_it(job: Job) -> None:
    packed = gzip.compress(TEXT, mtime=0)
    job.publish(packed)
    job.server.headers = {"Content-Encoding": "x-gzip"}
    job.download()
    assert job.output.read_bytes() == packed


@pytest.mark.parametrize(("unpack", "published", "stored"), [
    ("gzip", gzip.compress(TEXT, mtime=5), TEXT),
    ("pack", TEXT, None),
])  # fmt: skip
def test_the_form_on_disk(job: Job, unpack: str, published: bytes, stored: bytes | None) -> None:
    job.publish(published, unpack=unpack)
    job.download()
    first = job.output.read_bytes()
    assert first == stored if stored else gzip.decompress(first) == TEXT
    assert job.record["sha256"] == digest(published)
    assert job.record["stored"] == {"sha256": digest(first), "bytes": len(first)}
    job.download()
    assert job.output.read_bytes() == first
    job.check(require_checksums=True)
    assert job.record["verified"] is True
    assert job.record["fetched_from"] == f"{job.server.url}toy.bin"


@pytest.mark.parametrize("name", ["toy.bin", "toy.gz"])
@pytest.mark.parametrize("damaged", [gzip.compress(CONTENT, mtime=0)[:-9], b"<html>Not here</html>"])
def test_a_damaged_gzip_file_is_noticed_without_a_digest(job: Job, name: str, damaged: bytes) -> None:
    job.output = job.output.with_name(name)
    job.publish(damaged, known=False, unpack="none" if name.endswith(".gz") else "gzip")
    job.fails("toy is not a complete gzip file", "it begins with b'", "look at https://data.example/toy.bin")
    assert job.leftovers() == []
    assert not job.output.exists()


def test_an_unknown_digest_is_remembered_and_a_later_other_one_is_an_error(
    job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    job.publish(CONTENT, known=False)
    job.download()
    assert "unverified" in caplog.text
    assert job.record["verified"] is False
    job.output.unlink()
    job.download()
    job.output.unlink()
    job.publish(CONTENT[::-1], known=False)
    job.fails("but it was " + digest(CONTENT), "delete", "toy.bin.json")
    assert not job.output.exists()
    # Another version of the source is another file.
    job.publish(CONTENT[::-1], "toy_2.bin", known=False)
    job.download()


def test_checksums_can_be_required(job: Job) -> None:
    job.publish(CONTENT, known=False)
    job.fails("retrieval.require_checksums is true", require_checksums=True)
    assert job.server.requests == []
    job.publish(CONTENT)
    job.download(require_checksums=True)


def test_a_file_address(job: Job, tmp_path: Path) -> None:
    (tmp_path / "a mirror").mkdir()
    (tmp_path / "a mirror" / "toy.bin").write_bytes(CONTENT)
    job.settings = RetrievalSettings(mirror={PUBLISHED: (tmp_path / "a mirror").as_uri() + "/"})
    job.download()
    assert job.output.read_bytes() == CONTENT
    (tmp_path / "a mirror" / "toy.bin").unlink()
    job.fails("toy.bin cannot be read (No such file or directory)")


def test_the_longest_beginning_of_a_mirror_counts() -> None:
    mirror = {"https://a.example/": "https://m.example/a/", "https://a.example/b/": "file:///b/"}
    assert mirrored("https://a.example/x", mirror) == "https://m.example/a/x"
    assert mirrored("https://a.example/b/x", mirror) == "file:///b/x"
    assert mirrored("https://c.example/x", mirror) == "https://c.example/x"


def test_a_full_disk_is_told_and_what_has_arrived_is_kept(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FIRST, hard))
    try:
        job.fails(f"no space is left for {job.output}", "free some space", "toy.bin.part")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert job.part.read_bytes() == CONTENT[:FIRST]
    job.download()
    assert job.server.sent[-1] == len(CONTENT) - FIRST

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(transfer, "_write", full)
    job.fails("no space is left for", "No space left on device")


def test_two_processes_do_not_write_one_file(job: Job) -> None:
    job.part.parent.mkdir()
    with transfer._only_one(job.part):
        job.fails("another process is fetching it")


def test_an_empty_file_is_none(job: Job) -> None:
    job.publish(b"", known=False)
    job.fails("the file there is empty")
    assert job.leftovers() == []


@pytest.mark.parametrize("unpack", ["none", "gzip", "pack"])
def test_a_file_placed_by_hand_is_checked(job: Job, unpack: str, caplog: pytest.LogCaptureFixture) -> None:
    published = gzip.compress(TEXT, mtime=0) if unpack == "gzip" else TEXT
    placed = {"none": TEXT, "gzip": TEXT, "pack": gzip.compress(TEXT, 1, mtime=0)}[unpack]
    job.publish(published, unpack=unpack)
    with pytest.raises(UserError, match="does not exist, so there is nothing to check"):
        job.check()
    job.output.parent.mkdir()
    job.output.write_bytes(placed)
    job.check()
    # An unpacked file cannot be compared with the digest of the packed one; it is remembered instead.
    assert ("unverified" in caplog.text) == (unpack == "gzip")
    assert job.record["verified"] == (unpack != "gzip")
    job.check()
    job.output.write_bytes(gzip.compress(TEXT[:-1], mtime=0) if unpack == "pack" else TEXT[:-1])
    with pytest.raises(UserError, match="the registry expects|when it was first seen"):
        job.check()
    assert job.server.requests == []


def test_a_packed_file_placed_where_an_unpacked_one_belongs_is_checked_too(job: Job) -> None:
    job.publish(gzip.compress(TEXT, mtime=0), unpack="gzip")
    job.output.parent.mkdir()
    job.output.write_bytes(gzip.compress(TEXT, mtime=0))
    job.check(require_checksums=True)
    job.output.write_bytes(TEXT)
    retrieval.record_of(job.output).unlink()
    with pytest.raises(UserError, match="cannot be verified"):
        job.check(require_checksums=True)


def test_a_damaged_record_is_told(job: Job) -> None:
    job.publish(CONTENT, known=False)
    job.download()
    retrieval.record_of(job.output).write_text("{}")
    job.fails("the record of toy cannot be read")


def command(job: Job, directory: Path, *options: str) -> list[str]:
    registry = directory / "sources.tsv"
    registry.write_text("\t".join(COLUMNS) + "\n" + "\t".join(job.row[column] for column in COLUMNS) + "\n")
    settings = job.settings.model_dump_json()
    return [
        sys.executable, "-m", "cbat", "download", "--sources", str(registry), "--name", "toy",
        "--output", str(job.output), "--settings", settings, *options,
    ]  # fmt: skip


def test_a_killed_process_leaves_a_part_that_the_next_one_goes_on_with(job: Job, tmp_path: Path) -> None:
    job.server.faults = [("stall", 2 * FIRST)]
    child = subprocess.Popen(command(job, tmp_path), stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while time.monotonic() < until and not (job.part.exists() and job.part.stat().st_size == 2 * FIRST):
        os.sched_yield()
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert job.leftovers() == ["toy.bin.part", "toy.bin.part.json"]
    assert not job.output.exists()
    subprocess.run(command(job, tmp_path), check=True)
    assert job.output.read_bytes() == CONTENT
    assert job.server.sent == [2 * FIRST, len(CONTENT) - 2 * FIRST]
    assert job.leftovers() == ["toy.bin.json"]
    subprocess.run(command(job, tmp_path, "--check"), check=True)
    job.output.write_bytes(CONTENT[1:])
    done = subprocess.run(command(job, tmp_path, "--check"), check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("cbat download: error: ") == 1


def test_the_environment_of_the_rule_holds_what_it_imports() -> None:
    environment = yaml.safe_load((TOP / "workflow" / "envs" / "data.yaml").read_text())
    names = {entry.partition("=")[0] for entry in environment["dependencies"]}
    assert {"requests", "pydantic"} <= names
    code = "".join(path.read_text() for path in import_closure("cbat.data.retrieval"))
    assert "import requests" in code
    assert 'conda:\n        "../envs/data.yaml"' in (TOP / "workflow/rules/retrieval.smk").read_text()
