"""Tables as text are what the standard library reads back."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raphe.core.errors import StoreError
from raphe.core.files.csv_text import csv_line, csv_rows, csv_text, damage_told, restored

texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"))


texts |= st.builds(
    "{}{}{}".format, st.sampled_from(["", "'", "''"]), st.sampled_from("=+-@\t\r"), texts
)


@given(st.lists(st.lists(texts, min_size=2, max_size=2)))
def test_every_text_comes_back_and_none_is_computed(rows):
    text = csv_text(["first", "second"], rows)
    _, *cells = csv.reader(io.StringIO(text, newline=""))
    assert [list(map(restored, row)) for row in cells] == rows
    for cell in (cell for row in cells for cell in row if cell[:1] in "=+-@\t"):
        assert not cell or is_number(cell)


def is_number(text: str) -> bool:
    try:
        return bool(float(text)) or True
    except ValueError:
        return False


def test_a_formula_is_text_and_a_negative_number_is_a_number():
    rows = [["=HYPERLINK(1)", "-5", -5.5], ["@x", "+1e-3", Path("-x")]]
    assert csv_text(["=a", "b", "c"], rows) == ("'=a,b,c\n'=HYPERLINK(1),-5,-5.5\n'@x,+1e-3,'-x\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"a,b\n1,2\n3\n", "line 3 of 1 cells under 2 names"),
        (b'a,b\n1,"2\n', "line 2 that is no CSV"),
        (b"a,b\n1,\xff\n", "can't decode"),
        (b"a\n1\n", "none called b"),
    ],
)
def test_damage_of_a_table_of_our_own_is_one_sentence(tmp_path, content, reason):
    path = tmp_path / "x.csv"
    if content:
        path.write_bytes(content)
    with pytest.raises(StoreError) as caught, damage_told(path, StoreError, "write it anew"):
        assert [row["b"] for row in csv_rows(path)]
    assert reason in str(caught.value) and str(caught.value).endswith("; write it anew")


def test_numbers_none_and_iterators():
    rows = ((value for value in row) for row in [(np.float32(0.5), None), (1, "a,b")])
    assert csv_text(("x", "y"), rows) == 'x,y\n0.5,\n1,"a,b"\n'


def test_a_line_has_its_end():
    assert csv_line(["a", 'b"c']) == 'a,"b""c"\n'
