"""Sheets are read forgivingly where nothing is lost, and refused with file and line where it matters."""

from pathlib import Path

import pytest

from cbat.config.sheets import check_tissues, find_cell_line, read_cell_lines, read_tissues
from cbat.errors import UserError

HEADER = "cell_line\ttissue\trole\tsex\tcondition\tpairs\tpairs_format\tenhancers\tpromoters"
K562 = "K562\tblood\ttrain\tfemale\tcancer\tk.csv.gz\ttargetfinder\t.\tk.bed.gz"
NHEK = "NHEK\tskin\tunseen\tunknown\tnormal\tn.csv.gz\tcboep\tn.bed\t."


@pytest.fixture
def sheet(tmp_path: Path):
    def write(*lines: str, ending: str = "\n") -> Path:
        path = tmp_path / "cell_lines.tsv"
        path.write_bytes((ending.join(lines) + ending).encode())
        return path

    return write


def test_rows_keep_the_order_of_the_sheet_and_know_their_cohort(sheet) -> None:
    rows = read_cell_lines(sheet(HEADER, NHEK, K562))
    assert [(row.cell_line, row.cohort) for row in rows] == [("NHEK", "unseen"), ("K562", "training")]
    assert rows[0].promoters is None
    assert rows[1].files == {"pairs": Path("k.csv.gz"), "promoters": Path("k.bed.gz")}


def test_a_validation_line_belongs_to_the_training_cohort(sheet) -> None:
    path = sheet(HEADER, K562.replace("train", "validation"), NHEK)
    assert [row.cell_line for row in read_cell_lines(path, cohort="training")] == ["K562"]


def test_comments_blank_lines_spaces_and_windows_line_ends_are_forgiven(sheet) -> None:
    path = sheet("# my lines", HEADER, "", "  # old", K562.replace("\tblood", " \t blood "), ending="\r\n")
    (row,) = read_cell_lines(path)
    assert (row.cell_line, row.tissue, row.line) == ("K562", "blood", 5)


def test_columns_may_stand_in_any_order(sheet) -> None:
    swapped = "\t".join(reversed(HEADER.split("\t"))), "\t".join(reversed(K562.split("\t")))
    assert (
        read_cell_lines(sheet(*swapped))[0].model_dump()
        == read_cell_lines(sheet(HEADER, K562))[0].model_dump()
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ["the sheet of cell lines is empty"]),
        (["# nothing"], ["the sheet of cell lines is empty"]),
        ([HEADER], ["has a header but no rows"]),
        ([HEADER.replace("\t", ","), K562], ["line 1", "holds no tab", "cell_line, tissue, role"]),
        ([HEADER.replace("\tsex", ""), K562], ["line 1", "'sex' is missing"]),
        ([HEADER.replace("pairs_format", "format"), K562], ["unknown column 'format'"]),
        ([HEADER.replace("tissue", "tisue"), K562], ["unknown column 'tisue' (did you mean 'tissue'?)"]),
        ([HEADER.replace("sex", "role"), K562], ["'role' occurs twice"]),
        ([HEADER, K562 + "\tmore"], ["line 2", "10 fields where the header has 9"]),
        ([HEADER, K562.replace("female", "")], ["line 2", "'sex' is empty"]),
        ([HEADER, "# x", K562, NHEK, K562], ["line 5", "'K562' is already in line 3"]),
        ([HEADER, K562, K562.replace("K562", "k562")], ["line 3", "'k562' is already in line 2"]),
        ([HEADER, K562.replace("train", "trian")], ["line 2", "'trian' (did you mean 'train'?)", "unseen"]),
        ([HEADER, K562.replace("targetfinder", "csv")], ["pairs_format is 'csv'", "cboep", "bengi"]),
        ([HEADER, K562.replace("K562\t", "K 562\t")], ["line 2", "'K 562'", "part of a file name"]),
        ([HEADER, K562.replace("K562\t", "../x\t")], ["line 2", "part of a file name"]),
        ([HEADER, K562.replace("k.csv.gz", ".")], ["line 2", "pairs is '.'", "name a file"]),
        ([HEADER, K562.replace("K562\t", "macro\t")], ["line 2", "reserve", "another name"]),
    ],
)
def test_each_mistake_is_told_with_its_line(sheet, lines: list[str], expected: list[str]) -> None:
    path = sheet(*lines)
    with pytest.raises(UserError) as caught:
        read_cell_lines(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "Fix: " in message
    for part in expected:
        assert part in message


TRACKS = f"{HEADER}\tactive_enhancers\tinsulators"
LIVER = "HepG2\tliver\tprototype\tmale\tcancer\t.\tauto\t.\t.\th.bed\t."


SCREENED = "{line}\tblood\t{role}\tmale\tcancer\tscreens.tsv\tencode_crispr\t.\t.\t{signals}"
SIGNALS = "\taccessibility\tenhancer_mark"


def test_signals_are_columns_that_may_be_left_out(sheet) -> None:
    (row,) = read_cell_lines(sheet(HEADER + SIGNALS, K562 + "\tatac.bw\t."))
    assert row.signals == {"accessibility": Path("atac.bw")}
    assert row.files["accessibility"] == Path("atac.bw")
    assert row.tracks == {}
    (row,) = read_cell_lines(sheet(HEADER, K562))
    assert row.signals == {}
    prototype = "p\tblood\tprototype\tmale\tnormal\t.\tauto\t.\t.\tk27.bed\tatac.bw"
    with pytest.raises(UserError, match="the prototype 'p' has accessibility, which is for lines with"):
        read_cell_lines(sheet(HEADER + "\tactive_enhancers\taccessibility", K562 + "\t.\t.", prototype))


def test_several_lines_may_share_a_table_of_screens_and_of_signals(sheet) -> None:
    rows = [
        SCREENED.format(line=line, role=role, signals="screens.tsv\tscreens.tsv")
        for line, role in (("K562", "train"), ("WTC11", "unseen"))
    ]
    found = read_cell_lines(sheet(HEADER + SIGNALS, *rows))
    assert {row.pairs for row in found} == {Path("screens.tsv")}
    # The same cell type under two names would train on what it is tested with.
    rows[1] = rows[1].replace("WTC11", "K-562")
    with pytest.raises(UserError, match="the pairs of the cell line 'K-562' are those of 'K562'"):
        read_cell_lines(sheet(HEADER + SIGNALS, *rows))


def test_a_prototype_has_tracks_and_no_pairs(sheet) -> None:
    path = sheet(TRACKS, f"{K562}\t.\tk.bed", LIVER)
    (row,) = read_cell_lines(path, cohort="prototype")
    assert row.pairs is None
    assert row.files == row.tracks == {"active_enhancers": Path("h.bed")}
    assert [row.cell_line for row in read_cell_lines(path, cohort="training")] == ["K562"]
    with pytest.raises(UserError, match="'HepG2' is a prototype, which has no labelled pairs. Fix: name a"):
        _ = row.pairs_file


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "h.bed",
            ".",
            "the prototype 'HepG2' has no track. Fix: name peaks in one of the columns active_",
        ),
        ("\t.\tauto", "\tp.tsv\tauto", "the prototype 'HepG2' has pairs, which is for lines with labelled"),
        ("auto\t.", "auto\te.bed", "the prototype 'HepG2' has enhancers, which is for lines with labelled"),
        (
            "auto",
            "loops",
            "has pairs in the format loops, and no pairs. Fix: write 'auto' as pairs_format",
        ),
        (
            "h.bed",
            "k.bed",
            "peaks of 'K562' (line 2): k.bed. Fix: name the line's own file, or write '.'",
        ),
        ("prototype", "train", "pairs is '.', which is for the role prototype alone. Fix: name a file"),
    ],
)
def test_what_a_prototype_lacks_or_must_not_have_is_told(sheet, old: str, new: str, expected: str) -> None:
    assert old in LIVER
    path = sheet(TRACKS, f"{K562}\t.\tk.bed", LIVER.replace(old, new))
    with pytest.raises(UserError) as caught:
        read_cell_lines(path)
    assert "line 3: " in str(caught.value)
    assert expected in str(caught.value)


def test_a_sheet_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_cell_lines(tmp_path / "none.tsv")
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(UserError, match="plain UTF-8 text"):
        read_cell_lines(tmp_path / "book.xlsx")


def test_find_cell_line_suggests_the_nearest_name(sheet) -> None:
    path = sheet(HEADER, K562, NHEK)
    assert find_cell_line(path, "NHEK").role == "unseen"
    with pytest.raises(UserError, match=r"no cell line 'K526' \(did you mean 'K562'\?\)"):
        find_cell_line(path, "K526")


def test_tissues_know_their_parents(tmp_path: Path) -> None:
    path = tmp_path / "tissues.tsv"
    path.write_text("tissue\tgerm_layer\tparent\ngut\tendoderm\t.\ncolon\tendoderm\tgut\n")
    gut, colon = read_tissues(path)
    assert (gut.parent, colon.parent) == (None, "gut")
    path.write_text("tissue\tgerm_layer\tparent\ngut\tendoderm\t.\ncolon\tendoderm\tgtu\n")
    with pytest.raises(UserError, match=r"line 3: the parent 'gtu' .*did you mean 'gut'"):
        read_tissues(path)


def test_a_cell_line_of_an_unlisted_tissue_is_refused_but_unknown_is_allowed(sheet, tmp_path: Path) -> None:
    tissues = tmp_path / "tissues.tsv"
    tissues.write_text("tissue\tgerm_layer\tparent\nblood\tmesoderm\t.\n")
    path = sheet(HEADER, K562, NHEK)
    with pytest.raises(UserError, match="line 3: the tissue 'skin' of the cell line 'NHEK' is not in"):
        check_tissues(read_cell_lines(path), read_tissues(tissues), file=path, tissue_file=tissues)
    path = sheet(HEADER, K562, NHEK.replace("skin", "unknown"))
    check_tissues(read_cell_lines(path), read_tissues(tissues), file=path, tissue_file=tissues)


def test_columns_with_a_default_may_be_left_out(sheet) -> None:
    header = f"{HEADER}\tontology_id\tsource"
    row = read_cell_lines(sheet(header, f"{K562}\tBTO:0000664\tENCODE cv.ra; Roadmap E123"))[0]
    assert (row.ontology_id, row.source) == ("BTO:0000664", "ENCODE cv.ra; Roadmap E123")
    row = read_cell_lines(sheet(HEADER, K562))[0]
    assert (row.ontology_id, row.source) == (".", ".")


def test_the_threshold_may_be_left_out_and_may_stand_anywhere(sheet) -> None:
    header = "score_threshold\t" + HEADER
    rows = read_cell_lines(
        sheet(header, ".\t" + K562, "2e-2\t" + NHEK.replace("cboep", "abc").replace("\t.", "\tp.gtf"))
    )
    assert [row.score_threshold for row in rows] == [None, 0.02]
    assert read_cell_lines(sheet(HEADER, K562))[0].score_threshold is None


@pytest.mark.parametrize(
    ("pairs_format", "threshold", "expected"),
    [
        (
            "abc",
            ".",
            "pairs in the format abc have scores and no labels. Fix: add the column score_threshold",
        ),
        ("encode_re2g", ".", "pairs in the format encode_re2g have scores and no labels"),
        ("bengi", "0.5", "pairs in the format bengi have no scores, but score_threshold is given"),
        ("loops", ".", "loops need candidate enhancers and promoters to be laid over"),
        ("bedpe", "high", "score_threshold is 'high'. Fix: write a number such as 0.02, or '.' for none"),
        ("bedpe", "inf", "score_threshold is "),
        ("bedpe", "", "the field 'score_threshold' is empty"),
    ],
)
def test_what_a_format_asks_of_its_row(sheet, pairs_format: str, threshold: str, expected: str) -> None:
    path = sheet(f"{HEADER}\tscore_threshold", K562.replace("targetfinder", pairs_format) + f"\t{threshold}")
    with pytest.raises(UserError) as caught:
        read_cell_lines(path)
    assert f"cell_lines.tsv, line 2: {expected}" in str(caught.value)


@pytest.mark.parametrize("pairs_format", ["auto", "bedpe", "enhanceratlas"])
@pytest.mark.parametrize("threshold", [".", "0.5"])
def test_what_only_the_file_can_tell_is_left_to_its_reader(sheet, pairs_format: str, threshold: str) -> None:
    row = K562.replace("targetfinder", pairs_format) + f"\t{threshold}"
    assert read_cell_lines(sheet(f"{HEADER}\tscore_threshold", row))[0].pairs_format == pairs_format
