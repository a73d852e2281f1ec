"""The verb ``download``."""

from __future__ import annotations

from pathlib import Path

from cbat.config.sections import RetrievalSettings


def download(
    *,
    name: str,
    sources: Path | None = None,
    output: Path | None = None,
    settings: RetrievalSettings | None = None,
    check: bool = False,
) -> None:
    """Fetch a published file, or check one that is there.

    Parameters
    ----------
    name : str
        Name of the source in the registry.
    sources : Path, optional
        The registry, resources/sources.tsv unless the settings name another.
    output : Path, optional
        The file to make or to check, resources/downloads/<file of the source> if it is not given.
    settings : RetrievalSettings, optional
        The section ``retrieval`` of the configuration.
    check : bool
        Fetch nothing: compare the file that is there with what the registry or an earlier download knows.
    """
    from cbat.config.sources import DOWNLOAD_DIRECTORY, find_source
    from cbat.data import retrieval

    settings = RetrievalSettings() if settings is None else settings
    if sources is not None:
        settings = settings.model_copy(update={"sources": sources})
    source = find_source(settings.sources, name)
    output = DOWNLOAD_DIRECTORY / source.file if output is None else output
    if check:
        retrieval.check(source, output, settings)
    else:
        retrieval.download(source, output, settings)
