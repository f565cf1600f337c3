"""An exported ensemble in one folder, and the hashes that tell whether it is still whole.

BUNDLE/manifest.json   format, kind, raphe's version, SHA-256 of every other file, facts
BUNDLE/MODEL_CARD.md   for whoever is handed the folder
BUNDLE/…               what the task adds: weights, a graph, settings
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raphe.core.errors import RapheError
from raphe.core.files.atomic import FolderBuilder, recover, reporting, sync
from raphe.version import __version__

FORMAT = 1
MANIFEST = "manifest.json"
CARD = "MODEL_CARD.md"  # also what tells a bundle from other folders when one is replaced
RESERVED = {"format", "raphe", "files", "content_hash"}
REMEDY = "export it again, or copy it anew from where it was whole"


class BundleError(RapheError):
    """A bundle is missing, incomplete, altered, of a newer format or of another kind."""


@dataclass(frozen=True)
class Bundle:
    """An opened bundle whose files all have the hashes of its manifest."""

    path: Path
    manifest: dict[str, Any]

    @property
    def content_hash(self) -> str:
        """SHA-256 over the manifest, which holds the SHA-256 of every file."""
        return self.manifest["content_hash"]

    def file(self, name: str) -> Path:
        """Where a file lies that the manifest names. Raises BundleError for any other."""
        if name not in self.manifest["files"]:
            raise BundleError(f"{self.path}: its manifest names no {name}; {REMEDY}")
        return self.path / name


class BundleWriter:
    """Fill a hidden folder, then `finish` gives it its name: a bundle is there whole or not at all.

    Raises StoreError at once when something that may not be replaced stands at `path`.
    """

    def __init__(self, path: Path | str, overwrite: bool = False) -> None:
        self._builder = FolderBuilder(path, CARD, overwrite)

    def __enter__(self) -> "BundleWriter":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._builder.__exit__(*exception)

    def finish(self, kind: str, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> Bundle:
        """Write the files by name, MODEL_CARD.md among them, and the manifest; return the bundle.

        `facts` holds JSON values.
        """
        assert CARD in files and not RESERVED & set(facts)
        path = self._builder.path
        with reporting(path):
            for name, content in files.items():
                _write(self._builder.folder / name, content)
            manifest = {
                "format": FORMAT,
                "kind": kind,
                "raphe": __version__,
                **facts,
                "files": {name: _sha256(content) for name, content in files.items()},
            }
            manifest["content_hash"] = _content_hash(manifest)
            text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            _write(self._builder.folder / MANIFEST, text.encode())
        return Bundle(self._builder.commit(), json.loads(text))


def open_bundle(path: Path | str, kind: str) -> Bundle:
    """Open a bundle of this kind and check the hash of each of its files.

    Raises BundleError.
    """
    path = Path(path)
    with reporting(path, "read"):
        manifest = _read_manifest(path)
        if manifest["kind"] != kind:
            raise BundleError(f"{path}: expected a bundle of {kind}, got {manifest['kind']}")
        for name, expected in manifest["files"].items():
            _check_file(path / name, expected)
    return Bundle(path, manifest)


def _read_manifest(path: Path) -> dict[str, Any]:
    recover(path.resolve())
    if not path.exists():
        raise BundleError(f"{path}: there is no bundle here; check the path or `raphe export` one")
    file = path / MANIFEST
    if not file.is_file():
        raise BundleError(f"{path}: is not a bundle, it holds no {MANIFEST}")
    try:
        manifest = json.loads(file.read_bytes())
        version = int(manifest["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{file}: is not a bundle's manifest ({error!r}); {REMEDY}") from None
    if version > FORMAT:
        raise BundleError(
            f"{path}: the bundle has format {version}, this raphe {__version__} reads up to "
            f"{FORMAT}; update raphe (made by {manifest.get('raphe', 'a newer one')})"
        )
    if "files" not in manifest:
        raise BundleError(f"{path}: is not a bundle, its {MANIFEST} names no files")
    if manifest.get("content_hash") != _content_hash(manifest):
        raise BundleError(f"{file}: was changed after it was written; {REMEDY}")
    return manifest


def _check_file(file: Path, expected: str) -> None:
    if not file.is_file():
        raise BundleError(f"{file}: missing, the manifest names it; {REMEDY}")
    found = _sha256(file.read_bytes())
    if found != expected:
        raise BundleError(
            f"{file}: altered or damaged, its SHA-256 is {found[:12]}… where the manifest says "
            f"{expected[:12]}…; {REMEDY}"
        )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        sync(file)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _content_hash(manifest: Mapping[str, Any]) -> str:
    facts = {name: value for name, value in manifest.items() if name != "content_hash"}
    return _sha256(json.dumps(facts, sort_keys=True).encode())
