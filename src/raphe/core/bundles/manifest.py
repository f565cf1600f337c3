"""What the manifest of a kind of bundle must say, as a JSON Schema, and the check of a manifest.

A manifest may come from anybody: what is read of it later is checked here, once, so that whatever
else reads it meets the types that it expects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from fastjsonschema import JsonSchemaValueException, compile

Schema = dict[str, Any]
Validate = Callable[[Mapping[str, Any]], Any]

TEXT: Schema = {"type": "string", "maxLength": 20_000}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 1000}
NUMBER: Schema = {"type": "number"}
POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 2**53}
AT_LEAST_ONE: Schema = {"type": "integer", "minimum": 1, "maximum": 2**31}
FLAG: Schema = {"type": "boolean"}


def or_none(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: Schema, at_least: int = 0, at_most: int | None = None) -> Schema:
    limits = {} if at_most is None else {"maxItems": at_most}
    return {"type": "array", "items": schema, "minItems": at_least, **limits}


def by_name(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def facts(needed: Mapping[str, Schema], may: Mapping[str, Schema] | None = None) -> Schema:
    """An object that has what is needed; what it has of `may` is checked, others are not read."""
    return {
        "type": "object",
        "required": list(needed),
        "properties": {**needed, **(may or {})},
    }


def exactly(needed: Mapping[str, Schema], may: Mapping[str, Schema] | None = None) -> Schema:
    """An object of these facts and no other: a dataclass is made of them."""
    return {**facts(needed, may), "additionalProperties": False}


COMMON = facts(
    {
        "kind": {**NAME, "pattern": r"^[a-z0-9_]+/[a-z0-9_]+$"},
        "raphe": {**NAME, "pattern": r"^[0-9A-Za-z.+!_-]+$"},
        "files": {
            "type": "object",
            "propertyNames": {"pattern": r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$", "maxLength": 100},
            "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        },
    }
)


@dataclass(frozen=True)
class BundleKind:
    """A kind of bundle: `files` are the names that it must hold, `may_hold` those that it may.

    In a name {} stands for a number from 0, as in "posterior_{}.onnx".
    """

    name: str  # as "celltype/ensemble"
    files: tuple[str, ...]
    may_hold: tuple[str, ...]
    manifest: Schema  # of `facts`

    @cached_property
    def _validate(self) -> Validate:
        return compile(self.manifest)

    def fault(self, manifest: Mapping[str, Any]) -> str:
        """What is wrong with a manifest, a clause; "" for one that is as it must be."""
        return _fault(self._validate, manifest) or self._fault_of_names(manifest["files"])

    def _fault_of_names(self, files: Mapping[str, str]) -> str:
        for name in self.files:
            if name.format(0) not in files:
                return f"it names no {name.format(0)}"
        known = {*self.files, *self.may_hold}
        for name in files:
            if not any(_is_of(name, pattern) for pattern in known):
                return f"it names a file {name[:80]!r}, which no bundle of {self.name} holds"
        return ""


def fault_in(manifest: Mapping[str, Any]) -> str:
    """What is wrong with what manifests of all kinds must say; "" for nothing."""
    return _fault(_common(), manifest)


@cache
def _common() -> Validate:
    return compile(COMMON)


def _fault(validate: Validate, manifest: Mapping[str, Any]) -> str:
    try:
        validate(manifest)
    except JsonSchemaValueException as error:
        if error.rule == "required" and isinstance(error.value, dict):
            missing = sorted(set(error.rule_definition) - error.value.keys())
            whose = error.name.removeprefix("data").lstrip(".")
            return f"it holds no {missing[0]}" + (f" in {whose}" if whose else "")
        return error.message.removeprefix("data.").removeprefix("data ")[:300]
    return ""


def _is_of(name: str, pattern: str) -> bool:
    before, numbered, after = pattern.partition("{}")
    if not numbered:
        return name == pattern
    number = name.removeprefix(before).removesuffix(after)
    is_number = number.isascii() and number.isdigit() and number == str(int(number))
    return is_number and name == pattern.format(number)
