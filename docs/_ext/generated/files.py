"""The page of files: those of written_files.py, and what a manifest must say.

The latter is read from the schema that checks it.
"""

from collections.abc import Iterator
from typing import Any

from generated.markdown import code, plain, table
from generated.written_files import FILES, WHERE
from raphe.core.bundles.manifest import COMMON, BundleKind
from raphe.tasks.calcium.ensemble.bundle import KIND as RATES
from raphe.tasks.calcium.prediction import rate_folder
from raphe.tasks.celltype.ensemble.bundle_runtime import KIND as ENSEMBLE
from raphe.tasks.celltype.metrics import cell_level
from raphe.tasks.glif.ensemble.bundle import KIND as POSTERIOR
from raphe.tasks.units.ensemble.bundle import KIND as UNITS

KINDS: tuple[BundleKind, ...] = (ENSEMBLE, RATES, POSTERIOR, UNITS)
IN_CODE = {
    ("rates", "traces.csv"): rate_folder.COLUMNS,
    ("a run", "*/headline.csv"): cell_level.COLUMNS,
}


def page() -> str:
    parts = ["## Tables and results"]
    for where, place in WHERE.items():
        parts.append(f"### {where[:1].upper()}{where[1:]}\n\n{place[:1].upper()}{place[1:]}.")
        for file in (file for file in FILES if file.where == where):
            parts.append(f"**{code(file.name)}**: {file.what}.")
            if file.columns:
                rows = [(code(name), meaning) for name, meaning in file.columns.items()]
                parts.append(table(("column", "meaning"), rows))
    parts.append(
        "## Bundle manifests\n\nWhat `manifest.json` must say; a bundle that does not is refused."
    )
    parts.append("### Of every bundle\n\n" + _facts(COMMON))
    for kind in KINDS:
        names = ", ".join(code(name) for name in kind.files)
        others = ", ".join(code(name) for name in kind.may_hold)
        parts.append(
            f"### {code(kind.name)}\n\nFiles: {names}; it may hold {others}.\n\n"
            + _facts(kind.manifest)
        )
    return "\n\n".join(parts)


def _facts(schema: dict[str, Any]) -> str:
    rows = [(code(name), plain(kind), needed) for name, kind, needed in _flat(schema)]
    return table(("fact", "is", "needed"), rows)


def _flat(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, inner in schema.get("properties", {}).items():
        full = f"{prefix}{name}"
        needed = "yes" if name in schema.get("required", ()) else "no"
        item = _inside(inner)
        if item.get("properties"):
            yield full, _kind(inner), needed
            yield from _flat(item, f"{full}[]." if inner.get("type") == "array" else f"{full}.")
        else:
            yield full, _kind(inner), needed


def _inside(schema: dict[str, Any]) -> dict[str, Any]:
    """The object that a schema is, may be, or lists."""
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
    items = schema.get("items")
    return items if schema.get("type") == "array" and isinstance(items, dict) else schema


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        items = schema.get("items")
        return f"list of {_kind(items)}" if isinstance(items, dict) and items else "list"
    words = {
        "string": "text",
        "integer": "whole number",
        "object": "facts by name",
        "boolean": "true or false",
    }
    kind = schema.get("type", "anything")
    limits = [
        f"{word} {schema[name]:g}"
        for name, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if name in schema and abs(schema[name]) < 1e6
    ]
    return " ".join([words.get(kind, str(kind)), *limits])
