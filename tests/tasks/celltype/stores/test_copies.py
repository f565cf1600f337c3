"""Copies are found in every disguise, two honest cells never are, and no split divides a group."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from raphe.cli import main
from raphe.core.abf.writer import write_abf
from raphe.core.errors import StoreError
from raphe.tasks.celltype.spikes.window_shapes import hash_windows
from raphe.tasks.celltype.stores.copies import Copy, Kind, find_copies
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.stores.import_spikes import import_csv, import_npy
from raphe.tasks.celltype.stores.import_windows import import_windows
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.split import split_spikes

C, PER_CELL, T = 12, 60, 80
NOISE_PA = 5.0


@dataclass(frozen=True)
class Spikes:
    """Windows (N, T) in pA, the cell and the time of each."""

    windows: np.ndarray
    cell: np.ndarray
    trigger: np.ndarray

    def copies(self) -> list[Copy]:
        return find_copies(*(LazyArray(InMemory(array)) for array in vars(self).values()))

    def of(self, *cells: int) -> "Spikes":
        rows = np.isin(self.cell, cells)
        return Spikes(*(array[rows] for array in vars(self).values()))

    def __add__(self, other: "Spikes") -> "Spikes":
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Spikes(*(np.concatenate(pair) for pair in pairs))


def honest_cells(seed: int = 0, n_cells: int = C) -> Spikes:
    """Cells of one class: spikes of widths and depths of their own, noise of one colour."""
    rng = np.random.default_rng(seed)
    sample = np.arange(T)
    windows, triggers = [], []
    for _ in range(n_cells):
        width, depth, after = rng.uniform(2, 5), rng.uniform(60, 120), rng.uniform(0.1, 0.4)
        shape = -np.exp2(-(((sample - 30) / width) ** 2))
        shape += after * np.exp2(-(((sample - 45) / (3 * width)) ** 2))
        gain = depth * (1 + 0.03 * rng.standard_normal((PER_CELL, 1)))
        noise = uniform_filter1d(rng.normal(0, 2 * NOISE_PA, (PER_CELL, T)), 4)
        windows.append(gain * shape + noise)
        triggers.append(np.cumsum(rng.gamma(4, 4000, PER_CELL)).astype(np.int64))
    cell = np.repeat(np.arange(n_cells), PER_CELL)
    return Spikes(np.concatenate(windows).astype(np.float32), cell, np.concatenate(triggers))


def again(spikes: Spikes, rng: np.random.Generator) -> Spikes:
    """Each cell recorded once more: its mean spike, other noise, other times."""
    windows = spikes.windows.copy()
    for cell in np.unique(spikes.cell):
        rows = spikes.cell == cell
        mean = windows[rows].mean(axis=0)
        residual = windows[rows] - mean
        spectrum = np.fft.rfft(residual)
        turned = np.abs(spectrum) * np.exp(2j * np.pi * rng.random(spectrum.shape))
        windows[rows] = mean + np.fft.irfft(turned, T)
    trigger = np.cumsum(rng.gamma(4, 4000, len(spikes.cell))).astype(np.int64)
    return replace(spikes, windows=windows.astype(np.float32), trigger=trigger)


def disguised(spikes: Spikes, disguise: str, rng: np.random.Generator) -> Spikes:
    windows, trigger = spikes.windows, np.full(len(spikes.cell), -1)
    noise = uniform_filter1d(rng.normal(0, 2 * NOISE_PA, windows.shape), 4)
    if disguise == "half of it":
        rows = rng.random(len(windows)) < 0.5
        return Spikes(windows[rows], spikes.cell[rows], trigger[rows])
    windows = {
        "as it is": windows,
        "0.05 pA added": windows + rng.normal(0, 0.05, windows.shape),
        "another gain and zero": 1.3 * windows + 7,
        "the other polarity": -0.5 * windows,
        "as 16-bit numbers": np.round(windows / 0.03) * 0.03,
        "cut elsewhere": np.roll(windows, 3, axis=1),
        "begun later": np.hstack([windows[:, 4:], rng.normal(0, NOISE_PA, (len(windows), 4))]),
        "filtered": uniform_filter1d(windows, 5),
        "synthetic": uniform_filter1d(windows, 3) + 0.7 * noise,
        "recorded again": again(spikes, rng).windows,
    }[disguise]
    if disguise in ("cut elsewhere", "filtered"):
        trigger = spikes.trigger - 12_345
    return Spikes(windows.astype(np.float32), spikes.cell, trigger)


@pytest.mark.parametrize(
    ("disguise", "kind"),
    [
        ("as it is", Kind.EQUAL),
        ("half of it", Kind.EQUAL),
        ("0.05 pA added", Kind.NEAR),
        ("another gain and zero", Kind.NEAR),
        ("the other polarity", Kind.NEAR),
        ("as 16-bit numbers", Kind.NEAR),
        ("cut elsewhere", Kind.TIMES),
        ("filtered", Kind.TIMES),
        ("synthetic", Kind.PARENTS),
        ("begun later", Kind.PARENTS),
        ("recorded again", Kind.AGAIN),
    ],
)
def test_a_copy_is_found_in_every_disguise_and_called_what_it_is(disguise, kind):
    spikes = honest_cells()
    copied = disguised(spikes.of(2, 7), disguise, np.random.default_rng(1))
    copies = (spikes + replace(copied, cell=copied.cell + C)).copies()
    assert [(copy.first, copy.second) for copy in copies] == [(2, C + 2), (7, C + 7)]
    assert {copy.kind for copy in copies} == {kind}


@pytest.mark.parametrize("per_cell", [1, 12, 25])
@pytest.mark.parametrize("shift", [-3, -1, 1, 2])
def test_a_cell_of_few_windows_cut_elsewhere_is_a_copy(per_cell, shift):
    spikes = honest_cells()
    few = Spikes(*(array.reshape(C, PER_CELL, -1)[:, :per_cell].reshape(C * per_cell, -1).squeeze()
                   for array in vars(spikes).values()))  # fmt: skip
    few = replace(few, trigger=np.full(C * per_cell, -1))
    assert not [copy for copy in few.copies() if copy.kind is not Kind.AGAIN]
    later = 0.5 * np.roll(few.of(3).windows, shift, axis=1)
    copied = Spikes(later, np.full(per_cell, C), np.full(per_cell, -1))
    (copy,) = [copy for copy in (few + copied).copies() if copy.kind is not Kind.AGAIN]
    assert (copy.first, copy.second, copy.kind) == (3, C, Kind.SHIFTED)


@pytest.mark.parametrize("seed", range(3))
def test_no_two_honest_cells_are_copies(seed):
    alike = honest_cells(seed, n_cells=60).copies()
    assert {copy.kind for copy in alike} <= {Kind.AGAIN}  # of three numbers a cell: some coincide
    assert len(alike) <= 2


def test_one_spike_in_two_cells_is_told_with_their_counts():
    spikes = honest_cells()
    windows = spikes.windows.copy()
    windows[5 * PER_CELL + 3] = windows[PER_CELL]
    copies = replace(spikes, windows=windows).copies()
    assert copies == [Copy(1, 5, Kind.EQUAL, 1, PER_CELL)]


def test_recordings_of_one_cell_may_hold_what_they_like():
    spikes = honest_cells()
    assert (spikes + spikes.of(3)).copies() == []


def test_templates_alike_are_no_copies_and_copies_of_templates_are():
    spikes = honest_cells(n_cells=200)
    means = spikes.windows.reshape(200, PER_CELL, T).mean(axis=1)
    templates = Spikes(means, np.arange(200), np.full(200, -1))
    assert templates.copies() == []
    copied = Spikes((1.7 * means[[4, 9]]).round(1), np.array([200, 201]), np.array([-1, -1]))
    assert [(c.first, c.second) for c in (templates + copied).copies()] == [(4, 200), (9, 201)]


def test_numbered_and_clocked_spikes_are_no_times():
    spikes = honest_cells()
    number = np.tile(np.arange(PER_CELL), C)
    for trigger in (number, 40_000 * number):
        assert replace(spikes, trigger=trigger).copies() == []


def test_windows_that_are_one_value_are_nobodys_spike():
    windows = np.zeros((6, T), np.float32)
    assert Spikes(windows, np.arange(6), np.full(6, -1)).copies() == []
    assert hash_windows(windows).tolist() == [0] * 6


def test_equal_windows_have_equal_hashes_and_no_others():
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(2000, 9)).astype(np.float32)
    windows[0, 0], windows[1] = -0.0, windows[0]
    windows[1, 0] = 0.0
    hashes = hash_windows(windows)
    assert hashes[0] == hashes[1]
    assert len(np.unique(hashes)) == 1999


# ---- what the importers do


def write_windows(folder: Path, spikes: Spikes, labels: list[str], days: list[str]) -> tuple:
    folder.mkdir(exist_ok=True)
    np.save(folder / "waveforms.npy", spikes.windows)
    with (folder / "units.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["cell_id", "label", "day", "animal"])
        for cell in spikes.cell:
            writer.writerow([f"c{cell}", labels[cell], days[cell], f"m{cell}"])
    return folder / "waveforms.npy", folder / "units.csv", folder / "store", 40_000.0, "pA"


def write_csv(folder: Path, spikes: Spikes, labels: list[str]) -> Path:
    for number, (window, cell) in enumerate(zip(spikes.windows, spikes.cell, strict=True)):
        place = folder / labels[cell] / f"c{cell}"
        place.mkdir(parents=True, exist_ok=True)
        rows = (f"{t / 40_000:.6f},{value:.9g}" for t, value in enumerate(window))
        (place / f"c{cell}_trigger_{number}.csv").write_text("t,i\n" + "\n".join(rows))
    return folder


def write_npy(folder: Path, spikes: Spikes, labels: list[str]) -> Path:
    folder.mkdir()
    time_s = np.broadcast_to(np.arange(spikes.windows.shape[1]) / 40_000, spikes.windows.shape)
    np.save(folder / "Observations.npy", np.stack([time_s, spikes.windows], axis=2)[..., None])
    np.save(
        folder / "Labels.npy", np.array([["SER", "NSER"].index(labels[c]) for c in spikes.cell])
    )
    names = [f"c{c}_trigger_{n}.csv" for n, c in enumerate(spikes.cell)]
    np.save(folder / "Cellulars.npy", np.array(names))
    return folder


def write_abfs(folder: Path, spikes: Spikes, labels: list[str]) -> Path:
    for cell in np.unique(spikes.cell):
        windows = spikes.windows[spikes.cell == cell]
        trace = np.zeros((len(windows), 1000), np.float32)
        trace[:, 100 : 100 + windows.shape[1]] = windows
        begun_late = np.zeros(500 * cell, np.float32)  # no two files are equal
        (folder / labels[cell]).mkdir(parents=True, exist_ok=True)
        samples = np.append(begun_late, trace)
        write_abf(folder / labels[cell] / f"c{cell}.abf", samples, 40_000.0, "pA")
    return folder


def wide(spikes: Spikes) -> Spikes:
    """In windows of 160 samples, as the published ones."""
    noise = np.random.default_rng(2).normal(0, 0.5, (len(spikes.cell), 160 - T))
    return replace(spikes, windows=np.hstack([spikes.windows, noise]).astype(np.float32))


def with_copy(label: str) -> tuple[Spikes, list[str]]:
    """Six cells and the second again as the seventh, of which `label` is the class."""
    n_each = 10
    rows = np.arange(6 * PER_CELL).reshape(6, PER_CELL)[:, :n_each].reshape(-1)
    spikes = wide(honest_cells(n_cells=6))
    spikes = Spikes(*(array[rows] for array in vars(spikes).values()))
    return spikes + replace(spikes.of(1), cell=np.full(n_each, 6)), ["SER", "NSER"] * 3 + [label]


READERS = {
    "csv": (write_csv, import_csv),
    "npy": (write_npy, import_npy),
    "extract": (write_abfs, extract),
}


@pytest.mark.parametrize("importer", READERS)
def test_every_importer_refuses_or_joins_a_cell_under_two_ids(tmp_path, importer):
    write, run = READERS[importer]
    data = write(tmp_path / "data", *with_copy("NSER"))
    with pytest.raises(StoreError) as error:
        run(data, tmp_path / "store")
    sentence = str(error.value)
    assert sentence.startswith(f"{data}: cells c")
    assert "c1 (NSER" in sentence and "c6 (NSER" in sentence and "hold the same spikes" in sentence
    assert "--copies join" in sentence and "\n" not in sentence
    file = {"extract": "NSER/c1.abf", "csv": "NSER/c1/c1_trigger_10.csv", "npy": "Observations.npy"}
    assert f"c1 (NSER, {file[importer]})" in sentence
    assert not (tmp_path / "store").exists()
    report = run(data, tmp_path / "store", on_copies="join")
    assert len(report.copies) == 1 and report.copies[0].endswith("joined")
    groups = {cell.cell_id: cell.group for cell in open_spikes(tmp_path / "store").cells}
    assert groups == {**dict.fromkeys(groups, ""), "c1": "c1", "c6": "c1"}


@pytest.mark.parametrize("importer", READERS)
def test_a_copy_of_the_other_class_is_refused_whatever_is_asked(tmp_path, importer):
    write, run = READERS[importer]
    data = write(tmp_path / "data", *with_copy("SER"))
    with pytest.raises(StoreError, match=r"c[16] \(N?SER.* c[16] \(N?SER.*which class is right"):
        run(data, tmp_path / "store", on_copies="join")
    assert not (tmp_path / "store").exists()


def planted() -> tuple[Spikes, list[str], list[str]]:
    """The issue's case: 40 cells, random labels, each again under another id and animal."""
    spikes = honest_cells(n_cells=40)
    noise = np.random.default_rng(5).normal(0, 0.05, spikes.windows.shape)
    copied = Spikes((spikes.windows + noise).astype(np.float32), spikes.cell + 40, spikes.trigger)
    labels = np.random.default_rng(6).permutation(["A", "B"] * 20).tolist()
    days = [f"2026-01-{1 + cell % 9:02d}" for cell in range(80)]
    return spikes + copied, labels * 2, days


def test_forty_cells_each_under_two_ids_are_refused_or_never_divided(tmp_path):
    spikes, labels, days = planted()
    files = write_windows(tmp_path, spikes, labels, days)
    message = r"units\.csv: cells c0 \([AB], line 2\) and c40 \([AB], line 2402\) .*39 such pairs"
    with pytest.raises(StoreError, match=message):
        import_windows(*files)
    report = import_windows(*files, on_copies="join")
    assert len(report.copies) == 40
    joined = open_spikes(report.store)
    number = {cell.cell_id: index for index, cell in enumerate(joined.cells)}
    for kind in ("cell", "animal"):
        for folds in (None, 5):
            part = split_spikes(joined, kind, folds=folds).of_cell
            assert len(set(part.tolist())) == 3
            assert all(part[number[f"c{i}"]] == part[number[f"c{i + 40}"]] for i in range(40))


def test_a_copy_on_another_day_joins_the_days(tmp_path, capsys):
    spikes = honest_cells(n_cells=16)
    spikes += replace(spikes.of(0), cell=np.full(PER_CELL, 16))
    days = [f"2026-01-{1 + cell // 2:02d}" for cell in range(17)]  # 16 is alone on the ninth
    files = write_windows(tmp_path, spikes, ["A", "B"] * 8 + ["A"], days)
    import_windows(*files, on_copies="join")
    store = open_spikes(tmp_path / "store")
    for seed in range(5):
        part = split_spikes(store, "day", seed=seed).of_cell
        assert part[0] == part[1] == part[16]
    assert main(["check", str(tmp_path / "store")]) == 0
    assert "2 cells in 1 group of copies, which no split divides" in capsys.readouterr().out


def test_a_cell_recorded_again_is_a_remark(tmp_path):
    spikes = honest_cells()
    more = again(spikes.of(3), np.random.default_rng(0))
    spikes += replace(more, cell=np.full(PER_CELL, C))
    files = write_windows(tmp_path, spikes, ["A", "B"] * 6 + ["B"], ["2026-01-01"] * 13)
    report = import_windows(*files)
    assert len(report.copies) == 1
    assert (
        "c3 (B, line 182) and c12 (B, line 722) look like one cell recorded again"
        in (report.copies[0])
    )
    assert {cell.group for cell in open_spikes(report.store).cells} == {""}


def test_windows_of_both_classes_are_refused_whatever_is_asked(tmp_path):
    spikes, labels = with_copy("SER")
    files = write_windows(tmp_path, spikes, labels, ["2026-01-01"] * 7)
    message = r"c1 \(NSER, line 12\) and c6 \(SER, line 62\) .*equal; which class is right\?"
    with pytest.raises(StoreError, match=message):
        import_windows(*files, on_copies="join")
