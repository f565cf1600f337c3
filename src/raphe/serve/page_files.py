"""The page and what it loads: files of this package, read once; no request names a path."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.sentences import printable
from raphe.serve.explained import FIRST
from raphe.serve.limits import LONGEST_NOTE, Limits
from raphe.version import __version__

PAGE = Path(__file__).parent / "page"
TEMPLATES, STATIC = PAGE / "templates", PAGE / "static"
TYPES = {  # which a machine's own table may have otherwise, as Windows has of .js
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


def templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    environment.globals["version"] = __version__
    return environment


def page(facts: Mapping[str, str]) -> str:
    """HTML of the page; `facts` are its template's."""
    return templates().get_template("page.html").render(facts, trust=f"explained/{FIRST}")


def static_files() -> dict[str, tuple[str, bytes]]:
    """Media type and contents of all that the page may load, by the name that a request gives."""
    return {
        path.relative_to(STATIC).as_posix(): (TYPES[path.suffix], path.read_bytes())
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in TYPES
    }


def facts_of(predictor: BundlePredictor, limits: Limits, folder: Path | None) -> dict[str, Any]:
    """What the page needs to know of the bundle and this server, as JSON has it."""
    manifest = predictor.manifest
    return {
        "kind": manifest["kind"],
        "title": predictor.TITLE or manifest["kind"],
        "note": manifest.get("note") or "",
        "classes": list(manifest.get("classes", ())),
        "suffixes": list(predictor.SUFFIXES),
        "files_hold": predictor.FILES_HOLD,
        "watched": list(predictor.WATCHED),
        "fields": [
            {
                "name": field.name,
                "label": field.label,
                "kind": field.kind,
                "meaning": field.meaning,
                "needed": field.needed,
            }
            for field in predictor.FILE_FIELDS
        ],
        "labels": list(predictor.labels),
        "longest_note": LONGEST_NOTE,
        "max_bytes": limits.file_bytes,
        "folder": None if folder is None else printable(folder.name),
        "folder_key": None if folder is None else _key_of(folder),
        "can_watch": type(predictor).watch is not BundlePredictor.watch,
    }


def _key_of(folder: Path) -> str:
    """What tells a folder from any other, also of its name; it does not tell where it lies."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
