"""A picture of the simulation beside what was read off the published figures."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import welch

from raphe.core.recordings.recording import Recording
from raphe.core.sentences import counted
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ
from raphe.tasks.celltype.synthetic.simulated_recordings import (
    CAVEAT,
    Simulation,
    simulate_cell,
    simulate_day,
)

REAL_SPIKE = "A140313#073_trigger_1007585.csv"
REAL_MASKS = "noise_masks.csv"
MASK_SAMPLES = 200  # 5 ms, as published
CELLS_SHOWN = 12
DAYS_SHOWN = 4
LAGS = 16
COLOURS = {"SER": "tab:blue", "NSER": "tab:orange"}
REAL = {"color": "black", "linewidth": 1.6}


def simulation_figure(simulation: Simulation, published: Path | None = None) -> Figure:
    """Spikes of both classes, and noise in time, spectrum and autocorrelation.

    `published` is a folder with the spike and the noise masks read off the published figures;
    they are drawn in black. Without it only the simulation is drawn.
    """
    figure = Figure(figsize=(12, 10), layout="constrained")
    (ser, nser), (trace, spectrum), (correlation, spikes) = figure.subplots(3, 2)
    for axes, label in ((ser, "SER"), (nser, "NSER")):
        _draw_spikes(axes, simulation, label)
    noises = [
        simulate_day(simulation, day).noise.synthesise(
            round(RATE_HZ), RATE_HZ, simulation.rng(2, day)
        )
        for day in range(min(DAYS_SHOWN, simulation.days))
    ]
    masks = _read_masks(published)
    _draw_traces(trace, noises, masks)
    _draw_spectra(spectrum, noises, masks)
    _draw_correlations(correlation, noises, masks)
    _draw_single_spikes(spikes, simulation)
    if published is not None:
        time_ms, current_pa = _read(published / REAL_SPIKE).T
        for axes in (ser, spikes):
            axes.plot(time_ms * 1000, current_pa, **REAL, label="published SER spike")
            axes.legend()
    figure.suptitle(CAVEAT, fontsize=10)
    return figure


def autocorrelation(samples: np.ndarray, lags: int = LAGS) -> np.ndarray:
    """Biased autocorrelation of (..., T) at lags 0 to `lags`: float64 (..., lags + 1)."""
    centred = samples - samples.mean(axis=-1, keepdims=True, dtype=np.float64)
    size = centred.shape[-1]
    products = [
        (centred[..., lag:] * centred[..., : size - lag]).sum(-1) for lag in range(lags + 1)
    ]
    return np.stack(products, axis=-1) / products[0][..., None]


def _cut(simulation: Simulation, label: str, index: int) -> np.ndarray:
    cell = simulate_cell(simulation, label, index)
    recording = Recording.from_array(cell.samples, RATE_HZ, "pA", cell.cell_id)
    return cut_spikes(recording, Cut()).waveforms


def _draw_spikes(axes: Axes, simulation: Simulation, label: str) -> None:
    count = min(CELLS_SHOWN, simulation.n_ser if label == CLASSES[0] else simulation.n_nser)
    for index in range(count):
        windows = _cut(simulation, label, index)  # (N, T)
        if len(windows):
            axes.plot(_time_ms(windows), windows.mean(0), color=COLOURS[label], linewidth=0.8)
    _label_axes(
        axes, f"{label}: mean spike of {counted('cell', count)}", "time (ms)", "current (pA)"
    )


def _draw_single_spikes(axes: Axes, simulation: Simulation) -> None:
    for label in CLASSES:
        for window in _cut(simulation, label, 0)[:1]:
            axes.plot(_time_ms(window), window, color=COLOURS[label], linewidth=0.9, label=label)
    axes.legend()
    _label_axes(axes, "one spike of each class", "time (ms)", "current (pA)")


def _draw_traces(axes: Axes, noises: list[np.ndarray], masks: np.ndarray) -> None:
    step_pa = 25.0
    shown = [*masks, *(noise[:MASK_SAMPLES] for noise in noises)]
    for row, samples in enumerate(shown):
        style = REAL if row < len(masks) else {"linewidth": 0.9}
        axes.plot(_time_ms(samples), samples - step_pa * row, **style)
    _label_axes(axes, "5 ms of noise, one line a day", "time (ms)", f"pA, {step_pa:g} pA apart")


def _draw_spectra(axes: Axes, noises: list[np.ndarray], masks: np.ndarray) -> None:
    for noise in noises:
        axes.loglog(*welch(noise, RATE_HZ, nperseg=4096), linewidth=0.9)
    for mask in masks:
        axes.loglog(*welch(mask, RATE_HZ, nperseg=100), **REAL)
    axes.set_xlim(5, RATE_HZ / 2)
    _label_axes(axes, "noise spectrum", "frequency (Hz)", "pA²/Hz")


def _draw_correlations(axes: Axes, noises: list[np.ndarray], masks: np.ndarray) -> None:
    lag_ms = np.arange(LAGS + 1) / RATE_HZ * 1000
    for noise in noises:
        pieces = noise[: len(noise) // MASK_SAMPLES * MASK_SAMPLES].reshape(-1, MASK_SAMPLES)
        axes.plot(lag_ms, autocorrelation(pieces).mean(0), linewidth=0.9)
    for mask in masks:
        axes.plot(lag_ms, autocorrelation(mask), **REAL)
    _label_axes(axes, "autocorrelation in pieces of 5 ms", "lag (ms)", "correlation")


def _read_masks(published: Path | None) -> np.ndarray:
    """The published noise masks: float64 (masks, T), none without the folder."""
    if published is None:
        return np.empty((0, MASK_SAMPLES))
    return _read(published / REAL_MASKS)[:, 1:].T


def _read(path: Path) -> np.ndarray:
    return np.genfromtxt(path, delimiter=",", skip_header=1)


def _time_ms(samples: np.ndarray) -> np.ndarray:
    return np.arange(samples.shape[-1]) / RATE_HZ * 1000


def _label_axes(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
