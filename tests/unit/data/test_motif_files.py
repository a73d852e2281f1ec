"""Files of known motifs, and the mistakes in them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from cbat.data.motif_files import read_motif_file
from cbat.errors import UserError

JASPAR = """>MA0001.1\tAGL3
A [ 10  0  5 ]
C [  0 20  5 ]
G [  0  0  5 ]
T [ 10  0  5 ]
>MA0002.1
1 2
1 2
1 2
1 2
"""
MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA0001.1 AGL3
letter-probability matrix: alength= 4 w= 3 nsites= 20 E= 0
 0.5 0.0 0.0 0.5
 0.0 1.0 0.0 0.0
 0.25 0.25 0.25 0.25
URL http://example.org/

MOTIF second
letter-probability matrix:
0.1 0.2 0.3 0.4
0.4 0.3 0.2 0.1
"""


@pytest.mark.parametrize("packed", [False, True])
def test_position_frequency_matrices(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "motifs.jaspar"
    path.write_bytes(gzip.compress(JASPAR.encode()) if packed else JASPAR.encode())
    first, second = read_motif_file(path)
    assert (first.name, second.name) == ("AGL3", "MA0002.1")
    np.testing.assert_allclose(first.probability[0], np.array([10.5, 0.5, 0.5, 10.5]) / 22)
    assert second.probability.shape == (2, 4)
    np.testing.assert_allclose(second.probability, 0.25)


def test_meme_motifs(tmp_path: Path) -> None:
    path = tmp_path / "motifs.meme"
    path.write_text(MEME)
    first, second = read_motif_file(path)
    assert (first.name, second.name) == ("AGL3", "second")
    np.testing.assert_allclose(first.probability, [[0.5, 0, 0, 0.5], [0, 1, 0, 0], [0.25] * 4])
    np.testing.assert_allclose(second.probability, [[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])


def test_probabilities_in_the_layout_of_counts_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "motifs.txt"
    path.write_text(">x\n0.7 0.1\n0.1 0.1\n0.1 0.1\n0.1 0.7\n")
    np.testing.assert_allclose(
        read_motif_file(path)[0].probability, [[0.7, 0.1, 0.1, 0.1], [0.1] * 3 + [0.7]]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello\n", "line 1: the first line is neither 'MEME version ...' nor '> identifier name'"),
        ("MEME version 4\n\nALPHABET= ACGT\n", "the file holds no motif"),
        (JASPAR.replace("C [  0 20  5 ]", "C [  0 20 ]"), "line 3: 2 counts where the first row has 3"),
        (JASPAR.replace("C [  0 20  5 ]\n", ""), "line 1: 3 rows follow and not four"),
        (JASPAR.replace("C [", "G ["), "line 3: the row starts with 'G' and not with 'C'"),
        (JASPAR.replace("20", "-2"), "line 3: a value is negative or not finite"),
        (JASPAR.replace("20", "many"), "line 3: could not convert string to float: 'many'"),
        (JASPAR.replace("1 2\n", "0 2\n"), "line 6: a position has no count"),
        (JASPAR.replace(">MA0002.1", ">"), "line 6: the motif has no name"),
        (MEME.replace("0.0 1.0 0.0 0.0", "0.0 1.0 0.0"), "is not four probabilities that add up to 1"),
        (MEME.replace("0.0 1.0 0.0 0.0", "0.5 1.0 0.0 0.0"), "line 13: '0.5 1.0 0.0 0.0' is not four prob"),
        (MEME.replace("w= 3", "w= 4"), "line 11: 3 rows of numbers follow and not 4"),
        (MEME.replace("ACGT\n", "ACDEFGHIKLMNPQRSTVWY\n", 1), "line 3: the alphabet is not that of DNA"),
        (MEME.replace("MOTIF second", "second"), "line 18: the matrix has no name"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_motif_file(path)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none.meme"):
        read_motif_file(tmp_path / "none.meme")
