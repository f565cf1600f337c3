"""A length that an attribute's text cannot have is found before 4 GB are taken for it."""

import struct
from pathlib import Path

import h5py
import pytest

from raphe.core.errors import RecordingError
from raphe.core.nwb.attribute_lengths import require_lengths_of_attributes
from raphe.core.nwb.self_contained import require_self_contained

TEXT, COLUMNS = "of fluorescence", ["start_time", "stop_time", "tags"]
LONGEST = 2**32 - 16


def written(path: Path, libver: str) -> Path:
    with h5py.File(path, "w", libver=libver) as file:
        group = file.create_group("table")
        group.attrs["description"] = TEXT
        group.attrs["colnames"] = COLUMNS
        group.attrs["n"] = 3
        file.create_group("other").attrs["description"] = "x"
    return path


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize(("name", "text"), [("description", TEXT), ("colnames", COLUMNS[-1])])
def test_a_text_longer_than_the_file_is_damage(
    tmp_path: Path, libver: str, name: str, text: str
) -> None:
    path = written(tmp_path / "x.nwb", libver)
    for each in ("description", "colnames", "n", "absent"):
        require_lengths_of_attributes(path, each)
    require_self_contained(path, 10**6)
    content = path.read_bytes()
    heap = struct.pack("<Q", content.index(b"GCOL"))
    places = [  # of the values, which are the length, the heap's place and a number
        at - 4
        for at in range(4, len(content) - 12)
        if content[at : at + 8] == heap and content[at - 4 : at] == struct.pack("<I", len(text))
    ]
    assert places
    for place in places:
        damaged = content[:place] + struct.pack("<I", LONGEST) + content[place + 4 :]
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="longer than the file"):
            require_lengths_of_attributes(path, name)
        with pytest.raises(RecordingError, match="expected an HDF5 file that is whole"):
            require_self_contained(path, 10**6)
