"""Which kind of store or bundle a folder is, read from its manifest alone."""

import json
import os
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


def kind_of(folder: Path) -> str | None:
    """Such as "celltype/spikes"; None where no manifest can be read, which its opener explains."""
    kind = _manifest(folder).get("kind")
    return kind if isinstance(kind, str) else None


def is_bundle(folder: Path) -> bool:
    """Whether the manifest lists files, as a bundle's does; a store's lists arrays."""
    return "files" in _manifest(folder)


def without_manifest(path: Path) -> str:
    """Why a path, of which `kind_of` tells nothing, is no bundle."""
    if not path.exists():
        return f"{path}: there is no bundle here; check the path or `raphe export` one"
    if not (path / MANIFEST).is_file():
        return f"{path}: is not a bundle, it holds no {MANIFEST}"
    return (
        f"{path / MANIFEST}: is not a bundle's manifest; export the bundle again, or copy it anew"
    )


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        if not folder.exists():
            # Seldom needed, and slower to import than all of this.
            from raphe.core.files.atomic import recover

            recover(Path(os.path.realpath(folder)))
        if not (folder / MANIFEST).is_file():  # a pipe would never be read
            return {}
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}
