"""Verdicts as a table, a row a cell."""

from collections.abc import Sequence
from typing import Any

from raphe.core.files.csv_text import csv_text
from raphe.tasks.celltype.prediction.judge import Judge
from raphe.tasks.celltype.prediction.verdict import CellVerdict


def verdicts_csv(verdicts: Sequence[CellVerdict], judge: Judge) -> str:
    """The same columns for all cells that a bundle judges.

    Left out are those that it can never fill: a prevalence, and what a cell recorded again would
    give, where it knows neither.
    """
    rows = [_row(verdict, judge) for verdict in verdicts]
    header = rows[0] if rows else _row(_NOBODY, judge)
    return csv_text(header, (row.values() for row in rows))


def _row(verdict: CellVerdict, judge: Judge) -> dict[str, Any]:
    classes = judge.ensemble.classes
    agreeing, votes = verdict.agreement
    row: dict[str, Any] = {
        "cell_id": verdict.cell_id,
        "verdict": verdict.verdict,
        "most_probable_class": verdict.leading,
    }
    for name in classes:
        row[f"probability_{name}"] = _share(verdict.probability.get(name))
        if judge.knows_days:
            low, high = (verdict.recorded_again or {}).get(name, (None, None))
            row[f"recorded_again_low_{name}"] = _share(low)
            row[f"recorded_again_high_{name}"] = _share(high)
    if judge.prevalence is not None:
        row |= {f"prevalence_{name}": _share(judge.prevalence[name]) for name in classes}
    return row | {
        "n_spikes": verdict.n_spikes,
        "enough_spikes": str(verdict.enough_spikes).lower(),
        "n_votes_agreeing": agreeing,
        "n_votes": votes,
        "duration_s": _number(verdict.duration_s),
        "firing_rate_hz": _number(verdict.firing_rate_hz),
        "unlike_training": "; ".join(verdict.unlike),
        "remarks": "; ".join(verdict.remarks),
        "files": "; ".join(str(path) for path in verdict.files),
    }


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


_NOBODY = CellVerdict("", (), "", 0, {}, None)
