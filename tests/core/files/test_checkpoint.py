"""Checkpoints written without training load like any other; those of others hold weights alone."""

import pickle
import resource
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError, StoreError
from raphe.core.files.checkpoint import is_damaged, load_module, require_weights, write_checkpoint


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


def test_a_weight_of_another_bit_is_seen(tmp_path: Path) -> None:
    """torch reads it as any other; the file holds a sum of each of its parts."""
    line = Line(width=3)
    path = write_checkpoint(line, tmp_path / "line.ckpt")
    require_weights(path, "run 1")
    assert not is_damaged(path)
    content = bytearray(path.read_bytes())
    content[content.index(line.layer.weight.detach().numpy().tobytes()) + 2] ^= 1
    path.write_bytes(content)
    torch.load(path, weights_only=True)
    assert is_damaged(path)
    with pytest.raises(SettingError, match="run 1: its checkpoint is damaged; leave that run out"):
        require_weights(path, "run 1")


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


def test_a_checkpoint_gives_its_module(tmp_path: Path) -> None:
    line = Line(width=3)
    again = load_module(Line, write_checkpoint(line, tmp_path / "line.ckpt"), "run 1")
    assert again.hparams.width == 3
    torch.testing.assert_close(again.layer.weight, line.layer.weight)


class Deep(pl.LightningModule):
    def __init__(self, n_layers: int = 1, weights: Path | None = None) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["weights"])
        self.layers = torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(n_layers))
        if weights is not None:
            Path(weights).touch()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"hyper_parameters": {"n_layers": 2}},
            r"does not fit: its settings make weights layers.1",
        ),
        ({"hyper_parameters": {"n_layers": 10**9}}, "does not fit: its settings make more weights"),
        ({"hyper_parameters": {"n_layers": "1"}}, "'s settings and weights do not fit together"),
        ({"hyper_parameters": {}}, "does not hold the settings of its network"),
        ({"hyper_parameters": {"n_layers": 1, "evil\x1b": 1}}, r"not take \(evil\\x1b\)"),
        ({"hyper_parameters": {"n_layers": 1, "weights": "read"}}, r"not take \(weights\)"),
        (
            {"layers.0.bias": torch.zeros(3)},
            r"does not fit: weights layers.0.bias have shape 3, and",
        ),
        ({"layers.0.bias": "text"}, "is no file of weights alone"),
        ({"layers.0.bias": torch.zeros(1).expand(2)}, "is no file of weights alone"),
        ({"layers.1.bias": torch.zeros(2)}, "does not fit: it holds weights layers.1.bias, which"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_by_the_name_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_checkpoint(Deep(), tmp_path / "deep.ckpt")
    state = torch.load(file, weights_only=True)
    for name, value in change.items():
        (state["state_dict"] if name.startswith("layers") else state)[name] = value
    torch.save(state, file)
    with pytest.raises(SettingError, match=rf"run 1: its checkpoint.*{told}.*; leave that run out"):
        load_module(Deep, file, "run 1")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("width", [2**31, 2**50])
def test_no_memory_is_taken_for_more_weights_than_a_checkpoint_holds(
    tmp_path: Path, width: int
) -> None:
    torch.use_deterministic_algorithms(True)  # with which torch fills what it has not yet used
    file = write_checkpoint(Line(width=1), tmp_path / "line.ckpt")
    state = torch.load(file, weights_only=True)
    torch.save({**state, "hyper_parameters": {"width": width}}, file)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with pytest.raises(SettingError, match=r"^run 1: its checkpoint.* fit.*; leave that run"):
            load_module(Line, file, "run 1")
    finally:
        torch.use_deterministic_algorithms(False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before_kb + 10**5


def test_it_is_not_asked_which_lightning_wrote_a_checkpoint(tmp_path: Path) -> None:
    file = write_checkpoint(Line(width=1), tmp_path / "line.ckpt")
    state = torch.load(file, weights_only=True)
    for version in ("0.0.1", "xx", None):
        torch.save({**state, "pytorch-lightning_version": version}, file)
        assert load_module(Line, file, "run 1").hparams.width == 1
    del state["pytorch-lightning_version"]
    torch.save(state, file)
    assert load_module(Line, file, "run 1").hparams.width == 1
