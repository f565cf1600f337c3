"""Is the mean rate that a bundle says the true one? Over true rates, noise and frame rates.

    python benchmarks/rate_calibration.py                   the bundle that comes with raphe
    python benchmarks/rate_calibration.py --bundle BUNDLE   another

Neurons are simulated by binding_traces.py, not by what networks are trained on. The bar is a factor
of 1.5 wherever a single spike can be seen (d′ of a matched filter of 5 and more) and 20 spikes or
more are expected; elsewhere the interval of the mean rate has to hold the true one.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from binding_traces import FIRING, INDICATORS, imaged, neurons
from machine import Table, options_of, write_tables

from raphe.core.bundles.shipped import shipped_bundle
from raphe.core.progress import progress
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.prediction.infer_rates import InferredTrace, Inferrer

RATES_PER_S = (0.0, 0.01, 0.05, 0.2, 1.0, 3.0, 10.0)
NOISES = (0.1, 0.3, 1.0, 3.0)
FRAME_HZ = (7.5, 30.0, 120.0)
SEEN, ENOUGH, FACTOR, SILENT_PER_S = 5.0, 20.0, 1.5, 0.005
SEED = 9


@dataclass(frozen=True)
class Cell:
    """Neurons of one rate, noise and frame rate, N of them."""

    rate_per_s: float
    noise: float
    frame_hz: float
    true_per_s: np.ndarray  # (N,)
    d_prime: np.ndarray  # (N,)
    inferred: Sequence[InferredTrace]
    expected: float  # spikes of each

    @property
    def said_per_s(self) -> np.ndarray:
        return np.array([trace.mean_rate.value for trace in self.inferred])

    @property
    def ratio(self) -> np.ndarray:
        return self.said_per_s / self.true_per_s

    @property
    def held(self) -> np.ndarray:
        """Whether each neuron's interval holds its true rate; NaN where it has none (N,)."""
        ends = np.array([trace.mean_rate[1:] for trace in self.inferred])
        low, high = ends.T
        held = (low <= self.true_per_s) & (self.true_per_s <= high)
        return np.where(np.isnan(ends).any(axis=1), np.nan, held)

    @property
    def has_bar(self) -> np.ndarray:
        """Of which neurons the mean rate has to be right within FACTOR (N,)."""
        return (self.d_prime >= SEEN) & (self.expected >= ENOUGH)

    @property
    def is_right(self) -> np.ndarray:
        return (self.ratio <= FACTOR) & (self.ratio >= 1 / FACTOR)

    @property
    def n_without_event(self) -> int:
        return sum(trace.no_event for trace in self.inferred)


def cells(bundle: RateBundle, n: int, minutes: float) -> Iterator[Cell]:
    inferrer = Inferrer(bundle)
    for number, rate_per_s in enumerate(progress(RATES_PER_S, "Rates")):
        rng = np.random.default_rng([SEED, number])
        some = neurons(n, rate_per_s, 60 * minutes, rng)
        for frame_hz in FRAME_HZ:
            for noise in NOISES:
                dff, d_prime = imaged(some, frame_hz, noise, rng)
                inferred = [
                    inferrer.infer(str(index), trace, frame_hz, bundle.conditioning)
                    for index, trace in enumerate(dff)
                ]
                yield Cell(
                    rate_per_s, noise, frame_hz, some.rate_per_s, d_prime, inferred,
                    60 * minutes * rate_per_s,
                )  # fmt: skip


def tables(found: Sequence[Cell]) -> dict[str, Table]:
    noises = [f"noise {noise:g}" for noise in NOISES]
    shown: dict[str, Table] = {
        "## In all": in_all(found),
        "## What a noise is\n\nOf a frame at 30 frames/s, relative to the peak of a single spike; "
        "d′ of a single spike by a matched filter and noise in %/√Hz, medians.": (
            ("frames/s", *noises),
            [
                (f"{frame_hz:g}", *(_what(_of(found, frame_hz, noise)) for noise in NOISES))
                for frame_hz in FRAME_HZ
            ],
        ),
    }
    for frame_hz in FRAME_HZ:
        rows = [
            (
                f"{rate:g}",
                *(_told(c) for c in found if (c.rate_per_s, c.frame_hz) == (rate, frame_hz)),
            )
            for rate in RATES_PER_S
        ]
        shown[f"## {frame_hz:g} frames/s"] = (("true, /s", *noises), rows)
    return shown


def in_all(found: Sequence[Cell]) -> Table:
    firing = [cell for cell in found if cell.rate_per_s]
    bar = np.concatenate([cell.is_right[cell.has_bar] for cell in firing])
    held = {
        with_bar: np.concatenate([cell.held[cell.has_bar == with_bar] for cell in firing])
        for with_bar in (True, False)
    }
    silent = np.concatenate([cell.said_per_s for cell in found if not cell.rate_per_s])
    rows = [
        (f"a single spike can be seen and {ENOUGH:g} are expected: within a factor of {FACTOR:g}",
         len(bar), f"{bar.mean():.0%}", "100%"),
        *((f"{words}: the interval of the mean rate holds the true one",
           np.count_nonzero(~np.isnan(values)), _share(values), "90%")
          for words, values in (("of these", held[True]), ("elsewhere", held[False]))),
        (f"silent: below {SILENT_PER_S:g}/s", len(silent),
         f"{(silent < SILENT_PER_S).mean():.0%}, largest {silent.max():.3g}/s", "100%"),
    ]  # fmt: skip
    return ("neurons", "n", "share", "bar"), rows


def _of(found: Sequence[Cell], frame_hz: float, noise: float) -> list[Cell]:
    return [cell for cell in found if (cell.frame_hz, cell.noise) == (frame_hz, noise)]


def _what(some: Sequence[Cell]) -> str:
    d_prime = np.median(np.concatenate([cell.d_prime for cell in some]))
    noise = np.nanmedian([trace.noise for cell in some for trace in cell.inferred])
    return f"d′ {d_prime:.3g}, {noise:.2g} %/√Hz"


def _told(cell: Cell) -> str:
    none = f", none in {cell.n_without_event}" if cell.n_without_event else ""
    if not cell.rate_per_s:
        return f"{np.median(cell.said_per_s):.2g}/s to {cell.said_per_s.max():.2g}/s{none}"
    low, middle, high = np.nanquantile(cell.ratio, (0.1, 0.5, 0.9))
    bar = f"; **{cell.is_right[cell.has_bar].mean():.0%}**" if cell.has_bar.any() else ""
    return f"{middle:.2f} ({low:.2f}–{high:.2f}){bar}; {_share(cell.held)}{none}"


def _share(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    return f"{known.mean():.0%}" if len(known) else "–"


def options() -> argparse.Namespace:
    parser = options_of(__doc__, "rate_calibration")
    parser.add_argument("--bundle", type=Path, default=shipped_bundle("calcium"), metavar="DIR")
    parser.add_argument("--neurons", type=int, default=12, help="of each rate, at least 1")
    parser.add_argument("--minutes", type=float, default=34.0, help="of each trace")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    bundle = RateBundle.open(chosen.bundle, threads=1)
    found = list(cells(bundle, chosen.neurons, chosen.minutes))
    write_tables(
        chosen.output,
        "Mean rates on simulated neurons",
        f"`python benchmarks/rate_calibration.py`, bundle `{chosen.bundle.name}` (content hash "
        f"{bundle.bundle.content_hash[:12]}); "
        f"{chosen.neurons} neurons of {chosen.minutes:g} min in each cell, firing "
        f"{', '.join(FIRING)}, {', '.join(kind.name for kind in INDICATORS)}. A cell of the "
        "tables: said over true mean rate, median (10 to 90 % of the neurons); in bold the share "
        f"of the neurons that fall under the bar and come within a factor of {FACTOR:g}; the share "
        "whose interval of the mean rate holds the true one; in how many no event was found",
        tables(found),
    )


if __name__ == "__main__":
    main()
