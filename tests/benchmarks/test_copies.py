"""At a small size each disguise has a row, and a copy as it is shows in it."""

from pathlib import Path


def test_copies_at_a_small_size(tmp_path: Path, run_script) -> None:
    table = tmp_path / "copies.md"
    small = ("--sets", 1, "--cells", 2, "--large", 3, "--durations", 4)
    run_script("copies.py", "--output", table, *small)
    rows = [line.split(" | ") for line in table.read_text().splitlines() if line.startswith("| ")]
    as_it_is = [row[1:6] for row in rows if row[0].startswith("| as it is")]
    assert as_it_is == [["4", "4", "0", "0", "0"]]
    assert rows[2][4:6] == ["0", "0"]  # an honest set
