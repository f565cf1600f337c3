"""What to expect of rates at a noise and frame rate, from neurons whose spikes are known."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.sentences import counted, number

CANNOT_BE_TOLD = "what to expect cannot be told:"
IN_ANOTHER_UNIT = (
    "; if they are fluorescence as it was measured, pass --dff, and if ΔF/F in %, divide them "
    "by 100"
)


@dataclass(frozen=True)
class Group:
    """Neurons of a like noise and frame rate, each edge's lower end within."""

    noise: tuple[float, float]  # %/√Hz
    frame_hz: tuple[float, float]
    n: int  # neurons
    n_datasets: int
    correlation: float  # of rates and spikes in bins of 40 ms, the neurons' mean
    low: float | None  # four in five neurons lie between; None where they are too few
    high: float | None

    def holds(self, noise: float, rate_hz: float) -> bool:
        ends = ((self.noise, noise), (self.frame_hz, rate_hz))
        return all(low <= value < high for (low, high), value in ends)

    @property
    def what(self) -> str:
        """As "noise of 1.5 to 2.5 %/√Hz at 21 to 42 frames/s"."""
        noise = f"{self.noise[0]:g} to {self.noise[1]:g} %/√Hz"
        return f"noise of {noise} at {self.frame_hz[0]:.0f} to {self.frame_hz[1]:.0f} frames/s"


def expected(groups: Iterable[Group], noise: float, rate_hz: float) -> Group | None:
    """The group that a trace's noise (%/√Hz) and frame rate fall into, if there is one."""
    return next((group for group in groups if group.holds(noise, rate_hz)), None)


def sentence(groups: Sequence[Group], noises: Sequence[float], rate_hz: float) -> str:
    """What to expect of a file's traces that are like those of training and have an event, by the
    median of their noise; "" without any group."""
    if not groups:
        return ""
    known = [noise for noise in noises if math.isfinite(noise)]
    if not known:
        return (
            f"{CANNOT_BE_TOLD} none of these traces both is like those of training and rises above "
            "its noise"
        )
    noise = float(np.median(known))
    group = expected(groups, noise, rate_hz)
    if group is None:
        noisiest = max(group.noise[1] for group in groups)
        remedy = IN_ANOTHER_UNIT if noise > noisiest else ""
        return (
            f"{CANNOT_BE_TOLD} of the neurons of known spikes none had a noise of "
            f"{number(noise)} %/√Hz (the median of these traces, if they are ΔF/F as fractions) at "
            f"{rate_hz:g} frames/s{remedy}"
        )
    spread = (
        "too few to tell how neurons differ"
        if group.low is None or group.high is None
        else f"four in five of them {group.low:.2f} to {group.high:.2f}"
    )
    neurons, sets = counted("neuron", group.n), counted("data set", group.n_datasets)
    return (
        f"what to expect: a correlation with the true spikes of {group.correlation:.2f} in bins of "
        f"40 ms, the mean of {neurons} of {sets} with a {group.what}, {spread}; these traces have "
        f"{number(noise)} %/√Hz in the median, if they are ΔF/F as fractions"
        + _others(groups, known, rate_hz)
    )


def _others(groups: Sequence[Group], noises: Sequence[float], rate_hz: float) -> str:
    """How many traces have a noise that no neuron had, which the median does not show."""
    unknown = [noise for noise in noises if expected(groups, noise, rate_hz) is None]
    if not unknown:
        return ""
    up_to = "up to " if len(unknown) > 1 else ""
    return (
        f"; of {counted('trace', len(unknown))} of {len(noises)} it cannot be told, as none of the "
        f"neurons had such a noise ({up_to}{number(max(unknown))} %/√Hz)"
    )
