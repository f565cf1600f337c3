"""Which numbers a setting may have: said once, in the annotation of the argument that takes it.

    def __init__(self, kernel: Annotated[int, Range(1, 53)] = 20) -> None:
        check_ranges(CellTypeNet, locals(), "model")

The constructor refuses all others, and so does the command line, which reads the annotation from
the source before anything heavy is loaded: this file imports nothing but the standard library.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from raphe.core.errors import SettingError

Ends = Literal["both", "least", "most", "neither"]


@dataclass(frozen=True)
class Range:
    """Finite numbers from `least` to `most`; `ends` says which of the two belong to them.

    With a `step` only those so many steps above `least` are admitted; then `noun` says so. `noun`
    stands for "a whole number" or "a number" in the sentence of a refusal, `unit` behind the ends,
    `also` names what else the setting may be, and `remedy` says what to do instead.
    """

    least: float = -math.inf
    most: float = math.inf
    ends: Ends = "both"
    step: float = 0
    noun: str = ""
    unit: str = ""
    also: str = ""
    remedy: str = ""

    def admits(self, value: object, whole: bool) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
            return False
        number: Any = value  # numbers of NumPy and Fractions, too
        above = number >= self.least if self.ends in ("both", "least") else number > self.least
        below = number <= self.most if self.ends in ("both", "most") else number < self.most
        if not (above and below and math.isfinite(number)):
            return False
        steps = (number - self.least) / self.step if self.step else 0
        return abs(steps - round(steps)) < 1e-6

    def expected(self, whole: bool) -> str:
        noun = self.noun or ("a whole number" if whole else "a number")
        return " ".join(filter(None, (noun, self.span))) + (f", {self.also}" if self.also else "")

    @property
    def span(self) -> str:
        least, most = map(_end, (self.least, self.most))
        unit = f" {self.unit}" if self.unit else ""
        if self.most == math.inf:
            is_least = self.ends in ("both", "least")
            return "" if self.least == -math.inf else (
                f"from {least}{unit} up" if is_least else f"above {least}{unit}"
            )  # fmt: skip
        return {
            "both": f"from {least} to {most}{unit}",
            "least": f"from {least} to less than {most}{unit}",
            "most": f"above {least} and at most {most}{unit}",
            "neither": f"between {least} and {most}{unit}",
        }[self.ends]


@dataclass(frozen=True)
class Numbers:
    """A list of numbers, each within a range; `noun` says which and how many: "[low, high]".

    `n` is how many there are, `rising` that none is less than the one before it, `total` what they
    sum to.
    """

    noun: str
    each: Range
    n: int | None = None
    rising: bool = False
    total: float | None = None
    remedy: str = ""

    def admits(self, value: object, whole: bool) -> bool:
        if not isinstance(value, Sequence) or isinstance(value, str) or not len(value):
            return False
        return (
            all(self.each.admits(number, whole) for number in value)
            and self.n in (None, len(value))
            and (not self.rising or list(value) == sorted(value))
            and (self.total is None or math.isclose(sum(value), self.total, abs_tol=1e-6))
        )

    def expected(self, whole: bool) -> str:
        return f"{self.noun} {self.each.span}"


Limit = Range | Numbers

Count = Annotated[int, Range(1)]
Seed = Annotated[int, Range(0)]
Share = Annotated[float, Range(0, 1, noun="a share")]
Positive = Annotated[float, Range(0, ends="neither")]
NotNegative = Annotated[float, Range(0)]


def check_ranges(
    taker: Callable[..., Any], arguments: Mapping[str, object], section: str = ""
) -> None:
    """Raise SettingError for an argument outside the range that its annotation gives.

    `taker` is a function, a dataclass or a class with a constructor, `arguments` what it is given,
    `section` that of the settings which the arguments are.
    """
    for name, fault in faults(taker, arguments):
        full = f"{section}.{name}" if section else name
        raise SettingError(f"{full}={written(arguments[name])}: {fault}")


def faults(taker: Callable[..., Any], arguments: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The name of each argument outside its range, and what was expected."""
    for name, (limit, whole, others) in _limits(taker).items():
        value = arguments[name]
        if not limit.admits(value, whole) and not any(_is_of(value, other) for other in others):
            yield name, fault(limit, value, whole)


def fault(limit: Limit, value: object, whole: bool) -> str:
    """What was expected, what came and the remedy."""
    return f"expected {limit.expected(whole)}, got {written(value)}" + (
        f"; {limit.remedy}" if limit.remedy else ""
    )


def written(value: object) -> str:
    """A value as it is written on a command line.

    >>> written([32, None, True]), written((0.7, "a"))
    ('[32,null,true]', '[0.7,a]')
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(written, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _end(number: float) -> str:
    return str(int(number)) if math.isfinite(number) and number == int(number) else f"{number:g}"


@cache
def _limits(taker: Callable[..., Any]) -> dict[str, tuple[Limit, bool, tuple[Any, ...]]]:
    """Of each argument that has one: its limit, whether it is of whole numbers, its other types."""
    has_constructor = isinstance(taker, type) and not is_dataclass(taker)
    hints = get_type_hints(taker.__init__ if has_constructor else taker, include_extras=True)
    limited = {}
    for name, hint in hints.items():
        types = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        for place, kind in enumerate(types):
            for limit in getattr(kind, "__metadata__", ()):
                if isinstance(limit, Limit):
                    base, *_ = get_args(kind)
                    whole = int in (base, *get_args(base))
                    limited[name] = limit, whole, types[:place] + types[place + 1 :]
    return limited


def _is_of(value: object, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind in (None, NoneType):
        return value is None
    return isinstance(value, get_origin(kind) or kind)
