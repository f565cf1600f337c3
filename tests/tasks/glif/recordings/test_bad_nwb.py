"""Damaged or mistaken recordings in the Allen Institute's layout: `raphe predict` and `raphe fit`
say of each in one sentence what is wrong and what to do."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest

from nwb_files import write_nwb1
from raphe.cli import main

N = 4000  # at 10 kHz
VOLTAGE = -0.07 + 1e-4 * np.random.default_rng(0).normal(size=N)
CURRENT = np.where(np.arange(N) > 1000, 5e-11, 0.0)


def _at(values: np.ndarray, where: int, value: float) -> np.ndarray:
    changed = values.copy()
    changed[where] = value
    return changed


def _twice_the_rate(file: h5py.File) -> None:
    file["stimulus/presentation/Sweep_3/starting_time"].attrs["rate"] = 20_000.0


def _unit(section: str, unit: bytes) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[f"{section}/Sweep_3/data"].attrs["unit"] = unit

    return change


@dataclass(frozen=True)
class Bad:
    """A sweep 3, and what is said of it."""

    voltage: np.ndarray
    current: np.ndarray | None
    says: str
    change: Callable[[h5py.File], None] = lambda file: None


CASES = {
    "mV said to be V": Bad(
        1e3 * VOLTAGE, CURRENT,
        r"got -70\d\d\d\.?\d* mV; if it is in mV, the file states its unit or its conversion "
        "wrongly: correct that, or save its samples as an array",
    ),
    "pA said to be A": Bad(
        VOLTAGE, 1e12 * CURRENT, "20 nA, got 50 A; correct its unit or conversion in the file"
    ),
    "no stimulus": Bad(VOLTAGE, None, "expected a stimulus of its own for sweep 3, Sweep_3"),
    "no current in it": Bad(VOLTAGE, 0 * CURRENT, "between 1 pA and 20 nA, got 0 A"),
    "a shorter stimulus": Bad(
        VOLTAGE, CURRENT[:-7],
        "expected a stimulus as long as sweep 3, Sweep_3, 4000 samples, got 3993",
    ),
    "a stimulus of another rate": Bad(
        VOLTAGE, CURRENT,
        "at the rate of sweep 3, Sweep_3, 10000 Hz, got 20000 Hz; choose another",
        _twice_the_rate,
    ),
    "a stimulus in mV": Bad(
        VOLTAGE, CURRENT, "it has no stimulus", _unit("stimulus/presentation", b"mV")
    ),
    "a current instead of a voltage": Bad(
        VOLTAGE, CURRENT,
        "expected a voltage, found no channel in V; a recording under current clamp has one",
        _unit("acquisition/timeseries", b"A"),
    ),
    "all NaN": Bad(np.nan * VOLTAGE, CURRENT, "expected a voltage, got no finite sample"),
    "infinite": Bad(_at(VOLTAGE, 9, np.inf), CURRENT, "infinite voltage at sample 9"),
    "a current with NaN": Bad(
        VOLTAGE, _at(CURRENT, 9, np.nan), "the current is not finite at sample 9"
    ),
    "its own spikes": Bad(_at(VOLTAGE, 9, 0.03), CURRENT, "got one up to 30 mV; pass --cut-spikes"),
    "a gain of 50": Bad(
        50 * VOLTAGE, CURRENT, "got -3500.* mV; if it is in mV, the file states its unit"
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", [("predict", "--task", "glif"), ("fit", "--level", "1")])
@pytest.mark.parametrize("case", CASES)
def test_each_is_told_in_one_sentence(
    case: str, words: tuple[str, ...], tmp_path: Path, capsys, monkeypatch
) -> None:
    bad, path = CASES[case], tmp_path / "cell.nwb"
    write_nwb1(path, {3: (bad.voltage, bad.current)})
    with h5py.File(path, "r+") as file:
        bad.change(file)
    monkeypatch.chdir(tmp_path)
    verb, *options = words
    assert main([verb, "cell.nwb", "--sweep", "3", *options, "--out", "out"]) == 1
    printed = capsys.readouterr().err.splitlines()
    # What a package prints that is loaded for the first time, or another test's thread, is no part.
    assert [line.startswith("error: ") for line in printed].count(True) == 1, printed
    assert re.match(f"error: .*{bad.says}", printed[-1]), printed
    assert not (tmp_path / "out").exists()
