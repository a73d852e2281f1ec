"""Predictions of ABC and of ENCODE-rE2G as labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs
from cbat.errors import UserError

ABC = (
    "chr\tstart\tend\tname\tclass\tTargetGene\tTargetGeneTSS\tdistance\tABC.Score.Numerator\tABC.Score\n"
    "chr1\t904506\t905006\tintergenic|chr1:904506-905006\tintergenic\tTAS1R3\t1331279\t426523\t0.0083\t0.001\n"
    "chr1\t100\t600\tgenic|chr1:100-600\tgenic\tX\t5000.0\t4650\t1\t2e-2\n"
)
PORTAL = (
    "## a line about the biosample\n"
    "#chr\tstart\tend\tname\tclass\tTargetGene\tTargetGeneEnsemblID\tTargetGeneTSS\tCellType\tScore\tDistanceToTSS\n"
    "chr1\t827140\t827667\te\tintergenic\tNOC2L\tENSG1\t959256\tK562\t0.63\t131852\n"
    "chr1\t778331\t778947\te\tpromoter\tNOC2L\tENSG1\t959256\tK562\t0.08\t180617\n"
)


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "predictions.tsv"
    path.write_text(content)
    return path


def test_abc(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, ABC), "abc", score_threshold=0.02)
    assert pairs[[*INTERVAL_COLUMNS, "label", "line", "promoter_strand"]].to_numpy().tolist() == [
        ["chr1", 904506, 905006, "chr1", 1331279, 1331280, 0, 2, "."],
        ["chr1", 100, 600, "chr1", 5000, 5001, 1, 3, "."],
    ]


def test_re2g_of_the_portal(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, PORTAL), "encode_re2g", score_threshold=0.2)
    assert pairs[[*INTERVAL_COLUMNS, "label", "line"]].to_numpy().tolist() == [
        ["chr1", 827140, 827667, "chr1", 959256, 959257, 1, 3],
        ["chr1", 778331, 778947, "chr1", 959256, 959257, 0, 4],
    ]


def test_re2g_of_the_pipeline_which_keeps_the_abc_score_among_its_features(tmp_path: Path) -> None:
    lines = ABC.splitlines()
    more = ["ENCODE-rE2G.Score\tENCODE-rE2G.Score.qnorm", "0.9\t0", "0.1\t1"]
    path = write(tmp_path, "".join(f"{line}\t{end}\n" for line, end in zip(lines, more, strict=True)))
    for column, labels in (("ENCODE-rE2G.Score", [1, 0]), ("encode-re2g.score.QNORM", [0, 1])):
        pairs = read_pairs(path, "auto", score_threshold=0.5, score_column=column)
        assert pairs["label"].tolist() == labels
    with pytest.raises(
        UserError, match=r"2 columns are scores \(ENCODE-rE2G.Score, ENCODE-rE2G.Score.qnorm\)"
    ):
        read_pairs(path, "auto", score_threshold=0.5)
    assert read_pairs(path, "abc", score_threshold=0.01)["label"].tolist() == [0, 1]


@pytest.mark.parametrize(("pairs_format", "content"), [("abc", ABC), ("encode_re2g", PORTAL)])
def test_a_threshold_is_needed(tmp_path: Path, pairs_format: str, content: str) -> None:
    for given in (pairs_format, "auto"):
        with pytest.raises(
            UserError, match=rf"in the format {pairs_format} have scores and no labels.*score_thr"
        ):
            read_pairs(write(tmp_path, content), given)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\t0.63\t", "\tNaN\t", "line 3: Score is 'NaN'. Fix: write a number"),
        ("\t0.63\t", "\t\t", "line 3: Score is ''"),
        ("959256\tK562\t0.08", "959256.5\tK562\t0.08", "line 4: TargetGeneTSS is '959256.5'"),
        (
            "\tScore\t",
            "\tvalue\t",
            "line 2: the header has no column of scores. Fix: .* Score, ENCODE-rE2G",
        ),
        ("TargetGeneTSS", "TSS", "line 2: the header has no column TargetGeneTSS"),
        ("778331\t778947", "778947\t778331", "line 4: the enhancer chr1:778947-778331 ends"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PORTAL
    with pytest.raises(UserError, match=rf"predictions\.tsv, {message}"):
        read_pairs(write(tmp_path, PORTAL.replace(old, new)), "encode_re2g", score_threshold=0.2)
