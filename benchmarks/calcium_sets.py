"""Ground truth of calcium imaging: twenty data sets, who made them, and what others reach on them.

The recordings are those of CASCADE's database (Rupprecht et al. 2021, Nature Neuroscience 24:1324;
2025, bioRxiv 2025.03.03.641129; 2025, J Neurosci 45(18)), a file NAME.npz a set, which nobody but
their owners may hand on: they lie beside the project or are absent.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import REPOSITORY

from raphe.tasks.calcium.recordings.conditioning import Conditioning, standardised_noise
from raphe.tasks.calcium.stores.labelled import ImportReport, Labelling, ReadRecording
from raphe.tasks.calcium.stores.trace_store import LabelledRecording, write_traces

DATA = REPOSITORY.parent / "shared" / "data" / "calcium"
PEERS = "peers.csv"
LABORATORIES = {  # sets that share a laboratory; every other set is alone
    "DS04–DS07": ("DS04", "DS05", "DS06", "DS07"),
    "DS09, DS14, DS17": ("DS09", "DS14", "DS17"),
    "DS10, DS13": ("DS10", "DS13"),
    "DS24, DS26": ("DS24", "DS26"),
    "DS28–DS31": ("DS28", "DS29", "DS30", "DS31"),
}
CASCADE, ELEPHANT, OASIS, RAPHE = "CASCADE", "Elephant", "OASIS", "raphe 84b3b28"
TRAINED_ON = {  # by whom, at least in part
    CASCADE: {
        *("DS03", "DS04", "DS05", "DS06", "DS07", "DS09"),
        *("DS10", "DS13", "DS14", "DS17", "DS18", "DS20"),
    },
    ELEPHANT: {"DS09", "DS14", "DS17", "DS20"},
    OASIS: set(),
    RAPHE: {"DS17"},
}
MAD_OF_NORMAL = 0.6745  # median of |x| of a standard normal x


@dataclass(frozen=True)
class Segment:
    """One uninterrupted recording."""

    dff: np.ndarray  # (T,), in fractions
    rate_hz: float
    spike_s: np.ndarray  # (K,), after the first frame; frame i is at i / rate_hz


@dataclass(frozen=True)
class Neuron:
    """One neuron with all of its recordings."""

    dataset: str  # DS04-OGB1-zf-pDp
    name: str
    segments: tuple[Segment, ...]

    @property
    def noise_level(self) -> float:
        """CASCADE's standardised noise, the median over its segments, in % · s^½."""
        return float(np.median([standardised_noise(s.dff, s.rate_hz) for s in self.segments]))


def dataset_files(data: Path) -> dict[str, Path]:
    """The sets that are there, by name."""
    return {file.stem: file for file in sorted(data.glob("DS*.npz"))}


def number_of(dataset: str) -> str:
    """DS04 of DS04-OGB1-zf-pDp."""
    return dataset.partition("-")[0]


def indicator_of(dataset: str) -> str:
    """GCaMP6f of DS06-GCaMP6f-zf-aDp; of R-CaMP the hyphen is its own."""
    _, indicator, *rest = dataset.split("-")
    return f"{indicator}-{rest[0]}" if indicator == "R" else indicator


def laboratory_of(dataset: str) -> str:
    """Of DS05-… "DS04–DS07"; of a set that is alone its own number."""
    number = number_of(dataset)
    return next((name for name, sets in LABORATORIES.items() if number in sets), number)


GROUPS: dict[str, Callable[[str], str]] = {  # what is left out at once
    "set": number_of,
    "laboratory": laboratory_of,
    "indicator": indicator_of,
}


def read_neurons(file: Path) -> Iterator[Neuron]:
    """The neurons of a set."""
    with np.load(file) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    ends, spike_ends = values["start"], values["spike_start"]
    segments = [
        Segment(
            values["dff"][ends[s] : ends[s + 1]].astype(np.float64),
            float(values["rate"][s]),
            values["spike_time"][spike_ends[s] : spike_ends[s + 1]].astype(np.float64),
        )
        for s in range(len(values["rate"]))
    ]
    for index, name in enumerate(values["name"]):
        own = np.flatnonzero(values["neuron"] == index)
        yield Neuron(file.stem, str(name), tuple(segments[s] for s in own))


def labelled_recordings(file: Path, labelling: Labelling) -> Iterator[LabelledRecording]:
    """What `raphe import` makes of a set's segments: conditioned, at 100 Hz, grouped by neuron."""
    for neuron in read_neurons(file):
        cell = f"{neuron.dataset}/{neuron.name}"
        for number, segment in enumerate(neuron.segments):
            read = ReadRecording(
                f"{cell}/{number}",
                neuron.dataset,
                cell,
                segment.dff,
                segment.rate_hz,
                spike_s=segment.spike_s,
            )
            recording = labelling.labelled(read, Conditioning())
            if recording is not None:
                yield recording


def write_store(files: dict[str, Path], store: Path) -> ImportReport:
    """All sets as one store to train on."""
    report = ImportReport(store)
    labelling = Labelling(report)
    recordings = (
        recording for file in files.values() for recording in labelled_recordings(file, labelling)
    )
    write_traces(store, recordings, {"sources": {}})
    return report


def slower(segment: Segment, rate_hz: float) -> Segment | None:
    """As a slower microscope has it: each frame the mean of n, of which no other holds a part, so
    that its noise is its own; n such that the rate comes nearest to `rate_hz`.

    None where n would be 1, or less than two frames are left.
    """
    n = round(segment.rate_hz / rate_hz)
    n_frames = len(segment.dff) // n if n > 1 else 0
    if n_frames < 2:
        return None
    frames = segment.dff[: n_frames * n].reshape(-1, n).mean(axis=1)
    kept = segment.spike_s < n_frames * n / segment.rate_hz
    return Segment(frames, segment.rate_hz / n, segment.spike_s[kept])


def noisier(segment: Segment, level: float, rng: np.random.Generator) -> Segment | None:
    """With as much white noise as brings it to a noise level; None where it is noisier itself."""
    own = standardised_noise(segment.dff, segment.rate_hz)
    if own > level:
        return None
    noise = rng.normal(size=len(segment.dff))

    def with_noise(sd: float) -> np.ndarray:
        return segment.dff + sd * noise

    # Steps of white noise have √2 times its SD: enough alone, and so too much on top of others.
    low, high = 0.0, 2 * level / 100 * np.sqrt(segment.rate_hz) / (np.sqrt(2) * MAD_OF_NORMAL)
    for _ in range(30):
        middle = (low + high) / 2
        is_below = standardised_noise(with_noise(middle), segment.rate_hz) < level
        low, high = (middle, high) if is_below else (low, middle)
    return Segment(with_noise(low), segment.rate_hz, segment.spike_s)


def read_peers(data: Path) -> dict[tuple[str, str, str], dict[str, float]]:
    """What others reach, by method, set and neuron: the numbers of peers.csv."""
    with (data / PEERS).open(newline="") as file:
        return {
            (row.pop("method"), row.pop("dataset"), row.pop("neuron")): {
                name: float(value) if value else np.nan for name, value in row.items()
            }
            for row in csv.DictReader(file)
        }
