"""The built wheel predicts with a model that it brings: no checkout, no genome, no configuration."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TOP = Path(__file__).resolve().parents[2]
ENHANCERS = 3_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`cbat` in an environment that holds the wheel, and what it needs from the environment of the tests.

    The packages that it needs are found by a path file, whose own path files are not read: a package that is
    installed for development, such as this one, is not among them.
    """
    place = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", str(TOP), *options, "--no-build-isolation", "--wheel-dir", str(place)]
    subprocess.run(build, check=True, cwd=place)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "env")], check=True)
    python = place / "env" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "env" / "lib" / version / "site-packages"
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    wheel = next(place.glob("*.whl"))
    subprocess.run([*pip, "--python", str(python), "install", *options, str(wheel)], check=True, cwd=place)
    return place / "env" / "bin" / "cbat"


def run(program: Path, directory: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
    done = subprocess.run(
        [str(program), *arguments], cwd=directory, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_is_that_of_the_wheel(program: Path, tmp_path: Path) -> None:
    told = subprocess.run(
        [str(program.parent / "python"), "-c", "import cbat; print(cbat.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert Path(told.strip()).is_relative_to(program.parents[1])


def test_from_peaks_to_genes(program: Path, tmp_path: Path) -> None:
    assert "regulation" in run(program, tmp_path, "models")
    site = next((program.parents[1] / "lib").glob("*/site-packages"))
    genes = pd.read_parquet(site / "cbat" / "shipped_models" / "regulation" / "genes.parquet")
    starts = genes[(genes["assembly"] == "hg38") & genes["chrom"].isin(["chr21", "chr22"])]
    rng = np.random.default_rng(1)
    # A third of the peaks of a mark of enhancers are at promoters, which tells the assembly.
    offset = np.where(rng.random(ENHANCERS) < 0.33, 0, rng.normal(0, 60_000, ENHANCERS)).astype(int)
    some = starts.iloc[rng.integers(len(starts), size=ENHANCERS)]
    # On both chromosomes, of which the shorter ends at 46.7 Mb.
    at = np.clip(some["position"].to_numpy() + offset, 1_000, 46_600_000)
    peaks = pd.DataFrame(
        {"chrom": some["chrom"].to_numpy(), "start": at - 250, "end": at + 250}
    ).drop_duplicates()
    signal = rng.gamma(2.0, 10.0, len(peaks)).round(2)
    peaks = peaks.assign(name=".", score=0, strand=".", signal=signal, p=-1, q=-1, peak=250)
    peaks.sort_values(["chrom", "start"]).to_csv(
        tmp_path / "peaks.narrowPeak.gz", sep="\t", header=False, index=False
    )
    run(program, tmp_path, "predict", "--model", "regulation", "--candidates", "peaks.narrowPeak.gz",
        "--max-distance", "500000", "--directory", "out")  # fmt: skip
    table = pd.read_csv(tmp_path / "out" / "genes.tsv", sep="\t")
    assert set(table["chrom"]) == {"chr21", "chr22"}
    assert set(starts["name"]) >= set(table["gene"])
    assert table["called"].sum() > 0
    assert (tmp_path / "out" / "index.html").is_file()
