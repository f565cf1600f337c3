from collections.abc import Callable
from pathlib import Path

import pytest

from raphe.cli import main


def test_units_are_imported_and_what_was_left_out_is_told(
    unit_folder: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = unit_folder(label=["narrow", "wide", "odd", ""] * 10)
    store = tmp_path / "store"
    assert main(["import", "units", str(folder), str(store), "--classes", "wide,narrow"]) == 0
    out, error = capsys.readouterr()
    assert "20 units (wide 10 and narrow 10)" in out and "not asked for: odd 10" in out
    assert "without a label: 10 units" in out and "raphe train task=units" in out
    assert "the sampling rate of the waveforms is not known" in error
    assert main(["check", str(store)]) == 0
    assert main(["import", "units", str(folder), str(store)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_sessions_that_number_their_units_alike_become_one_store(
    unit_folder: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [str(unit_folder(day, seed=day == "day2", animal=None)) for day in ("day1", "day2")]
    command = ["import", "units", *days, str(tmp_path / "store"), "--rate-hz", "30000"]
    assert main([*command, "--animals", "rat7,rat8"]) == 0
    out, error = capsys.readouterr()
    assert "80 units (narrow 40 and wide 40)" in out
    assert "animals are not known" not in error
