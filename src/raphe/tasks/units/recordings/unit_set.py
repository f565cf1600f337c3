"""Units as every reader gives them and every other room takes them.

N units, T samples a waveform, B bins of intervals, A bins of an autocorrelogram.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.sentences import counted, listed
from raphe.tasks.units.recordings.window import at_rest

BRANCHES = ("waveform", "isi", "acg")  # what may be known of a unit, in this order everywhere
WORDS = {
    "waveform": "mean waveform",
    "isi": "inter-spike intervals",
    "acg": "autocorrelogram",
}
UNKNOWN_FOLD = -1


@dataclass(frozen=True)
class UnitFacts:
    """What a table says of one unit; "" for what it does not."""

    unit_id: str
    label: str = ""
    animal: str = ""
    session: str = ""
    fold: int = UNKNOWN_FOLD
    n_spikes: int | None = None


@dataclass(frozen=True)
class UnitSet:
    """N units. A row of NaN is missing; an array of no columns is missing for all.

    waveforms: float32 (N, T), the mean spike on its largest channel, in any unit.
    isi: float32 (N, B), the share of all intervals in bins of 1 ms from 0 on; rows sum to 1 at
        most.
    acg: float32 (N, A), counts or rates in bins of 1 ms around 0, A odd.
    """

    facts: Sequence[UnitFacts]
    waveforms: np.ndarray
    isi: np.ndarray
    acg: np.ndarray
    rate_hz: float | None = None  # of the waveforms; None: not known

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            assert array.shape[:1] == (len(self.facts),), f"{name}: {array.shape}"
        assert not self.acg.shape[1] or self.acg.shape[1] % 2

    def __len__(self) -> int:
        return len(self.facts)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """By branch."""
        return {"waveform": self.waveforms, "isi": self.isi, "acg": self.acg}

    @property
    def present(self) -> np.ndarray:
        """Which of BRANCHES each unit has: bool (N, 3)."""
        return np.stack(
            [
                np.isfinite(array).all(axis=1) & bool(array.shape[1])
                for array in self.arrays.values()
            ],
            axis=1,
        )

    def rows(self, rows: np.ndarray) -> "UnitSet":
        """Some of them, by number or as bool (N,)."""
        numbers = np.arange(len(self))[rows]
        return replace(
            self,
            facts=[self.facts[number] for number in numbers.tolist()],
            waveforms=self.waveforms[numbers],
            isi=self.isi[numbers],
            acg=self.acg[numbers],
        )

    def and_those_of(self, others: "UnitSet") -> "UnitSet":
        """These and then others, of one layout."""
        return replace(
            self,
            facts=[*self.facts, *others.facts],
            waveforms=np.concatenate([self.waveforms, others.waveforms]),
            isi=np.concatenate([self.isi, others.isi]),
            acg=np.concatenate([self.acg, others.acg]),
        )


@dataclass(frozen=True)
class ReadUnits:
    """What a reader made of a file or a folder."""

    units: UnitSet
    left_out: Sequence[str] = ()  # units that have nothing, a sentence each
    remarks: Sequence[str] = ()  # what is missing or taken for granted, a sentence each
    are_clusters: bool = False  # numbered as Phy numbers them


def cleaned(units: UnitSet, where: str) -> ReadUnits:
    """The units of which something is known; what can be no measurement becomes missing.

    A waveform that is constant or not finite, and intervals or an autocorrelogram that are empty,
    negative or not finite, are missing: such rows stand for units without spikes. Waveforms that
    begin farther from 0 than a spike does hold what the traces rest at, which is taken away.

    Raises:
        RecordingError: not one unit has anything.
    """
    arrays, remarks = {}, []
    for name, array in units.arrays.items():
        array = np.array(array, np.float32)
        if array.shape[1]:
            with np.errstate(invalid="ignore", over="ignore"):
                bad = np.asarray(~np.isfinite(array).all(axis=1))
                if name == "waveform":
                    bad |= np.ptp(np.nan_to_num(array), axis=1) == 0
                else:
                    bad |= (array < 0).any(axis=1) | (np.nan_to_num(array).sum(axis=1) <= 0)
            array[bad] = np.nan
            if bad.any():
                ids = [units.facts[row].unit_id for row in np.flatnonzero(bad).tolist()]
                kind = "constant or NaN" if name == "waveform" else "empty or NaN"
                remarks.append(
                    f"{WORDS[name]} {kind}, and so taken as missing, of {int(bad.sum())} of "
                    f"{counted('unit', len(units))}: {listed(named(ids))}"
                )
        arrays[name] = array
    arrays["waveform"], told = at_rest(arrays["waveform"])
    remarks += told
    units = replace(units, waveforms=arrays["waveform"], isi=arrays["isi"], acg=arrays["acg"])
    known = np.asarray(units.present.any(axis=1))
    left_out = [
        f"unit {fact.unit_id}: has no spikes, no waveform and no intervals to be told by"
        for fact, is_known in zip(units.facts, known, strict=True)
        if not is_known
    ]
    if not known.any():
        raise RecordingError(
            f"{where}: expected units with a waveform or spikes, got {counted('unit', len(units))} "
            "and neither of any; look whether the sorting is whole"
        )
    return ReadUnits(units.rows(known), left_out, remarks)


MOST_NAMED = 5


def named(ids: Sequence[str]) -> list[str]:
    """The first few, and how many more there are."""
    more = len(ids) - MOST_NAMED
    return [*ids[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
