"""How many spikes are in a second of which networks say so many, from cells that they had not seen.

The share of seconds with so many spikes is counted for each range of what was said, in every data
set by itself. N samples at 100 Hz, S whole seconds, B ranges.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.tasks.calcium.metrics.rate_factors import COVERED, FEWEST_SETS
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

SAID_FROM = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 5.0, 8.0, 13.0)  # spikes in 1 s
SPIKES_IN_1_S = "spikes_in_1_s"  # with SAID the measure's name in tables
SAID = "_said_"
FEWEST_SECONDS = 10  # of a data set, in a range: of fewer it tells nothing
SECONDS = "seconds.csv"
COLUMNS = ("dataset", "said_from", "spikes", "seconds")

Tally = Counter[tuple[int, int]]  # seconds by the number of their range and their spikes


class CountEnds(NamedTuple):
    """Between which counts the spikes of COVERED of the seconds lie, of which so many were said."""

    said_from: float  # spikes in 1 s
    n: int  # seconds
    low: int
    middle: int
    high: int

    @property
    def measure(self) -> str:
        return f"{SPIKES_IN_1_S}{SAID}{self.said_from:g}"


def in_seconds(train: np.ndarray) -> np.ndarray:
    """Sums of a train (N,) over its whole seconds: (S,)."""
    n = round(RATE_HZ)
    return np.asarray(train, np.float64)[: len(train) // n * n].reshape(-1, n).sum(axis=1)


def tally(rates_per_s: Iterable[np.ndarray], spikes: Iterable[np.ndarray]) -> Tally:
    """Of a cell's recordings (N,) each; seconds that are not wholly known are left out."""
    found: Tally = Counter()
    for rate, train in zip(rates_per_s, spikes, strict=True):
        said, true = in_seconds(rate) / RATE_HZ, in_seconds(train)
        known = ~np.isnan(said + true)
        places = _range_of(said[known]).tolist()
        found.update(zip(places, true[known].astype(int).tolist(), strict=True))
    return found


def seconds_csv(of_sets: Mapping[str, Tally]) -> str:
    """A row for each data set, range of said counts and true count."""
    return csv_text(
        COLUMNS,
        [
            (dataset, f"{SAID_FROM[place]:g}", spikes, n)
            for dataset, found in of_sets.items()
            for (place, spikes), n in sorted(found.items())
        ],
    )


def read_seconds(path: Path, remedy: str) -> dict[str, Tally]:
    """What `seconds_csv` wrote, by data set. Raises SettingError."""
    of_sets: dict[str, Tally] = {}
    with damage_told(path, SettingError, remedy):
        for row in csv_rows(path):
            key = SAID_FROM.index(float(row["said_from"])), int(row["spikes"])
            of_sets.setdefault(row["dataset"], Counter())[key] += int(row["seconds"])
    return of_sets


def count_ends(of_sets: Iterable[Tally]) -> list[CountEnds]:
    """Ends of each range that FEWEST_SETS data sets have; every data set counts alike.

    No more than a tenth of the seconds lie beyond them, and of those at most half below: where no
    spike at all is likely enough, all of them lie above. The ends rise with what was said.
    """
    known = list(of_sets)
    ends: list[CountEnds] = []
    for place, said_from in enumerate(SAID_FROM):
        shares, n = _shares(known, place)
        if len(shares) < FEWEST_SETS:
            continue
        found = _ends(np.mean(shares, axis=0))
        if ends:
            found = np.maximum(found, ends[-1][2:])
        ends.append(CountEnds(said_from, n, *found.tolist()))
    return ends


@dataclass(frozen=True)
class SecondCounts:
    """Spikes in each whole second of a trace (S,), NaN where it has no rate, and the ends between
    which the true counts lie; NaN where they are not known."""

    said: np.ndarray  # float32
    low: np.ndarray  # float32
    high: np.ndarray  # float32


def whole_seconds(n_frames: int, rate_hz: float) -> int:
    return int(n_frames / rate_hz + 1e-9)


def second_counts(
    rate_per_s: np.ndarray, rate_hz: float, ends: Sequence[CountEnds]
) -> SecondCounts:
    """Of a rate in frames (T,), NaN where there is none; frame i begins at i / rate_hz.

    Of a trace without an event no end can be told but 0.
    """
    reached = np.concatenate([[0.0], np.cumsum(rate_per_s != rate_per_s)])
    counted = np.concatenate([[0.0], np.cumsum(np.nan_to_num(rate_per_s), dtype=np.float64)])
    at = np.arange(whole_seconds(len(rate_per_s), rate_hz) + 1) * rate_hz  # in frames
    missing, said = (
        np.diff(np.interp(at, np.arange(len(sums)), sums)) for sums in (reached, counted / rate_hz)
    )
    said = np.where(missing > 1e-6, np.nan, said).astype(np.float32)
    if not np.nansum(said):
        unknown = np.full_like(said, np.nan)
        return SecondCounts(said, np.where(np.isnan(said), unknown, 0), unknown)
    table = np.full((2, len(SAID_FROM) + 1), np.nan, np.float32)  # the last of no rate
    for of_range in ends:
        table[:, SAID_FROM.index(of_range.said_from)] = of_range.low, of_range.high
    place = np.where(np.isnan(said), len(SAID_FROM), _range_of(said))
    return SecondCounts(said, *table[:, place])


def ends_of(rows: Iterable[Mapping[str, object]]) -> list[CountEnds]:
    """Those among the rows of a manifest, by `measure`."""
    found = []
    for row in rows:
        name, _, said_from = str(row["measure"]).partition(SAID)
        if name == SPIKES_IN_1_S:
            numbers = (int(float(str(row[key]))) for key in ("n", "low", "value", "high"))
            found.append(CountEnds(float(said_from), *numbers))
    return sorted(found)


def _range_of(said: np.ndarray) -> np.ndarray:
    return np.searchsorted(SAID_FROM, said, "right") - 1


def _shares(of_sets: Sequence[Tally], place: int) -> tuple[list[np.ndarray], int]:
    """Of each set that has FEWEST_SECONDS in a range the share of each count, and all seconds."""
    here = [{spikes: n for (at, spikes), n in found.items() if at == place} for found in of_sets]
    here = [counts for counts in here if sum(counts.values()) >= FEWEST_SECONDS]
    most = max((max(counts) for counts in here), default=0)
    shares = []
    for counts in here:
        share = np.zeros(most + 1)
        share[list(counts)] = list(counts.values())
        shares.append(share / share.sum())
    return shares, sum(sum(counts.values()) for counts in here)


def _ends(share: np.ndarray) -> np.ndarray:
    """Low, middle and high of the share of each count (K,)."""
    reached = np.cumsum(share)
    beyond = 1 - COVERED
    low = int(np.searchsorted(reached, beyond / 2, "right"))
    below = reached[low - 1] if low else 0.0
    high = int(np.searchsorted(reached, below + COVERED - 1e-9))
    middle = int(np.searchsorted(reached, 0.5))
    return np.array([low, middle, min(high, len(share) - 1)])
