"""Which datasets are trained on how much, for new recordings."""

from pathlib import Path

import numpy as np
import pytest

from raphe import cli
from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.calcium.elephant.data import ElephantData
from raphe.tasks.calcium.elephant.embedding import Embedding, retraining_weights
from raphe.tasks.calcium.elephant.embedding_file import open_embedding, to_json
from raphe.tasks.calcium.elephant.focus import Focus, shares
from raphe.tasks.calcium.features.trace_statistics import statistics
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

AT_100 = TraceOptions(rate_hz=100.0)
N = 4000


def slow(seed: int, dataset: int) -> np.ndarray:
    """A trace whose kind is told by how fast it wanders."""
    rng = np.random.default_rng([seed, dataset])
    width = 3 ** (dataset + 1)
    return 1 + np.convolve(rng.gamma(0.3, 1, N), np.ones(width) / width, "same")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedding of the datasets a, b, c, d; neighbours tell each other's spikes."""
    number = np.repeat(np.arange(4), 3)
    confusion = np.exp(-np.abs(number[:, None] - number) / 2.0) + 0.01 * np.arange(12)[:, None]
    rows = [statistics(slow(seed, dataset)) for seed, dataset in enumerate(number)]
    names = tuple(f"{dataset}/{seed}" for seed, dataset in enumerate(number))
    embedding = Embedding(names, tuple("abcd"[n] for n in number), confusion, np.array(rows))
    path = tmp_path_factory.mktemp("embedding") / "embedding.json"
    path.write_text(to_json(embedding, ""), encoding="utf-8")
    return path


def traces(folder: Path, dataset: int, *more: np.ndarray) -> Path:
    rows = [slow(seed, dataset) for seed in (100, 101, 102)]
    np.save(folder / "new.npy", np.stack([*rows, *more]))
    return folder / "new.npy"


def focus(folder: Path, file: Path, dataset: int = 1, *more: np.ndarray) -> Focus:
    return Focus(traces(folder, dataset, *more), file, AT_100, AS_IT_IS)


def test_what_looks_alike_counts_most(tmp_path: Path, file: Path) -> None:
    weights = focus(tmp_path, file).weights({"a", "b", "c", "d"}, set())
    assert weights["b"] == 1.0
    assert weights["d"] < max(weights["a"], weights["c"]) < 1


def test_weights_are_those_of_the_distances(tmp_path: Path, file: Path) -> None:
    embedding = open_embedding(file)
    new = np.array([statistics(slow(seed, 1).astype(np.float32)) for seed in (100, 101, 102)])
    expected = retraining_weights(embedding.distances(embedding.place(new)))
    assert focus(tmp_path, file).weights(set("abcd"), set()) == pytest.approx(expected)


def test_a_dataset_held_out_makes_no_part_of_the_embedding(
    tmp_path: Path, file: Path, monkeypatch
) -> None:
    left_out = []
    without = Embedding.without
    monkeypatch.setattr(
        Embedding,
        "without",
        lambda self, names: left_out.append(set(names)) or without(self, names),
    )
    weights = focus(tmp_path, file).weights({"a", "c", "d"}, {"b"})
    assert left_out == [{"b"}] and set(weights) == {"a", "c", "d"}
    assert max(weights.values()) == 1.0


def test_traces_with_a_fault_are_left_out(tmp_path: Path, file: Path) -> None:
    whole = focus(tmp_path, file).statistics
    short = np.where(np.arange(N) < 300, np.random.default_rng(0).normal(size=N), np.nan)
    bad = [np.full(N, np.nan), np.ones(N), np.full(N, np.inf), short]
    np.testing.assert_array_equal(focus(tmp_path, file, 1, *bad).statistics, whole)
    np.save(tmp_path / "bad.npy", np.stack(bad))
    with pytest.raises(RecordingError, match="expected traces to place, every one has a fault"):
        _ = Focus(tmp_path / "bad.npy", file, AT_100, AS_IT_IS).statistics


def test_the_command_prints_the_nearest_first(tmp_path: Path, file: Path, capsys) -> None:
    figure = tmp_path / "spaces.png"
    arguments = ["place", str(traces(tmp_path, 1)), str(file), "--rate", "100"]
    assert cli.main([*arguments, "--as-it-is", "--figure", str(figure)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("3 recordings placed") and printed[-1] == f"drew {figure}"
    rows = [line.split() for line in printed[2:-1]]
    assert (rows[0][0], rows[0][2]) == ("b", "1.000") and len(rows) == 4
    assert figure.stat().st_size > 0


def test_settings_that_do_not_go_together_are_told(tmp_path: Path, file: Path) -> None:
    assert not Focus()
    with pytest.raises(SettingError, match=r"data\.focus\.embedding: expected a path"):
        Focus(traces=tmp_path / "new.npy")
    with pytest.raises(SettingError, match=r"got a, b, c, d without mine; make one of this store"):
        focus(tmp_path, file).weights({"a", "mine"}, set())


def test_an_epoch_draws_as_many_as_the_smallest_times_the_weight() -> None:
    drawn = shares({"a": 1.0, "b": 0.5, "c": 0.1}, {"a": 4000, "b": 1000, "c": 2000})
    assert drawn == pytest.approx({"a": 0.25, "b": 0.5, "c": 0.05})


def test_training_is_focused_by_the_datamodule(
    tmp_path: Path, file: Path, store_path: Path
) -> None:
    plain = ElephantData(store_path)
    plain.setup("fit")
    focused = ElephantData(store_path, focus=focus(tmp_path, file))
    focused.setup("fit")
    assert plain.shares == {} and set(focused.shares) == {"a", "b", "c"}
    assert len(focused.train_dataloader()) < len(plain.train_dataloader())
    assert set(focused.hashes) == {"traces", "focus"}
    other = ElephantData(store_path, focus=focus(tmp_path, file, 2))
    assert other.hashes["focus"] != focused.hashes["focus"]
