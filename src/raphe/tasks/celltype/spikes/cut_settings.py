"""How spikes are cut: the one home of these settings and their defaults."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from raphe.core.errors import SettingError
from raphe.core.ranges import NotNegative, Positive, Range, faults
from raphe.core.recordings.rates import MOST_RATE_HZ, check_rate

Polarity = Literal["down", "up", "both"]

THRESHOLD_PA = -50.0  # Corradetti et al. 2024
UNIT = "pA"
MIN_RATE_HZ = 10_000.0  # one sample in the 0.1 ms that the peak of a spike lasts
RATE = Range(MIN_RATE_HZ, MOST_RATE_HZ, unit="Hz")
MIN_SAMPLES = 8  # 0.2 ms at 40 kHz: fewer show the peak and no shape


@dataclass(frozen=True)
class Cut:
    """Where a spike begins and how much of it is kept. Raises SettingError.

    A spike begins at the first sample beyond `threshold_pa`, or, when `mad_factor` is given
    instead, beyond the sweep's median ± mad_factor × MAD (the plain median absolute deviation).
    `polarity` says on which side; "both" takes a threshold's size on either side of zero.
    Crossings within `dead_time_ms` of the last spike's are not spikes of their own.
    `accept_unit` names a unit other than pA that the numbers, the threshold's among them, are in.
    """

    threshold_pa: float | None = THRESHOLD_PA
    mad_factor: Positive | None = None
    polarity: Polarity = "down"
    pre_ms: NotNegative = 1.0
    post_ms: NotNegative = 3.0
    rate_hz: Annotated[float, RATE] = 40_000.0
    dead_time_ms: NotNegative = 3.0
    accept_unit: str | None = None

    @property
    def unit(self) -> str:
        return self.accept_unit or UNIT

    @property
    def n_samples(self) -> int:
        return round((self.pre_ms + self.post_ms) * self.rate_hz / 1000)  # 160

    @property
    def n_before(self) -> int:
        return round(self.pre_ms * self.rate_hz / 1000)  # 40: the crossing's place in the window

    @property
    def n_dead(self) -> int:
        return round(self.dead_time_ms * self.rate_hz / 1000)

    def __post_init__(self) -> None:
        check_rate(self.rate_hz, _named("rate_hz"), SettingError, RATE)
        for name, fault in faults(Cut, vars(self)):
            raise SettingError(f"{_named(name)}: {fault}")
        if self.polarity not in get_args(Polarity):
            raise SettingError(
                f"{_named('polarity')}: expected down, up or both, got {self.polarity!r}"
            )
        if (self.threshold_pa is None) == (self.mad_factor is None):
            raise SettingError(
                "give either threshold_pa or mad_factor (--threshold-pa or --mad), and null (None) "
                f"for the other, got {self.threshold_pa} and {self.mad_factor}"
            )
        if self.threshold_pa is not None:
            self._check_threshold(self.threshold_pa)
        if self.n_before >= self.n_samples:
            raise SettingError(
                f"{_named('post_ms')}: {self.post_ms:g} ms leave no sample after the crossing"
            )
        if self.n_samples < MIN_SAMPLES:
            raise SettingError(
                f"{_named('pre_ms')}, {_named('post_ms')}: expected a window of {MIN_SAMPLES} "
                f"samples or more ({1000 * MIN_SAMPLES / self.rate_hz:g} ms at {self.rate_hz:g} Hz)"
                f", got {self.n_samples} ({self.pre_ms + self.post_ms:g} ms)"
            )

    def _check_threshold(self, threshold: float) -> None:
        name = _named("threshold_pa")
        if not math.isfinite(threshold) or threshold == 0:
            raise SettingError(f"{name}: expected a number other than 0, got {threshold:g}")
        if self.polarity == "down" and threshold > 0:
            raise SettingError(f"{name}: polarity down needs it below 0, got {threshold:g}")
        if self.polarity == "up" and threshold < 0:
            raise SettingError(f"{name}: polarity up needs it above 0, got {threshold:g}")


@dataclass(frozen=True)
class GivenWindows:
    """In place of a Cut: windows that were cut elsewhere. Their form, but not how to cut alike.

    Raises SettingError.
    """

    n_samples: int
    rate_hz: float
    unit: str
    n_before: int = 0  # the spike's place in the window is not known

    def __post_init__(self) -> None:
        check_rate(self.rate_hz, "rate_hz of the windows", SettingError)


def _named(setting: str) -> str:
    """A setting's name here and in Hydra, and that of its option on the command line."""
    option = "mad" if setting == "mad_factor" else setting.replace("_", "-")
    return f"{setting} (--{option})"
