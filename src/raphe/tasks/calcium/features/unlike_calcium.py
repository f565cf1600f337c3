"""Whether a trace can be calcium at all, or is noise, upside down, shuffled, of another rate.

Calcium rises within a fraction of a second and decays over a longer one, now and then. What never
was calcium differs in how its steps are spread, over short and over long times. Eleven measures of
that were taken of the field's recordings, of synthetic traces and of nonsense made from them, and
a boundary was drawn for each kind of nonsense; see benchmarks/nonsense.py, which made the numbers.
B bins of a trace, see rises.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from scipy import fft

from raphe.tasks.calcium.features.rises import Bins, steps

BOUNDARIES = "unlike_calcium.json"
KINDS = {  # of nonsense, and what is said of it
    "wandering": "wanders as noise, drift and hum do: rises no faster or larger than it falls",
    "inverted": "falls faster than it rises, as a trace upside down or backwards does",
    "stepping": "goes in steps, falling as fast as it rises",
    "scattered": "has frames that do not follow from each other, as of a transposed matrix, of "
    "shuffled frames or of spikes in place of fluorescence",
    "fast": "decays faster than calcium is known to; look whether the frame rate is right",
    "slow": "decays more slowly than calcium is known to; look whether the frame rate is right",
}
SMOOTHED = (
    "smoothed, or of interpolated frames: no noise at its highest frequencies, as all traces of "
    "training had; give the raw one"
)
NO_NOISE = -4.6  # the logarithm of its power there: recordings have -3.4 and more, smoothed -6
HIGHEST_POWER = "power at the highest frequencies (log)"
MEASURES = (
    "kurtosis of steps over 0.6 s (log)",
    "kurtosis of steps over 4.8 s (log)",
    "correlation with the second next bin",
    "large rises over large falls, 0.15 s (log)",
    "skewness of steps up to 0.3 s, the largest",
    "deviation of steps over 0.15 s (log)",
    "deviation of steps over 0.6 s (log)",
    "kurtosis (log)",
    "largest rise over 0.3 s (log)",
    HIGHEST_POWER,
    "power at 1 to 2 Hz (log)",
)
FEWEST_TRACES, MANY = 20, 1 / 3  # of a file, of which so large a share is unlike calcium
SHORTEST_S = 20.0  # of a trace that is judged
LARGE = (0.5, 99.5)  # percentiles of falls and rises
SEGMENT = 256  # bins of a spectrum
HIGHEST = 0.8  # of half the frame rate or half the bins', from which on frequencies are the highest
LEAST = 1e-9  # of what a logarithm is taken of
FARTHEST = 3.0  # deviations: beyond, all is as far


class Boundaries(NamedTuple):
    """Where the kinds of nonsense begin, among M standardised measures and their products."""

    centre: np.ndarray  # (M,)
    scale: np.ndarray  # (M,)
    weights: Mapping[str, np.ndarray]  # by kind (1 + M + M (M + 1) / 2,); beyond 0 it is nonsense

    def terms(self, measures: np.ndarray) -> np.ndarray:
        """What weights are of, of measures (…, M): 1, each, and the product of each two."""
        z = np.clip((measures - self.centre) / self.scale, -FARTHEST, FARTHEST)
        first, second = np.triu_indices(z.shape[-1])
        return np.concatenate([np.ones_like(z[..., :1]), z, z[..., first] * z[..., second]], -1)

    def beyond(self, measures: np.ndarray) -> str:
        """The kind of nonsense that measures (M,) are furthest within, or ""."""
        terms = self.terms(measures)
        excess = {kind: float(terms @ weights) for kind, weights in self.weights.items()}
        furthest = max(excess, key=excess.__getitem__)
        return furthest if excess[furthest] > 0 else ""

    @classmethod
    def of_json(cls, text: str) -> "Boundaries":
        values: Mapping[str, Any] = json.loads(text)
        assert tuple(values["measures"]) == MEASURES and set(values["weights"]) <= set(KINDS)
        centre, scale = (np.array(values[name]) for name in ("centre", "scale"))
        return cls(centre, scale, {kind: np.array(w) for kind, w in values["weights"].items()})


@cache
def boundaries() -> Boundaries:
    """Those that come with raphe."""
    return Boundaries.of_json(files(__package__).joinpath(BOUNDARIES).read_text("utf-8"))


def unlike_calcium(bins: Bins) -> str:
    """In what a trace that stands out of its noise is unlike calcium, a phrase, or ""."""
    found = measures(bins)
    if found is None:
        return ""
    if is_smoothed(found):
        return SMOOTHED
    kind = boundaries().beyond(found)
    return KINDS[kind] if kind else ""


def unlike_as_a_whole(remarks: Sequence[str]) -> str:
    """A sentence where many of a file's traces are unlike calcium, by the remarks on each, or "".

    One in twenty is where nothing is wrong.
    """
    told = [kind for remark in remarks for kind, phrase in KINDS.items() if phrase in remark]
    if len(remarks) < FEWEST_TRACES or len(told) < MANY * len(remarks):
        return ""
    most = Counter(told).most_common(1)[0][0]
    return (
        f"{len(told)} of {len(remarks)} traces are unlike calcium, most of them as one that "
        f"{KINDS[most]}: look whether the file holds ΔF/F, a neuron in each trace, at this rate"
    )


def is_smoothed(measures: np.ndarray) -> bool:
    """Whether the noise of a trace of such measures (M,) was taken out."""
    return bool(measures[MEASURES.index(HIGHEST_POWER)] < NO_NOISE)


def measures(bins: Bins) -> np.ndarray | None:
    """The MEASURES of a trace, float64 (M,); None of one that is too short or constant."""
    values = bins.values
    if len(values) < SHORTEST_S * bins.per_s or np.ptp(values) == 0:
        return None
    by_window = steps(bins, (0, 0.15, 0.3, 0.6, 4.8))
    moments = {window_s: _moments(each) for window_s, each in by_window.items()}
    falls, rises = np.percentile(by_window[0.15], LARGE)
    centred = values - values.mean()
    highest, middle = _power(bins)
    return np.array(
        [
            np.log(moments[0.6].kurtosis),
            np.log(moments[4.8].kurtosis),
            np.mean(centred[2:] * centred[:-2]) / np.mean(centred**2),
            np.log(max(rises, LEAST) / max(-falls, LEAST)),
            max(moments[window_s].skewness for window_s in (0, 0.15, 0.3)),
            np.log(moments[0.15].deviation + LEAST),
            np.log(moments[0.6].deviation + LEAST),
            np.log(_moments(values).kurtosis),
            np.log(max(by_window[0.3].max(), LEAST)),
            highest,
            middle,
        ]
    )


class _Moments(NamedTuple):
    deviation: float
    skewness: float
    kurtosis: float


def _moments(values: np.ndarray) -> _Moments:
    centred = values - values.mean()
    squares = centred * centred  # a power takes twenty times as long as a product
    deviation = np.sqrt(squares.mean()) + LEAST
    return _Moments(
        float(deviation),
        float((squares * centred).mean() / deviation**3),
        float((squares * squares).mean() / deviation**4) + LEAST,
    )


def _power(bins: Bins) -> tuple[float, float]:
    """The logarithm of a trace's power, that of white noise 0: at the highest and at 1 to 2 Hz."""
    n = min(SEGMENT, len(bins.values))
    segments = bins.values[: len(bins.values) // n * n].reshape(-1, n)
    window = np.hanning(n)
    spectra = fft.rfft((segments - segments.mean(axis=1, keepdims=True)) * window)[:, 1:]
    power = np.square(np.abs(spectra)).mean(axis=0) / np.square(window).sum()
    frequency_hz = np.arange(1, len(power) + 1) * bins.per_s / n
    top_hz = min(bins.frame_hz, bins.per_s) / 2
    bands = (
        (frequency_hz > HIGHEST * top_hz) & (frequency_hz <= top_hz),
        (frequency_hz >= 1) & (frequency_hz < 2),
    )
    highest, middle = (np.log(power[band] + LEAST).mean() if band.any() else 0.0 for band in bands)
    return float(highest), float(middle)
