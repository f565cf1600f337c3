"""From an ABF header's fields to samples in Hz and in the channel's unit."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.abf.header import damaged

# Beyond what any patch-clamp converter does; guards against a damaged interval.
MIN_RATE_HZ, MAX_RATE_HZ = 0.001, 1e7

# The last code of a 12-bit converter, which fills the upper bits of the int16 (32752 of 32768).
RAIL = 1 - 2**-11


def find_rate(path: Path, interval_us: float, per_scan: int) -> float:
    """Samples of one channel in a second, from the header's float32 interval.

    `per_scan` intervals make one sampling of all channels. A float32 cannot hold the interval of
    44100 Hz: where a whole rate has exactly the float32 that was stored, that rate was set.
    """
    if not (math.isfinite(interval_us) and interval_us > 0):
        raise damaged(path, "a sampling interval above 0 µs", f"{interval_us:g}")
    rate_hz = 1e6 / (interval_us * per_scan)
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        actual = f"{rate_hz:g} (interval {interval_us:g} µs)"
        raise damaged(path, f"a rate of {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz", actual)
    whole = round(rate_hz)
    if whole and np.float32(1e6 / (whole * per_scan)) == np.float32(interval_us):
        return float(whole)
    return rate_hz


def find_scale(path: Path, converter: Any, inputs: Any, number: int) -> tuple[float, float]:
    """Gain and offset of input `number`: sample = stored × gain + offset.

    `converter` has fADCRange and lADCResolution, `inputs` a list for each field of an input.
    Raises RecordingError unless every factor is finite and none is zero; negative ones are kept.
    """
    divisors = {
        name: getattr(inputs, name)[number]
        for name in ("fInstrumentScaleFactor", "fSignalGain", "fADCProgrammableGain")
    }
    telegraph = inputs.nTelegraphEnable[number]
    if telegraph not in (0, 1):
        raise damaged(path, f"telegraph flag 0 or 1 for input {number}", telegraph)
    if telegraph:
        divisors["fTelegraphAdditGain"] = inputs.fTelegraphAdditGain[number]
    for name, value in divisors.items():
        if not math.isfinite(value) or value == 0:
            raise damaged(path, f"a finite {name} other than 0 for input {number}", f"{value:g}")
    full_scale, resolution = converter.fADCRange, converter.lADCResolution
    if not (math.isfinite(full_scale) and full_scale > 0 and resolution > 0):
        actual = f"{full_scale:g} V in {resolution} steps"
        raise damaged(path, "a converter range above 0 V in steps above 0", actual)
    gain = full_scale / math.prod(divisors.values()) / resolution
    offset = inputs.fInstrumentOffset[number] - inputs.fSignalOffset[number]
    least, most = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
    if not (abs(gain) >= least and abs(gain) * 2**15 + abs(offset) <= most):
        actual = f"steps of {gain:g} and an offset of {offset:g}"
        raise damaged(path, f"a scale of input {number} that float32 holds", actual)
    return gain, offset


def find_rail(resolution: int) -> int:
    """The stored integer from which on, up or down, the converter is at its limit."""
    return max(1, int(min(resolution, 2**15) * RAIL))
