"""NWB files that are damaged, contradict themselves or reach beyond: one sentence each."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nwb_files import Entry, write_nwb, write_nwb1
from raphe.core.errors import RecordingError
from raphe.core.nwb import series as series_module
from raphe.core.nwb.pairs import read_pair
from raphe.core.nwb.reader import read_nwb

DATA, START = "acquisition/i/data", "acquisition/i/starting_time"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pynwb", reason="pynwb is an extra: pip install raphe[nwb]")
    entry = Entry("VoltageClampSeries", "i", np.arange(1000, dtype="i2"),
                  facts={"conversion": 1e-12})  # fmt: skip
    return write_nwb(tmp_path_factory.mktemp("sound") / "a.nwb", [entry])


@pytest.fixture
def broken(sound: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the sound file in which `change` was made."""

    def make(change: Callable[[h5py.File], Any]) -> Path:
        path = shutil.copy(sound, tmp_path / "a.nwb")
        with h5py.File(path, "a") as file:
            change(file)
        return path

    return make


def put(file: h5py.File, place: str, *data: Any, **layout: Any) -> None:
    """Another data set with the attributes of the one there."""
    attributes = dict(file[place].attrs)
    del file[place]
    file.create_dataset(place, *data, **layout)
    file[place].attrs.update(attributes)


BEYOND = {
    "a link": lambda file: file.update({"acquisition/x": h5py.ExternalLink("/etc/passwd", "/")}),
    "samples": lambda file: put(file, DATA, (10,), "i2", external=[("/etc/passwd", 0, 20)]),
}
FAULTS: list[tuple[Callable[[h5py.File], Any], str]] = [
    *((lambda file, rate=rate: file[START].attrs.modify("rate", np.float32(rate)),
       "expected a sampling rate in Hz") for rate in (0, np.nan)),
    (lambda file: file[START].attrs.modify("rate", np.float32(1e12)), "at most 10000000, got 9999"),
    (lambda file: file[START].write_direct(np.array(np.nan)), "a starting time in s, got nan"),
    (lambda file: file[DATA].attrs.modify("conversion", 0.0), "the conversion not 0, got 0 and 0"),
    (lambda file: file[DATA].attrs.modify("unit", "furlongs"), "unit to be A, .* got furlongs"),
    (lambda file: file[DATA].attrs.modify("unit", "pA"), "got pA with a conversion of 1e-12"),
    (lambda file: put(file, DATA, data=np.zeros(0, "i2")), "acquisition/i holds no samples"),
    (lambda file: put(file, DATA, data=np.zeros(9, "c8")), "acquisition/i holds no numbers"),
    (lambda file: put(file, DATA, data=np.zeros(9, [("a", "i4")])), "acquisition/i holds no num"),
    (lambda file: put(file, DATA, data=np.zeros((9, 2, 2), "i2")), "acquisition/i is not as NWB"),
    (lambda file: put(file, DATA, (2**28,), "i1", chunks=(2**28,)), "in chunks of 268 MB"),
    (lambda file: put(file, DATA, (10**12,), "i2", chunks=(99,)), "more than 2000 MB of data"),
    (lambda file: file["acquisition/i"].attrs.modify("neurodata_type", "X"), "no kind that NWB k"),
    (lambda file: file.attrs.modify("nwb_version", "9.1"), "expected NWB 2 or 1.0, got NWB 9.1"),
    (lambda file: file.attrs.__delitem__("nwb_version"), "HDF5 without an nwb_version"),
    (lambda file: file.update({"acquisition/x": h5py.SoftLink("/acquisition")}), "pynwb cannot re"),
]  # fmt: skip


@pytest.mark.parametrize("what", BEYOND)
def test_what_lies_in_another_file_is_not_read(broken, what: str) -> None:
    with pytest.raises(RecordingError, match="names another file; expected a file that is whole"):
        read_nwb(broken(BEYOND[what]))


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_each_fault_is_one_sentence(broken, number: int) -> None:
    change, words = FAULTS[number]
    path = broken(change)
    with pytest.raises(RecordingError, match=words) as refusal:
        read_nwb(path)
    sentence = str(refusal.value)
    assert sentence.startswith(str(path)) and sentence.isprintable() and len(sentence) < 400
    assert "Builder" not in sentence and "object" not in sentence


def test_a_unit_that_the_file_states_goes_before_that_of_the_kind(broken) -> None:
    def change(file: h5py.File) -> None:
        file[DATA].attrs.update({"unit": "pA", "conversion": 1.0})

    recording = read_nwb(broken(change))
    assert recording.unit == "pA"
    np.testing.assert_array_equal(recording.sweeps[0].read(), np.arange(1000))


def test_a_link_that_leads_nowhere_stops_no_other(broken) -> None:
    path = broken(lambda file: file.update({"acquisition/x": h5py.SoftLink("/nowhere")}))
    assert read_nwb(path).n_samples == 1000


def test_a_heap_in_which_hdf5_goes_round_is_refused(sound: Path, tmp_path: Path) -> None:
    content = bytearray(sound.read_bytes())
    heap = content.index(b"GCOL")
    entry = heap + 16
    while number := int.from_bytes(content[entry : entry + 2], "little"):
        n_bytes = int.from_bytes(content[entry + 8 : entry + 16], "little")
        entry, last = entry + 16 + -(-n_bytes // 8) * 8, number
    assert last and entry < heap + 4096
    content[entry + 8 : entry + 16] = bytes(8)  # the rest of the heap: of no size
    path = tmp_path / "a.nwb"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="that is whole, got one that is cut or damaged"):
        read_nwb(path)


def test_a_type_that_is_neither_text_nor_list_is_refused(sound: Path, tmp_path: Path) -> None:
    """HDF5's library reads its values through a pointer that nobody has set."""
    content = bytearray(sound.read_bytes())
    name = content.index(b"neurodata_type\0")  # of an attribute; its type follows
    kind = content.index(b"\x19\x01", name) + 1
    content[kind] = 0x0E
    path = tmp_path / "a.nwb"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="that is whole, got one that is cut or damaged"):
        read_nwb(path)


def test_large_chunks_are_unpacked_once(broken, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.arange(2000, dtype="i2").reshape(1000, 2)

    def change(file: h5py.File) -> None:
        put(file, DATA, data=samples[:, 0], chunks=(300,), compression="gzip")

    monkeypatch.setattr(series_module, "KEPT_CHUNK_BYTES", 100)
    sweep = read_nwb(broken(change)).sweeps[0]
    for start, stop in ((0, 1000), (299, 301), (300, 600), (950, 1000), (5, 5)):
        expected = samples[start:stop, 0] * np.float32(1e-12)
        np.testing.assert_allclose(sweep.read(start, stop), expected, rtol=1e-6)


NWB1_FAULTS: list[tuple[Callable[[h5py.File], Any], str]] = [
    (lambda file: (file.__delitem__("acquisition"), file.__delitem__("epochs")),
     "this is NWB 1.0.5, expected it to have acquisition/timeseries"),
    (lambda file: file.__delitem__("acquisition/timeseries/Sweep_3/starting_time"),
     "this is NWB 1.0.5, acquisition/Sweep_3: expected a starting_time with a rate, or timestamps"),
    (lambda file: file["acquisition/timeseries/Sweep_3/num_samples"].write_direct(np.array(9)),
     "expected num_samples to be that of its data, 500, got 9: the file is cut"),
    (lambda file: file.__delitem__("acquisition/timeseries/Sweep_3/data"),
     "acquisition/Sweep_3 has no data"),
    (lambda file: file.__delitem__("stimulus"), "for sweep 3, Sweep_3, it has no stimulus"),
    (lambda file: put(file, "acquisition/timeseries/Sweep_3/data", data=b"x"), "holds no numbers"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(NWB1_FAULTS)))
def test_a_part_that_nwb_1_lacks_is_named(tmp_path: Path, number: int) -> None:
    change, words = NWB1_FAULTS[number]
    path = write_nwb1(tmp_path / "a.nwb", {3: (np.full(500, -0.07), np.full(500, 1e-11))})
    assert read_pair(path).voltage.n_samples == 500
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(RecordingError, match=words):
        read_pair(path)
