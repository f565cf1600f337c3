"""How a sorting's spikes lie in their windows: at which sample, at which level, up or down.

Programs cut windows around other samples, keep or take away what the traces rest at, and show
spikes as a headstage inverts them or not; none of it tells kinds of cells apart, and all of it
changes what a classifier says. N units, T samples.
"""

from dataclasses import dataclass

import numpy as np

FEWEST_ALIGNED = 5  # units that tell what is the sorting's, not a unit's own
MISPLACED = 1  # sample: … the middle half of them as near to each other, and all farther off
BEGINNING = 0.1  # of a window, where the spike has not begun
# Of a spike's height. Classes of one published set differ by 0.06 at most (CellExplorer's pyramidal
# cells from its others), two sets by 0.10.
OFF_LEVEL = 0.08
RESTING = 0.25  # of a spike's height: no spike begins so far from 0, but traces may rest there
ALL_BUT_SOME = 0.75  # of a sorting's spikes: these point as it shows spikes


@dataclass(frozen=True)
class Window:
    """Of a sorting; None for what its units do not agree on, or too few of them tell."""

    place: int | None = None  # sample at which waveforms are farthest from 0
    level: float | None = None  # at which they begin, as a share of their height
    up: bool | None = None  # whether spikes point up

    @classmethod
    def of(cls, waveforms: np.ndarray) -> "Window":
        """Of waveforms (N, T); rows of NaN do not count."""
        known = waveforms[np.isfinite(waveforms).all(axis=1)]
        if len(known) < FEWEST_ALIGNED or not known.shape[1]:
            return cls()
        return cls(_place(known), float(np.median(levels(known))), _up(known))


def levels(waveforms: np.ndarray) -> np.ndarray:
    """At which each begins, as a share of its height (N,); NaN for one that has no height."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: np.ndarray = _beginning(waveforms) / np.ptp(waveforms, axis=1)
    return shares


def _beginning(waveforms: np.ndarray) -> np.ndarray:
    n_first = max(1, round(BEGINNING * waveforms.shape[1]))
    means: np.ndarray = waveforms[:, :n_first].mean(axis=1)
    return means


def at_rest(waveforms: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Waveforms (N, T) that begin at 0, where most of them begin so far from it that they hold what
    the traces rest at; else as they are. And a sentence on what was taken away."""
    away = np.abs(levels(waveforms)) if waveforms.shape[1] else np.empty(0)
    away = away[np.isfinite(away)]
    if not len(away) or np.median(away) <= RESTING:
        return waveforms, []
    raised = waveforms - _beginning(waveforms)[:, None]
    return raised.astype(waveforms.dtype), [
        f"waveforms rest at {np.median(away):.2g} times their height from 0: what each begins at, "
        f"the mean of its first {100 * BEGINNING:.0f} %, was taken away"
    ]


def brought(waveforms: np.ndarray, wanted: Window) -> tuple[np.ndarray, list[str]]:
    """All (N, T) turned, raised and moved alike, so that they lie as is wanted: and what was done.

    Edges are repeated where they are moved. A single unit may be unlike the others in all of this;
    a sorting whose units agree on it is not.
    """
    own, told = Window.of(waveforms), []
    if own.up is not None and wanted.up is not None and own.up != wanted.up:
        waveforms, own = -waveforms, Window.of(-waveforms)
        told.append(f"turned over, as spikes pointed {'down' if wanted.up else 'up'} in them")
    if own.level is not None and wanted.level is not None:
        off = own.level - wanted.level
        if abs(off) > OFF_LEVEL:
            waveforms = waveforms - off * np.ptp(waveforms, axis=1, keepdims=True)
            own = Window.of(waveforms)
            told.append(
                f"{'lowered' if off > 0 else 'raised'} by {abs(off):.2f} of their height, as they "
                "began at another level"
            )
    if own.place is not None and wanted.place is not None:
        later = own.place - wanted.place
        if abs(later) > MISPLACED:
            at = np.arange(waveforms.shape[1]) + later
            waveforms = waveforms[:, np.clip(at, 0, waveforms.shape[1] - 1)]
            told.append(f"moved by {abs(later)} samples, as they were cut around another one")
    return waveforms, told


def _place(waveforms: np.ndarray) -> int | None:
    early, middle, late = np.quantile(np.abs(waveforms).argmax(axis=1), (0.25, 0.5, 0.75))
    return round(middle) if max(middle - early, late - middle) <= MISPLACED else None


def _up(waveforms: np.ndarray) -> bool | None:
    spikes = waveforms - _beginning(waveforms)[:, None]
    farthest = np.abs(spikes).argmax(axis=1)
    share = float((spikes[np.arange(len(spikes)), farthest] > 0).mean())
    return None if 1 - ALL_BUT_SOME < share < ALL_BUT_SOME else share > 0.5
