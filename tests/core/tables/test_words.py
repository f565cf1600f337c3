"""Tables are read as people save them, and case tells neither columns nor labels apart."""

import gzip

import pytest

from raphe.core.errors import RecordingError, StoreError
from raphe.core.files.csv_text import csv_text
from raphe.core.tables.words import iso_day, read_table, spellings


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
    assert [row.line for row in table.rows] == [2, 4]


def refusal(path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(StoreError) as caught:
        read_table(path, StoreError)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("file,label\na.abf,SER\nb.abf\n", 3),  # shorter
        ("file,label\na.abf,SER,PV\n", 2),  # longer
        ("file,label\n0,a.abf,SER\n1,b.abf,SER\n", 2),  # an index without a name
        ("file,label\n0,a.abf,\n1,b.abf,\n", 2),  # the same where no label is known
        ("file,label,,\na.abf,SER,,more\n", 2),
        ("file;label\na;b.abf;SER\n", 2),
        ("file,label\na.abf,SER,\nb.abf,SER\n", 2),  # a cell too many in one row only
    ],
)
def test_a_row_that_differs_from_the_header_is_refused_with_its_line(tmp_path, text, line):
    assert f"line {line}: " in refusal(tmp_path / "cells.csv", text)


def test_blank_cells_that_a_spreadsheet_leaves_are_no_matter(tmp_path):
    path = tmp_path / "cells.csv"
    for text in (
        "file,label\na.abf,SER,\nb.abf,SER,\n",
        "file,label,,\na.abf,SER,,\nb.abf,SER\n,,,\n\n",
        'sep=;\r\nfile;"label"\r\na.abf;SER\r\nb.abf;SER\r\n',
        "file,label\r\r\na.abf,SER\r\r\nb.abf,SER\r\r\n",
        "file\tlabel\ra.abf\tSER\rb.abf\tSER",
    ):
        path.write_bytes(text.encode())
        rows = read_table(path, RecordingError).rows
        assert [(row["file"], row["label"]) for row in rows] == [("a.abf", "SER"), ("b.abf", "SER")]


def test_the_separator_is_the_one_that_rows_have_as_often_as_the_header(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text('file;"label, by eye, 2014";note, if any\na.abf;SER;x\nb.abf;SER;y\n')
    assert read_table(path, RecordingError).columns == (
        "file", "label, by eye, 2014", "note, if any"
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_by_its_mark_and_refused_without(tmp_path, encoding):
    path = tmp_path / "cells.csv"
    path.write_bytes("file,label\nµ.abf,SER\n".encode(encoding))
    if encoding == "utf-16":
        assert read_table(path, RecordingError).rows[0]["file"] == "µ.abf"
    else:
        assert "line 1: is no text, or UTF-16 without its mark" in refusal(path, path.read_bytes())


@pytest.mark.parametrize(
    "text",
    [
        'file,label\na.abf,SER\n"b.abf,SER\nc.abf,SER\n',  # to the end
        'file,label\na.abf,SER\nb.abf,"in\nc.abf,in"\n',  # to the next quote: a row hides in it
        'file,label\na.abf,SER\n"b.abf"x,SER\n',
        'file,label\na.abf,SER\n"b.abf,' + "x" * 200_000 + '",SER\n',
        'file\na.abf\n"b.abf\nc.abf"\n',
    ],
)
def test_a_quote_that_is_not_closed_is_named_by_the_line_where_it_opens(tmp_path, text):
    line = 3
    assert f"line {line}: a quote that opens in this row" in refusal(tmp_path / "c.csv", text)


def test_what_is_no_text_is_told_as_what_it_is(tmp_path):
    path = tmp_path / "cells.csv"
    assert "workbook" in refusal(path, b"PK\x03\x04 of a workbook")
    assert "line 2: holds a NUL byte" in refusal(path, "file,label\na\0.abf,SER\n")
    assert "line 3: is not UTF-8" in refusal(path, "file\na\nGröße\n".encode("latin-1"))
    packed = tmp_path / "cells.csv.gz"
    assert "gzip cannot unpack" in refusal(packed, gzip.compress(b"file,label\n" * 99)[:-9])


def test_text_that_a_spreadsheet_would_compute_comes_back_as_it_was(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text(csv_text(["cell", "=label"], [["=1+1", "'@x"], ["-0.5", "A"]]))
    table = read_table(path, RecordingError)
    assert table.columns == ("cell", "=label")
    assert [(row["cell"], row["=label"]) for row in table.rows] == [("=1+1", "'@x"), ("-0.5", "A")]


def test_an_empty_file_is_a_table_without_columns(tmp_path):
    (tmp_path / "cells.csv").touch()
    table = read_table(tmp_path / "cells.csv", RecordingError)
    assert (table.columns, table.rows) == ((), [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"label,Label\nSER,NSER\n", r"two columns are called 'Label'.*rename one"),
        ("Größe\n1\n".encode("latin-1"), "is not UTF-8 .*; save the table as CSV in UTF-8"),
        (b"file,label\n" + b"x" * 200_000, r"line 2: a cell is too long \(field larger than"),
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
