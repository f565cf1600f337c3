"""An exported ensemble in one folder, and the hashes that tell whether it is still whole.

BUNDLE/manifest.json   format, kind, raphe's version, SHA-256 of every other file, facts
BUNDLE/MODEL_CARD.md   for whoever is handed the folder
BUNDLE/…               what the task adds: weights, a graph, settings
"""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raphe.core.errors import RapheError
from raphe.core.files.atomic import FolderBuilder, reporting, write_file
from raphe.core.files.hashed_folder import CONTENT_HASH, HashedFolder, sha256_of
from raphe.core.files.kind import MANIFEST
from raphe.core.files.path import checked_path
from raphe.version import __version__

CARD = "MODEL_CARD.md"  # also what tells a bundle from other folders when one is replaced
RESERVED = {"format", "raphe", "files", CONTENT_HASH}
REMEDY = "export it again, or copy it anew from where it was whole"


class BundleError(RapheError):
    """A bundle is missing, incomplete, altered, of a newer format or of another kind."""


BUNDLE = HashedFolder(
    noun="bundle",
    format=1,
    sections=("files", "kind"),
    error_type=BundleError,
    origin="`raphe export` one",
    remedy=REMEDY,
)


@dataclass(frozen=True)
class Bundle:
    """An opened bundle whose files all have the hashes of its manifest."""

    path: Path
    manifest: dict[str, Any]

    @property
    def content_hash(self) -> str:
        """SHA-256 over the manifest, which holds the SHA-256 of every file."""
        return self.manifest[CONTENT_HASH]

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
                write_file(self._builder.folder / name, content)
            hashes = {name: sha256_of(self._builder.folder / name) for name in files}
            text = BUNDLE.manifest_text(
                {"kind": kind, "raphe": __version__, **facts, "files": hashes}
            )
            write_file(self._builder.folder / MANIFEST, text)
        return Bundle(self._builder.commit(), json.loads(text))


def open_bundle(path: Path | str, kind: str, facts: Set[str] = frozenset()) -> Bundle:
    """Open a bundle of this kind, whose manifest holds these facts, and check its files' hashes.

    Raises BundleError.
    """
    path = Path(path)
    with reporting(path, "read"):
        manifest = BUNDLE.read_manifest(path)
        if manifest["kind"] != kind:
            raise BundleError(f"{path}: expected a bundle of {kind}, got {manifest['kind']}")
        if missing := facts - manifest.keys():
            raise BundleError(
                f"{path}: its manifest holds no {min(missing)}, an earlier raphe wrote it; export "
                "it again"
            )
        for name, sha256 in manifest["files"].items():
            BUNDLE.check_file(path / name, sha256)
    return Bundle(path, manifest)


def bundle_kind(path: Path | str) -> str:
    """Of which kind the bundle is, as in "celltype/ensemble".

    Raises BundleError; TypeError for what is no path.
    """
    path = checked_path(path, "a bundle")
    with reporting(path, "read"):
        return str(BUNDLE.read_manifest(path)["kind"])
