"""One trace made ready for a network, and what the network says brought back to its frames.

T frames at the file's rate, n samples at 100 Hz.
"""

from dataclasses import dataclass

import numpy as np

from raphe.tasks.calcium.recordings.conditioning import (
    RELATIVE_TO_S,
    ConditionedTrace,
    Conditioning,
    fault,
    relative,
    too_short,
)
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.screening import Screened, screened

BRIDGED_S = 1.0  # of a gap; the rest is cut out, as it would count as a quiet stretch
MADE_RELATIVE = (
    "traces are taken as fluorescence, and brought to ΔF/F by their running 5th percentile of "
    f"{RELATIVE_TO_S:g} s"
)
NOT_ABOVE_0 = "its baseline is not above 0 throughout, as ΔF/F needs; leave --dff out"
DENOISED = (
    "denoised: no noise above its signal, as all traces of training had; give the raw one (of "
    "CaImAn, C + YrA)"
)


class Unusable(Exception):
    """Why no network can be asked of a trace, a phrase."""


@dataclass(frozen=True)
class ReadyTrace:
    """A trace as its frames have it, and as a network takes it."""

    samples: np.ndarray  # float64 (T,), NaN where a frame is missing or no fluorescence
    used: np.ndarray  # bool (T,), the frames that the network is shown
    conditioned: ConditionedTrace  # of these
    rate_hz: float
    screen: Screened

    def in_frames(self, at_100_hz: np.ndarray) -> np.ndarray:
        """What a network says of the trace (n,), in each of its frames: float32 (T,)."""
        answer = np.full(len(self.samples), np.nan, np.float32)
        answer[self.used] = in_frames(at_100_hz, int(self.used.sum()), self.rate_hz)
        answer[np.isnan(self.samples)] = np.nan
        return answer


def made_ready(
    trace: np.ndarray, rate_hz: float, condition: Conditioning, dff: bool = False
) -> ReadyTrace:
    """Screen a trace (T,) and condition it; with `dff` it is fluorescence, and made ΔF/F first.

    Raises Unusable.
    """
    screen = screened(trace, rate_hz)
    samples = screen.samples
    if reason := fault(trace) or fault(samples) or too_short(samples, rate_hz):
        raise Unusable("; ".join((reason, *screen.remarks)))
    if dff:
        missing = np.isnan(samples)
        samples = relative(samples, rate_hz)
        if (np.isnan(samples) & ~missing).any():
            raise Unusable(NOT_ABOVE_0)
    used = frames_used(samples, rate_hz)
    with np.errstate(over="ignore", invalid="ignore"):
        conditioned = condition(samples[used], rate_hz)
    if not np.isfinite(conditioned.samples).all():
        largest = np.nanmax(np.abs(samples))
        raise Unusable(f"its rates are not finite, because its values reach {largest:.0e}")
    return ReadyTrace(samples, used, conditioned, rate_hz, screen)


def frames_used(trace: np.ndarray, rate_hz: float) -> np.ndarray:
    """The frames that the network is shown of a trace (T,), bool (T,).

    Those from the first known one to the last, without what a gap has beyond its first second.
    """
    present = ~np.isnan(trace)
    place = np.arange(len(trace))
    last_present = np.maximum.accumulate(np.where(present, place, -len(trace)))
    used = place - last_present <= round(BRIDGED_S * rate_hz)
    used[np.flatnonzero(present)[-1] + 1 :] = False
    return used


def in_frames(at_100_hz: np.ndarray, n_frames: int, rate_hz: float) -> np.ndarray:
    """The mean in each frame, of a rate (n,) at 100 Hz: float32 (n_frames,).

    Frame i lasts from i / rate_hz to (i + 1) / rate_hz; no spike is lost but beyond the last.
    """
    reached = np.concatenate([[0.0], np.cumsum(at_100_hz, dtype=np.float64)]) / RATE_HZ
    ends_s = np.arange(n_frames + 1) / rate_hz
    at_ends = np.interp(ends_s, np.arange(len(reached)) / RATE_HZ, reached)
    return (np.diff(at_ends) * rate_hz).astype(np.float32)
