"""Checkpoints written without training load like any other; those of others hold weights alone."""

import pickle
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError, StoreError
from raphe.core.files.checkpoint import require_weights, write_checkpoint


class Line(pl.LightningModule):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)


def test_weights_and_settings_come_back(tmp_path: Path) -> None:
    line = Line(width=3)
    path = write_checkpoint(line, tmp_path / "new" / "line.ckpt")
    assert list(path.parent.iterdir()) == [path]
    again = Line.load_from_checkpoint(path)
    assert again.hparams.width == 3
    torch.testing.assert_close(again.layer.weight, line.layer.weight)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file: could not be made: .* is a file where a folder"):
        write_checkpoint(Line(width=1), tmp_path / "file" / "line.ckpt")


class Touch:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_a_checkpoint_of_more_than_weights_is_refused_and_nothing_of_it_run(tmp_path: Path) -> None:
    file, executed = tmp_path / "model.ckpt", tmp_path / "executed"
    state = {"state_dict": {"w": torch.zeros(2)}, "hyper_parameters": {"kernel": 3}}
    torch.save(state, file)
    require_weights(file, "run 1")
    whole = file.read_bytes()
    alone, code = "is no file of weights alone", r"names code \(_instantiator\)"
    for content, told in (
        (pickle.dumps(Touch(executed)), alone),
        ({**state, "callbacks": Touch(executed)}, alone),
        (b"", alone),
        (whole[:-100], alone),
        ([state], alone),
        ({"state_dict": 1}, alone),
        ({**state, "hyper_parameters": {"_instantiator": "joblib.load"}}, code),
    ):
        file.write_bytes(content) if isinstance(content, bytes) else torch.save(content, file)
        with pytest.raises(SettingError, match=f"run 1: its checkpoint {told}; nothing of it was"):
            require_weights(file, "run 1")
    assert not executed.exists()
