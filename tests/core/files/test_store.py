"""Stores appear whole or not at all, open in a blink, and notice every altered byte."""

import json
import re
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.errors import StoreError
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.store import StoreWriter, check_store, open_store, write_index
from waiting import HANG_S

FIELDS = {"wave": ((3,), "float32"), "label": ((), "uint8")}
ROWS = [{"name": "a", "remark": "µ, “quoted”"}, {"name": "b", "remark": ""}]


def write(path: Path, n: int = 5, overwrite: bool = False, value: float = 0.0) -> Path:
    with StoreWriter(path, FIELDS, overwrite) as writer:
        wave = np.arange(3 * n, dtype=np.float32).reshape(n, 3) + value
        writer.append(wave=wave, label=np.arange(n, dtype=np.uint8))
        return writer.finish({"kind": "test", "rate_hz": 40_000.0}, {"rows": ROWS})


def hidden(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("."))


def test_what_was_written_is_read_and_numpy_reads_it_too(tmp_path):
    store = open_store(write(tmp_path / "store"))
    expected = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.testing.assert_array_equal(store.arrays["wave"], expected)
    np.testing.assert_array_equal(np.load(tmp_path / "store" / "wave.npy"), expected)
    assert isinstance(store.arrays["wave"], np.memmap)
    assert not store.arrays["wave"].flags.writeable
    assert store.tables["rows"] == ROWS
    assert store.manifest["rate_hz"] == 40_000.0
    assert hidden(tmp_path) == []


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 7), max_size=6))
def test_the_store_does_not_depend_on_how_it_was_appended(tmp_path_factory, sizes):
    folder = tmp_path_factory.mktemp("pieces")
    n = sum(sizes)
    wave = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
    label = np.arange(n, dtype=np.uint8)
    for name, cuts in (("pieces", np.cumsum(sizes)), ("whole", [])):
        with StoreWriter(folder / name, FIELDS) as writer:
            for part in np.split(np.arange(n), cuts):
                writer.append(wave=wave[part], label=label[part])
            writer.finish({"kind": "test"})
    pieces, whole = check_store(folder / "pieces"), check_store(folder / "whole")
    np.testing.assert_array_equal(pieces.arrays["wave"], wave)
    assert pieces.content_hash == whole.content_hash


def test_writing_takes_constant_memory(tmp_path):
    block = np.zeros((10_000, 160), np.float32)  # 6.4 MB
    tracemalloc.start()
    with StoreWriter(tmp_path / "store", {"wave": ((160,), "float32")}) as writer:
        for _ in range(20):
            writer.append(wave=block)
        writer.finish({"kind": "test"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # of 128 MB written
    assert open_store(tmp_path / "store").arrays["wave"].shape == (200_000, 160)


def test_content_hash_follows_data_tables_and_facts_but_not_the_place(tmp_path):
    first = open_store(write(tmp_path / "a")).content_hash
    assert open_store(write(tmp_path / "b")).content_hash == first
    assert open_store(write(tmp_path / "c", value=1.0)).content_hash != first
    with StoreWriter(tmp_path / "d", FIELDS) as writer:
        writer.finish({"kind": "test", "rate_hz": 20_000.0})
    assert open_store(tmp_path / "d").content_hash != first


def test_manifest_hashes_are_those_of_the_files(tmp_path):
    store = open_store(write(tmp_path / "store"))
    for name, entry in store.manifest["arrays"].items():
        assert entry["sha256"] == sha256_of(store.path / f"{name}.npy")


def test_existing_store_is_kept_unless_told_otherwise(tmp_path):
    write(tmp_path / "store")
    with pytest.raises(StoreError, match="--overwrite"):
        write(tmp_path / "store", n=9)
    assert len(open_store(tmp_path / "store").arrays["label"]) == 5
    write(tmp_path / "store", n=9, overwrite=True)
    assert len(check_store(tmp_path / "store").arrays["label"]) == 9
    assert hidden(tmp_path) == []


def test_a_folder_that_is_no_store_is_never_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("years of work")
    with pytest.raises(StoreError, match="not replaced"):
        write(tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter1.tex").exists()


def test_a_store_with_a_file_of_anothers_is_not_replaced(tmp_path):
    store = write(tmp_path / "store")
    (store / "notes.csv").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds notes\.csv, which raphe did not write there"):
        write(store, overwrite=True)
    assert check_store(store) and (store / "notes.csv").exists()


@pytest.mark.parametrize("manifest", ["{}", '{"format": 1, "files": {}}', "no JSON"])
def test_the_manifest_of_something_else_is_not_replaced(tmp_path, manifest):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text(manifest)
    with pytest.raises(StoreError, match="not that of a store of arrays, so it is not replaced"):
        write(tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "manifest.json").read_text() == manifest


def test_a_store_that_lists_others_is_not_replaced(tmp_path):
    write_index(tmp_path, {"kind": "test/index"})
    with pytest.raises(StoreError, match="not that of a store of arrays, so it is not replaced"):
        write(tmp_path, overwrite=True)


def test_a_failed_run_leaves_the_old_store_and_nothing_beside_it(tmp_path):
    write(tmp_path / "store")
    with (
        pytest.raises(ZeroDivisionError),
        StoreWriter(tmp_path / "store", FIELDS, overwrite=True) as writer,
    ):
        writer.append(wave=np.ones((1, 3)), label=np.ones(1, np.uint8))
        raise ZeroDivisionError
    assert len(check_store(tmp_path / "store").arrays["label"]) == 5
    assert hidden(tmp_path) == []


CHILD = """
import sys, time
import numpy as np
from pathlib import Path
from raphe.core.files.store import StoreWriter

def hang(*_):
    print("ready", flush=True)
    time.sleep(60)

path, moment = Path(sys.argv[1]), sys.argv[2]
if moment == "swap":  # stop between the two renames of an overwrite
    rename = Path.replace
    def stop_at_second(self, to):
        return hang() if self.is_dir() and self.suffix == ".partial" else rename(self, to)
    Path.replace = stop_at_second
with StoreWriter(path, {"wave": ((3,), "float32")}, overwrite=True) as writer:
    writer.append(wave=np.ones((1000, 3)))
    if moment == "append":
        hang()
    writer.finish({"kind": "test"})
"""


def start_and_hang(path: Path, moment: str) -> subprocess.Popen:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), moment], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    return child


def kill(child: subprocess.Popen) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=HANG_S)


def test_a_killed_writer_leaves_no_store_and_the_next_one_sweeps_up(tmp_path):
    child = start_and_hang(tmp_path / "store", "append")
    write(tmp_path / "other")
    with StoreWriter(tmp_path / "store", FIELDS):  # beside a living writer: both keep their own
        assert len(hidden(tmp_path)) == 2
    assert len(hidden(tmp_path)) == 1
    kill(child)
    assert not (tmp_path / "store").exists()
    assert len(hidden(tmp_path)) == 1
    write(tmp_path / "store")
    assert hidden(tmp_path) == []


def test_killed_between_the_renames_the_old_store_comes_back(tmp_path):
    write(tmp_path / "store")
    kill(start_and_hang(tmp_path / "store", "swap"))
    assert not (tmp_path / "store").exists()
    assert len(check_store(tmp_path / "store").arrays["label"]) == 5
    write(tmp_path / "store", overwrite=True)
    assert hidden(tmp_path) == []


def test_killed_between_the_renames_a_failing_writer_does_not_lose_the_old_store(tmp_path):
    write(tmp_path / "store")
    kill(start_and_hang(tmp_path / "store", "swap"))
    with StoreWriter(tmp_path / "store", FIELDS, overwrite=True):
        pass  # left without finish
    assert len(check_store(tmp_path / "store").arrays["label"]) == 5
    assert hidden(tmp_path) == []


def test_a_store_that_the_disk_cannot_hold_is_refused_before_anything_is_appended(tmp_path):
    with StoreWriter(tmp_path / "store", {"wave": ((250,), "float32")}) as writer:
        writer.require_room(10, "spike")
        with pytest.raises(StoreError) as told:
            writer.require_room(10**15, "spike")
    assert "store: 1 000 000 000 000 000 spikes would take 1000000 TB, the disk has " in str(
        told.value
    )
    assert hidden(tmp_path) == []


def flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_check_names_the_array_that_differs(tmp_path):
    store = write(tmp_path / "store")
    check_store(store)
    flip_last_byte(store / "wave.npy")
    open_store(store)  # reads no data
    with pytest.raises(StoreError, match=r"wave\.npy: altered or damaged"):
        check_store(store)


def test_open_refuses_an_altered_table_size_header_or_manifest(tmp_path):
    def damaged(name, damage):
        store = write(tmp_path / f"store{len(list(tmp_path.iterdir()))}")
        damage(store / name)
        with pytest.raises(StoreError, match=re.escape(name)) as error:
            open_store(store)
        assert "write the store anew" in str(error.value)

    damaged("rows.csv", flip_last_byte)
    damaged("wave.npy", lambda file: file.write_bytes(file.read_bytes()[:-1]))
    damaged("wave.npy", lambda file: file.write_bytes(file.read_bytes().replace(b"<f4", b"<i4")))
    damaged("label.npy", Path.unlink)
    damaged("rows.csv", Path.unlink)
    damaged("manifest.json", lambda file: file.write_text("{"))
    damaged("manifest.json", lambda file: file.write_text("[]"))
    damaged(
        "manifest.json",
        lambda file: file.write_text(file.read_text().replace("40000.0", "20000.0")),
    )


def test_a_newer_format_is_refused_with_the_remedy(tmp_path):
    file = write(tmp_path / "store") / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 2}))
    with pytest.raises(StoreError, match=r"format 2.*update raphe"):
        open_store(tmp_path / "store")
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 0}))
    with pytest.raises(StoreError, match=r"reads format 1; write the store anew"):
        open_store(tmp_path / "store")


def test_missing_store_and_unwritable_place_are_told(tmp_path):
    with pytest.raises(StoreError, match="no store here"):
        open_store(tmp_path / "nowhere" / "store")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match=r"holds no manifest\.json"):
        open_store(tmp_path / "folder")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be made"):
        write(tmp_path / "file" / "store")
