"""The page that lists what can be asked: plain HTML, which loads nothing from anywhere."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from raphe.core.bundles.predictor import BundlePredictor

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #f2f2f2; padding: .6rem; overflow-x: auto; }
table { border-collapse: collapse; } td { padding: .15rem .8rem .15rem 0; vertical-align: top; }
td:first-child { white-space: nowrap; }
"""


TOKEN = "…"  # stands for that of the link, which no page repeats
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
OVERVIEW_POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def overview(
    openapi: Mapping[str, Any], predictor: BundlePredictor, address: str, needs_token: bool
) -> str:
    """HTML of what OpenAPI describes, with a line for curl to try."""
    title = escape(openapi["info"]["title"])
    note = predictor.manifest.get("note")
    parts = [
        f"<h1>{title}</h1>",
        f"<p><strong>{escape(note)}</strong></p>" if note else "",
        '<p><a href="/">The page</a> · <a href="card">Model card</a> · '
        '<a href="bundle">bundle</a> · <a href="openapi.json">OpenAPI</a></p>',
        *_operations(openapi["paths"]),
        "<h2>To try</h2>",
        f"<pre>{escape(file_command(predictor, address, TOKEN if needs_token else None))}</pre>",
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def file_command(predictor: BundlePredictor, address: str, token: str | None = None) -> str:
    """A line of a shell that asks with a file."""
    suffix = predictor.SUFFIXES[0]
    name = f"recording{suffix}"
    needed = "".join(
        f"&{field.name}=…"
        for field in predictor.FILE_FIELDS
        if field.needed or suffix in field.needed_for
    )
    header = "" if token is None else f"-H 'Authorization: Bearer {token}' "
    return f"curl {header}--data-binary @{name} '{address}predict/file?name={name}{needed}'"


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation['summary'])}</p>"
            rows = [
                (parameter["name"], parameter["required"], parameter["description"])
                for parameter in operation.get("parameters", ())
            ]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                needed = content["schema"].get("required", ())
                rows += [
                    (name, name in needed, value["description"])
                    for name, value in content["schema"].get("properties", {}).items()
                ]
            if rows:
                yield f"<table>{''.join(_row(*row) for row in rows)}</table>"
            answer = operation["responses"]["200"].get("content", {}).get("application/json", {})
            properties = answer.get("schema", {}).get("properties", {})
            if properties:
                shown = (
                    _row(name, False, value["description"]) for name, value in properties.items()
                )
                yield f"<p>Answer:</p><table>{''.join(shown)}</table>"


def _row(name: str, needed: bool, meaning: str) -> str:
    mark = " (needed)" if needed else ""
    return f"<tr><td><code>{escape(name)}</code>{mark}</td><td>{escape(meaning)}</td></tr>"
