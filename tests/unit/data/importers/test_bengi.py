"""The headerless layout of BENGI."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs
from cbat.errors import UserError

# A transcription start at the 0-based position 292096 and the promoter that was drawn around it.
ROW = (
    "1\t64604.0\tchr6\t226523\t228463\tchr6:226523-228463|GM12878|E1\t"
    "chr6\t290597\t292597\tchr6:292096-292097|GM12878|ENSG1|ENST1|+\n"
)


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text(content)
    return path


def test_coordinates_are_taken_as_they_are_and_the_strand_from_the_name(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, ROW + ROW.replace("|+", "|-") + ROW.replace("|+", "")), "bengi")
    assert pairs.iloc[0][[*INTERVAL_COLUMNS]].tolist() == ["chr6", 226523, 228463, "chr6", 290597, 292597]
    assert pairs["promoter_strand"].tolist() == ["+", "-", "."]
    assert pairs["line"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ROW + ROW.replace("1\t64604.0", "yes\t64604.0"), "line 2: label is 'yes'"),
        (ROW + ROW.rsplit("\t", 1)[0] + "\n", "line 2: the line has 9 fields where the first line has 10"),
        (ROW.rsplit("\t", 1)[0] + "\n", "line 1: the first row has 9 fields, not 10"),
        (ROW.replace("\t", ","), "line 1: the columns are separated by commas, not by tabs"),
        (ROW.replace("290597", "292597"), "line 1: the promoter chr6:292597-292597 ends where or before"),
    ],
)
def test_mistakes(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"pairs\.tsv, {message}"):
        read_pairs(write(tmp_path, content), "bengi")
