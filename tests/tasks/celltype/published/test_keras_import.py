"""The proof of the architecture: saved Keras models give here what Keras gave.

tests/data/keras holds three models, trained and saved in Keras 2.15 and 3.15, one input and the
outputs of each. Keras itself is not needed.
"""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from paths import OWN_DATA
from raphe.core.errors import RapheError
from raphe.tasks.celltype.published.keras_import import import_keras
from raphe.tasks.celltype.training.module import CellTypeModule

FOLDER = OWN_DATA / "keras"
MODELS = {"ModConvBinNormN5": 5, "ModConvBinNormN20": 20, "ModConvBinNormN20-keras3": 20}
K20 = FOLDER / "ModConvBinNormN20.keras"


def sigmoids(module: CellTypeModule, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return module.net.probabilities(module.eval()(torch.from_numpy(x))).numpy()


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_those_of_keras(name, tmp_path):
    checkpoint = import_keras(FOLDER / f"{name}.keras", tmp_path / "models" / f"{name}.ckpt")
    module = CellTypeModule.load_from_checkpoint(checkpoint)
    x = np.load(FOLDER / "inputs.npy")
    expected = np.load(FOLDER / f"{name}.outputs.npy")
    assert x.shape == (128, 160, 2)
    # Both predictions occur, confidently and not: a network stuck on one would not pass.
    assert (expected < 0.01).any() and (expected > 0.99).any()
    np.testing.assert_allclose(sigmoids(module, x), expected, rtol=0, atol=1e-5)
    # The current alone, as the project's stores hold it.
    np.testing.assert_allclose(sigmoids(module, x[..., 1]), expected, rtol=0, atol=1e-5)


def test_checkpoint_can_be_tested_by_a_trainer(tmp_path):
    checkpoint = import_keras(K20, tmp_path / "k20.ckpt")
    assert list(tmp_path.iterdir()) == [checkpoint]
    module = CellTypeModule()
    x = torch.from_numpy(np.load(FOLDER / "inputs.npy")[..., 1].copy())
    data = torch.utils.data.TensorDataset(x, torch.zeros(128).long(), torch.zeros(128).long())
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path
    )
    loader = torch.utils.data.DataLoader(data, batch_size=64)
    result = trainer.validate(module, loader, ckpt_path=checkpoint, verbose=False)[0]
    called = np.load(K20.with_suffix(".outputs.npy")).argmax(axis=1)
    assert result["val/spikes/accuracy"] == pytest.approx(np.mean(called == 0))


def test_absent_file_and_kind_of_error(tmp_path):
    with pytest.raises(RapheError, match="found none"):
        import_keras(tmp_path / "absent.keras", tmp_path / "out.ckpt")
    assert not (tmp_path / "out.ckpt").exists()
