"""Files are found by their names; hidden ones, and whatever is below a hidden folder, are not."""

from raphe.tasks.celltype.recordings.files import Failure, recording_files, visible_files


def test_recordings_are_found_at_any_depth_in_the_order_of_their_paths(tmp_path):
    for name in ("b.abf", "a/c.NWB", "a/.d.abf", ".trash/e.abf", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert recording_files(tmp_path) == [tmp_path / "a" / "c.NWB", tmp_path / "b.abf"]
    assert tmp_path / "notes.txt" in visible_files(tmp_path)
    assert recording_files(tmp_path / "absent") == []


def test_a_failure_names_its_file_once(tmp_path):
    path = tmp_path / "a.abf"
    assert str(Failure(path, "is cut")) == f"{path}: is cut"
    assert str(Failure(path, f"{path}: is cut")) == f"{path}: is cut"
