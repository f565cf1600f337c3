"""What `raphe demo` shows, made anew: a bundle of three networks and six simulated recordings.

python .ci/demo.py                 train, export, write both: some minutes
python .ci/demo.py --recordings    the recordings alone, for the bundle that is there
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.signal import butter, sosfilt

from raphe.core.abf.writer import write_abf
from raphe.demo.commands import BUNDLE, RECORDINGS
from raphe.tasks.celltype.recordings.labels import NOTE
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ
from raphe.tasks.celltype.synthetic.simulated_recordings import (
    CAVEAT,
    CHANNEL,
    Simulation,
    simulate_cell,
)

TRAINING = (  # of the simulation that conf/task/celltype.yaml describes: 100 cells a class
    "-m", "model.kernel=4,10,20", "threads=1", "baselines=false", "tracking.experiment=demo",
    "tracking.system_metrics_every_s=null",
)  # fmt: skip
# Another seed than training's. Half of its cells have the noise of days that training never saw.
CELLS = Simulation(n_ser=8, n_nser=8, days=4, duration_s=8.0, seed=2026)
PA_PER_BIT = 10_000 / 2**15  # an amplifier set to 1 mV/pA: files that compress to less than half


@dataclass(frozen=True)
class Recording:
    """A file of the demo: a cell of the simulation, and what was done to it."""

    name: str
    label: str
    index: int
    lasts_s: float = CELLS.duration_s
    low_pass_hz: float | None = None
    share_copied: float = 1.0

    def write(self, folder: Path) -> None:
        cell = simulate_cell(CELLS, self.label, self.index)
        samples = cell.samples[: round(self.lasts_s * RATE_HZ)]
        if self.low_pass_hz is not None:
            low_pass = butter(2, self.low_pass_hz, fs=RATE_HZ, output="sos")
            samples = sosfilt(low_pass, samples).astype(np.float32)
        path = write_abf(
            folder / f"{self.name}.abf",
            samples,
            RATE_HZ,
            "pA",
            channel_name=CHANNEL,
            scale_per_bit=PA_PER_BIT,
            date=cell.day.date,
        )
        whole = path.read_bytes()
        path.write_bytes(whole[: round(self.share_copied * len(whole))])


SHOWN = (
    Recording("1_simulated_SER", "SER", 0),
    Recording("2_simulated_NSER", "NSER", 2),
    Recording("3_between_the_classes", "SER", 1),
    Recording("4_few_spikes", "SER", 3, lasts_s=1.0),
    Recording("5_filtered_at_1_kHz", "SER", 0, low_pass_hz=1000.0),
    Recording("6_copied_in_part", "NSER", 4, share_copied=0.5),
)


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--recordings"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        make_bundle()
    make_recordings()
    return 0


def make_bundle() -> None:
    """In a folder without a name that matters: a bundle tells none of where it was made."""
    settings = os.environ | {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with TemporaryDirectory() as folder:
        for words in (("train", *TRAINING), ("export", "--members", "all", "--out", "bundle")):
            raphe = [sys.executable, "-m", "raphe", *words]
            subprocess.run(raphe, cwd=folder, env=settings, check=True)
        _replace(BUNDLE, Path(folder, "bundle"))


def make_recordings() -> None:
    with TemporaryDirectory() as folder:
        for recording in SHOWN:
            recording.write(Path(folder))
        Path(folder, NOTE).write_text(CAVEAT + "\n", encoding="utf-8")
        _replace(RECORDINGS, Path(folder))


def _replace(target: Path, made: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in sorted(made.iterdir()):
        shutil.copyfile(file, target / file.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
