"""Baselines learn what there is, from what they may see, and answer in the network's order."""

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.celltype.evaluation.baseline_run import TrainedBaselines
from raphe.tasks.celltype.evaluation.baselines import KINDS, Baseline, columns_of
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import BASELINE_MS, Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.data import CellTypeData

RATE_HZ = 40_000.0
TIME_MS = np.arange(160) / 40
OF_WINDOW = [name for name, kind in KINDS.items() if kind.columns not in ("firing", "source")]


def spike(udi_ms: float, rng: np.random.Generator, n: int, noise_pa: float = 2.0) -> np.ndarray:
    """n spikes whose outward peak comes so long after the inward one: float32 (n, 160)."""
    peak_ms = 1.05 + udi_ms
    shape = -80 * np.exp(-(((TIME_MS - 1.05) / 0.1) ** 2)) + 20 * np.exp(
        -(((TIME_MS - peak_ms) / (0.3 * udi_ms)) ** 2)
    )
    return (shape + rng.normal(0, noise_pa, (n, 160))).astype(np.float32)


def write_store(folder, udis_ms, per_cell=20, n_cells=12, animals=4, seed=0, noise_pa=2.0):
    """Cells of each class in turn; a class is known by its UDI, and cells differ a little."""
    rng = np.random.default_rng(seed)
    classes = [f"k{number}" for number in range(len(udis_ms))]
    with SpikeStoreWriter(folder, classes, 160) as writer:
        for number in range(n_cells):
            label = number % len(udis_ms)
            animal = f"a{number // len(udis_ms) % animals}"
            cell = Cell(f"c{seed}-{number:02d}", label, "", animal, source=f"rig of {label}")
            windows = spike(udis_ms[label] * rng.uniform(0.9, 1.1), rng, per_cell, noise_pa)
            writer.add(cell, windows, 8000 * np.arange(per_cell) + 10 * number)
        return open_spikes(writer.finish(RATE_HZ, "pA", {}))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    write_store(folder / "original", (1.3, 0.6))
    write_store(folder / "other", (1.3, 0.6), n_cells=5, seed=1)
    data = CellTypeData(folder / "original", test_stores={"other": folder / "other"})
    data.setup()
    return data


def test_every_baseline_finds_a_clear_difference(data):
    trained = TrainedBaselines(data)
    predictions = trained.predictions()
    assert set(predictions) == set(KINDS)
    for name, sets in predictions.items():
        assert set(sets) == {"test", "other"}
        for answer in sets.values():
            np.testing.assert_allclose(answer.probability.sum(axis=1), 1)
            assert (answer.predicted == answer.label).mean() > 0.9, name
    assert 0.7 < trained.facts["udi_threshold_ms"] < 1.2
    assert trained.facts["n_train_spikes"] == trained.facts["n_train_spikes_available"] == 160


def test_answers_stand_in_the_order_of_the_networks(data):
    predictions = TrainedBaselines(data).predictions()["logistic_window"]
    for loader, answer in zip(data.test_dataloader(), predictions.values(), strict=True):
        label, cell = (np.concatenate([batch[i] for batch in loader]) for i in (1, 2))
        np.testing.assert_array_equal(answer.label, label)
        np.testing.assert_array_equal(answer.cell, cell)
    assert predictions["test"].cell_ids == [cell.cell_id for cell in data.original.cells]


def test_no_test_spike_is_trained_on(data, monkeypatch):
    seen = []
    learn = Baseline.fit

    def spy(self, columns, label):
        seen.append(columns["window"].astype(np.float32))
        return learn(self, columns, label)

    monkeypatch.setattr(Baseline, "fit", spy)
    TrainedBaselines(data)
    trained_on = {window.tobytes() for window in seen[0]}
    tested_on = data.original.read(data.spike_split.rows("test"))
    assert not trained_on & {window.tobytes() for window in tested_on}


def test_the_same_seed_gives_the_same_answers(data):
    first, second = (TrainedBaselines(data, seed=3).predictions() for _ in range(2))
    for name in KINDS:
        np.testing.assert_array_equal(
            first[name]["test"].probability, second[name]["test"].probability
        )


def test_the_source_alone_is_called_without_a_look_at_the_spike(tmp_path):
    """Two rigs with as many cells of each class: nothing to know from, whatever the spikes say."""
    rng = np.random.default_rng(0)
    with SpikeStoreWriter(tmp_path / "store", ("A", "B"), 160) as writer:
        for number in range(40):
            cell = Cell(f"c{number}", number % 2, source=f"rig {number // 2 % 2}")
            writer.add(cell, spike((1.3, 0.6)[number % 2], rng, 4), np.full(4, -1))
        writer.finish(RATE_HZ, "pA", {})
    data = CellTypeData(tmp_path / "store", split="spike")
    data.setup()
    predictions = TrainedBaselines(data).predictions()
    alone = predictions["source_alone"]["test"]
    np.testing.assert_allclose(alone.probability, 0.5, atol=0.1)
    of_features = predictions["logistic_features"]["test"]
    assert (of_features.predicted == of_features.label).mean() > 0.9


def test_one_source_for_all_tells_nothing_at_all():
    """Not even by the rounding of a fit, which differs with the class that was left out."""
    for n_first in (6, 7, 8):
        label = np.repeat([0, 1, 2], [n_first, 7, 3])
        columns = {"source": np.ones((len(label), 1))}
        baseline = Baseline("source_alone", 3).fit(columns, label)
        assert (baseline.predict(columns) == 1 / 3).all()
    # Nor of two laboratories, of which one has but two of the classes.
    label, source = np.repeat([0, 1, 2, 2], [8, 7, 1, 11]), np.repeat([0, 0, 0, 1], [8, 7, 1, 11])
    baseline = Baseline("source_alone", 3)
    probability = baseline.fit({"source": np.eye(2)[source]}, label).predict({"source": np.eye(2)})
    assert probability[0, 0] == probability[0, 1] > probability[0, 2] > 0


def test_a_source_tells_its_classes_shares_and_an_unknown_one_nothing():
    label = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    source = np.array([0, 0, 1, 1, 1, 1, 1, 1])
    baseline = Baseline("source_alone", 2)
    baseline.fit({"source": np.eye(2)[source]}, label)
    sources = {"source": np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])}
    # A third of the first class is at the second source, and all of the other.
    np.testing.assert_allclose(
        baseline.predict(sources), [[1, 0], [0.25, 0.75], [0.5, 0.5]], atol=1e-12
    )


def test_what_is_not_known_leaves_out_the_baselines_on_it(tmp_path):
    rng = np.random.default_rng(0)
    with SpikeStoreWriter(tmp_path / "store", ("A", "B"), 160) as writer:
        for number in range(8):
            windows = spike((1.3, 0.6)[number % 2], rng, 4)
            writer.add(Cell(f"c{number}", number % 2), windows, np.full(4, -1))
        writer.finish(RATE_HZ, "pA", {})
    data = CellTypeData(tmp_path / "store")
    data.setup()
    assert set(TrainedBaselines(data).predictions()) == set(OF_WINDOW)


def test_firing_counts_where_it_is_asked_for():
    rng = np.random.default_rng(0)
    windows, label = spike(1.0, rng, 200), np.arange(200) % 2
    firing = np.stack([2 + 3 * label + rng.normal(0, 0.3, 200), np.full(200, np.nan)], axis=1)
    for name in ("logistic_firing", "trees_firing"):
        columns = columns_of(windows, RATE_HZ, BASELINE_MS, firing)
        called = Baseline(name, 2).fit(columns, label).predict(columns).argmax(axis=1)
        assert (called == label).mean() > 0.95


@pytest.mark.parametrize("name", OF_WINDOW)
def test_a_class_that_was_not_trained_on_has_no_chance(name):
    rng = np.random.default_rng(0)
    windows = np.concatenate([spike(1.3, rng, 30), spike(0.6, rng, 30)])
    label = np.repeat([2, 0], 30)
    columns, of_one_class = (columns_of(w, RATE_HZ, BASELINE_MS) for w in (windows, windows[:30]))
    probability = Baseline(name, 3).fit(columns, label).predict(columns)
    assert probability.shape == (60, 3)
    assert not probability[:, 1].any()
    assert (probability.argmax(axis=1) == label).mean() > 0.9
    alone = Baseline(name, 3).fit(of_one_class, label[:30])
    np.testing.assert_array_equal(alone.predict(columns), np.tile([0, 0, 1], (60, 1)))


def test_classes_weigh_alike():
    """Nine of ten spikes of one class, both as noisy: the threshold stays in the middle."""
    rng = np.random.default_rng(0)
    label = (np.arange(1000) % 10 == 0).astype(int)
    udi = np.where(label == 1, 1.2, 0.8) + rng.normal(0, 0.15, 1000)
    baseline = Baseline("udi_threshold", 2).fit({"udi": udi[:, None]}, label)
    assert baseline.threshold() == pytest.approx(1.0, abs=0.03)


def test_a_spike_without_a_peak_is_answered_too():
    rng = np.random.default_rng(0)
    windows = np.concatenate([spike(1.3, rng, 40, 0), spike(0.6, rng, 40, 0)])[:, :70]  # 1.75 ms
    label = np.repeat([0, 1], 40)
    columns = columns_of(windows, RATE_HZ, BASELINE_MS)
    baseline = Baseline("udi_threshold", 2).fit(columns, label)
    assert (baseline.predict(columns).argmax(axis=1) == label).all()


def test_an_unknown_kind_is_refused():
    with pytest.raises(SettingError, match="baseline oracle: expected one of udi_threshold"):
        Baseline("oracle", 2)
