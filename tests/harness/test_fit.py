"""Trainings that a task asks for are the harness's: repeatable, resumed, and leave nothing."""

from functools import partial
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from raphe.core.errors import SettingError
from raphe.core.protocol import FitSettings
from raphe.harness.fit import Fitting

TOY = Path(__file__).parent / "toy"
SETTINGS = FitSettings(max_epochs=4, patience=None, seed=3)
OPTIONS = {
    "fail_at_epoch": None,
    "fail_in_test_if": None,
    "draw_in_test": False,
    "epochs_file": None,
    "hold_file": None,
}


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(TOY))
    import toy_task

    return toy_task


@pytest.fixture
def fit_toy(toy, tmp_path: Path):
    """Fit the toy in a call of its own; returns the tested model."""

    def call(settings: FitSettings = SETTINGS, degree: int = 2, runs: str = "mlruns"):
        build = partial(toy.ToyModule, degree=degree, lr=0.05, **OPTIONS)
        with Fitting(tmp_path / runs) as fit:
            return fit("the toy", build, toy.ToyData(200, seed=0), settings)

    return call


def weights(model: torch.nn.Module) -> list[float]:
    return torch.cat([value.ravel() for value in model.state_dict().values()]).tolist()


def test_a_seed_repeats_a_training_and_nothing_is_left(fit_toy, tmp_path: Path) -> None:
    assert weights(fit_toy()) == weights(fit_toy())
    assert weights(fit_toy()) != weights(fit_toy(FitSettings(4, None, seed=4)))
    assert not list((tmp_path / "mlruns" / "work").iterdir())


def test_an_interrupted_training_goes_on_and_equals_an_unbroken_one(
    fit_toy, toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = weights(fit_toy(runs="other"))
    epochs: list[int] = []

    def interrupt(model) -> None:
        epochs.append(model.current_epoch)
        if epochs == [0, 1, 2]:
            raise KeyboardInterrupt

    monkeypatch.setattr(toy.ToyModule, "on_train_epoch_start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit_toy()
    assert len(list((tmp_path / "mlruns" / "work").iterdir())) == 1
    assert weights(fit_toy()) == unbroken
    assert epochs == [0, 1, 2, 2, 3]


def test_a_training_that_ended_before_another_failed_is_not_repeated(
    toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[int] = []
    monkeypatch.setattr(
        toy.ToyModule, "on_train_epoch_start", lambda model: epochs.append(model.current_epoch)
    )
    build, data = partial(toy.ToyModule, degree=1, lr=0.05, **OPTIONS), toy.ToyData(200, seed=0)
    with pytest.raises(ZeroDivisionError), Fitting(tmp_path) as fit:
        first = fit("first", build, data, SETTINGS)
        _ = 1 / 0
    with Fitting(tmp_path) as fit:
        again = fit("first", build, data, SETTINGS)
        fit("second", build, data, SETTINGS)
    assert weights(again) == weights(first)
    assert epochs == [0, 1, 2, 3] * 2


def test_settings_that_cannot_be_are_told(fit_toy, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"monitor.metric=val/acc: expected one of val/loss"):
        fit_toy(FitSettings(2, None, seed=0, monitor="val/acc"))
    with pytest.raises(SettingError, match="trainer=tpu: expected cpu or gpu"):
        Fitting(tmp_path, "tpu")
    if not torch.cuda.is_available():
        with pytest.raises(SettingError, match="trainer=gpu: expected a CUDA device, found none"):
            Fitting(tmp_path, "gpu")


def test_two_processes_do_not_train_the_same_at_once(fit_toy, toy, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Fitting(tmp_path / "mlruns") as fit:
        build = partial(toy.ToyModule, degree=2, lr=0.05, **OPTIONS)
        fit("the toy", build, toy.ToyData(200, seed=0), SETTINGS)
        _ = 1 / 0
    (folder,) = (tmp_path / "mlruns" / "work").iterdir()
    with (
        FileLock(folder / "lock"),
        pytest.raises(SettingError, match="the toy: another process is training this"),
    ):
        fit_toy()
