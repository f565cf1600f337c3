from pathlib import Path

import pytest


@pytest.mark.ci
def test_the_report_over_members_that_were_written_straight_into_the_store(
    tmp_path: Path, run_script
):
    table = tmp_path / "sweep_report.md"
    run_script("sweep_report.py", "--times", 0.05, "--output", table)
    assert "| 100 | 1 of model.kernel × 10 of model.dropout × 10 " in table.read_text()
    assert "| 50 | 1 of model.kernel × 50 of seed | " in table.read_text()
