"""What the benchmarks of GLIF levels share: held-back cells, currents, noises, and one fit of each.

A case is a cell of one level under one current with one noise; what was found of it is a line of
JSON in a file that a later call goes on with.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import REPOSITORY
from scipy.signal import chirp, lfilter

from raphe.tasks.glif.features.level_fit import fit_levels
from raphe.tasks.glif.features.pooled_sweeps import pool_sweeps
from raphe.tasks.glif.metrics.predictive import respond
from raphe.tasks.glif.metrics.spike_trains import explained_variance
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, simulate
from raphe.tasks.glif.neurons.stimuli import pink_second
from raphe.tasks.glif.synthetic.fitted_cells import FittedCells, read_cells, split_by_specimen
from raphe.tasks.glif.synthetic.quantities import quantities, scaled, values_of
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

TABLE = REPOSITORY.parent / "shared" / "data" / "glif" / "glif_cells.csv"
HELD_OUT, SEED = 0.3, 42  # as task=glif divides the specimens
EPOCH_S, PAUSE_S, EPOCHS = 1.5, 1.0, (0.5, 1.0, 1.5)  # of pink noise: as Noise 1, shorter
LEAD_S = 0.1


def held_back(table: Path, level: int) -> FittedCells:
    return split_by_specimen(read_cells(table, level), 1 - HELD_OUT, SEED)[1]


# Currents, of height 1 in rheobases


def pink(rng: np.random.Generator) -> np.ndarray:
    second = pink_second(int(rng.integers(2**31)), SIMULATED_HZ)
    noise = np.resize(second, round(EPOCH_S * SIMULATED_HZ))
    pause = np.zeros(round(PAUSE_S * SIMULATED_HZ))
    return np.concatenate([part for m in EPOCHS for part in (m * (1 + 0.2 * noise), pause)])


def steps(rng: np.random.Generator) -> np.ndarray:
    heights = rng.permutation([-0.5, 0.5, 1.2, 1.6, 2.0])
    on, off = np.ones(round(0.7 * SIMULATED_HZ)), np.zeros(round(0.5 * SIMULATED_HZ))
    return np.concatenate([part for height in heights for part in (height * on, off)])


def ramps(rng: np.random.Generator) -> np.ndarray:
    rise = np.linspace(0, 1, round(1.6 * SIMULATED_HZ))
    pause = np.zeros(round(0.4 * SIMULATED_HZ))
    tops = rng.permutation([1.3, 1.8, 2.3])
    return np.concatenate([part for top in tops for part in (top * rise, pause)])


def chirps(rng: np.random.Generator) -> np.ndarray:
    time_s = np.arange(round(3 * SIMULATED_HZ)) / SIMULATED_HZ
    swings = [chirp(time_s, 0.5, 3, 40, phi=float(rng.uniform(0, 360))) for _ in range(2)]
    return np.concatenate([0.6 + 1.1 * swing for swing in swings])


STIMULI: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "pink noise": pink, "steps": steps, "ramps": ramps, "chirps": chirps,
}  # fmt: skip


# Noises, of a voltage in mV


def ornstein_uhlenbeck(n: int, sd_mv: float, tau_s: float, rng: np.random.Generator) -> np.ndarray:
    keep = np.exp(-1 / SIMULATED_HZ / tau_s)
    driven = rng.standard_normal(n) * sd_mv * np.sqrt(1 - keep**2)
    driven[0] = sd_mv * rng.standard_normal()
    return lfilter([1], [1, -keep], driven)


def white(n: int, rng: np.random.Generator, sd_mv: float = 0.05) -> np.ndarray:
    return sd_mv * rng.standard_normal(n)


def drift(n: int, rng: np.random.Generator) -> np.ndarray:
    line = rng.uniform(-2, 2) * np.linspace(0, 1, n)
    return line + ornstein_uhlenbeck(n, 0.5, 2.0, rng) + white(n, rng)


def hum(n: int, rng: np.random.Generator) -> np.ndarray:
    time_s = np.arange(n) / SIMULATED_HZ
    phase = rng.uniform(0, 2 * np.pi, 2)
    wave = np.sin(2 * np.pi * 50 * time_s + phase[0]) + 0.3 * np.sin(
        2 * np.pi * 150 * time_s + phase[1]
    )
    return 0.2 * wave + white(n, rng)


NOISES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "none": lambda n, rng: np.zeros(n),
    "white 0.15 mV": lambda n, rng: white(n, rng, 0.15),
    "OU 0.15 mV, 2 ms": lambda n, rng: ornstein_uhlenbeck(n, 0.15, 2e-3, rng) + white(n, rng),
    "OU 0.15 mV, 10 ms": lambda n, rng: ornstein_uhlenbeck(n, 0.15, 1e-2, rng) + white(n, rng),
    "OU 0.5 mV, 10 ms": lambda n, rng: ornstein_uhlenbeck(n, 0.5, 1e-2, rng) + white(n, rng),
    "drift": drift,
    "hum": hum,
}


@dataclass(frozen=True)
class Case:
    """One fit to be made."""

    level: int
    cell: int  # of the held-back ones
    stimulus: str
    noise: str

    @property
    def key(self) -> str:
        return f"{self.level}/{self.cell}/{self.stimulus}/{self.noise}"


def rheobase_a(neuron: Neurons) -> float:
    """The smallest step of 1 s that fires a neuron, to 5 %, whatever its threshold does."""
    base = float(abs(neuron.threshold_v[0]) / neuron.resistance_ohm[0])
    low, high = 0.3, 16.0
    shape = np.concatenate([np.zeros(400), np.ones(20_000)])
    while high / low > 1.05:
        middle = np.sqrt(low * high)
        response = simulate(neuron, middle * base * shape, 1 / SIMULATED_HZ, may_stop=True)
        low, high = (low, middle) if response.spike_count[0] else (middle, high)
    return high * base


def fit_case(case: Case, cells: FittedCells) -> dict[str, Any]:
    """Simulate, fit, and say how far off it is."""
    rng = np.random.default_rng([SEED, case.level, case.cell, *map(ord, case.key)])
    neuron, rest_v = cells.neurons[case.cell], cells.rest_v[case.cell]
    rheobase = rheobase_a(neuron)
    lead = np.zeros(round(LEAD_S * SIMULATED_HZ))

    def driven() -> np.ndarray:
        return np.concatenate([lead, rheobase * STIMULI[case.stimulus](rng)])

    current, other = driven(), driven()
    response = simulate(neuron, current, 1 / SIMULATED_HZ, may_stop=True)
    voltage_mv = 1e3 * (response.voltage_v[0] + rest_v)
    voltage_mv = voltage_mv + NOISES[case.noise](len(voltage_mv), rng)
    begun = time.process_time()
    sweeps = pool_sweeps([voltage_mv], [1e12 * current], SIMULATED_HZ)
    prior = typical_prior(case.level)
    (fit,) = fit_levels(sweeps, {case.level: prior}, int(rng.integers(2**31)))
    seconds = time.process_time() - begun
    truth = scaled(case.level, values_of(neuron, cells.rest_v[[case.cell]]))[0]
    draws = scaled(case.level, fit.samples)
    median = np.median(fit.samples, axis=0)
    theirs = simulate(neuron, other, 1 / SIMULATED_HZ, may_stop=True).spikes[0].time_s
    ours = respond(case.level, median[None], other[None])[0].spikes[0].time_s
    return {
        "key": case.key,
        "specimen": str(cells.specimen[case.cell]),
        "spikes": sweeps.n_spikes,
        "stopped": bool(response.stopped_at[0] >= 0),
        "truth": truth.tolist(),
        "median": np.median(draws, axis=0).tolist(),
        "below": (draws < truth).mean(axis=0).tolist(),
        "spread": (draws.std(axis=0) / prior.quantiles.std(axis=1)).tolist(),
        "not_told": list(fit.not_told),
        "apart": fit.threshold.apart,
        "explained": explained_variance(ours, theirs, len(other) / SIMULATED_HZ),
        "seconds": seconds,
    }


def run_cases(cases: Iterable[Case], table: Path, kept: Path, minutes: float) -> None:
    """Fit what is not in `kept` yet, for so long; each is written as it is done."""
    done = {record["key"] for record in read_cases(kept)}
    cells: dict[int, FittedCells] = {}
    begun = time.monotonic()
    kept.parent.mkdir(parents=True, exist_ok=True)
    for case in cases:
        if time.monotonic() - begun > 60 * minutes:
            print(f"{minutes:g} min are over; the same command goes on")
            return
        if case.level not in cells:
            cells[case.level] = held_back(table, case.level)
        if case.key in done or case.cell >= len(cells[case.level]):
            continue
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fit_case(case, cells[case.level])) + "\n")


def read_cases(kept: Path) -> list[dict[str, Any]]:
    if not kept.exists():
        return []
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def found_of(records: Iterable[Mapping[str, Any]], level: int) -> dict[str, dict[str, np.ndarray]]:
    """By quantity: truth, median, whether it was told, and where among the draws the truth is."""
    records = [record for record in records if not record["stopped"]]
    found = {}
    for column, quantity in enumerate(quantities(level)):
        told = np.array([quantity.noun not in record["not_told"] for record in records], bool)
        found[quantity.noun] = {"told": told} | {
            name: np.array([record[name][column] for record in records])
            for name in ("truth", "median", "below")
        }
    return found


def r_squared(truth: np.ndarray, median: np.ndarray) -> float:
    if len(truth) < 3:
        return float("nan")
    return float(1 - ((truth - median) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


def covered(below: np.ndarray, percent: int) -> float:
    """The share of central intervals that hold the truth."""
    return float((np.abs(below - 0.5) <= percent / 200).mean()) if len(below) else float("nan")
