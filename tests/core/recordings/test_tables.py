"""Tables are read as people save them, and case tells neither columns nor labels apart."""

import pytest

from raphe.core.errors import RecordingError, StoreError
from raphe.core.recordings.tables import iso_day, read_table, spellings


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimiter_mark_and_case_of_the_header_do_not_matter(tmp_path, delimiter, encoding):
    path = tmp_path / "cells.csv"
    lines = (("File", " Cell_ID"), ("a.abf", " A1 "), ("", ""), ('"b\nc"', "A2"))
    path.write_text("\n".join(map(delimiter.join, lines)), encoding=encoding)
    table = read_table(path, RecordingError)
    assert table.columns == ("File", "Cell_ID")
    assert "file" in table and "FILE" in table and "label" not in table
    assert [row["cell_id"] for row in table.rows] == ["A1", "A2"]
    assert [(row["File"], row.get("label")) for row in table.rows] == [("a.abf", ""), ("b\nc", "")]
    assert [row.line for row in table.rows] == [2, 5]


def test_short_and_long_rows_and_nameless_columns(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("file,label,,\na.abf\nb.abf,SER,,,,more\n")
    assert [(row["file"], row["label"]) for row in read_table(path, RecordingError).rows] == [
        ("a.abf", ""),
        ("b.abf", "SER"),
    ]


def test_an_empty_file_is_a_table_without_columns(tmp_path):
    (tmp_path / "cells.csv").touch()
    table = read_table(tmp_path / "cells.csv", RecordingError)
    assert (table.columns, table.rows) == ((), [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"label,Label\nSER,NSER\n", r"two columns are called 'Label'.*rename one"),
        ("Größe\n1\n".encode("latin-1"), "could not be read .*; save it as UTF-8"),
        (b"file,label\n" + b"x" * 200_000, r"line 2: is not CSV \(field larger than"),
    ],
)
def test_what_is_no_table_is_told_as_the_callers_error(tmp_path, content, message):
    path = tmp_path / "cells.csv"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"cells\.csv.*{message}"):
        read_table(path, StoreError)


def test_a_missing_table_is_no_matter_of_its_encoding(tmp_path):
    path = tmp_path / "cells.csv"
    with pytest.raises(StoreError) as caught:
        read_table(path, StoreError)
    assert str(caught.value) == f"{path}: there is no such file; check the path"


def test_a_folder_is_no_matter_of_its_encoding_either(tmp_path):
    with pytest.raises(StoreError) as caught:
        read_table(tmp_path, StoreError)
    assert str(tmp_path) in str(caught.value) and "UTF-8" not in str(caught.value)


def test_days():
    assert iso_day("2014-03-13", "x.csv, line 2", StoreError) == "2014-03-13"
    with pytest.raises(RecordingError, match=r"x.csv, line 2: expected a day such as .* got '13"):
        iso_day("13.3.2014", "x.csv, line 2", RecordingError)


def test_labels_are_spelt_as_those_asked_for_or_as_they_were_first():
    assert spellings(["ser", "SER", "Nser"]) == {"ser": "ser", "SER": "ser", "Nser": "Nser"}
    assert spellings(["ser", "x"], preferred=("SER",)) == {"ser": "SER", "x": "x"}
