"""Tables as text are what the standard library reads back."""

import csv
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raphe.core.files.csv_text import csv_line, csv_text

# Before Python 3.13 csv does not quote a lone carriage return.
texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"))


@given(st.lists(st.lists(texts, min_size=2, max_size=2)))
def test_every_text_comes_back(rows):
    text = csv_text(["first", "second"], rows)
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["first", "second"], *rows]


def test_numbers_none_and_iterators():
    rows = ((value for value in row) for row in [(np.float32(0.5), None), (1, "a,b")])
    assert csv_text(("x", "y"), rows) == 'x,y\n0.5,\n1,"a,b"\n'


def test_a_line_has_its_end():
    assert csv_line(["a", 'b"c']) == 'a,"b""c"\n'
