"""Recordings are found by their names, in a folder and in those below."""

from raphe.tasks.celltype.recordings.files import find_recordings


def test_recordings_are_found_whatever_the_case_of_their_suffix(tmp_path):
    for name in ("b.abf", "a/c.NWB", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_recordings(tmp_path)
    assert found.files == [tmp_path / "a" / "c.NWB", tmp_path / "b.abf"]
    assert not found.left_out
