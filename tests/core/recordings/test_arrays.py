"""Files are opened whole or refused in a sentence; rows leave nothing in memory."""

import os
import pickle
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.errors import RecordingError, StoreError
from raphe.core.recordings import arrays
from raphe.core.recordings.arrays import ArrayFile, load_array, load_arrays, open_array

N = 1000


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[np.ndarray, Path]:
    array = np.random.default_rng(0).normal(size=(N, 3, 2))
    path = tmp_path_factory.mktemp("array") / "array.npy"
    np.save(path, array)
    return array, path


def opened(path: Path) -> ArrayFile:
    return ArrayFile.of(np.load(path, mmap_mode="r"))


@settings(max_examples=50)
@given(bounds=st.lists(st.integers(0, N), max_size=20, unique=True))
def test_spans_and_rows_are_numpys(saved, bounds):
    array, path = saved
    cuts = np.sort(np.array(bounds[: len(bounds) // 2 * 2], int)).reshape(-1, 2)
    spans = [array[start:stop] for start, stop in cuts]
    expected = np.concatenate([array[:0], *spans])
    out = np.empty_like(expected)
    opened(path).read(cuts[:, 0], cuts[:, 1], out)
    np.testing.assert_array_equal(out, expected)
    rows = np.array(bounds, int) % N
    np.testing.assert_array_equal(opened(path)[rows], array[rows])


def test_items_of_another_kind_are_converted(tmp_path):
    np.save(tmp_path / "big.npy", np.arange(10, dtype=">f8"))
    out = np.empty(4, np.float32)
    opened(tmp_path / "big.npy").read(np.array([1, 7]), np.array([3, 9]), out)
    assert out.tolist() == [1, 2, 7, 8]


def test_what_was_read_stays_neither_in_memory_nor_open(tmp_path):
    n, width = 60_000, 1000  # 480 MB, of which the file holds nothing but the last item
    array = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", float, (n, width))
    array[-1, -1] = 7
    del array
    file, process = opened(tmp_path / "a.npy"), psutil.Process()
    files, before, most = process.num_fds(), process.memory_info().rss, 0
    out = np.empty((2000, width))
    for start in range(0, n, len(out)):
        file.read(np.array([start]), np.array([start + len(out)]), out)
        most = max(most, process.memory_info().rss)
    assert out[-1, -1] == 7
    assert most - before < 64e6  # `out` is 16 MB
    assert process.num_fds() == files


@pytest.mark.parametrize("limit", [0, 2**27])
def test_large_files_are_mapped_for_one_call_alone(saved, monkeypatch, limit):
    monkeypatch.setattr(arrays, "KEPT_MAP_BYTES", limit)
    array, path = saved
    file, before = opened(path), psutil.Process().num_fds()
    np.testing.assert_array_equal(file[np.array([5, 1])], array[[5, 1]])
    assert psutil.Process().num_fds() == before + (limit > 0)
    assert len(pickle.dumps(file)) < 400
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(file))[np.array([9])], array[[9]])


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-8]), "was replaced while it was in use"),
        (lambda path: os.utime(path, (1, 1)), "was replaced while it was in use"),
        (lambda path: path.unlink(), "could not be read"),
    ],
)
def test_a_file_changed_since_it_was_opened_is_told(tmp_path, harm, told):
    np.save(tmp_path / "a.npy", np.arange(10))
    file = opened(tmp_path / "a.npy")
    harm(tmp_path / "a.npy")
    with pytest.raises(StoreError, match=rf"a\.npy: {told}"):
        file.read(np.array([0]), np.array([10]), np.empty(10, int))


def test_a_file_that_ends_too_early_is_told(tmp_path):
    (tmp_path / "a.npy").write_bytes(bytes(20))
    file = ArrayFile(tmp_path / "a.npy", "<i8", (10,), 0)
    with pytest.raises(StoreError, match=r"a\.npy: ends too early"):
        file.read(np.array([0]), np.array([10]), np.empty(10, np.int64))


ARRAY = np.arange(600.0).reshape(6, 100)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of each kind, sound or not."""
    tmp_path = tmp_path_factory.mktemp("files")
    np.save(tmp_path / "sound.npy", ARRAY)
    np.save(tmp_path / "none.npy", ARRAY[:0])
    np.savez(tmp_path / "sound.npz", first=ARRAY, second=np.array("text"))
    np.save(tmp_path / "objects.npy", np.full(3, None), allow_pickle=True)
    np.savez(tmp_path / "objects.npz", first=np.full(3, None))
    whole, archive = ((tmp_path / name).read_bytes() for name in ("sound.npy", "sound.npz"))
    (tmp_path / "archive.npy").write_bytes(archive)
    (tmp_path / "cut_archive.npy").write_bytes(archive[:-20])
    (tmp_path / "array.npz").write_bytes(whole)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(ARRAY))
    for name, content in (("npy", whole), ("npz", archive)):
        (tmp_path / f"empty.{name}").touch()
        (tmp_path / f"cut.{name}").write_bytes(content[: len(content) * 2 // 3])
        (tmp_path / f"head.{name}").write_bytes(content[:20])
        (tmp_path / f"folder.{name}").mkdir()
    (tmp_path / "damaged.npz").write_bytes(archive[:300] + bytes(40) + archive[340:])
    (tmp_path / "header.npy").write_bytes(whole.replace(b"(6, 100)", b"(6, 10( "))
    absurd = whole.replace(b"(6, 100), }         ", b"(60000000000, 100,)}")
    assert len(absurd) == len(whole)
    (tmp_path / "absurd.npy").write_bytes(absurd)
    (tmp_path / "two.npy").write_bytes(whole + whole)
    (tmp_path / "nothing.npy").write_bytes(whole.replace(b"<f8", b"<U0"))
    (tmp_path / "torch.npy").write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M")
    os.mkfifo(tmp_path / "pipe.npy")
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "link.npy").symlink_to(tmp_path / "gone.npy")
    for name, entries in (
        ("torch.npz", ["weights/data.pkl", "weights/data/0"]),
        ("text.npz", ["word/document.xml"]),
        ("twice.npz", ["first.npy", "first.npy"]),
        ("nobody.npz", []),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a name comes twice
            for entry in entries:
                file.writestr(entry, whole)
    (tmp_path / "torch_zip.npy").write_bytes((tmp_path / "torch.npz").read_bytes())
    with zipfile.ZipFile(tmp_path / "promise.npz", "w") as file:
        file.writestr("first.npy", absurd)
    encrypted = bytearray(archive)
    for start in (archive.index(b"PK\3\4") + 6, archive.index(b"PK\1\2") + 8):
        encrypted[start] |= 1
    (tmp_path / "locked.npz").write_bytes(encrypted)
    return tmp_path


def test_sound_files_are_read_in_memory_mapped_or_by_name(files: Path) -> None:
    np.testing.assert_array_equal(load_array(files / "sound.npy", StoreError), ARRAY)
    mapped = open_array(str(files / "sound.npy"), StoreError)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, ARRAY)
    assert load_array(files / "none.npy", StoreError).shape == (0, 100)
    assert open_array(files / "none.npy", StoreError).shape == (0, 100)
    arrays = load_arrays(files / "sound.npz", StoreError)
    np.testing.assert_array_equal(arrays["first"], ARRAY)
    assert (list(arrays), str(arrays["second"])) == (["first", "second"], "text")


@pytest.mark.parametrize("read", [load_array, open_array])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.npy", "there is no such file"),
        ("folder.npy", "expected a file, got a folder"),
        ("pipe.npy", "expected a file, got a pipe"),
        ("link.npy", r"is a link to .*gone\.npy, where there is no file"),
        ("torch.npy", r"got a PyTorch file; save its weights as arrays"),
        ("torch_zip.npy", r"got a PyTorch file; save its weights as arrays"),
        ("empty.npy", "got an empty file; copy it anew"),
        ("archive.npy", "got several in a zip"),
        ("cut_archive.npy", r"got a zip \(as \.npz is\) that is not whole; copy it anew"),
        ("pickle.npy", "got a Python pickle, which could run code"),
        ("absurd.npy", "promises 60000000000×100 float64, 48000000000128 bytes, it has 4928"),
        ("two.npy", "4928 more follow: several arrays in one file"),
        ("nothing.npy", "is not an .npy array that is whole"),
        ("objects.npy", "holds Python objects, which could run code"),
        ("cut.npy", "is not an .npy array that is whole"),
        ("head.npy", "is not an .npy array that is whole"),
        ("header.npy", "is not an .npy array that is whole"),
    ],
)
def test_what_is_no_array_is_told_in_a_sentence(files: Path, read, name, message) -> None:
    with pytest.raises(RecordingError, match=rf"{name}: .*{message}") as caught:
        read(files / name, RecordingError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.npz", "there is no such file"),
        ("pipe.npz", "expected a file, got a pipe"),
        ("torch.npz", r"got a PyTorch file; save its weights as arrays"),
        ("text.npz", r"got a zip file that holds word/document\.xml"),
        ("nobody.npz", "got a zip file that holds nothing"),
        ("twice.npz", "holds two arrays of one name"),
        ("promise.npz", ", array first: .*promises 60000000000×100 float64"),
        ("locked.npz", "is locked with a password"),
        ("empty.npz", "got an empty file"),
        ("array.npz", "got a single one"),
        ("objects.npz", ", array first: holds Python objects"),
        ("cut.npz", "is not an .npz file of arrays that is whole"),
        ("head.npz", "is not an .npz file of arrays that is whole"),
        ("damaged.npz", "is not an .npz file of arrays that is whole"),
    ],
)
def test_what_is_no_archive_of_arrays_is_told_in_a_sentence(files: Path, name, message) -> None:
    with pytest.raises(RecordingError, match=rf"{name}.*{message}") as caught:
        load_arrays(files / name, RecordingError)
    assert "\n" not in str(caught.value)


def test_what_would_unpack_to_far_more_than_a_recording_is_refused(tmp_path, monkeypatch) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", np.zeros(1_000_000))
    assert load_arrays(tmp_path / "bomb.npz", StoreError)["arr_0"].shape == (1_000_000,)
    monkeypatch.setattr(arrays, "MOST_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(StoreError, match=r"bomb\.npz: its 0\.00\d+ MB would unpack to 0\.008 GB"):
        load_arrays(tmp_path / "bomb.npz", StoreError)


def test_room_is_not_made_for_a_header_that_says_it_is_large(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    with file.open("wb") as whole:
        np.lib.format.write_array(whole, np.zeros(3), version=(2, 0))
    content = bytearray(file.read_bytes())
    content[8:12] = (2 * 10**9).to_bytes(4, "little")
    file.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(StoreError, match="its header is damaged"):
        open_array(file, StoreError)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


@settings(max_examples=200)
@given(st.data())
def test_random_damage_gives_an_array_or_the_callers_error(tmp_path_factory, data) -> None:
    kind = data.draw(st.sampled_from(["npy", "npz"]))
    path = tmp_path_factory.mktemp("damage") / f"x.{kind}"
    np.save(path, ARRAY) if kind == "npy" else np.savez_compressed(path, ARRAY, ARRAY)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(6, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(6, len(content)))])
    for read in (load_array, open_array) if kind == "npy" else (load_arrays,):
        try:
            read(path, RecordingError)
        except RecordingError as error:
            assert str(path) in str(error)
