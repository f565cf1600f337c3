"""How far apart laboratories' clocks may be taken to be, chosen on other data sets.

    python benchmarks/clocks.py

A frame's time and a spike's come from two clocks, and no trace tells how far they are apart. What a
network that knows no more than that they are up to a width apart should say is the mean over all
such clocks of what it says where they agree: a training on synthetic traces with
data.synthesis.clock_s=[-0.1,0.1] can at best come to that. So the rates of a bundle that saw no
recording are moved and averaged over clocks, and scored on the field's ground truth; of each data
set the lag and the width are chosen by the others, beside its own best lag, which nobody knows who
has no spikes. The recordings are not the project's to hand on: where they are absent it says so.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from calcium_scores import inferred
from calcium_sets import DATA, dataset_files, number_of, read_neurons
from calcium_statistics import OfSets, Statistic, difference, over_sets
from calcium_tables import told
from machine import Table, options_of, write_tables
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from raphe.core.bundles.shipped import shipped_bundle
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.metrics.rate_factors import middle_factor
from raphe.tasks.calcium.metrics.scores import SMOOTHING_S
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, SAMPLES_PER_BIN, binned

BIN_S = SAMPLES_PER_BIN / RATE_HZ
BIN_MS = round(1000 * BIN_S)
LAGS = range(-5, 6)  # bins by which rates come later
WIDTHS = (1, 3, 5, 11)  # bins over which they are averaged: 1 is as they are
MEASURES: dict[str, Statistic] = {
    "r, 40 ms": np.mean, "r, 0.2 s": np.mean, "error, both smoothed": np.median,
}  # fmt: skip


class Clocks(NamedTuple):
    """What is supposed of imaging's clock beside the electrode's, in bins."""

    lag: int
    width: int

    def __str__(self) -> str:
        apart = f"± {BIN_MS * self.width / 2:g} ms" if self.width > 1 else "none apart"
        return f"{BIN_MS * self.lag:+d} ms, {apart}" if self.lag else apart

    def rates(self, rates_per_s: np.ndarray) -> np.ndarray:
        """Those of bins (n,), moved and averaged; ends are held."""
        reach = abs(self.lag)
        around = np.pad(rates_per_s, reach, mode="edge")
        moved = around[reach - self.lag : reach - self.lag + len(rates_per_s)]
        return uniform_filter1d(moved, self.width, mode="nearest")


AGREE = Clocks(0, 1)
EVERY = [Clocks(lag, width) for lag in LAGS for width in WIDTHS]


class Said(NamedTuple):
    """What a bundle says of one neuron, beside what it fired, in bins of each recording (n,)."""

    rates: Sequence[np.ndarray]  # spikes/s
    counts: Sequence[np.ndarray]  # spikes

    @property
    def ratio(self) -> float:
        """Said over true mean rate; NaN of a neuron without spikes."""
        n_spikes = sum(count.sum() for count in self.counts)
        return float(BIN_S * sum(rate.sum() for rate in self.rates) / n_spikes or np.nan)


OfNeurons = Mapping[str, Sequence[Said]]  # by data set
Chosen = Mapping[str, Clocks]  # the same


def said_by(bundle: RateBundle, files: Mapping[str, Path], most: int) -> dict[str, list[Said]]:
    """Rates of so many neurons of each set at most."""
    found: dict[str, list[Said]] = {}
    for name, file in files.items():
        for neuron in islice(read_neurons(file), most):
            pairs = [pair for each in neuron.segments if (pair := inferred(bundle, each))]
            bins = [binned(rate / SAMPLES_PER_BIN, train) for rate, train in pairs]
            if bins:
                found.setdefault(name, []).append(Said(*zip(*bins, strict=True)))
        print(f"{name}: {len(found.get(name, ()))} neurons", flush=True)
    return found


def r_of(neuron: Said, clocks: Clocks) -> float:
    """Correlation in bins of 40 ms; NaN of a neuron without spikes, or without a rate."""
    return _pearson([clocks.rates(rate) for rate in neuron.rates], neuron.counts)


def scores(neuron: Said, clocks: Clocks, factor: float) -> tuple[float, ...]:
    """Each of the MEASURES; for the error rates are multiplied by a factor."""
    rates = [clocks.rates(rate) for rate in neuron.rates]
    expected, fired = (
        np.concatenate([gaussian_filter1d(each, SMOOTHING_S / BIN_S) for each in trains])
        for trains in ([factor * BIN_S * rate for rate in rates], neuron.counts)
    )
    off = np.abs(expected - fired).sum() / fired.sum() if fired.any() else np.nan
    return _pearson(rates, neuron.counts), _pearson([expected], [fired]), off


def _pearson(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float:
    a, b = np.concatenate(first), np.concatenate(second)
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) and np.ptp(b) else np.nan


def by_clocks(said: OfNeurons) -> dict[Clocks, dict[str, np.ndarray]]:
    """r of each set's neurons (G,) under every supposition."""
    return {
        clocks: {
            name: np.array([r_of(neuron, clocks) for neuron in of_set])
            for name, of_set in said.items()
        }
        for clocks in EVERY
    }


def best(found: Mapping[Clocks, OfSets], names: Sequence[str], among: Sequence[Clocks]) -> Clocks:
    """Those of the highest mean r over these sets, each counting alike."""
    return max(among, key=lambda clocks: np.mean([np.nanmean(found[clocks][n]) for n in names]))


def chosen_by_others(
    found: Mapping[Clocks, OfSets], may: Callable[[Clocks], bool] = lambda _: True
) -> dict[str, Clocks]:
    """Of each set those that are best on all the others."""
    names, among = list(found[AGREE]), [clocks for clocks in EVERY if may(clocks)]
    return {name: best(found, [other for other in names if other != name], among) for name in names}


def ways(found: Mapping[Clocks, OfSets]) -> dict[str, Chosen]:
    """By which clocks the rates of each set are told, by a name for it."""
    names = list(found[AGREE])
    on_time = [clocks for clocks in EVERY if clocks.width == 1]
    return {
        **{str(clocks): dict.fromkeys(names, clocks) for clocks in EVERY if not clocks.lag},
        "width by the other sets": chosen_by_others(found, lambda clocks: not clocks.lag),
        "lag by the other sets": chosen_by_others(found, lambda clocks: clocks.width == 1),
        "lag and width by the other sets": chosen_by_others(found),
        "lag by its own spikes": {name: best(found, [name], on_time) for name in names},
    }


def scored(said: OfNeurons, chosen: Chosen) -> list[OfSets]:
    """Of each of the MEASURES the scores of the neurons of each set (G,)."""
    ratios = {name: np.array([n.ratio for n in of_set]) for name, of_set in said.items()}
    factors = {
        name: middle_factor([of_set for other, of_set in ratios.items() if other != name])
        for name in ratios
    }
    table = {
        name: np.array([scores(neuron, chosen[name], factors[name]) for neuron in of_set])
        for name, of_set in said.items()
    }
    return [{name: of_set[:, at] for name, of_set in table.items()} for at in range(len(MEASURES))]


def table_of_ways(said: OfNeurons, found: Mapping[Clocks, OfSets]) -> Table:
    """Means over sets, and what each way has more than rates as they are."""
    of_ways = {way: scored(said, chosen) for way, chosen in ways(found).items()}
    plain = of_ways[str(AGREE)]
    rows = [
        (
            way,
            *(told(over_sets(each, s)) for each, s in zip(of_way, MEASURES.values(), strict=True)),
            *(
                told(difference(each, as_it_is, s))
                for each, as_it_is, s in zip(of_way, plain, MEASURES.values(), strict=True)
            ),
        )
        for way, of_way in of_ways.items()
    ]
    return ("clocks", *MEASURES, *(f"{name}, less as they are" for name in MEASURES)), rows


def table_of_sets(found: Mapping[Clocks, OfSets]) -> Table:
    """Set by set: r as it is, what the others choose, and its own best lag."""
    of_ways = ways(found)
    chosen, own = of_ways["lag and width by the other sets"], of_ways["lag by its own spikes"]
    rows = [
        (
            number_of(name),
            len(r),
            f"{np.nanmean(r):.3f}",
            str(chosen[name]),
            f"{np.nanmean(found[chosen[name]][name]):.3f}",
            f"{BIN_MS * own[name].lag:+d} ms",
            f"{np.nanmean(found[own[name]][name]):.3f}",
        )
        for name, r in found[AGREE].items()
    ]
    return (
        "set",
        "n",
        "r, 40 ms",
        "the others choose",
        "r so",
        "its own best lag",
        "r there",
    ), rows


def options() -> argparse.Namespace:
    parser = options_of(__doc__, "clocks")
    parser.add_argument("--data", type=Path, default=DATA, help="the ground truth's .npz")
    parser.add_argument("--bundle", type=Path, help="default: the one that comes with raphe")
    parser.add_argument("--most", type=int, default=10**6, help="neurons of each set")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    files = dataset_files(chosen.data)
    if not files:
        print(f"skipped: {chosen.data}: expected DS….npz, found none; pass --data")
        return
    bundle = RateBundle.open(chosen.bundle or shipped_bundle("calcium"), threads=1)
    said = said_by(bundle, files, chosen.most)
    found = by_clocks(said)
    trained = "the bundle that comes with raphe, which saw no recording"
    write_tables(
        chosen.output,
        "Clocks of imaging and electrode",
        f"`python benchmarks/clocks.py`, {chosen.bundle.name if chosen.bundle else trained}; "
        "ground truth of Rupprecht et al. 2021 and 2025; a neuron's recordings are scored as one, "
        f"{sum(map(len, said.values()))} neurons",
        {
            "Mean over sets; in brackets 95 % intervals of the bootstrap over sets and the neurons "
            "in them. For the error each set's rates are multiplied by what the others ask "
            "for.": table_of_ways(said, found),
            "## Set by set\n\nAbove 0 rates come later, as where imaging's clock is "
            "behind.": table_of_sets(found),
        },
    )


if __name__ == "__main__":
    main()
