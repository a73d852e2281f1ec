"""Peaks become ranked tracks, and what spoils a ranking is told before anything is written."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import LandscapeSettings
from cbat.config.sheets import TRACK_KINDS, read_cell_lines
from cbat.data.contigs import ContigNames
from cbat.errors import UserError
from cbat.landscape import tracks
from cbat.landscape.genes import starts_of
from cbat.landscape.peak_files import read_peaks
from cbat.landscape.tracks import RULES, TRACK_COLUMNS, check_tracks, rank_track, read_tracks

NARROW = "chr1\t{0}\t{1}\t.\t0\t.\t{2}\t-1\t-1\t{3}\n"
MACS = "chr\tstart\tend\tlength\tabs_summit\tpileup\nchr1\t1\t9\t9\t5\t3\n"
SHEET = "cell_line\ttissue\trole\tsex\tcondition\tpairs\tpairs_format\tenhancers\tpromoters"


def frame(rows: list[tuple[str, int, int, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "signal"])


def settings(**signals: str | int) -> LandscapeSettings:
    return LandscapeSettings(genes=Path("genes.bed"), signals=signals)


def write(tmp_path: Path, text: str, name: str = "peaks.bed") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def sheet(tmp_path: Path, **files: Path) -> Path:
    named = "\t".join(str(files.get(kind, ".")) for kind in TRACK_KINDS)
    columns = "\t".join(TRACK_KINDS)
    row = f"K562\tblood\ttrain\tfemale\tcancer\t{tmp_path}/pairs.tsv\tcbat\t.\t.\t{named}"
    return write(tmp_path, f"{SHEET}\t{columns}\n{row}\n", "sheet.tsv")


def check(tmp_path: Path, signals: dict[str, str] | None = None, *, sizes=None, others=None, **files: Path):
    rows = read_cell_lines(sheet(tmp_path, **files))
    return check_tracks(rows, settings(**(signals or {})), sizes=sizes, others=others)["K562"]


# Ranking


def test_every_kind_has_a_rule() -> None:
    assert set(RULES) == set(TRACK_KINDS)


def test_activity_is_minus_the_log_of_the_relative_rank() -> None:
    table = rank_track(
        frame(
            [("chr1", 0, 10, 5.0), ("chr1", 2000, 2010, 9.0), ("chr2", 0, 10, 1.0), ("chr2", 900, 910, 7.0)]
        ),
        "active_enhancers",
    )
    expected = -np.log((np.array([2, 0, 3, 1]) + 0.5) / 4)
    np.testing.assert_allclose(table["activity"], expected, rtol=1e-6)
    assert table["activity"].dtype == np.float32
    assert list(table.columns) == TRACK_COLUMNS


def test_equal_signals_share_their_mean_rank_whatever_the_order_of_the_file() -> None:
    peaks = frame(
        [("chr1", 1000 * at, 1000 * at + 10, signal) for at, signal in enumerate([3.0, 1, 3, 3, 2])]
    )
    one, other = (rank_track(table, "insulators") for table in (peaks, peaks.iloc[::-1]))
    np.testing.assert_allclose(one["activity"][[0, 2, 3]], -np.log(1.5 / 5), rtol=1e-6)
    pd.testing.assert_frame_equal(one, other)


def test_marks_within_500_bp_are_one_peak_with_the_sum_of_signal_times_length() -> None:
    peaks = frame(
        [
            ("chr1", 1000, 1100, 2.0),
            ("chr1", 1600, 1650, 4.0),  # 500 bp after the first
            ("chr1", 2151, 2161, 1.0),  # 501 bp after the second
            ("chr2", 2161, 2171, 3.0),
        ]
    )
    table = rank_track(peaks, "active_promoters")
    assert table[["chrom", "start", "end", "centre", "signal"]].to_numpy().tolist() == [
        ["chr1", 1000, 1650, 1325, 400.0],
        ["chr1", 2151, 2161, 2156, 10.0],
        ["chr2", 2161, 2171, 2166, 30.0],
    ]


def test_a_peak_inside_an_earlier_one_does_not_end_the_group() -> None:
    peaks = frame([("chr1", 0, 5000, 1.0), ("chr1", 10, 20, 2.0), ("chr1", 5400, 5500, 1.0)])
    assert rank_track(peaks, "active_enhancers")[["start", "end"]].to_numpy().tolist() == [[0, 5500]]


def test_an_interval_that_is_written_twice_counts_once() -> None:
    peaks = frame([("chr1", 0, 100, 1.0), ("chr1", 0, 100, 3.0), ("chr1", 9000, 9010, 5.0)])
    assert rank_track(peaks, "active_enhancers")["signal"].tolist() == [300.0, 50.0]


def test_of_overlapping_insulators_the_strongest_stands_with_its_summit_and_strand() -> None:
    peaks = frame(
        [("chr1", 0, 100, 1.0), ("chr1", 90, 200, 8.0), ("chr1", 199, 260, 2.0), ("chr1", 260, 300, 3)]
    )
    table = rank_track(peaks.assign(summit=[5, 100, -1, -1], strand=["+", "-", "+", "+"]), "insulators")
    assert table[["start", "end", "centre", "strand"]].to_numpy().tolist() == [
        [90, 200, 100, "-"],
        [260, 300, 280, "+"],
    ]


def test_marks_have_no_strand_and_no_summit() -> None:
    table = rank_track(frame([("chr1", 0, 100, 1.0)]).assign(summit=5, strand="+"), "active_enhancers")
    assert table[["centre", "strand"]].to_numpy().tolist() == [[50, "."]]


@pytest.mark.parametrize("kind", TRACK_KINDS)
def test_the_strongest_are_kept(kind: str) -> None:
    n = RULES[kind].strongest + 10
    signal = np.random.default_rng(0).permutation(n) + 1.0
    peaks = pd.DataFrame({"chrom": "chr1", "start": 1000 * np.arange(n), "signal": signal})
    table = rank_track(peaks.assign(end=peaks["start"] + 10), kind)
    assert len(table) == RULES[kind].strongest
    assert set(table["start"]) == set(peaks["start"][signal > 10])
    np.testing.assert_allclose(table["activity"].max(), -np.log(0.5 / len(table)), rtol=1e-6)


def test_no_chromosome_is_preferred_among_equal_signals_at_the_limit() -> None:
    n = RULES["insulators"].strongest + 500
    peaks = pd.DataFrame({"chrom": "chr1", "start": 1000 * np.arange(n), "signal": 1.0})
    peaks.loc[:99, "signal"] = 2.0
    table, counts = tracks._rank(peaks.assign(end=peaks["start"] + 10), "insulators")
    assert len(table) == n
    assert counts["kept_beyond_the_limit_for_equal_signals"] == 500


def test_without_a_signal_all_peaks_are_alike_however_long() -> None:
    peaks = frame([("chr1", 0, 100, 1.0), ("chr1", 300, 2000, 1.0), ("chr2", 9000, 9010, 1.0)])
    table = rank_track(peaks, "active_enhancers")
    np.testing.assert_allclose(table["activity"], np.log(2), rtol=1e-6)


def test_ranks_do_not_depend_on_the_scale_of_the_signal() -> None:
    rng = np.random.default_rng(1)
    peaks = frame(
        [("chr1", int(at), int(at) + 300, float(rng.random())) for at in rng.integers(0, 10**6, 200)]
    )
    one = rank_track(peaks, "active_enhancers")
    other = rank_track(peaks.assign(signal=1000 * peaks["signal"]), "active_enhancers")
    pd.testing.assert_series_equal(one["activity"], other["activity"])


# Signals of files


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
def test_narrowpeak_is_ranked_by_its_signal_value_and_has_summits(tmp_path: Path, pack) -> None:
    path = tmp_path / "peaks.bed.gz"
    path.write_bytes(pack((NARROW.format(0, 100, 1.5, 30) + NARROW.format(400, 500, 2.5, -1)).encode()))
    peaks = read_peaks(path, "insulators")
    assert peaks.format == "narrowPeak"
    assert peaks.signal == "column 7 (signalValue)"
    assert peaks.table[["signal", "summit"]].to_numpy().tolist() == [[1.5, 30], [2.5, -1]]


def test_a_summit_outside_its_peak_is_counted_and_not_used(tmp_path: Path) -> None:
    path = write(tmp_path, NARROW.format(0, 100, 1.5, 100) + NARROW.format(400, 500, 2.5, 99))
    peaks = read_peaks(path, "insulators")
    assert peaks.table["summit"].tolist() == [-1, 499]
    assert peaks.counts["summits_outside_their_peak"] == 1


def test_broadpeak_and_a_bed_of_nine_columns_are_told_apart(tmp_path: Path) -> None:
    broad = write(tmp_path, "chr1\t0\t100\t.\t5\t.\t1.5\t2\t-1\nchr1\t200\t300\t.\t6\t.\t2\t2\t-1\n", "a.bed")
    thick = write(
        tmp_path, "chr1\t0\t100\t.\t5\t.\t0\t100\t0\nchr1\t200\t300\t.\t6\t.\t200\t300\t0\n", "b.bed"
    )
    assert read_peaks(broad, "active_enhancers").table["signal"].tolist() == [1.5, 2.0]
    peaks = read_peaks(thick, "active_enhancers")
    assert (peaks.format, peaks.signal) == ("BED", "column 5 (score)")


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ("chr1\t0\t10\nchr1\t20\t30\n", "there is no column 5"),
        ("chr1\t0\t10\ta\t7\nchr1\t20\t30\tb\t7\n", "column 5 is the same for all peaks"),
        ("chr1\t0\t10\ta\t7\nchr1\t20\t30\tb\tPLS\n", "column 5 is no signal (line 2: score is 'PLS')"),
        ("chr1\t0\t10\ta\t7\nchr1\t20\t30\tb\t-1\n", "column 5 is no signal (line 2: score is -1"),
        (
            NARROW.format(0, 9, 3, 1) + NARROW.format(50, 60, 3, 1),
            "signalValue is the same for all peaks, and",
        ),
    ],
)
def test_without_a_signal_the_report_says_why(tmp_path: Path, rows: str, note: str, caplog) -> None:
    caplog.set_level(logging.WARNING)
    report = check(tmp_path, active_enhancers=write(tmp_path, rows))["kinds"]["active_enhancers"]
    assert report["signal"] == "none"
    assert report["all_peaks_alike"] is True
    assert note in report["without_signal_because"]
    assert "all peaks count alike" in caplog.text


@pytest.mark.parametrize("mark", ["#", ""], ids=["comment", "bare"])
def test_columns_by_number_and_by_the_name_in_a_header_line(tmp_path: Path, mark: str) -> None:
    text = f"# made by a caller\n{mark}chrom\tstart\tend\tRPKM\tq\nchr1\t0\t10\t3\t1\nchr1\t20\t30\t4\t0\n"
    path = write(tmp_path, text)
    for signal in ("rpkm", "4", 4):
        peaks = read_peaks(path, "active_enhancers", signal)
        assert peaks.table["signal"].tolist() == [3.0, 4.0]
        assert peaks.table["line"].tolist() == [3, 4]
    assert read_peaks(path, "active_enhancers", "q").table["signal"].tolist() == [1.0, 0.0]


def test_a_column_beyond_those_of_the_formats(tmp_path: Path) -> None:
    rows = [
        "\t".join([chrom, "0", "10", *"abcdefgh", str(value)]) for chrom, value in (("chr1", 3), ("chr2", 4))
    ]
    peaks = read_peaks(write(tmp_path, "\n".join(rows) + "\n"), "active_enhancers", 12)
    assert peaks.table["signal"].tolist() == [3.0, 4.0]
    assert peaks.signal == "column 12"


def test_standard_names_serve_without_a_header(tmp_path: Path) -> None:
    path = write(
        tmp_path, NARROW.format(0, 9, 3, 1) + NARROW.format(50, 60, 3, 1).replace("\t0\t.", "\t8\t.")
    )
    assert read_peaks(path, "insulators", "score").table["signal"].tolist() == [0.0, 8.0]
    assert read_peaks(path, "insulators", "signalvalue").table["signal"].tolist() == [3.0, 3.0]
    assert read_peaks(path, "insulators", "none").table["signal"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "signal", "message"),
    [
        ("chr1\t0\t10\ta\n", "9", r"is column 9, and the file has 4 columns"),
        ("chr1\t0\t10\ta\n", "score", r"has no such column \(it has no header line, .* name\)"),
        ("#chr\tstart\tend\tsignal\nchr1\t0\t9\t1\n", "signl", r"names signal\) \(did you mean 'signal'\?"),
        ("#chr\tstart\tend\tsignal\nchr1\t0\t9\tx\t1\n", "signal", "4 columns, and the first peak has 5"),
        ("chr1\t0\t10\ta\tNaN\n", "5", r"line 1: score is 'NaN'.*write a number"),
        ("chr1\t0\t10\ta\tinf\n", "score", r"line 1: score is 'inf'"),
        ("chr1\t0\t9\ta\t2\nchr1\t20\t29\ta\t-0.5\n", "5", r"line 2: score is -0.5, .* is not negative"),
        (NARROW.format(0, 9, "nan", 1), "auto", r"line 1: signalValue is 'nan'"),
        (NARROW.format(0, 9, -2, 1), "auto", r"line 1: signalValue is -2, .*landscape.signals.insulators"),
        (NARROW.format(0, 9, 1, "x"), "auto", r"line 1: peak is 'x'"),
        ("", "auto", "the file is empty"),
        ("#chrom\tstart\tend\n", "auto", "only comments"),
        ("chrom\tstart\tend\n", "auto", "a header but no peaks"),
        ("chr1\t5\t5\n", "auto", "ends where or before it starts"),
        ("chr1 5 9\n", "auto", "separated by spaces"),
        ('chr1\tx\tgene\t1\t9\t.\t+\t.\tgene_id "A";\n', "auto", "this is a GTF"),
        ("# MACS\n" + MACS, "auto", "starts count from 1"),
        ("#" + MACS, "auto", "starts count from 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_its_line(
    tmp_path: Path, text: str, signal: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_peaks(write(tmp_path, text), "insulators", signal)


# Files beside one another


def beds(tmp_path: Path, enhancers: str, insulators: str) -> dict[str, Path]:
    return {
        "active_enhancers": write(tmp_path, enhancers, "enhancers.bed"),
        "insulators": write(tmp_path, insulators, "insulators.bed"),
    }


@pytest.mark.parametrize("other", ["1", "CHR1", "Chr1"])
def test_tracks_that_name_chromosomes_in_two_ways(tmp_path: Path, other: str) -> None:
    files = beds(tmp_path, "chr1\t0\t10\n", f"{other}\t0\t10\n")
    with pytest.raises(
        UserError, match=rf"insulators\.bed, line 1: .* like '{other}' here, but like 'chr1' in"
    ):
        check(tmp_path, **files)


def test_one_chromosome_that_is_named_in_another_way(tmp_path: Path) -> None:
    files = beds(tmp_path, "chr1\t0\t10\nchr2\t0\t10\n", "chr1\t0\t10\n2\t0\t10\n")
    with pytest.raises(UserError, match=r"insulators\.bed, line 2: .* like '2' here, but like 'chr2' in"):
        check(tmp_path, **files)


def test_tracks_without_a_chromosome_in_common(tmp_path: Path) -> None:
    files = beds(tmp_path, "chr1\t0\t10\n", "chrI\t0\t10\n")
    with pytest.raises(UserError, match=r"no chromosome of this file is in the active_enhancers of K562"):
        check(tmp_path, **files)


def test_tracks_named_otherwise_than_genes_or_genome(tmp_path: Path) -> None:
    files = beds(tmp_path, "1\t0\t10\n", "1\t0\t11\n")
    for where in ({"others": {"the genes": {"chr1"}}}, {"sizes": {"chr1": 100}}):
        with pytest.raises(UserError, match=r"line 1: .* like '1' here, but like 'chr1' in the gen"):
            check(tmp_path, **where, **files)


def test_names_are_translated_before_they_are_compared(tmp_path: Path) -> None:
    path = write(tmp_path, "1\t0\t10\nMT\t0\t10\n")
    rows = read_cell_lines(sheet(tmp_path, insulators=path))
    names = ContigNames({"1": "chr1", "MT": "."})
    report = check_tracks(rows, settings(), contigs=names, sizes={"chr1": 100})["K562"]["kinds"]["insulators"]
    assert report["left_out_by_contig_names"] == 1
    assert report["kept"] == 1


def test_peaks_of_another_assembly_and_a_peak_over_an_end(tmp_path: Path) -> None:
    path = write(tmp_path, "chr1\t0\t10\nchr1\t90\t139\n")
    report = check(tmp_path, sizes={"chr1": 100}, insulators=path)["kinds"]["insulators"]
    assert report["cut_at_the_end"] == 1
    with pytest.raises(UserError, match=r"line 2: 1 of 2 peaks lie beyond .* as chr1:90-139 \(chr1 is 80 bp"):
        check(tmp_path, sizes={"chr1": 80}, insulators=path)


def test_peaks_on_contigs_that_the_genome_lacks_are_left_out_and_told(tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.WARNING)
    path = write(tmp_path, "chr1\t0\t10\nNC_1\t0\t10\nNC_2\t0\t10\n")
    report = check(tmp_path, sizes={"chr1": 100}, insulators=path)["kinds"]["insulators"]
    assert (report["left_out_on_unknown_contigs"], report["kept"]) == (2, 1)
    assert "2 of 3 peaks (67%) are on contigs that the genome lacks: NC_1, NC_2" in caplog.text


def test_two_kinds_with_the_same_peaks(tmp_path: Path) -> None:
    files = beds(tmp_path, "chr1\t0\t10\n", "chr1\t0\t10\n")
    with pytest.raises(
        UserError, match=r"active_enhancers and insulators of the cell line 'K562' are the same"
    ):
        check(tmp_path, **files)


def test_a_chromosome_that_one_kind_lacks_is_told(tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.WARNING)
    many = "".join(f"chr2\t{1000 * at}\t{1000 * at + 9}\n" for at in range(tracks.MANY))
    report = check(tmp_path, **beds(tmp_path, "chr1\t0\t10\nchr3\t0\t9\n" + many, "chr1\t0\t10\n"))["kinds"]
    assert report["insulators"]["chromosomes_without_peaks"] == ["chr2", "chr3"]
    assert report["active_enhancers"]["chromosomes_without_peaks"] == []
    assert "K562 has no insulators on chr2, where its other tracks have peaks" in caplog.text


# The stage


def test_run_writes_a_table_and_its_report_and_the_same_bytes_again(tmp_path: Path) -> None:
    files = beds(
        tmp_path, "chr2\t0\t10\ta\t5\nchr1\t900\t910\tb\t9\n", "chr1\t50\t60\ta\t1\t-\nchr1\t5\t9\tb\t2\t+\n"
    )
    written = []
    for name in ("one", "two"):
        output = tmp_path / name / "K562.parquet"
        tracks.run(sheet=sheet(tmp_path, **files), cell_line="K562", settings=settings(), output=output)
        written.append(output.read_bytes() + output.with_suffix(".json").read_bytes())
    assert written[0] == written[1]
    table = read_tracks(output)
    assert list(table.columns) == TRACK_COLUMNS
    assert table[["kind", "chrom", "start", "strand"]].to_numpy().tolist() == [
        ["active_enhancers", "chr1", 900, "."],
        ["active_enhancers", "chr2", 0, "."],
        ["insulators", "chr1", 5, "+"],
        ["insulators", "chr1", 50, "-"],
    ]
    assert table["centre"].dtype == np.int64
    report = json.loads(output.with_suffix(".json").read_text())
    assert report["missing"] == ["active_promoters"]
    assert report["kinds"]["insulators"]["strands"] == {
        "source": "column 6 of the peaks",
        "+": 1,
        "-": 1,
        ".": 0,
    }
    assert report == check(tmp_path, **files)


def test_a_line_without_tracks_has_an_empty_table(tmp_path: Path) -> None:
    output = tmp_path / "K562.parquet"
    tracks.run(sheet=sheet(tmp_path), cell_line="K562", settings=settings(), output=output)
    table = read_tracks(output)
    assert table.empty
    assert table["activity"].dtype == np.float32
    assert table["centre"].dtype == np.int64
    assert json.loads(output.with_suffix(".json").read_text())["missing"] == list(TRACK_KINDS)


def test_nothing_is_written_after_a_mistake(tmp_path: Path) -> None:
    output = tmp_path / "out" / "K562.parquet"
    with pytest.raises(UserError):
        tracks.run(
            sheet=sheet(tmp_path, **beds(tmp_path, "chr1\t0\t10\n", "1\t0\t9\n")),
            cell_line="K562",
            settings=settings(),
            output=output,
        )
    assert not output.parent.exists()


def test_none_that_was_asked_for_is_no_reason_to_warn(tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.WARNING)
    files = beds(tmp_path, "chr1\t0\t10\nchr1\t900\t990\n", "chr1\t5\t9\nchr1\t50\t60\n")
    report = check(tmp_path, {"active_enhancers": "none"}, **files)["kinds"]
    assert (
        report["active_enhancers"]["without_signal_because"] == "landscape.signals.active_enhancers is 'none'"
    )
    assert "insulators.bed: all peaks count alike (there is no column 5)" in caplog.text
    assert "enhancers.bed" not in caplog.text


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("activity", np.nan, "an activity"),
        ("strand", "x", "a strand"),
        ("kind", "x", "a kind"),
        ("centre", 99, "a centre"),
    ],
)
def test_a_table_that_is_none_of_ours_is_refused(tmp_path: Path, column: str, value, message: str) -> None:
    table = rank_track(frame([("chr1", 0, 10, 1.0), ("chr1", 20, 30, 2.0)]), "insulators")
    table.loc[1, column] = value
    table.to_parquet(tmp_path / "K562.parquet")
    with pytest.raises(UserError, match=rf"row 2: the table of tracks has .*{message}"):
        read_tracks(tmp_path / "K562.parquet")


def test_published_peaks_of_six_lines(tmp_path: Path, shared_dir: Path) -> None:
    peaks = shared_dir / "data/similarity/peaks"
    words = {"active_enhancers": ("k27ac",), "active_promoters": ("k4me3", "k04me3"), "insulators": ("ctcf",)}
    for line in ("GM12878", "HeLa-S3", "HUVEC", "IMR90", "K562", "NHEK"):
        files = {
            kind: next(p for p in peaks.glob(f"{line}.*") if any(w in p.name.lower() for w in wanted))
            for kind, wanted in words.items()
        }
        report = check(tmp_path, **files)["kinds"]
        for kind, found in report.items():
            assert found["format"] == ("broadPeak" if ".broadPeak" in files[kind].name else "narrowPeak")
            assert found["signal"] == "column 7 (signalValue)"
            assert 0.9 * RULES[kind].strongest < found["kept"] <= RULES[kind].strongest
            assert found["peaks_read"] > found["after_merging"] > 30_000


@pytest.mark.parametrize("assembly", ["hg19", "hg38"])
def test_published_peaks_are_of_the_assembly_of_their_genes(
    tmp_path: Path, shared_dir: Path, assembly: str
) -> None:
    genes = shared_dir / f"data/genes/CollapsedGeneBounds.{assembly}.TSS500bp.bed.gz"
    starts, _ = starts_of(genes)
    for path in sorted((shared_dir / "data/similarity/peaks").glob("*3*me3*")):
        rows = read_cell_lines(sheet(tmp_path, active_promoters=path))
        if assembly == "hg38":
            with pytest.raises(UserError, match="seem to be of two assemblies"):
                check_tracks(rows, settings(), starts=starts)
            continue
        report = check_tracks(rows, settings(), starts=starts)["K562"]["kinds"]["active_promoters"]
        counts = report["strongest_peaks_at_starts_of_genes"]
        assert counts["peaks"] == 5000
        assert counts["at_starts"] > 4000


def test_few_genes_say_nothing_of_the_assembly(tmp_path: Path) -> None:
    path = write(tmp_path, "chr1\t0\t10\nchr1\t50000\t50010\n")
    starts = pd.DataFrame({"chrom": ["chr1"], "position": [900_000]})
    rows = read_cell_lines(sheet(tmp_path, active_promoters=path))
    report = check_tracks(rows, settings(), starts=starts)["K562"]["kinds"]["active_promoters"]
    assert report["strongest_peaks_at_starts_of_genes"] == {
        "peaks": 2,
        "at_starts": 0,
        "at_moved_starts": 0.0,
    }


def test_a_long_list_of_peaks_is_cut_to_the_strongest(shared_dir: Path) -> None:
    path = next((shared_dir / "data/similarity/peaks").glob("IMR90.*H3K27ac*"))
    table = rank_track(read_peaks(path, "active_enhancers").table, "active_enhancers")
    assert len(table) == 40_000
