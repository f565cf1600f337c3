"""A picture of the simulation beside what was read off the published figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from scipy.signal import welch

from raphe.core.errors import RecordingError
from raphe.core.figure_style import (
    GREY,
    INK,
    METHODS,
    SMALL_PT,
    TWO_COLUMNS_IN,
    LineStyle,
    PaperFigure,
    class_colour,
    house_style,
    letter,
)
from raphe.core.recordings.recording import Recording
from raphe.core.sentences import counted
from raphe.core.tables.numbers import read_numbers
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
DAYS_SHOWN = len(METHODS)
LAGS = 16
APART_PA = 25.0  # between one line of noise and the next
THIN = 0.8
REAL: LineStyle = {"color": INK, "linewidth": 1.4}
CUT = Cut()
SPIKE_LABELS = {"xlabel": "Time from crossing (ms)", "ylabel": "Current (pA)"}


@house_style()
def simulation_figure(simulation: Simulation, published: Path | None = None) -> PaperFigure:
    """Spikes of both classes, and noise in time, spectrum and autocorrelation.

    `published` is a folder with the spike and the noise masks read off the published figures;
    they are drawn in black. Without it only the simulation is drawn.
    """
    noises = [
        simulate_day(simulation, day).noise.synthesise(
            round(RATE_HZ), RATE_HZ, simulation.rng(2, day)
        )
        for day in range(min(DAYS_SHOWN, simulation.days))
    ]
    masks = _read_masks(published)
    figure = PaperFigure(TWO_COLUMNS_IN, 6.6, _caption(simulation, len(noises), len(masks)))
    (ser, nser), (spikes, trace), (correlation, spectrum) = figure.subplots(3, 2)
    for axes, label in ((ser, "SER"), (nser, "NSER")):
        _draw_spikes(axes, simulation, label)
    _draw_single_spikes(spikes, simulation)
    if published is not None:
        time_ms, current_pa = _read(published / REAL_SPIKE).T
        for axes in (ser, spikes):
            axes.plot(time_ms * 1000 - CUT.pre_ms, current_pa, **REAL, label="published SER spike")
            axes.legend(loc="lower right")
    nser.sharey(ser)
    spikes.sharey(ser)
    _draw_traces(trace, noises, masks)
    _draw_spectra(spectrum, noises, masks)
    _draw_correlations(correlation, noises, masks)
    letter((ser, nser, spikes, trace, correlation, spectrum))
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
    return cut_spikes(recording, CUT).waveforms


def _draw_spikes(axes: Axes, simulation: Simulation, label: str) -> None:
    n_cells = _n_cells(simulation, label)
    count = min(CELLS_SHOWN, n_cells)
    for index in range(count):
        windows = _cut(simulation, label, index)  # (N, T)
        if len(windows):
            axes.plot(_window_ms(windows), windows.mean(0), color=_colour(label), lw=THIN)
    of_all = f" of {n_cells}" if count < n_cells else ""
    title = f"Mean spikes of {counted(f'{label} cell', count)}{of_all}"
    axes.set(title=title, **SPIKE_LABELS)


def _n_cells(simulation: Simulation, label: str) -> int:
    return simulation.n_ser if label == CLASSES[0] else simulation.n_nser


def _draw_single_spikes(axes: Axes, simulation: Simulation) -> None:
    for label in CLASSES:
        for window in _cut(simulation, label, 0)[:1]:
            axes.plot(_window_ms(window), window, color=_colour(label), lw=1, label=label)
    axes.legend(loc="lower right")
    axes.set(title="One spike of each class", **SPIKE_LABELS)


def _draw_traces(axes: Axes, noises: Sequence[np.ndarray], masks: np.ndarray) -> None:
    shown = [*masks, *(noise[:MASK_SAMPLES] for noise in noises)]
    names = [f"Mask {mask + 1}" for mask in range(len(masks))]
    names += [f"Day {day + 1}" for day in range(len(noises))]
    for row, samples in enumerate(shown):
        style = REAL if row < len(masks) else _of_day(row - len(masks))
        axes.plot(_time_ms(samples), samples - APART_PA * row, **style)
    axes.set_yticks([-APART_PA * row for row in range(len(shown))], names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    end_ms = 1.02 * _time_ms(shown[0])[-1]
    axes.plot([end_ms, end_ms], [-APART_PA, 0], color=GREY, lw=2, solid_capstyle="butt")
    axes.annotate(
        f"{APART_PA:g} pA", (end_ms, -APART_PA / 2), (3, 0), textcoords="offset points",
        rotation=90, va="center", fontsize=SMALL_PT,
    )  # fmt: skip
    axes.set(title="5 ms of noise", xlabel="Time (ms)")


def _draw_spectra(axes: Axes, noises: Sequence[np.ndarray], masks: np.ndarray) -> None:
    for day, noise in enumerate(noises):
        axes.loglog(*welch(noise, RATE_HZ, nperseg=4096), **_of_day(day))
    for mask in masks:
        axes.loglog(*welch(mask, RATE_HZ, nperseg=100), **REAL)
    axes.set(
        title="Spectrum of the noise", xlabel="Frequency (Hz)", xlim=(5, RATE_HZ / 2),
        ylabel="Power density (pA²/Hz)",
    )  # fmt: skip


def _draw_correlations(axes: Axes, noises: Sequence[np.ndarray], masks: np.ndarray) -> None:
    lag_ms = np.arange(LAGS + 1) / RATE_HZ * 1000
    for day, noise in enumerate(noises):
        pieces = noise[: len(noise) // MASK_SAMPLES * MASK_SAMPLES].reshape(-1, MASK_SAMPLES)
        mean = autocorrelation(pieces).mean(0)
        axes.plot(lag_ms, mean, **_of_day(day), label=f"day {day + 1}")
    for number, mask in enumerate(masks):
        label = None if number else "published masks"
        axes.plot(lag_ms, autocorrelation(mask), **REAL, label=label)
    axes.legend()
    axes.set(title="Autocorrelation of the noise", xlabel="Lag (ms)", ylabel="Correlation")


def _caption(simulation: Simulation, n_days: int, n_masks: int) -> str:
    is_cut = any(_n_cells(simulation, label) > CELLS_SHOWN for label in CLASSES)
    first = f" that is drawn, at most the first {CELLS_SHOWN} of each class" if is_cut else ""
    sentences = [
        "Simulated loose-seal recordings.",
        f"a, b: mean spike of each cell{first}; c: single spikes; all on one scale of current.",
        f"d: noise without a spike on {counted('day', n_days)} of {simulation.days}; e: its "
        "autocorrelation in pieces of 5 ms; f: its spectrum, Welch's method over one second.",
        *(["Black: what was read off the published figures."] if n_masks else []),
        CAVEAT,
    ]
    return " ".join(sentences)


def _of_day(day: int) -> LineStyle:
    return {"color": METHODS[day], "linewidth": THIN}


def _colour(label: str) -> str:
    return class_colour(CLASSES.index(label))


def _read_masks(published: Path | None) -> np.ndarray:
    """The published noise masks: float64 (masks, T), none without the folder."""
    if published is None:
        return np.empty((0, MASK_SAMPLES))
    return _read(published / REAL_MASKS)[:, 1:].T


def _read(path: Path) -> np.ndarray:
    return read_numbers(path, RecordingError).values


def _time_ms(samples: np.ndarray) -> np.ndarray:
    return np.arange(samples.shape[-1]) / RATE_HZ * 1000


def _window_ms(windows: np.ndarray) -> np.ndarray:
    return _time_ms(windows) - CUT.pre_ms
