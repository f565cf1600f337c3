"""A stimulus that was given at a lower rate than its response was sampled at, as MIES may do: the
converter held each of its values until the next."""

from dataclasses import dataclass, replace

import numpy as np

from raphe.core.recordings.recording import Recording, Trace

SAME = 1e-6  # relative, of two rates


@dataclass(frozen=True, eq=False)
class _Held:
    """Samples of a trace, each so many times."""

    trace: Trace
    times: int

    def __getitem__(self, span: slice) -> np.ndarray:
        first, last = span.start // self.times, -(-span.stop // self.times)
        begins = first * self.times
        values = np.repeat(self.trace.read(first, last), self.times)
        return values[span.start - begins : span.stop - begins]


def held(stimulus: Recording, rate_hz: float, n_samples: int) -> Recording | None:
    """A stimulus of one trace at a higher rate, as many samples of it.

    None where the rate is no whole multiple of its own, or it does not last as long to one of its
    steps: then one of the rates may be wrong.
    """
    times = round(rate_hz / stimulus.rate_hz)
    if times < 2 or abs(times * stimulus.rate_hz / rate_hz - 1) > SAME:
        return None
    if not 0 <= times * stimulus.n_samples - n_samples < times:
        return None
    (trace,) = stimulus.sweeps
    longer = Trace(_Held(trace, times), n_samples, trace.start_s)
    return replace(stimulus, sweeps=(longer,), rate_hz=rate_hz)
