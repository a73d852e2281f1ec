"""What a result was made with: the revision of the code, the locked and the installed versions of packages.

Nothing here says when or where something was made, so that the same run writes the same file.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cbat import __version__
from cbat.files import sha256_of

CHECKOUT: Final = Path(__file__).resolve().parents[2]
"""The checkout that holds this package; another folder where it was installed from an archive."""
LOCKS: Final = ("requirements.lock", "requirements-build.lock")
PACKAGES: Final = (
    "numpy", "pandas", "pyarrow", "pybedtools", "pydantic", "pyfaidx", "pysam", "safetensors", "scikit-learn",
    "scipy", "snakemake", "torch",
)  # fmt: skip


def software() -> dict[str, Any]:
    """Revision, hashes of the locks, and versions of the packages that compute.

    Returns
    -------
    dict
        ``cbat``, ``git_revision`` and ``git_changes`` (None without git), ``lock_sha256``, ``python``,
        ``packages`` (None for one that is not installed).
    """
    revision, changes = git_state(CHECKOUT)
    return {
        "cbat": __version__,
        "git_revision": revision,
        "git_changes": changes,
        "lock_sha256": {name: sha256_of(path) for name in LOCKS if (path := CHECKOUT / name).is_file()},
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


@lru_cache
def git_state(checkout: Path) -> tuple[str | None, bool | None]:
    """The commit of a checkout, and whether the code below it has been changed since; None without git."""
    if not (checkout / ".git").exists():
        return None, None
    try:
        revision = _git(checkout, "rev-parse", "HEAD")
        changed = _git(checkout, "status", "--porcelain", "--untracked-files=no", "--", "src", "workflow")
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return revision, bool(changed)


def _git(checkout: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(checkout), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def hash_of(value: Any) -> str:
    """SHA-256 of a value as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
