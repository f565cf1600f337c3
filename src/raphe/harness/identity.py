"""What makes two runs the same: their settings and the content of their data."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from raphe.harness.settings.composed import plain, without_hydra
from raphe.version import __version__

DECIDING_SECTIONS = ("seed", "data", "model", "trainer", "callbacks", "monitor", "evaluate")


def run_key(config: DictConfig, data_hashes: Mapping[str, str]) -> str:
    """Hex digest of the settings that decide a run's numbers and of the data's content."""
    settings = plain(without_hydra(config), resolve=True)
    deciding = {name: settings[name] for name in DECIDING_SECTIONS if name in settings}
    return digest({"settings": deciding, "data": data_hashes})


def digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def code_version() -> str:
    """The git commit, `-dirty` where the code differs from it; an installed package's version.

    A package may lie in somebody's repository, as in its .venv, without being part of it.
    Recordings, stores and bundles that lie beside the code are no change of it.
    """
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)
        commit = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no") or _git(
            "status", "--porcelain", "--untracked-files=all", "--", *_code_folders()
        )
        return f"{commit}-dirty" if changed else commit
    except (OSError, subprocess.CalledProcessError):
        return __version__


def _code_folders() -> list[str]:
    """The package and its settings, which a new file in them changes."""
    _, package, _, checkout = Path(__file__).parents[:4]
    return [str(folder) for folder in (package, checkout / "conf") if folder.is_dir()]


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
