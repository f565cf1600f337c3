"""A range admits what lies within it, and says in words what does."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.core.ranges import Numbers, Range, check_ranges

SHARE = Range(0, 1)


@pytest.mark.parametrize(
    ("ends", "admitted", "span"),
    [
        ("both", [True, True, True], "from 0 to 1"),
        ("least", [True, True, False], "from 0 to less than 1"),
        ("most", [False, True, True], "above 0 and at most 1"),
        ("neither", [False, True, False], "between 0 and 1"),
    ],
)
def test_the_ends_belong_as_said(ends: str, admitted: list[bool], span: str) -> None:
    limit = Range(0, 1, ends)
    assert [limit.admits(value, whole=False) for value in (0, 0.5, 1)] == admitted
    assert limit.span == span


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None, [1], 1.5, -0.1])
def test_what_is_no_number_within_is_refused(value: object) -> None:
    assert not SHARE.admits(value, whole=False)
    assert not Range(0).admits(value, whole=True)


def test_numpy_numbers_are_numbers() -> None:
    assert SHARE.admits(np.float32(0.5), whole=False)
    assert Range(1).admits(np.int64(3), whole=True)


def test_a_list_has_its_own_rules() -> None:
    rising = Numbers("[low, high]", Range(0), n=2, rising=True)
    parts = Numbers("parts", Range(0, ends="neither"), total=1)
    values = ([1, 1], [2, 1], [1], [-1, 1], [1, math.nan], "12", [])
    assert [rising.admits(value, whole=False) for value in values] == [True] + [False] * 6
    assert parts.admits((0.7, 0.15, 0.15), whole=False)
    assert not parts.admits((0.7, 0.15, 0.2), whole=False)


def test_other_types_of_an_argument_pass() -> None:
    @dataclass
    class Settings:
        folds: Annotated[int, Range(2, unit="folds")] | Literal["all"] | None
        free: int = -1

    for value in (2, "all", None):
        check_ranges(Settings, vars(Settings(value)))
    for value in (1, 2.5, "some", True):
        with pytest.raises(SettingError, match=r"data\.folds=.*: expected a whole number from 2 f"):
            check_ranges(Settings, vars(Settings(value)), "data")
