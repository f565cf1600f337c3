"""A claim beside what is recomputed, and why they differ: as rows, text and CSV."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.metric_names import Estimate
from raphe.core.statistics.intervals import interval_of_share

LINE = 100  # characters
NOTE = "recordings"  # the quantity of a claim that tells what the data are, where they are not real


@dataclass(frozen=True)
class Claim:
    """One row of the table; the values are those that a figure can show."""

    source: str  # "papers", or a run and its set
    quantity: str
    theirs: str  # as published, or as the papers' code computes it
    ours: str  # as the words mean
    why: str
    theirs_value: float | None = None
    ours_value: Estimate | None = None


def note_claim(source: str, note: str) -> list[Claim]:
    """The sentence that must stand beside every result from a source; none where it has none."""
    why = "So none of its figures confirms or contradicts the papers'."
    return [Claim(source, NOTE, "of cells", note, why)] if note else []


def proportion(k: int, n: int) -> Estimate:
    """k of n independent ones with Wilson's interval, none and all with the exact one."""
    share = k / n if n else float("nan")
    return Estimate(share, *interval_of_share(share, n))


def percent(estimate: Estimate) -> str:
    """ "94.4 % (84.9 to 98.1)"; without the brackets where there is no interval."""
    value = f"{100 * estimate.value:.1f} %"
    if np.isnan(estimate.low):
        return value
    return f"{value} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def claims_text(claims: Sequence[Claim]) -> str:
    """A block for each claim, under its source."""
    lines, source = [], None
    for claim in claims:
        if claim.source != source:
            source = claim.source
            lines += [source, "=" * len(source), ""]
        lines.append(claim.quantity)
        for name in ("theirs", "ours", "why"):
            start = f"  {name:8}"
            lines += textwrap.wrap(
                getattr(claim, name), LINE, initial_indent=start, subsequent_indent=" " * len(start)
            )
        lines.append("")
    return "\n".join(lines)


def claims_csv(claims: Sequence[Claim]) -> str:
    """One row a claim."""
    words, numbers = ("theirs", "ours", "why"), ("theirs_value", "ours_value", "low", "high")
    header = ["source", "quantity", *words, *numbers]
    rows = []
    for claim in claims:
        ours = claim.ours_value
        values = (
            claim.theirs_value,
            *((ours.value, ours.low, ours.high) if ours else 3 * (None,)),
        )
        written = ["" if n is None or np.isnan(n) else f"{n:.6g}" for n in values]
        rows.append([claim.source, claim.quantity, claim.theirs, claim.ours, claim.why, *written])
    return csv_text(header, rows)
