"""The page on faults says what the recorded runs found."""

import csv

from faults.kills import AS_UNBROKEN
from faults.page import KNOWN, PAGE, RESULTS, page


def test_the_page_is_of_these_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_recorded_runs_found_what_is_known_and_no_more() -> None:
    with (RESULTS / "fuzz.csv").open(encoding="utf-8", newline="") as file:
        assert {row["reader"] for row in csv.DictReader(file) if row["faults"] != "0"} == {*KNOWN}
    with (RESULTS / "kills.csv").open(encoding="utf-8", newline="") as file:
        assert {row["outcome"] for row in csv.DictReader(file)} == {AS_UNBROKEN}
