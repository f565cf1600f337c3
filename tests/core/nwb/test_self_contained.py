"""Values of variable length that all name one place of a file's heap."""

import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.core.nwb.self_contained import require_self_contained

LONG, N = 3000, 50
LIMIT = 100_000


def _all_name_one_place(path: Path) -> None:
    """Let each of N descriptors of 16 bytes be the first one, that of the long text."""
    content = bytearray(path.read_bytes())
    size = struct.pack("<I", LONG)
    place = content.find(size)
    while int.from_bytes(content[place + 4 : place + 12], "little") >= len(content):
        place = content.find(size, place + 1)
    assert place >= 0
    content[place : place + 16 * N] = content[place : place + 16] * N
    path.write_bytes(content)


def _texts() -> np.ndarray:
    return np.array(["Z" * LONG, *(f"y{i}" for i in range(N - 1))], dtype=object)


@pytest.mark.parametrize("kind", ["attribute", "attribute of the root", "dataset", "numbers"])
def test_many_names_of_one_place_are_counted_each(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.nwb"
    texts = _texts()
    with h5py.File(path, "w") as file:
        if kind == "dataset":
            file.create_dataset("a", data=texts, dtype=h5py.string_dtype())
        elif kind == "numbers":
            numbers = file.create_dataset("a", N, h5py.vlen_dtype(np.uint8))
            numbers[0] = np.arange(LONG) % 7
        else:
            owner = file if kind == "attribute of the root" else file.create_group("a")
            owner.attrs.create("many", texts, dtype=h5py.string_dtype())
    require_self_contained(path, 1_000_000)
    _all_name_one_place(path)
    assert path.stat().st_size < LIMIT < LONG * N
    with pytest.raises(RecordingError, match=r"holds more than 0\.1 MB of data, unpacked"):
        require_self_contained(path, LIMIT)
    require_self_contained(path, 1_000_000)


def test_texts_and_references_of_a_whole_file_are_let_in(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"
    with h5py.File(path, "w") as file:
        group = file.create_group("table")
        group.attrs["colnames"] = ["start", "stop", "series"]
        group.attrs["nothing"] = h5py.Empty("f4")
        file.create_dataset("names", data=_texts(), dtype=h5py.string_dtype())
        file.create_dataset("of", data=[group.ref] * 3, dtype=h5py.ref_dtype)
        row = np.dtype([("first", "i4"), ("of", h5py.ref_dtype)])
        file.create_dataset("rows", (3,), row)
    require_self_contained(path, LIMIT)


@pytest.mark.parametrize("chunks", [None, (2,)])
def test_a_text_longer_than_the_file_is_damage(tmp_path: Path, chunks) -> None:
    """HDF5's library would take 4 GB before it finds out."""
    path = tmp_path / "x.nwb"
    with h5py.File(path, "w") as file:
        texts = file.create_dataset("dates", (3,), h5py.string_dtype(), chunks=chunks)
        texts[:] = ["2026-11-29T08:00", "2026-11-29T09:00", "b"]
    require_self_contained(path, 10**6)
    content = path.read_bytes()
    with h5py.File(path) as file:
        stored = file["dates"].id
        place = stored.get_offset() or stored.get_chunk_info(0).byte_offset
    length = struct.pack("<I", 2**32 - 16)
    path.write_bytes(content[: place + 16] + length + content[place + 20 :])
    with pytest.raises(RecordingError, match="cut or damaged"):
        require_self_contained(path, 10**6)
