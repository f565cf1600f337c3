"""Rates while frames come: how long a frame takes, and what a short delay costs.

    make bench ARGS=stream

The first table: frames of simulated neurons handed to `bundle.stream` one by one, at rest between
them, as a microscope would; how long each call takes, by the clock and of the processor, which
other programs on the machine do not add to. The second: neurons of the field's ground
truth as if their frames came now, beside what the whole trace tells later. The recordings are not
the project's to hand on: where they are absent the second table is left out.
"""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from calcium_sets import DATA, Segment, dataset_files, read_neurons
from machine import Table, options_of, write_tables

import raphe
from raphe.core.bundles.shipped import shipped_bundle
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.prediction.predictor import RatePredictor
from raphe.tasks.calcium.prediction.rate_stream import SEEN_S
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.stores.labelled import times_at_100_hz

FRAME_HZ = 30.0
NEURONS = (1, 100, 1000)
DELAYS_S = (0.0, 0.1, 0.2, 0.5)
FEWEST_SPIKES = 5  # of a recording that is replayed
MEASURES = ("correlation", "correlation_smoothed")


def latencies_ms(bundle: RatePredictor, n_neurons: int, n_frames: int) -> np.ndarray:
    """How long each of so many frames takes, once rates are said, and how much of the processor,
    all threads together: (2, n_frames)."""
    stream = bundle.stream(FRAME_HZ, n_neurons)
    rng = np.random.default_rng(0)
    stream.push(rng.normal(size=(n_neurons, round(stream.begins_s * FRAME_HZ))))
    taken = []
    for _ in range(n_frames):
        frame = rng.normal(size=n_neurons)
        begun = np.array([time.perf_counter(), time.process_time()])
        stream.push(frame)
        taken.append(1e3 * (np.array([time.perf_counter(), time.process_time()]) - begun))
        time.sleep(max(0.0, 1 / FRAME_HZ - taken[-1][0] / 1e3))
    return np.transpose(taken)


def latency_row(bundle: RatePredictor, n_neurons: int, n_frames: int) -> tuple[str, ...]:
    taken, of_processor = latencies_ms(bundle, n_neurons, n_frames)
    half, most = np.percentile(taken, [50, 99])
    keeps_up = "yes" if half < 1e3 / FRAME_HZ else f"at {1e3 / half:.2g} frames/s"
    used = np.median(of_processor)
    return f"{n_neurons}", f"{half:.1f}", f"{most:.1f}", f"{used:.1f}", keeps_up


def recordings(file: Path, n: int, seconds: float) -> list[Segment]:
    """The beginning of the first long recordings of a set that have spikes, n or fewer, of one
    frame rate."""
    chosen: list[Segment] = []
    for neuron in read_neurons(file):
        for segment in neuron.segments:
            n_frames = round(seconds * segment.rate_hz)
            spike_s = segment.spike_s[segment.spike_s < seconds]
            is_alike = not chosen or segment.rate_hz == chosen[0].rate_hz
            if len(segment.dff) >= n_frames and len(spike_s) > FEWEST_SPIKES and is_alike:
                chosen.append(Segment(segment.dff[:n_frames], segment.rate_hz, spike_s))
                break
        if len(chosen) == n:
            break
    return chosen


def said(bundle: RatePredictor, frames: np.ndarray, rate_hz: float, delay_s: float) -> np.ndarray:
    """What a stream says of frames (n, T), each at its own time: NaN where it says nothing."""
    stream = bundle.stream(rate_hz, len(frames), delay_s)
    at_once = max(1, round(rate_hz / FRAME_HZ))
    parts = [frames[:, begin : begin + at_once] for begin in range(0, frames.shape[1], at_once)]
    rates = np.concatenate([stream.push(part) for part in parts], axis=1)
    late = round(stream.delay_s * rate_hz)
    return np.pad(rates[:, late:], ((0, 0), (0, late)), constant_values=np.nan)


def replayed(
    bundle: RatePredictor, file: Path, n: int, seconds: float
) -> Iterator[tuple[float, dict[str, float]]]:
    """Of each recording at each delay what is reached; at NaN that of whole traces."""
    segments = recordings(file, n, seconds)
    if not segments:
        return
    rate_hz, frames = segments[0].rate_hz, np.stack([segment.dff for segment in segments])
    whole = bundle.predict(frames, rate_hz).rate_per_s
    rates = {delay_s: said(bundle, frames, rate_hz, delay_s) for delay_s in DELAYS_S}
    known = ~np.isnan([whole, *rates.values()]).any(axis=(0, 1))
    begin, end = np.flatnonzero(known)[[0, -1]]
    at_100_hz = np.arange(begin / rate_hz, (end + 1) / rate_hz, 1 / RATE_HZ)
    frame = np.minimum((at_100_hz * rate_hz).astype(int), end)
    for number, segment in enumerate(segments):
        spikes = times_at_100_hz(segment.spike_s - at_100_hz[0], len(at_100_hz)).astype(float)
        for delay_s, rate in (rates | {np.nan: whole}).items():
            reached = score([rate[number, frame]], [spikes])
            alike = np.corrcoef(rate[number, known], whole[number, known])[0, 1]
            yield delay_s, {name: reached[name] for name in MEASURES} | {"whole": alike}


def delay_rows(reached: Sequence[tuple[float, dict[str, float]]]) -> list[tuple[str, ...]]:
    """A row a delay, means over recordings."""
    rows = []
    for delay_s in (*DELAYS_S, np.nan):
        of_delay = [values for delay, values in reached if delay == delay_s or delay is delay_s]
        means = [np.nanmean([values[name] for values in of_delay]) for name in ("whole", *MEASURES)]
        name = "whole trace, later" if np.isnan(delay_s) else f"{1e3 * delay_s:.0f} ms"
        rows.append((name, f"{len(of_delay)}", *(f"{mean:.3f}" for mean in means)))
    return rows


def main() -> None:
    parser = options_of(__doc__, "stream")
    parser.add_argument("--bundle", type=Path, default=shipped_bundle("calcium"), metavar="DIR")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of DS….npz")
    parser.add_argument("--neurons", type=int, nargs="+", default=NEURONS)
    parser.add_argument("--frames", type=int, default=300, help="that are timed")
    parser.add_argument("--recordings", type=int, default=4, help="of each set")
    parser.add_argument("--seconds", type=float, default=70.0, help="of each recording")
    parser.add_argument("--threads", type=int, help="default: all that there are")
    options = parser.parse_args()
    bundle = raphe.load_bundle(options.bundle, options.threads)
    tables: dict[str, Table] = {
        f"Of a frame at {FRAME_HZ:g} frames/s, delay 200 ms": (
            ("neurons", "median, ms", "99th percentile, ms", "of the processor, ms", "keeps up"),
            [latency_row(bundle, n, options.frames) for n in options.neurons],
        )
    }
    files = dataset_files(options.data)
    reached = [
        row
        for file in files.values()
        for row in replayed(bundle, file, options.recordings, options.seconds)
    ]
    if reached:
        tables[f"What a delay costs: {len(files)} data sets of ground truth, replayed"] = (
            ("delay", "recordings", "r with the whole trace's rate", "r with spikes at 40 ms",
             "r, both smoothed over 0.2 s"),
            delay_rows(reached),
        )  # fmt: skip
    load = (
        f"; {os.getloadavg()[0]:.0f} processes wanted a core" if hasattr(os, "getloadavg") else ""
    )
    about = f"`bundle.stream`; the network is shown the last {SEEN_S:g} s of a neuron{load}"
    if reached:
        about += (
            f". Of recordings {options.seconds:g} s, of which the first {SEEN_S:g} have no rate; "
            f"of those faster than {1.5 * FRAME_HZ:g} frames/s so many frames are handed over at "
            f"once as come in {1e3 / FRAME_HZ:.0f} ms"
        )
    write_tables(options.output, "Rates while frames come", about, tables)


if __name__ == "__main__":
    main()
