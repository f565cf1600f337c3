"""The runner of damaged files notices each kind of fault, planted here."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faults import fuzz, reader
from faults.reader import Reader
from raphe.core.errors import RecordingError


def planted(read: Callable[[Path], int | None]) -> Reader:
    def seeds(folder: Path) -> list[Path]:
        (folder / "seed.bin").write_bytes(b"whole" * 20)
        return [folder / "seed.bin"]

    def read_damaged(path: Path) -> int | None:
        return None if path.name == "seed.bin" else read(path)

    return Reader(".bin", seeds, read_damaged, (RecordingError,))


def refuses(path: Path) -> None:
    raise RecordingError(f"{path}: could not be read; copy it anew")


def fails(path: Path) -> None:
    raise ValueError(path)


def says_nothing(path: Path) -> None:
    raise RecordingError("")


class PlainError(RecordingError):
    __str__ = Exception.__str__


def says_what_no_terminal_should(path: Path) -> None:
    raise PlainError("\x1b[31mred")  # RapheError itself escapes it


def dies(path: Path) -> None:
    os._exit(139)


def hangs(path: Path) -> None:
    time.sleep(60)


def takes_memory(path: Path) -> int:
    return int(np.ones(50 * 10**6).sum() * 0)


@pytest.mark.parametrize(
    ("read", "outcome", "n_faults"),
    [
        (lambda path: None, "read", 0),
        (refuses, "refused", 0),
        (fails, "traceback", 3),
        (says_nothing, "words", 3),
        (says_what_no_terminal_should, "words", 3),
        (dies, "crash", 3),
        (hangs, "hang", 3),
        (takes_memory, "memory", 3),
    ],
)
def test_each_kind_of_fault_is_noticed(
    read: Callable[[Path], int | None],
    outcome: str,
    n_faults: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fuzz, "reader_of", lambda name: planted(read))
    if read is hangs:
        monkeypatch.setattr(fuzz, "LONGEST_S", 0.3)
    monkeypatch.setattr(reader, "ALLOWANCE", 100 * 10**6)
    trial = fuzz.tried("planted", range(3), tmp_path)
    assert trial.outcomes == {outcome: 3}
    assert len(trial.faults) == n_faults


def test_a_number_gives_the_same_damage_again(tmp_path: Path) -> None:
    made = planted(refuses)
    seeds = fuzz.seeds_of(made, tmp_path / "seeds")
    contents = [
        [fuzz.damaged(made, seeds, tmp_path, number).read_bytes() for number in range(20)]
        for _ in range(2)
    ]
    assert contents[0] == contents[1]
    assert len(set(contents[0])) > 15
