"""NWB 2 and 1.0: a channel and a pair of voltage and stimulus, all samples of their sweeps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from nwb_files import Entry, write_nwb, write_nwb1
from raphe.core.errors import RecordingError
from raphe.core.nwb.pairs import read_pair
from raphe.core.nwb.reader import read_nwb

N = 500


def seeds(folder: Path) -> Sequence[Path]:
    voltage = -0.07 + 1e-3 * np.random.default_rng(0).normal(size=N)
    current = np.full(N, 5e-11)
    times_s = np.arange(N) / 1e4 + 3.0 * (np.arange(N) >= 200)
    timed = {"rate": None, "timestamps": times_s}
    entries = [
        Entry("CurrentClampSeries", "v0", voltage, sweep=0),
        Entry("CurrentClampStimulusSeries", "i0", current, sweep=0, where="stimulus"),
        Entry("CurrentClampSeries", "v1", voltage, sweep=1, facts=timed),
    ]
    sites = Entry("ElectricalSeries", "es", np.ones((N, 2), np.int16), facts={
        "sites": [1, 0], "conversion": 1e-6, "channel_conversion": [0.2, 0.4],
    })  # fmt: skip
    row = {"response": "v0", "stimulus": "i0"}
    return (
        write_nwb(folder / "clamp.nwb", entries, [row], [[0]]),
        write_nwb(folder / "sites.nwb", [sites], n_sites=2),
        write_nwb1(folder / "one.nwb", {3: (voltage, current), 10: (voltage, None)}),
    )


def read(path: Path) -> int:
    held = 0
    for channel in ("acquisition/v1", "acquisition/es[1]", 0):
        try:
            held += sum(sweep.read().nbytes for sweep in read_nwb(path, channel).sweeps)
            break
        except RecordingError as error:
            refusal = error
    else:
        raise refusal
    if "es" not in str(channel):
        pair = read_pair(path)
        held += pair.voltage.sweeps[0].read().nbytes + pair.current.sweeps[0].read().nbytes
    return held


READER = Reader(".nwb", seeds, read, (RecordingError,))
