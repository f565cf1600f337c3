"""Checkpoints that were written without training load like any other."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import StoreError
from raphe.core.files.checkpoint import write_checkpoint


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
