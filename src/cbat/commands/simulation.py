"""The verb ``simulate_benchmark``."""

from __future__ import annotations

from pathlib import Path

from cbat.config.sections import SimulationSettings


def simulate_benchmark(*, settings: SimulationSettings, cell_lines: Path, directory: Path) -> None:
    """Simulate the lines of the sheet whose files lie under ``directory/raw``.

    Parameters
    ----------
    settings : SimulationSettings
        The section ``simulation`` of the configuration.
    cell_lines : Path
        Sheet of cell lines.
    directory : Path
        Where the genome, the raw files and the hidden truth go; paths of the sheet begin with it.
    """
    from cbat.config.project import simulated_lines
    from cbat.config.sheets import read_cell_lines
    from cbat.errors import UserError
    from cbat.simulation.benchmark import run

    lines = simulated_lines(read_cell_lines(cell_lines), directory)
    if not lines:
        raise UserError(
            f"no cell line has its files under {directory / 'raw'}, where the simulation writes them",
            mend="give the folder that the paths of the sheet begin with, or write such paths into it",
            file=cell_lines,
        )
    run(settings=settings, lines=lines, directory=directory)
