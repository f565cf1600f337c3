"""What a published figure comes to when it is computed: as rows, text and CSV."""

import csv
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

LINE = 100  # characters


@dataclass(frozen=True)
class Finding:
    """One row of the table."""

    quantity: str
    theirs: str  # as the study has it
    ours: str  # as it is computed here
    why: str
    value: float | None = None  # the figure of `ours`


def findings_text(findings: Sequence[Finding]) -> str:
    """A block for each finding."""
    lines = []
    for finding in findings:
        lines.append(finding.quantity)
        for name in ("theirs", "ours", "why"):
            start = f"  {name:8}"
            lines += textwrap.wrap(
                getattr(finding, name), LINE, initial_indent=start, subsequent_indent=" " * 10
            )
        lines.append("")
    return "\n".join(lines)


def findings_csv(findings: Sequence[Finding]) -> str:
    """One row a finding."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["quantity", "theirs", "ours", "why", "value"])
    for one in findings:
        value = "" if one.value is None else f"{one.value:.6g}"
        table.writerow([one.quantity, one.theirs, one.ours, one.why, value])
    return text.getvalue()
