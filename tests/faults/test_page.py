"""The page on faults says what the recorded runs found."""

import csv

from faults.kills import AS_UNBROKEN
from faults.page import PAGE, RESULTS, n_damaged, page
from paths import PROJECT
from raphe.core.sentences import whole


def test_the_page_is_of_these_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_recorded_runs_found_nothing_that_is_left() -> None:
    with (RESULTS / "fuzz.csv").open(encoding="utf-8", newline="") as file:
        assert not [row["reader"] for row in csv.DictReader(file) if row["faults"] != "0"]
    for results in ("kills.csv", "full_disk.csv"):
        with (RESULTS / results).open(encoding="utf-8", newline="") as file:
            assert {row["outcome"] for row in csv.DictReader(file)} == {AS_UNBROKEN}


def test_who_asks_whether_to_trust_it_reads_the_recorded_number() -> None:
    asked = (PROJECT / "docs" / "explained" / "can_i_trust_this.md").read_text(encoding="utf-8")
    n_files, n_faults = n_damaged()
    assert n_faults == 0 and f"| none of {whole(n_files)} damaged files did, after" in asked
