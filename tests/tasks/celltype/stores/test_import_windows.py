"""Any labelled windows: what comes in stands in the store, and what does not fit is told."""

import csv
import shutil

import numpy as np
import pytest

from raphe.cli import main
from raphe.core.errors import StoreError
from raphe.core.files.store import check_store
from raphe.tasks.celltype.stores.import_windows import ROWS_AT_ONCE, import_windows
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, baseline_of
from raphe.tasks.celltype.stores.window_table import ColumnNames
from raphe.tasks.celltype.training.data import CellTypeData

LABELS = ["PV", "SST", "PV", "VIP", "SST", "VIP+PV"]


def write(folder, windows=None, rows=None, delimiter=","):
    """Six windows of four cells; returns the two files."""
    folder.mkdir(exist_ok=True)
    if windows is None:
        windows = np.arange(6 * 50, dtype=np.float64).reshape(6, 50)
        windows[:, 1:] += np.random.default_rng(0).integers(-20, 20, (6, 49))  # six shapes
    np.save(folder / "waveforms.npy", windows)
    if rows is None:
        cells = ["a", "b", "a", "c", "b", "d"]
        animals = ["m1", "m1", "m1", "m2", "m1", "m2"]
        rows = [
            {"label": label, "cell_id": cell, "animal": animal, "day": "2026-01-02"}
            for label, cell, animal in zip(LABELS, cells, animals, strict=True)
        ]
    with (folder / "units.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return folder / "waveforms.npy", folder / "units.csv"


def imported(tmp_path, *files, **options):
    report = import_windows(*files, tmp_path / "store", 20_000.0, "uV", overwrite=True, **options)
    return report, open_spikes(report.store)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_all_rows_with_their_own_rate_length_and_classes(tmp_path, delimiter):
    report, spikes = imported(tmp_path, *write(tmp_path, delimiter=delimiter))
    check_store(report.store)
    assert spikes.classes == ("PV", "SST", "VIP", "VIP+PV")
    assert (spikes.rate_hz, spikes.unit, spikes.n_samples) == (20_000.0, "uV", 50)
    assert spikes.cells == [
        Cell("a", 0, "2026-01-02", "m1"),
        Cell("b", 1, "2026-01-02", "m1"),
        Cell("c", 2, "2026-01-02", "m2"),
        Cell("d", 3, "2026-01-02", "m2"),
    ]
    assert spikes.cell[:].tolist() == [0, 1, 0, 2, 1, 3]
    assert (spikes.trigger[:] == -1).all()
    np.testing.assert_array_equal(spikes.read(np.arange(6)), np.load(tmp_path / "waveforms.npy"))
    assert set(spikes.facts["sources"]) == {"waveforms.npy", "units.csv"}
    assert baseline_of(spikes.facts) == 0
    assert report.left_out == {}


def test_classes_are_chosen_ordered_and_merged(tmp_path):
    files = write(tmp_path)
    report, spikes = imported(tmp_path, *files, classes=["VIP", "PV"], merge={"VIP+PV": "VIP"})
    assert spikes.classes == ("VIP", "PV")
    assert spikes.label[:].tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(spikes.read(np.arange(4))[:, 0], [0, 100, 150, 250])
    assert report.per_class == {"VIP": (2, 2), "PV": (1, 2)}
    assert report.left_out == {"SST": 2}


def test_case_tells_neither_columns_nor_classes_apart(tmp_path):
    rows = [
        {"Label": label, "Cell_Id": cell, "DAY": "2026-01-02"}
        for label, cell in zip(["SER", "ser", "Nser", "NSER", "nser", "SER"], "aabbcd", strict=True)
    ]
    files = write(tmp_path, rows=rows)
    report, spikes = imported(tmp_path, *files)
    assert spikes.classes == ("SER", "Nser")  # as the table spells them first
    assert report.per_class == {"SER": (2, 3), "Nser": (2, 3)}
    assert spikes.cells[0] == Cell("a", 0, "2026-01-02")
    report, spikes = imported(tmp_path, *files, classes=["nser", "SER"])
    assert spikes.classes == ("Nser", "SER")
    merged, _ = imported(tmp_path, *write(tmp_path), merge={"vip+pv": "vip"})
    assert merged.per_class["VIP"] == (2, 2)


def test_columns_have_the_users_names_and_rows_are_cells_without_ids(tmp_path):
    rows = [{"row": n, "type": label, "mouse": f"m{n}"} for n, label in enumerate(LABELS)]
    files = write(tmp_path, rows=rows)
    names = ColumnNames(label="type", animal="mouse")
    _, spikes = imported(tmp_path, *files, names=names, baseline_ms=0.2)
    assert [cell.cell_id for cell in spikes.cells] == list("012345")
    assert [cell.animal for cell in spikes.cells] == [f"m{n}" for n in range(6)]
    assert baseline_of(spikes.facts) == 0.2


def test_sources_and_a_note_are_kept(tmp_path):
    rows = [{"label": label, "lab": f"L{n % 2}"} for n, label in enumerate(LABELS)]
    names = ColumnNames(source="lab")
    report, spikes = imported(tmp_path, *write(tmp_path, rows=rows), names=names, note="Few.")
    check_store(report.store)
    assert [cell.source for cell in spikes.cells] == ["L0", "L1"] * 3
    assert spikes.note == "Few."
    _, without = imported(tmp_path, *write(tmp_path, rows=rows))
    assert {cell.source for cell in without.cells} == {""} and without.note == ""


def test_many_windows_come_in_blocks(tmp_path):
    n = 2 * ROWS_AT_ONCE + 5
    windows = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    of_cell = np.random.default_rng(1).integers(0, 6, n)
    rows = [{"label": "AB"[cell % 2], "cell_id": f"c{cell}"} for cell in of_cell]
    report, spikes = imported(tmp_path, *write(tmp_path, windows, rows))
    assert (report.n_spikes, report.n_cells) == (n, 6)
    np.testing.assert_array_equal(spikes.read(np.arange(n)), windows)
    ids = [cell.cell_id for cell in spikes.cells]
    assert sorted(ids) == [f"c{i}" for i in range(6)]
    assert [ids[cell] for cell in spikes.cell[:]] == [f"c{cell}" for cell in of_cell]


def test_a_store_of_three_classes_is_taken_for_training(tmp_path):
    rows = [{"label": "ABC"[n % 3], "cell_id": f"c{n // 2 * 3 + n % 3}"} for n in range(36)]
    windows = np.random.default_rng(0).normal(size=(36, 40))
    report, _ = imported(tmp_path, *write(tmp_path, windows, rows))
    data = CellTypeData(report.store)
    data.setup()
    assert data.facts == {"classes": ["A", "B", "C"], "n_samples": 40, "rate_hz": 20_000.0}


def refused(tmp_path, message, *files, **options):
    with pytest.raises(StoreError, match=message) as error:
        imported(tmp_path, *files, **options)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (np.zeros((5, 50)), r"has 6 rows but .*waveforms\.npy has 5 windows"),
        (np.zeros((6, 50, 2)), r"got \(6, 50, 2\) float64; of several channels take the largest"),
        (np.zeros((6, 3)), r"4 samples or more, got \(6, 3\)"),
        (np.full((6, 50), "x"), r"expected numbers .* <U1"),
        (np.full((6, 50), None), "holds Python objects, which could run code"),
        (np.zeros((6, 50)), r"none of its 6 windows is a waveform: window 0 .* is zero throughout"),
        (np.zeros((50, 6)), r"has 6 rows but .*50 windows; .* seems to be \(samples, windows\)"),
    ],
)
def test_arrays_that_do_not_fit_are_told(tmp_path, windows, message):
    refused(tmp_path, message, *write(tmp_path, windows))


def table(**columns):
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values())]  # noqa: B905


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table(kind=LABELS), r"expected a column 'label', got kind; .*--label-column"),
        (
            table(label=LABELS, cell_id=["a", "b", "c", "d", "e", "a"]),
            r"cell a has label PV in line 2 but VIP\+PV in line 7",
        ),
        (
            table(label=["A", "A", *"BBBB"], cell_id=list("aabcde"), animal=["m", "", *"nnnn"]),
            "cell a has animal m in line 2 but unknown in line 3",
        ),
        (table(label=LABELS, cell_id=["a", "", *"cdef"]), "line 3: expected a cell_id, got a bl"),
        (table(label=LABELS, day=["12.3.2026"] * 6), r"line 2: expected a day such as 2014-03-13"),
        (
            table(label=["A", "", *"BBBB"], cell_id=list("abcdef")),
            "line 3: has no label; write one",
        ),
        (
            table(label=["A", "NaN", "?", *"BBB"], cell_id=list("abcdef")),
            r"line 3 \(and 1 more row\): has no label, 'NaN' names no class; write one",
        ),
        (
            table(label=["A", "B"] * 3, cell_id=list("uvuvuv"), session=list("112233")),
            "cell u has session 1 in line 2 but 2 in line 4: do its ids begin anew there.*1/u",
        ),
        (
            table(label=["A", "B", "A"] * 2, cell_id=["0", "1", "2"] * 2),
            "line 5: the ids begin anew with 0; of units of another session give each an id of its",
        ),
        (table(label=["A"] * 6), "expected 2 to 255 classes, each once, got A"),
        (table(label=LABELS, row=[2, 1, 0, 3, 4, 5]), "do not stand in the order of the windows"),
        (
            table(**{"": [2, 1, 0, 3, 4, 5]}, label=LABELS),
            "column, which has no name, says",
        ),
        (table(**{"Unnamed: 0": [6, 1, 2, 3, 4, 5]}, label=LABELS), "column Unnamed: 0 says that"),
        (table(label=LABELS, row=[1, 2, 3, 4, 6, 5]), "sort the table by row"),
    ],
)
def test_tables_that_do_not_fit_are_told(tmp_path, rows, message):
    refused(tmp_path, message, *write(tmp_path, rows=rows))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["PV", "XY"]}, "no row is labelled 'XY', its labels are PV, SST, VIP, VIP.PV"),
        ({"classes": ["PV", "PV"]}, "each class once, whatever the case, got PV and PV"),
        ({"classes": ["PV", "pv"]}, "each class once, whatever the case, got PV and pv"),
        ({"classes": ["PV", "NaN"]}, "'NaN' is the name of no class"),
        ({"classes": ["PV"]}, "expected 2 to 255 classes"),
        ({"merge": {"XY": "PV"}}, "'XY', .* correct --merge"),
        ({"names": ColumnNames(animal="rat")}, "there is no column 'rat'.*correct --animal-column"),
        ({"baseline_ms": 3.0}, "--baseline-ms 3: expected 0 or more and less than .* 2.5 ms"),
    ],
)
def test_options_that_do_not_fit_are_told(tmp_path, options, message):
    refused(tmp_path, message, *write(tmp_path), **options)


def test_windows_that_are_no_waveform_are_left_out_and_told(tmp_path):
    windows = np.random.default_rng(0).normal(size=(6, 50))
    windows[1, 7], windows[2], windows[4] = np.nan, 0, 12.5
    report, spikes = imported(tmp_path, *write(tmp_path, windows))
    assert report.empty == [
        "window 1 (counted from 0; cell b, line 3) holds NaN or infinity",
        "window 2 (counted from 0; cell a, line 4) is zero throughout",
        "window 4 (counted from 0; cell b, line 6) is one value throughout",
    ]
    assert [(cell.cell_id, n) for cell, n in zip(spikes.cells, spikes.counts, strict=True)] == [
        ("a", 1), ("c", 1), ("d", 1)
    ]  # fmt: skip
    np.testing.assert_array_equal(spikes.read(np.arange(3)), windows[[0, 3, 5]].astype("f4"))
    assert report.per_class["SST"] == (0, 0)


def test_the_command_lists_what_is_left_out_and_which_labels_are_one(tmp_path, capsys):
    windows = np.random.default_rng(0).normal(size=(6, 50))
    windows[5] = 0
    waveforms, units = write(tmp_path, windows, table(label=["PV", "pv", "B", "Pv", "b", "B"]))
    command = ["import", "windows", str(waveforms), str(units), str(tmp_path / "store")]
    assert main([*command, "--rate-hz", "20000", "--unit", "uV"]) == 1
    told = capsys.readouterr().err
    assert "labels that differ in case (2):\n  pv and Pv are counted as PV\n  b is" in told
    assert "left out (1):\n  window 5 (counted from 0; cell 5, line 7) is zero" in told
    assert "warning: store written, 1 window left out (exit code 1)" in told
    assert main([*command, "--rate-hz", "1e300", "--unit", "uV"]) == 2
    assert "from 1000 to 1000000, got 1e+300" in capsys.readouterr().err
    assert main([*command, "--rate-hz", "20000", "--unit", " "]) == 2
    assert "--unit: expected the unit of the windows' values" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([*command, "--rate-hz", "20000", "--unit", "uV", "--classes", "PV,pv"])
    assert ended.value.code == 2
    assert "argument --classes: --classes: expected each" not in (told := capsys.readouterr().err)
    assert "expected each class once, whatever the case, got PV and pv" in told


def test_ids_of_several_sessions_are_refused_in_any_order_and_windows_of_a_cell_taken(tmp_path):
    rng = np.random.default_rng(0)
    sessions = np.concatenate([rng.permutation(12), rng.permutation(12)[:10], rng.permutation(12)])
    rows = table(label=["AB"[cell % 2] for cell in sessions], cell_id=[*map(str, sessions)])
    windows = rng.normal(size=(len(rows), 20))
    refused(tmp_path, "line 14: the ids begin anew with", *write(tmp_path, windows, rows))
    for cells in (np.repeat(np.arange(12), 3), rng.integers(0, 12, 60), rng.integers(0, 99, 400)):
        rows = table(label=["AB"[cell % 2] for cell in cells], cell_id=[*map(str, cells)])
        windows = rng.normal(size=(len(rows), 20))
        report, _ = imported(tmp_path, *write(tmp_path, windows, rows))
        assert report.n_cells == len(set(cells))


def test_windows_that_lie_the_other_way_are_refused(tmp_path):
    time = np.arange(60)
    rng = np.random.default_rng(0)
    windows = np.exp(-(((time - 30) / rng.uniform(4, 9, (60, 1))) ** 2))
    windows += rng.normal(0, 0.05, windows.shape)
    rows = table(label=["A", "B"] * 30)
    imported(tmp_path, *write(tmp_path, windows, rows))
    shutil.rmtree(tmp_path / "store")
    refused(
        tmp_path,
        "the rows follow each other as samples in time do .*; transpose",
        *write(tmp_path, windows.T, rows),
    )


def test_files_that_are_not_there_are_told(tmp_path):
    waveforms, units = write(tmp_path)
    message = r"nowhere\.npy: there is no such file"
    refused(tmp_path, message, tmp_path / "nowhere.npy", units)
    refused(tmp_path, "nowhere.csv: there is no such file", waveforms, tmp_path / "nowhere.csv")
    with pytest.raises(StoreError, match=r"--rate-hz: expected .*, got 40; .* kHz, give 40000"):
        import_windows(waveforms, units, tmp_path / "store", 40, "uV")


def test_the_tagged_units(tmp_path, real_data):
    files = real_data("celltypes", "waveforms.npy"), real_data("celltypes", "units.csv")
    classes = ["PV", "SST", "VIP", "Axo_Axonic", "Pyramidal"]
    report, spikes = imported(tmp_path, *files, classes=classes)
    assert {name: n for name, (n, _) in report.per_class.items()} == {
        "PV": 11, "SST": 8, "VIP": 7, "Axo_Axonic": 25, "Pyramidal": 6,
    }  # fmt: skip
    assert report.left_out == {"PV+VGAT": 1, "VGAT": 3}
    assert len({cell.animal for cell in spikes.cells}) == 16
    windows = np.load(files[0])
    rows = [int(cell.cell_id) for cell in spikes.cells]
    np.testing.assert_array_equal(spikes.read(np.arange(57)), windows[rows])


@pytest.mark.parametrize(
    ("factor", "unit", "message"),
    [
        (1e-6, "uV", r"come to 8e-05 uV, and no spike is that small; correct --unit"),
        (1e9, "pA", r"come to 8e\+10 pA, and no amplifier gives more; correct --unit"),
        (1e-12, "pA", "no spike is that small"),
        (1e-6, "V", None),
        (1.0, "uV", None),
        (1e-6, "a.u.", None),  # normalised: nothing is known of its size
        (1e9, "counts", None),
    ],
)
def test_values_that_no_spike_has_in_their_unit_are_refused(tmp_path, factor, unit, message):
    windows = np.random.default_rng(0).normal(size=(6, 50))
    windows *= 80 * factor / np.abs(windows).max()
    files = write(tmp_path, windows)
    arguments = (*files, tmp_path / "store", 20_000.0, unit)
    if message is None:
        assert open_spikes(import_windows(*arguments).store).unit == unit
        return
    with pytest.raises(StoreError, match=message):
        import_windows(*arguments)
    assert not (tmp_path / "store").exists()


def test_rows_in_order_may_have_a_numbered_column_without_name(tmp_path):
    rows = table(**{"": [1, 2, 3, 4, 5, 6]}, label=LABELS)
    assert imported(tmp_path, *write(tmp_path, rows=rows))[0].n_spikes == 6
