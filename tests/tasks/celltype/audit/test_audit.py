"""An audit of stores in which it is known what gives the class away."""

import numpy as np
import pytest

from raphe.cli import main
from raphe.core.errors import SettingError, StoreError
from raphe.harness.fit import Fitting
from raphe.tasks.celltype.audit.audit import NOISE, SHUFFLED, SPIKES, audit
from raphe.tasks.celltype.audit.report import as_csv, conclusion, draw, table
from raphe.tasks.celltype.audit.settings import Settings
from raphe.tasks.celltype.audit.stores import noise_windows, shuffled_labels, subset
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.module import CellTypeModule

QUICK = Settings(kernel=3, max_epochs=8, n_spikes=2000, shuffles=1)


@pytest.fixture(scope="module")
def marked_cells(tmp_path_factory):
    """Cells without any trait of their class, each with a trait of its own."""
    rng = np.random.default_rng(5)
    with SpikeStoreWriter(
        tmp_path_factory.mktemp("audit") / "marked", ("SER", "NSER"), 32
    ) as writer:
        for i in range(24):
            mark = 8 * rng.normal(size=32)
            spikes = (mark + rng.normal(size=(40, 32))).astype(np.float32)
            writer.add(Cell(f"c{i:02d}", i % 2), spikes, np.arange(40))
        return writer.finish(40_000.0, "pA", {"note": "made up"})


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    with Fitting(tmp_path_factory.mktemp("mlruns")) as fit:
        yield fit


@pytest.fixture(scope="module")
def audited(marked_cells, fit):
    return audit(marked_cells, fit, settings=QUICK)


def test_cells_that_are_recognised_show_when_spikes_are_split(audited):
    (by_spike,), (by_cell,) = audited.of(SPIKES, "spike"), audited.of(SPIKES, "cell")
    assert by_spike["spikes", "accuracy"].value > 0.95
    assert by_cell["spikes", "accuracy"].value < 0.8
    (shuffled,) = audited.of(SHUFFLED, "spike")
    assert shuffled["spikes", "accuracy"].value > 0.95
    assert "recognises single cells" in conclusion(audited)


def test_what_cannot_be_asked_is_told(audited):
    assert not audited.of(SPIKES, "day")
    assert any("needs the day of every cell" in reason for reason in audited.left_out)
    assert not audited.of(NOISE, "cell")
    assert any("raphe masks" in reason for reason in audited.left_out)


def test_animals_are_asked_about_where_they_are_known(tmp_path, fit):
    rng = np.random.default_rng(5)
    with SpikeStoreWriter(tmp_path / "store", ("SER", "NSER"), 16) as writer:
        for i in range(24):
            spikes = rng.normal(scale=1 + i % 2, size=(20, 16)).astype(np.float32)
            writer.add(Cell(f"c{i:02d}", i % 2, animal=f"m{i // 3}"), spikes, np.arange(20))
        store = writer.finish(40_000.0, "pA", {})
    audited = audit(store, fit, settings=Settings(kernel=3, max_epochs=1, shuffles=0))
    (by_animal,) = audited.of(SPIKES, "animal")
    assert by_animal.n_cells % 3 == 0  # whole animals
    assert conclusion(audited).startswith("Cells of new animals are told apart")


def test_table_and_picture_show_every_row(audited):
    lines = table(audited).splitlines()
    assert len([line for line in lines if line.startswith("spikes")]) == len(audited.rows) == 4
    assert lines[-1] == "Note: made up"
    n_figures = sum(len(row.figures) for row in audited.rows)
    assert len(as_csv(audited).splitlines()) == 1 + n_figures
    figure = draw(audited)
    assert [len(axes.lines) > len(audited.rows) for axes in figure.axes] == [True] * 3


def test_the_same_seed_gives_the_same_table(marked_cells, audited, tmp_path):
    with Fitting(tmp_path) as fit:
        assert table(audit(marked_cells, fit, settings=QUICK)) == table(audited)


def test_an_audit_that_was_interrupted_goes_on(marked_cells, audited, monkeypatch, tmp_path):
    interrupted = Fitting(tmp_path)
    calls = []

    def interrupt(name, *arguments):
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return interrupted(name, *arguments)

    with pytest.raises(KeyboardInterrupt), interrupted:
        audit(marked_cells, interrupt, settings=QUICK)
    assert len(list((tmp_path / "work").iterdir())) == 2
    epochs = []
    monkeypatch.setattr(CellTypeModule, "on_train_epoch_start", lambda model: epochs.append(model))
    with Fitting(tmp_path) as fit:
        assert table(audit(marked_cells, fit, settings=QUICK)) == table(audited)
    n_trained = len({id(model) for model in epochs})
    assert n_trained == len(audited.rows) - 2
    assert not list((tmp_path / "work").iterdir())


def test_the_command_writes_its_files_and_leaves_no_work(marked_cells, tmp_path, capsys):
    out, runs = tmp_path / "out", tmp_path / "runs"
    options = ["--max-epochs", "1", "--shuffles", "0", "--kernel", "3", "--n-spikes", "500"]
    paths = ["--out", str(out), "--runs", str(runs)]
    assert main(["audit", str(marked_cells), *options, *paths]) == 0
    assert "spikes" in capsys.readouterr().out
    assert {file.name for file in out.iterdir()} == {"audit.txt", "audit.csv", "audit.png"}
    assert not list((runs / "work").iterdir())


def test_shuffled_labels_are_the_same_labels_of_other_cells():
    cells = [Cell(str(i), int(i < 30)) for i in range(100)]
    dealt = shuffled_labels(cells, np.random.default_rng(0))
    assert [cell.cell_id for cell in dealt] == [cell.cell_id for cell in cells]
    assert sum(cell.label for cell in dealt) == 30
    assert dealt != cells


def test_a_subset_takes_as_many_of_each_cell(make_spikes):
    windows, cell = subset(make_spikes(n_cells=6, per_cell=10), 24, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(cell), [4] * 6)
    assert windows.shape == (24, 16)


def test_noise_windows_are_the_masks_of_known_cells(make_spikes, make_masks):
    spikes, masks = make_spikes(n_cells=4), make_masks(n_cells=6, n_samples=40)
    windows, cell = noise_windows(spikes, masks)
    assert windows.shape == (4 * 4 * 2, 16)
    np.testing.assert_array_equal(windows[0], masks.masks[0, :16])
    np.testing.assert_array_equal(windows[1], masks.masks[0, 16:32])
    np.testing.assert_array_equal(np.bincount(cell), [8] * 4)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"n_samples": 10}, "its masks have 10 samples, a window 16"),
        ({"rate_hz": 20_000.0}, "expected 40000 Hz and pA"),
    ],
)
def test_masks_that_do_not_fit_are_refused(make_spikes, make_masks, masks, message):
    with pytest.raises(StoreError, match=message):
        noise_windows(make_spikes(), make_masks(**masks))


def test_noise_that_gives_the_class_away_is_told(tmp_path, make_masks, fit):
    """Cells c00, c02 … are SER; their masks get a ripple the others' do not have."""
    rng = np.random.default_rng(1)
    with SpikeStoreWriter(tmp_path / "store", ("SER", "NSER"), 16) as writer:
        for i in range(24):
            spikes = rng.normal(size=(30, 16)).astype(np.float32)
            writer.add(Cell(f"c{i:02d}", i % 2), spikes, np.arange(30))
        store = writer.finish(40_000.0, "pA", {})
    masks = make_masks(n_cells=24, per_cell=40, n_samples=16)
    ripple = 40 * np.sin(np.arange(16)) * (masks.recording % 2 == 0)[:, None]
    changed = np.lib.format.open_memmap(masks.path / "masks.npy", mode="r+")
    changed += ripple.astype(np.float32)
    changed.flush()
    audited = audit(store, fit, masks.path, QUICK)
    assert audited.of(NOISE, "cell")[0]["spikes", "accuracy"].value > 0.95
    assert open_spikes(store).n == 720


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingError, match="--n-spikes: expected 1 or more, got 0"):
        Settings(n_spikes=0)
