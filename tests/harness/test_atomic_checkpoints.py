"""Checkpoints are there whole, the new one or the one before."""

from pathlib import Path

import pytest
import torch

from raphe.harness.trainer import AtomicCheckpointIO


def test_a_write_that_fails_leaves_the_checkpoint_that_was_there(tmp_path: Path) -> None:
    path, files = tmp_path / "last.ckpt", AtomicCheckpointIO()
    files.save_checkpoint({"epoch": 1, "weight": torch.ones(1000)}, path)
    with pytest.raises(AttributeError, match="pickle"):
        files.save_checkpoint({"epoch": 2, "weight": torch.ones(1000), "bad": lambda: None}, path)
    assert torch.load(path, weights_only=True)["epoch"] == 1
    files.save_checkpoint({"epoch": 3}, str(path))
    assert files.load_checkpoint(path, weights_only=True) == {"epoch": 3}
