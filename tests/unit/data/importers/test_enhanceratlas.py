"""Interactions of EnhancerAtlas 2.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs
from cbat.errors import UserError

ROWS = (
    "chr1:874840-876520_ENSG00000225880$LINC00115$chr1$762902$-\t1.104330\n"
    "chr1:955750-957580_ENSG00000187634$SAMD11$chr1$860260$+\t1.512501\n"
    "chrX:10-20_ENSG2$A-B.1$chrX$1$+\t3\n"
)


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "EP.txt"
    path.write_text(content)
    return path


def test_the_promoter_is_the_base_of_a_start_that_is_counted_from_one(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, ROWS), "enhanceratlas")
    assert pairs[[*INTERVAL_COLUMNS, "promoter_strand", "label", "line"]].to_numpy().tolist() == [
        ["chr1", 874840, 876520, "chr1", 762901, 762902, "-", 1, 1],
        ["chr1", 955750, 957580, "chr1", 860259, 860260, "+", 1, 2],
        ["chrX", 10, 20, "chrX", 0, 1, "+", 1, 3],
    ]


def test_a_weak_interaction_is_left_out_and_is_no_negative(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, ROWS), "enhanceratlas", score_threshold=1.512501)
    assert (pairs["line"].tolist(), pairs["label"].tolist()) == ([2, 3], [1, 1])
    with pytest.raises(
        UserError, match=r"EP\.txt: no pair reaches the score_threshold 4, .* highest score is 3"
    ):
        read_pairs(tmp_path / "EP.txt", "enhanceratlas", score_threshold=4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "$+\t3",
            "\t3",
            r"line 3: the interaction is 'chrX:10-20_ENSG2\$A-B.1\$chrX\$1'. Fix: write it as",
        ),
        ("$860260$", "$0$", "line 2: the interaction is"),
        ("10-20", "20-10", "line 3: the enhancer chrX:20-10 ends where or before it starts"),
        ("\t1.512501", "\tNA", "line 2: score is 'NA'. Fix: write a number"),
        ("\t1.512501", "", "line 2: the line has 1 fields where the first line has 2"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ROWS
    with pytest.raises(UserError, match=rf"EP\.txt, {message}"):
        read_pairs(write(tmp_path, ROWS.replace(old, new)), "enhanceratlas")
