"""Half a minute of compiling is told, once."""

import numpy as np
import pytest
from numba import njit

from raphe.tasks.glif.neurons.compiling import COMPILING, compiling_told


def test_compiling_is_told_once_and_what_is_compiled_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = (njit(lambda x, n=n: x + n) for n in (1, 2))
    with compiling_told():
        first(1.0)
        second(np.ones(2))
    assert capsys.readouterr().err.splitlines() == [COMPILING]
    with compiling_told():
        first(2.0)
    assert capsys.readouterr().err == ""
