"""Whether a signal was cut off at its largest or smallest value, as a saturated amplifier does.

There it stays at exactly one value for some samples, and gets there in steps as it takes elsewhere:
a voltage that settles gets there in ever smaller ones, a commanded step in one that is larger than
nearly all. Not told is a cut of a voltage without noise that moves by one step of its converter at
most: so it looks when it settles, too. N samples.
"""

from dataclasses import dataclass

import numpy as np

from raphe.core.sentences import counted, number

LEAST_SAMPLES = 5  # that stay at one value
NEARLY_ALL = 99.0  # per cent of the steps between neighbours elsewhere are as small or smaller
FINEST = 4 * float(np.finfo(np.float32).eps)  # of a value: what rounding alone moves it by
LEAST_STRETCHES = {"voltage": 1, "current": 2}  # a ramp may be commanded to end in a plateau


@dataclass(frozen=True)
class Clipped:
    """One end of a signal that was cut off."""

    at: float  # in the signal's unit
    is_largest: bool
    n_stretches: int
    n_samples: int


def clipped(signal: np.ndarray, least_stretches: int = 1) -> list[Clipped]:
    """The ends of a signal (N,), NaN where it is missing, at which it was cut off."""
    steps = np.abs(np.diff(signal))
    moved = steps[np.isfinite(steps) & (steps > 0)]
    if not len(moved):
        return []
    finite = signal[np.isfinite(signal)]
    least = max(1.5 * float(moved.min()), FINEST * float(np.abs(finite).max()))
    found = []
    for extreme, is_largest in ((finite.max(), True), (finite.min(), False)):
        begins, ends = _stretches(signal == extreme)
        long = ends - begins >= LEAST_SAMPLES
        begins, ends = begins[long], ends[long]
        entered = np.where(begins > 0, steps[begins - 1], np.nan)  # NaN behind a gap
        inside = np.zeros(len(signal), bool)
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            inside[max(begin - 1, 0) : end + 1] = True
        elsewhere = steps[~inside[:-1] & np.isfinite(steps)]
        if not len(elsewhere):
            continue
        usual = float(np.percentile(elsewhere, NEARLY_ALL))
        cut = (entered >= least) & (entered <= usual)
        if extreme != 0 and np.count_nonzero(cut) >= least_stretches:
            n_samples = int((ends - begins)[cut].sum())
            found.append(Clipped(float(extreme), is_largest, int(cut.sum()), n_samples))
    return found


def clipping_sentences(voltage_v: np.ndarray, current_a: np.ndarray) -> list[str]:
    """A sentence for each end at which a voltage or a current (N,) was cut off."""
    sentences = []
    for name, signal, in_lab, unit in (
        ("voltage", voltage_v, 1e3, "mV"),
        ("current", current_a, 1e12, "pA"),
    ):
        for end in clipped(signal, LEAST_STRETCHES[name]):
            extreme, beyond = ("largest", "above") if end.is_largest else ("smallest", "below")
            sentences.append(
                f"the {name} stays at exactly {number(in_lab * end.at)} {unit}, its {extreme} "
                f"value, for {counted('sample', end.n_samples)} in "
                f"{counted('stretch', end.n_stretches, 'stretches')}, as a saturated amplifier's "
                f"does: what lay {beyond} is lost, and values that rest on it are wrong"
            )
    return sentences


def _stretches(is_at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where stretches of bool (N,) begin, and where they have ended."""
    edges = np.flatnonzero(np.diff(is_at, prepend=False, append=False))
    return edges[::2], edges[1::2]
