"""The pages lead where they say, and name commands, rules and files of config/models that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cbat.cli import STAGES, VERBS

TOP = Path(__file__).resolve().parents[2]
FIRST = [TOP / name for name in ("README.md", "config/README.md", "profiles/README.md", "CONTRIBUTING.md")]
PAGES = [*FIRST, *sorted((TOP / "docs").rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """Names that GitHub gives the headings of a page."""
    headings = [line.lstrip("#").strip() for line in page.read_text().splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_lists_every_page() -> None:
    text = (TOP / "README.md").read_text()
    pages = [page.relative_to(TOP).as_posix() for page in (TOP / "docs").rglob("*.md")]
    missing = [page for page in pages if f"({page})" not in text]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_command_on_a_page_exists(page: Path) -> None:
    blocks = re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL)
    commands = [line.split() for block in blocks for line in block.splitlines() if line.startswith("cbat ")]
    unknown = [words for words in commands if not {words[1], " ".join(words[1:3])} & set(VERBS)]
    assert unknown == []


def test_the_table_of_stages_has_every_stage() -> None:
    rows = "\n".join(
        line
        for line in (TOP / "docs/development/architecture.md").read_text().splitlines()
        if line.startswith("| `")
    )
    missing = [stage for stage in STAGES if f"`{stage}`" not in rows and not stage.startswith("plot_")]
    assert missing == []


def test_the_table_of_ablations_has_every_model() -> None:
    text = (TOP / "docs" / "model.md").read_text().partition("## Ablations")[2]
    missing = [file.stem for file in (TOP / "config/models").glob("*.yaml") if f"`{file.stem}`" not in text]
    assert missing == []
