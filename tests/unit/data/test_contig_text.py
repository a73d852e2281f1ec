"""Windows read by whole lines, against the plain reading of one stretch after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyfaidx
import pytest

from cbat.data.contig_text import ContigText, open_contig
from cbat.errors import UserError

LENGTH = 997
BEFORE = ">first\nACGT\n"


def written(path: Path, sequence: str, line: int, end: str) -> Path:
    """A FASTA whose second contig is the sequence."""
    rows = [sequence[at : at + line] for at in range(0, len(sequence), line)]
    text = BEFORE.replace("\n", end) + ">chr1" + end + end.join(rows) + end
    path.write_bytes(text.encode())
    return path


def contig(path: Path) -> ContigText:
    record = pyfaidx.Faidx(str(path)).index["chr1"]
    return open_contig(path, "chr1", record)


def windows(one: ContigText, start: np.ndarray, width: int) -> np.ndarray:
    """All windows, in rows that are out of order; rows that are not asked for must stay as they are."""
    codes = np.full((len(start) + 3, width), 77, dtype=np.uint8)
    row = np.random.default_rng(3).permutation(len(start) + 3)[: len(start)]
    one.read_into(codes, row, start)
    untouched = np.setdiff1d(np.arange(len(codes)), row)
    assert (codes[untouched] == 77).all()
    return codes[row]


def bases(ambiguous: str) -> str:
    """Random bases of both cases, and four in a hundred of those that are ambiguous."""
    letters = np.array(list("ACGTacgt" + ambiguous))
    share = np.array([*[1.0] * 8, *[0.08] * len(ambiguous)])
    return "".join(np.random.default_rng(1).choice(letters, LENGTH, p=share / share.sum()))


@pytest.fixture
def sequence() -> str:
    return bases("NnRy")


@pytest.mark.parametrize("ambiguous", ["", "NnRy"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("line", [1, 7, 60, 61, 100, 5_000])
@pytest.mark.parametrize("width", [1, 2, 7, 33, 60, 120, 121, 400])
def test_both_ways_agree_at_every_position(tmp_path, ambiguous, width, line, end) -> None:
    sequence = bases(ambiguous)
    one = contig(written(tmp_path / "g.fa", sequence, line, end))
    start = np.arange(LENGTH - width + 1)
    code = {letter: number for number, letters in enumerate(("Aa", "Cc", "Gg", "Tt")) for letter in letters}
    whole = np.array([code.get(letter, 4) for letter in sequence], dtype=np.uint8)
    expected = np.lib.stride_tricks.sliding_window_view(whole, width)
    assert (windows(one, start, width) == expected).all()
    assert all((one.stretch(at, at + width) == expected[at]).all() for at in (0, 3, LENGTH - width))


def test_portions_do_not_matter(tmp_path, sequence, monkeypatch) -> None:
    one = contig(written(tmp_path / "g.fa", sequence, 60, "\n"))
    start = np.random.default_rng(2).integers(0, LENGTH - 101, 300)
    expected = windows(one, start, 101)
    for portion in (1, 999):
        monkeypatch.setattr("cbat.data.contig_text._PORTION", portion)
        assert (windows(one, start, 101) == expected).all()


def test_whole_lines_are_read_together(tmp_path, sequence, monkeypatch) -> None:
    """The fast path is taken: only windows at the ragged end are read one by one."""
    one = contig(written(tmp_path / "g.fa", sequence, 60, "\n"))
    alone = []
    plain = ContigText.stretch
    monkeypatch.setattr(
        ContigText, "stretch", lambda self, start, end: alone.append(start) or plain(self, start, end)
    )
    windows(one, np.arange(LENGTH - 99), 100)
    assert 0 < len(alone) <= 120
    assert min(alone) > LENGTH - 100 - 120


def test_no_window_asks_for_nothing(tmp_path, sequence) -> None:
    one = contig(written(tmp_path / "g.fa", sequence, 60, "\n"))
    assert windows(one, np.empty(0, dtype=np.int64), 10).shape == (0, 10)
    assert len(one.stretch(5, 5)) == 0


def test_a_character_that_stands_for_no_base_is_named_with_its_place(tmp_path, sequence) -> None:
    changed = f"{sequence[:222]}*{sequence[223:]}"
    one = contig(written(tmp_path / "g.fa", changed, 60, "\n"))
    with pytest.raises(UserError, match=r"chr1 has '\*' at position 222 \(from 0\)"):
        windows(one, np.arange(0, 700, 50), 100)
    # Beside it all is well.
    assert windows(one, np.array([0, 223]), 100).max() <= 4


def test_every_character_is_a_base_or_refused(tmp_path) -> None:
    """One odd character among A, C, G and T, which alone need no table."""
    path = written(tmp_path / "g.fa", bases(""), 60, "\n")
    one = contig(path)
    text, at = path.read_bytes(), one.record.offset + 222 + 222 // 60
    known = {letter: code for code, pair in enumerate(("Aa", "Cc", "Gg", "Tt")) for letter in pair}
    expected = windows(one, np.array([200]), 100)[0].copy()
    refused = 0
    for character in map(chr, set(range(256)) - set(b"\r\n")):
        path.write_bytes(text[:at] + character.encode("latin-1") + text[at + 1 :])
        changed = open_contig(path, "chr1", one.record)
        if character in known or character in "NRYSWKMBDHVUX-nryswkmbdhvux":
            expected[22] = known.get(character, 4)
            assert (windows(changed, np.array([200]), 100)[0] == expected).all(), character
        else:
            refused += 1
            with pytest.raises(UserError, match=r"at position 222 \(from 0\)"):
                windows(changed, np.array([200]), 100)
    assert refused == 254 - 8 - 27


@pytest.mark.parametrize(("lenc", "lenb"), [(59, 60), (61, 62), (60, 60), (60, 59)])
def test_an_index_of_other_lines_is_noticed(tmp_path, sequence, lenc, lenb) -> None:
    path = written(tmp_path / "g.fa", sequence, 60, "\n")
    one = contig(path)
    record = type(one.record)(**{**one.record._asdict(), "lenc": lenc, "lenb": lenb})
    with pytest.raises(UserError, match="index does not fit the FASTA"):
        windows(open_contig(path, "chr1", record), np.arange(300, 500, 7), 100)


@pytest.mark.parametrize("bases", ["A", "ACG"])
def test_one_base_of_a_last_line_without_an_end(tmp_path, bases) -> None:
    path = tmp_path / "g.fa"
    path.write_text(f">chr1\n{bases}")
    assert windows(contig(path), np.arange(len(bases)), 1).ravel().tolist() == [*range(len(bases))]
