"""Every block of the README, run as it is written, in the order in which it stands.

A block that cannot be run has its reason in a comment above it: <!-- not run: … -->. What a reader
brings, recordings apart, is made here; RAPHE_SETTINGS, as the README tells, makes training short.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from paths import PROJECT
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate

BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+) -->\n)?^```(?P<language>sh|python)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
SHORT = (
    "trainer.max_epochs=1 tracking.system_metrics_every_s=null threads=1 baselines=false "
    "prepare.simulation.n_ser=10 prepare.simulation.n_nser=10 prepare.simulation.duration_s=5"
)
SHORT_CALCIUM = (
    "trainer.max_epochs=1 tracking.system_metrics_every_s=null threads=1 baselines=false "
    "model.members=1 model.channels=8 data.batches=2 data.batch_size=2 data.length=512 "
    "data.pretrain_epochs=1"
)
SHORT_GLIF = (
    "trainer.max_epochs=1 tracking.system_metrics_every_s=null threads=1 baselines=false "
    "model.n_samples=100 data.batches=4 data.batch_size=16 data.n_val=16 data.n_test=16 "
    "data.experiment.length_s=[0.5,0.6]"
)
SETTINGS = {
    "Spike rates from calcium traces": SHORT_CALCIUM,
    "Parameters of an integrate-and-fire neuron": SHORT_GLIF,
}
NOT_RUN = 10  # a block more has to be counted here


@dataclass(frozen=True)
class Block:
    section: str
    language: str
    text: str
    reason: str | None  # why it is not run


def blocks() -> list[Block]:
    sections = re.split(
        r"^## (.+)\n", (PROJECT / "README.md").read_text(encoding="utf-8"), flags=re.M
    )
    return [
        Block(title, match["language"], match["text"], match["reason"])
        for title, text in zip(sections[1::2], sections[2::2], strict=True)
        for match in BLOCK.finditer(text)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh one, with what a reader brings."""
    folder = tmp_path_factory.mktemp("readme")
    rng = np.random.default_rng(0)
    _write_units(folder, rng)
    _write_traces(folder, rng)
    _write_cell(folder, rng)
    return folder


def _write_units(folder: Path, rng: np.random.Generator) -> None:
    classes = np.repeat(["PV", "SST", "VIP"], 12)
    windows = rng.normal(0, 1, (36, 57)).cumsum(axis=1) + np.arange(57) * (classes == "PV")[:, None]
    np.save(folder / "waveforms.npy", windows.astype(np.float32))
    rows = [f"u{i},{label},m{i % 3},r{i % 6}" for i, label in enumerate(classes)]
    (folder / "units.csv").write_text("\n".join(["cell_id,label,animal,recording_group", *rows]))


def _write_traces(folder: Path, rng: np.random.Generator) -> None:
    """Three pairs of the challenge's files, and traces without spikes at 30 Hz."""
    (folder / "spikefinder").mkdir()
    decay = np.exp(-np.arange(100) / 50)
    for number in (1, 2, 3):
        spikes = rng.poisson(0.01, (3, 2000))
        calcium = [np.convolve(row, decay)[:2000] + 0.1 * rng.normal(size=2000) for row in spikes]
        for name, rows, form in (("calcium", calcium, "%.4f"), ("spikes", spikes, "%d")):
            file = folder / "spikefinder" / f"{number}.train.{name}.csv"
            np.savetxt(file, np.transpose(rows), form, ",", header="0,1,2", comments="")
    np.save(folder / "new.npy", rng.normal(1, 0.1, (2, 600)))


def _write_cell(folder: Path, rng: np.random.Generator) -> None:
    """A neuron that fires under a step, at 50 kHz, in V and A."""
    neuron = Neurons(
        1, capacitance_f=90e-12, resistance_ohm=200e6, threshold_v=28e-3, dead_time_s=4e-3
    )
    current = np.zeros(30_000)
    current[3000:] = 1.4 * 28e-3 / 200e6
    voltage = simulate(neuron, current, 1 / 50_000).voltage_v[0] - 0.072
    np.save(folder / "voltage.npy", voltage + 1e-4 * rng.normal(size=len(voltage)))
    np.save(folder / "current.npy", current)


def test_what_is_not_run_says_why_and_is_counted() -> None:
    assert sum(block.reason is not None for block in blocks()) == NOT_RUN
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    languages = re.findall(r"^```(\w+)$", text, re.M)
    assert set(languages) == {"sh", "python", "bat"}  # a command in another block is not run
    assert len(blocks()) == len(languages) - languages.count("bat")


@pytest.mark.ci
@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=f"{block.section}: {block.text.splitlines()[0]}")
        for block in blocks()
        if block.reason is None
    ],
)
def test_it_runs_as_written(block: Block, folder: Path) -> None:
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(binaries), os.environ["PATH"]]),
        "RAPHE_SETTINGS": SETTINGS.get(block.section, SHORT),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(PROJECT / "src"),
    }
    text = block.text
    if block.language == "python":
        text = text if "import raphe" in text else f"import raphe\n{text}"
        command = [sys.executable, "-c", text]
    else:
        command = ["bash", "-euo", "pipefail", "-c", text]
    answer = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1200
    )
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
