"""RAPHE_SETTINGS joins the settings of the command line, which win."""

import pytest

from raphe.core.errors import SettingError
from raphe.harness.settings.machine_settings import VARIABLE, with_machine_settings


@pytest.mark.parametrize(
    ("settings", "arguments", "expected"),
    [
        ("", ["seed=1"], ["seed=1"]),
        ("seed=2 trainer=gpu", [], ["seed=2", "trainer=gpu"]),
        ("seed=2 trainer=gpu", ["-m", "seed=1"], ["-m", "trainer=gpu", "seed=1"]),
        ("trainer=gpu", ["seed=1", "-m"], ["trainer=gpu", "seed=1", "-m"]),
        ("seed=2", ["--config-dir=mine", "task=toy"], ["--config-dir=mine", "seed=2", "task=toy"]),
        ("seed=2", ["--cfg", "job"], ["--cfg", "job", "seed=2"]),
        ("trainer=gpu", ["trainer.max_epochs=3"], ["trainer=gpu", "trainer.max_epochs=3"]),
        ("data_root='/big data'", ["+seed=1"], ["data_root=/big data", "+seed=1"]),
        ("seed=2", ["~seed="], ["~seed="]),
    ],
)
def test_the_command_line_wins(monkeypatch, settings, arguments, expected) -> None:
    monkeypatch.setenv(VARIABLE, settings)
    assert with_machine_settings(arguments) == expected


@pytest.mark.parametrize("settings", ["gpu", "seed=1 -m", "data_root='/big"])
def test_what_is_no_setting_is_told(monkeypatch, settings) -> None:
    monkeypatch.setenv(VARIABLE, settings)
    with pytest.raises(SettingError, match="RAPHE_SETTINGS: expected settings"):
        with_machine_settings([])
