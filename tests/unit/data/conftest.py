"""A sheet of cell lines with their files, small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyfaidx
import pytest

from cbat.config.sections import ElementSettings, LabelSettings, SplitSettings
from cbat.data import elements, labels

SIZES = {"chr1": 10_000, "chr2": 8_000, "chr3": 6_000, "chr4": 5_000}
PAIRS_HEADER = "enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label"


class RawFiles:
    """Writes the raw files of cell lines and runs the stages on them.

    chr1 trains, chr2 validates, chr3 tests, chr4 is in no split; windows are 100 bp and 200 bp.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sheet = directory / "cell_lines.tsv"
        self.rows: list[str] = []
        self.contig_sizes = directory / "contig_sizes.tsv"
        self.write_sizes(SIZES)

    def write_sizes(self, sizes: dict[str, int]) -> None:
        lines = ["contig\tlength", *(f"{contig}\t{length}" for contig, length in sizes.items())]
        self.contig_sizes.write_text("\n".join(lines) + "\n")

    def pairs(self, name: str, rows: Sequence[str], columns: str = PAIRS_HEADER) -> Path:
        """Write a pair table of rows whose fields are separated by spaces; the header is line 1."""
        path = self.directory / f"{name}.pairs.tsv"
        path.write_text("".join("\t".join(row.split()) + "\n" for row in [columns, *rows]))
        return path

    def bed(self, name: str, rows: Sequence[str]) -> Path:
        path = self.directory / f"{name}.bed"
        path.write_text("".join("\t".join(row.split()) + "\n" for row in rows))
        return path

    def cell_line(
        self,
        name: str,
        pairs: Path,
        role: str = "train",
        enhancers: Path | str = ".",
        promoters: Path | str = ".",
        pairs_format: str = "cbat",
    ) -> None:
        """Add a row to the sheet."""
        fields = [name, "blood", role, "unknown", "unknown", pairs, pairs_format, enhancers, promoters]
        self.rows.append("\t".join(map(str, fields)))
        header = "cell_line tissue role sex condition pairs pairs_format enhancers promoters"
        self.sheet.write_text("\n".join(["\t".join(header.split()), *self.rows]) + "\n")

    def collect(
        self,
        cohort: str = "training",
        flank: int = 0,
        splits: dict[str, list[str]] | None = None,
        genome: Path | None = None,
        **settings: object,
    ) -> Path:
        directory = self.directory / "elements" / cohort
        elements.run(
            cell_lines=self.sheet,
            cohort=cohort,  # type: ignore[arg-type]
            contig_sizes=self.contig_sizes,
            elements=ElementSettings(enhancer_window=100, promoter_window=200, flank=flank, **settings),
            splits=SplitSettings(**(splits or {"train": ["chr1"], "validation": ["chr2"], "test": ["chr3"]})),
            directory=directory,
            genome_fasta=genome,
        )
        return directory

    def genome(self, unknown: Sequence[tuple[str, int, int]]) -> Path:
        """Write a genome of A, but for the intervals whose bases nobody knows."""
        path = self.directory / "genome.fa"
        text = ""
        for name, length in SIZES.items():
            bases = ["A"] * length
            for chrom, start, end in unknown:
                if chrom == name:
                    bases[start:end] = "N" * (end - start)
            text += f">{name}\n{''.join(bases)}\n"
        path.write_text(text)
        pyfaidx.Faidx(str(path)).close()
        return path

    def label(self, name: str, cohort: str = "training", **settings: object) -> Path:
        output = self.directory / "labels" / f"{name}.parquet"
        labels.run(
            sheet=self.sheet,
            cell_line=name,
            elements_directory=self.directory / "elements" / cohort,
            labels=LabelSettings(**settings),  # type: ignore[arg-type]
            output=output,
        )
        return output


@pytest.fixture
def raw(tmp_path: Path) -> RawFiles:
    return RawFiles(tmp_path)


@pytest.fixture(scope="session")
def new_raw() -> type[RawFiles]:
    """For tests that need many."""
    return RawFiles
