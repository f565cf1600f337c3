"""Values by name that a bundle may be asked with, from JSON or a URL, each checked.

What comes is a stranger's: a sentence names the field and what was expected, never what came.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.sentences import listed
from raphe.core.statistics.prevalence import GRAMMAR, parse_prevalence

Kind = Literal["text", "number", "whole", "flag", "numbers", "gaps", "rows", "shares"]
LONGEST_TEXT, MOST_SHARES = 200, 100
NUMBER_WORD = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
UNITS = {"hz": "Hz", "ms": "ms", "s": "s", "pa": "pA", "mv": "mV"}
UNIT_WORD = re.compile(rf"_({'|'.join(UNITS)})$")  # at the end of a field's name
NUMBER = {"type": "number"}
SCHEMAS: dict[str, dict[str, Any]] = {  # as OpenAPI has them
    "text": {"type": "string", "maxLength": LONGEST_TEXT},
    "number": NUMBER,
    "whole": {"type": "integer"},
    "flag": {"type": "boolean"},
    "numbers": {"type": "array", "items": NUMBER},
    "gaps": {"type": "array", "items": {"type": ["number", "null"]}},
    "rows": {"type": "array", "items": {"type": "array", "items": {"type": ["number", "null"]}}},
    "shares": {"type": "object", "additionalProperties": NUMBER},
}
EXPECTED = {
    "text": f"a text of 1 to {LONGEST_TEXT} printable characters",
    "number": "a finite number",
    "whole": "a whole number",
    "flag": "true or false",
    "numbers": "a list of finite numbers",
    "gaps": "a list of finite numbers, null where one is missing",
    "rows": "lists of one length, of finite numbers, null where one is missing",
    "shares": f"{GRAMMAR}, each once; in JSON an object of numbers by name",
}


@dataclass(frozen=True)
class Field:
    """A value of a name: `gaps` and `rows` may have null where a number is missing."""

    name: str
    kind: Kind
    meaning: str  # for whoever asks, with the unit
    needed: bool = False
    option: str = ""  # of `raphe predict`, which sentences made for the command line name
    needed_for: tuple[str, ...] = ()  # suffixes of files that never hold it

    @property
    def label(self) -> str:
        """What the page calls it: "rate_hz" is "Rate, Hz"."""
        words = UNIT_WORD.sub(lambda found: f", {UNITS[found[1]]}", self.name)
        return words[0].upper() + words[1:].replace("_", " ")

    @property
    def schema(self) -> dict[str, Any]:
        return {**SCHEMAS[self.kind], "description": self.meaning}

    def read(self, value: object) -> Any:
        """The value checked; lists as float64 arrays, NaN for null. Raises SettingError."""
        if isinstance(value, np.ndarray):
            value = value.tolist()
        try:
            return READERS[self.kind](value)
        except (TypeError, ValueError, OverflowError):
            raise SettingError(f"{self.name}: expected {EXPECTED[self.kind]}") from None


def read_fields(values: Mapping[str, object], fields: Iterable[Field]) -> dict[str, Any]:
    """The values that were given, checked. Raises SettingError, also for names that are none."""
    by_name = {field.name: field for field in fields}
    unknown = [name for name in values if name not in by_name]
    if unknown:
        raise SettingError(f"{shown(unknown[0])}: there is no such field; {_there_are(by_name)}")
    for field in by_name.values():
        if field.needed and field.name not in values:
            raise SettingError(f"{field.name}: expected {EXPECTED[field.kind]}, got none")
    return {name: by_name[name].read(value) for name, value in values.items()}


def from_text(texts: Mapping[str, str], fields: Iterable[Field]) -> dict[str, object]:
    """Values of a URL's words, for `read_fields`; what is no number stays a word."""
    kinds = {field.name: field.kind for field in fields}
    return {name: _from_word(text, kinds.get(name)) for name, text in texts.items()}


def shown(word: object) -> str:
    """A stranger's word as a sentence may have it: short, and on one line."""
    text = str(word)[:40]
    return text if text.isprintable() and text.strip() else repr(text)


def _there_are(by_name: Mapping[str, Field]) -> str:
    return f"expected {listed(list(by_name), 'or')}" if by_name else "none is taken"


def _from_word(text: str, kind: str | None) -> object:
    if kind in ("number", "whole") and NUMBER_WORD.fullmatch(text):
        return float(text)
    if kind == "flag" and text in ("true", "false"):
        return text == "true"
    if kind == "shares":
        with suppress(ValueError):
            return parse_prevalence(text)
    return text


def _text(value: object) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT):
        raise ValueError
    if not (value.isprintable() and value.strip()):
        raise ValueError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _whole(value: object) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _numbers(value: object) -> np.ndarray:
    return _array(value, {int, float})


def _with_gaps(value: object) -> np.ndarray:
    return _array(value, {int, float, type(None)})


def _array(value: object, types: set[type]) -> np.ndarray:
    # Types first: of a list of words NumPy would make an array as wide as the longest.
    if not isinstance(value, list) or not set(map(type, value)) <= types:
        raise ValueError
    array = np.array(value, np.float64)
    missing = [number is None for number in value] if type(None) in types else False
    if not (np.isfinite(array) | missing).all():
        raise ValueError
    return array


def _rows(value: object) -> np.ndarray:
    if not isinstance(value, list) or not value:
        raise ValueError
    rows = [_with_gaps(row) for row in value]
    if len({len(row) for row in rows}) > 1:
        raise ValueError
    return np.stack(rows)


def _shares(value: object) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) > MOST_SHARES:
        raise ValueError
    return {_text(name): _number(share) for name, share in value.items()}


READERS: dict[str, Callable[[object], Any]] = {
    "text": _text,
    "number": _number,
    "whole": _whole,
    "flag": _flag,
    "numbers": _numbers,
    "gaps": _with_gaps,
    "rows": _rows,
    "shares": _shares,
}
