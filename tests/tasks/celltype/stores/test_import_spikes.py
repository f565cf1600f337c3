"""The authors' single-spike files become a store, and doubtful ones are asked about."""

import sys
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import StoreError
from raphe.tasks.celltype.recordings.file_names import label_from_folders, parse_window_name
from raphe.tasks.celltype.stores.import_spikes import import_csv
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_csv import parse_columns
from raphe.tasks.celltype.stores.spike_set import Cell

TIME_S = np.arange(160) / 40_000


def current(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 30, 160).round(2)


def write_spike(path: Path, seed=0, time_first=True, time_s=TIME_S, header="t,i\n", end="\n"):
    columns = (time_s, current(seed)[: len(time_s)])
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = zip(*(columns if time_first else columns[::-1]), strict=True)
    path.write_text(header + end.join(f"{a:.6f},{b:.6f}" for a, b in rows) + end, newline="")


def authors_layout(folder: Path) -> Path:
    cells = (("SER", "A131024#089"), ("SER", "A131024#090"), ("NSER", "A140313#073"))
    for number, (label, cell) in enumerate(cells):
        for trigger in (100 + number, 9000 + number, 70_000 + number):
            write_spike(folder / label / cell / f"{cell}_trigger_{trigger}.csv", trigger)
    return folder


def test_the_authors_layout(tmp_path):
    data = authors_layout(tmp_path / "data")
    write_spike(data / "SER" / "A131024#089_IMAGES" / "A131024#089_trigger_5.csv")
    report = import_csv(data, tmp_path / "store")
    assert (report.n_spikes, report.n_cells) == (9, 3)
    assert report.per_class == {"SER": (2, 6), "NSER": (1, 3)}
    assert (report.failed, report.other_length, report.repeated) == ([], [], [])
    spikes = open_spikes(tmp_path / "store")
    assert Cell("A140313#073", 1, "2014-03-13") in spikes.cells
    for row in range(9):
        np.testing.assert_allclose(
            spikes.read(slice(row, row + 1))[0], current(int(spikes.trigger[row])), rtol=1e-6
        )
        assert spikes.cells[spikes.cell[row]].label == spikes.label[row]


def test_either_column_may_be_the_time_and_line_ends_and_headers_vary(tmp_path):
    folder = tmp_path / "SER"
    write_spike(folder / "a_trigger_1.csv", 1, time_first=False)
    write_spike(folder / "a_trigger_2.csv", 2, end="\r\n")
    write_spike(folder / "a_trigger_3.csv", 3, header="")
    write_spike(folder / "a_trigger_4.csv", 4, time_s=TIME_S + 25.189625)
    import_csv(tmp_path, tmp_path / "store")
    spikes = open_spikes(tmp_path / "store")
    assert spikes.trigger.tolist() == [1, 2, 3, 4]
    for row in range(4):
        np.testing.assert_allclose(spikes.read(slice(row, row + 1))[0], current(row + 1), 1e-6)


def test_the_class_folder_itself_can_be_given(tmp_path):
    report = import_csv(authors_layout(tmp_path / "data") / "NSER", tmp_path / "store")
    assert report.per_class == {"SER": (0, 0), "NSER": (1, 3)}


@pytest.mark.parametrize("kind", ["neither", "each"])
def test_a_file_that_does_not_tell_its_time_column_is_asked_about(tmp_path, kind):
    data = authors_layout(tmp_path / "data")
    odd = data / "SER" / "A131024#089" / "A131024#089_trigger_44.csv"
    time_s = TIME_S.round(4) if kind == "neither" else TIME_S
    ramp = np.linspace(-80, 20, 160) if kind == "each" else current(44)
    odd.write_text("i,t\n" + "".join(f"{a},{b:.6f}\n" for a, b in zip(ramp, time_s, strict=True)))
    with pytest.raises(StoreError, match=rf"1 file .*trigger_44\.csv: {kind}.*--time-column"):
        import_csv(data, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    import_csv(data, tmp_path / "store", time_column=1)
    spikes = open_spikes(tmp_path / "store")
    row = int(np.flatnonzero(spikes.trigger == 44)[0])
    np.testing.assert_allclose(spikes.read(slice(row, row + 1))[0], ramp, rtol=1e-6)
    assert spikes.n == 10  # the answer changes nothing for files that tell


@pytest.mark.parametrize(
    ("header", "in_s", "in_pa"),
    [
        ("Time (s),Current (pA)", 1, 1),
        ("Time (ms),Current [nA]", 1000, 1e-3),
        ("t_ms,I_nA", 1000, 1e-3),
        ("Time (µs),Current (A)", 1e6, 1e-12),
    ],
)
def test_units_of_the_header_are_converted(tmp_path, header, in_s, in_pa):
    (tmp_path / "SER").mkdir()
    rows = zip((TIME_S * in_s).tolist(), (current(1) * in_pa).tolist(), strict=True)
    text = header + "".join(f"\n{a!r},{b!r}" for a, b in rows)
    (tmp_path / "SER" / "a_trigger_1.csv").write_text(text)
    (tmp_path / "SER" / "a_trigger_2.csv").write_text(
        text.replace(",", ";").replace(".", ",").replace("current", "x")  # as Excel in Europe
    )
    report = import_csv(tmp_path, tmp_path / "store", on_copies="keep")
    assert not report.failed and report.n_spikes == 2
    spikes = open_spikes(tmp_path / "store").read(slice(None))
    np.testing.assert_allclose(spikes, [current(1), current(1)], rtol=1e-6)


def test_what_is_no_current_is_refused(tmp_path):
    data = authors_layout(tmp_path / "data")
    cell = data / "SER" / "A131024#089"
    write_spike(cell / "x_trigger_1.csv", 1, header="Time (s),Vm (mV)\n")
    write_spike(cell / "x_trigger_2.csv", 2, header="V (mV),Current (pA)\n")
    (cell / "x_trigger_3.csv").write_text(  # in A, and nothing says so
        "t,i\n"
        + "".join(
            f"{a!r},{b!r}\n"
            for a, b in zip(TIME_S.tolist(), (current(3) * 1e-12).tolist(), strict=True)
        )
    )
    write_spike(cell / "x_trigger_4.csv", 4, header="Time (s),Current (mA)\n")
    reasons = {f.path.name: f.message for f in import_csv(data, tmp_path / "store").failed}
    assert "pA, and no amplifier gives more; is it in" in reasons["x_trigger_4.csv"]
    assert "expected samples in pA, the header names mV" in reasons["x_trigger_1.csv"]
    assert (
        "expected a time, the columns are 'V (mV)' and 'Current (pA)'" in reasons["x_trigger_2.csv"]
    )
    assert "no spike is that small; is it in another unit? Name that" in reasons["x_trigger_3.csv"]


def test_other_lengths_are_counted_and_broken_files_listed(tmp_path):
    data = authors_layout(tmp_path / "data")
    cell = data / "SER" / "A131024#089"
    write_spike(cell / "x_trigger_1.csv", time_s=TIME_S[:120])
    (cell / "x_trigger_2.csv").write_text("")
    (cell / "x_trigger_3.csv").write_text("t,i\n" + "0.1,nonsense\n" * 160)
    (cell / "x_trigger_4.csv").write_text("t,i\n" + "0.1,1,2\n" * 160)
    (cell / "x_trigger_5.csv").write_text("t,i\n" + "0.1,nan\n" * 160)
    write_spike(cell / "x_trigger_6.csv", time_s=TIME_S * 2)
    write_spike(data / "unsorted" / "y_trigger_7.csv")
    report = import_csv(data, tmp_path / "store")
    assert report.n_spikes == 9
    assert [(file.name, rows) for file, rows in report.other_length] == [
        ("x_trigger_1.csv", 120),
        ("x_trigger_2.csv", 0),
    ]
    reasons = {failure.path.name: failure.message for failure in report.failed}
    assert "line 2: expected numbers, column i holds 'nonsense'" in reasons["x_trigger_3.csv"]
    assert "line 2: expected 2 columns as the header names" in reasons["x_trigger_4.csv"]
    assert "NaN" in reasons["x_trigger_5.csv"]
    assert "time step of 2.5e-05 s (40000 Hz), got 5e-05" in reasons["x_trigger_6.csv"]
    assert "in no folder named SER or NSER" in reasons["y_trigger_7.csv"]


def test_a_copied_file_counts_once_and_a_different_one_of_its_name_is_told(tmp_path):
    data = authors_layout(tmp_path / "data")
    name = "A131024#089_trigger_100.csv"
    write_spike(data / "SER" / "copy" / name, 100)
    write_spike(data / "SER" / "later" / name, 101)
    report = import_csv(data, tmp_path / "store")
    assert report.n_spikes == 9
    assert [file.parent.name for file in report.repeated] == ["copy"]
    assert "same name and other values" in report.failed[0].message


def test_a_cell_in_both_classes_is_an_error(tmp_path):
    data = authors_layout(tmp_path / "data")
    write_spike(data / "NSER" / "A131024#089_trigger_8.csv", 8)
    with pytest.raises(StoreError, match=r"A131024#089 is .* in one place"):
        import_csv(data, tmp_path / "store")


def test_nothing_to_import_is_told(tmp_path):
    with pytest.raises(StoreError, match=r"no \.csv file"):
        import_csv(tmp_path, tmp_path / "store")
    with pytest.raises(StoreError, match="there is no such folder"):
        import_csv(tmp_path / "nowhere", tmp_path / "store")
    write_spike(tmp_path / "SER" / "a_trigger_1.csv", time_s=TIME_S[:10])
    with pytest.raises(StoreError, match=r"1 .csv file, none a spike.*: 1 of another length"):
        import_csv(tmp_path, tmp_path / "store")


def test_the_real_spike_read_off_the_published_figure(tmp_path, real_data):
    file = real_data("figures", "A140313#073_trigger_1007585.csv")
    (tmp_path / "SER").mkdir()
    (tmp_path / "SER" / file.name).write_bytes(file.read_bytes())
    import_csv(tmp_path, tmp_path / "store")
    spikes = open_spikes(tmp_path / "store")
    window = spikes.read(slice(None))[0]
    assert spikes.cells == [Cell("A140313#073", 0, "2014-03-13")]
    assert spikes.trigger.tolist() == [1007585]
    assert int(np.argmax(window < -50)) == 40
    assert int(np.argmin(window)) == 42
    assert -80 < window.min() < -78


def test_names():
    assert parse_window_name("3mean_A131024#140_trigger_1001976.csv") == ("A131024#140", 1001976)
    assert parse_window_name("A131024#089_trigger_5.csv") == ("A131024#089", 5)
    assert parse_window_name("cell7_trigger_5.csv") == ("cell7", 5)
    assert parse_window_name("cell7.csv") == ("cell7", -1)
    assert label_from_folders(("data", "ser", "x"), ("SER", "NSER")) == 0
    assert label_from_folders(("SER", "NSER"), ("SER", "NSER")) == 1  # the nearer one
    assert label_from_folders(("SERIES",), ("SER", "NSER")) is None


def test_parsing_keeps_up_with_43_000_files():
    """No function written in Python is called for each row: half a millisecond a file."""

    def calls(n_rows: int) -> int:
        events = []
        data = b"t,i\n" + b"0.000025,-12.50\n" * n_rows
        before = sys.getprofile()
        sys.setprofile(lambda frame, event, _: events.append(event))
        try:
            parse_columns(data)
        finally:
            sys.setprofile(before)
        return events.count("call")

    assert calls(100) == calls(300) < 900
