"""A folder with a manifest that holds the hash of every file in it, and its own: what a store and a
bundle have in common. Whatever was changed, cut or lost since it was written is found and named.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raphe.core.errors import RapheError
from raphe.core.files.atomic import recover
from raphe.core.files.kind import MANIFEST
from raphe.version import __version__

CONTENT_HASH = "content_hash"  # of the manifest: over everything else in it
BLOCK_BYTES = 2**20
LARGEST_MANIFEST = 256 * 2**20


@dataclass(frozen=True)
class HashedFolder:
    """A kind of folder, and how it is spoken of.

    Args:
        noun: "store".
        format: the one that is written and read; `format` in the manifest.
        sections: what a manifest must have beside it.
        error_type: raised for a folder that cannot be used.
        origin: where one comes from, after "there is no … here; check the path or".
        remedy: what to do with a damaged one.
    """

    noun: str
    format: int
    sections: tuple[str, ...]
    error_type: type[RapheError]
    origin: str
    remedy: str

    def manifest_text(self, facts: Mapping[str, Any]) -> str:
        """The manifest as JSON: format, facts, and the hash over both.

        Raises ValueError for NaN, which JSON has no word for.
        """
        manifest = {"format": self.format, **facts}
        manifest[CONTENT_HASH] = _content_hash(manifest)
        return json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def read_manifest(self, path: Path) -> dict[str, Any]:
        """The manifest of the folder at `path`. Raises `error_type`; OSError where it cannot."""
        recover(Path(os.path.realpath(path)))
        if not path.exists():
            raise self.error_type(
                f"{path}: there is no {self.noun} here; check the path or {self.origin}"
            )
        file = path / MANIFEST
        if not file.is_file():
            raise self.error_type(f"{path}: is not a {self.noun}, it holds no {MANIFEST}")
        if file.stat().st_size > LARGEST_MANIFEST:
            raise self.error_type(
                f"{file}: is not a {self.noun}'s manifest, it is larger than "
                f"{LARGEST_MANIFEST // 2**20} MB; {self.remedy}"
            )
        try:
            manifest = json.loads(file.read_bytes(), parse_constant=_no_number, parse_float=_finite)
            version = manifest["format"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            is_json = isinstance(error, (KeyError, TypeError))
            why = "names no format" if is_json else "is no JSON"
            raise self.error_type(
                f"{file}: is not a {self.noun}'s manifest, it {why}; {self.remedy}"
            ) from None
        if version != self.format:
            made_by = f" (made by {manifest['raphe']})" if "raphe" in manifest else ""
            remedy = self.remedy
            if isinstance(version, int) and version > self.format:
                remedy = f"update raphe{made_by}, or {remedy}"
            raise self.error_type(
                f"{file}: the {self.noun} has format {version}, this raphe {__version__} reads "
                f"format {self.format}; {remedy}"
            )
        for section in self.sections:
            if section not in manifest:
                raise self.error_type(
                    f"{file}: is not a {self.noun}'s manifest, it names no {section}; {self.remedy}"
                )
        if manifest.get(CONTENT_HASH) != _content_hash(manifest):
            raise self.error_type(f"{file}: was changed after it was written; {self.remedy}")
        return manifest

    def check_file(self, file: Path, sha256: str) -> None:
        """Raise `error_type` unless the file is there with this hash."""
        if not file.is_file():
            raise self.error_type(f"{file}: missing, the manifest names it; {self.remedy}")
        self.compare_hash(file, sha256, sha256_of(file))

    def compare_hash(self, file: Path, in_manifest: str, of_file: str) -> None:
        """Raise `error_type` where the hashes differ."""
        if of_file != in_manifest:
            raise self.error_type(
                f"{file}: altered or damaged, its SHA-256 is {of_file[:12]}… where the manifest "
                f"says {in_manifest[:12]}…; {self.remedy}"
            )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes in hex, as `sha256sum` prints it; a block at a time."""
    digest = hashlib.sha256()
    for block in blocks_of(path):
        digest.update(block)
    return digest.hexdigest()


def blocks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _content_hash(manifest: Mapping[str, Any]) -> str:
    facts = {name: value for name, value in manifest.items() if name != CONTENT_HASH}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
