"""Tables of numbers are read however programs write them, and refused where two readings fit."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.errors import RecordingError
from raphe.core.tables import text
from raphe.core.tables.number_table import NumberTable
from raphe.core.tables.numbers import read_numbers

VALUES = np.random.default_rng(0).normal(4, 2, (30, 3)).round(3)
NAMES = ["a", "b", "c"]


def written(values: np.ndarray, separator: str = ",", decimal: str = ".", names=NAMES) -> str:
    cells = [[repr(value).replace(".", decimal) for value in row] for row in values.tolist()]
    return "\n".join(map(separator.join, [names, *cells] if names else cells)) + "\n"


def read(folder: Path, content: str | bytes, **options) -> NumberTable:
    path = folder / "x.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_numbers(path, RecordingError, **options)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(RecordingError) as caught:
        read(folder, content)
    assert str(caught.value).startswith(f"{folder / 'x.csv'}")
    return str(caught.value)


RAW = np.random.default_rng(5).normal([370, 397, 421], 20, (12, 3)).round().astype(int).tolist()
COUNTS = "".join(",".join(map(str, row)) + "\n" for row in RAW)
FEW_PHOTONS = "130,60,210,5,100,20\n5,180,90,60,240,70\n" * 5


@pytest.mark.parametrize("separator", [",", ";", "\t", "   ", " ; "])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("header", [True, False])
def test_separator_and_decimals_are_told_by_the_lines(tmp_path, separator, decimal, header):
    if (separator, decimal) == (",", ","):
        text = written(VALUES, '","', ",", NAMES if header else None)
        text = "".join(f'"{line}"\n' for line in text.splitlines())
    else:
        text = written(VALUES, separator, decimal, NAMES if header else None)
    table = read(tmp_path, text)
    np.testing.assert_array_equal(table.values, VALUES)
    assert table.names == (("a", "b", "c") if header else ("", "", ""))
    words = {";": "semicolons", " ; ": "semicolons", "\t": "tabs", "   ": "spaces"}
    told = " and ".join(
        ([f"columns are separated by {words[separator]}"] if separator in words else [])
        + (["a comma marks decimals"] if decimal == "," else [])
    )
    assert table.remarks == ((f"read so: {told}",) if told else ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_encodings_and_ends_of_lines(tmp_path, encoding, end):
    text = written(VALUES, names=["Größe", "b", "c"]).replace("\n", end)
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(text.encode(encoding)))
    for name in ("x.csv", "x.csv.gz"):
        table = read_numbers(tmp_path / name, RecordingError)
        np.testing.assert_array_equal(table.values, VALUES)
        assert table.names[0] == "Größe"


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(
            st.none() | st.floats(allow_nan=False) | st.integers(-(10**6), 10**6),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["", "NA", "NaN", "  "]),
)
def test_every_number_comes_back(tmp_path_factory, rows, separator, missing):
    cells = [[missing if value is None else repr(value) for value in row] for row in rows]
    lines = [separator.join(row) for row in [NAMES, *cells]]
    if cells == [[missing] * 3] * len(cells) and not missing.strip():
        return  # a table of blanks
    table = read(tmp_path_factory.mktemp("x"), "\n".join(lines))
    expected = [[np.nan if value is None else value for value in row] for row in rows]
    np.testing.assert_array_equal(table.values, np.array(expected, float))


def test_a_table_longer_than_a_block_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 1000)
    values = np.random.default_rng(1).normal(size=(3000, 6)).round(6)
    values[7::100, 2] = np.nan
    table = written(values, names=list("abcdef")).replace("nan", "")
    np.testing.assert_array_equal(read(tmp_path, table).values, values)
    lines = table.split("\n")
    lines[2500] += ",1"
    assert "line 2501: expected 6 cells" in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("size", [5, 7, 64])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_blocks_end_anywhere(tmp_path, monkeypatch, size, encoding):
    monkeypatch.setattr(text, "BLOCK_BYTES", size)
    content = written(VALUES, ";", ",", names=["Größe", "b", "c"]).replace("\n", "\r\r\n")
    table = read(tmp_path, content.encode(encoding))
    np.testing.assert_array_equal(table.values, VALUES)
    assert table.names[0] == "Größe"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3: expected 2 cells as the rows above, got 1"),
        ("a,b\n1,2\n3,4,5\n", "line 3: expected 2 cells as the rows above, got 3"),
        ("a,b\n1,2\n3,4,\n", "line 3: expected 2 cells"),
        ("a,b\n5,2,1\n3,4,2\n", "line 2: expected 2 columns as the header names, got 3"),
        ("a,b\n1,2,3,4\n", "line 2: expected 2 columns as the header names, got 4"),
        ("a,b\n0,5,\n1,6,\n", "line 2: expected 2 columns"),  # an index, or commas at the end?
        ("a\n1.5\n# end\n2\n", "line 3: expected numbers, column a holds '# end'"),
        ("a b\n1 2\n3\n", "line 3: expected 2 cells"),
        ("a,b\n1,2\n\n3,4\n", "line 3: is blank in the middle"),
        ("a\n1.5\n\n2.5\n\n3.5\n\n4.5\n", "every second line is blank"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quote that opens in this line is not closed"),
        ('a,"b\n1,2\n', "line 1: a quote that opens in this line is not closed"),
        (f'a,b\n1,2\n"{"9" * 200_000}",4\n', "line 3: a quote .*field larger than field limit"),
        ("a,b\n1,2\n1,#DIV/0!\n", r"line 3: expected numbers, column b holds '#DIV/0!'"),
        ("a,b\n1,1_000\n", "line 2: expected numbers, column b holds '1_000'"),
        ("a,b\n1,1 000.5\n", "column b holds '1 000.5'; write thousands without"),
        ("a,b\n1,12 %\n", "line 2: .* column b holds '12 %'"),
        ("a,b\n1,00:00:01\n", "write times in seconds"),
        ("a,b\n1,\u0661\n", "line 2: .* column b holds"),  # a digit of another script
        ("a;b\n1,5;2\n3;1.234,5\n", "line 3: numbers have both a comma and a point"),
        ('a,b\n"1,234.5",2\n', "line 2: numbers have both a comma and a point"),
        ("a;b\n1,234;2\n1;1,500\n", "line 2: whether its commas mark decimals or thousands"),
        ('a,b\n"1,234",2\n', "line 2: whether its commas mark decimals or thousands"),
        ("a,b\n1,5,2,5\n3,5,4,5\n", "line 2: expected 2 columns as the header names, got 4"),
        ("a;b\n1.234;2\n987;3\n2.345;1\n", "whether the point in '1.234' marks decimals or"),
        ("a\n1,234\n2,345\n", "line 1: the header names one column, and whether '1,234'"),
        ("a\n1,5\n2,5\n3,5\n", "line 1: the header names one column"),  # numbered rows?
        ("12,34\n56,78\n", "line 1: whether '12,34' are two numbers or one"),
        ("F, a.u.\n370,12\n397,021\n", "line 3: holds '021', as the digits behind a decimal"),
        ("12,15,19\n0.5,0.25,1.5\n", "line 1: whether '12', '15', '19' names the columns"),
        ("0\n1\n0\n2\n", "line 1: whether '0' names the columns"),
        ("t,a\ns,V\n1,2\n", r"line 2: .* a second line of words below the names \('s', 'V'\)"),
        ("a,b\n2 992,1 001\n", r"line 2: .* column a holds '2 992'; write thousands without"),
        ("a;b\n2.991,56;3.100,25\n", r"line 2: .* column a holds '2.991,56'; write thousands"),
        ("a;b\n2'992;3’001\n", r"line 2: .* column a holds .2'992.; write thousands without"),
        ("a|b\n299.1|308\n", r"line 2: .* '299.1\|308'; separate columns by commas, semicolons"),
        ("a,b\n−299,−308\n", "line 2: .* column a holds '−299'; write its minus as -, not as −"),
        ("t,a\n00:01,2024-01-02\n", "line 2: .* column t holds '00:01'; write times in seconds"),
        (f"12,47,103\n{COUNTS}", "line 1: whether '12', '47', '103' names the columns or"),
        (f"5,47,103,140,141,209\n{FEW_PHOTONS}", "line 1: whether '5', '47', '103', '140' …"),
        ("5\n" + "400\n397\n412\n" * 4, "line 1: whether '5' names the columns or"),
        ("# t,a\n1,2\n", "line 1: begins with '# t', as a comment"),
        ("a,b\n1,2\n# the end\n", "line 3: expected 2 cells"),
        (",,\n1,2,3\n", "line 1: expected names or numbers, got blank cells"),
        ("", "an empty file"),
        ("\n\n", "an empty file"),
        ("a,b\n", "line 2: expected rows of numbers below the header, got none"),
        (
            gzip.compress(b"a,b\n1,2\n", mtime=0),
            "is packed by gzip; unpack it, or end its name in .gz",
        ),
        (b"PK\x03\x04", "is a workbook or a ZIP archive"),
        ("a,b\n1,\0\n", "line 2: holds a NUL byte"),
        ("a,\xb5\n1,2\n".encode("latin-1"), "line 1: is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1: is no text, or UTF-16 without its mark"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused_with_its_line(tmp_path, text, sentence):
    path = tmp_path / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecordingError, match=sentence) as caught:
        read_numbers(path, RecordingError)
    assert len(str(caught.value)) < 400 and str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("a,b\n1,2,\n3,4,\n", ("a", "b"), [[1, 2], [3, 4]]),  # separators at the ends
        ("a,b,\n1,2,\n3,4,\n", ("a", "b"), [[1, 2], [3, 4]]),
        ("a,b,\n1,2\n3,4\n", ("a", "b"), [[1, 2], [3, 4]]),
        ("a,b,,\n1,2,,\n3,,,\n", ("a", "b"), [[1, 2], [3, np.nan]]),
        ("a,b\n0,5,6\n1,7,8\n", ("", "a", "b"), [[0, 5, 6], [1, 7, 8]]),  # an index
        ("sep=;\na;b\n1,5;2\n", ("a", "b"), [[1.5, 2]]),
        ('"a, x";b\n1;2\n', ("a, x", "b"), [[1, 2]]),
        ("a,b\n\n1,2\n3,4\n\n\n", ("a", "b"), [[1, 2], [3, 4]]),
        ("370,397,421\n381,449,411\n", ("", "", ""), [[370, 397, 421], [381, 449, 411]]),
        ("0,1,2\n381,449,411\n", ("0", "1", "2"), [[381, 449, 411]]),
        ("0.0,1.0,2.0\n381.5,449,411\n", ("0.0", "1.0", "2.0"), [[381.5, 449, 411]]),
        ("a;b\n3,700E+02;1,250E+01\n", ("a", "b"), [[370, 12.5]]),
        ("n;F\n1;370.027\n2;397.000\n", ("n", "F"), [[1, 370.027], [2, 397]]),
        ("F\n370.027\n370\n371.5\n", ("F",), [[370.027], [370], [371.5]]),
        (",7,9\n0,449,411\n", ("", "7", "9"), [[0, 449, 411]]),
        ("370\n397\n", ("",), [[370], [397]]),
        ("a\n370,027\n397,5\n", ("a",), [[370.027], [397.5]]),
        ("a\n0.5\n\n2\n", ("a",), [[0.5], [np.nan], [2]]),  # a sample that is missing
        ("'=a,b\n1,-2e3\n", ("=a", "b"), [[1, -2000]]),
        (COUNTS, ("",) * 3, np.array(RAW)),
        ("4\n" + "0\n3\n5\n1\n" * 4, ("",), [[4], *[[0], [3], [5], [1]] * 4]),
        ('"1.5","2"\n"3","4"\n', ("", ""), [[1.5, 2], [3, 4]]),
    ],
)
def test_what_is_plain_is_understood(tmp_path, text, names, values):
    table = read(tmp_path, text)
    assert table.names == names
    np.testing.assert_array_equal(table.values, values)


def test_a_header_that_is_known_is_one(tmp_path):
    table = read(tmp_path, "0,1\n1,0\n2,1\n", has_header=True)
    assert table.names == ("0", "1") and table.values.tolist() == [[1, 0], [2, 1]]


def test_rows_may_have_names_where_they_are_the_traces(tmp_path):
    text = "t (s),0.0,0.5,1.0\nx,1,2,3\ny,4,5,6\n"
    table = read(tmp_path, text, rows_are_traces=True)
    assert (table.corner, table.names, table.row_names) == (
        "t (s)", ("0.0", "0.5", "1.0"), ("x", "y")
    )  # fmt: skip
    np.testing.assert_array_equal(table.values, [[1, 2, 3], [4, 5, 6]])
    with pytest.raises(RecordingError, match="line 3: expected 4 cells as the rows above, got 3"):
        read(tmp_path, text.replace("4,5,6", "4,5"), rows_are_traces=True)
    table = read(tmp_path, "x;1,5;2;9\ny;4;5;6\n", rows_are_traces=True)
    assert table.row_names == ("x", "y") and table.values.tolist() == [[1.5, 2, 9], [4, 5, 6]]


def test_inscopix_writes_a_status_below_the_names(tmp_path):
    text = " ,C00,C01\nTime(s)/Cell Status, accepted, rejected\n0.0,1,2\n0.1,3,4\n"
    table = read(tmp_path, text)
    assert table.names == ("Time(s)/Cell Status", "C00", "C01")
    assert table.status == ("", "accepted", "rejected") and table.first_line == 3
    np.testing.assert_array_equal(table.values, [[0, 1, 2], [0.1, 3, 4]])
