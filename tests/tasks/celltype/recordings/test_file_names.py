"""What a file's name says of its cell."""

import datetime

import pytest

from raphe.tasks.celltype.recordings.file_names import parse_cell_id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A140313#073.abf", ("A140313#073", datetime.date(2014, 3, 13))),
        ("folder/SER/A131024#089.ABF", ("A131024#089", datetime.date(2013, 10, 24))),
        ("A140313#073", ("A140313#073", datetime.date(2014, 3, 13))),
        ("A141332#073.abf", ("A141332#073", None)),
        ("17o05027_ic_ramp.abf", ("17o05027_ic_ramp", None)),
        ("A140313#073_copy.abf", ("A140313#073_copy", None)),
        ("cell.two.abf", ("cell.two", None)),
    ],
)
def test_cell_id_and_day_come_from_the_file_name(name, expected):
    assert parse_cell_id(name) == expected
