"""The page on faults says what the recorded runs found."""

import csv

from faults.kills import AS_UNBROKEN
from faults.page import PAGE, RESULTS, page


def test_the_page_is_of_these_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_recorded_runs_found_nothing_that_is_left() -> None:
    with (RESULTS / "fuzz.csv").open(encoding="utf-8", newline="") as file:
        assert not [row["reader"] for row in csv.DictReader(file) if row["faults"] != "0"]
    with (RESULTS / "kills.csv").open(encoding="utf-8", newline="") as file:
        assert {row["outcome"] for row in csv.DictReader(file)} == {AS_UNBROKEN}
