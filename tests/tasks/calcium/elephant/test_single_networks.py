"""Single-recording networks: trained on their own recording, tested on all, tracked as one run."""

import json
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from mlflow import MlflowClient

from raphe.core.errors import StoreError
from raphe.tasks.calcium.elephant.embedding_file import open_embedding
from raphe.tasks.calcium.elephant.evaluation import evaluate_singles
from raphe.tasks.calcium.elephant.single_data import SingleData
from raphe.tasks.calcium.elephant.single_module import SingleModule
from raphe.tasks.calcium.metrics.names import embedding_names
from raphe.tasks.calcium.recordings.sampling import smoothed, z_scored
from raphe.tasks.calcium.stores.trace_store import LabelledRecording, open_traces, write_traces


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, labelled) -> Path:
    """Two datasets of two usable recordings, one silent and one short recording."""
    folder = tmp_path_factory.mktemp("confusion")
    noise = np.random.default_rng(0).normal(size=1200).astype(np.float32)
    recordings = [
        labelled("a/0", 1500, 0),
        LabelledRecording("a/silent", "a", "a/silent", noise, np.zeros(1200, dtype=int), 30.0),
        labelled("a/1", 1300, 1),
        labelled("b/short", 900, 2),
        labelled("b/0", 1400, 3),
        labelled("b/1", 1250, 4),
    ]
    return write_traces(folder / "store", recordings, {})


@pytest.fixture
def data(home: Path) -> SingleData:
    data = SingleData(home, batch_size=256)
    data.setup("fit")
    return data


def test_recordings_without_spikes_or_too_short_are_left_out(data: SingleData) -> None:
    assert [recording.name for recording in data.subset.recordings] == ["a/0", "a/1", "b/0", "b/1"]
    assert data.facts == {"n_recordings": 4}


def test_an_epoch_holds_every_window_of_each_recording_once(data: SingleData) -> None:
    store = open_traces(data.store.path)
    got: dict[int, list[np.ndarray]] = {}
    for calcium, target, place in data.train_dataloader():
        assert len(calcium) <= 256
        got.setdefault(place, []).append(np.c_[calcium.numpy(), target.numpy()])
    assert sum(len(batches) for batches in got.values()) == len(data.train_dataloader())
    for place, recording in enumerate(data.subset.recordings):
        calcium = z_scored(store.calcium[recording.rows])
        rate = z_scored(smoothed(store.spikes[recording.rows], 2.5))
        expected = np.stack(
            [np.r_[calcium[i - 40 : i + 60], rate[i]] for i in range(40, len(rate) - 60)]
        ).astype(np.float32)
        rows = np.concatenate(got[place])
        assert rows.shape == expected.shape  # n − 100 windows
        np.testing.assert_allclose(
            rows[np.lexsort(rows.T)], expected[np.lexsort(expected.T)], atol=1e-5
        )


def test_the_order_depends_on_seed_and_epoch(data: SingleData, home: Path) -> None:
    first = next(iter(data.train_dataloader()))
    assert torch.equal(first[0], next(iter(data.train_dataloader()))[0])
    other = SingleData(home, batch_size=256, seed=1)
    other.setup("fit")
    assert not torch.equal(first[0], next(iter(other.train_dataloader()))[0])


def test_a_step_trains_the_recordings_own_network_alone(data: SingleData) -> None:
    torch.manual_seed(0)
    module = SingleModule(4)
    module.log = lambda *_, **__: None
    optimizer = module.configure_optimizers()
    before = [net.dense.weight.clone() for net in module.nets]
    batch = next(batch for batch in data.train_dataloader() if batch[2] == 2)
    module.training_step(batch, 0).backward()
    optimizer.step()
    changed = [
        not torch.equal(old, net.dense.weight) for old, net in zip(before, module.nets, strict=True)
    ]
    assert changed == [False, False, True, False]


def test_the_matrix_holds_rows_told_by_columns(data: SingleData, tmp_path: Path) -> None:
    """A network that answers with a constant tells nothing; another's column is its own."""
    torch.manual_seed(0)
    module = SingleModule(4).eval()
    for parameter in module.nets[1].parameters():
        torch.nn.init.zeros_(parameter)
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path
    )
    trainer.test(module, datamodule=data, verbose=False)
    assert not module.confusion[:, 1].any()
    store, recording = data.store, data.subset.recordings[3]
    calcium = torch.tensor(z_scored(store.calcium[recording.rows])).float()
    rate = module.nets[2].infer(calcium).numpy()
    spikes = store.spikes[recording.rows].astype(float)[40:-60]
    x, y = (np.convolve(train, np.ones(4), "valid")[::4] for train in (rate, spikes))
    assert module.confusion[3, 2] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)
    files = evaluate_singles(module, data)
    assert set(files) == {"test/confusion.png", "test/embedding.json"}  # two datasets: no plane


def test_a_store_without_a_usable_recording_is_told(tmp_path: Path, labelled) -> None:
    short = write_traces(tmp_path / "short", [labelled("a/0", 500, 0)], {})
    with pytest.raises(StoreError, match="expected recordings with spikes of 1024 samples or more"):
        SingleData(short)


@pytest.mark.slow
def test_the_experiment_makes_an_embedding_to_focus_with(
    train_py, places, tmp_path: Path, labelled
) -> None:
    recordings = [
        labelled(f"{dataset}/{index}", 1100 + 10 * index, 7 * index + seed)
        for seed, dataset in enumerate("abc")
        for index in range(3)
    ]
    store = write_traces(tmp_path / "store", recordings, {})
    shared = [*places, "threads=1", f"data.store={store}", "tracking.system_metrics_every_s=null"]
    assert train_py("task=elephant_embedding", *shared, "trainer.max_epochs=1") == 0
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("elephant_embedding")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["test/n_recordings"] == 9
    assert not [name for name in run.data.metrics if name not in embedding_names()]
    names = {entry.path for entry in client.list_artifacts(run.info.run_id, "test")}
    assert names >= {"test/confusion.png", "test/spaces.png", "test/embedding.json"}
    file = client.download_artifacts(run.info.run_id, "test/embedding.json", str(tmp_path))
    assert open_embedding(file).datasets == ("a", "b", "c")
    assert json.loads(Path(file).read_text())["rows"] == "recording that is predicted"

    np.save(
        tmp_path / "new.npy", np.stack([recording.calcium[:1100] for recording in recordings[:3]])
    )
    focused = [
        f"data.focus.embedding={file}",
        f"data.focus.traces={tmp_path / 'new.npy'}",
        "data.focus.files.rate_hz=100",
        "data.consecutive=16",
        "trainer.max_epochs=1",
    ]
    assert train_py("experiment=elephant_retrain", *shared, *focused) == 0
    experiment = client.get_experiment_by_name("elephant_retrain")
    (run,) = client.search_runs([experiment.experiment_id])
    assert "store_hash.focus" in run.data.params
    assert "spaces.png" in {entry.path for entry in client.list_artifacts(run.info.run_id)}
