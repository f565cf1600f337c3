"""Recordings are found by their names, in a folder and in those below."""

import numpy as np

from raphe.tasks.celltype.recordings.files import find_recordings
from rig_files import write_intan_folder, write_open_ephys, write_spike2


def test_recordings_are_found_whatever_the_case_of_their_suffix(tmp_path):
    for name in ("b.abf", "a/c.NWB", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_recordings(tmp_path)
    assert found.files == [tmp_path / "a" / "c.NWB", tmp_path / "b.abf"]
    assert not found.left_out


def test_one_of_a_file_and_what_was_exported_from_it_is_taken(tmp_path):
    for name in ("a.smr", "a.ABF", "b.smr", "a.wcp.txt", "below/a.wcp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_recordings(tmp_path)
    assert [file.name for file in found.files] == ["a.ABF", "b.smr", "a.wcp"]
    (left_out,) = found.left_out
    assert left_out.path == tmp_path / "a.smr"
    assert "a.ABF beside it has its name and is read in its place" in left_out.message


def test_a_folder_of_a_rig_is_one_recording(tmp_path):
    codes = np.zeros((1, 1024, 1), np.int16)
    write_open_ephys(tmp_path, codes)
    write_intan_folder(tmp_path, codes)
    write_spike2(tmp_path, codes)
    found = find_recordings(tmp_path)
    assert [file.name for file in found.files] == ["cell.smr", "info.rhd", "structure.oebin"]
