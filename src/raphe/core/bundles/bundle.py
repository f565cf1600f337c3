"""An exported ensemble in one folder, and the hashes that tell whether it is still whole.

BUNDLE/manifest.json   format, kind, raphe's version, SHA-256 of every other file, facts
BUNDLE/MODEL_CARD.md   for whoever is handed the folder
BUNDLE/…               what the task adds: weights, a graph, settings
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import hexdigits
from typing import Any

from raphe.core.bundles.manifest import BundleKind, fault_in
from raphe.core.errors import RapheError, StoreError
from raphe.core.files.atomic import FolderBuilder, reporting, write_file
from raphe.core.files.hashed_folder import CONTENT_HASH, HashedFolder, sha256_of
from raphe.core.files.kind import MANIFEST
from raphe.core.files.path import checked_path
from raphe.core.sentences import printable
from raphe.version import __version__

CARD = "MODEL_CARD.md"  # also what tells a bundle from other folders when one is replaced
METHODS = "METHODS.md"  # a paragraph on methods for a paper
RESERVED = {"format", "raphe", "files", CONTENT_HASH}
LARGEST_FILE = 2 * 2**30  # bytes: what ONNX can hold in one file
LEAST_DIGITS = 12  # of a content hash, to tell bundles apart
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
        return str(self.manifest[CONTENT_HASH])

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
        self._builder = FolderBuilder(path, CARD, overwrite, _files_of)

    def __enter__(self) -> "BundleWriter":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._builder.__exit__(*exception)

    def finish(
        self, kind: BundleKind, files: Mapping[str, bytes], facts: Mapping[str, Any]
    ) -> Bundle:
        """Write the files by name, MODEL_CARD.md among them, and the manifest; return the bundle.

        `facts` holds JSON values, those that the kind must have among them.
        """
        assert CARD in files and not RESERVED & set(facts)
        path = self._builder.path
        with reporting(path):
            for name, content in files.items():
                write_file(self._builder.folder / name, content)
            hashes = {name: sha256_of(self._builder.folder / name) for name in files}
            text = BUNDLE.manifest_text(
                {"kind": kind.name, "raphe": __version__, **facts, "files": hashes}
            )
            manifest = json.loads(text)
            fault = kind.fault(manifest)
            assert not fault, f"{kind.name}: {fault}"
            write_file(self._builder.folder / MANIFEST, text)
        return Bundle(self._builder.commit(), manifest)


def open_bundle(path: Path | str, kind: BundleKind, content_hash: str | None = None) -> Bundle:
    """Open a bundle of this kind and check its manifest and the hashes of its files.

    `content_hash` is the one that the bundle must have, or its beginning, where whoever asks knows
    it from elsewhere: the hashes in a bundle tell that it is whole, this one whose it is.

    Raises BundleError.
    """
    path = Path(path)
    with reporting(path, "read"):
        manifest = _read_manifest(path)
        if manifest["kind"] != kind.name:
            raise BundleError(
                f"{path}: expected a bundle of {kind.name}, got {printable(manifest['kind'])}"
            )
        _require_hash(path, manifest[CONTENT_HASH], content_hash)
        if fault := kind.fault(manifest):
            raise BundleError(
                f"{path / MANIFEST}: {printable(fault)}; it was changed, or another raphe wrote "
                f"it: {REMEDY}"
            )
        _check_files(path, manifest)
    return Bundle(path, manifest)


def check_bundle(path: Path | str) -> Bundle:
    """A bundle of any kind all of whose files have the hashes of its manifest.

    Raises BundleError.
    """
    path = Path(path)
    with reporting(path, "read"):
        manifest = _read_manifest(path)
        _check_files(path, manifest)
    return Bundle(path, manifest)


def _read_manifest(path: Path) -> dict[str, Any]:
    manifest = BUNDLE.read_manifest(path)
    if fault := fault_in(manifest):
        raise BundleError(
            f"{path / MANIFEST}: is not a bundle's manifest, {printable(fault)}; {REMEDY}"
        )
    return manifest


def _files_of(path: Path) -> set[str]:
    """The names of a bundle's files, as its manifest tells them.

    Raises StoreError for what is no bundle: what raphe wrote there is not told.
    """
    try:
        return {MANIFEST, *BUNDLE.read_manifest(path)["files"]}
    except (BundleError, TypeError):
        raise StoreError(
            f"{printable(path)}: its {MANIFEST} is not that of a bundle, so it is not replaced; "
            "remove the folder yourself, or choose another place"
        ) from None


def _check_files(path: Path, manifest: Mapping[str, Any]) -> None:
    for name, sha256 in manifest["files"].items():
        file = path / name
        if file.is_symlink():
            raise BundleError(
                f"{file}: is a link, expected the file itself; put a copy of the file in its place"
            )
        if file.is_file() and file.stat().st_size > LARGEST_FILE:
            raise BundleError(
                f"{file}: is larger than {LARGEST_FILE // 2**20} MB, as no file of a bundle is; "
                f"{REMEDY}"
            )
        BUNDLE.check_file(file, sha256)


def _require_hash(path: Path, of_bundle: str, expected: str | None) -> None:
    if expected is None:
        return
    wanted = expected.strip().lower()
    if len(wanted) < LEAST_DIGITS or not set(wanted) <= set(hexdigits):
        raise BundleError(
            f"content hash: expected its first {LEAST_DIGITS} hexadecimal digits or more, got "
            f"{printable(expected)}"
        )
    if not of_bundle.startswith(wanted):
        raise BundleError(
            f"{path}: its content hash is {of_bundle[:LEAST_DIGITS]}…, not the {wanted[:40]} that "
            "was asked for: this is another bundle, or it was changed and its hashes made anew; do "
            "not use it before you know which"
        )


@contextmanager
def fitting_together(bundle: Bundle) -> Iterator[None]:
    """Facts and files that are each sound but contradict one another are those of a changed bundle.

    Raises BundleError for whatever they lead to while the bundle is opened.
    """
    try:
        yield
    except BundleError:
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise BundleError(
            f"{bundle.path}: its manifest and its files do not fit together ({printable(words)}); "
            f"{REMEDY}"
        ) from error


def bundle_kind(path: Path | str | None) -> str:
    """Of which kind the bundle is, as in "celltype/ensemble".

    Raises BundleError; TypeError for what is no path.
    """
    path = checked_path(path, "a bundle")
    with reporting(path, "read"):
        return str(_read_manifest(path)["kind"])
